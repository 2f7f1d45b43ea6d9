"""Exact search for the nearest items: a matrix product in blocks, then exact similarities of a few candidates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._progress import Progress
from .._similarity import Layout, QueryLayout, Similarity
from .._typing import FloatArray
from ..metrics._counting import BLOCK_BYTES
from ..rows._blocks import row_slices
from ._growing import GrowingRows

# Groups of items per neighbour asked for: enough that two of the nearest rarely share one.
_GROUPS_PER_NEIGHBOR = 16
# Items of a group in a large gallery: all of its scores are read again if the largest may be among the best.
_ITEMS_OF_A_GROUP = 64
# Bytes of scores multiplied at a time: few enough to be read again from the cache.
_TILE_BYTES = 2**21
# Candidate pairs examined at once.
_CANDIDATES_AT_ONCE = 2**20
# Numbers gathered at once for exact similarities.
_GATHERED_AT_ONCE = 2**22


@dataclass(frozen=True)
class _LaidOut:
    """Items laid out for the matrix product, and the origin of the layout."""

    rows: FloatArray  # the items themselves, unless `own` holds others
    own: GrowingRows | None
    width: FloatArray  # (n_items,), rounding error of each score
    queries: QueryLayout
    n_items: int  # number of items that the layout was made for

    @classmethod
    def of(cls, items: FloatArray, similarity: Similarity) -> Self:
        layout = _searchable(items, similarity)
        if not _is_finite(layout):
            raise ValueError(
                f"The rows are too large for {items.dtype}: the largest entry is {np.abs(items).max():g}. Rescale them."
            )
        own = None if layout.rows is items else GrowingRows(layout.rows)
        return cls(layout.rows, own, layout.width, layout.queries, len(items))

    def fits(self, n_items: int) -> bool:
        """Whether the layout suits this many items: it is always correct, but centre and unit come from other items."""
        return self.own is None or self.n_items <= 2 * n_items <= 4 * self.n_items

    def chosen(self, rows: NDArray[Any], items: FloatArray) -> Self:
        own = None if self.own is None else GrowingRows(self.rows[rows])
        return type(self)(items if own is None else own.array, own, self.width[rows], self.queries, self.n_items)

    def with_more(self, items: FloatArray, more: Layout) -> Self:
        own = None if self.own is None else self.own.with_more(more.rows)
        width = np.concatenate((self.width, more.width))
        return type(self)(items if own is None else own.array, own, width, self.queries, self.n_items)


def _searchable(items: FloatArray, similarity: Similarity, like: QueryLayout | None = None) -> Layout:
    with np.errstate(over="ignore", invalid="ignore"):  # checked by the callers
        return similarity.searchable(items, like)


def _is_finite(layout: Layout) -> bool:
    return bool(np.isfinite(layout.width).all() and np.isfinite(layout.rows).all())


class SearchSpace:
    """Items laid out for a search, an immutable value.

    Parameters
    ----------
    items : ndarray of shape (n_items, d)
        Float rows as the similarity embeds them, not copied.
    similarity : Similarity
        Similarity that is largest for the nearest items.
    laid_out : _LaidOut or None
        Layout of these items, if there is one already.
    """

    def __init__(self, items: FloatArray, similarity: Similarity, laid_out: _LaidOut | None = None) -> None:
        self.items, self.similarity = items, similarity
        self._laid_out = _LaidOut.of(items, similarity) if laid_out is None else laid_out

    def __len__(self) -> int:
        return len(self.items)

    def chosen(self, rows: NDArray[Any], items: FloatArray | None = None) -> SearchSpace:
        """Select some of the items by position; `items` are these items, if at hand."""
        items = self.items[rows] if items is None else items
        laid_out = self._laid_out.chosen(rows, items) if self._laid_out.fits(len(items)) else None
        return SearchSpace(items, self.similarity, laid_out)

    def with_more(self, items: FloatArray) -> SearchSpace:
        """Add items: `items` are all of them, and begin with the present ones."""
        laid_out = None
        if self._laid_out.fits(len(items)):
            more = _searchable(items[len(self) :], self.similarity, self._laid_out.queries)
            laid_out = self._laid_out.with_more(items, more) if _is_finite(more) else None
        return SearchSpace(items, self.similarity, laid_out)

    def nearest(
        self, queries: FloatArray, k: int, verbose: int = 0, among: NDArray[np.intp] | None = None
    ) -> tuple[FloatArray, NDArray[np.intp]]:
        """Find the k items most similar to each query, the best first; equal ones in the order of the items.

        Parameters
        ----------
        queries : ndarray of shape (n_queries, d)
            Float rows.
        k : int in [1, n_items]
            Number of neighbours.
        verbose : int
            Above 0, progress is printed.
        among : ndarray of shape (n_among,) or None
            Positions, increasing, of the items to search among; None for all.

        Returns
        -------
        similarities : float64 ndarray of shape (n_queries, k)
            Inner products, or minus the distances, computed in double precision.
        positions : ndarray of shape (n_queries, k)
            Rows of the items.
        """
        if among is not None and 2 * len(among) < len(self):
            # Copying few rows costs less than the product with all.
            similarities, positions = self.chosen(among).nearest(queries, k, verbose)
            return similarities, among[positions]
        rows, lay_out = self._laid_out.rows, self._laid_out.queries
        per_query = len(rows) + (0 if among is None else len(among))
        step = max(1, min(len(queries), BLOCK_BYTES // (per_query * rows.itemsize)))
        buffer = np.empty((step, len(rows)), rows.dtype)
        similarities, positions = np.empty((len(queries), k)), np.empty((len(queries), k), dtype=np.intp)
        with Progress("queries searched", len(queries), verbose) as progress:
            for start in range(0, len(queries), step):
                block = slice(start, min(start + step, len(queries)))
                scores = buffer[: block.stop - start]
                laid_out = lay_out(queries[block].astype(np.float64)).astype(rows.dtype)
                if not np.isfinite(laid_out).all():
                    raise ValueError("Queries are too far from all items for their distances to be told apart.")
                multiply: Callable[[slice], None] | None = partial(_multiply, laid_out, rows, scores)
                if among is not None:
                    _multiply(laid_out, rows, scores, slice(None))
                    scores, multiply = np.take(scores, among, axis=1), None
                similarities[block], positions[block] = self._best(queries[block], scores, k, among, multiply)
                progress.update(block.stop)
        return similarities, positions

    def _best(
        self,
        queries: FloatArray,
        scores: FloatArray,
        k: int,
        among: NDArray[np.intp] | None,
        multiply: Callable[[slice], None] | None = None,
    ) -> tuple[FloatArray, NDArray[np.intp]]:
        """Find the k nearest items of a block of queries, given scores with rounding errors, or room and a product."""
        width = self._laid_out.width
        best = _Candidates(scores, width if among is None else width[among], k, multiply)
        if best.at_most > _CANDIDATES_AT_ONCE and len(queries) > 1:
            # If nearly all items tie, a few queries at a time bound the memory.
            half = len(queries) // 2
            parts = [self._best(queries[part], scores[part], k, among) for part in (slice(half), slice(half, None))]
            first, second = (np.concatenate(both) for both in zip(*parts, strict=True))
            return first, second
        query, item = best.pairs()
        item = item if among is None else among[item]
        exact = self._exact(queries, query, item)
        if not np.isfinite(exact).all():
            raise ValueError(
                f"Queries and items are so large, or so far apart, that their similarity overflows (the largest query "
                f"has an entry of {np.abs(queries).max():g}). Rescale both alike."
            )
        order = np.lexsort((item, -exact, query))
        start = np.searchsorted(query[order], np.arange(len(scores)))
        chosen = order[start[:, None] + np.arange(k)]
        return exact[chosen], item[chosen]

    def _exact(self, queries: FloatArray, query: NDArray[np.intp], item: NDArray[np.intp]) -> FloatArray:
        """Compute similarities of pairs in double precision; each depends on its two rows alone, not on the block."""
        exact = np.empty(len(query))
        step = max(1, _GATHERED_AT_ONCE // queries.shape[1])
        for start in range(0, len(query), step):
            part = slice(start, start + step)
            q, g = queries[query[part]].astype(np.float64), self.items[item[part]].astype(np.float64)
            exact[part] = self.similarity.of_pairs(q, g)
        return exact


def _multiply(queries: FloatArray, rows: FloatArray, scores: FloatArray, items: slice) -> None:
    """Write the inner products of queries and some of the items to their columns of the scores."""
    np.matmul(queries, rows[items].T, out=scores[:, items])


class _Candidates:
    """Candidate pairs (query, item) that include the k best of every query, although scores have rounding errors.

    The k-th largest of the maxima of disjoint groups is at most the k-th largest score. Every item that may reach it
    lies in one of the few groups whose maximum does: only these are examined.

    Scores are read for the maxima while the processor's cache holds them: where `multiply` is given, it computes those
    of a slice of items, a few levels of the groups at a time.
    """

    def __init__(
        self, scores: FloatArray, width: FloatArray, k: int, multiply: Callable[[slice], None] | None = None
    ) -> None:
        n_queries, n_items = scores.shape
        n_groups = min(n_items, max(_GROUPS_PER_NEIGHBOR * k, n_items // _ITEMS_OF_A_GROUP))
        depth = n_items // n_groups
        # Items left over after the last full level of the groups.
        self._rest = slice(depth * n_groups, n_items)
        self._levels = scores[:, : self._rest.start].reshape(n_queries, depth, n_groups)
        n_rest, levels_at_once = n_items - self._rest.start, max(1, _TILE_BYTES // scores[:, :n_groups].nbytes)
        maxima = reduce(np.maximum, (self._maxima(some, multiply) for some in row_slices(depth, levels_at_once)))
        widest = width[: self._rest.start].reshape(depth, n_groups).max(axis=0)
        for of_groups, of_items in ((maxima, scores), (widest, width)):
            np.maximum(of_groups[..., :n_rest], of_items[..., self._rest], out=of_groups[..., :n_rest])
        self._reached = np.partition(maxima - widest, n_groups - k, axis=1)[:, n_groups - k, None] - widest
        self._scores = scores
        self._query, self._group = np.nonzero(maxima >= self._reached)

    def _maxima(self, some: slice, multiply: Callable[[slice], None] | None) -> FloatArray:
        """Compute the largest score of each group in some of the levels, right after the scores themselves."""
        _, depth, n_groups = self._levels.shape
        if multiply is not None:
            # The last levels take the items left over with them.
            multiply(slice(some.start * n_groups, self._rest.stop if some.stop == depth else some.stop * n_groups))
        return np.asarray(self._levels[:, some].max(axis=1))

    @property
    def at_most(self) -> int:
        """Largest number of pairs to examine."""
        return len(self._query) * self._levels.shape[1]

    def pairs(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the queries and items of the candidate pairs."""
        query, group, reached = self._query, self._group, self._reached
        n_groups, rest = self._levels.shape[2], self._rest
        hit, level = np.nonzero(self._levels[query, :, group] >= reached[query, group][:, None])
        rest_query, rest_item = np.nonzero(self._scores[:, rest] >= reached[:, : rest.stop - rest.start])
        items = group[hit] + level * n_groups, rest.start + rest_item
        return np.concatenate((query[hit], rest_query)), np.concatenate(items)
