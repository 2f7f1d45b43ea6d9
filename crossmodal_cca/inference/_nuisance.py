"""Removal of nuisance variables, which leaves fewer rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

from .._sklearn import check_array
from .._typing import FloatArray
from .._warn import warn
from ..linalg._svd import rank_tolerance
from ..rows._validation import check_same_rows
from ._exchange import Exchange

# Largest relative difference of lengths of rows that count as equal.
_TIED = 1e-8


def without_nuisance(
    sides: list[FloatArray], nuisance: ArrayLike, exchange: Exchange
) -> tuple[list[FloatArray], Exchange]:
    """Remove mean and nuisance variables from each side's rows (n, p); return fewer rows, and their exchange.

    Units stay exchangeable: if they have several rows, the variables of all rows of a unit are removed from each of its
    rows, separately in each stratum. There, a unit of the side is one row of a matrix, and units are left out as
    `residual_rows` leaves out rows.
    """
    n = len(sides[0])
    Z = _standardized(nuisance, n)
    left: list[list[FloatArray]] = []
    shapes, lost = [], 0
    for rows in exchange.units():
        n_units, size = rows.shape
        basis = orthonormal(np.hstack([np.ones((n_units, 1)), Z[rows].reshape(n_units, -1)]))
        kept = n_units - basis.shape[1]
        lost += size * n_units if kept == 0 and n_units > 1 else 0
        if kept > 0:
            wide = residual_rows([A[rows].reshape(n_units, -1) for A in sides], basis)
            left.append([W.reshape(kept * size, A.shape[1]) for W, A in zip(wide, sides, strict=True)])
            shapes.append((kept, size))
    remaining = Exchange.of_strata(shapes)
    if not remaining.can_exchange:
        raise ValueError(
            f"The nuisance variables and the mean are too many for {n} rows: what they leave cannot be exchanged. Each "
            "costs a row of each block; with groups, as many groups of each size as these have rows. In place of small "
            "blocks pass nuisance their indicator columns, if rows of different blocks vary alike."
        )
    if lost:
        warn(
            f"{lost} rows are left out: their blocks, or groups of their size, are too few for the nuisance variables."
        )
    return [np.vstack(parts) for parts in zip(*left, strict=True)], remaining


def _standardized(nuisance: ArrayLike, n_rows: int) -> FloatArray:
    """Check and standardise nuisance variables (n, r); constant ones are left out."""
    Z = np.asarray(check_array(nuisance, dtype=np.float64, ensure_2d=False, input_name="nuisance"))
    check_same_rows(n_rows, len(Z), "nuisance")
    Z = Z.reshape(n_rows, -1)
    spread = Z.std(axis=0)
    varies = spread > np.finfo(float).eps * np.abs(Z).max(axis=0)
    return np.asarray((Z - Z.mean(axis=0))[:, varies] / spread[varies])


def orthonormal(Z: FloatArray) -> FloatArray:
    """Compute an orthonormal basis (n, rank) of the columns of Z."""
    U, d, _ = linalg.svd(Z, full_matrices=False)
    return np.asarray(U[:, d > rank_tolerance(Z.shape[1], np.finfo(float).eps) * d[0]])


def residual_rows(sides: list[FloatArray], basis: FloatArray) -> list[FloatArray]:
    """Compute QᵀA (n − r, p) for each side A (n, p), Q (n, n − r) Theil's basis of the complement of `basis` (n, r).

    Q = M Eᵀ(EMEᵀ)^(−1/2), with M = I − BBᵀ and E the selection of n − r rows. The r rows left out are chosen by
    pivoting, so that B is well-conditioned on them. With BEᵀ = P diag(c) Wᵀ the root is a correction of rank r.
    """
    left_out = _pivots(basis)
    kept = np.setdiff1d(np.arange(len(basis)), left_out)
    P, c, _ = linalg.svd(basis[kept], full_matrices=False)
    # 1 − c² is computed from the rows left out, without cancellation.
    s = linalg.svdvals(basis[left_out])[::-1]
    factor = 1 / s[: len(c)] - 1
    residuals = ((A - basis @ (basis.T @ A))[kept] for A in sides)
    return [E + P @ (factor[:, None] * (P.T @ E)) for E in residuals]


def _pivots(basis: FloatArray) -> NDArray[np.intp]:
    """Choose r rows of an orthonormal basis (n, r), each the longest after projection, the first of equal ones.

    Rows of one level of a nuisance variable have equal lengths, among which rounding must not choose.
    """
    left, chosen = basis.copy(), np.empty(basis.shape[1], dtype=np.intp)
    for j in range(len(chosen)):
        lengths = np.einsum("ij,ij->i", left, left)
        chosen[j] = np.argmax(lengths >= (1 - _TIED) * lengths.max())
        unit = left[chosen[j]] / np.sqrt(lengths[chosen[j]])
        left -= np.outer(left @ unit, unit)
    return chosen
