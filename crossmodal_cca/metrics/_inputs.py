"""Checked input of every retrieval metric: rows, relevance by id, and similarity as a dot product."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .._blocks import counted_rows, float_dtype, is_dask
from .._checks import check_choice
from .._ids import codes_of_ids
from .._sklearn import check_array
from .._validation import check_rows
from .._warn import warn

Array = npt.NDArray[Any]
QueryLayout = Callable[[Array], Array]


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
    queries: Any, gallery: Any, query_ids: Any, gallery_ids: Any, metric: str, relevance: Any = None
) -> RetrievalProblem:
    """Check everything a user can hand over and lay it out for :func:`ranks.relevant_counts`."""
    queries, gallery = check_sides(queries, gallery, metric)
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
    rows, norms, lay_out = SIMILARITIES[metric](rows)
    n_queries = len(queries)
    if len(kept) < n_queries:
        queries, first, last = queries[kept], first[kept], last[kept]
    return RetrievalProblem(queries, rows, norms, first, last, kept, n_queries, lay_out, items, grades)


def check_sides(queries: Any, gallery: Any, metric: str, *, lazy: bool = False) -> tuple[Any, Any]:
    """Refuse an unknown metric and rows that cannot be compared; return both sides as numeric arrays.

    With `lazy` these may be Dask's, with as many chunks as they like, of which all sizes are known.
    """
    check_choice(metric, "metric", SIMILARITIES)
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


def unit_rows(rows: Array) -> Array:
    """Scale rows to unit length in place; zero rows stay zero."""
    # By the largest entry first, or squares could overflow or vanish.
    rows /= _or_one(np.maximum(rows.max(axis=1), -rows.min(axis=1)))[:, None]
    rows /= _or_one(_norms(rows))[:, None]
    return rows


def _or_one(sizes: Array) -> Array:
    """Sizes to divide by: 1 instead of 0."""
    return np.where(sizes > 0, sizes, sizes.dtype.type(1))


def _norms(rows: Array) -> Array:
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", rows, rows)))


def _cosine(gallery: Array, like: Any = None) -> tuple[Array, Array, QueryLayout]:
    # A zero item counts as length 1: its cosine is 0, and the others' rounding around 0 ties with it.
    return unit_rows(gallery), np.ones(len(gallery), gallery.dtype), unit_rows


# Layouts of queries are classes, so that what holds them can be pickled.
@dataclass(frozen=True)
class _DotLayout:
    """Queries for the gallery of `_dot`."""

    unit: Any

    def __call__(self, block: Array) -> Array:
        return unit_rows(block)


def _dot(gallery: Array, like: _DotLayout | None = None) -> tuple[Array, Array, QueryLayout]:
    layout = like or _DotLayout(_largest(gallery))
    gallery /= layout.unit
    return gallery, _norms(gallery), layout


@dataclass(frozen=True)
class _EuclideanLayout:
    """Queries for the gallery of `_euclidean`."""

    centre: Array
    unit: Any
    m: float

    def __call__(self, block: Array) -> Array:
        return unit_rows(np.column_stack(((block - self.centre) / self.unit, np.full(len(block), self.m))))


def _euclidean(gallery: Array, like: _EuclideanLayout | None = None) -> tuple[Array, Array, QueryLayout]:
    """−‖q − g‖² ranks as 2q·g − ‖g‖², a dot product of [q, m] and [g, −‖g‖²/(2m)].

    Distances do not see a common shift, so both sides are centred, or ‖g‖² would eat the digits. Any m > 0 is
    right; a typical length keeps both terms alike, whatever the unit. Medians, because one item far away would decide
    a mean, and all others would tie.
    """
    centre = np.median(gallery, axis=0).astype(gallery.dtype) if like is None else like.centre
    gallery -= centre
    unit = _largest(gallery) if like is None else like.unit
    gallery /= unit
    squares = np.einsum("ij,ij->i", gallery, gallery)
    if like is None:
        lengths = np.sqrt(squares)
        like = _EuclideanLayout(centre, unit, float(np.median(lengths)) or float(lengths.mean()) or 1.0)
    gallery = np.column_stack((gallery, squares / (-2 * like.m))).astype(gallery.dtype, copy=False)
    return gallery, _norms(gallery), like


def _largest(rows: Array) -> Array:
    """Largest magnitude, to divide by so that no product overflows."""
    return _or_one(np.maximum(rows.max(), -rows.min()))


# Each may overwrite the gallery it is given: it is a copy. A part of a gallery is laid out like another.
SIMILARITIES: dict[str, Callable[..., tuple[Array, Array, QueryLayout]]] = {
    "cosine": _cosine,
    "dot": _dot,
    "euclidean": _euclidean,
}
