"""Find rows of one side that nearly repeat another, and whether a split separates the two."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from .._ids import checked_ids, codes_of_ids
from .._similarity import unit_rows
from .._typing import Array, FloatArray, Split
from ..rows._blocks import row_slices
from ..rows._stored import rows_in_memory
from ._near_pairs import unit_sparse_rows
from ._side import Side, dense

# Pairs of rows compared at most, which takes some seconds; of more rows, only a part is compared with all others.
_PAIRS = 4 * 10**8
# Rows compared at a time, and rows that they are compared with.
_QUERIES_AT_ONCE, _ROWS_AT_ONCE = 1024, 4096
# Fewest features that vary; with fewer, unrelated rows lie near each other by chance.
FEWEST_FEATURES = 10


class Separated:
    """Pairs of rows that a split separates: of different groups, or of the training and the test part of a fold."""

    def __init__(self, codes: list[Array], *, are_roles: bool = False) -> None:
        self._codes, self._are_roles = codes, are_roles

    @classmethod
    def by_groups(cls, groups: Any, n_rows: int) -> Separated:
        checked = checked_ids(groups, "groups", n_rows, "X")
        return cls([codes_of_ids(checked, checked, n_rows, n_rows, ("groups", "groups"))[0]])

    @classmethod
    def by_splits(cls, splits: list[Split], n_rows: int) -> Separated:
        """Code the test parts if they are folds of all rows; otherwise code training rows as 1 and test rows as 2."""
        positions = np.concatenate([np.concatenate(split) for split in splits])
        if len(positions) and not 0 <= positions.min() <= positions.max() < n_rows:
            raise ValueError(
                f"cv must hold positions of the {n_rows} rows of X, from 0 to {n_rows - 1}; got some from "
                f"{positions.min()} to {positions.max()}."
            )
        tested = np.sort(np.concatenate([test for _, test in splits]))
        if np.array_equal(tested, np.arange(n_rows)) and all(len(a) + len(b) == n_rows for a, b in splits):
            fold = np.empty(n_rows, np.intp)
            for number, (_, test) in enumerate(splits):
                fold[test] = number
            return cls([fold])
        roles = np.zeros((len(splits), n_rows), np.int8)
        for role, (train, test) in zip(roles, splits, strict=True):
            role[train], role[test] = 1, 2
        return cls(list(roles), are_roles=True)

    def __len__(self) -> int:
        return len(self._codes[0])

    def rows_apart(self, items: NDArray[np.intp]) -> NDArray[np.intp]:
        """Find rows that are separated from another row of their item, given by its number; −1 is no item."""
        apart = np.zeros(len(items), bool)
        for codes in self._codes:
            counts = (items >= 0) & ((codes > 0) | (not self._are_roles))
            of_item = np.unique(np.column_stack((items, codes))[counts], axis=0)[:, 0]
            several, n_codes = np.unique(of_item, return_counts=True)
            apart |= counts & np.isin(items, several[n_codes > 1])
        return np.flatnonzero(apart)

    def table(self, rows: NDArray[np.intp], others: slice) -> NDArray[np.bool_]:
        """Say whether each of the rows is separated from each of the others, shape (n_rows, n_others)."""
        apart = np.zeros((len(rows), others.stop - others.start), bool)
        for codes in self._codes:
            a, b = codes[rows][:, None], codes[others]
            apart |= (a * b == 2) if self._are_roles else (a != b)
        return apart


class NearCopies(NamedTuple):
    """Numbers of rows compared, with a near (not exact) copy, and with any copy across the split; first pairs."""

    n_looked_at: int
    n_near: int
    near: tuple[int, int] | None  # the first such pair
    n_separated: int
    separated: tuple[int, int] | None


def rows_looked_at(n_rows: int) -> int:
    """Return how many of the rows are compared with all others."""
    return min(n_rows, max(1, _PAIRS // n_rows))


def near_copies(side: Side, threshold: float, split: Separated | None) -> NearCopies:
    """Find rows whose cosine is at least the threshold: of standardized features, or of sparse ones as they are."""
    n = side.n_rows
    chosen = np.unique(np.linspace(0, n - 1, rows_looked_at(n)).astype(np.intp))
    near, separated = np.full((2, len(chosen)), -1, dtype=np.intp)
    for part in row_slices(len(chosen), _QUERIES_AT_ONCE):
        rows = chosen[part]
        queries = _unit(side, rows)
        for others in row_slices(n, _ROWS_AT_ONCE):
            found = _products(queries, _unit(side, others)) >= threshold
            equal = side.codes[rows][:, None] == side.codes[others]
            _first(near[part], found & ~equal, others.start)
            if split is not None:
                _first(separated[part], (found | equal) & split.table(rows, others), others.start)
    return NearCopies(len(chosen), *_counted(near, chosen), *_counted(separated, chosen))


def _first(partner: NDArray[np.intp], found: NDArray[np.bool_], start: int) -> None:
    """Note the first partner of each row that has none yet, in place."""
    new = (partner < 0) & found.any(axis=1)
    partner[new] = found[new].argmax(axis=1) + start


def _counted(partner: NDArray[np.intp], rows: NDArray[np.intp]) -> tuple[int, tuple[int, int] | None]:
    found = np.flatnonzero(partner >= 0)
    return len(found), (int(rows[found[0]]), int(partner[found[0]])) if len(found) else None


def _unit(side: Side, rows: Any) -> Any:
    """Scale rows to unit length, dense ones in single precision; zero where a value is missing."""
    block: Any = rows_in_memory(side.rows).read(rows, np.float64)
    if issparse(block):
        stored: Any = block.copy()  # type: ignore[attr-defined]
        stored.data[~np.isfinite(stored.data)] = 0.0
        return unit_sparse_rows(stored)
    varying = np.flatnonzero(side.deviation > 0)
    block = (block[:, varying] - side.mean[varying]) / side.deviation[varying]
    block[side.bad_rows[rows]] = 0.0
    return unit_rows(block).astype(np.float32)


def _products(queries: Any, rows: Any) -> FloatArray:
    return dense(queries @ rows.T)
