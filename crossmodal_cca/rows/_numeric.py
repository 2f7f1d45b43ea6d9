"""Galleries of finite numbers, in memory or as Dask arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .._sklearn import check_array
from ._blocks import counted_rows
from ._lazy import is_dask
from ._validation import lazy_rows


def numeric_rows(A: Any, name: str, *, lazy: bool) -> Any:
    """Check rows of finite numbers; with `lazy` they may be a Dask array with known chunk sizes."""
    if lazy and is_dask(A):
        return counted_rows(lazy_rows(A, name), name)
    return check_array(A, dtype="numeric", input_name=name)


def blocks_in_memory(A: Any, name: str) -> Iterator[tuple[slice, Any]]:
    """Yield the rows that `numeric_rows` returns, Dask arrays chunk by chunk, each with its slice of rows."""
    if not is_dask(A):
        yield slice(0, len(A)), A
        return
    stops = np.cumsum(A.chunks[0]).tolist()
    for start, stop in zip([0, *stops[:-1]], stops, strict=True):
        if stop > start:
            yield slice(start, stop), check_array(A[start:stop].compute(), dtype="numeric", input_name=name)
