"""The one door for scikit-learn's private helpers."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from sklearn.utils import _safe_indexing
from sklearn.utils._set_output import ADAPTERS_MANAGER, _get_output_config
from sklearn.utils.validation import _get_feature_names, _num_samples, validate_data

__all__ = ["count_rows", "get_feature_names", "take_rows", "validate_data", "wrap_scores"]


def get_feature_names(A: Any) -> NDArray[Any] | None:
    """Column names of a dataframe, or None: numbers and mixed names do not count, as everywhere in scikit-learn."""
    names: NDArray[Any] | None = _get_feature_names(A)
    return names


def count_rows(A: Any) -> int:
    """Number of rows of anything that scikit-learn takes for data."""
    return int(_num_samples(A))


def take_rows(A: Any, rows: slice) -> Any:
    """The rows of anything that scikit-learn takes for data; the same object if these are all."""
    return A if rows.start == 0 and rows.stop >= count_rows(A) else _safe_indexing(A, rows)


def wrap_scores(estimator: Any, scores: NDArray[Any], original: Any, columns: NDArray[Any]) -> Any:
    """Wrap scores in the container that `set_output` (or the global configuration) asks for."""
    container = _get_output_config("transform", estimator)["dense"]
    if container == "default":
        return scores
    return ADAPTERS_MANAGER.adapters[container].create_container(scores, original, columns=columns)
