"""Retrieval report of a model on some pairs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..metrics import retrieval_report
from ..metrics.measures import ChosenMeasure
from ._sides import Positions, Sides, check_width, scores_in_blocks

# Measures of the rank of the first relevant item.
_MEASURES = ("hit_rate_at_1", "hit_rate_at_5", "hit_rate_at_10", "mean_reciprocal_rank")
# Measures of all relevant items, and the median rank.
_MEASURES_OF_LISTS = ("mean_average_precision", "median_rank")


@dataclass(frozen=True)
class PairReport:
    """Table of both directions, the number of pairs used, and the number of pairs left out."""

    table: Any
    n_pairs: int
    n_left_out: int

    @property
    def records(self) -> list[dict[str, Any]]:
        """Rows of the table."""
        found: list[dict[str, Any]] = self.table.reset_index().to_dict("records")
        return found

    @property
    def text(self) -> str:
        """Table as it is printed."""
        text: str = self.table.round(3).to_string()
        if not self.n_left_out:
            return text
        return f"{text}\n({self.n_pairs} pairs chosen at random of {self.n_pairs + self.n_left_out}; see --at-most)"


def report_on(model: Any, sides: Sides, pairs: Positions, arguments: argparse.Namespace) -> PairReport:
    """Measure how well rows of each side of some pairs find those of the other."""
    check_width(model, sides.X, "x", "X")
    check_width(model, sides.y, "y", "Y")
    kept = some_pairs(sides, pairs, arguments.at_most, arguments.seed)
    x_rows, x_first = np.unique(sides.rows.x_rows[kept], return_index=True)
    y_rows, y_first = np.unique(sides.rows.y_rows[kept], return_index=True)
    given: dict[str, Any] = {}
    for side, first in (("x", kept[x_first]), ("y", kept[y_first])):
        if sides.labels is not None:
            given[f"{side}_ids"] = sides.labels[sides.rows.x_rows[first]]
        elif sides.joined:
            given[f"{side}_ids"] = sides.rows.ids[first]
        if sides.groups is not None:
            given[f"{side}_groups"] = sides.groups[first]
    scores = (
        np.concatenate(list(scores_in_blocks(model, A, side, rows)))
        for A, side, rows in ((sides.X, "x", x_rows), (sides.y, "y", y_rows))
    )
    required = [ChosenMeasure.named(name).name for name, _ in getattr(arguments, "require", [])]
    measures = list(dict.fromkeys([*_MEASURES, *_MEASURES_OF_LISTS, *required]))
    table = retrieval_report(*scores, measures=measures, random_state=arguments.seed, **given)
    return PairReport(table, len(kept), len(pairs) - len(kept))


def some_pairs(sides: Sides, pairs: Positions, at_most: int, seed: int) -> Positions:
    """Choose whole groups at random, at most so many pairs in all."""
    if len(pairs) <= at_most:
        return pairs
    groups = pairs if sides.groups is None else np.unique(sides.groups[pairs], return_inverse=True)[1]
    numbers, sizes = np.unique(groups, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(numbers))
    taken = order[np.cumsum(sizes[order]) <= at_most]
    if not len(taken):
        raise ValueError(
            f"--at-most {at_most} leaves no pair: a group of {sizes[order[0]]} pairs came first, and groups are taken "
            "whole. Raise it, or pass finer groups."
        )
    return pairs[np.isin(groups, numbers[taken])]


def unmet(report: PairReport, required: Sequence[tuple[str, float]]) -> list[tuple[str, float, str, float]]:
    """List requirements that are not met: measure, value required, direction, value."""
    found = []
    for name, value in required:
        chosen = ChosenMeasure.named(name)
        for direction, got in report.table["value"].xs(chosen.name, level="measure").items():
            if not (got >= value if chosen.measure.greater_is_better else got <= value):
                found.append((chosen.name, value, direction, float(got)))
    return found
