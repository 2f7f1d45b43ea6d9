"""Components of an aligner are tested by their singular values against those of permuted rows."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import linalg
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV

from crossmodal_cca import (
    CCA,
    CCACV,
    PLSSVD,
    CrossModalPipeline,
    KernelCCA,
    PLSCanonical,
    PLSRegression,
)
from crossmodal_cca.inference import permutation_test
from crossmodal_cca.inference._nuisance import residual_rows

N_PERMUTATIONS = 299
# Components of each are compared; the widths are those of `sample`.
ALIGNERS = [
    CCA(3, shrinkage=0.5),
    CCA(3, shrinkage=(0.9, 0.1), scale=False),
    CCA(3, shrinkage="oas", power=1.0),
    CCA(3, shrinkage=(0.0, 1.0)),
    PLSSVD(3),
    PLSSVD(3, scale=False, power=1.0),
    PLSCanonical(3),
    PLSCanonical(3, scale=False),
    PLSRegression(3),
    PLSRegression(3, scale=False),
]
SIZES = {"tall": (60, 12, 7), "wide": (40, 100, 50), "one side wide": (40, 5, 60)}
each_aligner = pytest.mark.parametrize(
    "aligner", ALIGNERS, ids=lambda aligner: repr(aligner).replace("n_components=", "")
)
# The slowest laws: one of each class.
each_class = pytest.mark.parametrize("aligner", [ALIGNERS[i] for i in (0, 4, 7, 8)], ids=repr)
each_size = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)


def sample(seed, size, strength=2.0):
    """One strong factor in features of different variance."""
    rng = np.random.default_rng(seed)
    n, *widths = size
    factor = rng.normal(size=(n, 1))
    sides = [rng.normal(size=(n, p)) + strength * factor @ rng.normal(size=(1, p)) / np.sqrt(p) for p in widths]
    return [side * np.linspace(1, 2, side.shape[1]) for side in sides]


def in_metric(aligner, X, y):
    """The rows of both sides, whitened by the fitted aligner's constraint, by p × p matrices."""
    rows = []
    for A, side, c in zip((X, y), "xy", getattr(aligner, "shrinkage_", (1.0, 1.0)), strict=True):
        Z = (A - getattr(aligner, f"{side}_mean_")) / getattr(aligner, f"{side}_scale_")
        S = Z.T @ Z / (len(Z) - 1)
        metric = (1 - c) * S + c * (np.trace(S) / len(S) if isinstance(aligner, CCA) else 1.0) * np.eye(len(S))
        rows.append(Z @ linalg.inv(linalg.sqrtm(metric).real) / np.sqrt(len(Z) - 1))
    return rows


@each_aligner
@each_size
def test_the_table_holds_what_the_fitted_aligner_does(aligner, size):
    X, y = sample(0, size)
    model = clone(aligner).fit(X, y)
    table = permutation_test(X, y, 1, aligner=aligner, random_state=0)
    assert_allclose(table["statistic"], model.singular_values_, rtol=1e-6)
    assert_allclose(table["correlation"], model.correlations_, atol=1e-6)
    assert_array_equal(table["p_value"], np.maximum.accumulate(table["p_uncorrected"]))
    assert not hasattr(aligner, "singular_values_")


@pytest.mark.parametrize(
    ("aligner", "size"),
    [(ALIGNERS[i], SIZES["tall"]) for i in (0, 2, 3, 4, 7, 8)] + [(ALIGNERS[i], SIZES["wide"]) for i in (0, 3, 8)],
    ids=repr,
)
def test_the_first_component_is_compared_with_those_of_refits_to_permuted_rows(aligner, size):
    X, y = sample(1, size, strength=0.7)
    model, rng = clone(aligner).set_params(n_components=1), np.random.default_rng(2)
    observed = model.fit(X, y).singular_values_[0]
    refits = [model.fit(X, y[rng.permutation(len(y))]).singular_values_[0] for _ in range(120)]
    # Without shrinkage a wide side reaches everything, whatever the pairing: equal but for rounding.
    slow = np.mean(np.array(refits) >= observed * (1 - 1e-9))
    found = permutation_test(X, y, N_PERMUTATIONS, aligner=aligner, random_state=0)["p_uncorrected"].iloc[0]
    # Four standard errors of the difference of two estimates.
    error = np.sqrt(max(slow * (1 - slow), 0.01) * (1 / 120 + 1 / N_PERMUTATIONS))
    assert found == pytest.approx(slow, abs=4 * error + 1 / 120)


