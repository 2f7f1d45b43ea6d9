"""Row blocks of the two sides' data, and the Dask arrays that they come from."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import repeat
from operator import add
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse
from sklearn.utils import assert_all_finite

from .._typing import FloatArray
from ._lazy import is_dask
from ._numbers import as_numbers

T = TypeVar("T")

# Rows in a block: enough for matrix products at full speed, and some tens of MB for a thousand features.
BLOCK_ROWS = 8192


def float_dtype(*arrays: Any) -> np.dtype[Any]:
    """Return the floating type to compute in: float32 if all arrays are float16 or float32, otherwise float64."""
    single = all(a.dtype in (np.float16, np.float32) for a in arrays)
    return np.dtype(np.float32 if single else np.float64)


def row_slices(n_rows: int, block_rows: int | None = None) -> list[slice]:
    """Return slices that cover `n_rows` rows in order, a block at a time."""
    step = block_rows or BLOCK_ROWS
    return [slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step)]


def float_block(array: Any, rows: slice | NDArray[np.intp], dtype: DTypeLike, name: str) -> FloatArray:
    """Return dense rows as a finite float block: a view where the type already fits, otherwise a converted copy."""
    block: FloatArray = np.asarray(array[rows], dtype=dtype)
    assert_all_finite(block, input_name=name)
    return block


# Number of results that one Dask task merges: a tree of few levels, whose tasks need little memory.
_FAN_IN = 8
# Advice of the error about chunks of unknown sizes.
_KNOW_SIZES = "Count the rows first: array.compute_chunk_sizes(), or dataframe.to_dask_array(lengths=True)"


def announced(A: Any, name: str) -> Any:
    """Return rows to check before anything is computed: themselves, or an empty stand-in for a Dask collection."""
    return without_rows(A, name) if is_dask(A) else A


def without_rows(A: Any, name: str) -> Any:
    """Return a container without rows that has the width, names and type of a Dask array or dataframe."""
    from dask.array import Array

    if not isinstance(A, Array):
        if hasattr(type(A), "to_dask_array"):
            return A._meta
    elif not np.isnan(A.shape[1:]).any():
        return np.empty((0, *A.shape[1:]), A.dtype)
    raise TypeError(f"{name} must be a Dask array with a known number of columns, or a Dask dataframe; got {A!r}.")


def dask_rows(A: Any, dtype: DTypeLike, name: str) -> Any:
    """Return a Dask array whose chunks are whole rows of numbers; a dataframe is converted to the type given."""
    from dask.array import Array

    array = A
    if not isinstance(A, Array):
        names = list(getattr(A._meta, "columns", ()))
        array = A.map_partitions(_converted, names, dtype, name, meta=A._meta.astype(dtype)).to_dask_array()
    array = _of_numbers(array, name)
    if max(array.numblocks[1:], default=1) > 1:
        # Sparse chunks lose their format when Dask joins them with others.
        array = _of_numbers(array.rechunk(dict.fromkeys(range(1, array.ndim), -1)), name)
    return array


def _of_numbers(array: Any, name: str) -> Any:
    """Return a Dask array whose chunks are checked when read, since its announced type may be wrong."""
    return array.map_blocks(_numbers_of_chunk, name, dtype=array.dtype, meta=array._meta)


def _numbers_of_chunk(chunk: Any, name: str) -> Any:
    """Check a chunk of numbers; sparse chunks become CSR matrices of the older class, which Dask can cut and join."""
    numbers = as_numbers(chunk, name)
    return sparse.csr_matrix(numbers) if sparse.issparse(numbers) else numbers  # type: ignore[call-overload]


def _converted(partition: Any, names: list[Any], dtype: DTypeLike, name: str) -> Any:
    """Convert a partition of a dataframe; check its columns against the announced ones, which Dask does not."""
    found = list(getattr(partition, "columns", ()))
    if found != names:
        raise ValueError(
            f"A partition has the columns {found[:5]}, but the dataframe has {names[:5]} (first five of each); give "
            "all partitions the same columns in the same order."
        )
    return as_numbers(partition, name).astype(dtype)


def aligned_rows(**arrays: Any) -> list[Any]:
    """Cut all arrays at the same rows, as the Dask array of known chunk sizes with most chunks; numbers stay numbers.

    Chunks of unknown sizes are paired by their order; their sizes have to be compared when they are read.
    """
    lazy = {name: A for name, A in arrays.items() if is_dask(A)}
    known = max((A for A in lazy.values() if not np.isnan(A.shape[0])), key=lambda A: A.numblocks[0], default=None)
    n_chunks = {name: (A if known is None or np.isnan(A.shape[0]) else known).numblocks[0] for name, A in lazy.items()}
    if len(set(n_chunks.values())) > 1:
        raise ValueError(
            f"Chunks of unknown sizes are paired by their order, but there are {n_chunks} of them. {_KNOW_SIZES}."
        )

    def cut(name: str, A: Any) -> Any:
        if not hasattr(A, "shape") or (is_dask(A) and np.isnan(A.shape[0])):
            return A
        if known is None:
            raise ValueError(
                f"{name} is in memory and the chunks of {min(lazy)} are of unknown sizes, so they cannot be cut alike. "
                f"{_KNOW_SIZES}; or pass {name} as a Dask collection too."
            )
        return A.rechunk({0: known.chunks[0]}) if is_dask(A) else cut_rows(A, known.chunks[0])

    return [cut(name, A) for name, A in arrays.items()]


def counted_rows(A: Any, name: str) -> Any:
    """Return the Dask array, or raise an error if its number of rows is unknown."""
    if np.isnan(A.shape[0]):
        raise ValueError(f"{name} has chunks of unknown sizes. {_KNOW_SIZES}.")
    return A


def cut_rows(A: Any, rows: int | tuple[int, ...]) -> Any:
    """Cut an array in memory into a Dask array with chunks of these sizes; return a Dask array as it is."""
    from dask.array import from_array

    return A if is_dask(A) else from_array(A, (rows, *A.shape[1:]), name=False)  # type: ignore[no-untyped-call]


def map_rows(function: Callable[..., FloatArray], A: Any, width: int, dtype: DTypeLike, **constants: Any) -> Any:
    """Return the lazy Dask array of function(chunk, **constants), each of shape (rows of the chunk, width)."""
    from dask.delayed import delayed

    # As separate tasks, constants are sent to a worker once, not with every chunk.
    constants = {
        name: delayed(value, pure=True) if isinstance(value, np.ndarray) else value for name, value in constants.items()
    }
    return A.map_blocks(
        function, chunks=(A.chunks[0], (width,)), dtype=dtype, meta=np.empty((0, 0), dtype), **constants
    )


def mapped(function: Callable[..., FloatArray], A: Any, width: int, dtype: DTypeLike, **constants: Any) -> Any:
    """Apply a function that keeps the number of rows to an array, or to each chunk of a Dask array."""
    return map_rows(function, A, width, dtype, **constants) if is_dask(A) else function(A, **constants)


def bare(A: Any) -> Any:
    """Convert a container of rows to an array; return a Dask array as it is."""
    return A if is_dask(A) else np.asarray(A)


def sum_over_rows(function: Callable[..., T | None], *arguments: Any) -> T | None:
    """Sum function(*arguments) over the chunks of aligned Dask arrays, in a tree; None is skipped.

    Other arguments are passed whole, and sent to a worker once.
    """
    from dask.delayed import delayed

    def chunks_of(A: Any) -> Any:
        # Optimised together: separately, two sides of one source would each read it.
        return A.to_delayed(optimize_graph=False).ravel() if is_dask(A) else repeat(delayed(A))

    chunks = zip(*map(chunks_of, arguments), strict=False)
    parts = [delayed(function, pure=False)(*own) for own in chunks]
    add_up = delayed(_sum, pure=False)
    while len(parts) > 1:
        parts = [add_up(parts[i : i + _FAN_IN]) for i in range(0, len(parts), _FAN_IN)]
    total: T | None = parts[0].compute()
    return total


def _sum(parts: list[Any]) -> Any:
    present = [part for part in parts if part is not None]
    return reduce(add, present) if present else None
