"""Wrong pairs are found by what they score out of their fold; p keeps its level, and the bound covers the truth."""

import numpy as np
import pytest
from scipy import sparse, stats
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import KFold, ShuffleSplit

from crossmodal_cca import CCA, load
from crossmodal_cca.datasets import load_emoji, make_paired_latent
from crossmodal_cca.diagnosis import PairCheck
from crossmodal_cca.diagnosis._suspicion import WrongShare, share_of_wrong
from crossmodal_cca.plotting import PairCheckDisplay


def some_pairs(n, seed, n_wrong=0):
    """Pairs that share much, the first of them with exchanged partners."""
    X, y = make_paired_latent(n, 16, 14, correlations=(0.99,) * 10, random_state=seed)
    y[:n_wrong] = np.roll(y[:n_wrong], 1, axis=0)
    return X, y


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def nearest_mean(similarities):
    return np.sort(similarities, axis=1)[:, -10:].mean(axis=1)


def test_the_table_is_that_of_the_definition():
    X, y = some_pairs(90, 0, 9)
    items = np.arange(90) // 3
    folds = list(KFold(2).split(X))
    check = PairCheck(CCA(4, shrinkage=0.2), cv=folds).fit(X, y, x_ids=items)
    table = check.table_
    closeness, agreement = np.empty((2, 90))
    for train, test in folds:
        model = CCA(4, shrinkage=0.2).fit(X[train], y[train])
        A, B = model.transform(X[train]), model.transform_y(y[train])
        weights = np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(A.T, B.T, strict=True)]) ** check.model_.power
        a, b = unit(model.transform(X[test]) * weights), unit(model.transform_y(y[test]) * weights)
        A, B = unit(A * weights), unit(B * weights)
        C = 2 * a @ b.T - nearest_mean(a @ B.T)[:, None] - nearest_mean(b @ A.T)
        other = items[test][:, None] != items[test]
        closeness[test] = own = np.diag(C)
        P, Q, p, q = (unit(side[part] - side[train].mean(axis=0)) for part in (train, test) for side in (X, y))
        near_x, near_y = (np.argsort(-new @ known.T)[:, :5] for new, known in ((p, P), (q, Q)))
        agreement[test] = [
            (Q[i] @ v).mean() / 2 + (P[j] @ u).mean() / 2 for u, v, i, j in zip(p, q, near_x, near_y, strict=True)
        ]
        found = table.iloc[test]
        np.testing.assert_allclose(found["score"], (a * b).sum(axis=1))
        np.testing.assert_array_equal(found["rank_x_to_y"], 1 + ((own[:, None] < C) & other).sum(axis=1))
        np.testing.assert_array_equal(found["rank_y_to_x"], 1 + ((own < C) & other).sum(axis=0))
        expected = [(1 + np.sum(C[other] >= each)) / (1 + other.sum()) for each in own]
        np.testing.assert_allclose(found["p_value"], expected)
    np.testing.assert_allclose(table["suspicion"], -stats.zscore(closeness) - stats.zscore(agreement) / 2)
    assert check.wrong_share_ == 2 * (table["p_value"] > 0.5).mean()


@pytest.mark.newest
def test_p_keeps_its_level_and_the_bound_covers():
    """A quick version of benchmarks/pair_check.py."""
    small, covered, told = [], [], []
    for seed in range(20):
        X, y = some_pairs(150, seed, 30)
        check = PairCheck().fit(X, y)
        small.append((check.table_["p_value"][:30] <= 0.1).mean())
        covered.append(check.wrong_share_interval_[1] >= 0.2)
        told.append(roc_auc_score(np.arange(150) < 30, check.table_["suspicion"]))
    assert np.mean(small) <= 0.1 + 3 * np.std(small, ddof=1) / np.sqrt(20)
    # .95 minus three standard errors of 20 draws.
    assert np.mean(covered) >= 0.8
    assert np.mean(told) > 0.9


@pytest.mark.newest
def test_wrong_emoji_are_found():
    X, y = load_emoji(subset="train", return_X_y=True)
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(y), len(y) // 20, replace=False)
    y[chosen] = y[np.roll(chosen, 1)]
    wrong = np.isin(np.arange(len(y)), chosen)
    check = PairCheck(CCA(200, shrinkage=0.5), cv=3).fit(X, y)
    assert roc_auc_score(wrong, check.table_["suspicion"]) > 0.93
    assert average_precision_score(wrong, check.table_["suspicion"]) > 0.65
    assert 0.04 <= check.wrong_share_ <= 0.08


