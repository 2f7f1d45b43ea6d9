"""Intervals that cover, comparisons that hold their level, controls that find nothing where there is nothing."""

import numpy as np
import pandas as pd
import pytest
from linear_models import pairs
from numpy.testing import assert_allclose, assert_array_equal
from real_data import load
from scipy import sparse

from crossmodal_cca import CCA, PLSSVD
from crossmodal_cca.metrics import _resampling as resampling
from crossmodal_cca.metrics import (
    compare_retrieval,
    deduplicate,
    hit_rate_at_k,
    mean_average_precision,
    per_query,
    query_report,
    retrieval_ranks,
    retrieval_report,
    shuffled_pair_control,
)
from crossmodal_cca.metrics._intervals import intervals_of_aggregates
from crossmodal_cca.metrics.measures import ChosenMeasure

MRR, MEDIAN = ChosenMeasure.named("mean_reciprocal_rank"), ChosenMeasure.named("median_rank")
X, Y = pairs(200)


@pytest.fixture
def models():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 8))
    good, bad = (x, x + 0.8 * rng.normal(size=x.shape)), (x, x + 2 * rng.normal(size=x.shape))
    return good, bad


# Bootstrap over clusters ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", [MRR, MEDIAN], ids=["mean", "median"])
@pytest.mark.parametrize("n_clusters", [None, 7])
def test_bootstrap_is_aggregating_what_was_drawn(measure, n_clusters):
    rng = np.random.default_rng(1)
    values = rng.integers(5, size=30).astype(float)
    clusters = np.arange(30) if n_clusters is None else np.concatenate((np.arange(7), rng.integers(7, size=23)))
    resampled = resampling.bootstrap(values[None], [measure], clusters, 40, np.random.RandomState(0))[0]
    drawn = np.random.RandomState(0).randint(clusters.max() + 1, size=(40, clusters.max() + 1))
    members = [values[clusters == c] for c in range(clusters.max() + 1)]
    expected = [measure.aggregate(np.concatenate([members[c] for c in row])) for row in drawn]
    assert_allclose(resampled, expected, rtol=1e-12)


@pytest.fixture(scope="module", params=[1, 5], ids=["single", "captions"])
def population(request):
    """Values of all queries of a population, (n_measures, n_clusters, queries of a cluster), in one fixed gallery."""
    size, rng = request.param, np.random.default_rng(2)
    gallery = rng.normal(size=(400, 8))
    wanted = rng.integers(400, size=8000 // size)
    queries = np.repeat(gallery[wanted] + 1.1 * rng.normal(size=(len(wanted), 8)), size, axis=0)
    queries += 0.4 * rng.normal(size=queries.shape)
    ids = {"query_ids": np.repeat(wanted, size), "gallery_ids": np.arange(400)}
    names = ("hit_rate_at_1", "mean_reciprocal_rank", "median_rank")
    values = np.stack([per_query(name, queries, gallery, **ids) for name in names])
    return [ChosenMeasure.named(name) for name in names], values.reshape(3, -1, size)


@pytest.mark.newest
def test_intervals_cover(population):
    """Samples of 80 clusters from a population whose values are known: nominal 95 % hold in 92 to 98 %."""
    measures, values = population
    rng = np.random.default_rng(3)
    truth = np.array([m.aggregate(v.ravel()) for m, v in zip(measures, values, strict=True)])
    clusters = np.repeat(np.arange(80), values.shape[2])
    covered = np.zeros(3)
    for seed in range(400):
        sample = values[:, rng.choice(values.shape[1], 80, replace=False)].reshape(3, -1)
        low, high = intervals_of_aggregates(
            sample, resampling.Resampling(measures, clusters, 300, 0.95, np.random.RandomState(seed))
        )
        covered += (low <= truth) & (truth <= high)
    assert np.all((covered / 400 >= 0.92) & (covered / 400 <= 0.98)), covered / 400


def test_ignoring_clusters_makes_intervals_too_narrow():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(80, 5))
    texts = np.repeat(x + rng.normal(size=x.shape), 5, axis=0) + 0.01 * rng.normal(size=(400, 5))
    owners = np.repeat(np.arange(80), 5)
    data = {"x_scores": x, "y_scores": texts, "x_ids": np.arange(80), "y_ids": owners, "random_state": 0}
    alone, together = retrieval_report(**data), retrieval_report(**data, y_groups=owners)
    widths = [(table["high"] - table["low"]).loc["y to x", "mean_reciprocal_rank"] for table in (alone, together)]
    # Five copies of the same information: √5 times too narrow.
    assert widths[1] / widths[0] == pytest.approx(5**0.5, rel=0.15)
    assert together.loc["y to x", "n_clusters"].unique() == [80]
    assert alone.loc["y to x", "n_clusters"].unique() == [400]
    assert_array_equal(alone.loc["x to y"], together.loc["x to y"])


