"""Convert the columns of one side to numbers, and report the columns left out."""

from __future__ import annotations

import reprlib
from contextlib import suppress
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse

from .._errors import about
from .._typing import Array
from ..rows._lazy import is_dask
from ..rows._numbers import at_hand, columns_and_types
from ..rows._validation import check_rows
from ._findings import Finding, counted, listed


class Columns(NamedTuple):
    """Columns of numbers, a dense array or CSR of shape (n_rows, n_kept), their names, and findings."""

    rows: Any
    names: list[Any]  # positions where the side has no names
    findings: list[Finding]


def columns_of(A: Any, name: str) -> Columns:
    """Select the columns of numbers; text, dates and objects become findings, not errors."""
    if is_dask(A):
        raise TypeError(
            f"{name} is a Dask collection; data_report looks at rows in memory or in a memory map. Pass some."
        )
    findings: list[Finding] = []
    if isinstance(A, np.ma.MaskedArray):
        A = _unmasked(A, name, findings)
    elif isinstance(A, list | tuple) and any(isinstance(row, np.ma.MaskedArray) for row in A):
        A = _unmasked(np.ma.array(A), name, findings)
    if A is not None and not issparse(A):
        A = at_hand(A, name)
        if columns_and_types(A) is None and getattr(A, "ndim", 2) <= 2:
            A = _framed_if_mixed(A, name)
    frame = None if issparse(A) else columns_and_types(A)
    names: list[Any] = []
    if frame is not None:
        A, names = _numeric_part(A, name, findings)
    rows = check_rows(A, name, one_column_is_1d=True, accept_sparse=True)
    if rows.ndim > 2 or 0 in rows.shape:
        raise ValueError(f"{name} must have shape (n_rows, n_features), with a row and a feature; got {rows.shape}.")
    if rows.ndim == 1:
        rows = rows[:, None]
    if rows.dtype == np.float16:
        findings.append(
            Finding(
                "type", name, "note", 16, "float16: three digits", "fine for embeddings; computed in single precision"
            )
        )
    return Columns(rows, names or list(range(rows.shape[1])), findings)


def _unmasked(A: Any, name: str, findings: list[Finding]) -> Array:
    n_masked = int(np.count_nonzero(np.ma.getmaskarray(A)))
    if not n_masked:
        return np.asarray(A.data)
    what = f"{counted(n_masked, 'values')} are masked: counted as missing here"
    findings.append(
        Finding("type", name, "error", n_masked, what, "impute them, or drop their rows on both sides alike")
    )
    return np.asarray(A.astype(np.float64).filled(np.nan))


def _framed_if_mixed(A: Any, name: str) -> Any:
    """Convert arrays and lists of anything but numbers to a dataframe, with a type for each column."""
    import pandas as pd

    with about(name):
        array = A if hasattr(A, "dtype") else np.asarray(A)
        if getattr(array.dtype, "kind", "") in "USTO":
            array = np.asarray(A, dtype=object)
    if getattr(array.dtype, "kind", "") not in "OmMST" or array.ndim == 0 or array.size == 0:
        return A
    return pd.DataFrame(array).infer_objects()


def _numeric_part(A: Any, name: str, findings: list[Finding]) -> tuple[Any, list[Any]]:
    """Select the columns of numbers of a dataframe, and their names; numbers among missing values become floats."""
    import pandas as pd

    if not isinstance(A, pd.DataFrame):
        A = pd.DataFrame({column: np.asarray(A[column]) for column in columns_and_types(A)[0]})  # type: ignore[index]
    names = list(A.columns)
    several = A.columns[A.columns.duplicated()].unique()
    if len(several):
        what = f"{counted(len(several), 'names')} of several columns: {listed(several)}"
        findings.append(Finding("columns", name, "error", len(several), what, "rename them, or keep one of each"))
    kept: dict[int, Array] = {}
    left_out: list[int] = []
    for j in range(len(names)):
        values = A.iloc[:, j]
        if pd.api.types.is_numeric_dtype(values.dtype):
            continue
        numbers = _as_floats(values)
        if numbers is None:
            left_out.append(j)
        else:
            kept[j] = numbers
    if left_out:
        values = A.iloc[:, left_out[0]].dropna()
        sample = f", such as {_shown(values.iloc[0])}" if len(values) else ""
        which = listed(names[j] for j in left_out)
        what = f"{counted(len(left_out), 'columns')} of text, dates or objects{sample}: {which}"
        todo = (
            "drop them, or make numbers of them: pandas.to_numeric for numbers stored as text, pandas.get_dummies for "
            "labels, numpy.stack for lists; the report leaves them out"
        )
        findings.append(Finding("type", name, "error", len(left_out), what, todo))
    if kept:
        what = f"{counted(len(kept), 'columns')} of type object that hold numbers: {listed(names[j] for j in kept)}"
        findings.append(Finding("type", name, "warning", len(kept), what, f"convert them: {name}.astype(float)"))
    if not left_out and not kept and not len(several):
        return A, names
    chosen = [j for j in range(len(names)) if j not in set(left_out)]
    if not chosen:
        raise ValueError(
            f"{name} must have a column of numbers to look at, but it holds text, dates or objects{sample}. Lists of "
            "one length become rows by numpy.stack, labels columns by pandas.get_dummies."
        )
    columns = [kept.get(j, A.iloc[:, j].to_numpy(dtype=np.float64, na_value=np.nan)) for j in chosen]
    return np.column_stack(columns), [names[j] for j in chosen]


def _shown(value: Any) -> str:
    return (
        f"a {type(value).__name__}" if hasattr(value, "__len__") and not isinstance(value, str) else reprlib.repr(value)
    )


def _as_floats(values: Any) -> Array | None:
    """Convert numbers among missing values to floats; None if some value is neither, or too large."""
    if values.dtype.kind in "mM" or not all(isinstance(value, Real) for value in values.dropna().tolist()):
        return None
    with suppress(OverflowError):
        return np.asarray(values.to_numpy(dtype=object, na_value=np.nan), dtype=np.float64)
    return None
