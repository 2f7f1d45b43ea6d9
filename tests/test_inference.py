"""Tests of canonical correlations: reference values, levels, laws of invariance, clear errors."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from linear_models import pairs
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.datasets import load_linnerud
from sklearn.linear_model import LinearRegression

from crossmodal_cca import CCA
from crossmodal_cca.datasets import make_paired_latent
from crossmodal_cca.inference import (
    canonical_correlation_tests,
    debias_correlations,
    noise_edge,
    permutation_test,
    required_samples,
)
from crossmodal_cca.inference._canonical import canonical_pairs_of_sides
from crossmodal_cca.inference._nuisance import residual_rows
from crossmodal_cca.inference.parametric import sequential_tests

VALUES = json.loads((Path(__file__).parent / "reference_values.json").read_text())
X, Y = pairs(200)
I3 = np.eye(3)


def rng_of(seed=0):
    return np.random.default_rng(seed)


def linnerud_tests():
    with pytest.warns(UserWarning, match="not small against n_samples = 20"):
        return canonical_correlation_tests(*load_linnerud(return_X_y=True))


# Parametric tests -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "key"),
    [("correlation", "correlations")]
    + [(name, name) for name in ("wilks", "rao_f", "rao_df1", "rao_df2", "rao_p")]
    + [(name, name) for name in ("bartlett_chi2", "bartlett_df", "bartlett_p")],
)
def test_linnerud_per_component(column, key):
    assert_allclose(linnerud_tests()[column], VALUES["linnerud_cca"][key], rtol=1e-6)


def test_linnerud_traces_and_largest_root():
    reference, first = VALUES["linnerud_cca"], linnerud_tests().loc[1]
    assert first["pillai"] == pytest.approx(reference["pillai_trace"], rel=1e-6)
    assert first["hotelling_lawley"] == pytest.approx(reference["hotelling_lawley_trace"], rel=1e-6)
    assert first["roy"] == pytest.approx(reference["roy_largest_root_r2"], rel=1e-6)
    # The F approximations that SAS's PROC CANCORR prints for these data (user's guide, fitness club example).
    for name, f, df1, df2, p in (("pillai", 1.56, 9, 48, 0.1551), ("hotelling_lawley", 2.64, 9, 19.053, 0.0357)):
        found = first[[f"{name}_f", f"{name}_df1", f"{name}_df2", f"{name}_p"]]
        assert (np.abs(found - [f, df1, df2, p]) <= [0.005, 0, 0.0005, 0.00005]).all()


def test_the_case_of_the_matlab_manual_with_lawleys_correction():
    reference = VALUES["matlab_canoncorr"]
    with pytest.warns(UserWarning, match="exactly 1 for any data"):
        table = canonical_correlation_tests(np.vstack([I3, 2 * I3]), np.vstack([I3[:, ::-1], 0.1 * I3]))
    assert_allclose(table["correlation"], reference["correlations"], atol=1e-12)
    assert_allclose(table["wilks"], reference["wilks"], atol=1e-12)
    assert_allclose(table["lawley_p"], reference["bartlett_p"], atol=1e-6)


def test_with_one_feature_of_y_every_test_is_that_of_regression():
    y = X @ np.arange(1.0, 9) + 20 * rng_of().normal(size=200)
    first = canonical_correlation_tests(X, y).loc[1]
    r2 = LinearRegression().fit(X, y).score(X, y)
    f = r2 / 8 / ((1 - r2) / (200 - 9))
    assert_allclose(first[["rao_f", "pillai_f"]], f)
    assert_allclose(first[["rao_df2", "pillai_df2"]], 191)
    assert_allclose(first["roy_p"], first["rao_p"])
    assert first["hotelling_lawley_f"] == pytest.approx(f, rel=0.01)


def test_what_is_left_at_the_last_component_of_equal_sides_is_one_correlation():
    last = canonical_correlation_tests(X[:, :6], Y).loc[6]
    r2 = last["correlation"] ** 2
    df2 = 200 - 2 - 5
    f = [last[f"{name}_f"] for name in ("rao", "pillai", "hotelling_lawley")]
    assert_allclose(f, r2 / (1 - r2) * df2)
    assert_allclose(last[["rao_p", "pillai_p", "hotelling_lawley_p", "roy_p"]], last["rao_p"])


def test_all_correlations_are_tested_and_equal_those_of_a_fit():
    table = canonical_correlation_tests(pd.DataFrame(X), Y.astype(np.float32))
    assert list(table.index) == [1, 2, 3, 4, 5, 6]
    assert_allclose(table["correlation"], CCA().fit(X, Y).correlations_, atol=1e-5)
    # Redundant features count neither as correlations nor as degrees of freedom.
    redundant = canonical_correlation_tests(np.hstack([X, X[:, :2] + 1, np.ones((200, 1))]), Y)
    assert_allclose(redundant, canonical_correlation_tests(X, Y), rtol=1e-8)


@pytest.mark.newest
def test_levels_of_the_parametric_tests():
    """Within .03 of the nominal .05 where features are few; Bartlett's is hopeless where they are many."""
    rates = {}
    for n, p, q in ((200, 10, 8), (100, 50, 30)):
        tables = []
        for seed in range(300):
            A, B = (C - C.mean(axis=0) for C in np.split(rng_of([n, seed]).normal(size=(n, p + q)), [p], axis=1))
            r = np.linalg.svd(np.linalg.qr(A)[0].T @ np.linalg.qr(B)[0], compute_uv=False)
            tables.append(sequential_tests(r, n, p, q))
        names = ("bartlett", "lawley", "rao", "pillai", "hotelling_lawley", "roy")
        rates[n] = {name: np.mean([t[f"{name}_p"][0] <= 0.05 for t in tables]) for name in names}
    assert all(0.02 <= rate <= 0.08 for rate in rates[200].values()), rates
    assert rates[100]["bartlett"] > 0.5
    assert rates[100]["roy"] < 0.12