# Two models -------------------------------------------------------------------------------------------------------


def test_a_comparison_holds_the_values_of_both_models(models):
    good, bad = models
    table = compare_retrieval(good, bad, random_state=0)
    for name, scores in (("value", good), ("baseline", bad)):
        report = retrieval_report(*scores, n_resamples=0)
        assert_allclose(table[name], report["value"], rtol=1e-12)
        assert list(table.index) == list(report.index)
    assert_allclose(table["difference"], table["value"] - table["baseline"])
    assert (table["low"] <= table["difference"]).all()
    assert (table["difference"] <= table["high"]).all()
    assert table["p_value"].loc[:, "mean_reciprocal_rank"].max() == pytest.approx(1 / 1001)
    ranks = [retrieval_ranks(*scores) for scores in (good, bad)]
    median = table.loc[("x to y", "median_rank")]
    assert median["n_better"] == np.sum(ranks[0] < ranks[1])
    assert median["n_worse"] == np.sum(ranks[0] > ranks[1])


def test_paired_intervals_are_narrower_than_two_single_ones(models):
    rng = np.random.default_rng(4)
    x, y = models[0]
    other = (x, y + 0.1 * rng.normal(size=y.shape))
    single = retrieval_report(x, y, random_state=0).loc[("x to y", "mean_reciprocal_rank")]
    paired = compare_retrieval((x, y), other, random_state=0).loc[("x to y", "mean_reciprocal_rank")]
    assert paired["high"] - paired["low"] < 0.7 * (single["high"] - single["low"])


def test_a_model_does_not_differ_from_itself(models):
    table = compare_retrieval(models[0], models[0], random_state=0)
    assert (table[["difference", "n_better", "n_worse"]] == 0).all(axis=None)
    assert (table["low"] == -table["high"]).all()
    assert (table["p_value"] == 1).all()


def test_swapping_the_models_turns_the_sign(models):
    one, other = (compare_retrieval(*order, random_state=0) for order in (models, models[::-1]))
    assert_allclose(one["difference"], -other["difference"])
    assert_allclose(one["low"], -other["high"])
    assert_array_equal(one["p_value"], other["p_value"])
    assert_array_equal(one["n_better"], other["n_worse"])


def test_a_comparison_with_ids_relevance_and_groups(models):
    (x, y), bad = models
    labels = np.arange(120) // 4
    by_ids = compare_retrieval(
        (x, y), bad, x_ids=labels, y_ids=labels, x_groups=labels, y_groups=labels, random_state=0
    )
    table = sparse.csr_array(labels[:, None] == labels)
    by_table = compare_retrieval((x, y), bad, relevance=table, x_groups=labels, y_groups=labels, random_state=0)
    assert_allclose(by_ids, by_table)
    assert by_ids["n_clusters"].unique() == [30]


@pytest.mark.newest
@pytest.mark.parametrize("measure", [MRR, MEDIAN], ids=["mean", "median"])
def test_p_values_hold_their_level(measure):
    """Two models equally good, values of a cluster correlated: at most .05 + 3 standard errors are below .05."""
    rng = np.random.default_rng(5)
    clusters = np.repeat(np.arange(30), 4)
    below = 0
    for seed in range(300):
        shared = rng.normal(size=(2, 30, 1)) + 0.3 * rng.normal(size=(2, 30, 4))
        values, baseline = np.exp(shared.reshape(2, 1, 120) + rng.normal(size=(1, 1, 120)))
        p = resampling.swap_p_values(values, baseline, [measure], clusters, 99, np.random.RandomState(seed))
        below += p[0] <= 0.05
    assert below / 300 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


