"""Preparation of input that several displays share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._aligner import fitted_aligner, unwrapped
from .._checks import check_whole_number
from .._ids import checked_ids, distinct_ids
from .._sklearn import check_array, count_rows
from ..metrics import retrieval_report
from ..metrics._directions import Direction, check_names
from ..rows._validation import check_same_rows, warn_of_other_order


def direction_names(names: Sequence[str]) -> tuple[str, str]:
    """Return the names of the two search directions, query to gallery."""
    check_names(names)
    first, second = (direction.label(names) for direction in Direction)
    return first, second


def by_direction(report: Any, *columns: str) -> list[dict[str, NDArray[Any]]]:
    """Return columns of a retrieval report, each as an array for each direction."""
    tables = {direction: report.loc[direction] for direction in report.index.unique("direction")}
    return [{name: table[column].to_numpy(dtype=float) for name, table in tables.items()} for column in columns]


def values_and_chance(
    x_scores: Any, y_scores: Any, measures: list[str], **options: Any
) -> list[dict[str, NDArray[Any]]]:
    """Compute measures, and their levels of chance, for each direction."""
    report = retrieval_report(x_scores, y_scores, measures=measures, n_resamples=0, **options)
    return by_direction(report, "value", "chance")


def cutoffs(largest: int, n_points: int = 25) -> NDArray[Any]:
    """Choose whole numbers from 1 to the largest, evenly spread on a logarithmic scale."""
    spread = np.geomspace(1, max(largest, 1), n_points).round().astype(int)
    return np.asarray(np.unique(spread))


def sizes_of_galleries(x_scores: Any, y_scores: Any) -> tuple[int, int]:
    return count_rows(x_scores, "x_scores"), count_rows(y_scores, "y_scores")


def name_of(aligner: Any, name: str | None) -> str:
    """Return the name of a model in the legend: the user's, or that of its class."""
    return type(unwrapped(aligner)).__name__ if name is None else name


def named(aligner: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Add the name of the model to the options of a display."""
    return options | {"name": name_of(aligner, options.get("name"))}


def scores_of_sides(aligner: Any, X: Any, y: Any) -> tuple[Any, Any]:
    """Compute scores of both modalities' rows, which need not be pairs."""
    aligner = fitted_aligner(aligner)
    return aligner.transform(X), aligner.transform_y(y)


def scores_of_rows(aligner: Any, X: Any, y: Any, options: Mapping[str, Any] | None = None) -> tuple[Any, Any]:
    """Compute scores of both modalities' rows, which must be pairs unless the options have ids."""
    scores = scores_of_sides(aligner, X, y)
    if all((options or {}).get(ids) is None for ids in ("x_ids", "y_ids")):
        check_same_rows(scores[0].shape[0], scores[1].shape[0])
        warn_of_other_order(X=X, y=y)
    return scores


def check_components(components: Sequence[int], n_components: int) -> list[int]:
    """Check that two components exist, and return them as a list."""
    numbers = [check_whole_number(j, f"components[{i}]", low=0) for i, j in enumerate(components)]
    if len(numbers) != 2 or max(numbers) >= n_components:
        raise ValueError(f"components must be two of 0 to {n_components - 1}; got {components!r}.")
    return numbers


def paired_scores(x_scores: Any, y_scores: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Check scores of both modalities, paired by row and column."""
    warn_of_other_order(x_scores=x_scores, y_scores=y_scores)
    x, y = check_array(x_scores, input_name="x_scores"), check_array(y_scores, input_name="y_scores")
    if x.shape != y.shape:
        raise ValueError(f"x_scores and y_scores must be pairs of the same 2-D shape, got {x.shape} and {y.shape}.")
    return x, y


def class_codes(classes: Any, name: str, n_rows: int, rows: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the classes in sorted order, and the position of each row's class among them."""
    return distinct_ids(checked_ids(classes, name, n_rows, rows), name)
