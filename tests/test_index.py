"""The index answers as brute force does, whatever was added, removed, saved or loaded."""

import pickle

import numpy as np
import pandas as pd
import pytest
from linear_models import pairs
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import NearestNeighbors

from crossmodal_cca import CCA, CCACV, PLSSVD, CrossModalPipeline, KernelCCA, KernelCCACV
from crossmodal_cca._similarity import SIMILARITIES
from crossmodal_cca.metrics import hit_rate_at_k
from crossmodal_cca.retrieval import CrossModalIndex
from crossmodal_cca.retrieval import _nearest as nearest
from crossmodal_cca.retrieval._nearest import SearchSpace

X, Y = pairs(300)
CCA_MODEL = CCA(3, shrinkage=0.1, power=1.0).fit(X[:150], Y[:150])


def distances_between(queries, gallery, similarity):
    queries, gallery = queries.astype(np.float64), gallery.astype(np.float64)
    return -(queries @ gallery.T) if similarity == "dot" else cdist(queries, gallery, similarity)


def brute_force(queries, gallery, similarity, k):
    distances = distances_between(queries, gallery, similarity)
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, order, axis=1), order


def assert_is_brute_force(index, queries, gallery, ids, k):
    distances, found = index.kneighbors(queries, k)
    expected, positions = brute_force(queries, gallery, index.similarity, k)
    assert_array_equal(found, np.asarray(ids)[positions])
    assert_allclose(distances, expected, rtol=1e-6, atol=1e-6)


@pytest.fixture
def shared():
    """Queries and a gallery with lengths of several orders of magnitude."""
    rng = np.random.default_rng(0)
    gallery = rng.normal(size=(700, 12)) * 10 ** rng.uniform(-2, 2, size=(700, 1))
    return {"queries": rng.normal(size=(90, 12)), "gallery": gallery}


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("k", [1, 3, 10, 44, 700])
def test_neighbors_are_those_of_brute_force(shared, similarity, dtype, k):
    queries, gallery = (rows.astype(dtype) for rows in shared.values())
    assert_is_brute_force(CrossModalIndex(similarity=similarity).fit(gallery), queries, gallery, np.arange(700), k)


def test_neighbors_are_those_of_scikit_learn(shared):
    for similarity in ("cosine", "euclidean"):
        index = CrossModalIndex(similarity=similarity).fit(shared["gallery"])
        reference = NearestNeighbors(metric=similarity, algorithm="brute").fit(shared["gallery"])
        for ours, theirs in zip(
            index.kneighbors(shared["queries"], 7), reference.kneighbors(shared["queries"], 7), strict=True
        ):
            assert_allclose(ours, theirs, atol=1e-7)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_block_size_changes_nothing(shared, similarity, monkeypatch):
    index = CrossModalIndex(similarity=similarity).fit(shared["gallery"].astype(np.float32))
    queries = shared["queries"].astype(np.float32)
    expected = index.kneighbors(queries, 6)
    for block, gathered in ((1, 2**22), (10**4, 30)):
        monkeypatch.setattr(nearest, "BLOCK_BYTES", block)
        monkeypatch.setattr(nearest, "_GATHERED_AT_ONCE", gathered)
        for one, other in zip(index.kneighbors(queries, 6), expected, strict=True):
            assert_array_equal(one, other)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("width", [3, 100])
def test_equal_items_come_in_the_order_of_the_gallery(similarity, width):
    rng = np.random.default_rng(1)
    distinct = np.abs(rng.normal(size=(50, width))).astype(np.float32)
    copies = rng.permutation(np.repeat(np.arange(50), 8))
    index = CrossModalIndex(similarity=similarity).fit(distinct[copies])
    found = index.kneighbors(np.abs(rng.normal(size=(40, width))).astype(np.float32), 24)[1]
    for row in found.reshape(40, 3, 8):
        for group in row:
            assert len(set(copies[group])) == 1
            assert list(group) == sorted(group)


def test_permuting_the_gallery_changes_nothing(shared):
    order = np.random.default_rng(2).permutation(700)
    one = CrossModalIndex().fit(shared["gallery"]).kneighbors(shared["queries"], 5)
    other = CrossModalIndex().fit(shared["gallery"][order], ids=order).kneighbors(shared["queries"], 5)
    assert_array_equal(one[1], other[1])
    assert_allclose(one[0], other[0], atol=1e-15)


