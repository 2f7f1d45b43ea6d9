"""With center=True a constant that keeps two modalities apart changes nothing."""

import numpy as np
import pytest
from few_shot_worlds import unit, world
from numpy.testing import assert_allclose, assert_array_equal

from crossmodal_cca import CCA
from crossmodal_cca.transfer import CrossModalClassifier, GaussianDiscriminant, PrototypeLogisticRegression

HEADS = [None, GaussianDiscriminant(), PrototypeLogisticRegression(tol=1e-9)]


@pytest.mark.parametrize("head", HEADS, ids=str)
@pytest.mark.parametrize("told_by", ["shots", "shots of some classes", "unlabelled", "both"])
def test_a_constant_in_either_modality_changes_nothing(told_by, head):
    texts, Z, codes, new, of_new = world(0, [2, 5, 3, 4, 2, 2])
    if told_by == "shots of some classes":
        Z, codes = Z[codes < 4], codes[codes < 4]
    shots = {} if told_by == "unlabelled" else {"shots": Z, "shot_labels": codes}
    rows = {"unlabelled": new[::2]} if told_by in ("unlabelled", "both") else {}
    here, there = 40 * np.random.default_rng(1).standard_normal((2, texts.shape[1]))
    one = CrossModalClassifier(None, head, center=True).fit(texts, range(6), **shots, **rows)
    moved = {name: value + there if value.dtype == float else value for name, value in (shots | rows).items()}
    other = CrossModalClassifier(None, head, center=True).fit(texts + here, range(6), **moved)
    assert_allclose(other.predict_proba(new + there), one.predict_proba(new), atol=1e-6)
    assert_allclose(other.predict_mean_ - one.predict_mean_, there, atol=1e-10)
    assert_allclose(other.fit_mean_ - one.fit_mean_, here, atol=1e-10)
    assert one.score(new, of_new) > 0.5  # of six classes


def test_what_is_subtracted():
    texts, Z, codes, new, _ = world(3, [1, 4, 0, 12], n_classes=4)
    texts, labels = np.concatenate((texts, texts[:1] + 1)), [0, 1, 2, 3, 0]
    fitted = CrossModalClassifier(center=True).fit(texts, labels, shots=Z, shot_labels=codes)
    w = np.array([1 / 5, 4 / 8, 0, 12 / 16])
    of_texts = np.array([(texts[0] + texts[4]) / 2, *texts[1:4]])
    assert_allclose(fitted.fit_mean_, w @ of_texts / w.sum())
    of_shots = np.array([Z[codes == c].mean(axis=0) if (codes == c).any() else 0 * Z[0] for c in range(4)])
    assert_allclose(fitted.predict_mean_, w @ of_shots / w.sum())
    # Rows given for it come first, and then every class of the other modality counts alike.
    given = CrossModalClassifier(center=True).fit(texts, labels, shots=Z, shot_labels=codes, unlabelled=new)
    assert_allclose(given.predict_mean_, new.mean(axis=0))
    assert_allclose(given.fit_mean_, of_texts.mean(axis=0))
    zero_shot = CrossModalClassifier(center=True).fit(texts, labels, unlabelled=new)
    U = unit(texts - of_texts.mean(axis=0))
    P = unit(np.array([U[0] + U[4], *U[1:4]]))
    assert_array_equal(zero_shot.predict(new), (unit(new - new.mean(axis=0)) @ P.T).argmax(axis=1))


def test_an_aligner_has_centred_what_it_was_fitted_to():
    texts, _, _, new, of_new = world(0, 1)
    cca = CCA(5, shrinkage=0.5).fit(new + 9, texts[of_new] - 5 + np.random.default_rng(0).standard_normal(new.shape))
    centred = CrossModalClassifier(cca, center=True).fit(texts - 5, range(6))
    assert_array_equal(centred.predict_mean_, np.zeros(5))
    assert_allclose(centred.fit_mean_, cca.transform_y(texts - 5).mean(axis=0))
    assert centred.score(new + 9, of_new) > 0.75
    without = CrossModalClassifier(cca).fit(texts - 5, range(6))
    assert not hasattr(without, "fit_mean_")
    # A refit without it forgets the means.
    assert not hasattr(centred.set_params(center=False).fit(texts - 5, range(6)), "predict_mean_")


def test_a_gap_is_closed():
    """Means of ten draws; centred by hand, with the true gap, is as good as it gets."""
    scores = []
    for seed in range(10):
        texts, Z, codes, new, of_new = world(seed, 2, gap=4.0)
        middle = 4.0 * np.eye(texts.shape[1])[0]
        shots = {"shots": Z, "shot_labels": codes}
        by_hand = CrossModalClassifier().fit(texts + middle, range(6), shots=Z - middle, shot_labels=codes)
        fitted = [CrossModalClassifier(center=center).fit(texts, range(6), **shots) for center in (False, True)]
        scores.append([*(f.score(new, of_new) for f in fitted), by_hand.score(new - middle, of_new)])
    plain, centred, by_hand = np.mean(scores, axis=0)
    assert plain < centred - 0.01
    assert centred > by_hand - 0.02
