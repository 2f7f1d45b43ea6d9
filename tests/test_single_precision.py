"""Rows in single precision: means and decisions are double, products where single ones have too few digits."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold

from crossmodal_cca import CCA, CCACV, PLSSVD, PairMoments, PLSCanonical, PLSRegression, PLSRegressionCV
from crossmodal_cca.datasets import make_paired_latent
from crossmodal_cca.rows import _blocks, _moments

DOUBLE, SINGLE = np.dtype(np.float64), np.dtype(np.float32)
# Enough rows and features for products in single precision to save something, and well-conditioned.
PAIR = make_paired_latent(1500, 40, 36, correlations=(0.9, 0.7, 0.5), condition=1.5, random_state=0)
X, Y = (side.astype(SINGLE) for side in PAIR)


def thermometers(n=1500, other=37, dtype=np.float32):
    """Celsius, Fahrenheit and Kelvin, read to a hundredth, and what y knows: their difference. Condition about 1e6."""
    rng = np.random.default_rng(0)
    t, noise = rng.normal(15, 8, n), 0.01 * rng.standard_normal((2, n))
    rows = np.column_stack([t, 1.8 * t + 32 + noise[0], t + 273.15 + noise[1], rng.standard_normal((n, other))])
    return rows.astype(dtype), np.column_stack([100 * noise[0], rng.standard_normal(n)]).astype(dtype)


@pytest.mark.parametrize("weighted", [False, True])
def test_means_have_all_digits(weighted, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK_ROWS", 64)
    rows = X + np.resize(np.float32([0, 1e-3, 0.1, 1, 10, 100, 1e4, 1e6]), 40)
    w = np.random.default_rng(0).uniform(0, 2, len(rows)) if weighted else None
    moments = PairMoments.from_arrays(rows, Y, w)
    expected = np.average(rows.astype(np.longdouble), axis=0, weights=w)
    np.testing.assert_allclose(moments.mean_x, expected.astype(float), rtol=1e-15, atol=1e-16)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("constant", [0.1, 1 / 3, 123456.7, 1e-30])
def test_a_constant_is_one_whatever_the_blocks(constant, weighted, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK_ROWS", 300)
    rows = np.column_stack([X, np.full(len(X), constant, np.float32)])
    w = np.random.default_rng(0).uniform(0, 2, len(rows)) if weighted else None
    model = CCA(2).fit(rows, Y, w)
    assert model.x_scale_[-1] == 1.0
    assert not model.x_weights_[-1].any()


def test_a_float32_feature_that_varies_in_its_last_digits_is_no_constant():
    """Values 1e6 and 1e6 + 1/16, their neighbour in single precision: double precision tells them apart, so both do."""
    feature = np.where(np.arange(len(X)) % 50 == 0, 1e6 + 1 / 16, 1e6).astype(np.float32)
    for dtype in (SINGLE, DOUBLE):
        scale = PLSSVD(2).fit(np.column_stack([X, feature]).astype(dtype), Y.astype(dtype)).x_scale_[-1]
        assert scale == pytest.approx(feature.astype(float).std(ddof=1), rel=1e-6)


def test_moments_know_in_what_they_were_multiplied():
    single = PairMoments.from_arrays(X, Y)
    few = PairMoments.from_arrays(X[:8], Y[:8])
    double = PairMoments.from_arrays(X.astype(float), Y)
    assert [m.product_dtype for m in (single, few, double)] == [SINGLE, DOUBLE, DOUBLE]
    assert [m.dtype for m in (single, few, double)] == [SINGLE, SINGLE, DOUBLE]
    assert (single + double).product_dtype == SINGLE
    assert (single - few).product_dtype == SINGLE


def test_small_batches_have_all_digits():
    """Batches of few rows are multiplied in double: the stream is as good as one fit."""
    rows, target = thermometers(60, other=0)
    stream = PLSRegression(3)
    for start in range(0, 60, 3):
        stream.partial_fit(rows[start : start + 3], target[start : start + 3])
    whole = PLSRegression(3).fit(rows.astype(float), target.astype(float))
    # Condition 1e6 times rounding of double precision, for coefficients of about a hundred.
    np.testing.assert_allclose(stream.coef_, whole.coef_, atol=1e-7)


def hard():
    """Thermometers on both sides, so that the last components divide by their differences."""
    rows, target = thermometers()
    return rows, np.hstack([rows[:, ::-1] + target[:, :1], target])


MODELS = pytest.mark.parametrize(
    "model", [CCA(), CCA(solver="moments"), PLSSVD(), PLSCanonical(), PLSRegression(None)], ids=str
)


def single_moments(rows, target):
    """As from many rows: the products of single precision."""
    moments = PairMoments.from_arrays(rows, target)
    assert moments.is_single
    return moments


@MODELS
def test_moments_alone_say_when_single_precision_is_not_enough(model):
    for call in (
        lambda: clone(model).fit_moments(single_moments(*hard())),
        lambda: clone(model).partial_fit(*hard()),
    ):
        with pytest.warns(UserWarning, match="ill-conditioned"):
            call()


@MODELS
def test_moments_alone_say_nothing_where_it_is_enough(model):
    clone(model).fit_moments(single_moments(X, Y))


@MODELS
def test_rows_are_read_twice_where_single_precision_is_not_enough(model, monkeypatch):

    multiplied = []
    of_block = _moments.block_products
    monkeypatch.setattr(_moments, "block_products", lambda A, *rest: multiplied.append(A.A.dtype) or of_block(A, *rest))
    clone(model).set_params(n_components=3).fit(X, Y)
    assert multiplied == [SINGLE]
    multiplied.clear()
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="The covariances are ill-conditioned"
        )  # the solver that takes moments alone
        clone(model).fit(*hard())
    assert multiplied == [SINGLE, DOUBLE]


@pytest.mark.parametrize(("difference", "warns"), [(1e-2, False), (1e-4, True)])
def test_the_solver_of_moments_says_from_which_condition_on_it_loses_digits(difference, warns):
    """Two features that differ by δ have a correlation matrix of condition about 4 / δ²."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(1500)
    close = np.column_stack([x, x + difference * rng.standard_normal(1500)])
    assert (np.linalg.cond(np.corrcoef(close.T)) >= 1e6) == warns
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        CCA(1, solver="moments").fit(close, Y.astype(float))
    assert [w.filename == __file__ and "ill-conditioned (" in str(w.message) for w in caught] == [True] * warns


