"""Centred rows of one side, without filling up sparse rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._typing import FloatArray
from ..linalg._products import product, subtract_outer, weighted_sum
from ..linalg._svd import all_eigenvectors, rank_tolerance
from ._blocks import row_slices
from ._sparse_rows import sparse_product

# Positions of sample rows, as fractions of a block: multiples of the golden ratio, which follow no period.
SOME = np.arange(256) * 0.6180339887498949 % 1.0
# Values of single precision summed at a time in double precision: few enough for the cache.
TILE = 2**18


def centre(A: FloatArray, w: FloatArray, buffer: FloatArray | None = None) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Centre rows and multiply by √w; return them (C), the mean, and the part of the mean that is left in the rows.

    The mean has double precision, whatever the rows' type. The shift subtracted need not be the mean: products can be
    corrected for the part that is left, and keep their digits if that is below the standard deviation. Without weights
    the shift is the mean of a sample; if it is below half the standard deviation of every feature, nothing is
    subtracted and C is A. A constant feature becomes exactly zero. C is written to the buffer if there is one.
    """
    root = np.sqrt(w).astype(A.dtype)
    unweighted = bool((w == 1).all())
    some = A[(SOME * len(A)).astype(np.intp)] if len(A) > len(SOME) else A
    out = None if buffer is None else buffer[: len(A)]
    with np.errstate(over="ignore", invalid="ignore"):  # values that are not finite show in the mean
        if unweighted:
            shift = some.mean(axis=0, dtype=np.float64).astype(A.dtype)
        else:
            shift = weighted_sum(w.astype(A.dtype), A) / A.dtype.type(w.sum())
        shift = np.where((some == some[0]).all(axis=0), some[0], shift)
        # A mean that is small in every feature is left in the rows.
        deviation = np.sqrt(np.mean(np.square(some - shift), axis=0))
        stay = unweighted and A.flags.forc and bool((2 * np.abs(shift) <= deviation).all())
        if A.dtype == np.float32:
            C = A if stay else np.empty_like(A) if out is None else out
            left = _subtract(A, w, shift, None if stay else C) / w.sum()
            if stay:
                left += shift
        else:
            C = A if stay else np.subtract(A, shift, out=out)
        if not unweighted:
            C *= root[:, None]
        if A.dtype == np.float64:
            left = weighted_sum(root, C) / w.sum()
    return C, left if stay else shift + left, left


def _subtract(A: FloatArray, w: FloatArray, shift: FloatArray, C: FloatArray | None) -> FloatArray:
    """Sum w (a − shift) in double precision over rows of single precision; write the shifted rows to C, if given."""
    total, shift = np.zeros(A.shape[1]), shift.astype(np.float64)
    at_once = min(max(TILE // A.shape[1], 1), len(A))
    tile = np.empty((at_once, A.shape[1]))
    for part in row_slices(len(A), at_once):
        rows = tile[: part.stop - part.start]
        np.copyto(rows, A[part])
        rows -= shift
        if C is not None:
            C[part] = rows
        total += weighted_sum(w[part], rows)
    return total


class CentredRows(NamedTuple):
    """Centred rows times √w: a block C (n, p) minus the outer product √w·restᵀ."""

    C: Any
    root: FloatArray
    rest: FloatArray
    mean: FloatArray

    @classmethod
    def read(cls, A: Any, part: slice, w: FloatArray, mean: FloatArray | None, name: str) -> CentredRows:
        """Centre rows of any storage, by default about their own mean."""
        C, own_mean, rest = A.block(part, np.float64, name).centred(w[part])
        root = np.sqrt(w[part])
        return cls(C, root, rest, own_mean) if mean is None else cls(C, root, rest + mean - own_mean, mean)

    def times(self, W: FloatArray) -> FloatArray:
        return subtract_outer(self.C.times(W), self.root, self.rest @ W)

    def transposed_times(self, Z: FloatArray) -> FloatArray:
        return subtract_outer(self.C.transposed_times(Z), self.rest, self.root @ Z)

    def sum_of_squares(self) -> FloatArray:
        """Sum of squares (p,) of every feature about its mean; the rows must be centred about their own."""
        squares: FloatArray = self.C.sum_of_squares()
        squares -= np.sum(self.root**2) * self.rest**2
        return squares


class SparseRowSpace:
    """Orthonormal basis B = D ZᵀM (p, r) of the space spanned by sparse centred rows Z·D, kept as its factors.

    B would be dense. In M = U/d, U are the eigenvectors of the Gram matrix of the rows, d the roots of its eigenvalues.
    """

    def __init__(self, rows: CentredRows, units: FloatArray) -> None:
        self.rows, self.units = rows, units
        scaled = rows.C.A.copy()
        scaled.data *= units[scaled.indices]
        away = scaled @ (units * rows.rest)
        G = sparse_product(scaled.T, scaled.T)
        # The square of the mean is split between the two outer products.
        away -= np.sum((units * rows.rest) ** 2) / 2 * rows.root
        G = subtract_outer(subtract_outer(G, away, rows.root), rows.root, away)
        values, U = all_eigenvectors(G, overwrite=True)
        values, U = values[::-1], U[:, ::-1]
        keep = values > rank_tolerance(len(units), np.finfo(np.float64).eps) ** 2 * values[0]
        self.U, self.d = U[:, keep], np.sqrt(values[keep])

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.units), len(self.d)

    @property
    def coordinates(self) -> FloatArray:
        """Coordinates of the rows, without their weights."""
        return np.asarray(self.U * self.d / self.rows.root[:, None])

    def __matmul__(self, A: FloatArray) -> FloatArray:
        B = self.rows.transposed_times(product(self.U / self.d, A))
        B *= self.units[:, None]
        return np.asarray(B)
