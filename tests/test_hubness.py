"""Hubness and its corrections against their slow definitions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import skew

from crossmodal_cca.metrics import mean_reciprocal_rank, per_query
from crossmodal_cca.retrieval import CrossModalIndex, correct_hubness, hubness_report, k_occurrence


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def mean_of_largest(similarity, k):
    return np.sort(similarity, axis=1)[:, -k:].mean(axis=1)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    queries, gallery, bank = rng.normal(size=(30, 6)), rng.normal(size=(50, 6)), rng.normal(size=(40, 6)) + 0.5
    return {"queries": queries, "gallery": gallery, "query_bank": bank}


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize(("k", "weight"), [(1, 0.75), (7, 0.3), (40, 2.0)])
def test_nnn_as_an_extra_dimension_is_subtracting_the_bias(data, similarity, k, weight):
    q, g, bank = data.values() if similarity == "dot" else map(unit, data.values())
    expected = q @ g.T - weight * mean_of_largest(g @ bank.T, k)
    corrected = correct_hubness(**data, n_neighbors=k, weight=weight, similarity=similarity)
    assert_allclose(corrected[0] @ corrected[1].T, expected, atol=1e-12)
    index = CrossModalIndex(hubness="nnn", hubness_neighbors=k, hubness_weight=weight, similarity=similarity)
    index.fit(data["gallery"], query_bank=data["query_bank"])
    distances, ids = index.kneighbors(data["queries"], 50)
    assert_array_equal(ids, np.argsort(-expected, axis=1))
    assert_allclose(distances, (similarity == "cosine") + np.sort(-expected, axis=1), atol=1e-12)


@pytest.mark.parametrize("k", [1, 5, 40])
def test_csls_is_its_slow_definition(data, k):
    q, g, bank = map(unit, data.values())
    own = mean_of_largest(q @ g.T, min(k, 50))
    expected = 2 * q @ g.T - own[:, None] - mean_of_largest(g @ bank.T, k)
    index = CrossModalIndex(hubness="csls", hubness_neighbors=k).fit(data["gallery"], query_bank=data["query_bank"])
    distances, ids = index.kneighbors(data["queries"], 12)
    assert_array_equal(ids, np.argsort(-expected, axis=1)[:, :12])
    assert_allclose(distances, 1 + np.sort(-expected, axis=1)[:, :12], atol=1e-12)
    corrected = correct_hubness(**data, method="csls", n_neighbors=k)
    order = np.argsort(-(corrected[0] @ corrected[1].T), axis=1)
    assert_array_equal(order[:, :12], ids)
    half = correct_hubness(**data, method="nnn", weight=0.5, n_neighbors=k)
    for one, other in zip(corrected, half, strict=True):
        assert_array_equal(one, other)


def test_no_weight_is_no_correction(data):
    plain = CrossModalIndex().fit(data["gallery"]).kneighbors(data["queries"], 9)
    index = CrossModalIndex(hubness="nnn", hubness_weight=0).fit(data["gallery"], query_bank=data["query_bank"])
    assert_array_equal(index.kneighbors(data["queries"], 9)[1], plain[1])


@pytest.mark.parametrize("hubness", ["csls", "nnn"])
def test_items_added_later_get_the_bias_of_the_same_bank(data, hubness):
    bank = {"query_bank": data["query_bank"]}
    whole = CrossModalIndex(hubness=hubness).fit(data["gallery"], **bank)
    parts = CrossModalIndex(hubness=hubness).fit(data["gallery"][:20], **bank).add(data["gallery"][20:])
    for one, other in zip(whole.kneighbors(data["queries"], 9), parts.kneighbors(data["queries"], 9), strict=True):
        assert_allclose(one, other, atol=1e-12)
    assert_array_equal(whole.bank_embeddings_, parts.bank_embeddings_)


@pytest.mark.parametrize("similarity", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("k", [1, 4, 50])
def test_k_occurrence_counts_first_results(data, similarity, k):
    found = CrossModalIndex(similarity=similarity).fit(data["gallery"]).kneighbors(data["queries"], k)[1]
    counts = k_occurrence(data["queries"], data["gallery"], k=k, similarity=similarity)
    assert_array_equal(counts, [np.sum(found == i) for i in range(50)])
    assert counts.sum() == 30 * k


@pytest.fixture
def hubs():
    """Partners found badly because a shift makes a few items near to everything; the bank sees the same shift."""
    rng = np.random.default_rng(1)
    y = rng.normal(size=(400, 15))
    shift = 2 * rng.normal(size=15)
    bank = rng.normal(size=(300, 15)) + shift
    return {"queries": y + 0.8 * rng.normal(size=y.shape) + shift, "gallery": y, "query_bank": bank}


def test_the_report_says_that_a_correction_helps_where_it_does(hubs):
    table = hubness_report(**hubs, neighbors=(10, 1000), weights=(0.75,), random_state=0)
    assert list(table.index) == [("none", 0, 0.0), ("csls", 10, 0.5), ("nnn", 10, 0.75)]
    none, nnn = table.iloc[0], table.loc[("nnn", 10, 0.75)]
    assert not none["helps"]
    assert np.isnan(none["difference"])
    assert nnn["helps"]
    assert nnn["p_value"] < 0.01
    assert nnn["skewness"] < none["skewness"]
    assert none["value"] == pytest.approx(mean_reciprocal_rank(hubs["queries"], hubs["gallery"]))
    corrected = correct_hubness(**hubs)
    assert nnn["value"] == pytest.approx(mean_reciprocal_rank(*corrected, similarity="dot"))
    assert nnn["difference"] == pytest.approx(
        np.mean(per_query("mean_reciprocal_rank", *corrected, similarity="dot"))
        - np.mean(per_query("mean_reciprocal_rank", hubs["queries"], hubs["gallery"]))
    )
    assert none["skewness"] == pytest.approx(skew(k_occurrence(hubs["queries"], hubs["gallery"])))


def test_the_report_says_that_a_correction_hurts_where_it_does(hubs):
    rng = np.random.default_rng(2)
    # Queries ask for the items near to most of them: what looks like hubs is what they are after.
    gallery = hubs["gallery"]
    table = hubness_report(
        gallery + 0.3 * rng.normal(size=gallery.shape),
        gallery,
        -hubs["query_bank"],
        measure="median_rank",
        neighbors=(5,),
        weights=(2.0,),
        random_state=0,
    )
    assert not table["helps"].any()
    assert table.loc[("nnn", 5, 2.0), "difference"] > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "qb"}, "must be one of .*csls.*nnn.* got 'qb'"),
        ({"similarity": "euclidean"}, "'cosine' or 'dot'"),
        ({"n_neighbors": 41}, "between 1 and the number of rows of query_bank, 40; got 41"),
        ({"n_neighbors": 0}, "between 1 and"),
        ({"weight": -0.1}, "weight must lie in"),
        ({"query_bank": np.ones((3, 5))}, "must share one space"),
        ({"queries": np.full((3, 6), np.nan)}, "queries contains NaN"),
    ],
)
def test_bad_input_is_refused(data, options, message):
    with pytest.raises(ValueError, match=message):
        correct_hubness(**(data | options))
    for call in (
        lambda: k_occurrence(data["queries"], data["gallery"], k=51),
        lambda: k_occurrence(data["queries"], data["gallery"], k=None),
        lambda: hubness_report(**data, similarity="euclidean"),
    ):
        with pytest.raises((ValueError, TypeError), match=r"the number of gallery items, 50|got None|'cosine' or"):
            call()
