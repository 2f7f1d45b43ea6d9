"""Partial least squares from covariances: the rows are never deflated, only small matrices are."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from .._blocks import FloatArray
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
    rank-two update below. Wegelin (2000), A survey of partial least squares methods (mode A).
    """
    C = S.xy.copy()
    x, y = _Deflation(S.xx), _Deflation(S.yy)
    d = np.zeros(k)
    for j in range(k):
        w, d[j], v = _leading_pair(C)
        p, g = x.add(w), y.add(v)
        a, b = C.T @ w, C @ v
        C -= np.column_stack([p, b]) @ np.column_stack([a - (w @ b) * g, g]).T
    return _complete(S, x.weights, y.weights, x.rotations, y.rotations, d)


def solve_pls_regression(S: Covariances, k: int) -> LinearSolution:
    """Improved kernel PLS, algorithm 2: w leads C, and C ← C − t²·p gᵀ with g = Cᵀr/t² the y-weight.

    Stops early where y is explained to rounding error. Dayal & MacGregor (1997), Improved PLS algorithms.
    """
    C = S.xy.copy()
    x = _Deflation(S.xx)
    y_weights, d = [], []
    explained = np.linalg.norm(C) * np.finfo(np.float64).eps * max(C.shape)
    for _ in range(k):
        if np.linalg.norm(C) <= explained:
            break
        w, strength, _ = _leading_pair(C)
        p = x.add(w)
        r, t2 = x.rotations[:, -1], x.score_variances[-1]
        g = C.T @ r / t2
        C -= np.outer(t2 * p, g)
        y_weights.append(g)
        d.append(strength)
    V = np.array(y_weights).reshape(-1, C.shape[1]).T
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
        self.score_variances: list[float] = []

    def add(self, w: FloatArray) -> FloatArray:
        r = w - self.rotations @ (self.loadings.T @ w)
        Sr = self.S @ r
        t2 = float(r @ Sr)
        p: FloatArray = Sr / t2
        self.weights = np.column_stack([self.weights, w])
        self.rotations = np.column_stack([self.rotations, r])
        self.loadings = np.column_stack([self.loadings, p])
        self.score_variances.append(t2)
        return p


def _leading_pair(C: FloatArray) -> tuple[FloatArray, float, FloatArray]:
    """Leading singular pair: found by decomposition, so no starting vector can lead to another one."""
    if min(C.shape) == 1:
        d = float(np.linalg.norm(C))
        w, v = (C[:, 0] / d, np.ones(1)) if C.shape[1] == 1 else (np.ones(1), C[0] / d)
        return w, d, v
    U, s, V = truncated_svd(C, 1)
    return U[:, 0], float(s[0]), V[:, 0]


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
