"""Learning classes in one modality and recognising them in the other, and wrappers that leave their aligner alone."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sameness import assert_same_state
from sklearn.base import clone
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, LinearSVC

from crossmodal_cca import CCA, CrossModalPipeline, KernelCCA
from crossmodal_cca.retrieval import CrossModalIndex
from crossmodal_cca.transfer import (
    CacheSimilarity,
    CrossModalClassifier,
    ESZSLClassifier,
    GaussianDiscriminant,
    PrototypeClassifier,
    PrototypeLogisticRegression,
    PrototypeSimilarity,
    SharedSpace,
)

NAMES = np.array(["owl", "cat", "newt", "bee"])


def unit(A):
    return A / np.linalg.norm(A, axis=1, keepdims=True)


def two_modalities(n, seed=0, spread=0.5):
    """Rows of two modalities of things of four classes, and the classes."""
    rng = np.random.default_rng(seed)
    shared = np.random.default_rng(99)
    codes = rng.integers(4, size=n)
    latent = 1.5 * shared.standard_normal((4, 5))[codes] + spread * rng.standard_normal((n, 5))
    X = latent @ shared.standard_normal((5, 12)) + rng.standard_normal((n, 12))
    y = latent @ shared.standard_normal((5, 8)) + rng.standard_normal((n, 8))
    return X, y, codes


@pytest.fixture(scope="module")
def world():
    X, y, codes = two_modalities(600)
    return CCA(4, shrinkage=0.1).fit(X[:300], y[:300]), X[300:], y[300:], codes[300:]


def test_zero_shot_is_the_nearest_description(world):
    cca, X, y, codes = world
    order = np.argsort(codes[:40], kind="stable")
    Z = unit(cca.transform_y(y[:40][order]))
    P = unit(np.array([Z[codes[:40][order] == c].mean(axis=0) for c in range(4)]))
    slow = (unit(cca.transform(X[40:])) @ P.T).argmax(axis=1)
    classifier = CrossModalClassifier(cca).fit(y[:40], codes[:40])
    assert_array_equal(classifier.predict(X[40:]), slow)
    assert classifier.score(X[40:], codes[40:]) > 0.7
    assert_allclose(classifier.predict_proba(X).sum(axis=1), 1.0)


def test_the_other_direction_and_a_space_shared_already(world):
    cca, X, y, codes = world
    back = CrossModalClassifier(cca, fit_modality="x", predict_modality="y").fit(X[:40], codes[:40])
    assert back.score(y[40:], codes[40:]) > 0.7
    x_scores, y_scores = cca.transform(X, y)
    without = CrossModalClassifier().fit(x_scores[:40], codes[:40])
    assert_allclose(without.decision_function(y_scores), back.decision_function(y))


@pytest.mark.parametrize(
    "classifier",
    [
        LogisticRegression(),
        LinearSVC(),
        GaussianNB(),
        RandomForestClassifier(20, random_state=0),
        PrototypeClassifier(),
    ],
    ids=lambda c: type(c).__name__,
)
def test_any_classifier_will_do(world, classifier):
    cca, X, y, codes = world
    both = CrossModalClassifier(cca, classifier).fit(
        y[:80], NAMES[codes[:80]], shots=X[80:100], shot_labels=NAMES[codes[80:100]]
    )
    assert both.score(X[100:], NAMES[codes[100:]]) > 0.7
    p = both.predict_proba(X[100:])
    assert_array_equal(both.classes_[p.argmax(axis=1)], both.predict(X[100:]))
    assert_allclose(p.sum(axis=1), 1.0)


def test_logistic_regression_keeps_its_own_probabilities(world):
    cca, X, y, codes = world
    for classes in (4, 2):
        kept = codes < classes
        ours = CrossModalClassifier(cca, LogisticRegression(), temperature=1.0).fit(y[kept], codes[kept])
        own = LogisticRegression().fit(unit(cca.transform_y(y[kept])), codes[kept])
        assert_allclose(ours.predict_proba(X), own.predict_proba(unit(cca.transform(X))), rtol=1e-6)
        assert_allclose(ours.decision_function(X), own.decision_function(unit(cca.transform(X))), rtol=1e-6)


def test_shots_are_stacked_with_their_weight(world):
    cca, X, y, codes = world
    shots, labels = X[:30], codes[:30]
    Z = np.concatenate((unit(cca.transform_y(y[30:40])), unit(cca.transform(shots))))
    both = np.concatenate((codes[30:40], labels))
    n, m = np.bincount(codes[30:40]), np.bincount(labels)
    weights = np.r_[np.ones(10), (2.0 * n / m)[labels]]
    own = LogisticRegression().fit(Z, both, sample_weight=weights)
    ours = CrossModalClassifier(cca, LogisticRegression(), shot_weight=2.0)
    ours.fit(y[30:40], codes[30:40], shots=shots, shot_labels=labels)
    assert_array_equal(ours.predict(X), own.predict(unit(cca.transform(X))))
    nearest = CrossModalClassifier(cca, KNeighborsClassifier(3), shot_weight=None)
    nearest.fit(y[30:40], codes[30:40], shots=shots, shot_labels=labels)
    assert_array_equal(nearest.predict(X), KNeighborsClassifier(3).fit(Z, both).predict(unit(cca.transform(X))))
    none = CrossModalClassifier(cca, shot_weight=0.0).fit(y[30:40], codes[30:40], shots=shots, shot_labels=labels)
    assert_array_equal(none.predict(X), CrossModalClassifier(cca).fit(y[30:40], codes[30:40]).predict(X))


def test_the_weight_chosen_is_the_one_that_predicts_held_out_shots(world):
    cca, X, y, codes = world
    wrong = (codes[:40] + 1) % 4  # descriptions that mislead
    ours = CrossModalClassifier(cca, shot_weight="cv").fit(y[:40], wrong, shots=X[40:80], shot_labels=codes[40:80])
    assert ours.shot_weight_ >= 3
    assert sorted(ours.shot_weight_scores_) == [0, 0.1, 0.3, 1, 3, 10]
    assert ours.shot_weight_scores_[ours.shot_weight_] == max(ours.shot_weight_scores_.values())
    assert ours.score(X[80:], codes[80:]) > 0.7


@pytest.mark.parametrize("calibration", [0.0, "cv"])
def test_what_is_chosen_depends_neither_on_the_order_of_shots_nor_on_names(calibration):
    # Leading zeros, as bags of words have them.
    X, y, codes = (np.pad(A, ((0, 0), (9, 0))) if A.ndim == 2 else A for A in two_modalities(200, seed=3))
    y = np.hstack((y, np.zeros((200, 4))))
    rows = np.flatnonzero(codes[:80] < (4 if calibration == 0.0 else 3))
    chosen = []
    for names, order in ((np.arange(4), rows), (np.arange(4), rows[::-1]), (np.array([2, 0, 3, 1]), rows)):
        fitted = CrossModalClassifier(shot_weight="cv", calibration=calibration)
        fitted.fit(y[80:100], names[codes[80:100]], shots=X[order], shot_labels=names[codes[order]])
        chosen.append((fitted.shot_weight_, fitted.temperature_, fitted.calibration_))
    assert_allclose(chosen[1], chosen[0], rtol=1e-6)
    assert_allclose(chosen[2], chosen[0], rtol=1e-6)


@pytest.mark.parametrize("head", [PrototypeLogisticRegression(), GaussianDiscriminant(prior_shots=2.0)])
def test_heads_with_prototypes_get_those_of_the_other_modality(world, head):
    cca, X, y, codes = world
    ours = CrossModalClassifier(cca, head, temperature=1.0).fit(
        y[:40], codes[:40], shots=X[40:60], shot_labels=codes[40:60]
    )
    P = PrototypeClassifier().fit(cca.transform_y(y[:40]), codes[:40]).prototypes_
    weights = (
        {} if isinstance(head, GaussianDiscriminant) else {"sample_weight": 5 / np.bincount(codes[40:60])[codes[40:60]]}
    )
    own = clone(head).set_params(prototypes=dict(enumerate(P)))
    own.fit(unit(cca.transform(X[40:60])), codes[40:60], **weights)
    assert_allclose(ours.decision_function(X), own.decision_function(unit(cca.transform(X))), rtol=1e-5, atol=1e-6)
    assert head.prototypes is None
    # Without shots it is zero-shot.
    zero = clone(ours).fit(y[:40], codes[:40])
    assert_array_equal(zero.predict(X), CrossModalClassifier(cca).fit(y[:40], codes[:40]).predict(X))


def test_the_temperature_makes_probabilities_honest(world):
    cca, X, y, codes = world
    descriptions = y[:20], codes[:20]
    shots = {"shots": X[20:100], "shot_labels": codes[20:100]}
    losses = {}
    for temperature in (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, "auto"):
        fitted = CrossModalClassifier(cca, temperature=temperature).fit(*descriptions, **shots)
        losses[temperature] = log_loss(codes[100:], fitted.predict_proba(X[100:]))
    # Chosen on eighty shots, not on the rows it is measured on.
    assert losses.pop("auto") < 1.1 * min(losses.values())
    single = [np.flatnonzero(codes == c)[0] for c in range(4)]
    assert CrossModalClassifier(cca).fit(*descriptions, shots=X[single], shot_labels=codes[single]).temperature_ == 1.0


def test_calibrated_stacking_lets_classes_without_shots_win():
    # A gap between the modalities, as of CLIP: classes with shots of the modality to predict are nearer to it.
    rng = np.random.default_rng(0)
    descriptions, gap = rng.standard_normal((12, 20)), 8 * unit(rng.standard_normal((1, 20)))
    codes = rng.integers(12, size=600)
    images = descriptions[codes] + gap + rng.standard_normal((600, 20))
    with_shots = codes < 8
    shots = {"shots": images[:150][with_shots[:150]], "shot_labels": codes[:150][with_shots[:150]]}

    def harmonic(calibration):
        classifier = CrossModalClassifier(calibration=calibration, shot_weight=1.5)
        fitted = classifier.fit(descriptions, np.arange(12), **shots)
        assert_array_equal(fitted.seen_, np.arange(12) < 8)
        right = fitted.predict(images[150:]) == codes[150:]
        a, b = right[with_shots[150:]].mean(), right[~with_shots[150:]].mean()
        return 2 * a * b / (a + b)

    best = max(harmonic(float(offset)) for offset in range(0, 60, 3))
    assert harmonic(0.0) < 0.5 * best
    assert harmonic("cv") > 0.9 * best


def test_wrappers_leave_the_aligner_as_it_is(world):
    cca, X, y, codes = world
    before = copy.deepcopy(cca)
    head = make_pipeline(SharedSpace(cca, unit_length=True), PrototypeSimilarity(), LogisticRegression())
    grid = {"logisticregression__C": [0.1, 1.0], "sharedspace__unit_length": [True, False]}
    search = GridSearchCV(head, grid, cv=3).fit(X[:100], codes[:100])
    assert search.score(X[100:], codes[100:]) > 0.7
    wrapper = CrossModalClassifier(cca, LogisticRegression(C=2.0))
    assert wrapper.get_params()["classifier__C"] == 2.0
    copied = clone(wrapper).set_params(classifier__C=5.0).fit(y[:50], codes[:50])
    assert wrapper.classifier.C == 2.0
    assert copied.aligner is cca
    with pytest.raises(ValueError, match="aligner__shrinkage cannot be set"):
        wrapper.set_params(aligner__shrinkage=0.9)
    assert not [name for name in wrapper.get_params() if name.startswith("aligner__")]
    assert_same_state(cca, before)


def test_a_fit_of_the_users_aligner_does_not_reach_a_fitted_wrapper():
    X, y, codes = two_modalities(200)
    cca = CCA(3, shrinkage=0.1).fit(X, y)
    wrappers = [SharedSpace(cca).fit(X), CrossModalClassifier(cca).fit(y[:50], codes[:50])]
    before = wrappers[0].transform(X), wrappers[1].decision_function(X)
    wrappers += [SharedSpace(FrozenEstimator(cca)).fit(X)]
    cca.set_params(shrinkage=0.9).fit(X[::-1], y)
    assert_array_equal(wrappers[2].transform(X), before[0])
    assert_array_equal(wrappers[0].transform(X), before[0])
    assert_array_equal(wrappers[1].decision_function(X), before[1])
    for wrapper in wrappers:
        assert_array_equal(pickle.loads(pickle.dumps(wrapper)).aligner_.x_rotations_, wrapper.aligner_.x_rotations_)


def test_of_a_search_the_best_aligner_is_kept(tmp_path):
    X, y, codes = two_modalities(200)
    search = GridSearchCV(CCA(3), {"shrinkage": [0.1, 0.5]}, cv=3).fit(X, y)
    best = search.best_estimator_
    assert_array_equal(SharedSpace(search).fit(X).transform(X), best.transform(X))
    found, expected = (CrossModalClassifier(cca).fit(y[:50], codes[:50]) for cca in (search, best))
    assert_array_equal(found.decision_function(X), expected.decision_function(X))
    CrossModalIndex(search).fit(y).save(tmp_path / "index")
    index, other = CrossModalIndex.load(tmp_path / "index"), CrossModalIndex(best).fit(y)
    for one, same in zip(index.kneighbors(X, 3), other.kneighbors(X, 3), strict=True):
        assert_array_equal(one, same)


def test_several_aligners_can_be_searched_when_frozen(world):
    cca, X, _, codes = world
    other = CCA(1, shrinkage=0.1).fit(*two_modalities(300)[:2])
    head = make_pipeline(SharedSpace(cca), LogisticRegression())
    grid = {"sharedspace__aligner": [FrozenEstimator(other), FrozenEstimator(cca)]}
    search = GridSearchCV(head, grid, cv=3).fit(X[:100], codes[:100])
    assert search.best_index_ == 1


def test_configuration_survives_a_clone(world):
    cca, X, *_ = world
    space = clone(SharedSpace(cca).set_output(transform="pandas")).fit(X)
    frame = space.transform(X)
    assert frame.columns.tolist() == [f"sharedspace{i}" for i in range(4)]
    assert_allclose(frame, cca.transform(X))


def test_centring_closes_the_gap_and_unit_length_comes_after():
    rng = np.random.default_rng(0)
    Z = rng.standard_normal((50, 4)) + 5
    space = SharedSpace(center=True, unit_length=True).fit(Z)
    assert_allclose(space.transform(Z[:3]), unit(Z[:3] - Z.mean(axis=0)))
    assert_array_equal(Z, np.random.default_rng(0).standard_normal((50, 4)) + 5)
    assert_array_equal(SharedSpace().fit(Z).transform(Z), Z)


def test_other_aligners_and_raw_text(world):
    _, X, y, codes = world
    kernel = KernelCCA(3, regularization=0.1).fit(*two_modalities(200)[:2])
    assert CrossModalClassifier(kernel).fit(y[:50], codes[:50]).score(X, codes) > 0.7
    texts = [f"{NAMES[c]} {NAMES[c]} flies {i}" for i, c in enumerate(codes)]
    piped = CrossModalPipeline(
        CCA(3, shrinkage=0.5), y_transformer=make_pipeline(TfidfVectorizer(), TruncatedSVD(5, random_state=0))
    )
    piped.fit(X[:200], texts[:200])
    zero_shot = CrossModalClassifier(piped).fit(list(NAMES), NAMES)
    assert zero_shot.score(X[200:], NAMES[codes[200:]]) > 0.7
    head = make_pipeline(SharedSpace(piped, "y"), LogisticRegression()).fit(texts[:50], codes[:50])
    assert head.score(texts[50:], codes[50:]) > 0.9


BAD = {
    "a class of the shots without a description": (
        {},
        lambda X, y, c: {"X": y[c > 0], "y": c[c > 0], "shots": X, "shot_labels": c},
        "shot_labels holds 1 label",
    ),
    "a single class": ({}, lambda X, y, c: {"X": y[:2], "y": ["a", "a"]}, "at least two classes"),
    "descriptions of the wrong width": ({}, lambda X, y, c: {"X": X, "y": c}, "12 features"),
    "shots of the wrong width": ({}, lambda X, y, c: {"X": y, "y": c, "shots": y, "shot_labels": c}, "8 features"),
    "labels of another length": ({}, lambda X, y, c: {"X": y, "y": c[:-1]}, "one label for each of the 300 rows"),
    "a missing label": ({}, lambda X, y, c: {"X": y[:3], "y": [0.0, np.nan, 1.0]}, "NaN"),
    "no labels": ({}, lambda X, y, c: {"X": y, "y": None}, "requires y"),
    "shots without labels": ({}, lambda X, y, c: {"X": y, "y": c, "shots": X}, "go together"),
    "an aligner without a second side": (
        {"aligner": PCA(2).fit(np.eye(8))},
        lambda X, y, c: {"X": y, "y": c},
        "PCA has no transform_y",
    ),
    "a classifier of pairs of classes": (
        {"classifier": SVC(decision_function_shape="ovo")},
        lambda X, y, c: {"X": y, "y": c},
        "decision_function_shape='ovr'",
    ),
    "a classifier of other classes": (
        {"classifier": FrozenEstimator(GaussianNB().fit(np.eye(4), [5, 6, 7, 8]))},
        lambda X, y, c: {"X": y, "y": c},
        "instead of",
    ),
    "NaN": ({}, lambda X, y, c: {"X": np.where(y > 2, np.nan, y), "y": c}, "NaN"),
    "a weight to be chosen without shots": ({"shot_weight": "cv"}, lambda X, y, c: {"X": y, "y": c}, "pass shots"),
    "a weight to be chosen by single shots": (
        {"shot_weight": "cv"},
        lambda X, y, c: {"X": y, "y": c, "shots": X[:1], "shot_labels": c[:1]},
        "needs two or more",
    ),
    "a negative weight": ({"shot_weight": -1.0}, lambda X, y, c: {"X": y, "y": c}, "shot_weight must lie in"),
    "a word for a weight": ({"shot_weight": "best"}, lambda X, y, c: {"X": y, "y": c}, "or 'cv'"),
    "stacking without unseen classes": (
        {"calibration": 0.5},
        lambda X, y, c: {"X": y, "y": c, "shots": X, "shot_labels": c},
        "all of the 4 have shots",
    ),
    "stacking by a single class with shots": (
        {"calibration": "cv"},
        lambda X, y, c: {"X": y, "y": c, "shots": X[c == 0], "shot_labels": c[c == 0]},
        "two classes with shots",
    ),
    "no such modality": ({"fit_modality": "z"}, lambda X, y, c: {"X": y, "y": c}, "fit_modality must be"),
    "weights for a classifier without": (
        {"classifier": KNeighborsClassifier()},
        lambda X, y, c: {"X": y, "y": c, "shots": X, "shot_labels": c},
        "shot_weight=None",
    ),
    "a weight for a head of prototypes": (
        {"classifier": PrototypeLogisticRegression(), "shot_weight": 2.0},
        lambda X, y, c: {"X": y, "y": c, "shots": X, "shot_labels": c},
        "no meaning",
    ),
    "a missing text as label": (
        {},
        lambda X, y, c: {"X": y[:2], "y": ["a", None]},
        "y must not be missing, but 1 of 2",
    ),
    "labels of two types": (
        {},
        lambda X, y, c: {"X": y[:2], "y": ["a", 1]},
        "y must be of comparable types, got int, str",
    ),
    "labels of shots of two types": (
        {},
        lambda X, y, c: {"X": y, "y": c, "shots": X[:2], "shot_labels": [1, "a"]},
        "shot_labels must be of comparable types, got int, str",
    ),
    "centring by what is not known": (
        {"center": True, "aligner": None},
        lambda X, y, c: {"X": y, "y": c},
        "has neither shots nor an aligner to tell it: pass shots of two classes or more, or rows .* as unlabelled",
    ),
    "centring by shots of one class": (
        {"center": True},
        lambda X, y, c: {"X": y, "y": c, "shots": X[c == 0], "shot_labels": c[c == 0]},
        "shots of a single class only",
    ),
    "rows for a mean that is not asked for": ({}, lambda X, y, c: {"X": y, "y": c, "unlabelled": X}, "center=True"),
    "unlabelled rows of the wrong width": (
        {"center": True},
        lambda X, y, c: {"X": y, "y": c, "unlabelled": y},
        "8 features",
    ),
    "a word for a flag": ({"center": "yes"}, lambda X, y, c: {"X": y, "y": c}, "center must be True or False"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_says_what_to_do_and_changes_nothing(world, case):
    cca, X, y, codes = world
    parameters, arguments, message = BAD[case]
    classifier = CrossModalClassifier(cca).fit(y, codes)
    before = classifier.predict(X)
    given = arguments(X, y, codes)
    with pytest.raises((ValueError, TypeError), match=message):
        clone(classifier).set_params(**parameters).fit(given.pop("X"), given.pop("y"), **given)
    given = arguments(X, y, codes)
    classifier.set_params(**parameters)
    with pytest.raises((ValueError, TypeError), match=message):
        classifier.fit(given.pop("X"), given.pop("y"), **given)
    assert_array_equal(classifier.predict(X), before)


def test_an_unfitted_aligner_and_unknown_labels(world):
    cca, X, y, codes = world
    for wrapper in (SharedSpace(CCA()), CrossModalClassifier(CCA())):
        with pytest.raises(ValueError, match="not fitted"):
            wrapper.fit(y, codes)
    with pytest.raises(ValueError, match="y holds 1 label"):
        CrossModalClassifier(cca).fit(y, codes).score(X[:4], [0, 1, 2, 7])
    with pytest.raises(ValueError, match="12 features"):
        CrossModalClassifier(cca).fit(y, codes).predict(y)


def test_a_refit_forgets_the_features_of_the_fit_before(world):
    cca, X, *_ = world
    space = SharedSpace().fit(pd.DataFrame(X, columns=[f"f{i}" for i in range(12)]))
    space.set_params(aligner=cca).fit(X)
    assert not hasattr(space, "feature_names_in_")
    assert not hasattr(space, "n_features_in_")


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (PrototypeLogisticRegression(prototypes={0: np.ones(12), 1: np.ones(12)}), "lacks 2 of the 4 classes"),
        (PrototypeLogisticRegression(prototypes={c: np.ones(3) for c in range(4)}), "vectors of 12 features"),
        (PrototypeLogisticRegression(prototypes=[[1.0] * 12]), "must map each class"),
        (GaussianDiscriminant(prototypes={c: np.full(12, np.nan) for c in range(4)}), "prototypes contains NaN"),
        (GaussianDiscriminant(prior_shots=-1), "prior_shots must lie in"),
        (PrototypeClassifier(temperature=0), "temperature must lie in"),
        (CacheSimilarity(beta=-1), "beta must lie in"),
        (PrototypeLogisticRegression(C=0), "C must lie in"),
        (PrototypeLogisticRegression(max_iter=2.5), "whole number"),
        (PrototypeLogisticRegression(prototypes={**{c: np.ones(12) for c in range(4)}, "z": np.ones(12)}), "one type"),
        (GaussianDiscriminant(prototypes=pd.DataFrame(np.ones((5, 12)), [0, 1, 2, 3, 3])), "several rows for a class"),
    ],
)
def test_heads_refuse_what_they_cannot_use(world, head, message):
    _, X, _, codes = world
    with pytest.raises((ValueError, TypeError), match=message):
        head.fit(X, codes)


def test_a_ridge_that_rounding_swallows_is_named():
    with pytest.raises(ValueError, match="ridge of 1e-30 is lost in rounding"):
        ESZSLClassifier(feature_ridge=1e-30).fit(np.ones((4, 2)), [0, 1] * 2)
