"""Displays hold what they show and draw it where they are told."""

import matplotlib as mpl
import matplotlib.pyplot
import numpy as np
import pytest
from linear_models import pairs
from numpy.testing import assert_allclose
from pictures import labels_of
from scipy import stats
from sklearn.decomposition import PCA

from crossmodal_cca import CCA, PLSSVD, CrossModalPipeline, KernelCCA
from crossmodal_cca.inference import noise_edge
from crossmodal_cca.metrics import (
    hit_rate_at_k,
    median_rank,
    precision_at_k,
    recall_at_k,
    retrieval_ranks,
    retrieval_report,
)
from crossmodal_cca.plotting import (
    CanonicalCorrelationDisplay,
    HitRateDisplay,
    HubnessDisplay,
    PrecisionRecallDisplay,
    RankHistogramDisplay,
    SharedSpaceDisplay,
    SimilarityMatrixDisplay,
)
from crossmodal_cca.retrieval import k_occurrence

mpl.use("agg")
X, Y = pairs(200)
MODEL = CCA(3).fit(X[:100], Y[:100])
OTHER = PLSSVD(3).fit(X[:100], Y[:100])
SCORES = MODEL.transform(X[100:], Y[100:])
LABELS = np.array(["cat", "dog", "owl", "cat"])[np.arange(100) % 4]
# Displays of search in two directions.
OF_DIRECTIONS = (HitRateDisplay, PrecisionRecallDisplay, HubnessDisplay, RankHistogramDisplay)
DISPLAYS = (*OF_DIRECTIONS, CanonicalCorrelationDisplay, SharedSpaceDisplay, SimilarityMatrixDisplay)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    mpl.pyplot.close("all")


def shown(ax):
    """Labels of the legend."""
    return [text.get_text() for text in ax.get_legend().get_texts()]


def models_of(ax):
    """Lines of the models, without references and markers."""
    return [line for line in ax.lines if str(line.get_gid()).startswith("model")]


@pytest.mark.parametrize("display_class", DISPLAYS)
def test_every_display_draws_on_new_and_given_axes_with_a_title_and_labels(display_class):
    display = display_class.from_estimator(MODEL, X[100:], Y[100:])
    assert display.figure_ is display.ax_.figure
    assert all((display.ax_.get_title(), display.ax_.get_xlabel(), display.ax_.get_ylabel()))
    display.figure_.canvas.draw()
    _, ax = mpl.pyplot.subplots()
    ax.axhline(-1.0)
    assert display.plot(ax) is display
    assert display.ax_ is ax
    number = len(mpl.pyplot.get_fignums())
    display_class.from_predictions(*SCORES, ax=ax)
    assert len(mpl.pyplot.get_fignums()) == number


@pytest.mark.parametrize("display_class", OF_DIRECTIONS)
def test_models_share_axes_each_in_its_colour_with_references_once_and_last(display_class):
    first = display_class.from_estimator(MODEL, X[100:], Y[100:], names=("sound", "words"))
    second = display_class.from_estimator(OTHER, X[100:], Y[100:], names=("sound", "words"), name="PLS", ax=first.ax_)
    second.plot(first.ax_, name="again")
    starts = [f"{name}: {d}" for name in ("CCA", "PLS", "again") for d in ("sound to words", "words to sound")]
    for label, start in zip(shown(first.ax_), [*starts, "chance"], strict=True):
        assert label.startswith(start)
    assert len({line.get_color() for line in models_of(first.ax_)}) == 3
    assert [line.get_linestyle() for line in models_of(first.ax_)] == ["-", "--"] * 3


@pytest.mark.parametrize("display_class", [*OF_DIRECTIONS, SimilarityMatrixDisplay])
@pytest.mark.parametrize("names", [("text", "text"), ("text",), "xy"])
def test_names_are_two_different_ones(display_class, names):
    with pytest.raises(TypeError if names == "xy" else ValueError, match="names must be two different names"):
        display_class.from_predictions(*SCORES, names=names)


@pytest.mark.parametrize("display_class", [*OF_DIRECTIONS, SharedSpaceDisplay, SimilarityMatrixDisplay])
def test_a_single_pair_is_drawn(display_class):
    options = {"k": 1} if display_class is HubnessDisplay else {}
    display_class.from_predictions(SCORES[0][:1], SCORES[1][:1], **options).figure_.canvas.draw()


def test_hit_rates_are_those_of_the_metric():
    display = HitRateDisplay.from_estimator(MODEL, X[100:], Y[100:], max_k=20)
    assert display.ks[0] == 1
    assert display.ks[-1] == 20
    for values, sides in zip(display.hit_rates.values(), (SCORES, SCORES[::-1]), strict=True):
        assert_allclose(values, [hit_rate_at_k(*sides, k=int(k)) for k in display.ks])
    for chance in display.chance.values():
        assert_allclose(chance, display.ks / 100)
    assert [line.get_label() for line in display.ax_.lines] == ["CCA: x to y", "CCA: y to x", "chance"]


