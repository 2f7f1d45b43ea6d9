"""The one door for scikit-learn's private helpers, and for its checks: these would load a Dask collection whole."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import utils
from sklearn.utils import _safe_indexing, validation
from sklearn.utils._set_output import ADAPTERS_MANAGER, _get_output_config
from sklearn.utils.validation import _get_feature_names, _is_fitted, _num_samples

from ._errors import about, add_names, in_terms_of, message_of, too_large
from .rows._blocks import announced, row_slices
from .rows._lazy import refuse_dask
from .rows._numbers import KINDS, as_numbers, at_hand, columns_and_types
from .rows._places import bad_places, rows_to_look_at


def check_array(A: Any, *, input_name: str, check: Callable[..., Any] | None = None, **checks: Any) -> Any:
    """Run scikit-learn's `check_array`, or another `check`, on rows in memory: numbers unless ``dtype=None``.

    Errors name the argument, and the place of the first value that is not finite.
    """
    check = partial(utils.check_array, input_name=input_name) if check is None else check
    of_any_kind = checks.get("dtype", "numeric") is None
    if of_any_kind:
        refuse_dask(A, input_name)
    try:
        # An array of numbers, the usual case, is what the others become.
        is_plain = type(A) is np.ndarray and A.dtype.kind in KINDS
        rows = A if is_plain else at_hand(A, input_name) if of_any_kind else as_numbers(A, input_name)
        if getattr(rows, "ndim", 2) == 1 and checks.get("ensure_2d", True):
            raise _one_dimension(rows, input_name)
        with np.errstate(over="ignore"):  # infinite numbers are refused after the conversion
            array = check(rows, **checks)
        is_longer = array.dtype.kind == "f" and array.dtype.itemsize > 8
        return _finite_in_double(array, input_name, checks) if is_longer and not of_any_kind else array
    except OverflowError as error:
        raise too_large(input_name) from error
    except (ValueError, TypeError) as error:
        add_names(error, input_name)
        tell_where(error, **{input_name: A})
        raise


def validate_data(estimator: Any, X: Any, **checks: Any) -> Any:
    """scikit-learn's `validate_data` of rows of numbers in memory for a fitted estimator, which it does not change."""
    return check_array(X, input_name="X", check=partial(validation.validate_data, estimator, reset=False), **checks)


def check_labelled(estimator: Any, X: Any, y: Any) -> tuple[Any, Any, NDArray[Any] | None]:
    """scikit-learn's `check_X_y` of rows of numbers in memory and labels, with the names of the features."""
    labels = at_hand(y, "y")

    def check(numbers: Any) -> Any:
        nonlocal labels
        with about("X", "y"):
            rows, labels = utils.check_X_y(numbers, labels, estimator=estimator)
        return rows

    rows = check_array(X, input_name="X", check=check)
    return rows, labels, get_feature_names(X, "X")


def _one_dimension(rows: Any, name: str) -> ValueError:
    """Return the error for a 1-D array, which says how to pass a single row or a single column."""
    is_series = hasattr(rows, "to_frame") and hasattr(rows, "iloc")
    row, column = (f"{name}.to_frame().T", f"{name}.to_frame()") if is_series else (f"[{name}]", f"{name}[:, None]")
    return ValueError(
        f"Expected 2D array, got 1D array instead: {name} has shape {rows.shape}, but rows of features are needed. "
        f"Reshape your data: a single row is passed as {row}, a single feature as {column}."
    )


# scikit-learn's message about values that are not finite.
_NOT_FINITE = re.compile(r"Input (?P<name>.+?) contains (?P<what>NaN|infinity)[^\n]*")
# Place of the first bad value, as this module adds it to that message.
_PLACE = re.compile(r" The first is in row \d+(, column \d+)? \(counted from 0\)(, column .+)?\.")


@contextmanager
def telling_where(**rows: Any) -> Iterator[None]:
    """Add the place of the first value that is not finite, among these rows (given by name), to an error.

    The outermost call decides: its rows are the user's, while rows inside may be a part of them.
    """
    try:
        yield
    except ValueError as error:
        tell_where(error, **rows)
        raise


def tell_where(error: Exception, **rows: Any) -> None:
    """Add the place of the first value that is not finite to an error, as `telling_where` does."""
    message = message_of(error)
    found = _NOT_FINITE.match(message or "")
    if found and found["name"] in rows:
        place = _first_place(rows[found["name"]], np.isnan if found["what"] == "NaN" else np.isinf)
        line = _PLACE.sub("", found[0]) + (place and f" The first is in {place}.")
        error.args = (line + message[found.end() :],)


