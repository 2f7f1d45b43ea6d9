"""Items tie where their similarities are equal, and only there: in memory, in chunks and in the index.

Right values come from whole numbers and fractions, which do not round, and ties from all orders of what is equal.
"""

import itertools
from fractions import Fraction
from functools import partial
from importlib.util import find_spec

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from crossmodal_cca._similarity import SIMILARITIES
from crossmodal_cca.metrics import _counting, _inputs, _sorting, per_query, ranks, retrieval_ranks
from crossmodal_cca.metrics import _sharded as sharded
from crossmodal_cca.retrieval import CrossModalIndex, search_shards

similarities = pytest.mark.parametrize("similarity", SIMILARITIES)
dtypes = pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])


def whole(rows):
    """Rows in a unit in which all their floats are whole numbers."""
    numbers = [[Fraction(float(value)) * 2**200 for value in row] for row in rows]
    assert all(number.denominator == 1 for row in numbers for number in row)
    return np.array([[int(number) for number in row] for row in numbers], dtype=object)


def places(queries, gallery, similarity):
    """Of each query's items the number of their place; equal ones share it."""
    q, g = whole(queries), whole(gallery)
    keys, squares = q @ g.T, (g**2).sum(axis=1)
    if similarity == "euclidean":
        keys = 2 * keys - squares
    elif similarity == "cosine":
        keys = np.array([[Fraction(p * abs(p), s or 1) for p, s in zip(row, squares, strict=True)] for row in keys])
    place_of = [{k: place for place, k in enumerate(sorted(set(row), reverse=True))} for row in keys]
    return np.array([[place[k] for k in row] for place, row in zip(place_of, keys, strict=True)])


def expected_rank(place, relevant):
    best = place[relevant].min()
    tied = place == best
    return 1 + np.sum(place < best) + np.sum(tied & ~relevant) / (np.sum(tied & relevant) + 1)


def expected_precision(place, relevant):
    """Average precision, each relevant item being anywhere among those it ties with."""
    total = 0.0
    for own in place[relevant]:
        above, tied = place < own, place == own
        others = (np.sum(tied & relevant) - 1) / max(np.sum(tied) - 1, 1)
        at = np.sum(above) + np.arange(1, np.sum(tied) + 1)
        total += np.mean((np.sum(above & relevant) + 1 + others * (at - np.sum(above) - 1)) / at)
    return total / np.sum(relevant)


# Codes may be 0 throughout.
pytestmark = pytest.mark.filterwarnings("ignore:.*zero throughout")


def codes(rng, shape):
    return rng.integers(0, 2, shape)


ROWS = {
    "codes": codes,
    "codes of 1 and -1": lambda rng, shape: 2 * codes(rng, shape) - 1,
    "counts": lambda rng, shape: rng.poisson(2, shape),
    "eighths": lambda rng, shape: rng.integers(-9, 10, shape) / 8,
    # Not whole multiples of anything: only copies tie.
    "copies": lambda rng, shape: np.random.default_rng(9).normal(size=(8, shape[1]))[rng.integers(0, 8, shape[0])],
}
# float32 has 24 digits; these need more to be told apart by products.
FINE_ROWS = {
    "metres": lambda rng, shape: 800_000 + rng.integers(0, 9, shape),
    "one large unit": lambda rng, shape: rng.integers(0, 5, shape) * np.array([1e6, 1, 1, 1]),
    "groups 1,000 apart": lambda rng, shape: rng.normal(size=shape) + 1000 * rng.integers(0, 3, (shape[0], 1)),
    "one item far away": lambda rng, shape: (
        rng.normal(size=shape) * np.where(np.arange(shape[0]) == 3, 1e5, 1)[:, None]
    ),
}


