"""Row blocks of the two sides' data: the one room that knows how rows are stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse
from sklearn.utils import assert_all_finite

FloatArray = NDArray[Any]

# Large enough for matrix products at full speed, small enough that a block of a thousand features is some tens of MB.
BLOCK_ROWS = 8192


def is_sparse(A: Any) -> bool:
    """Whether rows are a scipy sparse matrix or array."""
    return bool(sparse.issparse(A))


def float_dtype(*arrays: NDArray[Any]) -> np.dtype[Any]:
    """Floating type the arrays are computed in: float32 if all are float16 or float32, otherwise float64."""
    single = all(a.dtype in (np.float16, np.float32) for a in arrays)
    return np.dtype(np.float32 if single else np.float64)


def row_slices(n_rows: int, block_rows: int = BLOCK_ROWS) -> Iterator[slice]:
    """Slices that cover `n_rows` rows in order, a block at a time."""
    for start in range(0, n_rows, block_rows):
        yield slice(start, min(start + block_rows, n_rows))


def float_block(array: NDArray[Any], rows: slice | NDArray[np.intp], dtype: DTypeLike, name: str) -> FloatArray:
    """Return the rows as a finite float block: a view where the type already fits, otherwise a converted copy.

    Sparse rows stay sparse, with each value stored once.
    """
    part: Any = array[rows]
    block: Any = sparse.csr_array(part).astype(dtype, copy=False) if is_sparse(part) else np.asarray(part, dtype=dtype)
    assert_all_finite(block, input_name=name)
    if is_sparse(block) and not block.has_canonical_format:
        block = block.copy()  # the caller's rows stay as they are
        block.sum_duplicates()
    return block  # type: ignore[no-any-return]


def dense_block(array: Any, rows: slice | NDArray[np.intp], dtype: DTypeLike, name: str) -> FloatArray:
    """Return the rows as a finite float block that is dense, also where they are sparse."""
    block: Any = float_block(array, rows, dtype, name)
    return block.toarray() if is_sparse(block) else block  # type: ignore[no-any-return]
