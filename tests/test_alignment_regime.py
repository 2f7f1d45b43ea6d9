"""Align, predict, or leave alone: components and labels by definition, answers in worlds whose truth is known."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import linalg
from sklearn.linear_model import LinearRegression

from crossmodal_cca import CCA
from crossmodal_cca.inference import alignment_regime
from crossmodal_cca.inference._exchange import Exchange
from crossmodal_cca.inference._labelled import labelled_rows
from crossmodal_cca.inference._routes import (
    LabelTest,
    Shared,
    label_test,
    routes_of,
    shared_components,
    stepdown,
    verdict_of,
)
from crossmodal_cca.inference.regime import _sentence
from crossmodal_cca.plotting import AlignmentRegimeDisplay

ROUTES = ["align", "x_to_y", "y_to_x"]
TRUTHS = list(product([True, False], repeat=3))


def rotation(p, rng):
    Q, R = np.linalg.qr(rng.normal(size=(p, p)))
    return Q * np.sign(np.diag(R))


def world(truth, ratio, seed, n=1000, p=20):
    """Two signal and two nuisance coordinates; the ratio of each route is `ratio` where it recovers the signal."""
    rng = np.random.default_rng(seed)
    align, x_to_y, y_to_x = (ratio if yes else 1 / ratio for yes in truth)
    c = np.repeat([0.8 * min(1, align), 0.8 * min(1, 1 / align)], 2)
    common, sides = rng.normal(size=(n, 4)), []
    for of_prediction in (y_to_x, x_to_y):
        side = rng.normal(size=(n, p))
        side[:, :4] = np.sqrt(c) * common + np.sqrt(1 - c) * side[:, :4]
        side[:, 2:4] *= align / of_prediction
        sides.append(side @ rotation(p, rng))
    return *sides, common[:, :2]


def quadrants(signal, n_labelled=200):
    labels = (signal > 0) @ [2, 1]
    labels[n_labelled:] = -1
    return labels


def answers(X, y, labels, seed=0, **options):
    return alignment_regime(X, y, labels, n_permutations=99, random_state=seed, **options).routes["answer"].tolist()


SMALL = world((True, False, True), 2.0, 0, n=300, p=6)


def regime_of(X=SMALL[0], y=SMALL[1], labels=None, **options):
    labels = quadrants(SMALL[2], 150) if labels is None else labels
    return alignment_regime(X, y, labels, **{"n_permutations": 99, "random_state": 0} | options)


def root(S):
    return linalg.inv(linalg.sqrtm(S).real)


def scores_by_definition(X, y, route):
    """Singular values and scores of a route, by matrix roots."""
    A, B = X - X.mean(axis=0), y - y.mean(axis=0)
    if route == "y_to_x":
        A, B = B, A
    Sa, Sb, Sab = A.T @ A / (len(A) - 1), B.T @ B / (len(A) - 1), A.T @ B / (len(A) - 1)
    right = root(Sb) if route == "align" else np.eye(len(Sb))
    U, d, Vt = linalg.svd(root(Sa) @ Sab @ right)
    scores = A @ root(Sa) @ U
    return d, scores + B @ right @ Vt.T if route == "align" else scores


@pytest.mark.parametrize("route", ROUTES)
def test_components_and_r2_are_those_of_the_formulas(route):
    X, y, signal = SMALL
    labels = quadrants(signal, 150)
    found = regime_of().components.loc[route]
    d, scores = scores_by_definition(X, y, route)
    assert 2 <= len(found) <= 4
    assert_allclose(found["singular_value"], d[: len(found)])
    indicators, scores = np.eye(4)[labels[:150]], scores[:150, : len(found)]
    r2 = [LinearRegression().fit(indicators, s).score(indicators, s) for s in scores.T]
    assert_allclose(found["r2"], r2)
    if route == "align":
        assert_allclose(found["singular_value"], CCA(len(found)).fit(X, y).correlations_)


def test_components_are_compared_with_the_largest_of_shuffled_pairs():
    X, y = (A - A.mean(axis=0) for A in SMALL[:2])
    routes, exchange = routes_of(X, y, (0.0, 0.3)), Exchange.of_rows(300)
    found = shared_components(routes, exchange, 99, np.random.default_rng(7))
    rng = np.random.default_rng(7)
    orders = [exchange.draw(rng) for _ in range(99)]
    for route, shared in zip(routes, found, strict=True):
        d = linalg.svdvals(route.encoded.T @ route.other)
        null = [linalg.svdvals(route.encoded.T @ route.other[order])[0] for order in orders]
        p = np.array([(1 + sum(value >= each for value in null)) / 100 for each in d])
        assert_allclose(shared.p_values, p[p <= 0.05])


def test_stepwise_p_values_are_those_of_the_largest_of_what_is_left():
    rng = np.random.default_rng(0)
    null, observed = rng.random((50, 4)), np.array([0.95, 0.2, 1.5, 0.9])
    order, p, so_far = np.argsort(-observed), np.empty(4), 0.0
    for place, j in enumerate(order):
        left = order[place:]
        so_far = max(so_far, (1 + sum(max(row[left]) >= observed[j] for row in null)) / 51)
        p[j] = so_far
    assert_allclose(stepdown(observed, null), p)


@pytest.mark.newest
@pytest.mark.parametrize("truth", TRUTHS)
def test_answers_are_right_at_a_ratio_of_two(truth):
    """`benchmarks/alignment_regime.py` has 200 data sets of each kind."""
    expected = ["yes" if each else "no" for each in truth]
    opposite = ["no" if each else "yes" for each in truth]
    found = [answers(X, y, quadrants(signal), seed) for seed in range(4) for X, y, signal in [world(truth, 2.0, seed)]]
    assert sum(each == expected for each in found) >= 3
    assert not any(a == b for each in found for a, b in zip(each, opposite, strict=True))


@pytest.mark.newest
def test_answers_are_rarely_wrong_near_one():
    found = []
    for seed, truth in enumerate(TRUTHS * 2):
        X, y, signal = world(truth, 1.1, seed)
        said = answers(X, y, quadrants(signal), seed)
        found.append([a != "undecided" and (a == "yes") != t for a, t in zip(said, truth, strict=True)])
    assert np.mean(np.any(found, axis=1)) <= 0.1


@pytest.mark.newest
def test_without_signal_alignment_is_not_advised():
    said = []
    for seed in range(20):
        X, y, _ = world((True, True, True), 2.0, seed)
        others = np.random.default_rng(seed).normal(size=(1000, 2))
        said.append((answers(X, y, quadrants(others), seed)[0], answers(X, y, quadrants(others, 30), seed)[0]))
    many, few = zip(*said, strict=True)
    assert many.count("yes") <= 2
    assert few.count("yes") <= 2
    # Thirty labels could not have shown a component: they do not say "no".
    assert many.count("no") >= 16
    assert few.count("undecided") >= 16


def test_pairs_that_share_nothing():
    X, y, signal = world((True, True, True), 2.0, 0, n=300, p=6)
    regime = regime_of(X, y[np.random.default_rng(0).permutation(300)], quadrants(signal, 150))
    assert regime.routes["answer"].tolist() == ["no"] * 3
    assert len(regime.components) == 0
    assert regime.components.index.names == ["route", "component"]
    assert "share nothing beyond shuffled pairs" in regime.sentence
    assert (
        AlignmentRegimeDisplay.from_table(regime.components).ax_.get_title().endswith("nothing beyond shuffled pairs")
    )


def judged(d, p_label, n_directions, detectable=0.05, related=True):
    k = len(d)
    shared = Shared(np.array(d, float), np.full(k, 0.01), np.zeros((9, k)))
    return tuple(
        verdict_of(shared, LabelTest(np.zeros(k), np.array(p_label), detectable, n_directions), related=related)
    )


def test_rules_of_the_answer():
    assert judged([0.8, 0.5, 0.4], [0.005, 0.01, 0.02], 2) == ("yes", 1.25)
    assert judged([0.8, 0.5, 0.4], [0.005, 0.02, 0.01], 2) == ("no", 0.8)
    assert judged([0.8, 0.5, 0.4], [0.005, 0.02, 0.01], 1) == ("undecided", 0.8)
    assert judged([0.8, 0.5], [0.01, 0.01], 2) == ("yes", np.inf)
    for detectable, answer in ((0.1, "no"), (0.11, "undecided")):
        assert judged([0.8, 0.5], [0.5, 0.5], 0, detectable)[0] == answer
    assert judged([], [], 0, np.nan)[0] == "undecided"
    assert judged([], [], 0, np.nan, related=False)[0] == "no"


def test_sentences():
    said = {
        truth: _sentence(dict(zip(ROUTES, truth, strict=True)), related=True)
        for truth in product(["yes", "no", "undecided"], repeat=3)
    }
    assert len(set(said.values())) == 27
    assert "cross-modal training is harmful" in said["no", "no", "no"]
    assert sum("harmful" in sentence for sentence in said.values()) == 1
    assert said["yes", "no", "undecided"] == (
        "To recover what the labels speak of, align the two modalities. Do not predict y from X. "
        "These pairs and labels cannot tell whether to predict X from y."
    )


CLASSES = np.array([0, 1, 2, 0, 1, 2, 0, 1])
SPARSE = {
    "minus one": [0, 1, -1, 0, 1, -1, 0, 1],
    "missing among numbers": [0, 1, np.nan, 0, 1, np.nan, 0, 1],
    "None": ["a", "b", None, "a", "b", None, "a", "b"],
    "minus one among texts": ["a", "b", -1, "a", "b", -1, "a", "b"],
    "array of objects": np.array(["a", "b", -1, "a", "b", None, "a", "b"], dtype=object),
    "nullable": pd.Series([0, 1, pd.NA, 0, 1, pd.NA, 0, 1], dtype="Int64"),
    "strings": pd.Series(["a", "b", None, "a", "b", None, "a", "b"], dtype="string"),
    "categories": pd.Series(["a", "b", None, "a", "b", None, "a", "b"], dtype="category"),
    "numbers as objects": np.array([np.int64(0), 1, np.int64(-1), 0, 1, None, 0, 1], dtype=object),
    "flags": [False, True, None, False, True, None, False, True],
}


@pytest.mark.parametrize("kind", SPARSE)
def test_rows_without_a_label(kind):
    rows, H = labelled_rows(SPARSE[kind], 8)
    assert rows.tolist() == [0, 1, 3, 4, 6, 7]
    assert_array_equal(H, np.eye(2)[[0, 1, 0, 1, 0, 1]])


def test_numbers_and_classes():
    fractions = np.array([0.5, -1.0, np.nan, 2.0, 3.0, 1.0, 0.0, 7.0])
    rows, H = labelled_rows(fractions, 8)
    assert rows.tolist() == [0, 1, 3, 4, 5, 6, 7]  # -1 is a number here
    assert_allclose(H[:, 0], fractions[rows] / fractions[rows].std())
    both = np.column_stack([fractions, np.arange(8), np.ones(8)])
    assert labelled_rows(both, 8).labels.shape == (7, 2)
    assert_array_equal(labelled_rows(pd.DataFrame(both), 8).labels, labelled_rows(both, 8).labels)
    assert labelled_rows(CLASSES, 8).labels.shape == (8, 3)
    assert_array_equal(labelled_rows(fractions[:, None], 8).labels, H)
    mixed = [0.5, -1, None, 2, 3, 1, 0, 7]
    assert_array_equal(labelled_rows(mixed, 8).labels, H)


def test_labels_of_other_rows_do_not_matter_and_names_of_classes_neither():
    labels = quadrants(SMALL[2], 150)
    names = np.array(["one", "two", "three", "four", ""], dtype=object)[labels]
    names[labels == -1] = None
    for one, other in zip(regime_of(labels=labels)[1:], regime_of(labels=names)[1:], strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_what_does_not_change_the_answer():
    X, y, _ = SMALL
    rng = np.random.default_rng(0)
    one, turned = regime_of(), regime_of(X @ rotation(6, rng) * 5 + 1, y @ rotation(6, rng) * 2)
    mixed = regime_of(X @ rotation(6, rng) @ np.diag([1, 2, 3, 4, 5, 6]))
    scale = {"align": 1, "x_to_y": 2, "y_to_x": 5}
    for route in ROUTES:
        ours, other = (r.components.loc[route] for r in (one, turned))
        assert_allclose(ours["singular_value"] * scale[route], other["singular_value"])
        assert_allclose(ours.drop(columns=["singular_value", "role"]), other.drop(columns=["singular_value", "role"]))
    for route in ("align", "x_to_y"):  # neither has a metric of x
        assert_allclose(one.components.loc[route, "r2"], mixed.components.loc[route, "r2"])
    swapped = regime_of(y, X)
    assert_allclose(one.components.loc["x_to_y", "singular_value"], swapped.components.loc["y_to_x", "singular_value"])
    scaled, by_hand = regime_of(scale=True), regime_of(X / X.std(axis=0, ddof=1), y / y.std(axis=0, ddof=1))
    assert_allclose(scaled.components["singular_value"], by_hand.components["singular_value"])


def test_single_precision_gives_the_same_answers():
    X, y = (A.astype(np.float32) for A in SMALL[:2])
    for one, other in zip(regime_of(X, y)[1:], regime_of(X.astype(float), y.astype(float))[1:], strict=True):
        pd.testing.assert_frame_equal(one, other, atol=1e-9)


def test_more_features_than_rows_need_shrinkage():
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(80, 1))
    X, y = (signal @ rng.normal(size=(1, p)) + rng.normal(size=(80, p)) for p in (100, 90))
    labels = np.where(np.arange(80) < 60, signal[:, 0] > 0, -1)
    with pytest.raises(ValueError, match=r"ranks of X \(79\) and y \(79\) add up to more than the 80 rows minus 1"):
        regime_of(X, y, labels)
    regime = regime_of(X, y, labels, shrinkage="oas")
    assert regime.routes["answer"].tolist() == ["yes"] * 3
    model = CCA(1, shrinkage="oas", scale=False).fit(X, y)
    assert regime.components.loc[("align", 1), "singular_value"] == pytest.approx(model.singular_values_[0])
    assert regime_of(X, y, labels, shrinkage=(0.2, 0.9)).routes["answer"].loc["align"] == "yes"


@pytest.mark.newest
def test_rows_in_groups_keep_the_level():
    """Scores and labels that are alike within a group, and unrelated: only with groups are they not called signal."""
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(25), 8)
        scores = rng.normal(size=(25, 2))[groups] + 0.3 * rng.normal(size=(200, 2))
        labels = np.eye(3)[rng.integers(3, size=25)[groups]]
        exchanges = Exchange.within(200, groups, None), Exchange.of_rows(200)
        tests = [label_test(scores, labels, exchange, 99, np.random.default_rng(seed)) for exchange in exchanges]
        found.append([test.is_signal.any() for test in tests])
    with_groups, without = np.mean(found, axis=0)
    assert with_groups <= 0.01 + 3 * np.sqrt(0.01 * 0.99 / 60)
    assert without > 0.5


def test_groups_of_pairs_keep_the_level():
    """Both sides are alike within a group, and unrelated."""
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(25), 4)
        X, y = (rng.normal(size=(25, 4))[groups] + 0.3 * rng.normal(size=(100, 4)) for _ in "xy")
        labels = np.arange(100) // 4 % 3
        found.append(
            [len(regime_of(X, y, labels, groups=g).components.loc["align":"align"]) > 0 for g in (groups, None)]
        )
    with_groups, without = np.mean(found, axis=0)
    assert with_groups <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 40)
    assert without > 0.5


X, Y, SIGNAL = SMALL
LABELS = quadrants(SIGNAL, 150)
BAD = {
    "X has 300 rows and y has 299": {"y": Y[1:]},
    r"labels must have shape \(300,\), or \(300, n_labels\) for numbers.*got shape \(299,\)": {"labels": LABELS[1:]},
    r"labels must have shape .* got shape \(\)": {"labels": 3},
    "labels must differ among the labelled rows: 0 of 300 rows": {"labels": np.full(300, -1)},
    "labels must differ among the labelled rows: 10 of 300 rows": {"labels": np.where(np.arange(300) < 10, 1, -1)},
    "labels of 300 rows have 299 independent columns": {"labels": np.arange(300)},
    "labels contains infinity": {"labels": np.where(np.arange(300) < 9, np.inf, 0.5)},
    "labels must hold one id or label per row": {"labels": [{"a": 1}] * 300},
    "n_permutations must be a whole number of at least 99": {"n_permutations": 98},
    "shrinkage must lie in": {"shrinkage": 2},
    "scale must be True or False": {"scale": 1},
    "groups must have one entry per row": {"groups": LABELS[1:]},
    "Among the 150 rows with labels: Nothing can be exchanged": {"groups": np.arange(300) // 100},
    "Squares of the values overflow or vanish": {"X": X * 1e200},
    "overflow or vanish in double precision": {"y": Y * 1e-200},
    "vanish in double precision; rescale": {"X": X * 1e200, "scale": True},
    "labels: Nothing can be exchanged": {"groups": np.arange(300) % 2, "labels": [0, None, 1, 1, 0, 0] * 50},
    "X does not vary": {"X": np.ones((300, 2))},
    "Input y contains NaN.*row 2, column 0": {"y": np.where(np.eye(300, 6, -2) > 0, np.nan, Y)},
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_refused_by_its_name(message):
    with pytest.raises((ValueError, TypeError), match=message):
        regime_of(**{"X": X, "y": Y, "labels": LABELS} | BAD[message])


def test_labels_in_another_order_are_told():
    with pytest.warns(UserWarning, match="indexes of X and labels hold the same labels in different orders"):
        regime_of(pd.DataFrame(X), labels=pd.Series(LABELS, index=np.arange(300)[::-1]))


def test_the_picture_shows_the_components_of_a_route():
    components = regime_of().components
    for route, label in (("align", "canonical correlation"), ("y_to_x", "singular value, in units of X")):
        display = AlignmentRegimeDisplay.from_table(components, route=route)
        signal, nuisance, reference = display.ax_.lines
        for line, role in ((signal, "signal"), (nuisance, "nuisance")):
            of_role = components.loc[route][components.loc[route, "role"] == role]
            assert_allclose(line.get_xydata(), of_role[["singular_value", "r2"]])
        assert reference.get_xdata()[0] == pytest.approx(nuisance.get_xdata().max())
        assert display.ax_.get_xlabel() == label
    with pytest.raises(ValueError, match="components must be those of alignment_regime"):
        AlignmentRegimeDisplay.from_table(components[["r2"]])
    with pytest.raises(ValueError, match="route must be one of"):
        AlignmentRegimeDisplay.from_table(components, route="predict")
