"""Retrieval metrics against their definitions, over every order of the ties, at chance, and against ranx."""

import importlib
import inspect
import itertools
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist

from crossmodal_cca import metrics
from crossmodal_cca.metrics import per_query, ranks
from crossmodal_cca.metrics.measures import MEASURES

# Definitions on one ranked list: `hits` says of each place whether it holds a relevant item.


def first(hits, k):
    return hits.index(True) + 1


def hit_rate(hits, k):
    return float(any(hits[:k]))


def recall(hits, k):
    return sum(hits[:k]) / sum(hits)


def precision(hits, k):
    return sum(hits[:k]) / k


def average_precision(hits, k):
    found = [sum(hits[: i + 1]) / (i + 1) for i in range(min(k, len(hits))) if hits[i]]
    return sum(found) / sum(hits)


def discounted_gain(hits, k):
    return sum(1 / math.log2(i + 2) for i in range(min(k, len(hits))) if hits[i])


# One row per measure: its definition, and its name in ranx (None: not there).
DEFINITIONS = {
    "hit_rate_at_k": (hit_rate, "hit_rate"),
    "recall_at_k": (recall, "recall"),
    "precision_at_k": (precision, "precision"),
    "mean_reciprocal_rank": (lambda hits, k: 1 / first(hits, k), "reciprocal_rank"),
    "median_rank": (first, None),
    "mean_average_precision": (average_precision, "average_precision"),
    "r_precision": (lambda hits, k: recall(hits, sum(hits)), "r_precision"),
    "ndcg_at_k": (lambda hits, k: discounted_gain(hits, k) / discounted_gain(sorted(hits)[::-1], k), "ndcg"),
}
TAKES_K = [name for name in DEFINITIONS if "k" in inspect.signature(getattr(metrics, name)).parameters]


def every(*cutoffs):
    """(measure, its keyword arguments), with every cut-off where the measure takes one."""
    return [(name, {"k": k}) for name in TAKES_K for k in cutoffs] + [(n, {}) for n in DEFINITIONS if n not in TAKES_K]


def slow(name, hits, options, n):
    return DEFINITIONS[name][0](hits, options.get("k") or n)


@pytest.fixture
def labelled():
    rng = np.random.default_rng(0)
    return {
        "queries": rng.normal(size=(200, 5)),
        "gallery": rng.normal(size=(61, 5)),
        "query_ids": rng.integers(12, size=200),
        "gallery_ids": np.concatenate((np.arange(12), rng.integers(12, size=49))),
    }


def test_the_table_has_every_metric():
    assert set(DEFINITIONS) == set(MEASURES)
    assert set(DEFINITIONS) < set(metrics.__all__)


@pytest.mark.parametrize(("name", "options"), every(1, 3, 10, 61, 100, None))
def test_metric_per_query_follows_the_definition(labelled, name, options):
    scores = labelled["queries"] @ labelled["gallery"].T
    relevant = labelled["query_ids"][:, None] == labelled["gallery_ids"]
    ranked = np.take_along_axis(relevant, np.argsort(-scores, axis=1), axis=1)
    expected = [slow(name, hits, options, 61) for hits in ranked.tolist()]
    assert_allclose(per_query(name, **labelled, similarity="dot", **options), expected, rtol=0, atol=1e-12)
    aggregate = np.median if name == "median_rank" else np.mean
    value = getattr(metrics, name)(**labelled, similarity="dot", **options)
    assert type(value) is float
    assert value == pytest.approx(aggregate(expected), abs=1e-12)


@pytest.fixture
def ranx_metrics(monkeypatch):
    numba = importlib.import_module("numba")
    # Compiling every measure takes a minute; as plain Python they answer at once.
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    return importlib.import_module("ranx.metrics")


@pytest.mark.parametrize(("name", "options"), [case for case in every(1, 5, 20, None) if DEFINITIONS[case[0]][1]])
def test_metric_equals_ranx(labelled, ranx_metrics, name, options):
    scores = labelled["queries"] @ labelled["gallery"].T
    relevant = labelled["query_ids"][:, None] == labelled["gallery_ids"]
    wanted = [np.column_stack((np.flatnonzero(r), np.ones(r.sum()))) for r in relevant]
    ranked = [np.column_stack((np.argsort(-s), -np.sort(-s))) for s in scores]
    reference = getattr(ranx_metrics, DEFINITIONS[name][1])(wanted, ranked, options.get("k") or 0)
    assert_allclose(per_query(name, **labelled, similarity="dot", **options), reference, rtol=0, atol=1e-12)


