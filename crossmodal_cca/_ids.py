"""Ids of any kind: checked, put together, compared and looked for without changing what they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._numbers import at_hand


def checked_ids(ids: Any, name: str, n_rows: int, rows: str) -> NDArray[Any]:
    """One id for each of the rows (so called in messages), of any kind, none missing."""
    ids = at_hand(ids, name)
    # A plain list stays a list of Python objects: np.asarray([1, "a"]) would make both strings, and rows of tuples.
    checked: NDArray[Any] = np.asarray(ids) if hasattr(ids, "dtype") else np.array(ids, dtype=object)
    if checked.ndim == 2 and isinstance(ids, list | tuple) and all(isinstance(i, tuple) for i in ids):
        checked = np.empty(len(ids), dtype=object)
        checked[:] = ids
    if checked.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, one id or label per row; got shape {checked.shape}.")
    if len(checked) != n_rows:
        raise ValueError(f"{name} must have one entry per row of {rows}: expected {n_rows}, got {len(checked)}.")
    if checked.dtype.kind in "fcmMO":
        import pandas as pd

        n_missing = int(np.sum(pd.isna(checked)))
        if n_missing:
            raise ValueError(
                f"{name} must not be missing, but {n_missing} of {len(checked)} are NaN or None; drop those rows."
            )
    return checked


def codes_of_ids(query_ids: Any, gallery_ids: Any, n_queries: int, n_gallery: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Integers that are equal where the ids of queries and gallery are; without ids those of row i are."""
    if query_ids is None and gallery_ids is None:
        if n_queries != n_gallery:
            raise ValueError(
                "Without ids row i of queries belongs to row i of gallery, which needs as many of both; got "
                f"{n_queries} queries and {n_gallery} gallery items. Pass query_ids and gallery_ids."
            )
        return np.arange(n_queries), np.arange(n_gallery)
    if query_ids is None or gallery_ids is None:
        given, missing = ("gallery_ids", "query_ids") if query_ids is None else ("query_ids", "gallery_ids")
        raise ValueError(f"query_ids and gallery_ids go together: got {given} without {missing}. Pass both or neither.")
    a = checked_ids(query_ids, "query_ids", n_queries, "queries")
    b = checked_ids(gallery_ids, "gallery_ids", n_gallery, "gallery")
    if a.dtype.kind != b.dtype.kind and {a.dtype.kind, b.dtype.kind} & {"m", "M"}:
        raise _incomparable(a, b)
    both = joined(a, b)
    try:
        codes = np.unique(both, return_inverse=True)[1]
    except TypeError as error:
        raise _incomparable(a, b) from error
    return codes[:n_queries], codes[n_queries:]


def _incomparable(a: NDArray[Any], b: NDArray[Any]) -> TypeError:
    kinds = [sorted({type(i).__name__ for i in ids.tolist()}) for ids in (a, b)]
    return TypeError(
        f"query_ids and gallery_ids must be of comparable types, got {', '.join(kinds[0])} against "
        f"{', '.join(kinds[1])}; convert both to one type, such as str."
    )


def distinct_ids(ids: NDArray[Any], name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Ids without repetitions, sorted, and the position there of each."""
    try:
        values, codes = np.unique(ids, return_inverse=True)
    except TypeError as error:
        raise TypeError(f"{name} must be of comparable types; convert them to one type, such as str.") from error
    return values, codes


def joined(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """Ids one after the other; of different kinds they stay what they are.

    NumPy would turn 1 into "1", and large integers into rounded floats; Python compares them exactly.
    """
    if one.dtype.kind != other.dtype.kind:
        one, other = one.astype(object), other.astype(object)
    elif one.dtype.kind in "mM" and one.dtype != other.dtype:
        try:
            common = np.promote_types(one.dtype, other.dtype)
            told = not any(np.isnat(_in_unit(dates, common)).any() for dates in (one, other))
        except TypeError:  # as months are not to be told in days
            told = False
        if not told:
            raise ValueError(
                f"Dates of {one.dtype} and {other.dtype} cannot be told in one unit; pass ids of one unit."
            )
    return np.concatenate((one, other))


def equal_ids(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether ids are equal, place by place."""
    if one.dtype.kind == other.dtype.kind and one.dtype.kind in "mM":
        return np.asarray(one == _in_unit(other, one.dtype))
    # NumPy's own numbers would round large integers to compare them with floats.
    return np.array([a == b for a, b in zip(objects_of(one), objects_of(other), strict=True)], dtype=bool)


def wanted_ids(ids: Any, present: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Ids to be removed as they were given, and in the type of those present: NaT for a date that cannot be there."""
    if np.ndim(ids) == 0 or (isinstance(ids, tuple) and ids in set(comparable(present))):
        asked = np.empty(1, dtype=object)
        asked[0] = ids.item() if isinstance(ids, np.ndarray) else ids
    else:
        asked = checked_ids(ids, "ids", len(ids), "ids")
    if present.dtype.kind not in "mM":
        return asked, asked
    dates = np.array(asked.tolist() if asked.dtype == object else asked, dtype=present.dtype.kind + "8")
    return asked, _in_unit(dates, present.dtype)


def objects_of(ids: NDArray[Any]) -> list[Any]:
    """Python objects of the ids, but NumPy's of dates: nanoseconds have no others."""
    return list(ids) if ids.dtype.kind in "mM" else ids.tolist()


def comparable(ids: NDArray[Any]) -> list[Any]:
    """Python objects that are equal where the ids are; dates as numbers of their unit."""
    values: list[Any] = (ids.view(np.int64) if ids.dtype.kind in "mM" else ids).tolist()
    return values


def _in_unit(dates: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Dates in another unit; NaT where that cannot say them without loss."""
    try:
        converted = dates.astype(dtype)
        return np.where(converted.astype(dates.dtype) == dates, converted, np.array("NaT", dtype))
    except OverflowError:  # of a single date, from NumPy 2.5 on
        if len(dates) == 1:
            return np.array(["NaT"], dtype)
        return np.concatenate([_in_unit(dates[i : i + 1], dtype) for i in range(len(dates))])