def _first_place(A: Any, is_bad: Callable[[Any], NDArray[np.bool_]]) -> str:
    """Describe row and column of the first bad value; nothing if finding it would load data."""
    frame, A = columns_and_types(A), rows_to_look_at(A)
    if A is None:
        return ""
    with suppress(ValueError, TypeError, OverflowError), np.errstate(over="ignore"):
        for rows in row_slices(_num_samples(A)):
            block: Any = utils.check_array(
                take_rows(A, rows), accept_sparse="csr", dtype=np.float64, ensure_2d=False, ensure_all_finite=False
            )
            bad = bad_places(block, is_bad)
            if len(bad):
                row, *column = (int(i) for i in bad[0])
                if frame and column:
                    return f"row {rows.start + row} (counted from 0), column {frame[0][column[0]]!r}"
                return f"row {rows.start + row}{f', column {column[0]}' if column else ''} (counted from 0)"
    return ""


def _finite_in_double(array: Any, name: str, checks: dict[str, Any]) -> Any:
    """Check again after conversion to double precision: longer floats may have become infinite."""
    with np.errstate(over="ignore"):
        double = array.astype(np.float64)
    if checks.get("ensure_all_finite", True):
        utils.assert_all_finite(double, input_name=name)
    return double


def get_feature_names(A: Any, name: str) -> NDArray[Any] | None:
    """Return the column names of a dataframe, or None for numbers and mixed names, as everywhere in scikit-learn."""
    if isinstance(A, np.ndarray):
        return None
    with in_terms_of(X=name):
        names: NDArray[Any] | None = _get_feature_names(announced(A, name))
    return names


def column_names(A: Any) -> NDArray[Any] | None:
    """Return names to compare before rows are checked; None also for names that scikit-learn refuses as mixed."""
    with suppress(TypeError, ValueError):
        return get_feature_names(A, "X")
    return None


def count_rows(A: Any, name: str) -> int:
    """Count the rows of any data that scikit-learn accepts."""
    with about(name):
        return int(_num_samples(at_hand(A, name)))


def is_fitted(estimator: Any) -> bool:
    """Whether an estimator has been fitted, as `check_is_fitted` sees it."""
    return bool(_is_fitted(estimator))


def take_rows(A: Any, rows: slice | NDArray[np.intp]) -> Any:
    """Take rows of any data that scikit-learn accepts; a slice of all rows returns the same object."""
    if isinstance(rows, slice) and hasattr(A, "slice") and hasattr(A, "column_names"):
        return A.slice(rows.start, rows.stop - rows.start)  # tables of pyarrow, which older scikit-learn cannot index
    is_whole = isinstance(rows, slice) and rows.start == 0 and rows.stop >= _num_samples(A)
    return A if is_whole else _safe_indexing(A, rows)


def wrap_scores(estimator: Any, scores: NDArray[Any], original: Any, prefix: str) -> Any:
    """Wrap scores in the container that `set_output` (or the global configuration) asks for; leave Dask arrays alone.

    Columns are named by the prefix and a number.
    """
    container = _get_output_config("transform", estimator)["dense"]
    if container == "default" or not isinstance(scores, np.ndarray):
        return scores
    columns = np.array([f"{prefix}{j}" for j in range(scores.shape[1])], dtype=object)
    return ADAPTERS_MANAGER.adapters[container].create_container(scores, original, columns=columns)


def errors_become_nan() -> bool:
    """Whether the calling scorer runs inside a cross-validation of scikit-learn, which turns errors into NaN."""
    # If the module is not loaded, no cross-validation is running.
    scoring = getattr(sys.modules.get("sklearn.model_selection._validation"), "_score", None)
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("sklearn."):
        if frame.f_code is getattr(scoring, "__code__", None):
            return bool(frame.f_locals["error_score"] != "raise")
        frame = frame.f_back
    return False


class NotMade:
    """A placeholder on scikit-learn's page of an estimator for an array of this shape that is computed on access."""

    dtype = "float"

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def __repr__(self) -> str:
        return "made when asked for"


def fitted_attributes(estimator: Any, shown: dict[str, Any], doc_link: str) -> Any:
    """Return fitted attributes in the form of scikit-learn's page of an estimator (from version 1.9 on)."""
    from sklearn.utils._repr_html.fitted_attributes import AttrsDict

    described = {}
    for name, value in shown.items():
        described[name] = {
            "type_name": "ndarray" if isinstance(value, NotMade) else type(value).__name__,
            "value": value,
        }
        if hasattr(value, "shape") and hasattr(value, "dtype"):
            described[name] |= {"shape": value.shape, "dtype": value.dtype}
    return AttrsDict(fitted_attrs=described, estimator_class=type(estimator), doc_link=doc_link)
