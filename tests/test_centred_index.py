"""An index with ``center=True`` is one of rows centred by hand, each modality at its own mean."""

import numpy as np
import pytest
from linear_models import pairs
from numpy.testing import assert_allclose, assert_array_equal

from crossmodal_cca import CCA
from crossmodal_cca.retrieval import CrossModalIndex
from crossmodal_cca.transfer import SharedSpace

RNG = np.random.default_rng(0)
TOPIC = RNG.normal(size=(150, 8))
GAP = 6.0 * np.eye(8)[0]  # what keeps the modalities apart
TEXT, PICTURE = (TOPIC + 0.5 * RNG.normal(size=TOPIC.shape) + sign * GAP for sign in (1, -1))
GALLERY, LATER = PICTURE[:100], PICTURE[100:]
BANK, QUERIES = TEXT[:80], TEXT[100:]
SETTINGS = [
    {"similarity": "cosine"},
    {"similarity": "dot"},
    {"similarity": "euclidean"},
    {"hubness": "csls"},
    {"hubness": "nnn"},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: next(iter(settings.values())))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_are_centred_at_the_means_of_gallery_and_bank(tmp_path, settings, dtype):
    gallery, later, bank, queries = (rows.astype(dtype) for rows in (GALLERY, LATER, BANK, QUERIES))
    index = CrossModalIndex(center=True, **settings).fit(gallery, query_bank=bank)
    assert_allclose(index.gallery_mean_, GALLERY.mean(axis=0), rtol=1e-6)
    assert_allclose(index.query_mean_, BANK.mean(axis=0), rtol=1e-6)
    means = index.gallery_mean_.astype(dtype), index.query_mean_.astype(dtype)
    by_hand = CrossModalIndex(**settings).fit(
        gallery - means[0], **({"query_bank": bank - means[1]} if "hubness" in settings else {})
    )
    # Further rows are centred at the mean of the first ones.
    index.add(later)
    by_hand.add(later - means[0])
    index.save(tmp_path / "index")
    for each in (index, CrossModalIndex.load(tmp_path / "index")):
        assert each.embeddings_.dtype == dtype
        assert_array_equal(each.embeddings_, by_hand.embeddings_)
        assert_array_equal(each.query_embeddings(queries), by_hand.query_embeddings(queries - means[1]))
        for one, other in zip(each.kneighbors(queries, 5), by_hand.kneighbors(queries - means[1], 5), strict=True):
            assert_array_equal(one, other)


def test_centring_closes_the_gap():
    """Of the pictures, each asked for by its text: a right one is first in most cases only without the gap."""
    hits = [
        np.mean(index.kneighbors(TEXT, 1)[1][:, 0] == np.arange(150))
        for index in (CrossModalIndex().fit(PICTURE), CrossModalIndex(center=True).fit(PICTURE, query_bank=TEXT))
    ]
    assert hits[0] < hits[1] - 0.2


def test_a_gallery_of_both_modalities_is_centred_side_by_side():
    sides = {m: SharedSpace(None, m, center=True).fit(rows) for m, rows in (("y", TEXT), ("x", PICTURE))}
    index = CrossModalIndex().fit(
        np.vstack((sides["y"].transform(TEXT), sides["x"].transform(PICTURE))),
        ids=[("text", i) for i in range(150)] + [("picture", i) for i in range(150)],
    )
    plain = CrossModalIndex().fit(np.vstack((TEXT, PICTURE)))
    asked = TOPIC + 0.5 * np.random.default_rng(1).normal(size=TOPIC.shape) + GAP
    assert (plain.kneighbors(asked, 2)[1] < 150).all()  # texts, all of them
    pictures = np.mean(
        [kind == "picture" for row in index.kneighbors(sides["y"].transform(asked), 2)[1] for kind, _ in row]
    )
    assert 0.4 < pictures < 0.6


@pytest.mark.parametrize("modality", ["x", "y"])
def test_scores_of_an_aligner_are_centred_again(modality):
    X, Y = pairs(90)
    model = CCA(2).fit(X, Y)
    scores = dict(zip("xy", model.transform(X + 1, Y + 1), strict=True))
    rows = {"x": X + 1, "y": Y + 1}
    other = "y" if modality == "x" else "x"
    index = CrossModalIndex(model, modality=modality, center=True).fit(rows[modality], query_bank=rows[other])
    assert_array_equal(index.gallery_mean_, scores[modality].mean(axis=0))
    assert_array_equal(index.query_mean_, scores[other].mean(axis=0))
    centred = [scores[side] - scores[side].mean(axis=0) for side in (modality, other)]
    expected = CrossModalIndex().fit(centred[0]).kneighbors(centred[1], 4)
    for one, two in zip(index.kneighbors(rows[other], 4), expected, strict=True):
        assert_array_equal(one, two)


def test_a_refit_without_centring_keeps_no_mean():
    index = CrossModalIndex(center=True).fit(GALLERY, query_bank=BANK).set_params(center=False).fit(GALLERY)
    assert not hasattr(index, "gallery_mean_")
    assert not hasattr(index, "query_mean_")
    assert_array_equal(index.embeddings_, CrossModalIndex().fit(GALLERY).embeddings_)


def test_what_cannot_be_centred_is_refused():
    with pytest.raises(ValueError, match=r"center=True needs query_bank, whose mean .* modality\.$"):
        CrossModalIndex(center=True).fit(GALLERY)
    model = CCA(2).fit(TEXT, PICTURE)
    with pytest.raises(ValueError, match=r"needs query_bank.*scores are centred already: leave center=False"):
        CrossModalIndex(model, center=True).fit(GALLERY)
    with pytest.raises(TypeError, match="center must be True or False"):
        CrossModalIndex(center="both").fit(GALLERY, query_bank=BANK)
    with pytest.raises(ValueError, match="set hubness to 'csls' or 'nnn', set center=True, or leave it out"):
        CrossModalIndex().fit(GALLERY, query_bank=BANK)
