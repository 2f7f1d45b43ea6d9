"""Every route to a solution gives the same one, and the one of its slow definition."""

import json
from pathlib import Path

import numpy as np
import pytest
from linear_models import pairs
from scipy import linalg
from sklearn.base import clone
from sklearn.covariance import oas
from sklearn.cross_decomposition import PLSCanonical as SklearnPLSCanonical
from sklearn.cross_decomposition import PLSRegression as SklearnPLSRegression
from sklearn.datasets import load_linnerud

from crossmodal_cca import CCA, PLSSVD, PairMoments, PLSCanonical, PLSRegression
from crossmodal_cca.alignment._solvers import SOLVERS
from crossmodal_cca.linalg._products import gram
from crossmodal_cca.linalg._svd import triangular_rows, truncated_svd
from crossmodal_cca.linalg._whitening import oas_shrinkage

X, Y = pairs()
REFERENCE = json.loads((Path(__file__).parent / "reference_values.json").read_text())
FORMING_COVARIANCES = [name for name, solver in SOLVERS.items() if solver.forms_covariances]
SOLVED = pytest.mark.parametrize("solver", ["auto", *FORMING_COVARIANCES])


@SOLVED
def test_correlations_of_r_and_sas(solver):
    X, Y = load_linnerud(return_X_y=True)
    expected = REFERENCE["linnerud_cca"]["correlations"]
    np.testing.assert_allclose(CCA(solver=solver).fit(X, Y).correlations_, expected, atol=1e-8)


@SOLVED
@pytest.mark.filterwarnings("ignore:The ranks of X")
def test_correlations_of_matlab(solver):
    I3 = np.eye(3)
    cca = CCA(solver=solver).fit(np.vstack([I3, 2 * I3]), np.vstack([np.fliplr(I3), 0.1 * I3]))
    np.testing.assert_allclose(cca.correlations_, REFERENCE["matlab_canoncorr"]["correlations"], atol=1e-8)


def test_pls_coefficients_of_r():
    X, Y = load_linnerud(return_X_y=True)
    coef = PLSRegression(2, scale=False).fit(X, Y).coef_
    np.testing.assert_allclose(coef.T, REFERENCE["linnerud_pls_regression"]["coef"], atol=1e-10)


@SOLVED
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("shrinkage", [(0.0, 0.0), (0.3, 0.3), (0.0, 0.8), (1.0, 0.05)])
def test_cca_solves_the_generalised_eigenproblem(solver, scale, shrinkage):
    """[0 Sxy; Syx 0] w = d [Ax 0; 0 Ay] w, the definition with shrinkage, on the joint 14 x 14 problem."""
    p, q = X.shape[1], Y.shape[1]
    Z = np.hstack([X, Y])
    S = np.corrcoef(Z.T) if scale else np.cov(Z.T)
    A = linalg.block_diag(
        *(
            (1 - c) * Sii + c * np.trace(Sii) / len(Sii) * np.eye(len(Sii))
            for c, Sii in zip(shrinkage, (S[:p, :p], S[p:, p:]), strict=True)
        )
    )
    cross = np.zeros((p + q, p + q))
    cross[:p, p:], cross[p:, :p] = S[:p, p:], S[p:, :p]
    d, W = linalg.eigh(cross, A)
    d, W = d[::-1][:3], W[:, ::-1][:, :3] * np.sqrt(2)  # either side's constraint is 1, the joint one 2
    cca = CCA(3, shrinkage=shrinkage, scale=scale, solver=solver).fit(X, Y)
    np.testing.assert_allclose(cca.singular_values_, d, atol=1e-12)
    np.testing.assert_allclose(np.abs(cca.x_weights_), np.abs(W[:p]), atol=1e-10)
    np.testing.assert_allclose(np.abs(cca.y_weights_), np.abs(W[p:]), atol=1e-10)
    assert cca.shrinkage_ == shrinkage
    scores = cca.transform(X, Y)
    measured = [np.corrcoef(scores[0][:, j], scores[1][:, j])[0, 1] for j in range(3)]
    np.testing.assert_allclose(cca.correlations_, measured, atol=1e-12)


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_has_the_same_solution(solver):
    model, expected = (CCA(3, shrinkage=(0.3, 0.6), solver=s, random_state=0).fit(X, Y) for s in (solver, "auto"))
    for name in ("x_weights_", "y_loadings_", "singular_values_", "correlations_", "coef_"):
        # An iteration ends with a residual of a millionth.
        np.testing.assert_allclose(getattr(model, name), getattr(expected, name), atol=2e-5, err_msg=name)