@pytest.fixture(scope="module")
def thousand():
    """A thousand queries without ties: relevance, and scores of a gallery of 61."""
    rng = np.random.default_rng(1)
    queries, gallery = rng.normal(size=(1000, 5)), rng.normal(size=(61, 5))
    relevance = rng.random((1000, 61)) < rng.uniform(0.02, 0.6, size=(1000, 1))
    relevance[np.arange(1000), rng.integers(61, size=1000)] = True
    return {"queries": queries, "gallery": gallery, "relevance": relevance}, queries @ gallery.T


# Of torchmetrics' functions: the name, and where they are given a cut-off.
TORCHMETRICS = {
    "hit_rate_at_k": "retrieval_hit_rate",
    "recall_at_k": "retrieval_recall",
    "precision_at_k": "retrieval_precision",
    "mean_reciprocal_rank": "retrieval_reciprocal_rank",
    "mean_average_precision": "retrieval_average_precision",
    "r_precision": "retrieval_r_precision",
    "ndcg_at_k": "retrieval_normalized_dcg",
}


@pytest.mark.parametrize(("name", "options"), [case for case in every(1, 5, None) if case[0] in TORCHMETRICS])
def test_metric_equals_torchmetrics(thousand, name, options):
    functional = pytest.importorskip("torchmetrics.functional.retrieval", reason="torchmetrics is in the bench extra")
    from torch import from_numpy

    data, scores = thousand
    reference = getattr(functional, TORCHMETRICS[name])
    cut = {} if options.get("k") is None else {"top_k": options["k"]}
    # It takes scores that are not positive for items not retrieved.
    scores = scores - scores.min() + 1
    expected = np.array(
        [float(reference(from_numpy(s), from_numpy(r), **cut)) for s, r in zip(scores, data["relevance"], strict=True)]
    )
    if name == "mean_average_precision" and cut:
        # It divides by the relevant items found, we (as trec_eval) by all of them.
        ranked = np.take_along_axis(data["relevance"], np.argsort(-scores, axis=1), axis=1)
        expected *= ranked[:, : options["k"]].sum(axis=1) / ranked.sum(axis=1)
    assert_allclose(per_query(name, **data, similarity="dot", **options), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("name", "options"), [case for case in every(5, None) if DEFINITIONS[case[0]][1]])
def test_metric_equals_ranx_on_a_thousand_queries(thousand, ranx_metrics, name, options):
    data, scores = thousand
    wanted = [np.column_stack((np.flatnonzero(r), np.ones(r.sum()))) for r in data["relevance"]]
    ranked = [np.column_stack((np.argsort(-s), -np.sort(-s))) for s in scores]
    reference = getattr(ranx_metrics, DEFINITIONS[name][1])(wanted, ranked, options.get("k") or 0)
    assert_allclose(per_query(name, **data, similarity="dot", **options), reference, rtol=0, atol=1e-12)


def test_graded_gain_equals_ranx(thousand, ranx_metrics):
    data, scores = thousand
    grades = data["relevance"] * np.random.default_rng(2).integers(1, 5, size=scores.shape)
    # Its ideal order is the order it is given.
    best_first = [np.argsort(-g, kind="stable")[: np.count_nonzero(g)] for g in grades]
    wanted = [np.column_stack((i, g[i])).astype(float) for i, g in zip(best_first, grades, strict=True)]
    ranked = [np.column_stack((np.argsort(-s), -np.sort(-s))) for s in scores]
    options = {"queries": data["queries"], "gallery": data["gallery"], "relevance": grades, "similarity": "dot"}
    for k in (5, None):
        for gain, reference in (("linear", ranx_metrics.ndcg), ("exponential", ranx_metrics.ndcg_burges)):
            ours = per_query("ndcg_at_k", **options, k=k, gain=gain)
            assert_allclose(ours, reference(wanted, ranked, k or 0), rtol=0, atol=1e-12)


