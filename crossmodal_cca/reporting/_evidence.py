"""Collect what a page is about: the split, the findings, the model, and its figures on held-out pairs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._aligner import check_can_be_fitted, fitted_aligner
from .._sklearn import take_rows
from ..alignment._items import Items
from ..diagnosis import data_report
from ..diagnosis._near_copies import rows_looked_at
from ..metrics import retrieval_report, shuffled_pair_control
from ..metrics._directions import Direction, both_directions
from ..metrics._intervals import interval_of_mean
from ..metrics.measures import ChosenMeasure, values_of_kept
from ..retrieval import k_occurrence
from ._captions import Captions
from ._verdict import SURE, Grounds, Verdict, verdict_of

if TYPE_CHECKING:
    import pandas as pd

Positions = NDArray[np.intp]

# Most held-out pairs that are ranked: 10⁸ similarities in each direction.
MOST_QUERIES = 10_000
# Cut-offs of the table of hit rates.
_KS = (1, 5, 10)


@dataclass(frozen=True, eq=False)
class Question:
    """What was asked: rows, what is known of them, and settings."""

    X: Any
    y: Any
    items: Items
    labels: NDArray[Any] | None
    captions: dict[str, Captions | None]
    ids: dict[str, NDArray[Any] | None]
    names: tuple[str, str]
    measure: str
    similarity: str
    test_size: float
    grouped: bool  # whether the user gave groups or ids
    n_shuffles: int
    random_state: int
    examples: bool
    verbose: int

    @property
    def n_pairs(self) -> int:
        """Number of pairs."""
        return len(self.items.groups)


@dataclass(frozen=True)
class Origin:
    """Where the rows came from, and the call or command that repeats the page."""

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
    def of(cls, question: Question, model: Any, positions: Positions) -> Gallery:
        """Map pairs into the shared space, without copies on either side."""
        kept = question.items.gallery(positions)
        rows = {"x": positions[kept.x], "y": positions[kept.y]}
        scores = {
            "x": np.asarray(model.transform(take_rows(question.X, rows["x"]))),
            "y": np.asarray(model.transform_y(take_rows(question.y, rows["y"]))),
        }
        ids = {side: kept.ids[f"{side}_ids"] for side in rows}
        return cls(rows, scores, ids, {side: question.items.groups[rows[side]] for side in rows})

    @property
    def given_ids(self) -> dict[str, Any]:
        """Ids as keyword arguments."""
        return {f"{side}_ids": ids for side, ids in self.ids.items()}

    @property
    def given(self) -> dict[str, Any]:
        """Ids and groups as keyword arguments."""
        return self.given_ids | {f"{side}_groups": clusters for side, clusters in self.clusters.items()}


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
    model: Any
    gallery: Gallery
    figures: pd.DataFrame
    control: pd.DataFrame
    grounds: Grounds

    @property
    def verdict(self) -> Verdict:
        """What follows."""
        return verdict_of(self.grounds)

    @cached_property
    def occurrences(self) -> dict[str, NDArray[Any]]:
        """How often each item is among the first results, for each direction."""
        return _occurrences(self.gallery, self.question)


def gather(question: Question, origin: Origin, aligner: Any) -> Evidence:
    """Split, check, choose the aligner if none is given, fit and measure."""
    train, test, n_left_out = _split(question)
    X, y = question.X, question.y
    findings = data_report(X, y, groups=question.items.groups, cv=[(train, test)])
    rows_of_fit = take_rows(X, train), take_rows(y, train)
    comparison = None
    if aligner is None:
        raise NotImplementedError
    check_can_be_fitted(aligner)
    from sklearn.base import clone

    model = fitted_aligner(clone(aligner).fit(*rows_of_fit))
    gallery = Gallery.of(question, model, test)
    figures = retrieval_report(
        *gallery.scores.values(),
        **gallery.given,
        measures=_measures(question.measure),
        similarity=question.similarity,
        names=question.names,
        random_state=question.random_state,
    )
    control = shuffled_pair_control(
        aligner,
        *rows_of_fit,
        *(take_rows(A, gallery.rows[side]) for side, A in (("x", X), ("y", y))),
        **gallery.given_ids,
        measures=[question.measure],
        similarity=question.similarity,
        names=question.names,
        n_shuffles=question.n_shuffles,
        random_state=question.random_state,
        verbose=question.verbose,
    )
    seen = np.sort(np.random.default_rng(question.random_state).permutation(train)[: len(test)])
    in_sample = _quality(question, Gallery.of(question, model, seen))[0].mean()
    grounds = _grounds(question, gallery, figures, control, findings, float(in_sample))
    return Evidence(
        question,
        origin,
        train,
        test,
        n_left_out,
        findings,
        comparison,
        model,
        gallery,
        figures,
        control,
        grounds,
    )


def _split(question: Question) -> tuple[Positions, Positions, int]:
    """Hold out whole groups; return also how many held-out pairs are left out."""
    from sklearn.model_selection import GroupShuffleSplit

    groups = question.items.groups
    splitter = GroupShuffleSplit(1, test_size=question.test_size, random_state=question.random_state)
    train, test = next(splitter.split(groups, groups=groups))
    kept = np.sort(np.random.default_rng(question.random_state).permutation(test)[:MOST_QUERIES])
    return train, kept, len(test) - len(kept)


def _measures(measure: str) -> list[str]:
    usual = [*(f"hit_rate_at_{k}" for k in _KS), "mean_reciprocal_rank", "mean_average_precision", "median_rank"]
    return list(dict.fromkeys([measure, *usual]))


def _quality(question: Question, gallery: Gallery) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the measure of every query of both directions, and the cluster of each."""
    chosen = [ChosenMeasure.named(question.measure)]
    problems = both_directions(*gallery.scores.values(), gallery.ids["x"], gallery.ids["y"], None, question.similarity)
    values = [values_of_kept(problem, chosen)[0] for problem in problems.values()]
    clusters = [gallery.clusters[direction.queries][problem.kept] for direction, problem in problems.items()]
    return np.concatenate(values), np.unique(np.concatenate(clusters), return_inverse=True)[1]


