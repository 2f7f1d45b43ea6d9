"""Labels of some of the rows: which rows have one, and what they are as numbers."""

from __future__ import annotations

from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._ids import checked_ids, distinct_ids
from .._sklearn import check_array
from .._typing import FloatArray
from ..rows._numbers import at_hand

# Class of a row without a label, in scikit-learn's semi-supervised estimators.
UNLABELLED = -1


class Labelled(NamedTuple):
    """Rows with a label, (m,), and their labels (m, l): indicators of all classes, or numbers."""

    rows: NDArray[np.intp]
    labels: FloatArray


def labelled_rows(labels: Any, n_rows: int) -> Labelled:
    """Read labels: classes or numbers of shape (n_rows,), numbers of shape (n_rows, l)."""
    array = _as_array(at_hand(labels, "labels"))
    if array.ndim not in (1, 2) or len(array) != n_rows:
        raise ValueError(
            f"labels must have shape ({n_rows},), or ({n_rows}, n_labels) for numbers: one entry for each row of X; "
            f"got shape {array.shape}."
        )
    found = _classes(array) if array.ndim == 1 and not _has_fractions(array) else _numbers(array)
    n_kinds = np.linalg.matrix_rank(found.labels - found.labels.mean(axis=0)) if len(found.rows) else 0
    if n_kinds == 0:
        raise ValueError(
            f"labels must differ among the labelled rows: {len(found.rows)} of {n_rows} rows have a label, and all the "
            f"same. Rows with NaN, None or (as a class) {UNLABELLED} count as unlabelled."
        )
    if n_kinds >= len(found.rows) - 1:
        raise ValueError(
            f"labels of {len(found.rows)} rows have {n_kinds} independent columns (classes count as columns), which "
            "fit any component. Label more rows, or merge classes; pass numbers that are no classes in two dimensions."
        )
    return found


def _as_array(labels: Any) -> NDArray[Any]:
    if hasattr(labels, "dtype") or hasattr(labels, "columns"):
        return np.asarray(labels)
    first = next(iter(labels), None) if np.iterable(labels) and not isinstance(labels, str) else None
    if isinstance(first, list | tuple | np.ndarray):
        return np.asarray(labels)
    # Classes of several types must not become texts.
    return np.array(labels, dtype=object) if first is None else np.fromiter(labels, dtype=object, count=len(labels))


def _are_missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    import pandas as pd

    return np.asarray(pd.isna(values))


def _has_fractions(values: NDArray[Any]) -> bool:
    """Whether these are numbers that are not all whole, missing ones aside."""
    present = values[~_are_missing(values)]
    if present.dtype == object and all(map(_is_number, present)):
        present = present.astype(np.float64)
    return present.dtype.kind == "f" and bool((present != np.round(present)).any())


def _classes(values: NDArray[Any]) -> Labelled:
    unlabelled = _are_missing(values)
    unlabelled |= np.fromiter((_is_unlabelled(value) for value in values.tolist()), dtype=bool, count=len(values))
    rows = np.flatnonzero(~unlabelled)
    names, codes = distinct_ids(checked_ids(values[rows].tolist(), "labels", len(rows), "labels"), "labels")
    return Labelled(rows, np.eye(len(names))[codes.ravel()])


def _is_unlabelled(value: Any) -> bool:
    return _is_number(value) and value == UNLABELLED


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _numbers(values: NDArray[Any]) -> Labelled:
    missing = _are_missing(values)
    numbers = values if values.dtype != object else np.where(missing, np.nan, values)
    checked: FloatArray = check_array(
        numbers, ensure_2d=False, dtype=np.float64, ensure_all_finite="allow-nan", input_name="labels"
    )
    rows = np.flatnonzero(~np.isnan(checked.reshape(len(checked), -1)).any(axis=1))
    H = checked.reshape(len(checked), -1)[rows]
    spread = H.std(axis=0)
    return Labelled(rows, np.asarray(H[:, spread > 0] / spread[spread > 0]))