def test_p_value_counts_every_swap_on_a_small_case():
    values, baseline = np.array([[1.0, 0.5, 0.25]]), np.array([[0.5, 0.25, 0.2]])
    p = resampling.swap_p_values(values, baseline, [MRR], np.arange(3), 20_000, np.random.RandomState(0))
    # Of the eight assignments only the observed one and its mirror differ by as much.
    assert p[0] == pytest.approx(2 / 8, abs=0.015)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda a, b: compare_retrieval(a[0], b), TypeError, "scores must be a pair"),
        (lambda a, b: compare_retrieval(a, (b[0], b[1], b[1])), TypeError, "baseline_scores must be a pair"),
        (
            lambda a, b: compare_retrieval(a, (b[0][:50], b[1][:50])),
            ValueError,
            r"are \(120, 120\) for the first and \(50, 50\)",
        ),
        (
            lambda a, b: compare_retrieval(a, b, n_resamples=-1),
            ValueError,
            "n_resamples must be a whole number of at least 0",
        ),
        (lambda a, b: compare_retrieval(a, b, x_groups=[1]), ValueError, "x_groups must have one entry per row"),
        (
            lambda a, b: compare_retrieval(a, b, y_groups=[1, "a"] * 60),
            TypeError,
            "y_groups must be of comparable types",
        ),
        (lambda a, b: compare_retrieval(a, b, measures=[]), ValueError, "measures must be a sequence of names"),
        (lambda a, b: compare_retrieval(a, b, measures="r_precision"), ValueError, "measures must be a sequence"),
        (
            lambda a, b: compare_retrieval(a, b, measures=["recall_at_5", "recall_at_5"]),
            ValueError,
            "measures must be different",
        ),
        (
            lambda a, b: compare_retrieval(a, b, measures=["recall_at_0"]),
            ValueError,
            "k must be a whole number of at least 1",
        ),
        (lambda a, b: compare_retrieval(a, b, measures=["f1"]), ValueError, "measure must be one of"),
        (lambda a, b: per_query("recall_at_5", *a, k=3), ValueError, "says k=5 already"),
        (lambda a, b: query_report(*a, baseline=b[0]), TypeError, "baseline must be a pair"),
        (lambda a, b: per_query("mean_reciprocal_rank", *a, k=3), TypeError, "mean_reciprocal_rank takes no k"),
        (lambda a, b: query_report(*a, baseline=(b[0][:5], b[1][:5])), ValueError, "same queries in the same gallery"),
        (lambda a, b: query_report(*a, baseline=(*b, b[1])), TypeError, "baseline must be a pair"),
        (lambda a, b: query_report(*a, baseline=np.stack(b)), TypeError, "baseline must be a pair"),
        (lambda a, b: compare_retrieval(a, np.stack(b)), TypeError, "baseline_scores must be a pair"),
    ],
)
def test_bad_input_is_refused(models, call, error, message):
    with pytest.raises(error, match=message):
        call(*models)


def test_no_resamples_leave_intervals_and_p_values_out(models):
    table = compare_retrieval(*models, n_resamples=0)
    assert table[["low", "high", "p_value"]].isna().all(axis=None)


# Every query ------------------------------------------------------------------------------------------------------


def test_the_query_report_holds_ranks_and_values(models):
    good, bad = models
    table = query_report(*good, baseline=bad, measure="hit_rate_at_k", k=5)
    assert_array_equal(table["rank"], retrieval_ranks(*good))
    assert_array_equal(table["baseline_rank"], retrieval_ranks(*bad))
    assert_array_equal(table["value"], per_query("hit_rate_at_5", *good))
    assert_array_equal(table["difference"], table["value"] - table["baseline_value"])
    assert set(table["n_relevant"]) == {1}


def test_the_query_report_keeps_queries_without_relevant_item():
    with pytest.warns(UserWarning, match="1 of 3 queries"):
        table = query_report(np.eye(3), np.eye(3), query_ids=["a", "b", "z"], gallery_ids=["a", "b", "b"])
    assert list(table.index) == ["a", "b", "z"]
    assert list(table["n_relevant"]) == [1, 2, 0]
    assert np.isnan(table.loc["z", "rank"])


# The null ---------------------------------------------------------------------------------------------------------


