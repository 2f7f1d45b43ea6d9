"""Kernel CCA of rows in every floating type, far from zero, far from each other, and too large to be squared."""

import statistics
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from linear_models import pairs
from scipy.spatial.distance import cdist, pdist
from sklearn.base import clone
from sklearn.metrics.pairwise import rbf_kernel

from crossmodal_cca import KernelCCA, KernelCCACV
from crossmodal_cca.rows import _blocks

NYSTROEM = {"approximation": "nystroem", "n_landmarks": 50, "random_state": 0}
MODELS = {
    "exact": KernelCCA(),
    "exact, few": KernelCCA(5),
    "laplacian": KernelCCA(5, kernel="laplacian"),
    "linear": KernelCCA(kernel="linear"),
    "uniform": KernelCCA(**NYSTROEM),
    "kmeans": KernelCCA(5, **NYSTROEM, landmarks="kmeans"),
    "pivoted": KernelCCA(**NYSTROEM, landmarks="pivoted"),
    "fourier": KernelCCA(approximation="fourier", n_landmarks=40, random_state=0),
    "search": KernelCCACV(5, cv=3, width_factors=(1.0,), regularizations=(1e-3, 1e-2)),
    "search on landmarks": KernelCCACV(3, cv=3, width_factors=(1.0,), regularizations=(1e-3,), **NYSTROEM),
}


def models(*names):
    return pytest.mark.parametrize("model", [pytest.param(MODELS[name], id=name) for name in names or MODELS])


# Rows that float16 holds exactly would prove little; these are rounded to the type first, and then the same in double.


def well_conditioned(dtype, rng):
    X, Y = pairs(200)
    return X.astype(dtype), Y.astype(dtype)


def indicators(dtype, rng):
    classes = rng.integers(0, 6, 200)
    X = np.eye(6)[classes]
    Y = np.eye(5)[np.where(rng.random(200) < 0.7, classes % 5, rng.integers(0, 5, 200))]
    return X.astype(dtype), Y.astype(dtype)


def shares(dtype, rng):
    X = rng.dirichlet(np.ones(5), 200)
    Y = np.exp(X[:, :4] + 0.3 * rng.standard_normal((200, 4)))
    return X.astype(dtype), (Y / Y.sum(axis=1, keepdims=True)).astype(dtype)


def thermometers(dtype, rng):
    heat = 20 + 5 * rng.standard_normal((200, 1))
    return (heat + 0.01 * rng.standard_normal((200, 3))).astype(dtype), (heat**2 / 20).astype(dtype)


def far_from_zero(dtype, rng):
    X, Y = pairs(200)
    return (1e6 + 100 * X).astype(dtype), (Y - 1e6).astype(dtype)


def one_wild_row(dtype, rng):
    X, Y = pairs(200)
    X[17] *= 1000
    return X.astype(dtype), Y.astype(dtype)


ROWS = {
    "well-conditioned": well_conditioned,
    "indicators": indicators,
    "shares": shares,
    "thermometers": thermometers,
    "far from zero": far_from_zero,
    "one wild row": one_wild_row,
}


@pytest.mark.filterwarnings("ignore:All .* training correlation")
@pytest.mark.parametrize(
    ("model", "rows", "dtype"),
    [
        # Either is single precision to the package; far from zero alone is beyond float16, which ends at 65504.
        pytest.param(model, rows, np.float16 if (i + j) % 2 and rows != "far from zero" else np.float32)
        for i, model in enumerate(MODELS.values())
        for j, rows in enumerate(ROWS)
    ],
)
def test_floating_types_give_the_same_model(model, rows, dtype):
    """As many components, the same correlations, scores and means as the same values in double precision."""
    X, Y = ROWS[rows](dtype, np.random.default_rng(0))
    most = {"indicators": 4, "shares": 3, "thermometers": 1}.get(rows, 5)
    if model.n_components is not None:
        model = clone(model).set_params(n_components=min(model.n_components, most))
    coarse = clone(model).fit(X, Y)
    fine = clone(model).fit(X.astype(float), Y.astype(float))
    assert coarse.n_components_ == fine.n_components_
    np.testing.assert_allclose(coarse.correlations_, fine.correlations_, atol=1e-6)
    np.testing.assert_allclose(coarse.singular_values_, fine.singular_values_, atol=1e-6)
    assert coarse.score(X.astype(float), Y.astype(float)) == pytest.approx(fine.score(X.astype(float), Y.astype(float)))
    assert coarse.score(X, Y) == pytest.approx(fine.score(X, Y), abs=1e-6 * coarse.n_components_)
    assert coarse.transform(X[:5]).dtype == np.float32
    assert coarse.x_mean_.dtype == coarse.y_mean_.dtype == np.float64
    np.testing.assert_allclose(coarse.x_mean_, X.astype(float).mean(axis=0), rtol=1e-12, atol=1e-12)
    prediction = fine.predict(X.astype(float))
    np.testing.assert_allclose(coarse.predict(X.astype(float)), prediction, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["given", "fourier"])
