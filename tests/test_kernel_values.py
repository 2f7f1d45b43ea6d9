"""Each kernel by its formula on every pair of rows, with its default width; the approximations beside these values."""

import ast
from math import exp, sqrt, tanh
from pathlib import Path

import numpy as np
import pytest
from linear_models import pairs
from scipy import linalg
from sklearn.base import clone
from sklearn.metrics.pairwise import PAIRWISE_KERNEL_FUNCTIONS

from crossmodal_cca import KernelCCA
from crossmodal_cca.kernels import _exact as kernel_cca
from crossmodal_cca.kernels import _kernel_table as _table
from crossmodal_cca.kernels._kernel import Kernel, spread_rows
from crossmodal_cca.kernels._kernel_table import KERNELS
from crossmodal_cca.kernels._maps import fourier_map, nystroem_map
from crossmodal_cca.kernels._ridge_path import FoldSide, KernelPath

ROWS = np.abs(pairs(40, 5)[0])
WEIGHTS = {"gamma": 0.3, "degree": 2, "coef0": 0.7}
FAR = ROWS + 1e7  # where squared norms minus products have lost all digits of the distances


def dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


# Shawe-Taylor & Cristianini (2004), Kernel methods for pattern analysis; for the two χ² kernels Vedaldi & Zisserman
# (2012), Efficient additive kernels via explicit feature maps, and Zhang et al. (2007), Local features and kernels.
FORMULAS = {
    "linear": lambda a, b: dot(a, b),
    "cosine": lambda a, b: dot(a, b) / sqrt(dot(a, a) * dot(b, b)),
    "rbf": lambda a, b, gamma: exp(-gamma * sum((x - y) ** 2 for x, y in zip(a, b, strict=True))),
    "laplacian": lambda a, b, gamma: exp(-gamma * sum(abs(x - y) for x, y in zip(a, b, strict=True))),
    "poly": lambda a, b, gamma, degree, coef0: (gamma * dot(a, b) + coef0) ** degree,
    "polynomial": lambda a, b, gamma, degree, coef0: (gamma * dot(a, b) + coef0) ** degree,
    "sigmoid": lambda a, b, gamma, coef0: tanh(gamma * dot(a, b) + coef0),
    "additive_chi2": lambda a, b: -sum((x - y) ** 2 / (x + y) for x, y in zip(a, b, strict=True)),
    "chi2": lambda a, b, gamma: exp(-gamma * sum((x - y) ** 2 / (x + y) for x, y in zip(a, b, strict=True))),
}
TAKES = {name: formula.__code__.co_varnames[2 : formula.__code__.co_argcount] for name, formula in FORMULAS.items()}


def parameters_of(name):
    return {key: WEIGHTS[key] for key in TAKES[name]}


def values(name, A, B, **parameters):
    return np.array([[FORMULAS[name](a, b, **parameters) for b in B.tolist()] for a in A.tolist()])


def test_every_kernel_with_a_name_has_a_formula():
    """A new row of the table needs its formula here; all of scikit-learn's have one."""
    assert set(PAIRWISE_KERNEL_FUNCTIONS) <= set(FORMULAS)
    assert set(KERNELS) == set(FORMULAS) | {"precomputed"}


@pytest.mark.parametrize("name", FORMULAS)
def test_what_the_table_says_of_a_kernel_is_true(name):
    row = KERNELS[name]
    assert row.parameters == TAKES[name]
    K = centred(values(name, ROWS, ROWS, **parameters_of(name)))
    least = linalg.eigvalsh(K)[0]
    assert (least > -1e-12 * np.trace(K)) >= row.is_definite
    shifted = centred(values(name, ROWS + 1, ROWS + 1, **parameters_of(name)))
    assert np.allclose(shifted, K, rtol=0, atol=1e-10 * np.abs(K).max()) == row.is_shift_invariant
    diagonal = np.array([FORMULAS[name](a, a, **parameters_of(name)) for a in ROWS.tolist()])
    assert row.diagonal is None or np.all(diagonal == row.diagonal)


def centred(K):
    C = np.eye(len(K)) - 1 / len(K)
    return C @ K @ C


@pytest.mark.parametrize("name", FORMULAS)
def test_values_follow_the_formula(name):
    kernel = Kernel(name, "X", parameters_of(name))
    expected = values(name, ROWS[:7], ROWS, **kernel.params)
    np.testing.assert_allclose(kernel(ROWS[:7], ROWS), expected, rtol=1e-10, atol=1e-12)
    diagonal = [FORMULAS[name](row, row, **kernel.params) for row in ROWS[3:9].tolist()]
    np.testing.assert_allclose(kernel.diagonal(ROWS, slice(3, 9)), diagonal, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["rbf", "laplacian"])
