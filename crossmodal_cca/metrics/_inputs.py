"""Checked input of every retrieval measure: rows, what is relevant or left out, and similarity as a dot product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from .._similarity import SIMILARITIES, Layout, Similarity, Units, similarity_named, unit_of, warn_of_zero_rows
from .._sklearn import column_names
from .._typing import Array, FloatArray
from .._warn import warn
from ..rows._blocks import float_dtype
from ..rows._numeric import numeric_rows
from ..rows._validation import refuse_other_order, warn_of_other_order
from ._tables import EqualIds, Table, left_out, relevant_items

# Numbers gathered at once to compare single pairs in double precision.
_GATHERED_AT_ONCE = 2**18
SIDES = ("queries", "gallery")


@dataclass(frozen=True, eq=False)
class RetrievalProblem:
    """Queries and gallery made ready for a matrix product, and what is relevant to whom.

    Kept are the queries that have a relevant item in their list; they are numbered 0, 1, … in all methods.
    """

    rows: Array  # (n_queries, d), as given
    items: Array  # (n_gallery, d), as given
    similarity: Similarity
    layout: Layout  # of the items
    relevance: EqualIds | Table
    excluded: Table | None
    kept: Array  # (n_kept,), rows of the caller's queries
    n_relevant: Array  # (n_kept,), relevant items in the list of each
    n_gallery: Array  # (n_kept,), items in the list of each

    @property
    def n_queries(self) -> int:
        """Queries asked, kept or not."""
        return len(self.rows)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Floating type of the product."""
        return self.layout.rows.dtype

    @property
    def is_settled(self) -> bool:
        """Whether scores that rounding cannot tell apart are ties: nothing would tell them apart."""
        return self.layout.exact or (self.similarity.is_product and self.dtype == np.float64)

    def in_double(self) -> RetrievalProblem:
        """The same problem with a product in double precision."""
        if self.dtype == np.float64:
            return self
        return replace(self, layout=_laid_out(self.rows, self.items, self.similarity, np.dtype(np.float64)))

    def scores(self, queries: slice, out: Array) -> Array:
        """Scores of all items for a block of queries; −inf for what is left out of a list."""
        # In float64: a block is small, and a query far outside the gallery's range must not overflow.
        block = self.layout.queries(self.rows[self.kept[queries]].astype(np.float64))
        np.matmul(block.astype(self.dtype), self.layout.rows.T, out=out)
        if self.excluded is not None:
            for scores, query in zip(out, self.kept[queries], strict=True):
                scores[self.excluded.items(query)] = -np.inf
        return out

    def relevant(self, query: int) -> Array:
        """Items in the list of a query that are relevant to it."""
        return _relevant_in_list(self.relevance, self.excluded, self.kept[query], len(self.items))

    def first_relevant(self, queries: slice) -> Array:
        """The first of the relevant items of each query in a block."""
        if self.excluded is None:
            return self.relevance.first_items(self.kept[queries])
        return np.array([self.relevant(query)[0] for query in range(queries.start, queries.stop)])

    def grades(self, query: int, items: Array) -> Array:
        """Grades of all its relevant items."""
        assert isinstance(self.relevance, Table)
        return self.relevance.grades(self.kept[query], items)

    def exact(self, queries: Array, items: Array) -> tuple[FloatArray, FloatArray]:
        """Similarity of pairs in double precision, and how far each is rounded."""
        return exact_pairs(self.rows, self.kept[queries], self.items, items, self.similarity, self._units)

    @cached_property
    def _units(self) -> Units:
        return unit_of(self.rows), unit_of(self.items)


