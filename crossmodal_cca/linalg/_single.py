"""Thresholds above which products in single precision have enough digits for a solution."""

from __future__ import annotations

import numpy as np

# SINGLE_FLOOR: smallest reciprocal condition of the matrices inverted; in single precision correlations err by up to
# 1.5e-8 times the condition, and 1e-6 is allowed. FEWEST_TO_AVERAGE: number of rows from which errors average out.
SINGLE_FLOOR, FEWEST_TO_AVERAGE = 0.015, 4096
# Smallest singular value of the last component, relative to the first.
WEAK = 1e-2
# Smallest unexplained variance, 1 − correlation², that products in single precision resolve.
UNEXPLAINED = 1e-3


def single_floor(n_rows: int) -> float:
    """Return the smallest reciprocal condition for which single-precision products of this many rows are enough."""
    return SINGLE_FLOOR * float(np.sqrt(FEWEST_TO_AVERAGE / max(n_rows, FEWEST_TO_AVERAGE)))
