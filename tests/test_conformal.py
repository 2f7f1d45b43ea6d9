"""Conformal intervals are their definitions, and hold their level whatever the model, by exchangeability alone."""

import re
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GroupKFold, KFold, LeaveOneOut, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from crossmodal_cca import CCA, CCACV, CrossModalPipeline, KernelCCA, PLSRegression
from crossmodal_cca.datasets import make_paired_latent
from crossmodal_cca.transfer import _conformal, prediction_intervals

X, Y = make_paired_latent(160, 6, 4, random_state=0)
FIT, CALIBRATION, NEW = slice(0, 60), slice(60, 100), slice(100, None)
PAIRS = X[CALIBRATION], Y[CALIBRATION]
SPLIT = {"method": "conformal", "calibration": PAIRS}
MODELS = {
    "cca": CCA(2),
    "search": CCACV(2, cv=3),
    "kernel": KernelCCA(2),
    "pipeline of pairs": CrossModalPipeline(CCA(2), x_transformer=StandardScaler(), y_transformer=StandardScaler()),
    "pipeline": make_pipeline(StandardScaler(), PLSRegression(2)),
    "scikit-learn's": Ridge(),
}


class Mean(RegressorMixin, BaseEstimator):
    """Predicts the mean of y, whatever X."""

    def fit(self, X, y):
        self.mean_ = np.mean(y, axis=0)
        return self

    def predict(self, X):
        return np.full((len(X), *np.shape(self.mean_)), self.mean_)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("level", "rank"), [(0.9, 37), (0.55, 23), (0.5, 21)])
def test_split_conformal_is_its_definition(name, level, rank):
    """⌈.9 · 41⌉ = 37, ⌈.55 · 41⌉ = 23, ⌈.5 · 41⌉ = 21."""
    model = MODELS[name].fit(X[FIT], Y[FIT])
    low, high = prediction_intervals(model, X[NEW], **SPLIT, confidence_level=level)
    half = np.sort(np.abs(PAIRS[1] - model.predict(PAIRS[0])), axis=0)[rank - 1]
    predicted = model.predict(X[NEW])
    assert_allclose(low, predicted - half, rtol=1e-12)
    assert_allclose(high, predicted + half, rtol=1e-12)


@pytest.mark.parametrize("cv", [5, KFold(4), LeaveOneOut()], ids=["number", "splitter", "one"])
def test_cross_conformal_is_its_definition(cv, monkeypatch):
    """Barber et al. (2021), section 3; with one row a fold it is the jackknife+, their section 1."""
    low, high = prediction_intervals(CCA(2), X[NEW], **SPLIT, cv=cv)
    folds = KFold(5, shuffle=True, random_state=0) if cv == 5 else cv
    ends = []
    for train, test in folds.split(PAIRS[0]):
        model = CCA(2).fit(PAIRS[0][train], PAIRS[1][train])
        errors = np.abs(PAIRS[1][test] - model.predict(PAIRS[0][test]))
        ends += [(model.predict(X[NEW]) - error, model.predict(X[NEW]) + error) for error in errors]
    below, above = np.sort(np.array(ends), axis=0).transpose(1, 0, 2, 3)
    # Of 40: the ⌊.1 · 41⌋ = 4th of the lower ends, the 37th of the upper.
    assert_allclose(low, below[3], rtol=1e-12)
    assert_allclose(high, above[36], rtol=1e-12)
    monkeypatch.setattr(_conformal, "_AT_ONCE", 1)
    assert_array_equal(prediction_intervals(CCA(2), X[NEW], **SPLIT, cv=cv), (low, high))


def test_the_other_direction_is_the_swapped_model():
    model, swapped = CCA(2).fit(X[FIT], Y[FIT]), CCA(2).fit(Y[FIT], X[FIT])
    for cv in (None, 4):
        one = prediction_intervals(model, Y[NEW], modality="x", **SPLIT, cv=cv)
        other = prediction_intervals(swapped, Y[NEW], **SPLIT | {"calibration": PAIRS[::-1]}, cv=cv)
        assert_allclose(one, other, atol=1e-9)


@pytest.mark.parametrize("n", [4, 5])
def test_every_order_of_rows_is_held_as_often_as_promised(n):
    """All orders of n + 1 values are equally likely: ⌈.75 (n + 1)⌉ of n + 1 new values are within, exactly."""
    values = np.array([0.0, 1.0, 3.0, 7.0, 15.0, 31.0])[: n + 1]
    model = Mean().fit(np.zeros((2, 1)), np.array([-1.0, -1.0]))
    inside = []
    for order in permutations(values):
        pairs = np.zeros((n, 1)), np.array(order[:n])
        low, high = prediction_intervals(
            model, np.zeros((1, 1)), method="conformal", calibration=pairs, confidence_level=0.75
        )
        inside.append(low[0] <= order[n] <= high[0])
    assert np.mean(inside) == pytest.approx(np.ceil(0.75 * (n + 1)) / (n + 1))


