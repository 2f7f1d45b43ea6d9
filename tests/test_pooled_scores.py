"""Pooled scores are PRESS: squared errors of all held-out rows together, whatever the folds, weights, units and widths.

What is right comes from the definition, by refits.
"""

import numpy as np
import pytest
from linear_models import pairs
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneOut,
    RepeatedKFold,
    ShuffleSplit,
    cross_val_predict,
)

from crossmodal_cca import CCA, CCACV, KernelCCACV, PLSRegression, PLSRegressionCV
from crossmodal_cca.alignment._selection import Choice
from crossmodal_cca.plotting import CrossValidationDisplay

N = 24
X, Y = pairs(N, p=5, q=3)
GROUPS = np.arange(N) // 4
SPLITTERS = {
    "single rows": LeaveOneOut(),
    "two rows": KFold(12),
    "groups": GroupKFold(4),
    "held out twice": RepeatedKFold(n_splits=6, n_repeats=2, random_state=0),
    "overlapping": ShuffleSplit(5, train_size=0.5, test_size=0.3, random_state=0),
    "unequal": [(np.setdiff1d(np.arange(N), test), test) for test in np.split(np.arange(N), [1, 4, 11])],
    "some rows only": [(np.arange(5, N), np.arange(2)), (np.arange(2, N - 3), np.arange(N - 1, N))],
}
LATENT = np.random.default_rng(1).normal(size=(N, 2))
WIDE = np.hstack(
    [X, LATENT @ np.random.default_rng(2).normal(size=(2, 90)) + np.random.default_rng(3).normal(size=(N, 90))]
)
ROWS = {
    "several targets": (X, Y * [1.0, 100.0, 0.01]),
    "one target": (X, Y[:, 0]),
    "a target that never varies": (X, np.column_stack([Y, np.full(N, 0.1)])),
    "a target that varies in one row": (X, np.column_stack([Y, np.arange(N) == 4])),
    "wide x": (WIDE, Y),
    "wide y": (X, WIDE * np.logspace(-1, 1, WIDE.shape[1])),
}
SEARCHES = {
    "cca": (CCACV([1, 3], shrinkages=(0.1,)), CCA()),
    "pls": (PLSRegressionCV([1, 3]), PLSRegression()),
    "pls-unscaled": (PLSRegressionCV([1, 3], scale=False), PLSRegression(scale=False)),
}
SCORINGS = ("q2", "neg_mean_squared_error")
WEIGHTS = {"rows": None, "weights": np.random.default_rng(4).integers(0, 3, size=N).astype(float)}


def cells(search):
    return np.column_stack([search.cv_results_[f"split{i}_test_score"] for i in range(search.n_splits_)])


def folds(splitter, weight=None):
    """Training and test rows, and no fold without any."""
    groups = {"groups": GROUPS} if isinstance(splitter, GroupKFold) else {}
    splits = splitter if isinstance(splitter, list) else splitter.split(X, **groups)
    kept = np.ones(N, bool) if weight is None else weight > 0
    splits = [(train[kept[train]], test[kept[test]]) for train, test in splits]
    return [split for split in splits if len(split[1])]


def squared_errors(model, rows, splits, weight):
    """Of the refit of each fold, summed over its rows with their weights: (n_folds, n_targets)."""
    A, b = rows
    w = np.ones(N) if weight is None else weight
    sums = []
    for train, test in splits:
        predicted = clone(model).fit(A[train], b[train], None if weight is None else w[train]).predict(A[test])
        sums.append(w[test] @ (b[test] - predicted).reshape(len(test), -1) ** 2)
    return np.array(sums)


def by_definition(scoring, errors, y, splits, weight, scale):
    """Score of all held-out rows, and of each fold's own."""
    B, w = y.reshape(N, -1).astype(float), np.ones(N) if weight is None else weight
    held_out = np.array([w[test].sum() for _, test in splits])
    if scoring == "neg_mean_squared_error":
        return -errors.sum() / held_out.sum() / B.shape[1], -errors.sum(axis=1) / held_out / B.shape[1]
    mean = w @ B / w.sum()
    variances = w @ (B - mean) ** 2 / (w.sum() - 1) if scale else np.ones(B.shape[1])
    variances[np.ptp(B[w > 0], axis=0) == 0] = np.inf
    total = sum(np.sum(w[test] @ (B[test] - mean) ** 2 / variances) for _, test in splits)
    press = np.sum(errors / variances, axis=1)
    return 1 - press.sum() / total, 1 - press / held_out / (total / held_out.sum())


