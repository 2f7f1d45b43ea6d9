"""Collect what a page is about: the split, the findings, the model, and its figures on held-out pairs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._aligner import check_can_be_fitted
from .._progress import Progress
from .._sklearn import take_rows
from ..alignment._items import Items
from ..diagnosis import data_report
from ..diagnosis._near_copies import rows_looked_at
from ..metrics import retrieval_report
from ..metrics._directions import Direction, both_directions
from ..metrics._intervals import interval_of_mean
from ..metrics._methods import Fit, RowsAsTheyAre
from ..metrics.aligner_comparison import compared
from ..metrics.comparison import shuffled_rows
from ..metrics.measures import ChosenMeasure, values_of_kept
from ..retrieval import k_occurrence
from ._captions import Captions
from ._verdict import SURE, Grounds, Verdict, verdict_of

if TYPE_CHECKING:
    import pandas as pd

Positions = NDArray[np.intp]
# Rows of X and of y, as the user has them.
Sides = tuple[Any, Any]

# Most held-out pairs that are ranked: 10⁸ similarities in each direction.
MOST_QUERIES = 10_000
# Measures of the table of figures, beside the one that decides.
MEASURES = (
    *(f"hit_rate_at_{k}" for k in (1, 5, 10)),
    *("mean_reciprocal_rank", "mean_average_precision", "median_rank"),
)


@dataclass(frozen=True, eq=False)
class Question:
    """A question about some pairs: what is known of them, and settings."""

    items: Items
    labels: NDArray[Any] | None
    captions: dict[str, Captions | None]
    ids: dict[str, NDArray[Any] | None]
    groups: NDArray[Any] | None
    names: tuple[str, str]
    measure: str
    similarity: str
    test_size: float
    n_shuffles: int
    random_state: int
    examples: bool
    verbose: int

    @property
    def n_pairs(self) -> int:
        """Number of pairs."""
        return len(self.items.groups)

    def given(self, rows: slice | Positions) -> dict[str, Any]:
        """Return groups and ids of some rows that the user gave, as keyword arguments."""
        known = {"groups": self.groups, "x_ids": self.ids["x"], "y_ids": self.ids["y"]}
        return {name: each if each is None else each[rows] for name, each in known.items()}


@dataclass(frozen=True)
class Origin:
    """Source of the rows, and the call or command that repeats the page."""

    repeat: str
    fingerprints: dict[str, str] = field(default_factory=dict)  # SHA-256 by file, or by argument


@dataclass(frozen=True, eq=False)
class Gallery:
    """Some pairs as queries and galleries of both directions: positions, scores, ids and clusters by side."""

    rows: dict[str, Positions]
    scores: dict[str, NDArray[Any]]
    ids: dict[str, NDArray[Any] | None]
    clusters: dict[str, NDArray[Any]]

    @classmethod
    def of(cls, items: Items, positions: Positions, sides: Sides, model: Any) -> Gallery:
        """Map pairs into the shared space, without copies on either side."""
        kept = items.gallery(positions)
        rows = {"x": positions[kept.x], "y": positions[kept.y]}
        ids = {side: kept.ids[f"{side}_ids"] for side in rows}
        clusters = {side: items.groups[rows[side]] for side in rows}
        return cls(rows, {}, ids, clusters).mapped(sides, model)

    def mapped(self, sides: Sides, model: Any) -> Gallery:
        """Map the same rows by another model."""
        X, y = (take_rows(A, rows) for A, rows in zip(sides, self.rows.values(), strict=True))
        return replace(self, scores={"x": np.asarray(model.transform(X)), "y": np.asarray(model.transform_y(y))})

    @property
    def given_ids(self) -> dict[str, Any]:
        """Ids as keyword arguments."""
        return {f"{side}_ids": ids for side, ids in self.ids.items()}

    @property
    def given(self) -> dict[str, Any]:
        """Ids and groups as keyword arguments."""
        return self.given_ids | {f"{side}_groups": clusters for side, clusters in self.clusters.items()}


@dataclass(frozen=True, eq=False)
class Quality:
    """The measure of each query, weighted so that both directions count alike, and its cluster."""

    values: NDArray[Any]
    clusters: NDArray[Any]

    @classmethod
    def of(cls, question: Question, gallery: Gallery) -> Quality:
        """Search in both directions."""
        chosen = [ChosenMeasure.named(question.measure)]
        ids = gallery.ids["x"], gallery.ids["y"]
        problems = both_directions(gallery.scores["x"], gallery.scores["y"], *ids, None, question.similarity)
        values = [values_of_kept(problem, chosen)[0] for problem in problems.values()]
        n = sum(map(len, values))
        weighted = [each * n / (len(values) * len(each)) for each in values]
        clusters = [gallery.clusters[each.queries][problem.kept] for each, problem in problems.items()]
        return cls(np.concatenate(weighted), np.unique(np.concatenate(clusters), return_inverse=True)[1])

    @property
    def mean(self) -> float:
        """Mean of both directions."""
        return float(self.values.mean())

    @property
    def n_clusters(self) -> int:
        """Number of independent queries."""
        return int(self.clusters.max()) + 1

    def interval(self, confidence_level: float) -> tuple[float, float]:
        """Interval of the mean."""
        return interval_of_mean(self.values, self.clusters, confidence_level)


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that the sections of a page read."""

    question: Question
    origin: Origin
    train: Positions
    test: Positions
    n_left_out: int  # held-out pairs beyond those that are ranked
    findings: pd.DataFrame
    comparison: pd.DataFrame | None
    settings: str  # code of the model
    model: Any
    gallery: Gallery
    figures: pd.DataFrame
    control: NDArray[Any]  # quality of each fit to wrong pairs
    occurrences: dict[str, NDArray[Any]]  # how often each item is among the first results, by direction
    grounds: Grounds

    @property
    def verdict(self) -> Verdict:
        """Verdict that follows."""
        return verdict_of(self.grounds)


