"""A measure of the first k components for many k, from one product of the scores: inner products and squares add up.

Similarities are counted around their targets in both directions, tile by tile while a tile is in the cache. Those of a
large gallery are in single precision, and the few that it cannot tell from their target are computed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._typing import Array, FloatArray
from ..rows._blocks import row_slices
from ._counting import DOUBTS_TO_JUDGE
from ._inputs import queries_with_relevant_items
from ._nested_tiles import DoubleTiles, Flags, Scores, SingleTiles, margins_of, row_products
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
# Magnitudes of scores and weights whose products have squares well within range.
_SMALLEST, _LARGEST = 1e-70, 1e70
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
        counts, unsure = _count(Scores.of(x * w, ks), Scores.of(y * w, ks), pairs, targets)
        values = chosen.measure.sign * np.mean([count.aggregates(chosen) for count in counts], axis=0)
        # The same operations decide as in any other search when cosines differ by little more than rounding.
        for c in np.flatnonzero(unsure).tolist():
            first = slice(ks[c])
            one: Any = scoring.of_scores(x[:, first] * w[first], y[:, first] * w[first], x_ids=x_ids, y_ids=y_ids)
            values[c] = one
        tables.append(values)
    return np.array(tables)


def _in_range(scores: FloatArray) -> bool:
    # Not a number is out of range, too.
    sizes = np.abs(scores)
    return bool(sizes.max() < _LARGEST and (sizes.min() > _SMALLEST or sizes[sizes > 0].min(initial=1.0) > _SMALLEST))


def _of_pairs(x: Scores, y: Scores, i: Array, j: Array, which: Sequence[int] | slice = slice(None)) -> FloatArray:
    """Compute the cosine of rows i of x and rows j of y, one for each number of columns in `which`."""
    ends = x.ks[which] if isinstance(which, slice) else [x.ks[c] for c in which]
    values = np.empty((len(ends), len(i)))
    for part in row_slices(len(i), max(1, _GATHERED_AT_ONCE // ends[-1])):
        a, b = x.columns[i[part], : ends[-1]], y.columns[j[part], : ends[-1]]
        values[:, part] = row_products(a, b, ends)
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
        below = np.repeat(best, targets.n_relevant, axis=1) - of_pairs
        self.relevant_tied = np.add.reduceat(below <= margin[:, None], targets.starts, axis=1, dtype=np.int64)
        self.unsure = _is_close(below, margin[:, None]).any(axis=1)
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


def _count(
    x: Scores, y: Scores, pairs: tuple[Array, Array], targets: dict[str, _Targets]
) -> tuple[list[_Counts], NDArray[np.bool_]]:
    """Count all items that are not relevant around the best relevant one, in each direction.

    Also tell for each number of components whether rounding may have decided what ties.
    """
    margins, similarity = margins_of(x), _of_pairs(x, y, *pairs)
    counts = {name: _Counts(of_side, similarity, margins) for name, of_side in targets.items()}
    unsure = np.any([count.unsure for count in counts.values()], axis=0)
    shape = len(x.columns), len(y.columns)
    in_single = min(shape) >= SINGLE_FROM and x.fits_single and y.fits_single
    best = {name: count.best for name, count in counts.items()}
    double = DoubleTiles(x, y, best)
    tiles = SingleTiles(x, y, best) if in_single else double
    step = int(np.clip(_TILE_BYTES // (shape[1] * tiles.dtype.itemsize), 1, min(_TILE_ROWS, shape[0])))
    flags = Flags((step, tiles.width), shape[1])
    doubts: dict[tuple[int, str], list[tuple[Array, Array]]] = {}
    for rows in row_slices(shape[0], step):
        first, last = np.searchsorted(pairs[0], (rows.start, rows.stop))
        relevant = pairs[0][first:last] - rows.start, pairs[1][first:last]
        for c, name, differences in tiles.over(rows):
            by_rows, queries, is_close = name == "x_to_y", rows if name == "x_to_y" else slice(None), False
            if tiles.settled[c]:
                above, near, is_close = flags.settled(differences, relevant, tiles.margins[c], by_rows)
            else:
                above, near = flags.around(differences, relevant, tiles.margins[c], by_rows)
                if near.sum() > DOUBTS_TO_JUDGE * differences.size:
                    exact = double.at(rows, c, name)
                    above, near, is_close = flags.settled(exact, relevant, margins[c], by_rows)
                elif near.any():
                    i, j = flags.pairs(differences, relevant, tiles.margins[c], by_rows, near)
                    doubts.setdefault((c, name), []).append((i + rows.start, j))
                    near = np.zeros_like(near)
            unsure[c] |= is_close
            counts[name].greater[c, queries] += above
            counts[name].tied[c, queries] += near
    for (c, name), found in doubts.items():
        i, j = (np.concatenate(side) for side in zip(*found, strict=True))
        query = i if name == "x_to_y" else j
        difference = _of_pairs(x, y, i, j, [c])[0] - best[name][c, query]
        unsure[c] |= _is_close(difference, margins[c]).any()
        counts[name].add(c, query, difference, margins[c])
    return list(counts.values()), unsure


def _is_close(difference: FloatArray, margin: Any) -> NDArray[np.bool_]:
    """Tell which differences are so near to the margin that rounding may decide on which side they are."""
    return np.asarray((np.abs(difference) > margin / 2) & (np.abs(difference) < 2 * margin))
