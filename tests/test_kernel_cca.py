"""What ties kernel CCA to other methods, and what may be done to the rows without changing it."""

from itertools import pairwise

import numpy as np
import pytest
from linear_models import pairs, same_space
from real_data import load
from scipy import linalg
from scipy.spatial.distance import cdist, pdist
from sklearn.base import clone
from sklearn.gaussian_process.kernels import RBF
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import additive_chi2_kernel, chi2_kernel, pairwise_kernels
from sklearn.preprocessing import KernelCenterer, StandardScaler

from crossmodal_cca import CCA, KernelCCA
from crossmodal_cca.kernels import _exact as exact_solver
from crossmodal_cca.kernels._embedding import KernelEmbedding
from crossmodal_cca.kernels._kernel import Kernel
from crossmodal_cca.metrics import hit_rate_at_k
from crossmodal_cca.models._kernel_model import KernelSide
from crossmodal_cca.models._value import Value

X, Y = pairs()
NEW = pairs(50, seed=1)
KAPPA = 0.01

EXACT = {
    "linear": KernelCCA(3, kernel="linear", regularization=KAPPA),
    "rbf": KernelCCA(3, regularization=KAPPA),
    "laplacian": KernelCCA(3, kernel="laplacian", regularization=KAPPA),
    "poly": KernelCCA(3, kernel="poly", degree=2, regularization=(KAPPA, 0.02)),
    "cosine-rbf": KernelCCA(3, kernel=("cosine", "rbf"), regularization=KAPPA, power=1.0),
}
APPROXIMATE = {
    "uniform": KernelCCA(3, approximation="nystroem", n_landmarks=40, random_state=0),
    "kmeans": KernelCCA(3, approximation="nystroem", n_landmarks=(40, 30), landmarks="kmeans", random_state=0),
    "pivoted": KernelCCA(3, approximation="nystroem", n_landmarks=40, landmarks="pivoted"),
    "given": KernelCCA(3, gamma=0.05, approximation="nystroem", landmarks=(X[:40], Y[10:40])),
    "given-linear": KernelCCA(3, kernel="linear", approximation="nystroem", landmarks=(X[:4], Y[:4])),
    "fourier": KernelCCA(3, gamma=0.05, approximation="fourier", n_landmarks=60, random_state=0),
    "fourier-laplacian": KernelCCA(
        3, kernel="laplacian", gamma=0.05, approximation="fourier", n_landmarks=60, power=1.0, random_state=0
    ),
}
MODELS = EXACT | APPROXIMATE


def models(*names):
    return pytest.mark.parametrize("model", [pytest.param(MODELS[name], id=name) for name in names or MODELS])


def fit(model, X=X, Y=Y, **parameters):
    return clone(model).set_params(**parameters).fit(X, Y)


def centred(model, side, A, B=None):
    """The kernel of a fitted model between rows, centred by scikit-learn with the statistics of the rows B."""
    kernel = model.kernel[side] if isinstance(model.kernel, tuple) else model.kernel
    gamma = {"gamma": model.gamma_[side]} if model.gamma_[side] else {}
    K = pairwise_kernels(B, metric=kernel, degree=model.degree, coef0=model.coef0, filter_params=True, **gamma)
    K_new = pairwise_kernels(A, B, metric=kernel, degree=model.degree, coef0=model.coef0, filter_params=True, **gamma)
    centerer = KernelCenterer().fit(K)
    return centerer.transform(K), centerer.transform(K_new)


# Definitions, computed the slow way


