"""Ids of any kind: put together, compared and looked for without changing what they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..metrics._inputs import checked_ids


def joined(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """Ids one after the other; of different kinds they stay what they are, where NumPy would turn 1 into "1"."""
    if one.dtype.kind != other.dtype.kind:
        one, other = one.astype(object), other.astype(object)
    elif one.dtype.kind in "mM":
        common = np.promote_types(one.dtype, other.dtype)
        if not all(np.array_equal(ids.astype(common).astype(ids.dtype), ids) for ids in (one, other)):
            raise ValueError(
                f"Dates of {one.dtype} and {other.dtype} cannot be told in one unit; pass ids of one unit."
            )
    return np.concatenate((one, other))


def wanted_ids(ids: Any, present: NDArray[Any]) -> NDArray[Any]:
    """Ids to be removed, in the type of those present: dates in their unit, where that can be said without loss."""
    if np.ndim(ids) == 0 or (isinstance(ids, tuple) and ids in set(comparable(present))):
        wanted = np.empty(1, dtype=object)
        wanted[0] = ids.item() if isinstance(ids, np.ndarray) else ids
    else:
        wanted = checked_ids(ids, "ids", len(ids), "ids")
    if present.dtype.kind in "mM":
        dates = np.array(wanted.tolist() if wanted.dtype == object else wanted, dtype=present.dtype.kind + "8")
        in_unit = dates.astype(present.dtype)
        wanted = np.where(in_unit.astype(dates.dtype) == dates, in_unit, np.array("NaT", in_unit.dtype))
    return wanted


def comparable(ids: NDArray[Any]) -> list[Any]:
    """Python objects that are equal where the ids are; dates as numbers of their unit."""
    values: list[Any] = (ids.view(np.int64) if ids.dtype.kind in "mM" else ids).tolist()
    return values
