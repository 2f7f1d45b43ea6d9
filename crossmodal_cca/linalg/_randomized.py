"""Regularised CCA of sides too wide for a covariance, from products with a few directions at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import NamedTuple

import numpy as np
from numpy.random import RandomState
from scipy import linalg

from .._typing import FloatArray
from ._products import product
from ._solution import LinearSolution, SolvedSide, effects_of_scores
from ._whitening import unit_diagonal

# Extra directions beside the wanted ones, for faster convergence.
OVERSAMPLES = 10
# Passes over the rows after which the iteration stops.
MAX_PASSES = 60
# Residual at which to stop, relative to the leading singular value; singular values err by about its square.
TOLERANCE = 1e-6
# Eigenvalue of a Gram matrix of unit diagonal, relative to the leading one, up to which a direction is rounding.
INDEPENDENT = 1e-13


class Images(NamedTuple):
    """Covariances of directions of either side with the features: S_xx V_x, S_yx V_x, S_xy V_y and S_yy V_y."""

    xx: FloatArray
    yx: FloatArray
    xy: FloatArray
    yy: FloatArray


# A pass over the rows, which computes the images of the directions V_x (p, m) and V_y (q, m).
PassOverRows = Callable[[FloatArray, FloatArray], Images]


class Constraint(NamedTuple):
    """The matrix A = (1 − c)·S + c·τ·I of a side with p features, c > 0 and τ their mean variance (`target`)."""

    n_features: int
    shrinkage: float
    target: float

    def times(self, V: FloatArray, SV: FloatArray) -> FloatArray:
        """Compute AV, given SV."""
        return (1 - self.shrinkage) * SV + (self.shrinkage * self.target) * V


class Pairs(NamedTuple):
    """Weights (p, k) and (q, k) with WᵀAW = I, singular values (k,), and the largest residual relative to the first."""

    x_weights: FloatArray
    y_weights: FloatArray
    singular_values: FloatArray
    residual: float


class _Directions(NamedTuple):
    """Directions of one side in blocks: V (p, m), with AV (p, m) and their images SV (q, m) on the other side."""

    own: list[FloatArray]
    metric: list[FloatArray]
    cross: list[FloatArray]

    def append(self, V: FloatArray, AV: FloatArray, SV: FloatArray) -> None:
        for blocks, block in zip(self, (V, AV, SV), strict=True):
            blocks.append(block)

    def orthonormal(self) -> FloatArray:
        """Compute coefficients T with (VT)ᵀA(VT) = I; dependent directions are left out."""
        G = np.vstack([np.hstack([product(V.T, AV) for AV in self.metric]) for V in self.own])
        D = unit_diagonal(np.diagonal(G))
        values, Q = linalg.eigh(D[:, None] * (G + G.T) / 2 * D, check_finite=False)
        keep = values > INDEPENDENT * values[-1]
        return np.asarray(D[:, None] * Q[:, keep] / np.sqrt(values[keep]))

    def combine(self, M: FloatArray) -> None:
        """Replace all blocks by linear combinations, the columns of M, and the parts of these outside the first."""
        parts = np.vsplit(M, np.cumsum([V.shape[1] for V in self.own])[:-1])
        for blocks in self:
            rest = [reduce(add, map(product, blocks[1:], parts[1:]))] if len(blocks) > 1 else []
            blocks[:] = [reduce(add, rest, product(blocks[0], parts[0])), *rest]


def leading_pairs(
    pass_over_rows: PassOverRows, x: Constraint, y: Constraint, k: int, random_state: RandomState
) -> Pairs:
    """Find the k leading canonical pairs by a block conjugate gradient iteration, started in a random range.

    The two metrics A and the cross-covariance are only multiplied with blocks of k + 10 directions, in one pass over
    the rows per step. A step solves the small CCA problem in the space of the pairs so far, their residuals
    S_xy b − d·A_x a and S_yx a − d·A_y b, and the last step (LOBPCG), so it converges to the exact solution. Fewer
    pairs are returned if fewer directions have any covariance.
    Knyazev (2001), Toward the optimal preconditioned eigensolver; the start is the range finder of Mineiro &
    Karampatziakis (2014), A randomized algorithm for CCA, after Halko, Martinsson & Tropp (2011).
    """
    a, b = _Directions([], [], []), _Directions([], [], [])
    start = pass_over_rows(*(random_state.standard_normal((side.n_features, k + OVERSAMPLES)) for side in (x, y)))
    new, residual = (start.xy, start.yx), 0.0
    for _ in range(MAX_PASSES):
        S = pass_over_rows(*new)
        a.append(new[0], x.times(new[0], S.xx), S.yx)
        b.append(new[1], y.times(new[1], S.yy), S.xy)
        Ta, Tb = a.orthonormal(), b.orthonormal()
        K = np.vstack([np.hstack([product(SV.T, V) for V in b.own]) for SV in a.cross])
        K = product(product(Ta.T, K), Tb)
        if K.size == 0:  # older scipy cannot decompose empty matrices
            d = np.zeros(0)
            break
        U, d, Vt = linalg.svd(K, full_matrices=False, check_finite=False)
        m = min(k + OVERSAMPLES, len(d))
        d = d[:m]
        a.combine(product(Ta, U[:, :m]))
        b.combine(product(Tb, Vt[:m].T))
        new = b.cross[0] - a.metric[0] * d, a.cross[0] - b.metric[0] * d
        residual = _relative_residual(new, (x, y), d, k)
        if residual <= TOLERANCE:
            break
    found = int(np.sum(d[:k] > TOLERANCE * d.max(initial=0.0)))
    return Pairs(a.own[0][:, :found], b.own[0][:, :found], d[:found], residual)


def solution_of_pairs(pass_over_rows: PassOverRows, x: Constraint, y: Constraint, pairs: Pairs) -> LinearSolution:
    """Compute the solution that belongs to the weights, in one more pass over the rows."""
    Wx, Wy, d, _ = pairs
    S = pass_over_rows(Wx, Wy)
    Gx, Gy = product(Wx.T, S.xx), product(Wy.T, S.yy)
    lengths = np.sqrt(np.diagonal(Gx) * np.diagonal(Gy))
    return LinearSolution(
        SolvedSide(Wx, Wx, effects_of_scores(Gx, S.xx.T).T, (1 - y.shrinkage) * S.xy.T),
        SolvedSide(Wy, Wy, effects_of_scores(Gy, S.yy.T).T, (1 - x.shrinkage) * S.yx.T),
        singular_values=d,
        correlations=np.einsum("ij,ij->j", Wx, S.xy) / lengths,
    )


def _relative_residual(
    residuals: tuple[FloatArray, FloatArray], sides: tuple[Constraint, Constraint], d: FloatArray, k: int
) -> float:
    """Bound the largest residual of the k pairs in the norm of A⁻¹, relative to the leading singular value."""
    squares = sum(
        np.sum(R[:, :k] ** 2, axis=0) / (side.shrinkage * side.target) for R, side in zip(residuals, sides, strict=True)
    )
    return float(np.sqrt(np.max(squares)) / d[0])