@models(*EXACT)
def test_the_generalised_eigenproblem_of_both_kernels(model):
    """[0 KxKy; KyKx 0] v = d · diag(Kx(Kx + εx), Ky(Ky + εy)) v, of size 2n, on rows of which all directions vary."""
    rows = X[:60], Y[:60]
    fitted = fit(model, *rows)
    kappas = np.broadcast_to(fitted.regularization, 2)
    (Kx, Kx_new), (Ky, Ky_new) = (centred(fitted, i, NEW[i], rows[i]) for i in (0, 1))
    n, zero = len(Kx), np.zeros_like(Kx)
    A = np.block([[zero, Kx @ Ky], [Ky @ Kx, zero]])
    blocks = (K @ (K + kappa * np.trace(K) * np.eye(n)) for K, kappa in zip((Kx, Ky), kappas, strict=True))
    B = linalg.block_diag(*blocks)
    lift = 1e-10 * np.trace(B) / len(B) * np.eye(len(B))  # the kernels are singular, at least by centring
    d, V = linalg.eigh(A, B + lift)
    d, V = d[::-1][:3], V[:, ::-1][:, :3]
    np.testing.assert_allclose(fitted.singular_values_, d, atol=1e-5)
    for scores, K_new, alpha in zip(fitted.transform(*NEW), (Kx_new, Ky_new), (V[:n], V[n:]), strict=True):
        expected = K_new @ alpha * d**fitted.power
        correlation = np.sum(scores * expected, axis=0) / np.linalg.norm(scores, axis=0)
        np.testing.assert_allclose(np.abs(correlation), np.linalg.norm(expected, axis=0), rtol=1e-4)


@models(*EXACT)
def test_scores_are_centred_and_in_the_metric_of_the_constraint(model):
    """Also of new rows, centred with the training statistics: K_new α; and training rows keep their training scores."""
    fitted = fit(model, power=0.0)
    for i, rows, scores, R in zip(
        (0, 1), (X, Y), fitted.transform(X, Y), (fitted.x_rotations_, fitted.y_rotations_), strict=True
    ):
        K, K_new = centred(fitted, i, NEW[i], rows)
        np.testing.assert_allclose(scores, K @ R, atol=1e-9 * np.abs(scores).max())
        new_scores = fitted.transform(*NEW)[i]
        np.testing.assert_allclose(new_scores, K_new @ R, atol=1e-9 * np.abs(new_scores).max())
        ridge = np.broadcast_to(fitted.regularization, 2)[i] * np.trace(K)
        np.testing.assert_allclose(R.T @ (K @ K + ridge * K) @ R / (len(K) - 1), np.eye(3), atol=1e-8)
    x, y = fitted.transform(X, Y)
    np.testing.assert_allclose([np.corrcoef(a, b)[0, 1] for a, b in zip(x.T, y.T, strict=True)], fitted.correlations_)


@pytest.mark.parametrize("metric", ["rbf", "laplacian", "chi2"])
def test_default_width_is_the_median_distance(metric):
    A, B = np.abs(X), np.abs(Y)
    fitted = KernelCCA(2, kernel=metric).fit(A, B)
    distances = {
        "rbf": lambda A: pdist(A, "sqeuclidean"),
        "laplacian": lambda A: pdist(A, "cityblock"),
        "chi2": lambda A: -additive_chi2_kernel(A)[np.triu_indices(len(A), 1)],
    }[metric]
    np.testing.assert_allclose(fitted.gamma_, [1 / np.median(distances(side)) for side in (A, B)])


def test_predictions_with_all_components_are_kernel_ridge_regression():
    fitted = KernelCCA(regularization=KAPPA).fit(X[:100], Y[:100])
    K, K_new = centred(fitted, 0, NEW[0], X[:100])
    ridge = KernelRidge(alpha=KAPPA * np.trace(K), kernel="precomputed").fit(K, Y[:100] - Y[:100].mean(axis=0))
    np.testing.assert_allclose(fitted.predict(NEW[0]), ridge.predict(K_new) + Y[:100].mean(axis=0), atol=1e-8)


@models()
def test_the_ridge_is_relative_to_the_trace_of_the_features(model):
    """A unit of a side changes nothing where the width follows the data, or the kernel has none."""
    if model.gamma is not None or model.kernel == "poly":
        model = clone(model).set_params(gamma=None, kernel="rbf", landmarks="uniform")
    a, b = fit(model), fit(model, 1e3 * X, 1e-4 * Y)
    same_space(a, b, NEW, (1e3 * NEW[0], 1e-4 * NEW[1]), tol=1e-6 if model.approximation else 1e-9)


# Limits that tie the methods together


