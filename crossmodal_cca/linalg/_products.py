"""Covariances, and matrix products by scipy's BLAS, which the decompositions use too.

BLAS takes matrices by columns; those by rows are passed as their transposes, without a copy.

numpy may bring a BLAS of its own. The threads of both wait busily for work after each call, so small problems that
alternate between the two take several times longer.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import blas, get_blas_funcs

from .._typing import FloatArray

# Rows of a symmetric matrix mirrored at a time: few enough for the cache.
TILE = 128
# Mask of a tile's entries below the diagonal.
LOWER = np.tri(TILE, k=-1, dtype=bool)


def product(A: FloatArray, B: FloatArray) -> FloatArray:
    """Multiply A @ B, matrices of one floating type in any layout."""
    a, trans_a = (A, 0) if A.flags.f_contiguous else (A.T, 1)
    b, trans_b = (B, 0) if B.flags.f_contiguous else (B.T, 1)
    (gemm,) = get_blas_funcs(("gemm",), (a, b))
    return np.asarray(gemm(1.0, a, b, trans_a=trans_a, trans_b=trans_b))


def add_product(S: FloatArray, A: FloatArray, B: FloatArray) -> None:
    """Add ABᵀ to S, in C order, in place; matrices of one floating type."""
    if A.shape[1]:
        (gemm,) = get_blas_funcs(("gemm",), (A, B))
        gemm(1.0, B, A, beta=1.0, c=S.T, trans_b=1, overwrite_c=1)


def gram(A: FloatArray, *, mirrored: bool = True) -> FloatArray:
    """Compute AᵀA, at half the work of a general product, in Fortran order; its lower triangle if not `mirrored`."""
    if A.size == 0:  # BLAS refuses empty matrices
        return np.zeros((A.shape[1], A.shape[1]), A.dtype)
    a, transposed = (A, 0) if A.flags.f_contiguous else (A.T, 1)
    (syrk,) = get_blas_funcs(("syrk",), (a,))
    G: FloatArray = syrk(1.0, a, trans=1 - transposed, lower=1)
    # Columns of the lower triangle become rows of the upper one.
    for start in range(0, len(G) if mirrored else 0, TILE):
        rows = slice(start, start + TILE)
        G[rows, start + TILE :] = G[start + TILE :, rows].T
        tile = G[rows, rows]
        np.copyto(tile.T, tile, where=LOWER[: len(tile), : len(tile)])
    return G


def times_upper(A: FloatArray, R: FloatArray) -> FloatArray:
    """Multiply AR for an upper triangular R, at half the work of a general product; overwrites A if in C order."""
    (trmm,) = get_blas_funcs(("trmm",), (R, A))
    return np.asarray(trmm(1.0, R, A.T, trans_a=1, overwrite_b=1)).T


def subtract_outer(S: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
    """Compute S − abᵀ in double precision, in the memory of S."""
    s, transposed = (S, 0) if S.flags.f_contiguous else (S.T, 1)
    s = blas.dger(-1.0, *((b, a) if transposed else (a, b)), a=s, overwrite_a=1)
    return s.T if transposed else s


def scaled(S: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
    """Compute diag(a) S diag(b)."""
    R = a[:, None] * S
    R *= b
    return np.asarray(R)


def weighted_sum(w: FloatArray, A: FloatArray) -> FloatArray:
    """Compute wᵀA, the weighted sum of rows; the weights have the same floating type."""
    if A.size == 0:
        return np.zeros(A.shape[1], A.dtype)
    a, transposed = (A, 0) if A.flags.f_contiguous else (A.T, 1)
    (gemv,) = get_blas_funcs(("gemv",), (a, w))
    return np.asarray(gemv(1.0, a, w, trans=1 - transposed))


def out_of_range() -> ValueError:
    """Return the error for values whose squares overflow double precision."""
    return ValueError(
        "Squares of the values overflow or vanish in double precision; rescale the features to ordinary units."
    )


def refuse_overflow(*sums: FloatArray) -> None:
    """Refuse sums of squares or products that overflow double precision, in a block or in a merge of blocks."""
    if not all(np.isfinite(values).all() for values in sums):
        raise out_of_range()


def squared_columns(A: FloatArray, w: FloatArray | None = None) -> FloatArray:
    """Sum the (weighted) squares of each column of A (n, p); refuse sums that overflow, and rows that vanish in all."""
    with np.errstate(over="ignore"):  # checked below
        sums = np.einsum("ij,ij->j", A, A) if w is None else w @ np.square(A)
    refuse_overflow(sums)
    if not sums.any() and (A if w is None else A[w > 0]).any():
        raise out_of_range()
    return np.asarray(sums)


class Covariances(NamedTuple):
    """Covariances of the standardised pair: xx (p, p), xy (p, q) and yy (q, q), and the rounding of their products."""

    xx: FloatArray
    xy: FloatArray
    yy: FloatArray
    eps: float = float(np.finfo(np.float64).eps)
