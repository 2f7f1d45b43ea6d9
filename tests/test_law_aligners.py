"""Everything that takes a fitted aligner takes it in a search, or frozen, too, and says what is wrong with others."""

import inspect

import numpy as np
import pytest
from aligner_rows import ALIGNERS, FITTED, X, Y
from everything import TABLE
from function_rows import MANY_PAIRS
from sameness import assert_same
from sklearn import cross_decomposition
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from crossmodal_cca import CCA, CrossModalPipeline, KernelCCA
from crossmodal_cca._aligner import Aligner, fitted_aligner
from crossmodal_cca.inference import bootstrap_weights, summary
from crossmodal_cca.metrics import shuffled_pair_control
from crossmodal_cca.plotting import CanonicalCorrelationDisplay, HitRateDisplay
from crossmodal_cca.transfer import SharedSpace, prediction_intervals

# These fit it themselves, or take its parameters alone.
FITS_ITSELF = (
    "shuffled_pair_control",
    "prediction_intervals-folds",
    "permutation_test",
    "report",
    "PairCheck",
    "DriftMonitor",
    "DriftMonitor-unfitted",
)
CALLS = {
    f"{row_id}-{call}": (row, call, name)
    for row_id, row in TABLE.items()
    for call in row.all_calls
    for name in ("aligner", "estimator")
    if name in call.arguments and row_id not in FITS_ITSELF
}
WRAPPERS = {
    row_id: row
    for row_id, row in TABLE.items()
    if row.estimator is not None
    and getattr(row.estimator, "aligner", None) is not None
    and row_id not in (*ALIGNERS, *FITS_ITSELF)
}


def searched(aligner):
    """A search that has found the same model."""
    rows = MANY_PAIRS if aligner.n_samples_seen_ == len(MANY_PAIRS["X"]) else {"X": X, "y": Y}
    return GridSearchCV(clone(aligner), {"power": [aligner.power]}, cv=2).fit(**rows)


WAYS = {
    "frozen": FrozenEstimator,
    "search": searched,
    "frozen search": lambda aligner: FrozenEstimator(searched(aligner)),
}
# What is no fitted aligner, and what is said of it.
NO_ALIGNERS = {
    "a class": (CCA, TypeError, r"is the class CCA itself: pass CCA\(\)\.fit\(X, y\)"),
    "not fitted": (CCA(2), NotFittedError, "CCA instance is not fitted yet"),
    "a search not fitted": (GridSearchCV(CCA(2), {}), NotFittedError, "GridSearchCV instance is not fitted yet"),
    "a search that keeps no model": (
        GridSearchCV(CCA(2), {}, cv=2, refit=False).fit(X, Y),
        ValueError,
        "GridSearchCV with refit=False, which keeps no fitted model: set refit=True",
    ),
    "one side": (PCA(2).fit(X), TypeError, "PCA has no "),
    "a pipeline of one side": (
        make_pipeline(StandardScaler(), CCA(2)).fit(X, Y),
        TypeError,
        "Pipeline has no .* CrossModalPipeline",
    ),
    "scikit-learn's": (
        cross_decomposition.CCA(2).fit(X, Y),
        TypeError,
        r"CCA has no .* Fit crossmodal_cca\.CCA in its place",
    ),
    "an array": (X, TypeError, "ndarray has no "),
}
# A model that predicts is enough for these; which methods are missing, and what to do, depends on the method.
PREDICTS = [name for name in CALLS if name.startswith("prediction_")]


@pytest.mark.parametrize("row", ALIGNERS.values(), ids=ALIGNERS)
def test_every_aligner_of_the_package_follows_the_protocol(row):
    assert isinstance(row.estimator, Aligner)
    fitted = row.made()
    assert fitted_aligner(fitted) is fitted
    for method in ("fit", "transform", "transform_y"):
        expected = list(inspect.signature(getattr(Aligner, method)).parameters)
        assert list(inspect.signature(getattr(type(fitted), method)).parameters)[: len(expected)] == expected


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", CALLS)
def test_a_fitted_aligner_is_found_wherever_it_is(what, way):
    row, call, name = CALLS[what]
    bare = call.on(row.ready())
    assert_same(call.on(row.ready(), **{name: WAYS[way](call.arguments[name])}), bare)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("row", WRAPPERS.values(), ids=WRAPPERS)