@each_aligner
@pytest.mark.parametrize("component", [2, 3])
def test_later_components_are_compared_without_the_earlier_ones(aligner, component):
    """By definition: directions are projected away, or the scores that PLS deflates by are regressed away; what is left
    is permuted in as many rows as it has dimensions."""
    X, y = sample(3, SIZES["tall"])
    model, k = clone(aligner).fit(X, y), component - 1
    A, B = in_metric(model, X, y)
    T, U = (Z[:, :k] / np.linalg.norm(Z[:, :k], axis=0) for Z in (model.transform(X), model.transform_y(y)))
    if isinstance(aligner, PLSCanonical | PLSRegression):
        U = U if isinstance(aligner, PLSCanonical) else T
        A, B = (Z - S @ np.linalg.lstsq(S, Z, rcond=None)[0] for Z, S in ((A, T), (B, U)))
    else:
        Wx, _, Wyt = np.linalg.svd(A.T @ B)
        A, B = (Z - Z @ W[:, :k] @ W[:, :k].T for Z, W in ((A, Wx), (B, Wyt.T)))
    assert np.linalg.norm(A.T @ B, ord=2) == pytest.approx(model.singular_values_[k])
    A, B = residual_rows([A, B], np.linalg.qr(np.column_stack([np.ones(len(A)), T + U]))[0])
    rng = np.random.default_rng(4)
    observed = np.linalg.norm(A.T @ B, ord=2)
    slow = np.mean([np.linalg.norm(A.T @ B[rng.permutation(len(B))], ord=2) >= observed for _ in range(500)])
    table = permutation_test(X, y, N_PERMUTATIONS, aligner=aligner, random_state=0)
    error = np.sqrt(max(slow * (1 - slow), 0.01) * (1 / 500 + 1 / N_PERMUTATIONS))
    assert table["p_uncorrected"].loc[component] == pytest.approx(slow, abs=4 * error + 1 / N_PERMUTATIONS)


@each_aligner
@each_size
def test_a_strong_component_is_found(aligner, size):
    if repr(aligner) == repr(CCA(3, shrinkage=(0.0, 1.0))) and size == SIZES["wide"]:
        pytest.skip("a wide side without shrinkage reaches everything, whatever the pairing")
    table = permutation_test(*sample(5, size, strength=4.0), 199, aligner=aligner, random_state=0)
    assert table["p_value"].loc[1] == 1 / 200


@pytest.mark.parametrize("scale", [True, False])
def test_covariance_is_the_limit_of_shrinkage(scale):
    X, y = sample(6, SIZES["tall"])
    tables = [
        permutation_test(X, y, 99, aligner=aligner, random_state=0)
        for aligner in (PLSSVD(5, scale=scale), CCA(5, shrinkage=1.0, scale=scale))
    ]
    assert_array_equal(tables[0]["p_value"], tables[1]["p_value"])


@pytest.mark.parametrize("aligner", [PLSSVD(), CCA(), CCA(shrinkage=0.3), PLSCanonical()], ids=repr)
def test_with_one_feature_a_side_every_test_is_that_of_the_correlation(aligner):
    X, y = sample(7, (30, 1, 1), strength=0.4)
    plain = permutation_test(X, y, 199, random_state=0)
    table = permutation_test(X, y, 199, aligner=aligner, random_state=0)
    assert_array_equal(table["p_value"], plain["p_value"])
    assert_allclose(table["correlation"], plain["correlation"])


