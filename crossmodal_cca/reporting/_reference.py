"""Comparison of the held-out pairs of a page with pairs of a reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._errors import in_terms_of
from .._sklearn import take_rows
from .._typing import DataFrame
from ..diagnosis import DriftMonitor
from ..diagnosis._drift_family import CHANGED
from ..metrics._methods import RowsAsTheyAre
from ._question import Positions, Question, Sides


@dataclass(frozen=True, eq=False)
class Drift:
    """Tests of a change since the reference, with the numbers of pairs on either side."""

    table: DataFrame
    n_pairs: int
    n_reference: int

    @property
    def changed(self) -> list[str]:
        """Names of the tests that see a change."""
        found: list[str] = self.table.index[self.table["verdict"] == CHANGED].tolist()
        return found


def drift_of(question: Question, positions: Positions, sides: Sides, model: Any) -> Drift:
    """Test held-out pairs, one of each group, against a reference that the model has not seen either."""
    assert question.reference is not None
    kept = question.one_of_each_group(positions)
    aligner = None if isinstance(model, RowsAsTheyAre) else model
    with in_terms_of(X_ref="X of the reference", y_ref="y of the reference"):
        monitor = DriftMonitor(aligner, random_state=question.random_state).fit(*question.reference)
    table = monitor.test(*(take_rows(A, kept) for A in sides))
    return Drift(table, len(kept), monitor.n_reference_rows_)


def in_names(what: str, names: tuple[str, str]) -> str:
    """Call a test by the name of its side."""
    side, _, rest = what.partition(" ")
    return f"{names['xy'.index(side)]} {rest}" if side in ("x", "y") else what
