"""Gaussian classes against a slow definition, and what more shots, copies and prototypes may and may not change."""

import numpy as np
import pytest
from few_shot_worlds import log_loss, unit, world
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from crossmodal_cca import CCA
from crossmodal_cca.transfer import CrossModalClassifier, GaussianDiscriminant
from crossmodal_cca.transfer._folds import distinct_rows, even_folds


def slow_oas(S, n):
    """Chen, Wiesel, Eldar & Hero (2010), equation 23."""
    p = len(S)
    t, t2 = np.trace(S), np.trace(S @ S)
    rho = min(1.0, ((1 - 2 / p) * t2 + t**2) / ((n + 1 - 2 / p) * (t2 - t**2 / p)))
    return (1 - rho) * S + rho * t / p * np.eye(p)


def slow_scores(U, codes, P, kappa, new):
    """Discriminants of unit rows, one class after the other, by the formulas of the docstring."""
    n, d = U.shape
    # Of a single row: that of rows in all directions, of which each feature has its share.
    tau = sum((u - U.mean(axis=0)) @ (u - U.mean(axis=0)) for u in U) / (n - 1) / d if n > 1 else 1 / d
    present = [c for c in range(len(P)) if (codes == c).any()]
    means = {c: U[codes == c].mean(axis=0) for c in present}
    scatter = sum(np.outer(u - means[c], u - means[c]) for u, c in zip(U, codes, strict=True))
    free = n - len(present)
    within = slow_oas(scatter / free, free) if free else 0.0
    covariance = (free * within + 10 * tau * np.eye(d)) / (free + 10)
    squares = [
        np.mean([U[i] @ U[j] for i in np.flatnonzero(codes == c) for j in np.flatnonzero(codes == c) if i != j])
        for c in present
        if (codes == c).sum() > 1
    ]
    s = np.sqrt(np.mean(squares)) if squares else 0.5
    scores, precision = [], np.linalg.inv(covariance)
    for c in range(len(P)):
        rows = U[codes == c]
        m = (rows.sum(axis=0) + kappa * s * P[c]) / (len(rows) + kappa)
        scores.append([u @ precision @ m - 0.5 * m @ precision @ m for u in new])
    return np.array(scores).T


def objective(S, codes, T):
    S = S / T
    return (
        np.sum(np.log(np.exp(S - S.max(axis=1, keepdims=True)).sum(axis=1)) + S.max(axis=1))
        - np.sum(S[np.arange(len(S)), codes])
        + np.log(T) ** 2
    )


COUNTS = {
    "even": [5] * 4,
    "uneven": [1, 7, 2, 4],
    "single": [1] * 4,
    "none of one": [3, 0, 2, 4],
    "two in all": [1, 0, 1, 0],
}


@pytest.mark.parametrize("d", [7, 60], ids=["tall", "wide"])
@pytest.mark.parametrize("kappa", [None, 0.5])
@pytest.mark.parametrize("counts", COUNTS)
def test_it_is_its_formula(counts, kappa, d):
    texts, Z, codes, new, _ = world(0, COUNTS[counts], n_classes=4, d=d, n_new=3)
    U, P = unit(Z), unit(texts)
    prior = {} if kappa is None else {"prior_shots": kappa}
    head = GaussianDiscriminant(prototypes=dict(enumerate(texts)), **prior).fit(Z, codes)
    kappa = 4.0 if kappa is None else kappa
    slow = slow_scores(U, codes, P, kappa, unit(new))
    assert_allclose(head.decision_function(new) * head.temperature_, slow, rtol=1e-9, atol=1e-9)
    # The temperature minimises what it should, over shots that their folds have not seen.
    folds = even_folds(U, codes, 5 if len(U) > 5 else len(U))
    held_out = np.empty((len(U), 4))
    for fold in np.unique(folds):
        rest, out = folds != fold, folds == fold
        held_out[out] = slow_scores(U[rest], codes[rest], P, kappa, U[out])
    least = min(objective(held_out, codes, T) for T in np.exp(np.linspace(-5, 8, 4001)))
    assert objective(held_out, codes, head.temperature_) <= least + 1e-9


@pytest.mark.parametrize("d", [7, 60], ids=["tall", "wide"])
def test_on_its_own_no_prior_moves_the_means(d):
    _, Z, codes, new, _ = world(0, [5, 1, 4], n_classes=3, d=d, n_new=3)
    head = GaussianDiscriminant().fit(Z, codes)
    slow = slow_scores(unit(Z), codes, np.zeros((3, d)), 0.0, unit(new))
    assert_allclose(head.decision_function(new) * head.temperature_, slow, rtol=1e-9, atol=1e-9)


