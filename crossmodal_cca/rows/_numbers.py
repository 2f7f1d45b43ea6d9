"""Check that rows are numbers: refuse values that NumPy would turn into numbers although they are none."""

from __future__ import annotations

import datetime
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .._errors import about
from ._lazy import refuse_dask

# Kinds of arrays that hold numbers; complex ones are scikit-learn's to refuse.
KINDS = "biufc"
# Beginnings of the names of numeric types without a `kind`, such as pyarrow's.
_NUMBERS = ("bool", "int", "uint", "float", "double", "halffloat", "decimal")
# Python's and NumPy's types of dates and times.
_DATES = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)
# pandas' types of dates, by name, so that pandas need not be imported.
_DATES_BY_NAME = {"Period", "Interval", "NaTType"}
# Types of missing values, by name.
_MISSING_BY_NAME = {"NoneType", "NAType"}


def as_numbers(A: Any, name: str) -> Any:
    """Return rows as an array, or unchanged if scikit-learn converts them correctly; refuse other than numbers.

    The values of a float array are not read.
    """
    A = at_hand(A, name)
    if not isinstance(A, np.ndarray):
        refuse_dask(A, name)
        if A is None or sparse.issparse(A):
            return A
        frame = columns_and_types(A)
        if frame is not None:
            _check_columns(A, *frame, name)
            return A
        if hasattr(A, "dtype") and _is_number(A.dtype):
            return A
        A = _as_array(A, name)
    _check_values(A, name)
    return A


def at_hand(A: Any, name: str) -> Any:
    """Return rows of any kind, without a mask; refuse lazy dataframes and masked values."""
    if hasattr(type(A), "collect") and hasattr(type(A), "lazy"):
        raise TypeError(f"{name} is a {type(A).__name__}, whose rows are not there yet: pass {name}.collect().")
    if isinstance(A, list | tuple) and any(isinstance(row, np.ma.MaskedArray) for row in A):
        A = np.ma.array(A)
    return _unmasked(A, name) if isinstance(A, np.ma.MaskedArray) else A


def _unmasked(A: Any, name: str) -> NDArray[Any]:
    n_masked = int(np.count_nonzero(np.ma.getmaskarray(A)))
    if n_masked:
        raise ValueError(
            f"{name} is masked in {n_masked} of its {A.size} values, and what lies behind a mask is no number. Impute "
            "these values, or drop their rows, on both sides alike."
        )
    return np.asarray(A.data)


def _as_array(A: Any, name: str) -> NDArray[Any]:
    with about(name):
        array = np.asarray(A)
        if array.dtype.kind == "U":
            # NumPy turns a list of numbers and text into text as a whole.
            array = np.asarray(A, dtype=object)
    if array.ndim == 0 and array.dtype == object:
        raise TypeError(f"{name} must hold rows of numbers, shape (n_rows, n_features); got {type(A).__name__}.")
    return array


def columns_and_types(A: Any) -> tuple[list[Any], list[Any]] | None:
    """Return names and types of the columns of a dataframe or a pyarrow table."""
    if hasattr(A, "columns") and hasattr(A, "dtypes"):
        return list(A.columns), list(A.dtypes)
    if hasattr(A, "column_names") and hasattr(A, "schema"):
        return list(A.column_names), list(A.schema.types)
    return None


def _check_columns(A: Any, names: list[Any], types: list[Any], name: str) -> None:
    several = [column for column, n in Counter(names).items() if n > 1]
    if several:
        raise ValueError(
            f"{name} has several columns of one name, such as {several[0]!r}. Rename them, or keep one of each "
            f"(in pandas {name}.loc[:, ~{name}.columns.duplicated()])."
        )
    for column, kind in zip(names, types, strict=True):
        if not _is_number(kind):
            _check_values(np.asarray(A[column]), name, column)


def _is_number(kind: Any) -> bool:
    """Whether a column or an array of this type holds numbers."""
    letter = getattr(kind, "kind", None)
    if isinstance(letter, str):
        return letter in KINDS
    is_numeric = getattr(kind, "is_numeric", None)  # for polars
    return bool(is_numeric()) if callable(is_numeric) else str(kind).startswith(_NUMBERS)


def _check_values(array: NDArray[Any], name: str, column: Any = None) -> None:
    """Refuse text, dates, missing values and nested rows by the type of the array, or of each of its objects.

    If a column is given, the values are those of this column.
    """
    kind = array.dtype.kind
    where = "" if column is None else f" in column {column!r}"
    if kind == "V":
        raise ValueError(
            f"{name} is a structured array; pass its fields as columns: "
            f"numpy.lib.recfunctions.structured_to_unstructured({name})."
        )
    kinds: set[type]
    if kind in "USTmM":
        kinds = {str if kind in "UST" else np.datetime64}
    elif kind == "O":
        kinds = set(map(type, array.ravel().tolist()))
    else:
        return
    if any(issubclass(each, list | tuple | np.ndarray) for each in kinds):
        raise ValueError(
            f"{name} holds lists or arrays{where}, where numbers are needed. If each is a row of features, all of one "
            f"length, pass np.stack({name if column is None else f'{name}[{column!r}]'})."
        )
    if any(issubclass(each, str | bytes) for each in kinds):
        found = next((value for value in array.ravel().tolist() if isinstance(value, str | bytes)), None)
        raise ValueError(
            f"{name} holds text{where}{'' if found is None else f', such as {found!r}'}, where numbers are needed. "
            "Labels are encoded as indicator columns, by pandas.get_dummies or scikit-learn's LabelBinarizer, or go to "
            "a classifier of crossmodal_cca.transfer; numbers stored as text are converted by astype(float)."
        )
    if any(issubclass(each, _DATES) or each.__name__ in _DATES_BY_NAME for each in kinds):
        raise TypeError(
            f"{name} holds dates or times{where}, which are no features. Make numbers of them, such as days since a "
            "date: (dates - start) / np.timedelta64(1, 'D')."
        )
    if any(each.__name__ in _MISSING_BY_NAME for each in kinds):
        n_missing = sum(type(value).__name__ in _MISSING_BY_NAME for value in array.ravel().tolist())
        raise ValueError(
            f"Input {name} contains NaN, as None or another missing value, in {n_missing} of {array.size} "
            f"places{where}. Impute what is missing, or drop its rows."
        )
