"""Ids of any kind are compared as Python compares them, and dates of two units only where neither loses anything."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from crossmodal_cca._ids import codes_of_ids, distinct_ids, equal_ids, joined
from crossmodal_cca.metrics import retrieval_ranks
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
    assert_array_equal(equal_ids(one, other), [x == y for x, y in zip(a, b, strict=True)])
    assert joined(one, other).tolist() == a + b


@pytest.mark.parametrize("unit", ["h", "s", "us", "ns"])
def test_dates_of_two_units_are_equal_where_they_are_one_instant(unit):
    other = DAYS.astype(f"M8[{unit}]")
    for one, two in ((DAYS, other), (other, DAYS)):
        codes = codes_of_ids(one, two[::-1], 3, 3)
        assert_array_equal(codes[0], codes[1][::-1])
        assert equal_ids(one, two).all()
    late = other + np.timedelta64(1, unit)
    assert not equal_ids(DAYS, late).any()
    assert not equal_ids(late, DAYS).any()
    assert not set(codes_of_ids(DAYS, late, 3, 3)[0]) & set(codes_of_ids(DAYS, late, 3, 3)[1])


def test_dates_that_one_unit_cannot_hold_are_equal_to_none_or_refused():
    nanoseconds = DAYS.astype("M8[ns]")
    for one, other in ((FAR, nanoseconds), (nanoseconds, FAR)):
        assert_array_equal(equal_ids(one, other), [True, False, False])
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
    with pytest.raises(ValueError, match=r"2 of the ids to remove .* such as .*3000-01-01.*type datetime64"):
        nanoseconds.remove(FAR)
    assert len(nanoseconds) == 3
    assert list(nanoseconds.remove(FAR[:1]).ids_) == list(DAYS[1:])
    far = CrossModalIndex().fit(np.eye(3), ids=FAR)
    assert list(far.remove(DAYS[:1].astype("M8[ns]")).ids_) == list(FAR[1:])
    shown = CrossModalIndex().fit(np.eye(3), ids=FAR).show(np.eye(3), 1, query_ids=DAYS.astype("M8[ns]"))
    assert shown["right"].tolist() == ["✓", "✗", "✗"]


def test_ids_that_cannot_be_sorted_are_refused_by_their_name():
    with pytest.raises(TypeError, match="groups must be of comparable types"):
        distinct_ids(np.array(["a", 1], dtype=object), "groups")
    with pytest.raises(TypeError, match="got int against str"):
        codes_of_ids([1, 2], ["1", "2"], 2, 2)
    with pytest.raises(TypeError, match="got date against int"):
        codes_of_ids(DAYS, [1, 2, 3], 3, 3)
