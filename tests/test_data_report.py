"""What is wrong with two tables is a finding, with a figure and a place, not an error; what is right is silent."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.model_selection import KFold, ShuffleSplit

from crossmodal_cca.diagnosis import data_report
from crossmodal_cca.inference import noise_edge, required_samples

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(400, 12)), RNG.normal(size=(400, 11))
QUIET = {"size", "pairs and features"}


def found(check, *tables, **more):
    """The one finding of a check."""
    report = data_report(*tables, **more)
    rows = report[report.check == check]
    assert len(rows) == 1, report.to_string()
    return rows.iloc[0]


def changed(rows, **places):
    """Rows with other values in some columns, named c0, c1, …"""
    rows = rows.copy()
    for column, values in places.items():
        rows[:, int(column[1:])] = values
    return rows


def test_good_tables_have_sizes_alone():
    report = data_report(X, Y, x_ids=range(400), y_ids=range(400), groups=np.arange(400) // 2, cv=5)
    assert list(report.columns) == ["check", "side", "severity", "value", "what", "what_to_do"]
    assert set(report.check) == QUIET
    assert set(report.severity) == {"note"}
    assert report.value.dtype == np.float64
    many = np.random.default_rng(1).normal(size=(required_samples(0.3, 4), 4))
    assert set(data_report(many[:, :2], many[:, 2:]).check) == {"size"}


CASES = {
    "missing": (changed(X, c3=np.where(np.arange(400) > 397, np.nan, X[:, 3])), "error", 2, "row 398, column 3"),
    "infinite": (changed(X, c3=np.where(np.arange(400) == 9, -np.inf, X[:, 3])), "error", 1, "row 9, column 3"),
    "constant columns": (changed(X, c2=7.0, c5=0.0), "warning", 2, ": 2, 5"),
    "scale": (changed(X, c4=1e4 * X[:, 4]), "warning", None, "column 4"),
    "rank": (changed(X, c0=X[:, 1] + X[:, 2]), "warning", 11, "rank 11 of 12"),
    "zero rows": (np.where(np.arange(400)[:, None] == 5, 0.0, X), "warning", 1, "row 5"),
    "repeated rows": (X[np.arange(400) // 2], "note", 200, "row 1 is row 0"),
    "near duplicates": (X[np.arange(400) % 200] + 0.01 * Y[:, [0]], "warning", 400, "row 0 does row 200"),
}


@pytest.mark.parametrize("check", CASES)
@pytest.mark.parametrize("kind", ["array", "float32", "frame", "CSR", "mapped"])
def test_what_is_wrong_with_a_side_is_found_wherever_it_is(check, kind, tmp_path):
    rows, severity, value, where = CASES[check]
    if kind == "CSR" and check == "near duplicates":
        rows = rows - rows.mean(axis=0)
    np.save(tmp_path / "rows.npy", rows)
    given = {
        "array": lambda: rows,
        "float32": lambda: rows.astype(np.float32),
        "frame": lambda: pd.DataFrame(rows),
        "CSR": lambda: sparse.csr_array(rows),
        "mapped": lambda: np.load(tmp_path / "rows.npy", mmap_mode="r"),
    }[kind]()
    for finding, side in ((found(check, given, Y), "X"), (found(check, Y, given), "y")):
        assert (finding.side, finding.severity) == (side, severity)
        assert where in finding.what
        assert finding.what_to_do
        assert value is None or finding.value == value


def test_values_whose_squares_overflow_or_vanish_are_an_error():
    for factor in (1e200, 1e-200):
        finding = found("scale", factor * X, Y)
        assert (finding.severity, finding.value) == ("error", 12)


def test_columns_that_say_which_row_it_is():
    finding = found("id column", changed(X, c1=np.arange(400) + 1), Y)
    assert (finding.severity, finding.value) == ("error", 1)
    finding = found("id column", changed(X, c1=RNG.permutation(5000)[:400]), Y)
    assert (finding.severity, finding.value) == ("warning", 1)
    frame = pd.DataFrame(X).add_prefix("x").rename(columns={"x1": "Unnamed: 0"})
    assert "'Unnamed: 0'" in found("id column", frame, Y).what
    # Whole numbers that repeat, and few that do not, are measurements.
    assert set(data_report(changed(X, c1=RNG.integers(300, size=400)), Y).check) == QUIET
    assert "id column" not in set(data_report([[1], [5], [3]], [[2], [4], [8]]).check)


def test_columns_that_are_no_numbers_are_left_out():
    frame = pd.DataFrame(X).add_prefix("x").assign(text="a word", date=pd.Timestamp("2024-01-01"))
    finding = found("type", frame, Y)
    assert (finding.severity, finding.value) == ("error", 2)
    assert "'text', 'date'" in finding.what
    mixed = [["a word", *row] for row in X.tolist()]
    assert "'a word'" in found("type", mixed, Y).what
    assert found("type", pd.DataFrame(X).assign(empty=pd.NaT, large=10**400), Y).value == 2
    objects = X.astype(object)
    objects[3, 2] = None
    assert "row 3, column 2" in found("missing", objects, Y).what
    assert "row 3, column 2" in found("missing", pd.DataFrame(objects), Y).what
    assert found("type", pd.DataFrame(objects), Y).value == 12
    nullable = pd.DataFrame(X).add_prefix("x").assign(n=pd.array([1, None] * 200, dtype="Int64"))
    assert found("missing", nullable, Y).value == 200
    masked = np.ma.array(X, mask=X > 3)
    assert found("missing", masked, Y).value == found("type", masked, Y).value == np.count_nonzero(X > 3)
    twice = pd.concat([pd.DataFrame(X).add_prefix("x")] * 2, axis=1)
    assert found("columns", twice, Y).value == 12
    polars = pytest.importorskip("polars")
    assert "'t'" in found("type", polars.DataFrame({"a": X[:, 0], "t": ["one"] * 400}), Y).what
    assert found("type", X.astype(np.float16), Y).severity == "note"


def test_sides_that_differ_in_length_are_a_finding():
    assert found("rows", X, Y[:390]).value == 10
    assert "rows" not in set(data_report(X, Y[:390], x_ids=range(400), y_ids=range(390)).check)


def test_indexes_in_another_order_are_a_finding():
    x, y = pd.DataFrame(X), pd.DataFrame(Y)
    assert found("order", x, y[::-1]).severity == "error"
    for other in (y, y.set_index(np.arange(400) + 1), y.set_index(np.zeros(400, int))):
        assert "order" not in set(data_report(x, other).check)
    assert "order" not in set(data_report(x, y[::-1], x_ids=x.index, y_ids=x.index).check)


def test_ids_without_partner_missing_ids_and_several_rows():
    captions = np.repeat(np.arange(100), 4)
    report = data_report(X[:101], Y, x_ids=range(101), y_ids=captions)
    several, alone = report[report.check == "several rows"], report[report.check == "ids"]
    assert list(zip(several.side, several.value, strict=True)) == [("y", 100)]
    assert list(zip(alone.side, alone.value, strict=True)) == [("X", 1)]
    assert "X without a partner in y: 100" in alone.what.iloc[0]
    assert "400 pairs" in report.what[report.check == "pairs and features"].iloc[0]
    finding = found("ids", X[:100], Y, x_ids=[None, *range(1, 100)], y_ids=np.maximum(captions, 1))
    assert (finding.side, finding.value) == ("X", 1)


def test_ids_in_another_order_of_another_type_and_labels():
    assert found("order", X, Y, x_ids=range(400), y_ids=[1, 0, *range(2, 400)]).value == 2
    texts = [f"{i:05d}" for i in range(400)]
    assert "leading zeros" in found("ids", X, Y, x_ids=texts, y_ids=range(400)).what_to_do
    assert "leading zeros" not in found("ids", X, Y, x_ids=texts, y_ids=range(1000, 1400)).what_to_do
    labels = found("ids", X, Y, x_ids=np.arange(400) % 3, y_ids=np.arange(400) // 134)
    assert (labels.severity, labels.side) == ("error", "pairs")
    assert set(data_report(X, Y, x_ids=np.arange(400) % 3, y_ids=np.arange(400) % 3).check) == QUIET


COPY = X.copy()
COPY[300:] = X[:100] + 0.01 * RNG.normal(size=(100, 12))


@pytest.mark.parametrize(
    ("split", "n"),
    [
        ({"cv": KFold(2)}, 200),
        ({"cv": [(np.arange(200), np.arange(200, 400))]}, 200),
        ({"cv": [(np.arange(200) < 150, np.arange(200) >= 150)]}, 0),
        ({"groups": np.arange(400) % 300}, 0),
        ({"groups": np.arange(400)}, 200),
        ({"groups": np.arange(400) % 300, "cv": 5}, 0),
    ],
)
def test_near_duplicates_across_a_split(split, n):
    report = data_report(COPY, Y, **split)
    across = report[report.check == "split"]
    assert list(across.value) == ([n] if n else [])
    assert report.severity[report.check == "near duplicates"].tolist() == ["note"]
    if n:
        assert "row 0 in row 300" in across.what.iloc[0]
        assert "near_duplicate_groups" in across.what_to_do.iloc[0]


def test_any_number_of_folds_may_overlap():
    assert found("split", COPY, Y, cv=5).value > 100
    assert found("split", COPY, Y, cv=ShuffleSplit(3, random_state=0)).value > 50


def test_equal_pairs_and_equal_ids_across_a_split():
    narrow_x, narrow_y = X[np.arange(400) % 200, :2], Y[np.arange(400) % 200, :2]
    finding = found("split", narrow_x, narrow_y, cv=KFold(2))
    assert (finding.side, finding.value) == ("pairs", 400)
    assert found("repeated pairs", narrow_x, narrow_y).value == 200
    finding = found("split", X, Y, x_ids=np.arange(400) % 200, cv=KFold(2))
    assert finding.value == 400
    assert "equal x_ids" in finding.what


def test_labels_are_no_copies():
    labels = np.eye(12)[np.arange(400) % 12]
    assert set(data_report(X, labels, cv=3).check) == QUIET | {"repeated rows", "rank"}


def test_pairs_against_features():
    few = found("pairs and features", X[:20], Y[:20])
    assert (few.severity, few.value) == ("warning", 1.0)
    more = found("pairs and features", X, Y)
    assert (more.severity, more.value) == ("note", noise_edge(400, 12, 11))
    assert f"{required_samples(0.3, 23):,} pairs" in more.what_to_do


def test_a_part_of_many_rows_is_looked_at(monkeypatch):
    from crossmodal_cca.diagnosis import _near_copies, _side

    monkeypatch.setattr(_near_copies, "_PAIRS", 400 * 100)
    monkeypatch.setattr(_near_copies, "_QUERIES_AT_ONCE", 30)
    monkeypatch.setattr(_near_copies, "_ROWS_AT_ONCE", 70)
    monkeypatch.setattr(_side, "_VALUES_AT_ONCE", 100)
    finding = found("near duplicates", COPY, Y)
    assert "of 100 rows looked at" in finding.what
    assert 30 < finding.value < 70


def test_blocks_change_nothing(monkeypatch):
    from crossmodal_cca.diagnosis import _side

    rows = changed(COPY, c1=np.arange(400), c3=np.where(np.arange(400) > 397, np.nan, X[:, 3]))
    whole = data_report(rows, Y, cv=4)
    monkeypatch.setattr(_side, "_VALUES_AT_ONCE", 60)
    pd.testing.assert_frame_equal(data_report(rows, Y, cv=4), whole)


class LazyFrame:
    def collect(self):
        raise AssertionError("computed without being asked for")

    lazy = collect


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (None, "X is None"),
        (X[:0], "X"),
        (X[:, :0], "X"),
        (X[:, :, None], "X"),
        (X.astype(complex), "[Cc]omplex"),
        ({0: X}, "X must hold rows of numbers"),
        ([[1.0, 2.0], [3.0]], "X"),
        (np.full((400, 3), "word"), "X must have a column of numbers to look at"),
        (LazyFrame(), r"X\.collect"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(bad, message):
    with pytest.raises((TypeError, ValueError), match=message):
        data_report(bad, Y)


def test_dask_is_refused():
    array = pytest.importorskip("dask.array")
    with pytest.raises(TypeError, match="X is a Dask collection"):
        data_report(array.from_array(X), Y)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("groups", [1, 2]),
        ("x_ids", [1, 2]),
        ("y_ids", [[1]] * 400),
        ("cv", 1),
        ("cv", "many"),
        ("cv", [([0], [400])]),
        ("threshold", 2),
    ],
)
def test_bad_arguments_are_named(argument, value):
    with pytest.raises((TypeError, ValueError), match=argument):
        data_report(X, Y, **{argument: value})
