"""Checked rows of a reference or a batch, and their parts by whole groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .._ids import checked_ids, distinct_ids
from .._sklearn import get_feature_names, take_rows
from .._typing import FloatArray
from ..alignment._fitted_aligner import shared_space_scores
from ..rows._blocks import row_slices
from ..rows._lazy import refuse_dask
from ..rows._stored import rows_in_memory
from ..rows._validation import (
    check_pair,
    check_rows,
    check_rows_of_x,
    check_rows_of_y,
    check_same_rows,
    warn_of_other_order,
)
from ._groups import Places, thinned

# Rows read at a time.
AT_ONCE = 4096
# Rows of one group that are compared at most: more of them say little.
MOST_OF_GROUP = 50


@dataclass(frozen=True, eq=False)
class CheckedRows:
    """Rows of one side or of both, as the user has them and as checked rows, with numbers of their groups."""

    X: Any
    y: Any
    x: Any  # StoredRows or None, like those of y
    of_y: Any
    groups: Places | None
    labels: NDArray[Any] | None  # of the groups, by number

    @classmethod
    def of_reference(cls, monitor: Any, X: Any, y: Any, groups: Any) -> Self:
        """Check a reference."""
        for name, rows in (("X", X), ("y", y)):
            refuse_dask(rows, name)
        if y is None:
            x, of_y = rows_in_memory(check_rows(X, "X", min_rows=2, accept_sparse=True, estimator=monitor)), None
        else:
            pair = check_pair(X, y, estimator=monitor, min_rows=2, accept_sparse=True)
            x, of_y = pair.X, pair.y
        warn_of_other_order(X=X, groups=groups)
        return cls(X, y, x, of_y, *_numbers(groups, x.n_rows, "X"))

    @classmethod
    def of_batch(cls, monitor: Any, X: Any, y: Any, groups: Any, *, grouped: bool = True) -> Self:
        """Check new rows: their features are those of the reference."""
        model = monitor.model_
        if X is None and y is None:
            raise ValueError("X or y must be passed, or both; both are None.")
        if y is not None and model.y is None:
            raise ValueError("y cannot be compared: the monitor was fitted without y_ref. Fit it to pairs.")
        for name, rows in (("X", X), ("y", y)):
            refuse_dask(rows, name)
        if grouped and groups is None and model.pool_groups is not None:
            raise ValueError(
                "groups must be passed, as the reference has groups; an independent row is a group of its own."
            )
        x: Any
        of_y: Any
        x = None if X is None else check_rows_of_x(monitor, X, accept_sparse=model.x.is_sparse)
        of_y = None if y is None else check_rows_of_y(monitor, y, accept_sparse=model.y.is_sparse)
        if x is not None and of_y is not None:
            check_same_rows(x.n_rows, of_y.n_rows)
            warn_of_other_order(X=X, y=y)
        warn_of_other_order(**{"y" if X is None else "X": y if X is None else X}, groups=groups)
        n_rows, name = (of_y.n_rows, "y") if x is None else (x.n_rows, "X")
        return cls(X, y, x, of_y, *_numbers(groups, n_rows, name))

    @property
    def n_rows(self) -> int:
        return int((self.of_y if self.x is None else self.x).n_rows)

    @property
    def units(self) -> Places:
        """Number of each row's group, or of the row."""
        return np.arange(self.n_rows) if self.groups is None else self.groups

    def take(self, places: Places) -> CheckedRows:
        """Take rows; groups are numbered anew."""
        groups = None if self.groups is None else np.unique(self.groups[places], return_inverse=True)[1].ravel()
        X, y = (None if rows is None else take_rows(rows, places) for rows in (self.X, self.y))
        x, of_y = (None if rows is None else rows.take(places) for rows in (self.x, self.of_y))
        return replace(self, X=X, y=y, x=x, of_y=of_y, groups=groups)

    def thinned(self, most: int, rng: Generator) -> CheckedRows:
        """Take at most so many rows at random: whole groups, of large ones some rows."""
        return self.take(thinned(self.units, most, MOST_OF_GROUP, rng))

    def blocks(self) -> Iterator[CheckedRows]:
        """Go through the rows in blocks."""
        for part in row_slices(self.n_rows, AT_ONCE):
            yield self.take(np.arange(part.start, part.stop))

    def features(self, side: str) -> FloatArray | None:
        """Read the features of a side in double precision; None for sparse rows."""
        stored, name = (self.x, "X") if side == "x" else (self.of_y, "y")
        return None if stored.is_sparse else np.asarray(stored.dense(slice(None), np.float64, name))

    def scores(self, aligner: Any, side: str) -> FloatArray | None:
        """Compute the scores of a side in double precision; None without an aligner."""
        if aligner is None:
            return None
        given, name = (self.X, "X") if side == "x" else (self.y, "y")
        return np.asarray(shared_space_scores(aligner, given, side, name), dtype=np.float64)

    def names_of(self, side: str) -> NDArray[Any] | None:
        """Return the feature names of one side."""
        return get_feature_names(self.X if side == "x" else self.y, side)


def _numbers(groups: Any, n_rows: int, name: str) -> tuple[Places | None, NDArray[Any] | None]:
    if groups is None:
        return None, None
    labels, numbers = distinct_ids(checked_ids(groups, "groups", n_rows, name), "groups")
    return numbers.ravel(), labels


def one_of_each(units: Places, chance: NDArray[np.float64]) -> Places:
    """Choose one row of each unit, by a number in [0, 1) for each; units come as their first rows do."""
    first, sizes = np.unique(units, return_index=True)[1], np.bincount(units)
    order = np.argsort(first)
    rows, starts = np.argsort(units, kind="stable"), np.cumsum(sizes) - sizes
    return np.asarray(rows[starts[order] + np.floor(chance * sizes[order]).astype(np.intp)])
