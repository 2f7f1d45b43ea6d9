"""Findings about ids: missing ids, ids without a partner or with several rows, and labels given as ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._ids import PAIRS_OF_A_ROW, ROWS_OF_A_LABEL, checked_ids, objects_of
from ..rows._numbers import at_hand
from ._findings import Finding, counted, listed

# Advice if row i of X and row i of y are not a pair.
_JOIN = "pair the rows by their ids first, so that row i of X and row i of y are one pair"


class Ids(NamedTuple):
    """Codes of the ids of one side's rows; equal ids of both sides have one code, and a missing id has −1."""

    name: str  # the argument
    codes: NDArray[np.intp]
    values: list[Any]  # by their codes

    @property
    def side(self) -> str:
        return "X" if self.name == "x_ids" else "y"

    @property
    def are_labels(self) -> bool:
        """Whether so few ids differ that they are classes of items."""
        return bool(np.count_nonzero(self.counts) * ROWS_OF_A_LABEL < len(self.codes))

    @property
    def counts(self) -> NDArray[np.intp]:
        """Number of rows of each id."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))


def ids_of(given: dict[str, Any], n_rows: dict[str, int]) -> dict[str, Ids]:
    """Number the ids that were given, by the name of the argument."""
    numbers: dict[Any, int] = {}
    codes = {}
    for name, ids in given.items():
        if ids is not None:
            codes[name] = _codes(ids, name, n_rows[name], numbers)
    values = [value for _, value in numbers]
    return {name: Ids(name, own, values) for name, own in codes.items()}


def _codes(ids: Any, name: str, n_rows: int, numbers: dict[Any, int]) -> NDArray[np.intp]:
    import pandas as pd

    ids = at_hand(ids, name)
    if isinstance(ids, list | tuple):
        ids = np.fromiter(ids, dtype=object, count=len(ids))
    array = np.asarray(ids)
    present = np.ones(n_rows, bool)
    if array.shape == (n_rows,):
        present = ~np.asarray(pd.isna(array))
        ids = array[present]
    checked = checked_ids(ids, name, int(present.sum()), "X" if name == "x_ids" else "y")
    codes = np.full(n_rows, -1, dtype=np.intp)
    # True and 1 are one key of a dict, so the type is part of the key.
    keys = ((isinstance(value, bool), value) for value in objects_of(checked))
    codes[present] = [numbers.setdefault(key, len(numbers)) for key in keys]
    return codes


def are_aligned(ids: dict[str, Ids]) -> bool:
    """Whether row i of X and row i of y have one id, as far as both are given."""
    return len(ids) < 2 or np.array_equal(ids["x_ids"].codes, ids["y_ids"].codes)


def number_of_pairs(ids: dict[str, Ids]) -> int:
    """Count the pairs of rows with equal ids."""
    return int(ids["x_ids"].counts @ ids["y_ids"].counts)


def findings_of_ids(ids: dict[str, Ids]) -> Iterator[Finding]:
    """Find faults of the ids of each side, and of both together."""
    for own in ids.values():
        missing = np.flatnonzero(own.codes < 0)
        if len(missing):
            what = f"{counted(len(missing), 'ids')} missing in {own.name}, first in row {missing[0]}"
            yield Finding("ids", own.side, "error", len(missing), what, "give these rows ids, or drop them")
    if len(ids) == 2:
        one, other = ids.values()
        if not (one.counts * other.counts).any():
            yield _nothing_in_common(one, other)
            return
        yield from _without_partner(one, other)
        yield from _without_partner(other, one)
        if not are_aligned(ids) and len(one.codes) == len(other.codes):
            row = int(np.flatnonzero(one.codes != other.codes)[0])
            n = int(np.count_nonzero(one.codes != other.codes))
            what = f"{counted(n, 'rows')} of X stand beside a row of y with another id, first row {row}"
            yield Finding("order", "pairs", "error", n, what, _JOIN)
        n_pairs, n_rows = number_of_pairs(ids), max(len(one.codes), len(other.codes))
        if not are_aligned(ids) and n_pairs > PAIRS_OF_A_ROW * n_rows:
            what = f"equal ids make {counted(n_pairs, 'pairs')} of {counted(n_rows, 'rows')}: these are labels, not ids"
            todo = "pass what tells items apart; labels go to measures as x_ids and y_ids once the rows are paired"
            yield Finding("ids", "pairs", "error", n_pairs, what, todo)
    for own in ids.values():
        yield from _several(own)


def _nothing_in_common(one: Ids, other: Ids) -> Finding:
    samples = [listed([ids.values[code] for code in ids.codes[ids.codes >= 0][:2]]) for ids in (one, other)]
    texts = [{_bare(ids.values[code]) for code in ids.codes if code >= 0} for ids in (one, other)]
    agree = " As texts without leading zeros some agree: read both sides' ids as text." if texts[0] & texts[1] else ""
    what = f"no id of X is one of y: {samples[0]} against {samples[1]}"
    return Finding("ids", "pairs", "error", 0, what, f"see that both are of one kind and type.{agree}")


def _bare(value: Any) -> str:
    return str(value).strip().removesuffix(".0").lstrip("0")


def _without_partner(own: Ids, other: Ids) -> Iterator[Finding]:
    alone = np.flatnonzero((own.codes >= 0) & ~np.isin(own.codes, other.codes))
    if len(alone):
        shown = listed(dict.fromkeys(own.values[code] for code in own.codes[alone]))
        what = f"{counted(len(alone), 'rows')} of {own.side} without a partner in {other.side}: {shown}"
        yield Finding("ids", own.side, "warning", len(alone), what, "drop them, or see whether a file is incomplete")


def _several(own: Ids) -> Iterator[Finding]:
    counts = own.counts
    repeated = np.flatnonzero(counts > 1)
    if len(repeated) and not own.are_labels:
        most = int(repeated[counts[repeated].argmax()])
        what = (
            f"{counted(len(repeated), 'ids')} have several rows of {own.side}, up to {counts[most]} "
            f"({own.values[most]!r})"
        )
        todo = "as captions of one picture: keep them in one fold (groups=ids), and give measures x_ids and y_ids"
        yield Finding("several rows", own.side, "note", len(repeated), what, todo)
