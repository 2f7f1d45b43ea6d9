"""Bad input never passes silently, never leaves a half-changed model, and the message says what to do."""

import numpy as np
import pandas as pd
import pytest
from linear_models import models, pairs
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import has_fit_parameter

from crossmodal_cca import CCA, PLSSVD, CrossModalPipeline, KernelCCA, PairMoments, PLSCanonical, PLSRegression

X, Y = pairs(100)
FRAME_X, FRAME_Y = pd.DataFrame(X).add_prefix("a"), pd.DataFrame(Y).add_prefix("b")


def spoiled(A, value):
    A = A.copy()
    A[-1, 0] = value
    return A


FIT = {
    "NaN in X": ((spoiled(X, np.nan), Y), ValueError, "Input X contains NaN"),
    "infinity in X": ((spoiled(X, np.inf), Y), ValueError, "Input X contains infinity"),
    "NaN in y": ((X, spoiled(Y, np.nan)), ValueError, "Input y contains NaN"),
    "NaN in wide X": ((spoiled(X[:5], np.nan), Y[:5]), ValueError, "Input X contains NaN"),
    "strings in X": ((X.astype(str).tolist(), Y), ValueError, "X holds text, such as '"),
    "words in y": ((X, ["word"] * 100), ValueError, "y holds text, such as 'word'"),
    "complex X": ((X.astype(complex), Y), ValueError, "Complex data not supported"),
    "one row": ((X[:1], Y[:1]), ValueError, "1 sample"),
    "no row": ((X[:0], Y[:0]), ValueError, "0 sample"),
    "no feature": ((X[:, :0], Y), ValueError, "0 feature"),
    "no y-feature": ((X, Y[:, :0]), ValueError, "0 feature"),
    "more rows in X": ((X, Y[:-1]), ValueError, "X has 100 rows and y has 99; rows are pairs"),
    "1-D X": ((X[:, 0], Y), ValueError, "Expected 2D array"),
    "3-D y": ((X, Y[:, :, None]), ValueError, "dim 3|dimension"),
    "no y": ((X, None), ValueError, "requires y to be passed"),
    "zero weights": ((X, Y, np.zeros(100)), ValueError, "not every weight may be zero"),
    "negative weights": ((X, Y, -np.ones(100)), ValueError, "finite and non-negative"),
    "too light": ((X, Y, np.full(100, 0.01)), ValueError, "sums to 1; a covariance divides by the sum minus 1"),
    "one weighted row": ((X, Y, np.eye(100)[0] * 5), ValueError, "leaves n_samples=1"),
    "too few weights": ((X, Y, np.ones(99)), ValueError, "one weight for each of the 100 rows"),
}


REFUSING = [
    pytest.param(model, case, id=f"{model}-{case}")
    for model in (
        *(CCA(2), CCA(2, solver="svd"), PLSSVD(2), PLSCanonical(2), PLSRegression()),
        *(KernelCCA(2), KernelCCA(2, approximation="nystroem", random_state=0)),
    )
    for case, (arguments, *_) in FIT.items()
    if len(arguments) == 2 or has_fit_parameter(model, "sample_weight")
]


@pytest.mark.parametrize(("model", "case"), REFUSING)
def test_fit_refuses(model, case):
    arguments, error, message = FIT[case]
    fresh = clone(model)
    with pytest.raises(error, match=message):
        fresh.fit(*arguments)
    assert vars(fresh) == vars(clone(model))
    fitted = clone(model).fit(X, Y)
    before, scores = vars(fitted).copy(), fitted.transform(X)
    with pytest.raises(error, match=message):
        fitted.fit(*arguments)
    assert list(vars(fitted)) == list(before)
    assert all(vars(fitted)[name] is value for name, value in before.items())
    np.testing.assert_array_equal(fitted.transform(X), scores)


