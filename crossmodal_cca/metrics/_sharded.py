"""Ranks in a Dask gallery: each chunk counts its own items, in two passes over the gallery, and counts add up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from .._ids import codes_of_ids
from .._similarity import SIMILARITIES, Layout, QueryLayout, Similarity, Units, unit_of
from .._sklearn import check_array
from .._typing import Array, FloatArray
from ..rows._blocks import BLOCK_ROWS, cut_rows, float_dtype, row_slices, sum_over_rows
from ..rows._numeric import blocks_in_memory
from ._counting import BLOCK_BYTES, DOUBTS_TO_JUDGE, Targets, best_of, count_around, told_apart
from ._inputs import check_sides, exact_pairs, queries_with_relevant_items, sizes_of_lists
from ._tables import EqualIds, Table, left_out

# Approximate number of sample rows, from all chunks together, that determine the layout.
_SAMPLED_ROWS = 50_000


@dataclass(frozen=True, eq=False)
class _Question:
    """Input of the counts in every chunk."""

    queries: Array
    codes: Array
    excluded: Table | None  # for these queries
    similarity: Similarity
    dtype: np.dtype[Any]
    layout: QueryLayout | None  # shared by all chunks; None if each row is laid out by itself

    @cached_property
    def units(self) -> Units:
        """Units of queries and items, for similarities in double precision; the same in all chunks."""
        return unit_of(self.queries), getattr(self.layout, "unit", 1.0)

    @property
    def is_settled(self) -> bool:
        """Whether scores equal up to rounding count as ties, as for a problem in memory."""
        return self.similarity.is_product and self.dtype == np.float64


@dataclass(frozen=True, eq=False)
class _Shard:
    """A chunk of the gallery, sorted by the codes of its ids."""

    question: _Question
    items: Array  # (n, d), as given
    codes: Array  # (n,)
    order: Array  # (n,), rows of the chunk
    start: int  # position of the chunk in the whole gallery
    dtype: np.dtype[Any]  # floating type of the product

    @classmethod
    def of(cls, question: _Question, chunk: Any, codes: Array, start: Array) -> _Shard | None:
        if chunk.shape[0] == 0:
            return None
        order = np.argsort(codes, kind="stable")
        items = check_array(chunk, dtype="numeric", input_name="gallery")[order]
        return cls(question, items, codes[order], order, int(start[0]), question.dtype)

    def in_double(self) -> _Shard:
        """Return the same chunk for products in double precision."""
        return replace(self, dtype=np.dtype(np.float64))

    @cached_property
    def layout(self) -> Layout:
        with np.errstate(over="ignore"):  # checked below
            layout = self.question.similarity.laid_out(self.items.astype(self.dtype), self.question.layout)
        if not np.isfinite(layout.norms).all():
            raise ValueError(f"Gallery items differ too much in size to be compared in {self.dtype}; rescale them.")
        return layout

    def query_rows(self, rows: Any) -> Array:
        """Lay out queries for a product with the items."""
        return self.layout.queries(self.question.queries[rows].astype(np.float64)).astype(self.dtype)

    def relevant(self, query: int) -> Array:
        """Return the items in the list of a query that are relevant to it."""
        code = self.question.codes[query]
        items = np.arange(*(self.codes.searchsorted(code, side) for side in ("left", "right")))
        return items if self.question.excluded is None else items[~np.isin(items, self.left_out(query))]

    def left_out(self, query: int) -> Array:
        """Return the items that are left out of a query's list."""
        assert self.question.excluded is not None
        places = self.question.excluded.items(query) - self.start
        return np.asarray(self._row_of_place[places[(places >= 0) & (places < len(self.order))]])

    @cached_property
    def _row_of_place(self) -> Array:
        rows = np.empty(len(self.order), dtype=np.intp)
        rows[self.order] = np.arange(len(self.order))
        return rows

    def exact(self, query: Array, item: Array) -> tuple[FloatArray, FloatArray]:
        """Compute the similarity of pairs in double precision, and its rounding error."""
        question = self.question
        return exact_pairs(question.queries, query, self.items, item, question.similarity, question.units)


@dataclass(frozen=True, eq=False)
class _Best:
    """Best relevant item of each query so far: bounds of its score, and its similarity in double precision."""

    low: Array
    high: Array
    value: Array
    width: Array  # rounding error of the value

    def __add__(self, other: _Best) -> _Best:
        low, high = np.maximum(self.low, other.low), np.maximum(self.high, other.high)
        values = ((self.value, other.value), (self.width, other.width))
        return _Best(low, high, *(np.where(other.value > self.value, b, a) for a, b in values))


