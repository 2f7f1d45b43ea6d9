"""Means and centred products of one block of paired rows, in double precision if their own type overflows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._typing import FloatArray
from ..linalg._products import out_of_range, subtract_outer
from ._block import Block

# Up to FEW_ROWS rows, or below NARROW features of the wider side, rows of single precision are multiplied in double.
FEW_ROWS, NARROW = 1024, 32


def single_saves(n_rows: int, X: Any, Y: Any) -> bool:
    """Whether products in single precision save enough time for the digits that they lose.

    Few rows cost little next to the solution that follows. Sums over few columns lose most digits, since BLAS adds them
    up in one long row. Sparse products are not quicker in single precision.
    """
    width = max(X.n_features, Y.n_features)
    return not (X.is_sparse or Y.is_sparse) and n_rows > max(FEW_ROWS, width) and width >= NARROW


class BlockProducts(NamedTuple):
    """Count and weight of the rows, means of both sides, centred products, and the type of the products."""

    n_rows: int
    weight_sum: float
    mean_x: FloatArray
    mean_y: FloatArray
    scatter_xx: FloatArray
    scatter_xy: FloatArray
    scatter_yy: FloatArray
    dtype: np.dtype[Any]


def block_products(
    X: Block,
    Y: Block,
    w: FloatArray | None,
    x_buffer: FloatArray | None = None,
    y_buffer: FloatArray | None = None,
) -> BlockProducts:
    """Centre both sides, in the memory of buffers if given, and multiply them."""
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
    return BlockProducts(n, weight_sum, mean_x, mean_y, xx, xy, yy, dtype)


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