def test_far_rows_keep_the_digits_of_their_distances(name):
    kernel = Kernel(name, "X", {"gamma": 0.3})
    np.testing.assert_allclose(kernel(FAR[:7], FAR), values(name, FAR[:7], FAR, gamma=0.3), rtol=1e-12)


def imports_of(file):
    """Modules that a file imports from, as written."""
    nodes = list(ast.walk(ast.parse(Path(file).read_text())))
    named = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return {*named, *("." * node.level + (node.module or "") for node in nodes if isinstance(node, ast.ImportFrom))}


def test_kernels_know_no_estimator_and_the_exact_solver_is_numpy_and_scipy():
    for folder in {Path(module.__file__).parent for module in (_table, kernel_cca)}:
        for file in [*folder.glob("kernel*.py"), *folder.glob("_*.py")]:
            assert not any("alignment" in name for name in imports_of(file)), file
    outside = {name for name in imports_of(kernel_cca.__file__) if not name.startswith(".")}
    assert {name.partition(".")[0] for name in outside} == {"__future__", "dataclasses", "numpy", "scipy"}
    own = {name.rpartition(".")[2].lstrip("_") for name in imports_of(kernel_cca.__file__) - outside}
    assert own == {"typing", "centred", "products", "svd"}


def kernel_of(model, rows):
    """What the parameters of a model make of the rows of X."""
    return model._sides(model.gamma, model.regularization)[0].kernel_of(rows)


def width(name, rows):
    """One over the median of what gamma is multiplied with, read off the formula: −log k at gamma 1."""
    above = np.triu_indices(len(rows), 1)
    return -1 / np.median(np.log(values(name, rows, rows, gamma=1.0)[above]))


@pytest.mark.parametrize("name", FORMULAS)
def test_defaults(name):
    """The median heuristic for kernels of distances, 1 / n_features for the others; degree 3 and constant 1."""
    near = ROWS / 8  # whose values at gamma 1 do not underflow
    found = kernel_of(KernelCCA(kernel=name), near).params
    gamma = width(name, near) if name in ("rbf", "laplacian", "chi2") else 1 / 5
    expected = {key: {"gamma": gamma, "degree": 3, "coef0": 1.0}[key] for key in TAKES[name]}
    assert found == {key: pytest.approx(value, rel=1e-12) for key, value in expected.items()}


def test_equal_rows_have_width_one():
    assert kernel_of(KernelCCA(), np.ones((5, 3))).params == {"gamma": 1.0}


@pytest.mark.parametrize("n", [2, 499, 500, 501, 999, 1_000, 12_345])
def test_the_width_of_many_rows_is_that_of_500_spread_evenly(n):
    positions = spread_rows(n)
    steps = np.diff(positions)
    assert (positions[0], positions[-1]) == (0, n - 1)
    assert len(positions) == min(n, 500)
    assert steps.max() - steps.min() <= 1
    line = np.arange(float(n))[:, None] ** 2 / n**2
    distances = np.abs(line[positions] - line[positions].T)[np.triu_indices(len(positions), 1)]
    found = kernel_of(KernelCCA(kernel="laplacian"), line).params["gamma"]
    assert found == pytest.approx(1 / np.median(distances))


# Approximations


@pytest.mark.parametrize("gamma", [0.05, 0.4])
@pytest.mark.parametrize("name", ["rbf", "laplacian"])
def test_fourier_features_have_the_kernel_as_their_expected_products(name, gamma):
    """Products are means of cos ωᵀ(a − b) over the frequencies, so within five of their standard errors; of a row with
    itself they are 1, whatever was drawn."""
    kernel, m = Kernel(name, "X", {"gamma": gamma}), 20_000
    features = fourier_map(kernel, ROWS.mean(axis=0), m, np.random.RandomState(0))
    F = features(ROWS)
    assert F.shape == (40, features.n_features) == (40, 2 * m)
    K, expected = F @ F.T, values(name, ROWS, ROWS, gamma=gamma)
    np.testing.assert_allclose(np.diagonal(K), 1.0, rtol=1e-12)
    # E cos² = (1 + k(2(a − b))) / 2, and k(2(a − b)) is k(a, b) at 4γ (2γ for the Laplacian kernel).
    twice = values(name, ROWS, ROWS, gamma=gamma * (4 if name == "rbf" else 2))
    error = np.sqrt(np.maximum((1 + twice) / 2 - expected**2, 0) / m)
    np.testing.assert_array_less(np.abs(K - expected), 5 * error + 1e-9)
    angles = ROWS @ features.frequencies
    exact = np.mean(np.cos(angles[:3, None] - angles[None]), axis=2)
    np.testing.assert_allclose(K[:3], exact, atol=1e-9)


LANDMARKS = {
    "far from singular": ("rbf", ROWS[:15]),
    "repeated": ("rbf", np.vstack([ROWS[:10], ROWS[:5]])),
    "more than features": ("linear", ROWS[:12]),
    "polynomial": ("poly", ROWS[:15]),
    "one": ("laplacian", ROWS[:1]),
}


