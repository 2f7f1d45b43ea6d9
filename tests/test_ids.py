"""Ids of any kind are compared as Python compares them, and dates of two units only where neither loses anything."""

import datetime
import itertools
import pathlib
import uuid

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.preprocessing import MultiLabelBinarizer

from crossmodal_cca._ids import KnownIds, checked_ids, codes_of_ids, distinct_ids, joined
from crossmodal_cca.metrics import query_report, retrieval_ranks
from crossmodal_cca.retrieval import CrossModalIndex

DAYS = np.array(["2020-01-01", "2020-01-02", "2020-01-03"], "M8[D]")
# Beyond the year 2262, which is as far as nanoseconds go.
FAR = np.array(["2020-01-01", "3000-01-01", "3000-01-02"], "M8[D]")
LARGE = 2**53
KINDS = {
    "int64": np.array([LARGE, LARGE + 1, 1]),
    "uint64": np.array([LARGE, LARGE + 1, 1], np.uint64),
    "float64": np.array([float(LARGE), 1.0, 0.1]),
    "float32": np.array([float(LARGE), 1.0, 0.1], np.float32),
    "bool": np.array([True, False, True]),
    "objects": np.array([LARGE + 1, True, 0.1], dtype=object),
}
TEXTS = {"str": np.array(["1", "a", "a "]), "objects": np.array(["a", "b", "1"], dtype=object)}
PAIRS = [*itertools.product(KINDS.values(), repeat=2), *itertools.product(TEXTS.values(), repeat=2)]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_ids_are_equal_where_python_says_so(one, other):
    a, b = one.tolist(), other.tolist()
    codes_a, codes_b = codes_of_ids(one, other, 3, 3)
    assert_array_equal(codes_a[:, None] == codes_b, [[x == y for y in b] for x in a])
    assert joined(one, other).tolist() == a + b


@pytest.mark.parametrize("unit", ["h", "s", "us", "ns"])
def test_dates_of_two_units_are_equal_where_they_are_one_instant(unit):
    other = DAYS.astype(f"M8[{unit}]")
    for one, two in ((DAYS, other), (other, DAYS)):
        codes = codes_of_ids(one, two[::-1], 3, 3)
        assert_array_equal(codes[0], codes[1][::-1])
    late = other + np.timedelta64(1, unit)
    assert not set(codes_of_ids(DAYS, late, 3, 3)[0]) & set(codes_of_ids(DAYS, late, 3, 3)[1])


def test_dates_that_one_unit_cannot_hold_are_refused():
    nanoseconds = DAYS.astype("M8[ns]")
    for one, other in ((FAR, nanoseconds), (nanoseconds, FAR)):
        for call in (lambda a, b: joined(a, b), lambda a, b: codes_of_ids(a, b, 3, 3)):
            with pytest.raises(ValueError, match="cannot be told in one unit; pass ids of one unit"):
                call(one, other)
    with pytest.raises(ValueError, match="cannot be told in one unit"):
        retrieval_ranks(np.eye(3), np.eye(3), query_ids=FAR, gallery_ids=nanoseconds)
    months, days = np.array([1, 2], "m8[M]"), np.array([30, 60], "m8[D]")
    with pytest.raises(ValueError, match="cannot be told in one unit"):
        joined(months, days)


def test_an_index_removes_dates_of_another_unit():
    nanoseconds = CrossModalIndex().fit(np.eye(3), ids=DAYS.astype("M8[ns]"))
    with pytest.raises(ValueError, match=r"2 of 3 are not in the index, such as .*3000-01-01.*type datetime64"):
        nanoseconds.remove(FAR)
    assert len(nanoseconds) == 3
    assert list(nanoseconds.remove(FAR[:1]).ids_) == list(DAYS[1:])
    far = CrossModalIndex().fit(np.eye(3), ids=FAR)
    assert list(far.remove(DAYS[:1].astype("M8[ns]")).ids_) == list(FAR[1:])
    index = CrossModalIndex().fit(np.eye(3), ids=DAYS)
    assert index.show(np.eye(3), 1, query_ids=DAYS.astype("M8[ns]"))["right"].tolist() == ["✓"] * 3


