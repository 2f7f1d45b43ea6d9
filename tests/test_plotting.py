"""Displays hold what they show and draw it where they are told."""

import matplotlib as mpl
import numpy as np
import pytest
from linear_models import pairs

from crossmodal_cca import CCA, PLSSVD
from crossmodal_cca.metrics import hit_rate_at_k
from crossmodal_cca.plotting import HitRateDisplay, SharedSpaceDisplay

mpl.use("agg")
X, Y = pairs(200)
MODEL = CCA(3).fit(X[:100], Y[:100])
SCORES = MODEL.transform(X[100:], Y[100:])


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    mpl.pyplot.close("all")


def test_hit_rates_are_those_of_the_metric():
    display = HitRateDisplay.from_estimator(MODEL, X[100:], Y[100:], max_k=20)
    assert display.ks[0] == 1
    assert display.ks[-1] == 20
    for values, sides in zip(display.hit_rates.values(), (SCORES, SCORES[::-1]), strict=True):
        np.testing.assert_allclose(values, [hit_rate_at_k(*sides, k=int(k)) for k in display.ks])
    for chance in display.chance.values():
        np.testing.assert_allclose(chance, display.ks / 100)
    assert [line.get_label() for line in display.ax_.lines] == ["CCA: x → y", "CCA: y → x", "chance"]


def test_several_models_share_axes_and_one_chance_line():
    first = HitRateDisplay.from_estimator(MODEL, X[100:], Y[100:])
    other = HitRateDisplay.from_estimator(PLSSVD(3).fit(X[:100], Y[:100]), X[100:], Y[100:], name="PLS", ax=first.ax_)
    assert other.ax_ is first.ax_
    labels = [line.get_label() for line in first.ax_.lines]
    assert labels == ["CCA: x → y", "CCA: y → x", "chance", "PLS: x → y", "PLS: y → x"]
    colors = {line.get_color() for line in first.ax_.lines}
    assert len(colors) == 3


def test_hit_rates_with_labels_and_galleries_of_different_size():
    ids = np.arange(100) // 2
    display = HitRateDisplay.from_predictions(SCORES[0][:50], SCORES[1], x_ids=np.arange(50), y_ids=ids, max_k=500)
    assert display.ks[-1] == 50
    # Each of the 50 queries of one side has 2 of 100, each of 100 (half of them unknown) 1 of 50.
    assert [chance[0] for chance in display.chance.values()] == pytest.approx([0.02, 0.02])


def test_directions_with_different_chance_get_a_line_each_and_other_lines_no_place_in_the_legend():
    labels = np.repeat([0, 1], [30, 70]), np.repeat([0, 1], [60, 40])
    _, ax = mpl.pyplot.subplots()
    ax.axhline(0.5)
    display = HitRateDisplay.from_predictions(*SCORES, x_ids=labels[0], y_ids=labels[1], ax=ax)
    shares = 0.3 * 0.6 + 0.7 * 0.4, 0.6 * 0.3 + 0.4 * 0.7
    assert [chance[0] for chance in display.chance.values()] == pytest.approx(list(shares))
    display = HitRateDisplay.from_predictions(SCORES[0][:50], SCORES[1], x_ids=labels[0][:50], y_ids=labels[1], ax=ax)
    shown = [text.get_text() for text in ax.get_legend().get_texts()]
    assert shown == ["x → y", "y → x", "x → y", "y → x", *("chance, x → y", "chance, y → x") * 2]


def test_shared_space_shows_pairs_and_labels():
    labels = ["pair"] + [""] * 99
    display = SharedSpaceDisplay.from_estimator(MODEL, X[100:], Y[100:], components=(2, 0), labels=labels)
    np.testing.assert_allclose(display.x_points, SCORES[0][:, [2, 0]])
    np.testing.assert_allclose(display.y_points, SCORES[1][:, [2, 0]])
    assert display.ax_.get_xlabel() == "component 3 (score)"
    assert [text.get_text() for text in display.ax_.texts] == ["pair"]
    again = display.plot()
    assert again.ax_.figure is again.figure_


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: HitRateDisplay.from_predictions(*SCORES, max_k=0), "max_k must be a whole number"),
        (lambda: HitRateDisplay.from_predictions(*SCORES, max_k=2.5), "max_k must be a whole number"),
        (lambda: SharedSpaceDisplay.from_predictions(SCORES[0], SCORES[1][:5]), "pairs of the same 2-D shape"),
        (lambda: SharedSpaceDisplay.from_predictions(*SCORES, components=(0, 3)), "two of 0 to 2"),
        (lambda: SharedSpaceDisplay.from_predictions(*SCORES, labels=["one"]), "a text for each of the 100 pairs"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