def test_streams_in_single_precision(name):
    X, Y = pairs(300, dtype=np.float32)
    model = {
        "given": KernelCCA(gamma=0.05, approximation="nystroem", landmarks=(X[:40], Y[:40])),
        "fourier": KernelCCA(gamma=0.05, approximation="fourier", n_landmarks=40, random_state=0),
    }[name]
    whole = clone(model).fit(X.astype(float), Y.astype(float))
    stream = clone(model)
    for part in (slice(0, 100), slice(100, 101), slice(101, 300)):
        stream.partial_fit(X[part], Y[part])
    assert stream.n_components_ == whole.n_components_
    np.testing.assert_allclose(stream.correlations_, whole.correlations_, atol=1e-6)


# Far from zero


@models()
@pytest.mark.parametrize("power", [20, 40])
def test_a_shift_that_changes_no_digit_changes_nothing(model, power):
    """Multiples of 1/64 keep all their digits when a power of two is added; scores of new rows too."""
    X, Y = (np.round(64 * A) / 64 for A in pairs(200))
    new = np.round(64 * pairs(40, seed=1)[0]) / 64
    if power == 40 and getattr(model, "landmarks", None) == "kmeans":
        pytest.skip("centres, unlike rows, are no multiples of 1/64")
    if model.n_components is None:
        model = clone(model).set_params(n_components=5)
    here, far = clone(model).fit(X, Y), clone(model).fit(X + 2.0**power, Y - 2.0**power)
    if here.gamma_[0]:
        np.testing.assert_allclose(far.gamma_, here.gamma_, rtol=1e-12)
    np.testing.assert_allclose(far.singular_values_, here.singular_values_, atol=1e-8)
    scores = here.transform(new)
    np.testing.assert_allclose(far.transform(new + 2.0**power), scores, atol=1e-6 * np.abs(scores).max())


@pytest.mark.parametrize(("kernel", "metric"), [("rbf", "sqeuclidean"), ("laplacian", "cityblock")])
@pytest.mark.parametrize("shift", [0.0, 1.7e9])
def test_the_default_width_of_times_of_the_day(kernel, metric, shift):
    """Seconds since 1970: by scipy's distances, which are sums over differences, of the times themselves."""
    t = np.random.default_rng(0).uniform(0, 60, 200)[:, None]
    model = KernelCCA(1, kernel=kernel).fit(t + shift, np.sin(t))
    np.testing.assert_allclose(model.gamma_[0], 1 / np.median(pdist(t, metric)), rtol=1e-6)


def test_one_wild_row_decides_on_no_width():
    """Its distances to the others are a few of all; theirs keep their digits."""
    X, Y = pairs(100)
    X[3] = 1e9
    model = KernelCCA(1).fit(X, Y)
    exact = [[Fraction(float(value)) for value in row] for row in X]
    distances = [sum((a - b) ** 2 for a, b in zip(*rows, strict=True)) for rows in combinations(exact, 2)]
    right = 1 / statistics.median(distances)
    np.testing.assert_allclose(model.gamma_[0], float(right), rtol=1e-12)


@pytest.mark.parametrize("approximation", [None, "nystroem"])
def test_clusters_far_from_each_other(approximation):
    """No shift brings both of them near zero: kernel values come from differences, as those of scipy do."""
    X, Y = pairs(120)
    X[60:] += 1e8
    named = KernelCCA(3, gamma=0.05, approximation=approximation, n_landmarks=60, random_state=0).fit(X, Y)
    K = np.exp(-0.05 * cdist(X, X, "sqeuclidean"))
    known = clone(named).set_params(kernel=("precomputed", "rbf")).fit(K, Y)
    np.testing.assert_allclose(named.singular_values_, known.singular_values_, atol=1e-9)
    scores = known.transform(K)
    np.testing.assert_allclose(named.transform(X), scores, atol=1e-7 * np.abs(scores).max())


@pytest.mark.parametrize("kernel", ["rbf", "laplacian", "chi2"])
def test_centres_of_k_means_far_from_zero(kernel):
    """Rows in ten places far from zero: ten landmarks leave out nothing but the little that rows differ within them."""
    rng = np.random.default_rng(0)
    places = 1e7 + 100 * rng.random((10, 3))
    X = places[np.arange(200) % 10] + 0.01 * rng.standard_normal((200, 3))
    Y = pairs(200)[1]
    model = KernelCCA(
        2, kernel=(kernel, "rbf"), approximation="nystroem", n_landmarks=20, landmarks="kmeans", random_state=0
    )
    assert model.fit(X, Y).trace_left_out_[0] < 0.05


