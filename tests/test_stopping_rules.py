"""When iterations stop, when they give up for a full decomposition, and how much work that takes, counted."""

import warnings

import numpy as np
import pytest
from scipy.sparse.linalg import ArpackError
from sklearn.exceptions import ConvergenceWarning

from crossmodal_cca import CCA
from crossmodal_cca.alignment import _randomized_fit
from crossmodal_cca.kernels import _exact as kernel_cca
from crossmodal_cca.linalg import _randomized as randomized
from crossmodal_cca.linalg import _svd as svd


def orthonormal(n, m, seed=0):
    """Columns that are orthogonal to the constant one too."""
    A = np.random.default_rng(seed).standard_normal((n, m))
    return np.linalg.qr(A - A.mean(axis=0))[0]


def with_spectrum(shape, d):
    return orthonormal(shape[0], len(d)) * d @ orthonormal(shape[1], len(d), seed=1).T


# The truncated decomposition


@pytest.fixture
def decomposed(monkeypatch):
    """Shapes of the matrices whose singular values are all computed."""
    shapes, full = [], svd.linalg.svd
    monkeypatch.setattr(svd.linalg, "svd", lambda A, **settings: shapes.append(A.shape) or full(A, **settings))
    return shapes


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("shape", [(90, 60), (60, 90)], ids=["tall", "flat"])
def test_a_few_triplets_of_a_decaying_spectrum_take_no_full_decomposition(shape, unit, decomposed):
    d = 0.8 ** np.arange(50.0)
    found = svd.truncated_svd(unit * with_spectrum(shape, d), 5)
    assert shape not in decomposed
    np.testing.assert_allclose(found[1], unit * d[:5], rtol=1e-12)


@pytest.mark.parametrize("shape", [(90, 70), (70, 90)], ids=["tall", "flat"])
def test_one_triplet_of_a_large_matrix_takes_no_decomposition(shape, decomposed):
    d = 0.8 ** np.arange(60.0)
    assert svd.truncated_svd(with_spectrum(shape, d), 1)[1] == pytest.approx(1.0, rel=1e-12)
    assert decomposed == []


def test_most_of_the_triplets_take_the_full_decomposition_at_once(decomposed):
    svd.truncated_svd(with_spectrum((90, 60), np.linspace(2, 1, 50)), 54)
    assert decomposed == [(90, 60)]


@pytest.mark.parametrize("shape", [(90, 70), (70, 90)], ids=["tall", "flat"])
def test_an_iteration_that_fails_is_made_up_for(shape, decomposed, monkeypatch):
    def fails(*args, **settings):
        raise ArpackError(-9)

    monkeypatch.setattr(svd, "svds", fails)
    K = with_spectrum(shape, 0.8 ** np.arange(60.0))
    U, d, V = svd.truncated_svd(K, 1)
    assert decomposed == [shape]
    np.testing.assert_allclose(K @ V, U * d, atol=1e-14)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize(("angle", "kept"), [(3e-13, True), (3e-12, False)])
@pytest.mark.parametrize("turned", ["left", "right"])
def test_either_residual_counts_relative_to_the_leading_value(turned, angle, kept, unit, decomposed, monkeypatch):
    """Turned by an angle towards the third vector, which has a tenth of the value, a leading vector with its exact
    image leaves 0 in one residual and 1 − 1/100 of the angle in the other."""
    U, V, d = orthonormal(90, 40), orthonormal(60, 40, seed=1), np.r_[1.0, 0.5, 0.1 * 0.9 ** np.arange(38)]
    K = unit * (U * d @ V.T)
    u, v = U[:, :2].copy(), V[:, :2].copy()
    if turned == "right":
        v[:, 0] += angle * V[:, 2]
        u[:, 0] += 0.1 * angle * U[:, 2]
    else:
        u[:, 0] += angle * U[:, 2]
        v[:, 0] += 0.1 * angle * V[:, 2]
    monkeypatch.setattr(svd, "NEAR_SQUARE", 1.0)
    monkeypatch.setattr(svd, "_ritz", lambda K, KV: (u, unit * d[:2], v))
    svd.truncated_svd(K, 2)
    assert decomposed == ([] if kept else [(90, 60)])


@pytest.mark.parametrize("last", [0.11, 0.09])
def test_triplets_of_similar_size_take_no_further_step(last, decomposed):
    """Above a tenth of the leading value they are images of eigenvectors of the Gram matrix, with the same digits."""
    d = np.r_[np.linspace(1, last, 12), 0.05 * 0.9 ** np.arange(30)]
    K = with_spectrum((120, 80), d)
    U, found, V = svd.truncated_svd(K, 12)
    assert decomposed == ([] if last**2 > svd.NEAR_SQUARE else [(12, 80)])
    np.testing.assert_allclose(found, d[:12], rtol=1e-12)
    np.testing.assert_allclose(K.T @ U, V * found, atol=1e-14)
    for A in (U, V):
        np.testing.assert_allclose(A.T @ A, np.eye(12), atol=1e-12)


