"""Who got worse: shares and losses by hand, exact bounds and tests, and no false alarm over many groups."""

import numpy as np
import pytest
from scipy import stats

from crossmodal_cca.diagnosis import harm_report


def test_shares_losses_bounds_and_tests_are_those_of_the_definition():
    before = [0.5, 0.5, 0.5, 0.5, np.nan, 0.5]
    after = [0.25, 0.0, 0.75, 0.5, np.nan, 0.125]
    row = harm_report(before, after).loc["all queries"]
    expected = {"n_queries": 5, "better": 0.2, "worse": 0.6, "same": 0.2, "loss": 1.125 / 3, "difference": -0.175}
    for name, value in expected.items():
        assert row[name] == pytest.approx(value), name
    assert row["p_value"] == pytest.approx(stats.binomtest(3, 4, alternative="greater").pvalue)
    exact = stats.binomtest(3, 5, alternative="less").proportion_ci(0.95, method="exact")
    assert row["worse_at_most"] == pytest.approx(exact.high)
    ranks = harm_report(after, before, greater_is_better=False).loc["all queries"]
    assert ranks.equals(row)


def test_groups_are_corrected_and_the_worst_comes_first():
    rng = np.random.default_rng(0)
    before, by = rng.uniform(size=300), np.repeat(["a", "b", "c"], 100)
    after = before + np.where(by == "b", -0.2, 0.1)
    table = harm_report(before, after, by=by)
    assert list(table.index) == ["all queries", "b", "a", "c"]
    assert table.loc["b", "p_value"] == pytest.approx(3 * 0.5**100)
    # Group labels are taken as they are.
    assert list(harm_report(before, after, by=np.repeat([1, 2, 3], 100)).index) == ["all queries", 2, 1, 3]


def test_no_group_is_blamed_too_often():
    """The least of ten corrected p-values is .05 or less in at most .05 of 300 null draws, plus two standard errors."""
    rng, by = np.random.default_rng(0), np.repeat(np.arange(10), 12)
    blamed = [harm_report(*rng.uniform(size=(2, 120)), by=by)["p_value"].iloc[1] <= 0.05 for _ in range(300)]
    assert np.mean(blamed) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 300)


@pytest.mark.parametrize(
    ("before", "after", "options", "message"),
    [
        ([0.5, 1.0], [0.5], {}, "before has 2 values and after has 1"),
        ([0.5, np.nan], [0.5, 1.0], {}, "NaN for the same queries"),
        ([np.nan], [np.nan], {}, "no query"),
        ([[0.5]], [0.5], {}, "before must hold one value"),
        ([0.5], [np.inf], {}, "after contains infinity"),
        ([0.5], [0.5], {"by": ["a", "b"]}, "by must have one entry"),
        ([0.5, 1.0], [0.5, 0.0], {"by": ["all queries", "b"]}, "by must not call a group 'all queries'"),
    ],
)
def test_what_cannot_be_compared_is_refused(before, after, options, message):
    with pytest.raises(ValueError, match=message):
        harm_report(before, after, **options)