def test_a_constant_gallery_and_zero_queries_are_found_in_order():
    index = CrossModalIndex().fit(np.ones((400, 3)))
    with pytest.warns(UserWarning, match=r"1 of the 2 rows of queries are zero throughout \(from 0: 0\)"):
        distances, ids = index.kneighbors([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]], 5)
    assert_array_equal(ids, [range(5), range(5)])
    assert_allclose(distances, [[1.0] * 5, [0.0] * 5], atol=1e-12)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_adding_and_removing_is_fitting_what_remains(shared, similarity):
    gallery = shared["gallery"]
    index = CrossModalIndex(similarity=similarity).fit(gallery[:400])
    index.add(gallery[400:600]).remove(np.arange(0, 600, 3)).add(gallery[600:])
    kept = np.concatenate(([i for i in range(600) if i % 3], np.arange(600, 700)))
    assert len(index) == len(kept)
    assert_array_equal(index.ids_, kept)
    assert_is_brute_force(index, shared["queries"], gallery[kept], kept, 9)
    index.remove(kept)
    assert len(index) == 0
    with pytest.raises(ValueError, match="index is empty"):
        index.kneighbors(shared["queries"])
    assert_array_equal(index.add(gallery[:2]).ids_, [700, 701])


@pytest.mark.parametrize(
    "ids",
    [
        np.arange(6) * 2,
        [f"item {i}" for i in range(6)],
        np.array([f"item {i}" for i in range(6)]),
        np.arange(6).astype("datetime64[D]"),
        np.linspace(0, 1, 6),
        [0, "one", 2.5, 3, "four", 5],
        pd.Series(["a", "b", "c", "d", "e", "f"], index=range(5, 11)),
        [0, 0, 1, 1, 2, 2],
    ],
    ids=["int", "list of str", "str", "date", "float", "mixed", "series", "repeated"],
)
def test_ids_of_any_kind(tmp_path, ids):
    rows = np.eye(6)
    index = CrossModalIndex().fit(rows[:4], ids=ids[:4] if not isinstance(ids, pd.Series) else ids.iloc[:4])
    index.add(rows[4:], ids=ids[4:] if not isinstance(ids, pd.Series) else ids.iloc[4:])
    wanted = list(ids)
    assert list(index.kneighbors(rows, 1)[1][:, 0]) == wanted
    index.save(tmp_path / "index")
    loaded = CrossModalIndex.load(tmp_path / "index")
    assert list(loaded.kneighbors(rows, 1)[1][:, 0]) == wanted
    loaded.remove([wanted[0]])
    assert list(loaded.ids_) == [i for i in wanted if i != wanted[0]]
    assert len(loaded.remove(wanted[2])) < len(index)


@pytest.mark.parametrize("modality", ["x", "y"])
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_queries_go_through_the_other_side_of_the_aligner(modality, similarity):
    images, texts = CCA_MODEL.transform(X[150:], Y[150:])
    gallery, queries = (Y, X) if modality == "y" else (X, Y)
    embedded = (texts, images) if modality == "y" else (images, texts)
    index = CrossModalIndex(CCA_MODEL, modality=modality, similarity=similarity).fit(gallery[150:])
    distances, ids = index.kneighbors(queries[150:], 4)
    expected, order = brute_force(embedded[1], embedded[0], similarity, 4)
    assert_array_equal(ids, order)
    assert_allclose(distances, expected, atol=1e-12)
    hits = np.mean(np.any(ids == np.arange(150)[:, None], axis=1))
    assert hits == pytest.approx(hit_rate_at_k(embedded[1], embedded[0], k=4, similarity=similarity))


@pytest.mark.parametrize(
    ("similarity", "hubness"),
    [*((similarity, None) for similarity in SIMILARITIES), ("cosine", "nnn"), ("dot", "nnn"), ("cosine", "csls")],
)
def test_embeddings_serve_any_vector_database(similarity, hubness):
    bank = {} if hubness is None else {"query_bank": X[:150]}
    index = CrossModalIndex(CCA_MODEL, similarity=similarity, hubness=hubness).fit(Y[150:], **bank)
    queries = index.query_embeddings(X[150:])
    found = brute_force(queries, index.embeddings_, "euclidean" if similarity == "euclidean" else "dot", 5)[1]
    assert_array_equal(index.kneighbors(X[150:], 5)[1], found)