@pytest.mark.newest
@pytest.mark.parametrize("model", [CCA(3), CCA(3, shrinkage=0.3), PLSRegression(3)], ids=str)
@pytest.mark.parametrize("n", [40, 120])
def test_nominal_90_percent_are_held_with_few_rows(model, n):
    """Half of the rows for the fit, half for calibration, beside Gaussian intervals of all rows."""
    split, cross, gaussian = [], [], []
    for seed in range(15):
        x, y = make_paired_latent(n + 300, 12, 6, random_state=seed)
        half, new = n // 2, slice(n, None)

        def inside(ends, truth=y[new]):
            return np.mean((ends[0] <= truth) & (truth <= ends[1]))

        pairs = x[half:n], y[half:n]
        fitted = model.fit(x[:half], y[:half])
        split.append(inside(prediction_intervals(fitted, x[new], method="conformal", calibration=pairs)))
        all_pairs = x[:n], y[:n]
        cross.append(inside(prediction_intervals(model, x[new], method="conformal", calibration=all_pairs, cv=4)))
        with pytest.warns(UserWarning, match=f"With {n} training rows for 12 features"):
            gaussian.append(inside(prediction_intervals(model.fit(*all_pairs), x[new])))
    # The coverage of one draw of n/2 rows has a standard deviation of .065 or less, features averaged; 15 draws.
    assert 0.9 - 3 * 0.065 / 15**0.5 <= np.mean(split) <= 0.9 + 1 / (half + 1) + 3 * 0.065 / 15**0.5
    assert np.mean(cross) >= 0.88
    assert np.mean(gaussian) < np.mean(split)


@pytest.mark.parametrize("n", [1, 8, 9])
def test_too_few_rows_say_nothing(n):
    """At .9 at least .9 / .1 = 9 calibration rows are needed; 1 / α − 1."""
    model = Ridge().fit(X[FIT], Y[FIT])
    arguments = {"method": "conformal", "calibration": (PAIRS[0][:n], PAIRS[1][:n])}
    calls = [lambda: prediction_intervals(model, X[NEW], **arguments)]
    if n == 8:
        calls.append(lambda: prediction_intervals(model, X[NEW], **arguments, cv=2))
    for call in calls:
        if n == 9:
            assert np.isfinite(call()).all()
            continue
        with pytest.warns(UserWarning, match=f"infinite: {n} calibration rows .*at least 9 rows"):
            low, high = call()
        assert (low == -np.inf).all()
        assert (high == np.inf).all()
        assert low.shape == Y[NEW].shape


@pytest.mark.parametrize(("n", "level", "fewest"), [(8, 0.9, 9), (8, 0.95, 19), (31, 0.99, 99), (1, 0.9999, 9999)])
def test_what_the_warning_advises_is_enough(n, level, fewest):
    """As many rows are the fewest m with level · (m + 1) ≤ m; so low a level has them at hand."""
    truth = np.random.default_rng(0).standard_normal(fewest)
    model = DummyRegressor().fit(truth[:, None], truth)

    def intervals(n_rows, confidence_level):
        calibration = truth[:n_rows, None], truth[:n_rows]
        options = {"calibration": calibration, "confidence_level": confidence_level}
        return prediction_intervals(model, truth[:2, None], method="conformal", **options)

    with pytest.warns(UserWarning, match=f"Pass at least {fewest} rows") as told:
        intervals(n, level)
    advised = float(re.search(r"at most (.*)\.$", str(told[0].message))[1])
    assert n / (n + 1) - 1e-3 < advised < level
    for enough in ((fewest, level), (n, advised)):
        assert np.isfinite(intervals(*enough)).all()
    with pytest.warns(UserWarning, match="infinite"):
        intervals(fewest - 1, level)


def test_one_column_frames_and_lists():
    y = Y[:, 0]
    model = CCA(1).fit(X[FIT], y[FIT])
    for cv in (None, 4):
        options = {"method": "conformal", "cv": cv}
        one = prediction_intervals(model, X[NEW], calibration=(PAIRS[0], y[CALIBRATION]), **options)
        assert one[0].shape == one[1].shape == (60,)
        series = pd.Series(y[CALIBRATION], index=np.arange(7, 47))
        frames = pd.DataFrame(PAIRS[0], index=series.index), series
        for pairs in (frames, [PAIRS[0].tolist(), y[CALIBRATION].tolist()]):
            same = prediction_intervals(model, X[NEW].tolist(), calibration=pairs, **options)
            # Lists become columns of memory in another order, and sums another rounding.
            assert_allclose(same, one, rtol=1e-9)


