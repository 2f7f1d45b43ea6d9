"""Predictions have the right scale, the right residuals and samples that follow them."""

import numpy as np
import pytest
from linear_models import models, pairs
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

from crossmodal_cca import CCA, PLSSVD, PLSCanonical, PLSRegression
from crossmodal_cca.datasets import make_paired_latent

X, Y = pairs()
NEW = pairs(200, seed=1)


@pytest.mark.parametrize("model", [CCA(), PLSSVD(), PLSCanonical(), PLSRegression(None)], ids=str)
def test_explained_variance_is_the_squared_correlation(model):
    """Two independent standard normals a pair: R² of y_j is ρ_j²; mapping scores through loadings gives −.4 for .3."""
    rng = np.random.default_rng(0)
    rho = np.array([0.9, 0.6, 0.3])
    X = rng.standard_normal((200_000, 3))
    Y = rho * X + np.sqrt(1 - rho**2) * rng.standard_normal(X.shape)
    train, test = slice(0, 100_000), slice(100_000, None)
    r2 = r2_score(Y[test], model.fit(X[train], Y[train]).predict(X[test]), multioutput="raw_values")
    np.testing.assert_allclose(r2, [0.81, 0.36, 0.09], atol=0.01)
    r2 = r2_score(X[test], model.predict_x(Y[test]), multioutput="raw_values")
    np.testing.assert_allclose(r2, [0.81, 0.36, 0.09], atol=0.01)


def test_all_components_without_shrinkage_are_least_squares():
    cca = CCA().fit(X, Y)
    np.testing.assert_allclose(cca.predict(NEW[0]), LinearRegression().fit(X, Y).predict(NEW[0]), atol=1e-10)


@pytest.mark.parametrize("model", [CCA(2), PLSSVD(2), PLSCanonical(2), PLSRegression(2)], ids=str)
def test_predictions_are_least_squares_on_the_scores(model):
    scores = model.fit(X, Y).transform(X)
    expected = LinearRegression().fit(scores, Y).predict(model.transform(NEW[0]))
    np.testing.assert_allclose(model.predict(NEW[0]), expected, atol=1e-10)
    expected = LinearRegression().fit(model.transform_y(Y), X).predict(model.transform_y(NEW[1]))
    if not isinstance(model, PLSRegression):
        np.testing.assert_allclose(model.predict_x(NEW[1]), expected, atol=1e-10)


def test_shrunk_prediction_with_all_components_is_ridge_regression():
    """At p = q = k the shared space leaves nothing out: (1−c)·[(1−c)Sxx + cI]⁻¹ Sxy on standardised features."""
    x, y = X[:, :6], Y
    c = 0.3
    R = np.corrcoef(np.hstack([x, y]).T)
    B = (1 - c) * np.linalg.solve((1 - c) * R[:6, :6] + c * np.eye(6), R[:6, 6:])
    standardised = (NEW[0][:, :6] - x.mean(0)) / x.std(0, ddof=1)
    expected = y.mean(0) + standardised @ B * y.std(0, ddof=1)
    np.testing.assert_allclose(CCA(shrinkage=c).fit(x, y).predict(NEW[0][:, :6]), expected, atol=1e-10)


@models()
def test_coef_and_intercept_are_the_prediction(model):
    model.fit(X, Y)
    expected = NEW[0] @ model.coef_.T + model.intercept_
    np.testing.assert_allclose(model.predict(NEW[0]), expected, atol=1e-10)
    assert model.coef_.shape == (Y.shape[1], X.shape[1])
    assert model.intercept_.shape == (Y.shape[1],)


@models()
@pytest.mark.parametrize("modality", ["y", "x"])
def test_residual_covariance_is_that_of_the_training_residuals(model, modality):
    model.fit(X, Y)
    residuals = Y - model.predict(X) if modality == "y" else X - model.predict_x(Y)
    covariance = model.residual_covariance(modality)
    np.testing.assert_allclose(covariance, np.cov(residuals.T), atol=1e-10)
    assert np.linalg.eigvalsh(covariance).min() > -1e-12


