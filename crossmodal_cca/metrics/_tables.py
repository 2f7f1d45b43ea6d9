"""Relevant and excluded items of each query, from ids or from the user's table, which is not copied."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from .._ids import codes_of_ids
from .._sklearn import check_array
from .._typing import Array
from ..rows._blocks import row_slices
from ..rows._stored import rows_in_memory


@dataclass(frozen=True, eq=False)
class EqualIds:
    """Items of each query whose ids equal its own."""

    first: Array  # (n_queries,), start of the items in `order`
    last: Array  # (n_queries,), end of the items in `order`
    order: Array  # (n_gallery,), items by id

    @classmethod
    def of(cls, query_codes: Array, gallery_codes: Array) -> EqualIds:
        """Build from integers that are equal where the ids are."""
        order = np.argsort(gallery_codes, kind="stable")
        first, last = (np.searchsorted(gallery_codes, query_codes, side, sorter=order) for side in ("left", "right"))
        return cls(first, last, order)

    is_graded = False

    def items(self, query: int) -> Array:
        """Return the items of a query."""
        return self.order[self.first[query] : self.last[query]]

    def first_items(self, queries: Array) -> Array:
        """Return the first item of each of these queries, which all have one."""
        return self.order[self.first[queries]]

    def sizes(self) -> Array:
        """Count the items of each query, shape (n_queries,)."""
        return self.last - self.first


@dataclass(frozen=True, eq=False)
class Table(ABC):
    """Items of each query whose entries in a table are not 0."""

    table: Any  # (n_queries, n_gallery), without entries < 0

    @property
    def is_graded(self) -> bool:
        """Whether entries are grades, not only 0 and 1."""
        return bool(self.table.dtype != bool)

    @property
    def n_entries(self) -> int:
        """Number of stored entries."""
        return int(self.entries.size)

    def of_queries(self, queries: Array) -> Table:
        """Select the table of some queries, which are then numbered 0, 1, …"""
        return type(self)(self.table[queries])

    def first_items(self, queries: Array) -> Array:
        """Return the first item of each of these queries, which all have one."""
        return np.array([self.items(query)[0] for query in queries])

    @property
    @abstractmethod
    def entries(self) -> Array:
        """Stored entries."""

    @abstractmethod
    def items(self, query: int) -> Array:
        """Return the items of a query."""

    @abstractmethod
    def grades(self, query: int, items: Array) -> Array:
        """Return the entries of some of a query's items, in the order of `items`, which is that of the table."""

    @abstractmethod
    def sizes(self) -> Array:
        """Count the items of each query, shape (n_queries,)."""


class _DenseTable(Table):
    """A dense table."""

    @property
    def entries(self) -> Array:
        return self.table  # type: ignore[no-any-return]

    def items(self, query: int) -> Array:
        return np.flatnonzero(self.table[query])

    def grades(self, query: int, items: Array) -> Array:
        return np.asarray(self.table[query, items], dtype=np.float64)

    def sizes(self) -> Array:
        return np.concatenate([np.count_nonzero(part, axis=1) for part in _in_parts(self.table)])


class _SparseTable(Table):
    """A table in CSR, without stored zeros."""

    @property
    def entries(self) -> Array:
        return self.table.data  # type: ignore[no-any-return]

    def items(self, query: int) -> Array:
        return self.table.indices[self._span(query)]  # type: ignore[no-any-return]

    def grades(self, query: int, items: Array) -> Array:
        span = self._span(query)
        all_items, grades = self.table.indices[span], np.asarray(self.table.data[span], dtype=np.float64)
        return grades if len(items) == len(all_items) else grades[np.isin(all_items, items, assume_unique=True)]

    def sizes(self) -> Array:
        return np.diff(self.table.indptr)

    def _span(self, query: int) -> slice:
        return slice(self.table.indptr[query], self.table.indptr[query + 1])


def relevant_items(
    query_ids: Any, gallery_ids: Any, relevance: Any, n_queries: int, n_gallery: int
) -> EqualIds | Table:
    """Return the relevant items, from the user's ids or table."""
    if relevance is None:
        return EqualIds.of(*codes_of_ids(query_ids, gallery_ids, n_queries, n_gallery))
    if query_ids is not None or gallery_ids is not None:
        raise ValueError("relevance and ids both say what is relevant: pass query_ids and gallery_ids, or relevance.")
    table = _checked(relevance, "relevance", (n_queries, n_gallery))
    values = table.entries
    smallest = values.min() if values.size and values.dtype != bool else 0
    if smallest < 0:
        raise ValueError(f"relevance must hold grades >= 0, 0 for what is not relevant; got {smallest:g}.")
    return table


def left_out(exclude: Any, n_queries: int, n_gallery: int) -> Table | None:
    """Return the items left out of each query's list, from the user's `exclude`."""
    if exclude is None:
        return None
    shape = n_queries, n_gallery
    if isinstance(exclude, str):
        if exclude != "self":
            raise ValueError(
                f"exclude must be 'self', None or a table of True and False of shape {shape}; got {exclude!r}."
            )
        if n_queries != n_gallery:
            raise ValueError(
                "exclude='self' leaves item i out of the list of query i, which needs as many of both; got "
                f"{n_queries} queries and {n_gallery} gallery items. Pass a table of shape {shape}, True where an item "
                "is left out."
            )
        return _SparseTable(sparse.eye_array(n_queries, dtype=bool, format="csr"))
    table = _checked(exclude, "exclude", shape)
    values = table.entries
    if values.dtype != bool and not all(((part == 0) | (part == 1)).all() for part in _in_parts(values)):
        raise ValueError(
            "exclude must be a table of True and False (or 1 and 0), True where an item is left out of a query's list; "
            f"got other numbers, of type {values.dtype}."
        )
    return table


def _in_parts(values: Array) -> Iterator[Array]:
    """Yield rows or entries in parts, so that arrays made of them are small."""
    for part in row_slices(len(values), max(1, 2**18 * len(values) // max(values.size, 1))):
        yield values[part]


def transposed(table: Any) -> Any:
    """Transpose a table, for the other direction; None and words stay the same."""
    if table is None or isinstance(table, str):
        return table
    return (table if hasattr(table, "T") else np.asarray(table)).T


def _checked(given: Any, name: str, shape: tuple[int, int]) -> Table:
    """Check a table of finite numbers or flags, in its own type; it is copied only if necessary."""
    # For one dimension, scikit-learn's advice about single rows and columns would not fit.
    table = check_array(
        given, accept_sparse="csr", dtype="numeric", ensure_2d=False, ensure_min_samples=0, input_name=name
    )
    if table.shape != shape:
        raise ValueError(
            f"{name} must have a row for each query and a column for each gallery item, shape {shape}; got "
            f"{table.shape}."
        )
    if not rows_in_memory(table).is_sparse:
        return _DenseTable(table)
    if not (table.has_canonical_format and table.data.all()):
        table = table.copy()
        table.sum_duplicates()
        table.eliminate_zeros()
    return _SparseTable(table)