def test_a_frame_and_pandas_output_change_nothing():
    model = clone(CCA_MODEL).set_output(transform="pandas").fit(pd.DataFrame(X[:150]), pd.DataFrame(Y[:150]))
    index = CrossModalIndex(model).fit(pd.DataFrame(Y[150:]))
    assert_array_equal(
        index.kneighbors(pd.DataFrame(X[150:]))[1], CrossModalIndex(CCA_MODEL).fit(Y[150:]).kneighbors(X[150:])[1]
    )


def test_the_index_keeps_the_aligner_it_was_fitted_with():
    model = CCA(3).fit(X[:150], Y[:150])
    index = CrossModalIndex(model).fit(Y[150:])
    before = index.kneighbors(X[150:])
    model.fit(X[100:250], -(Y[100:250] ** 2))
    model.partial_fit(X[:50], Y[:50])
    for one, other in zip(before, index.kneighbors(X[150:]), strict=True):
        assert_array_equal(one, other)


def test_clone_keeps_the_aligner_fitted_and_set_params_leaves_it_alone():
    index = CrossModalIndex(CCA_MODEL, similarity="dot")
    again = clone(index)
    assert again.aligner is CCA_MODEL
    assert again.similarity == "dot"
    assert not hasattr(again, "ids_")
    assert not [name for name in index.get_params(deep=True) if name.startswith("aligner__")]
    with pytest.raises(ValueError, match="aligner__shrinkage cannot be set"):
        index.set_params(aligner__shrinkage=0.5)
    assert index.set_params(similarity="cosine").similarity == "cosine"


def test_show_names_matches_and_marks_the_right_ones():
    captions = {10: "ten", 11: "eleven", 12: "twelve"}
    index = CrossModalIndex().fit(np.eye(3), ids=list(captions))
    table = index.show(np.eye(3)[:2], 2, captions=captions, query_captions=["first", "second"], query_ids=[10, 12])
    assert table.index.names == ["query", "rank"]
    assert list(table.index) == [("first", 1), ("first", 2), ("second", 1), ("second", 2)]
    assert list(table["match"]) == ["ten", "eleven", "eleven", "ten"]
    assert list(table["right"]) == ["✓", "✗", "✗", "✗"]
    assert_allclose(table["distance"], [0, 1, 0, 1])
    by_order = index.show(np.eye(3)[:2], 2, captions=list(captions.values()))
    assert list(by_order["match"]) == list(table["match"])
    assert "right" not in by_order
    assert list(by_order.index.get_level_values("query")) == [0, 0, 1, 1]
    assert list(index.show(np.eye(3)[:1], 1)["match"]) == [10]
    with pytest.raises(ValueError, match="none for 12"):
        index.show(np.eye(3), 1, captions={10: "ten", 11: "eleven"})
    with pytest.raises(ValueError, match="captions must have one entry per row of the index: expected 3, got 2"):
        index.show(np.eye(3), 1, captions=["ten", "eleven"])
    with pytest.raises(ValueError, match="query_ids must have one entry per row of queries"):
        index.show(np.eye(3), 1, query_ids=[10])


