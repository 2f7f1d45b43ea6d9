"""Does `alignment_regime` tell which routes recover what labels speak of?

1,000 pairs of 20 and 20 features: two signal and two nuisance coordinates that both sides share, and sixteen of noise,
rotated. All eight combinations of routes that do and do not recover the signal, each by a ratio of smallest signal to
largest nuisance, or its inverse. Labels are the four quadrants of the signal, for 200 rows. "right" is the share of
data sets in which all three answers are right, "wrong" that in which any answer is wrong (undecided is neither).

Without signal, labels are of something that the pairs do not share, or the pairs share nothing: "align" is the share of
data sets in which that route is answered by "yes".
"""

from __future__ import annotations

import sys
from itertools import product
from typing import Any

import numpy as np
from harness import SEED, Row, parse_arguments, report, write
from numpy.typing import NDArray

from crossmodal_cca.inference import alignment_regime

Array = NDArray[Any]
Truth = tuple[bool, bool, bool]

RUNS, PERMUTATIONS = 200, 199
N, P, LABELLED = 1000, 20, 200
# Larger one of the correlations of signal and nuisance.
STRONGEST = 0.8


def rotation(p: int, rng: np.random.Generator) -> Array:
    Q, R = np.linalg.qr(rng.standard_normal((p, p)))
    return np.asarray(Q * np.sign(np.diag(R)))


def world(truth: Truth, ratio: float, noise: float, strongest: float, seed: int) -> tuple[Array, Array, Array]:
    """Draw pairs in which each route recovers the signal, or does not, by this ratio; return also the signal.

    ρ(signal)/ρ(nuisance) is set first; the ratio of a prediction is that times the ratio of standard deviations of
    signal and nuisance on the predicted side.
    """
    rng = np.random.default_rng([SEED, seed])
    by_route = [ratio if yes else 1 / ratio for yes in truth]
    rho = np.array([1.0, 1 / by_route[0]]) * strongest / max(1.0, 1 / by_route[0])
    c, common = np.repeat(rho, 2), rng.standard_normal((N, 4))
    sides = []
    for of_prediction in by_route[:0:-1]:  # y to x sets the variances of x
        side = rng.standard_normal((N, P))
        side[:, :4] = np.sqrt(c) * common + np.sqrt(1 - c) * side[:, :4]
        side *= np.repeat([1.0, by_route[0] / of_prediction, noise], [2, 2, P - 4])
        sides.append(side @ rotation(P, rng))
    return sides[0], sides[1], common[:, :2]


def labels_of(signal: Array, n_labelled: int) -> Array:
    classes = (signal > 0) @ [2, 1]
    classes[n_labelled:] = -1
    return np.asarray(classes)


def answers(X: Array, y: Array, labels: Array, seed: int) -> tuple[list[str], float]:
    regime = alignment_regime(X, y, labels, n_permutations=PERMUTATIONS, random_state=seed)
    smallest = regime.components[["p_value", "p_label"]].min(axis=None)
    return regime.routes["answer"].tolist(), float(smallest)


def regimes(ratio: float, n_runs: int, noise: float = 1.0, strongest: float = STRONGEST) -> list[Row]:
    setting = f"ratio {ratio:g}, largest correlation {strongest:g}, noise of {noise:g} SD"
    print(f"… {setting}", file=sys.stderr, flush=True)
    rows: list[Row] = []
    for truth in product([True, False], repeat=3):
        right, wrong, smallest = np.empty((n_runs, 3)), np.empty((n_runs, 3)), 1.0
        for seed in range(n_runs):
            X, y, signal = world(truth, ratio, noise, strongest, seed)
            found, p = answers(X, y, labels_of(signal, LABELLED), seed)
            smallest = min(smallest, p)
            right[seed] = [a == ("yes" if t else "no") for a, t in zip(found, truth, strict=True)]
            wrong[seed] = [a == ("no" if t else "yes") for a, t in zip(found, truth, strict=True)]
        routes = [name for name, t in zip(("align", "x to y", "y to x"), truth, strict=True) if t]
        row: Row = {"problem": f"{setting}: {', '.join(routes) or 'none'}", "runs": n_runs, "smallest": smallest}
        row |= {"right": np.mean(right.all(axis=1)), "wrong": np.mean(wrong.any(axis=1))}
        rows.append(row | {"right answers": right.mean(), "wrong answers": wrong.mean()})
    means = {
        name: np.mean([row[name] for row in rows]) for name in ("right", "wrong", "right answers", "wrong answers")
    }
    return [*rows, {"problem": f"{setting}: mean"} | means]


def judged(rows: list[Row], each: float, mean: float, wrong: float) -> list[Row]:
    """Add targets: regimes each at least `each` right and at most `wrong` wrong, and `mean` right in the mean."""
    for row in rows:
        least = mean if row["problem"].endswith("mean") else each
        row |= {"target": f"right >= {least:g}, wrong <= {wrong:g}"}
        row["met"] = bool(row["right"] >= least and row["wrong"] <= wrong)
    return rows


def without_signal(n_runs: int, n_labelled: int, related: bool) -> Row:
    found = []
    for seed in range(n_runs):
        X, y, _ = world((True, True, True), 2.0, 1.0, STRONGEST, seed)
        rng = np.random.default_rng([SEED, seed, 1])
        y = y if related else y[rng.permutation(N)]
        found.append(answers(X, y, labels_of(rng.standard_normal((N, 2)), n_labelled), seed)[0])
    shares = {kind: np.mean([each[0] == kind for each in found]) for kind in ("yes", "no", "undecided")}
    row: Row = {"problem": f"{n_labelled} labels of nothing shared" if related else "nothing shared", "runs": n_runs}
    row |= {"align": shares["yes"], "no": shares["no"], "undecided": shares["undecided"]}
    return row | {"target": "align <= 0.05", "met": bool(shares["yes"] <= 0.05)}


def main() -> None:
    arguments = parse_arguments(__doc__, "alignment_regime")
    n_runs = 5 if arguments.quick else RUNS
    rows = judged(regimes(2.0, n_runs), 0.7, 0.9, 0.05)
    write(rows, arguments)
    rows += judged(regimes(1.1, n_runs), 0.0, 0.0, 0.1)
    write(rows, arguments)
    for n_labelled, related in ((LABELLED, True), (40, True), (LABELLED, False)):
        rows.append(without_signal(n_runs, n_labelled, related))
        write(rows, arguments)
    if not arguments.brief:
        for noise, strongest in ((1.0, 0.5), (2.0, STRONGEST)):
            rows += regimes(2.0, n_runs, noise, strongest)
            write(rows, arguments)
    report(rows, arguments)


if __name__ == "__main__":
    main()
