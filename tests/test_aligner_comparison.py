"""Methods of alignment side by side: nobody sees the held-out rows, and every figure can be had the long way."""

from typing import ClassVar

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from linear_models import pairs
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator
from sklearn.cross_decomposition import PLSCanonical as PeerPLS
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold

import crossmodal_cca
from crossmodal_cca import CCA, CCACV
from crossmodal_cca.metrics import (
    _methods,
    compare_aligners,
    compare_retrieval,
    hit_rate_at_k,
    make_retrieval_scorer,
    retrieval_report,
)
from crossmodal_cca.metrics._resampling import holm
from crossmodal_cca.plotting import AlignerComparisonDisplay

mpl.use("agg")
X, Y = pairs(120, 6, 6)
# Without searches a comparison takes milliseconds.
ALONE = {"cosine": None, "PLS": None, "CCA": None, "KernelCCA": None}
TWO = ALONE | {"two": CCA(2), "one": CCA(1, shrinkage=0.5)}


def model_of(settings):
    names = {name: getattr(crossmodal_cca, name) for name in crossmodal_cca.__all__}
    return eval(settings, names)


@pytest.fixture(scope="module")
def table():
    return compare_aligners(X, Y, {"KernelCCA": None}, cv=3, n_resamples=99, random_state=0)


def test_cells_are_what_the_printed_settings_give(table):
    folds = pd.DataFrame(table.attrs["folds"])
    assert table.attrs["picked"] == table.index[0] == table["quality"].idxmax()
    splits = list(KFold(3, shuffle=True, random_state=0).split(X))
    for name in ("PLS", "CCA"):
        of_method = folds[folds["method"] == name].sort_values("fold")
        found = []
        for settings, (train, test) in zip(of_method["settings"], splits, strict=True):
            x, y = model_of(settings).fit(X[train], Y[train]).transform(X[test], Y[test])
            found.append(np.mean([hit_rate_at_k(x, y, k=10), hit_rate_at_k(y, x, k=10)]))
        assert_allclose(of_method["quality"], found)
        assert table.loc[name, "quality"] == pytest.approx(np.mean(found))
    search = CCACV(shrinkages=_methods.SHRINKAGES, powers=(1.0,), cv=3, scoring="hit_rate_at_10").fit(X, Y)
    assert model_of(table.loc["CCA", "settings"]).get_params() == CCA(**search.best_params_).get_params()
    plain = [hit_rate_at_k(a[test], b[test], k=10) for _, test in splits for a, b in ((X, Y), (Y, X))]
    assert table.loc["cosine", "quality"] == pytest.approx(np.mean(plain))
    assert table.loc["cosine", ["settings", "seconds_to_choose"]].tolist() == ["rows as they are", 0]
    assert (table["seconds_to_fit"] >= 0).all()
    assert (table["seconds_to_choose"].drop("cosine") > 0).all()


def test_held_out_rows_have_no_say_in_the_settings(table):
    test = next(KFold(3, shuffle=True, random_state=0).split(X))[1]
    changed = X.copy()
    changed[test] = np.random.default_rng(0).normal(size=(len(test), 6))
    other = compare_aligners(changed, Y, {"KernelCCA": None}, cv=3, n_resamples=0, random_state=0)
    first, again = ({f["method"]: f for f in t.attrs["folds"] if f["fold"] == 0} for t in (table, other))
    assert {name: f["settings"] for name, f in first.items()} == {name: f["settings"] for name, f in again.items()}
    assert first["CCA"]["quality"] > again["CCA"]["quality"]
    assert other[["low", "difference_high", "p_value", "p_control"]].isna().to_numpy().sum() == 4 * len(other) - 1


def test_figures_of_one_fold_are_those_of_a_report_and_a_comparison():
    train, test = np.arange(80), np.arange(80, 120)
    options = {"confidence_level": 0.9, "random_state": 0}
    asked = {"measure": "mean_reciprocal_rank", "direction": "x_to_y"}
    table = compare_aligners(X, Y, TWO, cv=[(train, test)], **asked, **options)
    models = [model_of(table.loc[name, "settings"]).fit(X[train], Y[train]) for name in ("two", "one")]
    two, one = (model.transform(X[test], Y[test]) for model in models)
    kind = ("x to y", asked["measure"])
    report = retrieval_report(*two, measures=[kind[1]], **options).loc[kind]
    columns = {"quality": "value", "low": "low", "high": "high", "chance": "chance"}
    columns |= {"n_queries": "n_queries", "n_clusters": "n_clusters", "n_gallery": "n_gallery"}
    assert_allclose(table.loc["two", [*columns]].astype(float), report[[*columns.values()]].astype(float))
    apart = compare_retrieval(one, two, measures=[kind[1]], **options).loc[kind]
    columns = ["difference", "low", "high"]
    assert_allclose(table.loc["one", ["difference", "difference_low", "difference_high"]].astype(float), apart[columns])
    # Other random swaps: two standard errors of either p-value.
    assert table.loc["one", "p_value"] == pytest.approx(apart["p_value"], abs=4 * np.sqrt(0.25 / 1000))
    assert table.loc["two", ["difference", "difference_low", "difference_high"]].tolist() == [0, 0, 0]
    assert np.isnan(table.loc["two", "p_value"])