# The block iteration of kernel CCA

KAPPA = 0.01
DENSE, EXTRA = kernel_cca.DENSE_UP_TO, kernel_cca.EXTRA_COLUMNS


@pytest.fixture
def work(monkeypatch):
    """Columns smoothed by either kernel, sizes of the bases whose eigenvalues are looked at, and decompositions."""
    counts = {"columns": 0, "looks": [], "iterated": 0, "many": 0, "dense": 0}
    smooth, look = kernel_cca.RidgedKernel.smooth, kernel_cca._leading_invariant_subspace

    def counting_smooth(self, B):
        counts["columns"] += B.shape[1]
        return smooth(self, B)

    def counting_look(T, k):
        counts["looks"].append(len(T))
        return look(T, k)

    def counting(name, solve):
        def counting_solve(*args):
            counts[name] += 1
            return solve(*args)

        return counting_solve

    monkeypatch.setattr(kernel_cca.RidgedKernel, "smooth", counting_smooth)
    monkeypatch.setattr(kernel_cca, "_leading_invariant_subspace", counting_look)
    monkeypatch.setattr(kernel_cca, "_leading_pairs", counting("iterated", kernel_cca._leading_pairs))
    monkeypatch.setattr(kernel_cca, "_many_pairs", counting("many", kernel_cca._many_pairs))
    monkeypatch.setattr(kernel_cca, "_all_pairs", counting("dense", kernel_cca._all_pairs))
    return counts


def solve(Kx, Ky, k, kappa=KAPPA):
    return kernel_cca.solve_kernel_cca(Kx.copy(), Ky.copy(), (kappa, kappa), k, (True, True))


def correlated(n, rho):
    """Kernels that are projections, with these correlations: with r of them each d is ρ / (1 + κr)."""
    r = len(rho)
    Q = orthonormal(n, 2 * r)
    U, V = Q[:, :r], Q[:, :r] * rho + Q[:, r:] * np.sqrt(1 - np.square(rho))
    return U @ U.T, V @ V.T


def most_pairs(n):
    """Most pairs of n rows that the iteration is for."""
    return int(kernel_cca.BLOCK_SHARE * n) - EXTRA


@pytest.mark.parametrize(
    ("n", "k", "kappa", "solver"),
    [
        (DENSE, 1, KAPPA, "dense"),
        (DENSE + 1, 1, KAPPA, "iterated"),
        (2 * DENSE, most_pairs(2 * DENSE), KAPPA, "iterated"),
        (2 * DENSE, most_pairs(2 * DENSE) + 1, KAPPA, "many"),
        (2 * DENSE, None, kernel_cca.SMOOTH_FROM, "many"),
        (2 * DENSE, None, kernel_cca.SMOOTH_FROM / 2, "dense"),
    ],
)
def test_the_iteration_is_for_few_pairs_of_many_rows(n, k, kappa, solver, work):
    rho = np.linspace(0.9, 0.1, 20)
    found = solve(*correlated(n, rho), k, kappa)
    assert {name: work[name] for name in ("iterated", "many", "dense") if work[name]} == {solver: 1}
    np.testing.assert_allclose(found.singular_values, rho[:k] / (1 + 20 * kappa), rtol=1e-9)


def test_a_subspace_that_holds_all_pairs_is_looked_at_once(work):
    """Rank 5, and a block of more columns: two kernels smooth them for the start, and once more for the look."""
    solve(*correlated(600, np.array([0.9, 0.7, 0.5, 0.3, 0.2])), 3)
    assert work == {"columns": 4 * (3 + EXTRA), "looks": [3 + EXTRA], "iterated": 1, "many": 0, "dense": 0}