def assert_pooled(name, rows, splitter, weight):
    search, model = SEARCHES[name]
    groups = {"groups": GROUPS} if splitter == "groups" else {}
    splits = folds(SPLITTERS[splitter], weight)
    both = [
        clone(search).set_params(cv=SPLITTERS[splitter], scoring=scoring).fit(*rows, weight, **groups)
        for scoring in SCORINGS
    ]
    for i, setting in enumerate(both[0].cv_results_["params"]):
        errors = squared_errors(clone(model).set_params(**setting), rows, splits, weight)
        for found in both:
            whole, of_folds = by_definition(found.scoring, errors, rows[1], splits, weight, model.scale)
            # Refits of few rows have condition 1e3 or so, and errors may be many times the variation.
            assert_allclose(cells(found)[i], of_folds, rtol=1e-8, atol=1e-8)
            assert found.cv_results_["mean_test_score"][i] == pytest.approx(whole, rel=1e-8, abs=1e-8)
    for found in both:
        assert found.best_index_ == np.argmax(found.cv_results_["mean_test_score"])
        assert found.best_score_ == found.cv_results_["mean_test_score"][found.best_index_]


@pytest.mark.parametrize("splitter", SPLITTERS)
@pytest.mark.parametrize(
    ("name", "weight"), [("pls", "rows"), ("pls", "weights"), ("pls-unscaled", "rows"), ("cca", "weights")]
)
def test_every_cell_is_a_refit_whatever_the_folds(name, splitter, weight):
    assert_pooled(name, ROWS["several targets"], splitter, WEIGHTS[weight])


@pytest.mark.parametrize(("name", "splitter"), [("pls", "single rows"), ("pls-unscaled", "overlapping")])
@pytest.mark.parametrize("rows", [rows for rows in ROWS if rows != "several targets"])
def test_every_cell_is_a_refit_whatever_the_rows(name, rows, splitter):
    assert_pooled(name, ROWS[rows], splitter, WEIGHTS["weights"])


@pytest.mark.parametrize("cv", [LeaveOneOut(), KFold(12), KFold(4)], ids=str)
def test_under_equal_folds_squared_errors_are_those_of_a_grid_search(cv):
    search = PLSRegressionCV(cv=cv, scoring="neg_mean_squared_error").fit(X, Y)
    grid = {"n_components": search.cv_results_["param_n_components"].tolist()}
    found = GridSearchCV(PLSRegression(), grid, cv=cv, scoring=search.scoring).fit(X, Y)
    assert set(search.cv_results_) == {name for name in found.cv_results_ if "time" not in name}
    for name in search.cv_results_:
        if name.endswith("score") and not name.startswith("rank"):
            assert_allclose(search.cv_results_[name], found.cv_results_[name], atol=1e-8)
    assert search.best_params_ == found.best_params_


def test_the_choice_is_that_of_press():
    """Reports of leave-one-out on few rows: the mean R² of small folds chose the same 7 times of 40."""
    n_mean_agrees = 0
    for seed in range(3):
        rng = np.random.default_rng(seed)
        A = rng.normal(size=(24, 12)) * np.linspace(1.5, 0.4, 12)
        y = A[:, :4].sum(axis=1) + rng.normal(size=24)
        cv = KFold(12, shuffle=True, random_state=seed)
        press = [np.sum((y - cross_val_predict(PLSRegression(k), A, y, cv=cv)) ** 2) for k in range(1, 9)]
        search = PLSRegressionCV(8, cv=cv).fit(A, y)
        assert search.best_params_["n_components"] == 1 + np.argmin(press)
        assert search.best_score_ == pytest.approx(1 - min(press) / np.sum((y - y.mean()) ** 2), abs=1e-8)
        mean = PLSRegressionCV(8, cv=cv, scoring="r2").fit(A, y)
        n_mean_agrees += mean.best_params_ == search.best_params_
    assert n_mean_agrees < 3


def test_a_number_of_folds_may_be_that_of_the_rows():
    one, other = (PLSRegressionCV(cv=cv).fit(X, Y) for cv in (N, LeaveOneOut()))
    assert one.best_params_ == other.best_params_
    assert_allclose(one.cv_results_["mean_test_score"], other.cv_results_["mean_test_score"], atol=1e-10)


@pytest.mark.parametrize("scoring", SCORINGS)
def test_folds_count_by_their_rows(scoring):
    """Mean, deviation and standard error are those of the scores, each repeated for every row."""
    search = PLSRegressionCV(cv=SPLITTERS["unequal"], scoring=scoring).fit(X, Y)
    repeated = np.repeat(cells(search), [len(test) for _, test in SPLITTERS["unequal"]], axis=1)
    means, deviations = search.cv_results_["mean_test_score"], search.cv_results_["std_test_score"]
    assert_allclose(means, repeated.mean(axis=1), atol=1e-12)
    assert_allclose(deviations, repeated.std(axis=1), atol=1e-12)
    simple = clone(search).set_params(one_standard_error=True).fit(X, Y)
    reached = means >= search.best_score_ - deviations[search.best_index_] / np.sqrt(3)
    assert simple.best_index_ == np.flatnonzero(reached)[0]
    bar = CrossValidationDisplay.from_cv_results(search).ax_.containers[0].lines[2][0].get_segments()[0]
    assert np.ptp(bar[:, 1]) == pytest.approx(2 * deviations[search.best_index_] / np.sqrt(3))


