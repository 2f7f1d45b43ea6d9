"""Whitening of both sides under shrinkage, with one rank rule, from covariances or from rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from .._blocks import FloatArray
from .pair import Covariances
from .svd import rank_tolerance


@dataclass(frozen=True, eq=False)
class WhitenedPair:
    """Whitening maps of both sides and the cross-covariance of the whitened sides.

    With A = (1 − c)·S + c·τ·I, `x_map` T fulfils TᵀAT = I, and `cross` is K = Txᵀ Sxy Ty. At c = 0 a map has as many
    columns as its side has directions. `rcond` is the smaller reciprocal condition number of the two A, scaled to
    unit diagonal, and 0 where a side has fewer directions than varying features.
    """

    x_map: FloatArray
    y_map: FloatArray
    cross: FloatArray
    rcond: float


def oas_shrinkage(S: FloatArray, n_samples: float, n_features: int) -> float:
    """Oracle-approximating shrinkage of a covariance towards its mean variance.

    ρ = min(1, ((1 − 2/p)·tr S² + tr²S) / ((n + 1 − 2/p)·(tr S² − tr²S/p))); 0 for p = 1.
    Chen, Wiesel, Eldar & Hero (2010), Shrinkage algorithms for MMSE covariance estimation.
    """
    p, t = n_features, np.trace(S)
    t2 = np.sum(S * S)
    spread = t2 - t**2 / p
    if p == 1 or spread <= 0:
        return 0.0 if p == 1 else 1.0
    return float(min(1.0, ((1 - 2 / p) * t2 + t**2) / ((n_samples + 1 - 2 / p) * spread)))


def whiten_covariances(
    S: Covariances, shrinkage: tuple[float, float], n_features: tuple[int, int], eps: float
) -> WhitenedPair:
    """Whiten from covariances: Cholesky factors of the unit-diagonal matrices, eigenvectors where near singular."""
    (Tx, rcond_x), (Ty, rcond_y) = (
        _whitening_map(Sii, eps) if c == 0 else _whitening_map(_shrunk(Sii, c, np.trace(Sii) / p), eps, definite=True)
        for Sii, c, p in zip((S.xx, S.yy), shrinkage, n_features, strict=True)
    )
    return WhitenedPair(Tx, Ty, Tx.T @ S.xy @ Ty, min(rcond_x, rcond_y))


def whiten_rows(
    R: FloatArray,
    shrinkage: tuple[float, float],
    n_features: tuple[int, int],
    widths: tuple[int, int],
    degrees_of_freedom: float,
) -> WhitenedPair:
    """Whiten from rows R = [Rx, Ry] with RᵀR/(Σw − 1) = S, by thin SVDs that never square their condition number."""
    left, maps, rconds = [], [], []
    for Ri, c, p in zip(np.hsplit(R, [widths[0]]), shrinkage, n_features, strict=True):
        A = Ri / np.sqrt(degrees_of_freedom)
        # Without shrinkage the units do not matter to the model, so the rank rule sees unit-variance columns.
        D = unit_diagonal(np.einsum("ij,ij->j", A, A)) if c == 0 else np.ones(A.shape[1])
        U, d, Vt = linalg.svd(A * D, full_matrices=False, check_finite=False)
        keep = d > rank_tolerance(p, np.finfo(np.float64).eps) * d.max(initial=0.0)
        U, d, V = U[:, keep], d[keep], Vt[keep].T
        length = np.sqrt((1 - c) * d**2 + c * (np.sum(A * A) / p))
        left.append(U * (d / length))
        maps.append(D[:, None] * V / length)
        rconds.append(float((length.min() / length.max()) ** 2) if len(d) else 1.0)
    return WhitenedPair(maps[0], maps[1], left[0].T @ left[1], min(rconds))


def numerical_rank(S: FloatArray, eps: float) -> int:
    """Number of directions in which a covariance varies, by the one rank rule on its unit-diagonal form."""
    return int(_whitening_map(S, eps)[0].shape[1])


def _shrunk(S: FloatArray, c: float, target: float) -> FloatArray:
    A = (1 - c) * S
    A[np.diag_indices_from(A)] += c * target
    return A


def unit_diagonal(variances: FloatArray) -> FloatArray:
    """1/√variance, and 0 for features without variance."""
    D = np.sqrt(np.maximum(variances, 0.0))
    return np.divide(1.0, D, out=np.zeros_like(D), where=D > 0)


def _whitening_map(A: FloatArray, eps: float, definite: bool = False) -> tuple[FloatArray, float]:
    """Map T (p, r) with TᵀAT = I, r the rank of A, and the reciprocal condition of A at unit diagonal.

    A matrix known to be `definite` keeps all its directions, however small some are.
    """
    D = unit_diagonal(np.diagonal(A))
    varying = D > 0
    if not varying.all():
        inner, rcond = _whitening_map(A[np.ix_(varying, varying)], eps, definite)
        T = np.zeros((len(A), inner.shape[1]))
        T[varying] = inner
        return T, rcond
    p = len(A)
    if p == 0:
        return np.zeros((0, 0)), 1.0
    C = D[:, None] * A * D
    L, failed = linalg.lapack.dpotrf(C, lower=1, clean=1)
    if not failed:
        rcond, _ = linalg.lapack.dpocon(L, np.abs(C).sum(axis=0).max(), uplo="L")
        if definite or rcond > 10 * p * eps:
            inverse, _ = linalg.lapack.dtrtri(L, lower=1)
            return D[:, None] * inverse.T, float(rcond)
    d2, Q = linalg.eigh(C, check_finite=False)
    # The leading directions come first, as in every other decomposition here.
    d2, Q = d2[::-1], Q[:, ::-1]
    keep = d2 > rank_tolerance(p, eps) ** 2 * d2[0]
    rcond = d2[-1] / d2[0] if keep.all() else 0.0
    return D[:, None] * Q[:, keep] / np.sqrt(d2[keep]), float(rcond)
