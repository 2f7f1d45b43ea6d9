"""How long does a linear fit take, next to the bare matrix products and next to peers?

Targets, float64, medians of runs in turns within one process:

- CCA against the products X'X, X'Y and Y'Y: at most 1.3 times at 20,000 × 768 × 512 with k = 32, and at 100,000 rows
  in float32; 1.6 times at 5,000 × 768 × 768 with k = 64; 1.4 times at 100,000 × 256 × 256 with k = 32. On white noise,
  on canonical correlations that decay, and on noise with means that have to be subtracted.
- CCA against cca-zoo's, in float64: at least 2, 3 and 3.5 times faster.
- CCA at 5,000 × 256 × 256 with k = 16: at least 200 times faster than scikit-learn's.
- PLSRegression and PLSCanonical at 20,000 × 768 × 512 with k = 32: at least 15 times faster than scikit-learn's, and
  PLSRegression at least 1.5 times faster than either algorithm of ikpls.
- PLSRegression and PLSCanonical with 160 components, from moments of 640 and 640 features, white noise and factors: at
  most 1.4 and 2.3 seconds.

`difference` is how far a peer's answer is from ours (correlations of the pairs for CCA, predictions for
PLSRegression, scores for PLSCanonical), since a ratio between different answers is worthless. scikit-learn runs once,
for tens of seconds up to minutes. Its power iterations compare a squared norm with `tol` and so stop early by default;
the default settings and a run that agrees are both in the table.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from harness import OURS, Row, Target, Task, compare, parse_arguments, report
from pairs import Array, away_from_zero, decaying_correlations, latent_factors, white_noise
from sklearn import cross_decomposition as sk

import crossmodal_cca as cm

Size = tuple[int, int, int, int]

# (rows, x-features, y-features, components), and for CCA the type, the largest multiple of the products, and how many
# times longer cca-zoo has to take.
CCA_LIMITS = (
    ((20_000, 768, 512, 32), np.float64, 1.3, 2.0),
    ((5_000, 768, 768, 64), np.float64, 1.6, 3.0),
    ((100_000, 256, 256, 32), np.float64, 1.4, 3.5),
    ((100_000, 768, 512, 32), np.float32, 1.3, None),
)
CCA_SKLEARN = (5_000, 256, 256, 16)
PLS = (20_000, 768, 512, 32)
PLS_OF_MANY = (5_000, 640, 640, 160)
ROWS_COMPARED = 500


def fit_cca_zoo(X: Array, Y: Array, k: int) -> Any:
    from cca_zoo.linear import CCA

    return CCA(k).fit([X, Y])


def fit_ikpls(X: Array, Y: Array, k: int, algorithm: int) -> Any:
    from ikpls.numpy import PLS

    return PLS(algorithm).fit(X, Y, k)


def pair_correlations(scores: Callable[[Any], Any], model: Any) -> Array:
    """Correlation of each pair of scores: equal for all who find the same pairs, whatever their scaling."""
    a, b = (z - z.mean(axis=0) for z in scores(model))
    lengths: Array = np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0)
    return np.einsum("ij,ij->j", a, b) / lengths


def cca_against_products(
    size: Size, dtype: Any, limit: float, lead: float | None, pair: Callable[..., Any], repeats: int
) -> list[Row]:
    *shape, k = size
    X, Y = (A.astype(dtype, copy=False) for A in pair(*shape))
    ours = partial(pair_correlations, lambda model: model.transform(X, Y))
    theirs = partial(pair_correlations, lambda model: model.transform([X, Y]))
    tasks = {
        "three products": Task(lambda: (X.T @ X, X.T @ Y, Y.T @ Y)),
        OURS: Task(lambda: cm.CCA(k).fit(X, Y), Target("<=", limit), ours),
        "cca-zoo": Task(lambda: fit_cca_zoo(X, Y, k), answer=theirs, needs="cca_zoo"),
    }
    if lead is None:
        del tasks["cca-zoo"]
    rows = compare(f"CCA {size}, {pair.__name__}, {np.dtype(dtype)}", tasks, repeats)
    if lead is not None and "seconds" in rows[-1]:
        # Beside ours, not beside the products.
        ratio, target = rows[-1]["seconds"] / rows[-2]["seconds"], Target(">=", lead)
        rows[-1] |= {"ratio": ratio, "to": OURS, "target": str(target), "met": target.met_by(ratio)}
    return rows


def cca_against_sklearn(size: Size, repeats: int) -> list[Row]:
    *shape, k = size
    X, Y = decaying_correlations(*shape)
    answer = partial(pair_correlations, lambda model: model.transform(X, Y))
    tasks = {
        OURS: Task(lambda: cm.CCA(k).fit(X, Y), answer=answer),
        "scikit-learn": Task(lambda: sk.CCA(k).fit(X, Y), Target(">=", 200), answer, once=True),
    }
    return compare(f"CCA {size}", tasks, repeats)


def pls_regression(size: Size, repeats: int, brief: bool) -> list[Row]:
    *shape, k = size
    X, Y = latent_factors(*shape)

    def answer(model: Any) -> Array:
        return model.predict(X[:ROWS_COMPARED])

    def last_answer(model: Any) -> Array:
        return model.predict(X[:ROWS_COMPARED], n_components=k)

    def exact() -> Any:
        return sk.PLSRegression(k, tol=1e-28).fit(X, Y)

    tasks = {
        OURS: Task(lambda: cm.PLSRegression(k).fit(X, Y), answer=answer),
        "ikpls 1": Task(lambda: fit_ikpls(X, Y, k, 1), Target(">=", 1.5), last_answer, needs="ikpls"),
        "ikpls 2": Task(lambda: fit_ikpls(X, Y, k, 2), Target(">=", 1.5), last_answer, needs="ikpls"),
        "scikit-learn": Task(lambda: sk.PLSRegression(k).fit(X, Y), Target(">=", 15), answer, once=True),
        "scikit-learn, tol=1e-28": Task(exact, Target(">=", 15), answer, once=True),
    }
    if brief:
        del tasks["scikit-learn, tol=1e-28"]
    return compare(f"PLSRegression {size}", tasks, repeats)


def pls_canonical(size: Size, repeats: int) -> list[Row]:
    *shape, k = size
    X, Y = latent_factors(*shape)

    def answer(model: Any) -> Array:
        # Scores are defined up to sign.
        return np.abs(model.transform(X[:ROWS_COMPARED]))

    def exact() -> Any:
        return sk.PLSCanonical(k, algorithm="svd").fit(X, Y)

    tasks = {
        OURS: Task(lambda: cm.PLSCanonical(k).fit(X, Y), answer=answer),
        "scikit-learn": Task(lambda: sk.PLSCanonical(k).fit(X, Y), Target(">=", 15), answer, once=True),
        'scikit-learn, algorithm="svd"': Task(exact, Target(">=", 15), answer, once=True),
    }
    return compare(f"PLSCanonical {size}", tasks, repeats)


def pls_of_many_components(size: Size, pair: Callable[..., Any], repeats: int) -> list[Row]:
    *shape, k = size
    moments = cm.PairMoments.from_arrays(*pair(*shape))
    limits = {cm.PLSRegression: 1.4, cm.PLSCanonical: 2.3}
    tasks = {cls.__name__: Task(lambda cls=cls: cls(k).fit_moments(moments)) for cls in limits}
    rows = compare(f"PLS from moments {size}, {pair.__name__}", tasks, repeats)
    for row, limit in zip(rows, limits.values(), strict=True):
        del row["ratio"], row["to"]
        row |= {"target": f"<= {limit} s", "met": row["seconds"] <= limit}
    return rows


def main() -> None:
    arguments = parse_arguments(__doc__, "linear_fit")
    # scikit-learn warns where it stops at max_iter; the difference shows what that costs.
    warnings.simplefilter("ignore")
    repeats = 3 if arguments.quick else 7

    def size(full: Size) -> Size:
        n, p, q, k = full
        return (n // 10, p // 8, q // 8, k // 4) if arguments.quick else full

    rows: list[Row] = []
    for full, *rest in CCA_LIMITS:
        for pair in (white_noise, decaying_correlations):
            rows += cca_against_products(size(full), *rest, pair, repeats)
        rows += cca_against_products(size(full), *rest[:2], None, away_from_zero, repeats)
    rows += cca_against_sklearn(size(CCA_SKLEARN), repeats)
    rows += pls_regression(size(PLS), repeats, arguments.brief)
    rows += [] if arguments.brief else pls_canonical(size(PLS), repeats)
    for pair in (white_noise, latent_factors):
        rows += pls_of_many_components(size(PLS_OF_MANY), pair, repeats)
    report(rows, arguments)


if __name__ == "__main__":
    main()
