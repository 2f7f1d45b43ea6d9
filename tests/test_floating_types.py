"""The same numbers in every floating type: models fitted to narrow rows, by the law in `floating_law.py`."""

import re
import warnings

import numpy as np
import pytest
from floating_data import EPS, condition, directions, rows
from floating_law import LINEAR, MODELS, SINGLE_EPS, fitted, gaps, models, spacing_of_single, tol, turn, turned, twins
from sklearn.base import clone

from crossmodal_cca import CCA, PairMoments, PLSRegression

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@models()
def test_narrow_rows_give_the_numbers_of_double_ones(name, case):
    for same in (
        correlations,
        scores_of_components_that_are_apart,
        scores_of_models,
        predictions,
        with_one_narrow_side,
    ):
        same(name, case)


def correlations(name, case):
    single, double = fitted(name, case)
    stationary = isinstance(single, CCA) and single.shrinkage == 0
    allowed = np.full(double.n_components_, tol(case)) if stationary else turned(name, case)
    found = np.abs(single.correlations_ - double.correlations_)
    assert (found <= allowed).all(), (found, allowed)


def definite(single, double, j):
    """The sign of a component against its twin: the same, unless its two largest weights tie with opposite signs."""
    weights = getattr(double, "x_weights_", None)
    if weights is None:
        return 1.0
    w = weights[:, j]
    largest = np.abs(w).max()
    rivals = w[np.abs(w) > 0.999 * largest]
    if (rivals > 0).all() or (rivals < 0).all():
        return 1.0
    return np.sign(single.x_weights_[:, j].astype(float) @ w)


def scores_of_components_that_are_apart(name, case):
    """A turn by an angle moves the score of a row by that times how far out the row lies, in standard deviations."""
    single, double = fitted(name, case)
    narrow = rows(case)
    for side, transform in enumerate(("transform", "transform_y")):
        one = getattr(single, transform)(narrow[side]).astype(float)
        other = getattr(double, transform)(narrow.double()[side])
        assert np.isfinite(one).all()
        far = np.maximum(directions(narrow[side]).lengths, 1.0)[:, None]
        scale = other.std(axis=0)
        for j in np.flatnonzero(np.isfinite(turned(name, case)) & (scale > 0)):
            difference = np.abs(one[:, j] * definite(single, double, j) - other[:, j]) / scale[j]
            # The scores themselves are given in single precision.
            rounding = SINGLE_EPS * np.abs(other[:, j]).max() / scale[j]
            worst = (difference - rounding) / far[:, 0]
            assert worst.max() <= turned(name, case)[j], (transform, j, worst.max(), turned(name, case)[j])


def scores_of_models(name, case):
    """R² for `PLSRegression`, of which 1 − R² has the tolerance; a sum of correlations for the others."""
    single, double = fitted(name, case)
    narrow = rows(case)
    is_r2 = isinstance(single, PLSRegression)
    each = turned(name, case)
    for X, y, is_new in ((narrow.X, narrow.y, False), (narrow.new_X, narrow.new_y, True)):
        one, other = single.score(X, y), double.score(X.astype(float), y.astype(float))
        if is_r2:
            allowed = tol(case) * max(1.0, abs(1 - other))
        elif isinstance(single, CCA) and single.shrinkage == 0 and not is_new:
            allowed = tol(case) * len(each)
        else:
            allowed = each.sum()
        assert abs(one - other) <= allowed, (is_new, one, other, allowed)


# All possible components of these are least squares, or a ridge: no matter which directions make them up.
WHOLE = ("cca", "cca-svd", "cca-shrunk-.1", "cca-shrunk-.5", "pls-regression")


def predictions(name, case):
    """In standard deviations of y, times how far out a row lies.

    Covariances of both sides with each other and of x with itself enter, and two products in single precision.
    """
    single, double = fitted(name, case)
    narrow = rows(case)
    one, other = single.predict(narrow.X), double.predict(narrow.double().X)
    allowed = 4 * (tol(case) if name in WHOLE else turned(name, case).max())
    far = np.maximum(directions(narrow.X).lengths, 1.0)[:, None]
    # Predictions are given in single precision.
    difference = np.abs(one - other) - spacing_of_single(other)
    assert (difference <= allowed * far * narrow.y.astype(float).std(axis=0)).all()


def with_one_narrow_side(name, case):
    """A side in single precision beside one in double precision: every model and all rows meet either."""
    narrow, double = rows(case), twins(name, case)[1]
    X, y = (narrow.X, narrow.double().y) if turn(name, case) else (narrow.double().X, narrow.y)
    mixed = clone(MODELS[name]).fit(X, y)
    assert mixed.n_components_ == double.n_components_
    assert (np.abs(mixed.correlations_ - double.correlations_) <= turned(name, case)).all()


def from_batches(model, narrow):
    """Fitted to a stream of three batches."""
    for part in np.array_split(np.arange(len(narrow.X)), 3):
        model.partial_fit(narrow.X[part], narrow.y[part])
    return model


def from_moments(model, narrow):
    """Fitted to moments alone."""
    return model.fit_moments(PairMoments.from_arrays(narrow.X, narrow.y))


@models(named=[name for name in LINEAR if name != "cca-svd"])
def test_without_the_rows_numbers_are_equal_or_there_is_a_warning(name, case):
    """Single products carry what is asked up to a condition of 1e2, where a warning would be noise."""
    narrow, double = rows(case), twins(name, case)[1]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = (from_batches, from_moments)[turn(name, case)](clone(MODELS[name]), narrow)
    if any(re.search("ill-conditioned|not at hand", str(warning.message)) for warning in caught):
        assert condition(narrow.X, narrow.y) > 1e2
        return
    assert model.n_components_ == double.n_components_
    assert (np.abs(model.correlations_ - double.correlations_) <= turned(name, case)).all()


@models(named=[name for name in MODELS if name != "kernel-nystroem"])
def test_in_double_precision_the_order_of_rows_decides_nothing(name, case):
    """Rounding, magnified by the condition and the gaps, is all that differs; landmarks alone are drawn by position."""
    wide, double = rows(case).double(), twins(name, case)[1]
    order = np.random.default_rng(0).permutation(len(wide.X))
    other = clone(MODELS[name]).fit(wide.X[order], wide.y[order])
    assert other.n_components_ == double.n_components_
    apart = gaps(name, case)
    allowed = 1e3 * EPS * condition(wide.X, wide.y) / np.maximum(apart, EPS)
    determined = allowed < 0.1
    assert (np.abs(other.correlations_ - double.correlations_) <= allowed)[determined].all()
    one, again = other.transform(wide.X), double.transform(wide.X)
    for j in np.flatnonzero(determined):
        agreement = definite(other, double, j) * (one[:, j] @ again[:, j])
        assert agreement > 0, f"component {j} has changed its sign"
