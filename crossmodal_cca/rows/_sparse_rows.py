"""Sparse rows: products, and centring without filling them up."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from .._typing import FloatArray

# Largest order of a covariance or Gram matrix of sparse rows that is formed: 200 MB of doubles.
MAX_FEATURES = 5000
# Share of stored values from which a block is multiplied faster as a dense array.
DENSE_FROM = 0.1
# Columns of a sparse product computed at a time, before they are filled up.
STRIP = 1024


def centre_sparse(A: Any, w: FloatArray) -> tuple[Any, FloatArray, FloatArray]:
    """Centre dense columns, multiply by √w; return rows, the mean (p,), and the part of it left in the rows (p,).

    A column with few stored values keeps its mean: that is at most its standard deviation, so products can be corrected
    for it without losing digits. It is subtracted from columns with stored values in half of the rows or more.
    """
    values_of_row = np.diff(A.indptr)
    row_weights = np.repeat(w, values_of_row)
    p, total = A.shape[1], w.sum()
    filled = np.bincount(A.indices, row_weights, p) > total / 2
    mean = np.where(filled, np.bincount(A.indices, row_weights * A.data, p) / total, 0.0)
    C = subtract_from_columns(A, mean, filled)
    root = np.sqrt(w)
    if not (w == 1).all():
        C = sparse.csr_array((C.data * np.repeat(root, np.diff(C.indptr)), C.indices, C.indptr), shape=C.shape)
    left = (C.T @ root) / total
    return C, mean + left, left


def sparse_scores(A: Any, mean: FloatArray, W: FloatArray) -> FloatArray:
    """Compute (A − mean) W for sparse rows A, without filling them up."""
    filled = 2 * np.bincount(A.indices, minlength=A.shape[1]) > A.shape[0]
    centred = subtract_from_columns(A, mean, filled)
    scores: FloatArray = centred @ W
    scores -= np.where(filled, 0.0, mean) @ W
    return scores


def subtract_from_columns(A: Any, mean: FloatArray, which: FloatArray) -> Any:
    """Subtract `mean` from some columns, of which every value is then stored."""
    columns = np.flatnonzero(which)
    if len(columns) == 0:
        return A
    n, m = A.shape[0], len(columns)
    shift = np.tile(-mean[columns], n), np.tile(columns, n), np.arange(0, n * m + 1, m)
    return A + sparse.csr_array(shift, shape=A.shape)


def sparse_product(A: Any, B: Any) -> FloatArray:
    """Compute AᵀB as a dense array from sparse rows of both sides."""
    At = A.T.tocsr()
    product = np.empty((A.shape[1], B.shape[1]))
    for start in range(0, len(product), STRIP):
        (At[start : start + STRIP] @ B).toarray(out=product[start : start + STRIP])
    return product


def largest_magnitudes(A: Any) -> FloatArray:
    """Compute the largest magnitude (p,) in each column of sparse rows."""
    largest = np.zeros(A.shape[1])
    np.maximum.at(largest, A.indices, np.abs(A.data))
    return largest
