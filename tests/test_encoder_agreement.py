"""Agreement of encoders beyond chance: measures by their definitions, p-values by theirs, and their level."""

import tracemalloc
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from real_data import load

from crossmodal_cca import CCA
from crossmodal_cca._similarity import SIMILARITIES
from crossmodal_cca.datasets import load_emoji, make_paired_latent
from crossmodal_cca.inference import alignment_test
from crossmodal_cca.inference._agreement import AGREEMENTS, Settings
from crossmodal_cca.inference._exchange import Exchange
from crossmodal_cca.inference.encoders import _table
from crossmodal_cca.plotting import AlignmentTestDisplay
from crossmodal_cca.rows._stored import rows_in_memory

MEASURES = tuple(AGREEMENTS)
each_measure = pytest.mark.parametrize("measure", MEASURES)
# Many and few items beside the features, which decides what is kept of the rows.
each_shape = pytest.mark.parametrize("shape", [(40, 6, 4), (30, 50, 20)], ids=["tall", "wide"])
GROUPS = np.repeat(np.arange(10), 4)


def related(n, p, q, seed=0, strength=1.0):
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, 3))
    return [rng.normal(size=(n, d)) + strength * common @ rng.normal(size=(3, d)) + 2 for d in (p, q)]


def neighbors(A, k, groups, similarity):
    """Lists of the k nearest items outside of the own group, by all pairs."""
    if similarity == "cosine":
        A = A / np.linalg.norm(A, axis=1)[:, None]
    scores = -((A[:, None] - A) ** 2).sum(axis=2) if similarity == "euclidean" else A @ A.T
    scores[groups[:, None] == groups] = -np.inf
    return [set(np.argsort(-row)[:k]) for row in scores]


def mutual_knn(X, y, k=10, groups=None, similarity="cosine"):
    groups = np.arange(len(X)) if groups is None else groups
    lists = zip(neighbors(X, k, groups, similarity), neighbors(y, k, groups, similarity), strict=True)
    return np.mean([len(a & b) / k for a, b in lists])


def hsic(K, L):
    """The mean over all quadruples of different items, which is unbiased term by term."""
    terms = [K[i, j] * (L[i, j] + L[q, r] - 2 * L[i, q]) for i, j, q, r in permutations(range(len(K)), 4)]
    return np.mean(terms)


def cka(X, y):
    K, L = X @ X.T, y @ y.T
    return hsic(K, L) / np.sqrt(hsic(K, K) * hsic(L, L))


def value(X, y, **options):
    return alignment_test(X, y, n_permutations=19, random_state=0, **options)["value"].iloc[0]


@each_shape
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_shared_neighbours_are_those_of_all_pairs(shape, similarity):
    X, y = related(*shape)
    assert value(X, y, similarity=similarity) == pytest.approx(mutual_knn(X, y, similarity=similarity))
    groups = GROUPS[: len(X)]
    ours = value(X, y, similarity=similarity, groups=groups, n_neighbors=3)
    assert ours == pytest.approx(mutual_knn(X, y, 3, groups, similarity))


@pytest.mark.parametrize("shape", [(9, 3, 2), (8, 12, 20)])
def test_debiased_cka_is_the_mean_over_quadruples(shape):
    X, y = related(*shape)
    assert value(X, y, measure="cka") == pytest.approx(cka(X, y), abs=1e-12)


@each_shape
@pytest.mark.parametrize("shrinkage", ["oas", 0.3, 0.0])
def test_cca_is_the_sum_of_squares_of_the_model(shape, shrinkage):
    X, y = related(*shape)
    if shrinkage == 0.0 and shape[1] >= shape[0]:
        with pytest.raises(ValueError, match=r"X has as many independent features as 30 rows.*shrinkage='oas'"):
            value(X, y, measure="cca", shrinkage=shrinkage)
        return
    model = CCA(shrinkage=shrinkage).fit(X, y)
    assert value(X, y, measure="cca", shrinkage=shrinkage) == pytest.approx(np.sum(model.singular_values_**2))


