"""What the law of floating types allows, and the twins that it compares.

The law: equal numbers of components; correlations, R² and parametric p-values within 1e-6 where the correlation matrix
of the worse side has a condition up to 1e2 (null directions left out), 1e-5 up to 1e3, 1e-4 beyond.

Products in single precision carry a condition up to 1e4. An error E of theirs turns the directions that a model finds
by about E / gap (Davis & Kahan; Wedin), the gap being the distance of a singular value from the others, relative to the
largest. So there what follows directions (scores, and correlations of shrunk models and PLS; those of CCA itself are
what it maximises, and stationary) has twice the tolerance over the gap, and components closer than the tolerance are
not told apart. Beyond that condition double products are needed, which tell apart all that double precision does.
"""

import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest
from floating_data import CASES, EPS, condition, rows, standardised
from sklearn.base import clone

from crossmodal_cca import CCA, PLSSVD, KernelCCA, PLSCanonical, PLSRegression

LINEAR = {
    "cca": CCA(),
    "cca-svd": CCA(solver="svd"),
    "cca-two": CCA(2),
    "cca-shrunk-.1": CCA(shrinkage=0.1),
    "cca-shrunk-.5": CCA(shrinkage=0.5),
    "pls-svd": PLSSVD(),
    "pls-canonical": PLSCanonical(),
    "pls-regression-1": PLSRegression(1),
    "pls-regression-2": PLSRegression(2),
    "pls-regression": PLSRegression(None),
}
KERNEL = {
    "kernel": KernelCCA(3, regularization=0.01),
    "kernel-nystroem": KernelCCA(3, regularization=0.01, approximation="nystroem", n_landmarks=20, random_state=0),
    "kernel-fourier": KernelCCA(3, regularization=0.01, approximation="fourier", n_landmarks=40, random_state=0),
}
MODELS = LINEAR | KERNEL
SINGLE_EPS = float(np.finfo(np.float32).eps)


def spacing_of_single(values: Any) -> Any:
    """Distance of values to their neighbours in single precision, also where these are subnormal."""
    return np.spacing(np.abs(values).astype(np.float32)).astype(float)


@cache
def twins(name, case):
    """The model fitted to narrow rows, and its twin fitted to the same values in double precision."""
    of_case = rows(case)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tuple(clone(MODELS[name]).fit(each.X, each.y) for each in (of_case, of_case.double()))


@cache
def gaps(name, case):
    """How far each component of the twin is from the others, relative to the largest singular value."""
    model, of_case = MODELS[name], rows(case).double()
    found = twins(name, case)[1].n_components_
    if isinstance(model, PLSCanonical | PLSRegression):
        return gaps_of_deflation(of_case.X, of_case.y, found, symmetric=isinstance(model, PLSCanonical))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        d = clone(model).set_params(n_components=None).fit(of_case.X, of_case.y).singular_values_
    # Where sides differ in width there are directions of no covariance, too.
    d = np.append(d / d[0], 0.0)
    return np.array([np.delete(np.abs(d - d[j]), j).min() for j in range(found)])


def gaps_of_deflation(X, Y, n_components, symmetric):
    """The smallest gap up to each component of PLS, whose pairs are the leading ones of deflated rows."""
    Z, W, found, largest = standardised(X), standardised(Y), [], None
    for _ in range(n_components):
        U, d, Vt = np.linalg.svd(Z.T @ W, full_matrices=False)
        d = np.append(d, 0.0)
        largest = largest or d[0]
        found.append((d[0] - d[1]) / largest)
        t, u = Z @ U[:, 0], W @ Vt[0]
        t, u = t / (np.linalg.norm(t) or 1.0), u / (np.linalg.norm(u) or 1.0)
        Z = Z - np.outer(t, t @ Z)
        W = W - np.outer(u, u @ W) if symmetric else W - np.outer(t, t @ W)
    return np.minimum.accumulate(found)


def tolerance(*sides):
    """The plain tolerance: the error of products in single precision grows with the condition."""
    worst = condition(*sides)
    return 1e-6 if worst <= 1e2 else 1e-5 if worst <= 1e3 else 1e-4


def tolerance_of_directions(apart, *sides):
    """The tolerance of what follows the direction of each component; infinite where it is not told apart.

    In single precision twice the turn: directions of both sides, or a direction and the metric that it is measured in.
    """
    plain = tolerance(*sides)
    closest, factor = (plain, 2 / np.maximum(apart, EPS)) if condition(*sides) <= 1e4 else (1e-8, 1.0)
    return np.where(apart > closest, plain * factor, np.inf)


@cache
def tol(case):
    """The plain tolerance of a case."""
    return tolerance(rows(case).X, rows(case).y)


@cache
def turned(name, case):
    """The tolerance of what follows the directions of a model's components."""
    return tolerance_of_directions(gaps(name, case), rows(case).X, rows(case).y)


def models(named=tuple(MODELS), cases=tuple(CASES)):
    """All models and cases; sides of three levels share two directions, too few for the kernels' components.

    Rows of half precision are of single precision to the package: every other model meets them, each some of them.
    """
    both = [
        (name, case)
        for name in named
        for case in cases
        if not (name in KERNEL and case.startswith("indicators")) and not (case.endswith("-half") and turn(name, case))
    ]
    return pytest.mark.parametrize(("name", "case"), both)


def turn(name, case):
    """Which of two ways a model of a case takes, where both ways for all of both would say nothing more."""
    return (list(MODELS).index(name) + list(CASES).index(case)) % 2


def fitted(name, case):
    """Both twins, if they have as many components."""
    single, double = twins(name, case)
    assert single.n_components_ == double.n_components_
    return single, double
