"""Solvers of linear models: one function each, a table of them, and the thresholds for enough digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..linalg._products import Covariances
from ..linalg._single import UNEXPLAINED, single_floor
from ..linalg._solution import LinearSolution
from ..linalg._whitening import WhitenedPair
from ..models._pair import StandardizedPair, standardize_rows
from ..rows._stored import PairedRows
from ._randomized_fit import solve_randomized

# Smallest reciprocal condition of the matrices inverted for which products in double precision are enough:
# correlations err by 1e-8.
DOUBLE_FLOOR = 1e-8
# Reciprocal condition below which a warning is given if only products in single precision exist: an error of 2e-4.
DOUBTFUL_IN_SINGLE = 1e-4
# Largest ratio of the terms of a score to the score itself for scores in single precision.
SINGLE_AMPLIFICATION = 100.0


@dataclass(frozen=True, eq=False)
class Solved:
    """A shared space in the coordinates of covariances S.

    `rcond` is the reciprocal condition of the matrices that were inverted, and `is_clear` says that neither a rank nor
    the number of components depends on rounding. `shrinkage` and `whitened` are those of CCA.
    """

    solution: LinearSolution
    S: Covariances
    rcond: float
    is_clear: bool
    shrinkage: tuple[float, float] | None = None
    whitened: WhitenedPair | None = None

    @property
    def holds(self) -> bool:
        """Whether covariances of double precision have enough digits."""
        return self.is_clear and self.rcond > DOUBLE_FLOOR

    def holds_in_single(self, n_rows: int) -> bool:
        """Whether covariances from single-precision products of this many rows have enough digits."""
        unexplained = 1.0 - self.solution.correlations.max(initial=0.0) ** 2
        return self.is_clear and self.rcond > single_floor(n_rows) and bool(unexplained > UNEXPLAINED)

    @property
    def scores_fit_single(self) -> bool:
        """Whether scores and predictions can be computed in single precision."""
        return self.solution.amplification(self.S) <= SINGLE_AMPLIFICATION


@dataclass(frozen=True, eq=False)
class Task:
    """A model to solve: the aligner's function, a standardised pair, and its rows if they are at hand.

    `solve(pair, R, tentative=…)` solves from covariances or triangular rows R; a tentative solution may be replaced.
    """

    solve: Callable[..., Solved]
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
    if not tentative or solved.holds_in_single(task.pair.moments.n_rows):
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
    "auto": Solver(solve_as_needed, needs_rows=False, forms_covariances=True),
    "moments": Solver(solve_from_moments, needs_rows=False, forms_covariances=True),
    "svd": Solver(solve_from_rows, needs_rows=True, forms_covariances=True),
    "randomized": Solver(solve_randomized, needs_rows=True, forms_covariances=False),
}


def solver_of_rows(name: str, rows: PairedRows) -> Solver:
    """Return the solver of this name for these rows: "auto" is the randomized one if a sparse side is too large.

    Too large means too many features for a covariance, and too many rows for a Gram matrix.
    """
    if name == "auto" and any(A.exceeds_covariance and not A.is_wide for A in rows[:2]):
        return SOLVERS["randomized"]
    return SOLVERS[name]
