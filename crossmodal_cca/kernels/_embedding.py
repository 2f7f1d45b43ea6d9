"""Maps from rows of two modalities to the shared space of their kernels, and signs and moments of the scores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._schemas import saved
from .._typing import FloatArray
from ..linalg._products import product
from ..linalg._solution import definite_signs
from ..models._value import Value
from ..rows._blocks import float_dtype, row_slices
from ..rows._row_moments import RowMoments
from ._kernel import Kernel, block_rows
from ._maps import KernelMap, Map

# Correlation of scores and a feature below which they count as unrelated (rounding, or symmetric rows).
UNRELATED = 1e-6


@saved()
@dataclass(frozen=True, eq=False)
class KernelEmbedding(Value):
    """Map of one side into the shared space: scores are map(row) @ rotations − offset."""

    kernel: Kernel
    map: Map
    rotations: FloatArray
    offset: FloatArray

    @classmethod
    def folded(cls, kernel: Kernel, features: Map, W: FloatArray, mean: FloatArray) -> KernelEmbedding:
        """Build the embedding with weights W on features of this mean; a projection is merged into the rotations."""
        offset = mean @ W
        if isinstance(features, KernelMap) and features.projection is not None:
            W = product(features.projection, W)
            features = features.uncombined
        return cls(kernel, features, W, offset)

    def flipped(self, signs: FloatArray) -> KernelEmbedding:
        """Return the embedding with scores times signs."""
        return replace(self, rotations=self.rotations * signs, offset=self.offset * signs)

    def scores(self, rows: NDArray[Any]) -> FloatArray:
        """Compute scores (n, k), a block of rows at a time, in the rows' own floating type."""
        scores = np.empty((len(rows), len(self.offset)), float_dtype(rows))
        for part in row_slices(len(rows), block_rows(self.map.n_features, rows.shape[1])):
            F = self.map(self.kernel.read(rows, part))
            scores[part] = product(F, self.rotations) - self.offset
        return scores


@dataclass(frozen=True, eq=False)
class EmbeddedPair:
    """Both embeddings, without power, with moments of one side's scores and the other side's rows (`to_y`, `to_x`).

    Moments are None if the other side is a precomputed kernel, whose rows are unknown.
    """

    x: KernelEmbedding
    y: KernelEmbedding
    singular_values: FloatArray
    correlations: FloatArray
    to_y: RowMoments | None
    to_x: RowMoments | None
    n_rows: int

    @property
    def n_components(self) -> int:
        """Number of components."""
        return len(self.singular_values)

    def with_definite_signs(self, x_squares: FloatArray, y_squares: FloatArray) -> EmbeddedPair:
        """Make the strongest correlation of each component with a feature positive, flipping both sides together.

        Features of x are correlated with the y-scores, those of y with the x-scores, whose squares over the training
        rows (k,) are passed; the first of equally strong ones decides. Weights of a kernel's features cannot decide,
        since these have arbitrary signs themselves. If no feature correlates, the largest x-rotation is positive.
        """
        sides = (self.to_x, y_squares), (self.to_y, x_squares)
        R = np.vstack([np.zeros((1, self.n_components)), *(m.correlations(sq) for m, sq in sides if m is not None)])
        related = np.abs(R).max(axis=0) > UNRELATED
        signs = np.where(related, definite_signs(R), definite_signs(self.x.rotations))
        to_y, to_x = (None if m is None else m.flipped(signs) for m in (self.to_y, self.to_x))
        return replace(self, x=self.x.flipped(signs), y=self.y.flipped(signs), to_y=to_y, to_x=to_x)


def row_moments(scores: FloatArray, rows: NDArray[Any], kernel: Kernel) -> RowMoments | None:
    """Compute moments of one side's scores with the other side's rows; None for a precomputed kernel."""
    if kernel.is_precomputed:
        return None
    return reduce(add, (RowMoments.of_rows(scores[part], kernel.read(rows, part)) for part in row_slices(len(rows))))
