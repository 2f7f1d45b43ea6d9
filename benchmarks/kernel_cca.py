"""How long does kernel CCA take, next to a peer and next to the linear algebra it cannot do without?

Targets, "rbf" kernels of two views of common factors, medians of runs in turns within one process:

- Exact, 2,000 rows of 50 and 40 features, k = 8: at least 30 times faster than cca-zoo's KCCA.
- Exact, 8,000 rows: beyond the two centred kernels themselves, at most 4 times the Cholesky factorisation of both.
- Nyström, 100,000 rows of 64 and 48 float64 features, 1,000 landmarks, k = 16: at most 2.5 times the bare products,
  block by block. Rows of float32 have no target: their bare products are all in float32, while a fit computes means
  and sums in double precision.

cca-zoo solves the same problem: it centres the kernels too and maximises αᵀKxKyβ / (n − 1) with its `shrinkage` c in
αᵀ((1 − c)·K² / (n − 1) + c·K)α = 1 for either side. Against our ridge ε = regularization · trace(K),

    c = ε / (ε + n − 1),

which changes the length of the scores by √(1 − c) and nothing else. `difference` compares the correlations of the
pairs on held-out rows. It runs once, after a warm-up on a few rows; its fit includes importances of the features by
permutation, some per cent of its time.

The two factorisations include a copy of each kernel into a reused buffer, since they overwrite it: about one per cent
of their time.

The bare products of Nyström are, per block of rows and side: the rows with the landmarks, these with a square matrix,
the features with themselves, with the other side's features and with the other side's rows. The matrix (landmarks ×
landmarks) of the square root, its eigenvectors, the exponentials and the final solution are ours to spend on top.
"""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import numpy as np
from harness import OURS, SEED, Row, Target, Task, compare, parse_arguments, report
from numpy.typing import DTypeLike, NDArray
from pairs import Array, nonlinear_factors
from scipy.linalg import lapack
from sklearn.metrics.pairwise import rbf_kernel

from crossmodal_cca import KernelCCA
from crossmodal_cca.kernels._centred import centre
from crossmodal_cca.kernels._kernel import Kernel, block_rows, kernel_matrix, median_gamma, spread_rows
from crossmodal_cca.linalg._products import gram, product
from crossmodal_cca.rows._blocks import row_slices

# (rows, x-features, y-features, components).
PEER = (2_000, 50, 40, 8)
EXACT = (8_000, 50, 40, 8)
NYSTROEM = (100_000, 64, 48, 16)
LANDMARKS = 1_000
HELD_OUT = 1_000
REGULARIZATION = 1e-3

Size = tuple[int, int, int, int]


def fit_cca_zoo(X: Array, Y: Array, k: int, gamma: tuple[Any, ...], shrinkage: list[float]) -> Any:
    from cca_zoo.nonparametric import KCCA

    return KCCA(k, kernel="rbf", gamma=list(gamma), shrinkage=shrinkage).fit([X, Y])


def shrinkage_of(A: Array, gamma: float) -> float:
    """cca-zoo's counterpart of our ridge; the centred kernel has the trace n − n·mean(K)."""
    ridge = REGULARIZATION * len(A) * (1.0 - rbf_kernel(A, gamma=gamma).mean())
    return float(ridge / (ridge + len(A) - 1))


def exact_against_cca_zoo(size: Size, repeats: int) -> list[Row]:
    n, p, q, k = size
    X, Y = nonlinear_factors(n + HELD_OUT, p, q)
    (X, X_new), (Y, Y_new) = (X[:n], X[n:]), (Y[:n], Y[n:])
    model = KernelCCA(k, regularization=REGULARIZATION)
    gamma: tuple[Any, ...] = model.fit(X, Y).gamma_
    shrinkage = [shrinkage_of(A, width) for A, width in zip((X, Y), gamma, strict=True)]

    def correlations(scores: tuple[Array, Array]) -> Array:
        a, b = ((z - z.mean(axis=0)) / z.std(axis=0) for z in scores)
        return np.asarray(np.einsum("ij,ij->j", a, b) / len(a))

    tasks = {
        OURS: Task(lambda: model.fit(X, Y), answer=lambda fitted: correlations(fitted.transform(X_new, Y_new))),
        "cca-zoo": Task(
            lambda: fit_cca_zoo(X, Y, k, gamma, shrinkage),
            Target(">=", 30),
            lambda fitted: correlations(fitted.transform([X_new, Y_new])),
            once=True,
            needs="cca_zoo",
        ),
    }
    if tasks["cca-zoo"].is_possible:
        # Its import takes seconds.
        fit_cca_zoo(X[:50], Y[:50], 1, gamma, shrinkage)
    return compare(f"exact {size}", tasks, repeats)


