"""Distances between modalities are those of the definition, keep their level, and are found where they are."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from crossmodal_cca.diagnosis import modality_gap
from crossmodal_cca.diagnosis._gap import centroid_distances, classifier_accuracies, energy_distances, swaps
from crossmodal_cca.diagnosis.modality_gap import NOTHING
from crossmodal_cca.metrics import retrieval_ranks
from crossmodal_cca.plotting import ModalityGapDisplay


def copies(n, seed, d=5):
    """Two noisy copies of the same rows."""
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((n, d))
    return tuple(common + rng.standard_normal((n, d)) for _ in range(2))


def swapped(x, y, s):
    return np.where(s[:, None], y, x), np.where(s[:, None], x, y)


def test_distances_are_those_of_the_definition_after_any_swap():
    x, y = copies(30, 0)
    y = 1.5 * y + 1
    s = swaps(np.arange(30), 8, np.random.RandomState(0))
    assert not s[0].any()
    for i, each in enumerate(s):
        a, b = swapped(x, y, each)
        spread = (np.sum((a - a.mean(0)) ** 2) + np.sum((b - b.mean(0)) ** 2)) / 60
        distance = np.linalg.norm(a.mean(0) - b.mean(0)) / np.sqrt(spread)
        assert centroid_distances(x, y, s)[i] == pytest.approx(distance)
        a, b = (side - side.mean(axis=0) for side in swapped(x, y, each))
        between = 2 * cdist(a, b).mean()
        energy = (between - cdist(a, a).mean() - cdist(b, b).mean()) / between
        assert energy_distances(x, y, s)[i] == pytest.approx(np.sqrt(energy))


def test_the_classifier_of_each_swap_is_that_of_the_swapped_rows():
    x, y = copies(40, 1)
    y[:, 0] += 1
    s, folds = swaps(np.arange(40) // 2, 5, np.random.RandomState(0)), np.arange(40) // 2 % 4
    together = classifier_accuracies(x, y, s, folds)
    alone = [classifier_accuracies(*swapped(x, y, each), s[:1], folds)[0] for each in s]
    np.testing.assert_allclose(together, alone)
    assert together[0] > 0.6


def test_groups_are_swapped_as_a_whole():
    groups = np.arange(30) // 3
    s = swaps(groups, 50, np.random.RandomState(0))
    assert all((s[:, groups == g] == s[:, groups == g][:, :1]).all() for g in range(10))
    # One half, within four standard errors of 500 draws.
    assert abs(s[1:].mean() - 0.5) < 4 * np.sqrt(0.25 / 500)


@pytest.mark.newest
def test_no_gap_is_reported_where_there_is_none():
    """A quick version of benchmarks/slices.py: 100 data sets at .05, plus three standard errors."""
    found = [
        modality_gap(*copies(40, seed), similarity="dot", n_permutations=59, random_state=seed)["p_value"].min() <= 0.05
        for seed in range(100)
    ]
    assert np.mean(found) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 100)


@pytest.mark.newest
@pytest.mark.parametrize("kind", ["heavy tails", "two values"])
def test_no_distribution_is_told_from_itself(kind):
    """Rows centred before they are swapped would be told apart in 44 % and 19 % of such data sets."""
    found = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        if kind == "heavy tails":
            x, y = rng.standard_cauchy((40, 4)) + rng.standard_cauchy((2, 40, 4))
        else:
            x, y = 1.0 * (rng.integers(0, 2, (40, 4)) ^ (rng.random((2, 40, 4)) < 0.1))
        found.append(modality_gap(x, y, similarity="euclidean", n_permutations=59, random_state=seed)["p_uncorrected"])
    level = np.mean([p["distribution distance"] <= 0.05 for p in found])
    assert level <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 100)


def test_distributions_of_sides_that_are_far_apart_are_told_from_each_other():
    x, y = np.random.default_rng(0).standard_normal((2, 150, 8))
    far = 50 * np.eye(8)[0]
    for spread, is_found in ((1.3, True), (1.0, False)):
        p = modality_gap(x, far + spread * y, similarity="dot", random_state=0)["p_value"]
        assert (p["distribution distance"] <= 0.05) == is_found


def test_each_kind_of_gap_is_told_from_the_others():
    x, y = copies(300, 0)
    same = modality_gap(x, y, similarity="dot", random_state=0)
    assert list(same["concerns"]) == [NOTHING] * 3
    apart = modality_gap(x, y + 1.5 * np.eye(5)[0], similarity="dot", random_state=0)
    assert (apart["p_value"] <= 0.05).tolist() == [True, False, True]
    assert apart.loc["linear classifier", "value"] > 0.65
    wide = modality_gap(x, 2 * y, similarity="dot", random_state=0)
    assert (wide["p_value"] <= 0.05).tolist() == [False, True, False]
    assert list(wide["concerns"] != NOTHING) == [False, True, False]
    # Real, but of no account.
    near = modality_gap(x, y + 0.5 * np.eye(5)[0], similarity="dot", min_effect=1.0, random_state=0)
    assert near.loc["centroid distance", "p_value"] <= 0.05
    assert list(near["concerns"]) == [NOTHING] * 3
    # Centred, a shifted modality is the unshifted one.
    assert apart.loc["distribution distance", "value"] == pytest.approx(same.loc["distribution distance", "value"])


def test_centroids_apart_leave_retrieval_alone():
    """As the table says: a vector added to a gallery adds one number to all inner products of a query."""
    x, y = copies(60, 2)
    for offset in (0.5, 50.0):
        np.testing.assert_array_equal(
            retrieval_ranks(x, y, similarity="dot"), retrieval_ranks(x, y + offset, similarity="dot")
        )


def test_the_cosine_looks_at_directions():
    x, y = copies(60, 3)
    lengths = np.random.default_rng(0).uniform(1, 9, (60, 1))
    one, other = (modality_gap(x, each, random_state=0)["value"] for each in (y, y * lengths))
    np.testing.assert_allclose(one, other)


def test_large_data_are_sampled_by_groups():
    x, y = copies(300, 4)
    # Few large groups are thinned, so that there are enough of them.
    few = modality_gap(x, y, groups=np.arange(300) // 30, max_pairs=50, n_permutations=59, random_state=0)
    assert (few["n_pairs"] == 50).all()
    table = modality_gap(x, y, groups=np.arange(300) // 3, max_pairs=100, random_state=0)
    assert (table["n_pairs"] == 99).all()
    assert (modality_gap(x, y, max_pairs=None, n_permutations=59, random_state=0)["n_pairs"] == 300).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_scores": np.ones((29, 3))}, "x_scores has 30 rows and y_scores has 29"),
        ({"y_scores": np.ones((30, 2))}, "x_scores and y_scores must share one space"),
        ({"y_scores": np.full((30, 3), np.nan)}, "y_scores contains NaN"),
        ({"groups": np.arange(30) // 4}, "hold 8 groups of pairs"),
        ({"groups": []}, "groups must have one entry per row of x_scores"),
        ({"x_scores": np.ones((30, 3)), "y_scores": np.ones((30, 3))}, "must differ between rows"),
        ({"n_permutations": 58}, "n_permutations must be a whole number of at least 59"),
        ({"max_pairs": 5}, "max_pairs must be a whole number of at least 10, or None for all pairs"),
        ({"min_effect": -1.0}, "min_effect must lie in"),
        ({"cv": 1}, "cv must be a whole number of at least 2"),
        ({"similarity": "manhattan"}, "similarity must be one of"),
    ],
)
def test_what_cannot_be_measured_is_refused(change, message):
    x, y = np.random.default_rng(0).standard_normal((2, 30, 3))
    with pytest.raises(ValueError, match=message):
        modality_gap(**{"x_scores": x, "y_scores": y} | change)
    with pytest.raises(ValueError, match="hold 5 pairs"):
        modality_gap(x[:5], y[:5])


def test_the_picture_fills_what_concerns_a_task():
    x, y = copies(100, 5)
    gap = modality_gap(x, y + 1.5 * np.eye(5)[0], similarity="dot", random_state=0)
    display = ModalityGapDisplay.from_table(gap)
    there, absent = display.ax_.lines
    assert there.get_xdata().tolist() == gap["value"][["centroid distance", "linear classifier"]].tolist()
    assert absent.get_xdata().tolist() == gap["value"][["distribution distance"]].tolist()
    np.testing.assert_allclose([bar.get_width() for bar in display.ax_.patches], gap["chance_high"])
    with pytest.raises(ValueError, match="gap must be a table from modality_gap"):
        ModalityGapDisplay.from_table(gap.drop(columns="concerns"))
