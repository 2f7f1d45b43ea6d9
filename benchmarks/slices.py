"""Do `find_slices`, `harm_report` and `modality_gap` keep their levels, and what do they find?

Slices: rows of independent normal features and errors at 20 %. Nothing planted: how often is any slice reported at .05?
Planted: a tenth of the rows, moved by three deviations in a random direction, has 30 (and 15) points more error; found
if some slice is reported of which most rows are planted. With groups, rows of five share half of their features'
variance and their outcome nine times out of ten.

Harm: two models without any difference, ten groups of twelve queries: how often is some group blamed? And one group of
fifty in which a share of the queries that change gets worse: how often is it found?

Gap: pairs of two noisy copies, with one distribution (any of the three reported at .05?), with shifted means, or with
one side spread wider.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from harness import SEED, Row, Target, parse_arguments, report
from numpy.typing import NDArray

from crossmodal_cca.diagnosis import find_slices, harm_report, modality_gap

Array = NDArray[Any]

RUNS, ALPHA = 500, 0.05
# Rows, features, additional error, outcomes, rows of a group.
SLICES = [
    (400, 10, 0.0, "error", 1),
    (2000, 10, 0.0, "error", 1),
    (2000, 50, 0.0, "error", 1),
    (2000, 10, 0.0, "rare error", 1),
    (2000, 10, 0.0, "number", 1),
    (2000, 10, 0.0, "error", 5),
    (2000, 10, 0.3, "error", 1),
    (2000, 50, 0.3, "error", 1),
    (2000, 10, 0.15, "error", 1),
    (2000, 10, 0.3, "error", 5),
]
PLANTED, AWAY = 0.1, 3.0
# Share of the 50 queries of a group that get worse, where a fifth get better.
WORSE = (0.2, 0.4, 0.5)
# Pairs, components, difference of means and of the spread in one of them, pairs of a group.
GAPS = [
    (40, 5, 0.0, 1.0, 1),
    (200, 20, 0.0, 1.0, 1),
    (200, 20, 0.0, 1.0, 4),
    (200, 20, 0.5, 1.0, 1),
    (200, 20, 0.0, 1.5, 1),
]


def grouped(values: Array, size: int, rng: np.random.Generator) -> Array:
    """Share half of the variance between the rows of a group."""
    shared = np.repeat(rng.standard_normal((len(values) // size, values.shape[1])), size, axis=0)
    return values if size == 1 else (values + shared) / np.sqrt(2)


def with_slice(
    n: int, d: int, extra: float, kind: str, size: int, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Rows, outcomes, and which rows are planted."""
    n_groups = n // size
    chosen = rng.choice(n_groups, int(PLANTED * n_groups), replace=False)
    planted = np.repeat(np.isin(np.arange(n_groups), chosen), size)
    direction = rng.standard_normal(d)
    rows = grouped(rng.standard_normal((n, d)), size, rng)
    rows += AWAY * planted[:, None] * direction / np.linalg.norm(direction)
    if kind == "number":
        return rows, rng.standard_exponential(n), planted
    u = rng.random(n)
    shared = rng.random(n) < 0.9
    if size > 1:
        u = np.where(shared, u[size * (np.arange(n) // size)], u)
    return rows, (u < (0.02 if kind == "rare error" else 0.2) + extra * planted).astype(float), planted


def is_found(table: Any, planted: Array) -> bool:
    reported = table["rows"][table["p_value"] <= ALPHA]
    return any(planted[rows].mean() > 0.5 for rows in reported)


def slices(n_runs: int) -> list[Row]:
    found = []
    for n, d, extra, kind, size in SLICES:
        print(f"… slices of {n} × {d}, {kind}, {extra:.0%}, groups of {size}", file=sys.stderr, flush=True)
        rng, each = np.random.default_rng(SEED), []
        groups = np.arange(n) // size if size > 1 else None
        for _ in range(n_runs):
            rows, outcome, planted = with_slice(n, d, extra, kind, size, rng)
            table = find_slices(rows, outcome, groups=groups, random_state=rng)
            reported = bool((table["p_value"] <= ALPHA).any())
            each.append([reported, is_found(table, planted)])
        problem = f"{n} rows of {d}, {kind}, {100 * extra:g} points more" + ", groups of 5" * (size > 1)
        found.append((problem, extra, np.mean(each, axis=0)))
    rows: list[Row] = []
    for problem, extra, (reported, hit) in found:
        row: Row = {"problem": problem, "method": "find_slices", "reported": float(reported)}
        if not extra:
            rows.append(row | judged(float(reported), at_most(n_runs, 3)))
        else:
            # The issue is of ten features and 30 points, without groups.
            target = Target(">=", 0.8) if problem == "2000 rows of 10, error, 30 points more" else None
            rows.append(row | {"found": float(hit)} | (judged(float(hit), target) if target else {}))
    return [*rows, mean_level("find_slices", [float(r) for _, extra, (r, _) in found if not extra], n_runs)]


def harm(n_runs: int) -> list[Row]:
    rng, by = np.random.default_rng(SEED), np.repeat(np.arange(10), 12)
    rows, levels = [], []
    draws: dict[str, Callable[[], Array]] = {
        "numbers": lambda: rng.random((2, 120)),
        "hits": lambda: (rng.random((2, 120)) < 0.5).astype(float),
    }
    for kind, draw in draws.items():
        p = [harm_report(*draw(), by=by)["p_value"].iloc[1:].min() for _ in range(n_runs)]
        levels.append(float(np.mean(np.array(p) <= ALPHA)))
        row: Row = {"problem": f"no difference, {kind}, 10 groups of 12", "method": "harm_report"}
        rows.append(row | {"reported": levels[-1]} | judged(levels[-1], at_most(n_runs, 2)))
    by = np.repeat(np.arange(10), 50)
    for share in WORSE:
        each = []
        for _ in range(n_runs):
            gain = rng.choice([-1.0, 0.0, 1.0], size=len(by), p=[0.2, 0.6, 0.2])
            gain[by == 0] = rng.choice([-1.0, 0.0, 1.0], size=50, p=[share, 0.8 - share, 0.2])
            table = harm_report(np.zeros(len(by)), gain, by=by)
            each.append(table.loc[0, "p_value"] <= ALPHA)
        problem = f"one of 10 groups of 50: {share:.0%} worse, 20 % better"
        rows.append({"problem": problem, "method": "harm_report", "found": float(np.mean(each))})
    return rows


def gaps(n_runs: int) -> list[Row]:
    rows: list[Row] = []
    levels = []
    for n, d, shift, spread, size in GAPS:
        print(f"… gap of {n} × {d}, {shift}, {spread}, groups of {size}", file=sys.stderr, flush=True)
        rng, each = np.random.default_rng(SEED), []
        groups = np.arange(n) // size
        for _ in range(n_runs):
            x, y = (rng.standard_normal((n, d)) for _ in range(2))
            if size > 1:
                x, y = (rows + rng.standard_normal((n // size, d))[groups] for rows in (x, y))
            common = rng.standard_normal((n, d))
            x, y = x + common, y + common
            y[:, 0] = spread * y[:, 0] + shift
            table = modality_gap(x, y, groups=groups, similarity="dot", n_permutations=99, random_state=rng)
            each.append((table["p_value"] <= ALPHA).to_numpy())
        shares = np.mean(each, axis=0)
        some = float(np.mean(np.any(each, axis=1)))
        problem = f"{n} pairs of {d}, means {shift:g} apart, spread × {spread:g}" + f", groups of {size}" * (size > 1)
        row: Row = {"problem": problem, "method": "modality_gap", "reported": some}
        row |= dict(zip(("centroids", "distribution", "classifier"), map(float, shares), strict=True))
        if not shift and spread == 1:
            levels.append(some)
            row |= judged(some, at_most(n_runs, 3))
        rows.append(row)
    return [*rows, mean_level("modality_gap", levels, n_runs)]


def at_most(n_runs: int, n_errors: int, n_cells: int = 1) -> Target:
    return Target("<=", round(ALPHA + n_errors * float(np.sqrt(ALPHA * (1 - ALPHA) / (n_runs * n_cells))), 4))


def judged(value: float, target: Target) -> Row:
    return {"target": str(target), "met": target.met_by(value)}


def mean_level(method: str, levels: list[float], n_runs: int) -> Row:
    mean = float(np.mean(levels))
    row: Row = {"problem": "mean over cells without any", "method": method, "reported": mean}
    return row | judged(mean, at_most(n_runs, 2, len(levels)))


def main() -> None:
    arguments = parse_arguments(__doc__, "slices")
    n_runs = 10 if arguments.quick else RUNS
    report([*slices(n_runs), *harm(n_runs), *gaps(n_runs)], arguments)


if __name__ == "__main__":
    main()