@pytest.mark.parametrize("decay", [0.5, 0.9])
def test_the_iteration_goes_on_until_the_residual_is_rounding(decay, work):
    """HxHy·z = d²z up to 1e-10 of the leading d², for z the x-scores, with H = K(K + εI)⁻¹ formed as it is written."""
    n, k = 700, 4
    lam = decay ** np.arange(150.0)
    U = orthonormal(n, 150)
    V = np.linalg.qr(U + 0.02 * orthonormal(n, 150, seed=1))[0]
    Kx, Ky = U * lam @ U.T, V * lam @ V.T
    found = solve(Kx, Ky, k)
    assert (work["iterated"], work["dense"]) == (1, 0)
    Hx, Hy = (K @ np.linalg.inv(K + KAPPA * np.trace(K) * np.eye(n)) for K in (Kx, Ky))
    z, theta = found.x_scores / np.linalg.norm(found.x_scores, axis=0), found.singular_values**2
    assert np.linalg.norm(Hx @ Hy @ z - theta * z, axis=0).max() < 1.1e-10 * theta[0]
    np.testing.assert_allclose(theta, np.sort(np.linalg.eigvals(Hx @ Hy).real)[::-1][:k], rtol=1e-9)
    looks, width = np.array(work["looks"]), k + EXTRA
    # Looked at as soon as the basis has grown by this much, and not before.
    assert np.all(looks[1:] >= kernel_cca.CHECK_GROWTH * looks[:-1])
    assert np.all(looks[1:] - width < kernel_cca.CHECK_GROWTH * looks[:-1])
    assert work["columns"] == 2 * width + 2 * looks[-1]


def test_a_flat_spectrum_ends_with_the_share_of_the_rows_that_a_basis_may_have(work):
    """Every direction has the same correlation: no look can cut the basis, and one decomposition takes over."""
    n, k = 600, 3
    K = np.eye(n) - 1 / n
    found = solve(K, K, k)
    assert (work["iterated"], work["many"], work["dense"]) == (1, 1, 0)
    np.testing.assert_allclose(found.singular_values, 1 / (1 + KAPPA * (n - 1)), rtol=1e-10)
    width = k + EXTRA
    most = kernel_cca.BASIS_SHARE * n
    basis = width * (most // width + 1)  # the first beyond it
    assert work["columns"] == 2 * width + 2 * basis
    assert max(work["looks"]) <= most


FAINT = {
    "clear": (KAPPA, (1.0, 0.5, 1e-3), 0),
    "faint, leading": (KAPPA, (3e-5, 2e-5, 1e-5), 1),
    "faint beside the rounding of a weak ridge": (1e-8, (1.0, 0.5, 1e-3), 1),
}


@pytest.mark.parametrize("case", FAINT)
def test_faint_pairs_are_left_to_the_full_decomposition_at_the_first_look(case, work):
    """A d² of 1e-6 is clear at a limit of 1e-8, but not at 1,000 eps / κ = 2e-5; nor is one of 9e-10."""
    kappa, rho, dense = FAINT[case]
    found = solve(*correlated(600, np.array(rho)), 3, kappa)
    assert (work["looks"], work["dense"]) == ([3 + EXTRA], dense)
    np.testing.assert_allclose(found.singular_values, np.array(rho) / (1 + 3 * kappa), rtol=1e-6)


@pytest.mark.parametrize("kappa", [(KAPPA, KAPPA), (1e-3, 0.1)], ids=["one ridge", "two ridges"])
@pytest.mark.parametrize("rank", [599, 300], ids=["full rank", "half of it"])
@pytest.mark.parametrize("k", [25, 200, 599])
def test_many_pairs_are_those_of_all_eigenvectors(rank, k, kappa):
    """One kernel may have fewer directions than rows, and both solutions end with them; scores are of new rows too."""
    n = 600
    U = orthonormal(n, n - 1)
    V = np.linalg.qr(U + orthonormal(n, n - 1, seed=1) / 2)[0]
    F, G = U[:, :rank] / np.sqrt(np.arange(1, rank + 1)), V / np.sqrt(np.arange(1, n))
    for x, y in ((F, G), (G, F)):
        kernels = x @ x.T, y @ y.T
        every = kernel_cca._all_pairs(*(K.copy() for K in kernels), kappa, k, (True, True))
        sides = (kernel_cca.RidgedKernel(K.copy(), e, "X", True) for K, e in zip(kernels, kappa, strict=True))
        many = kernel_cca._many_pairs(*sides, k)
        assert len(many.singular_values) == len(every.singular_values) == min(k, rank)
        for name in ("singular_values", "correlations"):
            np.testing.assert_allclose(getattr(many, name), getattr(every, name), rtol=1e-9)
        signs = np.sign(np.sum(many.x_scores * every.x_scores, axis=0))
        for side, rows in (("x", x), ("y", y)):
            new = np.random.default_rng(2).standard_normal((20, rows.shape[1])) @ rows.T
            for times, name in ((np.eye(n), f"{side}_scores"), (new, f"{side}_rotations")):
                one, other = (times @ getattr(found, name) for found in (many, every))
                np.testing.assert_allclose(one * signs, other, atol=1e-7 * np.abs(other).max())


@pytest.mark.parametrize(("rho", "dense"), [((1.0, 0.5, 1e-3), 0), ((1.0, 0.5, 3e-5), 1), ((3e-5, 2e-5, 1e-5), 1)])
def test_faint_pairs_among_many_are_left_to_all_eigenvectors(rho, dense, work):
    """Squares of 1e-6 are clear, those of 9e-10 are faint; and no pair beyond these three is there at all."""
    found = solve(*correlated(600, np.array(rho)), 40)
    assert (work["iterated"], work["many"], work["dense"]) == (0, 1, dense)
    np.testing.assert_allclose(found.singular_values, np.array(rho) / (1 + 3 * KAPPA), rtol=1e-6)


# The randomized solver


def noise(n, p, q):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, p)), rng.standard_normal((n, q))