@pytest.mark.parametrize(
    "model",
    [
        CCA_MODEL,
        CCA(2, shrinkage="oas").fit(pd.DataFrame(X).add_prefix("x"), pd.DataFrame(Y).add_prefix("y")),
        PLSSVD(2, scale=False).fit(X.astype(np.float32), Y.astype(np.float32)),
        KernelCCA(2).fit(X[:60], Y[:60]),
        KernelCCA(2, kernel=("rbf", "linear"), approximation="nystroem", n_landmarks=30, random_state=0).fit(X, Y),
        KernelCCA(2, approximation="fourier", gamma=0.1, n_landmarks=40, random_state=0).fit(X, Y),
        CrossModalPipeline(CCA(2)).fit(X, Y),
        CCACV([1, 2], cv=3, shrinkages=(0.1, 0.5), scoring="hit_rate_at_5").fit(X, Y),
        KernelCCACV([2], cv=3, width_factors=(1.0,), regularizations=(0.1,)).fit(X[:90], Y[:90]),
        None,
    ],
    ids=["CCA", "names", "float32", "exact", "nystroem", "fourier", "pipeline", "searched", "kernel searched", "none"],
)
@pytest.mark.parametrize("hubness", [None, "csls"])
def test_a_loaded_index_answers_as_before(tmp_path, model, hubness):
    gallery, queries = (Y, X) if model is not None else (X, X[::-1])
    if hasattr(model, "y_feature_names_in_"):
        gallery, queries = pd.DataFrame(Y).add_prefix("y"), pd.DataFrame(X).add_prefix("x")
    bank = {} if hubness is None else {"query_bank": queries[:100]}
    index = CrossModalIndex(model, hubness=hubness, hubness_neighbors=4).fit(
        gallery[100:200], ids=range(100, 200), **bank
    )
    index.save(tmp_path / "index.cm")
    loaded = CrossModalIndex.load(tmp_path / "index.cm")
    assert loaded.get_params().keys() == index.get_params().keys()
    for each in (index, loaded):
        each.add(gallery[200:220], ids=range(200, 220)).remove(range(110, 130))
    for one, other in zip(index.kneighbors(queries, 5), loaded.kneighbors(queries, 5), strict=True):
        assert_array_equal(one, other)


def test_an_aligner_that_cannot_be_stored_is_given_again(tmp_path):
    from sklearn.preprocessing import StandardScaler

    model = CrossModalPipeline(CCA(2), x_transformer=StandardScaler()).fit(X, Y)
    index = CrossModalIndex(model).fit(Y)
    path = tmp_path / "index"
    with pytest.raises(TypeError, match=r"StandardScaler, which cannot be saved.*with_aligner=False"):
        index.save(path)
    assert not list(tmp_path.iterdir())
    index.save(path, with_aligner=False)
    with pytest.raises(ValueError, match="pass the fitted one as aligner"):
        CrossModalIndex.load(path)
    loaded = CrossModalIndex.load(path, aligner=model)
    assert_array_equal(loaded.kneighbors(X)[1], index.kneighbors(X)[1])
    CrossModalIndex().fit(X).save(path)
    with pytest.raises(ValueError, match="has no aligner"):
        CrossModalIndex.load(path, aligner=model)


