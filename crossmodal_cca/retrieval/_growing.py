"""Arrays that grow without copies, while earlier versions stay valid."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Rows per row of spare room in a copy: a copy has room for an eighth more.
_SHARE_OF_ROOM = 8


class GrowingRows:
    """An array with spare room behind it for further rows; the array itself never changes.

    The first call that adds rows uses the room, any other makes a copy, so that no array shows rows added to another.
    """

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array
        self._room: list[NDArray[Any]] = []

    def with_more(self, rows: NDArray[Any]) -> GrowingRows:
        """Return an array with further rows at the end, in the type of the first ones."""
        n, total = len(self.array), len(self.array) + len(rows)
        try:
            block = self._room.pop()  # atomic, so that only one of several threads gets the room
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