def test_enough_rows_give_no_warning_and_too_few_do():
    canonical_correlation_tests(X, Y)
    with pytest.warns(UserWarning, match=r"ranks of X \(8\) and y \(6\) are not small against n_samples = 60"):
        canonical_correlation_tests(X[:60], Y[:60])
    with pytest.warns(UserWarning, match="5 canonical correlation.* are exactly 1 for any data"):
        canonical_correlation_tests(X[:10], Y[:10])


@pytest.mark.filterwarnings("ignore:The ranks of X")
def test_what_has_no_degrees_of_freedom_is_nan_and_a_certain_root_no_evidence():
    rng = rng_of()
    for shape in ((20, 60, 5), (20, 15, 4), (30, 100, 90)):
        table = canonical_correlation_tests(rng.normal(size=shape[:2]), rng.normal(size=(shape[0], shape[2])))
        certain = (table["correlation"] == 1).to_numpy()
        assert certain[0] == (sum(np.minimum(shape[1:], shape[0] - 1)) > shape[0] - 1)
        assert (table["roy_p"][certain] == 1).all()
        assert table["roy_p"].isna()[~certain].to_numpy()[:1].all()
        assert table["hotelling_lawley_p"].isna().loc[1]
    # A true correlation of 1 is another matter.
    B = np.hstack([X[:, :1], Y])
    assert (canonical_correlation_tests(X, B).loc[1, ["rao_p", "bartlett_p", "pillai_p", "roy_p"]] < 1e-20).all()


