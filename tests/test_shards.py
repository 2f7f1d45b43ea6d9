"""A gallery in chunks gives the ranks and neighbours of the gallery in one piece."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from crossmodal_cca._similarity import SIMILARITIES
from crossmodal_cca.metrics import _sharded as sharded
from crossmodal_cca.metrics import retrieval_ranks
from crossmodal_cca.retrieval import CrossModalIndex, search_shards

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

# Of the zeros in the gallery; under Dask nobody sees them.
pytestmark = pytest.mark.filterwarnings("ignore:2 of the 400 rows of .* are zero throughout")
RNG = np.random.default_rng(0)
N, D = 400, 12
# Lengths apart, one cluster far from the others, copies in other chunks, zeros.
GALLERY = RNG.standard_normal((N, D)) * RNG.lognormal(size=(N, 1))
GALLERY[:120] += 8.0
GALLERY[300:340] = GALLERY[100:140]
GALLERY[[7, 399]] = 0.0
QUERIES = GALLERY[RNG.integers(0, N, 150)] + 0.5 * RNG.standard_normal((150, D))
LABELS, ASKED = RNG.integers(0, 80, N), RNG.integers(0, 80, 150)
UNIQUE = np.array([f"item {i}" for i in RNG.permutation(N)])


@pytest.fixture(autouse=True)
def in_this_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


CHUNKS = {
    "one": (N, "float32"),
    "rows": ((60, D), "float64"),
    "rows and columns": ((90, 5), "float32"),
    "some empty": (((0, 50, 0, 350, 0), D), "float32"),
}


@pytest.mark.parametrize(("chunks", "dtype"), CHUNKS.values(), ids=CHUNKS)
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_ranks_are_those_of_the_whole_gallery(similarity, dtype, chunks):
    queries, gallery = QUERIES.astype(dtype), GALLERY.astype(dtype)
    lazy = da.from_array(gallery, chunks=chunks)
    for ids in (
        {"query_ids": ASKED, "gallery_ids": LABELS},
        {"query_ids": UNIQUE[:150], "gallery_ids": UNIQUE},
        {"query_ids": ASKED.tolist(), "gallery_ids": da.from_array(LABELS, 33)},
    ):
        whole = retrieval_ranks(queries, gallery, similarity=similarity, **{k: np.asarray(v) for k, v in ids.items()})
        assert_array_equal(retrieval_ranks(queries, lazy, similarity=similarity, **ids), whole)
    assert_array_equal(
        retrieval_ranks(gallery, lazy, similarity=similarity), retrieval_ranks(gallery, gallery, similarity=similarity)
    )


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_queries_may_come_in_chunks_too(similarity):
    ids = {"query_ids": ASKED, "gallery_ids": LABELS, "similarity": similarity}
    whole = retrieval_ranks(QUERIES, GALLERY, **ids)
    for chunks in ((70, 7), ((0, 70, 0, 80, 0), D)):
        queries = da.from_array(QUERIES, chunks)
        assert_array_equal(retrieval_ranks(queries, da.from_array(GALLERY, (90, D)), **ids), whole)
    assert_array_equal(retrieval_ranks(queries, GALLERY, **ids), whole)


def test_a_constant_gallery_is_chance():
    lazy = da.ones((100, 3), chunks=(30, 3))
    assert_array_equal(retrieval_ranks(np.ones((100, 3)), lazy), np.full(100, 50.5))


def test_queries_without_a_relevant_item_are_left_out():
    lazy = da.from_array(GALLERY, (60, D))
    with pytest.warns(UserWarning, match="149 of 150 queries have no relevant item"):
        ranks = retrieval_ranks(QUERIES, lazy, query_ids=[-1] * 149 + [LABELS[0]], gallery_ids=LABELS)
    assert np.isnan(ranks[:-1]).all()
    assert 1 <= ranks[-1] <= N
    with pytest.raises(ValueError, match="No query has a relevant item"):
        retrieval_ranks(QUERIES, lazy, query_ids=[-1] * 150, gallery_ids=LABELS)


@pytest.mark.parametrize(("chunks", "dtype"), CHUNKS.values(), ids=CHUNKS)
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_neighbours_are_those_of_the_index(similarity, dtype, chunks):
    queries, gallery = QUERIES.astype(dtype), GALLERY.astype(dtype)
    lazy = da.from_array(gallery, chunks=chunks)
    index = CrossModalIndex(similarity=similarity).fit(gallery, ids=UNIQUE)
    for k in (1, 10, N):
        distances, ids = search_shards(queries, lazy, k, ids=UNIQUE, similarity=similarity)
        expected_distances, expected_ids = index.kneighbors(queries, k)
        assert_array_equal(ids, expected_ids)
        assert_array_equal(distances, expected_distances)


def test_neighbours_of_queries_in_chunks_and_of_dataframes():
    dd = pytest.importorskip("dask.dataframe")
    expected = CrossModalIndex().fit(GALLERY).kneighbors(QUERIES, 5)
    frame = dd.from_pandas(pd.DataFrame(GALLERY), npartitions=3).to_dask_array(lengths=True)
    for gallery in (da.from_array(GALLERY, (90, D)), frame, GALLERY):
        for queries in (QUERIES, da.from_array(QUERIES, (40, D))):
            for one, other in zip(search_shards(queries, gallery, 5), expected, strict=True):
                assert_array_equal(one, other)


LAZY = da.from_array(GALLERY, (60, D))
SPOILED = da.from_array(np.where(np.arange(N)[:, None] == 399, np.nan, GALLERY), (60, D))
BAD = {
    "NaN in a late chunk": (SPOILED, {}, ValueError, "Input gallery contains NaN"),
    "unknown sizes": (
        LAZY[LAZY[:, 0] > 0],
        {},
        ValueError,
        "gallery has chunks of unknown sizes. Count the rows first",
    ),
    "sparse rows": (LAZY.map_blocks(sparse.csr_matrix), {}, TypeError, "Sparse data was passed for gallery"),
    "other width": (LAZY[:, 1:], {}, ValueError, "must share one space"),
    "no such similarity": (LAZY, {"similarity": "taxi"}, ValueError, "similarity must be one of"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_galleries_are_refused(case):
    gallery, options, error, message = BAD[case]
    for call in (
        lambda: (
            retrieval_ranks(QUERIES, gallery, query_ids=ASKED, gallery_ids=LABELS[: gallery.shape[0]], **options)
            if not np.isnan(gallery.shape[0])
            else retrieval_ranks(QUERIES, gallery, **options)
        ),
        lambda: search_shards(QUERIES, gallery, 3, **options),
    ):
        with pytest.raises(error, match=message):
            call()


def test_what_does_not_fit_a_gallery_in_chunks_is_refused(monkeypatch):
    monkeypatch.setattr(sharded, "_SAMPLED_ROWS", 1000)
    with pytest.raises(ValueError, match="relevance is for rows in memory"):
        retrieval_ranks(QUERIES, LAZY, relevance=np.ones((150, N)))
    with pytest.raises(ValueError, match="between 1 and the number of items in the gallery, 400; got 401"):
        search_shards(QUERIES, LAZY, N + 1)
    with pytest.raises(ValueError, match="ids must have one entry per row of gallery: expected 400, got 3"):
        search_shards(QUERIES, LAZY, ids=["a", "b", "c"])
    far = np.ones((3000, 2), np.float32)
    far[1] = 1e30  # a row that the sample of a chunk misses
    with pytest.raises(ValueError, match="Gallery items differ too much in size to be compared in float32"):
        retrieval_ranks(far, da.from_array(far, 3000), similarity="dot")
    with pytest.raises(ValueError, match="as many of both; got 150 queries and 400"):
        retrieval_ranks(QUERIES, LAZY)


@pytest.mark.parametrize(("similarity", "times"), [("cosine", 2), ("dot", 3), ("euclidean", 3)])
def test_chunks_are_read_as_often_as_promised(similarity, times):
    made = []

    def block(A):
        made.append(len(A))
        return A

    lazy = LAZY.map_blocks(block, dtype=float, meta=GALLERY[:0])
    retrieval_ranks(QUERIES, lazy, query_ids=ASKED, gallery_ids=LABELS, similarity=similarity)
    assert sum(made) == times * N
    made.clear()
    search_shards(QUERIES, lazy, similarity=similarity)
    assert sum(made) == N


def test_a_sample_of_the_gallery_stays_a_sample(monkeypatch):
    taken = []
    monkeypatch.setattr(sharded, "_SAMPLED_ROWS", 40)
    sample = sharded._sample
    monkeypatch.setattr(sharded, "_sample", lambda chunk, n: taken.append(len(sample(chunk, n)[0])) or sample(chunk, n))
    # Every eleventh row of a chunk would be one more than the five that it may give.
    lazy = da.from_array(GALLERY, (59, D))
    found = retrieval_ranks(QUERIES, lazy, query_ids=ASKED, gallery_ids=LABELS, similarity="euclidean")
    assert sum(taken) <= 40
    assert_array_equal(
        found, retrieval_ranks(QUERIES, GALLERY, query_ids=ASKED, gallery_ids=LABELS, similarity="euclidean")
    )