def fitted(**parameters):
    return CrossModalIndex(**parameters).fit(np.eye(3), ids=["a", "b", "c"])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: CrossModalIndex(modality="z").fit(np.eye(3)), ValueError, "modality must be one of 'x', 'y'; got 'z'"),
        (lambda: CrossModalIndex(similarity="l1").fit(np.eye(3)), ValueError, "similarity must be one of"),
        (lambda: CrossModalIndex(hubness="qb").fit(np.eye(3)), ValueError, "must be one of .*csls.* got 'qb'"),
        (lambda: CrossModalIndex(hubness="nnn").fit(np.eye(3)), ValueError, "needs query_bank"),
        (lambda: CrossModalIndex().fit(np.eye(3), query_bank=np.eye(3)), ValueError, "set hubness to"),
        (
            lambda: CrossModalIndex(hubness="nnn", similarity="euclidean").fit(np.eye(3), query_bank=np.eye(3)),
            ValueError,
            "'cosine' or 'dot'",
        ),
        (
            lambda: CrossModalIndex(hubness="nnn", hubness_neighbors=4).fit(np.eye(3), query_bank=np.eye(3)),
            ValueError,
            "between 1 and the number of rows of query_bank, 3; got 4",
        ),
        (
            lambda: CrossModalIndex(hubness="nnn", hubness_neighbors=1, hubness_weight=-1).fit(
                np.eye(3), query_bank=np.eye(3)
            ),
            ValueError,
            "hubness_weight must lie in",
        ),
        (
            lambda: CrossModalIndex(hubness="nnn", hubness_neighbors=1).fit(np.eye(3), query_bank=np.eye(2)),
            ValueError,
            "has 3 features, but the shared space 2",
        ),
        (lambda: CrossModalIndex(CCA(2)).fit(Y), NotFittedError, "not fitted"),
        (lambda: CrossModalIndex().kneighbors(np.eye(3)), NotFittedError, "not fitted"),
        (lambda: CrossModalIndex().fit(np.full((2, 2), np.nan)), ValueError, "gallery contains NaN"),
        (lambda: CrossModalIndex().fit(np.empty((0, 2))), ValueError, "0 sample"),
        (lambda: CrossModalIndex().fit([["a", "b"]]), ValueError, "gallery holds text, such as 'a'"),
        (lambda: CrossModalIndex(similarity="dot").fit(np.full((2, 2), 1e200)), ValueError, "too large"),
        (
            lambda: CrossModalIndex().fit(np.eye(3), ids=[1, 2]),
            ValueError,
            "ids must have one entry per row of gallery",
        ),
        (lambda: CrossModalIndex().fit(np.eye(3), ids=[1, None, 2]), ValueError, "must not be missing"),
        (lambda: fitted().kneighbors(np.eye(2)), ValueError, "queries has 2 features, but the shared space 3: "),
        (
            lambda: fitted().kneighbors(np.eye(3), 4),
            ValueError,
            "the number of items in the index, 3; got 4",
        ),
        (
            lambda: fitted().kneighbors(np.eye(3), 0),
            ValueError,
            "the number of items in the index, 3; got 0",
        ),
        (lambda: fitted().kneighbors(np.eye(3), None), TypeError, "got None"),
        (lambda: fitted().kneighbors(np.eye(3), 1.5), TypeError, "whole number"),
        (lambda: fitted().add(np.eye(3)), ValueError, "was fitted with ids, so pass one for each row"),
        (
            lambda: CrossModalIndex().fit(np.eye(3)).add(np.eye(3), ids=[1, 2, 3]),
            ValueError,
            "without ids, so pass none",
        ),
        (lambda: fitted().add(np.eye(2), ids=["d", "e"]), ValueError, "rows has 2 features, but the shared space 3: "),
        (lambda: fitted().add(np.eye(3), ids=["d"]), ValueError, "one entry per row of rows"),
        (lambda: fitted().remove(["a", "x"]), ValueError, "1 of 2 are not in the index, such as 'x'"),
        (lambda: fitted().remove(1), ValueError, "its ids are of type str"),
    ],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_refused_call_leaves_the_index_as_it_was():
    index = fitted()
    for call in (
        lambda: index.fit(np.full((2, 2), np.nan)),
        lambda: index.add([[np.inf, 0, 0]], ids=["d"]),
        lambda: index.remove(["a", "nowhere"]),
        lambda: index.set_params(similarity="dot").fit(np.full((2, 3), 1e300)),
    ):
        with pytest.raises(ValueError, match=r"infin|NaN|not in the index|too large"):
            call()
        assert list(index.ids_) == ["a", "b", "c"]
        assert_array_equal(index.kneighbors(np.eye(3), 1)[1].ravel(), ["a", "b", "c"])


