"""Whitening of both sides under shrinkage, from covariances or from rows, with one rank rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import linalg
from scipy.linalg import blas, lapack

from .._typing import FloatArray
from ._products import Covariances, product, scaled
from ._svd import (
    all_eigenvectors,
    rank_tolerance,
    reciprocal_condition,
    thin_svd,
)

# Largest difference of standardised features' variances from 1 by rounding.
UNIT = 1e-10


@dataclass(frozen=True, eq=False)
class Whitener:
    """A map T with TᵀAT = I for a covariance A (p, p) of some rank.

    `complete` says that no varying feature is redundant. `rcond` is the reciprocal condition number of A at unit
    diagonal, among the directions kept. `matrix` is the Cholesky factor L of A at unit diagonal (`is_factor`), with
    T = diag(D) L⁻ᵀ; or T itself (p, r) if A has no such factor.
    """

    rank: int
    rcond: float
    complete: bool
    scale: FloatArray
    matrix: FloatArray
    is_factor: bool

    def whiten(self, S: FloatArray) -> FloatArray:
        """Compute TᵀS from the covariances S (p, m) of the side with m variables."""
        if not self.is_factor:
            return product(self.matrix.T, S)
        B = self.scale[:, None] * S
        if B.flags.f_contiguous:
            return np.asarray(blas.dtrsm(1.0, self.matrix, B, lower=1, overwrite_b=1))
        # Solved from the right of the transpose, whose layout needs no copy.
        return np.asarray(blas.dtrsm(1.0, self.matrix, B.T, side=1, lower=1, trans_a=1, overwrite_b=1)).T

    def weights(self, U: FloatArray) -> FloatArray:
        """Compute TU: directions U of the whitened side in the side's own coordinates."""
        if not self.is_factor:
            return product(self.matrix, U)
        return np.asarray(self.scale[:, None] * blas.dtrsm(1.0, self.matrix, U, lower=1, trans_a=1))


# Eigenvalues of a covariance (r,) and its eigenvectors (p, r); directions without variance may be left out.
Spectrum = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, eq=False)
class WhitenedPair:
    """Whiteners of both sides' A = (1 − c)·S + c·τ·I, and the cross-covariance of the whitened sides.

    `spectra` are eigenvalues and eigenvectors of S on either side, where they are known.
    """

    x: Whitener
    y: Whitener
    cross: FloatArray
    spectra: tuple[Spectrum | None, Spectrum | None] = (None, None)

    @property
    def rcond(self) -> float:
        """Smaller reciprocal condition number of the two sides."""
        return min(self.x.rcond, self.y.rcond)

    @property
    def complete(self) -> bool:
        """Whether neither side has redundant features."""
        return self.x.complete and self.y.complete


def oas_shrinkage(S: FloatArray, n_samples: float, n_features: int) -> float:
    """Compute the oracle-approximating shrinkage of a covariance towards its mean variance.

    ρ = min(1, ((1 − 2/p)·tr S² + tr²S) / ((n + 1 − 2/p)·(tr S² − tr²S/p))); 0 for p = 1.
    Chen, Wiesel, Eldar & Hero (2010), Shrinkage algorithms for MMSE covariance estimation.
    """
    p = n_features
    mean_variance = np.trace(S) / p
    if p == 1 or mean_variance == 0:
        return 0.0
    # Units of the mean variance prevent overflow and underflow of squares.
    t, t2 = float(p), float(np.sum(np.square(S / mean_variance)))
    spread = t2 - t**2 / p
    if spread <= 0:
        return 1.0
    return float(min(1.0, ((1 - 2 / p) * t2 + t**2) / ((n_samples + 1 - 2 / p) * spread)))


def whiten_covariances(S: Covariances, shrinkage: tuple[float, float], n_features: tuple[int, int]) -> WhitenedPair:
    """Whiten from covariances: by Cholesky factors at unit diagonal, or by eigenvectors if nearly singular."""
    x, y = (
        _whitener(Sii, S.eps) if c == 0 else _whitener(_shrunk(Sii, c, np.trace(Sii) / p), S.eps, definite=True)
        for Sii, c, p in zip((S.xx, S.yy), shrinkage, n_features, strict=True)
    )
    return WhitenedPair(x, y, y.whiten(x.whiten(S.xy).T).T)


def whiten_rows(
    Z: tuple[FloatArray, FloatArray], shrinkage: tuple[float, float], n_features: tuple[int, int]
) -> WhitenedPair:
    """Whiten from rows Z = (Zx, Zy) with ZᵀZ = S, by thin SVDs, without squaring the condition number."""
    x, y = (whiten_side(A, c, p) for A, c, p in zip(Z, shrinkage, n_features, strict=True))
    return WhitenedPair(x.whitener, y.whitener, product(x.rows.T, y.rows), (x.spectrum, y.spectrum))