@pytest.mark.parametrize("name", [name for name, solver in SOLVERS.items() if solver.needs_rows])
def test_solvers_that_need_the_rows_say_so(name):
    model = CCA(3, shrinkage=0.3, solver=name)
    with pytest.raises(ValueError, match=f'solver="{name}" needs the rows at hand'):
        model.fit_moments(PairMoments.from_arrays(X, Y))


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0, 8.0])
@pytest.mark.parametrize("model", [CCA(3, shrinkage=0.2), PLSSVD(3), PLSCanonical(3)])
def test_power_weights_scores_and_leaves_predictions(model, power):
    plain = model.set_params(power=0.0).fit(X, Y)
    expected = plain.transform(X) * plain.singular_values_**power
    prediction, restored = plain.predict(X), plain.inverse_transform(plain.transform(X))
    weighted = model.set_params(power=power).fit(X, Y)
    np.testing.assert_allclose(weighted.transform(X), expected, atol=1e-12)
    np.testing.assert_allclose(weighted.predict(X), prediction, atol=1e-12)
    np.testing.assert_allclose(weighted.inverse_transform(weighted.transform(X)), restored, atol=1e-9)


def test_no_power_is_too_high_for_predictions():
    plain, steep = (PLSSVD(6, power=power).fit(X, Y) for power in (0.0, 100.0))
    np.testing.assert_array_equal(plain.predict(X), steep.predict(X))


def test_pls_svd_is_the_svd_of_the_cross_covariance():
    S = (X - X.mean(0)).T @ (Y - Y.mean(0)) / (len(X) - 1)
    U, d, Vt = np.linalg.svd(S)
    pls = PLSSVD(3, scale=False).fit(X, Y)
    np.testing.assert_allclose(pls.singular_values_, d[:3], rtol=1e-12)
    np.testing.assert_allclose(np.abs(pls.x_weights_), np.abs(U[:, :3]), atol=1e-10)
    np.testing.assert_allclose(np.abs(pls.y_weights_), np.abs(Vt[:3].T), atol=1e-10)


@pytest.mark.parametrize("scale", [True, False])
def test_pls_canonical_equals_scikit_learn(scale):
    ours = PLSCanonical(5, scale=scale).fit(X, Y)
    theirs = SklearnPLSCanonical(5, scale=scale, algorithm="svd").fit(X, Y)
    for name in ("weights", "rotations", "loadings"):
        for side in "xy":
            a, b = (np.abs(getattr(m, f"{side}_{name}_")) for m in (ours, theirs))
            np.testing.assert_allclose(a, b, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("k", [1, 4, 8])
def test_pls_regression_equals_scikit_learn(scale, k):
    ours = PLSRegression(k, scale=scale).fit(X, Y)
    # scikit-learn compares a squared norm with tol, so 1e-28 asks for 1e-14.
    theirs = SklearnPLSRegression(k, scale=scale, tol=1e-28, max_iter=100_000).fit(X, Y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-10)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-10)
    for a, b in zip(ours.transform(X, Y), theirs.transform(X, Y), strict=True):
        np.testing.assert_allclose(np.abs(a), np.abs(b), atol=1e-9)
    for name in ("x_weights_", "x_loadings_", "y_loadings_", "x_rotations_"):
        np.testing.assert_allclose(np.abs(getattr(ours, name)), np.abs(getattr(theirs, name)), atol=1e-10)


def test_pls_of_many_features_equal_scikit_learn():
    """Large enough for the Lanczos iteration, and with few factors so that power iterations converge too."""
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((400, 8)) * 0.7 ** np.arange(8)
    X, Y = (factors @ rng.standard_normal((8, p)) + 0.1 * rng.standard_normal((400, p)) for p in (120, 90))
    ours, theirs = PLSCanonical(6).fit(X, Y), SklearnPLSCanonical(6, algorithm="svd").fit(X, Y)
    np.testing.assert_allclose(np.abs(ours.x_rotations_), np.abs(theirs.x_rotations_), atol=1e-10)
    ours, theirs = PLSRegression(6).fit(X, Y), SklearnPLSRegression(6, tol=1e-28, max_iter=100_000).fit(X, Y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-10)


