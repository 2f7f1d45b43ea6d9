"""Findings: the lines of a report about two tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

# Severities, the worst first.
SEVERITIES = ("error", "warning", "note")


class Finding(NamedTuple):
    """One line of a report: the check, its side and severity, a value, and what to do."""

    check: str
    side: str  # "X", "y", or "pairs"
    severity: str
    value: float  # a count or figure
    what: str
    what_to_do: str


def counted(n: int, things: str) -> str:
    """Return a number and the name of the things counted, given as a plural."""
    return f"{n:,} {things.removesuffix('s') if n == 1 else things}"


def listed(names: Any, most: int = 5) -> str:
    """List the first of several names, as they are typed."""
    names = list(names)
    shown = [name.item() if hasattr(name, "item") else name for name in names[:most]]
    return ", ".join(map(repr, shown)) + (", …" if len(names) > most else "")


def table_of(findings: list[Finding]) -> pd.DataFrame:
    """Convert findings to a dataframe, the worst first."""
    import pandas as pd

    ordered = sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
    table = pd.DataFrame(ordered, columns=list(Finding._fields))
    return table.astype({"value": float})
