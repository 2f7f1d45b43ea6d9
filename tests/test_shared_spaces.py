"""CLIP's features share a space already: what the package says of them is what is known of them."""

import numpy as np
import pytest
from real_data import load

from crossmodal_cca.metrics import hit_rate_at_k, retrieval_report
from crossmodal_cca.retrieval import CrossModalIndex


@pytest.fixture(scope="module")
def clip():
    stored = load("clip_coco500")
    return stored["img"], stored["txt"]


def test_plain_cosine_and_the_modality_gap(clip):
    """methods.md: hit rate at 1 of .552 and .506 among 500, and centroids .851 apart."""
    image, text = clip
    assert hit_rate_at_k(image, text, k=1) == pytest.approx(0.552)
    assert hit_rate_at_k(text, image, k=1) == pytest.approx(0.506)
    gap = np.linalg.norm(image.mean(axis=0, dtype=float) - text.mean(axis=0, dtype=float))
    assert gap == pytest.approx(0.851, abs=5e-4)
    assert retrieval_report(image, text, n_resamples=0)["chance"].loc[:, "hit_rate_at_10"].tolist() == [0.02, 0.02]


@pytest.mark.parametrize("modality", ["x", "y"])
def test_an_index_without_aligner(clip, modality):
    gallery, queries = clip if modality == "x" else clip[::-1]
    index = CrossModalIndex(modality=modality).fit(gallery)
    found = index.kneighbors(queries, 1)[1][:, 0]
    assert np.mean(found == np.arange(500)) == pytest.approx(hit_rate_at_k(queries, gallery, k=1))