def _grounds(
    question: Question,
    gallery: Gallery,
    figures: pd.DataFrame,
    control: pd.DataFrame,
    findings: pd.DataFrame,
    in_sample: float,
) -> Grounds:
    values, clusters = _quality(question, gallery)
    low, high = interval_of_mean(values, clusters, 0.95)
    of_measure = figures.xs(ChosenMeasure.named(question.measure).name, level="measure")
    shares = of_measure["n_queries"] / of_measure["n_queries"].sum()
    shuffled = control["shuffled"].droplevel("measure")
    at_chance = of_measure.index[of_measure["low"] <= np.maximum(of_measure["chance"], shuffled)]
    are_copies = (findings["check"] == "split") & (findings["severity"] == "error")
    of_noise = (findings["check"] == "pairs and features") & (findings["severity"] == "warning")
    unfound = [float(np.mean(counts == 0)) for counts in _occurrences(gallery, question).values()]
    return Grounds(
        measure=ChosenMeasure.named(question.measure).name,
        n_queries=int(clusters.max()) + 1,
        quality=float(values.mean()),
        low=low,
        high=high,
        sure_low=interval_of_mean(values, clusters, SURE)[0],
        chance=float((of_measure["chance"] * shares).sum()),
        shuffled=float((shuffled * shares).sum()),
        in_sample=in_sample,
        copies=float(findings["value"][are_copies].max()) / rows_looked_at(question.n_pairs)
        if are_copies.any()
        else 0.0,
        one_sided=str(at_chance[0]) if len(at_chance) == 1 else "",
        noise_edge=float(findings["value"][of_noise].max()) if of_noise.any() else np.nan,
        unfounds=max(unfound),
        n_errors=int(((findings["severity"] == "error") & ~are_copies).sum()),
    )


def _occurrences(gallery: Gallery, question: Question) -> dict[str, NDArray[Any]]:
    found = {}
    for direction in Direction:
        queries, items = gallery.scores[direction.queries], gallery.scores["y" if direction.queries == "x" else "x"]
        counts = k_occurrence(queries, items, k=min(10, len(items)), similarity=question.similarity)
        found[direction.label(question.names)] = np.asarray(counts)
    return found