def test_zeros_stay_zeros_in_centres_of_histograms():
    X, Y = pairs(200)
    X = np.where(X > 0, np.round(X, 1), 0.0)
    X[:, 0] = 0.0
    model = KernelCCA(2, kernel=("chi2", "rbf"), **NYSTROEM, landmarks="kmeans").fit(X, Y)
    assert (model.model_.stream.maps[0].base >= 0).all()
    assert (model.model_.stream.maps[0].base[:, 0] == 0).all()


# Too large to be squared: sums of powers of two are exact, so that rows of 2^665 are alike within a block

HUGE = 2.0**665


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("approximation", [{}, NYSTROEM], ids=["exact", "nystroem"])
@pytest.mark.parametrize("step", [1, 64], ids=["within blocks", "between blocks"])
def test_overflow_is_seen_within_and_between_blocks(approximation, step, monkeypatch):
    """A kernel of absolute distances holds rows of 1e200, but squares of them are infinite."""
    monkeypatch.setattr(_blocks, "BLOCK_ROWS", 64)
    monkeypatch.setattr("crossmodal_cca.kernels._features.block_rows", lambda *widths: 64)
    X, Y = pairs(256)
    huge = np.where(np.arange(256) // step % 2, HUGE, -HUGE)
    model = KernelCCA(2, kernel=("rbf", "laplacian"), **approximation).fit(X, Y)
    before = model.predict(X)
    with pytest.raises(ValueError, match="overflow or vanish in double precision; rescale the features"):
        model.fit(X, huge)
    np.testing.assert_array_equal(model.predict(X), before)


@pytest.mark.filterwarnings("error")
def test_overflow_between_batches_leaves_the_model_as_it_was():
    X = pairs(128)[0]
    landmarks = HUGE * np.arange(1, 31)[:, None]
    model = KernelCCA(1, kernel=("rbf", "laplacian"), gamma=(0.05, 1 / HUGE), approximation="nystroem")
    model.set_params(landmarks=(X[:30], landmarks)).partial_fit(X[:64], np.full(64, HUGE))
    before = model.predict(X)
    with pytest.raises(ValueError, match="Squares of the values overflow"):
        model.partial_fit(X[64:], np.full(64, -HUGE))
    assert model.n_samples_seen_ == 64
    np.testing.assert_array_equal(model.predict(X), before)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("approximation", [None, "nystroem"])
def test_traces_that_overflow(approximation):
    """Sixty times 1e307 is beyond double precision, though no kernel value is."""
    K = 1e307 * np.eye(60)
    model = KernelCCA(1, kernel=("precomputed", "rbf"), approximation=approximation, n_landmarks=2, random_state=0)
    with pytest.raises(ValueError, match="Squares of the values overflow"):
        model.fit(K, pairs(60)[1])


def test_the_kernel_of_rows_near_zero_is_scikit_learns():
    X, Y = pairs(100)
    named = KernelCCA(3, gamma=0.05).fit(X, Y)
    known = KernelCCA(3, kernel="precomputed").fit(rbf_kernel(X, gamma=0.05), rbf_kernel(Y, gamma=0.05))
    np.testing.assert_allclose(named.singular_values_, known.singular_values_, rtol=1e-10)


# A small ridge leaves weak directions; more landmarks of a linear kernel than features depend on each other.
@pytest.mark.parametrize(
    ("kernel", "ridge", "in_single"), [("rbf", 0.03, True), ("rbf", 1e-5, False), ("linear", 0.03, False)]
)
def test_many_narrow_rows_meet_landmarks_in_single_precision_where_that_has_the_digits(kernel, ridge, in_single):
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((20_000, 3)) @ rng.standard_normal((3, 8))
    X, Y = (A + 0.5 * rng.standard_normal(A.shape) for A in (factors, np.tanh(factors)))
    X, Y = X.astype(np.float32), Y.astype(np.float32)
    landmarks = {"approximation": "nystroem", "n_landmarks": 30, "random_state": 0}
    model = KernelCCA(3, kernel=kernel, regularization=ridge, **landmarks)
    single, double = model.fit(X, Y), clone(model).fit(X.astype(float), Y.astype(float))
    assert single.model_.stream.moments.pair.is_single == in_single
    np.testing.assert_allclose(single.correlations_, double.correlations_, atol=1e-6 if in_single else 1e-12)
    gap = -np.diff(double.singular_values_).min() / double.singular_values_[0]
    scores, expected = (each.transform(X[:500].astype(float)) for each in (single, double))
    assert (np.abs(scores - expected) <= 2e-5 / gap * expected.std(axis=0)).all()
