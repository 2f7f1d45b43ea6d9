"""Searches among the held-out rows of all folds: a value for each query, and means over the queries.

A row asks in both directions, and in each fold that holds it out; all its queries are of one cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from .._typing import Array, FloatArray
from ._directions import both_directions
from ._inputs import SIDES
from .measures import ChosenMeasure, values_of_kept
from .report import chances, gallery_size
from .scorer import RetrievalScorer


@dataclass(frozen=True, eq=False)
class Searches:
    """Outcome of the searches in one direction among the held-out rows of one fold."""

    direction: str
    queries: Array  # (n_queries,), positions of the rows that ask
    values: FloatArray  # (n_queries,)
    chance: float
    n_gallery: float


def held_out_searches(
    scorer: RetrievalScorer, test: Array, gallery: Any, x_scores: Any, y_scores: Any
) -> list[Searches]:
    """Search in each direction asked for, with the scores of the held-out rows `test`, in a gallery without copies."""
    measure = ChosenMeasure.named(scorer.measure, **scorer.options)
    rows = {"x": gallery.x, "y": gallery.y}
    scores = np.asarray(x_scores)[rows["x"]], np.asarray(y_scores)[rows["y"]]
    asked = *scores, gallery.ids["x_ids"], gallery.ids["y_ids"], None, scorer.similarity
    return [
        Searches(
            direction.value,
            test[rows[direction.queries]][problem.kept],
            values_of_kept(problem, [measure])[0],
            chances([measure], problem)[0],
            gallery_size(problem),
        )
        for direction, problem in both_directions(*asked, quiet=SIDES, only=scorer.direction).items()
    ]


@dataclass(frozen=True, eq=False)
class Queries:
    """The queries of some folds: what is the same for all methods."""

    weights: FloatArray  # (n_queries,), of mean 1 and with the same sum for both directions
    clusters: Array  # (n_queries,)
    chance: float
    n_gallery: float

    @classmethod
    def of(cls, searches: Sequence[Searches], groups: Array) -> Self:
        """Collect the queries; `groups` has the group of each row."""
        sizes = [len(each.queries) for each in searches]
        n, directions = sum(sizes), {each.direction for each in searches}
        of_direction = {name: sum(len(s.queries) for s in searches if s.direction == name) for name in directions}
        weights = np.repeat([n / (len(directions) * of_direction[each.direction]) for each in searches], sizes)
        clusters = np.unique(groups[np.concatenate([each.queries for each in searches])], return_inverse=True)[1]
        chance = np.repeat([each.chance for each in searches], sizes)
        n_gallery = np.repeat([each.n_gallery for each in searches], sizes)
        return cls(weights, clusters, float(np.mean(weights * chance)), float(np.mean(weights * n_gallery)))

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return int(self.clusters.max()) + 1

    def weighted(self, searches: Sequence[Searches]) -> FloatArray:
        """Weigh the values of a method's queries, so that their mean is that of the directions' means."""
        return np.asarray(self.weights * np.concatenate([each.values for each in searches]))
