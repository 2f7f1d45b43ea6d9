"""Checks of paired input, with one wording of errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._errors import as_typed, message_of
from .._sklearn import check_array, column_names, get_feature_names, tell_where, validate_data
from .._warn import warn
from ._blocks import aligned_rows, dask_rows, without_rows
from ._lazy import is_dask
from ._stored import DaskRows, PairedRows, rows_in_memory


def check_rows(
    A: ArrayLike,
    name: str,
    *,
    min_rows: int = 1,
    one_column_is_1d: bool = False,
    accept_sparse: bool = False,
    estimator: Any = None,
) -> NDArray[Any]:
    """Check one side's rows in memory and return them as a numeric array; finiteness is checked when they are read.

    `one_column_is_1d` allows a 1-D array, `accept_sparse` sparse rows, which become CSR. An error about too few rows
    names the estimator.
    """
    if A is None:
        raise ValueError(f"{name} is None; it must hold the rows of a modality: numbers of shape (n_rows, n_features).")
    array: NDArray[Any] = check_array(
        A,
        accept_sparse="csr" if accept_sparse else False,
        dtype="numeric",
        ensure_2d=not one_column_is_1d,
        ensure_all_finite=False,
        ensure_min_samples=min_rows,
        input_name=name,
        estimator=estimator,
    )
    return array


def lazy_rows(A: Any, name: str, *, one_column_is_1d: bool = False) -> Any:
    """Check the announced type of a Dask collection, and return a Dask array whose chunks are checked when read."""
    known = check_rows(without_rows(A, name), name, min_rows=0, one_column_is_1d=one_column_is_1d)
    return dask_rows(A, known.dtype, name)


def check_rows_of_x(
    estimator: Any,
    X: ArrayLike,
    *,
    min_rows: int = 1,
    accept_sparse: bool = False,
    lazy: bool = False,
    finite: bool = False,
) -> Any:
    """Check the first modality's rows, and that number and names of their features agree with the fit.

    With `accept_sparse` they may be sparse, and with `lazy` a Dask collection. Unless they are to be `finite` at once,
    that is checked where they are read.
    """
    is_lazy = lazy and is_dask(X)
    try:
        array: NDArray[Any] = validate_data(
            estimator,
            without_rows(X, "X") if is_lazy else X,
            accept_sparse="csr" if accept_sparse else False,
            dtype="numeric",
            ensure_all_finite=finite,
            ensure_min_samples=0 if is_lazy else min_rows,
        )
    except ValueError as error:
        _tell_sides_apart(error, estimator, X)
        raise
    return DaskRows(dask_rows(X, array.dtype, "X")) if is_lazy else rows_in_memory(array)


def _check_side(
    A: ArrayLike, name: str, *, lazy: bool, one_column_is_1d: bool = False, **checks: Any
) -> tuple[Any, NDArray[Any] | None, bool]:
    """Check one side; return its rows in 2-D, their feature names, and whether the input was 1-D."""
    is_lazy = lazy and is_dask(A)
    if is_lazy:
        array = lazy_rows(A, name, one_column_is_1d=one_column_is_1d)
    else:
        array = check_rows(A, name, one_column_is_1d=one_column_is_1d, **checks)
    names, is_1d = get_feature_names(A, name), array.ndim == 1
    rows = array[:, None] if is_1d else array
    return DaskRows(rows) if is_lazy else rows_in_memory(rows), names, is_1d


def _tell_sides_apart(error: ValueError, estimator: Any, X: Any) -> None:
    """Extend an error about the features of X when the features passed are those of the second modality."""
    message, names = message_of(error) or "", column_names(X)
    own_of_y = getattr(estimator, "y_feature_names_in_", None)
    found = re.match(r"X has (\d+) features", message)
    if (found and int(found[1]) == estimator._n_features_y) or (
        "feature names should match" in message and _are_equal(names, own_of_y)
    ):
        gap = "\n" if "\n" in message else " "
        error.args = (
            f"{message.rstrip()}{gap}The second modality has these: its rows are y, and alone they go to "
            "transform_y or predict_x.",
        )


def check_rows_of_y(estimator: Any, y: ArrayLike, *, accept_sparse: bool = False, lazy: bool = False) -> Any:
    """Check the second modality's rows, and that number and names of their features agree with the fit."""
    rows, names, _ = _check_side(y, "y", one_column_is_1d=True, accept_sparse=accept_sparse, lazy=lazy)
    check_features_of_y(estimator, rows, names)
    return rows


