"""Does `alignment_test` keep its level, for single encoders, grids, groups and copies, and what does it find?

Null: encoders of unrelated items, of a few strong directions and many weak ones, away from the origin. Every measure at
ten shapes; grids of 6 × 6 layers, each made of the one before, of which the smallest corrected p-value counts; items in
groups that share most of both encoders; and items of few kinds, which are copies of each other. "level" is the share of
data sets with p <= .05: each cell at most .05 and three standard errors, the mean of cells at most two. "smallest" is
the smallest p-value of all.

Power: five of twenty latent coordinates are common, with a correlation; the value of shuffled items is "chance".
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from zlib import crc32

import numpy as np
from harness import SEED, Row, parse_arguments, report, write
from numpy.typing import NDArray

from crossmodal_cca.inference import alignment_test

Array = NDArray[Any]
Encoders = Array | dict[str, Array]
# Two encoders, or grids, and the groups of their items.
Null = tuple[Encoders, Encoders, Array | None]

MEASURES = ("mutual_knn", "cka", "cca")
# Permutations below, and from a thousand items: the level does not depend on them.
PERMUTATIONS, PERMUTATIONS_OF_MANY, ALPHA = 99, 19, 0.05
# Items, and features of either side.
SHAPES = (
    *((50, 5, 5), (50, 100, 20), (100, 50, 50), (100, 10, 1000), (200, 20, 10), (200, 500, 300)),
    *((500, 5, 100), (500, 100, 100), (1000, 300, 50), (2000, 1000, 100)),
)
# Data sets of a cell; of those from a thousand items, and of the larger grid.
RUNS, RUNS_OF_MANY = 500, 100
GRIDS = ((100, 6), (400, 6))


def encoder(n: int, p: int, rng: np.random.Generator) -> Array:
    """Rows of a few strong directions, away from the origin, as encoders give them."""
    rows = rng.standard_normal((n, p)) * np.arange(1, p + 1) ** -0.5 + 0.5 * rng.standard_normal(p)
    return rows.astype(np.float32)


def layers(n: int, depth: int, rng: np.random.Generator) -> dict[str, Array]:
    """Layers of growing width, each a random map of the one before, bent."""
    found = {"0": encoder(n, 5, rng)}
    for i in range(1, depth):
        width = 5 * 2**i
        before = found[str(i - 1)]
        found[str(i)] = np.tanh(before @ rng.standard_normal((before.shape[1], width)) / 3).astype(np.float32)
    return found


def pairs(n: int, p: int, q: int, rng: np.random.Generator) -> Null:
    return encoder(n, p, rng), encoder(n, q, rng), None


def grid(n: int, depth: int, rng: np.random.Generator) -> Null:
    return layers(n, depth, rng), layers(n, depth, rng), None


def grouped(sizes: Array, rng: np.random.Generator) -> Null:
    """Items of a group share nine tenths of the variance of either encoder."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    X, y = (3 * encoder(len(sizes), p, rng)[groups] + encoder(len(groups), p, rng) for p in (20, 30))
    return X, y, groups


def copies(n: int, kinds: int, rng: np.random.Generator) -> Null:
    X, y = (encoder(kinds, p, rng)[rng.integers(kinds, size=n)] for p in (20, 30))
    return X, y, None


