"""Correlations of paired columns from their moments: in parts or whole, weighted or repeated; 0 of what is still."""

import numpy as np
import pytest

from crossmodal_cca.linalg._solution import STILL, ColumnMoments, paired_correlations

RNG = np.random.default_rng(0)
A = RNG.standard_normal((60, 3)) + np.array([0.0, 5.0, -100.0])
B = 0.5 * A + RNG.standard_normal((60, 3))
WEIGHT = RNG.integers(0, 4, 60)


def by_definition(A, B):
    return [np.corrcoef(a, b)[0, 1] for a, b in zip(A.T, B.T, strict=True)]


def test_correlations_follow_the_definition():
    np.testing.assert_allclose(paired_correlations(A, B), by_definition(A, B), rtol=1e-10)


def test_weights_are_repeated_rows():
    found = paired_correlations(A, B, WEIGHT.astype(float))
    np.testing.assert_allclose(found, by_definition(np.repeat(A, WEIGHT, axis=0), np.repeat(B, WEIGHT, axis=0)))


@pytest.mark.parametrize("cuts", [[1, 2, 30], [59], [20, 20]])
def test_parts_add_up_to_the_whole(cuts):
    parts = [
        ColumnMoments.of_rows(a, b, w)
        for a, b, w in zip(*(np.split(each, cuts) for each in (A, B, WEIGHT.astype(float))), strict=True)
        if len(a)
    ]
    whole, total = ColumnMoments.of_rows(A, B, WEIGHT.astype(float)), sum(parts[1:], start=parts[0])
    assert (total.n_rows, total.weight_sum) == (60, WEIGHT.sum())
    for name in ("means", "scatter", "lowest", "highest"):
        np.testing.assert_allclose(getattr(total, name), getattr(whole, name), rtol=1e-10, err_msg=name)
    np.testing.assert_allclose(total.correlations(), whole.correlations(), rtol=1e-10)


STEPS = np.arange(60.0)
STILL_COLUMNS = {
    "constant": np.full(60, 0.1),
    "squares that underflow": 1e-200 * STEPS,
    "spread of rounding": 7.0 + 7.0 * STILL / 100 * STEPS,
    "spread of rounding below zero": -7.0 - 7.0 * STILL / 100 * STEPS,
}


@pytest.mark.parametrize("kind", STILL_COLUMNS)
def test_what_does_not_vary_has_no_correlation(kind):
    """On either side, beside columns that do vary; no division by zero is warned of."""
    still, moving = STILL_COLUMNS[kind][:, None], A[:, :1]
    for a, b in ((still, moving), (moving, still), (still, still)):
        found = paired_correlations(np.hstack([a, moving]), np.hstack([b, moving]))
        np.testing.assert_allclose(found, [0.0, 1.0], rtol=1e-12)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_what_varies_a_little_more_than_rounding_does_correlate(sign):
    little = sign * (7.0 + 7.0 * STILL * STEPS)[:, None]
    assert abs(paired_correlations(little, STEPS[:, None])[0]) == pytest.approx(1.0, abs=1e-3)
