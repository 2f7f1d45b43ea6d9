"""Findings about one side: values, columns, rows, scale, rank, near copies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..rows._stored import rows_in_memory
from ._findings import Finding, counted, listed
from ._near_copies import FEWEST_FEATURES, Separated, near_copies
from ._side import Side

# Largest deviation as a multiple of the median at which one feature outweighs all others if units count.
_DOMINATES = 100
# Fewest rows for a column of ids; in fewer rows, whole numbers that all differ may be a measurement.
_FEWEST_IDS = 20
# Usual names of columns of ids.
_NAMES_OF_IDS = {"", "id", "index", "idx", "level_0"}
# Advice for a column of ids.
_DROP = "drop it, or pass it as ids: it says which row this is, not what is in it"


def findings_of_side(side: Side, name: str, threshold: float, split: Separated | None) -> Iterator[Finding]:
    """Find faults of one side by itself."""
    yield Finding(
        "size",
        name,
        "note",
        side.n_rows,
        f"{counted(side.n_rows, 'rows')} of {counted(side.n_features, 'features')}, {side.rows.dtype}"
        f"{', sparse' if side.is_sparse else ''}",
        "",
    )
    for check in (_bad_values, _columns_of_ids, _columns, _scale, _rank, _rows):
        yield from check(side, name)
    yield from _near_rows(side, name, threshold, split)


def _names(side: Side, columns: Any) -> str:
    return listed([side.names[j] for j in columns])


def _bad_values(side: Side, name: str) -> Iterator[Finding]:
    n_rows = int(side.bad_rows.sum())
    for check, counts, word in (("missing", side.n_nan, "NaN"), ("infinite", side.n_infinite, "infinite")):
        columns = np.flatnonzero(counts)
        if len(columns) and side.first_bad is not None:
            row, column = side.first_bad
            what = (
                f"{counted(int(counts.sum()), 'values')} {word} in {counted(len(columns), 'columns')} "
                f"({_names(side, columns)}); NaN or infinite values are in {counted(n_rows, 'rows')}, the first in row "
                f"{row}, column {side.names[column]!r}"
            )
            todo = f"impute them, or drop these rows on both sides alike: keep = np.isfinite({name}).all(axis=1)"
            yield Finding(check, name, "error", int(counts.sum()), what, todo)
    out = np.flatnonzero(side.out_of_range)
    if len(out):
        what = f"{counted(len(out), 'columns')} of values whose squares overflow or vanish: {_names(side, out)}"
        yield Finding("scale", name, "error", len(out), what, "rescale the features to ordinary units")


def _columns_of_ids(side: Side, name: str) -> Iterator[Finding]:
    """Find columns that number or name the rows."""
    n = side.n_rows
    counts = side.counting & (n > 2)
    named = np.array([_is_unnamed(label) for label in side.names])
    for j in np.flatnonzero(counts | named).tolist():
        which = "counts the rows" if counts[j] else "has a name as that of an index"
        severity = "error" if counts[j] else "warning"
        what = f"column {side.names[j]!r} {which}; its first values are {_first_values(side, j)}"
        yield Finding("id column", name, severity, j, what, _DROP)
    if n < _FEWEST_IDS:
        return
    for j in np.flatnonzero(side.whole & ~counts & ~named & (side.high - side.low >= n - 1)).tolist():
        column = rows_in_memory(side.rows[:, [j]]).read(slice(0, n), np.float64)
        if len(np.unique(column)) == n:
            what = (
                f"column {side.names[j]!r} holds whole numbers that differ in every row, such as "
                f"{_first_values(side, j)}: an id?"
            )
            yield Finding("id column", name, "warning", j, what, _DROP)


def _is_unnamed(label: Any) -> bool:
    return isinstance(label, str) and (label.strip().lower() in _NAMES_OF_IDS or label.startswith("Unnamed:"))


def _first_values(side: Side, j: int) -> str:
    rows: Any = rows_in_memory(side.rows).read(slice(0, min(3, side.n_rows)), np.float64)
    values = (rows.toarray() if side.is_sparse else rows)[:, j]
    return ", ".join(f"{value:g}" for value in values)


def _columns(side: Side, name: str) -> Iterator[Finding]:
    constant = np.flatnonzero(side.constant)
    if len(constant):
        what = f"{counted(len(constant), 'columns')} of one value throughout: {_names(side, constant)}"
        yield Finding("constant columns", name, "warning", len(constant), what, "drop them; models ignore them")


def _scale(side: Side, name: str) -> Iterator[Finding]:
    varying = side.deviation > 0
    if np.count_nonzero(varying) < 3:
        return
    deviation = side.deviation
    factor = float(deviation.max() / np.median(deviation[varying]))
    if factor >= _DOMINATES:
        largest = deviation / deviation.max()
        share = 1 / float((largest**2).sum())
        what = (
            f"the deviation of column {side.names[int(deviation.argmax())]!r} is {factor:.3g} times the median, and it "
            f"has {share:.0%} of the variance"
        )
        todo = (
            "fine for CCA and PLS with scale=True; for cosines, kernels and scale=False put "
            "sklearn.preprocessing.StandardScaler before"
        )
        yield Finding("scale", name, "warning", factor, what, todo)


def _rank(side: Side, name: str) -> Iterator[Finding]:
    if side.rank is None:
        return
    rank, n_varying = side.rank
    if rank < min(n_varying, side.n_rows - 1):
        what = f"rank {rank} of {counted(n_varying, 'features')} that vary: some are sums of others, to six digits"
        yield Finding(
            "rank",
            name,
            "warning",
            rank,
            what,
            "weights are not unique: use shrinkage, or drop what follows from others",
        )


def _rows(side: Side, name: str) -> Iterator[Finding]:
    n_zero = int(side.zero_rows.sum())
    if n_zero:
        what = f"{counted(n_zero, 'rows')} of zeros alone, first row {int(side.zero_rows.argmax())}"
        todo = "leave them out on both sides, or see where they come from: a row of zeros has no direction for a cosine"
        yield Finding("zero rows", name, "warning", n_zero, what, todo)
    repeats = np.flatnonzero(side.codes != np.arange(side.n_rows))
    if len(repeats):
        row = int(repeats[0])
        what = f"{counted(len(repeats), 'rows')} repeat an earlier one; row {row} is row {side.codes[row]}"
        todo = (
            "nothing, if these are labels"
            if side.are_labels
            else "as pictures of several captions do: give x_ids and y_ids to measures, and groups to cross-validation"
        )
        yield Finding("repeated rows", name, "note", len(repeats), what, todo)


def _near_rows(side: Side, name: str, threshold: float, split: Separated | None) -> Iterator[Finding]:
    if split is not None and len(split) != side.n_rows:
        split = None
    enough = np.count_nonzero(side.deviation) >= FEWEST_FEATURES
    if not enough or side.n_rows < 2 or side.are_labels:
        return
    found = near_copies(side, threshold, split)
    looked = f"of {counted(found.n_looked_at, 'rows')} looked at, {{}}"
    scaled = name if side.is_sparse else f"StandardScaler().fit_transform({name})"
    todo = f"give cross-validation groups = near_duplicate_groups({scaled}, threshold={threshold:g})"
    if found.near is not None:
        row, other = found.near
        what = (
            looked.format(f"{found.n_near:,}")
            + f" nearly repeat another (cosine ≥ {threshold:g}), as row {row} does row {other}"
        )
        yield Finding("near duplicates", name, "warning" if split is None else "note", found.n_near, what, todo)
    if found.separated is not None:
        row, other = found.separated
        what = (
            looked.format(f"{found.n_separated:,}")
            + f" have a copy or near copy on the other side of the split, as row {row} in row {other}"
        )
        yield Finding("split", name, "error", found.n_separated, what, f"held-out scores are too good: {todo}")