def check_pair(
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    estimator: Any = None,
    reset: bool = True,
    min_rows: int = 1,
    allow_no_weight: bool = False,
    accept_sparse: bool = False,
    lazy: bool = False,
) -> PairedRows:
    """Check paired rows; without `reset`, number and names of the features of X must agree with the fit.

    With `allow_no_weight` a batch may have no row of positive weight; then no rows are returned. With `lazy` either
    side, or both, may be a Dask collection.
    """
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__ if estimator else 'PairMoments'} requires y to be passed, but the target y is "
            "None. y holds the rows of the second modality, paired with those of X."
        )
    storage = {"accept_sparse": accept_sparse, "lazy": lazy and is_dask(X, y)}
    if reset:
        A, x_names, _ = _check_side(X, "X", min_rows=min_rows, estimator=estimator, **storage)
    else:
        A = check_rows_of_x(estimator, X, min_rows=min_rows, **storage)
        x_names = get_feature_names(X, "X")
    B, y_names, y_is_1d = _check_side(y, "y", min_rows=min(min_rows, 1), one_column_is_1d=True, **storage)
    if not reset:
        check_features_of_y(estimator, B, y_names)
    check_same_rows(A.shape[0], B.shape[0])
    warn_of_other_order(X=X, y=y, sample_weight=sample_weight)
    if not (A.at_hand and B.at_hand):
        A, B, w = aligned_pair(A.array, B.array, sample_weight)
        return PairedRows(DaskRows(A), DaskRows(B), w, x_names, y_names, y_is_1d)
    w = None if sample_weight is None else check_sample_weight(sample_weight, A.n_rows, allow_none=allow_no_weight)
    if w is not None and not w.all():
        kept = np.flatnonzero(w)
        A, B, w = A.take(kept), B.take(kept), w[kept]
    if A.n_rows < min_rows and not allow_no_weight:
        raise ValueError(
            f"sample_weight leaves n_samples={A.n_rows} row(s) with a positive weight, while a minimum of "
            f"{min_rows} is required."
        )
    return PairedRows(A, B, w, x_names, y_names, y_is_1d)


@contextmanager
def checked_pair(X: ArrayLike, y: ArrayLike, *more: Any, **options: Any) -> Iterator[PairedRows]:
    """Check paired rows as `check_pair` does; errors about values tell their place, wherever the rows are read."""
    try:
        yield check_pair(X, y, *more, **options)
    except ValueError as error:
        tell_where(error, X=X, y=y)
        raise