def test_searching_never_holds_the_matrix(monkeypatch):
    monkeypatch.setattr(nearest, "BLOCK_BYTES", 400 * 8 * 16)
    monkeypatch.setattr(nearest, "_CANDIDATES_AT_ONCE", 900)
    shapes, looked_at = [], []

    class Watched(nearest._Candidates):
        def __init__(self, scores, *rest):
            super().__init__(scores, *rest)
            shapes.append(scores.shape)

        def pairs(self):
            looked_at.append(self.at_most)
            return super().pairs()

    monkeypatch.setattr(nearest, "_Candidates", Watched)
    rng = np.random.default_rng(3)
    items, queries = rng.normal(size=(400, 5)), rng.normal(size=(100, 5))
    SearchSpace(items, SIMILARITIES["dot"]).nearest(queries, 3)
    assert max(shape[0] for shape in shapes) == 16
    # Where everything ties, blocks are halved until few pairs are left.
    positions = SearchSpace(np.ones((400, 5)), SIMILARITIES["dot"]).nearest(queries, 3)[1]
    assert_array_equal(positions, [[0, 1, 2]] * 100)
    assert max(looked_at) <= 900


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_a_fitted_index_can_be_pickled(similarity):
    index = CrossModalIndex(similarity=similarity).fit(X)
    again = pickle.loads(pickle.dumps(index))
    assert_array_equal(again.kneighbors(Y[:, :1] + X)[1], index.kneighbors(Y[:, :1] + X)[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_item_far_away_blurs_no_distance(dtype):
    rng = np.random.default_rng(4)
    queries = rng.normal(size=(300, 16))
    gallery = queries + 0.5 * rng.normal(size=queries.shape)
    gallery[7] *= 1e5
    queries, gallery = queries.astype(dtype), gallery.astype(dtype)
    nearest_one = cdist(queries, gallery).argmin(axis=1)
    assert_array_equal(
        CrossModalIndex(similarity="euclidean").fit(gallery).kneighbors(queries, 1)[1][:, 0], nearest_one
    )
    hits = hit_rate_at_k(queries, gallery, k=1, similarity="euclidean")
    assert hits == pytest.approx(np.mean(nearest_one == np.arange(300)))


@pytest.mark.parametrize("unit", ["D", "s", "us", "ns"])
@pytest.mark.parametrize("keys", [list, pd.to_datetime, lambda days: days.astype("M8[s]").tolist()])
def test_captions_of_dates_go_by_the_moment(unit, keys):
    days = np.arange("2020-01-01", "2020-01-04", dtype="M8[D]").astype(f"M8[{unit}]")
    index = CrossModalIndex().fit(np.eye(3), ids=days)
    captions = dict(zip(keys(days), "abc", strict=True))
    for given in (captions, pd.Series(captions)):
        assert index.show(np.eye(3), 1, captions=given)["match"].tolist() == ["a", "b", "c"]
    del captions[list(captions)[1]]
    with pytest.raises(ValueError, match=r"every id found, but has none for .*2020-01-02"):
        index.show(np.eye(3), 1, captions=captions)


def test_captions_in_a_series_go_by_its_index():
    index = CrossModalIndex().fit(np.eye(3), ids=["a", "b", "c"])
    captions = pd.Series({"c": "caption C", "b": "caption B", "a": "caption A"})
    assert index.show(np.eye(3)[:1], 1, captions=captions)["match"].tolist() == ["caption A"]
    by_order = pd.Series(["caption A", "caption B", "caption C"])
    assert index.show(np.eye(3)[:1], 1, captions=by_order)["match"].tolist() == ["caption A"]
    with pytest.raises(TypeError, match="got a single text"):
        index.show(np.eye(3), 1, captions="abc")


def test_dates_are_compared_in_one_unit():
    days = np.array(["2020-01-01", "2020-01-02", "2020-01-03"], "M8[D]")
    index = CrossModalIndex().fit(np.eye(3), ids=days)
    with pytest.raises(ValueError, match="not in the index"):
        index.remove(np.datetime64("2020-01-01T15:30"))
    index.remove(np.datetime64("2020-01-01T00:00"))
    assert list(index.ids_) == list(days[1:])
    nanoseconds = CrossModalIndex().fit(np.eye(3), ids=days.astype("M8[ns]"))
    assert len(nanoseconds.remove(days[:2])) == 1
    far = CrossModalIndex().fit(np.eye(3), ids=np.array(["3000-01-01", "3000-01-02", "3000-01-03"], "M8[D]"))
    with pytest.raises(ValueError, match="cannot be told in one unit"):
        far.add(np.eye(3), ids=days.astype("M8[ns]"))
    assert len(far) == 3


def test_tuples_are_ids():
    index = CrossModalIndex().fit(np.eye(3), ids=[(1, 2), (3, 4), (5, 6)])
    assert index.kneighbors(np.eye(3)[:1], 1)[1][0, 0] == (1, 2)
    index.remove((1, 2))
    assert list(index.remove([(3, 4)]).ids_) == [(5, 6)]
    assert len(CrossModalIndex().fit(np.eye(3)).remove(np.array(2))) == 2


@pytest.mark.parametrize(
    ("similarity", "items", "queries", "message"),
    [
        ("dot", 1e10, 1e305, "their similarity overflows"),
        ("euclidean", 1.0, 1e200, "similarity overflows"),
        ("euclidean", 1e160, 1.0, "too large|overflows"),
        ("euclidean", 1e-310, 1.0, "too far from all items"),
    ],
)
def test_what_overflows_is_refused(similarity, items, queries, message):
    rows = np.random.default_rng(5).normal(size=(20, 3))
    with pytest.raises(ValueError, match=message), np.errstate(all="ignore"):
        CrossModalIndex(similarity=similarity).fit(rows * items).kneighbors(rows * queries)


def test_an_index_is_true_whether_fitted_or_empty():
    assert CrossModalIndex()
    assert len(CrossModalIndex()) == 0