PARTIAL_FIT = {
    name: case
    for name, case in FIT.items()
    if name not in ("no row", "one row", "too light", "one weighted row", "zero weights")
}
PARTIAL_FIT |= {
    "narrower X": ((X[:, 1:], Y), ValueError, "X has 7 features, but .* is expecting 8 features"),
    "narrower y": ((X, Y[:, 1:]), ValueError, "y has 5 features, but .* was fitted with 6"),
}


@pytest.mark.parametrize("case", PARTIAL_FIT)
@models()
def test_a_refused_batch_changes_nothing(model, case):
    if getattr(model, "solver", None) == "svd":
        model = clone(model).set_params(solver="auto")
    arguments, error, message = PARTIAL_FIT[case]
    fitted = clone(model).partial_fit(X, Y)
    before = vars(fitted).copy()
    with pytest.raises(error, match=message):
        fitted.partial_fit(*arguments)
    assert list(vars(fitted)) == list(before)
    assert all(vars(fitted)[name] is value for name, value in before.items())


def test_partial_fit_takes_one_row_at_a_time():
    cca = CCA(2, shrinkage=0.5)
    sizes = [cca.partial_fit(X[i : i + 1], Y[i : i + 1]).n_components_ for i in range(5)]
    assert sizes == [0, 1, 2, 2, 2]
    assert CCA(2, shrinkage=0.5).partial_fit(X[:1], Y[:1]).predict(X[:3]).shape == (3, Y.shape[1])
    np.testing.assert_allclose(cca.coef_, CCA(2, shrinkage=0.5).fit(X[:5], Y[:5]).coef_, atol=1e-10)
    with pytest.raises(ValueError, match="n_components=7 is more than"):
        CCA(7).partial_fit(X[:1], Y[:1])


PARAMETERS = [
    (CCA(7), ValueError, r"n_components=7 is more than the 6 possible.*y has rank 6"),
    (CCA(0), ValueError, "n_components must be a whole number of at least 1"),
    (CCA(-1), ValueError, "n_components must be a whole number of at least 1"),
    (CCA(2.5), TypeError, "n_components must be a whole number of at least 1"),
    (CCA("all"), TypeError, "n_components must be a whole number of at least 1"),
    (CCA(True), TypeError, "n_components must be a whole number of at least 1"),
    (CCA(shrinkage=-0.1), ValueError, r"shrinkage must lie in \[0, 1\], got -0.1"),
    (CCA(shrinkage=1.1), ValueError, r"shrinkage must lie in \[0, 1\], got 1.1"),
    (CCA(shrinkage=np.nan), ValueError, r"shrinkage must lie in \[0, 1\]"),
    (CCA(shrinkage="lw"), ValueError, "in .0, 1. or 'oas', got 'lw'"),
    (CCA(shrinkage=(0.1, 0.2, 0.3)), ValueError, "or a pair"),
    (CCA(shrinkage=(0.1, 2)), ValueError, r"shrinkage must lie in \[0, 1\], got 2"),
    (CCA(shrinkage=None), TypeError, "shrinkage must be a number"),
    (CCA(power=-1), ValueError, "power must lie in"),
    (CCA(power=np.inf), ValueError, "power must lie in"),
    (CCA(power="high"), TypeError, "power must be a number"),
    (CCA(solver="eigen"), ValueError, "solver must be one of 'auto', 'moments', 'svd', 'randomized'; got 'eigen'"),
    (PLSSVD(7), ValueError, "n_components=7 is more than the 6 possible"),
    (PLSCanonical(7), ValueError, "n_components=7 is more than the 6 possible"),
    (PLSRegression(9), ValueError, r"n_components=9 is more than the 8 possible.*X has rank 8 \(n_features=8\)"),
    (PLSCanonical(power=-1), ValueError, "power must lie in"),
    (PLSSVD(scale="yes"), TypeError, "scale must be True or False, got 'yes'"),
]