@pytest.mark.parametrize("n", [200, 1000], ids=["all pairs", "iterated"])
def test_linear_kernel_is_cca_with_matching_shrinkage(n):
    X, Y = pairs(n)
    kappas = 0.03, 0.005
    shrinkage = tuple(kappa * p / (1 + kappa * p) for kappa, p in zip(kappas, (X.shape[1], Y.shape[1]), strict=True))
    cca = CCA(3, shrinkage=shrinkage, scale=False).fit(X, Y)
    kernel = KernelCCA(3, kernel="linear", regularization=kappas, power=0.0).fit(X, Y)
    same_space(cca, kernel, NEW, NEW, tol=1e-8)
    np.testing.assert_allclose(cca.predict(NEW[0]), kernel.predict(NEW[0]), atol=1e-8)
    np.testing.assert_allclose(cca.predict_x(NEW[1]), kernel.predict_x(NEW[1]), atol=1e-8)
    factor = np.sqrt(np.prod([1 + kappa * p for kappa, p in zip(kappas, (X.shape[1], Y.shape[1]), strict=True)]))
    np.testing.assert_allclose(cca.singular_values_, factor * kernel.singular_values_, rtol=1e-9)


@pytest.mark.parametrize(
    ("model", "landmarks", "n"),
    # Of more rows the exact model is iterated, whatever the kernel.
    [
        *((model, kind, 150) for model in EXACT.values() for kind in ("uniform", "pivoted")),
        (EXACT["rbf"], "uniform", 560),
    ],
)
def test_all_rows_as_landmarks_are_exact(model, landmarks, n):
    X, Y = pairs(n)
    exact = fit(model, X, Y)
    nystroem = fit(model, X, Y, approximation="nystroem", landmarks=landmarks, n_landmarks=n, tol=0.0, random_state=0)
    same_space(exact, nystroem, NEW, NEW, tol=1e-6)
    np.testing.assert_allclose(exact.predict(NEW[0]), nystroem.predict(NEW[0]), atol=1e-6)
    np.testing.assert_allclose(nystroem.trace_left_out_, 0.0, atol=1e-9)


@pytest.mark.parametrize("kernel", ["rbf", "laplacian"])
def test_fourier_features_converge_to_the_exact_model(kernel):
    """Mean squared errors of the kernel fall as the number of frequencies grows, so of the predictions in the end."""
    exact = KernelCCA(2, kernel=kernel, gamma=0.05, regularization=KAPPA).fit(X, Y)
    K = pairwise_kernels(NEW[0], metric=kernel, gamma=0.05)

    def squared_errors(n_frequencies):
        models = [fit(exact, approximation="fourier", n_landmarks=n_frequencies, random_state=i) for i in range(4)]
        features = [model.model_.stream.maps[0](NEW[0]) for model in models]
        predictions = np.mean([np.square(m.predict(NEW[0]) - exact.predict(NEW[0])).mean() for m in models])
        return np.mean([np.square(F @ F.T - K).mean() for F in features]), predictions

    few, many = squared_errors(20), squared_errors(500)
    assert 1 / 40 < many[0] / few[0] < 1 / 15
    assert many[1] < few[1] / 2
    assert many[1] < 0.15 * np.square(exact.predict(NEW[0]) - exact.y_mean_).mean()


def test_pivots_cover_rows_far_from_the_others_and_stop_at_tol():
    """Ten rows far from the rest and from each other: chance would miss most of them."""
    far = np.where(np.arange(len(X))[:, None] % 30 == 0, 6.0, 0.3) * X
    left_out = {
        landmarks: fit(APPROXIMATE["uniform"], far, Y, gamma=0.05, landmarks=landmarks).trace_left_out_[0]
        for landmarks in ("uniform", "pivoted")
    }
    assert left_out["pivoted"] < left_out["uniform"] / 2
    stopped = fit(APPROXIMATE["pivoted"], n_landmarks=300, tol=0.05)
    assert all(0.0 < share <= 0.05 for share in stopped.trace_left_out_)
    assert len(stopped.x_rotations_) < 300
    one_less = fit(APPROXIMATE["pivoted"], n_components=1, n_landmarks=(len(stopped.x_rotations_) - 1, 1), tol=0.05)
    assert one_less.trace_left_out_[0] > 0.05


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
@pytest.mark.parametrize("approximation", [None, "nystroem"])
def test_precomputed_is_the_named_kernel(kernel, approximation):
    """Also with one side alone precomputed."""
    named = KernelCCA(3, kernel=kernel, regularization=KAPPA, approximation=approximation, n_landmarks=50).set_params(
        random_state=0
    )
    named.fit(X, Y)
    widths = [{"gamma": gamma} if gamma else {} for gamma in named.gamma_]
    K, L = (pairwise_kernels(A, metric=kernel, **w) for A, w in zip((X, Y), widths, strict=True))
    K_new, L_new = (pairwise_kernels(A, B, metric=kernel, **w) for A, B, w in zip(NEW, (X, Y), widths, strict=True))
    tol = 1e-6 if approximation else 1e-9  # a linear kernel of centred rows has other landmarks than one of raw rows
    if (kernel, approximation) == ("linear", "nystroem"):
        named.set_params(n_landmarks=300).fit(X, Y)
    both = fit(named, K, L, kernel="precomputed")
    same_space(named, both, NEW, (K_new, L_new), tol)
    one = fit(named, K, Y, kernel=("precomputed", kernel))
    same_space(named, one, NEW, (K_new, NEW[1]), tol)
    np.testing.assert_allclose(one.predict(K_new), named.predict(NEW[0]), atol=1e-6)
    assert not hasattr(one, "predict_x")
    assert not hasattr(both, "predict")