def test_of_many_shots_some_folds_are_enough(monkeypatch):
    _, Z, codes, _, _ = world(0, 10, n_classes=3)
    U, folds = unit(Z), even_folds(unit(Z), codes, 5)
    monkeypatch.setattr("crossmodal_cca.transfer.discriminant.ENOUGH", 12)
    held_out = [slow_scores(U[folds != f], codes[folds != f], np.zeros((3, 24)), 0.0, U[folds == f]) for f in (0, 1)]
    scores, of_scores = np.concatenate(held_out), np.concatenate([codes[folds == f] for f in (0, 1)])
    least = min(objective(scores, of_scores, T) for T in np.exp(np.linspace(-5, 8, 4001)))
    assert objective(scores, of_scores, GaussianDiscriminant().fit(Z, codes).temperature_) <= least + 1e-9


def test_many_shots_are_linear_discriminant_analysis():
    _, Z, codes, new, _ = world(1, 4000, n_classes=3, d=6)
    peer = LinearDiscriminantAnalysis(solver="lsqr", priors=np.full(3, 1 / 3)).fit(unit(Z), codes)
    expected = peer.predict_proba(unit(new))
    # A ridge of ten rows and a prior of four shots beside thousands.
    prototypes = dict(enumerate(np.eye(6)[:3]))
    for head in (GaussianDiscriminant(), GaussianDiscriminant(prototypes=prototypes)):
        scores = head.fit(Z, codes).decision_function(new) * head.temperature_
        assert_allclose(softmax(scores, axis=1), expected, atol=0.01)


def test_single_shots_are_nearest_means():
    _, Z, codes, new, _ = world(0, 1)
    nearest = ((unit(new)[:, None] - unit(Z)) ** 2).sum(axis=2).argmin(axis=1)
    assert_array_equal(GaussianDiscriminant().fit(Z, codes).predict(new), nearest)


@pytest.mark.parametrize("n_classes", [2, 3, 6])
def test_probabilities_of_single_shots_say_little(n_classes):
    """Nothing tells how far classes spread: scores for wrong classes, and one pair in all directions, spread by 1."""
    _, Z, codes, _, _ = world(0, 1, n_classes=n_classes)
    scores = slow_scores(unit(Z), codes, np.zeros(Z.shape), 0.0, unit(Z))
    wrong = [scores[i, j] for i in range(n_classes) for j in range(i)]
    T2 = (Z.shape[1] + np.sum((wrong - np.mean(wrong)) ** 2)) / len(wrong)
    assert GaussianDiscriminant().fit(Z, codes).temperature_ == pytest.approx(np.sqrt(T2))


def test_rotations_of_the_space_change_nothing():
    """Each of five shots is a fold of its own; prototypes along the axes are prototypes like any other."""
    _, Z, codes, new, _ = world(0, 1, n_classes=5)
    P, Q = np.eye(24)[:5], np.linalg.qr(np.random.default_rng(1).standard_normal((24, 24)))[0]
    one, other = (
        GaussianDiscriminant(prototypes=dict(enumerate(P @ R))).fit(Z @ R, codes).predict_proba(new @ R)
        for R in (np.eye(24), Q)
    )
    assert_allclose(other, one, atol=1e-9)


