"""Confidence of searches and sets of items: exact small cases, guarantees in short simulations, and refusals."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from crossmodal_cca import CCA
from crossmodal_cca.datasets import load_emoji
from crossmodal_cca.plotting import RiskCoverageDisplay, SetSizeDisplay
from crossmodal_cca.retrieval import ConformalSets, SearchConfidence
from crossmodal_cca.retrieval._risk import (
    centred_isotonic,
    fewest_answers,
    fewest_queries,
    most_answered,
    set_threshold,
)

RISK, DELTA = 0.2, 0.1


def noisy_pairs(n, seed, noise=0.7):
    rng = np.random.default_rng(seed)
    y = rng.standard_normal((n, 20))
    return y + noise * rng.standard_normal((n, 20)), y


def test_the_map_is_the_isotonic_one_at_its_knots_and_increases_between_them():
    # Blocks by hand: {0: miss, 1: miss}, {2: hit, 3: miss} pooled to 1/2, {4: hit, 8: hit added}.
    knots, heights = centred_isotonic(np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, True, False, True]))
    assert knots.tolist() == [0.5, 2.5, 6.0]
    assert heights.tolist() == [0.0, 0.5, 1.0]


def test_ties_share_a_knot():
    knots, heights = centred_isotonic(np.zeros(4), np.array([True, True, False, True]))
    assert (knots.tolist(), heights.tolist()) == ([0.0], [4 / 6])


def test_fewest_answers_is_where_none_wrong_is_evidence_enough():
    for risk in (0.05, 0.1, 0.3):
        n = fewest_answers(risk, DELTA)
        assert (1 - risk) ** n <= DELTA < (1 - risk) ** (n - 1)
    assert fewest_answers(0.5, 0.25) == 2


def test_answers_go_on_until_a_test_fails():
    confidence = np.linspace(1, 0, 40)
    right = np.arange(40) < 20
    # 11 without an error show a risk of at most .2 at 90 %; with 20 right, P(Bin(20 + j, .2) <= j) <= .1 up to j = 1.
    assert most_answered(confidence, right, RISK, DELTA) == confidence[20]
    assert most_answered(confidence, ~right, RISK, DELTA) == np.inf
    # Equal confidences are answered together: all 40 are, or none.
    assert most_answered(np.full(40, 0.5), right, RISK, DELTA) == np.inf


def test_the_risk_is_what_was_asked_for():
    """P(right) is the quantile of the margin: of the best a, 1 − a/2 are right, so that an oracle answers 2 r."""
    rng, n_runs, n = np.random.default_rng(0), 100, 1000
    answered = np.empty(n_runs)
    for run in range(n_runs):
        u = rng.random(n)
        right = rng.random(n) < u
        knots, heights = centred_isotonic(u, right)
        found = most_answered(np.interp(u, knots, heights), right, RISK, DELTA)
        answered[run] = 1 - np.interp(found, heights, knots) if np.isfinite(found) else 0.0
    violated = np.mean(answered > 2 * RISK)
    assert violated <= DELTA + 2 * np.sqrt(DELTA * (1 - DELTA) / n_runs)
    assert answered.mean() >= RISK


@pytest.mark.parametrize("n_relevant", [1, 3])
def test_sets_cover_as_often_as_they_should(n_relevant):
    rng, n, n_splits, alpha = np.random.default_rng(1), 50, 300, 0.1
    covered = np.empty(n_splits)
    for split in range(n_splits):
        scores = rng.standard_normal((n + 50, 1)) + rng.standard_normal((n + 50, n_relevant))
        weights = np.full(n * n_relevant, 1 / n_relevant)
        covered[split] = np.mean(scores[n:] >= set_threshold(scores[:n].ravel(), weights, n, 1 - alpha))
    error = 3 * covered.std() / np.sqrt(n_splits)
    assert 1 - alpha - error <= covered.mean() <= 1 - alpha + (1 if n_relevant == 1 else 2) / (n + 1) + error


def test_the_threshold_is_the_conformal_quantile():
    scores = np.random.default_rng(2).permutation(19.0 + np.arange(19))
    assert set_threshold(scores, np.ones(19), 19, 0.9) == 20.0  # ⌊.1 · 20⌋ = 2nd smallest
    assert set_threshold(scores[:8], np.ones(8), 8, 0.9) == -np.inf
    assert [fewest_queries(level) for level in (0.5, 0.8, 0.9, 0.95)] == [1, 4, 9, 19]
    # With ties the threshold includes all of them.
    assert set_threshold(np.repeat([1.0, 2.0], [5, 14]), np.ones(19), 19, 0.9) == 1.0


def test_confidence_tells_right_from_wrong_and_estimates_the_hit_rate():
    X, y = noisy_pairs(600, 3, noise=np.tile(np.linspace(0.5, 4, 6), 100)[:, None])
    ids = np.arange(600)
    sure = SearchConfidence().fit(X[:300], y, query_ids=ids[:300], gallery_ids=ids)
    right = sure.is_right(X[300:], ids[300:])
    assert roc_auc_score(right, sure.confidence(X[300:])) > 0.7
    expected = sure.expected_hit_rate(X[300:]).iloc[0]
    # Four standard errors of a proportion of 300.
    assert abs(expected["value"] - right.mean()) < 4 * np.sqrt(0.25 / 300)
    assert expected["low"] <= expected["value"] <= expected["high"]
    found = sure.threshold(risk=0.4)
    answers = sure.answer(X[300:], risk=0.4)
    assert (answers["answered"] == (sure.confidence(X[300:]) >= found)).all()
    assert (answers["id"].isna() == ~answers["answered"]).all()
    display = RiskCoverageDisplay.from_estimator(sure, X[300:], query_ids=ids[300:])
    assert display.risk[-1] == pytest.approx(1 - right.mean())


@pytest.mark.newest
def test_margins_tell_right_first_hits_of_emoji_from_wrong_ones():
    (X, Y), (x, y) = (load_emoji(subset=part, return_X_y=True) for part in ("train", "test"))
    cca = CCA(200, shrinkage=0.5, power=1.0).fit(X, Y)
    for modality, queries, gallery in (("y", x, y), ("x", y, x)):
        sure = SearchConfidence(cca, modality=modality).fit(queries, gallery)
        assert roc_auc_score(sure.model_.right, sure.model_.margins) >= 0.8


def test_what_cannot_be_vouched_for_is_not_answered():
    X, y = noisy_pairs(60, 4, noise=4.0)
    sure = SearchConfidence().fit(X, y)
    with pytest.raises(ValueError, match="at least 230 queries"):
        sure.threshold(risk=0.01)
    with pytest.warns(UserWarning, match="nothing is answered"):
        answers = sure.answer(X, risk=0.05)
    assert not answers["answered"].any()
    with pytest.raises(ValueError, match="some that are right and some that are wrong: 60 of 60"):
        SearchConfidence().fit(y, y)
    with pytest.raises(ValueError, match="k must be less than the number of items in gallery, 60"):
        SearchConfidence(k=60).fit(X, y)


@pytest.mark.parametrize("similarity", ["cosine", "dot", "euclidean"])
def test_sets_hold_what_is_as_near_as_the_threshold(similarity):
    X, y = noisy_pairs(60, 5)
    sets = ConformalSets(similarity=similarity, confidence_level=0.8).fit(X, y)
    found = sets.predict_set(X)
    # ⌊.2 · 61⌋ = 12: eleven queries have a partner below the threshold, the twelfth is on it.
    assert sum(i in items for i, items in enumerate(found)) == 49
    _, nearest = sets.index_.kneighbors(X, 60)
    assert all(np.array_equal(items, order[: len(items)]) for items, order in zip(found, nearest, strict=True))
    table = sets.report(X)
    assert table.loc["all", "value"] == pytest.approx(49 / 60)
    assert table.loc["all", "share"] == pytest.approx(np.mean([len(items) for items in found]) / 60)


def test_too_few_queries_get_everything_and_are_told():
    X, y = noisy_pairs(30, 6)
    with pytest.warns(UserWarning, match=r"8 queries say nothing at confidence_level=0\.9. Pass at least 9\."):
        sets = ConformalSets().fit(X[:8], y, query_ids=range(8), gallery_ids=range(30))
    assert [len(items) for items in sets.predict_set(X)] == [30] * 30


def test_kinds_have_thresholds_of_their_own():
    X, y = noisy_pairs(80, 7)
    X[::2] = y[::2]
    by = np.where(np.arange(80) % 2, "noisy", "clean")
    sets = ConformalSets(confidence_level=0.8).fit(X, y, by=by)
    table = sets.report(X, by=by)
    assert table.index.tolist() == ["all", "clean", "noisy"]
    assert sets.thresholds_[0] > sets.thresholds_[1]
    alone = ConformalSets(confidence_level=0.8).fit(X[1::2], y, query_ids=range(1, 80, 2), gallery_ids=range(80))
    assert sets.thresholds_[1] == pytest.approx(alone.thresholds_[0], abs=1e-12)
    assert SetSizeDisplay.from_table(table).report is table
    for bad in (table.drop(columns="share"), table.iloc[:0], None):
        with pytest.raises(ValueError, match="report must be a table of ConformalSets"):
            SetSizeDisplay.from_table(bad)
    for given, message in ((None, "fitted with by"), (["new"] * 80, "'new' was not")):
        with pytest.raises(ValueError, match=message):
            sets.predict_set(X, by=given)


def test_relevance_and_ids_say_the_same():
    X, y = noisy_pairs(60, 8)
    labels = np.arange(60) // 3
    same = labels[:, None] == labels
    one = ConformalSets(measure="recall").fit(X, y, query_ids=labels, gallery_ids=labels)
    other = ConformalSets(measure="recall").fit(X, y, relevance=same)
    assert one.thresholds_ == other.thresholds_
    assert one.report(X, query_ids=labels).equals(other.report(X, relevance=same))