def test_captions_of_an_image_are_one_cluster_and_stand_beside_one_image():
    image = np.repeat(np.arange(40), 3)
    x, y = X[image], Y[image] + 0.1 * np.random.default_rng(0).normal(size=(120, 6))
    table = compare_aligners(x, y, TWO, cv=4, x_ids=image, y_ids=image, random_state=0)
    assert table.loc["two", ["n_queries", "n_clusters"]].tolist() == [40 + 120, 40]
    # Ten images for 120 captions, thirty captions for 40 images.
    assert table.loc["two", "n_gallery"] == 20
    folds = GroupKFold(4, shuffle=True, random_state=0).split(x, groups=image)
    found = {"x": [], "y": []}
    for train, test in folds:
        model, first = CCA(2).fit(x[train], y[train]), test[::3]
        a, b = model.transform(x[first]), model.transform_y(y[test])
        found["x"].append(hit_rate_at_k(a, b, k=10, query_ids=image[first], gallery_ids=image[test]))
        found["y"].append(hit_rate_at_k(b, a, k=10, query_ids=image[test], gallery_ids=image[first]))
    assert table.loc["two", "quality"] == pytest.approx(np.mean([np.mean(of) for of in found.values()]))


@pytest.mark.newest
def test_the_control_finds_nothing_where_there_is_nothing():
    rng = np.random.default_rng(0)
    n_found, controls = 0, []
    for seed in range(40):
        x, y = rng.normal(size=(40, 5)), rng.normal(size=(40, 4))
        table = compare_aligners(x, y, ALONE | {"CCA": CCA(2)}, cv=2, n_resamples=99, random_state=seed)
        n_found += table.loc["CCA", "p_control"] <= 0.05
        controls.append(table.loc["CCA", "control"])
    # Three standard errors of a share of .05, and of a mean of 80 hits and misses at chance.
    assert n_found <= 40 * (0.05 + 3 * np.sqrt(0.05 * 0.95 / 40))
    chance = table.loc["CCA", "chance"]
    assert np.mean(controls) == pytest.approx(chance, abs=3 * np.sqrt(chance * (1 - chance) / (40 * 80)))
    related = compare_aligners(X, Y, ALONE | {"CCA": CCA(2)}, cv=2, random_state=0).loc["CCA"]
    assert related["low"] > related["control"]
    assert related["p_control"] < 0.01


class Counted(BaseEstimator):
    """An aligner that counts its fits and what it is given."""

    calls: ClassVar = []

    def __init__(self, keep=2):
        self.keep = keep

    def fit(self, X, y, groups=None):
        self.calls.append((len(X), None if groups is None else len(groups)))
        return self

    def transform(self, X):
        return X[:, : self.keep]

    def transform_y(self, y):
        return y[:, : self.keep]


def test_further_aligners_by_name_with_searches_of_any_kind():
    Counted.calls.clear()
    search = GridSearchCV(CCA(), {"n_components": [1, 2]}, scoring=make_retrieval_scorer("hit_rate_at_5"), cv=2)
    aligners = ALONE | {"counted": Counted(), "searched": search, "CCA": CCA(3)}
    table = compare_aligners(X, Y, aligners, cv=3, groups=np.arange(120) // 2, n_resamples=9, random_state=0)
    assert set(table.index) == {"counted", "searched", "CCA"}
    assert table.loc[["counted", "CCA"], "settings"].tolist() == ["Counted()", "CCA(n_components=3)"]
    assert table.loc["searched", "settings"].startswith("CCA(n_components=")
    assert table["seconds_to_choose"].gt(0).to_dict() == {"counted": False, "searched": True, "CCA": False}
    # A fold: to its training part, and to shuffled pairs; then once to all rows.
    assert Counted.calls == [(80, 80), (80, None)] * 3 + [(120, 120)]
    assert table.loc["CCA", "n_clusters"] == 60


def test_many_rows_take_landmarks_with_a_seed_in_the_settings(monkeypatch):
    monkeypatch.setattr(_methods, "EXACT_UP_TO", 100)
    monkeypatch.setattr(_methods, "LANDMARKS", 20)
    kernel = {name: None for name in ALONE if name != "KernelCCA"}
    table = compare_aligners(X, Y, kernel, cv=2, n_resamples=0, random_state=0)
    model = model_of(table.loc["KernelCCA", "settings"])
    assert (model.approximation, model.n_landmarks) == ("nystroem", 20)
    assert isinstance(model.random_state, int)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"measure": "median_rank"}, "measure must be a mean over queries.*'median_rank'"),
        ({"aligners": {"nobody": None}}, "leaves out a method that is not there"),
        ({"aligners": ALONE}, "leaves out all methods"),
        ({"aligners": [CCA(2)]}, "aligners must be a dict of aligners by name"),
        (
            {"aligners": {"peer": PeerPLS(2)}},
            r"aligners\['peer'\] must have .*Fit crossmodal_cca.PLSCanonical",
        ),
        ({"aligners": {2: CCA(2)}}, "aligners must have names as keys"),
        ({"direction": "up"}, "direction must be one of"),
        ({"x_ids": np.arange(120)}, "x_ids and y_ids go together"),
    ],
)
def test_bad_arguments_are_refused_by_name(given, message):
    with pytest.raises((ValueError, TypeError), match=message):
        compare_aligners(X, Y, **{"aligners": {"PLS": None, "CCA": None, "KernelCCA": None}} | given)


def test_holm():
    # p.adjust(c(.01, .04, .03, .005), "holm") of R 4.
    assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])


def test_the_picture_shows_the_table(table):
    display = AlignerComparisonDisplay.from_table(table)
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == [*table.index, "fitted to shuffled pairs", "chance"]
    drawn = np.concatenate([line.get_ydata() for line in display.ax_.lines])
    assert set(table["quality"]) | set(table["control"]) | set(table["chance"]) <= set(drawn)
    low, high = display.ax_.get_xlim()
    assert low < 1e-3 < table["seconds_to_choose"].max() < high
    with pytest.raises(ValueError, match="comparison must be a table of compare_aligners"):
        AlignerComparisonDisplay.from_table(table.drop(columns="control"))
