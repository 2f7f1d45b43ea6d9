"""Models of ill-conditioned rows are as near to fifty digits as rounding allows, with every solver and floating type.

`high_precision` says what is right, of the very rows that are fitted. How far off a result may be follows from the
condition number κ of the rows' scaled covariances, or of whatever is inverted in place of these.
"""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import high_precision as hp
import numpy as np
import pytest
from ill_conditioned import RECIPES, condition_of, ill_conditioned_pairs
from precision_table import COLUMNS, CONDITIONS, largest_errors
from sklearn.base import clone

from crossmodal_cca import CCA, CCACV, PLSSVD, KernelCCA, PairMoments, PLSCanonical, PLSRegression, PLSRegressionCV

K, N, P = 3, 40, 5
TYPES = ("float64", "float32", "float16")

# An entry of the scaled covariance is a sum over n rows that is at most 1 in all, so it errs by n·eps at worst, and the
# matrix by p times that. Decompositions add less: LAPACK's iteration for singular values stops at 90 eps.
ROUNDING = N * P * np.finfo(float).eps
# The randomized solver stops at this residual, relative to the leading singular value.
RESIDUAL = 1e-6


def law_of_single_precision(condition: float) -> float:
    """What float32 and float16 rows may lose against the same values in double; casting moved κ itself a little."""
    return 1e-6 if condition < 1.01e2 else 1e-5 if condition < 1.01e3 else 1e-4


@dataclass(frozen=True)
class Case:
    """An estimator, the same from definitions, and the condition of what it inverts where the rows have condition κ."""

    estimator: Any
    reference: hp.Model
    inverts: Callable[[float], float]
    deflates: bool = False
    from_rows: bool = False  # by decompositions of the rows, whose condition is √κ
    residual: float = 0.0
    skips: set[str] = field(default_factory=set)


def constraint(c: float) -> Callable[[float], float]:
    """Condition of (1 − c)S + cI for S of unit diagonal, whose eigenvalues lie in [0, p]."""
    return lambda condition: min(condition, ((1 - c) * P + c) / c) if c else condition


CASES = {
    f"cca-{c}-{solver}": Case(
        CCA(K, shrinkage=c, solver=solver, random_state=0),
        reference,
        constraint(c),
        from_rows=solver == "svd" and c == 0,
        residual=RESIDUAL * (solver == "randomized"),
    )
    for c, reference in ((c, hp.cca(c, K)) for c in (0.0, 0.01, 0.5))
    for solver in ("auto", "moments", "svd", "randomized")
    if c > 0 or solver != "randomized"
} | {
    "pls-svd": Case(PLSSVD(K), hp.pls_svd(K), lambda _: 1.0),
    "pls-canonical": Case(PLSCanonical(K), hp.pls_canonical(K), lambda _: 1.0, deflates=True),
    # Its y-scores come from the y-weights, which may depend on each other however well-conditioned the rows are.
    "pls-regression": Case(
        PLSRegression(K), hp.pls_regression(K), lambda _: 1.0, deflates=True, skips={"correlations", "y_scores"}
    ),
}

# Both narrow types meet every condition and every recipe, though not every pair of these: rows of either are the same
# to the package, single precision.
ON_ALL_ROWS = pytest.mark.parametrize(
    ("recipe", "condition", "dtype"),
    [
        (recipe, kappa, dtype)
        for i, recipe in enumerate(RECIPES)
        for j, kappa in enumerate((1e0, 1e2, 1e3, 1e5, 1e8))
        for dtype in ("float64", TYPES[1 + (i + j) % 2])
    ],
)
# solver="moments" says that it is at its limit.
AT_ITS_LIMIT = pytest.mark.filterwarnings("ignore:.*ill-conditioned")


@cache
def rows_of(recipe: str, condition: float, dtype: str, n: int = N, seed: int = 0, **width: int) -> Any:
    return ill_conditioned_pairs(recipe, condition, n, seed, dtype, **width)


@cache
def reference_of(model: hp.Model, *rows_key: Any) -> hp.Scored:
    rows = rows_of(*rows_key)
    return model(rows, rows)


