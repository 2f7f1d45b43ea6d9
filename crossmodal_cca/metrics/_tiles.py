"""Counts of items around the only relevant one of each query, in tiles of queries and items.

Its own score is subtracted from all others within the product, by one more feature that is 1 for every item. A tile is
then compared with a single number, which numpy does in one go, while the processor's cache still holds it. And a tile
has more rows than whole lists in as much memory, which is what makes a product fast.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .._typing import Array
from ..rows._blocks import row_slices
from ._counting import DOUBTS_TO_JUDGE, JUDGED_AT_ONCE, Counts, are_alike, told_apart
from ._inputs import RetrievalProblem

# Bytes of a tile of scores.
_TILE_BYTES = 2**23
# Bytes of scores read twice in a row, which a core's own cache holds.
_CACHE_BYTES = 2**19
# Items of a tile: a byte counts up to 255, and eight of them are added at once.
_TILE_ITEMS = 8 * 255


def fit_in_tiles(problem: RetrievalProblem) -> bool:
    """Tell whether each query has one relevant item, all items are listed, and one number bounds the rounding of all.

    Scores without rounding stay so only if nothing is subtracted from them.
    """
    one_each = problem.n_relevant.max() == 1 and not problem.relevance.is_graded
    return one_each and problem.excluded is None and not problem.layout.exact and are_alike(problem.layout.width)


def count_in_tiles(problem: RetrievalProblem) -> Iterator[tuple[slice, Counts]]:
    """Count items around the relevant one for a block of queries after the other; stop if too many are in doubt."""
    tiles = _Tiles(problem)
    for queries in row_slices(len(problem.kept), tiles.at_once):
        counts = tiles.counts(queries)
        if counts is None:
            return
        yield queries, counts


class _Tiles:
    def __init__(self, problem: RetrievalProblem) -> None:
        rows, dtype = problem.layout.rows, problem.dtype
        self._problem, self._reach = problem, 2 * problem.layout.width.max()
        self._rows = np.column_stack((rows, np.ones(len(rows), dtype)))
        n_items = min(_TILE_ITEMS, len(rows))
        self.at_once = min(len(problem.kept), max(1, _TILE_BYTES // (n_items * dtype.itemsize)))
        self._scores = np.empty(self.at_once * n_items, dtype)
        self._flags = np.empty((self.at_once, -(-n_items // 8) * 8), bool)

    def counts(self, block: slice) -> Counts | None:
        """Count items around the relevant one of each query in a block; None if too many pairs are in doubt."""
        problem, own = self._problem, self._problem.first_relevant(block)
        queries = problem.laid_out(block)
        score = np.einsum("ij,ij->i", queries, problem.layout.rows[own], dtype=np.float64)
        queries = np.column_stack((queries, -score)).astype(problem.dtype)
        # In eight parts, see `_eighths`.
        greater, tied = (np.zeros((len(own), 8), dtype=np.int64) for _ in range(2))
        doubts: list[tuple[Array, Array]] = []
        n_doubts = n_pending = 0
        most = DOUBTS_TO_JUDGE * len(own) * len(self._rows) if problem.dtype == np.float32 else np.inf
        for items in row_slices(len(self._rows), _TILE_ITEMS):
            tile = self._tile(queries, items, own)
            above, reaching = self._eighths(tile)
            greater += above.view(np.uint8)
            if problem.is_settled:
                tied += (reaching - above).view(np.uint8)
                continue
            unclear = np.flatnonzero(above != reaching)
            pair, item = np.nonzero(np.abs(tile[unclear]) <= self._reach)
            doubts.append((unclear[pair], items.start + item))
            n_doubts, n_pending = n_doubts + len(pair), n_pending + len(pair)
            if n_doubts > most:
                return None
            if n_pending > JUDGED_AT_ONCE or (n_pending and items.stop == len(self._rows)):
                self._judge(block, own, doubts, greater[:, 0], tied[:, 0])
                doubts, n_pending = [], 0
        return Counts(greater.sum(axis=1), 1 + tied.sum(axis=1), np.zeros_like(own), np.ones_like(own))

    def _tile(self, queries: Array, items: slice, own: Array) -> Array:
        """Compute how much more than the own item others score; the own one itself is left out."""
        shape = len(queries), items.stop - items.start
        tile = self._scores[: shape[0] * shape[1]].reshape(shape)
        np.matmul(queries, self._rows[items].T, out=tile)
        here = np.flatnonzero((own >= items.start) & (own < items.stop))
        tile[here, own[here] - items.start] = -np.inf
        return tile

    def _eighths(self, tile: Array) -> Array:
        """Count what is above, and what may tie or is above, in each row, in eight parts: bytes of a whole number."""
        counts = np.empty((2, len(tile), 1), np.uint64)
        step = max(1, _CACHE_BYTES // (tile.shape[1] * tile.itemsize))
        for rows in row_slices(len(tile), step):
            flags = self._flags[: rows.stop - rows.start]
            flags[:, tile.shape[1] :] = False
            for count, compare, bound in zip(
                counts, (np.greater, np.greater_equal), (self._reach, -self._reach), strict=True
            ):
                compare(tile[rows], bound, out=flags[:, : tile.shape[1]])
                np.add.reduce(flags.view(np.uint64), axis=1, keepdims=True, out=count[rows])
        return counts

    def _judge(self, block: slice, own: Array, doubts: list[tuple[Array, Array]], greater: Array, tied: Array) -> None:
        """Add, for each query, the items of pairs in doubt that score higher than its own, and that tie with it."""
        query, item = (np.concatenate(parts) for parts in zip(*doubts, strict=True))
        asked, pair = np.unique(query, return_inverse=True)
        best, best_width = self._problem.exact(block.start + asked, own[asked])
        values, width = self._problem.exact(block.start + query, item)
        for count, chosen in zip((greater, tied), told_apart(values, width, best[pair], best_width[pair]), strict=True):
            count += np.bincount(query[chosen], minlength=len(own))