@pytest.mark.parametrize("c", [0, 3, 5])
def test_one_shot_in_all_beside_prototypes(c):
    """Whatever the place of its class among the names."""
    texts, Z, codes, new, _ = world(0, (np.arange(6) == c).astype(int))
    head = GaussianDiscriminant(prototypes=dict(enumerate(texts))).fit(Z, codes)
    wrong = np.delete(slow_scores(unit(Z), codes, unit(texts), 4.0, unit(Z))[0], c)
    T = np.sqrt((2 * 24 + np.sum((wrong - wrong.mean()) ** 2)) / 5)
    slow = slow_scores(unit(Z), codes, unit(texts), 4.0, unit(new)) / T
    assert_allclose(head.decision_function(new), slow, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kappa", [0.0, 4.0])
def test_a_class_without_shots_is_its_prototype(kappa):
    texts, Z, codes, new, of_new = world(2, 8, text_noise=0.3)
    some = codes != 3
    head = GaussianDiscriminant(prototypes=dict(enumerate(texts)), prior_shots=kappa).fit(Z[some], codes[some])
    assert head.score(new[of_new == 3], of_new[of_new == 3]) > 0.8


COPIES = np.array([3, 1, 1, 2, 1, 5, 1, 1, 9, 1, 2, 1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_copies_of_shots_change_nothing(dtype):
    """Nor where they differ by rounding, as copies behind an aligner do."""
    texts, Z, codes, new, _ = world(0, 2)
    Z, new = Z.astype(dtype), new.astype(dtype)
    rng = np.random.default_rng(0)
    order = rng.permutation(COPIES.sum())
    many, labels = np.repeat(Z, COPIES, axis=0)[order], np.repeat(codes, COPIES)[order]
    many *= 1 + rng.integers(-2, 3, many.shape).astype(dtype) * np.finfo(dtype).eps
    atol = 1e-4 if dtype == np.float32 else 1e-9
    for prototypes in (None, dict(enumerate(texts))):
        one, other = (
            GaussianDiscriminant(prototypes=prototypes).fit(*shots).predict_proba(new)
            for shots in ((Z, codes), (many, labels))
        )
        assert_allclose(other, one, atol=atol)
    cca = CCA(5, shrinkage=0.3).fit(new.astype(float), np.random.default_rng(1).standard_normal((len(new), 8)))
    Y = np.random.default_rng(2).standard_normal((6, 8))
    one, other = (
        CrossModalClassifier(cca, GaussianDiscriminant())
        .fit(Y, range(6), shots=shots, shot_labels=of)
        .predict_proba(new)
        for shots, of in ((Z, codes), (many, labels))
    )
    assert_allclose(other, one, atol=atol)


def test_what_differs_by_more_than_rounding_is_no_copy():
    Z = np.array([[1.0, 0.0], [1.0, 0.9e-5], [0.0, 1.0], [1.1e-5, 1.0]])
    assert_array_equal(distinct_rows(Z, np.zeros(4, int)), [0, 2, 3])


def test_copies_with_other_rows_between_them_are_found():
    """Along one direction; rows that are this dense lie between copies that differ by rounding."""
    rng = np.random.default_rng(0)
    Z = unit(rng.standard_normal((3000, 6)))
    Z = np.concatenate((Z, Z + 1e-6 * rng.uniform(-1, 1, Z.shape), Z - 1e-6 * rng.uniform(-1, 1, Z.shape)))
    assert_array_equal(distinct_rows(Z, np.zeros(9000, int)), np.arange(3000))


def test_a_row_in_two_classes_is_no_copy():
    Z = unit(np.random.default_rng(0).standard_normal((4, 3)))
    rows, codes = np.concatenate((Z, Z, Z)), np.repeat([0, 1, 1], 4)
    assert_array_equal(distinct_rows(rows, codes), np.arange(8))


@pytest.mark.newest
@pytest.mark.parametrize("noise", [1.0, 2.0])
def test_more_shots_do_not_hurt_and_say_more_than_frequencies(noise):
    """Means of six draws of 300 new rows, the same for every number of shots."""
    numbers = (1, 2, 4, 16, 64, 256)
    found = {m: [] for m in numbers}
    for seed in range(6):
        for m in numbers:
            texts, Z, codes, new, of_new = world(seed, m, noise=noise)
            beside = CrossModalClassifier(None, GaussianDiscriminant())
            heads = beside.fit(texts, np.arange(6), shots=Z, shot_labels=codes), GaussianDiscriminant().fit(Z, codes)
            found[m].append([[h.score(new, of_new), log_loss(h.predict_proba(new), of_new)] for h in heads])
    accuracy, loss = np.moveaxis([np.mean(found[m], axis=0) for m in numbers], -1, 0)
    assert np.all(np.diff(accuracy, axis=0) > -0.02)
    assert np.all(np.diff(loss, axis=0) < 0.05)
    assert np.all(loss < np.log(6))
    # Descriptions help where shots are few, and cost nothing where they are many.
    assert accuracy[0, 0] > accuracy[0, 1]
    assert np.all(accuracy[:, 0] > accuracy[:, 1] - 0.02)


def test_folds_deal_out_single_shots_too():
    rng = np.random.default_rng(0)
    Z, codes = rng.standard_normal((23, 4)), np.r_[np.arange(5), np.repeat([5, 6], 9)]
    folds = even_folds(Z, codes, 5)
    assert set(np.bincount(folds)) <= {4, 5}
    for c in (5, 6):
        assert set(np.bincount(folds[codes == c], minlength=5)) <= {1, 2}
    order = rng.permutation(23)
    assert_array_equal(even_folds(Z[order], codes[order], 5), folds[order])
    assert_array_equal(even_folds(Z, (codes * 3) % 7, 5), folds)