def test_new_pairs_are_scored_on_the_scale_of_the_table():
    X, y = some_pairs(300, 0)
    check = PairCheck().fit(X[:200], y[:200])
    right, wrong = (check.score_samples(X[200:], new) for new in (y[200:], y[200:][::-1]))
    assert roc_auc_score(np.repeat([1, 0], 100), np.concatenate([right, wrong])) > 0.9
    # Suspicions have mean 0 and a deviation of at most 1.5 in the table.
    assert abs(right.mean()) < 0.5
    as_sparse = PairCheck().fit(sparse.csr_array(X[:200]), y[:200])
    assert (
        roc_auc_score(
            np.repeat([1, 0], 100),
            as_sparse.score_samples(
                sparse.csr_array(np.tile(X[200:], (2, 1))), np.concatenate([y[200:], y[200:][::-1]])
            ),
        )
        > 0.9
    )


def test_a_file_has_the_table_and_scores_new_pairs(tmp_path):
    X, y = some_pairs(80, 0)
    ids = [f"picture {i // 2}" for i in range(80)]
    check = PairCheck(CCA(4, shrinkage=0.2), cv=3).fit(X[:60], y[:60], x_ids=ids[:60])
    check.save(tmp_path / "check")
    loaded = load(tmp_path / "check")
    assert loaded.table_.equals(check.table_)
    assert loaded.wrong_share_interval_ == check.wrong_share_interval_
    np.testing.assert_array_equal(loaded.score_samples(X[60:], y[60:]), check.score_samples(X[60:], y[60:]))
    assert loaded.fit(X, y).table_.equals(check.fit(X, y).table_)
    with pytest.raises(TypeError, match="KFold"):
        PairCheck(cv=KFold(3)).save(tmp_path / "check")


def test_the_bound_is_exact_for_pairs_and_counts_groups_once():
    p = np.linspace(0, 0.6, 200)
    found = share_of_wrong(p, np.arange(200))
    exact = stats.binomtest(int((p > 0.5).sum()), 200, alternative="less").proportion_ci(0.95, method="exact")
    assert found.share == 2 * (p > 0.5).mean()
    assert found.high == pytest.approx(2 * exact.high)
    groups = np.repeat(np.arange(200), 4)
    # The correction by G / (G − 1) is half a percent of the number of pairs.
    assert share_of_wrong(np.repeat(p, 4), groups).high == pytest.approx(found.high, rel=0.01)
    assert share_of_wrong(np.zeros(800), groups).high == pytest.approx(share_of_wrong(np.zeros(200), groups[::4]).high)
    assert share_of_wrong(np.ones(4), np.arange(4)) == WrongShare(1.0, 1.0)


def test_seeds_draw_folds_and_groups_stay_together():
    X, y = some_pairs(60, 0)
    tables = [PairCheck(random_state=seed).fit(X, y).table_ for seed in (None, None, 1)]
    assert tables[0].equals(tables[1])
    assert not tables[0].equals(tables[2])
    with pytest.raises(ValueError, match="groups"):
        PairCheck(cv=5).fit(X, y, groups=np.arange(60) // 20)


@pytest.mark.parametrize(
    ("parameters", "fit", "message"),
    [
        ({"cv": ShuffleSplit(2, random_state=0)}, {}, "test part of exactly one fold"),
        ({"cv": [(np.arange(30), np.arange(30))]}, {}, "are apart"),
        ({"cv": [(np.arange(5), np.arange(5, 30)), (np.arange(5, 30), np.arange(5))]}, {}, "leaves 5 training rows"),
        ({"cv": 30}, {}, "of one item or group"),
        ({}, {"y_ids": ["a"] * 30}, "one item or group"),
        ({}, {"x_ids": ["a"] * 29}, "x_ids must have one entry"),
    ],
)
def test_what_cannot_be_checked_is_refused(parameters, fit, message):
    X, y = some_pairs(30, 0)
    with pytest.raises(ValueError, match=message):
        PairCheck(**parameters).fit(X, y, **fit)


def test_what_is_never_fitted_is_refused():
    X, y = some_pairs(30, 0)
    with pytest.raises(TypeError, match="FrozenEstimator"):
        PairCheck(FrozenEstimator(CCA(2, shrinkage=0.5).fit(X, y))).fit(X, y)


def test_the_picture_shows_all_pairs_and_the_height_of_wrong_ones():
    check = PairCheck().fit(*some_pairs(100, 0, 20))
    display = PairCheckDisplay.from_table(check.table_)
    bins, reference = display.ax_.lines
    assert bins.get_ydata()[:-1].sum() == pytest.approx(1)
    assert reference.get_ydata()[0] == pytest.approx(check.wrong_share_ / 20)
    with pytest.raises(ValueError, match="p_value"):
        PairCheckDisplay.from_table(check.table_[["score"]])
