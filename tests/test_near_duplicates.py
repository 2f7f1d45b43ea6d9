"""Rows with a large cosine are connected, exactly those: a slow definition, limits, orders, types and places."""

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from crossmodal_cca.diagnosis import _near_pairs, near_duplicate_groups


def by_definition(threshold, *sides):
    near = np.zeros((len(sides[0]), len(sides[0])), bool)
    for rows in sides:
        U = rows.astype(np.float64)
        U = U / np.where(U.any(axis=1), np.linalg.norm(U, axis=1), 1.0)[:, None]
        cosines = U @ U.T
        near |= cosines >= threshold - 1e-14
    return numbered(connected_components(near, directed=False)[1])


def numbered(labels):
    """The same groups, numbered in the order of their first rows."""
    _, first, codes = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[codes]


def rows_with_copies(n, width, *, seed=0, offset=0.0):
    """Rows of few directions and noise; a third are noisy copies of others, of all degrees."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 5)) @ rng.normal(size=(5, width)) + rng.normal(size=(n, width))
    noise = rng.uniform(0, 1, size=(n // 3, 1)) * rng.normal(size=(n // 3, width))
    rows[rng.choice(n, n // 3, replace=False)] = rows[rng.integers(n, size=n // 3)] + noise
    return rows + offset * rng.normal(size=width)


@pytest.mark.parametrize("threshold", [0.5, 0.9, 0.99, 1.0])
@pytest.mark.parametrize(("width", "offset"), [(3, 0.0), (80, 0.0), (80, 3.0)])
def test_groups_are_those_of_the_definition(width, offset, threshold, monkeypatch):
    monkeypatch.setattr(_near_pairs, "_TILE_ROWS", 64)
    monkeypatch.setattr(_near_pairs, "_TILE_COLUMNS", 128)
    monkeypatch.setattr(_near_pairs, "_EDGES_AT_ONCE", 50)
    rows = rows_with_copies(500, width, offset=offset)
    rows[[3, 200, 499]] = 0
    rows[[7, 300]] = rows[400], 5 * rows[400]
    found = near_duplicate_groups(rows, threshold=threshold)
    np.testing.assert_array_equal(found, by_definition(threshold, rows))
    assert found[7] == found[300] == found[400]
    assert np.count_nonzero(np.isin(found, found[[3, 200, 499]])) == 3
    np.testing.assert_array_equal(near_duplicate_groups(sparse.csr_array(rows), threshold=threshold), found)


def test_few_directions_and_all_dimensions_find_the_same(monkeypatch):
    rows = rows_with_copies(600, 100)
    screened = near_duplicate_groups(rows, threshold=0.9)
    assert _near_pairs._Search(rows, "X", 0.9, _near_pairs.Partition(600)).screened is not None
    # Too few allowed of any tile: its product in single precision decides, but for those in doubt.
    monkeypatch.setattr(_near_pairs, "_MOST_EXACT", 0)
    np.testing.assert_array_equal(near_duplicate_groups(rows, threshold=0.9), screened)
    monkeypatch.setattr(_near_pairs, "_DIRECTIONS", ())
    np.testing.assert_array_equal(near_duplicate_groups(rows, threshold=0.9), screened)


def test_most_pairs_are_ruled_out_by_few_directions(monkeypatch):
    """Of 2,000 rows two million pairs; exact cosines are for the copies, and few others."""
    looked_at = []
    connect = _near_pairs._Search._connect

    def counting(self, one, other, *, exactly=False):
        looked_at.append(len(one))
        connect(self, one, other, exactly=exactly)

    monkeypatch.setattr(_near_pairs._Search, "_connect", counting)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2000, 256))
    rows[1000:1100] = rows[:100] + 0.1 * rng.normal(size=(100, 256))
    groups = near_duplicate_groups(rows.astype(np.float32), threshold=0.95)
    assert groups.max() == 1899
    assert 100 <= sum(looked_at) < 2000


def test_equal_rows_cost_one_pass(monkeypatch):
    """What is known to be one group is not looked at again."""
    monkeypatch.setattr(_near_pairs, "_TILE_ROWS", 64)
    tiles = []
    single = _near_pairs._Search.single
    monkeypatch.setattr(_near_pairs._Search, "single", lambda self, rows: tiles.append(rows) or single(self, rows))
    rows = np.tile(rows_with_copies(3, 100)[:1], (1200, 1))
    assert not near_duplicate_groups(rows, threshold=0.9).any()
    assert len(tiles) <= 40  # of 19 tiles of rows, those beside the first among them


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_floating_types_decide_alike(dtype):
    rows = rows_with_copies(400, 70).astype(dtype)
    for threshold in (0.7, 0.95, 1.0):
        found = near_duplicate_groups(rows, threshold=threshold)
        np.testing.assert_array_equal(found, near_duplicate_groups(rows.astype(np.float64), threshold=threshold))


def test_order_changes_no_group():
    rows = rows_with_copies(400, 70)
    order = np.random.default_rng(1).permutation(400)
    found = near_duplicate_groups(rows[order], threshold=0.9)
    np.testing.assert_array_equal(found, numbered(near_duplicate_groups(rows, threshold=0.9)[order]))


def test_near_on_either_side_is_near():
    x, y = rows_with_copies(300, 40), rows_with_copies(300, 10, seed=1)
    found = near_duplicate_groups(x, y, threshold=0.95)
    np.testing.assert_array_equal(found, by_definition(0.95, x, y))
    mixed = near_duplicate_groups(x, sparse.csr_array(y), threshold=0.95)
    np.testing.assert_array_equal(mixed, found)


def test_scale_and_place_change_nothing(tmp_path):
    rows = rows_with_copies(200, 40)
    found = near_duplicate_groups(rows, threshold=0.9)
    lengths = np.logspace(-150, 150, 200)[:, None]
    np.testing.assert_array_equal(near_duplicate_groups(rows * lengths, threshold=0.9), found)
    np.testing.assert_array_equal(near_duplicate_groups(sparse.csr_array(rows * lengths), threshold=0.9), found)
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    np.testing.assert_array_equal(near_duplicate_groups(mapped, threshold=0.9), found)


@pytest.mark.parametrize("threshold", [0, -0.5, 1.5, np.nan])
def test_a_threshold_is_a_cosine(threshold):
    with pytest.raises(ValueError, match=r"threshold must lie in \(0, 1\]"):
        near_duplicate_groups([[1.0, 0.0]], threshold=threshold)


def test_one_row_is_one_group():
    np.testing.assert_array_equal(near_duplicate_groups([[0.0, 0.0]], threshold=0.5), [0])
