"""Rows of one item: they share a fold, and appear in a gallery once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from .._ids import ROWS_OF_A_LABEL, checked_ids, codes_of_ids
from .._typing import FloatArray
from ..linalg._solution import paired_correlations
from ..linalg._svd import Triplets
from ..metrics._nested import nested_values
from ..metrics.scorer import RetrievalScorer
from ..rows._equal import Parts, equal_rows, renumbered
from ..rows._stored import PairedRows

# Seed of the draw of galleries, so that equal searches have equal ones.
SEED_OF_GALLERIES = 0


@dataclass(frozen=True)
class Items:
    """Groups of rows that share a fold; for a retrieval score also ids, and groups of copies on each side."""

    groups: Parts
    x_ids: Parts | None = None
    y_ids: Parts | None = None
    x_copies: Parts | None = None
    y_copies: Parts | None = None

    @classmethod
    def of(
        cls, rows: PairedRows, groups: Any, x_ids: Any, y_ids: Any, sample_weight: FloatArray | None, *, retrieval: bool
    ) -> Self:
        """Find items from groups and ids given for all rows, and from equal rows among those of positive weight."""
        given = _given(groups, x_ids, y_ids, rows.n_rows, sample_weight)
        ids = [given[name] for name in ("x_ids", "y_ids") if name in given]
        if retrieval and len(ids) == 1:
            raise ValueError("x_ids and y_ids go together, but only one was given. Pass both or neither.")
        if groups is not None and not retrieval:
            return cls(renumbered(given["groups"]))
        x = equal_rows(rows.X, "X")
        # If no two rows are equal on one side, none are on both.
        y = equal_rows(rows.y, "y") if retrieval or _count(x) < len(x) else x
        equal = [_intersection(x, y), x, y] if retrieval else [_intersection(x, y)]
        parts = _union_of_items(*equal, *ids) if groups is None else renumbered(given["groups"])
        if not retrieval:
            return cls(parts)
        if not ids:
            items = _union_of_items(*equal)
            if _count(items) == len(items):
                return cls(parts)
            ids = [items, items]
        return cls(parts, ids[0], ids[1], _intersection(ids[0], x), _intersection(ids[1], y))

    def searched(self, test: NDArray[np.intp], most: int | None) -> NDArray[np.intp]:
        """Return at most so many rows of a fold for a retrieval score, groups drawn one after the other."""
        if most is None or len(test) <= most:
            return test
        place = np.random.default_rng(SEED_OF_GALLERIES).permutation(_count(self.groups))
        return test[np.sort(np.argsort(place[self.groups[test]], kind="stable")[:most])]

    def gallery(self, positions: NDArray[np.intp]) -> Gallery:
        """Return the gallery of a fold for a retrieval score."""
        kept, ids = [], {}
        for name, own, copies in (("x_ids", self.x_ids, self.x_copies), ("y_ids", self.y_ids, self.y_copies)):
            first = None if copies is None else np.sort(np.unique(copies[positions], return_index=True)[1])
            kept.append(slice(None) if first is None else first)
            ids[name] = None if own is None else own[positions][kept[-1]]
        return Gallery(kept[0], kept[1], ids)


@dataclass(frozen=True)
class Gallery:
    """Rows of a fold without copies of earlier rows, and ids of the rows."""

    x: Any
    y: Any
    ids: dict[str, Parts | None]

    def score(self, scoring: RetrievalScorer, x_scores: FloatArray, y_scores: FloatArray) -> float:
        """Score the rows of both sides of the fold; all scores have one row per row of the fold."""
        return scoring.of_scores(x_scores[self.x], y_scores[self.y], **self.ids)  # type: ignore[return-value]

    def table(
        self,
        scoring: RetrievalScorer,
        scores: Sequence[tuple[FloatArray, FloatArray]],
        singular_values: FloatArray,
        powers: Sequence[float | None],
    ) -> FloatArray:
        """Score every power and number of components, given both sides' scores for each number."""
        weights = [singular_values ** (power or 0.0) for power in powers]
        return np.array(
            [[self.score(scoring, x * w[: x.shape[1]], y * w[: x.shape[1]]) for x, y in scores] for w in weights]
        )

    def nested_table(
        self,
        scoring: RetrievalScorer,
        x_scores: FloatArray,
        y_scores: FloatArray,
        ks: Sequence[int],
        singular_values: FloatArray,
        powers: Sequence[float | None],
    ) -> FloatArray:
        """Score every power and number of components, given both sides' scores on all of them."""
        weights = [singular_values ** (power or 0.0) for power in powers]
        table = nested_values(scoring, x_scores[self.x], y_scores[self.y], ks, weights, **self.ids)
        if table is None:
            return self.table(scoring, [(x_scores[:, :k], y_scores[:, :k]) for k in ks], singular_values, powers)
        return table


def values_of_scores(
    triplets: Triplets,
    scoring: str | RetrievalScorer,
    weight: FloatArray | None,
    powers: Sequence[float | None],
    ks: list[int],
    gallery: Gallery,
) -> FloatArray:
    """Score every power and number of components from nested scores of the held-out rows, and singular values."""
    x, d, y = triplets
    if isinstance(scoring, RetrievalScorer):
        if not len(d):
            # Without components all items have the same scores.
            x, d, y = np.zeros((len(x), 1)), np.ones(1), np.zeros((len(y), 1))
        return gallery.nested_table(scoring, x, y, ks, d, powers)
    sums = np.append(0.0, np.cumsum(paired_correlations(x, y, weight)))
    return np.broadcast_to(sums[np.minimum(ks, len(d))], (len(powers), len(ks)))


def _given(groups: Any, x_ids: Any, y_ids: Any, n_kept: int, sample_weight: FloatArray | None) -> dict[str, Parts]:
    """Number the groups and ids given, for rows of positive weight; equal ids get equal numbers."""
    n_rows = n_kept if sample_weight is None else len(sample_weight)
    named = {"groups": groups, "x_ids": x_ids, "y_ids": y_ids}
    checked = {name: checked_ids(ids, name, n_rows, "X") for name, ids in named.items() if ids is not None}
    numbers = _numbers(checked, "groups") | _numbers(checked, "x_ids", "y_ids")
    return numbers if sample_weight is None else {name: number[sample_weight > 0] for name, number in numbers.items()}


def _numbers(ids: dict[str, NDArray[Any]], *names: str) -> dict[str, Parts]:
    """Number the ids of these names in the order of their values; equal ids get equal numbers."""
    found = [name for name in names if name in ids]
    if not found:
        return {}
    one, other = ids[found[0]], ids[found[-1]]
    return dict(zip(found, codes_of_ids(one, other, len(one), len(other), (found[0], found[-1])), strict=False))


def _count(parts: Parts) -> int:
    return 1 + int(parts.max())


def _intersection(a: Parts, b: Parts) -> Parts:
    """Group rows that are together in both groupings."""
    return renumbered(a * _count(b) + b)


def _union(a: Parts, b: Parts) -> Parts:
    """Group rows that are together in either grouping, directly or through other rows."""
    n_a, n = _count(a), _count(a) + _count(b)
    graph = sparse.coo_array((np.ones(len(a), bool), (a, n_a + b)), shape=(n, n))
    return renumbered(connected_components(graph, directed=False)[1][a])


def _union_of_items(*parts: Parts) -> Parts:
    """Unite groupings, except those that would leave few groups: these are labels."""
    union = np.arange(len(parts[0]))
    for part in parts:
        wider = _union(union, part)
        if _count(wider) * ROWS_OF_A_LABEL >= len(wider):
            union = wider
    return union
