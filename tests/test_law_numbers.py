"""What counts as rows of numbers: what holds numbers gives what a plain array gives, and what holds none is refused."""

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from linear_models import pairs
from numpy.testing import assert_array_equal
from scipy import sparse

from crossmodal_cca import CCA, KernelCCA, PairMoments, PLSRegression
from crossmodal_cca.inference import debias_correlations
from crossmodal_cca.metrics import mean_reciprocal_rank, retrieval_ranks
from crossmodal_cca.rows._numbers import as_numbers
from crossmodal_cca.transfer import (
    CrossModalClassifier,
    ESZSLClassifier,
    PrototypeClassifier,
    PrototypeLogisticRegression,
    few_shot_episodes,
)

# Quarters: every container holds them exactly.
X, Y = (np.round(4 * A) / 4 for A in pairs(40, 4, 3))


def objects(convert):
    return lambda rows: np.array([[convert(value) for value in row] for row in rows.tolist()], dtype=object)


NUMBERS = {
    "masked nowhere": lambda rows: np.ma.array(rows, mask=np.zeros(rows.shape, bool)),
    "masked arrays without a mask": lambda rows: list(np.ma.array(rows)),
    "objects": objects(float),
    "fractions": objects(Fraction),
    "decimals": objects(Decimal),
    "lists of fractions": lambda rows: objects(Fraction)(rows).tolist(),
    "long doubles": lambda rows: rows.astype(np.longdouble),
    "categories": lambda rows: pd.DataFrame(rows).astype("category"),
    "a column of objects": lambda rows: pd.DataFrame(rows).astype({0: object}),
    "numbered columns": pd.DataFrame,
}


@pytest.mark.parametrize("container", NUMBERS.values(), ids=NUMBERS)
def test_numbers_in_any_container_are_the_same_numbers(container):
    A, B = container(X), container(Y)
    expected = CCA(2).fit(X, Y)
    assert_array_equal(CCA(2).fit(A, B).transform(A), expected.transform(X))
    assert_array_equal(expected.transform_y(B), expected.transform_y(Y))
    assert CCA(2).fit(A, B).score(A, B) == expected.score(X, Y)
    assert_array_equal(retrieval_ranks(A, container(X[::-1])), retrieval_ranks(X, X[::-1]))


def test_a_float_array_is_not_read():
    """One pass over these would take hours."""
    endless = np.broadcast_to(1.0, (10**9, 10**4))
    assert as_numbers(endless, "X") is endless


def with_column(values):
    return lambda: pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": values})


def polars_frame(values):
    return lambda: pytest.importorskip("polars").DataFrame({"a": [1.0, 2.0, 3.0], "b": values})


def arrow_table(values):
    return lambda: pytest.importorskip("pyarrow").table({"a": [1.0, 2.0, 3.0], "b": values})


DAYS = [datetime.date(2024, 1, day) for day in (1, 2, 3)]
WORDS = ["1", "2", "3"]
TEXT, DATES = "queries holds text", "queries holds dates or times"
MISSING = "Input queries contains NaN, as None or another missing value"
NO_NUMBERS = {
    "text in a column": (with_column(WORDS), f"{TEXT} in column 'b', such as '1'"),
    "categories of text": (with_column(pd.Categorical(WORDS)), f"{TEXT} in column 'b'"),
    "text of its own type": (with_column(pd.array(WORDS, dtype="string")), f"{TEXT} in column 'b'"),
    "text of polars": (polars_frame(WORDS), f"{TEXT} in column 'b'"),
    "text of pyarrow": (arrow_table(WORDS), f"{TEXT} in column 'b'"),
    "text beside numbers": (lambda: [[1.0, 2.0], [3.0, "four"]], f"{TEXT}, such as 'four'"),
    "bytes": (lambda: np.array([[b"1", b"2"]]), f"{TEXT}, such as b'1'"),
    "dates of Python": (lambda: [[1.0, day] for day in DAYS], DATES),
    "dates of Python in a column": (with_column(DAYS), f"{DATES} in column 'b'"),
    "dates with a time zone": (with_column(pd.to_datetime(DAYS).tz_localize("UTC")), f"{DATES} in column 'b'"),
    "periods": (with_column(pd.period_range("2024", periods=3, freq="D")), f"{DATES} in column 'b'"),
    "spans of time": (with_column(pd.to_timedelta([1, 2, 3])), f"{DATES} in column 'b'"),
    "dates of polars": (polars_frame(DAYS), f"{DATES} in column 'b'"),
    "dates of pyarrow": (arrow_table(DAYS), f"{DATES} in column 'b'"),
    "NaT alone": (lambda: np.full((3, 2), np.timedelta64("NaT", "s")), DATES),
    "None": (lambda: [[1.0, 0.0], [0.0, 1.0], [-1.0, None]], MISSING),
    "NA of pandas": (with_column(pd.Series([1.0, pd.NA, 2.0], dtype=object)), f"{MISSING}.* in column 'b'"),
    "masked": (lambda: np.ma.masked_equal([[1.0, -9.0], [2.0, 3.0]], -9.0), "queries is masked in 1 of its 4 values"),
    "masked rows": (lambda: [np.ma.masked_equal([1.0, -9.0], -9.0)], "queries is masked in 1 of its 2 values"),
    "too large for a double": (lambda: np.array([["1e400", "1"]]).astype(np.longdouble), "queries contains infinity"),
    "too large for a float": (lambda: [[10**400, 1.0]], "queries holds whole numbers that are too large"),
    "fields": (
        lambda: np.zeros((3, 2), dtype=[("a", float)]),
        "queries is a structured array; pass its fields as columns",
    ),
    "a lazy frame": (
        lambda: pytest.importorskip("polars").DataFrame({"a": [1.0]}).lazy(),
        r"pass queries\.collect\(\)",
    ),
    "columns of one name": (
        lambda: pd.DataFrame(np.eye(3), columns=["a", "b", "a"]),
        r"queries has several columns of one name, such as 'a'.*~queries\.columns\.duplicated\(\)",
    ),
    "columns of one number": (
        lambda: pd.DataFrame(np.eye(2), columns=[0, 0]),
        "queries has several columns of one name",
    ),
    "a set": (lambda: {1.0, 2.0}, r"queries must hold rows of numbers, shape \(n_rows, n_features\); got set"),
}