def kernel_of(rows: Array, name: str) -> Kernel:
    """The kernel that the fit settles on."""
    sample = rows[spread_rows(len(rows))]
    return Kernel("rbf", name, {"gamma": median_gamma("rbf", sample, name)}, sample.mean(axis=0))


def centred(kernel: Kernel, rows: Array) -> Array:
    K = kernel_matrix(kernel, rows)
    centre(K, kernel.name)
    return K


def exact_against_factorisations(size: Size, repeats: int) -> list[Row]:
    n, p, q, k = size
    X, Y = nonlinear_factors(n, p, q)
    sides = (kernel_of(X, "X"), X), (kernel_of(Y, "y"), Y)
    ridged = [centred(*side) for side in sides]
    for K in ridged:
        K[np.diag_indices(n)] += REGULARIZATION * np.trace(K)
    buffer = np.empty((n, n))

    def factorise() -> None:
        for K in ridged:
            np.copyto(buffer, K)
            _, failed = lapack.dpotrf(buffer.T, lower=1, clean=0, overwrite_a=1)
            assert not failed

    def kernels() -> None:
        # One after the other: what a task returns is kept until the end.
        for side in sides:
            centred(*side)

    model = KernelCCA(k, regularization=REGULARIZATION)
    tasks = {
        "two factorisations": Task(factorise),
        "two centred kernels": Task(kernels),
        OURS: Task(lambda: model.fit(X, Y)),
    }
    rows = compare(f"exact {size}", tasks, repeats)
    factorisations, making_kernels, fit = (row["seconds"] for row in rows)
    seconds = fit - making_kernels
    target, ratio = Target("<=", 4), seconds / factorisations
    beyond: Row = {"method": f"{OURS} beyond the kernels", "seconds": seconds, "ratio": ratio}
    beyond |= {"problem": rows[0]["problem"], "to": rows[0]["to"], "target": str(target), "met": target.met_by(ratio)}
    return [*rows, beyond]


def bare_products(X: NDArray[Any], Y: NDArray[Any], m: int) -> None:
    """What Nyström multiplies, in blocks of the same size and with the same BLAS."""
    square = np.random.default_rng(SEED).standard_normal((m, m)).astype(X.dtype)
    for part in row_slices(len(X), block_rows(m)):
        F, G = (product(product(rows[part], rows[:m].T), square) for rows in (X, Y))
        gram(F), gram(G)
        product(F.T, G), product(F.T, Y[part]), product(G.T, X[part])


def nystroem_against_products(size: Size, m: int, dtype: DTypeLike, target: Target | None, repeats: int) -> list[Row]:
    *shape, k = size
    X, Y = (rows.astype(dtype) for rows in nonlinear_factors(*shape))
    model = KernelCCA(
        k,
        regularization=REGULARIZATION,
        approximation="nystroem",
        n_landmarks=m,
        landmarks="uniform",
        random_state=SEED,
    )
    tasks = {
        "bare products": Task(partial(bare_products, X, Y, m)),
        OURS: Task(lambda: model.fit(X, Y), target),
    }
    return compare(f"Nyström {size}, {m} landmarks, {X.dtype}", tasks, repeats)


def main() -> None:
    arguments = parse_arguments(__doc__, "kernel_cca")
    # A small size may be fitted too well; that is not the question here.
    warnings.simplefilter("ignore")
    quick = arguments.quick
    repeats = 3

    def size(full: Size, divisor: int) -> Size:
        n, p, q, k = full
        return (n // divisor if quick else n, p, q, k)

    rows = exact_against_cca_zoo(size(PEER, 4), repeats)
    rows += exact_against_factorisations(size(EXACT, 5), repeats)
    landmarks = LANDMARKS // 4 if quick else LANDMARKS
    for dtype, target in ((np.float64, Target("<=", 2.5)), (np.float32, None)):
        rows += nystroem_against_products(size(NYSTROEM, 10), landmarks, dtype, target, repeats)
    report(rows, arguments)


if __name__ == "__main__":
    main()