def aligned_pair(A: Any, B: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Cut both sides, of which one is a Dask array, and weights at the same rows; weights are checked when read."""
    w = sample_weight
    n_rows = next((C.shape[0] for C in (A, B) if not np.isnan(C.shape[0])), np.nan)
    if is_dask(w):
        w = lazy_rows(w, "sample_weight", one_column_is_1d=True)
    elif w is not None and not isinstance(w, Real):
        w = check_rows(w, "sample_weight", one_column_is_1d=True)
    if hasattr(w, "shape"):
        check_same_rows(n_rows, w.shape[0], "sample_weight")
    A, B, w = aligned_rows(X=A, y=B, sample_weight=w)
    return A, B, w


def check_same_rows(n_x: float, n_y: float, name: str = "y") -> None:
    """Refuse sides with different numbers of rows; NaN, a number not known yet, passes."""
    if n_x != n_y and not np.isnan([n_x, n_y]).any():
        raise ValueError(f"X has {n_x} rows and {name} has {n_y}; rows are pairs, so both need the same number.")


def warn_of_other_order(**sides: Any) -> None:
    """Warn if dataframes or series, given by name, have the index labels of the first in another order.

    Rows shuffled or sorted on one side only would be paired wrongly, without any error.
    """
    # Labels of pandas know whether they are unique; those of Dask do not.
    labels: dict[str, Any] = {name: getattr(A, "index", None) for name, A in sides.items()}
    one, a = next(iter(labels.items()))
    for other, b in labels.items():
        if not (hasattr(a, "is_unique") and hasattr(b, "is_unique")) or len(a) != len(b) or a.equals(b):
            continue
        if a.is_unique and b.is_unique and b.isin(a).all():
            first, second = as_typed(one), as_typed(other)
            warn(
                f"The indexes of {first} and {second} hold the same labels in different orders, and rows are paired by "
                f"their positions. To pair them by their labels pass {second}.loc[{first}.index] as {second}."
            )


def refuse_other_order(**names: NDArray[Any] | None) -> None:
    """Refuse two lists of feature names, each with its owner as key, that are the same in different orders.

    Different names pass: the two may come from different sources.
    """
    (one, a), (other, b) = names.items()
    if a is None or b is None or np.array_equal(a, b) or sorted(a) != sorted(b):
        return
    raise ValueError(
        f"{one} and {other} have columns of the same names in different orders: {list(a)[:5]} and {list(b)[:5]} (first "
        "five). Pass the same columns in the same order."
    )


def check_sample_weight(sample_weight: ArrayLike, n_rows: int, *, allow_none: bool = False) -> NDArray[np.float64]:
    """Return non-negative finite weights as float64, one per row; a single number is repeated for all rows.

    At least one must be positive, unless `allow_none`.
    """
    w: NDArray[np.float64]
    if isinstance(sample_weight, Real):
        w = np.full(n_rows, sample_weight, dtype=np.float64)
    else:
        w = check_array(
            sample_weight, dtype=np.float64, ensure_2d=False, ensure_min_samples=0, input_name="sample_weight"
        )
    if w.shape != (n_rows,):
        raise ValueError(
            f"sample_weight has shape {w.shape}; it needs one weight for each of the {n_rows} rows: ({n_rows},)."
        )
    if not (np.isfinite(w).all() and (w >= 0).all() and (allow_none or w.any() or not n_rows)):
        raise ValueError(
            "sample_weight must be finite and non-negative, and not every weight may be zero; "
            f"the weights range from {w.min():g} to {w.max():g}."
        )
    return w


def check_scale_of_weights(weight_sum: float) -> None:
    """Refuse weights that leave no degree of freedom for a covariance (its divisor is Σw − 1)."""
    if weight_sum <= 1:
        raise ValueError(
            f"sample_weight sums to {weight_sum:g}; a covariance divides by the sum minus 1, so it must be more "
            "than 1. Weights count repetitions of a row: rescale them, for example to a mean of 1."
        )


def _are_equal(names: NDArray[Any] | None, others: NDArray[Any] | None) -> bool:
    return names is not None and others is not None and np.array_equal(names, others)


def check_features_of_y(estimator: Any, y: NDArray[Any], names: NDArray[Any] | None) -> None:
    """Refuse rows of the second modality whose width or feature names differ from the fit."""
    name, width = type(estimator).__name__, estimator._n_features_y
    hint, names_of_x = "", getattr(estimator, "feature_names_in_", None)
    if y.shape[1] == estimator.n_features_in_ != width or _are_equal(names, names_of_x):
        hint = " The first modality has these: its rows are X, and alone they go to transform or predict."
    elif y.shape == (width, 1) != (1, 1):
        hint = " A single row is passed as [y]."
    if y.shape[1] != width:
        raise ValueError(
            f"y has {y.shape[1]} features, but {name} was fitted with {width} in the second modality.{hint}"
        )
    fitted = getattr(estimator, "y_feature_names_in_", None)
    if fitted is not None and names is not None and not np.array_equal(fitted, names):
        raise ValueError(
            f"The features of y are named {list(names)[:5]} (first five), but {name} was fitted with "
            f"{list(fitted)[:5]}; pass the same columns in the same order.{hint}"
        )