def test_wrong_pairs_teach_nothing_where_sides_have_no_structure():
    table = shuffled_pair_control(CCA(3), X[:120], Y[:120], X[120:], Y[120:], n_shuffles=9, random_state=0)
    assert list(table.index) == list(retrieval_report(X, X, n_resamples=0).index)
    report = retrieval_report(*CCA(3).fit(X[:120], Y[:120]).transform(X[120:], Y[120:]), n_resamples=0)
    assert_allclose(table["value"], report["value"])
    assert_allclose(table["chance"], report["chance"])
    hits = table.loc[("x to y", "hit_rate_at_10")]
    assert hits["p_value"] == pytest.approx(0.1)
    assert abs(hits["shuffled"] - hits["chance"]) < 4 * hits["std"]
    assert table.loc[("x to y", "median_rank"), "p_value"] == pytest.approx(0.1)


def test_wrong_pairs_that_do_as_well_count():
    table = shuffled_pair_control(CCA(2), X[:120], Y[:120], X[120:], Y[120:], ks=(80,), n_shuffles=4, random_state=0)
    # All of the gallery holds the right one in any fit.
    assert_array_equal(table["p_value"].loc[:, "hit_rate_at_80"], [1, 1])


def test_a_zero_that_is_stored_is_not_relevant():
    stored = sparse.csr_array(([0.0, 1.0], ([0, 0], [0, 1])), shape=(1, 2))
    assert retrieval_ranks([[1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]], relevance=stored) == [2]
    assert stored.nnz == 2


def test_the_control_takes_frames_ids_and_any_aligner():
    labels = np.arange(80) % 4
    frames = pd.DataFrame(X[:120]), pd.DataFrame(Y[:120]), pd.DataFrame(X[120:]), pd.DataFrame(Y[120:])
    options = {
        "x_ids": labels,
        "y_ids": labels,
        "measures": ["mean_average_precision"],
        "n_shuffles": 2,
        "random_state": 0,
    }
    table = shuffled_pair_control(PLSSVD(2), *frames, **options)
    arrays = shuffled_pair_control(PLSSVD(2), *(frame.to_numpy() for frame in frames), **options)
    pd.testing.assert_frame_equal(table, arrays)
    with pytest.raises(ValueError, match="n_shuffles must be a whole number of at least 1; got 0"):
        shuffled_pair_control(PLSSVD(2), *frames, n_shuffles=0)


@pytest.mark.newest
def test_wrong_pairs_on_wikipedia_beat_a_random_ranking():
    """methods.md section 6: .137 ± .005, not the .118 of a random ranking."""
    wiki = load("wiki")
    table = shuffled_pair_control(
        CCA(7),
        wiki["I_tr"],
        wiki["T_tr"],
        wiki["I_te"],
        wiki["T_te"],
        x_ids=wiki["y_te"],
        y_ids=wiki["y_te"],
        measures=["mean_average_precision"],
        n_shuffles=20,
        random_state=0,
    )
    assert table["shuffled"].mean() == pytest.approx(0.137, abs=0.005)
    assert table["chance"].mean() == pytest.approx(0.118, abs=0.001)


# Captions ---------------------------------------------------------------------------------------------------------


def test_rows_of_pairs_become_a_gallery_of_items():
    rng = np.random.default_rng(6)
    images, texts = rng.normal(size=(20, 4)), rng.normal(size=(60, 4))
    owners = rng.permutation(np.repeat(np.arange(20), 3))
    rows = images[owners]
    unique, ids = deduplicate(rows, owners)
    assert len(unique) == 20
    assert_array_equal(unique, images[ids])
    assert_array_equal(ids, pd.unique(owners))
    clean = hit_rate_at_k(texts, unique, k=3, query_ids=owners, gallery_ids=ids)
    assert clean == hit_rate_at_k(texts, images, k=3, query_ids=owners, gallery_ids=np.arange(20))
    # Copies crowd the gallery: three results are then one image.
    assert clean > hit_rate_at_k(texts, rows, k=3, query_ids=owners, gallery_ids=owners)
    rows[5, 0] += 1
    with pytest.raises(ValueError, match=r"2 row.* differ from the first of their id .*class labels"):
        deduplicate(rows, owners)


@pytest.mark.parametrize("dtype", ["f2", "i1", "bool"])
def test_near_copies_in_coarse_types_are_not_copies(dtype):
    rows = {"f2": [[1, 0.5, 0.2], [0.95, 0.45, 0.25]], "i1": [[0], [-128]], "bool": [[True], [False]]}[dtype]
    with pytest.raises(ValueError, match=r"1 row.* differ"):
        deduplicate(np.array(rows, dtype), [0, 0])


