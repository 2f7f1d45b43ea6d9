"""Pairs that search each other in the shared space of a model, and how well they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._sklearn import take_rows
from ..alignment import _items
from ..metrics._held_out_searches import Queries, Searches, held_out_searches
from ..metrics._intervals import interval_of_mean
from ._question import Positions, Question, Sides


@dataclass(frozen=True, eq=False)
class Gallery:
    """Some pairs as queries and galleries of both directions; an item stands in a gallery once."""

    positions: Positions
    kept: _items.Gallery
    groups: NDArray[np.intp]  # of all pairs
    scores_of_pairs: tuple[NDArray[Any], NDArray[Any]]  # of both sides of each pair

    @classmethod
    def of(cls, question: Question, positions: Positions, sides: Sides, model: Any) -> Self:
        """Map pairs into the shared space of a model."""
        items = question.items
        return cls(positions, items.gallery(positions), items.groups, _scores(positions, sides, model))

    def mapped(self, sides: Sides, model: Any) -> Self:
        """Map the same pairs by another model."""
        return replace(self, scores_of_pairs=_scores(self.positions, sides, model))

    def with_partners(self, order: Positions) -> Self:
        """Give the pairs other partners."""
        x, y = self.scores_of_pairs
        return replace(self, scores_of_pairs=(x, y[order]))

    @property
    def rows(self) -> dict[str, Positions]:
        """Positions of the items by side."""
        return {"x": self.positions[self.kept.x], "y": self.positions[self.kept.y]}

    @property
    def scores(self) -> dict[str, NDArray[Any]]:
        """Scores of the items by side."""
        x, y = self.scores_of_pairs
        return {"x": x[self.kept.x], "y": y[self.kept.y]}

    @property
    def ids(self) -> dict[str, NDArray[Any] | None]:
        """Numbers that tell which items belong together, by side; None for row i to row i."""
        return {side: self.kept.ids[f"{side}_ids"] for side in ("x", "y")}

    @property
    def numbers(self) -> dict[str, NDArray[np.intp]]:
        """Numbers of the items by side, equal where they belong together."""
        found = {side: numbers for side, numbers in self.ids.items() if numbers is not None}
        return found or self.rows

    @property
    def clusters(self) -> dict[str, NDArray[np.intp]]:
        """Groups of the items by side."""
        return {side: self.groups[rows] for side, rows in self.rows.items()}

    @property
    def given(self) -> dict[str, Any]:
        """Ids and groups as keyword arguments."""
        ids = {f"{side}_ids": ids for side, ids in self.ids.items()}
        return ids | {f"{side}_groups": clusters for side, clusters in self.clusters.items()}


def _scores(positions: Positions, sides: Sides, model: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    X, y = (take_rows(A, positions) for A in sides)
    return np.asarray(model.transform(X)), np.asarray(model.transform_y(y))


@dataclass(frozen=True, eq=False)
class Quality:
    """The measure of each query, in both directions."""

    searches: Sequence[Searches]
    queries: Queries
    values: NDArray[Any]  # weighted so that both directions count alike

    @classmethod
    def of(cls, question: Question, gallery: Gallery) -> Self:
        """Search in both directions."""
        searches = held_out_searches(question.scorer, gallery.positions, gallery.kept, *gallery.scores_of_pairs)
        queries = Queries.of(searches, gallery.groups)
        return cls(searches, queries, queries.weighted(searches))

    @property
    def mean(self) -> float:
        """Mean of both directions."""
        return float(self.values.mean())

    def interval(self, confidence_level: float) -> tuple[float, float]:
        """Interval of the mean."""
        return interval_of_mean(self.values, self.queries.clusters, confidence_level)