def test_functions_are_kernels_too():
    rows = X[:60], Y[:60]
    named = KernelCCA(2, gamma=0.05).fit(*rows)
    function = KernelCCA(
        2, kernel=lambda a, b, width: np.exp(-width * np.sum((a - b) ** 2)), kernel_params={"width": 0.05}
    )
    same_space(named, function.fit(*rows), NEW, NEW)
    process = KernelCCA(2, kernel=(RBF(length_scale=np.sqrt(10.0)), "rbf"), gamma=0.05)  # exp(−‖·‖² / (2·10))
    same_space(named, process.fit(*rows), NEW, NEW)


@pytest.mark.filterwarnings("ignore:All .* training correlation")
def test_iteration_and_all_pairs_agree():
    """Also where the iteration gives up: correlations that cluster near one, a ridge too weak to tell them apart."""
    X, Y = pairs(600)
    for gamma, kappa in ((None, 1e-2), (5.0, 1e-4)):
        few = KernelCCA(4, gamma=gamma, regularization=kappa).fit(X, Y)
        every = KernelCCA(500, gamma=gamma, regularization=kappa).fit(X, Y)
        np.testing.assert_allclose(few.singular_values_, every.singular_values_[:4], rtol=1e-9)
        every_scores = every.transform(X, Y)
        for some, many in zip(few.transform(X, Y), every_scores, strict=True):
            np.testing.assert_allclose(some, many[:, :4], atol=1e-6 * np.abs(some).max())


def circle_of(n):
    angles = 2 * np.pi * np.arange(n) / n
    return np.column_stack([np.cos(angles), np.sin(angles)])


TIES = {
    "circle": lambda n: (circle_of(n), circle_of(n)),
    "classes": lambda n: (np.eye(12)[np.arange(n) % 12], np.eye(12)[np.arange(n) % 12]),
    "grid": lambda n: (np.array(np.divmod(np.arange(n), 25), dtype=float).T,) * 2,
}


@pytest.mark.filterwarnings("ignore:All .* training correlation")
@pytest.mark.parametrize("kernel", ["rbf", "linear"])
@pytest.mark.parametrize("rows", TIES)
def test_equal_correlations_are_all_found(rows, kernel):
    """Whatever part of a tie is asked for: the iteration must not cut it, nor miss a copy."""
    X, Y = TIES[rows](625 if rows == "grid" else 720)
    every = KernelCCA(kernel=kernel).fit(X, Y).singular_values_
    for k in sorted({1, 2, 3, 6} & set(range(1, len(every) + 1))):  # whole ties, and parts of them
        model = KernelCCA(k, kernel=kernel, power=0.0).fit(X, Y)
        np.testing.assert_allclose(model.singular_values_, every[:k], rtol=1e-8)
        x, y = model.transform(X, Y)
        K, L = (centred(model, i, A, A)[0] for i, A in ((0, X), (1, Y)))
        for M, R in ((K, model.x_rotations_), (L, model.y_rotations_)):
            constraint = R.T @ (M @ M + 1e-3 * np.trace(M) * M) @ R / (len(M) - 1)
            np.testing.assert_allclose(constraint, np.eye(k), atol=1e-6)
        np.testing.assert_allclose(x.T @ y / (len(X) - 1), np.diag(np.diag(x.T @ y / (len(X) - 1))), atol=1e-6)


