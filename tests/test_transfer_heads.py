"""Few-shot heads against slow definitions written from their formulas, their limits, and what may not matter."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import approx_fprime
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline

from crossmodal_cca.linalg._ridge import ridge_coefficients, solve_ridge
from crossmodal_cca.transfer import (
    CacheSimilarity,
    CrossModalClassifier,
    ESZSLClassifier,
    GaussianDiscriminant,
    PrototypeClassifier,
    PrototypeLogisticRegression,
    PrototypeSimilarity,
)
from crossmodal_cca.transfer._calibration import best_offset
from crossmodal_cca.transfer._pulled_fit import PulledLoss

NAMES = np.array(["owl", "cat", "newt", "bee"])


def shots(per_class=5, n_features=7, seed=0, n_classes=4):
    """Classes around different directions, and new rows of them."""
    rng = np.random.default_rng(seed)
    centres = 1.5 * rng.standard_normal((n_classes, n_features))
    codes = np.repeat(np.arange(n_classes), per_class)
    new = np.repeat(np.arange(n_classes), 50)
    return (
        centres[codes] + rng.standard_normal((len(codes), n_features)),
        codes,
        centres[new] + rng.standard_normal((len(new), n_features)),
        new,
    )


def unit(A):
    return A / np.linalg.norm(A, axis=-1, keepdims=True)


HEADS = [
    PrototypeClassifier(),
    GaussianDiscriminant(),
    PrototypeLogisticRegression(tol=1e-10),
    ESZSLClassifier(),
    make_pipeline(PrototypeSimilarity(), LogisticRegression(tol=1e-8)),
    make_pipeline(CacheSimilarity(), LogisticRegression(tol=1e-8)),
]
heads = pytest.mark.parametrize("head", HEADS, ids=lambda head: str(head)[:60])


@heads
def test_order_of_rows_and_kind_of_labels_change_nothing(head):
    Z, codes, new, _ = shots()
    by_code = clone(head).fit(Z, codes).decision_function(new)
    order = np.random.default_rng(1).permutation(len(Z))
    assert_allclose(clone(head).fit(Z[order], codes[order]).decision_function(new), by_code, rtol=1e-5, atol=1e-6)
    # Names sort otherwise than the codes do.
    named = clone(head).fit(Z, NAMES[codes])
    assert_array_equal(named.classes_, np.sort(NAMES))
    assert_allclose(named.decision_function(new)[:, np.argsort(np.argsort(NAMES))], by_code, rtol=1e-5, atol=1e-6)
    for labels in (codes.astype(float), NAMES[codes].astype(object), pd.Series(NAMES[codes], index=codes)):
        assert clone(head).fit(Z, labels).score(new[:1], clone(head).fit(Z, labels).predict(new[:1])) == 1.0


@heads
def test_probabilities_sum_to_one_and_agree_with_labels(head):
    Z, codes, new, _ = shots()
    fitted = clone(head).fit(Z, codes)
    p = fitted.predict_proba(new)
    assert_allclose(p.sum(axis=1), 1.0)
    assert_array_equal(fitted.classes_[p.argmax(axis=1)], fitted.predict(new))
    two = codes < 2
    binary = clone(head).fit(Z[two], codes[two])
    assert_array_equal(binary.predict(new), (binary.decision_function(new) > 0).astype(int))


@heads
def test_one_shot_a_class_does_better_than_chance(head):
    found = []
    for seed in range(10):
        Z, codes, new, of_new = shots(1, seed=seed)
        found.append(clone(head).fit(Z, codes).score(new, of_new))
    # The mean of ten draws of four classes; 0.25 is chance.
    assert np.mean(found) > 0.5


@heads
def test_float32_rows_give_float32_scores(head):
    Z, codes, new, _ = shots()
    double = clone(head).fit(Z, codes).decision_function(new)
    single = clone(head).fit(Z.astype(np.float32), codes).decision_function(new.astype(np.float32))
    # What stands behind a transformer here is scikit-learn's.
    ours = clone(head).fit(Z.astype(np.float32), codes) if not isinstance(head, Pipeline) else head[0].fit(Z, codes)
    answer = getattr(ours, "transform", None) or ours.decision_function
    assert answer(new.astype(np.float32)).dtype == np.float32
    assert_allclose(single, double, rtol=1e-2, atol=1e-3 * np.abs(double).max())


@pytest.mark.parametrize("head", HEADS[:3], ids=lambda head: type(head).__name__)
def test_length_of_rows_does_not_matter(head):
    Z, codes, new, _ = shots()
    lengths = np.random.default_rng(0).uniform(0.1, 10, len(Z))[:, None]
    one, other = clone(head).fit(Z, codes), clone(head).fit(lengths * Z, codes)
    assert_allclose(other.decision_function(5 * new), one.decision_function(new), rtol=1e-6, atol=1e-8)


def test_prototypes_average_directions():
    Z, codes, new, _ = shots()
    w = np.random.default_rng(0).uniform(0, 2, len(Z))
    slow = np.array([unit(sum(w[i] * unit(Z[i]) for i in np.flatnonzero(codes == c))) for c in range(4)])
    fitted = PrototypeClassifier(temperature=0.1).fit(Z, codes, sample_weight=w)
    assert_allclose(fitted.prototypes_, slow, rtol=1e-12)
    assert_allclose(fitted.decision_function(new), unit(new) @ slow.T / 0.1, rtol=1e-10, atol=1e-12)
    even = np.array([unit(unit(Z[codes == c]).mean(axis=0)) for c in range(4)])
    assert_allclose(PrototypeSimilarity().fit(Z, codes).transform(new), unit(new) @ even.T, rtol=1e-10, atol=1e-12)


def test_a_weight_of_two_repeats_a_row_and_zero_drops_it():
    Z, codes, new, _ = shots()
    w = np.tile([2, 0, 1, 1, 1], 4)
    for head in (PrototypeClassifier(), PrototypeLogisticRegression(tol=1e-10)):
        weighted = clone(head).fit(Z, codes, sample_weight=w).decision_function(new)
        repeated = clone(head).fit(np.repeat(Z, w, axis=0), np.repeat(codes, w)).decision_function(new)
        assert_allclose(weighted, repeated, rtol=1e-6, atol=1e-7)


def test_a_pull_towards_zero_is_logistic_regression():
    Z, codes, new, _ = shots()
    # Zero rows keep a length of zero, so these are no prototypes at all.
    zero = dict.fromkeys(range(4), np.zeros(7))
    pulled = PrototypeLogisticRegression(prototypes=zero, adaptive=False, temperature=1.0, C=3.0, tol=1e-10)
    peer = LogisticRegression(C=3.0, fit_intercept=False, tol=1e-10, max_iter=1000).fit(unit(Z), codes)
    assert_allclose(pulled.fit(Z, codes).predict_proba(new), peer.predict_proba(unit(new)), atol=1e-6)


def test_the_pull_has_the_limits_it_should():
    Z, codes, _, _ = shots()
    prototypes = dict(enumerate(np.random.default_rng(3).standard_normal((4, 7))))
    head = PrototypeLogisticRegression(prototypes=prototypes, temperature=0.1)
    weak = clone(head).set_params(C=1e-9).fit(Z, codes)
    assert_allclose(weak.coef_, unit(np.array(list(prototypes.values()))) / 0.1, rtol=1e-6)
    # A class without shots has its prototype, moved only by what is not of it.
    some = codes != 3
    assert clone(head).fit(Z[some], codes[some]).predict([prototypes[3]]) == 3
    adaptive = clone(head).fit(Z, codes)
    assert np.all((adaptive.pulls_ > 0) & (adaptive.pulls_ <= 1))


def test_many_classes_are_fitted_as_closely_as_few():
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(200), 4)
    P = rng.standard_normal((200, 32))
    Z = P[codes] + 1.5 * rng.standard_normal((800, 32))
    prototypes = dict(enumerate(P + 1.5 * rng.standard_normal((200, 32))))
    head = PrototypeLogisticRegression(prototypes=prototypes, C=10.0, tol=1e-3)
    close, closest = (clone(head).set_params(tol=tol).fit(Z, codes) for tol in (1e-3, 1e-7))
    start = closest.prototypes_ / closest.temperature_
    # Beside the way that the fit has gone.
    assert np.linalg.norm(close.coef_ - closest.coef_) < 0.02 * np.linalg.norm(closest.coef_ - start)


def test_as_many_classes_as_rows_are_nothing_to_warn_of():
    rng = np.random.default_rng(0)
    Z, names = rng.standard_normal((60, 5)), np.arange(60).astype(str)
    assert PrototypeClassifier().fit(Z, names).score(Z, names) == 1.0
    assert CrossModalClassifier().fit(Z, names).score(Z, names) == 1.0


def test_tiny_weights_weigh_against_each_other():
    rows = np.eye(2, dtype=np.float32)
    for head in (PrototypeClassifier(), PrototypeLogisticRegression()):
        fitted = head.fit(rows, ["a", "b"], sample_weight=[1e-60, 1e-60])
        assert fitted.predict(rows).tolist() == ["a", "b"]


def pulled_loss(theta, Z, codes, w, centre, pulls, C):
    S = Z @ theta.T
    likelihood = w @ (np.log(np.exp(S).sum(axis=1)) - S[np.arange(len(S)), codes])
    return 0.5 * (pulls[:, None] * (theta - centre) ** 2).sum() + C * likelihood


def test_the_gradient_of_the_pulled_loss_is_that_of_finite_differences():
    Z, codes, _, _ = shots()
    rng = np.random.default_rng(0)
    centre, pulls, w = rng.standard_normal((4, 7)), rng.uniform(0.1, 1, 4), rng.uniform(0.5, 2, len(Z))
    at = rng.standard_normal((4, 7))
    slow = approx_fprime(
        (centre + at).ravel(),
        lambda theta: pulled_loss(theta.reshape(4, 7), unit(Z), codes, w, centre, pulls, 2.0) / (2.0 * w.sum()),
        1e-7,
    )
    assert_allclose(PulledLoss(unit(Z), codes, w, centre, pulls, 2.0).gradient(at).ravel(), slow, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("common", [0.0, 3.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_pulled_fit_ends_at_the_minimum_after_few_products(dtype, common):
    """Also where all rows have much in common, and where a loss in single precision has no digits left to compare."""
    rng = np.random.default_rng(0)
    P, codes = rng.standard_normal((50, 32)).astype(dtype), np.repeat(np.arange(50), 16)
    Z = (P[codes] + 3 * rng.standard_normal((800, 32)) + common).astype(dtype)
    head = PrototypeLogisticRegression(prototypes=dict(enumerate(P)), tol=1e-5).fit(Z, codes)
    settings = unit(Z).astype(float), codes, np.ones(800), head.prototypes_ / head.temperature_, head.pulls_, 1.0
    loss = PulledLoss(*settings)
    g, start = loss.gradient(head.coef_ - loss.centre), loss.gradient(np.zeros((50, 32)))
    assert np.abs(g).max() < 1e-4 * np.abs(start).max()
    assert head.n_evaluations_ <= (75 if common else 20)


def test_eszsl_is_its_formula_and_reaches_unseen_classes():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((6, 5))
    mixing = rng.standard_normal((5, 9))
    codes = np.repeat(np.arange(6), 30)
    X = A[codes] @ mixing + 0.5 * rng.standard_normal((180, 9))
    seen = codes < 4
    attributes = {f"c{i}": A[i] for i in (5, 3, 1, 0, 2, 4)}
    labels = np.array([f"c{c}" for c in codes])
    Y = 2.0 * (codes[seen][:, None] == np.arange(4)) - 1
    V = np.linalg.inv(X[seen].T @ X[seen] + 2.0 * np.eye(9)) @ X[seen].T @ Y @ A[:4]
    V = V @ np.linalg.inv(A[:4].T @ A[:4] + 0.5 * np.eye(5))
    fitted = ESZSLClassifier(attributes, feature_ridge=2.0, attribute_ridge=0.5).fit(X[seen], labels[seen])
    assert_allclose(fitted.map_, V, rtol=1e-8)
    assert_allclose(fitted.decision_function(X), X @ V @ A.T, rtol=1e-8)
    assert_array_equal(fitted.seen_, [True] * 4 + [False] * 2)
    unseen = ESZSLClassifier(pd.DataFrame(attributes).T, candidates="unseen").fit(X[seen], labels[seen])
    assert_array_equal(unseen.classes_, ["c4", "c5"])
    assert unseen.score(X[~seen], labels[~seen]) > 0.8
    # All compete: unseen classes lose to those fitted, unless these pay for it.
    plain, stacked = (ESZSLClassifier(attributes, calibration=c).fit(X[seen], labels[seen]) for c in (0.0, 5.0))
    assert stacked.score(X[~seen], labels[~seen]) > plain.score(X[~seen], labels[~seen])


def test_eszsl_without_attributes_is_ridge_regression_on_labels():
    Z, codes, new, _ = shots()
    ours = ESZSLClassifier(feature_ridge=2.0, attribute_ridge=1.0).fit(Z, codes)
    peer = RidgeClassifier(alpha=2.0, fit_intercept=False).fit(Z, codes)
    assert_allclose(2 * ours.decision_function(new), peer.decision_function(new), rtol=1e-8)


def test_ridges_can_be_chosen_on_held_out_classes():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((8, 4))
    codes = np.repeat(np.arange(8), 10)
    X = A[codes] @ rng.standard_normal((4, 6)) + rng.standard_normal((80, 6))
    grid = {"feature_ridge": [0.1, 10.0], "attribute_ridge": [0.1, 10.0]}
    estimator = ESZSLClassifier(dict(enumerate(A)), candidates="unseen")
    search = GridSearchCV(estimator, grid, cv=GroupKFold(4), refit=False).fit(X, codes, groups=codes)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    # Two classes are held out at a time.
    assert search.best_score_ > 0.6


def test_small_ridges_of_wide_rows_lose_no_digits():
    rng = np.random.default_rng(0)
    X, codes = rng.standard_normal((30, 100)), np.arange(30) % 3
    exact = ESZSLClassifier(feature_ridge=1e-4).fit(X, codes).map_
    single = ESZSLClassifier(feature_ridge=1e-4).fit(X.astype(np.float32), codes).map_
    assert_allclose(single, exact, atol=1e-4 * np.abs(exact).max())


@pytest.mark.parametrize("shape", [(30, 8), (8, 30)], ids=["tall", "wide"])
def test_ridge_systems(shape):
    rng = np.random.default_rng(0)
    Z, B = rng.standard_normal(shape), rng.standard_normal((shape[1], 3))
    assert_allclose((Z.T @ Z + 0.7 * np.eye(shape[1])) @ solve_ridge(Z, B, 0.7), B, rtol=1e-9, atol=1e-10)
    T = rng.standard_normal((shape[0], 3))
    assert_allclose(ridge_coefficients(Z, T, 0.7), solve_ridge(Z, Z.T @ T, 0.7), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("favour", [1.0, -1.0], ids=["seen classes win too often", "unseen ones do"])
@pytest.mark.parametrize("signal", [0.5, 1.5])
@pytest.mark.parametrize("seed", range(5))
def test_the_best_offset_is_that_of_trying_all(favour, signal, seed):
    rng = np.random.default_rng(seed)
    n, n_classes = 200, 6
    codes = rng.integers(n_classes, size=n)
    seen = np.broadcast_to(np.arange(n_classes) < 4, (n, n_classes))
    S = rng.standard_normal((n, n_classes)) + signal * (codes[:, None] == np.arange(n_classes)) + favour * seen

    def harmonic(offset):
        right = (S - offset * seen).argmax(axis=1) == codes
        a, b = right[codes < 4].mean(), right[codes >= 4].mean()
        return 2 * a * b / (a + b)

    # It is a parameter from 0 on: what was found can be passed.
    best = max(harmonic(offset) for offset in np.linspace(0, 5, 4001))
    found = best_offset(S, codes, seen)
    assert harmonic(found) == pytest.approx(best)
    assert found >= 0.0
    assert (found == 0.0) == (harmonic(0.0) == pytest.approx(best))
