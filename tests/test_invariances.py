"""What may be done to the rows without changing the shared space, and what ties the methods together."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
from linear_models import models, pairs, same_space
from sklearn.base import clone
from sklearn.linear_model import LinearRegression

from crossmodal_cca import CCA, PLSSVD, PairMoments, PLSCanonical, PLSRegression

X, Y = pairs()
NEW = pairs(50, seed=1)


def fit(model, X, Y, **kwargs):
    return clone(model).fit(X, Y, **kwargs)


def random_orthogonal(size, seed):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))[0]


@models()
def test_translation_changes_nothing(model):
    dx, dy = np.linspace(-50, 50, X.shape[1]), np.linspace(9, 7, Y.shape[1])
    a, b = fit(model, X, Y), fit(model, X + dx, Y + dy)
    same_space(a, b, NEW, (NEW[0] + dx, NEW[1] + dy))
    np.testing.assert_allclose(a.predict(NEW[0]) + dy, b.predict(NEW[0] + dx), atol=1e-10)


@models("side_units")
def test_unit_of_a_side_changes_nothing(model):
    a, b = fit(model, X, Y), fit(model, 1e3 * X, 1e-4 * Y)
    same_space(a, b, NEW, (1e3 * NEW[0], 1e-4 * NEW[1]))
    np.testing.assert_allclose(1e-4 * a.predict(NEW[0]), b.predict(1e3 * NEW[0]), atol=1e-13)


@models("feature_units")
def test_units_of_features_change_nothing(model):
    ux, uy = np.geomspace(1e-3, 1e3, X.shape[1]), np.geomspace(100, 0.1, Y.shape[1])
    same_space(fit(model, X, Y), fit(model, X * ux, Y * uy), NEW, (NEW[0] * ux, NEW[1] * uy))


@models("invertible")
def test_invertible_maps_change_nothing(model):
    """Condition 1e3 each, on data of condition 25: moments may lose eps · 1e3² · 25 of the correlations."""
    A, B = (
        random_orthogonal(k, 1) * np.geomspace(1e3, 1, k) @ random_orthogonal(k, 2) for k in (X.shape[1], Y.shape[1])
    )
    a, b = fit(model, X, Y), fit(model, X @ A, Y @ B)
    same_space(a, b, NEW, (NEW[0] @ A, NEW[1] @ B), tol=1e-8)
    np.testing.assert_allclose(a.predict(NEW[0]) @ B, b.predict(NEW[0] @ A), atol=1e-6 * np.abs(B).max())


@models("rotation")
def test_rotations_change_nothing(model):
    A, B = random_orthogonal(X.shape[1], 1), random_orthogonal(Y.shape[1], 2)
    same_space(fit(model, X, Y), fit(model, X @ A, Y @ B), NEW, (NEW[0] @ A, NEW[1] @ B))


@models()
def test_order_of_rows_changes_nothing(model):
    order = np.random.default_rng(0).permutation(len(X))
    same_space(fit(model, X, Y), fit(model, X[order], Y[order]), NEW, NEW)


@models()
def test_order_of_features_changes_nothing(model):
    ox, oy = np.random.default_rng(0).permutation(X.shape[1]), np.random.default_rng(1).permutation(Y.shape[1])
    a, b = fit(model, X, Y), fit(model, X[:, ox], Y[:, oy])
    same_space(a, b, NEW, (NEW[0][:, ox], NEW[1][:, oy]))
    np.testing.assert_allclose(a.x_weights_[ox], b.x_weights_, atol=1e-10)  # signs are definite


@models("symmetric")
def test_swapping_the_sides_swaps_the_results(model):
    a, b = fit(model, X, Y), fit(model, Y, X)
    for one, other in zip(a.transform(*NEW), b.transform(*NEW[::-1])[::-1], strict=True):
        np.testing.assert_allclose(np.abs(one), np.abs(other), atol=1e-10)
    np.testing.assert_allclose(a.predict(NEW[0]), b.predict_x(NEW[0]), atol=1e-10)


@models()
def test_weights_are_repetitions(model):
    w = np.random.default_rng(0).integers(0, 4, len(X))
    repeated = fit(model, np.repeat(X, w, axis=0), np.repeat(Y, w, axis=0))
    weighted = fit(model, X, Y, sample_weight=w)
    same_space(weighted, repeated, NEW, NEW)
    np.testing.assert_allclose(weighted.residual_covariance(), repeated.residual_covariance(), atol=1e-10)
    assert weighted.n_samples_seen_ == np.count_nonzero(w)


@models()
def test_fitting_twice_equals_fitting_once(model):
    once = fit(model, X, Y)
    twice = clone(model).fit(pairs(200, 4, 3, seed=5)[0], pairs(200, 4, 3, seed=5)[1]).fit(X, Y)
    np.testing.assert_array_equal(once.coef_, twice.coef_)
    assert twice.n_features_in_ == X.shape[1]


@models()
def test_batches_of_any_size_and_order_equal_one_fit(model):
    if getattr(model, "solver", None) == "svd":
        model = clone(model).set_params(solver="auto")
    whole = fit(model, X, Y)
    edges = [0, 1, 2, 7, 40, 299, 300]
    batches = [slice(a, b) for a, b in pairwise(edges)]
    streamed = clone(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # early on there are too few rows for the features
        for i in np.random.default_rng(0).permutation(len(batches)):
            streamed.partial_fit(X[batches[i]], Y[batches[i]])
    same_space(whole, streamed, NEW, NEW)
    np.testing.assert_allclose(whole.coef_, streamed.coef_, atol=1e-10)
    assert streamed.n_samples_seen_ == len(X)
    np.testing.assert_allclose(
        fit(model, X[:200], Y[:200]).partial_fit(X[200:], Y[200:]).coef_, whole.coef_, atol=1e-10
    )


@models()
def test_moments_serve_as_rows(model):
    if getattr(model, "solver", None) == "svd":
        model = clone(model).set_params(solver="auto")
    by_moments = clone(model).fit_moments(PairMoments.from_arrays(X, Y))
    np.testing.assert_allclose(by_moments.coef_, fit(model, X, Y).coef_, atol=1e-12)


@models()
def test_float32_rows_give_the_same_space_in_float32(model):
    rows32 = tuple(A.astype(np.float32) for A in (X, Y))
    new32 = tuple(A.astype(np.float32) for A in NEW)
    single, double = fit(model, *rows32), fit(model, X, Y)
    same_space(single, double, new32, NEW, tol=1e-4)
    for name in ("x_weights_", "y_rotations_", "x_loadings_", "coef_"):
        assert getattr(single, name).dtype == np.float32, name
    assert {A.dtype for A in (*single.transform(*new32), single.predict(new32[0]))} == {np.dtype(np.float32)}
    assert single.predict(NEW[0]).dtype == np.float64
    assert double.transform(new32[0]).dtype == np.float32


def test_whole_shrinkage_is_pls_svd():
    cca, pls = CCA(3, shrinkage=1.0).fit(X, Y), PLSSVD(3).fit(X, Y)
    np.testing.assert_allclose(cca.x_weights_ / np.linalg.norm(cca.x_weights_, axis=0), pls.x_weights_, atol=1e-10)
    np.testing.assert_allclose(cca.correlations_, pls.correlations_, atol=1e-10)


@pytest.mark.parametrize("model", [CCA(), CCA(solver="svd"), PLSRegression(None), PLSRegression(None, scale=False)])
def test_all_components_of_one_target_are_least_squares(model):
    y = Y[:, 0]
    expected = LinearRegression().fit(X, y)
    model = fit(model, X, y)
    np.testing.assert_allclose(model.predict(NEW[0]), expected.predict(NEW[0]), atol=1e-9)
    np.testing.assert_allclose(model.coef_[0], expected.coef_, atol=1e-9)
    np.testing.assert_allclose(model.intercept_[0], expected.intercept_, atol=1e-9)


def test_cca_of_one_feature_a_side_is_their_correlation():
    cca = CCA().fit(X[:, :1], Y[:, 0])
    assert cca.correlations_[0] == pytest.approx(abs(np.corrcoef(X[:, 0], Y[:, 0])[0, 1]), abs=1e-12)


@pytest.mark.parametrize("model", [PLSSVD(1), PLSCanonical(1), PLSRegression(1)])
def test_first_component_is_common_to_all_pls(model):
    np.testing.assert_allclose(fit(model, X, Y).x_weights_, PLSSVD(1).fit(X, Y).x_weights_, atol=1e-10)


@models("wide")
@pytest.mark.parametrize(("p", "q"), [(80, 35), (35, 80), (90, 80)], ids=["X", "y", "both"])
def test_wide_rows_give_the_model_of_their_moments(model, p, q):
    """n <= p is solved in the space of the rows; the covariances, singular as they are, know the same model."""
    Xw, Yw = pairs(30, p, q, seed=3)
    wide = fit(model, Xw, Yw)
    if getattr(model, "solver", None) == "svd":
        model = clone(model).set_params(solver="moments")
        wide.set_params(solver="moments")
    tall = clone(model).fit_moments(PairMoments.from_arrays(Xw, Yw))
    new = pairs(20, p, q, seed=4)
    more = pairs(10, p, q, seed=6)
    together = PairMoments.from_arrays(np.vstack([Xw, more[0]]), np.vstack([Yw, more[1]]))
    for expected in (tall, clone(model).fit_moments(together)):
        same_space(wide, expected, new, new, tol=1e-9)
        np.testing.assert_allclose(wide.coef_, expected.coef_, atol=1e-9)
        np.testing.assert_allclose(wide.residual_covariance(), expected.residual_covariance(), atol=1e-9)
        np.testing.assert_allclose(wide.residual_covariance("x"), expected.residual_covariance("x"), atol=1e-9)
        wide.partial_fit(*more)
