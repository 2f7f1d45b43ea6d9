"""Scores from the squared errors of all held-out rows of all folds together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from .._typing import FloatArray
from ..models._held_out import Residuals
from ._training_folds import Folds


@dataclass(frozen=True, eq=False)
class PooledScore:
    """Score ``offset − factor · Σ_j (mean squared error of y_j in its unit)``; `inverse_units` (q,) are 1 / unit.

    A fold's score is that of its own rows. The mean over folds, weighted by their rows, is that of all held-out rows.
    """

    offset: float
    factor: float
    inverse_units: FloatArray

    @classmethod
    def named(cls, scoring: str, folds: Folds) -> Self:
        """Build the score "q2" or "neg_mean_squared_error"."""
        y = folds.whole_y()
        if scoring == "neg_mean_squared_error":
            return cls(0.0, 1 / len(y.scale), np.ones_like(y.scale))
        # A constant target would only add rounding.
        inverse_units = np.where(y.constant, 0.0, 1 / y.scale)
        variation = float(folds.squares_of_y(y.mean) @ inverse_units**2 / folds.test_weights.sum())
        return cls(1.0, 1 / variation if variation > 0 else 0.0, inverse_units)

    def of(self, residuals: Residuals) -> FloatArray:
        """Score the predictions of a fold from the first 0, 1, … components."""
        errors = (residuals.variance + residuals.mean**2) @ (residuals.scale * self.inverse_units) ** 2
        return np.asarray(self.offset - self.factor * errors)
