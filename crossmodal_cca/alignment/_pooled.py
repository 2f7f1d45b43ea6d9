"""Scores by the squared errors of all held-out rows together, whichever fold they were held out in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from .._typing import FloatArray
from ..models._held_out import Residuals
from ._training_folds import Folds


@dataclass(frozen=True, eq=False)
class PooledScore:
    """``offset − factor · Σ_j (mean squared error of y_j in its unit)``; `inverse_units` (q,) are 1 over the units.

    Of one fold it is the score of its rows. Weighted by the rows of the folds, the mean is that of all held-out rows.
    """

    offset: float
    factor: float
    inverse_units: FloatArray

    @classmethod
    def named(cls, scoring: str, folds: Folds) -> Self:
        """As "q2" or as "neg_mean_squared_error"."""
        y = folds.whole_y()
        if scoring == "neg_mean_squared_error":
            return cls(0.0, 1 / len(y.scale), np.ones_like(y.scale))
        # What never varies adds rounding to errors and variation alike.
        inverse_units = np.where(y.constant, 0.0, 1 / y.scale)
        variation = float(folds.squares_of_y(y.mean) @ inverse_units**2 / folds.test_weights.sum())
        return cls(1.0, 1 / variation if variation > 0 else 0.0, inverse_units)

    def of(self, residuals: Residuals) -> FloatArray:
        """Score of the predictions of a fold from the first 0, 1, … components."""
        errors = (residuals.variance + residuals.mean**2) @ (residuals.scale * self.inverse_units) ** 2
        return np.asarray(self.offset - self.factor * errors)
