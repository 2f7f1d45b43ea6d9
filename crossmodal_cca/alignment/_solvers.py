"""Solvers of linear models: one function each, and a table of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

from .._typing import FloatArray
from ..models._pair import StandardizedPair, standardize_rows
from ..rows._validation import PairedRows
from ._randomized_fit import solve_randomized
from ._solved import Solved


class Solve(Protocol):
    """Solves for the shared space from covariances or triangular rows R; a `tentative` solution may be replaced."""

    def __call__(self, pair: StandardizedPair, R: FloatArray | None, *, tentative: bool) -> Solved: ...


@dataclass(frozen=True, eq=False)
class Task:
    """A model to solve: the aligner's function, a standardised pair, and its rows if they are at hand."""

    solve: Solve
    pair: StandardizedPair
    rows: PairedRows | None
    scale: bool

    def in_double(self) -> StandardizedPair:
        """Return the pair from products in double precision, if the rows are at hand."""
        if self.rows is None or not self.pair.moments.is_single:
            return self.pair
        return standardize_rows(self.rows, scale=self.scale, in_double=True)


Found = tuple[StandardizedPair, Solved]


def solve_from_moments(task: Task) -> Found:
    """Solve from covariances, of single precision if these have enough digits or there are no others."""
    tentative = task.rows is not None and task.pair.moments.is_single
    solved = task.solve(task.pair, None, tentative=tentative)
    if not tentative or solved.holds_in_single(task.pair.n_rows):
        return task.pair, solved
    pair = task.in_double()
    return pair, task.solve(pair, None, tentative=False)


def solve_from_rows(task: Task) -> Found:
    """Solve from a triangular factor of the rows, whose condition number is the root of that of the covariances."""
    assert task.rows is not None
    pair = task.in_double()
    return pair, task.solve(pair, pair.triangular_rows(task.rows), tentative=False)


def solve_as_needed(task: Task) -> Found:
    """Solve from covariances if that is accurate; otherwise from the rows, if they are at hand."""
    pair, solved = solve_from_moments(task)
    if solved.holds or task.rows is None:
        return pair, solved
    return solve_from_rows(replace(task, pair=pair))


class Solver(NamedTuple):
    """A solver and its requirements.

    It solves a `Task`; a solver that forms no covariances takes the rows, as `solve_randomized` does.
    """

    solve: Callable[..., Any]
    needs_rows: bool
    forms_covariances: bool


# Solvers by name.
SOLVERS = {
    "moments": Solver(solve_from_moments, needs_rows=False, forms_covariances=True),
    "svd": Solver(solve_from_rows, needs_rows=True, forms_covariances=True),
    "randomized": Solver(solve_randomized, needs_rows=True, forms_covariances=False),
}
# Solver of the name "auto".
AUTO = Solver(solve_as_needed, needs_rows=False, forms_covariances=True)


def solver_named(name: str) -> Solver:
    """Return the solver of this name."""
    return AUTO if name == "auto" else SOLVERS[name]


def solver_of_rows(name: str, rows: PairedRows) -> Solver:
    """Return the solver of this name for these rows: "auto" is the randomized one if a sparse side is too large.

    Too large means too many features for a covariance, and too many rows for a Gram matrix.
    """
    if name == "auto" and any(A.exceeds_covariance and not A.is_wide for A in rows[:2]):
        return SOLVERS["randomized"]
    return solver_named(name)