def problem(rows, dtype, similarity, n_queries=9, n_items=45):
    rng = np.random.default_rng(0)
    queries, gallery = (rows(rng, (n, 4)).astype(dtype) for n in (n_queries, n_items))
    ids = rng.permutation(np.arange(n_items) // 3)
    return queries, gallery, {"query_ids": np.arange(n_queries), "gallery_ids": ids, "similarity": similarity}


def assert_ties_are_right(queries, gallery, options):
    place = places(queries, gallery, options["similarity"])
    labels = options["gallery_ids"] % 3
    for query_ids, ids in ((options["query_ids"], options["gallery_ids"]), (options["query_ids"] % 3, labels)):
        relevant = query_ids[:, None] == ids
        asked = options | {"query_ids": query_ids, "gallery_ids": ids}
        ranked = [expected_rank(*row) for row in zip(place, relevant, strict=True)]
        assert_allclose(retrieval_ranks(queries, gallery, **asked), ranked)
        precisions = [expected_precision(*row) for row in zip(place, relevant, strict=True)]
        assert_allclose(per_query("mean_average_precision", queries, gallery, **asked), precisions)
        if find_spec("dask"):
            import dask
            import dask.array as da

            with dask.config.set(scheduler="synchronous"):
                assert_allclose(retrieval_ranks(queries, da.from_array(gallery, (20, 4)), **asked), ranked)


@similarities
@dtypes
@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_equal_similarities_tie(rows, dtype, similarity):
    assert_ties_are_right(*problem(rows, dtype, similarity))


@pytest.mark.parametrize("similarity", ["dot", "euclidean"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows", FINE_ROWS.values(), ids=FINE_ROWS)
def test_what_differs_is_told_apart(rows, dtype, similarity):
    assert_ties_are_right(*problem(rows, dtype, similarity))


@similarities
@pytest.mark.parametrize("numbers", [1, 20])
def test_pairs_compared_few_at_a_time_tie_where_they_should(numbers, similarity, monkeypatch):
    monkeypatch.setattr(_inputs, "_GATHERED_AT_ONCE", numbers)
    assert_ties_are_right(*problem(ROWS["copies"], "float32", similarity))


@similarities
@pytest.mark.parametrize("rows", (ROWS | FINE_ROWS).values(), ids=ROWS | FINE_ROWS)
def test_judging_pairs_one_by_one_and_products_in_double_precision_agree(rows, similarity, monkeypatch):
    queries, gallery, options = problem(rows, "float32", similarity)
    answers = [retrieval_ranks(queries, gallery, **options)]
    precisions = [per_query("mean_average_precision", queries, gallery, **options)]
    # Without the layout that needs no judgement.
    monkeypatch.setattr(type(SIMILARITIES[similarity]), "laid_out_exactly", lambda *_: None)
    for doubts, at_once in ((0, 2**18), (np.inf, 2**18), (np.inf, 0)):
        monkeypatch.setattr(ranks, "DOUBTS_TO_JUDGE", doubts)
        monkeypatch.setattr(sharded, "DOUBTS_TO_JUDGE", doubts)
        monkeypatch.setattr(_counting, "JUDGED_AT_ONCE", at_once)
        answers.append(retrieval_ranks(queries, gallery, **options))
        precisions.append(per_query("mean_average_precision", queries, gallery, **options))
        if find_spec("dask"):
            import dask
            import dask.array as da

            with dask.config.set(scheduler="synchronous"):
                answers.append(retrieval_ranks(queries, da.from_array(gallery, (20, 4)), **options))
    for answer in answers[1:]:
        assert_array_equal(answer, answers[0])
    for precision in precisions[1:]:
        assert_allclose(precision, precisions[0])


@pytest.mark.parametrize("similarity", ["dot", "euclidean"])
@pytest.mark.parametrize("rows", (ROWS | FINE_ROWS).values(), ids=ROWS | FINE_ROWS)
def test_equal_items_come_in_the_order_of_the_gallery(rows, similarity):
    queries, gallery, _ = problem(rows, "float32", similarity)
    order = np.argsort(places(queries, gallery, similarity), axis=1, kind="stable")[:, :20]
    assert_array_equal(CrossModalIndex(similarity=similarity).fit(gallery).kneighbors(queries, 20)[1], order)
    if find_spec("dask"):
        assert_array_equal(search_shards(queries, gallery, 20, similarity=similarity)[1], order)


MEASURES = {
    "hit_rate_at_2": lambda hits: hits[:2].any(),
    "recall_at_2": lambda hits: hits[:2].sum() / hits.sum(),
    "mean_reciprocal_rank": lambda hits: 1 / (1 + hits.argmax()),
    "median_rank": lambda hits: 1 + hits.argmax(),
    "mean_average_precision": lambda hits: np.mean(np.arange(1, hits.sum() + 1) / (1 + np.flatnonzero(hits))),
    "r_precision": lambda hits: hits[: hits.sum()].mean(),
    "ndcg_at_3": lambda hits: (
        np.sum(hits[:3] / np.log2([2, 3, 4])) / np.sum(1 / np.log2(np.arange(2, 2 + min(3, hits.sum()))))
    ),
}


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_measures_are_means_over_all_orders_of_equal_items(measure, dtype):
    rng = np.random.default_rng(1)
    queries, gallery = (rng.integers(0, 3, (n, 2)).astype(dtype) for n in (6, 6))
    relevant = rng.random((6, 6)) < 0.4
    relevant[:, 0] = True
    place = places(queries, gallery, "euclidean")
    assert max(len(row) - len(set(row)) for row in place) > 2
    expected = []
    for row, hits in zip(place, relevant, strict=True):
        groups = [itertools.permutations(np.flatnonzero(row == p)) for p in np.unique(row)]
        orders = [np.concatenate(parts) for parts in itertools.product(*map(list, groups))]
        expected.append(np.mean([MEASURES[measure](hits[order]) for order in orders]))
    assert_allclose(per_query(measure, queries, gallery, relevance=relevant, similarity="euclidean"), expected)


def test_the_rounding_of_the_longer_item_counts_too():
    # Two items are 3 against (1, 3), whichever is relevant; all others score less.
    gallery = np.concatenate(([[3.0, 0.0], [3.1 + 3e6, -1e6 - 0.1 / 3]], -np.arange(1.0, 21.0).reshape(10, 2)))
    for others in (0, 10):
        for relevant in ([1, 0], [0, 1]):
            table = np.array([[*relevant, *[1] * others, *[0] * (10 - others)]])
            assert_array_equal(retrieval_ranks([[1.0, 3.0]], gallery, relevance=table, similarity="dot"), [1.5])
            # First or second, and the others after both.
            expected = (0.75 + np.sum(np.arange(2, 2 + others) / np.arange(3, 3 + others))) / (1 + others)
            found = per_query("mean_average_precision", [[1.0, 3.0]], gallery, relevance=table, similarity="dot")
            assert_allclose(found, expected)


def test_the_rounding_of_the_longer_item_counts_where_single_pairs_are_judged():
    """Both items are 1, but of the second no double tells that; in float32, with few in doubt, these are judged."""
    two, others = [[1, 0, 0, 0], [2.0**60, 0.5, 0.5, -(2.0**60)]], [[-1e15, -i, 0, 0] for i in range(98)]
    gallery, queries = np.array(two + others, np.float32), np.ones((1, 4), np.float32)
    for relevant in (0, 1):
        options = {"query_ids": [0], "gallery_ids": np.arange(100) != relevant, "similarity": "dot"}
        assert_array_equal(retrieval_ranks(queries, gallery, **options), [1.5])
        if find_spec("dask"):
            import dask
            import dask.array as da

            with dask.config.set(scheduler="synchronous"):
                for rows in (1, 100):
                    assert_array_equal(retrieval_ranks(queries, da.from_array(gallery, (rows, 4)), **options), [1.5])


def judge_of(judged):
    """Judges that the fourth item is above, the second ties; it notes the items it is asked about."""

    def judge(target, item, relevant):
        judged.append(item.tolist())
        return item == 3, item == 1

    return judge


# Of five items the last is above beyond doubt, three are in doubt.
IN_DOUBT = np.array([[0.0, 1.0, 1.05, 0.95, 2.0]]), np.full(5, 0.01)
JUDGED = [[2], [1], [0], [1]]


def test_items_tie_where_their_widths_and_the_target_s_overlap():
    row, target = (
        np.array([1.0, 1.015, 1.05, 3.0]),
        _counting.Targets(np.array([0]), np.array([0.99]), np.array([1.01])),
    )
    for last in (0.01, 0.2):  # wide for all the same, or for one alone
        width = np.array([0.01, 0.01, 0.01, last])
        found = _counting.count_around(row[None], width, target, lambda q: np.array([0]), None)
        assert_array_equal(found, [[2], [2], [0], [1]])
        assert_array_equal(_sorting.count_around_each(row, width, np.array([0])), [[2], [2]])


def test_what_is_beyond_doubt_is_not_judged():
    judged = []
    target = _counting.Targets(np.array([0]), np.array([1.99]), np.array([2.01]))
    found = _counting.count_around(*IN_DOUBT, target, lambda q: np.array([4]), judge_of(judged))
    assert_array_equal(found, [[0], [1], [0], [1]])
    assert not judged


def test_counting_gives_up_where_more_pairs_are_in_doubt_than_it_may_judge():
    judged = []
    target = _counting.Targets(np.array([0]), np.array([0.9]), np.array([1.1]))
    count = partial(_counting.count_around, *IN_DOUBT, target, lambda q: np.array([1]), judge_of(judged))
    assert count(most_doubts=2) is None
    assert not judged
    assert_array_equal(count(most_doubts=3), JUDGED)
    assert judged == [[1, 2, 3]]


def test_pairs_in_doubt_are_judged_some_at_a_time(monkeypatch):
    monkeypatch.setattr(_counting, "JUDGED_AT_ONCE", 4)
    judged = []
    targets = _counting.Targets(np.zeros(5, dtype=int), np.full(5, 0.9), np.full(5, 1.1))
    found = _counting.count_around(*IN_DOUBT, targets, lambda q: np.array([1]), judge_of(judged))
    assert_array_equal(found, np.repeat(JUDGED, 5, axis=1))
    # No more are kept than the target that exceeds the number adds.
    assert judged == [[1, 2, 3] * 2, [1, 2, 3] * 2, [1, 2, 3]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_many_relevant_items_close_by_are_told_apart_beside_a_group_far_away(dtype):
    # Squares of a million, beside steps of a thousandth (or, in float32, an eighth).
    rng = np.random.default_rng(0)
    group, step = np.arange(60) % 2, 1 / 8 if dtype == "float32" else 1 / 1024
    gallery = (step * rng.integers(0, 3, (60, 4)) + 2.0**20 * group[:, None]).astype(dtype)
    queries = gallery[:10] + np.array([1, 0, 2, 1], dtype) * np.dtype(dtype).type(step)
    relevant = (group[:10, None] == group) & (rng.random((10, 60)) < 0.6)
    assert (relevant.sum(axis=1) > 8).all()
    place = places(queries, gallery, "euclidean")
    expected = [expected_precision(*row) for row in zip(place, relevant, strict=True)]
    found = per_query("mean_average_precision", queries, gallery, relevance=relevant, similarity="euclidean")
    assert_allclose(found, expected)


def test_one_group_that_products_cannot_tell_apart_is_enough_for_another_look():
    # Far away, where the queries are, three items of which one is relevant; the other relevant ones are clear.
    rng = np.random.default_rng(0)
    gallery = np.concatenate((rng.normal(size=(20, 3)), 1e8 + 1e-3 * rng.normal(size=(3, 3))))
    queries = 1e8 + 1e-3 * rng.normal(size=(6, 3))
    relevant = np.arange(23) % 2 == 1
    expected = [expected_precision(place, relevant) for place in places(queries, gallery, "euclidean")]
    table = np.tile(relevant, (6, 1))
    found = per_query("mean_average_precision", queries, gallery, relevance=table, similarity="euclidean")
    assert_allclose(found, expected)


DIGITS = {"float32": 24, "float64": 53}


@pytest.mark.parametrize("similarity", ["dot", "euclidean"])
@pytest.mark.parametrize("dtype", DIGITS)
@pytest.mark.parametrize("unit", [1.0, 2.0**-40, 2.0**40])
def test_a_layout_is_exact_up_to_the_digits_of_its_type(similarity, dtype, unit):
    rng = np.random.default_rng(0)
    for digits in range(2, DIGITS[dtype]):
        rows = rng.integers(-(2**digits), 2**digits, (2, 9, 3))
        q, g = (side.astype(dtype) * np.dtype(dtype).type(unit) for side in rows)
        layout = SIMILARITIES[similarity].laid_out_exactly(q, g, np.dtype(dtype))
        if layout is None:
            break
        scores = layout.queries(q.astype(float)).astype(dtype) @ layout.rows.T
        whole_q, whole_g = rows.astype(object)
        exact = whole_q @ whole_g.T if similarity == "dot" else 2 * whole_q @ whole_g.T - (whole_g**2).sum(axis=1)
        for i, j in itertools.combinations(range(9), 2):
            assert_array_equal(np.sign(scores[:, i] - scores[:, j]), np.sign((exact[:, i] - exact[:, j]).astype(float)))
        assert_array_equal(layout.width, 0)
    # Sums of three products have about 2 digits + 2, and two more may be lost to units, lengths and halves.
    assert DIGITS[dtype] / 2 - 4 <= digits <= DIGITS[dtype] / 2


@similarities
@dtypes
def test_rows_of_no_grid_and_items_of_many_lengths_have_no_exact_layout(similarity, dtype):
    rng = np.random.default_rng(0)
    grid = rng.integers(0, 3, (9, 4)).astype(dtype)
    other = rng.normal(size=(9, 4)).astype(dtype)
    last = np.vstack((grid[:-1], other[-1:]))
    computed = np.dtype("float64" if dtype == "float64" else "float32")
    for pair in ((grid, other), (other, grid), (grid, last), (last, grid)):
        assert SIMILARITIES[similarity].laid_out_exactly(*pair, computed) is None
    found = SIMILARITIES[similarity].laid_out_exactly(grid, grid, computed)
    assert (found is None) == (similarity == "cosine")


def test_a_collapsed_space_is_chance():
    rows = np.full((300, 3), 0.1, dtype=np.float32)
    for similarity in SIMILARITIES:
        assert_array_equal(retrieval_ranks(rows, rows, similarity=similarity), np.full(300, 150.5))


@pytest.mark.parametrize("n_targets", [3, 60])
@pytest.mark.parametrize(
    ("step", "start"), [(1.0, 0.0), (2.0**-40, 1.0), (2.0**-40, 0.0), (2.0**1010, 0.0), (2.0**-1010, 0.0)]
)
@pytest.mark.parametrize("width", [0.0, 0.25, "mixed"])
def test_sorting_counts_as_comparing_all_pairs_does(step, start, width, n_targets):
    """Whatever single precision makes equal, infinite or zero."""
    rng = np.random.default_rng(n_targets)
    row = rng.integers(0, 40, 90) * step + start
    row[rng.permutation(90)[:5]] = -np.inf
    widths = (rng.choice([0.25, 1.25], 90) if width == "mixed" else np.full(90, width)) * step
    targets = rng.permutation(np.flatnonzero(row > -np.inf))[:n_targets]
    greater, tied = _sorting.count_around_each(row, widths, targets)
    low, high = row - widths, row + widths
    above = low > high[targets, None]
    assert_array_equal(greater, above.sum(axis=1))
    assert_array_equal(tied, ((high >= low[targets, None]) & ~above).sum(axis=1))