def test_uncorrelated_sides_share_nothing():
    """A product design: every class of x with every class of y, equally often."""
    X, Y = (np.eye(25)[i] for i in np.divmod(np.arange(625), 25))
    for k in (None, 1):
        for model in (KernelCCA(k, kernel="linear"), KernelCCA(k, kernel="linear", approximation="nystroem")):
            with pytest.raises(ValueError, match="No component is possible"):
                model.set_params(random_state=0).fit(X, Y)


def test_a_low_rank_kernel_has_as_many_components_as_its_rank():
    for n in (100, 600):
        X, Y = pairs(n)
        assert KernelCCA(kernel="linear").fit(X, Y).n_components_ == 6
        assert KernelCCA(6, kernel="linear").fit(X, Y).n_components_ == 6
        with pytest.raises(ValueError, match=r"n_components=7 is more than the 6 possible: with n_samples"):
            KernelCCA(7, kernel="linear").fit(X, Y)


# Invariances


@models("linear", "rbf", "laplacian", "uniform", "pivoted", "fourier", "fourier-laplacian")
def test_shifting_both_sides_changes_nothing(model):
    dx, dy = np.linspace(-50, 500, X.shape[1]), np.full(Y.shape[1], 5.0)
    a, b = fit(model), fit(model, X + dx, Y + dy)
    same_space(a, b, NEW, (NEW[0] + dx, NEW[1] + dy), tol=1e-6 if model.approximation else 1e-9)
    np.testing.assert_allclose(a.predict(NEW[0]) + dy, b.predict(NEW[0] + dx), atol=1e-6)


@models(*EXACT, "given", "given-linear", "fourier", "fourier-laplacian")
def test_order_of_rows_changes_nothing(model):
    order = np.random.default_rng(0).permutation(len(X))
    same_space(fit(model), fit(model, X[order], Y[order]), NEW, NEW, tol=1e-6 if model.approximation else 1e-9)


@models("linear", "rbf", "laplacian", "pivoted")
def test_swapping_the_sides_swaps_the_results(model):
    a, b = fit(model), fit(model, Y, X)
    for one, other in zip(a.transform(*NEW), b.transform(*NEW[::-1])[::-1], strict=True):
        np.testing.assert_allclose(np.abs(one), np.abs(other), atol=1e-7)
    np.testing.assert_allclose(a.predict(NEW[0]), b.predict_x(NEW[0]), atol=1e-7)


@models()
def test_power_scales_scores_and_leaves_predictions_alone(model):
    plain, weighted = fit(model, power=0.0), fit(model, power=2.0)
    for a, b in zip(plain.transform(*NEW), weighted.transform(*NEW), strict=True):
        np.testing.assert_allclose(a * plain.singular_values_**2, b)
    np.testing.assert_allclose(plain.x_rotations_ * plain.singular_values_**2, weighted.x_rotations_)
    np.testing.assert_allclose(plain.predict(NEW[0]), weighted.predict(NEW[0]))


