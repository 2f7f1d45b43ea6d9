"""Conformal intervals from residuals of rows that the model, or the model of their fold, has not seen.

Notation: n calibration rows, k the rank ⌈level · (n + 1)⌉. The error of a new row is at most their k-th smallest error
with probability k / (n + 1), since any order of the n + 1 is equally likely, whatever the model and the distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from math import ceil
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone

from .._aligner import check_can_be_fitted, fitted_aligner, unwrapped
from .._checks import check_whole_number
from .._errors import in_terms_of
from .._ids import checked_ids
from .._sklearn import check_array, count_rows, take_rows, telling_where
from .._typing import FloatArray, Split
from .._warn import warn
from ..alignment._splits import SEED_OF_FOLDS, folds_of
from ..rows._blocks import row_slices
from ..rows._validation import warn_of_other_order

# Numbers held at a time (16 MB in double precision): each new row is compared with each calibration row.
_AT_ONCE = 2**21


def checked_pair(calibration: Any) -> tuple[Any, Any]:
    """Check that calibration rows are pairs, and return the two sides."""
    if not isinstance(calibration, tuple | list) or len(calibration) != 2:
        raise TypeError(
            "calibration must be a pair (X, y) of rows that took no part in the fit, got "
            f"{type(calibration).__name__}. method='conformal' needs it."
        )
    X, y = calibration
    n, n_partners = count_rows(X, "X of calibration"), count_rows(y, "y of calibration")
    if n != n_partners:
        raise ValueError(f"calibration must hold pairs of rows, got {n} rows of X and {n_partners} of y.")
    warn_of_other_order(X=X, y=y)
    return X, y


def predictions(model: Any, rows: Any, modality: str, name: str) -> FloatArray:
    """Predict the other modality's features from rows (called `name` in messages); 1-D if the model predicts 1-D."""
    method = "predict" if modality == "y" else "predict_x"
    way_out = f"It is needed to predict modality {modality!r}."
    model = fitted_aligner(model, needs=(method,), way_out=way_out)
    with in_terms_of(**{"X" if modality == "y" else "y": name}):
        return np.asarray(getattr(model, method)(rows))


def residuals(model: Any, calibration: tuple[Any, Any], modality: str) -> FloatArray:
    """Compute absolute errors of the predictions of calibration rows, (n_rows, n_features) or (n_rows,)."""
    known, wanted = calibration if modality == "y" else calibration[::-1]
    in_calibration = {side: f"{side} of calibration" for side in ("X", "y")}
    predicted = predictions(model, known, modality, in_calibration["X" if modality == "y" else "y"])
    wanted_name = in_calibration["y" if modality == "y" else "X"]
    truth = check_array(wanted, dtype=[np.float64, np.float32], ensure_2d=False, input_name=wanted_name)
    own = "transform_y" if modality == "y" else "transform"
    model = unwrapped(model)
    if hasattr(model, own):
        # The model compares names of columns, and their order.
        with in_terms_of(**in_calibration):
            getattr(model, own)(take_rows(wanted, slice(0, 1)))
    if truth.size != predicted.size:
        raise ValueError(
            f"{wanted_name} has {truth.size // len(truth)} features, but the model predicts "
            f"{predicted.size // len(predicted)}; pass those that it was fitted to."
        )
    errors: FloatArray = np.abs(truth.reshape(predicted.shape) - predicted)
    return errors


def split_interval(predicted: FloatArray, errors: FloatArray, confidence_level: float) -> tuple[FloatArray, FloatArray]:
    """Return predictions ± the k-th smallest calibration error of each feature; infinite for fewer than k rows."""
    n = len(errors)
    k = _rank(n, confidence_level)
    half = np.partition(errors, k - 1, axis=0)[k - 1] if k <= n else np.inf
    return predicted - half, predicted + half


def cross_interval(
    predicted: Sequence[FloatArray], errors: Sequence[FloatArray], confidence_level: float
) -> tuple[FloatArray, FloatArray]:
    """Return CV+ intervals: quantiles of each fold's prediction minus, or plus, the errors of the rows of that fold."""
    n = sum(map(len, errors))
    k = _rank(n, confidence_level)
    low, high = np.full((2, *predicted[0].shape), np.inf)
    if k > n:
        return -low, high
    n_features = max(1, predicted[0][:1].size)
    for rows in row_slices(len(low), max(1, _AT_ONCE // (n * n_features))):
        below, above = (
            np.concatenate([each[rows] + sign * error[:, None] for each, error in zip(predicted, errors, strict=True)])
            for sign in (-1, 1)
        )
        low[rows] = np.partition(below, n - k, axis=0)[n - k]
        high[rows] = np.partition(above, k - 1, axis=0)[k - 1]
    return low, high


def cross_fitted(
    model: Any, rows: Any, calibration: tuple[Any, Any], modality: str, cv: Any, groups: Any
) -> tuple[list[FloatArray], list[FloatArray]]:
    """Fit a clone without each fold; predict the new rows with it, and compute its errors on the rows of the fold."""
    check_can_be_fitted(model)
    X, y = calibration
    predicted, errors = [], []
    named = {"X": X, "y": y, "X of calibration": X, "y of calibration": y, "rows": rows}
    with telling_where(**named):
        for train, test in _folds(cv, X, y, groups):
            fitted = clone(model).fit(take_rows(X, train), take_rows(y, train))
            predicted.append(predictions(fitted, rows, modality, "rows"))
            errors.append(residuals(fitted, (take_rows(X, test), take_rows(y, test)), modality))
    return predicted, errors


def warn_of_few(n: int, confidence_level: float) -> None:
    """Warn, and say why, if intervals are infinite."""
    if _rank(n, confidence_level) > n:
        # Start just below level / (1 − level), as rounding moves it.
        likely = int(confidence_level / (1 - confidence_level))
        fewest = next(n_rows for n_rows in count(likely) if _rank(n_rows, confidence_level) <= n_rows)
        warn(
            f"The intervals are infinite: {n} calibration rows say nothing at confidence_level={confidence_level:g}. "
            f"Pass at least {fewest} rows, or ask for at most {1000 * n // (n + 1) / 1000:g}."
        )


def _rank(n: int, confidence_level: float) -> int:
    # Round off: .55 · 20 is a little more than 11 in floating point.
    return ceil(round(confidence_level * (n + 1), 9))


def _folds(cv: Any, X: Any, y: Any, groups: Any) -> list[Split]:
    """Return folds that hold every row once; a number of folds shuffles the rows, and keeps groups together."""
    # Imported here, as the import takes a tenth of a second.
    from sklearn.model_selection import GroupKFold, KFold

    n = count_rows(X, "X")
    if groups is not None:
        warn_of_other_order(X=X, groups=groups)
        groups = checked_ids(groups, "groups", n, "calibration")
    if isinstance(cv, Integral):
        kind = KFold if groups is None else GroupKFold
        cv = kind(check_whole_number(cv, "cv", low=2), shuffle=True, random_state=SEED_OF_FOLDS)
    splits = folds_of(cv, np.zeros(n), y, groups)
    tested = np.concatenate([test for _, test in splits]) if splits else np.zeros(0, dtype=np.intp)
    if not np.array_equal(np.sort(tested), np.arange(n)):
        raise ValueError(
            "cv must put every calibration row into the test part of exactly one fold, as KFold and GroupKFold do."
        )
    if any(len(np.intersect1d(train, test)) for train, test in splits):
        raise ValueError("cv must give folds whose training and test rows are apart.")
    return splits