def exact_pairs(
    rows: Array, query: Array, items: Array, item: Array, similarity: Similarity, units: Units
) -> tuple[FloatArray, FloatArray]:
    """Similarity of pairs of rows in double precision, and how far each is rounded: all that can be known of them."""
    values, width = np.empty(len(query)), np.empty(len(query))
    step = max(1, _GATHERED_AT_ONCE // items.shape[1])
    for start in range(0, len(query), step):
        part = slice(start, start + step)
        q, g = rows[query[part]].astype(np.float64), items[item[part]].astype(np.float64)
        values[part], width[part] = similarity.in_double(q, g, units)
    return values, width


def prepare(
    queries: Any,
    gallery: Any,
    query_ids: Any,
    gallery_ids: Any,
    similarity: str,
    relevance: Any = None,
    exclude: Any = None,
    *,
    quiet: Sequence[str] = (),
) -> RetrievalProblem:
    """Check everything a user can hand over and lay it out for :func:`ranks.relevant_counts`.

    There are no warnings about the rows of `quiet` sides.
    """
    if query_ids is None and gallery_ids is None and relevance is None:
        warn_of_other_order(queries=queries, gallery=gallery)
    if not quiet:
        warn_of_other_order(queries=queries, query_ids=query_ids, relevance=relevance, exclude=exclude)
        warn_of_other_order(gallery=gallery, gallery_ids=gallery_ids)
    queries, gallery = check_sides(queries, gallery, similarity, quiet=quiet)
    kind = SIMILARITIES[similarity]
    relevance = relevant_items(query_ids, gallery_ids, relevance, len(queries), len(gallery))
    excluded = left_out(exclude, len(queries), len(gallery))
    n_relevant, n_listed = sizes_of_lists(relevance, excluded, len(queries), len(gallery))
    kept = queries_with_relevant_items(n_relevant)
    layout = _laid_out(queries, gallery, kind, float_dtype(queries, gallery))
    return RetrievalProblem(queries, gallery, kind, layout, relevance, excluded, kept, n_relevant[kept], n_listed[kept])


def _laid_out(queries: Array, gallery: Array, similarity: Similarity, dtype: np.dtype[Any]) -> Layout:
    exact = similarity.laid_out_exactly(queries, gallery, dtype)
    return similarity.laid_out(gallery.astype(dtype)) if exact is None else exact


def _relevant_in_list(relevance: EqualIds | Table, excluded: Table | None, query: int, n_gallery: int) -> Array:
    relevant = relevance.items(query)
    if excluded is None:
        return relevant
    listed = np.ones(n_gallery, dtype=bool)
    listed[excluded.items(query)] = False
    return relevant[listed[relevant]]


def sizes_of_lists(
    relevance: EqualIds | Table, excluded: Table | None, n_queries: int, n_gallery: int
) -> tuple[Array, Array]:
    """Relevant items in the list of each query, and all items."""
    if excluded is None:
        return relevance.sizes(), np.full(n_queries, n_gallery)
    n_relevant = [len(_relevant_in_list(relevance, excluded, query, n_gallery)) for query in range(n_queries)]
    return np.array(n_relevant), n_gallery - excluded.sizes()


def check_sides(
    queries: Any, gallery: Any, similarity: str, *, lazy: bool = False, quiet: Sequence[str] = ()
) -> tuple[Any, Any]:
    """Refuse an unknown similarity and rows that cannot be compared; return both sides as numeric arrays.

    With `lazy` these may be Dask's, with as many chunks as they like, of which all sizes are known. There are no
    warnings about the rows of `quiet` sides.
    """
    kind = similarity_named(similarity)
    names = {"queries": column_names(queries), "gallery": column_names(gallery)}
    queries, gallery = (numeric_rows(A, name, lazy=lazy) for A, name in ((queries, "queries"), (gallery, "gallery")))
    if queries.shape[1] != gallery.shape[1]:
        raise ValueError(
            f"queries and gallery must share one space, but queries have {queries.shape[1]} features and "
            f"gallery items {gallery.shape[1]}; transform both sides with a fitted model first."
        )
    refuse_other_order(**names)
    if kind.needs_direction:
        for name, rows in zip(SIDES, (queries, gallery), strict=True):
            if name not in quiet and isinstance(rows, np.ndarray):
                warn_of_zero_rows(rows, name)
    return queries, gallery


def queries_with_relevant_items(n_relevant: Array) -> Array:
    """Rows of the queries to keep, by the relevant items of each."""
    kept = np.flatnonzero(n_relevant)
    if len(kept) == 0:
        raise ValueError(
            "No query has a relevant item: none of the query_ids occurs in gallery_ids, relevance is 0 throughout, or "
            "exclude leaves out all that is relevant. Unknown ids, or the ids of the two sides swapped?"
        )
    if len(kept) < len(n_relevant):
        n_lost = len(n_relevant) - len(kept)
        warn(f"{n_lost} of {len(n_relevant)} queries have no relevant item in the gallery and are left out.")
    return kept
