"""Section about a change since a reference."""

from __future__ import annotations

from typing import Any

from ._about_model import number, records
from ._contents import Bullets, Content, Table, Text
from ._evidence import Evidence
from ._reference import in_names


def contents_of_drift(evidence: Evidence) -> list[Content]:
    """Show what differs between the held-out pairs and the reference."""
    found, names = evidence.told.drift, evidence.question.names
    assert found is not None
    if isinstance(found, str):
        return [Text(f"These pairs do not tell: {found}")]
    rows = [
        [in_names(row["what"], names), number(row["effect"]), number(row["adjusted_p_value"]), row["verdict"]]
        for row in records(found.table) or []
    ]
    said = [f"{in_names(what, names)}: changed" for what in found.changed]
    return [
        Text(
            f"{found.n_pairs:,} held-out pairs, one of each group, against {found.n_reference:,} pairs of the "
            "reference; p is corrected for all tests."
        ),
        Bullets(said or ["No change is seen."]),
        Table("Tests of a change", ["", "effect", "p", ""], rows),
    ]


def numbers_of_drift(evidence: Evidence) -> dict[str, Any]:
    """Return all tests."""
    found = evidence.told.drift
    assert found is not None
    if isinstance(found, str):
        return {"reason": found}
    return {"n_pairs": found.n_pairs, "n_reference": found.n_reference, "tests": records(found.table)}