def test_samples_follow_the_prediction_and_its_residuals():
    cca = CCA(3).fit(X, Y)
    draws = cca.sample_y(NEW[0][:2], n_samples=20_000, random_state=0)
    assert draws.shape == (2, Y.shape[1], 20_000)
    C = cca.residual_covariance()
    error = np.sqrt(np.diag(C) / 20_000)
    np.testing.assert_array_less(np.abs(draws.mean(axis=2) - cca.predict(NEW[0][:2])), 5 * np.tile(error, (2, 1)))
    np.testing.assert_allclose(np.cov(draws[0]), C, atol=0.05 * np.abs(C).max())
    np.testing.assert_array_equal(draws, cca.sample_y(NEW[0][:2], n_samples=20_000, random_state=0))


def test_samples_have_the_covariance_of_the_other_modality():
    """Prediction and residual together restore cov(y): cross-modal generation on features."""
    X, Y = make_paired_latent(5000, 6, 4, condition=3.0, random_state=0)
    drawn = CCA().fit(X, Y).sample_y(X, random_state=0)[:, :, 0]
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(Y.T), atol=0.1 * np.abs(np.cov(Y.T)).max())


def test_one_column_of_y_comes_back_one_dimensional():
    y = Y[:, 0]
    for model in (CCA(), PLSRegression(2), PLSSVD(), PLSCanonical()):
        model.fit(X, y)
        assert model.predict(X).shape == y.shape
        assert model.sample_y(X, n_samples=3).shape == (len(y), 3)
        assert model.inverse_transform_y(model.transform_y(y)).shape == y.shape
        assert model.predict_x(y).shape == X.shape
        assert model.fit(X, y[:, None]).predict(X).shape == (len(y), 1)


@models()
def test_inverse_transform_is_the_regression_on_the_scores(model):
    scores = model.fit(X, Y).transform(X)
    restored = model.inverse_transform(scores)
    expected = LinearRegression().fit(scores, X).predict(scores)
    np.testing.assert_allclose(restored, expected, atol=1e-9)


def test_all_components_restore_the_features():
    cca = CCA().fit(X[:, :6], Y)
    np.testing.assert_allclose(cca.inverse_transform(cca.transform(X[:, :6])), X[:, :6], atol=1e-9)
    np.testing.assert_allclose(cca.inverse_transform_y(cca.transform_y(Y)), Y, atol=1e-9)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_score_of_regression_is_r2(offset):
    """The offset leaves 1e-10 of rounding in each row."""
    new_x, new_y = NEW[0], NEW[1] + offset
    w = np.random.default_rng(0).integers(0, 3, len(new_x))
    constant = new_y.copy()
    constant[:, 1] = 3.0
    pls = PLSRegression(3).fit(X, Y + offset)
    for target in (new_y, constant, pls.predict(new_x)):
        for weight in (None, w):
            expected = r2_score(target, pls.predict(new_x), sample_weight=weight)
            assert pls.score(new_x, target, sample_weight=weight) == pytest.approx(expected, abs=1e-8)
    column = PLSRegression(3).fit(X, Y[:, 0])
    assert column.score(new_x, NEW[1][:, 0]) == pytest.approx(r2_score(NEW[1][:, 0], column.predict(new_x)))
    always = PLSRegression(1, scale=False).fit(X, np.column_stack([Y[:, 0], np.full(len(Y), 2.0)]))
    known = np.column_stack([NEW[1][:, 0], np.full(len(new_x), 2.0)])
    assert always.score(new_x, known) == pytest.approx(r2_score(known, always.predict(new_x)))


def test_score_is_the_sum_of_held_out_correlations():
    cca = CCA(3).fit(X, Y)
    x_scores, y_scores = cca.transform(*NEW)
    expected = sum(np.corrcoef(x_scores[:, j], y_scores[:, j])[0, 1] for j in range(3))
    assert cca.score(*NEW) == pytest.approx(expected)
    assert cca.score(X, Y) == pytest.approx(cca.correlations_.sum())
    w = np.random.default_rng(0).integers(0, 3, 200)
    repeated = cca.score(np.repeat(NEW[0], w, axis=0), np.repeat(NEW[1], w, axis=0))
    assert cca.score(*NEW, sample_weight=w) == pytest.approx(repeated)
    assert cca.score(np.ones((5, 8)), Y[:5]) == 0.0
