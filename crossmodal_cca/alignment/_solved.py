"""A linear solution with what it says of its own digits, and how few of them are enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..linalg._covariances import Covariances
from ..linalg._solution import LinearSolution
from ..linalg._whitening import WhitenedPair

# Reciprocal condition of what was divided by, below which products in double precision have too few digits: there,
# correlations err by 1e-8.
DOUBLE_FLOOR = 1e-8
# The same for single precision, in which correlations err by up to 1.5e-8 times the condition, and 1e-6 is to be kept;
# in more rows than these the errors average out.
SINGLE_FLOOR, FEWEST_TO_AVERAGE = 0.015, 4096
# Where products in single precision are all there is, they are doubtful from an error of 2e-4 on.
DOUBTFUL_IN_SINGLE = 1e-4
# Relative to the first component, how strong the last one has to be in products of single precision.
WEAK = 1e-2
# What a correlation has to leave unexplained for single precision to know how much that is.
UNEXPLAINED = 1e-3
# How many times larger the terms of a score may be than the score itself for it to be computed in single precision.
SINGLE_AMPLIFICATION = 100.0


@dataclass(frozen=True, eq=False)
class Solved:
    """A shared space in the coordinates of covariances S.

    `rcond` is the reciprocal condition of what the solution divided by, and `is_clear` says that neither a rank nor the
    number of components hangs on the rounding of the products. `shrinkage` and `whitened` are those of CCA.
    """

    solution: LinearSolution
    S: Covariances
    rcond: float
    is_clear: bool
    shrinkage: tuple[float, float] | None = None
    whitened: WhitenedPair | None = None

    @property
    def holds(self) -> bool:
        """Whether covariances of double precision were enough."""
        return self.is_clear and self.rcond > DOUBLE_FLOOR

    def holds_in_single(self, n_rows: int) -> bool:
        """Whether covariances from products of so many rows in single precision were enough."""
        unexplained = 1.0 - self.solution.correlations.max(initial=0.0) ** 2
        return self.is_clear and self.rcond > single_floor(n_rows) and bool(unexplained > UNEXPLAINED)

    @property
    def scores_fit_single(self) -> bool:
        """Whether scores and predictions can be computed in single precision."""
        return self.solution.amplification(self.S) <= SINGLE_AMPLIFICATION


def single_floor(n_rows: int) -> float:
    """Reciprocal condition down to which products of so many rows in single precision are enough."""
    return SINGLE_FLOOR * float(np.sqrt(FEWEST_TO_AVERAGE / max(n_rows, FEWEST_TO_AVERAGE)))
