"""Drift is found, false alarms keep their rate, and the statistics are those of their definitions."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV

from crossmodal_cca import CCA
from crossmodal_cca.diagnosis import DriftMonitor
from crossmodal_cca.diagnosis._drift_exchange import exchanged, p_value
from crossmodal_cca.diagnosis._drift_rows import one_of_each
from crossmodal_cca.diagnosis._drift_statistics import groups_beyond, mmd_squared, tail_of_beta_binomial
from crossmodal_cca.diagnosis._drift_stream import EXPONENTS, conformal_p, wealth_path
from crossmodal_cca.diagnosis._groups import split, thinned
from crossmodal_cca.plotting import DriftDisplay

RHO = np.array((0.95,) * 4 + (0.7,) * 4)
SIDES = ("distribution", "means", "far rows", "odd rows", "mix", "hubs")
ALL = [f"{side} {kind}" for side in "xy" for kind in SIDES] + ["pairing"]


def some_pairs(n, seed, size=1):
    """Pairs of one population; rows of a group of this size share half of their variance."""
    rng = np.random.default_rng([7, seed])
    A, B = (np.random.default_rng([7, 7, width]).standard_normal((8, width)) for width in (14, 12))
    u, e = rng.standard_normal((2, n, 8))
    X = u @ A + rng.standard_normal((n, 14))
    y = (RHO * u + np.sqrt(1 - RHO**2) * e) @ B + rng.standard_normal((n, 12))
    first = size * (np.arange(n) // size)
    return (X, y) if size == 1 else (X + X[first], y + y[first])


ALIGNER = CCA(8).fit(*some_pairs(1000, 0))
MONITOR = DriftMonitor(ALIGNER).fit(*some_pairs(1000, 1))


def changed(monitor, *batch, **groups):
    table = monitor.test(*batch, **groups)
    return set(table.index[table["verdict"] == "changed"])


def shifted(X, by, direction=0):
    frame = MONITOR.model_.x
    return X + by * frame.deviations[direction] * frame.directions[:, direction] * frame.scale


# What is found.


def test_the_table_has_a_row_a_test_and_corrects_for_all():
    X, y = some_pairs(200, 2)
    table = MONITOR.test(X, y)
    assert sorted(table.index) == sorted(ALL)
    assert list(table.columns) == ["statistic", "effect", "p_value", "adjusted_p_value", "verdict"]
    p = np.sort(table["p_value"])
    expected = np.minimum(np.maximum.accumulate(p * np.arange(13, 0, -1)), 1)
    np.testing.assert_allclose(np.sort(table["adjusted_p_value"]), expected)
    assert ((table["p_value"] > 0) & (table["p_value"] <= 1)).all()
    assert set(MONITOR.test(X).index) == {f"x {kind}" for kind in SIDES}
    assert set(MONITOR.test(y=y).index) == {f"y {kind}" for kind in SIDES}


def test_a_shift_of_one_direction_is_found():
    X, y = some_pairs(500, 3)
    assert "x means" in changed(MONITOR, shifted(X, 0.5), y)


def test_foreign_rows_are_odd_and_listed():
    X, _ = some_pairs(200, 4)
    rng = np.random.default_rng(0)
    X[:20] = np.stack([rng.permutation(column) for column in X.T], axis=1)[:20]
    assert "x odd rows" in changed(MONITOR, X)
    listed = MONITOR.unusual_rows(X)
    odd = listed[listed["what"] == "x odd rows"]
    assert (odd["row"].head(7) < 20).all()
    assert len(odd) >= 8


def test_rows_that_are_far_are_listed_as_far():
    X, _ = some_pairs(100, 5)
    X[3] *= 10
    listed = MONITOR.unusual_rows(X)
    assert listed.iloc[0]["row"] == 3
    assert "x far rows" in set(listed.loc[listed["row"] == 3, "what"])
    assert (listed["value"] > listed["limit"]).all()
    assert (listed["p_value"] >= 1 / (1 + MONITOR.n_reference_rows_)).all()


def test_broken_pairs_are_found_though_either_side_is_the_same():
    X, y = some_pairs(200, 6)
    y[:40] = np.roll(y[:40], 1, axis=0)
    assert changed(MONITOR, X, y) == {"pairing"}
    assert changed(MONITOR, X) == changed(MONITOR, None, y) == set()


def test_a_small_effect_raises_no_alarm():
    X, y = some_pairs(500, 7)
    monitor = DriftMonitor(ALIGNER, min_effect=5.0).fit(*some_pairs(1000, 1))
    table = monitor.test(shifted(X, 1.0), y)
    assert table.loc["x means", "verdict"] == "changed little"
    assert (table["verdict"] != "changed").all()


def test_one_modality_alone_and_a_shared_space_need_no_aligner():
    X, y = some_pairs(600, 8)
    alone = DriftMonitor().fit(X[:400])
    assert alone.aligner_ is None
    assert set(alone.test(X[400:]).index) == {f"x {kind}" for kind in SIDES if kind != "hubs"}
    assert "x means" in changed(alone, X[400:] + 1)
    scores = ALIGNER.transform(X, y)
    together = DriftMonitor().fit(*(side[:400] for side in scores))
    assert sorted(together.test(*(side[400:] for side in scores)).index) == sorted(ALL)


def test_an_unfitted_aligner_is_fitted_to_rows_that_are_no_reference():
    X, y = some_pairs(1200, 9)
    groups = np.arange(1200) // 2
    monitor = DriftMonitor(CCA(8)).fit(X[:1000], y[:1000], groups[:1000])
    assert monitor.aligner_.n_samples_seen_ == 500
    assert monitor.n_reference_rows_ <= 400
    assert changed(monitor, X[1000:], y[1000:], groups=groups[1000:]) == set()


@pytest.mark.parametrize("of", [FrozenEstimator, lambda _: GridSearchCV(CCA(8), {"power": [0.0]}, cv=2)])
def test_the_aligner_is_found_in_searches_and_where_it_is_frozen(of):
    monitor = DriftMonitor(of(ALIGNER)).fit(*some_pairs(300, 1))
    assert isinstance(monitor.aligner_, CCA)
    assert (monitor.aligner_.n_samples_seen_ == 1000) == (of is FrozenEstimator)


def test_sparse_rows_are_compared_in_the_space():
    X, y = some_pairs(900, 10)
    X[np.abs(X) < 1] = 0
    aligner = CCA(6, shrinkage=0.1).fit(sparse.csr_array(X[:300]), y[:300])
    monitor = DriftMonitor(aligner).fit(sparse.csr_array(X[300:700]), y[300:700])
    table = monitor.test(sparse.csr_array(X[700:]), y[700:])
    assert set(ALL) - set(table.index) == {"x odd rows"}
    assert "x far rows" in changed(monitor, sparse.csr_array(X[700:] * 3), y[700:])


def test_training_rows_as_reference_are_warned_of_and_no_others():
    X, y = some_pairs(500, 11)
    noisy = np.random.default_rng(0).standard_normal((500, 40))
    aligner = CCA(8).fit(np.hstack([X, noisy])[:300], y[:300])
    with pytest.warns(UserWarning, match="look like training pairs of the aligner"):
        DriftMonitor(aligner).fit(np.hstack([X, noisy])[:300], y[:300])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DriftMonitor(aligner).fit(np.hstack([X, noisy])[300:], y[300:])


def test_single_precision_gives_the_same():
    X, y = some_pairs(700, 12)
    tables = []
    for dtype in (np.float32, np.float64):
        # The same values in both types.
        A, B = (side.astype(np.float32).astype(dtype) for side in (X, y))
        monitor = DriftMonitor(ALIGNER).fit(A[:500], B[:500])
        tables.append(monitor.test(A[500:], B[500:]))
        tables[-1]["alarms"] = monitor.update(A[500:], B[500:]).alarm_
    pd.testing.assert_frame_equal(*tables, rtol=1e-4, atol=2e-3)


# Definitions.


def test_mmd_is_that_of_the_definition():
    rng = np.random.default_rng(0)
    U = rng.standard_normal((30, 3))
    of = exchanged(None, None, (18, 12), 5, 1, rng)
    K = np.exp(-np.sum((U[:, None] - U) ** 2, axis=2) / 2)
    for column, value in zip(of.L.T, mmd_squared(K, of.L, of.sizes), strict=True):
        batch, reference = np.flatnonzero(column == 1), np.flatnonzero(column == 0)
        within = [np.mean([K[i, j] for i in part for j in part if i != j]) for part in (batch, reference)]
        across = np.mean([K[i, j] for i in batch for j in reference])
        np.testing.assert_allclose(value, sum(within) - 2 * across, atol=1e-6)


@pytest.mark.parametrize(("n", "m", "k"), [(20, 10, 3), (7, 5, 1), (50, 30, 10)])
def test_counts_beyond_the_limit_follow_the_law_of_simulated_ones(n, m, k):
    rng = np.random.default_rng(0)
    n_draws = 20_000
    limit = np.sort(rng.random((n_draws, n)), axis=1)[:, -k]
    counts = np.sum(rng.random((n_draws, m)) > limit[:, None], axis=1)
    for count in range(m + 1):
        p = tail_of_beta_binomial(count, m, k, n + 1 - k)
        assert abs(np.mean(counts >= count) - p) < 5 * np.sqrt(p * (1 - p) / n_draws) + 1e-3
        assert p > 0


def test_exchanging_the_observed_tail_is_exchanging_everything():
    """For single rows the exchanges of the k + e − 1 largest give the beta-binomial p-value."""
    rng = np.random.default_rng(1)
    reference, batch = rng.standard_normal(300), rng.standard_normal(60) + 0.4
    of = exchanged(None, None, (300, 60), 20_000, 1, rng)
    found = groups_beyond(np.concatenate([reference, batch]), of)
    k = 3
    count = int(np.sum(batch > np.sort(reference)[-k]))
    expected = tail_of_beta_binomial(count, 60, k, 301 - k)
    assert found.statistic == count
    assert abs(found.p - expected) < 5 * np.sqrt(expected / 20_000)


def test_conformal_p_values_are_those_of_the_definition():
    rng = np.random.default_rng(2)
    reference, bins, U = rng.integers(0, 6, (40, 2)), rng.integers(0, 6, (300, 2)), rng.random((300, 2))
    counts = np.stack([np.bincount(column, minlength=6) for column in reference.T]).astype(float)
    p, after = conformal_p(bins, counts, U)
    for j in range(2):
        known = list(reference[:, j])
        for i, value in enumerate(bins[:, j]):
            same, above = known.count(value), sum(other > value for other in known)
            assert p[i, j] == pytest.approx((above + (1 - U[i, j]) * (same + 1)) / (len(known) + 1))
            known.append(value)
        np.testing.assert_array_equal(after[j], np.bincount(known, minlength=6))


def test_wealth_is_that_of_all_bets():
    """Bets from every start, each with its stake, one by one."""
    p = np.random.default_rng(3).random((40, 2))
    half = wealth_path(p[:25], np.full((2, 2, len(EXPONENTS)), -np.inf), np.zeros(2))
    path = np.concatenate([half, wealth_path(p[25:], half[-1], np.full(2, 25.0))])
    for tail, values in enumerate((p, 1 - p)):
        for e, exponent in enumerate(EXPONENTS):
            gains = exponent * values ** (exponent - 1)
            for n in (1, 2, 25, 40):
                expected = sum(np.prod(gains[s:n], axis=0) / ((s + 1) * (s + 2)) for s in range(n))
                np.testing.assert_allclose(np.exp(path[n - 1, :, tail, e]), expected)


def test_p_counts_the_observed_value_and_ties():
    assert p_value(np.array([3.0, 1, 2, 3, 4])) == 3 / 5
    assert p_value(np.array([9.0, 1, 2, 3, 4])) == 1 / 5


# Levels; `benchmarks/drift_monitor.py` has them at full size.


def rejected(tables):
    p = np.array([[*table["p_value"], table["adjusted_p_value"].min()] for table in tables])
    return np.mean(p <= 0.05, axis=0)


@pytest.mark.newest
def test_null_batches_keep_the_level():
    tables = []
    for seed in range(60):
        X, y = some_pairs(400, 100 + seed)
        monitor = DriftMonitor(ALIGNER, n_permutations=279, random_state=seed).fit(X[:300], y[:300])
        tables += [monitor.test(X[part], y[part]) for part in (slice(300, 350), slice(350, 400))]
    levels = rejected(tables)
    assert levels.max() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)
    assert levels.mean() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 60)


@pytest.mark.newest
@pytest.mark.parametrize("kind", ["of 10", "of 1 to 20", "cut"])
def test_null_batches_of_groups_keep_the_level(kind):
    tables = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        sizes = rng.integers(1, 21, 500) if kind == "of 1 to 20" else np.full(500, 10)
        groups = np.repeat(np.arange(500), sizes)[:500]
        of_rows, of_groups = some_pairs(500, 300 + seed), some_pairs(500, 1300 + seed)
        X, y = (rows + 2 * effects[groups] for rows, effects in zip(of_rows, of_groups, strict=True))
        start = int(np.flatnonzero(groups == groups[430])[0])
        end = start + (47 if kind == "cut" else 60)
        monitor = DriftMonitor(ALIGNER, n_permutations=279, random_state=seed)
        monitor.fit(X[:start], y[:start], groups[:start])
        tables.append(monitor.test(X[start:end], y[start:end], groups[start:end]))
    levels = rejected(tables)
    assert levels.max() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)
    # Rows that are taken as independent are told apart at once.
    loose = DriftMonitor(ALIGNER, n_permutations=279).fit(X[:start], y[:start])
    assert (loose.test(X[start:end], y[start:end])["p_value"] < 0.05).sum() >= 3


@pytest.mark.newest
def test_changes_are_found_nearly_always():
    found = []
    for seed in range(8):
        X, y = some_pairs(500, 500 + seed)
        rng = np.random.default_rng(seed)
        broken = y[:200].copy()
        broken[:40] = np.roll(broken[:40], 1, axis=0)
        foreign = X[:200].copy()
        foreign[:20] = np.stack([rng.permutation(column) for column in foreign.T], axis=1)[:20]
        batches = (shifted(X, 0.3, seed % 6), y), (foreign, y[:200]), (X[:200], broken)
        found.append([bool(changed(MONITOR, *batch)) for batch in batches])
    assert (np.mean(found, axis=0) >= 0.75).all()


@pytest.mark.newest
def test_streams_keep_their_rate_and_find_a_shift():
    alarms, delays = [], []
    for seed in range(20):
        monitor = DriftMonitor(ALIGNER, random_state=seed).fit(*some_pairs(400, 700 + seed))
        X, y = some_pairs(1600, 800 + seed)
        alarms.append(monitor.update(X[:1000], y[:1000]).alarm_)
        at = monitor.update(shifted(X[1000:], 0.7), y[1000:]).alarm_at_
        delays.append(np.inf if at is None else at - 1000)
    assert np.sum(alarms) <= 4
    assert np.median(delays) <= 250


# Streams.


def test_a_stream_may_be_cut_anywhere():
    X, y = some_pairs(300, 13)
    whole = DriftMonitor(ALIGNER).fit(*some_pairs(300, 1)).update(X, y)
    parts = DriftMonitor(ALIGNER).fit(*some_pairs(300, 1))
    for start, end in ((0, 1), (1, 140), (140, 300)):
        parts.update(X[start:end], y[start:end])
    pd.testing.assert_frame_equal(whole.stream_, parts.stream_)
    assert whole.stream_.index[-1] == 300


def test_sides_may_come_alone():
    X, y = some_pairs(200, 14)
    monitor = DriftMonitor(ALIGNER).fit(*some_pairs(300, 1))
    monitor.update(X[:100]).update(None, y[:100]).update(X[100:], y[100:])
    assert list(monitor.model_.stream.n_seen[monitor.model_.stream.kind_of == 0]) == [200.0] * len(
        monitor.model_.stream.n_seen[monitor.model_.stream.kind_of == 0]
    )
    assert monitor.model_.stream.n_values == 300


def test_a_group_is_one_value_also_where_a_call_cuts_it():
    X, y = some_pairs(400, 15, size=4)
    groups = np.arange(400) // 4
    monitor = DriftMonitor(ALIGNER).fit(X, y, groups)
    X, y = some_pairs(40, 16, size=4)
    monitor.update(X[:18], y[:18], groups[:18])
    assert monitor.model_.stream.n_values == 5
    monitor.update(X[18:20], y[18:20], groups[18:20])
    assert monitor.model_.stream.n_values == 5
    monitor.update(X[20:], y[20:], groups[20:40])
    assert monitor.model_.stream.n_values == 10


@pytest.mark.parametrize("kind", ["int32", "float64", "object", "Int64", "category", "list"])
def test_a_group_goes_on_in_labels_of_another_type(kind):
    X, y = some_pairs(40, 16, size=4)
    groups = 1000 + np.arange(40) // 4
    monitor = DriftMonitor(ALIGNER).fit(*some_pairs(400, 15, size=4), np.arange(400) // 4)
    monitor.update(X[:18], y[:18], groups[:18])
    monitor.update(X[18:], y[18:], groups[18:].tolist() if kind == "list" else pd.Series(groups[18:]).astype(kind))
    assert monitor.model_.stream.n_values == 10


def test_a_group_goes_on_in_dates_of_another_type():
    X, y = some_pairs(40, 16, size=4)
    days = pd.date_range("2026-01-01", periods=10).repeat(4)
    monitor = DriftMonitor(ALIGNER).fit(*some_pairs(400, 15, size=4), np.arange(400) // 4)
    monitor.update(X[:18], y[:18], days[:18]).update(X[18:30], y[18:30], list(days[18:30]))
    monitor.update(X[30:], y[30:], days[30:].to_numpy().astype("datetime64[s]"))
    assert monitor.model_.stream.n_values == 10


def test_memory_does_not_grow_and_points_are_thinned():
    X, y = some_pairs(2500, 17)
    monitor = DriftMonitor(ALIGNER).fit(*some_pairs(300, 1))
    sizes, largest = [], []
    for start in range(0, 2500, 500):
        monitor.update(X[start : start + 500], y[start : start + 500])
        sizes.append(len(pickle.dumps(monitor)))
        largest.append(monitor.stream_["all"].max())
        assert len(monitor.stream_) <= 512
    assert max(sizes) - min(sizes) <= 60_000
    # The largest evidence is kept, however thin the points are.
    assert largest == sorted(largest)
    assert monitor.stream_.index[-1] == 2500


def test_an_alarm_stays_and_says_where():
    X, y = some_pairs(700, 18)
    monitor = DriftMonitor(ALIGNER).fit(*some_pairs(500, 1)).update(X[:300], y[:300])
    assert not monitor.alarm_
    assert monitor.alarm_at_ is None
    broken = np.roll(y[300:], 1, axis=0)
    at = monitor.update(X[300:], broken).alarm_at_
    assert 300 < at < 400
    assert monitor.update(X[:300], y[:300]).alarm_at_ == at
    stream = monitor.stream_
    assert stream["all"].max() >= -np.log10(0.05)
    assert stream.max().drop("all").idxmax() == "pairing"


def test_an_update_that_fails_changes_nothing():
    X, y = some_pairs(50, 19)
    monitor = DriftMonitor(ALIGNER).fit(*some_pairs(300, 1)).update(X, y)
    before = pickle.dumps(monitor)
    bad = X.copy()
    bad[7, 2] = np.nan
    for arguments in ((X[:, :3], y), (bad, y), (X, y[:9]), (None, None)):
        with pytest.raises(ValueError):  # noqa: PT011
            monitor.update(*arguments)
    assert pickle.dumps(monitor) == before


def test_what_differs_by_rounding_alone_is_no_change():
    rng = np.random.default_rng(8)
    X = np.column_stack([rng.standard_normal((100, 3)), np.full(100, 0.1)])
    y = X[:, 0] + 0.1 * rng.standard_normal(100)
    # In one dimension all directions are two points.
    table = DriftMonitor(CCA(1)).fit(X, y).test(X[:30], y[:30])
    assert (table["verdict"] == "no change seen").all()
    assert table["effect"].abs().max() < 1
    flat = DriftMonitor().fit(np.full((60, 3), 0.1)).test(np.full((20, 3), 0.1))
    assert (flat["p_value"] == 1).all()
    assert flat["statistic"].abs().max() == 0


# Parts of rows.


def test_groups_stay_together_in_parts():
    rng = np.random.default_rng(0)
    units = rng.integers(0, 40, 300)
    units = np.unique(units, return_inverse=True)[1].ravel()
    first, second = split(units, 0.25, rng)
    assert not set(units[first]) & set(units[second])
    assert 40 < len(first) <= 75
    assert sorted([*first, *second]) == list(range(300))
    few = thinned(units, 100, 50, rng)
    sizes = np.bincount(units)
    assert len(few) <= 100
    assert all(np.sum(units[few] == unit) == sizes[unit] for unit in set(units[few]))
    chosen = one_of_each(units, rng.random(units.max() + 1))
    assert sorted(units[chosen]) == list(range(units.max() + 1))


@pytest.mark.parametrize("cut", [0, 3])
def test_groups_are_exchanged_with_groups_of_as_many_rows(cut):
    rng = np.random.default_rng(1)
    reference = np.repeat(np.arange(30), rng.integers(1, 12, 30))
    batch = np.repeat(np.arange(6), (5, 9, 5, 7, 9, 8))[: None if not cut else -cut]
    of = exchanged(reference, batch, (len(reference), len(batch)), 50, 20, rng)
    units = np.concatenate([reference[of.reference], 100 + batch[of.batch]])
    sizes = np.array([np.sum(units == unit) for unit in np.unique(units)])
    there = np.stack([of.L[units == unit] for unit in np.unique(units) if np.sum(units == unit) == sizes.max()])
    # Whole groups are in the batch or not, and as many of each size as there were.
    assert (there == there[:, :1]).all()
    for column in of.L.T:
        moved = [np.sum(units == unit) for unit in np.unique(units[column == 1])]
        stayed = [np.sum(units == unit) for unit in np.unique(units[of.L[:, 0] == 1])]
        assert sorted(moved) == sorted(stayed)


# Bad input.


@pytest.mark.parametrize(
    ("parameters", "kind", "message"),
    [
        ({"false_alarm_rate": 0}, ValueError, r"false_alarm_rate must lie in \(0, 1\)"),
        ({"false_alarm_rate": "low"}, TypeError, "false_alarm_rate must be a number"),
        ({"n_permutations": 5}, ValueError, "n_permutations must be a whole number of at least 19"),
        ({"min_effect": -1}, ValueError, r"min_effect must lie in \[0, inf\)"),
        ({"aligner": CCA}, TypeError, "is the class CCA itself"),
    ],
)
def test_parameters_out_of_their_range_are_refused(parameters, kind, message):
    with pytest.raises(kind, match=message):
        DriftMonitor(**parameters).fit(*some_pairs(100, 1))


def test_a_family_that_cannot_reject_is_refused():
    X, y = some_pairs(60, 20)
    few = DriftMonitor(ALIGNER, n_permutations=200).fit(*some_pairs(300, 1))
    with pytest.raises(ValueError, match=r"n_permutations must be at least 259 for 13 tests .*; it was 200 in fit"):
        few.test(X, y)
    assert len(few.test(X)) == 6


def test_too_few_groups_are_refused():
    X, y = some_pairs(200, 21, size=10)
    groups = np.arange(200) // 10
    monitor = DriftMonitor(ALIGNER).fit(X, y, groups)
    with pytest.raises(
        ValueError, match=r"The batch has 2 groups, and the reference \d+ that .* needs 260\. Pass more"
    ):
        monitor.test(X[:20], y[:20], groups[:20])
    with pytest.raises(ValueError, match="groups must be passed, as the reference has groups"):
        monitor.test(X[:20], y[:20])
    with pytest.raises(ValueError, match=r"X_ref has 10 groups .* needs 20"):
        DriftMonitor(ALIGNER).fit(X[:100], y[:100], groups[:100])
    with pytest.raises(ValueError, match="A batch needs at least 2 rows"):
        MONITOR.test(X[:1], y[:1])


def test_bad_rows_are_refused_in_the_users_words():
    X, y = some_pairs(60, 22)
    with pytest.raises(ValueError, match="X has 3 features, but DriftMonitor is expecting 14"):
        MONITOR.test(X[:, :3], y)
    with pytest.raises(ValueError, match="y has 3 features, but DriftMonitor was fitted with 12"):
        MONITOR.test(X, y[:, :3])
    with pytest.raises(ValueError, match="X or y must be passed, or both"):
        MONITOR.test()
    with pytest.raises(ValueError, match="X has 60 rows and y has 59"):
        MONITOR.update(X, y[1:])
    with pytest.raises(ValueError, match="fitted without y_ref"):
        DriftMonitor().fit(X).test(X, y)
    with pytest.raises(ValueError, match="X_ref has 14 features and y_ref has 12: without an aligner"):
        DriftMonitor().fit(X, y)
    with pytest.raises(TypeError, match="Sparse rows are monitored in the space of an aligner"):
        DriftMonitor().fit(sparse.csr_array(X))
    with pytest.raises(ValueError, match="aligner is not fitted, and y_ref is None"):
        DriftMonitor(CCA(2)).fit(X)
    named = pd.DataFrame(X, columns=[f"f{i}" for i in range(14)])
    with pytest.raises(ValueError, match="feature names should match"):
        DriftMonitor().fit(named).test(named.rename(columns={"f0": "g0"}))


# The picture.


def test_the_display_draws_the_evidence_and_the_height_of_an_alarm():
    X, y = some_pairs(200, 23)
    monitor = DriftMonitor(ALIGNER, false_alarm_rate=0.01).fit(*some_pairs(300, 1)).update(X, y)
    display = DriftDisplay.from_table(monitor.stream_, false_alarm_rate=0.01)
    lines = {line.get_label(): line for line in display.ax_.lines}
    np.testing.assert_array_equal(lines["all together"].get_ydata(), monitor.stream_["all"])
    (alarm,) = [line for label, line in lines.items() if label.startswith("alarm")]
    np.testing.assert_allclose(alarm.get_ydata(), 2)
    assert len(lines) == 5
    with pytest.raises(ValueError, match="stream must be the stream_ of a DriftMonitor after update"):
        DriftDisplay.from_table(MONITOR.stream_)


def test_uniform_p_values_without_a_change():
    """All p of a null stream together: conformal ones are uniform exactly."""
    rng = np.random.default_rng(5)
    found = []
    for _ in range(20):
        bins = rng.integers(0, 10, (400, 3))
        counts = np.stack([np.bincount(rng.integers(0, 10, 20), minlength=10) for _ in range(3)]).astype(float)
        found.append(conformal_p(bins, counts, rng.random((400, 3)))[0].ravel())
    assert stats.kstest(np.concatenate(found), "uniform").pvalue > 1e-3
