"""A measure of the first k components for many k, from one product of the scores: inner products and squares add up.

Similarities are counted around their targets in both directions, tile by tile while a tile is in the cache. Those of a
large gallery are in single precision, and the few that it cannot tell from their target are computed again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

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


def _row_products(A: FloatArray, B: FloatArray, ends: Sequence[int]) -> FloatArray:
    """Compute the inner products of the rows of A and B (n, d) over the columns up to each end, (len(ends), n)."""
    parts = itertools.pairwise([0, *ends])
    sums = np.array([np.einsum("ij,ij->i", A[:, a:b], B[:, a:b]) for a, b in parts])
    return np.asarray(np.cumsum(sums, axis=0))


def _of_pairs(x: _Scores, y: _Scores, i: Array, j: Array, which: Sequence[int] | slice = slice(None)) -> FloatArray:
    """Compute the cosine of rows i of x and rows j of y, one for each number of columns in `which`."""
    ends = x.ks[which] if isinstance(which, slice) else [x.ks[c] for c in which]
    values = np.empty((len(ends), len(i)))
    for part in row_slices(len(i), max(1, _GATHERED_AT_ONCE // ends[-1])):
        a, b = x.columns[i[part], : ends[-1]], y.columns[j[part], : ends[-1]]
        values[:, part] = _row_products(a, b, ends)
    return np.asarray(values / (x.lengths[which][:, i] * y.lengths[which][:, j]))


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

    def add(self, c: int, query: Array, difference: FloatArray, margin: float) -> None:
        """Add items by the differences of their cosines from that of the target of their query."""
        n_queries = self.targets.n_queries
        self.greater[c] += np.bincount(query[difference > margin], minlength=n_queries)
        self.tied[c] += np.bincount(query[np.abs(difference) <= margin], minlength=n_queries)

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
    margins, similarity = _margins(x), _of_pairs(x, y, *pairs)
    counts = {name: _Counts(of_side, similarity, margins) for name, of_side in targets.items()}
    shape = len(x.columns), len(y.columns)
    in_single = min(shape) >= SINGLE_FROM and x.fits_single and y.fits_single
    best = {name: count.best for name, count in counts.items()}
    double = _DoubleTiles(x, y, best)
    tiles = _SingleTiles(x, y, best) if in_single else double
    step = int(np.clip(_TILE_BYTES // (shape[1] * tiles.dtype.itemsize), 1, min(_TILE_ROWS, shape[0])))
    flags = _Flags((step, tiles.width), shape[1])
    doubts: dict[tuple[int, str], list[tuple[Array, Array]]] = {}
    for rows in row_slices(shape[0], step):
        first, last = np.searchsorted(pairs[0], (rows.start, rows.stop))
        relevant = pairs[0][first:last] - rows.start, pairs[1][first:last]
        for c, name, differences in tiles.over(rows):
            by_rows, queries = name == "x_to_y", (c, rows if name == "x_to_y" else slice(None))
            above, near = flags.around(differences, relevant, tiles.margins[c], by_rows)
            if not tiles.settled[c] and near.any():
                if near.sum() > DOUBTS_TO_JUDGE * differences.size:
                    above, near = flags.around(double.at(rows, c, name), relevant, margins[c], by_rows)
                else:
                    i, j = flags.pairs(differences, relevant, tiles.margins[c], by_rows, near)
                    doubts.setdefault((c, name), []).append((i + rows.start, j))
                    near = np.zeros_like(near)
            counts[name].greater[queries] += above
            counts[name].tied[queries] += near
    for (c, name), found in doubts.items():
        i, j = (np.concatenate(side) for side in zip(*found, strict=True))
        query = i if name == "x_to_y" else j
        counts[name].add(c, query, _of_pairs(x, y, i, j, [c])[0] - best[name][c, query], margins[c])
    return list(counts.values())


def _padded(rows: FloatArray) -> FloatArray:
    """Append zero rows up to a multiple of eight."""
    return np.asfortranarray(np.pad(rows, [(0, -len(rows) % 8)] + [(0, 0)] * (rows.ndim - 1)))


class _DoubleTiles:
    """Cosines of some rows of x and all of y less those of the targets, in double precision.

    A row of a tile is a multiple of eight long and ends with −∞, so that eight flags of it are a word. What is within
    the margins ties where that is `settled`, and is in doubt elsewhere.
    """

    dtype = np.dtype(np.float64)

    def __init__(self, x: _Scores, y: _Scores, best: dict[str, FloatArray]) -> None:
        self._x, self._columns, self._best, self._n_items = x, _padded(y.columns), best, len(y.columns)
        self.margins, self.width, self.settled = _margins(x), len(self._columns), [True] * len(x.ks)
        self._inverse = 1 / x.lengths, _padded((1 / y.lengths).T).T

    def over(self, rows: slice) -> Iterator[tuple[int, str, FloatArray]]:
        """Yield the differences for every number of columns and direction."""
        products, start = self._zeros(rows), 0
        for c, k in enumerate(self._x.ks):
            add_product(products, self._x.columns[rows, start:k], self._columns[:, start:k])
            start = k
            for name in self._best:
                yield c, name, self._less_targets(products, rows, c, name)

    def at(self, rows: slice, c: int, name: str) -> FloatArray:
        """Compute the differences for one number of columns and direction."""
        products, k = self._zeros(rows), self._x.ks[c]
        add_product(products, self._x.columns[rows, :k], self._columns[:, :k])
        return self._less_targets(products, rows, c, name)

    def _zeros(self, rows: slice) -> FloatArray:
        return np.zeros((rows.stop - rows.start, self.width))

    def _less_targets(self, products: FloatArray, rows: slice, c: int, name: str) -> FloatArray:
        cosines: FloatArray = products * self._inverse[1][c]
        cosines *= self._inverse[0][c, rows, None]
        cosines[:, self._n_items :] = -np.inf
        if name == "x_to_y":
            cosines -= self._best[name][c, rows, None]
        else:
            cosines[:, : self._n_items] -= self._best[name][c]
        return cosines


class _SingleTiles:
    """The same in single precision, times the lengths of both rows, and within larger margins.

    With s the inner products of the first k columns, t the targets and l the lengths, one tile is taken from the
    differences s − t·lx·ly of one direction to those of the next, or of the next k, by a product of a few columns.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, x: _Scores, y: _Scores, best: dict[str, FloatArray]) -> None:
        self._n_items, unit = len(y.columns), (x.lengths[-1], y.lengths[-1])
        X, Y = (side.columns / length[:, None] for side, length in zip((x, y), unit, strict=True))
        # A target that no item reaches, for queries without a relevant one.
        lengths, best = (x.lengths / unit[0], y.lengths / unit[1]), {n: np.minimum(t, 2.0) for n, t in best.items()}
        self._steps: list[tuple[int, str, FloatArray, FloatArray]] = []
        self.settled = [k == 1 for k in x.ks]
        start, undo = 0, (X[:, :0], Y[:, :0])
        for c, k in enumerate(x.ks):
            sides, of_k = (X[:, start:k], Y[:, start:k]), (lengths[0][c], lengths[1][c])
            if k == 1:
                # Cosines of single columns are signs: exact, with half of the items tied.
                sides, of_k = (np.sign(X[:, :1]), np.sign(Y[:, :1])), (np.ones(len(X)), np.ones(len(Y)))
            new = sides
            for name, t in best.items():
                left, right = (t[c] * of_k[0], of_k[1]) if name == "x_to_y" else (of_k[0], t[c] * of_k[1])
                columns = np.column_stack((new[0], undo[0], -left)), np.column_stack((new[1], undo[1], right))
                A, B = (_padded(side.astype(np.float32)) for side in columns)
                self._steps.append((c, name, A, B))
                new, undo = (X[:, :0], Y[:, :0]), (left[:, None], right[:, None])
            if k == 1:
                undo = np.hstack((undo[0], -sides[0])), np.hstack((undo[1], sides[1]))
            else:
                start = k
        # A tile is a sum of as many products as columns were added so far.
        added = np.cumsum([left.shape[1] for _, _, left, _ in self._steps])[len(best) - 1 :: len(best)]
        single = [1.5 * tie_width(np.empty((1, d), np.float32), np.ones(1))[0] for d in added]
        margins = np.array(single) * lengths[0].max(axis=1) * lengths[1].max(axis=1)
        self.margins = np.where(self.settled, 0.5, margins)
        self.width = len(self._steps[0][3])

    def over(self, rows: slice) -> Iterator[tuple[int, str, FloatArray]]:
        """Yield the differences for every number of columns and direction."""
        tile = np.zeros((rows.stop - rows.start, self.width), np.float32)
        tile[:, self._n_items :] = -np.inf
        for c, name, left, right in self._steps:
            add_product(tile, left[rows], right)
            yield c, name, tile


