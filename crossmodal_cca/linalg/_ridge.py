"""Ridge regression on tall or wide rows."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from .._typing import FloatArray
from ._products import gram, product


def smaller_gram(Z: FloatArray) -> FloatArray:
    """Compute ZᵀZ or ZZᵀ, whichever is smaller: their eigenvalues differ by zeros only."""
    return gram(Z) if Z.shape[1] <= len(Z) else gram(Z.T)


def solve_ridge(Z: FloatArray, B: FloatArray, ridge: float, G: FloatArray | None = None) -> FloatArray:
    """Solve (ZᵀZ + ridge·I) W = B for W (d, m), with rows Z (n, d), B (d, m) and a positive ridge.

    Uses one Cholesky factor of the `smaller_gram`, which is overwritten if passed as G.
    """
    G = smaller_gram(Z) if G is None else G
    if Z.shape[1] <= len(Z):
        return _solve(G, B, ridge)
    # (ZᵀZ + rI)⁻¹ = (I − Zᵀ (ZZᵀ + rI)⁻¹ Z) / r
    return (B - product(Z.T, _solve(G, product(Z, B), ridge))) / ridge


def ridge_coefficients(Z: FloatArray, T: FloatArray, ridge: float) -> FloatArray:
    """Compute coefficients (ZᵀZ + ridge·I)⁻¹ ZᵀT (d, m) of ridge regression of targets T (n, m) on rows Z (n, d).

    Unlike `solve_ridge` of ZᵀT, this has no cancellation for wide rows and a small ridge.
    """
    if Z.shape[1] <= len(Z):
        return _solve(gram(Z), product(Z.T, T), ridge)
    return product(Z.T, _solve(gram(Z.T), T, ridge))


def _solve(G: FloatArray, B: FloatArray, ridge: float) -> FloatArray:
    G[np.diag_indices_from(G)] += ridge
    try:
        factor = linalg.cho_factor(G, lower=True, overwrite_a=True, check_finite=False)
    except linalg.LinAlgError as error:
        raise ValueError(
            f"A ridge of {ridge:g} is lost in rounding beside squares of {np.diagonal(G).max():g}: raise it, scale the "
            "rows down, or drop features that repeat others."
        ) from error
    return np.asarray(linalg.cho_solve(factor, B, check_finite=False))
