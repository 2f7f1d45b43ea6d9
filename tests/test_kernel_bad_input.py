"""What kernels, widths, landmarks and precomputed matrices may be, and what is said of others."""

import warnings

import numpy as np
import pandas as pd
import pytest
from linear_models import pairs
from sklearn.base import clone
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from crossmodal_cca import CrossModalPipeline, KernelCCA, KernelCCACV
from crossmodal_cca.alignment import _kernel_memory
from crossmodal_cca.datasets import load_emoji
from crossmodal_cca.kernels import _fit, _ridge_path

X, Y = pairs(100)
K, L = rbf_kernel(X, gamma=0.05), rbf_kernel(Y, gamma=0.05)
NEW = pairs(20, seed=1)

PARAMETERS = {
    "unknown kernel": (
        {"kernel": "gaussian"},
        ValueError,
        "kernel must be a function or one of .*'rbf'.*got 'gaussian'",
    ),
    "kernel of three": ({"kernel": ("rbf", "rbf", "rbf")}, ValueError, "one value for both sides or a pair"),
    "kernel is None": ({"kernel": ("rbf", None)}, TypeError, "kernel must be a function"),
    "gamma of zero": ({"gamma": 0.0}, ValueError, r"gamma must lie in \(0, inf\), got 0.0"),
    "gamma below zero": ({"gamma": (None, -1.0)}, ValueError, r"gamma must lie in \(0, inf\)"),
    "gamma as a word": ({"gamma": "scale"}, TypeError, "gamma must be a number"),
    "degree": ({"degree": 0}, ValueError, r"degree must lie in \(0, inf\)"),
    "coef0": ({"coef0": np.inf}, ValueError, "coef0 must lie in"),
    "parameters of a named kernel": (
        {"kernel_params": {"gamma": 1}},
        ValueError,
        "kernel_params are for a kernel that",
    ),
    "parameters no dict": ({"kernel": rbf_kernel, "kernel_params": 3}, TypeError, "must be a dict or None"),
    "no ridge": ({"regularization": 0.0}, ValueError, r"regularization must lie in \(0, 1e\+06\]"),
    "huge ridge": ({"regularization": 1e10}, ValueError, r"regularization must lie in \(0, 1e\+06\]"),
    "function of matrices": ({"kernel": rbf_kernel}, ValueError, "(?s)kernel function of X failed.*takes two rows"),
    "function that gives NaN": ({"kernel": lambda a, b: np.nan}, ValueError, "mend the kernel if it is a function"),
    "negative ridge": ({"regularization": (1e-3, -1e-3)}, ValueError, "regularization must lie in"),
    "unknown approximation": ({"approximation": "nystrom"}, ValueError, "'nystroem', 'fourier'; got 'nystrom'"),
    "unknown landmarks": (
        {"approximation": "nystroem", "landmarks": "random"},
        ValueError,
        "'uniform', 'kmeans', 'pivoted'",
    ),
    "no landmark": (
        {"approximation": "nystroem", "n_landmarks": 0},
        ValueError,
        "n_landmarks must be a whole number of at least 1",
    ),
    "half a landmark": (
        {"approximation": "nystroem", "n_landmarks": 2.5},
        TypeError,
        "n_landmarks must be a whole number of at least 1",
    ),
    "more landmarks than rows": (
        {"approximation": "nystroem", "n_landmarks": 101},
        ValueError,
        "n_landmarks=101 is more than the 100 rows there are",
    ),
    "landmarks of another width": (
        {"approximation": "nystroem", "landmarks": X[:10]},
        ValueError,
        "landmarks of y have 8 features, but y has 6",
    ),
    "landmarks with NaN": (
        {"approximation": "nystroem", "landmarks": (X[:10], Y[:10] * np.nan)},
        ValueError,
        "Input landmarks of y contains NaN",
    ),
    "no spectrum": (
        {"approximation": "fourier", "kernel": "poly"},
        ValueError,
        "'rbf' and 'laplacian'; got kernel='poly'",
    ),
    "tol": ({"tol": 2.0}, ValueError, r"tol must lie in \[0, 1\]"),
    "power": ({"power": -1.0}, ValueError, "power must lie in"),
    "components": ({"n_components": 0}, ValueError, "n_components must be a whole number of at least 1"),
    "too many components": ({"n_components": 100}, ValueError, "n_components=100 is more than the 99 possible"),
    "negative histograms": ({"kernel": ("rbf", "chi2")}, ValueError, "y has a minimum of -"),
    "sigmoid": ({"kernel": "sigmoid"}, ValueError, "X is not positive semi-definite"),
    "not finite": ({"kernel": "poly", "degree": 400.0, "gamma": 10.0}, ValueError, "values that are not finite"),
}


