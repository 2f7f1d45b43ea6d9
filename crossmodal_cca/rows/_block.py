"""Blocks of rows, dense or sparse, with the products that a pass over the rows needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils import assert_all_finite

from .._typing import FloatArray
from ..linalg._products import gram, out_of_range, product, subtract_outer, weighted_sum
from ._blocks import row_slices
from ._sparse_rows import centre_sparse, largest_magnitudes, sparse_product

# Positions of sample rows, as fractions of a block: multiples of the golden ratio, which follow no period.
SOME = np.arange(256) * 0.6180339887498949 % 1.0
# Values of single precision summed at a time in double precision: few enough for the cache.
TILE = 2**18


@dataclass(frozen=True, eq=False)
class Block:
    """A block of rows A (n, p) of one side, in a floating type: an array, or in CSR as a `SparseBlock`."""

    A: Any

    def astype(self, dtype: DTypeLike) -> Self:
        """Convert the rows to another floating type."""
        return type(self)(self.A.astype(dtype))

    def check_finite(self, name: str) -> None:
        """Refuse values that are not finite."""
        assert_all_finite(self.A, input_name=name)

    def centred(self, w: FloatArray, buffer: FloatArray | None = None) -> tuple[Self, FloatArray, FloatArray]:
        """Centre the block and multiply by √w; return it (C), the mean (p,), and the part of it left in the rows (p,).

        The mean has double precision, whatever the rows' type. The shift subtracted need not be the mean: products can
        be corrected for the part that is left, and keep their digits if that is below the standard deviation. Without
        weights the shift is the mean of a sample; if it is below half the standard deviation of every feature, nothing
        is subtracted and C is A. A constant feature becomes exactly zero. C is written to the buffer if there is one.
        """
        A = self.A
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
                left = (_sum(A, w) if stay else _subtract(A, w, shift, C)) / w.sum()
            else:
                C = A if stay else np.subtract(A, shift, out=out)
            if not unweighted:
                C *= root[:, None]
            if A.dtype == np.float64:
                left = weighted_sum(root, C) / w.sum()
        return type(self)(C), left if stay else shift + left, left

    def gram(self) -> FloatArray:
        """Compute AᵀA (p, p)."""
        return gram(self.A)

    def cross(self, other: Block) -> FloatArray:
        """Compute AᵀB (p, q) with a block of the other side."""
        if isinstance(other, SparseBlock):
            return other.transposed_times(self.A).T
        return product(self.A.T, other.A)

    def times(self, W: FloatArray) -> FloatArray:
        """Compute AW (n, k)."""
        return product(self.A, W)

    def transposed_times(self, Z: FloatArray) -> FloatArray:
        """Compute AᵀZ (p, k)."""
        return product(self.A.T, Z)

    def sum_of_squares(self) -> FloatArray:
        """Compute the sum of squares (p,) of each feature."""
        return np.asarray(np.einsum("ij,ij->j", self.A, self.A))

    def largest_magnitudes(self, features: FloatArray) -> FloatArray:
        """Compute the largest magnitude of each of some features."""
        return np.asarray(np.abs(self.A[:, features]).max(axis=0, initial=0.0))


class SparseBlock(Block):
    """A block of rows in CSR without duplicate entries."""

    def centred(self, w: FloatArray, buffer: FloatArray | None = None) -> tuple[Self, FloatArray, FloatArray]:
        C, mean, left = centre_sparse(self.A, w)
        return type(self)(C), mean, left

    def gram(self) -> FloatArray:
        return sparse_product(self.A, self.A)

    def cross(self, other: Block) -> FloatArray:
        if isinstance(other, SparseBlock):
            return sparse_product(self.A, other.A)
        return self.transposed_times(other.A)

    def times(self, W: FloatArray) -> FloatArray:
        return np.asarray(self.A @ W)

    def transposed_times(self, Z: FloatArray) -> FloatArray:
        return np.asarray(self.A.T @ Z)

    def sum_of_squares(self) -> FloatArray:
        squares = np.bincount(self.A.indices, self.A.data**2, self.A.shape[1])
        return squares.astype(np.float64, copy=False)

    def largest_magnitudes(self, features: FloatArray) -> FloatArray:
        return largest_magnitudes(self.A)[features]


def _in_double(A: FloatArray) -> Iterator[tuple[slice, FloatArray]]:
    """Yield some rows after the other in double precision, in one memory."""
    at_once = min(max(TILE // A.shape[1], 1), len(A))
    tile = np.empty((at_once, A.shape[1]))
    for part in row_slices(len(A), at_once):
        rows = tile[: part.stop - part.start]
        np.copyto(rows, A[part])
        yield part, rows


def _sum(A: FloatArray, w: FloatArray) -> FloatArray:
    """Sum w a in double precision over rows of single precision."""
    total = np.zeros(A.shape[1])
    for part, rows in _in_double(A):
        total += weighted_sum(w[part], rows)
    return total


def _subtract(A: FloatArray, w: FloatArray, shift: FloatArray, C: FloatArray) -> FloatArray:
    """Sum w (a − shift) in double precision over rows of single precision, and write the shifted rows to C."""
    total, shift = np.zeros(A.shape[1]), shift.astype(np.float64)
    for part, rows in _in_double(A):
        rows -= shift
        C[part] = rows
        total += weighted_sum(w[part], rows)
    return total


def block_products(
    X: Block,
    Y: Block,
    w: FloatArray | None,
    x_buffer: FloatArray | None = None,
    y_buffer: FloatArray | None = None,
) -> dict[str, Any]:
    """Centre both sides, in the memory of buffers if given, and multiply them; return fields of `PairMoments`."""
    n, dtype = X.A.shape[0], X.A.dtype
    w = np.ones(n) if w is None else w
    weight_sum = float(w.sum())
    with np.errstate(over="ignore", invalid="ignore"):  # checked below
        Xc, mean_x, dx = X.centred(w, x_buffer)
        Yc, mean_y, dy = Y.centred(w, y_buffer)
        for rows, mean, name in ((X, mean_x, "X"), (Y, mean_y, "y")):
            if not np.isfinite(mean).all():
                rows.check_finite(name)
        products = (Xc.gram(), dx, dx), (Xc.cross(Yc), dx, dy), (Yc.gram(), dy, dy)
        xx, xy, yy = (subtract_outer(S.astype(np.float64, copy=False), weight_sum * a, b) for S, a, b in products)
    if not (_products_hold(xx, Xc) and _products_hold(yy, Yc)):
        if dtype == np.float64:
            raise out_of_range()
        return block_products(X.astype(np.float64), Y.astype(np.float64), w)
    means = {"mean_x": mean_x, "mean_y": mean_y}
    scatters = {"scatter_xx": xx, "scatter_xy": xy, "scatter_yy": yy}
    return {"n_rows": n, "weight_sum": weight_sum, **means, **scatters, "product_dtype": dtype}


def _products_hold(S: FloatArray, block: Block) -> bool:
    """Whether the squares of a block's columns, the diagonal of S, stayed in the range of its floating type."""
    squares, limits = np.diagonal(S), np.finfo(block.A.dtype)
    smallest = float(limits.tiny) / float(limits.eps)
    small = squares < smallest
    if small.any():
        largest = block.largest_magnitudes(small)
        if ((largest > 0) & (largest < np.sqrt(smallest))).any():
            return False
    return bool(np.isfinite(squares).all())
