"""Moments of paired columns computed from the rows of two sides, such as their scores."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils import assert_all_finite

from .._sklearn import count_rows, take_rows
from .._typing import FloatArray
from ..linalg._solution import ColumnMoments
from ._blocks import row_slices, sum_over_rows
from ._lazy import is_dask
from ._validation import aligned_pair, check_same_rows, check_sample_weight, warn_of_other_order

PairedColumns = Callable[[Any, Any], tuple[FloatArray, FloatArray]]


def column_moments(columns: PairedColumns, X: Any, y: Any, sample_weight: ArrayLike | None) -> ColumnMoments:
    """Compute moments of the columns that X and y are mapped to, block by block; Dask chunks where they are."""
    moments: ColumnMoments | None
    if is_dask(X, y):
        A, B = columns(_in_double(X), _in_double(y))
        check_same_rows(A.shape[0], B.shape[0])
        moments = sum_over_rows(_block_moments, *aligned_pair(A, B, sample_weight))
    else:
        n_rows = count_rows(X, "X")
        check_same_rows(n_rows, count_rows(y, "y"))
        warn_of_other_order(X=X, y=y)
        w = None if sample_weight is None else check_sample_weight(sample_weight, n_rows)
        blocks = ((_in_double(take_rows(X, rows)), _in_double(take_rows(y, rows)), rows) for rows in row_slices(n_rows))
        parts = (_block_moments(*columns(A, B), None if w is None else w[rows]) for A, B, rows in blocks)
        moments = reduce(add, parts) if n_rows else None
    if moments is None or moments.n_rows < 2:
        found = 0 if moments is None else moments.n_rows
        raise ValueError(f"score compares rows and needs at least 2 of them; got n_samples={found}.")
    if moments.weight_sum <= 0:
        raise ValueError("sample_weight is zero for every row; some must be positive.")
    return moments


def _in_double(rows: Any) -> Any:
    """Convert rows to double precision: scores far from zero would lose their variation to rounding."""
    found: Any = getattr(rows, "dtypes", getattr(rows, "dtype", None))
    types = set(np.atleast_1d(found))
    return rows.astype(np.float64) if types and types <= {np.dtype(np.float32), np.dtype(np.float16)} else rows


def _block_moments(A: Any, B: FloatArray, sample_weight: Any) -> ColumnMoments | None:
    # Sparse features are filled up: the predictions that they are compared with are dense.
    A = A.toarray() if sparse.issparse(A) else A  # type: ignore[attr-defined]
    check_same_rows(len(A), len(B))
    # Scores and predictions are finite; the targets of R² need not be.
    assert_all_finite(A, input_name="y")
    w = None if sample_weight is None else check_sample_weight(sample_weight, len(A), allow_none=True)
    return ColumnMoments.of_rows(A, B, w) if len(A) else None
