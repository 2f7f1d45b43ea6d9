"""Parameters are checked alike everywhere: a wrong type is a TypeError, a wrong value a ValueError, in one wording."""

import re
import time

import numpy as np
import pytest
from linear_models import pairs
from matplotlib import pyplot as plt
from sklearn.linear_model import LogisticRegression

from crossmodal_cca import CCA, CCACV, PLSSVD, KernelCCA, KernelCCACV, PLSCanonical, PLSRegression, PLSRegressionCV
from crossmodal_cca.datasets import load_emoji, make_paired_latent
from crossmodal_cca.inference import bootstrap_weights, noise_edge, permutation_test, required_samples
from crossmodal_cca.metrics import (
    compare_retrieval,
    hit_rate_at_k,
    make_retrieval_scorer,
    ndcg_at_k,
    per_query,
    retrieval_ranks,
    retrieval_report,
    shuffled_pair_control,
)
from crossmodal_cca.plotting import CorrelationCircleDisplay, HitRateDisplay, HubnessDisplay, SimilarityMatrixDisplay
from crossmodal_cca.retrieval import CrossModalIndex, correct_hubness, hubness_report, k_occurrence
from crossmodal_cca.transfer import (
    CrossModalClassifier,
    ESZSLClassifier,
    PrototypeLogisticRegression,
    SharedSpace,
    few_shot_episodes,
    few_shot_report,
    prediction_intervals,
    prediction_report,
)

X, Y = pairs(80)
LABELS = np.arange(80) % 2
FITTED = CCA(2).fit(X, Y)
SCORES = FITTED.transform(X, Y)
INDEX = CrossModalIndex().fit(SCORES[1])
HEADS = {"head": LogisticRegression()}


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def kernel(**parameters):
    return KernelCCA(1, **parameters).fit(X, Y)


def classifier(**parameters):
    return CrossModalClassifier(FITTED, **parameters).fit(X, LABELS)


