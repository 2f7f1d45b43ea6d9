"""The few-shot protocol: no test row among the shots, paired episodes, and honest intervals."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, PredefinedSplit

from crossmodal_cca.transfer import CrossModalClassifier, few_shot_episodes, few_shot_report, transfer_gain

COLUMNS = ["model", "shots", "episode", "class", "recall", "n_rows"]


class Recorder(ClassifierMixin, BaseEstimator):
    """Remembers, outside of its clones, which rows it was fitted to and asked for; a row's first feature is its id."""

    seen: list = []  # noqa: RUF012

    def fit(self, X, y):
        self.shots = X[:, 0].astype(int), np.asarray(y)
        return self

    def predict(self, X):
        self.seen.append((*self.shots, X[:, 0].astype(int)))
        return np.resize(self.shots[1], len(X))


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2], [60, 40, 20])
    centres = 2 * rng.standard_normal((3, 6))
    X = np.column_stack((np.arange(120), centres[codes] + rng.standard_normal((120, 6))))
    return X, np.array(["a", "b", "c"])[codes], np.arange(120) // 2


def test_shots_are_apart_from_test_rows_and_nested(rows):
    X, y, groups = rows
    Recorder.seen.clear()
    few_shot_episodes({"recorder": Recorder()}, X, y, shots=(4, 1), groups=groups, n_episodes=3, random_state=0)
    assert len(Recorder.seen) == 6
    for (few, labels, test), (more, _, test_of_more) in zip(Recorder.seen[::2], Recorder.seen[1::2], strict=True):
        assert_array_equal(test, test_of_more)
        assert set(few) < set(more)
        assert not set(groups[more]) & set(groups[test])
        assert sorted(labels) == ["a", "b", "c"]
        assert_array_equal(y[few], labels)
    assert len({tuple(sorted(test)) for *_, test in Recorder.seen}) == 3


def test_all_models_get_the_same_shots_and_a_seed_repeats_them(rows):
    X, y, _ = rows
    X = X[:, 1:]
    models = {"one": LogisticRegression(), "other": LogisticRegression()}
    first = few_shot_episodes(models, X, y, shots=(2, 5), n_episodes=4, random_state=1)
    one, other = (first[first["model"] == name].drop(columns="model").reset_index(drop=True) for name in models)
    pd.testing.assert_frame_equal(one, other)
    pd.testing.assert_frame_equal(first, few_shot_episodes(models, X, y, shots=(2, 5), n_episodes=4, random_state=1))
    assert not first.equals(few_shot_episodes(models, X, y, shots=(2, 5), n_episodes=4, random_state=2))


def test_recalls_are_those_of_the_test_rows(rows):
    X, y, _ = rows
    cv = PredefinedSplit(np.where(np.arange(120) % 2, 0, -1))
    model = DummyClassifier(strategy="constant", constant="b")
    table = few_shot_episodes({"b": model}, X, y, shots=(3,), n_episodes=2, cv=cv, random_state=0)
    assert table["recall"].tolist() == [0.0, 1.0, 0.0] * 2
    assert table["n_rows"].tolist() == [30, 20, 10] * 2
    test = np.arange(120) % 2 == 1
    for measure, peer in (("balanced_accuracy", balanced_accuracy_score), ("accuracy", accuracy_score)):
        report = few_shot_report(table, measure=measure).loc[("b", 3)]
        assert report["value"] == pytest.approx(peer(y[test], np.full(60, "b")))
        assert report["majority"] == pytest.approx(peer(y[test], np.full(60, "a")))


def test_intervals_are_students(rows):
    X, y, _ = rows
    table = few_shot_episodes({"lr": LogisticRegression(max_iter=1000)}, X, y, shots=(2,), n_episodes=6, random_state=0)
    values = table.groupby("episode")["recall"].mean()
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    report = few_shot_report(table, confidence_level=0.9).loc[("lr", 2)]
    assert_allclose(report[["low", "high"]].astype(float), [expected.low, expected.high])
    assert report["n_episodes"] == 6


