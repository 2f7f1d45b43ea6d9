"""Ranks in a gallery of Dask: each chunk counts for itself, in two walks over the gallery, and the counts add up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._blocks import cut_alike, float_dtype, in_chunks, is_dask, row_slices, sum_over_rows
from .._sklearn import check_array
from ._inputs import SIMILARITIES, Array, QueryLayout, check_sides, codes_of_ids, queries_with_relevant_items
from .ranks import BLOCK_BYTES, count_around, tie_width

# Rows of each chunk that settle the layout of all.
_SAMPLED_ROWS = 1000


@dataclass(frozen=True, eq=False)
class Shard:
    """A chunk of the gallery, sorted by the codes of its ids and laid out for a product with `query_rows`."""

    rows: Array  # (n, d)
    norms: Array  # (n,)
    codes: Array  # (n,)
    positions: Array  # (n,), in the whole gallery
    lay_out: QueryLayout

    @classmethod
    def of_chunk(cls, chunk: Any, codes: Array, positions: Array, dtype: Any, metric: str, layout: Any) -> Shard:
        checked = check_array(chunk, dtype="numeric", input_name="gallery")
        order = np.argsort(codes, kind="stable")
        with np.errstate(over="ignore"):  # looked at below
            rows, norms, lay_out = SIMILARITIES[metric](checked[order].astype(dtype, copy=False), layout)
        if not np.isfinite(norms).all():
            raise ValueError(f"Gallery items differ too much in size to be compared in {dtype}; rescale them.")
        return cls(rows, norms, codes[order], positions[order], lay_out)

    def query_rows(self, queries: Array) -> Array:
        return self.lay_out(queries.astype(np.float64)).astype(self.rows.dtype)

    def spans(self, query_codes: Array) -> list[slice]:
        """Rows relevant to each query."""
        first, last = (self.codes.searchsorted(query_codes, side) for side in ("left", "right"))
        return [slice(*span) for span in zip(first.tolist(), last.tolist(), strict=True)]


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
    gallery = in_chunks(gallery)
    layout = None
    if metric != "cosine":
        # Chunks have to agree on a centre and a unit.
        sample = np.concatenate(sum_over_rows(_sample, gallery) or [])
        layout = SIMILARITIES[metric](sample.astype(dtype))[2]
    shards = (gallery, cut_alike(gallery_codes, gallery), cut_alike(np.arange(len(gallery)), gallery))
    ranks = np.full(n_queries, np.nan)
    for rows, block in query_blocks(queries):
        asked = kept[(kept >= rows.start) & (kept < rows.stop)]
        if len(asked):
            constants = (dtype, metric, layout, block[asked - rows.start], query_codes[asked])
            best = sum_over_rows(_best_of_shard, *shards, *constants)
            counts = sum_over_rows(_counts_of_shard, *shards, *constants, best)
            assert counts is not None
            greater, at_least, relevant = counts
            ranks[asked] = 1 + greater + (at_least - greater - relevant) / (relevant + 1)
    return ranks


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


def _sample(chunk: Any) -> list[Array]:
    rows = check_array(chunk, dtype="numeric", input_name="gallery", ensure_min_samples=0)
    return [rows[:: max(1, len(rows) // _SAMPLED_ROWS)]]


def _best_of_shard(*arguments: Any) -> _Best | None:
    *of_shard, queries, query_codes = arguments
    if len(of_shard[0]) == 0:
        return None
    shard = Shard.of_chunk(*of_shard)
    width = tie_width(shard.rows, shard.norms)
    best = _Best(
        np.full(len(queries), -np.inf, width.dtype), np.zeros(len(queries), width.dtype), np.full(len(queries), -1)
    )
    spans = shard.spans(query_codes)
    asking = np.array([q for q, span in enumerate(spans) if span.stop > span.start], dtype=np.intp)
    for q, row in zip(asking, shard.query_rows(queries[asking]), strict=True):
        scores = shard.rows[spans[q]] @ row
        place = scores.argmax()
        item = spans[q].start + place
        best.score[q], best.width[q], best.position[q] = scores[place], width[item], shard.positions[item]
    return best


def _counts_of_shard(*arguments: Any) -> Array | None:
    *of_shard, queries, query_codes, best = arguments
    if len(of_shard[0]) == 0:
        return None
    shard = Shard.of_chunk(*of_shard)
    n_items, start = len(shard.rows), shard.positions.min()
    row_of_position = np.empty(n_items, dtype=np.intp)
    row_of_position[shard.positions - start] = np.arange(n_items)
    spans = shard.spans(query_codes)
    counts = np.empty((3, len(queries)), dtype=np.int64)
    step = max(1, BLOCK_BYTES // (n_items * shard.rows.itemsize))
    for rows in row_slices(len(queries), step):
        scores = shard.query_rows(queries[rows]) @ shard.rows.T
        score, width, place = best.score[rows], best.width[rows], best.position[rows] - start
        # The best item ties with itself, however this product rounds.
        here = np.flatnonzero((place >= 0) & (place < n_items))
        scores[here, row_of_position[place[here]]] = score[here]
        counts[:, rows] = count_around(scores, score + width, score - width, spans[rows])
    return counts
