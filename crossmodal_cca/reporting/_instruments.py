"""Instruments about the pairs of a page: which may be wrong, which answers are sure, and who is worse off."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._ids import distinct_ids
from .._similarity import unit_rows
from .._sklearn import take_rows
from .._typing import DataFrame
from ..diagnosis import PairCheck, find_slices, harm_report
from ..diagnosis._wrong_pairs import stand_out
from ..metrics._directions import Direction
from ..metrics._held_out_searches import Searches
from ..metrics._methods import Fit
from ..metrics._resampling import holm
from ..metrics.measures import ChosenMeasure
from ..retrieval import SearchConfidence
from ._mapped_pairs import Gallery, Quality
from ._question import OTHER, Positions, Question, Sides

# Shares of wrong answers that are asked about, and the probability of each bound.
RISKS, SURE_OF_RISK = (0.05, 0.1, 0.2, 0.3, 0.5), 0.9
# Level from which on a slice, or a loss, counts as sure.
LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class WrongPairs:
    """Table of a check of pairs with their positions, the share of wrong ones, and the end of its interval."""

    pairs: Positions
    table: DataFrame
    share: float
    high: float
    stand_out: bool  # whether they are others than those of a weak relation


def wrong_pairs_of(question: Question, pairs: Positions, sides: Sides, fit: Fit) -> WrongPairs:
    """Check pairs by the model with the settings of a fit."""
    X, y = (take_rows(A, pairs) for A in sides)
    known = question.given(pairs) | {"groups": question.items.groups[pairs]}
    check = PairCheck(fit.bare, verbose=question.verbose).fit(X, y, **known)
    seen = stand_out(check.table_["p_value"].to_numpy(), known["groups"])
    return WrongPairs(pairs, check.table_, check.wrong_share_, check.wrong_share_interval_[1], seen)


@dataclass(frozen=True, eq=False)
class Answers:
    """First hits of one direction: what confidence promised on queries that it was not learned from."""

    n_fit: int
    expected: dict[Any, Any]  # row of the expected hit rate
    confidence: NDArray[Any]  # (n_queries,)
    right: NDArray[np.bool_]
    thresholds: dict[float, float | None]  # by risk; None if too few queries were there to learn from

    def answered(self, risk: float) -> NDArray[np.bool_] | None:
        """Tell which queries are answered at a risk."""
        threshold = self.thresholds[risk]
        return None if threshold is None else self.confidence >= threshold


def answers_of(question: Question, gallery: Gallery) -> dict[Direction, Answers]:
    """Learn confidence from the queries of one half of the groups, and apply it to the other half."""
    groups = np.unique(gallery.groups[gallery.positions])
    known = np.random.default_rng(question.random_state).permutation(groups)[: len(groups) // 2]
    return {direction: _answers(question, gallery, direction, known) for direction in Direction}


def _answers(question: Question, gallery: Gallery, direction: Direction, known: NDArray[np.intp]) -> Answers:
    side, clusters = direction.queries, gallery.clusters[direction.queries]
    # One query for each group: others are not independent of it.
    first = np.unique(clusters, return_index=True)[1]
    learned = np.isin(clusters[first], known)
    queries, items = gallery.scores[side], gallery.scores[OTHER[side]]
    own, of_items = gallery.numbers[side], gallery.numbers[OTHER[side]]
    search = SearchConfidence(similarity=question.similarity)
    search.fit(queries[first[learned]], items, query_ids=own[first[learned]], gallery_ids=of_items)
    new = first[~learned]
    return Answers(
        int(learned.sum()),
        search.expected_hit_rate(queries[new]).to_dict("records")[0],
        search.confidence(queries[new]),
        search.is_right(queries[new], own[new]),
        {risk: _threshold(search, risk) for risk in RISKS},
    )


def _threshold(search: SearchConfidence, risk: float) -> float | None:
    with warnings.catch_warnings():
        # That nothing can be answered is a line of the table.
        warnings.simplefilter("ignore", UserWarning)
        try:
            return search.threshold(risk=risk, confidence_level=SURE_OF_RISK)
        except ValueError:  # too few queries, which is a line of the table, too
            return None


@dataclass(frozen=True, eq=False)
class Harm:
    """Queries that are better and worse than with a baseline, by direction: all of them, and each class."""

    baseline: str
    n_queries: int
    tables: dict[Direction, DataFrame]

    @property
    def worse(self) -> list[Direction]:
        """Directions in which more queries get worse than better, after correction for two."""
        return [direction for direction, table in self.tables.items() if table["p_value"].iloc[0] <= LEVEL]


def harm_of(question: Question, baseline: Fit, before: Quality, after: Quality) -> Harm:
    """Compare the searches of a model with those of a baseline among the same items, a value for each group."""
    import pandas as pd

    better = ChosenMeasure.named(question.measure).measure.greater_is_better
    tables, labels = {}, question.labels
    for old, new in zip(before.searches, after.searches, strict=True):
        clusters = question.items.groups[new.queries]
        one = harm_report(*_by_part(clusters, old.values, new.values), greater_is_better=better)
        if labels is not None:
            classes, codes = distinct_ids(labels[new.queries], "labels")
            both, parts = np.unique(clusters * len(classes) + codes, return_inverse=True)
            values = _by_part(parts, old.values, new.values)
            by_class = harm_report(*values, by=classes[both % len(classes)], greater_is_better=better)
            one = pd.concat([one, by_class.iloc[1:]])
        tables[Direction(new.direction)] = one
    for table, p in zip(tables.values(), holm([table["p_value"].iloc[0] for table in tables.values()]), strict=True):
        table["p_value"] = [p, *table["p_value"].iloc[1:]]
    return Harm(baseline.settings, sum(len(each.queries) for each in after.searches), tables)


def _by_part(parts: NDArray[np.intp], *values: NDArray[Any]) -> list[NDArray[Any]]:
    """Average values over the queries of each part."""
    codes = np.unique(parts, return_inverse=True)[1]
    return [np.bincount(codes, weights=each) / np.bincount(codes) for each in values]


@dataclass(frozen=True, eq=False)
class Slice:
    """Queries that lie together in the shared space, with figures of the half that they were not found on."""

    direction: Direction
    n_tested: int
    outcome: float
    outside: float
    p_value: float  # corrected for the slices of both directions
    is_worse: bool
    named_by: str  # side of the items that are nearest to it
    nearest: list[int]  # positions of these
    pairs: NDArray[np.intp]  # positions of all its queries

    @property
    def is_sure(self) -> bool:
        """Whether it differs from the others."""
        return self.p_value <= LEVEL


def slices_of(question: Question, gallery: Gallery, quality: Quality) -> list[Slice]:
    """Find slices of the queries of each direction; the smallest p-value comes first."""
    better = ChosenMeasure.named(question.measure).measure.greater_is_better
    slices = []
    for searches in quality.searches:
        direction = Direction(searches.direction)
        named_by = _named_by(question, direction.queries)
        for row in _slices(question, gallery, searches, direction.queries, named_by).to_dict("records"):
            slices.append(
                Slice(
                    direction,
                    row["n_tested"],
                    row["outcome"],
                    row["outside"],
                    row["p_uncorrected"],
                    (row["difference"] < 0) == better,
                    named_by,
                    [int(item) for item in row["names"]],
                    searches.queries[row["rows"]],
                )
            )
    corrected = holm([each.p_value for each in slices])
    both = (replace(each, p_value=float(p)) for each, p in zip(slices, corrected, strict=True))
    return sorted(both, key=lambda each: each.p_value)


def _named_by(question: Question, side: str) -> str:
    """Return the side whose items name slices: the gallery, unless the queries alone have captions."""
    sides = [OTHER[side], side]
    return next((each for each in sides if question.captions[each] is not None), sides[0])


def _slices(question: Question, gallery: Gallery, searches: Searches, side: str, named_by: str) -> DataFrame:
    scores = dict(zip(("x", "y"), gallery.scores_of_pairs, strict=True))
    if question.similarity == "cosine":
        scores = {each: unit_rows(own) for each, own in scores.items()}
    # Positions of pairs increase.
    return find_slices(
        scores[side][np.searchsorted(gallery.positions, searches.queries)],
        searches.values,
        names=gallery.positions,
        descriptions=scores[named_by],
        groups=question.items.groups[searches.queries],
        random_state=question.random_state,
    )
