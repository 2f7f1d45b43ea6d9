"""Section of the queries that are worse off than with a simpler model."""

from __future__ import annotations

from typing import Any

from ._about_model import number
from ._contents import Code, Content, Table, Text
from ._evidence import Evidence

# Most classes of each direction in the table, those with the smallest p-values.
_MOST_CLASSES = 5
# Columns of a harm report that are shown.
_SHOWN = ("better", "worse", "same", "loss", "worse_at_most", "p_value")


def contents_of_harm(evidence: Evidence) -> list[Content]:
    """Show the shares of queries that get better and worse, and the classes that lose."""
    harm = evidence.told.harm
    assert harm is not None
    rows, classes = [], []
    for name, found in numbers_of_harm(evidence)["by_direction"].items():
        rows.append([name, *_cells(found[0])])
        classes += [[name, each["queries"], *_cells(each)] for each in found[1 : _MOST_CLASSES + 1]]
    columns = ["groups of queries", "better", "worse", "same", "mean loss", "worse at most", "p"]
    contents: list[Content] = [
        Text(
            f"{evidence.grounds.measure} of the same held-out queries by this model and by the simpler one below, one "
            "value for each group of pairs. A mean that rises says nothing of those who lose by it. The p-value is of "
            "the hypothesis that no more get worse than better, corrected for both directions."
        ),
        Code(harm.baseline),
        Table("Better and worse than that", ["direction", *columns], rows),
    ]
    if classes:
        table = "Classes that lose most surely (p corrected over the classes of a direction)"
        contents.append(Table(table, ["direction", "class", *columns], classes, 2))
    return contents


def _cells(row: dict[str, Any]) -> list[str]:
    return [f"{row['n_queries']:,}", *(number(row[name]) for name in _SHOWN)]


def numbers_of_harm(evidence: Evidence) -> dict[str, Any]:
    """Return the reports of both directions: all queries, then classes."""
    harm = evidence.told.harm
    assert harm is not None
    by_direction = {
        direction.label(evidence.question.names): [
            {"queries": str(name)} | row for name, row in zip(table.index, table.to_dict("records"), strict=True)
        ]
        for direction, table in harm.tables.items()
    }
    return {"baseline": harm.baseline, "by_direction": by_direction}
