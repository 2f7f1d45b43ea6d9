"""Ids of any kind: checks, joins, comparisons and look-ups that keep their types."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ._warn import warn
from .rows._numbers import at_hand

# Types that are not allowed as ids or parts of ids: mutable ones, which have no hash, and mappings.
_NO_IDS = (Mapping, list, np.ndarray)
# Most rows for each different id, on average; more are labels of classes, and not ids of items.
ROWS_OF_A_LABEL = 20
# Most pairs for each row that equal ids may form; ids with more are labels, too.
PAIRS_OF_A_ROW = 10
# Advice of the error about ids that are several labels.
_SEVERAL_LABELS = (
    " Where it is enough to share one of several labels, pass the functions of crossmodal_cca.metrics relevance in "
    "place of ids: with M = MultiLabelBinarizer().fit([*query_labels, *gallery_labels]) it is "
    "M.transform(query_labels) @ M.transform(gallery_labels).T > 0."
)
# NumPy's kinds of arrays by Python's own types.
_PLAIN_KINDS = {bool: "b", int: "i", float: "f"}


def checked_ids(ids: Any, name: str, n_rows: int, rows: str) -> NDArray[Any]:
    """Check that every row has an id, of any kind; `rows` names the rows in messages. Sets become frozensets."""
    ids = at_hand(ids, name)
    checked = _as_array(ids)
    if checked.ndim != 1:
        got = f"shape {checked.shape}" if checked.ndim else f"one {type(ids).__name__}"
        raise ValueError(
            f"{name} must be one-dimensional, a list or array of one id or label per row; got {got}."
            f"{_hint(name) if checked.ndim else ''}"
        )
    if len(checked) != n_rows:
        raise ValueError(f"{name} must have one entry per row of {rows}: expected {n_rows}, got {len(checked)}.")
    missing = np.zeros(n_rows, dtype=bool)
    if checked.dtype == object:
        parts = _Parts.of(checked)
        parts.check(name)
        missing[parts.owners[_are_missing(parts.values)]] = True
        if parts.has(Set, np.generic):
            checked = _changed(checked, _plain)
    elif checked.dtype.kind in "fcmM":
        missing |= _are_missing(checked)
    if missing.any():
        raise ValueError(
            f"{name} must not be missing, but {missing.sum()} of {n_rows} ids or labels are NaN or None; drop "
            "those rows."
        )
    return checked


def _are_missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    import pandas as pd

    return np.asarray(pd.isna(values))


def _hint(name: str) -> str:
    return _SEVERAL_LABELS if name.endswith("ids") else ""


def _as_array(ids: Any) -> NDArray[Any]:
    """Return ids as an array of their common type, or of Python objects."""
    if hasattr(ids, "dtype"):
        array = np.asarray(ids)
    elif isinstance(ids, list | tuple | range):
        # np.asarray would turn [1, "a"] into two texts, and tuples into rows.
        array = np.fromiter(ids, dtype=object, count=len(ids))
    else:
        array = np.array(ids, dtype=object)
    return _of_one_kind(array) if array.dtype == object and array.ndim == 1 else array


def _of_one_kind(ids: NDArray[Any]) -> NDArray[Any]:
    """Return ids of one kind as a typed array where possible: it can index rows and is saved as a whole."""
    entries = ids.tolist()
    types = set(map(type, entries))
    kinds = {np.dtype(t).kind if issubclass(t, np.generic) else _PLAIN_KINDS.get(t, "O") for t in types}
    if kinds and kinds <= set("iu"):
        whole: NDArray[Any] = np.array(entries)
        if whole.dtype.kind in "iu":  # not floats, which NumPy chooses if no integer type holds all
            return whole
    # Only dates of one unit: in another unit some might be out of range.
    elif len(kinds) == 1 and (kinds <= set("bfcUS") or (kinds <= set("mM") and len({i.dtype for i in entries}) == 1)):
        return np.array(entries)
    if any(issubclass(t, np.generic) for t in types):
        return _changed(ids, _plain)
    return ids


def _plain(entry: Any) -> Any:
    """Return an id, or a part of one, as a hashable Python object; NumPy's dates are kept."""
    if type(entry) is tuple:
        return tuple(map(_plain, entry))
    if isinstance(entry, Set):
        return frozenset(map(_plain, entry))
    return entry.item() if isinstance(entry, np.generic) and entry.dtype.kind not in "mM" else entry


