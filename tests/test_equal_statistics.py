"""In permutation tests, statistics that are equal but for rounding count as equal."""

from itertools import permutations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from crossmodal_cca import CCA, PLSSVD
from crossmodal_cca.inference import permutation_test

N_PERMUTATIONS = 999


def one_hot(n, *rows):
    return np.isin(np.arange(n), rows).astype(int)[:, None]


def indicators(*codes):
    """All but the first level's."""
    return np.eye(max(codes) + 1, dtype=int)[list(codes)][:, 1:]


# Small whole numbers, of which every arrangement can be looked at.
SAMPLES = {
    "one row against itself": (one_hot(7, 3), one_hot(7, 3)),
    "one row against another": (one_hot(7, 3), one_hot(7, 4)),
    "two rows against themselves": (one_hot(7, 0, 5), one_hot(7, 0, 5)),
    "two rows against three": (one_hot(7, 0, 1), one_hot(7, 0, 1, 2)),
    "balanced": (one_hot(6, 0, 1, 2), one_hot(6, 1, 2, 4)),
    "counts": (np.array([[0], [0], [1], [1], [2], [5], [0]]), np.array([[3], [0], [0], [0], [2], [2], [0]])),
    "three levels against themselves": (indicators(0, 0, 1, 1, 2, 2, 2), indicators(0, 0, 1, 1, 2, 2, 2)),
    "three levels against two": (indicators(0, 0, 1, 1, 2, 2, 2), one_hot(7, 0, 1, 4)),
    "a level that both know": (indicators(0, 0, 1, 1, 2, 2, 2), indicators(0, 0, 1, 2, 1, 2, 2)),
    "two columns and one of them": (np.hstack([one_hot(7, 1), one_hot(7, 0, 2, 4)]), one_hot(7, 1)),
}


def order_of_wilks(X, y):
    """Whole numbers in the order of −ln Λ; correlations of exactly 1 count first, by how many they are.

    Λ is the determinant of the scatter of all columns over two that no permutation changes. Times the number of rows
    the scatter is whole, and rounding makes its determinant exact.
    """
    Z = np.concatenate([np.broadcast_to(X, (len(y), *X.shape)), y], axis=2)
    scatter = X.shape[0] * Z.transpose(0, 2, 1) @ Z - Z.sum(axis=1)[:, :, None] * Z.sum(axis=1)[:, None, :]
    perfect = Z.shape[2] - np.linalg.matrix_rank(scatter)
    return perfect * 10**12 - np.rint(np.linalg.det(scatter)).astype(int)


def exact_p(X, y, statistic):
    orders = np.array(list(permutations(range(len(X)))))
    values = statistic(X, y[orders])
    assert_array_equal(orders[0], np.arange(len(X)))
    return float(np.mean(values >= values[0]))


def assert_estimates(p, exact):
    """Within four standard errors of a share of permutations drawn at random, of which the smallest is one."""
    error = np.sqrt(exact * (1 - exact) / N_PERMUTATIONS)
    assert p == pytest.approx(exact, abs=4 * error + 1 / N_PERMUTATIONS)


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("power", [0, 7], ids=["as they are", "in another unit"])
def test_p_values_of_few_numbers_are_those_of_all_arrangements(sample, power):
    X, y = SAMPLES[sample]
    exact = exact_p(X, y, order_of_wilks)
    table = permutation_test(X * 10.0**-power, y + 10.0**power, N_PERMUTATIONS, random_state=0)
    assert_estimates(table["p_uncorrected"].iloc[0], exact)


@pytest.mark.parametrize("sample", [name for name, (X, y) in SAMPLES.items() if X.shape[1] == y.shape[1] == 1])
@pytest.mark.parametrize("aligner", [PLSSVD(), CCA(shrinkage=0.5), CCA()], ids=repr)
def test_singular_values_of_one_column_a_side_have_the_same_p_values(sample, aligner):
    """All are monotone in the size of the covariance."""
    X, y = SAMPLES[sample]
    exact = exact_p(X, y, lambda X, y: np.abs(len(X) * np.sum(X * y, axis=(1, 2)) - X.sum() * y.sum(axis=(1, 2))))
    table = permutation_test(X, y, N_PERMUTATIONS, aligner=aligner, random_state=0)
    assert_estimates(table["p_uncorrected"].iloc[0], exact)


def test_a_row_against_itself_among_twelve():
    x = one_hot(12, 4)
    assert_estimates(permutation_test(x, x, N_PERMUTATIONS, random_state=0)["p_value"].iloc[0], 1 / 12)


def test_correlations_near_one_are_still_told_apart():
    """One of two near twins among forty is no tie of the other."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 1))
    y = x + 1e-3 * rng.normal(size=(40, 1))
    assert permutation_test(x, y, 199, random_state=0)["p_value"].iloc[0] == 1 / 200


@pytest.mark.newest
@pytest.mark.parametrize(
    ("n", "widths", "share"),
    [
        (40, (1, 1), 0.05),
        (40, (3, 2), 0.05),
        (100, (3, 3), 0.02),
        (100, (1, 4), 0.02),
        (60, (5, 1), 0.1),
        (30, (2, 2), 0.1),
    ],
)
def test_rare_features_hold_the_level(n, widths, share):
    """A small version of benchmarks/permutation_level.py, of 2,000 draws in each of these settings."""
    repetitions, rejected = 100, 0
    for seed in range(repetitions):
        X, y = rare_features(n, widths, share, np.random.default_rng([n, *widths, seed]))
        rejected += permutation_test(X, y, 59, n_components=1, random_state=seed)["p_value"].iloc[0] <= 0.05
    assert rejected / repetitions <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / repetitions)


def rare_features(n, widths, share, rng):
    """Unrelated features that are 1 in few rows, but in one at least."""
    sides = [(rng.random((n, width)) < share).astype(float) for width in widths]
    for side in sides:
        side[rng.integers(n), ~side.any(axis=0)] = 1.0
    return sides