def sharded_ranks(
    queries: Any, gallery: Any, query_ids: Any, gallery_ids: Any, similarity: str, exclude: Any = None
) -> Array:
    """Compute `retrieval_ranks` if the queries, the gallery or both are Dask collections."""
    queries, gallery = check_sides(queries, gallery, similarity, lazy=True)
    n_queries, dtype = len(queries), float_dtype(queries, gallery)
    query_codes, gallery_codes = codes_of_ids(query_ids, gallery_ids, n_queries, len(gallery))
    excluded = left_out(exclude, n_queries, len(gallery))
    relevance = EqualIds.of(query_codes, gallery_codes)
    kept = queries_with_relevant_items(sizes_of_lists(relevance, excluded, n_queries, len(gallery))[0])
    gallery = cut_rows(gallery, BLOCK_ROWS)
    layout = None
    kind = SIMILARITIES[similarity]
    if not kind.by_row:
        of_each = max(1, _SAMPLED_ROWS // gallery.numblocks[0])
        sample = np.concatenate(sum_over_rows(_sample, gallery, of_each) or [])
        layout = kind.laid_out(sample.astype(dtype)).queries
    chunks = gallery, cut_rows(gallery_codes, gallery.chunks[0]), starts_of_chunks(gallery)
    ranks = np.full(n_queries, np.nan)
    for rows, block in blocks_in_memory(queries, "queries"):
        asked = kept[(kept >= rows.start) & (kept < rows.stop)]
        if len(asked):
            out = None if excluded is None else excluded.of_queries(asked)
            question = _Question(block[asked - rows.start], query_codes[asked], out, kind, dtype, layout)
            best = sum_over_rows(_best_of_chunk, *chunks, question)
            counts = sum_over_rows(_counts_of_chunk, *chunks, question, best)
            assert counts is not None
            greater, tied, _, relevant = counts
            ranks[asked] = 1 + greater + (tied - relevant) / (relevant + 1)
    return ranks


def starts_of_chunks(gallery: Any) -> Any:
    """Return the position in the gallery of the first row of each chunk."""
    return cut_rows(np.cumsum([0, *gallery.chunks[0][:-1]]), 1)


def _sample(chunk: Any, n_rows: int) -> list[Array]:
    rows = check_array(chunk, dtype="numeric", input_name="gallery", ensure_min_samples=0)
    return [rows[:: max(1, len(rows) // n_rows)][:n_rows]]


def _best_of_chunk(chunk: Any, codes: Array, start: Array, question: _Question) -> _Best | None:
    shard = _Shard.of(question, chunk, codes, start)
    if shard is None:
        return None
    n, width = len(question.queries), shard.layout.width
    low, high = (np.full(n, -np.inf, question.dtype) for _ in range(2))
    pairs = []
    for q in range(n):
        items = shard.relevant(q)
        if len(items):
            score = shard.layout.rows[items] @ shard.query_rows([q])[0]
            low[q], high[q] = (score - width[items]).max(), (score + width[items]).max()
            candidates = items[score + width[items] >= low[q]]
            pairs.append((np.full(len(candidates), q), candidates))
    best = _Best(low, high, np.full(n, -np.inf), np.zeros(n))
    if pairs:
        query, item = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
        values, rounding = shard.exact(query, item)
        best.value[query], best.width[query] = best_of(query, values, rounding, np.ones(len(query), dtype=bool))
    return best


def _counts_of_chunk(chunk: Any, codes: Array, start: Array, question: _Question, best: _Best) -> Array | None:
    """Count the chunk's items around each query's best item, as `count_around` does."""
    shard = _Shard.of(question, chunk, codes, start)
    if shard is None:
        return None
    counts = np.empty((4, len(question.queries)), dtype=np.int64)
    step = max(1, BLOCK_BYTES // (len(shard.items) * question.dtype.itemsize))
    for rows in row_slices(len(question.queries), step):
        found = _counts_of_block(shard, rows, best)
        if found is None:
            shard = shard.in_double()
            found = _counts_of_block(shard, rows, best)
        counts[:, rows] = found
    return counts


def _counts_of_block(shard: _Shard, rows: slice, best: _Best) -> Any:
    """Count for some queries; None if too many pairs are in doubt."""
    scores = shard.query_rows(rows) @ shard.layout.rows.T
    if shard.question.excluded is not None:
        for q, row in enumerate(scores, rows.start):
            row[shard.left_out(q)] = -np.inf

    def judge(target: Array, item: Array, _: Array) -> tuple[Array, Array]:
        query = rows.start + target
        return told_apart(*shard.exact(query, item), best.value[query], best.width[query])

    return count_around(
        scores,
        shard.layout.width,
        Targets(np.arange(len(scores)), best.low[rows], best.high[rows]),
        lambda q: shard.relevant(rows.start + q),
        None if shard.question.is_settled else judge,
        present=False,
        most_doubts=DOUBTS_TO_JUDGE * scores.size if shard.dtype == np.float32 else np.inf,
    )
