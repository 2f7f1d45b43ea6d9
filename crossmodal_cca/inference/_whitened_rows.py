"""Rows of one side in the metric of CCA's constraint, which does not depend on how rows are paired."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from .._typing import FloatArray
from ..linalg._whitening import oas_shrinkage, whiten_side


def whitened_rows(Z: FloatArray, shrinkage: float | str, degrees_of_freedom: int) -> FloatArray:
    """Transform centred rows (n, p) to the metric of the constraint, (n, r): of unit variance without shrinkage."""
    unit = np.sqrt(degrees_of_freedom)
    S = Z.T @ Z if Z.shape[0] >= Z.shape[1] else Z @ Z.T
    # Trace and trace of the square are the same for products of columns and of rows.
    c = oas_shrinkage(S / unit**2, degrees_of_freedom + 1, Z.shape[1]) if shrinkage == "oas" else float(shrinkage)
    return np.asarray(whiten_side(Z / unit, c, Z.shape[1]).rows * unit)


def thin_rows(Z: FloatArray) -> FloatArray:
    """Express rows in coordinates of the space that they span, at most as many as rows."""
    if Z.shape[1] <= Z.shape[0]:
        return Z
    U, d, _ = linalg.svd(Z, full_matrices=False, check_finite=False)
    return np.asarray(U * d)
