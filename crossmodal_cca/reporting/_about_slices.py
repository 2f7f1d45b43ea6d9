"""Section of kinds of queries that fare worse than the others."""

from __future__ import annotations

from typing import Any

from ._about_model import number
from ._contents import Content, Table, Text
from ._evidence import Evidence
from ._instruments import Slice


def contents_of_slices(evidence: Evidence) -> list[Content]:
    """Show the slices that were tested, those that are sure first, with what they are about."""
    slices, question = evidence.told.slices, evidence.question
    if isinstance(slices, str):
        return [Text(f"These pairs do not tell: {slices}")]
    columns = ["direction", "queries", evidence.grounds.measure, "all others", "p", "sure"]
    rows = [
        [
            *(each.direction.label(question.names), f"{each.n_tested:,}"),
            *map(number, (each.outcome, each.outside, each.p_value)),
            ("worse" if each.is_worse else "better") if each.is_sure else "",
        ]
        for each in slices
    ]
    if question.shows_items:
        columns.insert(1, "about")
        rows = [[row[0], _about(evidence, each), *row[1:]] for row, each in zip(rows, slices, strict=True)]
    n = sum(each.is_sure and each.is_worse for each in slices)
    return [
        Text(
            f"{n or 'No'} {'kind of query fares' if n == 1 else 'kinds of queries fare'} surely worse than the others. "
            "Neighbourhoods of the shared space were found on one half of the held-out queries and tested on the "
            "other half, which all figures are of; p is corrected for all of both directions."
        ),
        Table("Kinds of queries that differ most", columns, rows),
    ]


def _about(evidence: Evidence, found: Slice) -> str:
    captions = (evidence.question.caption(found.named_by, row) for row in found.nearest)
    return "; ".join(
        ", ".join([*each.texts, *each.addresses, *(name for name, _ in each.thumbnails)]) for each in captions
    )


def numbers_of_slices(evidence: Evidence) -> Any:
    """Return the slices, with the positions of their pairs."""
    slices = evidence.told.slices
    if isinstance(slices, str):
        return {"reason": slices}
    return [
        {
            "direction": each.direction.label(evidence.question.names),
            "n_tested": each.n_tested,
            "value": each.outcome,
            "outside": each.outside,
            "p_value": each.p_value,
            "sure": each.is_sure,
            "worse": each.is_worse,
            "pairs": each.pairs,
        }
        for each in slices
    ]
