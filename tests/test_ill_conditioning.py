"""Badly scaled, redundant and too few: results stay finite, rank-aware and honest."""

import warnings
from math import fsum

import numpy as np
import pytest
from linear_models import pairs

from crossmodal_cca import CCA, PLSSVD, PairMoments, PLSCanonical, PLSRegression

X, Y = pairs(400)
OVERFIT = "are exactly 1"
ALL = pytest.mark.parametrize(
    "model",
    [
        CCA(),
        CCA(solver="svd"),
        CCA(solver="moments"),
        CCA(shrinkage=0.3),
        PLSSVD(),
        PLSCanonical(),
        PLSRegression(None),
    ],
    ids=str,
)


def warned(model, X, Y):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, Y)
    return [str(w.message) for w in caught]


@pytest.mark.parametrize("solver", ["auto", "moments", "svd"])
@pytest.mark.parametrize("scale", [True, False])
def test_a_tiny_informative_feature_keeps_its_canonical_pair(solver, scale):
    tiny = X.copy()
    tiny[:, 0] *= 1e-8
    expected = CCA(3, scale=scale).fit(X, Y)
    cca = CCA(3, scale=scale, solver=solver).fit(tiny, Y)
    np.testing.assert_allclose(cca.correlations_, expected.correlations_, atol=1e-6)
    np.testing.assert_allclose(np.abs(cca.transform(tiny)), np.abs(expected.transform(X)), atol=1e-6)


@pytest.mark.parametrize("solver", ["auto", "svd"])
def test_a_nearly_repeated_feature_is_solved_from_the_rows(solver):
    """Two features correlate to 1 − 5e-13 and y knows their difference: the covariance has condition 1e12."""
    rng = np.random.default_rng(0)
    difference = rng.standard_normal(400)
    x = rng.standard_normal(400)
    close = np.column_stack([x, x + 1e-6 * difference])
    y = difference + 0.5 * rng.standard_normal(400)
    expected = abs(CCA(1).fit(np.column_stack([x, difference]), y).correlations_[0])
    assert CCA(1, solver=solver).fit(close, y).correlations_[0] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("solver", ["auto", "svd"])
def test_float32_rows_are_solved_from_the_rows_earlier(solver):
    """A covariance of condition 1e6 is fine in float64 products and lost in those of float32."""
    rng = np.random.default_rng(0)
    x, difference = rng.standard_normal((2, 400))
    close = np.column_stack([x, x + 1e-3 * difference]).astype(np.float32)
    y = (difference + 0.5 * rng.standard_normal(400)).astype(np.float32)
    expected = CCA(1).fit(close.astype(float), y).correlations_[0]
    assert CCA(1, solver=solver).fit(close, y).correlations_[0] == pytest.approx(expected, abs=1e-6)


def test_float32_rows_have_the_ranks_of_their_float64_copies():
    """A smooth spectrum down to 3e-3: directions that products in float32 cannot tell from rounding."""
    rng = np.random.default_rng(0)
    spectrum = np.geomspace(1, 3e-3, 60)
    sides = [rng.standard_normal((800, 60)) * spectrum @ np.linalg.qr(rng.standard_normal((60, 60)))[0] for _ in "xy"]
    single = [side.astype(np.float32) for side in sides]
    for model in (CCA(), CCA(shrinkage=0.9), PLSSVD(), PLSCanonical(60), PLSRegression(60), CCA(60, shrinkage=0.9)):
        assert model.fit(*single).n_components_ == 60


def test_null_directions_alone_are_no_reason_to_warn():
    shares = redundant("rows that sum to one")
    model = CCA(2).partial_fit(shares, Y)
    np.testing.assert_allclose(model.correlations_, CCA(2).fit(shares, Y).correlations_, atol=1e-8)


def test_few_rows_alone_are_no_reason_to_call_features_ill_conditioned():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(12)
    close = np.column_stack([x, x + 1e-6 * rng.standard_normal(12), rng.standard_normal((12, 8))])
    CCA(1, shrinkage=(0.0, 0.5)).partial_fit(close, Y[:12])


def test_a_constant_is_recognised_by_its_rounding():
    """A mean of 0.1 and rows that are 0.1 to the last bit or two: variation far below the numbers' spacing."""
    jitter = 0.1 + np.spacing(0.1) * (np.arange(len(X)) == 3)
    for model in (CCA(2), PLSSVD(2), CCA(2, shrinkage=0.3)):
        fitted = model.fit(np.column_stack([X, jitter]), Y)
        assert fitted.x_scale_[-1] == 1.0
        assert not fitted.x_weights_[-1].any()


