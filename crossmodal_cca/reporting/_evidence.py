"""Collect what a page is about: the split, the findings, the model, its figures, and what instruments say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._aligner import check_can_be_fitted
from .._progress import Progress
from .._sklearn import take_rows
from .._typing import DataFrame
from ..alignment._splits import held_out_groups
from ..diagnosis import data_report
from ..diagnosis._near_copies import rows_looked_at
from ..metrics import retrieval_report
from ..metrics._directions import Direction
from ..metrics._methods import Fit, RowsAsTheyAre, methods_of
from ..metrics.aligner_comparison import compared
from ..metrics.comparison import shuffled_rows
from ..plotting._data import cutoffs
from ..retrieval import k_occurrence
from ._mapped_pairs import Gallery, Quality
from ._question import OTHER, Origin, Positions, Question, Sides
from ._told import Told
from ._verdict import SURE, Grounds, Verdict, verdict_of

# Measures of the table of figures, beside the one that decides.
MEASURES = (
    *(f"hit_rate_at_{k}" for k in (1, 5, 10)),
    *("mean_reciprocal_rank", "mean_average_precision", "median_rank"),
)
# Most results looked at in the curves of hit rates.
_MOST_RESULTS = 50


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that the sections of a page read."""

    question: Question
    origin: Origin
    train: Positions
    test: Positions
    findings: DataFrame
    comparison: DataFrame | None
    settings: str  # code of the model
    model: Any
    gallery: Gallery
    quality: Quality
    figures: DataFrame
    curves: DataFrame  # hit rates by the number of results looked at
    control: NDArray[Any]  # quality of each fit to wrong pairs
    occurrences: dict[Direction, NDArray[Any]]  # how often each item is among the first results
    told: Told
    grounds: Grounds

    @property
    def verdict(self) -> Verdict:
        """Verdict that follows."""
        return verdict_of(self.grounds)

    @property
    def pairs(self) -> Positions:
        """Positions of the pairs that are used."""
        return np.sort(np.concatenate((self.train, self.test)))


def gather(sides: Sides, question: Question, origin: Origin, aligner: Any, baseline: Any) -> Evidence:
    """Split, check, choose the aligner if none is given, fit and measure."""
    check_can_be_fitted(aligner)
    check_can_be_fitted(baseline, "baseline")
    train, test = _split(question)
    findings = data_report(*sides, **question.given(slice(None)), cv=[(train, test)])
    X, y = (take_rows(A, train) for A in sides)
    comparison, fits, fit = _fitted(question, aligner, X, y, question.given(train))
    gallery = Gallery.of(question, test, sides, fit.model)
    quality = Quality.of(question, gallery)
    figures, curves = _figures(question, gallery)
    seen = np.sort(np.random.default_rng(question.random_state).permutation(train)[: len(test)])
    trained = Gallery.of(question, seen, sides, fit.model)
    control = _control(question, fit, (X, y), sides, gallery)
    occurrences = _occurrences(gallery, question)
    pairs = np.sort(np.concatenate((train, test)))
    simple = _baseline(question, baseline, fits, sides, train, trained)
    told = Told.of(question, sides, pairs, fit, gallery, quality, simple)
    in_sample = Quality.of(question, trained).mean
    return Evidence(
        question=question,
        origin=origin,
        train=train,
        test=test,
        findings=findings,
        comparison=comparison,
        settings=fit.settings,
        model=fit.model,
        gallery=gallery,
        quality=quality,
        figures=figures,
        curves=curves,
        control=control,
        occurrences=occurrences,
        told=told,
        grounds=_grounds(question, quality, figures, control, findings, in_sample, occurrences, told),
    )


def _split(question: Question) -> tuple[Positions, Positions]:
    """Hold out whole groups of the pairs that are used."""
    pairs = question.items.searched(np.arange(question.n_pairs), question.max_pairs)
    train, test = held_out_groups(question.items.groups[pairs], question.test_size, question.random_state)
    return pairs[train], pairs[test]


def _fitted(
    question: Question, aligner: Any, X: Any, y: Any, known: dict[str, Any]
) -> tuple[DataFrame | None, dict[str, Fit], Fit]:
    """Fit the aligner; without one, compare several and return the table, their fits, and the best of them."""
    if aligner is not None:
        return None, {}, Fit.to("aligner", aligner, X, y, known)
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
    return table, fits, fits[table.attrs["picked"]]


def _baseline(
    question: Question, baseline: Any, fits: dict[str, Fit], sides: Sides, train: Positions, seen: Gallery
) -> Fit | None:
    """Fit what the model is held against: the rows as they are if they find partners, PLS otherwise."""
    name = "baseline"
    if baseline is None:
        if question.is_sparse:
            return None
        simple = methods_of({"CCA": None, "KernelCCA": None}, question.widths, len(train), question.scorer, 0)
        name, baseline = "PLS", simple["PLS"]
        if question.similarity in simple:
            own = Quality.of(question, seen.mapped(sides, RowsAsTheyAre()))
            if own.interval(0.95)[0] > own.queries.chance:
                name, baseline = question.similarity, RowsAsTheyAre()
    if name in fits:
        return fits[name]
    X, y = (take_rows(A, train) for A in sides)
    return Fit.to(name, baseline, X, y, question.given(train))


def _figures(question: Question, gallery: Gallery) -> tuple[DataFrame, DataFrame]:
    """Compute the table of figures, and hit rates by the number of results looked at."""
    of_table = list(dict.fromkeys([question.measure, *MEASURES]))
    of_curves = [f"hit_rate_at_{k}" for k in cutoffs(min(_MOST_RESULTS, *map(len, gallery.rows.values())))]
    report = retrieval_report(
        *gallery.scores.values(),
        **gallery.given,
        measures=list(dict.fromkeys([*of_table, *of_curves])),
        similarity=question.similarity,
        names=question.names,
        random_state=question.random_state,
    )
    one, other = (report[report.index.isin(names, "measure")] for names in (of_table, of_curves))
    return one, other


def _control(question: Question, fit: Fit, rows_of_fit: Sides, sides: Sides, gallery: Gallery) -> NDArray[Any]:
    """Measure fits to pairs in random order; rows that are taken as they are get partners at random in their place."""
    rng = np.random.RandomState(question.random_state)
    X, y = rows_of_fit
    found = []
    with Progress("fits to wrong pairs", question.n_shuffles, question.verbose) as progress:
        for done in range(question.n_shuffles):
            wrong = gallery.mapped(sides, fit.refitted(X, shuffled_rows(y, rng)))
            if isinstance(fit.model, RowsAsTheyAre):
                wrong = wrong.with_partners(rng.permutation(len(wrong.positions)))
            found.append(Quality.of(question, wrong).mean)
            progress.update(done + 1)
    return np.array(found)


def _grounds(
    question: Question,
    quality: Quality,
    figures: DataFrame,
    control: NDArray[Any],
    findings: DataFrame,
    in_sample: float,
    occurrences: dict[Direction, NDArray[Any]],
    told: Told,
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
        n_queries=quality.queries.n_clusters,
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
        **told.grounds(question.names),
        n_errors=int(np.sum(findings["severity"] == "error")) - len(copies),
    )


def _occurrences(gallery: Gallery, question: Question) -> dict[Direction, NDArray[Any]]:
    found = {}
    for direction in Direction:
        queries, items = gallery.scores[direction.queries], gallery.scores[OTHER[direction.queries]]
        counts = k_occurrence(queries, items, k=min(10, len(items)), similarity=question.similarity)
        found[direction] = np.asarray(counts)
    return found
