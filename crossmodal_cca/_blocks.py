"""Row blocks of the two sides' data: the one room that knows how rows are stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from sklearn.utils import assert_all_finite

FloatArray = NDArray[Any]

# Large enough for matrix products at full speed, small enough that a block of a thousand features is some tens of MB.
BLOCK_ROWS = 8192


def float_dtype(*arrays: NDArray[Any]) -> np.dtype[Any]:
    """Floating type the arrays are computed in: float32 if all are float16 or float32, otherwise float64."""
    single = all(a.dtype in (np.float16, np.float32) for a in arrays)
    return np.dtype(np.float32 if single else np.float64)


def row_slices(n_rows: int, block_rows: int | None = None) -> Iterator[slice]:
    """Slices that cover `n_rows` rows in order, a block at a time."""
    step = block_rows or BLOCK_ROWS
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


@dataclass(frozen=True, eq=False)
class ChosenRows:
    """Some rows of an array, gathered where they are read: never a copy of all of them."""

    array: NDArray[Any]
    positions: NDArray[np.intp]

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.positions), *self.array.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> NDArray[Any]:
        chosen: NDArray[Any] = self.array[self.positions[rows]]
        return chosen


def float_block(array: NDArray[Any], rows: slice | NDArray[np.intp], dtype: DTypeLike, name: str) -> FloatArray:
    """Return the rows as a finite float block: a view where the type already fits, otherwise a converted copy."""
    block = np.asarray(array[rows], dtype=dtype)
    assert_all_finite(block, input_name=name)
    return block
