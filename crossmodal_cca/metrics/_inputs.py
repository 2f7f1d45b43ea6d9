"""Checked input of every retrieval metric: rows, relevance by id, and similarity as a dot product."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from .._blocks import counted_rows, float_dtype, is_dask
from .._ids import codes_of_ids
from .._similarity import SIMILARITIES, QueryLayout, similarity_named, warn_of_zero_rows
from .._sklearn import check_array, column_names
from .._typing import Array
from .._validation import check_rows, refuse_other_order, warn_of_other_order
from .._warn import warn


@dataclass(frozen=True)
class RetrievalProblem:
    """Queries and gallery made ready for a matrix product.

    The items relevant to query ``i`` are ``relevant(i)``. With relevance by id the gallery is sorted by id, so they
    are one slice of it; with a relevance matrix they are the column indices of its row, and have ``grades``.
    """

    queries: Array  # (n_kept, d), only those with a relevant item
    gallery: Array  # (n_gallery, d), scaled so that unit queries @ gallery.T ranks as the similarity does
    gallery_norms: Array  # (n_gallery,), bounds of each column of that product
    first: Array  # (n_kept,), where the relevant items begin: in the gallery, or in `items`
    last: Array  # (n_kept,), and where they end
    kept: Array  # (n_kept,), rows of the caller's queries
    n_queries: int
    lay_out: QueryLayout
    items: Array | None = None  # gallery rows, relevant ones of one query after those of the other
    grades: Array | None = None  # > 0, beside `items`

    @property
    def n_relevant(self) -> Array:
        """Relevant items of each kept query, shape (n_kept,)."""
        return self.last - self.first

    def relevant(self, query: int) -> slice | Array:
        """Rows of the gallery that are relevant to a kept query."""
        span = slice(self.first[query], self.last[query])
        return span if self.items is None else self.items[span]

    def grades_of(self, query: int) -> Array | None:
        """Grades of the items relevant to a kept query, in the same order; None where relevance is by id."""
        return None if self.grades is None else self.grades[self.first[query] : self.last[query]]

    def query_rows(self, rows: slice) -> Array:
        """Queries of a block, of unit length: a positive factor per query changes no ranking."""
        # In float64: a block is small, and a query far outside the gallery's range must not overflow.
        return self.lay_out(self.queries[rows].astype(np.float64)).astype(self.gallery.dtype)


def prepare(
    queries: Any,
    gallery: Any,
    query_ids: Any,
    gallery_ids: Any,
    metric: str,
    relevance: Any = None,
    *,
    told: Sequence[str] = ("queries", "gallery"),
) -> RetrievalProblem:
    """Check everything a user can hand over and lay it out for :func:`ranks.relevant_counts`."""
    if query_ids is None and gallery_ids is None and relevance is None:
        warn_of_other_order(queries=queries, gallery=gallery)
    queries, gallery = check_sides(queries, gallery, metric, told=told)
    dtype = float_dtype(queries, gallery)
    # Laying out may overwrite these rows: they are a copy either way.
    if relevance is None:
        query_codes, gallery_codes = codes_of_ids(query_ids, gallery_ids, len(queries), len(gallery))
        order = np.argsort(gallery_codes, kind="stable")
        first = np.searchsorted(gallery_codes, query_codes, "left", sorter=order)
        last = np.searchsorted(gallery_codes, query_codes, "right", sorter=order)
        items = grades = None
        rows = gallery[order].astype(dtype, copy=False)
    else:
        if query_ids is not None or gallery_ids is not None:
            raise ValueError(
                "relevance and ids both say what is relevant: pass query_ids and gallery_ids, or relevance."
            )
        table = _checked_relevance(relevance, len(queries), len(gallery))
        rows = gallery.astype(dtype)
        first, last, items, grades = table.indptr[:-1], table.indptr[1:], table.indices, table.data
    kept = queries_with_relevant_items(first, last)
    rows, norms, lay_out = SIMILARITIES[metric].laid_out(rows)
    n_queries = len(queries)
    if len(kept) < n_queries:
        queries, first, last = queries[kept], first[kept], last[kept]
    return RetrievalProblem(queries, rows, norms, first, last, kept, n_queries, lay_out, items, grades)


def check_sides(
    queries: Any, gallery: Any, metric: str, *, lazy: bool = False, told: Sequence[str] = ("queries", "gallery")
) -> tuple[Any, Any]:
    """Refuse an unknown metric and rows that cannot be compared; return both sides as numeric arrays.

    With `lazy` these may be Dask's, with as many chunks as they like, of which all sizes are known. Warnings call the
    sides what `told` says; there are none about a side for which it has no name.
    """
    similarity = similarity_named(metric)
    names = {"queries": column_names(queries), "gallery": column_names(gallery)}
    queries, gallery = (
        counted_rows(check_rows(A, name, lazy=True), name)
        if lazy and is_dask(A)
        else check_array(A, dtype="numeric", input_name=name)
        for A, name in ((queries, "queries"), (gallery, "gallery"))
    )
    if queries.shape[1] != gallery.shape[1]:
        raise ValueError(
            f"queries and gallery must share one space, but queries have {queries.shape[1]} features and "
            f"gallery items {gallery.shape[1]}; transform both sides with a fitted model first."
        )
    refuse_other_order(**names)
    if similarity.needs_direction:
        for name, rows in zip(told, (queries, gallery), strict=False):
            if not is_dask(rows):
                warn_of_zero_rows(rows, name)
    return queries, gallery


def _checked_relevance(relevance: Any, n_queries: int, n_gallery: int) -> Any:
    """Grades as a CSR matrix of float64 that stores the positive ones alone."""
    table = check_array(relevance, accept_sparse="csr", dtype=np.float64, input_name="relevance")
    if table.shape != (n_queries, n_gallery):
        raise ValueError(
            "relevance must have a row for each query and a column for each gallery item, shape "
            f"{(n_queries, n_gallery)}; got {table.shape}."
        )
    # A copy: what follows works in place.
    table = sparse.csr_array(table, copy=True)
    table.sum_duplicates()
    table.eliminate_zeros()
    if table.nnz and table.data.min() < 0:
        raise ValueError(f"relevance must hold grades >= 0, 0 for what is not relevant; got {table.data.min():g}.")
    return table


def queries_with_relevant_items(first: Array, last: Array) -> Array:
    kept = np.flatnonzero(last > first)
    if len(kept) == 0:
        raise ValueError(
            "No query has a relevant item: none of the query_ids occurs in gallery_ids, or relevance is 0 throughout. "
            "Unknown ids, or the ids of the two sides swapped?"
        )
    if len(kept) < len(first):
        warn(
            f"{len(first) - len(kept)} of {len(first)} queries have no relevant item in the gallery and are left out.",
        )
    return kept
