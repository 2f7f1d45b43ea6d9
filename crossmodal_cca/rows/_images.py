"""Products of the covariances of standardised rows with a few directions, without forming a covariance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._typing import FloatArray
from ..linalg._merging import Merge
from ..linalg._randomized import Images
from ._blocks import row_slices
from ._centred_rows import CentredRows
from ._stored import RowsAtHand


def mean_and_squares(A: RowsAtHand, w: FloatArray, name: str) -> tuple[FloatArray, FloatArray]:
    """Compute the mean of the rows and the sum of squares about it, both (p,), in one pass over the rows."""
    total, mean, squares = 0.0, np.zeros(A.n_features), np.zeros(A.n_features)
    for part in row_slices(A.n_rows):
        block, merge = CentredRows.read(A, part, w, None, name), Merge.of(total, float(w[part].sum()))
        squares += block.sum_of_squares() + merge.between * (block.mean - mean) ** 2
        total, mean = merge.weight, merge.mean(mean, block.mean)
    return mean, squares


@dataclass(frozen=True, eq=False)
class UnitRows:
    """Standardised rows of one side, (row − mean) · units; sparse rows stay sparse."""

    rows: RowsAtHand
    w: FloatArray
    mean: FloatArray
    units: FloatArray
    name: str

    def block(self, part: slice) -> CentredRows:
        """Return some of the rows, centred and times √w, before the units are applied."""
        return CentredRows.read(self.rows, part, self.w, self.mean, self.name)


def images_of(x: UnitRows, y: UnitRows, divisor: float, Vx: FloatArray, Vy: FloatArray) -> Images:
    """Compute the images of directions over the standardised features, in one pass over the rows of both sides."""
    W = x.units[:, None] * Vx, y.units[:, None] * Vy
    sums = [np.zeros((len(V), Vx.shape[1] + Vy.shape[1])) for V in (Vx, Vy)]
    for part in row_slices(len(x.w)):
        blocks = x.block(part), y.block(part)
        Z = np.hstack([block.times(Wi) for block, Wi in zip(blocks, W, strict=True)])
        for total, block in zip(sums, blocks, strict=True):
            total += block.transposed_times(Z)
    for total, side in zip(sums, (x, y), strict=True):
        total *= side.units[:, None] / divisor
    (xx, xy), (yx, yy) = (np.hsplit(total, [Vx.shape[1]]) for total in sums)
    return Images(xx, yx, xy, yy)
