"""Do the tests of canonical correlations keep their level, do they find what is there, and how long do they take?

Rejections at nominal .05 over repeated samples of normal rows. "stepwise" is `permutation_test`; "as published"
permutes the later variates without leaving the dimensions of the earlier ones; "naive" permutes the raw rows. Then rare
features of 0 and 1, subjects of four visits, and the singular values of PLS and shrunk CCA.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from harness import Row, Target, parse_arguments, report
from numpy.random import Generator
from numpy.typing import NDArray

from crossmodal_cca import CCA, PLSSVD
from crossmodal_cca.inference import permutation_test
from crossmodal_cca.inference._canonical import canonical_pairs_of_sides
from crossmodal_cca.inference.parametric import sequential_tests

ALPHA = 0.05
PERMUTATIONS = 199  # with the observed one 200, so that .05 is a possible p-value
REPETITIONS = 2000
LEVEL, POWER, SECONDS = Target("<=", 0.07), Target(">=", 0.85), Target("<=", 60)

Array = NDArray[np.float64]
# (n, p, q), correlations of the population; the component after these is null.
STRONG: list[tuple[tuple[int, int, int], tuple[float, ...]]] = [
    ((100, 10, 10), ()),
    ((100, 10, 10), (0.9,)),
    ((100, 10, 10), (0.9, 0.8)),
    ((100, 10, 10), (0.95, 0.9, 0.9, 0.8, 0.8)),
]
FIRST, LATER = Target("<=", ALPHA + 3 * float(np.sqrt(ALPHA * (1 - ALPHA) / REPETITIONS))), Target("<=", 0.08)
# (n, p, q) and the share of ones.
RARE = [
    ((40, 1, 1), 0.05),
    ((40, 3, 2), 0.05),
    ((100, 3, 3), 0.02),
    ((100, 1, 4), 0.02),
    ((60, 5, 1), 0.1),
    ((30, 2, 2), 0.1),
]
FEW = 99  # permutations of what has many settings
SUBJECTS = np.repeat(np.arange(20), 4)
ALIGNERS = [PLSSVD(), CCA(shrinkage=0.5), CCA(shrinkage="oas")]
PARAMETRIC = [(500, 10, 10), (100, 10, 10), (500, 60, 40), (500, 100, 50), (200, 100, 50)]


def pairs(n: int, p: int, q: int, correlations: Sequence[float], rng: Generator) -> tuple[Array, Array]:
    """Normal rows whose first features are the canonical variates: the tests do not see invertible maps."""
    X, Y = rng.standard_normal((n, p)), rng.standard_normal((n, q))
    rho, k = np.asarray(correlations, dtype=float), len(correlations)
    Y[:, :k] = rho * X[:, :k] + np.sqrt(1 - rho**2) * Y[:, :k]
    return X, Y


def log_lambda(squares: Array, k: int) -> float:
    return float(-np.log(1 - squares[k:]).sum())


def naive_and_published(X: Array, Y: Array, k: int, rng: Generator) -> tuple[float, float]:
    """P-values of component k + 1, family-wise over the first k + 1, when raw rows or only later variates move."""
    x, y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    found = canonical_pairs_of_sides(x, y)
    U, V = x @ found.x_weights, y @ found.y_weights
    observed = np.array([log_lambda(found.correlations**2, j) for j in range(k + 1)])
    counts = np.zeros((2, k + 1))
    for _ in range(PERMUTATIONS):
        K = U.T @ V[rng.permutation(len(V))]
        squares = np.linalg.svd(K, compute_uv=False) ** 2
        later = (np.linalg.svd(K[j:, j:], compute_uv=False) ** 2 for j in range(k + 1))
        counts[0] += [log_lambda(squares, j) >= observed[j] for j in range(k + 1)]
        counts[1] += [log_lambda(s, 0) >= observed[j] for j, s in enumerate(later)]
    naive, published = ((1 + counts) / (1 + PERMUTATIONS)).max(axis=1)
    return float(naive), float(published)


def stepwise(X: Array, Y: Array, k: int, seed: int) -> float:
    table = permutation_test(X, Y, PERMUTATIONS, n_components=k + 1, random_state=seed)
    return float(table["p_value"].iloc[k])


def row(problem: str, method: str, p_values: Array, target: Target | None = None) -> Row:
    rate = float(np.mean(p_values <= ALPHA))
    error = float(np.sqrt(rate * (1 - rate) / len(p_values)))
    result: Row = {"problem": problem, "method": method, "rejected": rate, "standard_error": error}
    result["repetitions"] = len(p_values)
    return result if target is None else result | {"target": str(target), "met": target.met_by(rate)}


def level_of_permutations(repetitions: int) -> list[Row]:
    rows = []
    for i, (size, strong) in enumerate(STRONG):
        problem = f"level, {size}, component {len(strong) + 1} after {strong or 'none'}"
        print(f"… {problem}", file=sys.stderr, flush=True)
        p = np.empty((3, repetitions))
        for seed in range(repetitions):
            rng = np.random.default_rng([i, seed])
            X, Y = pairs(*size, strong, rng)
            p[:, seed] = stepwise(X, Y, len(strong), seed), *naive_and_published(X, Y, len(strong), rng)
        rows += [row(problem, "stepwise", p[0], LEVEL), row(problem, "as published", p[2]), row(problem, "naive", p[1])]
    return rows


def power_of_permutations(repetitions: int) -> list[Row]:
    size, correlations = (200, 10, 10), (0.5,)
    samples = (pairs(*size, correlations, np.random.default_rng([100, seed])) for seed in range(repetitions))
    p = np.array([stepwise(X, Y, 0, seed) for seed, (X, Y) in enumerate(samples)])
    return [row(f"power, {size}, correlation {correlations[0]}", "stepwise", p, POWER)]


def p_values(
    draw: Callable[[Generator], Sequence[Array]], key: list[int], repetitions: int, component: int, **options: Any
) -> Array:
    """P-values of a component for samples of both sides, with nuisance variables if there are any."""
    p = np.empty(repetitions)
    for seed in range(repetitions):
        X, Y, *nuisance = draw(np.random.default_rng([*key, seed]))
        options |= {"nuisance": nuisance[0] if nuisance else None, "n_components": component, "random_state": seed}
        p[seed] = permutation_test(X, Y, FEW, **options)["p_value"].loc[component]
    return p


def level_of_rare_features(repetitions: int) -> list[Row]:
    rows = []
    for i, (size, share) in enumerate(RARE):

        def draw(rng: Generator, size: tuple[int, int, int] = size, share: float = share) -> list[Array]:
            sides = [(rng.random((size[0], width)) < share).astype(float) for width in size[1:]]
            for side in sides:
                side[rng.integers(size[0]), ~side.any(axis=0)] = 1.0
            return sides

        problem = f"level, {size}, features that are 1 in {share:.0%} of the rows"
        print(f"… {problem}", file=sys.stderr, flush=True)
        rows.append(row(problem, "stepwise", p_values(draw, [300, i], repetitions, 1), FIRST))
    return rows


def visits(rng: Generator, width: int) -> Array:
    """Four visits of each of twenty subjects."""
    return np.repeat(rng.standard_normal((20, width)), 4, axis=0) + 0.5 * rng.standard_normal((80, width))


def level_of_groups(repetitions: int) -> list[Row]:
    def with_strong(rng: Generator) -> list[Array]:
        common = visits(rng, 1)
        return [np.hstack([visits(rng, 2), common + 0.2 * rng.standard_normal(common.shape)]) for _ in range(2)]

    def with_nuisance(rng: Generator) -> list[Array]:
        ages = np.repeat(rng.standard_normal((20, 6)), 4, axis=0)
        return [visits(rng, 2) + ages.sum(axis=1, keepdims=True), visits(rng, 2) + ages[:, :1], ages]

    settings: list[tuple[str, Callable[[Generator], list[Array]], int]] = [
        ("20 subjects of 4 visits", lambda rng: [visits(rng, 2), visits(rng, 2)], 1),
        ("20 subjects of 4 visits, six nuisance variables", with_nuisance, 1),
        ("20 subjects of 4 visits, component 2 after a strong one", with_strong, 2),
    ]
    rows = []
    for i, (problem, draw, component) in enumerate(settings):
        print(f"… {problem}", file=sys.stderr, flush=True)
        for method, aligner in (("stepwise", None), ("singular values of PLSSVD", PLSSVD())):
            p = p_values(draw, [400, i], repetitions, component, aligner=aligner, groups=SUBJECTS)
            rows.append(row(f"level, {problem}", f"{method}, groups", p, FIRST if component == 1 else LATER))
        if i == 0:
            rows.append(
                row(f"level, {problem}", "stepwise, rows", p_values(draw, [400, i], repetitions // 4, component))
            )
    return rows


def level_of_singular_values(repetitions: int) -> list[Row]:
    rows = []
    for i, (n, p, q) in enumerate([(60, 10, 8), (40, 100, 20)]):
        for strength, component in ((0.0, 1), (6.0, 2)):

            def draw(rng: Generator, size: tuple[int, int, int] = (n, p, q), strength: float = strength) -> list[Array]:
                factor = rng.standard_normal((size[0], 1))
                loadings = [rng.standard_normal((1, width)) / np.sqrt(width) for width in size[1:]]
                noise = [rng.standard_normal((size[0], width)) for width in size[1:]]
                return [e + strength * factor @ a for e, a in zip(noise, loadings, strict=True)]

            problem = f"level, {(n, p, q)}, component {component} after {'one strong' if strength else 'none'}"
            for aligner in ALIGNERS:
                print(f"… {problem}, {aligner}", file=sys.stderr, flush=True)
                found = p_values(draw, [500, i, component], repetitions, component, aligner=aligner)
                rows.append(row(problem, f"singular values, {aligner}", found, LATER if strength else FIRST))
    return rows


def level_of_parametric_tests(repetitions: int) -> list[Row]:
    rows = []
    for i, (n, p, q) in enumerate(PARAMETRIC):
        print(f"… parametric tests, {(n, p, q)}", file=sys.stderr, flush=True)
        found: dict[str, list[float]] = {name: [] for name in ("bartlett", "rao", "pillai", "hotelling_lawley", "roy")}
        for seed in range(repetitions):
            rng = np.random.default_rng([200, i, seed])
            sides = (A - A.mean(axis=0) for A in pairs(n, p, q, (), rng))
            Qx, Qy = (np.linalg.qr(A)[0] for A in sides)
            r = np.linalg.svd(Qx.T @ Qy, compute_uv=False)
            table = sequential_tests(r, n, p, q)
            for name, values in found.items():
                values.append(float(table[f"{name}_p"][0]))
        problem = f"level, {(n, p, q)}, component 1 after none"
        rows += [row(problem, f"parametric: {name}", np.array(values)) for name, values in found.items()]
    return rows


def seconds_of_permutations(quick: bool) -> list[Row]:
    n, p, q, k = (200, 10, 8, 4) if quick else (2000, 50, 40, 10)
    X, Y = pairs(n, p, q, (0.6, 0.4), np.random.default_rng(0))
    rows = []
    for n_jobs in (1, 2):
        start = time.perf_counter()
        permutation_test(X, Y, 999, n_components=k, random_state=0, n_jobs=n_jobs)
        seconds = time.perf_counter() - start
        problem = f"999 permutations, {(n, p, q)}, {k} components"
        result: Row = {"problem": problem, "method": f"stepwise, n_jobs={n_jobs}", "seconds": seconds}
        rows.append(result | {"target": str(SECONDS), "met": SECONDS.met_by(seconds)})
    return rows


def main() -> None:
    arguments = parse_arguments(__doc__, "permutation_level")
    repetitions = 40 if arguments.quick else REPETITIONS
    rows = seconds_of_permutations(arguments.quick)
    rows += power_of_permutations(repetitions)
    rows += level_of_parametric_tests(repetitions)
    rows += level_of_permutations(repetitions)
    rows += level_of_rare_features(repetitions) + level_of_groups(repetitions) + level_of_singular_values(repetitions)
    report(rows, arguments)


if __name__ == "__main__":
    main()