@pytest.mark.parametrize("model", [PLSSVD(1), PLSCanonical(1), PLSRegression(1)])
def test_no_start_vector_can_lead_to_a_weaker_pair(model):
    """y's first column is orthogonal to everything x shares with the second, stronger one.

    A power iteration that starts from y's first column never leaves the weaker pair (correlation .3).
    """
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(rng.standard_normal((200, 6)))[0]
    Q = np.linalg.qr(Q - Q.mean(0))[0]
    x1, x2, e1, e2 = Q[:, 0], Q[:, 1], Q[:, 2], Q[:, 3]
    X = np.column_stack([x1, x2])
    Y = np.column_stack([0.3 * x1 + np.sqrt(1 - 0.09) * e1, 0.9 * x2 + np.sqrt(1 - 0.81) * e2])
    noise = 1e-3 * np.linalg.qr(rng.standard_normal((200, 80)))[0]  # with it, wide enough for a Lanczos iteration
    for columns, wide in (([0, 1], False), ([1, 0], False), ([0, 1], True)):
        A, B = X, Y[:, columns]
        if wide:
            A, B = np.hstack([A, noise[:, :70]]), np.hstack([B, noise[:, 10:]])
            model = clone(model).set_params(scale=False)
        x_score, y_score = (scores[:, 0] for scores in model.fit(A, B).transform(A, B))
        assert abs(np.corrcoef(x_score, y_score)[0, 1]) == pytest.approx(0.9, abs=1e-3 if wide else 1e-10)


def test_truncated_svd_finds_all_of_a_cluster():
    """Orthogonal K: every singular value is 1, of which routines for a few eigenvalues may find fewer."""
    for seed in range(60):
        K = np.linalg.qr(np.random.default_rng(seed).standard_normal((60, 29)))[0]
        U, d, V = truncated_svd(K, 5)
        assert U.shape == (60, 5)
        assert V.shape == (29, 5)
        np.testing.assert_allclose(K @ V, U * d, atol=1e-12)


def test_truncated_svd_computes_all_where_the_leading_ones_lose_digits():
    rng = np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.standard_normal((30, 30)))[0] for _ in "xy")
    d = np.geomspace(1, 1e-13, 30)
    K = U * d @ V.T
    _, dk, Vk = truncated_svd(K, 14)  # down to 1e-6, whose square is lost in a Gram matrix
    np.testing.assert_allclose(dk, d[:14], rtol=1e-9)
    np.testing.assert_allclose(np.abs(np.sum(Vk * V[:, :14], axis=0)), 1, atol=1e-9)


@pytest.mark.parametrize("shape", [(40, 30), (30, 40), (100, 70), (70, 100), (1, 7), (7, 1)])
@pytest.mark.parametrize("spectrum", ["flat", "decades", "deficient", "tied"])
def test_truncated_svd_equals_the_full_one(shape, spectrum):
    m = min(shape)
    d = {
        "flat": np.linspace(1, 0.99, m),
        "decades": np.geomspace(1, 1e-14, m),
        "deficient": np.r_[np.ones(min(3, m)), np.zeros(m - min(3, m))],
        "tied": np.ones(m),
    }[spectrum]
    rng = np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.standard_normal((size, m)))[0] for size in shape)
    K = U * d @ V.T
    for k in {1, min(5, m), m}:
        Uk, dk, Vk = truncated_svd(K, k)
        np.testing.assert_allclose(dk, d[:k], atol=1e-14 * m)
        np.testing.assert_allclose(K @ Vk, Uk * dk, atol=1e-11)
        for W in (Uk, Vk):
            np.testing.assert_allclose(W.T @ W, np.eye(k), atol=1e-12)


def test_triangular_rows_stand_for_the_rows():
    R = triangular_rows(iter(np.array_split(X, [1, 5, 40, 41])))
    assert R.shape == (X.shape[1], X.shape[1])
    np.testing.assert_allclose(R.T @ R, X.T @ X, rtol=1e-12, atol=1e-10)


def test_oas_follows_the_paper():
    """scikit-learn leaves out the 2/p terms: with them put back in, its formula is the paper's."""
    S, n = np.cov(X[:20].T, bias=True), 20
    p = len(S)
    ours = oas_shrinkage(S, n, p)
    t2, t = np.trace(S @ S), np.trace(S)
    assert ours == pytest.approx(min(1, ((1 - 2 / p) * t2 + t**2) / ((n + 1 - 2 / p) * (t2 - t**2 / p))))
    assert ours == pytest.approx(oas(X[:20])[1], abs=0.05)
    assert oas_shrinkage(np.eye(1), n, 1) == 0.0
    for unit in (1e-160, 1e-80, 1e80, 1e150):
        assert oas_shrinkage(unit * S, n, p) == pytest.approx(ours)
    assert oas_shrinkage(np.eye(3), n, 3) == 1.0
    assert 0 < CCA(2, shrinkage="oas").fit(X[:20], Y[:20]).shrinkage_[0] < 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(0, 3), (4, 0), (4, 3), (1, 1)])
def test_gram_matrices_of_any_shape_are_their_definition(shape, dtype):
    A = np.arange(1, np.prod(shape) + 1, dtype=dtype).reshape(shape)
    G = gram(A)
    assert G.dtype == dtype
    np.testing.assert_array_equal(G, A.T @ A)
