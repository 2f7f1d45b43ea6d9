"""Sections about the model: comparison of methods, figures on held-out pairs, hit rates, hubs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._typing import DataFrame
from ..plotting import AlignerComparisonDisplay, HitRateDisplay, HubnessDisplay
from ..plotting._data import by_direction
from ..retrieval.hubness import skewness
from ._contents import Bullets, Content, Picture, Table, Text
from ._evidence import Evidence
from ._figures import legible


def records(table: DataFrame | None) -> list[dict[str, Any]] | None:
    """Return the rows of a table, with what names them."""
    return None if table is None else table.reset_index().to_dict("records")  # type: ignore[return-value]


def number(value: float) -> str:
    """Write a share with three digits behind the point, a rank with one at most."""
    return "" if np.isnan(value) else f"{value:.3f}" if abs(value) <= 1 else f"{value:,.1f}".removesuffix(".0")


def contents_of_comparison(evidence: Evidence) -> list[Content]:
    """Show the methods that were compared, the best first."""
    table = evidence.comparison
    assert table is not None
    columns = ["method", "quality", "95 % interval", "behind the best", "p", "wrong pairs", "seconds", "settings"]
    rows = [
        [
            str(row["method"]),
            number(row["quality"]),
            _between(row),
            "" if row["method"] == table.attrs["picked"] else f"{-row['difference']:.3f}",
            number(row["p_value"]),
            number(row["control"]),
            f"{row['seconds_to_choose'] + row['seconds_to_fit']:.1f}",
            row["settings"],
        ]
        for row in records(table) or []
    ]
    n_folds, chance = table.attrs["n_folds"], table["chance"].iloc[0]
    return [
        Text(
            f"{evidence.grounds.measure} by cross-validation in {n_folds} folds of the training pairs, with settings "
            f"chosen inside of each; chance is {number(chance)}. The best one is what the page is about: its figures "
            "below are of pairs that had no say in the choice, and are therefore often a little lower."
        ),
        Table("Methods, the best first", columns, rows),
        Picture(
            lambda ax: _against_seconds(table, ax),
            "Quality of each method with its interval, against the seconds to choose its settings and to fit it: "
            + "; ".join(f"{row[0]} {row[1]} in {row[6]} s" for row in rows),
        ),
    ]


def _against_seconds(table: DataFrame, ax: Any) -> None:
    from matplotlib.ticker import LogFormatter

    AlignerComparisonDisplay.from_table(table, ax=ax)
    # Powers of ten are formulas, and pictures of a page have none.
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1.0, 0.4)))


def _between(row: dict[str, Any]) -> str:
    return f"{number(row['low'])} to {number(row['high'])}"


def contents_of_figures(evidence: Evidence) -> list[Content]:
    """Show what the model reaches on held-out pairs, beside chance and fits to wrong pairs."""
    grounds, control = evidence.grounds, evidence.control
    columns = ["direction", "measure", "value", "95 % interval", "chance", "queries", "gallery"]
    rows = [
        [row["direction"], row["measure"], number(row["value"]), _between(row), number(row["chance"])]
        + [f"{row[name]:,.0f}" for name in ("n_queries", "n_gallery")]
        for row in records(evidence.figures) or []
    ]
    levels = {
        "held-out pairs": f"{grounds.quality:.3f} (95 % interval {grounds.low:.3f} to {grounds.high:.3f})",
        "as many training pairs": f"{grounds.in_sample:.3f}",
        "chance": f"{grounds.chance:.3f}",
        f"fitted to wrong pairs, {len(control)} times": f"{control.mean():.3f} (at most {control.max():.3f})",
    }
    return [
        Table(f"{grounds.measure}, mean of both directions", ["", "value"], [list(each) for each in levels.items()]),
        Table("Each direction by itself", columns, rows, 2),
    ]


def contents_of_hit_rates(evidence: Evidence) -> list[Content]:
    """Draw the share of queries whose partner is among the first k results."""
    ks, curves = _ks(evidence), by_direction(evidence.curves, "value", "chance", "low", "high")
    names = dict(zip(curves[0], legible(list(curves[0])), strict=True))
    values, *rest = ({names[name]: of_direction for name, of_direction in each.items()} for each in curves)
    display = HitRateDisplay(ks, values, *rest[:1], low=rest[1], high=rest[2])
    figures, ends = evidence.figures["value"], []
    for direction in names:
        one, ten = (figures[direction, f"hit_rate_at_{k}"] for k in (1, 10))
        ends.append(f"{direction}: {one:.0%} at one result, {ten:.0%} at ten")
    text = f"Curves of the hit rate against the number of results looked at. {'; '.join(ends)}."
    return [Picture(display.plot, text)]


def _ks(evidence: Evidence) -> NDArray[Any]:
    names = evidence.curves.index.unique("measure")
    return np.array([int(name.rpartition("_")[2]) for name in names])


def numbers_of_hit_rates(evidence: Evidence) -> dict[str, Any]:
    """Return the curves."""
    columns = {"hit_rates": "value", "chance": "chance", "low": "low", "high": "high"}
    curves = by_direction(evidence.curves, *columns.values())
    return {"ks": _ks(evidence)} | dict(zip(columns, curves, strict=True))


def contents_of_hubs(evidence: Evidence) -> list[Content]:
    """Draw how often items are found, and say how uneven that is."""
    k = _k_of_hubs(evidence)
    names = legible(evidence.question.names)

    def draw(ax: Any) -> None:
        HubnessDisplay.from_predictions(
            *evidence.gallery.scores.values(),
            k=k,
            similarity=evidence.question.similarity,
            names=(names[0], names[1]),
            ax=ax,
        )

    said = [
        f"{direction}: the item found most often is among the first {k} of {each['most']:,} queries "
        f"(on average {each['mean']:.1f}), and {each['never_found']:.0%} of the items are found by none"
        for direction, each in numbers_of_hubs(evidence).items()
    ]
    return [
        Text("Hubs are items that too many queries find."),
        Bullets(said),
        Picture(draw, "Curves of the share of the gallery that is found at least so many times, beside chance."),
    ]


def _k_of_hubs(evidence: Evidence) -> int:
    return min(10, *(len(rows) for rows in evidence.gallery.rows.values()))


def numbers_of_hubs(evidence: Evidence) -> dict[str, Any]:
    """Return how unevenly items are found, for each direction."""
    return {
        direction.label(evidence.question.names): {
            "most": int(counts.max()),
            "mean": float(counts.mean()),
            "skewness": skewness(counts),
            "never_found": float(np.mean(counts == 0)),
        }
        for direction, counts in evidence.occurrences.items()
    }