@each_measure
@each_shape
def test_moving_what_was_kept_is_moving_the_rows(measure, shape):
    X, y = related(*shape)
    exchange = Exchange.within(len(X), GROUPS[: len(X)] // 2, None)
    settings = Settings(list(shape[1:]), exchange.codes, 5, SIMILARITIES["cosine"], "oas")
    agreement, rng = AGREEMENTS[measure](settings), np.random.default_rng(1)
    x_kept, y_kept = (agreement.kept(rows_in_memory(A), name, rng) for A, name in ((X, "X"), (y, "y")))
    for _ in range(3):
        order = exchange.draw(rng)
        again = agreement.kept(rows_in_memory(y[order]), "y", rng)
        expected = agreement.value(x_kept, again)
        assert agreement.value(x_kept, agreement.moved(y_kept, order)) == pytest.approx(expected, abs=1e-10)


def test_the_two_forms_of_products_are_one_measure():
    X, y = related(40, 6, 4)
    for measure in ("cka", "cca"):
        found = []
        for widths in ([6, 4], [60, 40]):
            settings = Settings(widths, np.arange(40), 5, SIMILARITIES["cosine"], 0.2)
            agreement = AGREEMENTS[measure](settings)
            sides = [agreement.kept(rows_in_memory(A), "X", np.random.default_rng(0)) for A in (X, y)]
            assert sides[0].matrix.shape == ((40, 40) if settings.of_rows else (40, 6))
            found.append((agreement.value(*sides), agreement.largest(*sides)))
        assert_allclose(found[0], found[1], rtol=1e-12)


@each_measure
def test_an_encoder_agrees_with_itself_completely(measure):
    X, _ = related(40, 6, 4)
    row = alignment_test(X, X[:, ::-1] * 3, measure=measure, n_permutations=99, random_state=0).iloc[0]
    assert row["effect"] == pytest.approx(1.0)
    assert row["p_value"] == 0.01


def test_what_does_not_change_agreement():
    X, y = related(40, 6, 4)
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0]
    assert value(X @ rotation * 7, y) == value(X, y)
    assert value(X @ rotation * 7 + 100, y, similarity="euclidean") == value(X, y, similarity="euclidean")
    assert value(X @ rotation * 7 - 5, y, measure="cka") == pytest.approx(value(X, y, measure="cka"), abs=1e-12)
    mixed = X @ rotation @ np.diag(np.arange(1, 7)) - 5
    plain = {"measure": "cca", "shrinkage": 0.0}
    assert value(mixed, y, **plain) == pytest.approx(value(X, y, **plain))
    for measure in MEASURES:
        assert value(y, X, measure=measure) == pytest.approx(value(X, y, measure=measure), abs=1e-12)


@each_measure
def test_single_precision_gives_the_same_table(measure):
    X, y = (A.astype(np.float32) for A in related(60, 8, 5))
    one, two = (
        alignment_test(a, b, measure=measure, n_permutations=99, random_state=0)
        for a, b in ((X, y), (X.astype(np.float64), y.astype(np.float64)))
    )
    assert_allclose(one, two, atol=1e-9)


def by_definition(values, largest, level):
    """The table's columns cell by cell, from all values."""
    n, cells = values.shape
    z = (values - values.mean(axis=0)) / values.std(axis=0)
    free = (values[1:] - values[1:].mean(axis=0)) / values[1:].std(axis=0)
    critical = sorted(max(row) for row in free)[int(np.ceil(level * n)) - 1]
    rows = []
    for c in range(cells):
        p = sum(max(z[b]) >= z[0, c] for b in range(1, n))
        threshold = values[1:, c].mean() + values[1:, c].std() * critical
        effect = (values[0, c] - threshold) / (largest[c] - threshold) if (1 + p) / n <= 1 - level + 1e-12 else 0.0
        alone = sum(values[b, c] >= values[0, c] for b in range(1, n))
        rows.append((threshold, max(effect, 0.0), (1 + alone) / n, (1 + p) / n))
    return np.array(rows)


def test_p_values_and_effects_are_those_of_the_largest_cell():
    rng = np.random.default_rng(0)
    for seed in range(20):
        values = np.random.default_rng(seed).normal(size=(40, 5)) * [1, 2, 3, 4, 5]
        values[0, :2] += [3, 8]
        largest = values.max(axis=0) + rng.random(5)
        found = _table(values, largest, int(np.ceil(0.9 * 40)))
        expected = by_definition(values, largest, 0.9)
        ours = np.column_stack([found.threshold, found.effect, found.p_uncorrected, found.p_value])
        assert_allclose(ours, expected, atol=1e-12)
        assert (found.p_value >= 1 / 40).all()