def level(
    problem: str,
    make: Callable[[np.random.Generator], Null],
    n_runs: int,
    by_item: bool = False,
    n_permutations: int = PERMUTATIONS,
) -> list[Row]:
    """Count rejections of every measure; `by_item` also without the groups, to show what they are for."""
    print(f"… {problem}", file=sys.stderr, flush=True)
    rows: list[Row] = []
    for measure in MEASURES:
        p = np.empty((n_runs, 2))
        for run in range(n_runs):
            X, y, groups = make(np.random.default_rng([SEED, crc32(problem.encode()), run]))
            options: dict[str, Any] = {"measure": measure, "n_permutations": n_permutations, "random_state": run}
            p[run, 0] = alignment_test(X, y, groups=groups, **options)["p_value"].min()
            p[run, 1] = alignment_test(X, y, **options)["p_value"].min() if by_item else np.nan
        error = np.sqrt(ALPHA * (1 - ALPHA) / n_runs)
        rate, highest = float(np.mean(p[:, 0] <= ALPHA)), ALPHA + 3 * error
        row: Row = {"problem": problem, "measure": measure, "runs": n_runs, "level": rate, "error": error}
        row |= {"smallest": p[:, 0].min(), "target": f"<= {highest:.3f}", "met": bool(rate <= highest)}
        rows.append(row | ({"level without groups": float(np.mean(p[:, 1] <= ALPHA))} if by_item else {}))
    return rows


def mean_level(rows: list[Row]) -> Row:
    rates, errors = (np.array([row[name] for row in rows]) for name in ("level", "error"))
    highest = ALPHA + 2 * np.sqrt(np.sum(errors**2)) / len(errors)
    row: Row = {"problem": "mean over cells", "level": rates.mean(), "target": f"<= {highest:.4f}"}
    return row | {"smallest": min(row["smallest"] for row in rows), "met": bool(rates.mean() <= highest)}


def power(n: int, rho: float, n_runs: int) -> list[Row]:
    """Find common coordinates, and what the measure is of shuffled items."""
    rows: list[Row] = []
    for measure in MEASURES:
        each = []
        for run in range(n_runs):
            rng = np.random.default_rng([SEED, run])
            u, v = rng.standard_normal((2, n, 20))
            v[:, :5] = rho * u[:, :5] + np.sqrt(1 - rho**2) * v[:, :5]
            X, y = (Z @ rng.standard_normal((20, p)) for Z, p in ((u, 64), (v, 32)))
            table = alignment_test(X, y, measure=measure, n_permutations=PERMUTATIONS, random_state=run)
            each.append(table[["p_value", "value", "chance", "effect"]].to_numpy()[0])
        p, value, chance, effect = np.array(each).T
        row: Row = {"problem": f"{n} items, five common coordinates of {rho}", "measure": measure, "runs": n_runs}
        row |= {"power": np.mean(p <= ALPHA), "value": value.mean(), "chance": chance.mean()}
        rows.append(row | {"effect": effect.mean()})
    return rows


def main() -> None:
    arguments = parse_arguments(__doc__, "encoder_agreement")
    quick = arguments.quick
    runs = 20 if quick else RUNS
    rows: list[Row] = []
    for n, p, q in SHAPES[:6] if quick else SHAPES:
        many = {"n_runs": min(runs, RUNS_OF_MANY), "n_permutations": PERMUTATIONS_OF_MANY}
        size: dict[str, Any] = many if n >= 1000 else {"n_runs": runs}
        rows += level(f"{n} items, {p} and {q} features", lambda rng, n=n, p=p, q=q: pairs(n, p, q, rng), **size)
        write(rows, arguments)
    for n, depth in GRIDS[:1] if quick else GRIDS:
        n_runs = min(runs, RUNS_OF_MANY) if n > 100 else runs
        rows += level(f"grid of 6 × 6, {n} items", lambda rng, n=n, depth=depth: grid(n, depth, rng), n_runs)
        write(rows, arguments)
    for label, sizes in (("50 groups of 4", np.full(50, 4)), ("60 groups of 1, 2 and 6", np.repeat([1, 2, 6], 20))):
        rows += level(label, lambda rng, sizes=sizes: grouped(sizes, rng), runs, by_item=True)
    rows += level("200 items of 20 kinds", lambda rng: copies(200, 20, rng), runs)
    rows.append(mean_level(rows))
    write(rows, arguments)
    for n, rho in ((100, 0.9), (200, 0.6), (500, 0.6), (500, 0.3)):
        rows += power(n, rho, 10 if quick else 200)
    report(rows, arguments)


if __name__ == "__main__":
    main()