class WhitenedSide(NamedTuple):
    """Whitened rows (n, r) of one side with orthogonal columns, how they come about, and the spectrum of S if known."""

    rows: FloatArray
    whitener: Whitener
    spectrum: Spectrum | None


def whiten_side(A: FloatArray, c: float, p: int) -> WhitenedSide:
    """Whiten the rows A with AᵀA = S of one side with p features."""
    # Without shrinkage the model does not depend on units, so the rank rule uses unit-variance columns.
    D = unit_diagonal(np.einsum("ij,ij->j", A, A)) if c == 0 else np.ones(A.shape[1])
    U, d, V = thin_svd(A * D)
    spectrum = (d**2, V) if np.abs(D[D > 0] - 1).max(initial=0.0) < UNIT else None
    # With shrinkage every direction can be kept.
    keep = np.full(len(d), c > 0) | (d > rank_tolerance(p, np.finfo(np.float64).eps) * d.max(initial=0.0))
    U, d, V = U[:, keep], d[keep], V[:, keep]
    length = np.sqrt((1 - c) * d**2 + c * (np.sum(A * A) / p))
    rcond = float((length.min() / length.max()) ** 2) if len(d) else 1.0
    complete = len(d) == np.count_nonzero(D)
    whitener = Whitener(len(d), rcond, complete, D, D[:, None] * V / length, is_factor=False)
    return WhitenedSide(U * (d / length), whitener, spectrum)


def ranks_of_covariances(S: Covariances) -> tuple[int, int]:
    """Count the directions in which each side varies, by the rank rule."""
    return _rank(S.xx, S.eps), _rank(S.yy, S.eps)


def _rank(A: FloatArray, eps: float) -> int:
    """Count the directions that a whitener of A keeps."""
    p = len(A)
    if p == 0:
        return 0
    L, C, D = _factor(A)
    if L is not None and reciprocal_condition(L) > 3 * rank_tolerance(p, eps) ** 2:
        return int((D > 0).sum())
    values = linalg.eigvalsh(C, check_finite=False)
    return int((values > rank_tolerance(p, eps) ** 2 * values[-1]).sum())


def _shrunk(S: FloatArray, c: float, target: float) -> FloatArray:
    A = (1 - c) * S
    A[np.diag_indices_from(A)] += c * target
    return A


def unit_diagonal(variances: FloatArray) -> FloatArray:
    """Compute 1/√variance, and 0 for features without variance."""
    D = np.sqrt(np.maximum(variances, 0.0))
    return np.divide(1.0, D, out=np.zeros_like(D), where=D > 0)


def _whitener(A: FloatArray, eps: float, definite: bool = False) -> Whitener:
    """Compute the whitener of A by the rank rule; a matrix known to be `definite` keeps all its directions."""
    p = len(A)
    if p == 0:
        return Whitener(0, 1.0, True, np.zeros(0), A, is_factor=False)
    L, C, D = _factor(A)
    varying = D > 0
    if L is not None:
        rcond = reciprocal_condition(L)
        if definite or rcond > 3 * rank_tolerance(p, eps) ** 2:
            return Whitener(int(varying.sum()), rcond, True, D, L, is_factor=True)
    d2, Q = all_eigenvectors(C, overwrite=True)
    # Leading directions come first, as in every decomposition here.
    d2, Q = d2[::-1], Q[:, ::-1]
    keep = d2 > rank_tolerance(p, eps) ** 2 * d2[0]
    rank = int(keep.sum())
    rcond = float(d2[rank - 1] / d2[0]) if rank else 1.0
    return Whitener(rank, rcond, rank == varying.sum(), D, D[:, None] * Q[:, keep] / np.sqrt(d2[keep]), is_factor=False)


def _factor(A: FloatArray) -> tuple[FloatArray | None, FloatArray, FloatArray]:
    """Return the Cholesky factor of A at unit diagonal, if there is one, that matrix, and the scale D for it.

    Features without variance get 1 on the diagonal of what is factorised, so that the others can be, and D = 0.
    """
    D = unit_diagonal(np.diagonal(A))
    C = scaled(A, D, D)
    np.fill_diagonal(C, 1.0)
    # Nobody reads above the diagonal, and to set it to zero takes as long as half of the factorisation.
    L, failed = lapack.dpotrf(C.T, lower=1, clean=0)
    np.fill_diagonal(C, D > 0)
    return None if failed else L, C, D