@dataclass(frozen=True, eq=False)
class _Parts:
    """Parts of ids that are tuples or sets, the row of each part, and the types of ids and parts."""

    values: NDArray[Any]
    owners: NDArray[np.intp]
    types: set[type[Any]]

    @classmethod
    def of(cls, ids: NDArray[Any]) -> Self:
        parts, owners = ids.tolist(), np.arange(len(ids))
        types = found = set(map(type, parts))
        while compound := {t for t in found if issubclass(t, tuple | Set)}:
            owners = np.repeat(owners, [len(part) if type(part) in compound else 1 for part in parts])
            parts = [inner for part in parts for inner in (part if type(part) in compound else (part,))]
            found = set(map(type, parts))
            types = types | found
        return cls(np.fromiter(parts, dtype=object, count=len(parts)), owners, types)

    def has(self, *types: type[Any]) -> bool:
        """Whether any id or part has one of these types."""
        return any(issubclass(t, types) for t in self.types)

    def check(self, name: str) -> None:
        """Refuse values that cannot be ids."""
        if self.has(*_NO_IDS):
            part, row = next(
                pair for pair in zip(self.values, self.owners, strict=True) if isinstance(pair[0], _NO_IDS)
            )
            raise TypeError(
                f"{name} must hold one id or label per row, such as a number, a text, or a tuple or set of these, but "
                f"row {row} has the {type(part).__name__} {reprlib.repr(part)}.{_hint(name)}"
            )


def _changed(ids: NDArray[Any], change: Callable[[Any], Any]) -> NDArray[Any]:
    return np.fromiter(map(change, ids.tolist()), dtype=object, count=len(ids))


def _has_sets(ids: NDArray[Any]) -> bool:
    return ids.dtype == object and _Parts.of(ids).has(Set)


def _sortable(ids: NDArray[Any]) -> NDArray[Any]:
    """Return ids in a form that sorts: sets, whose order is only partial, as their sorted members."""
    return _changed(ids, _sorted) if _has_sets(ids) else ids


def _sorted(entry: Any) -> Any:
    if isinstance(entry, Set):
        return (), *sorted(map(_sorted, entry))  # () in front, unlike any tuple of the members
    return tuple(map(_sorted, entry)) if type(entry) is tuple else entry


