"""Canonical correlation analysis of a whitened pair."""

from __future__ import annotations

import numpy as np

from .._typing import FloatArray
from ._products import Covariances, product
from ._solution import LinearSolution, SolvedSide, effects_of_scores, score_correlations
from ._svd import truncated_svd
from ._whitening import WhitenedPair


def solve_cca(S: Covariances, whitened: WhitenedPair, shrinkage: tuple[float, float], k: int) -> LinearSolution:
    """Return the k leading canonical pairs: weights T·U, (U, d, V) the triplets of the whitened cross-covariance.

    Predictions are ridge regression restricted to the shared space: B = (1 − c)·WᵀSxy in the metric WᵀAW = I.
    """
    U, d, V = truncated_svd(whitened.cross, k)
    Wx, Wy = whitened.x.weights(U), whitened.y.weights(V)
    cx, cy = shrinkage
    unshrunk = cx == 0 and cy == 0
    SWx, SWy, Cxy, Cyx = product(S.xx, Wx), product(S.yy, Wy), product(Wx.T, S.xy), product(Wy.T, S.xy.T)
    return LinearSolution(
        # Without shrinkage WᵀSW is the identity.
        SolvedSide(Wx, Wx, _loadings(Wx, SWx) if cx else SWx, (1 - cy) * Cyx),
        SolvedSide(Wy, Wy, _loadings(Wy, SWy) if cy else SWy, (1 - cx) * Cxy),
        singular_values=d,
        # Without shrinkage these are exact; large weights would cost the products of score_correlations digits.
        correlations=np.minimum(d, 1.0) if unshrunk else score_correlations(S, Wx, Wy),
    )


def _loadings(W: FloatArray, SW: FloatArray) -> FloatArray:
    """Regress the side on its own scores."""
    return effects_of_scores(product(W.T, SW), SW.T).T
