"""Do intervals hold: of hit rates near 1, of differences with few clusters, and of predictions with few rows?

"covered" is the share of samples whose nominal 95 % interval holds the truth (90 % for predictions: the share of new
values within), "apart" the share in which two equally good models are called different. Queries of a cluster take its
value, rather than one of their own, with a probability that is the root of their correlation.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from harness import Row, Target, parse_arguments, report
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.stats import binom

from crossmodal_cca import CCA, PLSRegression
from crossmodal_cca.datasets import make_paired_latent
from crossmodal_cca.metrics._intervals import interval_of_difference, interval_of_mean
from crossmodal_cca.metrics._resampling import Resampling, bootstrap
from crossmodal_cca.metrics.comparison import compared
from crossmodal_cca.metrics.measures import ChosenMeasure
from crossmodal_cca.transfer import prediction_intervals

Array = NDArray[np.float64]
COVERED, APART, WITHIN = Target(">=", 0.88), Target("<=", 0.07), Target(">=", 0.88)
REPETITIONS, DATA_SETS = 2000, 40
CORRELATIONS = (0.0, 0.1, 0.3, 0.7, 0.9, 1.0)
HIT, MEDIAN = ChosenMeasure.named("hit_rate_at_1"), ChosenMeasure.named("median_rank")
SIZES = {
    "5 of 10": [10] * 5,
    "5, 2 to 18": [2, 5, 10, 15, 18],
    "5, one with half": [25, 7, 6, 6, 6],
    "10 of 10": [10] * 10,
    "10, 1 to 24": [1, 2, 4, 6, 8, 10, 12, 15, 18, 24],
    "10, one with half": [45] + [5] * 9,
    "20 of 5": [5] * 20,
    "20, 1 to 20": list(range(1, 21)),
    "20, one with half": [57] + [3] * 19,
}


def row(problem: str, method: str, figure: str, value: float, target: Target | None = None) -> Row:
    found: Row = {"problem": problem, "method": method, figure: value}
    return found if target is None else found | {"target": str(target), "met": target.met_by(value)}


def sharing(
    rng: Generator, clusters: NDArray[np.int64], correlation: float, draw: Callable[[Generator, int], Array]
) -> Array:
    of_cluster = rng.random(len(clusters)) < np.sqrt(correlation)
    return np.where(of_cluster, draw(rng, int(clusters.max()) + 1)[clusters], draw(rng, len(clusters)))


def hits(rate: float, rng: Generator, n: int) -> Array:
    return (rng.random(n) < rate).astype(float)


def single_hit_rates() -> list[Row]:
    rows = []
    for n in (100, 200):
        for rate in (0.5, 0.9, 0.95, 0.99, 0.995):
            covered = 0.0
            for right in range(n + 1):
                low, high = interval_of_mean((np.arange(n) < right).astype(float), np.arange(n), 0.95)
                covered += float(binom.pmf(right, n, rate)) * (low <= rate <= high)
            rows.append(row(f"hit rate {rate}, {n} queries", "by enumeration", "covered", covered, COVERED))
    return rows


def clustered_hit_rates(repetitions: int) -> list[Row]:
    rows = []
    sizes = {"20 of 10": [10] * 20, "20 of 3": [3] * 20, "20, 1 to 10": list(range(1, 11)) * 2, "40 of 5": [5] * 40}
    for name, size in sizes.items():
        clusters = np.repeat(np.arange(len(size)), size)
        for rate in (0.7, 0.95, 0.99, 0.995):
            print(f"… hit rate {rate}, clusters {name}", file=sys.stderr, flush=True)
            covered: dict[str, list[float]] = {"Wilson, clusters": [], "percentiles": []}
            for i, correlation in enumerate(CORRELATIONS):
                rng = np.random.default_rng([i, len(size)])
                found = np.zeros(2)
                for seed in range(repetitions):
                    values = sharing(rng, clusters, correlation, partial(hits, rate))
                    ends = [interval_of_mean(values, clusters, 0.95)]
                    if seed < repetitions // 5:
                        drawn = bootstrap(values[None], [HIT], clusters, 300, np.random.RandomState(seed))
                        ends.append(tuple(np.quantile(drawn, [0.025, 0.975])))
                    found[: len(ends)] += [low <= rate <= high for low, high in ends]
                for shares, share in zip(covered.values(), found / (repetitions, repetitions // 5), strict=True):
                    shares.append(float(share))
            problem = f"hit rate {rate}, clusters {name}, worst of correlations 0 to 1"
            rows += [
                row(problem, method, "covered", min(shares), COVERED if method.startswith("Wilson") else None)
                for method, shares in covered.items()
            ]
    return rows


def ranks(rng: Generator, n: int) -> Array:
    return np.asarray(np.ceil(np.exp(1.2 * rng.normal(size=n) + 1)))


def equal_models(kind: str, rng: Generator, n: int) -> Array:
    if kind == "hits":
        u = rng.random(n)
        return (u < 0.1).astype(float) - (u > 0.9)
    return np.asarray(1 / ranks(rng, n) - 1 / ranks(rng, n))


def equal_models_apart(repetitions: int) -> list[Row]:
    rows = []
    for name, size in SIZES.items():
        clusters = np.repeat(np.arange(len(size)), size)
        print(f"… equal models, clusters {name}", file=sys.stderr, flush=True)
        for kind in ("hits", "reciprocal ranks"):
            apart = []
            for i, correlation in enumerate((0.05, 0.5, 1.0)):
                rng = np.random.default_rng([i, len(size), len(kind)])
                draws = (sharing(rng, clusters, correlation, partial(equal_models, kind)) for _ in range(repetitions))
                ends = np.array([interval_of_difference(each, clusters, 0.95) for each in draws])
                apart.append(float(np.mean((ends[:, 0] > 0) | (ends[:, 1] < 0))))
            problem = f"equal models, {kind}, clusters {name}, worst of correlations"
            rows.append(row(problem, "Student", "apart", max(apart), APART))
        rng, found = np.random.default_rng(len(size)), []
        for seed in range(repetitions // 5):
            pair = [sharing(rng, clusters, 0.5, ranks)[None] for _ in range(2)]
            ends = compared(*pair, Resampling([MEDIAN], clusters, 500, 0.95, np.random.RandomState(seed)))
            found.append(bool(ends["low"][0] > 0 or ends["high"][0] < 0))
        problem = f"equal models, median rank, clusters {name}, correlation .5"
        rows.append(row(problem, "expanded percentiles", "apart", float(np.mean(found)), APART))
    return rows


def predictions(data_sets: int) -> list[Row]:
    rows = []
    models = {"CCA(3)": CCA(3), "CCA()": CCA(), "CCA(3, .3)": CCA(3, shrinkage=0.3), "PLS(3)": PLSRegression(3)}
    for p, q in ((10, 5), (40, 10)):
        for ratio in (1.5, 3, 5, 10, 20, 40):
            n = int(p * ratio)
            for name, model in models.items():
                within: dict[str, list[float]] = {"gaussian": [], "split conformal": [], "CV+": []}
                for seed in range(data_sets):
                    for method, share in coverage(model, n, p, q, seed, with_folds=ratio <= 5).items():
                        within[method].append(share)
                problem = f"predictions, {n} rows, {p} features, {name}"
                rows += [
                    row(problem, method, "covered", float(np.mean(shares)), None if method == "gaussian" else WITHIN)
                    for method, shares in within.items()
                    if shares
                ]
    return rows


def coverage(model: Any, n: int, p: int, q: int, seed: int, *, with_folds: bool) -> dict[str, float]:
    X, y = make_paired_latent(n + 500, p, q, random_state=seed)
    new, half = slice(n, None), n // 2
    model.fit(X[:n], y[:n])
    ends = {"gaussian": prediction_intervals(model, X[new])}
    if half > 10:
        model.fit(X[:half], y[:half])
        kept = {"method": "conformal", "calibration": (X[half:n], y[half:n])}
        ends["split conformal"] = prediction_intervals(model, X[new], **kept)
    if with_folds:
        ends["CV+"] = prediction_intervals(model, X[new], method="conformal", calibration=(X[:n], y[:n]), cv=5)
    return {name: float(np.mean((low <= y[new]) & (y[new] <= high))) for name, (low, high) in ends.items()}


def main() -> None:
    arguments = parse_arguments(__doc__, "interval_coverage")
    # Few rows deserve many warnings, and are the question here.
    warnings.simplefilter("ignore")
    repetitions = 50 if arguments.quick else REPETITIONS
    rows = single_hit_rates()
    rows += clustered_hit_rates(repetitions)
    rows += equal_models_apart(repetitions)
    rows += predictions(2 if arguments.quick else DATA_SETS)
    report(rows, arguments)


if __name__ == "__main__":
    main()