def test_ids_that_cannot_be_sorted_are_refused_by_their_name():
    with pytest.raises(TypeError, match="groups must be of comparable types"):
        distinct_ids(np.array(["a", 1], dtype=object), "groups")
    with pytest.raises(TypeError, match="got int against str"):
        codes_of_ids([1, 2], ["1", "2"], 2, 2)
    with pytest.raises(TypeError, match="got date against int"):
        codes_of_ids(DAYS, [1, 2, 3], 3, 3)


# Each entry: ids as a user may hand them over, and what they are afterwards.
KEPT = {
    "whole numbers": ([3, 1, 2], np.array([3, 1, 2])),
    "more than int64 holds": ([2**63, 1, -1], np.array([2**63, 1, -1], dtype=object)),
    "fractions": ([0.5, 1.0, 2.0], np.array([0.5, 1.0, 2.0])),
    "numbers of two kinds": ([1, 2.5, 3], np.array([1, 2.5, 3], dtype=object)),
    "truths": ([True, False, True], np.array([True, False, True])),
    "texts": (["a", "b\0", "ccc"], np.array(["a", "b\0", "ccc"], dtype=object)),
    "numbers and texts": ([1, "1", "b"], np.array([1, "1", "b"], dtype=object)),
    "NumPy's texts": (list(np.array(["a", "b", "ccc"])), np.array(["a", "b", "ccc"])),
    "NumPy's numbers": ([np.int8(1), 2, np.int64(3)], np.array([1, 2, 3])),
    "NumPy's texts and numbers": ([np.str_("a"), np.int64(1), 2], np.array(["a", 1, 2], dtype=object)),
    "NumPy's days": (list(DAYS), DAYS),
    "objects that are numbers": (np.array([3, 1, 2], dtype=object), np.array([3, 1, 2])),
    "a range": (range(3), np.arange(3)),
    "tuples": ([("a", 1), ("b", 1), ("a", 2)], np.fromiter([("a", 1), ("b", 1), ("a", 2)], dtype=object)),
    "tuples of NumPy's": ([(np.str_("a"), np.int64(1))] * 3, np.fromiter([("a", 1)] * 3, dtype=object)),
    "sets": ([{1}, {2, 3}, frozenset({1})], np.array([frozenset(), frozenset(), frozenset()])),
}


@pytest.mark.parametrize(("ids", "kept"), KEPT.values(), ids=KEPT)
def test_ids_stay_what_they_are_in_one_array(ids, kept):
    checked = checked_ids(ids, "ids", 3, "X")
    assert checked.tolist() == list(ids)
    assert checked.dtype == kept.dtype
    assert list(map(type, checked.tolist())) == list(map(type, kept.tolist()))


REFUSED = {
    "a set": ({1, 2, 3}, ValueError, "one-dimensional.* got one set"),
    "a text": ("abc", ValueError, "one-dimensional.* got one str"),
    "a mapping": ({0: 1, 1: 2, 2: 3}, ValueError, "one-dimensional.* got one dict"),
    "an indicator matrix": (np.eye(3, dtype=int), ValueError, r"got shape \(3, 3\).*MultiLabelBinarizer"),
    "a column": (np.zeros((3, 1)), ValueError, r"got shape \(3, 1\)"),
    "lists": ([[1], [2], [3]], TypeError, r"row 0 has the list \[1\].*MultiLabelBinarizer"),
    "lists of different length": (["a", ["a", "b"], ["c"]], TypeError, r"row 1 has the list \['a', 'b'\].*relevance"),
    "lists in tuples": ([(1, 2), (1, [2]), (3, 4)], TypeError, r"row 1 has the list \[2\]"),
    "mappings": ([{}, {}, {}], TypeError, "row 0 has the dict"),
    "arrays": ([np.ones(1)] * 3, TypeError, "row 0 has the ndarray"),
    "too few": ([1, 2], ValueError, "expected 3, got 2"),
    "None": ([None, "a", "b"], ValueError, "1 of 3 ids or labels are NaN or None"),
    "NaN": ([np.nan, 1.0, np.nan], ValueError, "2 of 3 ids or labels are NaN or None"),
    "NaN in tuples": ([("a", np.nan), ("a", None), ("a", 1)], ValueError, "2 of 3 ids or labels are NaN or None"),
    "NaN in sets": ([{np.nan}, {1}, {2}], ValueError, "1 of 3 ids or labels are NaN or None"),
    "NaT": (np.array(["2020-01-01", "NaT", "NaT"], "M8[D]"), ValueError, "2 of 3 ids or labels are NaN or None"),
}


