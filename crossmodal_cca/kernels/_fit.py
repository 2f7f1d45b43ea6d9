"""Fit of kernel models: with both kernels of all rows, or on features that approximate them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator, RandomState
from numpy.typing import NDArray

from .._checks import check_random_state
from ..linalg._products import refuse_overflow
from ..models._kernel_model import KernelModel, KernelSide, Stream
from ..rows._row_moments import RowMoments
from ..rows._stored import PairedRows
from ._centred import centre
from ._embedding import EmbeddedPair, KernelEmbedding, row_moments
from ._exact import solve_kernel_cca
from ._features import FeatureMoments, FeatureSolution, embedded_by_features, feature_moments, solve_features
from ._kernel import Kernel, kernel_matrix
from ._maps import KernelMap, Map
from ._settings import Sides
from ._single_features import solve_in_single

Kernels = tuple[Kernel, Kernel]


def fit_kernels(
    rows: PairedRows,
    sides: Sides,
    k: int | None,
    power: float,
    random_state: int | RandomState | Generator | None,
    settled: dict[str, Any] | None = None,
    *,
    allow_fewer: bool = False,
) -> KernelModel:
    """Fit a model of k components to checked rows; of fewer with `allow_fewer`, if there are no more.

    `settled` are the parameters that a stream of batches may not change; None without a stream.
    """
    base = _Base.of_rows(rows, sides, random_state)
    if base.maps is None:
        pair = embedded_by_kernels(rows, base.kernels, _ridges(sides), k)
        return base.model(pair, k, power, possible=max(pair.n_components, rows.n_rows - 1 if allow_fewer else 0))
    found = None
    # Further batches would be added in double precision.
    if any(side.waits_for_rows for side in sides):
        found = solve_in_single(rows, base.kernels, base.maps, _ridges(sides), k)
    moments, solution = found or (
        feature_moments(rows, base.kernels, base.maps, regularization=_ridges(sides)),
        None,
    )
    return base.model_of_features(moments, sides, k, power, settled, solution, allow_fewer=allow_fewer)


def with_further_rows(model: KernelModel, rows: PairedRows, sides: Sides, k: int | None, power: float) -> KernelModel:
    """Fit a model to the rows seen so far and further ones; it may have fewer components than k."""
    base, stream = _Base.of_model(model), model.stream
    assert stream is not None
    moments = stream.moments + feature_moments(rows, base.kernels, stream.maps, regularization=_ridges(sides))
    return base.model_of_features(moments, sides, k, power, stream.settled, allow_fewer=True)


@dataclass(frozen=True, eq=False)
class _Base:
    """The parts that the first rows determine: kernels, maps to features (if any), numbers of features, and names."""

    kernels: Kernels
    maps: tuple[Map, Map] | None
    n_features: tuple[int, int]
    names: tuple[NDArray[Any] | None, NDArray[Any] | None]
    y_is_1d: bool

    @classmethod
    def of_rows(cls, rows: PairedRows, sides: Sides, random_state: int | RandomState | Generator | None) -> _Base:
        (X, Y), (x, y) = rows[:2], sides
        kx, ky = x.kernel_of(X), y.kernel_of(Y)
        maps = None
        if x.approximation is not None:
            rng = check_random_state(random_state)
            maps = x.map_of(kx, X, rng), y.map_of(ky, Y, rng)
        return cls((kx, ky), maps, (X.shape[1], Y.shape[1]), (rows.x_names, rows.y_names), rows.y_is_1d)

    @classmethod
    def of_model(cls, model: KernelModel) -> _Base:
        x, y = model.x, model.y
        kernels, maps = (x.embedding.kernel, y.embedding.kernel), None if model.stream is None else model.stream.maps
        return cls(kernels, maps, (x.n_features, y.n_features), (x.names, y.names), model.y_is_1d)

    def model_of_features(
        self,
        moments: FeatureMoments,
        sides: Sides,
        k: int | None,
        power: float,
        settled: dict[str, Any] | None,
        solution: FeatureSolution | None = None,
        *,
        allow_fewer: bool,
    ) -> KernelModel:
        assert self.maps is not None
        refuse_overflow(moments.traces)
        pair = embedded_by_features(
            moments, self.kernels, self.maps, solution or solve_features(moments.pair, _ridges(sides), k)
        )
        possible = min(features.n_features for features in self.maps) if allow_fewer else 0
        left_out = np.maximum(0.0, 1.0 - moments.kept / moments.traces).tolist()
        return self.model(
            *(pair, k, power),
            possible=max(pair.n_components, possible),
            trace_left_out=tuple(left_out) if sides[0].approximation == "nystroem" else None,
            stream=None if settled is None else Stream(self.maps, moments, settled),
        )

    def model(
        self,
        pair: EmbeddedPair,
        k: int | None,
        power: float,
        *,
        possible: int,
        trace_left_out: tuple[float, float] | None = None,
        stream: Stream | None = None,
    ) -> KernelModel:
        """Build the model of an embedding; raise an error if fewer than k components are `possible`."""
        if possible < (k or 1):
            excess = f"n_components={k} is more than the {possible} possible"
            raise ValueError(
                f"{excess if possible else 'No component is possible'}: with n_samples={pair.n_rows}, the kernels of X "
                f"and y share {pair.n_components} direction(s). Lower n_components, leave it at None for as many as "
                "possible, or add rows (and landmarks) that vary."
            )
        weights = pair.singular_values**power

        def side(embedding: KernelEmbedding, own: RowMoments | None, i: int) -> KernelSide:
            mean, effects = (None, None) if own is None else (own.mean_b, own.effects)
            return KernelSide(embedding, weights, self.n_features[i], self.names[i], mean, effects)

        return KernelModel(
            side(pair.x, pair.to_x, 0),
            side(pair.y, pair.to_y, 1),
            pair.correlations,
            pair.singular_values,
            trace_left_out=trace_left_out,
            n_samples_seen=pair.n_rows,
            y_is_1d=self.y_is_1d,
            stream=stream,
        )


def embedded_by_kernels(
    rows: PairedRows, kernels: Kernels, regularization: tuple[float, float], k: int | None
) -> EmbeddedPair:
    """Solve with both kernels and return both embeddings, of fewer than k components if need be."""
    kx, ky = kernels
    n = len(rows.X)
    Kx, Ky = kernel_matrix(kx, rows.X), kernel_matrix(ky, rows.y)
    mean_x, mean_y = centre(Kx, kx.name), centre(Ky, ky.name)
    solution = solve_kernel_cca(Kx, Ky, regularization, k, (kx.row.is_definite, ky.row.is_definite))
    # Rotations of a centred kernel sum to zero up to rounding, and kernel values of a new row are not centred over
    # the training rows: the rest of the sum would reach its score, much enlarged for a weak component.
    Wx, Wy = (W - W.mean(axis=0) for W in (solution.x_rotations, solution.y_rotations))
    pair = EmbeddedPair(
        KernelEmbedding.folded(kx, KernelMap(kx, kx.all_rows(rows.X)), Wx, mean_x),
        KernelEmbedding.folded(ky, KernelMap(ky, ky.all_rows(rows.y)), Wy, mean_y),
        solution.singular_values,
        solution.correlations,
        row_moments(solution.x_scores, rows.y, ky),
        row_moments(solution.y_scores, rows.X, kx),
        n,
    )
    squares = (np.einsum("ij,ij->j", scores, scores) for scores in (solution.x_scores, solution.y_scores))
    return pair.with_definite_signs(*squares)


def _ridges(sides: Sides) -> tuple[float, float]:
    """Return the ridge of each side relative to the trace of its kernel."""
    return float(sides[0].regularization), float(sides[1].regularization)
