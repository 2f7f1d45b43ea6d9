"""Arrays that go on without being copied, beside all that came before them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Of rows that are copied, one part in so many more is room for further ones.
_SHARE_OF_ROOM = 8


class GrowingRows:
    """An array with room behind it, where further rows are written; the array itself never changes.

    The first who adds rows gets the room, any other a copy, so that nobody sees rows of another. A copy has no room.

    Parameters
    ----------
    array : ndarray of shape (n_rows, …)
        The rows; kept, not copied.
    """

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array
        self._room: list[NDArray[Any]] = []

    def with_more(self, rows: NDArray[Any]) -> GrowingRows:
        """With further rows at the end, in the type of the first ones."""
        n, total = len(self.array), len(self.array) + len(rows)
        try:
            block = self._room.pop()  # one step, so that of several threads one gets it
        except IndexError:
            block = self.array
        if len(block) < total:
            block = np.empty((total + total // _SHARE_OF_ROOM, *self.array.shape[1:]), self.array.dtype)
            block[:n] = self.array
        block[n:total] = rows
        longer = GrowingRows(block[:total])
        longer._room.append(block)
        return longer

    def __reduce__(self) -> tuple[type[GrowingRows], tuple[NDArray[Any]]]:
        return type(self), (self.array,)
