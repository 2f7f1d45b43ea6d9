"""Intervals hold: near 0 and 1, where all queries agree, and with few or unequal clusters."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.linear_model import LinearRegression

from crossmodal_cca.metrics import _intervals as intervals
from crossmodal_cca.metrics import compare_retrieval, retrieval_report
from crossmodal_cca.metrics._intervals import Clusters, interval_of_difference, interval_of_mean, percentile_interval
from crossmodal_cca.metrics._resampling import Resampling
from crossmodal_cca.metrics.comparison import compared
from crossmodal_cca.metrics.measures import ChosenMeasure
from crossmodal_cca.plotting import HitRateDisplay
from crossmodal_cca.transfer import prediction_report

MEDIAN = ChosenMeasure.named("median_rank")
SIZES = {
    "5 of 10": [10] * 5,
    "5 unequal": [2, 5, 10, 15, 18],
    "10 of 10": [10] * 10,
    "10, one with half": [45] + [5] * 9,
    "20 of 5": [5] * 20,
    "20 unequal": list(range(1, 21)),
}


def hits(n, right):
    return (np.arange(n) < right).astype(float)


def in_clusters(sizes):
    return np.repeat(np.arange(len(sizes)), sizes)


def sharing(rng, clusters, share, draw):
    """Values of which a share is that of their cluster, so that two of a cluster correlate by its square."""
    return np.where(rng.random(len(clusters)) < share, draw(clusters.max() + 1)[clusters], draw(len(clusters)))


def wilson(right, n, n_clusters, level=0.95):
    """Another package's, at the level whose normal quantile is Student's."""
    q = stats.t.ppf((1 + level) / 2, n_clusters - 1)
    return stats.binomtest(right, n).proportion_ci(1 - 2 * stats.norm.sf(q), method="wilson")


# Means of values in [0, 1] ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [5, 50, 200])
def test_single_hits_and_misses_have_wilsons_interval(n):
    for right in {0, 1, n // 2, n - 1, n}:
        assert_allclose(interval_of_mean(hits(n, right), np.arange(n), 0.95), wilson(right, n, n), atol=1e-12)


def test_clusters_of_copies_count_as_single_queries():
    for right in (0, 1, 5, 12):
        copies = hits(12, right).repeat(7)
        assert_allclose(interval_of_mean(copies, np.arange(12).repeat(7), 0.9), wilson(right, 12, 12, 0.9), atol=1e-12)


@pytest.mark.parametrize("sizes", [[1] * 30, [1], [40], [3, 1, 9], [2] * 10], ids=str)
def test_intervals_lie_between_0_and_1_hold_the_mean_and_are_no_points(sizes):
    rng, clusters = np.random.default_rng(0), in_clusters(sizes)
    n = len(clusters)
    constants = [np.full(n, value) for value in (0.0, 1 / 3, 1.0)]
    for values in (*constants, rng.random(n), hits(n, n - 1), hits(n, 1), 1 - 0.01 * hits(n, 1)):
        low, high = interval_of_mean(values, clusters, 0.95)
        assert 0 <= low <= values.mean() <= high <= 1
        assert high - low > 0.01
        # What is good read as bad.
        assert_allclose(interval_of_mean(1 - values, clusters, 0.95), (1 - high, 1 - low), atol=1e-12)


def test_queries_do_not_know_their_order_nor_clusters_their_number():
    rng, clusters = np.random.default_rng(0), in_clusters([3, 1, 9, 4])
    values, order, names = rng.random(17), rng.permutation(17), rng.permutation(4)
    for interval in (interval_of_mean, interval_of_difference):
        expected = interval(values, clusters, 0.95)
        assert_allclose(interval(values[order], names[clusters][order], 0.95), expected, rtol=1e-12)


@pytest.mark.parametrize("right", [1, 2, 3])
def test_clusters_that_disagree_within_tell_no_more_than_single_queries(right):
    """Each of 15 clusters has the same share of hits, as if there were no chance; the interval is no narrower."""
    clusters = np.repeat(np.arange(15), 4)
    values = np.tile(hits(4, right), 15)
    low, high = interval_of_mean(values, clusters, 0.95)
    single = interval_of_mean(values, np.arange(60), 0.95)
    assert low <= single[0]
    assert high >= single[1]


@pytest.mark.newest
@pytest.mark.parametrize("rate", [0.5, 0.9, 0.95, 0.99, 0.995, 0.005])
@pytest.mark.parametrize(("n", "size"), [(100, 1), (200, 1), (20, 10), (100, 3)])
def test_a_hit_rate_is_covered_by_enumeration(rate, n, size):
    """Nominal 95 % holds in at least 88 %, whether queries are single or clusters agree entirely."""
    covered = 0.0
    for right in range(n + 1):
        chance = stats.binom.pmf(right, n, rate)
        if chance > 1e-9:
            low, high = interval_of_mean(hits(n, right).repeat(size), np.arange(n).repeat(size), 0.95)
            covered += chance * (low <= rate <= high)
    assert covered >= 0.88


@pytest.mark.newest
@pytest.mark.parametrize("sizes", [[10] * 20, [3] * 20, list(range(1, 11)) * 2], ids=["20 of 10", "20 of 3", "unequal"])
@pytest.mark.parametrize("rate", [0.7, 0.95, 0.99])
def test_a_hit_rate_is_covered_where_clusters_agree_in_part(sizes, rate):
    """Simulated in benchmarks/interval_coverage.py: .92 and more; binomial error of 300 samples: .016."""
    rng, clusters = np.random.default_rng(0), in_clusters(sizes)
    for share in (0.0, 0.5, 0.85, 0.95):
        samples = (sharing(rng, clusters, share, lambda n: rng.random(n) < rate).astype(float) for _ in range(300))
        ends = np.array([interval_of_mean(sample, clusters, 0.95) for sample in samples])
        assert np.mean((ends[:, 0] <= rate) & (rate <= ends[:, 1])) >= 0.88, share


GRADED = {
    "reciprocal ranks": lambda rng, n: 1 / np.ceil(np.exp(1.2 * rng.normal(size=n) + 0.7)),
    "nearly all first": lambda rng, n: 1 / rng.geometric(0.97, size=n),
    "few failures": lambda rng, n: np.where(rng.random(n) < 0.02, 0.0, 1 - 0.1 * rng.random(n)),
}


@pytest.mark.newest
@pytest.mark.parametrize("kind", GRADED)
@pytest.mark.parametrize("n", [20, 100])
def test_graded_measures_are_covered(kind, n):
    """Percentiles of the bootstrap cover nearly perfect reciprocal ranks of 20 queries in .46."""
    rng = np.random.default_rng(0)
    truth = GRADED[kind](rng, 10**6).mean()
    ends = np.array([interval_of_mean(GRADED[kind](rng, n), np.arange(n), 0.95) for _ in range(300)])
    assert np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1])) >= 0.92


def test_graded_measures_are_no_wider_than_they_must_be():
    """Far from 0 and 1, the interval is Student's, not that of hits and misses."""
    values = 0.3 + 0.1 * np.random.default_rng(0).random(400)
    low, high = interval_of_mean(values, np.arange(400), 0.95)
    student = stats.ttest_1samp(values, 0).confidence_interval()
    as_hits = wilson(round(values.sum()), 400, 400)
    assert high - low < 4 * (student.high - student.low) < (as_hits.high - as_hits.low)


