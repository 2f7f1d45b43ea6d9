"""Rows of one id are copies up to a relative difference; what differs by more are classes."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from crossmodal_cca.metrics import deduplicate

RNG = np.random.default_rng(0)
ITEMS = RNG.normal(size=(20, 64))
OWNERS = np.repeat(np.arange(20), 5)


def copies(noise, dtype="float64"):
    rows = ITEMS[OWNERS]
    return (rows * (1 + noise * RNG.uniform(-1, 1, size=rows.shape))).astype(dtype)


@pytest.mark.parametrize(
    ("dtype", "noise"), [("float64", 1e-12), ("float32", 1e-6), ("float32", 1e-4), ("float16", 0.0), ("float16", 4e-4)]
)
def test_copies_that_an_encoder_makes_of_one_item_are_one(dtype, noise):
    """Entries are off by the noise, uniformly, and by float16's rounding, at most 2⁻¹¹ of them.

    Two rows of 64 entries then differ by about √(2/3) · (4e-4 + 2⁻¹¹ / √2) = 6e-4 of their length.
    """
    rows = copies(noise, dtype)
    kept, ids = deduplicate(rows, OWNERS)
    assert_array_equal(kept, rows[::5])
    assert_array_equal(ids, np.arange(20))
    assert kept.dtype == dtype


def two(difference, length=1.0):
    """Two rows of one item, so far apart, and the rows of others of length 1."""
    return np.array([[length, 0.0], [length, difference], [0.0, 1.0], [1.0, 0.0], [0.0, -1.0]]), [0, 0, 1, 2, 3]


# By the definition: relative to the row's length, or to the median length of all, here 1, where that is larger.
PASSES = [
    (9.9e-4, 1.0, 1e-3, True),
    (1.01e-3, 1.0, 1e-3, False),
    (9.9e-3, 10.0, 1e-3, True),
    (1.01e-2, 10.0, 1e-3, False),
    (9.9e-4, 1e-6, 1e-3, True),
    (1.01e-3, 1e-6, 1e-3, False),
    (0.09, 1.0, 0.1, True),
    (0.11, 1.0, 0.1, False),
    (0.0, 1.0, 0.0, True),
    (1e-12, 1.0, 0.0, False),
]


@pytest.mark.parametrize(("difference", "length", "tolerance", "passes"), PASSES)
@pytest.mark.parametrize("unit", [1.0, 2.0**-600, 2.0**600])
def test_the_tolerance_is_relative_to_the_length(difference, length, tolerance, passes, unit):
    rows, ids = two(difference, length)
    if passes:
        assert_array_equal(deduplicate(rows * unit, ids, tolerance)[1], [0, 1, 2, 3])
    else:
        with pytest.raises(ValueError, match=rf"1 row\(s\) differ .* tolerance={tolerance:g}.* \(row 1, id 0\)"):
            deduplicate(rows * unit, ids, tolerance)


def test_copies_whose_only_score_is_near_zero_are_copies():
    """Scores of one component: projections of rows whose entries are rounded, not of rounded projections."""
    rows = copies(1e-5, "float32")
    weights = np.linalg.svd(ITEMS[:1])[2][1]  # at right angles to the first item, whose score is 0 but for rounding
    scores = rows.astype(float) @ weights
    assert np.ptp(scores[:5]) > 0.1 * np.abs(scores[:5]).max()
    assert len(deduplicate(scores[:, None], OWNERS)[0]) == 20


def test_zeros_are_copies_of_each_other():
    assert deduplicate(np.zeros((4, 2)), [0, 0, 1, 1])[0].shape == (2, 2)


def test_a_zero_row_among_zeros_is_no_copy_of_another():
    with pytest.raises(ValueError, match=r"1 row.* largest difference is inf of it \(row 1, id 0\)"):
        deduplicate([[1e-9], [0.0], [0.0], [0.0], [1.0]], [0, 0, 1, 2, 3])


def test_class_labels_are_refused_with_the_largest_difference():
    rows = np.array([[3.0, 4.0], [3.0, 4.0], [3.0, 4.5], [0.0, 5.0]])
    # ‖(-3, 1)‖ / 5
    with pytest.raises(
        ValueError, match=r"2 row.* largest difference is 0\.63 of it \(row 3, id 'cat'\).*class labels"
    ):
        deduplicate(rows, ["cat"] * 4)


@pytest.mark.parametrize(
    ("tolerance", "error"),
    [(-0.1, ValueError), (1.0, ValueError), (np.nan, ValueError), (None, TypeError), ("1", TypeError)],
)
def test_a_tolerance_is_a_share(tolerance, error):
    with pytest.raises(error, match=r"tolerance must .* \[0, 1\)"):
        deduplicate(ITEMS, range(20), tolerance)