# Each takes a value for one parameter that must be a whole number of at least so many.
WHOLE_NUMBERS = {
    "CCA": (lambda v: CCA(v).fit(X, Y), 1),
    "PLSCanonical": (lambda v: PLSCanonical(v).fit(X, Y), 1),
    "PLSRegression": (lambda v: PLSRegression(v).fit(X, Y), 1),
    "PLSSVD": (lambda v: PLSSVD(v).fit(X, Y), 1),
    "KernelCCA": (lambda v: KernelCCA(v).fit(X, Y), 1),
    "CCACV": (lambda v: CCACV(v, cv=2, shrinkages=(0.1,)).fit(X, Y), 1),
    "CCACV, a list": (lambda v: CCACV([v], cv=2, shrinkages=(0.1,)).fit(X, Y), 1),
    "PLSRegressionCV": (lambda v: PLSRegressionCV(v, cv=2).fit(X, Y), 1),
    "KernelCCACV": (lambda v: KernelCCACV(v, cv=2, width_factors=(1.0,), regularizations=(0.1,)).fit(X, Y), 1),
    "landmarks": (lambda v: kernel(approximation="nystroem", n_landmarks=v), 1),
    "landmarks of a side": (lambda v: kernel(approximation="nystroem", n_landmarks=(20, v)), 1),
    "draws": (lambda v: FITTED.sample_y(X, v, random_state=0), 1),
    "iterations": (lambda v: PrototypeLogisticRegression(max_iter=v).fit(X, LABELS), 1),
    "cut-off": (lambda v: hit_rate_at_k(*SCORES, k=v), 1),
    "cut-offs": (lambda v: retrieval_report(*SCORES, ks=(v,), n_resamples=0), 1),
    "cut-off of a scorer": (lambda v: make_retrieval_scorer("hit_rate_at_k", k=v), 1),
    "resamples of a report": (lambda v: retrieval_report(*SCORES, n_resamples=v), 0),
    "resamples of a comparison": (lambda v: compare_retrieval(SCORES, SCORES[::-1], n_resamples=v), 0),
    "shuffles": (lambda v: shuffled_pair_control(CCA(2), X, Y, X, Y, n_shuffles=v, random_state=0), 1),
    "neighbours": (lambda v: INDEX.kneighbors(SCORES[0], v), 1),
    "neighbours of an item": (lambda v: k_occurrence(*SCORES, k=v), 1),
    "neighbours in a bank": (lambda v: correct_hubness(*SCORES, SCORES[0], n_neighbors=v), 1),
    "index's neighbours without a bank": (lambda v: CrossModalIndex(hubness_neighbors=v).fit(SCORES[1]), 1),
    "neighbours of a baseline": (
        lambda v: prediction_report(FITTED, X, Y, X_train=X, y_train=Y, n_neighbors=v, n_resamples=0),
        1,
    ),
    "neighbours to try": (lambda v: hubness_report(*SCORES, SCORES[0], neighbors=(v,), n_resamples=2), 1),
    "index's neighbours in a bank": (
        lambda v: CrossModalIndex(hubness="nnn", hubness_neighbors=v).fit(SCORES[1], query_bank=SCORES[0]),
        1,
    ),
    "permutations": (lambda v: permutation_test(X, Y, v, random_state=0), 1),
    "components to test": (lambda v: permutation_test(X, Y, 9, n_components=v, random_state=0), 1),
    "bootstrap": (lambda v: bootstrap_weights(FITTED, X, Y, v, random_state=0), 2),
    "rows of an edge": (lambda v: noise_edge(v, 1, 1), 2),
    "features of an edge": (lambda v: noise_edge(50, v, 1), 1),
    "features": (lambda v: required_samples(0.5, v), 2),
    "rows": (lambda v: make_paired_latent(v, random_state=0), 1),
    "features of x": (lambda v: make_paired_latent(9, v, correlations=()), 1),
    "features of y": (lambda v: make_paired_latent(9, 5, v, correlations=()), 1),
    "shots": (lambda v: few_shot_episodes(HEADS, X, LABELS, shots=(v, 1), n_episodes=2, random_state=0), 0),
    "episodes": (lambda v: few_shot_episodes(HEADS, X, LABELS, shots=(1,), n_episodes=v, random_state=0), 2),
    "points of a curve": (lambda v: HitRateDisplay.from_predictions(*SCORES, max_k=v, n_resamples=0), 1),
    "items shown": (lambda v: SimilarityMatrixDisplay.from_predictions(*SCORES, max_items=v), 1),
    "hubs shown": (lambda v: HubnessDisplay.from_predictions(*SCORES, k=v), 1),
    "labels shown": (lambda v: CorrelationCircleDisplay.from_estimator(FITTED, X, Y, n_labels=v), 0),
    "component shown": (lambda v: CorrelationCircleDisplay.from_estimator(FITTED, X, Y, components=(1, v)), 0),
}
FLAGS = {
    "scale": lambda v: CCA(2, scale=v).fit(X, Y),
    "scale of a search": lambda v: CCACV(2, scale=v, cv=2, shrinkages=(0.1,)).fit(X, Y),
    "one standard error": lambda v: CCACV(2, one_standard_error=v, cv=2, shrinkages=(0.1,)).fit(X, Y),
    "both shrinkages": lambda v: CCACV(2, separate_shrinkage=v, cv=2, shrinkages=(0.1,)).fit(X, Y),
    "adaptive": lambda v: PrototypeLogisticRegression(adaptive=v).fit(X, LABELS),
    "center": lambda v: SharedSpace(FITTED, center=v).fit(X),
    "unit length": lambda v: SharedSpace(FITTED, unit_length=v).fit(X),
}
CHOICES = {
    "solver": lambda v: CCA(2, solver=v).fit(X, Y),
    "kernel": lambda v: kernel(kernel=v),
    "approximation": lambda v: kernel(approximation=v),
    "modality": lambda v: FITTED.residual_covariance(v),
    "modality of an index": lambda v: CrossModalIndex(modality=v).fit(X),
    "method of intervals": lambda v: prediction_intervals(FITTED, X, method=v),
    "table of episodes": lambda v: few_shot_episodes(HEADS, X, LABELS, shots=(1,), n_episodes=2, per=v),
    "modality of intervals": lambda v: prediction_intervals(FITTED, X, modality=v),
    "similarity of ranks": lambda v: retrieval_ranks(*SCORES, similarity=v),
    "similarity of an index": lambda v: CrossModalIndex(similarity=v).fit(X),
    "hubness": lambda v: correct_hubness(*SCORES, SCORES[0], method=v),
    "gain": lambda v: ndcg_at_k(*SCORES, gain=v),
    "measure": lambda v: per_query(v, *SCORES),
    "direction": lambda v: make_retrieval_scorer(direction=v),
    "similarity": lambda v: make_retrieval_scorer(similarity=v),
    "scoring": lambda v: CCACV(2, scoring=v).fit(X, Y),
    "kind": lambda v: bootstrap_weights(FITTED, X, Y, 5, kind=v),
    "method": lambda v: required_samples(0.5, 5, method=v),
    "subset": lambda v: load_emoji(subset=v),
    "candidates": lambda v: ESZSLClassifier(candidates=v).fit(X, LABELS),
    "average": lambda v: few_shot_report(
        few_shot_episodes(HEADS, X, LABELS, shots=(1,), n_episodes=2, random_state=0), measure=v
    ),
    "measure shown": lambda v: HitRateDisplay.from_predictions(*SCORES, measure=v),
}
LEVELS = {
    "report": lambda v: retrieval_report(*SCORES, confidence_level=v),
    "comparison": lambda v: compare_retrieval(SCORES, SCORES[::-1], confidence_level=v),
    "bootstrap": lambda v: bootstrap_weights(FITTED, X, Y, 5, confidence_level=v),
    "intervals": lambda v: prediction_intervals(FITTED, X, method="conformal", calibration=(X, Y), confidence_level=v),
}


