"""A measure of the first k components for many k, from one product of the scores: inner products and squares add up.

Similarities are counted around their targets in both directions, tile by tile while a tile is in the cache. Those of a
large gallery are in single precision, and the few that it cannot tell from their target are computed again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from .._similarity import tie_width
from .._typing import Array, FloatArray
from ..linalg._products import add_product
from ..rows._blocks import row_slices
from ._counting import DOUBTS_TO_JUDGE
from ._inputs import queries_with_relevant_items
from ._tables import EqualIds, relevant_items
from .measures import ChosenMeasure
from .ranks import RelevantCounts
from .scorer import RetrievalScorer

# Relevant pairs per row up to which the similarity of each is computed by itself.
_PAIRS_PER_ROW = 8
# Rows of either side from which single precision saves more than the pairs in doubt cost.
SINGLE_FROM = 1000
# Bytes of a tile of similarities; and its most rows, so that a byte counts them.
_TILE_BYTES, _TILE_ROWS = 2**21, 255
# Magnitudes of scores and weights whose products have squares well within range; and shortest length of the first
# components, relative to that of all, whose digits single precision keeps.
_SMALLEST, _LARGEST, _SHORTEST = 1e-70, 1e70, 1e-12
# Numbers gathered at once for single pairs.
_GATHERED_AT_ONCE = 2**20


def nested_values(
    scoring: RetrievalScorer,
    x: FloatArray,
    y: FloatArray,
    ks: Sequence[int],
    weights: Sequence[FloatArray],
    *,
    x_ids: Any = None,
    y_ids: Any = None,
) -> FloatArray | None:
    """Compute what ``scoring.of_scores`` says of the first k components, shape (len(weights), len(ks)).

    The columns of both sides are multiplied by each of the weights. Returns None for what is not counted here: another
    similarity than the cosine, queries with many relevant items, scores whose squares would overflow.
    """
    if scoring.similarity != "cosine" or not all(map(_in_range, (x, y, *weights))):
        return None
    chosen = ChosenMeasure.named(scoring.measure, **scoring.options)
    relevance = relevant_items(x_ids, y_ids, None, len(x), len(y))
    assert isinstance(relevance, EqualIds)
    sizes = relevance.sizes()
    if not 0 < sizes.sum() <= _PAIRS_PER_ROW * len(x):
        return None
    pairs = np.repeat(np.arange(len(x)), sizes), np.concatenate([relevance.items(q) for q in range(len(x))])
    if not chosen.measure.best_only and max(np.bincount(side).max() for side in pairs) > 1:
        return None
    asked = {"x_to_y": (pairs[0], len(x), len(y)), "y_to_x": (pairs[1], len(y), len(x))}
    targets = {name: _Targets.of(*sides) for name, sides in asked.items() if scoring.direction in ("both", name)}
    tables = []
    for w in weights:
        counts = _count(_Scores.of(x * w, ks), _Scores.of(y * w, ks), pairs, targets)
        tables.append(np.mean([count.aggregates(chosen) for count in counts], axis=0))
    return np.asarray(chosen.measure.sign * np.array(tables))


def _in_range(scores: FloatArray) -> bool:
    # Not a number is out of range, too.
    sizes = np.abs(scores)
    return bool(sizes.max() < _LARGEST and (sizes.min() > _SMALLEST or sizes[sizes > 0].min(initial=1.0) > _SMALLEST))


@dataclass(frozen=True, eq=False)
class _Scores:
    """Scores of one side, the numbers of columns to take, and the length of each row up to there (1 for zero rows)."""

    columns: FloatArray  # (n, d), in Fortran order
    ks: list[int]
    lengths: FloatArray  # (len(ks), n)

    @classmethod
    def of(cls, scores: FloatArray, ks: Sequence[int]) -> _Scores:
        ends = [min(k, scores.shape[1]) for k in ks]
        columns = np.asfortranarray(scores)
        squares = _row_products(columns, columns, ends)
        return cls(columns, ends, np.sqrt(np.where(squares > 0, squares, 1.0)))

    @property
    def fits_single(self) -> bool:
        """Whether the first columns keep their digits in single precision, in units of the length of the row."""
        return bool((self.lengths >= _SHORTEST * self.lengths[-1]).all())

    def single(self) -> _Scores:
        """Return rows of unit length in single precision."""
        unit = self.lengths[-1]
        columns = np.asfortranarray(self.columns / unit[:, None], dtype=np.float32)
        return _Scores(columns, self.ks, (self.lengths / unit).astype(np.float32))


def _row_products(A: FloatArray, B: FloatArray, ends: Sequence[int]) -> FloatArray:
    """Compute the inner products of the rows of A and B (n, d) over the columns up to each end, (len(ends), n)."""
    parts = itertools.pairwise([0, *ends])
    return np.cumsum([np.einsum("ij,ij->i", A[:, a:b], B[:, a:b]) for a, b in parts], axis=0)


def _of_pairs(x: _Scores, y: _Scores, i: Array, j: Array, which: Sequence[int] | slice = slice(None)) -> FloatArray:
    """Compute the cosine of rows i of x and rows j of y, one for each number of columns in `which`."""
    ends = x.ks[which] if isinstance(which, slice) else [x.ks[c] for c in which]
    values = np.empty((len(ends), len(i)))
    for part in row_slices(len(i), max(1, _GATHERED_AT_ONCE // ends[-1])):
        values[:, part] = _row_products(x.columns[i[part]], y.columns[j[part]], ends)
    return values / (x.lengths[which][:, i] * y.lengths[which][:, j])


@dataclass(frozen=True, eq=False)
class _Targets:
    """Relevant pairs in the order of their queries, and the queries that have one."""

    order: Array  # (n_pairs,)
    starts: Array  # (n_kept,), first pair of each query
    kept: Array  # (n_kept,)
    n_relevant: Array  # (n_kept,)
    n_queries: int
    n_items: int

    @classmethod
    def of(cls, query: Array, n_queries: int, n_items: int) -> _Targets:
        sizes = np.bincount(query, minlength=n_queries)
        kept = queries_with_relevant_items(sizes)
        starts = (np.cumsum(sizes) - sizes)[kept]
        return cls(np.argsort(query, kind="stable"), starts, kept, sizes[kept], n_queries, n_items)


class _Counts:
    """Items above each query's best relevant one and those that tie with it, for each number of components."""

    def __init__(self, targets: _Targets, similarity: FloatArray, margin: FloatArray) -> None:
        self.targets, of_pairs = targets, similarity[:, targets.order]
        best = np.maximum.reduceat(of_pairs, targets.starts, axis=1)
        tied = of_pairs >= np.repeat(best - margin[:, None], targets.n_relevant, axis=1)
        self.relevant_tied = np.add.reduceat(tied, targets.starts, axis=1, dtype=np.int64)
        # No item is above that of a query without a relevant one.
        self.best = np.full((len(similarity), targets.n_queries), np.inf)
        self.best[:, targets.kept] = best
        self.greater, self.tied = np.zeros((2, *self.best.shape), dtype=np.int64)

    def aggregates(self, chosen: ChosenMeasure) -> list[float]:
        """Aggregate the measure of all queries, for each number of components."""
        targets, values = self.targets, []
        query, none = np.arange(len(targets.kept)), np.zeros(len(targets.kept), dtype=np.int64)
        n_items = np.full(len(targets.kept), targets.n_items)
        for greater, tied, relevant in zip(self.greater, self.tied, self.relevant_tied, strict=True):
            around = greater[targets.kept], tied[targets.kept] + relevant
            counts = RelevantCounts(query, *around, none, relevant, targets.n_relevant, n_items)
            values.append(chosen.aggregate(chosen.reducer(counts)))
        return values


