"""How linear models are solved: one function a solver, and one table of them."""

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
    """The shared space from covariances, or from triangular rows R; a `tentative` one may be replaced."""

    def __call__(self, pair: StandardizedPair, R: FloatArray | None, *, tentative: bool) -> Solved: ...


@dataclass(frozen=True, eq=False)
class Task:
    """A model to be solved, by what its aligner computes from a standardised pair, whose rows may be at hand."""

    solve: Solve
    pair: StandardizedPair
    rows: PairedRows | None
    scale: bool

    def in_double(self) -> StandardizedPair:
        """The pair, from products in double precision as far as the rows are at hand."""
        if self.rows is None or not self.pair.moments.is_single:
            return self.pair
        return standardize_rows(self.rows, scale=self.scale, in_double=True)


Found = tuple[StandardizedPair, Solved]


def solve_from_moments(task: Task) -> Found:
    """From covariances: those of single precision where they have digits enough, or where there are no others."""
    tentative = task.rows is not None and task.pair.moments.is_single
    solved = task.solve(task.pair, None, tentative=tentative)
    if not tentative or solved.holds_in_single(task.pair.n_rows):
        return task.pair, solved
    pair = task.in_double()
    return pair, task.solve(pair, None, tentative=False)


def solve_from_rows(task: Task) -> Found:
    """From a triangular factor of the rows, whose condition number is the root of that of their covariances."""
    assert task.rows is not None
    pair = task.in_double()
    return pair, task.solve(pair, pair.triangular_rows(task.rows), tentative=False)


def solve_as_needed(task: Task) -> Found:
    """From covariances where that is accurate; otherwise from the rows, if they are at hand."""
    pair, solved = solve_from_moments(task)
    if solved.holds or task.rows is None:
        return pair, solved
    return solve_from_rows(replace(task, pair=pair))


class Solver(NamedTuple):
    """A way to the solution, and what it needs.

    It solves a `Task`; one that forms no covariances takes the rows themselves, as `solve_randomized` does.
    """

    solve: Callable[..., Any]
    needs_rows: bool
    forms_covariances: bool


SOLVERS = {
    "moments": Solver(solve_from_moments, needs_rows=False, forms_covariances=True),
    "svd": Solver(solve_from_rows, needs_rows=True, forms_covariances=True),
    "randomized": Solver(solve_randomized, needs_rows=True, forms_covariances=False),
}
AUTO = Solver(solve_as_needed, needs_rows=False, forms_covariances=True)


def solver_named(name: str) -> Solver:
    """The solver of this name."""
    return AUTO if name == "auto" else SOLVERS[name]


def solver_of_rows(name: str, rows: PairedRows) -> Solver:
    """The solver of this name for these rows: "auto" is the randomized one for sparse sides without a covariance.

    These have too many features for that, and are too many rows for a Gram matrix.
    """
    if name == "auto" and any(A.exceeds_covariance and not A.is_wide for A in rows[:2]):
        return SOLVERS["randomized"]
    return solver_named(name)
