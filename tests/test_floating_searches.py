"""Searches: their cells are refits, on ill-conditioned rows too, and the same numbers in every floating type."""

import warnings
from functools import cache

import numpy as np
import pytest
from floating_data import CASES, DATA, N_NEW, N, rows
from floating_law import gaps_of_deflation, tolerance_of_directions
from sklearn.base import clone
from sklearn.metrics import explained_variance_score
from sklearn.model_selection import KFold

from crossmodal_cca import CCA, CCACV, KernelCCA, KernelCCACV, PLSRegression, PLSRegressionCV
from crossmodal_cca.metrics import make_retrieval_scorer

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
FOLDS = KFold(3, shuffle=True, random_state=0)
KERNEL = {"width_factors": (1.0,), "regularizations": (0.01, 0.1), "cv": FOLDS}
NYSTROEM = {"approximation": "nystroem", "n_landmarks": 8, "random_state": 0}
SEARCHES = {
    "cca-cv": CCACV(shrinkages=(0.0, 0.1, 0.5), cv=FOLDS),
    "cca-cv-explained": CCACV(shrinkages=(0.0, 0.1, 0.5), cv=FOLDS, scoring="explained_variance"),
    "cca-cv-retrieval": CCACV([1, 2], shrinkages=(0.1, 0.5), cv=FOLDS, scoring="hit_rate_at_5"),
    "pls-regression-cv": PLSRegressionCV(cv=FOLDS),
    "pls-regression-cv-of-folds": PLSRegressionCV(cv=FOLDS, scoring="r2"),
    "kernel-cv": KernelCCACV(2, **KERNEL),
    "kernel-cv-nystroem": KernelCCACV(2, **KERNEL, **NYSTROEM),
}
# Of another way to score or to approximate what others meet all rows with: these meet every other case.
VARIANTS = ("cca-cv-explained", "cca-cv-retrieval", "pls-regression-cv-of-folds", "kernel-cv-nystroem")
# Items of which many are equal tie in a search: their ranks are no matter of precision.
TIED = ("indicators", "sixty")


def nearly_the_same(rng):
    """Pairs of features that differ by 1e-7, and y knows the differences."""
    F, D = rng.normal(size=(2, N, 2))
    return np.hstack([F, F + 1e-7 * D]), D + 0.5 * rng.normal(size=(N, 2)) + 0.3 * F[:, ::-1]


IN_DOUBLE = {name: (lambda name=name: rows(name).double()[:2]) for name in DATA}
IN_DOUBLE["nearly_the_same"] = lambda: tuple(A[:-N_NEW] for A in nearly_the_same(np.random.default_rng(6)))


def combinations(cases):
    return pytest.mark.parametrize(
        ("name", "case"),
        [
            (name, case)
            for i, name in enumerate(SEARCHES)
            for j, case in enumerate(cases)
            if not (name == "cca-cv-retrieval" and any(tied in case for tied in TIED))
            and not (name in VARIANTS and (i + j) % 2)
        ],
    )


@cache
def found(name, case, narrow):
    """The search on the rows of a case, in their own type or in double precision."""
    X, y = rows(case)[:2] if narrow else in_double(case)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return clone(SEARCHES[name]).fit(X, y)


def in_double(case):
    """Rows of both sides in double precision."""
    return IN_DOUBLE[case]() if case in IN_DOUBLE else rows(case).double()[:2]


@cache
def all_gaps(name, case):
    """Gaps of the components of each setting on the training rows of each split, in double precision."""
    X, y = in_double(case)
    return [list(gaps_of(found(name, case, narrow=False), X[train], y[train])) for train, _ in FOLDS.split(X)]


def cells(search):
    """Scores, a row for each setting and a column for each split."""
    return np.column_stack([search.cv_results_[f"split{i}_test_score"] for i in range(search.n_splits_)])