def test_bands_are_the_intervals_of_the_report_and_no_entry_of_the_legend():
    options = {"n_resamples": 50, "confidence_level": 0.8, "random_state": 0, "x_groups": np.arange(100) // 5}
    display = HitRateDisplay.from_predictions(*SCORES, max_k=20, **options)
    report = retrieval_report(*SCORES, measures=[f"hit_rate_at_{k}" for k in display.ks], **options)
    for direction in ("x to y", "y to x"):
        assert_allclose(display.low[direction], report.loc[direction, "low"])
        assert_allclose(display.high[direction], report.loc[direction, "high"])
    assert len(display.ax_.collections) == 2
    assert shown(display.ax_) == ["x to y", "y to x", "chance"]
    without = HitRateDisplay.from_predictions(*SCORES, n_resamples=0)
    assert without.low is without.high is None
    assert len(without.ax_.collections) == 0


def test_recall_instead_of_hit_rate():
    display = HitRateDisplay.from_predictions(*SCORES, measure="recall", x_ids=LABELS, y_ids=LABELS, max_k=20)
    recall = [recall_at_k(*SCORES, k=int(k), query_ids=LABELS, gallery_ids=LABELS) for k in display.ks]
    assert_allclose(display.hit_rates["x to y"], recall)
    assert display.ax_.get_ylabel().startswith("recall")


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
    assert shown(ax) == ["x to y", "y to x", "x to y", "y to x", *("chance, x to y", "chance, y to x") * 2]


def test_held_out_correlations_add_up_to_the_score():
    display = CanonicalCorrelationDisplay.from_estimator(MODEL, X[100:], Y[100:])
    expected = [np.corrcoef(a, b)[0, 1] for a, b in zip(SCORES[0].T, SCORES[1].T, strict=True)]
    assert_allclose(display.held_out, expected)
    assert display.held_out.sum() == pytest.approx(MODEL.score(X[100:], Y[100:]))
    assert_allclose(display.training, MODEL.correlations_)
    assert display.noise_edge == noise_edge(100, X.shape[1], Y.shape[1])
    assert shown(display.ax_) == ["CCA: training", "CCA: held-out", f"noise edge of training, {display.noise_edge:.2f}"]


@pytest.mark.parametrize(
    ("model", "has_edge"),
    [
        (CCA(3), True),
        (CrossModalPipeline(CCA(3), x_transformer=PCA(4)), True),
        (CCA(3, shrinkage=(0.0, 0.1)), False),
        (PLSSVD(3), False),
        (KernelCCA(3), False),
    ],
)
def test_the_edge_of_noise_is_drawn_where_it_holds(model, has_edge):
    display = CanonicalCorrelationDisplay.from_estimator(model.fit(X[:100], Y[:100]))
    assert display.held_out is None
    assert (display.noise_edge is not None) == has_edge
    assert len(display.ax_.lines) == 1 + has_edge
    if isinstance(model, CrossModalPipeline):
        assert display.noise_edge == noise_edge(100, 4, Y.shape[1])


def test_a_score_that_does_not_vary_has_correlation_zero():
    x, y = SCORES[0].copy(), SCORES[1].copy()
    x[:, 1], y[:, 2] = 0.1, 0.0
    display = CanonicalCorrelationDisplay.from_predictions(x, y)
    assert display.held_out[0] > 0.5
    assert display.held_out[1:].tolist() == [0.0, 0.0]


def test_models_of_one_size_share_the_edge_of_noise():
    first = CanonicalCorrelationDisplay.from_estimator(MODEL, X[100:], Y[100:])
    CanonicalCorrelationDisplay.from_estimator(CCA(5).fit(X[:100], Y[:100]), ax=first.ax_, name="five")
    edge = f"noise edge of training, {first.noise_edge:.2f}"
    assert shown(first.ax_) == ["CCA: training", "CCA: held-out", "five: training", edge]


def test_precision_and_recall_are_those_of_the_metrics():
    ids = {"x_ids": LABELS, "y_ids": LABELS[::-1]}
    display = PrecisionRecallDisplay.from_predictions(*SCORES, **ids)
    assert {1, 10, 100} <= set(display.ks.tolist())
    for direction, queries, gallery, query_ids, gallery_ids in (
        ("x to y", *SCORES, LABELS, LABELS[::-1]),
        ("y to x", *SCORES[::-1], LABELS[::-1], LABELS),
    ):
        for values, measure in ((display.precision, precision_at_k), (display.recall, recall_at_k)):
            expected = [
                measure(queries, gallery, k=int(k), query_ids=query_ids, gallery_ids=gallery_ids) for k in display.ks
            ]
            assert_allclose(values[direction], expected)
        assert display.recall[direction][-1] == pytest.approx(1)
        # The whole list is as precise as chance: half the items are cats, a quarter each dogs and owls.
        assert display.chance[direction] == pytest.approx(0.5**2 + 2 * 0.25**2)
        assert display.precision[direction][-1] == pytest.approx(display.chance[direction])


def test_hubness_shows_the_occurrences_against_a_binomial():
    display = HubnessDisplay.from_predictions(*SCORES, k=5)
    for direction, sides in (("x to y", SCORES), ("y to x", SCORES[::-1])):
        counts = k_occurrence(*sides, k=5)
        assert_allclose(display.occurrences[direction], counts)
        assert display.skewness[direction] == pytest.approx(stats.skew(counts))
        assert display.never_found[direction] == np.mean(counts == 0)
        drawn = next(line for line in models_of(display.ax_) if line.get_label().startswith(direction))
        times, shares = drawn.get_data()
        assert_allclose(shares, [np.mean(counts >= m) for m in times])
        assert shares[-1] > 0
        assert f"skewness {stats.skew(counts):.1f}" in drawn.get_label()
    chance = display.chance["x to y"]
    assert chance[0] == pytest.approx(1 - 0.95**100)
    assert chance[-1] >= 0.5 / 100 > stats.binom.sf(len(chance), 100, 0.05)


def test_equal_occurrences_are_not_skewed():
    everything = HubnessDisplay.from_predictions(SCORES[0][:20], SCORES[1][:20], k=20)
    assert everything.skewness == {"x to y": 0.0, "y to x": 0.0}
    everything.figure_.canvas.draw()


def test_the_histogram_of_ranks_counts_the_ranks():
    display = RankHistogramDisplay.from_predictions(*SCORES)
    assert display.last_ranks.tolist() == [1, 2, 4, 8, 16, 32, 64, 100]
    edges = [0, *display.last_ranks]
    for direction, sides in (("x to y", SCORES), ("y to x", SCORES[::-1])):
        counts = np.histogram(retrieval_ranks(*sides), bins=np.array(edges) + 0.5)[0]
        assert_allclose(display.shares[direction], counts / 100, atol=1e-12)
        assert_allclose(display.chance[direction], np.diff(edges) / 100)
        assert display.medians[direction] == median_rank(*sides)
    assert f"(median {display.medians['x to y']:g})" in shown(display.ax_)[0]


def test_chance_of_ranks_knows_the_number_of_relevant_items():
    x_ids, y_ids = np.arange(50), np.arange(100) // 2
    display = RankHistogramDisplay.from_predictions(SCORES[0][:50], SCORES[1], x_ids=x_ids, y_ids=y_ids)
    found = 1 - stats.hypergeom.pmf(0, 100, 2, display.last_ranks)
    assert_allclose(display.chance["x to y"], np.diff(found, prepend=0))
    # The other gallery ends at 50.
    assert_allclose(display.chance["y to x"][-2:], [18 / 50, 0], atol=1e-12)
    assert all(sum(shares) == pytest.approx(1) for shares in (*display.shares.values(), *display.chance.values()))


def test_ranks_of_a_constant_similarity_are_chance():
    display = RankHistogramDisplay.from_predictions(np.ones((30, 2)), np.ones((30, 2)))
    assert_allclose(display.shares["x to y"], display.chance["x to y"])


def test_shared_space_shows_pairs_and_labels():
    labels = ["pair"] + [""] * 99
    display = SharedSpaceDisplay.from_estimator(MODEL, X[100:], Y[100:], components=(2, 0), labels=labels)
    assert_allclose(display.x_points, SCORES[0][:, [2, 0]])
    assert_allclose(display.y_points, SCORES[1][:, [2, 0]])
    assert display.ax_.get_xlabel() == "component 3 (score)"
    assert [text.get_text() for text in labels_of(display)] == ["pair"]
    again = display.plot()
    assert again.ax_.figure is again.figure_


def test_classes_are_colours_and_modalities_markers():
    classes = [10, 9, 8, 10] * 25
    display = SharedSpaceDisplay.from_predictions(*SCORES, classes=classes, names=("sound", "words"))
    assert shown(display.ax_) == ["sound", "words", "8", "9", "10"]
    _, x_points, y_points = display.ax_.collections
    for points in (x_points, y_points):
        colors = points.get_facecolors()
        assert_allclose(colors[0], colors[3])
        assert len(np.unique(colors, axis=0)) == 3


def test_similarities_are_ordered_by_class():
    display = SimilarityMatrixDisplay.from_predictions(*SCORES, x_ids=LABELS, y_ids=LABELS, name="CCA")
    order = np.argsort(LABELS, kind="stable")
    unit = [scores / np.linalg.norm(scores, axis=1, keepdims=True) for scores in SCORES]
    assert_allclose(display.similarities, unit[0][order] @ unit[1][order].T)
    assert display.x_classes.tolist() == LABELS[order].tolist()
    ticks = {label.get_text(): label.get_position()[0] for label in display.ax_.get_xticklabels()}
    assert ticks == {"cat": 24.5, "dog": 62.0, "owl": 87.0}
    assert display.ax_.get_title() == "CCA: cosine similarity"
    image = display.ax_.images[0]
    assert image.get_clim()[0] == -image.get_clim()[1] == -np.abs(display.similarities).max()


def test_similarities_of_many_items_are_thinned_out_and_the_title_says_so():
    display = SimilarityMatrixDisplay.from_predictions(SCORES[0], SCORES[1][:30], similarity="dot", max_items=34)
    rows = np.linspace(0, 99, 34).round().astype(int)
    assert_allclose(display.similarities, SCORES[0][rows] @ SCORES[1][:30].T)
    assert "34 of 100 x, 30 of 30 y items" in display.ax_.get_title()
    many = np.arange(100)
    display = SimilarityMatrixDisplay.from_predictions(*SCORES, similarity="euclidean", x_ids=many, y_ids=many[::-1])
    assert_allclose(-display.similarities[2, 5], np.linalg.norm(SCORES[0][2] - SCORES[1][94]))
    assert len(display.ax_.get_xticks()) == len(display.ax_.lines) == 0


def test_thin_classes_are_not_named_over_each_other():
    classes = np.repeat(["first", "thin", "thinner", "last"], [48, 2, 1, 49])
    display = SimilarityMatrixDisplay.from_predictions(*SCORES, x_ids=classes, y_ids=classes)
    named = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert sorted(named) == ["first", "last", "thin"]
    assert len(display.ax_.lines) == 6


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: HitRateDisplay.from_predictions(*SCORES, max_k=0), "max_k must be a whole number"),
        (lambda: HitRateDisplay.from_predictions(*SCORES, measure="ndcg"), "one of 'hit_rate', 'recall'; got 'ndcg'"),
        (lambda: HubnessDisplay.from_predictions(*SCORES, k=101), "between 1 and the number of .*, 100; got 101"),
        (lambda: SharedSpaceDisplay.from_predictions(SCORES[0], SCORES[1][:5]), "pairs of the same 2-D shape"),
        (lambda: SharedSpaceDisplay.from_predictions(*SCORES, components=(0, 3)), "two of 0 to 2"),
        (lambda: SharedSpaceDisplay.from_predictions(*SCORES, labels=["one"]), "a text for each of the 100 pairs"),
        (lambda: SharedSpaceDisplay.from_predictions(*SCORES, classes=["one"]), "classes must have one entry per row"),
        (lambda: SharedSpaceDisplay.from_predictions(*SCORES, classes=range(100)), "at most 12 .* got 100"),
        (lambda: SharedSpaceDisplay.from_predictions(SCORES[0] * np.nan, SCORES[1]), "x_scores contains NaN"),
        (lambda: SharedSpaceDisplay.from_predictions(*SCORES, kind="lines"), "kind must be one of 'points', 'arrows'"),
        (lambda: CanonicalCorrelationDisplay.from_estimator(MODEL, X), "X and y go together: got only X"),
        (lambda: CanonicalCorrelationDisplay.from_predictions(SCORES[0], SCORES[1][:5]), "same 2-D shape"),
        (lambda: CanonicalCorrelationDisplay.from_predictions(SCORES[0][:1], SCORES[1][:1]), "at least 2 pairs"),
        (lambda: CanonicalCorrelationDisplay.from_predictions(*SCORES, training=[0.5]), "each of the 3 components"),
        (
            lambda: CanonicalCorrelationDisplay.from_predictions(*SCORES, noise_edge=1.5),
            "noise_edge must lie",
        ),
        (lambda: SimilarityMatrixDisplay.from_predictions(*SCORES, similarity="angle"), "similarity must be one of"),
        (lambda: SimilarityMatrixDisplay.from_predictions(*SCORES, x_ids=LABELS), "got only x_ids"),
        (lambda: SimilarityMatrixDisplay.from_predictions(*SCORES, x_ids=LABELS, y_ids=LABELS[:5]), "y_ids must have"),
        (lambda: SimilarityMatrixDisplay.from_predictions(*SCORES, max_items=0), "max_items must be a whole number"),
        (lambda: SimilarityMatrixDisplay.from_predictions(SCORES[0], SCORES[1][:, :2]), "must share one space"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_classes_that_cannot_be_sorted_are_refused():
    with pytest.raises(TypeError, match="classes must be of comparable types"):
        SharedSpaceDisplay.from_predictions(*SCORES, classes=["a", 1] * 50)