def test_groups_share_a_fold():
    groups = np.arange(40) // 4
    number = prediction_intervals(CCA(2), X[NEW], **SPLIT, cv=5, groups=groups)
    splitter = GroupKFold(5, shuffle=True, random_state=0)
    assert_array_equal(prediction_intervals(CCA(2), X[NEW], **SPLIT, cv=splitter, groups=groups), number)
    positions = list(splitter.split(PAIRS[0], groups=groups))
    assert_array_equal(prediction_intervals(CCA(2), X[NEW], **SPLIT, cv=positions), number)
    assert not np.array_equal(prediction_intervals(CCA(2), X[NEW], **SPLIT, cv=5), number)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "bootstrap"}, ValueError, "method must be one of 'gaussian', 'conformal'; got 'bootstrap'"),
        ({"method": "conformal"}, TypeError, r"calibration must be a pair \(X, y\) .*got NoneType"),
        ({"method": "conformal", "calibration": X}, TypeError, "calibration must be a pair"),
        ({"method": "conformal", "calibration": X[:2]}, TypeError, "calibration must be a pair"),
        ({"method": "conformal", "calibration": (*PAIRS, PAIRS[1])}, TypeError, "calibration must be a pair"),
        ({"calibration": PAIRS}, ValueError, "calibration goes with method='conformal'"),
        ({"cv": 3}, ValueError, "cv goes with method='conformal'"),
        (SPLIT | {"groups": np.arange(40)}, ValueError, "groups goes with cv"),
        (SPLIT | {"calibration": (X[:9], Y[:8])}, ValueError, "got 9 rows of X and 8 of y"),
        (SPLIT | {"calibration": (X[:9], Y[:9, :3])}, ValueError, "y of calibration has 3 features"),
        (SPLIT | {"cv": [(np.arange(20), np.arange(20, 40))]}, ValueError, "test part of exactly one fold"),
        (SPLIT | {"cv": [(np.arange(40), np.arange(40))]}, ValueError, "training and test rows are apart"),
        (SPLIT | {"cv": 1}, ValueError, "cv must be a whole number of at least 2; got 1"),
        (SPLIT | {"cv": True}, TypeError, "cv must be a whole number of at least 2; got True"),
        (SPLIT | {"cv": 41}, ValueError, r"^cv must be a number of folds .*got KFold.*greater than the number"),
        (SPLIT | {"cv": "five"}, ValueError, r"^cv must be a number of folds .* \(train, test\) positions; got 'five'"),
        (SPLIT | {"cv": [1, 2]}, TypeError, r"^cv must be a number of folds .* \(train, test\) positions; got"),
        (SPLIT | {"cv": GroupKFold(3)}, ValueError, "got GroupKFold.*: The 'groups' parameter should not be None"),
        (SPLIT | {"cv": StratifiedKFold(3)}, ValueError, "got StratifiedKFold.*: Supported target types are"),
        (SPLIT | {"calibration": (X[:9], np.ma.array(Y[:9], mask=True))}, ValueError, "^y of calibration is masked"),
        (SPLIT | {"cv": 4, "groups": [1, 2]}, ValueError, "groups must have one entry per row of calibration"),
        (SPLIT | {"confidence_level": 1.0}, ValueError, "confidence_level must lie in"),
    ],
)
def test_bad_input_says_what_to_do(options, error, message):
    with pytest.raises(error, match=message):
        prediction_intervals(CCA(2).fit(X[FIT], Y[FIT]), X[NEW], **options)


def test_models_that_cannot_predict_are_refused():
    with pytest.raises(TypeError, match=r"LinearRegression has no predict_x. It is needed to predict modality 'x'"):
        prediction_intervals(LinearRegression().fit(X, Y), Y, modality="x", **SPLIT)
    with pytest.raises(TypeError, match=r"has no residual_covariance\. Use method='conformal'"):
        prediction_intervals(KernelCCA(2).fit(X, Y), X)
    with pytest.raises(ValueError, match="y of calibration has 4 features, but the model predicts 1"):
        prediction_intervals(LinearRegression().fit(X, Y[:, 0]), X, **SPLIT)


def test_columns_in_another_order_are_refused():
    frames = [pd.DataFrame(side).add_prefix(name) for side, name in ((X, "x"), (Y, "y"))]
    model = CCA(2).fit(*frames)
    x, y = (frame[:30] for frame in frames)
    prediction_intervals(model, x, method="conformal", calibration=(x, y))
    for wrong in ((x[x.columns[::-1]], y), (x, y[y.columns[::-1]])):
        with pytest.raises(ValueError, match=r"(?i)feature names|named"):
            prediction_intervals(model, x, method="conformal", calibration=wrong)


def test_enough_rows_for_each_feature_need_no_warning():
    x, y = make_paired_latent(240, 12, 3, random_state=0)
    prediction_intervals(CCA(2).fit(x, y), x)
    with pytest.warns(UserWarning, match="With 239 training rows for 12 features .* 20 rows for each"):
        prediction_intervals(CrossModalPipeline(CCA(2)).fit(x[1:], y[1:]), x)
    prediction_intervals(CCA(2).fit(x[1:], y[1:]), y, modality="x")