@pytest.mark.parametrize("groups", [None, np.arange(40) // 2], ids=["rows", "groups"])
def test_correlations_of_one_that_any_data_have_are_no_evidence(groups):
    X, y = sample(8, SIZES["wide"])
    assert (permutation_test(X, y, 19, aligner=CCA(3), groups=groups)["p_value"] == 1).all()


def test_unrelated_sides_have_p_values_of_one():
    factors = np.array([[i // 9, i // 3 % 3, i % 3] for i in range(27)], dtype=float)
    table = permutation_test(factors[:, :1], factors[:, 1:], 19, aligner=PLSSVD(), random_state=0)
    assert (table["p_value"] == 1).all()


def test_the_seed_alone_decides_whatever_the_threads_and_the_components():
    X, y = sample(9, SIZES["tall"])
    table = permutation_test(X, y, 60, aligner=PLSSVD(3), random_state=3)
    assert_array_equal(table, permutation_test(X, y, 60, aligner=PLSSVD(), n_components=3, random_state=3, n_jobs=2))
    shorter = permutation_test(X, y, 60, aligner=PLSSVD(3), n_components=2, random_state=3)
    assert_allclose(table.loc[:2], shorter)


def test_wide_sides_need_no_matrix_of_their_features():
    """Of 4,000 features a side: 128 MB for one covariance; the rows are 1 MB a side."""
    X, y = sample(10, (30, 4000, 4000))
    for aligner in (PLSSVD(2), CCA(2, shrinkage="oas"), PLSCanonical(2), PLSRegression(2)):
        tracemalloc.start()
        permutation_test(X, y, 9, aligner=aligner, random_state=0)
        assert tracemalloc.get_traced_memory()[1] < 32e6
        tracemalloc.stop()


def test_components_beyond_an_exhausted_covariance_are_said():
    columns = np.linalg.qr(np.column_stack([np.ones(40), sample(11, (40, 4, 1))[0]]))[0][:, 1:]
    with pytest.warns(UserWarning, match="exhausted to rounding error by 1 component.s.; the other 2 are left out"):
        table = permutation_test(columns, columns[:, 0], 9, aligner=PLSRegression(3))
    assert len(table) == 1
    permutation_test(columns, columns[:, 0], 9, aligner=PLSRegression(None))  # as many as there are


@pytest.mark.newest
@each_class
def test_later_components_of_more_features_than_rows_hold_the_level(aligner):
    """Singular values of the rows as they are, without the first component, would reject in up to a fourth."""
    repetitions, rejected = 60, 0
    for seed in range(repetitions):
        X, y = sample(seed, (40, 60, 20), strength=5.0)
        p = permutation_test(X, y, 59, aligner=aligner, n_components=2, random_state=seed)["p_value"]
        rejected += p.loc[2] <= 0.05
    assert rejected / repetitions <= 0.08 + 3 * np.sqrt(0.08 * 0.92 / repetitions)


@pytest.mark.newest
@pytest.mark.parametrize("aligner", [PLSSVD(2), CCA(2, shrinkage="oas")], ids=repr)
def test_unrelated_sides_of_more_features_than_rows_hold_the_level(aligner):
    """A small version of benchmarks/permutation_level.py."""
    repetitions = 150
    p = [
        permutation_test(
            *sample(seed, (30, 60, 20), strength=0.0), 59, aligner=aligner, n_components=1, random_state=seed
        )
        for seed in range(repetitions)
    ]
    rejected = np.mean([table["p_value"].loc[1] <= 0.05 for table in p])
    assert rejected <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / repetitions)


X, Y = sample(0, SIZES["tall"])


@pytest.mark.parametrize(
    "aligner",
    [
        KernelCCA(2),
        CrossModalPipeline(PLSSVD(2)),
        CCACV(2),
        GridSearchCV(CCA(2), {}),
        PLSSVD,
        "pls",
        FrozenEstimator(PLSSVD(2)),
    ],
    ids=lambda aligner: getattr(aligner, "__name__", type(aligner).__name__),
)
def test_what_has_no_such_test_is_refused(aligner):
    with pytest.raises(TypeError, match="aligner must be a CCA, PLSSVD, PLSCanonical or PLSRegression, fitted or not"):
        permutation_test(X, Y, 9, aligner=aligner)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: permutation_test(X, Y, 9, aligner=PLSSVD(8)), "n_components=8 is more than the 7 possible"),
        (lambda: permutation_test(X, Y, 9, aligner=PLSSVD(2), n_components=8), "n_components=8 is more than"),
        (lambda: permutation_test(X, Y, 9, aligner=CCA(2, shrinkage=2.0)), r"shrinkage must lie in \[0, 1\], got 2.0"),
        (lambda: permutation_test(X, np.ones(60), 9, aligner=PLSSVD(1)), "y does not vary beyond rounding"),
        (lambda: permutation_test(X, Y, 9, aligner=PLSSVD(1), nuisance=X), "X does not vary beyond rounding"),
        (lambda: permutation_test(X[:10], Y[:10], 9), r"Pass aligner=CCA\(shrinkage=0.5\) or a PLS model"),
    ],
)
def test_bad_parameters_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