@pytest.mark.parametrize(("ids", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_list_of_ids_is_refused_by_its_name(ids, error, message):
    calls = {
        "query_ids": lambda: codes_of_ids(ids, [1, 2, 3], 3, 3),
        "gallery_ids": lambda: retrieval_ranks(np.eye(3), np.eye(3), query_ids=[1, 2, 3], gallery_ids=ids),
        "ids": lambda: CrossModalIndex().fit(np.eye(3), ids=ids),
    }
    for name, call in calls.items():
        with pytest.raises(error, match=f"^{name} must .*{message}"):
            call()


def test_sets_match_where_they_are_equal_and_a_warning_says_how_to_share_labels():
    one, other = [{"sea"}, {"dog", "sea"}, {"cat"}], [frozenset({"sea", "dog"}), {"cat"}, {"sea"}]
    equal = [[a == b for b in other] for a in one]
    in_tuples = [[(i, 0) for i in ids] for ids in (one, other)]
    for ids in ((one, other), in_tuples):
        with pytest.warns(UserWarning, match=r"query_ids and gallery_ids hold sets, which match where .* relevance"):
            codes = codes_of_ids(*ids, 3, 3)
        assert_array_equal(codes[0][:, None] == codes[1], equal)
    # The recipe of the message.
    M = MultiLabelBinarizer().fit([*one, *other])
    shared = M.transform(one) @ M.transform(other).T > 0
    assert_array_equal(shared, [[bool(a & b) for b in other] for a in one])


def test_groups_may_be_sets_in_any_order():
    groups = [{1, 2}, {1}, {2, 1}, {3}]
    for order in ([0, 1, 2, 3], [3, 2, 1, 0]):
        shuffled = [groups[i] for i in order]
        values, codes = distinct_ids(checked_ids(shuffled, "groups", 4, "X"), "groups")
        assert values.tolist() == [{1}, {1, 2}, {3}]
        assert [values[i] for i in codes] == shuffled


def test_ids_of_two_kinds_put_together_stay_what_they_are():
    both = joined(DAYS.astype("M8[ns]"), np.array(["a"], dtype=object))
    assert list(both) == [*DAYS.astype("M8[ns]"), "a"]


LOOKED_FOR = {
    "one": 2,
    "one of NumPy's": np.array(2),
    "a list": [2],
    "a set": {2},
    "a frozenset": frozenset({2}),
    "keys": {2: "two"}.keys(),
    "an equal float": [2.0],
    "a copy twice": (2, 2),
    "a series": pd.Series([2]),
}


@pytest.mark.parametrize("ids", LOOKED_FOR.values(), ids=LOOKED_FOR)
def test_ids_to_look_for_come_in_any_collection(ids):
    assert_array_equal(KnownIds(np.array([1, 2, 3, 2])).rows_with(ids, "within"), [False, True, False, True])


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        ([1, 7], ValueError, "^within must be ids of the index, but 1 of 2 .* such as 7; its ids are of type int"),
        ("2", ValueError, "such as '2'"),
        ([[1]], TypeError, r"^within .* row 0 has the list \[1\]"),
        ({1: 2}, ValueError, "^within must be one-dimensional.* got one dict"),
        ([None], ValueError, "^within must not be missing"),
        (np.ones((1, 1)), ValueError, r"^within .* got shape \(1, 1\)"),
    ],
)
def test_ids_that_cannot_be_looked_for_are_refused(ids, error, message):
    with pytest.raises(error, match=message):
        KnownIds(np.array([1, 2, 3])).rows_with(ids, "within")