class _Flags:
    """Counts of differences, by rows or by columns, with room for their flags."""

    def __init__(self, shape: tuple[int, int], n_items: int) -> None:
        self._flags, self._n_items = np.empty(shape, dtype=bool), n_items

    def around(self, differences: FloatArray, relevant: Any, margin: float, by_rows: bool) -> tuple[Array, Array]:
        """Count what is above the margin, and what is within it, but for relevant pairs."""
        kept = differences[relevant]
        differences[relevant] = -np.inf
        bound = differences.dtype.type(margin)
        above = self._sum(np.greater, differences, bound, by_rows)
        near = self._sum(np.greater_equal, differences, -bound, by_rows) - above
        differences[relevant] = kept
        return above, near

    def _sum(self, compare: np.ufunc, differences: FloatArray, bound: Any, by_rows: bool) -> Array:
        flags = self._flags[: len(differences)]
        compare(differences, bound, out=flags)
        if not by_rows:
            return np.asarray(np.add.reduce(flags.view(np.uint8), axis=0, dtype=np.uint8), np.int64)[: self._n_items]
        # No byte of a sum of 255 words overflows.
        words = flags.view(np.uint64)
        sums = np.add.reduceat(words, np.arange(0, words.shape[1], 255), axis=1)
        return np.asarray(sums.view(np.uint8).sum(axis=1, dtype=np.int64))

    @staticmethod
    def pairs(differences: FloatArray, relevant: Any, margin: float, by_rows: bool, near: Array) -> tuple[Array, Array]:
        """Return rows and columns of the differences within the margin, but for relevant pairs, where there are any."""
        kept = differences[relevant]
        differences[relevant] = -np.inf
        some, bound = np.flatnonzero(near), differences.dtype.type(margin)
        lines = np.abs(differences[some] if by_rows else differences[:, some].T) <= bound
        differences[relevant] = kept
        query, item = np.divmod(np.flatnonzero(lines), lines.shape[1])
        return (some[query], item) if by_rows else (item, some[query])
