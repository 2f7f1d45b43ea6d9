"""Transfer on real data: what it reaches, what it has to beat, and that choices never see the test part."""

import itertools

import numpy as np
import pytest
from real_data import load
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import PredefinedSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from crossmodal_cca import CCA, PairMoments
from crossmodal_cca.datasets import load_emoji, make_paired_latent
from crossmodal_cca.retrieval import CrossModalIndex
from crossmodal_cca.transfer import (
    CrossModalClassifier,
    SharedSpace,
    few_shot_episodes,
    few_shot_report,
    prediction_intervals,
    prediction_report,
    transfer_gain,
)

pytestmark = pytest.mark.newest


def test_wikipedia_labels_of_texts_recognise_images():
    """From unlabelled training pairs, and one labelled text a class; twenty draws."""
    wiki = load("wiki")
    cca = CCA(9, shrinkage=0.5, power=1.0).fit(wiki["I_tr"], wiki["T_tr"])
    labels, of_text, of_raw = wiki["y_tr"], [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        drawn = [rng.permutation(np.flatnonzero(labels == c)) for c in range(10)]
        texts = np.array([of_class[0] for of_class in drawn])
        zero_shot = CrossModalClassifier(cca).fit(wiki["T_tr"][texts], labels[texts])
        of_text.append(zero_shot.score(wiki["I_te"], wiki["y_te"]))
        shots = np.concatenate([of_class[:16] for of_class in drawn])
        raw = LogisticRegression(max_iter=1000).fit(wiki["I_tr"][shots], labels[shots])
        of_raw.append(raw.score(wiki["I_te"], wiki["y_te"]))
    assert np.mean(of_text) == pytest.approx(0.225, abs=0.02)
    # Sixteen labelled images a class on raw features do not reach one labelled text.
    assert 0.16 < np.mean(of_raw) < 0.20


def test_emoji_groups_are_recognised_by_their_names_alone():
    """Three groups are held out, and the aligner knows the others; every twelfth of the 120 triples, for time."""
    data = load_emoji()
    parts = [PairMoments.from_arrays(data.image[data.group == g], data.text[data.group == g]) for g in range(10)]
    total = sum(parts[1:], parts[0])
    found = []
    for held_out in list(itertools.combinations(range(10), 3))[::12]:
        known = total
        for group in held_out:
            known = known - parts[group]
        cca = CCA(50, shrinkage=0.9, power=1.0).fit_moments(known)
        rows = np.isin(data.group, held_out)
        zero_shot = CrossModalClassifier(cca).fit(data.class_text[list(held_out)], list(held_out))
        found.append(balanced_accuracy_score(data.group[rows], zero_shot.predict(data.image[rows])))
    assert np.mean(found) >= 0.47


@pytest.fixture(scope="module")
def emoji():
    data = load_emoji()
    # Five rows are parts of other emoji.
    kept = data.group != list(data.group_names).index("component")
    train = data.split == "train"
    cca = CCA(100, shrinkage=0.6, power=1.0).fit(data.image[train], data.text[train])
    return data, kept, train, cca


def test_emoji_a_head_in_the_shared_space_beats_the_same_head_on_raw_features(emoji):
    data, kept, train, cca = emoji
    head = LogisticRegression(max_iter=2000)
    models = {
        "shared space": make_pipeline(SharedSpace(cca, unit_length=True), head),
        "raw features": make_pipeline(StandardScaler(), head),
    }
    labels = data.group_names[data.group]
    cv = PredefinedSplit(np.where(train[kept], -1, 0))
    episodes = few_shot_episodes(
        models, data.image[kept], labels[kept], shots=(5,), n_episodes=5, cv=cv, random_state=0
    )
    gain = transfer_gain(episodes, "shared space", "raw features").loc[(5, "all classes")]
    assert gain["low"] > 0.05
    assert few_shot_report(episodes)["value"].min() > 2 / 9


def test_emoji_predicted_texts_are_better_than_their_mean(emoji):
    data, _, train, _ = emoji
    test = ~train
    cca = CCA(50, shrinkage=0.5).fit(data.image[train], data.text[train])
    report = prediction_report(
        cca,
        data.image[test],
        data.text[test],
        X_train=data.image[train],
        y_train=data.text[train],
        groups=data.base_name[test],
        n_resamples=200,
        random_state=0,
    )
    assert report.loc[("prediction", "r2"), "low"] > 0.05
    assert report.loc[("nearest neighbours", "r2"), "value"] < report.loc[("mean", "r2"), "value"] < 0.0
    assert report.loc[("prediction", "cosine"), "low"] > 0.3
    assert report.loc[("mean", "hit_rate_at_10"), "value"] == pytest.approx(10 / test.sum())
    # Generation by retrieval: the caption nearest to what the picture suggests, among captions of other pictures too.
    centre = data.text[train].mean(axis=0)
    captions = CrossModalIndex().fit(data.text[test] - centre, ids=data.names["en"][test])
    _, found = captions.kneighbors(cca.predict(data.image[test]) - centre, n_neighbors=10)
    hits = (found == data.names["en"][test][:, None]).any(axis=1).mean()
    assert hits == pytest.approx(report.loc[("prediction", "hit_rate_at_10"), "value"])


@pytest.mark.parametrize("modality", ["y", "x"])
def test_intervals_cover_what_they_say(modality):
    X, y = make_paired_latent(20000, 12, 9, random_state=0)
    cca = CCA(3, shrinkage=0.05).fit(X[:10000], y[:10000])
    rows, truth = (X, y) if modality == "y" else (y, X)
    low, high = prediction_intervals(cca, rows[10000:], modality=modality)
    inside = (low < truth[10000:]) & (truth[10000:] < high)
    assert 0.88 < inside.mean() < 0.92
    assert np.all((inside.mean(axis=0) > 0.87) & (inside.mean(axis=0) < 0.93))


def test_intervals_of_one_column_have_its_shape():
    X, y = make_paired_latent(300, 5, 3, random_state=0)
    low, high = prediction_intervals(CCA(1).fit(X, y[:, 0]), X[:7], confidence_level=0.5)
    assert low.shape == high.shape == (7,)