def model_of(search, setting):
    """The estimator of a setting, in the search's own words."""
    if isinstance(search, KernelCCACV):
        return KernelCCA(**setting, **(NYSTROEM if search.approximation else {}))
    return (CCA if isinstance(search, CCACV) else PLSRegression)(**setting)


def score_of(search, model, X, y, whole):
    """What a cell of the search holds, from its held-out rows and from `whole`, all rows of y."""
    if search.scoring == "explained_variance":
        return explained_variance_score(y, model.predict(X))
    if search.scoring == "q2":
        variances = whole.var(axis=0, ddof=1)
        errors = np.mean((y - model.predict(X)) ** 2, axis=0)
        # All rows are held out once: the mean square of a target about its mean is n − 1 of n of its variance.
        return 1 - np.mean(errors / variances) * len(whole) / (len(whole) - 1)
    if search.scoring == "hit_rate_at_5":
        return make_retrieval_scorer("hit_rate_at_5")(model, X, y)
    return model.score(X, y)


def gaps_of(search, X, y):
    """Gaps of the components of each setting on training rows."""
    settings = search.cv_results_["params"]
    most, found = max(setting["n_components"] for setting in settings), {}

    def of(setting):
        if isinstance(search, PLSRegressionCV):
            return gaps_of_deflation(X, y, most, symmetric=False)
        d = model_of(search, setting).set_params(n_components=None).fit(X, y).singular_values_
        d = np.append(d / d[0], 0.0)
        return np.array([np.delete(np.abs(d - d[j]), j).min() for j in range(most)])

    for setting in settings:
        key = str({name: value for name, value in setting.items() if name not in ("n_components", "power")})
        if key not in found:
            found[key] = of(setting)
        yield found[key][: setting["n_components"]]


@combinations(IN_DOUBLE)
def test_in_double_precision_cells_are_refits(name, case):
    """Wherever the components that it uses are apart, so that there is one refit.

    Of many settings each takes its turn at one split, so that every split meets a third of them, of all kinds.
    """
    search, (X, y) = found(name, case, narrow=False), in_double(case)
    table, settings, compared = cells(search), search.cv_results_["params"], 0
    for j, (train, test) in enumerate(FOLDS.split(X, y)):
        for i, (setting, gaps) in enumerate(zip(settings, all_gaps(name, case)[j], strict=True)):
            if gaps.min() < 1e-8 or (len(settings) > 6 and (i + i // 3) % 3 != j):
                continue
            model = model_of(search, setting).fit(X[train], y[train])
            expected = score_of(search, model, X[test], y[test], y)
            assert table[i, j] == pytest.approx(expected, abs=1e-6 * max(1.0, abs(1 - expected))), (setting, j)
            compared += 1
    assert compared or "more_features" in case


@combinations(CASES)
def test_cells_and_choices_are_equal_in_every_floating_type(name, case):
    single, double = found(name, case, narrow=True), found(name, case, narrow=False)
    params = double.cv_results_["params"]
    assert [p["n_components"] for p in single.cv_results_["params"]] == [p["n_components"] for p in params]
    X, y = in_double(case)
    allowed = np.column_stack(
        [
            [tolerance_of_directions(gaps, X[train], y[train]).sum() for gaps in apart]
            for apart, (train, _) in zip(all_gaps(name, case), FOLDS.split(X), strict=True)
        ]
    )
    # Where R² is far below zero, 1 − R² is what has the relative error.
    allowed *= np.maximum(1.0, np.abs(1 - cells(double)))
    excess = np.abs(cells(single) - cells(double)) / allowed
    i, j = np.unravel_index(excess.argmax(), excess.shape)
    assert excess.max() <= 1, (params[i], f"split {j}", cells(single)[i, j], cells(double)[i, j], allowed[i, j])
    means = double.cv_results_["mean_test_score"]
    if means[double.best_index_] - np.delete(means, double.best_index_).max() > 2 * allowed.mean(axis=1).max():
        assert single.best_index_ == double.best_index_
        assert single.best_score_ == pytest.approx(double.best_score_, abs=allowed[double.best_index_].mean())
