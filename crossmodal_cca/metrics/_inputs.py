"""Checked input of every retrieval measure: rows, relevance, exclusion, and similarity as a dot product."""

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

# Numbers gathered at once when single pairs are compared in double precision.
_GATHERED_AT_ONCE = 2**18
# Names of the two sides of a search.
SIDES = ("queries", "gallery")


@dataclass(frozen=True, eq=False)
class RetrievalProblem:
    """Queries and gallery laid out for a matrix product, and the relevant items of each query.

    Queries without a relevant item in their list are left out; the others are numbered 0, 1, … in all methods.
    """

    rows: Array  # (n_queries, d), as given
    items: Array  # (n_gallery, d), as given
    similarity: Similarity
    layout: Layout  # layout of the items
    relevance: EqualIds | Table
    excluded: Table | None
    kept: Array  # (n_kept,), rows of the caller's queries
    n_relevant: Array  # (n_kept,), relevant items in the list of each
    n_gallery: Array  # (n_kept,), items in the list of each

    @property
    def n_queries(self) -> int:
        """Number of all queries, with or without a relevant item."""
        return len(self.rows)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Floating type of the product."""
        return self.layout.rows.dtype

    @property
    def is_settled(self) -> bool:
        """Whether scores equal up to rounding count as ties, since no finer comparison exists."""
        return self.layout.exact or (self.similarity.is_product and self.dtype == np.float64)

    def in_double(self) -> RetrievalProblem:
        """Return the same problem with a product in double precision."""
        if self.dtype == np.float64:
            return self
        return replace(self, layout=_laid_out(self.rows, self.items, self.similarity, np.dtype(np.float64)))

    def grouped(self) -> RetrievalProblem:
        """Return the same problem with items of equal ids side by side, unless a table goes by their places."""
        if not isinstance(self.relevance, EqualIds) or self.excluded is not None:
            return self
        order, layout = self.relevance.order, self.layout
        return replace(
            self,
            items=self.items[order],
            layout=layout._replace(rows=layout.rows[order], norms=layout.norms[order]),
            relevance=replace(self.relevance, order=np.arange(len(order))),
        )

    def scaled_to(self, largest: float) -> RetrievalProblem:
        """Return the same problem with scores in a unit in which none is larger, unless its layout is exact."""
        rows, norms, queries, exact = self.layout
        if exact:
            return self
        factor = largest / (float(norms.max()) or 1.0)
        return replace(self, layout=Layout(rows, norms * factor, lambda block: queries(block) * factor))

    def laid_out(self, queries: slice) -> Array:
        """Lay out a block of queries for the product with the items."""
        # Double precision costs little for a block, and a query far outside the gallery's range must not overflow.
        return self.layout.queries(self.rows[self.kept[queries]].astype(np.float64)).astype(self.dtype)

    def scores(self, queries: slice, out: Array) -> Array:
        """Compute scores of all items for a block of queries; −inf for items left out of a list."""
        np.matmul(self.laid_out(queries), self.layout.rows.T, out=out)
        if self.excluded is not None:
            for scores, query in zip(out, self.kept[queries], strict=True):
                scores[self.excluded.items(query)] = -np.inf
        return out

    def relevant(self, query: int) -> Array:
        """Return the items in the list of a query that are relevant to it."""
        return _relevant_in_list(self.relevance, self.excluded, self.kept[query], len(self.items))

    def first_relevant(self, queries: slice) -> Array:
        """Return the first relevant item of each query in a block."""
        if self.excluded is None:
            return self.relevance.first_items(self.kept[queries])
        return np.array([self.relevant(query)[0] for query in range(queries.start, queries.stop)])

    def grades(self, query: int, items: Array) -> Array:
        """Return the grades of a query's relevant items."""
        assert isinstance(self.relevance, Table)
        return self.relevance.grades(self.kept[query], items)

    def exact(self, queries: Array, items: Array) -> tuple[FloatArray, FloatArray]:
        """Compute the similarity of pairs in double precision, and its rounding error."""
        return exact_pairs(self.rows, self.kept[queries], self.items, items, self.similarity, self._units)

    @cached_property
    def _units(self) -> Units:
        return unit_of(self.rows), unit_of(self.items)


def exact_pairs(
    rows: Array, query: Array, items: Array, item: Array, similarity: Similarity, units: Units
) -> tuple[FloatArray, FloatArray]:
    """Compute the similarity of pairs of rows in double precision, and its rounding error."""
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
    """Check all user input and lay it out for :func:`ranks.relevant_counts`.

    No warnings are given about the rows of `quiet` sides.
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
    """Count the relevant items, and all items, in the list of each query."""
    if excluded is None:
        return relevance.sizes(), np.full(n_queries, n_gallery)
    n_relevant = [len(_relevant_in_list(relevance, excluded, query, n_gallery)) for query in range(n_queries)]
    return np.array(n_relevant), n_gallery - excluded.sizes()


def check_sides(
    queries: Any, gallery: Any, similarity: str, *, lazy: bool = False, quiet: Sequence[str] = ()
) -> tuple[Any, Any]:
    """Refuse an unknown similarity and rows that cannot be compared; return both sides as numeric arrays.

    With `lazy` they may be Dask arrays with any number of chunks of known sizes. No warnings are given about the rows
    of `quiet` sides.
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
    """Return the rows of the queries with a relevant item; warn of the others, and refuse to have none."""
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