def codes_of_ids(
    query_ids: Any,
    gallery_ids: Any,
    n_queries: int,
    n_gallery: int,
    names: tuple[str, str] = ("query_ids", "gallery_ids"),
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Encode the ids of queries and gallery as integers that are equal where the ids are.

    Without ids, row i of the queries matches row i of the gallery. Messages use the given names of both.
    """
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
    a = checked_ids(query_ids, names[0], n_queries, "queries")
    b = checked_ids(gallery_ids, names[1], n_gallery, "gallery")
    if a.dtype.kind != b.dtype.kind and {a.dtype.kind, b.dtype.kind} & {"m", "M"}:
        raise _incomparable(a, b, names)
    both = joined(a, b)
    if _has_sets(both):
        warn(f"{' and '.join(dict.fromkeys(names))} hold sets, which match where they are equal.{_hint(names[0])}")
    try:
        codes = np.unique(_sortable(both), return_inverse=True)[1]
    except TypeError as error:
        raise _incomparable(a, b, names) from error
    return codes[:n_queries], codes[n_queries:]


def _incomparable(a: NDArray[Any], b: NDArray[Any], names: tuple[str, str]) -> TypeError:
    kinds = [", ".join(sorted({type(i).__name__ for i in ids.tolist()})) for ids in (a, b)]
    return TypeError(
        f"{' and '.join(dict.fromkeys(names))} must be of comparable types, got {' against '.join(kinds)}; convert "
        "both to one type, such as str."
    )


def distinct_ids(ids: NDArray[Any], name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the distinct ids, sorted, and the position of each id among them."""
    try:
        _, first, codes = np.unique(_sortable(ids), return_index=True, return_inverse=True)
    except TypeError as error:
        kinds = sorted({type(i).__name__ for i in ids.tolist()})
        raise TypeError(
            f"{name} must be of comparable types, got {', '.join(kinds)}; convert all ids or labels to one type, such "
            "as str."
        ) from error
    return ids[first], codes


def joined(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """Concatenate ids; ids of different kinds keep their types.

    NumPy would turn 1 into "1", and large integers into rounded floats; Python compares them exactly.
    """
    if one.dtype.kind != other.dtype.kind:
        one, other = (np.fromiter(objects_of(ids), dtype=object, count=len(ids)) for ids in (one, other))
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


class KnownIds:
    """Ids of an index with look-up of rows by id; a table of them is built at the first look-up and kept.

    Parameters
    ----------
    ids : ndarray of shape (n_items,)
        Checked ids; several items may share one.
    """

    def __init__(self, ids: NDArray[Any]) -> None:
        self.ids = ids

    def __reduce__(self) -> tuple[type[KnownIds], tuple[NDArray[Any]]]:
        return type(self), (self.ids,)

    @cached_property
    def _codes(self) -> tuple[dict[Any, int], NDArray[np.intp], bool]:
        """Return a number for each distinct id, the numbers of all items, and whether any id is True or False."""
        numbers: dict[Any, int] = {}
        values = comparable(self.ids)
        codes = np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.intp)
        return numbers, codes, bool in set(map(type, values))

    def rows_with(self, ids: Any, name: str) -> NDArray[np.bool_]:
        """Mark the items that have one of some ids: one id, several, or a set of them, all of which must exist."""
        numbers, codes, have_flags = self._codes
        if _is_one_id(ids) or (isinstance(ids, tuple | Set) and _is_key(_plain(ids), numbers)):
            ids = [ids[()] if isinstance(ids, np.ndarray) else ids]
        elif isinstance(ids, Set):
            ids = list(ids)
        asked = checked_ids(ids, name, len(ids), name)
        wanted = comparable_with(self.ids, asked, name)
        # True equals 1 and False equals 0 in Python, so a mask would select the items with the ids 1 and 0.
        if bool in set(map(type, wanted)) and not have_flags:
            raise TypeError(
                f"{name} must be ids of the index, none of which is True or False. To use a mask, pass the ids that it "
                "chooses: index.ids_[mask]."
            )
        absent = [i for i, value in enumerate(wanted) if value not in numbers]
        if absent:
            kinds = sorted({type(i).__name__ for i in objects_of(self.ids[:1000])})
            raise ValueError(
                f"{name} must be ids of the index, but {len(absent)} of {len(asked)} are not in the index, such as "
                f"{objects_of(asked)[absent[0]]!r}; its ids are of type {', '.join(kinds) or 'none: it is empty'}."
            )
        chosen = np.zeros(len(numbers), dtype=bool)
        chosen[[numbers[value] for value in wanted]] = True
        return np.asarray(chosen[codes])


def _is_key(value: Any, known: Mapping[Any, Any]) -> bool:
    try:
        return value in known
    except TypeError:  # an object without a hash cannot be an id
        return False


def _is_one_id(ids: Any) -> bool:
    if hasattr(ids, "dtype"):
        return np.ndim(ids) == 0
    return isinstance(ids, str | bytes) or not hasattr(ids, "__len__")


def _as_dates(ids: NDArray[Any], name: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Convert ids to the type of an index of dates; NaT for a date that the type cannot hold."""
    try:
        dates = np.array(ids.tolist() if ids.dtype == object else ids, dtype=dtype.kind + "8")
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{name} must be dates or times of {dtype}, as the ids of the index are; got {ids!r}."
        ) from error
    return _in_unit(dates, dtype)


def objects_of(ids: NDArray[Any]) -> list[Any]:
    """Return the ids as Python objects, dates as NumPy's: Python has no nanoseconds."""
    return list(ids) if ids.dtype.kind in "mM" else ids.tolist()


def comparable(ids: NDArray[Any]) -> list[Any]:
    """Return Python objects that are equal where the ids are; dates as counts of their unit."""
    values: list[Any] = (ids.view(np.int64) if ids.dtype.kind in "mM" else ids).tolist()
    return values


def comparable_with(present: NDArray[Any], ids: NDArray[Any], name: str) -> list[Any]:
    """Return Python objects of ids for comparison with those that `comparable` returns for an index."""
    return comparable(_as_dates(ids, name, present.dtype) if present.dtype.kind in "mM" else ids)


def _in_unit(dates: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Convert dates to another unit; NaT where digits would be lost."""
    try:
        converted = dates.astype(dtype)
        return np.where(converted.astype(dates.dtype) == dates, converted, np.array("NaT", dtype))
    except OverflowError:  # of a single date, from NumPy 2.5 on
        if len(dates) == 1:
            return np.array(["NaT"], dtype)
        return np.concatenate([_in_unit(dates[i : i + 1], dtype) for i in range(len(dates))])