@pytest.mark.parametrize("case", LANDMARKS)
def test_nystroem_features_have_the_projected_kernel_as_their_products(case):
    """K_nm K_mm⁺ K_mn, from a Cholesky factor and from eigenvectors alike: on the landmarks the kernel itself."""
    name, landmarks = LANDMARKS[case]
    parameters = parameters_of(name)
    F = nystroem_map(Kernel(name, "X", parameters), landmarks, landmarks)(ROWS)
    K_nm, K_mm = values(name, ROWS, landmarks, **parameters), values(name, landmarks, landmarks, **parameters)
    # The directions in which landmarks do not vary are no features.
    assert F.shape == (40, np.linalg.matrix_rank(K_mm, tol=1e-10 * np.trace(K_mm)))
    expected = K_nm @ linalg.pinvh(K_mm, rtol=1e-12) @ K_nm.T
    np.testing.assert_allclose(F @ F.T, expected, atol=1e-7 * np.abs(expected).max())
    n = min(len(landmarks), 10)
    np.testing.assert_allclose((F @ F.T)[:n, :n], K_mm[:n, :n], atol=1e-7 * np.abs(K_mm).max())


def nystroem_kernel(model, side, rows):
    landmarks = model.landmarks[side]
    K = values("rbf", rows, landmarks, gamma=model.gamma)
    return K @ linalg.pinvh(values("rbf", landmarks, landmarks, gamma=model.gamma)) @ K.T


def fourier_kernel(model, side, rows):
    angles = rows @ model.model_.stream.maps[side].frequencies
    return np.mean(np.cos(angles[:, None] - angles[None]), axis=2)


X, Y = pairs(120)
APPROXIMATE = {
    "landmarks": (KernelCCA(3, gamma=0.05, approximation="nystroem", landmarks=(X[:30], Y[:20])), nystroem_kernel),
    "frequencies": (
        KernelCCA(3, gamma=0.05, approximation="fourier", n_landmarks=(25, 40), random_state=0),
        fourier_kernel,
    ),
}


@pytest.mark.parametrize("regularization", [0.01, (0.1, 0.003)])
@pytest.mark.parametrize("case", APPROXIMATE)
def test_a_model_on_features_is_the_exact_one_of_their_kernel(case, regularization):
    """Scale, centring, ridge and units: the dual problem of the approximate kernels knows nothing of features."""
    model, kernel = APPROXIMATE[case]
    model = clone(model).set_params(regularization=regularization, power=1.0).fit(X, Y)
    K, L = (kernel(model, side, rows) for side, rows in enumerate((X, Y)))
    exact = KernelCCA(3, kernel="precomputed", regularization=regularization, power=1.0).fit(K, L)
    np.testing.assert_allclose(model.singular_values_, exact.singular_values_, rtol=1e-8)
    np.testing.assert_allclose(model.correlations_, exact.correlations_, rtol=1e-8)
    for scores, expected in zip(model.transform(X, Y), exact.transform(K, L), strict=True):
        signs = np.sign(np.sum(scores * expected, axis=0))
        np.testing.assert_allclose(scores, signs * expected, atol=1e-7 * np.abs(expected).max())
        np.testing.assert_allclose(scores.mean(axis=0), 0.0, atol=1e-10 * np.abs(scores).max())
    if model.approximation == "nystroem":
        np.testing.assert_allclose(model.trace_left_out_, [1 - np.trace(A) / 120 for A in (K, L)], atol=1e-9)


@pytest.mark.parametrize("case", [None, *APPROXIMATE])
def test_a_path_over_ridges_gives_what_a_fit_with_either_sides_own_ridge_gives(case):
    """Scores of new rows, in other units: the path has not multiplied them by √(n − 1)."""
    model = KernelCCA(3, gamma=0.05) if case is None else clone(APPROXIMATE[case][0])
    model.set_params(regularization=(0.1, 0.003), power=0.0).fit(X, Y)
    new = pairs(20, seed=1)
    kernels = [model.model_.x.embedding.kernel, model.model_.y.embedding.kernel]
    rows = zip((X, Y), new, strict=True)
    if case is None:
        sides = [FoldSide.exact(kernel, *its) for kernel, its in zip(kernels, rows, strict=True)]
    else:
        sides = [
            FoldSide.of_features(*own, *its) for *own, its in zip(kernels, model.model_.stream.maps, rows, strict=True)
        ]
    x, d, y = KernelPath(*sides).test_scores((0.1, 0.003), 3)
    np.testing.assert_allclose(d, model.singular_values_, rtol=1e-8)
    for scores, expected in zip((x, y), model.transform(*new), strict=True):
        signs = np.sign(np.sum(scores * expected, axis=0))
        np.testing.assert_allclose(sqrt(119) * scores * signs, expected, atol=1e-6 * np.abs(expected).max())
