"""The displays of components: they hold their tables, draw where they are told, and stay legible."""

import matplotlib as mpl
import matplotlib.pyplot
import numpy as np
import pytest
from linear_models import pairs
from numpy.testing import assert_allclose, assert_array_equal
from pictures import labels_of
from sklearn.datasets import load_wine

from crossmodal_cca import CCA, PLSSVD, KernelCCA
from crossmodal_cca.inference import structure_correlations, summary
from crossmodal_cca.plotting import ComponentSummaryDisplay, CorrelationCircleDisplay

mpl.use("agg")
X, Y = pairs(200)
MODEL = CCA(4).fit(X[:100], Y[:100])
HELD_OUT = X[100:], Y[100:]
DISPLAYS = (ComponentSummaryDisplay, CorrelationCircleDisplay)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    mpl.pyplot.close("all")


def shown(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.mark.parametrize("display_class", DISPLAYS)
def test_displays_draw_on_new_and_given_axes_with_a_title_and_labels(display_class):
    display = display_class.from_estimator(MODEL, *HELD_OUT, names=("sound", "words"))
    assert display.figure_ is display.ax_.figure
    assert all((display.ax_.get_title(), display.ax_.get_xlabel(), display.ax_.get_ylabel()))
    assert any("sound" in text for text in shown(display.ax_))
    display.figure_.canvas.draw()
    _, ax = mpl.pyplot.subplots()
    number = len(mpl.pyplot.get_fignums())
    assert display.plot(ax) is display
    assert display.ax_ is ax
    assert len(mpl.pyplot.get_fignums()) == number


@pytest.mark.parametrize("display_class", DISPLAYS)
def test_nothing_of_a_new_figure_is_cut_off(display_class):
    display = display_class.from_estimator(MODEL, *HELD_OUT, names=("pictures", "descriptions"))
    figure = display.figure_
    figure.canvas.draw()
    box = figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    assert box.x0 >= -1
    assert box.y0 >= -1
    assert box.x1 <= figure.bbox.x1 + 1
    assert box.y1 <= figure.bbox.y1 + 1


# Correlation circle -----------------------------------------------------------------------------------------------


def test_the_circle_shows_correlations_with_own_scores():
    table = structure_correlations(MODEL, *HELD_OUT)
    display = CorrelationCircleDisplay.from_table(table, components=(2, 0))
    assert_array_equal(display.x_points, table.loc["x", "own"][[3, 1]])
    assert_array_equal(display.y_points, table.loc["y", "own"][[3, 1]])
    assert display.ax_.get_xlabel() == "correlation with component 3"
    drawn = [collection.get_offsets() for collection in display.ax_.collections[1::2]]
    assert_allclose(drawn[0], display.x_points)
    again = CorrelationCircleDisplay.from_estimator(MODEL, *HELD_OUT, components=(2, 0))
    assert_array_equal(again.x_points, display.x_points)


def test_the_longest_are_labelled_where_there_is_room():
    wine = load_wine(as_frame=True).data
    halves = wine.iloc[:, :6], wine.iloc[:, 6:]
    model = CCA(2).fit(*halves)
    display = CorrelationCircleDisplay.from_estimator(model, *halves, n_labels=3)
    texts = labels_of(display)
    lengths = np.linalg.norm(display.y_points, axis=1)
    longest = set(display.y_labels[np.argsort(-lengths)[:3]]) | set(
        display.x_labels[np.argsort(-np.linalg.norm(display.x_points, axis=1))[:3]]
    )
    assert 0 < len(texts) <= 6
    assert {text.get_text() for text in texts} <= longest
    everything = CorrelationCircleDisplay.from_estimator(model, *halves, n_labels=20)
    boxes = [text.get_window_extent() for text in labels_of(everything)]
    assert len(boxes) > 6
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert not labels_of(CorrelationCircleDisplay.from_estimator(model, *halves, n_labels=0))


def test_many_features_are_points_without_arrows():
    wide = CCA(2, shrinkage=0.5).fit(*pairs(60, 50, 6))
    display = CorrelationCircleDisplay.from_estimator(wide, *pairs(60, 50, 6))
    quivers = [c for c in display.ax_.collections if type(c).__name__ == "Quiver"]
    assert len(quivers) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"components": (0, 4)}, "components must be two of 0 to 3"),
        ({"components": (0,)}, "components must be two of 0 to 3"),
        ({"n_labels": -1}, "n_labels must be a whole number of at least 0; got -1"),
        ({"names": ("x", "x")}, "names must be two different names"),
    ],
)
def test_bad_options_of_the_circle_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        CorrelationCircleDisplay.from_estimator(MODEL, *HELD_OUT, **options)


# Summary ----------------------------------------------------------------------------------------------------------


def test_the_summary_shows_its_table():
    table = summary(MODEL, *HELD_OUT, X_train=X[:100], y_train=Y[:100], n_permutations=50, random_state=0)
    display = ComponentSummaryDisplay.from_table(table, names=("sound", "words"), name="CCA")
    lines = {line.get_label(): line for line in display.ax_.lines}
    for column, label in (("training", "training"), ("debiased", "debiased"), ("held_out", "held-out")):
        assert_array_equal(lines[label].get_ydata(), table[column])
    assert_array_equal(lines["p ≤ 0.05"].get_xdata(), table.index[table["p_value"] <= 0.05])
    edge = table["noise_edge"].iloc[0]
    assert_array_equal(lines[f"noise edge of training, {edge:.2f}"].get_ydata(), [edge, edge])
    for bars, column in zip(display.ax_.containers, ("x_variance", "y_variance"), strict=True):
        assert_allclose([bar.get_height() for bar in bars], table[column])
    assert display.ax_.get_title() == "CCA: components"
    again = ComponentSummaryDisplay.from_estimator(
        MODEL, *HELD_OUT, X_train=X[:100], y_train=Y[:100], n_permutations=50, random_state=0
    )
    assert again.table.equals(table)


@pytest.mark.parametrize("model", [CCA(3, shrinkage=0.5), PLSSVD(3), KernelCCA(3, regularization=0.1)])
def test_the_summary_leaves_out_what_is_not_known(model):
    display = ComponentSummaryDisplay.from_estimator(model.fit(X[:100], Y[:100]), *HELD_OUT)
    assert shown(display.ax_) == ["training", "held-out", "variance of x explained", "variance of y explained"]


def test_many_components_have_no_markers_and_negative_correlations_are_in_view():
    A, B = pairs(300, 60, 50)
    model = CCA(40, shrinkage=0.2).fit(A[:200], B[:200])
    display = ComponentSummaryDisplay.from_estimator(model, A[200:], B[200:])
    assert {line.get_marker() for line in display.ax_.lines} == {""}
    assert display.table["held_out"].min() < 0
    assert display.ax_.get_ylim()[0] < display.table["held_out"].min()


def test_a_table_of_something_else_is_refused():
    with pytest.raises(ValueError, match=r"inference.summary; it lacks .*x_variance"):
        ComponentSummaryDisplay.from_table(summary(MODEL, *HELD_OUT).drop(columns="x_variance"))
