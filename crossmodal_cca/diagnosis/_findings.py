"""What a report about two tables consists of: one line for each finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

SEVERITIES = ("error", "warning", "note")


class Finding(NamedTuple):
    """One line: what was looked at, on which side, how bad it is, and what to do about it."""

    check: str
    side: str  # "X", "y", or "pairs"
    severity: str
    value: float  # a count or figure
    what: str
    what_to_do: str


def counted(n: int, things: str) -> str:
    """A number and what it counts, by its plural."""
    return f"{n:,} {things.removesuffix('s') if n == 1 else things}"


def listed(names: Any, most: int = 5) -> str:
    """The first names of several, as they are typed."""
    names = list(names)
    shown = [name.item() if hasattr(name, "item") else name for name in names[:most]]
    return ", ".join(map(repr, shown)) + (", …" if len(names) > most else "")


def table_of(findings: list[Finding]) -> pd.DataFrame:
    """Findings as a dataframe, the worst first."""
    import pandas as pd

    ordered = sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
    table = pd.DataFrame(ordered, columns=list(Finding._fields))
    return table.astype({"value": float})