# Numbers of items at each level of score, the best first.
@pytest.mark.parametrize(
    "levels", [(4,), (1, 3), (3, 1), (2, 2), (1, 2, 1), (2, 1, 1), (1, 1, 2), (1, 1, 1, 1), (3, 3), (1, 4, 1)]
)
def test_value_is_the_mean_over_all_orders_of_the_ties(levels):
    n = sum(levels)
    scores = -np.repeat(np.arange(len(levels)), levels)[:, None]
    for n_relevant in itertools.product(*(range(size + 1) for size in levels)):
        if sum(n_relevant) == 0:
            continue
        by_level = [[i < r for i in range(size)] for size, r in zip(levels, n_relevant, strict=True)]
        orders = itertools.product(*(itertools.permutations(level) for level in by_level))
        rankings = [list(itertools.chain(*order)) for order in orders]
        data = {"query_ids": [True], "gallery_ids": list(itertools.chain(*by_level)), "similarity": "dot"}
        for name, options in every(1, 2, 3, n, n + 2, None):
            expected = np.mean([slow(name, hits, options, n) for hits in rankings])
            value = per_query(name, [[1.0]], scores, **data, **options)
            assert value == pytest.approx([expected], abs=1e-12), (name, options, n_relevant)


@pytest.mark.parametrize(("n", "r"), [(1, 1), (7, 1), (10, 3), (50, 49), (2000, 2), (2000, 700)])
def test_constant_similarity_scores_chance(n, r):
    rows = np.ones((n, 3), np.float32)
    data = {"query_ids": [1], "gallery_ids": [1] * r + [0] * (n - r)}
    harmonic = np.sum(1 / np.arange(1, n + 1)) / n
    average_precision = (r - 1) / max(n - 1, 1) * (1 - harmonic) + harmonic
    assert metrics.hit_rate_at_k(rows[:1], rows, k=1, **data) == pytest.approx(r / n)
    assert metrics.precision_at_k(rows[:1], rows, k=1, **data) == pytest.approx(r / n)
    assert metrics.r_precision(rows[:1], rows, **data) == pytest.approx(r / n)
    assert metrics.recall_at_k(rows[:1], rows, k=max(n // 2, 1), **data) == pytest.approx(max(n // 2, 1) / n)
    assert metrics.mean_average_precision(rows[:1], rows, **data) == pytest.approx(average_precision, abs=1e-12)
    assert metrics.median_rank(rows[:1], rows, **data) == pytest.approx((n + 1) / (r + 1))
    if r == 1:
        assert metrics.mean_reciprocal_rank(rows[:1], rows, **data) == pytest.approx(harmonic)
    for k in (1, 5, n):
        chance = 1 - math.comb(n - r, min(k, n)) / math.comb(n, min(k, n))
        assert metrics.hit_rate_at_k(rows[:1], rows, k=k, **data) == pytest.approx(chance, abs=1e-12)


@pytest.mark.parametrize("similarity", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("share", [0.08, 0.6], ids=["few relevant", "many relevant"])
def test_graded_ndcg_of_rows_of_very_different_length_follows_the_definition(share, dtype, similarity):
    rng = np.random.default_rng(4)
    queries, gallery = (
        (rng.normal(size=(n, 5)) * np.exp(rng.normal(0, 2, size=(n, 1)))).astype(dtype) for n in (20, 60)
    )
    grades = rng.integers(1, 5, (20, 60)) * (rng.random((20, 60)) < share)
    grades[:, 0] = 2
    distances = -(queries.astype(float) @ gallery.T) if similarity == "dot" else cdist(queries, gallery, similarity)
    for k in (None, 5):
        for gain, worth in (("linear", lambda grade: grade), ("exponential", lambda grade: 2**grade - 1)):
            expected = []
            for row, own in zip(distances, grades, strict=True):
                discounts = 1 / np.log2(np.arange(2, 62))[:k]
                found, ideal = worth(own[np.argsort(row)])[:k], np.sort(worth(own))[::-1][:k]
                expected.append((found @ discounts) / (ideal @ discounts))
            ours = per_query("ndcg_at_k", queries, gallery, relevance=grades, similarity=similarity, k=k, gain=gain)
            assert_allclose(ours, expected)


def test_perfect_and_worst_retrieval():
    rows = np.eye(4)
    for name, options in every(1, 3, None):
        best = 1 if name != "precision_at_k" else 1 / (options["k"] or 4)
        assert getattr(metrics, name)(rows, rows, **options) == pytest.approx(best)
    two = np.array([[1.0, 0.0], [-1.0, 0.0]])
    assert metrics.median_rank(two, -two) == 2
    assert metrics.hit_rate_at_k(two, -two, k=1) == 0
    assert metrics.mean_reciprocal_rank(two, -two) == 0.5


@pytest.mark.parametrize(("name", "options"), every(3, None))
def test_single_item_gallery(name, options):
    expected = 1 / 3 if options == {"k": 3} and name == "precision_at_k" else 1
    data = {"query_ids": ["a", "a"], "gallery_ids": ["a"]}
    assert getattr(metrics, name)(np.eye(2), [[1.0, 2.0]], **data, **options) == pytest.approx(expected)


@pytest.mark.parametrize(("name", "options"), every(5, None))
def test_block_size_and_gallery_order_change_nothing(labelled, name, options, monkeypatch):
    # Rounded to few levels, so that there are ties.
    labelled |= {k: np.round(labelled[k]) for k in ("queries", "gallery")}
    expected = per_query(name, **labelled, similarity="dot", **options)
    order = np.random.default_rng(1).permutation(61)
    monkeypatch.setattr(ranks, "BLOCK_BYTES", 9000)
    shuffled = labelled | {k: labelled[k][order] for k in ("gallery", "gallery_ids")}
    assert_allclose(per_query(name, **shuffled, similarity="dot", **options), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize(("name", "options"), every(5, None))
def test_float32_equals_float64_on_clear_scores(labelled, name, options):
    low = {k: labelled[k].astype(np.float32) for k in ("queries", "gallery")}
    value = getattr(metrics, name)(**(labelled | low), **options)
    assert value == pytest.approx(getattr(metrics, name)(**labelled, **options), rel=1e-3)


@pytest.mark.parametrize(("name", "options"), every(1, 2, 5, None))
def test_chains_of_near_ties_stay_within_bounds(name, options):
    # Neighbours are tied by tolerance, items further apart are not.
    step = 0.7 * 2 * (3 + 2 / 3) * np.finfo(np.float64).eps
    gallery = (1 - step * np.arange(12))[:, None]
    for mask in ([1] * 6 + [0] * 6, [1, 0] * 6, [0, 0, 1, 1, 1, 0] * 2):
        value = getattr(metrics, name)([[1.0]], gallery, query_ids=[1], gallery_ids=mask, similarity="dot", **options)
        assert 0 <= value <= (12 if name == "median_rank" else 1 + 1e-12)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_queries_without_relevant_item_are_left_out(labelled, name):
    ids = labelled["query_ids"].copy()
    ids[:50] = -1
    rest = {k: labelled[k][50:] for k in ("queries", "query_ids")}
    expected = getattr(metrics, name)(**(labelled | rest))
    with pytest.warns(UserWarning, match="50 of 200 queries"):
        assert getattr(metrics, name)(**(labelled | {"query_ids": ids})) == expected
    with pytest.warns(UserWarning, match="50 of 200 queries"):
        values = per_query(name, **(labelled | {"query_ids": ids}))
    assert_array_equal(np.isnan(values), np.arange(200) < 50)


def test_with_one_relevant_item_recall_is_hit_rate():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 30, 4))
    assert_array_equal(per_query("recall_at_k", x, y, k=4), per_query("hit_rate_at_k", x, y, k=4))
    assert_allclose(per_query("mean_average_precision", x, y), per_query("mean_reciprocal_rank", x, y), atol=1e-14)
    assert_array_equal(per_query("median_rank", x, y), metrics.retrieval_ranks(x, y))


ROWS = np.eye(3)


@pytest.mark.parametrize("name", TAKES_K)
@pytest.mark.parametrize(
    ("k", "error", "message"),
    [
        (0, ValueError, "k must be a whole number of at least 1"),
        (-1, ValueError, "got -1"),
        (2.0, TypeError, "k must be a whole number of at least 1"),
        (True, TypeError, "got True"),
        ("all", TypeError, "got 'all'"),
        (np.int64(2), None, None),
        (10**30, None, None),
    ],
)
def test_cutoff_is_an_integer_from_one(name, k, error, message):
    if error is None:
        assert 0 <= getattr(metrics, name)(ROWS, ROWS, k=k) <= 1
        return
    with pytest.raises(error, match=message):
        getattr(metrics, name)(ROWS, ROWS, k=k)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: per_query("recall", ROWS, ROWS),
            ValueError,
            "measure must be one of .*recall_at_k.* got 'recall'",
        ),
        (lambda: per_query(np.mean, ROWS, ROWS), ValueError, "the function of that name"),
        (lambda: per_query("median_rank", ROWS, ROWS, k=3), TypeError, "takes no k here, it has no options; got k=3"),
        (lambda: metrics.r_precision(ROWS, ROWS[:2]), ValueError, "Pass query_ids and gallery_ids"),
        (lambda: metrics.ndcg_at_k(ROWS, ROWS, similarity="l2"), ValueError, "similarity must be one of"),
    ],
)
def test_bad_calls_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
