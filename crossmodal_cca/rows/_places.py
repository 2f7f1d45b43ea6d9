"""Places of bad values in rows of any storage, for messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ._lazy import is_dask


def rows_to_look_at(A: Any) -> Any:
    """Return rows that can be sliced; None for rows that should not be loaded for a message."""
    if is_dask(A):
        return None
    return A.tocsr() if sparse.issparse(A) else A  # type: ignore[attr-defined]


def bad_places(block: Any, is_bad: Callable[[Any], NDArray[np.bool_]]) -> NDArray[np.intp]:
    """Return row and column of each bad value of a block, dense or CSR, in the order of the rows."""
    if not sparse.issparse(block):
        return np.argwhere(is_bad(block))
    rows: Any = block
    bad: Any = sparse.csr_array((is_bad(rows.data), rows.indices, rows.indptr), shape=rows.shape)
    places = np.transpose(bad.nonzero()).astype(np.intp)
    ordered: NDArray[np.intp] = places[np.lexsort(places.T[::-1])]
    return ordered
