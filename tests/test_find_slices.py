"""Slices are found on one half and tested on the other: by definition, at their level, with power and names."""

import numpy as np
import pytest
from scipy import stats

from crossmodal_cca.diagnosis import find_slices
from crossmodal_cca.diagnosis._slices import chosen, compared, half_of, nearest_names, with_common_sizes
from crossmodal_cca.inference._exchange import Exchange

COLUMNS = [
    "n_rows",
    "n_tested",
    "outcome",
    "outside",
    "difference",
    "effect",
    "p_uncorrected",
    "p_value",
    "names",
    "rows",
]


def planted(n, seed, extra=0.3, d=10, away=3.0):
    """Rows of which the first tenth lies elsewhere and has more error."""
    rng = np.random.default_rng(seed)
    rows, first = rng.standard_normal((n, d)), np.arange(n) < n // 10
    rows[first, 0] += away
    return rows, (rng.random(n) < 0.2 + extra * first).astype(float), first


def test_the_table_is_that_of_the_definition():
    rows, outcome, _ = planted(600, 0)
    table = find_slices(rows, outcome, random_state=0)
    assert list(table.columns) == COLUMNS
    assert 1 <= len(table) <= 5
    assert table["p_uncorrected"].is_monotonic_increasing
    # Holm's method by hand.
    m = len(table)
    by_hand = np.minimum(np.maximum.accumulate(table["p_uncorrected"].to_numpy() * np.arange(m, 0, -1)), 1)
    np.testing.assert_allclose(table["p_value"], by_hand)
    np.testing.assert_allclose(table["difference"], table["outcome"] - table["outside"])
    assert (table["n_rows"] == table["rows"].map(len)).all()
    assert (table["n_tested"] < table["n_rows"]).all()
    # Names of rows are positions, and of the slice.
    assert all(set(names) <= set(own) for names, own in zip(table["names"], table["rows"], strict=True))
    assert table.equals(find_slices(rows, outcome, random_state=0))


def test_the_test_is_that_of_all_exchanges():
    """Of an outcome of zeros and ones Fisher's exact test, up to the error of 4,999 draws."""
    rng = np.random.default_rng(1)
    inside, outcome = np.arange(40) < 10, rng.random(40) < np.where(np.arange(40) < 10, 0.6, 0.3)
    found = compared(inside[:, None], outcome * 1.0, Exchange.of_rows(40), 4999, np.random.RandomState(0))
    # |S| is the distance of the number of hits from its mean: add both tails.
    hits, mean = int(outcome[inside].sum()), 10 * outcome.mean()
    possible = np.arange(11)
    chances = stats.hypergeom.pmf(possible, 40, outcome.sum(), 10)
    exact = chances[np.abs(possible - mean) >= abs(hits - mean) - 1e-9].sum()
    assert abs(found.p[0] - exact) <= 4 * np.sqrt(exact * (1 - exact) / 5000)
    assert (found.inside[0], found.outside[0]) == (outcome[inside].mean(), outcome[~inside].mean())


def test_the_halves_are_of_whole_groups():
    groups = np.random.default_rng(0).integers(0, 50, 300)
    groups = np.unique(groups, return_inverse=True)[1]
    half = half_of(groups, np.random.RandomState(0))
    assert not set(groups[half]) & set(groups[~half])
    assert len(set(groups[half])) == 25


def test_groups_are_cut_to_sizes_that_others_have():
    sizes = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 21, 22, 23, 24, 25, 26, 27, 28, 60])
    groups = np.repeat(np.arange(20), sizes)
    kept = with_common_sizes(groups, np.random.RandomState(0))
    assert np.bincount(groups[kept]).tolist() == [1] * 10 + [20] * 10
    equal = np.repeat(np.arange(30), 3)
    assert len(with_common_sizes(equal, np.random.RandomState(0))) == 90


def test_groups_of_very_different_sizes_leave_whole_slices():
    """Films of 1 to 60 rows, each in a place of its own: what is tested has rows in the test."""
    sizes = np.r_[np.ones(40, dtype=int), np.arange(20, 60)]
    groups = np.repeat(np.arange(80), sizes)
    rng = np.random.default_rng(0)
    rows = 9 * rng.standard_normal((80, 3))[groups] + rng.standard_normal((len(groups), 3))
    table = find_slices(rows, rng.random(len(groups)), groups=groups, random_state=0)
    assert (table["n_tested"] >= 5).all()
    assert np.isfinite(table[["outcome", "outside", "effect"]]).all(axis=None)


def test_candidates_that_are_nearly_one_count_once():
    found, outcome = np.arange(200) < 100, np.tile([0.0, 1.0], 100)
    outcome[:20] = 1
    rows = np.arange(200) % 100
    nested = np.stack([rows < 20, rows < 18, (rows >= 50) & (rows < 70), rows < 3, rows < 98], axis=1)
    others = np.flatnonzero(~found)
    kept = chosen(nested, found, others, outcome, 5)
    # Slices, or the rest, of fewer than five rows in a half are left out too.
    assert kept.shape[1] == 2
    assert kept[:, 0].tolist() == nested[:, 0].tolist()
    assert chosen(nested, found, others, outcome, 1).shape[1] == 1
    assert chosen(nested[:, 3:], found, others, outcome, 5).shape[1] == 0
    # Rows that were cut from the test do not count.
    assert chosen(nested, found, others[16:], outcome, 5)[:, 0].tolist() == nested[:, 2].tolist()