def test_dates_are_looked_for_as_dates():
    assert_array_equal(KnownIds(DAYS).rows_with("2020-01-02", "ids"), [False, True, False])
    with pytest.raises(TypeError, match=r"^ids must be dates or times of datetime64"):
        KnownIds(DAYS).rows_with(["x"], "ids")


def test_an_item_of_an_id_that_is_a_tuple_or_a_set_is_found():
    for one, other in (((1, 2), (3, 4)), (frozenset({1}), frozenset({2}))):
        index = CrossModalIndex().fit(np.eye(2), ids=[one, other])
        assert index.kneighbors(np.eye(2), 1, within=one)[1].tolist() == [[one], [one]]
        assert index.remove(one).ids_.tolist() == [other]


def test_ids_out_of_an_array_of_numpys_are_saved_as_quickly_as_the_array(tmp_path):
    """Each entry by itself would be a member of the archive, some 400 bytes."""
    names = np.array([f"picture {i}" for i in range(500)])
    pairs = {"array": zip(names.tolist(), range(500), strict=True), "list": zip(names, np.arange(500), strict=True)}
    for in_array, in_list in (
        (names, list(names)),
        (np.arange(500), list(np.arange(500))),
        (list(pairs["array"]), list(pairs["list"])),
    ):
        CrossModalIndex().fit(np.ones((500, 1)), ids=in_array).save(tmp_path / "array")
        CrossModalIndex().fit(np.ones((500, 1)), ids=in_list).save(tmp_path / "list")
        assert (tmp_path / "list").read_bytes() == (tmp_path / "array").read_bytes()


NOT_SAVED = {
    "uuid": [uuid.UUID(int=1), uuid.UUID(int=2)],
    "date": [datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)],
    "path": [pathlib.Path("a.jpg"), pathlib.Path("b.jpg")],
}


@pytest.mark.parametrize("ids", NOT_SAVED.values(), ids=NOT_SAVED)
def test_ids_that_no_file_holds_are_refused_with_a_way_out(tmp_path, ids):
    index = CrossModalIndex().fit(np.eye(2), ids=ids)
    assert index.kneighbors(np.eye(2), 1)[1].ravel().tolist() == ids
    with pytest.raises(TypeError, match=r"cannot be saved.*Fit the index with ids .*\[str\(i\) for i in ids\]"):
        index.save(tmp_path / "index")
    index = CrossModalIndex().fit(np.eye(2), ids=[str(i) for i in ids])
    index.save(tmp_path / "index")
    assert CrossModalIndex.load(tmp_path / "index").ids_.tolist() == [str(i) for i in ids]


def test_found_numbers_serve_as_positions():
    index = CrossModalIndex().fit(np.eye(3), ids=[2, 0, 1])
    assert np.array(["a", "b", "c"])[index.kneighbors(np.eye(3), 1)[1]].ravel().tolist() == ["c", "a", "b"]


def test_a_table_of_matches_compares_ids_as_metrics_do():
    index = CrossModalIndex().fit(np.eye(3), ids=["0", "1", "2"])
    with pytest.raises(TypeError, match=r"^query_ids and the ids of the index must be of comparable types, got int"):
        index.show(np.eye(3), 1, query_ids=[0, 1, 2])
    with pytest.warns(UserWarning, match="3 of 3 query_ids, such as 'a', are not among the ids of the index"):
        table = index.show(np.eye(3), 1, query_ids=["a", "b", "c"])
    assert table["right"].tolist() == ["✗"] * 3
    with pytest.warns(UserWarning, match="1 of 3 query_ids, such as 'x', are not among"):
        table = index.show(np.eye(3), 1, query_ids=["0", "x", "1"])
    assert table["right"].tolist() == ["✓", "✗", "✗"]


def test_a_query_report_keeps_ids_that_are_tuples():
    ids = [("a", 1), ("b", 2)]
    table = query_report(np.eye(2), np.eye(2), query_ids=ids, gallery_ids=ids)
    assert table.index.tolist() == ids
    assert table.index.name == "query_id"