def test_parameters_set_later_change_nothing_before_the_next_fit():
    model = fit(EXACT["rbf"])
    before, predicted = model.transform(*NEW), model.predict(NEW[0])
    model.set_params(power=2.0, kernel="precomputed", regularization=1.0, gamma=3.0)
    for a, b in zip(before, model.transform(*NEW), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(model.predict(NEW[0]), predicted)


def values_in(thing):
    """A model and all the values that it consists of."""
    if isinstance(thing, tuple):
        return [value for part in thing for value in values_in(part)]
    return [thing, *values_in(tuple(vars(thing).values()))] if isinstance(thing, Value) else []


@models()
def test_no_array_of_a_model_can_be_written_to(model):
    values = values_in(fit(model).model_)
    assert {Kernel, KernelEmbedding, KernelSide} <= set(map(type, values))
    held = [part for value in values for part in vars(value).values()]
    assert not any(part.flags.writeable for part in held if isinstance(part, np.ndarray))


def test_landmarks_written_into_later_change_no_model_and_no_stream():
    landmarks = X[:40].copy(), Y[10:40].copy()
    model = clone(APPROXIMATE["given"]).set_params(landmarks=landmarks).fit(X, Y)
    before = model.transform(NEW[0])
    landmarks[0][:] = 1.0
    np.testing.assert_array_equal(model.transform(NEW[0]), before)
    with pytest.raises(ValueError, match="landmarks has changed since the first batch"):
        model.partial_fit(X, Y)


@models()
def test_fitting_twice_equals_fitting_once(model):
    once = fit(model)
    twice = clone(model).set_params(landmarks="uniform").fit(*pairs(200, 4, 3, seed=5))
    twice.set_params(landmarks=model.landmarks).fit(X, Y)
    np.testing.assert_array_equal(once.transform(NEW[0]), twice.transform(NEW[0]))


@models()
def test_blocks_of_new_rows_do_not_change_their_scores(model, monkeypatch):
    fitted = fit(model)
    together = fitted.transform(*NEW)
    monkeypatch.setattr("crossmodal_cca.kernels._embedding.block_rows", lambda *widths: 7)
    for a, b in zip(together, fitted.transform(*NEW), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


# Streams


@pytest.mark.filterwarnings("ignore:All .* training correlation")  # of the first few rows
@models("given", "given-linear", "fourier", "fourier-laplacian")
def test_batches_of_any_size_and_order_equal_one_fit(model):
    whole = fit(model)
    streamed = clone(model)
    edges = [0, 1, 2, 7, 40, 299, 300]
    batches = [slice(a, b) for a, b in pairwise(edges)]
    for i in np.random.default_rng(0).permutation(len(batches)):
        streamed.partial_fit(X[batches[i]], Y[batches[i]])
    same_space(whole, streamed, NEW, NEW, tol=1e-8)
    np.testing.assert_allclose(whole.predict(NEW[0]), streamed.predict(NEW[0]), atol=1e-8)
    assert streamed.n_samples_seen_ == len(X)
    same_space(whole, fit(model, X[:200], Y[:200]).partial_fit(X[200:], Y[200:]), NEW, NEW, tol=1e-8)


def test_what_the_first_batch_has_settled_stays():
    model = clone(APPROXIMATE["given"]).partial_fit(X, Y)
    model.set_params(n_components=2, regularization=0.1, power=1.0).partial_fit(X, Y)
    assert model.n_components_ == 2
    with pytest.raises(ValueError, match="gamma has changed since the first batch"):
        model.set_params(gamma=5.0).partial_fit(X, Y)
    with pytest.raises(ValueError, match="landmarks has changed since the first batch"):
        model.set_params(gamma=0.05, landmarks=(X[:5], Y[:5])).partial_fit(X, Y)
    with pytest.raises(ValueError, match=r"n_components=41 is more than the .* possible"):
        clone(APPROXIMATE["given"]).set_params(n_components=41).partial_fit(X, Y)


def test_one_row_has_no_component_and_a_bad_batch_changes_nothing():
    model = clone(APPROXIMATE["fourier"]).partial_fit(X[:1], Y[:1])
    assert model.n_components_ == 0
    assert model.transform(NEW[0]).shape == (50, 0)
    model.partial_fit(X, Y)
    before = model.transform(NEW[0])
    for bad in ((X[:, :3], Y), (X, Y[:, :2]), (X[:10], Y), (np.full_like(X, np.nan), Y), (X, np.full_like(Y, np.inf))):
        with pytest.raises(ValueError, match=r"features|rows|NaN|infinity"):
            model.partial_fit(*bad)
    assert model.n_samples_seen_ == 301
    np.testing.assert_array_equal(model.transform(NEW[0]), before)


@pytest.mark.parametrize(
    "model",
    [
        KernelCCA(),
        KernelCCA(approximation="fourier"),
        KernelCCA(approximation="nystroem", gamma=1.0),
        KernelCCA(approximation="nystroem", landmarks=(X, Y)),
    ],
    ids=str,
)
def test_no_stream_where_rows_decide_on_the_features(model):
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError) as raised:
        model.partial_fit(X, Y)
    assert "features that no row decides on" in str(raised.value.__cause__)


def test_landmarks_need_no_kernel_of_all_rows():
    """Peak memory of a fit on 4,000 rows stays below a quarter of one kernel."""
    import tracemalloc

    rows = pairs(4000)
    model = KernelCCA(3, approximation="nystroem", n_landmarks=50, random_state=0)
    tracemalloc.start()
    model.fit(*rows).transform(*rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4000**2 * 8 / 4


# What it is for


def circle(n, seed):
    """A point on a noisy circle, and the sine of three times its angle beside a feature of noise."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, n)
    X = np.column_stack([np.cos(angle), np.sin(angle)]) + 0.05 * rng.standard_normal((n, 2))
    return X, np.column_stack([np.sin(3 * angle), rng.standard_normal(n)])


@pytest.mark.parametrize(
    "approximation",
    [{}, {"approximation": "nystroem", "n_landmarks": 100}, {"approximation": "fourier", "n_landmarks": 200}],
    ids=["exact", "nystroem", "fourier"],
)
def test_finds_a_circle_where_cca_finds_nothing(approximation):
    train, test = circle(500, 0), circle(500, 1)
    assert CCA(1).fit(*train).score(*test) < 0.2
    assert KernelCCA(1, random_state=0, **approximation).fit(*train).score(*test) > 0.9


@models("rbf", "laplacian", "uniform", "fourier")
def test_shuffled_pairs_correlate_on_no_new_rows(model):
    """Correlations of 1,000 independent pairs have a standard error of .03."""
    X, Y = pairs(2000)
    shuffled = Y[np.random.default_rng(0).permutation(2000)]
    x, y = fit(model, X[:1000], shuffled[:1000]).transform(X[1000:], shuffled[1000:])
    assert max(abs(np.corrcoef(a, b)[0, 1]) for a, b in zip(x.T, y.T, strict=True)) < 0.12
    assert fit(model, X[:1000], Y[:1000]).score(X[1000:], Y[1000:]) > 1.0


@pytest.mark.newest
def test_the_default_power_serves_retrieval():
    """Digits, Fourier and Karhunen–Loève features, standardised: hit rate at 10 of .57 and .58 without any power."""
    digits = load("mfeat")
    train = digits["split"] == 0
    sides = [(StandardScaler().fit(digits[name][train]), digits[name]) for name in ("fou", "kar")]
    learn, test = ([scaler.transform(A[rows]) for scaler, A in sides] for rows in (train, ~train))
    x, y = KernelCCA().fit(*learn).transform(*test)
    assert hit_rate_at_k(x, y, k=10) == pytest.approx(0.68, abs=0.01)
    assert hit_rate_at_k(y, x, k=10) == pytest.approx(0.67, abs=0.01)


def test_training_correlations_near_one_are_warned_of():
    noise = np.random.default_rng(0).standard_normal((2, 100, 20))
    with pytest.warns(UserWarning, match=r"training correlation\(s\) are above 0.999.*Raise regularization"):
        KernelCCA(10, gamma=1.0, regularization=1e-6).fit(*noise)


def test_histograms():
    """The exponential χ² kernel as scikit-learn computes it; the additive one exactly alone, where it is centred."""
    A, B = np.abs(X), np.abs(Y)
    fitted = KernelCCA(2, kernel="chi2", regularization=KAPPA).fit(A, B)
    gram = [chi2_kernel(side, gamma=gamma) for side, gamma in zip((A, B), fitted.gamma_, strict=True)]
    precomputed = KernelCCA(2, kernel="precomputed", regularization=KAPPA).fit(*gram)
    np.testing.assert_allclose(fitted.singular_values_, precomputed.singular_values_)
    additive = KernelCCA(2, kernel="additive_chi2").fit(A, B)
    assert additive.gamma_ == (None, None)
    assert additive.score(A, B) > 1.0


def test_the_median_width_ignores_repeated_rows():
    repeated = np.repeat(X[:50], 6, axis=0)
    fitted = KernelCCA(2).fit(repeated, Y)
    np.testing.assert_allclose(fitted.gamma_[0], 1 / np.median(pdist(X[:50], "sqeuclidean")), rtol=1e-6)
    assert cdist(repeated, repeated).min() == 0.0


def test_a_kernel_that_is_not_known_to_be_definite_is_looked_at_only_there(monkeypatch):
    looked_at = []
    cholesky = exact_solver._cholesky
    monkeypatch.setattr(exact_solver, "_cholesky", lambda K, ridge: looked_at.append(ridge) or cholesky(K, ridge))
    X, Y = pairs(600)
    KernelCCA(2).fit(X, Y)
    assert len(looked_at) == 2
    KernelCCA(2, kernel=("poly", "rbf")).fit(X, Y)
    assert len(looked_at) == 5