@pytest.mark.parametrize("case", NO_NUMBERS)
def test_what_holds_no_numbers_is_refused_with_the_way_out(case):
    make, message = NO_NUMBERS[case]
    queries = make()
    with pytest.raises((TypeError, ValueError), match=message):
        retrieval_ranks(queries, np.eye(2))


def test_one_missing_value_does_not_make_a_measure_better():
    queries, gallery = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [[0.0, 1.0], [1.0, 0.0], [-1.0, None]]
    for measure in (retrieval_ranks, mean_reciprocal_rank):
        with pytest.raises(ValueError, match="Input gallery contains NaN"):
            measure(queries, gallery)
    # Worst of three, worst of three, and best of three in either case.
    assert retrieval_ranks(queries[:2], gallery[:2]).tolist() == [2.0, 2.0]


@pytest.mark.parametrize("dtype", [object, str, "category"])
@pytest.mark.parametrize("model", [CCA(1), PLSRegression(1), KernelCCA(1)], ids=str)
def test_labels_as_the_second_modality_are_to_be_encoded(model, dtype):
    labels = pd.Series(np.where(X[:, 0] > 0, "wet", "dry")).astype(dtype)
    with pytest.raises(ValueError, match=r"y holds text, such as '(wet|dry)'.*get_dummies.*LabelBinarizer"):
        model.fit(X, labels)
    model.fit(X, pd.get_dummies(labels).iloc[:, 0])


@pytest.mark.parametrize("vector", [[None, 1.0], np.ma.masked_equal([1.0, 2.0], 1.0), ["1", "2"]], ids=str)
def test_prototypes_are_numbers_too(vector):
    rows, labels = np.array([[1.0, 0.0], [0.0, 1.0]]), ["ant", "bee"]
    head = PrototypeLogisticRegression(prototypes={"ant": vector, "bee": [0.0, 1.0]})
    with pytest.raises(ValueError, match=r"\bprototypes\b.*(text|NaN|masked)"):
        head.fit(rows, labels)
    assert PrototypeClassifier().fit(rows, labels).predict(rows).tolist() == labels


def test_weights_are_numbers_too():
    weights = np.ma.masked_less(np.arange(40.0), 1.0)
    with pytest.raises(ValueError, match="sample_weight is masked in 1 of its 40 values"):
        PairMoments.from_arrays(X, Y, weights)
    with pytest.raises(ValueError, match="sample_weight holds text"):
        CCA(2).fit(X, Y, np.arange(40).astype(str))


MASKED = np.ma.array([0, 1, 1, 0], mask=[False, True, False, False])
SQUARE = np.eye(4)
NO_ROWS = {
    "sample_weight": lambda: PrototypeClassifier().fit(SQUARE, [0, 1, 1, 0], sample_weight=MASKED),
    "relevance": lambda: retrieval_ranks(SQUARE, SQUARE, relevance=np.ma.masked_equal(SQUARE, 1.0)),
    "query_ids": lambda: retrieval_ranks(SQUARE, SQUARE, query_ids=MASKED, gallery_ids=MASKED),
    "y": lambda: PrototypeClassifier().fit(SQUARE, MASKED),
    "shot_labels": lambda: CrossModalClassifier().fit(SQUARE, [0, 1, 1, 0], shots=SQUARE, shot_labels=MASKED),
    "groups": lambda: few_shot_episodes({"a": PrototypeClassifier()}, SQUARE, [0, 1, 1, 0], shots=(1,), groups=MASKED),
    "correlations": lambda: debias_correlations(np.ma.masked_less([0.9, 0.2], 0.5), 40, 4, 3),
    "landmarks": lambda: KernelCCA(
        1, gamma=0.1, approximation="nystroem", landmarks=(np.ma.masked_less(X, 0.0), Y)
    ).fit(X, Y),
    "attributes": lambda: ESZSLClassifier({0: SQUARE[0], 1: np.ma.masked_less(SQUARE[1], 1.0)}).fit(
        SQUARE, [0, 1, 1, 0]
    ),
}


@pytest.mark.parametrize("name", NO_ROWS)
def test_what_is_masked_beside_the_rows_is_refused_too(name):
    with pytest.raises(ValueError, match=rf"{name}\b.* is masked in \d"):
        NO_ROWS[name]()


def test_sparse_long_doubles_are_doubles():
    rows = sparse.csr_array(X * (X > 0))
    long = rows.astype(np.longdouble)
    assert_array_equal(CCA(2).fit(long, Y).transform(long), CCA(2).fit(rows, Y).transform(rows))
    long.data[0] = np.longdouble("1e400")
    with pytest.raises(ValueError, match="Input X contains infinity"):
        CCA(2).fit(long, Y)
