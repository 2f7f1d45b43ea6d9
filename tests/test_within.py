"""Searching within some items is searching an index of these alone."""

import numpy as np
import pytest
from linear_models import pairs
from numpy.testing import assert_allclose, assert_array_equal

from crossmodal_cca import CCA
from crossmodal_cca.retrieval import CrossModalIndex

X, Y = pairs(120)
CCA_MODEL = CCA(3, shrinkage=0.1).fit(X, Y)
IDS = np.array([f"item {i // 2}" for i in range(120)])  # two items share one
SOME = ["item 40", "item 3", "item 7", "item 41", "item 59"]
ROWS = np.flatnonzero(np.isin(IDS, SOME))
SETTINGS = {
    "cosine": {},
    "dot": {"similarity": "dot"},
    "euclidean": {"similarity": "euclidean"},
    "csls": {"hubness": "csls"},
    "nnn": {"hubness": "nnn", "similarity": "dot"},
    "csls, more neighbours than items": {"hubness": "csls", "hubness_neighbors": 30},
    "centred": {"center": True},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_result_is_that_of_an_index_of_these_items(settings, dtype):
    gallery, queries = (rows.astype(dtype) for rows in (Y, X[:20]))
    bank = {"query_bank": X.astype(dtype)} if settings.keys() & {"hubness", "center"} else {}
    index = CrossModalIndex(CCA_MODEL, **settings).fit(gallery, IDS, **bank)
    alone = CrossModalIndex(CCA_MODEL, **settings).fit(gallery, IDS, **bank)
    alone.remove(sorted(set(IDS) - set(SOME)))
    expected = alone.kneighbors(queries, len(ROWS))
    for within in (SOME, SOME[::-1], set(SOME), np.array(SOME)):
        found = index.kneighbors(queries, len(ROWS), within=within)
        assert_array_equal(found[1], expected[1])
        assert_allclose(found[0], expected[0], rtol=1e-12, atol=1e-12)
    if "center" not in settings:  # whose mean would be of other items
        again = CrossModalIndex(CCA_MODEL, **settings).fit(gallery[ROWS], IDS[ROWS], **bank)
        assert_array_equal(again.kneighbors(queries, 4)[1], index.kneighbors(queries, 4, within=SOME)[1])
        assert_allclose(again.kneighbors(queries, 4)[0], index.kneighbors(queries, 4, within=SOME)[0], atol=1e-12)


def test_all_items_or_one():
    index = CrossModalIndex(CCA_MODEL).fit(Y)
    for one, other in zip(index.kneighbors(X, 5), index.kneighbors(X, 5, within=index.ids_), strict=True):
        assert_array_equal(one, other)
    assert_array_equal(index.kneighbors(X, 1, within=17)[1], np.full((120, 1), 17))


def test_a_table_of_matches_within_some_items():
    index = CrossModalIndex(CCA_MODEL).fit(Y)
    captions = [f"caption {i}" for i in range(120)]
    table = index.show(X[:3], 2, within=[5, 90, 40], captions=captions)
    assert_array_equal(table["id"].to_numpy().reshape(3, 2), index.kneighbors(X[:3], 2, within=[5, 90, 40])[1])
    assert table["match"].tolist() == [f"caption {i}" for i in table["id"]]


@pytest.mark.parametrize(
    ("within", "error", "message"),
    [
        (["item 3"], ValueError, "n_neighbors .* between 1 and the number of items in within, 2; got 3"),
        (["item 3", "nothing"], ValueError, "^within must be ids of the index, but 1 of 2 .* such as 'nothing'"),
        ([3], ValueError, "such as 3; its ids are of type str"),
        ([], ValueError, "^within holds no id"),
        (IDS == "item 3", TypeError, r"^within must be ids of the index, none of which is True .* index\.ids_\[mask\]"),
        ([["item 3"]], TypeError, r"^within .* the list \['item 3'\]"),
    ],
)
@pytest.mark.parametrize("method", ["kneighbors", "show"])
def test_what_is_not_there_is_not_searched(method, within, error, message):
    index = CrossModalIndex(CCA_MODEL).fit(Y, IDS)
    with pytest.raises(error, match=message):
        getattr(index, method)(X, 3, within=within)


def test_a_mask_is_no_list_of_numbers():
    """True would be the item 1 and False the item 0."""
    index = CrossModalIndex(CCA_MODEL).fit(Y)
    mask = np.arange(120) > 100
    for call in (lambda ids: index.kneighbors(X[:2], 1, within=ids), index.remove):
        for ids in (mask, mask.tolist(), True):
            with pytest.raises(TypeError, match="none of which is True or False"):
                call(ids)
    assert len(index) == 120
    assert len(index.remove(index.ids_[mask])) == 101
    flags = CrossModalIndex().fit(np.eye(2), ids=[True, False])
    assert flags.kneighbors(np.eye(2), 1, within=True)[1].tolist() == [[True], [True]]


def test_ids_of_dask_are_ids():
    da = pytest.importorskip("dask.array")
    index = CrossModalIndex(CCA_MODEL).fit(Y)
    found = index.kneighbors(X[:5], 2, within=da.arange(3, chunks=2))
    assert_array_equal(found[1], index.kneighbors(X[:5], 2, within=range(3))[1])