@each_measure
def test_a_grid_has_the_cells_of_its_pairs(measure):
    X, y = related(60, 8, 5)
    xs = {"all": X, "again": X, "noise": np.random.default_rng(1).normal(size=(60, 30))}
    options = {"measure": measure, "n_permutations": 99, "random_state": 0}
    grid = alignment_test(xs, {"y": y, "halved": y[:, :2]}, **options)
    assert grid.index.tolist() == [(a, b) for a in xs for b in ("y", "halved")]
    assert grid.loc[("all", "y"), "value"] == pytest.approx(alignment_test(X, y, **options)["value"].iloc[0])
    assert_allclose(grid.loc["all"], grid.loc["again"])
    assert ((grid["effect"] > 0) <= (grid["p_value"] <= 0.05)).all()
    assert (grid["p_value"] >= grid["p_uncorrected"]).all()
    assert grid.loc["all", "p_value"].max() == 0.01
    assert grid.loc["noise", "effect"].max() == 0
    single = alignment_test(X, y, **options)
    assert single.index.tolist() == [("X", "y")]
    assert_array_equal(single["p_value"], single["p_uncorrected"])


def unrelated(kind, rng):
    """Two encoders of unrelated items, and groups."""
    if kind == "groups":
        sizes = np.repeat([1, 2, 4], 12)
        groups = np.repeat(np.arange(36), sizes)
        return [3 * rng.normal(size=(36, p))[groups] + rng.normal(size=(84, p)) for p in (5, 8)], groups
    if kind == "copies":
        return [rng.normal(size=(8, p))[rng.integers(8, size=48)] for p in (5, 8)], None
    if kind == "grid":
        layers = [rng.normal(size=(40, 5)) for _ in "xy"]
        return [{str(i): np.tanh(Z @ rng.normal(size=(5, 4 * 2**i))) for i in range(3)} for Z in layers], None
    return [rng.normal(size=(30, p)) + 2 for p in (5, 60)], None


@pytest.mark.newest
@each_measure
@pytest.mark.parametrize("kind", ["wide", "groups", "copies", "grid"])
def test_unrelated_encoders_are_rarely_said_to_agree(measure, kind):
    """`benchmarks/encoder_agreement.py` has a thousand data sets of each kind."""
    n_runs, p = 150, []
    for seed in range(n_runs):
        (X, y), groups = unrelated(kind, np.random.default_rng(seed))
        table = alignment_test(X, y, measure=measure, n_permutations=19, groups=groups, random_state=seed)
        p.append(table["p_value"].min())
    assert min(p) == 0.05
    assert 0 < np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / n_runs)


def test_groups_that_are_alike_are_no_agreement():
    """Items of a group are alike in both encoders, groups are not: only with `groups` that is seen."""
    p = []
    for seed in range(10):
        (X, y), groups = unrelated("groups", np.random.default_rng(seed))
        p.append(
            [
                alignment_test(X, y, n_permutations=99, groups=g, random_state=0)["p_value"].iloc[0]
                for g in (groups, None)
            ]
        )
    with_groups, without = np.array(p).T
    assert (without == 0.01).all()
    assert np.mean(with_groups <= 0.05) <= 0.2


def test_agreement_is_found_where_there_are_more_features_than_items():
    X, y = related(60, 200, 150)
    for measure in MEASURES:
        assert alignment_test(X, y, measure=measure, n_permutations=99, random_state=0)["p_value"].iloc[0] == 0.01


def test_encoders_of_the_emoji_agree():
    emoji = load_emoji(subset="test")
    pictures = {"pictures": emoji.image, "shuffled": np.random.default_rng(0).permutation(emoji.image)}
    for measure in MEASURES:
        table = alignment_test(pictures, emoji.text, measure=measure, n_permutations=99, random_state=0)
        assert (table["effect"] > 0).tolist() == [True, False]


def test_pictures_and_texts_of_wikipedia_agree():
    wiki = load("wiki")
    X, y = wiki["I_te"], wiki["T_te"]
    assert alignment_test(X, y, n_permutations=99, random_state=0)["p_value"].iloc[0] == 0.01


