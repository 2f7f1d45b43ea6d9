"""Truncated singular value decompositions, and rows reduced to a small equivalent without squaring their condition."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import linalg

from .._blocks import FloatArray

# Share of the triplets above which computing them all is as quick as picking the leading ones.
TRUNCATE_BELOW = 0.5
RESIDUAL_TOLERANCE = 1e-12


def truncated_svd(K: FloatArray, k: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the k leading singular triplets (U, d, V) of K, d decreasing, with ‖Kv − du‖ at rounding level.

    The leading eigenvectors of the smaller Gram matrix and one Rayleigh–Ritz step on K give them at a fraction of the
    cost of a full decomposition, but lose digits when the singular values span many decades. The residual tells;
    where it is too large, the full divide-and-conquer decomposition is computed instead.
    """
    if min(K.shape) <= 1 or k == 0:
        return _single(K, k)
    if k < TRUNCATE_BELOW * min(K.shape):
        if K.shape[0] < K.shape[1]:
            V, d, U = _gram_svd(K.T, k)
        else:
            U, d, V = _gram_svd(K, k)
        residual = max(_norm(K @ V - U * d), _norm(K.T @ U - V * d))
        # Of eigenvalues that cluster, the routine for a few of them may find fewer.
        if len(d) == k and residual <= RESIDUAL_TOLERANCE * d[0]:
            return U, d, V
    U, d, Vt = linalg.svd(K, full_matrices=False, check_finite=False)
    return U[:, :k], d[:k], Vt[:k].T


def _single(K: FloatArray, k: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The one triplet of a row or a column, or none."""
    if k == 0 or min(K.shape) == 0:
        return K[:, :0], np.zeros(0), K[:0].T
    d = np.linalg.norm(K)
    unit = K / d if d > 0 else np.eye(*K.shape)
    U, V = (unit, np.ones((1, 1))) if K.shape[1] == 1 else (np.ones((1, 1)), unit.T)
    return U[:, :k], np.array([d])[:k], V[:, :k]


def _gram_svd(K: FloatArray, k: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    q = K.shape[1]
    _, V = linalg.eigh(K.T @ K, subset_by_index=[q - k, q - 1], check_finite=False)
    Q, _ = np.linalg.qr(K @ V)
    U, d, Vt = linalg.svd(Q.T @ K, full_matrices=False, check_finite=False)
    return Q @ U, d, Vt.T


def _norm(R: FloatArray) -> float:
    return float(np.linalg.norm(R, axis=0).max(initial=0.0))


def rank_tolerance(n_features: int, eps: float) -> float:
    """Ratio of a singular value of unit-variance rows to the leading one up to which it counts as null: √(p·eps)."""
    return float(np.sqrt(n_features * eps))


def row_space(Z: FloatArray, column_scale: FloatArray | None = None) -> FloatArray:
    """Orthonormal basis (p, r) of the space spanned by the centred, unit-variance rows Z (n, p).

    With `column_scale` the basis is that of the rows Z · diag(column_scale); which directions count as spanned is
    decided on the unit-variance rows all the same.
    """
    _, d, Vt = linalg.svd(Z, full_matrices=False, check_finite=False)
    V: FloatArray = Vt[d > rank_tolerance(Z.shape[1], np.finfo(np.float64).eps) * d[0]].T
    if column_scale is None:
        return V
    return np.linalg.qr(V * column_scale[:, None])[0]


def triangular_rows(blocks: Iterable[FloatArray]) -> FloatArray:
    """Return R with RᵀR = ZᵀZ for the rows Z that come in blocks, without forming ZᵀZ.

    R has at most as many rows as columns and stands for the rows in everything that depends on ZᵀZ alone; unlike
    ZᵀZ it keeps their condition number instead of its square. Each block is stacked under the triangle so far and
    factorised again (a sequential TSQR; Demmel, Grigori, Hoemmen & Langou 2012).
    """
    R: FloatArray | None = None
    for block in blocks:
        R = np.asarray(np.linalg.qr(block if R is None else np.vstack([R, block]), mode="r"))
    assert R is not None
    return R