def test_scores_that_cancel_are_computed_in_double():
    rows, target = thermometers(other=0)
    model = PLSRegression(3).fit(rows, target)
    double = PLSRegression(3).fit(rows.astype(float), target.astype(float))
    assert model.transform(rows).dtype == model.predict(rows).dtype == SINGLE
    # One rounding of what comes out is left: half a unit of the last digit.
    np.testing.assert_allclose(model.transform(rows), double.transform(rows.astype(float)), rtol=1e-7, atol=1e-9)
    assert model.score(rows, target) == pytest.approx(double.score(rows.astype(float), target.astype(float)), abs=1e-7)


def test_ordinary_maps_stay_single():
    for model in (CCA(3), CCA(3, shrinkage=0.1), PLSSVD(3), PLSCanonical(3), PLSRegression(3)):
        fitted = model.fit(X, Y)
        for name in ("x_rotations_", "y_weights_", "x_loadings_", "coef_"):
            assert getattr(fitted, name).dtype == SINGLE, (model, name)


@pytest.mark.parametrize("difference", [1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=str)
def test_residual_covariance_keeps_its_digits_beside_large_weights(difference, dtype):
    rng = np.random.default_rng(0)
    x, own = rng.standard_normal((2, 400))
    rows = np.column_stack([x, x + difference * own, rng.standard_normal(400)]).astype(dtype)
    target = np.column_stack([own + 0.5 * rng.standard_normal(400), rng.standard_normal(400)]).astype(dtype)
    for model in (CCA(2), PLSRegression(3), CCA(2, shrinkage=1e-6)):
        model.fit(rows, target)
        residuals = target.astype(float) - model.predict(rows.astype(float))
        # Weights of 1 / difference enlarge rounding of the scores that is left in the predictions.
        expected = residuals.T @ residuals / (len(rows) - 1)
        np.testing.assert_allclose(model.residual_covariance(), expected, atol=1e-7)


@pytest.mark.parametrize(
    ("search", "model", "grid"),
    [
        (CCACV([1, 2], shrinkages=(0.0, 0.1)), CCA(), {"n_components": [1, 2], "shrinkage": [0.0, 0.1]}),
        (PLSRegressionCV([1, 2, 3], scoring="r2"), PLSRegression(), {"n_components": [1, 2, 3]}),
    ],
    ids=["cca", "pls"],
)
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=str)
@pytest.mark.parametrize("difference", [1e-2, 1e-5, 1e-6])
def test_every_cell_of_a_search_is_a_refit(search, model, grid, dtype, difference):
    rng = np.random.default_rng(0)
    x, own = rng.standard_normal((2, 90))
    rows = np.column_stack([x, x + difference * own, rng.standard_normal(90)]).astype(dtype)
    target = np.column_stack([own + 0.5 * rng.standard_normal(90), rng.standard_normal(90)]).astype(dtype)
    found = clone(search).set_params(cv=KFold(3)).fit(rows, target).cv_results_
    expected = GridSearchCV(model, grid, cv=KFold(3)).fit(rows, target).cv_results_
    for fold in range(3):
        name = f"split{fold}_test_score"
        np.testing.assert_allclose(found[name], expected[name], atol=1e-6)


def test_blocks_whose_distance_overflows_are_refused(monkeypatch):
    """Each block varies little about 1e200 or −1e200; the variance of both together is beyond double precision."""
    monkeypatch.setattr(_blocks, "BLOCK_ROWS", 750)
    side = np.repeat([1e200, -1e200], 750)
    far = X.astype(float)
    far[:, 0] = side
    parts = [PairMoments.from_arrays(far[half], Y[half]) for half in (slice(750), slice(750, None))]
    calls = [
        lambda: CCA(2).fit(far, Y),
        lambda: PLSRegression(2).fit(Y, far),
        lambda: sum(parts),
        lambda: CCACV(2, cv=KFold(2)).fit(far, Y),
        lambda: CCA(2).partial_fit(far[:750], Y[:750]).partial_fit(far[750:], Y[750:]),
        lambda: PLSRegression(2).fit(Y, X).score(Y, far),
        lambda: CCA(2).fit(X.astype(float), Y).score(far, Y),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="overflow or vanish in double precision; rescale"):
            call()
