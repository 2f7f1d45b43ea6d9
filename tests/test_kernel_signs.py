"""Signs of components hang on the rows alone: not on rounding, order, batches, threads, layout or approximation."""

import numpy as np
import pytest
from linear_models import pairs
from scipy import stats
from sklearn.base import clone
from sklearn.metrics.pairwise import rbf_kernel
from threadpoolctl import threadpool_limits

from crossmodal_cca import CCA, KernelCCA, PLSCanonical
from crossmodal_cca.linalg._solution import definite_signs

X, Y = pairs(200)
NYSTROEM = {"approximation": "nystroem", "n_landmarks": 40, "random_state": 0}
MODELS = {
    "exact": KernelCCA(6, gamma=0.05),
    "exact, iterated": KernelCCA(6, gamma=0.05),
    "linear": KernelCCA(5, kernel="linear", **NYSTROEM),
    "uniform": KernelCCA(6, **NYSTROEM),
    "pivoted": KernelCCA(6, **NYSTROEM, landmarks="pivoted"),
    "kmeans": KernelCCA(6, **NYSTROEM, landmarks="kmeans"),
    "given": KernelCCA(6, gamma=0.05, approximation="nystroem", landmarks=(X[:40], Y[:40])),
    "fourier": KernelCCA(6, gamma=0.05, approximation="fourier", n_landmarks=60, random_state=0),
}
STREAMS = ("given", "fourier")


def rows_of(name):
    return pairs(600) if name == "exact, iterated" else (X, Y)


def models(*names):
    return pytest.mark.parametrize("name", names or MODELS)


def assert_same_signs(a, b, X=X):
    """Scores agree component by component, without allowing for a sign."""
    one, other = a.transform(X), b.transform(X)
    cosines = np.sum(one * other, axis=0) / np.linalg.norm(one, axis=0) / np.linalg.norm(other, axis=0)
    assert cosines.min() > 1 - 1e-6


@models()
def test_values_moved_by_rounding(name):
    X, Y = rows_of(name)
    model = clone(MODELS[name]).fit(X, Y)
    for seed in range(4):
        noise = np.random.default_rng(seed).standard_normal(X.shape)
        assert_same_signs(model, clone(MODELS[name]).fit(X * (1 + 1e-13 * noise), Y), X)


@models("exact", "pivoted", "kmeans", "fourier")  # threads of iterations wait for each other for seconds
def test_layout_and_threads(name):
    X, Y = rows_of(name)
    with threadpool_limits(1):
        model = clone(MODELS[name]).fit(X, Y)
    with threadpool_limits(2):
        assert_same_signs(model, clone(MODELS[name]).fit(np.asfortranarray(X), np.asfortranarray(Y)), X)


@models("exact", "exact, iterated", *STREAMS)
def test_order_of_rows(name):
    X, Y = rows_of(name)
    model = clone(MODELS[name]).fit(X, Y)
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(len(X))
        assert_same_signs(model, clone(MODELS[name]).fit(X[order], Y[order]), X)


@models(*STREAMS)
def test_batches_in_any_order(name):
    whole = clone(MODELS[name]).fit(X, Y)
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(len(X))
        stream = clone(MODELS[name])
        for batch in np.split(order, [1, 50, 120]):
            stream.partial_fit(X[batch], Y[batch])
        assert_same_signs(whole, stream)


@models()
def test_the_strongest_correlation_with_a_feature_is_positive(name):
    """Features of X with the y-scores, those of y with the x-scores, by scipy."""
    X, Y = rows_of(name)
    for x, y in zip(*(S.T for S in clone(MODELS[name]).fit(X, Y).transform(X, Y)), strict=True):
        found = [stats.pearsonr(a, y).statistic for a in X.T] + [stats.pearsonr(b, x).statistic for b in Y.T]
        assert max(found, key=abs) > 0


def test_approximations_that_are_close_have_the_signs_of_the_exact_model():
    exact = KernelCCA(3, gamma=0.05).fit(X, Y)
    for parameters in (
        {"approximation": "nystroem", "n_landmarks": 150, "random_state": 0},
        {"approximation": "nystroem", "n_landmarks": 150, "landmarks": "kmeans", "random_state": 0},
        {"approximation": "fourier", "n_landmarks": 500, "random_state": 0},
    ):
        close = clone(exact).set_params(**parameters).fit(X, Y)
        correlations = [
            np.corrcoef(a, b)[0, 1] for a, b in zip(exact.transform(X).T, close.transform(X).T, strict=True)
        ]
        assert min(correlations) > 0.9


@pytest.mark.parametrize("approximation", [None, "nystroem"])
def test_precomputed_kernels(approximation):
    """One side's features are enough; without any the largest rotation is positive."""
    K, L = rbf_kernel(X, gamma=0.05), rbf_kernel(Y, gamma=0.05)
    model = KernelCCA(4, gamma=0.05, approximation=approximation, n_landmarks=40, random_state=0)
    half = clone(model).set_params(kernel=("precomputed", "rbf")).fit(K, Y)
    for x in half.transform(K).T:
        assert max((stats.pearsonr(b, x).statistic for b in Y.T), key=abs) > 0
    both = clone(model).set_params(kernel="precomputed").fit(K, L)
    R = both.x_rotations_
    assert (R[np.abs(R).argmax(axis=0), range(4)] > 0).all()
    for seed in range(4):
        noise = np.random.default_rng(seed).standard_normal(K.shape)
        moved = clone(both).fit(K * (1 + 1e-13 * (noise + noise.T)), L)
        assert np.sum(both.transform(K) * moved.transform(K), axis=0).min() > 0


def test_features_that_are_mirror_images():
    """|r| of a feature and its mirror image differ by rounding alone: the first of them is positive."""
    for seed in range(5):
        X, Y = pairs(100, 3, 3, seed=seed)
        mirrored = np.column_stack([X[:, 0], -X[:, 0]])
        model = KernelCCA(2, kernel=("rbf", "precomputed"), regularization=0.01).fit(mirrored, rbf_kernel(Y, gamma=0.1))
        leading = model.transform_y(rbf_kernel(Y, gamma=0.1))[:, 0]
        assert stats.pearsonr(X[:, 0], leading).statistic > 0


@pytest.mark.parametrize("model", [CCA(1), CCA(1, shrinkage=0.3), CCA(1, solver="svd"), PLSCanonical(1)], ids=str)
def test_mirrored_columns_of_linear_models(model):
    """x2 = −x1 has the weight −w1 but for rounding; the first of the two is positive, however rows are ordered."""
    for seed in range(5):
        X, Y = pairs(100, 3, 3, seed=seed)
        mirrored = np.column_stack([X[:, 0], -X[:, 0]])
        for order in (np.arange(100), np.random.default_rng(seed).permutation(100)):
            weights = clone(model).fit(mirrored[order], Y[order]).x_weights_[:, 0]
            np.testing.assert_allclose(weights[1], -weights[0], rtol=1e-8)
            assert weights[0] > 0


@pytest.mark.parametrize(
    ("column", "sign"),
    [
        ([1.0, -1.0], 1),
        ([-1.0, 1.0 + 1e-12], -1),
        ([-1.0 - 1e-12, 1.0], -1),
        ([1.0, -1.0 - 1e-12, 0.5], 1),
        ([0.5, -1.0, 1.0 - 1e-12], -1),
        ([1.0, -1.1], -1),
        ([0.0, 0.0], 1),
    ],
)
def test_the_first_of_equally_large_entries_decides(column, sign):
    assert definite_signs(np.array(column)[:, None]) == sign
