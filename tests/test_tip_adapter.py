"""The cache of labelled examples, and its scores beside those of a zero-shot classifier, against slow definitions."""

import numpy as np
import pytest
from few_shot_worlds import unit, world
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from crossmodal_cca.transfer import CacheSimilarity, PrototypeClassifier
from crossmodal_cca.transfer._classes import SCORED_ROWS

NAMES = np.array(["owl", "cat", "newt", "bee", "ant", "dog"])


def slow_affinities(Z, labels, new, classes, beta=5.5):
    """Row by row and example by example; 5.5 is Tip-Adapter's sharpness."""
    found = np.zeros((len(new), len(classes)))
    for i, row in enumerate(unit(new)):
        for example, label in zip(unit(Z), labels, strict=True):
            found[i, list(classes).index(label)] += np.exp(-beta * (1 - row @ example))
    return found


@pytest.mark.parametrize("beta", [None, 0.0, 2.5])
def test_features_are_sums_over_examples(beta):
    _, Z, codes, new, _ = world(0, [3, 1, 2, 5, 1, 2], n_new=5)
    cache = CacheSimilarity() if beta is None else CacheSimilarity(beta=beta)
    slow = slow_affinities(Z, NAMES[codes], new, np.sort(NAMES), **({} if beta is None else {"beta": beta}))
    assert_allclose(cache.fit(Z, NAMES[codes]).transform(new), slow, rtol=1e-10)
    assert cache.get_feature_names_out().tolist() == [f"cachesimilarity_{name}" for name in np.sort(NAMES)]


def test_blocks_of_rows_fit_together():
    _, Z, codes, new, _ = world(0, 2, n_new=400)
    assert len(new) > 2 * SCORED_ROWS
    whole = CacheSimilarity().fit(Z, codes).transform(new)
    rows = np.r_[0, SCORED_ROWS - 1, SCORED_ROWS, len(new) - 1]
    assert_allclose(whole[rows], slow_affinities(Z, codes, new[rows], range(6)), rtol=1e-10)


# Which of the classes have descriptions, and how many shots they have.
SETTINGS = {
    "all": (range(6), [3, 1, 2, 5, 1, 2]),
    "two": ([0, 1], [3, 1, 0, 0, 0, 0]),
    "two, shots of one": ([0, 1], [0, 2, 0, 0, 0, 0]),
    "some without shots": (range(6), [0, 1, 2, 0, 1, 0]),
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("alpha", [None, 0.0, 3.0])
def test_scores_are_tip_adapters(setting, alpha):
    described, counts = SETTINGS[setting]
    texts, Z, codes, new, _ = world(1, counts, n_new=4)
    zero_shot = PrototypeClassifier().fit(texts[list(described)], NAMES[list(described)])
    cache = CacheSimilarity().fit(Z, NAMES[codes])
    classes = np.sort(NAMES[list(described)])
    cosines = unit(new) @ unit(np.array([texts[list(NAMES).index(name)] for name in classes])).T
    slow = 100 * cosines + (1.0 if alpha is None else alpha) * slow_affinities(Z, NAMES[codes], new, classes)
    scores = cache.scores_beside(zero_shot, new, **({} if alpha is None else {"alpha": alpha}))
    assert_allclose(scores, slow, rtol=1e-9)
    assert_array_equal(zero_shot.classes_, classes)
    if alpha == 0.0:
        assert_array_equal(classes[scores.argmax(axis=1)], zero_shot.predict(new))


def test_any_classifier_of_the_space_may_stand_beside():
    texts, Z, codes, new, _ = world(1, 2, n_new=4)
    cache = CacheSimilarity().fit(Z[codes < 2], codes[codes < 2])
    affinities = cache.transform(new)
    two = LogisticRegression().fit(unit(texts[:2]), [0, 1])
    decision = two.decision_function(unit(new))
    scores = cache.scores_beside(two, new, alpha=0.5)
    assert_allclose(scores, np.column_stack((np.zeros(len(new)), decision)) + 0.5 * affinities)


def test_examples_help_where_descriptions_are_poor():
    """Means of ten draws, of six classes."""
    found = []
    for seed in range(10):
        texts, Z, codes, new, of_new = world(seed, 8, text_noise=3.0)
        zero_shot = PrototypeClassifier().fit(texts, range(6))
        scores = CacheSimilarity().fit(Z, codes).scores_beside(zero_shot, new, alpha=10.0)
        found.append((zero_shot.score(new, of_new), np.mean(scores.argmax(axis=1) == of_new)))
    zero_shot, both = np.mean(found, axis=0)
    assert both > zero_shot + 0.05


@pytest.mark.parametrize(
    ("zero_shot", "alpha", "error", "message"),
    [
        (PrototypeClassifier().fit(np.eye(24)[:6], range(6)), -1.0, ValueError, "alpha must lie in"),
        (PrototypeClassifier().fit(np.eye(24)[:3], range(3)), 1.0, ValueError, "zero_shot lacks 3 of the 6 classes"),
        (PrototypeClassifier().fit(np.eye(5), range(5)), 1.0, ValueError, "zero_shot was fitted to 5 features"),
        (PrototypeClassifier(), 1.0, NotFittedError, "not fitted"),
        (StandardScaler(), 1.0, TypeError, "zero_shot must be a classifier"),
    ],
)
def test_what_cannot_stand_beside_is_refused(zero_shot, alpha, error, message):
    _, Z, codes, new, _ = world(1, 2, n_new=4)
    cache = CacheSimilarity().fit(Z, codes)
    with pytest.raises(error, match=message):
        cache.scores_beside(zero_shot, new, alpha=alpha)
