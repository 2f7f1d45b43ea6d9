"""How long does choosing settings take beside one fit, and beside the same search by refitting?

Targets, as ratios of times in one process:

- CCACV, 5 folds × 10 shrinkages × every number of components up to 32 at 20,000 × 768 × 512: at most 3.5 times one CCA
  fit, and at least 15 times faster than cca-zoo's GridSearchCV on the same grid. The latter runs one of its ten
  shrinkages and a single number of components, on 5 folds; its time is scaled to the shrinkages only, not to the 32
  numbers of components, which would be another factor.
- KernelCCACV, 5 folds × 9 pairs of widths × 4 ridges × every number of components on 1,500 pairs of 50 and 40 features:
  under 180 seconds, and at least 10 times faster than the same grid as separate KernelCCA fits. The latter runs one
  setting on one fold, and is scaled to the 36 settings, 5 folds and only a dozen of the numbers of components.
- On the training part of the bundled emoji with the default grid and 5 shuffled folds: CCACV under 6 seconds with
  scoring="hit_rate_at_10" and 5 with "correlation"; KernelCCACV under 45 seconds with "hit_rate_at_10".
- CCACV(scoring="hit_rate_at_10") on float32 rows of 512 and 384 features, 5 folds × 10 shrinkages × 2 powers × 12
  numbers of components: under 45 seconds for 20,000 rows, and 480 for 100,000, of which a fold searches 10,000.
- PLSRegressionCV, 10 folds, 1 to 30 components at 10,000 × 500 × 10: at least 20 times faster than GridSearchCV over
  scikit-learn's PLSRegression (which runs for 1, 10, 20 and 30 components, and is scaled by the sum of components), and
  at most 2 times ikpls's fast cross-validation.

`scaled` says how many times the seconds were multiplied. `difference`: of PLS, the largest difference of mean scores.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from harness import OURS, Row, Target, Task, compare, parse_arguments, report
from numpy.typing import NDArray
from pairs import decaying_correlations, latent_factors, nonlinear_factors
from sklearn.cross_decomposition import PLSRegression as PeerPLS
from sklearn.model_selection import GridSearchCV, KFold

from crossmodal_cca import CCA, CCACV, KernelCCA, KernelCCACV, PLSRegressionCV
from crossmodal_cca.datasets import load_emoji

Array = NDArray[Any]


def seconds_of(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def scaled_peer(problem: str, name: str, run: Callable[[], Any], factor: float, ours: Row, target: Target) -> list[Row]:
    """One run of a peer on a part of the grid, scaled, and how many times longer it takes than ours."""
    seconds = seconds_of(run) * factor
    ratio = seconds / ours["seconds"]
    row = {"problem": problem, "method": name, "seconds": seconds, "runs": 1, "ratio": ratio, "to": OURS}
    return [{**row, "scaled": factor, "target": str(target), "met": target.met_by(ratio)}]


def cca(shape: tuple[int, int, int], k: int, repeats: int) -> list[Row]:
    X, Y = decaying_correlations(*shape)
    problem = f"CCA {shape}, 5 folds × 10 shrinkages × 1…{k} components"
    tasks = {
        "one CCA fit": Task(lambda: CCA(k).fit(X, Y)),
        OURS: Task(lambda: CCACV(k).fit(X, Y), Target("<=", 3.5)),
    }
    rows = compare(problem, tasks, repeats)
    if Task(lambda: None, needs="cca_zoo").is_possible:
        rows += scaled_peer(problem, "cca-zoo", lambda: grid_of_cca_zoo(X, Y, k), 10, rows[-1], Target(">=", 15))
    return rows


def grid_of_cca_zoo(X: Array, Y: Array, k: int) -> Any:
    from cca_zoo.linear import RidgeCCA
    from cca_zoo.model_selection import GridSearchCV as MultiviewSearch

    return MultiviewSearch(RidgeCCA(k), {"shrinkage": [0.3]}, cv=5, refit=False).fit([X, Y])


def timed(problem: str, run: Callable[[], Any], most: float) -> Row:
    """One run, and the seconds that it may take."""
    seconds = seconds_of(run)
    row = {"problem": problem, "method": OURS, "seconds": seconds, "runs": 1}
    return {**row, "target": f"<= {most:g} s", "met": seconds <= most}


def emoji(*, kernels: bool) -> list[Row]:
    data = load_emoji(subset="train")
    cv = KFold(5, shuffle=True, random_state=0)
    searches = {
        "CCACV, emoji, hit_rate_at_10": (CCACV(cv=cv, scoring="hit_rate_at_10"), 6),
        "CCACV, emoji, correlation": (CCACV(cv=cv), 5),
    }
    if kernels:
        searches["KernelCCACV, emoji, hit_rate_at_10"] = KernelCCACV(cv=cv, scoring="hit_rate_at_10"), 45
    return [
        timed(problem, partial(search.fit, data.image, data.text), most) for problem, (search, most) in searches.items()
    ]


def hit_rate(shape: tuple[int, int, int], most: float) -> Row:
    X, Y = (A.astype(np.float32) for A in decaying_correlations(*shape))
    search = CCACV(scoring="hit_rate_at_10")
    return timed(f"CCACV {shape} float32, hit_rate_at_10", partial(search.fit, X, Y), most)


def kernel_cca(n: int) -> list[Row]:
    X, Y = nonlinear_factors(n, 50, 40)
    problem = f"KernelCCA {(n, 50, 40)}, 5 folds × 9 widths × 4 ridges × all components"
    search = KernelCCACV(scoring="correlation")
    # Minutes: one run.
    rows = compare(problem, {OURS: Task(lambda: search.fit(X, Y), once=True)}, 1)
    rows[0] |= {"target": "<= 180 s", "met": rows[0]["seconds"] <= 180}
    train, test = next(KFold(5).split(X))

    def refit() -> float:
        return KernelCCA().fit(X[train], Y[train]).score(X[test], Y[test])

    return rows + scaled_peer(problem, "separate fits", refit, 5 * 36 * 12, rows[0], Target(">=", 10))


def pls(shape: tuple[int, int, int], k: int, repeats: int) -> list[Row]:
    X, Y = latent_factors(*shape)
    problem = f"PLSRegression {shape}, 10 folds × 1…{k} components"
    folds = np.repeat(np.arange(10), -(-len(X) // 10))[: len(X)]
    splits = [(np.flatnonzero(folds != f), np.flatnonzero(folds == f)) for f in range(10)]
    tasks = {
        "ikpls, fast": Task(lambda: fast_ikpls(X, Y, k, folds), answer=lambda scores: scores, needs="ikpls"),
        OURS: Task(
            lambda: PLSRegressionCV(k, cv=splits).fit(X, Y),
            Target("<=", 2.0),
            answer=lambda search: search.cv_results_["mean_test_score"],
        ),
    }
    rows = compare(problem, tasks, repeats)
    tried = [c for c in (1, 10, 20, 30) if c <= k]
    peer = GridSearchCV(PeerPLS(), {"n_components": tried}, cv=splits, refit=False)
    factor = k * (k + 1) / 2 / sum(tried)
    return rows + scaled_peer(problem, "scikit-learn", lambda: peer.fit(X, Y), factor, rows[-1], Target(">=", 20))


def fast_ikpls(X: Array, Y: Array, k: int, folds: Array) -> Array:
    from ikpls.fast_cross_validation.numpy import PLS

    def squared_errors(truth: Array, predicted: Array) -> Array:
        return np.sum((truth - predicted) ** 2, axis=1)

    model = PLS(center_X=True, center_Y=True, scale_X=True, scale_Y=True, algorithm=2)
    found = model.cross_validate(X, Y, A=k, folds=folds, metric_function=squared_errors, n_jobs=1, verbose=0)
    # Q² of each target, and their mean, as of standardised targets.
    return np.mean(1 - np.sum(list(found.values()), axis=0) / np.sum((Y - Y.mean(axis=0)) ** 2, axis=0), axis=1)


def main() -> None:
    arguments = parse_arguments(__doc__, "cross_validation")
    if arguments.quick:
        rows = cca((2_000, 60, 50), 8, 3) + kernel_cca(200) + pls((1_000, 50, 5), 10, 3)
        rows += [*emoji(kernels=False), hit_rate((2_000, 64, 48), 45)]
    else:
        rows = cca((20_000, 768, 512), 32, 3) + pls((10_000, 500, 10), 30, 3)
        rows += [*emoji(kernels=not arguments.brief), hit_rate((20_000, 512, 384), 45)]
        rows += [] if arguments.brief else [*kernel_cca(1_500), hit_rate((100_000, 512, 384), 480)]
    report(rows, arguments)


if __name__ == "__main__":
    main()
