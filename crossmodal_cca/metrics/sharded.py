"""Ranks in a gallery of Dask: each chunk counts for itself, in two walks over the gallery, and the counts add up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._blocks import BLOCK_ROWS, cut_rows, float_dtype, is_dask, row_slices, sum_over_rows
from .._ids import codes_of_ids
from .._similarity import SIMILARITIES, QueryLayout, Similarity, tie_width
from .._sklearn import check_array
from .._typing import Array
from ._inputs import check_sides, queries_with_relevant_items
from .ranks import BLOCK_BYTES, count_around

# Rows of all chunks together, about, that settle the layout.
_SAMPLED_ROWS = 50_000


@dataclass(frozen=True, eq=False)
class _Shard:
    """A chunk of the gallery, sorted by the codes of its ids and laid out for a product with queries."""

    rows: Array  # (n, d)
    norms: Array  # (n,)
    codes: Array  # (n,)
    positions: Array  # (n,), in the whole gallery
    lay_out: QueryLayout

    def query_rows(self, queries: Array) -> Array:
        return self.lay_out(queries.astype(np.float64)).astype(self.rows.dtype)

    def spans(self, query_codes: Array) -> list[slice]:
        """Rows relevant to each query."""
        first, last = (self.codes.searchsorted(query_codes, side) for side in ("left", "right"))
        return [slice(*span) for span in zip(first.tolist(), last.tolist(), strict=True)]


@dataclass(frozen=True, eq=False)
class _Question:
    """What is asked of every chunk."""

    queries: Array
    codes: Array
    similarity: Similarity
    dtype: np.dtype[Any]
    layout: QueryLayout | None  # that chunks have to agree on; None where each row is laid out by itself

    def shard(self, chunk: Any, codes: Array, start: Array) -> _Shard | None:
        if len(chunk) == 0:
            return None
        checked = check_array(chunk, dtype="numeric", input_name="gallery")
        order = np.argsort(codes, kind="stable")
        with np.errstate(over="ignore"):  # looked at below
            ordered = checked[order].astype(self.dtype, copy=False)
            rows, norms, lay_out = self.similarity.laid_out(ordered, self.layout)
        if not np.isfinite(norms).all():
            raise ValueError(f"Gallery items differ too much in size to be compared in {self.dtype}; rescale them.")
        return _Shard(rows, norms, codes[order], start + order, lay_out)


@dataclass(frozen=True, eq=False)
class _Best:
    """Each query's best relevant item so far: its score, half the width of a tie with it, and its position."""

    score: Array
    width: Array
    position: Array

    def __add__(self, other: _Best) -> _Best:
        pairs = ((self.score, other.score), (self.width, other.width), (self.position, other.position))
        return _Best(*(np.where(other.score > self.score, b, a) for a, b in pairs))


def sharded_ranks(queries: Any, gallery: Any, query_ids: Any, gallery_ids: Any, metric: str) -> Array:
    """`retrieval_ranks` where the queries, the gallery or both are Dask's."""
    queries, gallery = check_sides(queries, gallery, metric, lazy=True)
    n_queries, dtype = len(queries), float_dtype(queries, gallery)
    query_codes, gallery_codes = codes_of_ids(query_ids, gallery_ids, n_queries, len(gallery))
    ordered = np.sort(gallery_codes)
    kept = queries_with_relevant_items(*(ordered.searchsorted(query_codes, side) for side in ("left", "right")))
    gallery = cut_rows(gallery, BLOCK_ROWS)
    layout = None
    similarity = SIMILARITIES[metric]
    if not similarity.by_row:
        of_each = max(1, _SAMPLED_ROWS // gallery.numblocks[0])
        sample = np.concatenate(sum_over_rows(_sample, gallery, of_each) or [])
        layout = similarity.laid_out(sample.astype(dtype)).queries
    chunks = gallery, cut_rows(gallery_codes, gallery.chunks[0]), starts_of_chunks(gallery)
    ranks = np.full(n_queries, np.nan)
    for rows, block in query_blocks(queries):
        asked = kept[(kept >= rows.start) & (kept < rows.stop)]
        if len(asked):
            question = _Question(block[asked - rows.start], query_codes[asked], similarity, dtype, layout)
            best = sum_over_rows(_best_of_chunk, *chunks, question)
            counts = sum_over_rows(_counts_of_chunk, *chunks, question, best)
            assert counts is not None
            greater, at_least, relevant = counts
            ranks[asked] = 1 + greater + (at_least - greater - relevant) / (relevant + 1)
    return ranks


def starts_of_chunks(gallery: Any) -> Any:
    """Position in the gallery of the first row of each chunk, one number a chunk."""
    return cut_rows(np.cumsum([0, *gallery.chunks[0][:-1]]), 1)


def query_blocks(queries: Any) -> Iterator[tuple[slice, Array]]:
    """Queries in memory at once, those of Dask chunk by chunk."""
    if not is_dask(queries):
        yield slice(0, len(queries)), queries
        return
    stops = np.cumsum(queries.chunks[0]).tolist()
    for start, stop in zip([0, *stops[:-1]], stops, strict=True):
        if stop > start:
            chunk = queries[start:stop].compute()
            yield slice(start, stop), check_array(chunk, dtype="numeric", input_name="queries")


def _sample(chunk: Any, n_rows: int) -> list[Array]:
    rows = check_array(chunk, dtype="numeric", input_name="gallery", ensure_min_samples=0)
    return [rows[:: max(1, len(rows) // n_rows)][:n_rows]]


def _best_of_chunk(chunk: Any, codes: Array, start: Array, question: _Question) -> _Best | None:
    shard = question.shard(chunk, codes, start)
    if shard is None:
        return None
    width = tie_width(shard.rows, shard.norms)
    n = len(question.queries)
    best = _Best(np.full(n, -np.inf, width.dtype), np.zeros(n, width.dtype), np.full(n, -1))
    spans = shard.spans(question.codes)
    asking = np.array([q for q, span in enumerate(spans) if span.stop > span.start], dtype=np.intp)
    for q, row in zip(asking, shard.query_rows(question.queries[asking]), strict=True):
        scores = shard.rows[spans[q]] @ row
        place = scores.argmax()
        item = spans[q].start + place
        best.score[q], best.width[q], best.position[q] = scores[place], width[item], shard.positions[item]
    return best


def _counts_of_chunk(chunk: Any, codes: Array, start: Array, question: _Question, best: _Best) -> Array | None:
    """Items that score higher, at least as high, and relevant ones of the latter, beside each query's best."""
    shard = question.shard(chunk, codes, start)
    if shard is None:
        return None
    n_items = len(shard.rows)
    row_of_position = np.empty(n_items, dtype=np.intp)
    row_of_position[shard.positions - start] = np.arange(n_items)
    spans = shard.spans(question.codes)
    counts = np.empty((3, len(question.queries)), dtype=np.int64)
    step = max(1, BLOCK_BYTES // (n_items * shard.rows.itemsize))
    for rows in row_slices(len(question.queries), step):
        scores = shard.query_rows(question.queries[rows]) @ shard.rows.T
        score, width, place = best.score[rows], best.width[rows], best.position[rows] - start
        # The best item ties with itself, however this product rounds.
        here = np.flatnonzero((place >= 0) & (place < n_items))
        scores[here, row_of_position[place[here]]] = score[here]
        counts[:, rows] = count_around(scores, score + width, score - width, spans[rows])
    return counts
