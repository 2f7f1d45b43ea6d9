"""Sparse rows: centred without filling them up, and their products."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from .._typing import FloatArray

# Largest covariance of the features of sparse rows, or Gram matrix of the rows, that is formed: 200 MB.
MAX_FEATURES = 5000
# Share of stored values from which a block of rows is multiplied quicker as a dense one.
DENSE_FROM = 0.1
# Columns of a product of two sparse blocks that are held in sparse form at a time.
STRIP = 1024


def centre_sparse(A: Any, w: FloatArray) -> tuple[Any, FloatArray, FloatArray]:
    """Rows less part of their mean, times √w; the mean (p,); and what is left of it in the rows (p,).

    A column with few values keeps its mean: that is at most its standard deviation, so the products can be corrected
    for it without losing digits. From those with values in half of the rows it is subtracted.
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
    """(A − mean) W for sparse rows A, without subtracting what is not there."""
    filled = 2 * np.bincount(A.indices, minlength=A.shape[1]) > A.shape[0]
    centred = subtract_from_columns(A, mean, filled)
    scores: FloatArray = centred @ W
    scores -= np.where(filled, 0.0, mean) @ W
    return scores


def subtract_from_columns(A: Any, mean: FloatArray, which: FloatArray) -> Any:
    """The rows with `mean` subtracted from some columns, of which every value then is stored."""
    columns = np.flatnonzero(which)
    if len(columns) == 0:
        return A
    n, m = A.shape[0], len(columns)
    shift = np.tile(-mean[columns], n), np.tile(columns, n), np.arange(0, n * m + 1, m)
    return A + sparse.csr_array(shift, shape=A.shape)


def sparse_product(A: Any, B: Any) -> FloatArray:
    """AᵀB, dense, of sparse rows on both sides."""
    At = A.T.tocsr()
    product = np.empty((A.shape[1], B.shape[1]))
    for start in range(0, len(product), STRIP):
        (At[start : start + STRIP] @ B).toarray(out=product[start : start + STRIP])
    return product


def largest_magnitudes(A: Any) -> FloatArray:
    """Largest magnitude (p,) in each column of sparse rows."""
    largest = np.zeros(A.shape[1])
    np.maximum.at(largest, A.indices, np.abs(A.data))
    return largest
