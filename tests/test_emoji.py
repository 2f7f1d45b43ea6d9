"""Held-out pictures and words of emoji, with a setting chosen on the training part alone."""

from itertools import product

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold

from crossmodal_cca import CCA, PairMoments
from crossmodal_cca._demo import MODELS
from crossmodal_cca.datasets import load_emoji
from crossmodal_cca.metrics import hit_rate_at_k, mean_reciprocal_rank


def test_a_setting_chosen_on_the_training_part_finds_held_out_partners():
    """Chance is .003 and .026. No fold shares a base name with another, as the test part shares none with training."""
    train, test = load_emoji(subset="train"), load_emoji(subset="test")
    settings = list(product((0.3, 0.4, 0.6), (64, 128, 200), (0.0, 1.0)))
    reciprocal_ranks = np.zeros(len(settings))
    total = PairMoments.from_arrays(train.image, train.text)
    for _, outside in GroupKFold(3).split(train.image, groups=train.base_name):
        fold = train.image[outside], train.text[outside]
        for shrinkage in (0.3, 0.4, 0.6):
            cca = CCA(200, shrinkage=shrinkage).fit_moments(total - PairMoments.from_arrays(*fold))
            image, text = cca.transform(*fold)
            for i, (c, k, power) in enumerate(settings):
                if c == shrinkage:
                    weights = cca.singular_values_[:k] ** power
                    sides = image[:, :k] * weights, text[:, :k] * weights
                    reciprocal_ranks[i] += mean_reciprocal_rank(*sides) + mean_reciprocal_rank(*sides[::-1])
    shrinkage, k, power = settings[int(np.argmax(reciprocal_ranks))]
    chosen = CCA(k, shrinkage=shrinkage, power=power)
    assert str(chosen) == str(next(model for model in MODELS.values() if isinstance(model, CCA)))
    image, text = chosen.fit(train.image, train.text).transform(test.image, test.text)
    for sides in ((image, text), (text, image)):
        assert hit_rate_at_k(*sides, k=1) >= 0.18
        assert hit_rate_at_k(*sides, k=10) >= 0.53


def test_shuffled_pairs_find_nothing():
    """The control: the same model refitted on permuted pairs stays within 3 standard errors of chance."""
    train, test = load_emoji(subset="train"), load_emoji(subset="test")
    shuffled = np.random.default_rng(0).permutation(len(train.text))
    cca = CCA(200, shrinkage=0.4, power=1.0).fit(train.image, train.text[shuffled])
    image, text = cca.transform(test.image, test.text)
    chance = 10 / len(test.image)
    error = np.sqrt(chance * (1 - chance) / len(test.image))
    for sides in ((image, text), (text, image)):
        assert abs(hit_rate_at_k(*sides, k=10) - chance) < 3 * error


def test_plain_cca_overfits_embeddings_and_shrinkage_mends_it():
    train, test = load_emoji(subset="train"), load_emoji(subset="test")
    with pytest.warns(UserWarning, match="exactly 1 for any data"):
        plain = CCA(64).fit(train.image, train.text)
    assert plain.correlations_.min() > 1 - 1e-6
    assert hit_rate_at_k(*plain.transform(test.image, test.text), k=10) < 0.3