def episodes_of(recalls):
    """A table from recalls by model, (n_episodes, n_classes) each."""
    rows = [
        (model, 1, episode, c, r, 10)
        for model, values in recalls.items()
        for episode, of_classes in enumerate(values)
        for c, r in zip("ab", of_classes, strict=True)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_gains_are_paired_and_negative_transfer_is_shown():
    rng = np.random.default_rng(0)
    base = rng.uniform(0.2, 0.8, (12, 2))
    change = np.array([0.1, -0.1]) + 0.01 * rng.standard_normal((12, 2))
    gain = transfer_gain(episodes_of({"raw": base, "shared": base + change}), "shared", "raw")
    assert gain.loc[1].index.tolist() == ["all classes", "a", "b"]
    assert gain["verdict"].tolist()[1:] == ["helps", "hurts"]
    expected = stats.ttest_rel(base[:, 0] + change[:, 0], base[:, 0]).confidence_interval()
    assert_allclose(gain.loc[(1, "a"), ["low", "high"]].astype(float), [expected.low, expected.high])
    assert_allclose(gain.loc[(1, "all classes"), "difference"], change.mean())
    assert gain[["n_better", "n_worse"]].to_numpy().sum(axis=1).tolist() == [12, 12, 12]


def test_no_difference_is_called_one_in_twenty_times():
    rng = np.random.default_rng(0)
    columns = pd.MultiIndex.from_product([["raw", "shared"], [1], range(15), range(1000)], names=COLUMNS[:4])
    table = pd.DataFrame({"recall": rng.uniform(0, 1, len(columns)), "n_rows": 10}, index=columns).reset_index()
    verdicts = transfer_gain(table, "shared", "raw")["verdict"][1:]
    # Binomial: .05 ± 3 standard errors of .007.
    assert 0.03 < (verdicts != "unclear").mean() < 0.07


def test_episodes_without_any_error_are_not_sure_of_it():
    recalls = np.stack([np.ones((10, 2)), np.zeros((10, 2)), np.tile([[1.0, 1.0], [1.0, 0.99]], (5, 1))])
    report = few_shot_report(episodes_of(dict(zip(("right", "wrong", "nearly"), recalls, strict=True)))).droplevel(1)
    # Wilson's with Student's quantile: z = q² / n, the mean being 1, solves to 1 / (1 + z).
    z = stats.t.ppf(0.975, 9) ** 2 / 10
    assert_allclose(report.loc["right", ["low", "high"]].astype(float), [1 / (1 + z), 1])
    assert_allclose(report.loc["wrong", ["low", "high"]].astype(float), [0, z / (1 + z)], atol=1e-15)
    assert report.loc["nearly", "value"] < report.loc["nearly", "high"] <= 1


class Nearest(ClassifierMixin, BaseEstimator):
    """The class of the nearest mean, by some of the features."""

    def __init__(self, features=slice(None)):
        self.features = features

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.means = np.stack([X[y == c][:, self.features].mean(axis=0) for c in self.classes_])
        return self

    def predict(self, X):
        distances = np.square(X[:, None, self.features] - self.means).sum(axis=2)
        return self.classes_[distances.argmin(axis=1)]


HALVES = {"one": Nearest(slice(1, 4)), "other": Nearest(slice(4, 7))}


def test_a_table_of_rows_says_what_that_of_classes_does(rows):
    X, y, groups = rows
    halves = np.flatnonzero(groups % 2), np.flatnonzero(groups % 2 == 0)
    cv = [halves, halves[::-1]]
    options = {"shots": (1, 4), "n_episodes": 5, "groups": groups, "cv": cv, "random_state": 0}
    of_classes, of_rows = (few_shot_episodes(HALVES, X, y, per=per, **options) for per in ("class", "row"))
    assert list(of_classes) == COLUMNS
    assert list(of_rows) == [*COLUMNS, "row", "group", "n_pool"]
    assert (of_rows["group"] == of_rows["row"] // 2).all()
    assert (of_rows["class"] == y[of_rows["row"]]).all()
    assert of_rows.drop_duplicates("class").set_index("class")["n_pool"].to_dict() == {"a": 30, "b": 20, "c": 10}
    for table in (few_shot_report, lambda episodes: transfer_gain(episodes, "one", "other")):
        pd.testing.assert_frame_equal(table(of_rows), table(of_classes), rtol=1e-12)


def test_gains_for_new_rows_are_their_formula(rows):
    X, y, _ = rows
    table = few_shot_episodes(HALVES, X, y, shots=(2,), n_episodes=6, per="row", random_state=0)
    gain = transfer_gain(table, "one", "other", over="rows", confidence_level=0.9)
    recall = table.pivot_table(index=["episode", "class", "row"], columns="model", values="recall")
    difference = recall["one"] - recall["other"]
    of_rows = difference.groupby(["class", "row"]).mean()
    by_class = of_rows.groupby("class")
    of_episodes = difference.groupby(["episode", "class"]).mean().unstack()
    # Of the smallest class there are 20 rows, of which 2 are shots.
    factor = 1 / 6 + 0.1 / 0.9
    q = stats.t.ppf(0.95, 5)
    for c in "abc":
        half = q * np.sqrt(by_class.sem()[c] ** 2 + of_episodes[c].var() * factor)
        found = gain.loc[(2, c)]
        assert found["difference"] == pytest.approx(by_class.mean()[c])
        assert_allclose(found[["low", "high"]].astype(float), by_class.mean()[c] + np.array([-half, half]))
        assert found["n_better"] == (of_rows[c] > 0).sum()
    overall = gain.loc[(2, "all classes")]
    assert overall["difference"] == pytest.approx(by_class.mean().mean())
    assert overall["value"] - overall["baseline"] == pytest.approx(overall["difference"])
    # Every row with the weight of its class, one left out at a time: n / (n − 1) over all rows, not over each class.
    n = len(of_rows)
    variance = sum(by_class.var(ddof=0) / by_class.size()) / 9 * n / (n - 1)
    half = q * np.sqrt(variance + of_episodes.mean(axis=1).var() * factor)
    assert_allclose(overall["high"] - overall["difference"], half)
    assert set(gain["interval_for"]) == {"new rows"}
    assert set(transfer_gain(table, "one", "other")["interval_for"]) == {"these rows"}


def test_copies_of_rows_in_groups_are_no_new_rows(rows):
    """Three copies each: the intervals of single rows would be √3 times too narrow."""
    X, y, _ = rows
    table = few_shot_episodes(HALVES, X, y, shots=(1,), n_episodes=6, per="row", random_state=0)
    copies = pd.concat([table.assign(row=table["row"] + 1000 * i) for i in range(3)], ignore_index=True)
    one, three = (transfer_gain(each, "one", "other", over="rows") for each in (table, copies))
    pd.testing.assert_frame_equal(one.iloc[:, :5], three.iloc[:, :5], rtol=1e-12)


def test_the_same_shots_again_and_again_say_nothing_of_others(rows):
    X, y, _ = rows
    shots = np.concatenate([np.flatnonzero(y == c)[:2] for c in "abc"])
    cv = [(shots, np.setdiff1d(np.arange(120), shots))]
    table = few_shot_episodes(HALVES, X, y, shots=(2,), n_episodes=4, cv=cv, per="row", random_state=0)
    gain = transfer_gain(table, "one", "other", over="rows")
    assert (gain["low"] == -1).all()
    assert (gain["high"] == 1).all()
    assert (gain["verdict"] == "unclear").all()


@pytest.mark.newest
def test_equally_good_heads_are_rarely_told_apart_on_new_rows():
    """Over other draws from the same rows they often are, since on these one is better: the two questions differ."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(2), 40)
    apart = {"rows": 0, "episodes": 0}
    for seed in range(30):
        X = np.column_stack((y, 0.6 * y[:, None] + rng.standard_normal((80, 6))))
        table = few_shot_episodes(HALVES, X, y, shots=(8,), n_episodes=8, per="row", random_state=seed)
        for over in apart:
            verdict = transfer_gain(table, "one", "other", over=over).loc[(8, "all classes"), "verdict"]
            apart[over] += verdict != "unclear"
    limit = 0.05 + 3 * np.sqrt(0.05 * 0.95 / 30)
    assert apart["rows"] / 30 <= limit < apart["episodes"] / 30


def test_choices_are_made_inside_the_shots(rows):
    X, y, _ = rows
    search = GridSearchCV(LogisticRegression(max_iter=1000), {"C": [0.1, 1.0]}, cv=2)
    table = few_shot_episodes({"search": search}, X, y, shots=(4,), n_episodes=2, random_state=0)
    assert table["recall"].between(0, 1).all()


def test_zero_shot_and_descriptions(rows):
    X, y, _ = rows
    descriptions = np.array([X[y == c, 1:].mean(axis=0) for c in "abc"])
    models = {"zero": CrossModalClassifier(), "raw": LogisticRegression(max_iter=1000)}
    # Numbers as classes, which pandas cannot order beside "all classes".
    known = {"descriptions": descriptions, "description_labels": [0, 1, 2]}
    codes = np.searchsorted(["a", "b", "c"], y)
    masks = [(np.arange(120) % 2 == 0, np.arange(120) % 2 == 1)]
    table = few_shot_episodes(models, X[:, 1:], codes, cv=masks, shots=(0, 2), n_episodes=3, **known, random_state=0)
    assert set(map(tuple, table[["model", "shots"]].drop_duplicates().to_numpy())) == {
        ("zero", 0),
        ("zero", 2),
        ("raw", 2),
    }
    gain = transfer_gain(table, "zero", "raw")
    assert set(gain.index.get_level_values("shots")) == {2}
    with pytest.raises(ValueError, match="description_labels must have one entry per row of descriptions"):
        few_shot_episodes(models, X, y, descriptions=descriptions, description_labels=["a", "b"])
    of_rows = few_shot_episodes(
        models, X[:, 1:], codes, cv=masks, shots=(0, 2), n_episodes=3, per="row", **known, random_state=0
    )
    assert transfer_gain(of_rows, "zero", "raw", over="rows").index.tolist() == gain.index.tolist()
    with pytest.raises(ValueError, match="cannot be called 'all classes'"):
        transfer_gain(table.replace({"class": {0: "all classes"}}), "zero", "raw")


def test_frames_and_series_are_taken_as_they_come(rows):
    X, y, groups = rows
    index = np.arange(500, 620)
    frame = pd.DataFrame(X, columns=list("idefghk"), index=index)
    model = {"lr": LogisticRegression(max_iter=1000)}
    one = few_shot_episodes(
        model, frame, pd.Series(y, index=index), groups=groups, shots=(2,), n_episodes=2, random_state=0
    )
    other = few_shot_episodes(model, X, list(y), groups=list(groups), shots=(2,), n_episodes=2, random_state=0)
    pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shots": (1, 30)}, "rows to draw shots from"),
        ({"shots": (0,)}, "CrossModalClassifier"),
        ({"shots": (1, 1)}, "different whole numbers"),
        ({"shots": (1.5,)}, r"shots\[0\] must be a whole number"),
        ({"shots": 3}, "sequence of whole numbers"),
        ({"shots": ()}, "at least one number"),
        ({"n_episodes": 1}, "at least 2"),
        ({"per": "rows"}, "per must be one of 'class', 'row'; got 'rows'"),
        ({"models": LogisticRegression()}, "must map names"),
        ({"models": {"a": 3}}, "must be a classifier"),
        ({"models": {"a": CrossModalClassifier()}}, "descriptions"),
        ({"descriptions": np.ones((3, 2)), "description_labels": ["a", "b", "c"]}, "descriptions"),
        ({"y": ["a"] * 119}, "expected 120, got 119"),
        ({"groups": np.zeros(3)}, "expected 120, got 3"),
        ({"models": {"a": LinearRegression()}}, "regressor"),
        ({"cv": []}, "no split"),
        ({"cv": [(np.arange(100), np.arange(90, 120))]}, "nor of their groups"),
        ({"groups": np.arange(120) // 2, "cv": [(np.arange(99), np.arange(99, 120))]}, "by groups"),
    ],
)
def test_bad_input_says_what_to_do(rows, change, message):
    X, y, _ = rows
    arguments = {"models": {"lr": LogisticRegression(max_iter=1000)}, "X": X, "y": y, "shots": (1,), "random_state": 0}
    arguments |= change
    with pytest.raises((ValueError, TypeError), match=message):
        few_shot_episodes(arguments.pop("models"), arguments.pop("X"), arguments.pop("y"), **arguments)


def test_a_description_for_each_class(rows):
    X, y, _ = rows
    with pytest.raises(ValueError, match="1 of the classes in y have no description, such as 'c'"):
        few_shot_episodes(
            {"zero": CrossModalClassifier()}, X, y, descriptions=np.ones((2, 7)), description_labels=["a", "b"]
        )


def test_tables_of_another_kind_are_refused():
    table = episodes_of({"raw": np.ones((3, 2))})
    with pytest.raises(ValueError, match="table of few_shot_episodes"):
        few_shot_report(table.drop(columns="recall"))
    with pytest.raises(ValueError, match="measure must be one of"):
        few_shot_report(table, measure="f1")
    with pytest.raises(ValueError, match="'shared' is not among the models"):
        transfer_gain(table, "shared", "raw")
    with pytest.raises(ValueError, match=r"over='rows' needs a table of single test rows: .*per='row'"):
        transfer_gain(table, "raw", "raw", over="rows")
    with pytest.raises(ValueError, match="over must be one of 'episodes', 'rows'; got 'classes'"):
        transfer_gain(table, "raw", "raw", over="classes")
