"""Laws of the one loop over queries: what must not change a rank, what ties, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist

from crossmodal_cca._similarity import SIMILARITIES
from crossmodal_cca.metrics import _sorting, _tiles, ranks, retrieval_ranks


def similarities(queries, gallery, similarity):
    if similarity == "dot":
        return queries @ gallery.T
    return -cdist(queries, gallery, similarity)


def expected_rank(scores, relevant):
    """From the definition, for one query whose ties are exact."""
    best = scores[relevant].max()
    tied_relevant = np.sum(scores[relevant] == best)
    tied_others = np.sum(scores[~relevant] == best)
    return 1 + np.sum(scores > best) + tied_others / (tied_relevant + 1)


@pytest.fixture
def labelled():
    rng = np.random.default_rng(0)
    return {
        "queries": rng.normal(size=(40, 6)) + 1,
        "gallery": rng.normal(size=(83, 6)) * rng.uniform(0.5, 2, size=(83, 1)) + 1,
        "query_ids": rng.integers(7, size=40),
        "gallery_ids": rng.integers(7, size=83),
    }


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_ranks_follow_the_definition(labelled, similarity):
    scores = similarities(labelled["queries"], labelled["gallery"], similarity)
    relevant = labelled["query_ids"][:, None] == labelled["gallery_ids"]
    expected = [expected_rank(s, r) for s, r in zip(scores, relevant, strict=True)]
    assert_array_equal(retrieval_ranks(**labelled, similarity=similarity), expected)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("n", [1, 2, 50])
def test_without_ids_rows_are_pairs(similarity, n):
    rng = np.random.default_rng(1)
    queries, gallery = rng.normal(size=(n, 4)), rng.normal(size=(n, 4))
    scores = similarities(queries, gallery, similarity)
    expected = 1 + np.sum(scores > np.diag(scores)[:, None], axis=1)
    assert_array_equal(retrieval_ranks(queries, gallery, similarity=similarity), expected)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_order_of_the_gallery_changes_nothing(labelled, similarity):
    order = np.random.default_rng(2).permutation(len(labelled["gallery"]))
    shuffled = labelled | {k: labelled[k][order] for k in ("gallery", "gallery_ids")}
    assert_array_equal(
        retrieval_ranks(**shuffled, similarity=similarity), retrieval_ranks(**labelled, similarity=similarity)
    )


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("block_bytes", [1, 5000, 20000])
def test_block_size_changes_nothing(labelled, similarity, block_bytes, monkeypatch):
    expected = retrieval_ranks(**labelled, similarity=similarity)
    monkeypatch.setattr(ranks, "BLOCK_BYTES", block_bytes)
    assert_array_equal(retrieval_ranks(**labelled, similarity=similarity), expected)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_dtype_changes_nothing_beyond_rounding(labelled, similarity, dtype):
    low = labelled | {k: labelled[k].astype(dtype) for k in ("queries", "gallery")}
    same_values = low | {k: low[k].astype(np.float64) for k in ("queries", "gallery")}
    assert_array_equal(
        retrieval_ranks(**low, similarity=similarity), retrieval_ranks(**same_values, similarity=similarity)
    )


@pytest.mark.parametrize("factor", [1e-30, 1e30])
@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_common_unit_changes_nothing(labelled, similarity, dtype, factor):
    rows = {k: labelled[k].astype(dtype) for k in ("queries", "gallery")}
    scaled = {k: v * dtype(factor) for k, v in rows.items()}
    assert_array_equal(
        retrieval_ranks(**(labelled | scaled), similarity=similarity),
        retrieval_ranks(**(labelled | rows), similarity=similarity),
    )


def test_lengths_of_vectors_change_no_cosine(labelled):
    rng = np.random.default_rng(3)
    scaled = {k: labelled[k] * rng.uniform(0.01, 100, size=(len(labelled[k]), 1)) for k in ("queries", "gallery")}
    assert_array_equal(retrieval_ranks(**(labelled | scaled)), retrieval_ranks(**labelled))


def test_common_shift_changes_no_distance(labelled):
    rows = {k: labelled[k].astype(np.float32) for k in ("queries", "gallery")}
    # In steps of 1/64 the shift by 1024 is exact in float32.
    rows = {k: np.round(v * 64) / 64 for k, v in rows.items()}
    shifted = {k: v + np.float32(1024) for k, v in rows.items()}
    assert_array_equal(
        retrieval_ranks(**(labelled | shifted), similarity="euclidean"),
        retrieval_ranks(**(labelled | rows), similarity="euclidean"),
    )


def test_a_long_item_does_not_blur_the_ranks_of_others():
    rng = np.random.default_rng(4)
    queries = rng.normal(size=(50, 8)).astype(np.float32)
    gallery = queries + rng.normal(size=(50, 8)).astype(np.float32)
    with_outlier = np.vstack((gallery, np.full((1, 8), 1e6, np.float32)))
    scores = queries.astype(float) @ with_outlier.T.astype(float)
    expected = 1 + np.sum(scores > np.diag(scores)[:, None], axis=1)
    ids = np.arange(51)
    result = retrieval_ranks(queries, with_outlier, query_ids=ids[:50], gallery_ids=ids, similarity="dot")
    assert_array_equal(result, expected)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("width", [3, 128, 1024])
@pytest.mark.parametrize("positive", [False, True], ids=["signed", "positive"])
def test_identical_items_are_tied_in_float32(similarity, width, positive):
    rng = np.random.default_rng(width)
    n = 167
    distinct = rng.normal(size=(n, width))
    distinct = np.abs(distinct) if positive else distinct
    distinct /= np.linalg.norm(distinct, axis=1, keepdims=True)
    copies = rng.permutation(np.repeat(np.arange(n), 3))
    gallery = distinct[copies].astype(np.float32)
    gallery_ids = np.arange(3 * n)
    # The queries lie near their items: no other item comes close, only the two copies tie.
    queries = (distinct + 0.01 / width**0.5 * rng.normal(size=distinct.shape)).astype(np.float32)
    query_ids = np.array([np.flatnonzero(copies == i)[i % 3] for i in range(n)])
    exact = similarities(queries.astype(float), distinct.astype(np.float32).astype(float), similarity)
    clear = 3 * np.sum(exact > np.diag(exact)[:, None], axis=1)
    result = retrieval_ranks(queries, gallery, query_ids=query_ids, gallery_ids=gallery_ids, similarity=similarity)
    margin = np.sort(np.abs(exact - np.diag(exact)[:, None]), axis=1)[:, 1]
    resolved = margin > 1e-4
    assert resolved.mean() > 0.5
    assert_array_equal(result[resolved], (1 + clear + 2 / 2)[resolved])


def test_scores_that_differ_clearly_are_not_tied():
    angles = np.array([0.5, 0.5 + 1e-4, 0.5 + 2e-4])
    gallery = np.column_stack((np.cos(angles), np.sin(angles))).astype(np.float32)
    queries = np.array([[1, 0]], np.float32)
    for i in range(3):
        assert retrieval_ranks(queries, gallery, query_ids=[i], gallery_ids=[0, 1, 2]) == [i + 1]


def test_constant_similarity_gives_the_middle_rank():
    n, r = 12, 3
    result = retrieval_ranks(np.ones((2, 2)), np.ones((n, 2)), query_ids=[0, 1], gallery_ids=[0] * r + [1] * (n - r))
    assert_allclose(result, [(n + 1) / (r + 1), (n + 1) / (n - r + 1)])


@pytest.mark.filterwarnings("ignore:1 of the . rows of .* are zero throughout")
def test_zero_vectors_have_cosine_zero_with_everything():
    gallery = [[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]
    assert_array_equal(retrieval_ranks([[1.0, 0.0]], gallery, query_ids=[0], gallery_ids=[0, 1, 2, 3]), [2.5])
    assert_array_equal(retrieval_ranks([[0.0, 0.0]], gallery, query_ids=[0], gallery_ids=[0, 1, 2, 3]), [2.5])


def test_five_captions_per_image_count_by_the_best():
    rng = np.random.default_rng(5)
    images, captions = rng.normal(size=(20, 5)), rng.normal(size=(100, 5))
    owners = np.repeat(np.arange(20), 5)
    scores = similarities(images, captions, "cosine")
    one_by_one = [1 + np.sum(s > s[owners == i].max()) for i, s in enumerate(scores)]
    forth = retrieval_ranks(images, captions, query_ids=np.arange(20), gallery_ids=owners)
    assert_array_equal(forth, one_by_one)
    back = retrieval_ranks(captions, images, query_ids=owners, gallery_ids=np.arange(20))
    assert_array_equal(back, 1 + np.sum(scores.T[np.arange(100), owners][:, None] < scores.T, axis=1))


@pytest.mark.parametrize(
    "kind",
    [
        lambda i: i.astype(str),
        lambda i: [f"id{j}" for j in i],
        lambda i: pd.Series(i).astype("string"),
        lambda i: pd.Series(i.astype(str)).astype("category"),
        lambda i: i.astype(np.float32),
        lambda i: i.astype("datetime64[D]"),
        lambda i: i.astype(np.uint64) + np.uint64(2**63),
        lambda i: [2**70 + int(j) for j in i],
        lambda i: list(i),
        lambda i: pd.Series(i, index=i + 5),
    ],
)
def test_ids_of_any_kind_mean_the_same(labelled, kind):
    ids = {k: kind(labelled[k]) for k in ("query_ids", "gallery_ids")}
    assert_array_equal(retrieval_ranks(**(labelled | ids)), retrieval_ranks(**labelled))


def test_kinds_of_numbers_mix_without_rounding():
    big = 2**53
    rows = np.eye(2)
    for gallery_ids in (
        np.array([big + 1, big], np.uint64),
        [big + 1, big],
        np.array([big + 1, big], object),
    ):
        result = retrieval_ranks(rows, rows, query_ids=np.array([big, big + 1]), gallery_ids=gallery_ids)
        assert_array_equal(result, [2, 2])
    assert_array_equal(retrieval_ranks(rows, rows, query_ids=[0, 1], gallery_ids=[1.0, 0.0]), [2, 2])


def test_dataframes_and_integers_are_accepted(labelled):
    frames = {k: pd.DataFrame(labelled[k]) for k in ("queries", "gallery")}
    assert_array_equal(retrieval_ranks(**(labelled | frames)), retrieval_ranks(**labelled))
    assert_array_equal(retrieval_ranks([[1, 0], [0, 1]], [[2, 1], [1, 2]]), [1, 1])


def test_input_is_left_as_it_was(labelled):
    before = {k: v.copy() for k, v in labelled.items()}
    for similarity in SIMILARITIES:
        retrieval_ranks(**labelled, similarity=similarity)
        retrieval_ranks(labelled["queries"], labelled["queries"], similarity=similarity)
    for name, value in before.items():
        assert_array_equal(labelled[name], value)


def test_queries_without_relevant_item_are_nan_with_a_warning(labelled):
    full = retrieval_ranks(**labelled)
    ids = labelled["query_ids"].copy()
    ids[[3, 17]] = 99
    with pytest.warns(UserWarning, match="2 of 40 queries have no relevant item") as caught:
        result = retrieval_ranks(**(labelled | {"query_ids": ids}))
    assert len(caught) == 1
    assert_array_equal(np.flatnonzero(np.isnan(result)), [3, 17])
    assert_array_equal(np.delete(result, [3, 17]), np.delete(full, [3, 17]))


ROWS = np.eye(3)
WITH_NAN = np.where(ROWS == 1, np.nan, 0)
WITH_INF = np.where(ROWS == 1, np.inf, 0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"queries": ROWS[0]}, ValueError, "Expected 2D array"),
        ({"gallery": ROWS[0]}, ValueError, "Expected 2D array"),
        ({"queries": WITH_NAN}, ValueError, "queries contains NaN"),
        ({"gallery": WITH_INF}, ValueError, "gallery contains infinity"),
        ({"queries": [["a", "b", "c"]] * 3}, ValueError, "queries holds text, such as 'a'"),
        ({"queries": ROWS * 1j}, ValueError, "Complex data not supported"),
        ({"queries": ROWS[:0]}, ValueError, "0 sample"),
        ({"gallery": ROWS[:0]}, ValueError, "0 sample"),
        ({"queries": ROWS[:, :0], "gallery": ROWS[:, :0]}, ValueError, "0 feature"),
        ({"queries": ROWS[:, :2]}, ValueError, "queries have 2 features and gallery items 3"),
        ({"queries": ROWS[:2]}, ValueError, "got 2 queries and 3 gallery items"),
        ({"query_ids": [0, 1, 2]}, ValueError, "got query_ids without gallery_ids"),
        ({"gallery_ids": [0, 1, 2]}, ValueError, "got gallery_ids without query_ids"),
        ({"query_ids": [0, 1], "gallery_ids": [0, 1, 2]}, ValueError, "query_ids .* expected 3, got 2"),
        ({"query_ids": [0, 1, 2], "gallery_ids": [0] * 4}, ValueError, "gallery_ids .* expected 3, got 4"),
        ({"query_ids": [[0], [1], [2]], "gallery_ids": [0, 1, 2]}, TypeError, r"row 0 has the list \[0\]"),
        ({"query_ids": np.zeros((3, 1)), "gallery_ids": [0, 1, 2]}, ValueError, r"got shape \(3, 1\)"),
        ({"query_ids": "abc", "gallery_ids": [0, 1, 2]}, ValueError, "list or array .* got one str"),
        ({"query_ids": [0, np.nan, 2], "gallery_ids": [0, 1, 2]}, ValueError, "1 of 3 ids or labels are NaN"),
        (
            {"query_ids": [0, 1, 2], "gallery_ids": np.array([0, np.nan, np.nan])},
            ValueError,
            "2 of 3 ids or labels are NaN",
        ),
        ({"query_ids": ["a", None, "b"], "gallery_ids": ["a", "b", "c"]}, ValueError, "1 of 3 ids or labels are NaN"),
        ({"query_ids": pd.array([0, None, 1]), "gallery_ids": [0, 1, 2]}, ValueError, "1 of 3 ids or labels are NaN"),
        ({"query_ids": [0, 1, 2], "gallery_ids": ["0", "1", "2"]}, TypeError, "got int against str"),
        ({"query_ids": np.arange(3), "gallery_ids": np.array(["0", "1", "2"])}, TypeError, "convert both"),
        ({"query_ids": [0, "1", 2], "gallery_ids": [0, "1", 2]}, TypeError, "got int, str against"),
        ({"query_ids": np.arange(3), "gallery_ids": np.arange(3).astype("M8[s]")}, TypeError, "datetime"),
        ({"query_ids": [5, 6, 7], "gallery_ids": [0, 1, 2]}, ValueError, "No query has a relevant item"),
        ({"similarity": "manhattan"}, ValueError, "similarity must be one of .*cosine.* got 'manhattan'"),
        ({"similarity": None}, TypeError, "similarity must be one of .* got None"),
    ],
)
def test_bad_input_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        retrieval_ranks(**({"queries": ROWS, "gallery": ROWS} | arguments))


def test_counts_of_the_best_agree_with_counts_of_all(labelled):
    problem = ranks.prepare(**labelled, similarity="cosine")
    (best,) = ranks.relevant_counts(problem, best_only=True)
    (every,) = ranks.relevant_counts(problem, best_only=False)
    assert_array_equal(best.best(), every.best())
    assert_array_equal(np.bincount(every.query), every.n_relevant)


@pytest.mark.parametrize("count_up_to", [0, 10**6])
def test_sorting_and_counting_agree(labelled, count_up_to, monkeypatch):
    labelled["gallery"][::2] = labelled["gallery"][0]
    problem = ranks.prepare(**labelled, similarity="dot")
    (expected,) = ranks.relevant_counts(problem, best_only=False)
    monkeypatch.setattr(ranks, "_COUNT_UP_TO", count_up_to)
    (counts,) = ranks.relevant_counts(problem, best_only=False)
    for name in ("greater", "tied", "relevant_greater", "relevant_tied"):
        assert_array_equal(getattr(counts, name), getattr(expected, name))


@pytest.mark.parametrize("similarity", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("copies", [0, 3, 60])
def test_tiles_count_as_whole_lists_do(copies, dtype, similarity, monkeypatch):
    """One relevant item each; with 60 of 75 items alike too many are in doubt for a tile."""
    rng = np.random.default_rng(0)
    queries, gallery = (1 + rng.random((n, 5)).astype(dtype) for n in (30, 75))
    gallery[: copies + 1] = gallery[0]
    problem = ranks.prepare(queries, gallery, rng.permutation(30), np.arange(75), similarity)
    monkeypatch.setattr(_tiles, "_TILE_ITEMS", 16)
    monkeypatch.setattr(_tiles, "_TILE_BYTES", 1_000)
    monkeypatch.setattr(_tiles, "JUDGED_AT_ONCE", 5)
    in_tiles = list(ranks.relevant_counts(problem, best_only=True))
    monkeypatch.setattr(ranks, "fit_in_tiles", lambda _: False)
    in_lists = list(ranks.relevant_counts(problem, best_only=True))
    for name in ("greater", "tied", "relevant_greater", "relevant_tied", "n_relevant", "n_gallery"):
        each, other = (np.concatenate([getattr(c, name) for c in counts]) for counts in (in_tiles, in_lists))
        assert_array_equal(each, other)


@pytest.mark.parametrize("share", [0.02, 0.5, 1.0])
@pytest.mark.parametrize("step", [2.0**-33, 1.0, 40.0, 1e5])
def test_places_in_a_sorted_list_are_counts_of_all_pairs(step, share, monkeypatch):
    """From scores so close that their whole numbers are equal to scores far apart; some items are left out."""
    monkeypatch.setattr(_sorting, "_TOGETHER", 300)
    rng = np.random.default_rng(0)
    scores = rng.integers(-40, 41, (7, 90)) * step
    scores[:, :2] = _sorting.LARGEST_SCORE * np.array([1, -1])
    scores[rng.random(scores.shape) < 0.1] = -np.inf
    width = rng.choice([1.0, 2.0], 90) * step / 9
    items = [np.flatnonzero((rng.random(90) < share) & (row > -np.inf)) for row in scores]
    items = [
        np.flatnonzero(row > -np.inf)[:1] if len(own) == 0 else own for own, row in zip(items, scores, strict=True)
    ]
    n_relevant = np.array([len(own) for own in items])
    found = _sorting.count_in_lists(scores, np.minimum(width, 0.1), items.__getitem__, n_relevant, some_left_out=True)
    width = np.minimum(width, 0.1)
    expected = []
    for row, own in zip(scores, items, strict=True):
        own = own[np.argsort(-row[own])]
        low, high = row - width, row + width
        above = low > high[own, None]
        tied = (high >= low[own, None]) & ~above
        expected.append([above.sum(1), tied.sum(1), above[:, own].sum(1), tied[:, own].sum(1)])
    assert_array_equal(found, np.hstack(expected))
