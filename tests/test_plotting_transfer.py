"""What the pictures of transfer draw is what the tables say."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from crossmodal_cca.plotting import FewShotDisplay, TransferGainDisplay
from crossmodal_cca.transfer import few_shot_report, transfer_gain


@pytest.fixture
def episodes():
    rng = np.random.default_rng(0)
    columns = pd.MultiIndex.from_product([["raw", "shared"], [1, 4], range(8), list("abc")])
    columns.names = ["model", "shots", "episode", "class"]
    table = pd.DataFrame({"recall": rng.uniform(0.3, 0.6, len(columns)), "n_rows": 10}, index=columns).reset_index()
    table.loc[(table["model"] == "shared") & (table["class"] == "c"), "recall"] += 0.4
    zero = table[(table["model"] == "shared") & (table["shots"] == 1)].assign(shots=0)
    return pd.concat([table, zero])


@pytest.mark.parametrize("measure", ["balanced_accuracy", "accuracy"])
def test_curves_are_those_of_the_report(episodes, measure):
    display = FewShotDisplay.from_table(episodes, measure=measure)
    report = few_shot_report(episodes, measure=measure)
    for line in display.ax_.lines[:2]:
        assert_allclose(line.get_ydata(), report.loc[line.get_label(), "value"].sort_index())
    # Zero-shot stands left of one shot, where one of the models begins.
    assert display.ax_.lines[0].get_xdata().tolist() == [1, 2]
    assert display.ax_.lines[1].get_xdata().tolist() == [0, 1, 2]
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["0", "1", "4"]
    assert display.ax_.get_ylabel() == measure.replace("_", " ")
    assert display.ax_.get_legend().get_texts()[-1].get_text() == "majority class"


def test_gains_stand_in_order_under_their_verdicts(episodes):
    gain = transfer_gain(episodes, "shared", "raw")
    display = TransferGainDisplay.from_table(gain, shots=4)
    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    by_class = gain.loc[4, "difference"].drop("all classes").sort_values(ascending=False)
    assert names == ["all classes", *by_class.index]
    assert gain.loc[(4, "c"), "verdict"] == "helps"
    counts = gain.loc[4, "verdict"].drop("all classes").value_counts()
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    for entry, verdict in zip(legend, ("helps", "hurts", "unclear"), strict=True):
        assert entry.startswith(f"{verdict} ({counts.get(verdict, 0)} class")
    assert display.ax_.get_xlabel() == "difference of recall, with its interval for these rows"
    for_new = TransferGainDisplay.from_table(gain.assign(interval_for="new rows"))
    assert for_new.ax_.get_xlabel().endswith("for new rows")
    with pytest.raises(ValueError, match=r"shots must be one of \[1, 4\]"):
        TransferGainDisplay.from_table(gain, shots=2)
