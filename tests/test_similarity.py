"""One table of similarities: each is its definition, however it is laid out, searched, told as a distance or shown."""

import pickle
from importlib.util import find_spec

import numpy as np
import pytest
from matplotlib import pyplot as plt
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist

from crossmodal_cca._similarity import SIMILARITIES
from crossmodal_cca.metrics import make_retrieval_scorer, retrieval_ranks
from crossmodal_cca.plotting import SimilarityMatrixDisplay
from crossmodal_cca.retrieval import CrossModalIndex, k_occurrence, search_shards

RNG = np.random.default_rng(0)
QUERIES, GALLERY = RNG.normal(size=(30, 6)), RNG.normal(size=(50, 6)) + 0.3
# Small for what is near, by its definition.
DISTANCES = {
    "cosine": cdist(QUERIES, GALLERY, "cosine"),
    "dot": -(QUERIES @ GALLERY.T),
    "euclidean": cdist(QUERIES, GALLERY),
}

similarities = pytest.mark.parametrize("name", SIMILARITIES)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_every_similarity_of_the_table_is_tested():
    assert DISTANCES.keys() == SIMILARITIES.keys()
    assert all(name == similarity.name for name, similarity in SIMILARITIES.items())


@similarities
def test_the_layout_orders_items_as_the_similarity_does(name):
    rows, norms, lay_out, _ = SIMILARITIES[name].laid_out(GALLERY.copy())
    queries = pickle.loads(pickle.dumps(lay_out))(QUERIES.copy())
    assert_allclose(np.linalg.norm(queries, axis=1), 1)
    scores = queries @ rows.T
    assert (np.abs(scores) <= norms * (1 + 1e-12)).all()
    assert_array_equal(np.argsort(-scores, axis=1), np.argsort(DISTANCES[name], axis=1))


@similarities
def test_a_part_is_laid_out_like_the_whole(name):
    similarity = SIMILARITIES[name]
    whole = similarity.laid_out(GALLERY.copy())
    part = similarity.laid_out(GALLERY[20:].copy(), None if similarity.by_row else whole.queries)
    assert_allclose(part.rows, whole.rows[20:], rtol=1e-13, atol=1e-15)


@similarities
def test_embedded_pairs_have_the_distance_of_the_definition(name):
    similarity = SIMILARITIES[name]
    q, g = (similarity.embedded(side[:30].copy()) for side in (QUERIES, GALLERY))
    before = g.copy()
    similarity.searchable(g)
    assert_array_equal(g, before)
    assert_allclose(similarity.distances(similarity.of_pairs(q, g)), np.diag(DISTANCES[name]), atol=1e-12)


@similarities
def test_searches_find_the_nearest(name):
    nearest, order = np.sort(DISTANCES[name], axis=1)[:, :5], np.argsort(DISTANCES[name], axis=1)[:, :5]
    searches = [CrossModalIndex(similarity=name).fit(GALLERY).kneighbors(QUERIES, 5)]
    if find_spec("dask"):
        searches.append(search_shards(QUERIES, GALLERY, 5, similarity=name))
    for distances, found in searches:
        assert_allclose(distances, nearest, atol=1e-12)
        assert_array_equal(found, order)
    assert_array_equal(k_occurrence(QUERIES, GALLERY, k=5, similarity=name), np.bincount(order.ravel(), minlength=50))


@similarities
def test_ranks_are_those_of_the_distances(name):
    own = DISTANCES[name][np.arange(30), np.arange(30)]
    expected = 1 + np.sum(DISTANCES[name] < own[:, None], axis=1)
    ids = {"query_ids": np.arange(30), "gallery_ids": np.arange(50)}
    assert_array_equal(retrieval_ranks(QUERIES, GALLERY, **ids, similarity=name), expected)


@similarities
def test_pictures_show_the_similarity_with_its_label(name):
    display = SimilarityMatrixDisplay.from_predictions(QUERIES, GALLERY, similarity=name)
    similarity = SIMILARITIES[name]
    assert_allclose(similarity.distances(display.similarities), DISTANCES[name], atol=1e-7)
    assert similarity.label in display.ax_.get_title().lower().replace("euclidean", "Euclidean")
    image = display.ax_.images[0]
    if similarity.color_reach is not None:
        assert_allclose(image.norm.vmax, np.quantile(np.abs(display.similarities), similarity.color_reach))
        assert image.norm.vmin == -image.norm.vmax


def test_scorers_take_the_names_of_the_table():
    for name in SIMILARITIES:
        assert make_retrieval_scorer(similarity=name).similarity == name


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("width", [2, 64, 768])
def test_cosine_distances_lie_between_0_and_2(dtype, width):
    x = np.random.default_rng(0).normal(size=(60, width)).astype(dtype)
    index = CrossModalIndex().fit(np.concatenate((x, -x)))
    table = index.show(x, 120)["distance"].to_numpy().reshape(60, 120)
    found = [index.kneighbors(x, 120)[0], table]
    if find_spec("dask"):
        found.append(search_shards(x, np.concatenate((x, -x)), 120)[0])
    # Of two lengths, and of a sum of `width` products.
    tolerance = (4 + 2 * np.sqrt(width)) * np.finfo(np.float64 if dtype == "float64" else np.float32).eps
    for distances in found:
        assert (distances >= 0).all()
        assert (distances <= 2).all()
        assert_allclose(distances[:, 0], 0, atol=tolerance)
        assert_allclose(distances[:, -1], 2, atol=tolerance)
    shown = SimilarityMatrixDisplay.from_predictions(x, np.concatenate((x, -x))).similarities
    assert np.abs(shown).max() <= 1


def test_corrected_distances_have_no_such_ends():
    x = np.eye(3) + 0.1
    index = CrossModalIndex(hubness="nnn", hubness_neighbors=3, hubness_weight=5.0).fit(x, query_bank=-x)
    cosines = 1 - cdist(x, x, "cosine")
    # The items' bias is minus five times their mean cosine, as the bank is the opposite of the gallery.
    expected = 1 - cosines - 5 * cosines.mean(axis=0)
    assert expected.min() < -1
    assert_allclose(index.kneighbors(x, 3)[0], np.sort(expected, axis=1))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pictures_of_distances_far_from_zero_keep_their_digits(dtype):
    x, y = (np.random.default_rng(0).normal(size=(2, 20, 3)) + 1e4).astype(dtype)
    display = SimilarityMatrixDisplay.from_predictions(x, y, similarity="euclidean")
    assert_allclose(-display.similarities, cdist(x, y), rtol=1e-12)
