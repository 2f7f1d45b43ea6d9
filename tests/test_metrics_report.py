"""The report: both directions, chance, and intervals that behave like intervals."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from crossmodal_cca import PLSSVD, metrics
from crossmodal_cca.metrics import _resampling as resampling
from crossmodal_cca.metrics import compare_retrieval, report, retrieval_report, shuffled_pair_control

DIRECTIONS = ("x to y", "y to x")


@pytest.fixture
def captions():
    """30 images with three captions each."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(30, 6))
    owners = np.repeat(np.arange(30), 3)
    texts = images[owners] + 1.5 * rng.normal(size=(90, 6))
    return {"x_scores": images, "y_scores": texts, "x_ids": np.arange(30), "y_ids": owners}


@pytest.mark.parametrize("similarity", ["cosine", "euclidean"])
def test_values_are_those_of_the_metrics_in_both_directions(captions, similarity):
    table = retrieval_report(**captions, ks=(1, 5, 200), similarity=similarity, n_resamples=0)
    sides = {"x to y": ("x", "y"), "y to x": ("y", "x")}
    for direction, (a, b) in sides.items():
        data = {
            "queries": captions[f"{a}_scores"],
            "gallery": captions[f"{b}_scores"],
            "query_ids": captions[f"{a}_ids"],
            "gallery_ids": captions[f"{b}_ids"],
            "similarity": similarity,
        }
        rows = table.loc[direction]
        for k in (1, 5, 200):
            assert rows.loc[f"hit_rate_at_{k}", "value"] == metrics.hit_rate_at_k(**data, k=k)
        for name in ("mean_reciprocal_rank", "mean_average_precision", "median_rank"):
            assert rows.loc[name, "value"] == getattr(metrics, name)(**data)
        assert set(rows["n_queries"]) == {len(data["queries"])}
        assert set(rows["n_gallery"]) == {len(data["gallery"])}
    assert table[["low", "high"]].isna().all(axis=None)


def test_layout(captions):
    table = retrieval_report(**captions, n_resamples=2, random_state=0)
    assert list(table.columns) == ["value", "low", "high", "chance", "n_queries", "n_clusters", "n_gallery"]
    assert table.index.names == ["direction", "measure"]
    names = [f"hit_rate_at_{k}" for k in (1, 5, 10)]
    names += ["mean_reciprocal_rank", "mean_average_precision", "median_rank"]
    assert list(table.index) == [(d, n) for d in DIRECTIONS for n in names]


def test_sides_swapped_are_directions_swapped(captions):
    swapped = {"xy"["yx".index(k[0])] + k[1:]: v for k, v in captions.items()}
    forth, back = (retrieval_report(**data, n_resamples=0) for data in (captions, swapped))
    for one, other in (DIRECTIONS, DIRECTIONS[::-1]):
        assert_array_equal(forth.loc[one, ["value", "chance"]], back.loc[other, ["value", "chance"]])


def test_chance_is_what_a_constant_similarity_scores(captions):
    rng = np.random.default_rng(1)
    # Uneven classes, so that queries differ in their chance.
    captions |= {
        "x_ids": np.arange(30) % 7,
        "y_ids": np.concatenate((np.arange(7), rng.integers(3, size=83))),
    }
    constant = captions | {"x_scores": np.ones((30, 2)), "y_scores": np.ones((90, 2))}
    table = retrieval_report(**captions, n_resamples=0)
    assert_allclose(table["chance"], retrieval_report(**constant, n_resamples=0)["value"], atol=1e-12)


@pytest.mark.parametrize("at_once", [1, 40, 2**16])
@pytest.mark.parametrize("graded", [False, True])
def test_chance_does_not_know_how_many_queries_are_looked_at_at_once(graded, at_once, monkeypatch):
    monkeypatch.setattr(report, "_RELEVANT_AT_ONCE", at_once)
    rng = np.random.default_rng(5)
    relevance = rng.integers(0, 4, (12, 9)) * (rng.random((12, 9)) < 0.5)
    relevance[:, 0] = relevance[0] = 1
    options = {"relevance": relevance if graded else relevance > 0, "n_resamples": 0}
    options["measures"] = ["hit_rate_at_2", "mean_average_precision", "median_rank", "ndcg_at_4"]
    found = retrieval_report(rng.normal(size=(12, 3)), rng.normal(size=(9, 3)), **options)
    constant = retrieval_report(np.ones((12, 3)), np.ones((9, 3)), **options)
    assert_allclose(found["chance"], constant["value"], rtol=1e-12)
    assert not np.allclose(found["chance"], found["value"])


def test_chance_of_pairs_in_closed_form():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 40, 3))
    chance = retrieval_report(x, y, ks=(1, 4, 99), n_resamples=0).loc["x to y", "chance"]
    harmonic = np.sum(1 / np.arange(1, 41)) / 40
    assert_allclose(chance, [1 / 40, 4 / 40, 1, harmonic, harmonic, 20.5])


