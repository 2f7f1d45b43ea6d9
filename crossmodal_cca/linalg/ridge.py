"""Ridge systems of tall or wide rows."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from .._blocks import FloatArray
from .products import gram, product


def solve_ridge(Z: FloatArray, B: FloatArray, ridge: float) -> FloatArray:
    """Solve (ZᵀZ + ridge·I) W = B for W (d, m), with rows Z (n, d), B (d, m) and a positive ridge.

    One Cholesky factor of the smaller of d × d and n × n.
    """
    n, d = Z.shape
    G = gram(Z) if d <= n else gram(Z.T)
    G[np.diag_indices_from(G)] += ridge
    factor = linalg.cho_factor(G, lower=True, overwrite_a=True, check_finite=False)
    if d <= n:
        return np.asarray(linalg.cho_solve(factor, B, check_finite=False))
    # (ZᵀZ + rI)⁻¹ = (I − Zᵀ (ZZᵀ + rI)⁻¹ Z) / r
    return (B - product(Z.T, linalg.cho_solve(factor, product(Z, B), check_finite=False))) / ridge