@pytest.mark.parametrize("p", [30, 41])
def test_wide_rows_know_their_means_and_deviations(p):
    wide = np.random.default_rng(0).standard_normal((20, p)) + 1e6
    w = np.random.default_rng(1).uniform(0.5, 2, 20)
    cca = CCA(2, shrinkage=0.5).fit(wide, Y[:20], sample_weight=w)
    mean = np.array([fsum(w * column) for column in wide.T]) / fsum(w)  # to one unit of the last digit
    deviation = np.sqrt(w @ (wide - mean) ** 2 / (w.sum() - 1))
    np.testing.assert_allclose(cca.x_mean_, mean, rtol=1e-15)
    np.testing.assert_allclose(cca.x_scale_, deviation, rtol=1e-8)
    centred = CCA(2, shrinkage=0.5).fit(wide - 1e6, Y[:20], sample_weight=w)
    np.testing.assert_allclose(cca.transform(wide), centred.transform(wide - 1e6), atol=1e-8)


@pytest.mark.parametrize("total", [1.2, 1.9, 3.0])
def test_little_weight_divides_by_its_sum_minus_one(total):
    w = np.full(len(X), total / len(X))
    cca = CCA(2).fit(X, Y, sample_weight=w)
    np.testing.assert_allclose(cca.x_scale_, np.sqrt(X.var(axis=0) * total / (total - 1)), rtol=1e-10)
    streamed = CCA(2).partial_fit(X, Y, w)
    np.testing.assert_allclose(streamed.coef_, cca.coef_, atol=1e-10)


@pytest.mark.parametrize("total", [0.3, 1.0])
def test_too_little_weight_has_no_component_yet(total):
    for model in (CCA(2), PLSSVD(2), PLSRegression(2)):
        model.partial_fit(X, Y, np.full(len(X), total / len(X)))
        assert model.n_components_ == 0
        assert model.score(X, Y) == pytest.approx(0.0)
        np.testing.assert_allclose(model.predict(X[:2]), np.tile(Y.mean(axis=0), (2, 1)))
        assert model.inverse_transform(model.transform(X[:2])).shape == (2, X.shape[1])
        np.testing.assert_array_equal(model.residual_covariance(), np.zeros((Y.shape[1], Y.shape[1])))


