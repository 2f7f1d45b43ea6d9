"""Partial least squares from covariances: the rows are never deflated, only small matrices are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import linalg

from .._typing import FloatArray
from .pair import Covariances
from .solution import LinearSolution, regress_on_scores, score_correlations
from .svd import truncated_svd


def solve_pls_svd(S: Covariances, k: int) -> LinearSolution:
    """Singular vectors of Sxy: the directions of largest covariance between the sides."""
    U, d, V = truncated_svd(S.xy, k)
    return _complete(S, U, V, U, V, d)


def solve_pls_canonical(S: Covariances, k: int) -> LinearSolution:
    """Per component the leading singular pair of Sxy, which is then deflated on either side by that side's score.

    p = Sxx r/t² and g = Syy s/u² are the loadings, r and s the rotations, and Sxy ← (I − p wᵀ) Sxy (I − v gᵀ), the
    rank-two update below. Fewer than k where nothing but rounding error is left.
    Wegelin (2000), A survey of partial least squares methods (mode A).
    """
    C = S.xy.copy()
    x, y = _Deflation(S.xx), _Deflation(S.yy)
    d: list[float] = []
    for w, strength, v in _leading_pairs(C, k):
        p, g = x.add(w), y.add(v)
        a, b = C.T @ w, C @ v
        C -= np.column_stack([p, b]) @ np.column_stack([a - (w @ b) * g, g]).T
        d.append(strength)
    return _complete(S, x.weights, y.weights, x.rotations, y.rotations, np.array(d))


def solve_pls_regression(S: Covariances, k: int) -> LinearSolution:
    """Improved kernel PLS, algorithm 2: w leads C, and C ← C − t²·p gᵀ with g = Cᵀr/t² the y-weight.

    Fewer than k where y is explained to rounding error. Dayal & MacGregor (1997), Improved PLS algorithms.
    """
    C = S.xy.copy()
    x = _Deflation(S.xx)
    V = np.zeros((C.shape[1], 0))
    d: list[float] = []
    for w, strength, _ in _leading_pairs(C, k):
        p = x.add(w)
        r, t2 = x.rotations[:, -1], x.score_variance
        g = C.T @ r / t2
        C -= np.outer(t2 * p, g)
        V = np.column_stack([V, g])
        d.append(strength)
    # y-scores regress the y-row on the weights, V(VᵀV)⁺: a y with few columns has fewer directions than components.
    Ry = V @ linalg.pinvh(V.T @ V) if d else V
    return _complete(S, x.weights, V, x.rotations, Ry, np.array(d), y_loadings=V)


class _Deflation:
    """Rotations and loadings of one side while its scores are taken out one after another.

    A score of the deflated rows is a score of the rows themselves, Xr, with r = w − Σ_j (p_jᵀw) r_j.
    """

    def __init__(self, S: FloatArray) -> None:
        self.S = S
        self.weights = self.rotations = self.loadings = np.zeros((len(S), 0))
        self.score_variance = 0.0

    def add(self, w: FloatArray) -> FloatArray:
        r = w - self.rotations @ (self.loadings.T @ w)
        Sr = self.S @ r
        self.score_variance = float(r @ Sr)
        p: FloatArray = Sr / self.score_variance
        self.weights = np.column_stack([self.weights, w])
        self.rotations = np.column_stack([self.rotations, r])
        self.loadings = np.column_stack([self.loadings, p])
        return p


def _leading_pairs(C: FloatArray, k: int) -> Iterator[tuple[FloatArray, float, FloatArray]]:
    """Up to k leading singular pairs of C, which the caller deflates in between, until only rounding error is left.

    They are found by decomposition, so no starting vector can lead to another pair.
    """
    negligible = float(np.linalg.norm(C)) * np.finfo(np.float64).eps * max(C.shape)
    for _ in range(k):
        U, d, V = truncated_svd(C, 1)
        if d[0] <= negligible:
            return
        yield U[:, 0], float(d[0]), V[:, 0]


def _complete(
    S: Covariances,
    Wx: FloatArray,
    Wy: FloatArray,
    Rx: FloatArray,
    Ry: FloatArray,
    d: FloatArray,
    y_loadings: FloatArray | None = None,
) -> LinearSolution:
    """Add what follows from the rotations: loadings and predictions by least squares on the scores."""
    return LinearSolution(
        x_weights=Wx,
        y_weights=Wy,
        x_rotations=Rx,
        y_rotations=Ry,
        x_loadings=regress_on_scores(Rx, S.xx, S.xx).T,
        y_loadings=regress_on_scores(Ry, S.yy, S.yy).T if y_loadings is None else y_loadings,
        y_effects=regress_on_scores(Rx, S.xx, S.xy),
        x_effects=regress_on_scores(Ry, S.yy, S.xy.T),
        singular_values=d,
        correlations=score_correlations(S, Rx, Ry),
    )