def gather(sides: Sides, question: Question, origin: Origin, aligner: Any) -> Evidence:
    """Split, check, choose the aligner if none is given, fit and measure."""
    check_can_be_fitted(aligner)
    train, test, n_left_out = _split(question)
    findings = data_report(*sides, **question.given(slice(None)), cv=[(train, test)])
    known = question.given(train)
    X, y = (take_rows(A, train) for A in sides)
    comparison, fit = _fitted(question, aligner, X, y, known)
    gallery = Gallery.of(question.items, test, sides, fit.model)
    figures = retrieval_report(
        *gallery.scores.values(),
        **gallery.given,
        measures=list(dict.fromkeys([question.measure, *MEASURES])),
        similarity=question.similarity,
        names=question.names,
        random_state=question.random_state,
    )
    seen = np.sort(np.random.default_rng(question.random_state).permutation(train)[: len(test)])
    in_sample = Quality.of(question, Gallery.of(question.items, seen, sides, fit.model)).mean
    control = _control(question, fit, (X, y), sides, gallery)
    quality, occurrences = Quality.of(question, gallery), _occurrences(gallery, question)
    return Evidence(
        question=question,
        origin=origin,
        train=train,
        test=test,
        n_left_out=n_left_out,
        findings=findings,
        comparison=comparison,
        settings=fit.settings,
        model=fit.model,
        gallery=gallery,
        figures=figures,
        control=control,
        occurrences=occurrences,
        grounds=_grounds(question, quality, figures, control, findings, in_sample, occurrences),
    )


def _fitted(question: Question, aligner: Any, X: Any, y: Any, known: dict[str, Any]) -> tuple[pd.DataFrame | None, Fit]:
    """Fit the aligner; without one, the best of those that are compared."""
    if aligner is not None:
        return None, Fit.to("aligner", aligner, X, y, known)
    table, fits = compared(
        X,
        y,
        None,
        cv=5,
        measure=question.measure,
        direction="both",
        similarity=question.similarity,
        n_resamples=1000,
        confidence_level=0.95,
        random_state=question.random_state,
        verbose=question.verbose,
        **known,
    )
    return table, fits[table.attrs["picked"]]


def _split(question: Question) -> tuple[Positions, Positions, int]:
    """Hold out whole groups; return also how many held-out pairs are left out."""
    from sklearn.model_selection import GroupShuffleSplit

    groups = question.items.groups
    splitter = GroupShuffleSplit(1, test_size=question.test_size, random_state=question.random_state)
    train, test = next(splitter.split(groups, groups=groups))
    kept = np.sort(np.random.default_rng(question.random_state).permutation(test)[:MOST_QUERIES])
    return train, kept, len(test) - len(kept)


def _control(question: Question, fit: Fit, rows_of_fit: Sides, sides: Sides, gallery: Gallery) -> NDArray[Any]:
    """Measure fits to pairs in random order; rows that are taken as they are get partners at random in their place."""
    rng = np.random.RandomState(question.random_state)
    X, y = rows_of_fit
    found = []
    with Progress("fits to wrong pairs", question.n_shuffles, question.verbose) as progress:
        for done in range(question.n_shuffles):
            wrong = gallery.mapped(sides, fit.refitted(X, shuffled_rows(y, rng)))
            if isinstance(fit.model, RowsAsTheyAre):
                scores = wrong.scores["y"]
                wrong = replace(wrong, scores=wrong.scores | {"y": scores[rng.permutation(len(scores))]})
            found.append(Quality.of(question, wrong).mean)
            progress.update(done + 1)
    return np.array(found)


def _grounds(
    question: Question,
    quality: Quality,
    figures: pd.DataFrame,
    control: NDArray[Any],
    findings: pd.DataFrame,
    in_sample: float,
    occurrences: dict[str, NDArray[Any]],
) -> Grounds:
    of_measure = figures.xs(question.measure, level="measure")
    at_chance = of_measure.index[of_measure["low"] <= of_measure["chance"]]
    copies, of_noise = (
        findings["value"][(findings["check"] == check) & (findings["severity"] == severity)]
        for check, severity in (("split", "error"), ("pairs and features", "warning"))
    )
    low, high = quality.interval(0.95)
    return Grounds(
        measure=question.measure,
        n_queries=quality.n_clusters,
        quality=quality.mean,
        low=low,
        high=high,
        sure_low=quality.interval(SURE)[0],
        chance=float(of_measure["chance"].mean()),
        shuffled=float(control.mean()),
        in_sample=in_sample,
        copies=float(copies.max()) / rows_looked_at(question.n_pairs) if len(copies) else 0.0,
        one_sided=str(at_chance[0]) if len(at_chance) == 1 else "",
        noise_edge=float(of_noise.max()) if len(of_noise) else np.nan,
        unfound=max(float(np.mean(counts == 0)) for counts in occurrences.values()),
        n_errors=int(np.sum(findings["severity"] == "error")) - len(copies),
    )


def _occurrences(gallery: Gallery, question: Question) -> dict[str, NDArray[Any]]:
    found = {}
    for direction in Direction:
        queries, items = gallery.scores[direction.queries], gallery.scores["y" if direction.queries == "x" else "x"]
        counts = k_occurrence(queries, items, k=min(10, len(items)), similarity=question.similarity)
        found[direction.label(question.names)] = np.asarray(counts)
    return found