@pytest.mark.parametrize(("model", "error", "message"), PARAMETERS)
def test_parameters_out_of_range_are_refused(model, error, message):
    for call in (model.fit, model.partial_fit):
        with pytest.raises(error, match=message):
            call(X, Y)
    with pytest.raises(error, match=message):
        model.fit_moments(PairMoments.from_arrays(X, Y))
    assert not hasattr(model, "x_weights_")


def test_more_components_than_rows_are_refused():
    with pytest.raises(ValueError, match="n_components=5 is more than the 3 possible: with n_samples=4"):
        CCA(5, shrinkage=0.5).fit(X[:4], Y[:4])


CCA2 = CCA(2).fit(X, Y)
FRAMED = CCA(2).fit(FRAME_X, FRAME_Y)
USE = [
    (lambda: CCA2.transform(X[:, :3]), ValueError, "X has 3 features, but CCA is expecting 8 features"),
    (lambda: CCA2.transform_y(X), ValueError, "y has 8 features, but CCA was fitted with 6 in the second modality"),
    (lambda: CCA2.predict_x(X), ValueError, "y has 8 features, but CCA was fitted with 6"),
    (lambda: CCA2.transform(None, Y), ValueError, "go to transform_y"),
    (lambda: CCA2.transform(X, Y[:3]), ValueError, "X has 100 rows and y has 3"),
    (lambda: CCA2.score(X, Y[:3]), ValueError, "X has 100 rows and y has 3"),
    (lambda: CCA2.score(X[:1], Y[:1]), ValueError, "at least 2"),
    (lambda: CCA2.transform(spoiled(X, np.nan)), ValueError, "Input X contains NaN"),
    (lambda: CCA2.transform_y(spoiled(Y, np.inf)), ValueError, "Input y contains infinity"),
    (lambda: CCA2.transform_y(None), ValueError, "y is None; it must hold the rows of a modality"),
    (lambda: CCA2.transform(X[0]), ValueError, "Expected 2D array"),
    (lambda: CCA2.inverse_transform(X), ValueError, "X must be scores.*CCA has n_components_=2, and X 8"),
    (lambda: CCA2.residual_covariance("z"), ValueError, "modality must be one of 'x', 'y'"),
    (lambda: CCA2.sample_y(X, n_samples=0), ValueError, "n_samples must be a whole number of at least 1; got 0"),
    (lambda: FRAMED.transform(FRAME_X[FRAME_X.columns[::-1]]), ValueError, "feature names"),
    (lambda: FRAMED.transform_y(FRAME_Y[FRAME_Y.columns[::-1]]), ValueError, "same columns in the same order"),
    (lambda: FRAMED.partial_fit(FRAME_X, FRAME_Y.add_prefix("c")), ValueError, "same columns in the same order"),
    (lambda: CCA().fit_moments(X), TypeError, "fit_moments takes a PairMoments, got ndarray"),
    (lambda: CCA().fit_moments(PairMoments.from_arrays(X[:1], Y[:1])), ValueError, "at least 2 rows"),
    (lambda: CrossModalPipeline(CCA(), y_transformer="passthrough").fit(X, Y), TypeError, "y_transformer must be a"),
    (lambda: CrossModalPipeline(CCA()).fit(X, None), ValueError, "requires y to be passed"),
    (lambda: CrossModalPipeline(CCA()).fit(X, Y[:5]), ValueError, "X has 100 rows and y has 5"),
    (lambda: CCA().predict(X), NotFittedError, "not fitted yet"),
    (lambda: CCA().coef_, NotFittedError, "not fitted yet"),
    (lambda: CrossModalPipeline(CCA()).transform(X), NotFittedError, "not fitted yet"),
]


@pytest.mark.parametrize(("call", "error", "message"), USE)
def test_a_fitted_model_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_refused_refit_leaves_the_pipeline_alone():
    model = CrossModalPipeline(CCA(2)).fit(X, Y)
    fitted = model.aligner_
    with pytest.raises(ValueError, match="NaN"):
        model.fit(spoiled(X, np.nan), Y)
    assert model.aligner_ is fitted