@each_measure
def test_there_is_no_table_of_all_pairs_of_items(measure):
    """That of 4,000 items takes 128 MB; a block of similarities is 8 MB."""
    X, y = related(4000, 10, 8)
    tracemalloc.start()
    alignment_test(X, y, measure=measure, n_permutations=19, random_state=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 2**20


X, Y = make_paired_latent(40, 5, 4, random_state=0)
BAD = {
    "X has 40 rows and y has 39": {"y": Y[1:]},
    "X\\['b'\\] has 39 rows and y has 40": {"X": {"a": X, "b": X[1:]}},
    "X has 40 rows and y\\['b'\\] has 39": {"y": {"a": Y, "b": Y[1:]}},
    "Input X\\['b'\\] contains NaN.*row 2, column 0": {"X": {"a": X, "b": np.where(np.eye(40, 5, -2) > 0, np.nan, X)}},
    "X is an empty dict": {"X": {}},
    "dict of rows by the encoder's name, a text; got 3": {"X": {3: X}},
    "measure must be one of 'mutual_knn', 'cka', 'cca'; got 'rsa'": {"measure": "rsa"},
    "n_neighbors must be less than the 39 items outside": {"n_neighbors": 39},
    "n_neighbors must be a whole number of at least 1": {"n_neighbors": 0},
    "n_permutations=18 cannot give a p-value of .* = 0.05: pass at least 19": {"n_permutations": 18},
    "n_permutations=99 cannot .* pass at least 999": {"n_permutations": 99, "confidence_level": 0.999},
    "similarity must be one of": {"similarity": "manhattan"},
    "shrinkage must lie in": {"shrinkage": 1.5},
    "groups must have one entry per row": {"groups": np.arange(39)},
    "Nothing can be exchanged": {"groups": np.zeros(40, int)},
    "Squares of the values overflow or vanish": {"y": Y * 1e200, "measure": "cca"},
    "overflow or vanish in double precision": {"X": X * 1e-200, "measure": "cca"},
    "All rows of y are the same": {"y": np.ones((40, 3))},
    "y does not vary": {"y": np.ones((40, 3)), "measure": "cca"},
    "All rows of y are equally far": {"y": np.eye(40), "measure": "cka"},
    "All rows of X\\['a'\\] are equally far": {"X": {"a": np.ones((40, 3))}, "measure": "cka"},
    "minimum of 4 is required": {"X": X[:3], "y": Y[:3]},
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_refused_by_its_name(message):
    with pytest.raises((ValueError, TypeError), match=message):
        alignment_test(**{"X": X, "y": Y} | BAD[message])


def test_tables_in_another_order_are_told_by_the_name_of_the_encoder():
    one = pd.DataFrame(X, index=np.arange(40))
    with pytest.warns(UserWarning, match=r"indexes of X\['a'\] and y hold the same labels in different orders"):
        alignment_test({"a": one}, pd.DataFrame(Y, index=np.arange(40)[::-1]), n_permutations=19)


def test_the_picture_has_a_cell_for_each_pair_of_encoders():
    X, y = related(60, 8, 5)
    xs = {"layer 2": X, "layer 10": X[:, :4], "noise": np.random.default_rng(1).normal(size=(60, 30))}
    table = alignment_test(xs, {"b": y, "a": y[:, :2]}, n_permutations=99, random_state=0)
    for column in ("effect", "value", "p_value"):
        display = AlignmentTestDisplay.from_table(table, column=column)
        shown = display.ax_.images[0].get_array()
        assert shown.shape == (3, 2)
        assert [label.get_text() for label in display.ax_.get_yticklabels()] == list(xs)
        assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["b", "a"]
        assert_array_equal(shown.mask.ravel(), table["effect"] == 0)
        assert_allclose(shown.data.ravel(), table[column])
        texts = [text.get_text() for text in display.ax_.texts]
        assert [text.startswith("(") for text in texts] == (table["effect"] == 0).tolist()
    for wrong in (table[["value"]], table.iloc[:0], table.reset_index(drop=True)):
        with pytest.raises(ValueError, match="table must be a table of alignment_test"):
            AlignmentTestDisplay.from_table(wrong)
    with pytest.raises(ValueError, match="column must be one of"):
        AlignmentTestDisplay.from_table(table, column="chance")


def test_names_are_no_formulas_in_the_picture():
    grid = {"$x^{$": X, "layer_1$": X[:, :2]}
    table = alignment_test(grid, {"$y$": Y}, n_permutations=19)
    display = AlignmentTestDisplay.from_table(table)
    display.figure_.canvas.draw()
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == list(grid)
    with pytest.raises(ValueError, match="one row for each pair of encoders"):
        AlignmentTestDisplay.from_table(pd.concat([table, table]))
