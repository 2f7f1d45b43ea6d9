"""Linear solutions with estimates of their digits, and the thresholds for enough digits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..linalg._covariances import Covariances
from ..linalg._solution import LinearSolution
from ..linalg._whitening import WhitenedPair

# Smallest reciprocal condition of the matrices inverted for which products in double precision are enough:
# correlations err by 1e-8.
DOUBLE_FLOOR = 1e-8
# SINGLE_FLOOR: the same for single precision, in which correlations err by up to 1.5e-8 times the condition and 1e-6
# is allowed; FEWEST_TO_AVERAGE: number of rows from which errors average out.
SINGLE_FLOOR, FEWEST_TO_AVERAGE = 0.015, 4096
# Reciprocal condition below which a warning is given if only products in single precision exist: an error of 2e-4.
DOUBTFUL_IN_SINGLE = 1e-4
# Smallest singular value of the last component, relative to the first, for products in single precision.
WEAK = 1e-2
# Smallest unexplained variance, 1 − correlation², that products in single precision resolve.
UNEXPLAINED = 1e-3
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


def single_floor(n_rows: int) -> float:
    """Return the smallest reciprocal condition for which single-precision products of this many rows are enough."""
    return SINGLE_FLOOR * float(np.sqrt(FEWEST_TO_AVERAGE / max(n_rows, FEWEST_TO_AVERAGE)))
