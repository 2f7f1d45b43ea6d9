"""What a linear solution says of itself: how much its sums cancel, and whether single precision can carry its maps."""

from math import sqrt

import numpy as np
import pytest

from crossmodal_cca.linalg._products import Covariances
from crossmodal_cca.linalg._solution import FAR, LinearSolution, SolvedSide, definite_signs

RNG = np.random.default_rng(0)
S = np.cov(RNG.standard_normal((7, 60)) + RNG.standard_normal(60))
S = Covariances(S[:4, :4], S[:4, 4:], S[4:, 4:])


def solution(x_rotations, y_rotations, y_effects, x_effects):
    x, y = (SolvedSide(R, R, R, B) for R, B in ((x_rotations, x_effects), (y_rotations, y_effects)))
    ones = np.ones(x_rotations.shape[1])
    return LinearSolution(x, y, singular_values=ones, correlations=ones)


def ratios(R, S, S_other, B):
    """Of each score, and of each predicted feature, the length of its terms over its own standard deviation."""
    variances = [r @ S @ r for r in R.T]
    yield from (sqrt(sum(r**2 * np.diagonal(S))) / sqrt(v) for r, v in zip(R.T, variances, strict=True))
    yield from (sqrt(sum(b**2 * variances)) / sqrt(v) for b, v in zip(B.T, np.diagonal(S_other), strict=True))


@pytest.mark.parametrize("effects", [(0.01, 0.01), (100.0, 0.01), (0.01, 100.0)], ids=["scores", "y", "x"])
def test_amplification_is_that_of_the_worst_sum(effects):
    Rx, Ry, By, Bx = (RNG.standard_normal(shape) for shape in ((4, 2), (3, 2), (2, 3), (2, 4)))
    By, Bx = By * effects[0], Bx * effects[1]
    expected = max(*ratios(Rx, S.xx, S.yy, By), *ratios(Ry, S.yy, S.xx, Bx))
    assert solution(Rx, Ry, By, Bx).amplification(S) == pytest.approx(expected)


SIZES = {
    "ordinary": (1.0, True),
    "zero": (0.0, True),
    "near an end": (0.5 * FAR, True),
    "beyond it": (2 * FAR, False),
    "near the other end": (2 / FAR, True),
    "beyond the other end": (0.5 / FAR, False),
}


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("case", SIZES)
def test_single_precision_carries_maps_well_within_its_range(case, place):
    """One column of one map is of another size."""
    size, fits = SIZES[case]
    maps = [np.ones(shape) for shape in ((4, 2), (3, 2), (2, 3), (2, 4))]
    # Sizes are looked at by feature of what is divided by its scale, over the components.
    (maps[place].T if place < 2 else maps[place])[:, 1] = size
    assert solution(*maps).fits_single(np.ones(4), np.ones(3)) == fits
    scaled = [maps[0] * 8.0, maps[1] * 4.0, maps[2] / 4.0, maps[3] / 8.0]
    assert solution(*scaled).fits_single(np.full(4, 8.0), np.full(3, 4.0)) == fits


SIGNS = {
    "the largest alone": ([1.0, -3.0, 2.0], -1.0),
    "the first of two as large": ([-2.0, 2.0, 1.0], -1.0),
    "the other way round": ([3.0, -3.0, 1.0], 1.0),
    "as large but for rounding": ([-1.0, 1.0 + 1e-12, 0.5], -1.0),
    "all zero": ([0.0, 0.0, 0.0], 1.0),
}


def test_signs_are_those_of_the_largest_weights():
    W = np.transpose([column for column, _ in SIGNS.values()])
    assert definite_signs(W).tolist() == [sign for _, sign in SIGNS.values()]