def test_many_components_of_few_rows_are_all_there():
    """Most canonical correlations are 1 here: a cluster that a truncated decomposition must not thin out."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        with pytest.warns(UserWarning, match=OVERFIT):
            model = CCA(5).fit(rng.standard_normal((50, 60)), rng.standard_normal((50, 55)))
        assert model.n_components_ == 5
        np.testing.assert_allclose(model.correlations_, 1, atol=1e-9)


def test_moments_alone_say_that_they_are_ill_conditioned():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(400)
    close = np.column_stack([x, x + 1e-6 * rng.standard_normal(400)])
    moments = PairMoments.from_arrays(close, Y)
    with pytest.warns(UserWarning, match="ill-conditioned and the rows are not at hand"):
        CCA(1).fit_moments(moments)
    with pytest.warns(UserWarning, match="ill-conditioned and the rows are not at hand"):
        CCA(1).partial_fit(close, Y)
    with pytest.warns(UserWarning, match='"auto", which goes over the rows'):
        CCA(1, solver="moments").fit_moments(moments)
    with pytest.raises(ValueError, match='solver="svd" needs the rows'):
        CCA(1, solver="svd").fit_moments(moments)


def redundant(kind):
    extra = {
        "rows that sum to one": np.exp(X) / np.exp(X).sum(1, keepdims=True),
        "a repeated feature": np.column_stack([X, X[:, 2]]),
        "a multiple of a feature": np.column_stack([X, 1e5 * X[:, 2] + 3]),
        "a constant feature": np.column_stack([X, np.full(len(X), 0.1)]),
        "a large constant feature": np.column_stack([X, np.full(len(X), 123456.7)]),
        "a null feature": np.column_stack([X, np.zeros(len(X))]),
        "a sum of features": np.column_stack([X, X.sum(1)]),
    }
    return extra[kind]


KINDS = pytest.mark.parametrize(
    "kind",
    [
        "rows that sum to one",
        "a repeated feature",
        "a multiple of a feature",
        "a constant feature",
        "a large constant feature",
        "a null feature",
        "a sum of features",
    ],
)


@ALL
@KINDS
def test_redundant_features_leave_the_rank(model, kind):
    A = redundant(kind)
    rank = 7 if kind == "rows that sum to one" else 8
    for X_, Y_ in ((A, Y), (A, A[:, ::-1])):
        model.set_params(n_components=None).fit(X_, Y_)
        assert model.n_components_ <= (rank if isinstance(model, PLSRegression) else min(rank, Y_.shape[1]))
        if isinstance(model, CCA | PLSSVD):
            assert model.n_components_ == min(rank, np.linalg.matrix_rank(Y_ - Y_.mean(0), tol=1e-4))
        for name in ("x_weights_", "y_rotations_", "x_loadings_", "coef_", "correlations_"):
            assert np.isfinite(getattr(model, name)).all(), name
        assert np.abs(model.x_rotations_).max() < 1e4
        assert np.abs(model.correlations_).max() <= 1
        assert np.isfinite(model.predict(X_)).all()
    limit = rank if isinstance(model, PLSRegression) else min(rank, Y.shape[1])
    with pytest.raises(ValueError, match=f"n_components={limit + 1} is more than the {limit} possible"):
        model.set_params(n_components=limit + 1).fit(A, Y)


@KINDS
def test_redundant_features_do_not_change_plain_cca(kind):
    if kind == "rows that sum to one":
        A, B = redundant(kind), redundant(kind)[:, :-1]
    else:
        A, B = redundant(kind), X
    for solver in ("auto", "moments", "svd"):
        np.testing.assert_allclose(CCA(solver=solver).fit(A, Y).correlations_, CCA().fit(B, Y).correlations_, atol=1e-8)


def test_null_directions_of_a_float32_cast_are_dropped():
    """Casting shares that sum to one leaves a spurious direction, which must not become a component.

    Its singular value is about 2e-8 of the leading one; with 40 features the rank rule draws the line at 9e-8.
    """
    shares = np.exp(2 * np.random.default_rng(0).standard_normal((400, 40)))
    shares = (shares / shares.sum(1, keepdims=True)).astype(np.float32)
    for rows in (shares, shares.astype(np.float64)):
        cca = CCA().fit(rows, Y)
        assert cca.n_components_ == Y.shape[1]
        assert np.abs(cca.x_rotations_).max() < 100
        assert CCA().fit(rows, rows[:, ::-1]).n_components_ == 39


def test_overfitting_is_announced_exactly_when_it_is_certain():
    rng = np.random.default_rng(0)

    def noise(n, p, q):
        return rng.standard_normal((n, p)), rng.standard_normal((n, q))

    model = CCA()
    (message,) = warned(model, *noise(150, 100, 80))
    for expected in ("31 canonical correlation(s)", OVERFIT, "Raise shrinkage"):
        assert expected in message
    assert np.count_nonzero(model.correlations_ > 1 - 1e-9) == 31
    assert warned(CCA(), *noise(4000, 12, 9)) == []
    assert warned(CCA(shrinkage=0.1), *noise(150, 100, 80)) == []
    assert warned(CCA(shrinkage=(0.0, 0.1)), *noise(150, 100, 80)) == []
    assert warned(CCA(), *noise(23, 12, 10)) == []  # 12 + 10 = n - 1: just enough
    assert len(warned(CCA(), *noise(22, 12, 10))) == 1


@pytest.mark.parametrize("n", [2, 5, 8, 9])
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize(
    "model", [CCA(shrinkage=1e-3), CCA(shrinkage=1.0), PLSSVD(), PLSCanonical(), PLSRegression(None)]
)
def test_no_more_rows_than_features_work(n, scale, model):
    model.set_params(scale=scale, n_components=None).fit(X[:n], Y[:n])
    assert 1 <= model.n_components_ <= min(n - 1, 8)
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("p", [41, 5000])
def test_wide_features_never_form_a_square_matrix(p):
    rng = np.random.default_rng(0)
    wide = rng.standard_normal((20, p))
    cca = CCA(2, shrinkage=0.5).fit(wide, Y[:20])
    assert cca.x_weights_.shape == (p, 2)
    sizes = [a.size for a in (cca.model_.pair.moments.scatter_xx, cca.model_.pair.x.basis)]
    assert max(sizes) <= 20 * p


def test_constant_y_has_no_component():
    with pytest.raises(ValueError, match="No component is possible"):
        CCA().fit(X, np.ones(len(X)))
    with pytest.raises(ValueError, match="No component is possible"):
        PLSSVD().fit(np.ones_like(X), Y)


def test_exhausted_covariance_is_announced():
    y = X @ np.ones(X.shape[1])
    whitened = np.linalg.qr(X - X.mean(0))[0]
    with pytest.warns(UserWarning, match=r"exhausted to rounding error by 1 component\(s\); the other 2 are left out"):
        model = PLSRegression(3, scale=False).fit(whitened, y)
    assert model.n_components_ == 1
