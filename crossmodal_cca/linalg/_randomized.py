"""Regularised CCA of sides too wide for a covariance, from products with a few directions at a time."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any, NamedTuple

import numpy as np
from numpy.random import RandomState
from scipy import linalg
from sklearn.exceptions import ConvergenceWarning

from .._typing import FloatArray
from .._warn import warn
from ..models._pair import Side, degrees_of_freedom, standardized_side
from ..rows._blocks import row_slices
from ..rows._centred_rows import CentredRows
from ..rows._validation import PairedRows
from ._products import product
from ._solution import LinearSolution, effects_of_scores
from ._whitening import unit_diagonal

# Directions carried along beside the wanted ones, whose convergence they hasten.
OVERSAMPLES = 10
MAX_WALKS = 60
# Residual at which to stop, and above which to warn, relative to the leading singular value. Singular values err by
# about its square.
TOLERANCE, TOLERABLE = 1e-6, 1e-2
# Eigenvalue of a Gram matrix of unit diagonal, relative to the leading one, up to which a direction is rounding.
INDEPENDENT = 1e-13


class _Rows:
    """Standardised rows of one side with its constraint A = (1 − c)·S + c·τ·I; sparse ones stay sparse."""

    def __init__(self, A: Any, w: FloatArray, name: str, scale: bool, shrinkage: float) -> None:
        self.A, self.w, self.name, self.shrinkage = A, w, name, shrinkage
        variance = self._start()
        self.side = standardized_side(self.mean, variance, scale)
        self.units = np.where(self.side.constant, 0.0, 1.0 / self.side.scale)
        self.target = float(np.mean(variance * self.units**2))

    def _start(self) -> FloatArray:
        """Walk once to find the mean; return the variances."""
        total, self.mean, squares = 0.0, np.zeros(self.A.shape[1]), np.zeros(self.A.shape[1])
        for part in row_slices(self.A.shape[0]):
            block, weight = CentredRows.read(self.A, part, self.w, None, self.name), float(self.w[part].sum())
            share = weight / (total + weight)
            delta = block.mean - self.mean
            squares += block.sum_of_squares() + total * share * delta**2
            self.mean = self.mean + share * delta
            total += weight
        return squares / degrees_of_freedom(total)

    def block(self, part: slice) -> CentredRows:
        return CentredRows.read(self.A, part, self.w, self.mean, self.name)

    def in_metric(self, V: FloatArray, SV: FloatArray) -> FloatArray:
        """AV, given SV."""
        return (1 - self.shrinkage) * SV + (self.shrinkage * self.target) * V


class _Directions(NamedTuple):
    """Directions of one side in blocks: V (p, m), with AV (p, m), and what they are on the other side, SV (q, m)."""

    own: list[FloatArray]
    metric: list[FloatArray]
    cross: list[FloatArray]

    def append(self, V: FloatArray, AV: FloatArray, SV: FloatArray) -> None:
        for blocks, block in zip(self, (V, AV, SV), strict=True):
            blocks.append(block)

    def orthonormal(self) -> FloatArray:
        """Coefficients T with (VT)ᵀA(VT) = I; dependent directions are left out."""
        G = np.vstack([np.hstack([product(V.T, AV) for AV in self.metric]) for V in self.own])
        D = unit_diagonal(np.diagonal(G))
        values, Q = linalg.eigh(D[:, None] * (G + G.T) / 2 * D, check_finite=False)
        keep = values > INDEPENDENT * values[-1]
        return np.asarray(D[:, None] * Q[:, keep] / np.sqrt(values[keep]))

    def combine(self, M: FloatArray) -> None:
        """Put linear combinations, the columns of M, in place of all blocks; after them what is not of the first."""
        parts = np.vsplit(M, np.cumsum([V.shape[1] for V in self.own])[:-1])
        for blocks in self:
            rest = [reduce(add, map(product, blocks[1:], parts[1:]))] if len(blocks) > 1 else []
            blocks[:] = [reduce(add, rest, product(blocks[0], parts[0])), *rest]


class _Images(NamedTuple):
    """Covariances of directions of either side with the features: S_xx V_x, S_yx V_x, S_xy V_y and S_yy V_y."""

    xx: FloatArray
    yx: FloatArray
    xy: FloatArray
    yy: FloatArray


def solve_randomized_cca(
    rows: PairedRows, shrinkage: tuple[float, float], scale: bool, k: int, random_state: RandomState
) -> tuple[LinearSolution, tuple[Side, Side]]:
    """The k leading canonical pairs by a block conjugate gradient iteration, started in a random range; and the sides.

    The two metrics A and the cross-covariance are only ever multiplied with blocks of k + 10 directions, one walk over
    the rows for each step. A step solves the small CCA problem in the space of the pairs so far, their residuals
    S_xy b − d·A_x a and S_yx a − d·A_y b, and the last step (LOBPCG), so it converges to the exact solution.
    Knyazev (2001), Toward the optimal preconditioned eigensolver; the start is the range finder of Mineiro &
    Karampatziakis (2014), A randomized algorithm for CCA, after Halko, Martinsson & Tropp (2011).
    """
    w = np.ones(rows.n_rows) if rows.sample_weight is None else rows.sample_weight
    x, y = (_Rows(A, w, name, scale, c) for A, name, c in zip((rows.X, rows.y), ("X", "y"), shrinkage, strict=True))
    Wx, Wy, d = _leading_pairs(x, y, k, random_state)
    if len(d) < k:
        raise ValueError(
            f"n_components={k} is more than the {len(d)} directions in which X and y have any covariance. Lower "
            "n_components."
        )
    S = _walk(x, y, Wx, Wy)
    Gx, Gy = product(Wx.T, S.xx), product(Wy.T, S.yy)
    lengths = np.sqrt(np.diagonal(Gx) * np.diagonal(Gy))
    solution = LinearSolution(
        x_weights=Wx,
        y_weights=Wy,
        x_rotations=Wx,
        y_rotations=Wy,
        x_loadings=effects_of_scores(Gx, S.xx.T).T,
        y_loadings=effects_of_scores(Gy, S.yy.T).T,
        y_effects=(1 - x.shrinkage) * S.yx.T,
        x_effects=(1 - y.shrinkage) * S.xy.T,
        singular_values=d,
        correlations=np.einsum("ij,ij->j", Wx, S.xy) / lengths,
    )
    return solution, (x.side, y.side)


def _walk(x: _Rows, y: _Rows, Vx: FloatArray, Vy: FloatArray) -> _Images:
    """One walk over the rows."""
    W = x.units[:, None] * Vx, y.units[:, None] * Vy
    sums = [np.zeros((len(V), Vx.shape[1] + Vy.shape[1])) for V in (Vx, Vy)]
    for part in row_slices(len(x.w)):
        blocks = x.block(part), y.block(part)
        Z = np.hstack([block.times(Wi) for block, Wi in zip(blocks, W, strict=True)])
        for total, block in zip(sums, blocks, strict=True):
            total += block.transposed_times(Z)
    for total, side in zip(sums, (x, y), strict=True):
        total *= side.units[:, None] / degrees_of_freedom(x.w.sum())
    (xx, xy), (yx, yy) = (np.hsplit(total, [Vx.shape[1]]) for total in sums)
    return _Images(xx, yx, xy, yy)


def _leading_pairs(x: _Rows, y: _Rows, k: int, rng: RandomState) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weights (p, k) and (q, k) with WᵀAW = I, and singular values."""
    a, b = _Directions([], [], []), _Directions([], [], [])
    start = _walk(x, y, *(rng.standard_normal((len(side.units), k + OVERSAMPLES)) for side in (x, y)))
    new, error = (start.xy, start.yx), 0.0
    for _ in range(MAX_WALKS):
        S = _walk(x, y, *new)
        a.append(new[0], x.in_metric(new[0], S.xx), S.yx)
        b.append(new[1], y.in_metric(new[1], S.yy), S.xy)
        Ta, Tb = a.orthonormal(), b.orthonormal()
        K = np.vstack([np.hstack([product(SV.T, V) for V in b.own]) for SV in a.cross])
        K = product(product(Ta.T, K), Tb)
        if K.size == 0:  # which older scipy has no decomposition of
            d = np.zeros(0)
            break
        U, d, Vt = linalg.svd(K, full_matrices=False, check_finite=False)
        m = min(k + OVERSAMPLES, len(d))
        d = d[:m]
        a.combine(product(Ta, U[:, :m]))
        b.combine(product(Tb, Vt[:m].T))
        new = b.cross[0] - a.metric[0] * d, a.cross[0] - b.metric[0] * d
        error = _relative_error(new, (x, y), d, k)
        if error <= TOLERANCE:
            break
    if error > TOLERABLE:
        warn(
            f"The randomized solver has not converged after {MAX_WALKS} walks over the rows: its residual is "
            f"{error:.1g} of the leading singular value. Raise shrinkage, or lower n_components.",
            ConvergenceWarning,
        )
    found = int(np.sum(d[:k] > TOLERANCE * d.max(initial=0.0)))
    return a.own[0][:, :found], b.own[0][:, :found], d[:found]


def _relative_error(
    residuals: tuple[FloatArray, FloatArray], sides: tuple[_Rows, _Rows], d: FloatArray, k: int
) -> float:
    """Bound of the largest residual of the k pairs in the norm of A⁻¹, relative to the leading singular value."""
    squares = sum(
        np.sum(R[:, :k] ** 2, axis=0) / (side.shrinkage * side.target) for R, side in zip(residuals, sides, strict=True)
    )
    return float(np.sqrt(np.max(squares)) / d[0])