@pytest.mark.filterwarnings("ignore:PrototypeLogisticRegression stopped")
@pytest.mark.parametrize("name", WHOLE_NUMBERS)
def test_a_whole_number_is_refused_or_taken(name):
    call, low = WHOLE_NUMBERS[name]
    for value in (True, np.True_, 2.0, np.float64(2), "2", 1j, np.array(2)):
        with pytest.raises(TypeError, match=rf"must be a whole number (of at least|between) {low}\b.*; got "):
            call(value)
    for value in (low - 1, np.int64(low - 1), -5):
        with pytest.raises(ValueError, match=rf"must be a whole number (of at least|between) {low}\b.*; got "):
            call(value)
    for value in (low, np.uint8(low)):
        call(value)


@pytest.mark.parametrize("name", FLAGS)
def test_a_flag_is_true_or_false(name):
    for value in (1, 0, None, "yes", np.int64(1), np.array([True, False])):
        with pytest.raises(TypeError, match="must be True or False, got"):
            FLAGS[name](value)
    for value in (True, np.False_):
        FLAGS[name](value)


@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_is_one_of_those_that_there_are(name):
    with pytest.raises(ValueError, match=r"must be (a function or )?one of .*got 'no such'"):
        CHOICES[name]("no such")
    for value in (3, b"cosine", np.array(["cosine", "dot"])):
        with pytest.raises(TypeError, match=f"(?s)must be (a function or )?one of .*got {re.escape(repr(value))}"):
            CHOICES[name](value)


@pytest.mark.parametrize("name", LEVELS)
def test_a_level_of_confidence_is_a_share(name):
    for value in (0, 1.0, 95, np.nan, -0.1):
        with pytest.raises(ValueError, match=r"confidence_level must lie in \(0, 1\), got"):
            LEVELS[name](value)
    for value in ("95%", None, True):
        with pytest.raises(TypeError, match=r"confidence_level must be a number in \(0, 1\), got"):
            LEVELS[name](value)
    LEVELS[name](np.float32(0.5))


