"""Row blocks of the two sides' data: the one room that knows how rows are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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

# Large enough for matrix products at full speed, small enough that a block of a thousand features is some tens of MB.
BLOCK_ROWS = 8192


def float_dtype(*arrays: Any) -> np.dtype[Any]:
    """Floating type the arrays are computed in: float32 if all are float16 or float32, otherwise float64."""
    single = all(a.dtype in (np.float16, np.float32) for a in arrays)
    return np.dtype(np.float32 if single else np.float64)


def row_slices(n_rows: int, block_rows: int | None = None) -> Iterator[slice]:
    """Slices that cover `n_rows` rows in order, a block at a time."""
    step = block_rows or BLOCK_ROWS
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def float_block(array: Any, rows: slice | NDArray[np.intp], dtype: DTypeLike, name: str) -> FloatArray:
    """Return dense rows as a finite float block: a view where the type already fits, otherwise a converted copy."""
    block: FloatArray = np.asarray(array[rows], dtype=dtype)
    assert_all_finite(block, input_name=name)
    return block


# Moments merged by one task: a tree of few levels, whose tasks hold little.
_FAN_IN = 8
_KNOW_SIZES = "Count the rows first: array.compute_chunk_sizes(), or dataframe.to_dask_array(lengths=True)"


def announced(A: Any, name: str) -> Any:
    """The rows themselves, or what a Dask collection says of its own before they are there."""
    return without_rows(A, name) if is_dask(A) else A


def without_rows(A: Any, name: str) -> Any:
    """Width, names and type of a Dask array or dataframe, in a container without rows."""
    from dask.array import Array

    if not isinstance(A, Array):
        if hasattr(type(A), "to_dask_array"):
            return A._meta
    elif not np.isnan(A.shape[1:]).any():
        return np.empty((0, *A.shape[1:]), A.dtype)
    raise TypeError(f"{name} must be a Dask array with a known number of columns, or a Dask dataframe; got {A!r}.")


def dask_rows(A: Any, dtype: DTypeLike, name: str) -> Any:
    """A Dask array whose chunks are whole rows of numbers; those of a dataframe are converted to the type given."""
    from dask.array import Array

    array = A
    if not isinstance(A, Array):
        names = list(getattr(A._meta, "columns", ()))
        array = A.map_partitions(_converted, names, dtype, name, meta=A._meta.astype(dtype)).to_dask_array()
    array = _of_numbers(array, name)
    if max(array.numblocks[1:], default=1) > 1:
        # Sparse chunks lose their format beside others.
        array = _of_numbers(array.rechunk(dict.fromkeys(range(1, array.ndim), -1)), name)
    return array


def _of_numbers(array: Any, name: str) -> Any:
    """The Dask array of checked chunks: what it announces need not be what they are."""
    return array.map_blocks(_numbers_of_chunk, name, dtype=array.dtype, meta=array._meta)


def _numbers_of_chunk(chunk: Any, name: str) -> Any:
    """A chunk of numbers; sparse ones in the format, and of the older class, that Dask can cut and put together."""
    numbers = as_numbers(chunk, name)
    return sparse.csr_matrix(numbers) if sparse.issparse(numbers) else numbers  # type: ignore[call-overload]


def _converted(partition: Any, names: list[Any], dtype: DTypeLike, name: str) -> Any:
    """A partition of a dataframe, whose columns Dask does not compare with those that it announces."""
    found = list(getattr(partition, "columns", ()))
    if found != names:
        raise ValueError(
            f"A partition has the columns {found[:5]}, but the dataframe has {names[:5]} (first five of each); give "
            "all partitions the same columns in the same order."
        )
    return as_numbers(partition, name).astype(dtype)


def aligned_rows(**arrays: Any) -> list[Any]:
    """Cut the rows of all alike, as the Dask array of known chunk sizes that has most; a number stays a number.

    Chunks of unknown sizes are paired by their order: who reads them has to check.
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
    """The Dask array, if it knows how many rows it has."""
    if np.isnan(A.shape[0]):
        raise ValueError(f"{name} has chunks of unknown sizes. {_KNOW_SIZES}.")
    return A


def cut_rows(A: Any, rows: int | tuple[int, ...]) -> Any:
    """An array in memory as a Dask array, with so many rows in each chunk; one of Dask as it is."""
    from dask.array import from_array

    return A if is_dask(A) else from_array(A, (rows, *A.shape[1:]), name=False)  # type: ignore[no-untyped-call]


def map_rows(function: Callable[..., FloatArray], A: Any, width: int, dtype: DTypeLike, **constants: Any) -> Any:
    """The Dask array of function(chunk, **constants), which is (rows of the chunk, width): nothing is computed yet."""
    from dask.delayed import delayed

    # As tasks of their own they are sent to a worker once, not with every chunk.
    constants = {
        name: delayed(value, pure=True) if isinstance(value, np.ndarray) else value for name, value in constants.items()
    }
    return A.map_blocks(
        function, chunks=(A.chunks[0], (width,)), dtype=dtype, meta=np.empty((0, 0), dtype), **constants
    )


def mapped(function: Callable[..., FloatArray], A: Any, width: int, dtype: DTypeLike, **constants: Any) -> Any:
    """function(A, **constants), a row for each of an array; of each chunk of one of Dask."""
    return map_rows(function, A, width, dtype, **constants) if is_dask(A) else function(A, **constants)


def bare(A: Any) -> Any:
    """An array of what may be in another container; one of Dask as it is."""
    return A if is_dask(A) else np.asarray(A)


def sum_over_rows(function: Callable[..., T | None], *arguments: Any) -> T | None:
    """Sum of function(*arguments) over the chunks of aligned Dask arrays, in a tree; None counts as nothing.

    What is not Dask's is passed on whole, and sent to a worker once.
    """
    from dask.delayed import delayed

    def chunks_of(A: Any) -> Any:
        # Optimised one by one, two sides of one source would each read it anew.
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