# Medians ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [[1] * 30, [10] * 5, [2, 5, 10, 15, 18]], ids=["30", "5", "unequal"])
def test_the_share_between_percentiles_is_enlarged_as_hesterberg_says(sizes):
    """Φ(−q √(G / (G − 1))) of the resamples lie below, and as many above; of evenly spaced ones that is their place."""
    clusters = in_clusters(sizes)
    number = len(clusters) ** 2 / np.sum(np.square(sizes))
    below = stats.norm.cdf(-stats.t.ppf(0.95, number - 1) * np.sqrt(number / (number - 1)))
    resampled = np.outer([1, -2], np.linspace(0, 1, 101))
    low, high = percentile_interval(resampled, clusters, 0.9)
    assert_allclose(low, [below, -2 * (1 - below)], rtol=1e-12)
    assert_allclose(high, [1 - below, -2 * below], rtol=1e-12)


# Differences ------------------------------------------------------------------------------------------------------


def test_differences_of_equal_clusters_have_students_interval(monkeypatch):
    monkeypatch.setattr(intervals, "_UNSEEN", 0.0)
    differences = np.random.default_rng(0).uniform(-0.3, 0.5, (8, 4))
    expected = stats.ttest_1samp(differences.mean(axis=1), 0).confidence_interval(0.9)
    assert_allclose(interval_of_difference(differences.ravel(), np.arange(32) // 4, 0.9), expected, rtol=1e-12)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_hits_that_two_models_do_not_share_have_students_interval_with_two_more(level):
    """Of one query that only either answers the difference is 1, and the variance of two of n is 2 / n²."""
    n = 40
    for better, worse in ((0, 0), (3, 0), (6, 2), (1, 9), (20, 20)):
        differences = hits(n, better) - hits(n, worse)[::-1]
        half = stats.t.ppf((1 + level) / 2, n - 1) * np.sqrt(differences.var(ddof=1) / n + 2 / n**2)
        mean = (better - worse) / n
        assert_allclose(
            interval_of_difference(differences, np.arange(n), level), (mean - half, mean + half), atol=1e-12
        )


def symmetric(kind, rng, n):
    """Differences of two models that are equally good."""
    if kind == "hits":
        u = rng.random(n)
        return (u < 0.1).astype(float) - (u > 0.9)
    one, other = GRADED["reciprocal ranks"](rng, n), GRADED["reciprocal ranks"](rng, n)
    return one - other


@pytest.mark.newest
@pytest.mark.parametrize("kind", ["hits", "reciprocal ranks"])
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_equal_models_are_told_apart_in_five_of_a_hundred_samples(kind, sizes):
    """At most .05 + 3 standard errors of 500 samples, with 5 clusters and with 20; benchmarks/interval_coverage.py."""
    rng, clusters = np.random.default_rng(0), in_clusters(sizes)
    for share in (0.2, 0.7):
        samples = (sharing(rng, clusters, share, lambda n: symmetric(kind, rng, n)) for _ in range(500))
        ends = np.array([interval_of_difference(sample, clusters, 0.95) for sample in samples])
        assert np.mean((ends[:, 0] > 0) | (ends[:, 1] < 0)) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 500), share


@pytest.mark.newest
@pytest.mark.parametrize("sizes", [SIZES["5 unequal"], SIZES["20 of 5"]], ids=["5", "20"])
def test_equal_medians_are_told_apart_as_rarely(sizes):
    rng, clusters = np.random.default_rng(0), in_clusters(sizes)
    apart = 0
    for seed in range(150):
        ranks = [np.ceil(np.exp(sharing(rng, clusters, 0.7, lambda n: rng.normal(2, 1, n)))) for _ in range(2)]
        pair = (each[None] for each in ranks)
        found = compared(*pair, Resampling([MEDIAN], clusters, 200, 0.95, np.random.RandomState(seed)))
        apart += int(found["low"][0] > 0 or found["high"][0] < 0)
    assert apart / 150 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)