def test_medians_of_few_large_clusters_need_little_memory(monkeypatch):
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=(2, 90, 4))
    options = {"x_groups": np.arange(90) // 30, "measures": ["median_rank"], "random_state": 0}
    whole = retrieval_report(x, y, **options), compare_retrieval((x, y), (y, x), **options)
    shapes = []
    original = resampling._SortedValues.medians
    watched = lambda self, counts: (shapes.append(counts.size), original(self, counts))[1]  # noqa: E731
    monkeypatch.setattr(resampling._SortedValues, "medians", watched)
    monkeypatch.setattr(resampling, "_DRAWS_AT_ONCE", 2000)
    parts = retrieval_report(x, y, **options), compare_retrieval((x, y), (y, x), **options)
    for one, other in zip(whole, parts, strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert max(shapes) <= 2500


def test_graded_relevance_by_hand():
    # Ranked: grades 1, 0, 3. DCG = 1 + 3/2; the ideal is 3 + 1/log2(3).
    queries, gallery = [[1.0, 0.0]], [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]
    linear = (1 + 3 / 2) / (3 + 1 / np.log2(3))
    exponential = (1 + 7 / 2) / (7 + 1 / np.log2(3))
    for table in ([[1, 0, 3]], sparse.csr_array([[1, 0, 3]]), pd.DataFrame([[1, 0, 3]])):
        assert per_query("ndcg_at_k", queries, gallery, relevance=table) == pytest.approx([linear])
        assert per_query("ndcg_at_k", queries, gallery, relevance=table, gain="exponential") == pytest.approx(
            [exponential]
        )
    assert per_query("ndcg_at_2", queries, gallery, relevance=[[1, 0, 3]]) == pytest.approx([1 / (3 + 1 / np.log2(3))])
    # Grades beyond "relevant or not" change no other measure.
    assert mean_average_precision(queries, gallery, relevance=[[1, 0, 3]]) == pytest.approx((1 + 2 / 3) / 2)


def test_a_relevance_table_of_zeros_and_ones_is_relevance_by_id():
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(2, 50, 5))
    labels = rng.integers(6, size=(2, 50))
    table = sparse.coo_array(labels[0][:, None] == labels[1])
    names = ["hit_rate_at_3", "recall_at_3", "precision_at_3", "mean_reciprocal_rank", "mean_average_precision"]
    names += ["median_rank", "r_precision", "ndcg_at_7"]
    by_ids = retrieval_report(x, y, x_ids=labels[0], y_ids=labels[1], measures=names, random_state=0)
    by_table = retrieval_report(x, y, relevance=table, measures=names, random_state=0)
    assert_allclose(by_ids, by_table, rtol=1e-12)


def test_graded_ties_are_the_mean_over_all_orders():
    import itertools

    grades = np.array([2.0, 0.5, 1, 3])
    discounts = 1 / np.log2(np.arange(2, 6))
    orders = [grades[list(order)] @ discounts for order in itertools.permutations(range(4))]
    expected = np.mean(orders) / (np.sort(grades)[::-1] @ discounts)
    assert per_query("ndcg_at_k", [[1.0]], np.ones((4, 1)), relevance=grades[None]) == pytest.approx([expected])
    chance = retrieval_report([[1.0]], np.ones((4, 1)), relevance=grades[None], measures=["ndcg_at_k"], n_resamples=0)
    assert chance.loc[("x to y", "ndcg_at_k"), "chance"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"relevance": np.eye(2)}, r"shape \(3, 3\); got \(2, 2\)"),
        ({"relevance": -np.eye(3)}, "grades >= 0, 0 for what is not relevant; got -1"),
        ({"relevance": np.full((3, 3), np.nan)}, "relevance contains NaN"),
        ({"relevance": np.zeros((3, 3))}, "No query has a relevant item"),
        ({"relevance": np.eye(3), "query_ids": [1, 2, 3]}, "relevance and ids both"),
        ({"relevance": np.full((3, 3), 2000), "gain": "exponential"}, "overflows; the largest grade is 2000"),
        ({"gain": "squared"}, "gain must be one of"),
        ({"relevance": sparse.csr_array((3, 3))}, "No query has a relevant item"),
    ],
)
def test_bad_relevance_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        per_query("ndcg_at_k", np.eye(3), np.eye(3), **options)
