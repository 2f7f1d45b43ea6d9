"""Pictures can be read: labels keep apart, colours differ and stand out, signs have a glyph."""

import inspect

import matplotlib as mpl
import matplotlib.pyplot
import numpy as np
import pandas as pd
import pytest
from linear_models import pairs
from matplotlib.colors import to_rgb
from pictures import labels_of
from sklearn.model_selection import GridSearchCV

from crossmodal_cca import CCA, CCACV, KernelCCACV, plotting
from crossmodal_cca.inference import summary
from crossmodal_cca.plotting import (
    CrossValidationDisplay,
    FewShotDisplay,
    SharedSpaceDisplay,
    TransferGainDisplay,
)
from crossmodal_cca.plotting._fonts import writable
from crossmodal_cca.plotting._style import CLASS_COLORS
from crossmodal_cca.transfer import transfer_gain

mpl.use("agg")
X, Y = pairs(400)
MODEL = CCA(3).fit(X[:100], Y[:100])
SCORES = MODEL.transform(X[100:], Y[100:])
SEARCH = CCACV(2, shrinkages=(0.0, 0.1), cv=3).fit(X, Y)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    mpl.pyplot.close("all")


def luminance(color):
    """Relative luminance, as in the Web Content Accessibility Guidelines."""
    rgb = np.array(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def episodes(n_classes):
    names = ["model", "shots", "episode", "class"]
    index = pd.MultiIndex.from_product([["raw", "shared"], [1, 4], range(4), range(n_classes)], names=names)
    recall = np.random.default_rng(0).uniform(size=len(index))
    return pd.DataFrame({"recall": recall, "n_rows": 10}, index=index).reset_index()


@pytest.mark.parametrize(("kind", "size"), [("points", (6.4, 4.8)), ("arrows", (3, 2))])
def test_labels_that_are_shown_neither_overlap_nor_leave_the_axes(kind, size):
    _, ax = mpl.pyplot.subplots(figsize=size, layout="constrained")
    names = [f"name {i} of many" for i in range(300)]
    display = SharedSpaceDisplay.from_predictions(*SCORES, labels=names, classes=np.arange(300) % 3, kind=kind, ax=ax)
    boxes, frame = [text.get_window_extent() for text in labels_of(display)], ax.get_window_extent()
    assert 3 < len(boxes) <= 20
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert all(frame.x0 <= b.x0 and b.x1 <= frame.x1 and frame.y0 <= b.y0 and b.y1 <= frame.y1 for b in boxes)


def test_an_arrow_leads_from_one_score_of_a_pair_to_the_other():
    display = SharedSpaceDisplay.from_predictions(*SCORES)
    ax = display.plot(kind="arrows").ax_
    (arrows,) = (c for c in ax.collections if type(c).__name__ == "Quiver")
    np.testing.assert_allclose(arrows.get_offsets() + np.column_stack([arrows.U, arrows.V]), display.y_points)
    for low, high, tips in zip(*np.transpose([ax.get_xlim(), ax.get_ylim()]), display.y_points.T, strict=True):
        assert low < tips.min() <= tips.max() < high
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["start: x", "tip: y"]


def test_colours_of_classes_differ_and_stand_out_from_white_and_black():
    rgb = np.array([to_rgb(color) for color in CLASS_COLORS])
    # A cheap measure of how different colours look: https://www.compuphase.com/cmetric.htm
    red = (rgb[:, None, 0] + rgb[None, :, 0]) / 2
    squares = (rgb[:, None] - rgb[None]) ** 2
    distances = np.sqrt((2 + red) * squares[..., 0] + 4 * squares[..., 1] + (3 - red) * squares[..., 2])
    assert distances[~np.eye(12, dtype=bool)].min() > 0.3
    assert all(min(contrast(color, "white"), contrast(color, "black")) > 1.5 for color in CLASS_COLORS)
    display = SharedSpaceDisplay.from_predictions(*SCORES, classes=np.arange(300) % 12)
    assert len(np.unique(display.ax_.collections[1].get_facecolors(), axis=0)) == 12


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_lines_and_texts_stand_out_from_the_background_in_any_style(style):
    rows = X[100:], Y[100:]
    with mpl.pyplot.style.context(style):
        table, gain = episodes(3), transfer_gain(episodes(3), "shared", "raw")
        displays = [
            CrossValidationDisplay.from_cv_results(SEARCH),
            FewShotDisplay.from_table(table),
            TransferGainDisplay.from_table(gain),
            plotting.ComponentSummaryDisplay.from_table(summary(MODEL, *rows)),
            plotting.CanonicalCorrelationDisplay.from_estimator(MODEL, *rows),
            plotting.CorrelationCircleDisplay.from_estimator(MODEL, *rows),
            plotting.RankHistogramDisplay.from_predictions(*SCORES),
            SharedSpaceDisplay.from_predictions(*SCORES, labels=["label"] * 300, n_labels=1),
        ]
    # Drawn outside the context of the style: the axes keep its colours.
    for display in displays:
        ax = display.ax_
        shown = [*ax.lines, *ax.get_legend().get_texts(), *ax.get_xticklabels(), ax.title, *labels_of(display)]
        # The thin lines behind a circle are to be faint.
        colors = [artist.get_color() for artist in shown if artist.get_zorder() > 0]
        assert min(contrast(color, ax.get_facecolor()) for color in colors) > 1.5, display


def test_signs_that_no_font_has_are_named_and_a_hint_says_what_to_install():
    # A private sign, so that no font that a machine may have draws it.
    with pytest.warns(UserWarning, match='No installed font has .* Install a font .* "Noto Emoji"'):
        display = SharedSpaceDisplay.from_predictions(*SCORES, labels=["a\U000f1234b\ufe0f"] + [""] * 299)
    assert [text.get_text() for text in labels_of(display)] == ["a u+f1234 b"]


def test_signs_are_looked_for_in_other_fonts():
    with mpl.rc_context({"font.family": ["cmr10"]}):
        texts, families = writable(["Ω, ж", 5])
    assert texts == ["Ω, ж", "5"]
    assert families[0] == "cmr10"
    assert len(families) == 2


def test_widths_of_kernels_have_curves_of_their_own():
    search = KernelCCACV(2, width_factors=(0.5, 1.0), regularizations=(0.01, 0.1), cv=3).fit(X[:60], Y[:60])
    display = CrossValidationDisplay.from_cv_results(search)
    widths = dict.fromkeys(params["gamma"] for params in search.cv_results_["params"])
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts[:4] == ["regularization", "0.01", "0.1", "gamma"]
    assert texts[4:-1] == [", ".join(f"{width:.3g}" for width in pair) for pair in widths]
    dashed = [line for line in display.ax_.lines if line.get_linestyle() == "--"]
    for line, pair in zip(dashed, widths, strict=True):
        of_pair = [params["gamma"] == pair for params in search.cv_results_["params"]]
        assert line.get_ydata().max() == search.cv_results_["mean_test_score"][of_pair].max()


def test_a_search_without_numbers_of_components_is_refused():
    search = GridSearchCV(CCA(2), {"shrinkage": [0.1, 0.2]}, cv=2).fit(X, Y)
    with pytest.raises(ValueError, match="must have searched n_components"):
        CrossValidationDisplay.from_cv_results(search)


def test_classes_of_a_gain_are_named_as_far_as_there_is_room():
    display = TransferGainDisplay.from_table(transfer_gain(episodes(100), "shared", "raw"))
    display.figure_.canvas.draw()
    ticks = display.ax_.get_yticklabels()
    boxes = [tick.get_window_extent() for tick in ticks]
    assert ticks[0].get_text() == "all classes"
    assert len(ticks) > 10
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize(
    "name", [name for name in plotting.__all__ if hasattr(getattr(plotting, name), "from_estimator")]
)
def test_keywords_of_the_estimator_are_those_of_the_scores_or_the_table(name):
    display = getattr(plotting, name)
    makers = [
        getattr(display, maker)
        for maker in ("from_estimator", "from_predictions", "from_table")
        if hasattr(display, maker)
    ]
    own, source = (
        {p.name: p.default for p in inspect.signature(maker).parameters.values() if p.kind is p.KEYWORD_ONLY}
        for maker in makers
    )
    # Training correlations and their edge come from the model itself.
    assert own | source == own or name == "CanonicalCorrelationDisplay"
    if "aligner" not in inspect.signature(display.from_estimator).parameters:
        return
    with pytest.raises(TypeError, match="unexpected keyword argument 'nothing'"):
        display.from_estimator(MODEL, X[100:], Y[100:], nothing=1)