def test_intervals_contain_the_value_and_widen_with_confidence(captions):
    narrow = retrieval_report(**captions, confidence_level=0.5, random_state=0)
    wide = retrieval_report(**captions, confidence_level=0.99, random_state=0)
    for table in (narrow, wide):
        assert (table["low"] <= table["value"]).all()
        assert (table["value"] <= table["high"]).all()
    assert (wide["low"] <= narrow["low"]).all()
    assert (wide["high"] >= narrow["high"]).all()
    assert (wide["high"] - wide["low"]).sum() > (narrow["high"] - narrow["low"]).sum()


def test_same_seed_same_intervals(captions):
    first, again, other = (retrieval_report(**captions, n_resamples=50, random_state=s) for s in (0, 0, 1))
    assert first.equals(again)
    assert not first.equals(other)


def test_drawing_in_chunks_changes_nothing(captions, monkeypatch):
    whole = retrieval_report(**captions, n_resamples=50, random_state=0)
    monkeypatch.setattr(resampling, "_DRAWS_AT_ONCE", 200)
    chunked = retrieval_report(**captions, n_resamples=50, random_state=0)
    # Means of at most 90 values, none negative, summed in another order; other draws would differ by some per cent.
    pd.testing.assert_frame_equal(whole, chunked, rtol=90 * np.finfo(float).eps, atol=0)


def test_bootstrap_agrees_with_the_binomial_error_of_a_hit_rate():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(600, 4))
    y = x + 0.35 * rng.normal(size=x.shape)
    row = retrieval_report(x, y, ks=(5,), n_resamples=2000, random_state=0).loc[("x to y", "hit_rate_at_5")]
    p = row["value"]
    assert 0.1 < p < 0.9
    width = 2 * 1.96 * np.sqrt(p * (1 - p) / 600)
    # The ends are multiples of 1/600, and quantiles of 2000 draws vary by a few per cent.
    assert row["high"] - row["low"] == pytest.approx(width, rel=0.1)


def test_queries_left_out_are_not_counted(captions):
    ids = captions["x_ids"].copy()
    ids[:4] = -1
    with pytest.warns(UserWarning, match="no relevant item") as caught:
        table = retrieval_report(**(captions | {"x_ids": ids}), n_resamples=20, random_state=0)
    messages = [str(w.message) for w in caught]
    assert [m.split(" queries")[0] for m in messages] == ["4 of 30", "12 of 90"]
    assert set(table.loc["x to y", "n_queries"]) == {26}
    assert set(table.loc["y to x", "n_queries"]) == {78}
    assert table.notna().all(axis=None)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"ks": (0,)}, ValueError, r"ks\[0\] must be a whole number of at least 1"),
        ({"ks": (1.5,)}, TypeError, r"ks\[0\] must be a whole number of at least 1"),
        ({"ks": 5}, TypeError, "ks must be a sequence"),
        ({"ks": (5, 5)}, ValueError, "different whole numbers"),
        ({"ks": (None,)}, TypeError, r"ks\[0\] must be a whole number"),
        ({"n_resamples": -1}, ValueError, "n_resamples must be a whole number of at least 0; got -1"),
        ({"n_resamples": 10.0}, TypeError, "n_resamples must be a whole number of at least 0"),
        ({"confidence_level": 95}, ValueError, r"confidence_level must lie in \(0, 1\), got 95"),
        ({"random_state": "seed"}, ValueError, "cannot be used to seed"),
        ({"y_ids": None}, ValueError, "got x_ids without y_ids"),
        ({"similarity": "l2"}, ValueError, "similarity must be one of"),
    ],
)
def test_bad_input_is_refused(captions, arguments, error, message):
    with pytest.raises(error, match=message):
        retrieval_report(**(captions | arguments))


def test_no_cutoffs_are_allowed(captions):
    assert len(retrieval_report(**captions, ks=(), n_resamples=0)) == 6


def test_tables_speak_of_the_modalities_by_their_names():
    x, y = np.random.default_rng(0).normal(size=(2, 20, 3))
    names = ("picture", "word")
    for table in (
        retrieval_report(x, y, names=names, random_state=0),
        compare_retrieval((x, y), (y, x), names=names, random_state=0),
        shuffled_pair_control(PLSSVD(1), x, y, x, y, names=names, n_shuffles=1, random_state=0),
    ):
        assert table.index.get_level_values("direction").unique().tolist() == ["picture to word", "word to picture"]
    for wrong, error in ((("x", "x"), ValueError), ("xy", TypeError), (("x", 1), TypeError), (None, TypeError)):
        with pytest.raises(error, match="names must be two different names, one for each modality"):
            retrieval_report(x, y, names=wrong)
