"""Searches among the held-out rows of all folds: a value for each query, and means over the queries.

A row asks in both directions, and in each fold that holds it out; all its queries are of one cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from .._typing import Array, FloatArray
from ._directions import Direction, both_directions
from ._inputs import SIDES, RetrievalProblem
from .measures import ChosenMeasure, values_of_kept
from .report import chances, gallery_size
from .scorer import RetrievalScorer


@dataclass(frozen=True, eq=False)
class FoldSearches:
    """Searches among the held-out rows of one fold, in each direction asked for."""

    measure: ChosenMeasure
    test: Array  # (n_test,), positions of the held-out rows
    queries: dict[Direction, Array]  # positions of the rows that ask
    problems: dict[Direction, RetrievalProblem]

    @classmethod
    def of(cls, scorer: RetrievalScorer, test: Array, gallery: Any, x_scores: Any, y_scores: Any) -> Self:
        """Prepare the searches with the scores of the held-out rows, in a gallery without copies."""
        rows = {"x": gallery.x, "y": gallery.y}
        scores = np.asarray(x_scores)[rows["x"]], np.asarray(y_scores)[rows["y"]]
        asked = *scores, gallery.ids["x_ids"], gallery.ids["y_ids"], None, scorer.similarity
        problems = both_directions(*asked, quiet=SIDES, only=scorer.direction)
        queries = {each: test[rows[each.queries]][problem.kept] for each, problem in problems.items()}
        return cls(ChosenMeasure.named(scorer.measure, **scorer.options), test, queries, problems)

    @cached_property
    def values(self) -> FloatArray:
        """Compute the measure of each query, one direction after the other."""
        return np.concatenate([values_of_kept(problem, [self.measure])[0] for problem in self.problems.values()])


@dataclass(frozen=True, eq=False)
class Queries:
    """The queries of all folds: what is the same for all methods."""

    weights: FloatArray  # (n_queries,), of mean 1 and with the same sum for both directions
    clusters: Array  # (n_queries,)
    chance: float
    n_gallery: float

    @classmethod
    def of(cls, folds: Sequence[FoldSearches], groups: Array) -> Self:
        """Collect the queries; `groups` has the group of each row."""
        parts = [(each, fold.queries[each], problem) for fold in folds for each, problem in fold.problems.items()]
        sizes = [len(rows) for _, rows, _ in parts]
        of_direction = {each: sum(len(rows) for other, rows, _ in parts if other is each) for each, _, _ in parts}
        n, n_directions = sum(sizes), len(of_direction)
        weights = np.repeat([n / (n_directions * of_direction[each]) for each, _, _ in parts], sizes)
        clusters = np.unique(groups[np.concatenate([rows for _, rows, _ in parts])], return_inverse=True)[1]
        chance = np.repeat([chances([folds[0].measure], problem)[0] for _, _, problem in parts], sizes)
        gallery = np.repeat([gallery_size(problem) for _, _, problem in parts], sizes)
        return cls(weights, clusters, float(np.mean(weights * chance)), float(np.mean(weights * gallery)))

    def mean(self, values: FloatArray) -> float:
        """Average the values of the queries, in each direction by itself."""
        return float(np.mean(self.weights * values))

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return int(self.clusters.max()) + 1