@pytest.fixture
def steps_and_passes(monkeypatch):
    """Residuals after each step, and one entry for each pass over the rows."""
    errors, passes = [], []
    images, error = _randomized_fit.images_of, randomized._relative_residual
    monkeypatch.setattr(_randomized_fit, "images_of", lambda *args: passes.append(1) or images(*args))
    monkeypatch.setattr(randomized, "_relative_residual", lambda *args: errors.append(error(*args)) or errors[-1])
    return errors, passes


def fit(X, Y, **settings):
    """The model, and whether it warned."""
    model = CCA(3, solver="randomized", random_state=0, **({"shrinkage": 0.05} | settings))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        return model.fit(X, Y), bool(caught)


def test_narrow_sides_are_solved_in_one_step(steps_and_passes):
    """The start spans both sides already; a pass over the rows before it, and one after it for the loadings."""
    errors, passes = steps_and_passes
    fit(*noise(200, 9, 9))
    assert (len(errors), len(passes)) == (1, 3)


def test_steps_end_with_the_first_residual_below_a_millionth(steps_and_passes):
    errors, passes = steps_and_passes
    X, Y = noise(400, 120, 100)
    _, warned = fit(X, Y)
    assert errors[-1] <= 1e-6 < min(errors[:-1])
    assert len(passes) == len(errors) + 2
    assert not warned


@pytest.mark.parametrize("extra", [-1, 0])
def test_the_last_step_is_told_if_its_residual_is_above_a_hundredth(extra, steps_and_passes, monkeypatch):
    errors, passes = steps_and_passes
    X, Y = noise(400, 120, 100)
    fit(X, Y)
    enough = 1 + next(i for i, error in enumerate(errors) if error <= 1e-2)
    assert 1 < enough < len(errors)
    steps = enough + extra
    errors.clear()
    passes.clear()
    monkeypatch.setattr(randomized, "MAX_PASSES", steps)
    _, warned = fit(X, Y)
    assert (len(errors), len(passes)) == (steps, steps + 2)
    assert warned == (extra < 0)


def test_what_counts_as_covariance_is_relative_to_the_leading_one():
    """Features without correlation but for a ten-millionth between the first ones of either side."""
    Q, rho = orthonormal(200, 12), 1e-7 * np.array([1.0, 0.5, 0.25, 0.0, 0.0, 0.0])
    model, warned = fit(Q[:, :6], Q[:, 6:] + Q[:, :6] * rho, scale=False)
    np.testing.assert_allclose(model.singular_values_ / model.singular_values_[0], [1.0, 0.5, 0.25], rtol=1e-6)
    assert not warned


@pytest.mark.parametrize("shrinkage", [(0.3, 0.1), 1.0])
def test_the_residual_is_that_of_the_definition(shrinkage, steps_and_passes, monkeypatch):
    """S_xy·b − d·A_x·a in the norm of A⁻¹, which A ≥ cτI bounds by the plain norm over cτ; exactly so for c = 1."""
    monkeypatch.setattr(randomized, "MAX_PASSES", 3)
    X, Y = noise(300, 60, 50)
    model, _ = fit(X, Y, shrinkage=shrinkage)
    R = np.corrcoef(np.hstack([X, Y]).T)
    sides = (slice(60), slice(60, None))
    a, b, d = model.x_weights_, model.y_weights_, model.singular_values_
    bounds, exact = np.zeros((2, 3))
    for c, own, other, w, v in zip(np.broadcast_to(shrinkage, 2), sides, sides[::-1], (a, b), (b, a), strict=True):
        A = (1 - c) * R[own, own] + c * np.eye(len(w))
        residual = R[own, other] @ v - d * (A @ w)
        bounds += np.sum(residual**2, axis=0) / c
        exact += np.sum(residual * np.linalg.solve(A, residual), axis=0)
    error = steps_and_passes[0][-1]
    assert error == pytest.approx(np.sqrt(bounds.max()) / d[0], rel=1e-6)
    assert error >= np.sqrt(exact.max()) / d[0] * (1 - 1e-9)
    assert error > 1e-5  # not converged, so that there is a residual to speak of
