"""The one door for scikit-learn's private helpers, and for its checks: these would load a Dask collection whole."""

from __future__ import annotations

import sys
from contextlib import suppress
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import utils
from sklearn.utils import _safe_indexing, validation
from sklearn.utils._set_output import ADAPTERS_MANAGER, _get_output_config
from sklearn.utils.validation import _get_feature_names, _is_fitted, _num_samples

from ._blocks import is_dask, without_rows
from ._errors import about, in_terms_of
from ._numbers import as_numbers, at_hand, in_double

__all__ = [
    "check_array",
    "column_names",
    "count_rows",
    "errors_become_nan",
    "get_feature_names",
    "is_fitted",
    "refuse_dask",
    "take_rows",
    "validate_data",
    "wrap_scores",
]


def refuse_dask(A: Any, name: str) -> None:
    """Refuse a Dask collection where all of it would have to be in memory."""
    if is_dask(A):
        raise TypeError(
            f"{name} is a Dask {type(A).__name__}, all of which would have to be in memory here: call compute() if it "
            "fits. CCA, the PLS classes and PairMoments take Dask collections as they are, retrieval_ranks and "
            "search_shards take Dask galleries."
        )


def check_array(A: Any, *, input_name: str, **checks: Any) -> Any:
    """scikit-learn's `check_array` of rows in memory, which must be numbers unless ``dtype=None``."""
    refuse_dask(A, input_name)
    of_any_kind = checks.get("dtype", "numeric") is None
    rows = at_hand(A, input_name) if of_any_kind else as_numbers(A, input_name)
    with about(input_name):
        array = utils.check_array(rows, input_name=input_name, **checks)
    return array if of_any_kind else _finite_in_double(array, input_name, checks)


def validate_data(estimator: Any, X: Any, **checks: Any) -> Any:
    """scikit-learn's `validate_data` of rows of numbers in memory; with labels `y`, both."""
    refuse_dask(X, "X")
    numbers = as_numbers(X, "X")
    if "y" in checks:
        checks["y"] = at_hand(checks["y"], "y")
    with about(*(["X", "y"] if "y" in checks else ["X"])):
        found = validation.validate_data(estimator, numbers, **checks)
    if isinstance(found, tuple):
        return _finite_in_double(found[0], "X", checks), found[1]
    return _finite_in_double(found, "X", checks)


def _finite_in_double(array: Any, name: str, checks: dict[str, Any]) -> Any:
    """Checked numbers, of which those of more than double precision may have become infinite."""
    double = in_double(array)
    if double is not array and checks.get("ensure_all_finite", True):
        utils.assert_all_finite(double, input_name=name)
    return double


def get_feature_names(A: Any, name: str) -> NDArray[Any] | None:
    """Column names of a dataframe, or None: numbers and mixed names do not count, as everywhere in scikit-learn."""
    with in_terms_of(X=name):
        names: NDArray[Any] | None = _get_feature_names(without_rows(A, name) if is_dask(A) else A)
    return names


def column_names(A: Any) -> NDArray[Any] | None:
    """Names to compare before rows are checked: None also where scikit-learn refuses them, as mixed with numbers."""
    with suppress(TypeError, ValueError):
        return get_feature_names(A, "X")
    return None


def count_rows(A: Any, name: str) -> int:
    """Number of rows of anything that scikit-learn takes for data."""
    with about(name):
        return int(_num_samples(at_hand(A, name)))


def is_fitted(estimator: Any) -> bool:
    """Whether an estimator has been fitted, as `check_is_fitted` sees it."""
    return bool(_is_fitted(estimator))


def take_rows(A: Any, rows: slice | NDArray[np.intp]) -> Any:
    """The rows of anything that scikit-learn takes for data; the same object if a slice is of all."""
    if isinstance(rows, slice) and hasattr(A, "slice") and hasattr(A, "column_names"):
        return A.slice(rows.start, rows.stop - rows.start)  # pyarrow's, which older versions cannot index
    is_whole = isinstance(rows, slice) and rows.start == 0 and rows.stop >= _num_samples(A)
    return A if is_whole else _safe_indexing(A, rows)


def wrap_scores(estimator: Any, scores: NDArray[Any], original: Any, columns: NDArray[Any]) -> Any:
    """Wrap scores in the container that `set_output` (or the global configuration) asks for; Dask's stay Dask's."""
    container = _get_output_config("transform", estimator)["dense"]
    if container == "default" or is_dask(scores):
        return scores
    return ADAPTERS_MANAGER.adapters[container].create_container(scores, original, columns=columns)


def errors_become_nan() -> bool:
    """Whether a scorer that asks this is called by a cross-validation of scikit-learn, which makes errors NaN."""
    # Where none has run, the module need not be loaded for this.
    scoring = getattr(sys.modules.get("sklearn.model_selection._validation"), "_score", None)
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("sklearn."):
        if frame.f_code is getattr(scoring, "__code__", None):
            return bool(frame.f_locals["error_score"] != "raise")
        frame = frame.f_back
    return False
