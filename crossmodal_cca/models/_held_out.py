"""Correlations and residuals of linear solutions on held-out rows, from their moments or from the rows.

Solutions are in standardised coordinates of the training rows, with nested components: the first k form the
solution with k.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._typing import FloatArray
from ..linalg._products import product
from ..linalg._solution import NestedSolution, paired_correlations, score_correlations
from ..rows._moments import PairMoments
from ..rows._stored import PairedRows
from ._pair import StandardizedPair, scaled_covariances


class Residuals(NamedTuple):
    """Residuals of predictions of y from the first 0, 1, … k components, for each standardised feature of y.

    Their `variance` (k + 1, q) and `mean` (k + 1, q), the variance of y, `total` (q,), the variance up to which it is
    rounding, `still` (q,), and the divisor of each feature, `scale` (q,).
    """

    variance: FloatArray
    mean: FloatArray
    total: FloatArray
    still: FloatArray
    scale: FloatArray


class HeldOutMoments:
    """Held-out rows of which only the moments are known."""

    def __init__(self, pair: StandardizedPair, moments: PairMoments) -> None:
        # A feature constant in training has no weight in x, but may vary here as a target in y.
        ux, uy = np.where(pair.x.constant, 0.0, 1.0 / pair.x.scale), 1.0 / pair.y.scale
        self.S = scaled_covariances(moments, ux, uy, moments.weight_sum)
        self.mean_x, self.mean_y = (moments.mean_x - pair.x.mean) * ux, (moments.mean_y - pair.y.mean) * uy
        self._still, self._scale = _rounding(moments.mean_y * uy), pair.y.scale

    def correlations(self, s: NestedSolution) -> FloatArray:
        """Correlation of each pair of scores, 0 where one does not vary."""
        return score_correlations(self.S, s.x_rotations, s.y_rotations)

    def residuals(self, s: NestedSolution) -> Residuals:
        """Compute the residuals of predictions from moments."""
        W, B = s.x_rotations, s.y_effects
        G, C = product(W.T, product(self.S.xx, W)), product(W.T, self.S.xy)
        # Each component adds its own square and its products with those before.
        added = B * (2 * product(np.tril(G, -1), B) + np.diagonal(G)[:, None] * B - 2 * C)
        total = np.diagonal(self.S.yy)
        explained = _from_zero(np.cumsum(added, axis=0))
        mean = self.mean_y - _from_zero(np.cumsum((self.mean_x @ W)[:, None] * B, axis=0))
        return Residuals(np.maximum(total + explained, 0.0), mean, total, self._still, self._scale)


class HeldOutRows:
    """Held-out rows, kept for retrieval scores and for wide sides, whose solutions are in row-space coordinates."""

    def __init__(self, pair: StandardizedPair, rows: PairedRows, positions: FloatArray) -> None:
        self.pair = pair
        x, y = rows.X.dense(positions, np.float64, "X"), rows.y.dense(positions, np.float64, "y")
        self.x, self.y = pair.x.coordinates(x), pair.y.coordinates(y)
        self.features_y = (y - pair.y.mean) / pair.y.scale
        self._still = _rounding(y.mean(axis=0) / pair.y.scale)
        weight = np.ones(len(x)) if rows.sample_weight is None else rows.sample_weight[positions]
        self.weight = weight / weight.sum()

    def scores(self, s: NestedSolution) -> tuple[FloatArray, FloatArray]:
        """Compute the scores of both sides."""
        return product(self.x, s.x_rotations), product(self.y, s.y_rotations)

    def correlations(self, s: NestedSolution) -> FloatArray:
        """Correlation of each pair of scores, 0 where one does not vary."""
        return paired_correlations(*self.scores(s), self.weight)

    def residuals(self, s: NestedSolution) -> Residuals:
        """Compute the residuals of predictions, component by component."""
        T, B = product(self.x, s.x_rotations), self.pair.y.to_features(s.y_effects.T).T
        left = self.features_y.copy()
        variance, mean = np.empty((2, len(B) + 1, left.shape[1]))
        for j in range(len(B) + 1):
            if j > 0:
                left -= np.outer(T[:, j - 1], B[j - 1])
            mean[j] = self.weight @ left
            variance[j] = self.weight @ (left - mean[j]) ** 2
        return Residuals(variance, mean, variance[0], self._still, self.pair.y.scale)


def _from_zero(sums: FloatArray) -> FloatArray:
    """Prepend a row of zeros, the sum over no component, to running sums (k, q)."""
    return np.vstack([np.zeros((1, sums.shape[1])), sums])


def _rounding(mean: FloatArray) -> FloatArray:
    """Return the variance due to rounding of a feature with this mean."""
    return np.asarray((100 * np.finfo(np.float64).eps * mean) ** 2)