@pytest.mark.parametrize("case", PARAMETERS)
def test_fit_refuses_parameters(case):
    parameters, error, message = PARAMETERS[case]
    fitted = KernelCCA(2).fit(X, Y)
    before = fitted.transform(X)
    fitted.set_params(**parameters)
    with pytest.raises(error, match=message):
        fitted.fit(X, Y)
    fitted.set_params(**{name: value for name, value in KernelCCA(2).get_params().items() if name in parameters})
    np.testing.assert_array_equal(fitted.transform(X), before)


def test_an_indefinite_kernel_is_refused_on_every_path():
    rows = pairs(600)
    for model in (
        KernelCCA(2, kernel=("rbf", "sigmoid")),
        KernelCCA(kernel=("rbf", "sigmoid")),
        KernelCCA(2, kernel=("rbf", "sigmoid"), approximation="nystroem", random_state=0),
        KernelCCA(2, kernel=("rbf", "sigmoid"), approximation="nystroem", landmarks="pivoted"),
        KernelCCACV(2, kernel=("rbf", "sigmoid"), cv=3),
    ):
        with pytest.raises(ValueError, match=r"kernel of y is not positive semi-definite.*take another kernel"):
            model.fit(*rows)
    for landmarks in ("uniform", "pivoted"):
        model = KernelCCA(2, kernel="additive_chi2", approximation="nystroem", landmarks=landmarks, random_state=0)
        with pytest.raises(ValueError, match=r"kernel of X is not positive semi-definite.*uncentred"):
            model.fit(np.abs(X), np.abs(Y))


def test_a_function_that_is_not_symmetric_is_refused():
    for approximation in (None, "nystroem"):
        model = KernelCCA(2, kernel=("rbf", lambda a, b: a @ b + a[0]), approximation=approximation, random_state=0)
        with pytest.raises(ValueError, match="kernel of y is not symmetric"):
            model.fit(X, Y)


def test_distances_that_overflow_are_told():
    with pytest.raises(ValueError, match="Distances between the rows of y overflow; rescale"):
        KernelCCA(2).fit(X, 1e200 * Y)


def test_landmarks_of_zeros_have_no_linear_kernel():
    model = KernelCCA(2, kernel="linear", approximation="nystroem", landmarks=(X[:5], np.zeros((5, Y.shape[1]))))
    with pytest.raises(ValueError, match="kernel of y is zero on all landmarks"):
        model.fit(X, Y)


def test_a_ridge_that_is_lost_in_the_kernel_is_refused():
    """Rows of 1 and −1 have kernel values 1 and −1: with a ridge below their spacing, the second pivot is exactly 0."""
    signs = np.tile([[1.0], [-1.0]], (300, 1))
    with pytest.raises(ValueError, match=r"regularization=1e-300 is too small for the kernel of X.*raise it"):
        KernelCCA(1, kernel="linear", regularization=(1e-300, 1.0)).fit(signs, signs)


SEARCH_OF_KERNELS = KernelCCACV(2, width_factors=(1.0,), regularizations=(0.1,), cv=2)


@pytest.mark.parametrize(
    ("model", "module"),
    [(KernelCCA(2), _fit), (SEARCH_OF_KERNELS, _ridge_path), (SEARCH_OF_KERNELS, _fit)],
    ids=["fit", "folds of a search", "fit of a search"],
)
def test_kernels_that_do_not_fit_into_memory_are_told(model, module, monkeypatch):
    def fails(kernel, rows):
        raise MemoryError

    monkeypatch.setattr(module, "kernel_matrix", fails)
    with pytest.raises(MemoryError, match=r'rows, \d+ × \d+ numbers each, take .* GB in all, .*"nystroem"'):
        model.fit(X, Y)


@pytest.mark.parametrize("model", [KernelCCA(2), SEARCH_OF_KERNELS], ids=["fit", "search"])
def test_large_kernels_are_told_beforehand(model, monkeypatch):
    monkeypatch.setattr(_kernel_memory, "LARGE", 8 * len(X) ** 2)
    with pytest.warns(UserWarning, match=r'take .* GB in all.*set approximation="nystroem"') as told:
        model.fit(X, Y)
    assert [warning.filename for warning in told] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clone(model).set_params(approximation="nystroem", n_landmarks=20).fit(X, Y)


PRECOMPUTED = {
    "not square": (K[:, :50], L, "must be square in fit.* of X has shape"),
    "not square in y": (
        K[:50, :50],
        L[:50],
        r"that of y has shape \(50, 100\).*cuts X by rows and columns but y by rows",
    ),
    "not symmetric": (K, L + np.triu(L), "kernel of y is not symmetric"),
    "not semi-definite": (-K, L, "kernel of X is not positive semi-definite"),
    "1-D": (K, L[0], "must be square"),
    "constant": (np.ones_like(K), L, "All rows of X are alike"),
    "NaN": (K * np.nan, L, "Input X contains NaN"),
}