ALL_P = ["rao_p", "bartlett_p", "lawley_p", "pillai_p", "hotelling_lawley_p", "roy_p"]
THREE_FACTORS = np.array([[i // 9, i // 3 % 3, i % 3] for i in range(27)])


@pytest.mark.filterwarnings("ignore:The ranks of X")
@pytest.mark.parametrize(
    ("A", "B"),
    [
        (np.arange(-5, 6)[:, None], np.arange(-5, 6) ** 2),
        (np.arange(-5, 6)[:, None] ** 2, np.arange(-5, 6)),
        (np.repeat([0, 1], 10)[:, None], np.tile([0, 1], 10)),
        (THREE_FACTORS[:, :1], THREE_FACTORS[:, 1:]),
        (np.eye(3)[THREE_FACTORS[:, 0]], np.eye(3)[THREE_FACTORS[:, 1]]),
    ],
    ids=["parabola", "swapped", "balanced factors", "two columns", "indicators"],
)
def test_correlations_of_exactly_zero_are_no_evidence(A, B):
    table = canonical_correlation_tests(A, B)
    assert_allclose(table["correlation"], 0, atol=1e-15)
    # Approximate laws of positive statistics reach 1 at 0 but for their last digits.
    assert_allclose(table[ALL_P], 1, atol=1e-6)
    assert (permutation_test(A, B, 19, random_state=0)["p_value"] == 1).all()


def test_correlations_of_exactly_zero_in_a_row_have_p_values_of_one():
    """Lawley's correction divides by the earlier correlations, 0 here."""
    table = sequential_tests(np.zeros(3), 100, 4, 3)
    assert_array_equal([table[name] for name in ALL_P[:5]], 1)


@pytest.mark.filterwarnings("ignore:The ranks of X")
@pytest.mark.parametrize("n", [10, 11, 30])
def test_with_one_column_roys_test_is_the_exact_f_test_down_to_one_degree_of_freedom(n):
    """The F test of a regression on 8 features with n − 9 degrees of freedom, which Rao's is, too."""
    y = X[:n] @ np.arange(1.0, 9) + 20 * rng_of().normal(size=n)
    r2 = LinearRegression().fit(X[:n], y).score(X[:n], y)
    expected = stats.f.sf(r2 / 8 / ((1 - r2) / (n - 9)), 8, n - 9)
    for A, B in ((X[:n], y), (y[:, None], X[:n])):
        assert_allclose(canonical_correlation_tests(A, B).loc[1, ["roy_p", "rao_p"]], expected, rtol=1e-9)


@pytest.mark.filterwarnings("ignore:The ranks of X")
def test_a_regression_on_as_many_features_as_rows_is_no_evidence():
    table = canonical_correlation_tests(X[:9], Y[:9, 0])
    assert table.loc[1, ["correlation", "roy_p"]].tolist() == [1, 1]


# Permutations -----------------------------------------------------------------------------------------------------


def test_strong_components_are_found_and_p_values_never_fall():
    A, B = make_paired_latent(200, 8, 6, correlations=(0.9, 0.7, 0.5), random_state=1)
    table = permutation_test(A, B, 199, random_state=0)
    assert_array_equal(table["p_value"], np.maximum.accumulate(table["p_uncorrected"]))
    assert (table["p_value"].loc[:3] == 1 / 200).all()
    assert (table["p_value"].loc[4:] > 0.05).all()
    assert_allclose(table["correlation"], CCA().fit(A, B).correlations_)
    gaps = 1 - table["correlation"] ** 2
    assert_allclose(table["statistic"], -np.log(gaps)[::-1].cumsum()[::-1])


def test_the_seed_alone_decides_whatever_the_threads_and_the_components():
    table = permutation_test(X, Y, 60, random_state=3)
    assert_array_equal(table, permutation_test(X, Y, 60, random_state=3, n_jobs=2))
    assert_array_equal(table.loc[:2], permutation_test(X, Y, 60, random_state=3, n_components=2))
    assert (table != permutation_test(X, Y, 60, random_state=4)).any(axis=None)


@pytest.mark.parametrize(
    "change",
    [
        lambda A: A + 1e3,
        lambda A: 1e-6 * A,
        lambda A: A * np.arange(1, A.shape[1] + 1),
        lambda A: A @ rng_of(5).normal(size=(A.shape[1],) * 2),
        lambda A: np.hstack([A, A[:, :1], np.full((len(A), 1), 0.1)]),
    ],
    ids=["shift", "unit", "units of features", "invertible map", "redundant features"],
)
def test_maps_of_either_side_change_nothing(change):
    expected, tests = permutation_test(X, Y, 99, random_state=0), canonical_correlation_tests(X, Y)
    for A, B in ((change(X), Y), (X, change(Y))):
        assert_allclose(permutation_test(A, B, 99, random_state=0), expected, rtol=1e-6)
        assert_allclose(canonical_correlation_tests(A, B), tests, rtol=1e-5, atol=1e-9)


def test_swapping_sides_and_ordering_rows_change_only_the_luck_of_the_permutations():
    # Four rows' difference of the luck: 4 · √(.25/999).
    expected, order = permutation_test(X, Y, 999, random_state=0), rng_of(1).permutation(200)
    for A, B in ((Y, X), (X[order], Y[order])):
        table = permutation_test(A, B, 999, random_state=0)
        assert_allclose(table[["correlation", "statistic"]], expected[["correlation", "statistic"]])
        assert_allclose(table["p_uncorrected"], expected["p_uncorrected"], atol=0.063)
        assert_allclose(canonical_correlation_tests(A, B), canonical_correlation_tests(X, Y), rtol=1e-6, atol=1e-9)


def rates_of_rejection(n, p, q, strong, component, repetitions, n_permutations=59):
    """Share of samples in which the stepwise and the naive test reject the component at .05."""
    rejected = np.zeros(2)
    rho, k = np.array(strong), len(strong)
    for seed in range(repetitions):
        rng = rng_of([seed, 7])
        A, B = rng.normal(size=(n, p)), rng.normal(size=(n, q))
        B[:, :k] = rho * A[:, :k] + np.sqrt(1 - rho**2) * B[:, :k]
        table = permutation_test(A, B, n_permutations, n_components=component, random_state=seed)
        rejected[0] += table["p_value"].loc[component] <= 0.05
        A, B = (np.linalg.qr(C - C.mean(axis=0))[0] for C in (A, B))
        drawn = [np.linalg.svd(A.T @ B[rng.permutation(n)], compute_uv=False) for _ in range(n_permutations)]
        lost = -np.log(1 - np.array(drawn)[:, component - 1 :] ** 2).sum(axis=1)
        count = np.sum(lost >= table["statistic"].loc[component])
        rejected[1] += (1 + count) / (1 + n_permutations) <= 0.05
    return rejected / repetitions


@pytest.mark.newest
def test_level_after_strong_components_where_the_naive_test_fails():
    """The full run is benchmarks/permutation_level.py; here within three standard errors (.02) of .05."""
    stepwise, naive = rates_of_rejection(100, 10, 10, (0.9, 0.8), 3, repetitions=200)
    assert stepwise <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    assert naive > 0.4


def test_power():
    stepwise, _ = rates_of_rejection(200, 10, 10, (0.5,), 1, repetitions=60)
    assert stepwise >= 0.85


def test_residual_rows_are_an_isometry_of_what_is_orthogonal_to_the_basis():
    A, B = rng_of().normal(size=(30, 4)), rng_of(1).normal(size=(30, 3))
    basis = np.linalg.qr(rng_of(2).normal(size=(30, 5)))[0]
    a, b = residual_rows([A, B], basis)
    assert a.shape == (25, 4)
    project = np.eye(30) - basis @ basis.T
    assert_allclose(a.T @ b, A.T @ project @ B, atol=1e-12)
    # Theil's choice: each row resembles the residual of a row of the data.
    residuals = project @ A
    correlations = np.corrcoef(a, residuals)[:25, 25:]
    assert (np.abs(correlations).max(axis=1) > 0.9).mean() > 0.8


def test_nuisance_variables_are_taken_away_from_both_sides():
    rng = rng_of(4)
    age = rng.normal(size=(150, 2))
    A, B = rng.normal(size=(150, 4)) + age[:, :1], rng.normal(size=(150, 3)) + age @ [[1.0], [1.0]]
    assert permutation_test(A, B, 99, random_state=0)["p_value"].loc[1] == 0.01
    table = permutation_test(A, B, 99, nuisance=age, random_state=0)
    assert table["p_value"].loc[1] > 0.05
    residuals = [C - LinearRegression().fit(age, C).predict(age) for C in (A, B)]
    assert_allclose(table["correlation"], CCA().fit(*residuals).correlations_)
    # Their units, repetitions and constants do not matter, nor does a feature that they explain.
    again = np.hstack([1e4 + 10 * age, age[:, :1], np.ones((150, 1))])
    explained = np.hstack([A, age @ [[2.0], [1.0]]])
    assert_allclose(permutation_test(explained, B, 99, nuisance=again, random_state=0), table, rtol=1e-6)
    one = permutation_test(A, B, 99, nuisance=age[:, 0], random_state=0)
    assert_array_equal(one, permutation_test(A, B, 99, nuisance=age[:, :1], random_state=0))


def test_a_perfect_correlation_leaves_the_others_to_be_tested():
    A = rng_of().normal(size=(80, 4))
    B = np.hstack([A[:, :1], rng_of(1).normal(size=(80, 3))])
    table = permutation_test(A, B, 99, random_state=0)
    assert table["p_value"].loc[1] == 0.01
    assert table["p_value"].loc[2] > 0.05


def test_one_dimensional_rows_and_constant_nuisance():
    table = permutation_test(X, Y[:, 0], 49, random_state=0)
    assert_array_equal(table, permutation_test(X, Y[:, :1], 49, random_state=0))
    assert_allclose(table["correlation"], permutation_test(X, Y[:, 0], 49, nuisance=np.ones(200))["correlation"])


def test_progress_is_printed_when_asked_for(capsys):
    permutation_test(X, Y, 30, n_components=1, random_state=0)
    assert capsys.readouterr().out == ""
    permutation_test(X, Y, 30, n_components=1, random_state=0, verbose=1)
    assert "30 of 30 permutations" in capsys.readouterr().out


def test_canonical_pairs_are_full_orthonormal_bases():
    A, B = X - X.mean(axis=0), Y - Y.mean(axis=0)
    found = canonical_pairs_of_sides(A, B)
    U, V = A @ found.x_weights, B @ found.y_weights
    assert_allclose(U.T @ U, np.eye(8), atol=1e-10)
    assert_allclose(V.T @ V, np.eye(6), atol=1e-10)
    assert_allclose(U.T @ V, np.eye(8, 6) * found.correlations, atol=1e-10)


# Noise edge, debiasing, sample size -------------------------------------------------------------------------------


def test_edge_and_debiasing_of_the_measured_case():
    assert noise_edge(2000, 200, 100) == pytest.approx(0.514, abs=0.02)
    assert_allclose(debias_correlations([0.834, 0.679, 0.557], 2000, 200, 100), [0.8, 0.6, 0.4], atol=0.02)


def test_debiasing_recovers_the_population():
    A, B = make_paired_latent(2000, 200, 100, correlations=(0.8, 0.6), random_state=0)
    found = debias_correlations(CCA().fit(A, B).correlations_, 2000, 200, 100)
    assert_allclose(found[:2], [0.8, 0.6], atol=0.02)
    assert np.isnan(found[3:]).all()


def test_debiasing_inverts_the_limit():
    """Bao et al. (2019): g = r⁻¹(1 − c₁ + c₁/…) in the form g = (c₁ + (1 − c₁)r)(c₂ + (1 − c₂)r)/r."""
    c1, c2, r = 0.1, 0.05, np.array([[0.9, 0.5], [0.3, 0.99]]) ** 2
    sample = np.sqrt((c1 + (1 - c1) * r) * (c2 + (1 - c2) * r) / r)
    assert_allclose(debias_correlations(sample, 1001, 100, 50), np.sqrt(r), rtol=1e-9)


def test_debiased_correlations_are_smaller_and_grow_with_the_sample():
    sample = np.linspace(0, 1, 101)
    found = debias_correlations(sample, 500, 40, 30)
    edge = noise_edge(500, 40, 30)
    assert_array_equal(np.isnan(found), sample <= edge)
    known = found[sample > edge]
    assert (known <= sample[sample > edge] + 1e-12).all()
    assert (np.diff(known) > 0).all()
    assert found[-1] == pytest.approx(1, abs=1e-12)
    assert np.isnan(debias_correlations([0.9, 1.0], 100, 60, 50)).all()


def test_sample_sizes_of_the_paper():
    # Helmer et al. (2024) as worked in this project's notes: p + q = 150, both decays 1, r = .3.
    assert required_samples(0.3, 150, decay=1.0) == 17_211
    assert required_samples(0.3, 150, method="pls", decay=(0.5, 1.5)) == 52_919
    sizes = [required_samples(r, 50) for r in (0.9, 0.6, 0.3, 0.1)]
    assert sizes == sorted(sizes)
    assert required_samples(0.3, 50, decay=0.0) < required_samples(0.3, 50) < required_samples(0.3, 100)


# Bad input --------------------------------------------------------------------------------------------------------


def with_nan(A):
    A = A.copy()
    A[3, 1] = np.nan
    return A


@pytest.mark.parametrize("test", [canonical_correlation_tests, permutation_test])
@pytest.mark.parametrize(
    ("A", "B", "message"),
    [
        (with_nan(X), Y, "X contains NaN"),
        (X, with_nan(Y), "y contains NaN"),
        (X, Y[:100], "X has 200 rows and y has 100"),
        (X[:2], Y[:2], "minimum of 3 is required"),
        (np.full((50, 3), 0.1), Y[:50], "X does not vary"),
        (X[:50], np.ones(50), "y does not vary"),
        (np.full((50, 2), "a"), Y[:50], "X holds text, such as 'a'"),
        (X, None, "y is None|target y is None"),
    ],
)
def test_bad_rows_are_refused(test, A, B, message):
    with pytest.raises(ValueError, match=message):
        test(A, B)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: permutation_test(X[:14], Y[:14], 9), ValueError, "more than the 13 degrees of freedom"),
        (lambda: permutation_test(X, Y, 0), ValueError, "n_permutations must be a whole number of at least 1"),
        (lambda: permutation_test(X, Y, 9.5), TypeError, "n_permutations must be a whole number"),
        (lambda: permutation_test(X, Y, 9, n_components=7), ValueError, "n_components=7 is more than the 6 possible"),
        (
            lambda: permutation_test(X, Y, 9, n_components=0),
            ValueError,
            "n_components must be a whole number of at least 1",
        ),
        (lambda: permutation_test(X, Y, 9, nuisance=X[:50]), ValueError, "X has 200 rows and nuisance has 50"),
        (lambda: permutation_test(X, Y, 9, nuisance=with_nan(X)), ValueError, "nuisance contains NaN"),
        (lambda: permutation_test(X[:6], Y[:6], 9, nuisance=X[:6]), ValueError, "too many for 6 rows"),
        (lambda: permutation_test(X, Y, 9, nuisance=X), ValueError, "X does not vary beyond rounding .and beyond"),
        (
            lambda: debias_correlations([0.5, -0.1], 100, 5, 5),
            ValueError,
            r"must lie in \[0, 1\], got values from -0.1",
        ),
        (lambda: debias_correlations([np.nan], 100, 5, 5), ValueError, "must lie in"),
        (lambda: debias_correlations(0.5, 1, 5, 5), ValueError, "n_samples must be a whole number of at least 2"),
        (lambda: required_samples(0, 5), ValueError, "correlation must lie in"),
        (lambda: required_samples(1, 5), ValueError, "correlation must lie in"),
        (lambda: required_samples("a", 5), TypeError, "correlation must be a number"),
        (lambda: required_samples(0.5, 1), ValueError, "n_features must be a whole number of at least 2"),
        (lambda: required_samples(0.5, 5, method="kcca"), ValueError, "method must be one of 'cca', 'pls'; got 'kcca'"),
        (lambda: required_samples(0.5, 5, decay=-1.0), ValueError, "must not be negative: pass 1, got -1.0"),
        (lambda: required_samples(0.5, 5, decay=(1, 2, 3)), ValueError, "a pair"),
    ],
)
def test_bad_parameters_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_which_of_equal_rows_nuisance_variables_leave_out_does_not_hang_on_rounding():
    """Indicators have many rows of one length: moved by 1e-13, they give the same permutations and p-values."""
    rng = np.random.default_rng(0)
    levels = np.eye(3)[np.arange(90) % 3]
    X, y = rng.standard_normal((90, 3)) + levels, rng.standard_normal((90, 2)) + levels[:, :2]
    moved = levels * (1 + 1e-13 * rng.standard_normal(levels.shape))
    tables = [permutation_test(X, y, 99, nuisance=nuisance, random_state=0) for nuisance in (levels, moved)]
    np.testing.assert_array_equal(tables[0]["p_value"], tables[1]["p_value"])