@pytest.mark.parametrize("n", [100, 200])
@pytest.mark.parametrize("rate", [0.01, 0.05])
def test_a_small_difference_is_covered_by_enumeration(n, rate):
    """Only the better model is ever right alone: of 100 queries at .01 none is in .37, and a point at 0 is wrong."""
    covered = sum(
        stats.binom.pmf(k, n, rate) * (low <= rate <= high)
        for k in range(n + 1)
        for low, high in [interval_of_difference(hits(n, k), np.arange(n), 0.95)]
    )
    assert covered >= 0.88


@pytest.mark.parametrize("sizes", [[1] * 30, [1], [40], [3, 1, 9]], ids=str)
def test_differences_lie_between_minus_1_and_1_and_hold_their_mean(sizes):
    rng, clusters = np.random.default_rng(0), in_clusters(sizes)
    n = len(clusters)
    for differences in (np.zeros(n), np.ones(n), rng.uniform(-1, 1, n), hits(n, 1)):
        low, high = interval_of_difference(differences, clusters, 0.95)
        assert -1 <= low <= differences.mean() <= high <= 1
        assert high > low
        assert_allclose(interval_of_difference(-differences, clusters, 0.95), (-high, -low), atol=1e-12)


# Where they are shown ---------------------------------------------------------------------------------------------


def test_a_perfect_report_is_not_sure_of_itself():
    rows = np.eye(40)
    names = ["hit_rate_at_1", "recall_at_3", "mean_reciprocal_rank", "mean_average_precision", "ndcg_at_k"]
    report = retrieval_report(rows, rows, measures=names, y_groups=np.arange(40) // 4, random_state=0)
    for direction, n in (("x to y", 40), ("y to x", 10)):
        assert (report.loc[direction, "value"] == 1).all()
        assert_allclose(report.loc[direction, ["low", "high"]], [wilson(n, n, n)] * 5)
    low = HitRateDisplay.from_predictions(rows, rows, max_k=3).low
    assert_allclose(low["x to y"], wilson(40, 40, 40).low)
    table = compare_retrieval((rows, rows), (rows, 2 * rows), measures=names, random_state=0)
    assert (table["difference"] == 0).all()
    assert (table["high"] == -table["low"]).all()
    assert (table["high"] > 0.01).all()


def test_predictions_that_find_every_row_are_not_sure_of_it():
    x = np.random.default_rng(0).normal(size=(60, 4))
    y = x @ np.diag([1.0, 2.0, 3.0, 4.0])
    model = LinearRegression().fit(x[:30], y[:30])
    options = {"X_train": x[:30], "y_train": y[:30], "k": 1, "random_state": 0}
    report = prediction_report(model, x[30:], y[30:], groups=np.arange(30) // 3, **options)
    assert_allclose(report.loc[("prediction", "hit_rate_at_1"), ["low", "high"]], wilson(10, 10, 10))
    report = prediction_report(model, x[30:], y[30:], n_resamples=0, **options)
    assert report[["low", "high"]].isna().all(axis=None)


def test_a_single_cluster_says_nothing():
    assert Clusters(np.zeros(5, dtype=int)).variance_of_mean(np.arange(5.0) - 2) == 0
    rows = np.random.default_rng(0).normal(size=(2, 20, 3))
    options = {"x_groups": ["one"] * 20, "measures": ["hit_rate_at_5", "median_rank"], "random_state": 0}
    report = retrieval_report(*rows, **options).loc["x to y", ["low", "high"]]
    assert report.loc["hit_rate_at_5"].tolist() == [0, 1]
    assert report.loc["median_rank"].isna().all()
    table = compare_retrieval(tuple(rows), tuple(rows[::-1]), **options).loc["x to y", ["low", "high"]]
    assert table.loc["hit_rate_at_5"].tolist() == [-1, 1]
    assert table.loc["median_rank"].isna().all()
