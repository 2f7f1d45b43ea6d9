"""Solutions of linear models: weights, rotations, loadings and prediction maps, in standardised coordinates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from .._typing import FloatArray
from ._merging import Merge
from ._products import Covariances, product, refuse_overflow, scaled
from ._whitening import unit_diagonal

# Largest relative difference of entries that count as equally large.
TIED = 1e-6
# Magnitude from which products in single precision may overflow, or its inverse, underflow.
FAR = 1e30
# Spread of scores, relative to their size, up to which it is rounding of their products.
STILL = 1e-12


class NestedSolution(NamedTuple):
    """Parts of a solution for scores and predictions of y: rotations, effects (k, q) and singular values (k,)."""

    x_rotations: FloatArray
    y_rotations: FloatArray
    y_effects: FloatArray
    singular_values: FloatArray


class SolvedSide(NamedTuple):
    """One side of p features in a shared space of k components: weights, rotations and loadings (p, k), effects (k, p).

    Scores are coordinates times rotations; coordinates are approximately scores times loadingsᵀ. Effects predict the
    coordinates from the other side's scores.
    """

    weights: FloatArray
    rotations: FloatArray
    loadings: FloatArray
    effects: FloatArray

    def flipped(self, signs: FloatArray) -> SolvedSide:
        """Return the side with scores times signs (k,)."""
        W, R, P = (A * signs for A in self[:3])
        return SolvedSide(W, R, P, self.effects * signs[:, None])


@dataclass(frozen=True, eq=False)
class LinearSolution:
    """A shared space of k components: both sides, singular values (k,), and correlations of the scores (k,)."""

    x: SolvedSide
    y: SolvedSide
    singular_values: FloatArray
    correlations: FloatArray

    def with_definite_signs(self) -> LinearSolution:
        """Make the largest entry of each x-weight positive, the first of equal ones, flipping both sides together."""
        signs = definite_signs(self.x.weights)
        return replace(self, x=self.x.flipped(signs), y=self.y.flipped(signs))

    def fits_single(self, x_scale: FloatArray, y_scale: FloatArray) -> bool:
        """Whether maps from and to features with these divisors stay well within the range of single precision."""
        of_features = (self.x.rotations.T / x_scale, self.y.rotations.T / y_scale)
        to_features = (self.x.effects * x_scale, self.y.effects * y_scale)
        sizes = np.concatenate([np.abs(A).max(axis=0, initial=0.0) for A in of_features + to_features])
        return bool(((sizes == 0) | ((sizes > 1 / FAR) & (sizes < FAR))).all())

    def amplification(self, S: Covariances) -> float:
        """Bound how much larger the terms of a score, or of a predicted feature, are than their sum.

        Sizes are standard deviations: √(Σ r²·variance of the feature) for the terms of a score. The relative rounding
        error of the sum is larger by this factor.
        """
        sides = (self.x.rotations, S.xx, S.yy, self.y.effects), (self.y.rotations, S.yy, S.xx, self.x.effects)
        return max(_amplification(*side) for side in sides)


def _amplification(R: FloatArray, S: FloatArray, S_other: FloatArray, B: FloatArray) -> float:
    variances = np.maximum(np.einsum("ij,ij->j", R, product(S, R)), 0.0)
    pairs = (np.diagonal(S) @ R**2, variances), (variances @ B**2, np.diagonal(S_other))
    ratios = [np.divide(terms, whole, out=np.where(terms > 0, np.inf, 0.0), where=whole > 0) for terms, whole in pairs]
    return float(np.sqrt(max(ratio.max(initial=0.0) for ratio in ratios)))


def definite_signs(W: FloatArray) -> FloatArray:
    """Return the sign (k,) of the largest entry of each column of W (n, k), the first of equally large ones."""
    if W.size == 0:
        return np.ones(W.shape[1])
    sizes = np.abs(W)
    # A feature and its negative have weights that differ by rounding alone, which must not decide.
    largest = (sizes >= (1 - TIED) * sizes.max(axis=0)).argmax(axis=0)
    return np.where(W[largest, np.arange(W.shape[1])] < 0, -1.0, 1.0)


def effects_of_scores(G: FloatArray, C: FloatArray) -> FloatArray:
    """Compute G⁺C: least-squares effects (k, m) of scores with covariance G (k, k) and C (k, m) with the variables.

    A pseudo-inverse is used since y may have more components than independent scores.
    """
    if not len(G):
        return C
    # Scores may differ much in length; a unit diagonal keeps short ones above the cut-off.
    D = unit_diagonal(np.diagonal(G))
    # Dependent scores leave rounding, some eps for each of them.
    rounding = 10 * len(G) * np.finfo(np.float64).eps
    inverse = scaled(linalg.pinvh(scaled(G, D, D), rtol=rounding, check_finite=False), D, D)
    return product(inverse, C)


@dataclass(frozen=True, eq=False)
class ColumnMoments:
    """Moments of each pair of columns of A and B (n, k); moments of disjoint rows add up."""

    n_rows: int
    weight_sum: float
    means: FloatArray  # (2, k), for A and for B
    scatter: FloatArray  # (3, k): centred squares of A, of B, and products
    lowest: FloatArray  # (2, k)
    highest: FloatArray  # (2, k)

    @classmethod
    def of_rows(cls, A: FloatArray, B: FloatArray, weight: FloatArray | None = None) -> ColumnMoments:
        """Compute the moments of one block of weighted rows."""
        w = np.ones(len(A)) if weight is None else weight
        weight_sum = float(w.sum())
        AB = np.stack([A, B]).astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # checked below
            means = w @ AB / (weight_sum or 1.0)
            a, b = AB - means[:, None]
            scatter = np.stack([w @ a**2, w @ b**2, w @ (a * b)])
        refuse_overflow(scatter)
        return cls(len(A), weight_sum, means, scatter, AB.min(axis=1), AB.max(axis=1))

    def __add__(self, other: ColumnMoments) -> ColumnMoments:
        merge = Merge.of(self.weight_sum, other.weight_sum)
        with np.errstate(over="ignore", invalid="ignore"):  # checked below
            da, db = other.means - self.means
            scatter = self.scatter + other.scatter + merge.between * np.stack([da**2, db**2, da * db])
        refuse_overflow(scatter)
        return ColumnMoments(
            self.n_rows + other.n_rows,
            merge.weight,
            merge.mean(self.means, other.means),
            scatter,
            np.minimum(self.lowest, other.lowest),
            np.maximum(self.highest, other.highest),
        )

    @property
    def varies(self) -> NDArray[np.bool_]:
        """Whether the columns of A and of B vary, (2, k)."""
        # The mean of a constant column may differ from its value by rounding.
        return np.asarray((self.lowest < self.highest) & (self.scatter[:2] > 0))

    def correlations(self) -> FloatArray:
        """Compute the correlation (k,) of each pair of scores; 0 if one varies by no more than rounding."""
        (a, b), ab = np.sqrt(self.scatter[:2]), self.scatter[2]
        # Scores of equal rows may differ in their last digits, depending on their place in a block.
        rounding = STILL * np.maximum(np.abs(self.lowest), np.abs(self.highest))
        varies = self.varies & (self.highest - self.lowest > rounding)
        return np.asarray(np.divide(ab, a * b, out=np.zeros_like(ab), where=varies.all(axis=0)))


def paired_correlations(A: FloatArray, B: FloatArray, weight: FloatArray | None = None) -> FloatArray:
    """Compute the correlation (k,) of each pair of columns of A and B (n, k) over weighted rows; 0 for constants."""
    return ColumnMoments.of_rows(A, B, weight).correlations()


def score_correlations(S: Covariances, Rx: FloatArray, Ry: FloatArray) -> FloatArray:
    """Compute the correlation of each pair of scores from covariances; 0 where a score does not vary."""
    cross = np.einsum("ij,ij->j", Rx, product(S.xy, Ry))
    return correlations_of(cross, *(np.einsum("ij,ij->j", R, product(A, R)) for R, A in ((Rx, S.xx), (Ry, S.yy))))


def correlations_of(covariances: FloatArray, x_variances: FloatArray, y_variances: FloatArray) -> FloatArray:
    """Divide covariances by deviations: correlations (k,) of pairs of scores; 0 where one does not vary."""
    # Rounding may make a variance of zero negative.
    lengths = np.sqrt(np.maximum(x_variances, 0.0) * np.maximum(y_variances, 0.0))
    correlations = np.divide(covariances, lengths, out=np.zeros_like(covariances), where=lengths > 0)
    return np.asarray(np.clip(correlations, -1.0, 1.0))
