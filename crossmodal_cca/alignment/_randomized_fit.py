"""CCA of rows without forming covariances, from products with a few directions at a time."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.random import RandomState
from sklearn.exceptions import ConvergenceWarning

from .._typing import FloatArray
from .._warn import warn
from ..linalg import _randomized as randomized
from ..linalg._randomized import Constraint, leading_pairs, solution_of_pairs
from ..linalg._solution import LinearSolution
from ..models._pair import Side, degrees_of_freedom, standardized_side
from ..rows._images import UnitRows, images_of, mean_and_squares
from ..rows._stored import PairedRows

# Residual above which the solver warns, relative to the leading singular value.
TOLERABLE = 1e-2


def solve_randomized(
    rows: PairedRows, shrinkage: tuple[float, float], scale: bool, k: int, random_state: RandomState
) -> tuple[LinearSolution, tuple[Side, Side]]:
    """Solve for the k leading canonical pairs of rows of both sides; return also their standardisation."""
    w = np.ones(rows.n_rows) if rows.sample_weight is None else rows.sample_weight
    x, y = _standardized(rows.X, w, "X", scale), _standardized(rows.y, w, "y", scale)
    pass_over_rows = partial(images_of, x[0], y[0], degrees_of_freedom(w.sum()))
    x_constraint, y_constraint = (
        Constraint(len(target), c, float(np.mean(target))) for c, target in zip(shrinkage, (x[2], y[2]), strict=True)
    )
    pairs = leading_pairs(pass_over_rows, x_constraint, y_constraint, k, random_state)
    if pairs.residual > TOLERABLE:
        warn(
            f"The randomized solver has not converged after {randomized.MAX_PASSES} passes over the rows: its residual "
            f"is {pairs.residual:.1g} of the leading singular value. Raise shrinkage, or lower n_components.",
            ConvergenceWarning,
        )
    found = len(pairs.singular_values)
    if found < k:
        raise ValueError(
            f"n_components={k} is more than the {found} directions in which X and y have any covariance. Lower "
            "n_components."
        )
    return solution_of_pairs(pass_over_rows, x_constraint, y_constraint, pairs), (x[1], y[1])


def _standardized(A: Any, w: FloatArray, name: str, scale: bool) -> tuple[UnitRows, Side, FloatArray]:
    """Standardise the rows of one side; return rows, standardisation, and the variances that result."""
    mean, squares = mean_and_squares(A, w, name)
    variance = squares / degrees_of_freedom(w.sum())
    side = standardized_side(mean, variance, scale)
    units = np.where(side.constant, 0.0, 1.0 / side.scale)
    return UnitRows(A, w, mean, units, name), side, variance * units**2