def test_names_are_the_nearest_about_the_mean_and_different():
    texts = np.array([[9.0, 1.0], [9.0, 1.0], [11.0, 1.0], [10.0, 3.0]])
    names = np.array(["left", "left", "right", "up"])
    direction = np.array([[-1.0, 0.1], [0.1, 1.0]])
    assert nearest_names(direction, texts, names, None, 2) == [("left", "up"), ("up", "right")]


@pytest.mark.newest
def test_nothing_is_reported_where_there_is_nothing():
    """A quick version of benchmarks/slices.py: 120 data sets at .05, plus three standard errors."""
    groups, blamed = np.arange(200) // 2, []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        rows, outcome = rng.standard_normal((200, 5)), rng.random(200) < 0.2
        # In every other one, groups of two share rows and outcomes.
        grouped = groups if seed % 2 else None
        if grouped is not None:
            rows, outcome = rows[2 * groups] + rows, outcome[2 * groups]
        table = find_slices(rows, outcome, groups=grouped, max_slices=3, n_permutations=59, random_state=seed)
        blamed.append((table["p_value"] <= 0.05).any())
    assert np.mean(blamed) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 120)


@pytest.mark.newest
def test_a_planted_slice_is_found_and_named():
    found = []
    for seed in range(10):
        rows, outcome, first = planted(2000, seed)
        texts = np.eye(10) * 3
        table = find_slices(
            rows, outcome, names=list("abcdefghij"), descriptions=texts, n_names=1, n_permutations=99, random_state=seed
        )
        best = table.iloc[0]
        found.append(best["p_value"] <= 0.05 and first[best["rows"]].mean() > 0.5 and best["names"] == ("a",))
    assert np.mean(found) >= 0.8


def test_a_slice_that_fares_better_is_found_too():
    rows, outcome, first = planted(1000, 0, extra=0.6, away=6.0)
    worse, better = (find_slices(rows, each, random_state=0).iloc[0] for each in (outcome, 1 - outcome))
    assert worse["difference"] == pytest.approx(-better["difference"])
    assert worse["p_value"] == better["p_value"] <= 0.05
    assert first[better["rows"]].mean() > 0.9


def test_rows_without_an_outcome_are_left_out():
    rows, outcome, _ = planted(400, 0)
    missing = np.arange(400) % 4 == 0
    table = find_slices(rows, np.where(missing, np.nan, outcome), names=np.arange(400) + 1000, random_state=0)
    alone = find_slices(rows[~missing], outcome[~missing], names=np.arange(400)[~missing] + 1000, random_state=0)
    assert table.drop(columns="rows").equals(alone.drop(columns="rows"))
    assert not missing[np.concatenate(table["rows"])].any()


def test_errors_in_one_half_alone_are_no_finding():
    rows = np.random.default_rng(0).standard_normal((200, 3))
    for seed in range(4):
        table = find_slices(rows, np.arange(200) == 7, random_state=seed)
        # The only error lies in the half of the finding, or is one row of the test.
        assert (table["p_value"] > 0.05).all()
        assert np.isfinite(table["effect"]).all()


def test_few_places_are_few_slices():
    rows, outcome = np.repeat([[0.0], [1.0]], 30, axis=0), np.repeat([0.0, 1.0], 30)
    table = find_slices(rows, outcome, random_state=0)
    assert sorted(map(tuple, table["rows"])) == [tuple(range(30)), tuple(range(30, 60))]
    # One place that is too small to be a slice leaves an empty table.
    rows[2:] = 1
    assert list(find_slices(rows, outcome, random_state=0).columns) == COLUMNS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outcome": np.zeros(60)}, "outcome must differ between rows; it is 0 for all 60"),
        ({"outcome": np.zeros(59)}, "embeddings has 60 rows and outcome has 59"),
        ({"outcome": np.full(60, np.inf)}, "outcome contains infinity"),
        (
            {"outcome": np.r_[np.full(30, np.nan), np.arange(30)]},
            "at least 40 rows of embeddings with an outcome; got 30",
        ),
        ({"groups": np.arange(60) // 2}, "at least 40 groups with an outcome; got 30"),
        ({"groups": []}, "groups must have one entry per row of embeddings"),
        ({"embeddings": np.ones((60, 3))}, "embeddings must differ"),
        ({"embeddings": np.full((60, 3), np.nan)}, "embeddings contains NaN"),
        ({"descriptions": np.ones((4, 2))}, "descriptions has 2 features and embeddings has 3"),
        ({"descriptions": np.ones((4, 3)), "names": ["a"] * 3}, "names must have one entry per row of descriptions"),
        ({"names": ["a"] * 3}, "names must have one entry per row of embeddings"),
        ({"n_permutations": 98}, "n_permutations must be a whole number of at least 99"),
        ({"n_clusters": (1,)}, r"n_clusters\[0\] must be a whole number of at least 2"),
        ({"n_clusters": ()}, "n_clusters must hold at least one number"),
    ],
)
def test_what_cannot_be_tested_is_refused(change, message):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=message):
        find_slices(**{"embeddings": rng.standard_normal((60, 3)), "outcome": np.arange(60)} | change)