@pytest.mark.parametrize(("parameter", "word"), [("shot_weight", "cv"), ("calibration", "cv"), ("temperature", "auto")])
def test_a_number_or_a_word(parameter, word):
    with pytest.raises(ValueError, match=rf"{parameter} must be a number in .* or '{word}', got 'best'"):
        classifier(**{parameter: "best"})
    with pytest.raises(TypeError, match=rf"{parameter} must be a number in .* or '{word}', got \[1\]"):
        classifier(**{parameter: [1]})


@pytest.mark.parametrize(
    "call",
    [
        lambda v: retrieval_ranks(*SCORES, verbose=v),
        lambda v: permutation_test(X, Y, 9, verbose=v, random_state=0),
        lambda v: CrossModalIndex(verbose=v).fit(SCORES[1]).kneighbors(SCORES[0]),
        lambda v: CCACV(2, cv=2, shrinkages=(0.1,), verbose=v).fit(X, Y),
    ],
)
def test_talk_is_a_whole_number_or_a_flag(call):
    for value, error in (("much", TypeError), (None, TypeError), (-1, ValueError)):
        with pytest.raises(error, match="verbose must be a whole number of at least 0; got"):
            call(value)
    for value in (0, False, True, np.int64(2)):
        call(value)


@pytest.mark.parametrize(
    "call",
    [
        lambda v: permutation_test(X, Y, 9, n_jobs=v, random_state=0),
        lambda v: bootstrap_weights(FITTED, X, Y, 2, n_jobs=v, random_state=0),
    ],
)
def test_a_number_of_threads(call):
    for value, error in (("all", TypeError), (1.0, TypeError), (True, TypeError), (0, ValueError)):
        with pytest.raises(error, match=r"n_jobs must be a whole number other than 0, .*; got"):
            call(value)
    for value in (None, 1, -1, np.int64(2)):
        call(value)


@pytest.mark.parametrize("value", ["much", -0.1, np.nan, None])
def test_weights_of_a_correction_are_called_as_they_were_given(value):
    with pytest.raises((TypeError, ValueError), match=r"^hubness_weight must"):
        CrossModalIndex(hubness_weight=value).fit(SCORES[1])
    with pytest.raises((TypeError, ValueError), match=r"^weight must"):
        correct_hubness(*SCORES, SCORES[0], n_neighbors=2, weight=value)


@pytest.mark.parametrize(
    "search",
    [
        CCACV(10**9, cv=2, shrinkages=(0.1,)),
        CCACV([1, 10**9], cv=2, shrinkages=(0.1,)),
        CCACV(10**9, cv=2, shrinkages=(0.1,), scoring="hit_rate_at_5"),
        PLSRegressionCV(10**9, cv=2),
        KernelCCACV(10**9, cv=2, width_factors=(1.0,), regularizations=(0.1,)),
    ],
    ids=repr,
)
def test_a_search_refuses_too_many_components_before_it_lists_them(search):
    start = time.process_time()
    with pytest.raises(ValueError, match=r"n_components=1000000000 is more than the .* possible in every fold"):
        search.fit(X, Y)
    # The list alone would take half a minute and 40 GB.
    assert time.process_time() - start < 5


def test_a_generator_of_numpy_is_a_seed_too():
    drawn, again = (make_paired_latent(20, 4, 3, random_state=np.random.default_rng(5))[0] for _ in range(2))
    np.testing.assert_array_equal(drawn, again)
    rng = np.random.default_rng(5)
    first, second = (make_paired_latent(20, 4, 3, random_state=rng)[0] for _ in range(2))
    np.testing.assert_array_equal(first, drawn)
    assert not np.array_equal(second, drawn)  # it goes on where it stopped
    settings = {"solver": "randomized", "shrinkage": 0.5}
    models = [CCA(1, random_state=np.random.default_rng(5), **settings).fit(X, X[:, :2]) for _ in range(2)]
    np.testing.assert_array_equal(models[0].x_rotations_, models[1].x_rotations_)
    tables = [retrieval_report(*SCORES, random_state=np.random.default_rng(5)) for _ in range(2)]
    assert tables[0].equals(tables[1])