@AT_ITS_LIMIT
@ON_ALL_ROWS
@pytest.mark.parametrize("name", CASES)
def test_models_agree_with_fifty_digits(name, recipe, condition, dtype):
    case, rows = CASES[name], rows_of(recipe, condition, dtype)
    right, fitted = reference_of(case.reference, recipe, condition, dtype), case.estimator.fit(*rows)
    assert fitted.n_components_ == K

    kappa, d = condition_of(*rows), floats(right.singular_values)
    apart = floats(right.separations) / d[0]
    whole, inverted = (tolerance(case, dtype, of) for of in (kappa, case.inverts(kappa) / shortest_before(case, right)))
    x_scores, y_scores = fitted.transform(*rows)
    signs = np.sign(np.sum(x_scores * floats(right.x_scores), axis=0))
    # A direction is as definite as its singular value is apart from the others. Scores have the type of the rows.
    scores = inverted / apart + (dtype != "float64") * np.abs(x_scores).max() * np.finfo(np.float32).eps
    found = {
        "correlations": (fitted.correlations_, right.correlations, whole + case.residual / apart),
        "singular_values": (fitted.singular_values_, d, inverted * max(1.0, d[0])),
        "x_scores": (x_scores * signs, right.x_scores, scores),
        "y_scores": (y_scores * signs, right.y_scores, scores),
        "r2": (r2(rows[1], fitted.predict(rows[0])), right.r2, whole),
    }
    for quantity, (ours, exact, allowed) in found.items():
        if quantity not in case.skips:
            assert np.all(np.abs(ours - floats(exact)) <= allowed), quantity


def tolerance(case: Case, dtype: str, condition: Any) -> Any:
    if dtype != "float64":
        return law_of_single_precision(np.max(condition)) + case.residual
    return ROUNDING * (np.sqrt(condition) if case.from_rows else condition) + case.residual


def shortest_before(case: Case, right: hp.Scored) -> Any:
    """The smallest variance of a score before each component, by which a deflation divides."""
    if not case.deflates:
        return np.ones(K)
    variances = np.minimum(*(floats(Z).var(axis=0, ddof=1) for Z in (right.x_scores, right.y_scores)))
    return np.minimum.accumulate(np.append(1.0, variances))[:-1]


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("condition", [1e1, 1e2, 1e3, 1e5])
@pytest.mark.parametrize(("n", "width"), [(400, 8), (4000, 64)])
@pytest.mark.parametrize(
    "model", [CCA(K), CCA(K, shrinkage=0.1), PLSSVD(K), PLSCanonical(K), PLSRegression(K)], ids=str
)
def test_single_precision_keeps_its_law_of_many_rows_and_features(model, n, width, condition, recipe):
    """Sums of many single products lose more. Double rows say what is right, as the test above says of them."""
    rows = rows_of(recipe, condition, "float32", n, width=width)
    double = tuple(side.astype(float) for side in rows)
    right = clone(model).fit(*double)
    fitted = clone(model).fit(*rows)
    allowed = law_of_single_precision(condition_of(*rows))
    np.testing.assert_allclose(fitted.correlations_, right.correlations_, rtol=0, atol=allowed)
    right_r2 = r2(double[1], right.predict(double[0]))
    assert r2(rows[1], fitted.predict(rows[0])) == pytest.approx(right_r2, rel=0, abs=allowed)


# Two folds that overlap in training, so neither is what the other holds out.
SPLITS = [(np.arange(25), np.arange(25, N)), (np.arange(15, N), np.arange(15))]
SEARCHES = {
    f"{type(search).__name__}-{shrinkage}-{search.scoring}": (search, model)
    for shrinkage, model in ((0.0, hp.cca(0.0, K)), (0.1, hp.cca(0.1, K)))
    for scoring in (("correlation", "r2") if shrinkage else ("correlation",))
    for search in [CCACV([K], shrinkages=[shrinkage], powers=[0.0], cv=SPLITS, scoring=scoring)]
} | {"PLSRegressionCV": (PLSRegressionCV([K], cv=SPLITS, scoring="r2"), hp.pls_regression(K))}


@AT_ITS_LIMIT
@ON_ALL_ROWS
@pytest.mark.parametrize("name", SEARCHES)
def test_cells_of_searches_agree_with_fifty_digits(name, recipe, condition, dtype):
    search, model = SEARCHES[name]
    results = search.fit(*rows_of(recipe, condition, dtype)).cv_results_
    for fold, held_out in enumerate(held_out_of(model, recipe, condition, dtype)):
        right = held_out.correlations.sum() if search.scoring == "correlation" else held_out.r2
        kappa = condition_of(*(side[SPLITS[fold][0]] for side in rows_of(recipe, condition, dtype)))
        allowed = ROUNDING * kappa if dtype == "float64" else law_of_single_precision(kappa)
        assert results[f"split{fold}_test_score"][0] == pytest.approx(float(right), rel=0, abs=K * allowed)