@pytest.mark.parametrize(("share", "chosen"), [(0.99, 0), (1.01, 1)])
def test_one_standard_error_counts_folds_by_their_rows(share, chosen):
    """Unbiased where the variance of a fold's score is one over its rows: Σ w (s − m)² / (Σ w · (F − 1))."""
    rows, best = np.array([1.0, 3.0, 7.0, 13.0]), np.array([0.1, 0.9, 0.4, 0.6])
    mean = np.average(best, weights=rows)
    error = np.sqrt(np.sum(rows * (best - mean) ** 2) / rows.sum() / 3)
    scores = np.array([best - share * error, best])
    choice = Choice(
        [{"n_components": 1}, {"n_components": 2}], scores, rows, one_standard_error=True, groups=rows, n_gallery=None
    )
    assert choice.best_index == chosen


@pytest.mark.parametrize("search", [PLSRegressionCV(), CCACV(2, scoring="q2")], ids=["pls", "cca"])
def test_weights_are_repeated_rows(search):
    weight = WEIGHTS["weights"]
    repeated = np.repeat(np.arange(N), weight.astype(int))
    splits = [
        tuple(np.flatnonzero(np.isin(repeated, part)) for part in split) for split in folds(LeaveOneOut(), weight)
    ]
    weighted = clone(search).set_params(cv=LeaveOneOut()).fit(X, Y, weight)
    plain = clone(search).set_params(cv=splits).fit(X[repeated], Y[repeated])
    assert_allclose(cells(weighted), cells(plain), atol=1e-9)
    assert_allclose(weighted.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"], atol=1e-9)


def test_units_of_targets_count_only_where_they_are_not_scaled():
    units = np.array([1e-6, 1.0, 1e6])
    scaled, unscaled = (PLSRegressionCV(2, cv=6, scale=scale) for scale in (True, False))
    means = [clone(scaled).fit(X, Y * unit).cv_results_["mean_test_score"] for unit in (1.0, units)]
    assert_allclose(*means, atol=1e-9)
    # The target of the largest unit is all that counts.
    means = [clone(unscaled).fit(X, B).cv_results_["mean_test_score"] for B in (Y * units, Y[:, 2])]
    assert_allclose(*means, atol=1e-9)


def test_a_target_that_varies_by_rounding_adds_nothing_whatever_its_size():
    """It is half as large as the deviation of the others here."""
    search, small = PLSRegressionCV(2, cv=6, scale=False), Y * 1e-9
    still = np.full(N, 1e7 / 3)
    still[4] += np.spacing(still[4])
    expected = search.fit(X, small).cv_results_["mean_test_score"]
    found = search.fit(X, np.column_stack([small, still])).cv_results_["mean_test_score"]
    assert_allclose(found, expected, atol=1e-9)


def test_a_y_that_does_not_vary_is_met_by_its_mean():
    search = PLSRegressionCV(cv=LeaveOneOut())
    with pytest.warns(UserWarning, match="no covariance at all"):
        search.fit(X, np.full(N, 0.1))
    assert_array_equal(search.cv_results_["mean_test_score"], 1.0)


@pytest.mark.parametrize("scoring", ["correlation", "r2", "explained_variance", "hit_rate_at_5"])
@pytest.mark.parametrize("search", [CCACV, PLSRegressionCV])
def test_other_scorings_say_which_would_take_single_rows(search, scoring):
    message = (
        f"Fold 0 has 23 training and 1 test row.*scoring='{scoring}' needs at least 2 training and 2 test.*"
        "take scoring='q2' or 'neg_mean_squared_error'"
    )
    with pytest.raises(ValueError, match=message):
        search(cv=LeaveOneOut(), scoring=scoring).fit(X, Y)


def test_kernels_have_no_pooled_score():
    with pytest.raises(ValueError, match=r"scoring must be one of 'correlation'.*got 'q2'"):
        KernelCCACV(scoring="q2").fit(X, Y)
    with pytest.raises(ValueError, match=r"scoring='correlation' needs at least 2 .*or larger groups\.$"):
        KernelCCACV(cv=LeaveOneOut()).fit(X, Y)


@pytest.mark.parametrize(
    ("splits", "found"),
    [([(np.arange(5), np.arange(0))], "5 training and 0 test"), ([(np.arange(1), np.arange(5))], "1 training and 5")],
)
def test_folds_without_rows_are_refused(splits, found):
    with pytest.raises(ValueError, match=f"Fold 0 has {found}.*scoring='q2' needs at least 2 training and 1 test"):
        PLSRegressionCV(cv=splits).fit(X, Y)