@pytest.mark.parametrize("case", PRECOMPUTED)
def test_fit_refuses_precomputed(case):
    X, Y, message = PRECOMPUTED[case]
    for approximation in (None,) if case in ("constant", "not semi-definite") else (None, "nystroem"):
        model = KernelCCA(2, kernel="precomputed", approximation=approximation, random_state=0)
        with pytest.raises(ValueError, match=message):
            model.fit(X, Y)


def test_precomputed_kernels_have_no_rows():
    for parameters in ({"landmarks": "kmeans"}, {"landmarks": X[:5]}):
        with pytest.raises(ValueError, match="no rows to average or to compare"):
            KernelCCA(2, kernel="precomputed", approximation="nystroem", **parameters).fit(K, L)
    with pytest.raises(ValueError, match="is expecting 100 features"):
        KernelCCA(2, kernel="precomputed").fit(K, L).transform(K[:, :10])


def test_one_precomputed_kernel_can_be_cross_validated_and_two_cannot():
    model = KernelCCA(2, kernel=("precomputed", "rbf"))
    search = GridSearchCV(model, {"regularization": [1e-3, 1e-1], "gamma": [0.05, None]}, cv=3, error_score="raise")
    named = GridSearchCV(
        KernelCCA(2, gamma=0.05), {"regularization": [1e-3, 1e-1], "gamma": [(0.05, 0.05), (0.05, None)]}, cv=3
    )
    np.testing.assert_allclose(
        search.fit(K, Y).cv_results_["mean_test_score"], named.fit(X, Y).cv_results_["mean_test_score"]
    )
    with pytest.raises(ValueError, match="let y be features with a kernel of its own"):
        cross_validate(KernelCCA(2, kernel="precomputed"), K, L, cv=3, error_score="raise")


@pytest.mark.parametrize("model", [KernelCCA(2), KernelCCA(2, approximation="nystroem", random_state=0)], ids=str)
def test_transform_refuses(model):
    model.fit(pd.DataFrame(X).add_prefix("a"), pd.DataFrame(Y).add_prefix("b"))
    frame = pd.DataFrame(NEW[1]).add_prefix("c")
    for bad, message in (
        (NEW[1][:, 1:], "y has 5 features"),
        (frame, "features of y are named"),
        (np.full_like(Y, np.inf), "infinity"),
    ):
        with pytest.raises(ValueError, match=message):
            model.transform_y(bad)
        with pytest.raises(ValueError, match=message):
            model.predict_x(bad)
    with pytest.raises(ValueError, match=r"X has 100 rows and y has 20|differ"):
        model.transform(pd.DataFrame(X).add_prefix("a"), NEW[1])
    with pytest.raises(TypeError, match="sample_weight"):
        model.fit(X, Y, sample_weight=np.ones(100))
    with pytest.raises(TypeError, match="KernelCCA takes no sample_weight"):
        CrossModalPipeline(KernelCCA(2)).fit(X, Y, sample_weight=np.ones(100))


def test_frames_in_frames_out():
    index = [f"row{i}" for i in range(100)]
    frames = pd.DataFrame(X, index=index).add_prefix("a"), pd.DataFrame(Y, index=index).add_prefix("b")
    model = KernelCCA(2).set_output(transform="pandas").fit(*frames)
    x, y = model.transform(*frames)
    assert list(x.columns) == ["kernelcca_x0", "kernelcca_x1"]
    assert list(y.columns) == ["kernelcca_y0", "kernelcca_y1"]
    assert list(y.index) == index
    assert (
        list(model.transform(frames[0]).columns) == list(model.get_feature_names_out()) == ["kernelcca0", "kernelcca1"]
    )
    assert list(model.y_feature_names_in_) == list(frames[1].columns)


def test_one_column_of_y_in_one_column_out():
    model = KernelCCA().fit(X, Y[:, 0])
    assert model.predict(NEW[0]).shape == (20,)
    assert model.transform_y(Y[:5, 0]).shape == (5, model.n_components_)


def test_preprocessing_of_its_own_for_either_side():
    emoji = load_emoji(subset="train")
    rows = slice(0, 300)
    model = CrossModalPipeline(
        KernelCCA(20, regularization=0.01),
        x_transformer=make_pipeline(FunctionTransformer(np.sqrt), StandardScaler()),
        y_transformer=StandardScaler(),
    ).fit(np.maximum(emoji.image[rows], 0), emoji.text[rows])
    assert model.transform_y(emoji.text[:4]).shape == (4, 20)
    assert model.predict(np.maximum(emoji.image[:3], 0)).shape == (3, 384)
