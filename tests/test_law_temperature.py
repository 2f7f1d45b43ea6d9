"""A temperature makes held-out rows likely, and stays where it is expected while they say little."""

import numpy as np
import pytest
from few_shot_worlds import log_loss, unit, world
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from crossmodal_cca.transfer import CrossModalClassifier, GaussianDiscriminant, PrototypeLogisticRegression
from crossmodal_cca.transfer._calibration import likeliest_temperature


def objective(S, codes, weights, expected, log_t):
    S = S / np.exp(log_t)
    S = S - S.max(axis=1, keepdims=True)
    losses = np.log(np.exp(S).sum(axis=1)) - S[np.arange(len(S)), codes]
    return weights @ losses + (log_t - np.log(expected)) ** 2


def least_of_all(low, high, *of):
    """The smallest value of the objective between two logarithms, to nearly all digits."""
    grid = np.linspace(low, high, 1001)
    best = grid[np.argmin([objective(*of, log_t) for log_t in grid])]
    step, options = grid[1] - grid[0], {"xatol": 1e-9}
    return minimize_scalar(lambda t: objective(*of, t), bounds=(best - step, best + step), options=options).fun


@pytest.mark.parametrize("unit_of_scores", [1e-6, 1.0, 1e6])
def test_many_rows_say_what_it_is_in_any_unit(unit_of_scores):
    rng = np.random.default_rng(0)
    logits = 2 * rng.standard_normal((20000, 5))
    codes = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    assert likeliest_temperature(logits * unit_of_scores, codes) == pytest.approx(unit_of_scores, rel=0.03)


@pytest.mark.parametrize("expected", [1.0, 0.05])
@pytest.mark.parametrize("spread", [1e-3, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("right", [0.4, 0.8, 1.0])
def test_it_is_the_least_of_all(right, spread, expected):
    """Where scores are small and few there are two minima, one of the prior and one of the likelihood."""
    rng = np.random.default_rng(0)
    codes, w = rng.integers(3, size=12), rng.uniform(0.5, 2, 12)
    S = spread * (rng.standard_normal((12, 3)) + 2.5 * (codes[:, None] == np.arange(3)) * (rng.random((12, 1)) < right))
    if right == 1.0:
        S[np.arange(12), codes] = S.max(axis=1) + 0.1 * spread
    least = least_of_all(-25, 15, S, codes, w, expected)
    found = likeliest_temperature(S, codes, w, expected=expected)
    assert objective(S, codes, w, expected, np.log(found)) <= least + 1e-9
    # To nearly all digits, so that it does not hang on the order of rows: there the slope is zero.
    likely = softmax(S / found, axis=1)
    slopes = (S[np.arange(12), codes] - (likely * S).sum(axis=1)) / found
    assert abs(w @ slopes + 2 * np.log(found / expected)) < 1e-10


@pytest.mark.parametrize("far", [1.0, 3e3])
def test_it_may_be_far_from_how_scores_spread(far):
    """One class that is always far, or scores that say nothing of the class."""
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((1000, 3))
    codes = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    S = np.column_stack((logits, np.full(1000, -far)))
    for scores, of in ((S, codes), (S[:, :3], rng.permutation(codes))):
        least = least_of_all(-8, 12, scores, of, np.ones(1000), 1.0)
        assert objective(scores, of, np.ones(1000), 1.0, np.log(likeliest_temperature(scores, of))) <= least + 1e-6


def test_rows_that_say_nothing_leave_it_as_expected():
    assert likeliest_temperature(np.zeros((4, 3)), np.array([0, 1, 2, 0]), expected=0.3) == 0.3


def test_rows_that_are_all_right_move_it_little():
    """The likelihood alone would go to 0, or to the end of where it is looked for."""
    for size in (1.0, 5.0, 1e6):
        S = size * np.eye(50)[np.repeat(np.arange(50), 3)]
        assert 0.1 < likeliest_temperature(S, np.repeat(np.arange(50), 3)) < 10


# As few shots as there are, all of them recognised when they are held out.
SETTINGS = {
    "5 classes, 2 shots": {"n_classes": 5, "d": 32, "n_shots": 2},
    "10 classes, 4 shots": {"n_classes": 10, "d": 64, "n_shots": 4},
    "3 classes, 2 shots": {"n_classes": 3, "d": 16, "n_shots": 2, "noise": 1.2},
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_few_shots_do_not_make_it_worse_than_none(setting):
    losses = []
    for seed in range(12):
        texts, Z, codes, new, of_new = world(seed, **{"noise": 1.5, "text_noise": 0.5} | SETTINGS[setting])
        losses.append([])
        for temperature in ("auto", 1.0):
            fitted = CrossModalClassifier(temperature=temperature)
            fitted.fit(texts, np.arange(len(texts)), shots=Z, shot_labels=codes)
            losses[-1].append(log_loss(fitted.predict_proba(new), of_new))
    auto, one = np.mean(losses, axis=0)
    assert auto <= one + 0.002


@pytest.mark.parametrize("head", [PrototypeLogisticRegression(), GaussianDiscriminant()], ids=str)
def test_what_has_one_of_its_own_gets_no_other(head):
    texts, Z, codes, _, _ = world(0, 4)
    fitted = CrossModalClassifier(None, head).fit(texts, range(6), shots=Z, shot_labels=codes)
    assert fitted.temperature_ == 1.0
    assert fitted.classifier_.temperature_ != 1.0


def test_prototypes_that_recognise_all_shots_get_no_temperature_out_of_bounds():
    rng = np.random.default_rng(0)
    P = np.eye(6)
    Z = np.repeat(P, 3, axis=0) + 0.05 * rng.standard_normal((18, 6))
    head = PrototypeLogisticRegression(prototypes=dict(enumerate(P))).fit(unit(Z), np.repeat(np.arange(6), 3))
    assert 0.01 < head.temperature_ < 0.25


def test_copies_of_shots_do_not_sharpen_it():
    texts, Z, codes, _, _ = world(0, 3, noise=2.0)
    found = []
    for times in (1, 7):
        fitted = CrossModalClassifier(None, LogisticRegression(), shot_weight="cv")
        fitted.fit(texts, range(6), shots=np.repeat(Z, times, axis=0), shot_labels=np.repeat(codes, times))
        found.append((fitted.temperature_, fitted.shot_weight_))
    assert found[1] == pytest.approx(found[0], rel=1e-6)