@cache
def held_out_of(model: hp.Model, *rows_key: Any) -> list[hp.Scored]:
    X, y = rows_of(*rows_key)
    return [model((X[train], y[train]), (X[test], y[test])) for train, test in SPLITS]


@pytest.mark.parametrize(
    ("kernel", "condition", "regularization", "dtype"),
    [
        *product(["linear"], [1e2, 1e8], [1e-1, 1e-3, 1e-6], TYPES),
        *product(["rbf"], [1e2], [1e-3], TYPES),
        ("rbf", 1e2, 1e-1, "float64"),
    ],
)
def test_kernel_models_agree_with_fifty_digits(kernel, condition, regularization, dtype):
    """Kernels are double in every floating type, and what is inverted has condition 1/regularization."""
    n = 20
    rows = ill_conditioned_pairs("smooth decay", condition, n, dtype=dtype)
    right = hp.kernel_cca(rows, kernel, 0.5, regularization, K)
    gamma = 0.5 if kernel == "rbf" else None
    fitted = KernelCCA(K, kernel=kernel, gamma=gamma, regularization=regularization, power=0.0).fit(*rows)

    base = n * np.finfo(float).eps / regularization
    exact = {"x": floats(right.x_scores), "y": floats(right.y_scores)}
    # Scores are as short as the ridge leaves them, and then easily turned.
    short = np.prod([scores.std(axis=0) for scores in exact.values()], axis=0).min()
    np.testing.assert_allclose(fitted.correlations_, floats(right.correlations), rtol=0, atol=base / short)
    np.testing.assert_allclose(fitted.singular_values_, floats(right.singular_values), rtol=0, atol=base)
    # Results have the type of the rows, so single scores and predictions are rounded.
    single = (dtype != "float64") * np.finfo(np.float32).eps
    found = dict(zip("xy", fitted.transform(*rows), strict=True))
    signs = np.sign(np.sum(found["x"] * exact["x"], axis=0))
    allowed = base * float(right.singular_values[0]) / floats(right.separations)
    for side, scores in exact.items():
        assert np.all(np.abs(found[side] * signs - scores) <= allowed + single * np.abs(scores).max()), side
    assert r2(rows[1], fitted.predict(rows[0])) == pytest.approx(float(right.r2), rel=0, abs=base + single)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_solver_of_moments_says_where_it_loses_half_of_the_digits(recipe):
    """Condition 1e6 times eps leaves nine digits of a correlation, of the sixteen that rows would keep thirteen of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        CCA(K, solver="moments").fit(*ill_conditioned_pairs(recipe, 1e4))
        CCA(K, solver="svd").fit(*ill_conditioned_pairs(recipe, 1e7))
    assert not caught
    with pytest.warns(UserWarning, match="ill-conditioned"):
        CCA(K, solver="moments").fit(*ill_conditioned_pairs(recipe, 1e7))
    with pytest.warns(UserWarning, match="ill-conditioned"):
        CCA(K, solver="moments").fit_moments(PairMoments.from_arrays(*ill_conditioned_pairs(recipe, 1e7)))


GUIDE = Path(__file__).parents[1] / "docs" / "guide" / "linear.md"


@AT_ITS_LIMIT
@pytest.mark.parametrize("condition", CONDITIONS[::2])
def test_the_guide_says_what_to_expect(condition):
    row = re.search(rf"^\| 1e{np.log10(condition):.0f} \|(.*)\|$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    promised = [float(entry) for entry in row[1].split("|")]
    assert len(promised) == len(COLUMNS)
    assert np.all(np.array(largest_errors(condition, seeds=range(1))) <= promised)


def floats(A: Any) -> Any:
    return np.asarray(A, dtype=float)


def r2(y: Any, predictions: Any) -> float:
    y = floats(y)
    return float(np.mean(1 - np.sum((y - predictions) ** 2, axis=0) / np.sum((y - y.mean(axis=0)) ** 2, axis=0)))
