"""The fitted model of kernel methods: maps from rows of both modalities to scores, in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from .._schemas import State, saved
from .._typing import FloatArray
from ..kernels._embedding import KernelEmbedding
from ..kernels._features import FeatureMoments
from ..kernels._maps import Map
from ._linear_model import predictions
from ._value import Value


@saved()
@dataclass(frozen=True, eq=False)
class KernelSide(Value):
    """One modality in a shared space of k components.

    Rows have `n_features` and `names`, if known. Scores are multiplied by `score_weights` (k,), the singular values to
    the power. `mean` (p,) and `effects` (k, p) predict the p features from the other modality's scores; they are None
    for a precomputed kernel, whose features are unknown.
    """

    embedding: KernelEmbedding
    score_weights: FloatArray
    n_features: int
    names: NDArray[Any] | None
    mean: FloatArray | None
    effects: FloatArray | None

    @property
    def rotations(self) -> FloatArray:
        """Weights of the kernel values, or of the map's features, in the scores, power included."""
        return self.embedding.rotations * self.score_weights

    def scores(self, rows: NDArray[Any], *, weighted: bool = True) -> FloatArray:
        """Compute scores (n, k) of checked rows; without the power if not `weighted`."""
        scores = self.embedding.scores(rows)
        if weighted:
            scores *= self.score_weights
        return scores

    def predicted(self, scores: FloatArray) -> FloatArray:
        """Predict features (n, p) from the other side's scores (n, k) without the power."""
        assert self.effects is not None
        assert self.mean is not None
        return predictions(scores, self.effects, self.mean)


@saved()
@dataclass(frozen=True, eq=False)
class Stream:
    """State of a stream of batches: the maps to features, the moments so far, and the parameters that are fixed."""

    maps: tuple[Map, Map]
    moments: FeatureMoments
    settled: dict[str, Any]


@saved()
@dataclass(frozen=True, eq=False)
class KernelModel(Value):
    """Two modalities in a shared space through kernels.

    A model on features has a `stream`, from which `partial_fit` continues, unless it was `left_out` of the file.
    """

    x: KernelSide
    y: KernelSide
    correlations: FloatArray
    singular_values: FloatArray
    trace_left_out: tuple[float, float] | None
    n_samples_seen: int
    y_is_1d: bool
    stream: Stream | None
    left_out: bool = False

    def _to_file(self, state: State, *, moments: bool) -> State:
        return state if moments or self.stream is None else state | {"stream": None, "left_out": True}

    @property
    def n_components(self) -> int:
        """Number of components."""
        return len(self.singular_values)

    @property
    def gamma(self) -> tuple[float | None, float | None]:
        """Widths of both kernels; None for a kernel without a width."""
        return self.x.embedding.kernel.params.get("gamma"), self.y.embedding.kernel.params.get("gamma")