def _margins(scores: _Scores) -> FloatArray:
    """Bound the difference of two cosines by rounding, for each number of columns."""
    return np.array([2 * tie_width(scores.columns[:, :k], np.ones(1))[0] for k in scores.ks])


def _count(x: _Scores, y: _Scores, pairs: tuple[Array, Array], targets: dict[str, _Targets]) -> list[_Counts]:
    """Count all items that are not relevant around the best relevant one, in each direction."""
    margins = _margins(x)
    counts = {name: _Counts(of_side, _of_pairs(x, y, *pairs), margins) for name, of_side in targets.items()}
    shape = len(x.columns), len(y.columns)
    in_single = min(shape) >= SINGLE_FROM and x.fits_single and y.fits_single
    X, Y = (x.single(), y.single()) if in_single else (x, y)
    step = int(np.clip(_TILE_BYTES // (shape[1] * X.columns.itemsize), 1, min(_TILE_ROWS, shape[0])))
    tiles = _Tiles(X, Y, pairs, step)
    for rows in row_slices(shape[0], step):
        for c in tiles.walk(rows):
            for name, count in counts.items():
                by_rows = name == "x_to_y"
                queries = rows if by_rows else slice(None)
                target, greater, tied = (A[c, queries] for A in (count.best, count.greater, count.tied))
                above, near = tiles.around(target, by_rows)
                if in_single and near.any():
                    if near.sum() > DOUBTS_TO_JUDGE * step * shape[1]:
                        above, near = _Tiles(x, y, pairs, step).at(rows, c).around(target, by_rows)
                    else:
                        query, item = tiles.pairs(target, by_rows, near)
                        i, j = (query, item) if by_rows else (item, query)
                        difference = _of_pairs(x, y, i + rows.start, j, [c])[0] - target[query]
                        above += np.bincount(query[difference > margins[c]], minlength=len(above))
                        near = np.bincount(query[np.abs(difference) <= margins[c]], minlength=len(above))
                greater += above
                tied += near
    return list(counts.values())


class _Tiles:
    """Cosines of some rows of x and all of y, relevant pairs left out, and room for what is compared.

    `pairs` are the relevant ones, by rows of x.
    """

    def __init__(self, x: _Scores, y: _Scores, pairs: tuple[Array, Array], most: int) -> None:
        self._x, self._y, self._pairs, self._margins = x, y, pairs, _margins(x)
        n_items = len(y.columns)
        self._products, self._cosines = np.empty((2, most, n_items), x.columns.dtype)
        # Rows end with zeros, so that eight flags are a word.
        self._flags = np.zeros((most, -(-n_items // 8) * 8), dtype=bool)
        self._inverse_x, self._inverse_y = 1 / x.lengths, 1 / y.lengths

    def walk(self, rows: slice) -> Iterator[int]:
        """Go to some rows, and yield the place of one number of columns after the other."""
        products, start = self._products[: rows.stop - rows.start], 0
        products[:] = 0
        for c, k in enumerate(self._x.ks):
            add_product(products, self._x.columns[rows, start:k], self._y.columns[:, start:k])
            start = k
            self._divide(rows, c)
            yield c

    def at(self, rows: slice, c: int) -> Self:
        """Go to some rows and one number of columns."""
        products, k = self._products[: rows.stop - rows.start], self._x.ks[c]
        products[:] = 0
        add_product(products, self._x.columns[rows, :k], self._y.columns[:, :k])
        self._divide(rows, c)
        return self

    def _divide(self, rows: slice, c: int) -> None:
        n = rows.stop - rows.start
        self.cosines, self.flags, self.margin = self._cosines[:n], self._flags[:n], self._margins[c]
        np.multiply(self._products[:n], self._inverse_y[c], out=self.cosines)
        self.cosines *= self._inverse_x[c, rows, None]
        first, last = np.searchsorted(self._pairs[0], (rows.start, rows.stop))
        self.cosines[self._pairs[0][first:last] - rows.start, self._pairs[1][first:last]] = -np.inf

    def around(self, targets: FloatArray, by_rows: bool) -> tuple[Array, Array]:
        """Count the items above the target of each row or column, and those within the margin of it."""
        low, high = self._bounds(targets, by_rows)
        above = self._sum(np.greater, high, by_rows)
        return above, self._sum(np.greater_equal, low, by_rows) - above

    def _bounds(self, targets: FloatArray, by_rows: bool) -> list[FloatArray]:
        bounds = ((targets + sign * self.margin).astype(self.cosines.dtype) for sign in (-1, 1))
        return [bound[:, None] if by_rows else bound for bound in bounds]

    def _sum(self, compare: np.ufunc, bound: FloatArray, by_rows: bool) -> Array:
        n_items = self.cosines.shape[1]
        compare(self.cosines, bound, out=self.flags[:, :n_items])
        if not by_rows:
            return np.add.reduce(self.flags.view(np.uint8), axis=0, dtype=np.uint8)[:n_items].astype(np.int64)
        # No byte of a sum of 255 words overflows.
        words = self.flags.view(np.uint64)
        sums = np.add.reduceat(words, np.arange(0, words.shape[1], 255), axis=1)
        return sums.view(np.uint8).sum(axis=1, dtype=np.int64)

    def pairs(self, targets: FloatArray, by_rows: bool, near: Array) -> tuple[Array, Array]:
        """Return the pairs (query, item) within the margin, where there are any."""
        some = np.flatnonzero(near)
        cosines = self.cosines[some] if by_rows else self.cosines[:, some].T
        low, high = self._bounds(targets[some], by_rows=True)
        query, item = np.nonzero((cosines >= low) & ~(cosines > high))
        return some[query], item