def test_wrappers_find_it_too(row, way):
    wrapper = clone(row.estimator).set_params(aligner=WAYS[way](row.estimator.aligner))
    assert_same(row.fit.on(wrapper).aligner_, row.ready().aligner_)


@pytest.mark.parametrize("case", NO_ALIGNERS)
@pytest.mark.parametrize("what", [name for name in CALLS if name not in PREDICTS])
def test_what_is_none_is_refused(what, case):
    row, call, name = CALLS[what]
    given, error, message = NO_ALIGNERS[case]
    with pytest.raises(error, match=message):
        call.on(row.ready(), **{name: given})


@pytest.mark.parametrize("case", NO_ALIGNERS)
@pytest.mark.parametrize("row", WRAPPERS.values(), ids=WRAPPERS)
def test_wrappers_refuse_it_too(row, case):
    given, error, message = NO_ALIGNERS[case]
    with pytest.raises(error, match=message):
        row.fit.on(clone(row.estimator).set_params(aligner=given))


@pytest.mark.parametrize("case", ["a class", "not fitted", "a search not fitted", "a search that keeps no model"])
@pytest.mark.parametrize("what", PREDICTS)
def test_predictions_are_asked_of_a_fitted_model(what, case):
    row, call, name = CALLS[what]
    given, error, message = NO_ALIGNERS[case]
    with pytest.raises(error, match=message):
        call.on(row.ready(), **{name: given})


class Duck:
    """An aligner that is no estimator of scikit-learn's: two maps."""

    def fit(self, X, y):
        self.maps = np.eye(X.shape[1], 2), np.eye(y.shape[1], 2)
        return self

    def transform(self, X):
        return X @ self.maps[0]

    def transform_y(self, y):
        return y @ self.maps[1]


def test_whatever_has_the_methods_is_an_aligner_and_may_lack_others():
    duck = Duck().fit(X, Y)
    assert HitRateDisplay.from_estimator(duck, X, Y, n_resamples=0).name == "Duck"
    with pytest.raises(TypeError, match="Duck has no correlations_"):
        summary(duck, X, Y)
    with pytest.raises(TypeError, match=r"Duck has no x_weights_\. Pass a fitted CCA or PLS model"):
        bootstrap_weights(duck, X, Y)
    with pytest.raises(TypeError, match=r"Duck has no residual_covariance\. Use method='conformal'"):
        prediction_intervals(duck, X)
    with pytest.raises(TypeError, match=r"KernelCCA has no residual_covariance\. Use method='conformal'"):
        prediction_intervals(KernelCCA(2).fit(X, Y), X)


def test_a_wrapper_is_out_of_reach_of_what_an_aligner_writes_into_itself():
    duck = Duck().fit(X, Y)
    space = SharedSpace(duck).fit(X)
    before = space.transform(X)
    duck.maps[0][:] = 7.0
    assert_same(space.transform(X), before)


@pytest.mark.parametrize(
    "function", [summary, CanonicalCorrelationDisplay.from_estimator, HitRateDisplay.from_estimator]
)
def test_a_search_inside_a_pipeline_or_around_one_is_found(function):
    plain = CrossModalPipeline(CCA(2), x_transformer=StandardScaler()).fit(X, Y)
    inside = CrossModalPipeline(GridSearchCV(CCA(2), {}, cv=2), x_transformer=StandardScaler()).fit(X, Y)
    around = GridSearchCV(CrossModalPipeline(CCA(2), x_transformer=StandardScaler()), {}, cv=2).fit(X, Y)
    expected = function(plain, X, Y)
    assert_same(function(around, X, Y), expected)
    if function is summary:
        assert_same(function(inside, X, Y), expected)


@pytest.mark.parametrize(
    "call",
    [
        lambda aligner: shuffled_pair_control(aligner, X, Y, X, Y),
        lambda aligner: prediction_intervals(aligner, X, method="conformal", calibration=(X, Y), cv=3),
    ],
)
def test_what_is_to_be_fitted_anew_must_not_be_frozen(call):
    with pytest.raises(TypeError, match="FrozenEstimator, which never is: pass the CCA inside it"):
        call(FrozenEstimator(FITTED))
