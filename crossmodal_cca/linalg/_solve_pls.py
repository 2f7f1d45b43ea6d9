"""Partial least squares from covariances: small matrices are deflated instead of the rows.

If covariances have too few digits for the variance of a score, it is computed from rows Z = (Zx, Zy) with ZᵀZ = S.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from .._typing import FloatArray
from ._deflated_pairs import DeflatedPairs
from ._products import Covariances, product, scaled, weighted_sum
from ._solution import LinearSolution, SolvedSide, correlations_of, effects_of_scores
from ._svd import largest_eigenvalue, rank_tolerance, truncated_svd

Rows = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, eq=False)
class PLSSolution(LinearSolution):
    """Solution of PLS with `rcond`, the smallest variance of a unit combination of scores over the largest variance.

    `rcond` tells how many digits of the products are left in the solution.
    """

    rcond: float


def solve_pls_svd(S: Covariances, k: int, Z: Rows | None = None) -> PLSSolution:
    """Solve PLS-SVD: singular vectors of Sxy, the directions of largest covariance between the sides."""
    U, d, V = truncated_svd(S.xy, k)
    return _complete(S, Z, U, V, U, V, d)


def solve_pls_canonical(S: Covariances, k: int, Z: Rows | None = None) -> PLSSolution:
    """Solve canonical PLS: per component, the leading singular pair of Sxy, deflated on each side by its own score.

    p = Sxx r/t² and g = Syy s/u² are the loadings, r and s the rotations, and Sxy ← (I − p wᵀ) Sxy (I − v gᵀ), the
    rank-two update below. Stops before k components when only rounding error is left.
    Wegelin (2000), A survey of partial least squares methods (mode A).
    """
    pairs = DeflatedPairs(S.xy, k)
    x, y = (_Deflation(_Side(S, Z, i), k) for i in (0, 1))
    d: list[float] = []
    while len(d) < k and (leading := pairs.leading()):
        w, strength, v = leading
        p, g = x.add(w), y.add(v)
        a, b = weighted_sum(w, pairs.matrix), weighted_sum(v, pairs.matrix.T)
        pairs.deflate(np.array([p, b]).T, np.array([a - (w @ b) * g, g]).T)
        d.append(strength)
    return _complete(S, Z, x.weights, y.weights, x.rotations, y.rotations, np.array(d))


def solve_pls_regression(S: Covariances, k: int, Z: Rows | None = None) -> PLSSolution:
    """Solve PLS regression (improved kernel PLS, algorithm 2): w leads C, C ← C − t²·p gᵀ with y-weight g = Cᵀr/t².

    Stops before k components when y is explained to rounding error. Dayal & MacGregor (1997), Improved PLS algorithms.
    """
    pairs = DeflatedPairs(S.xy, k)
    x = _Deflation(_Side(S, Z, 0), k)
    V = np.empty((S.xy.shape[1], k), order="F")
    d: list[float] = []
    while len(d) < k and (leading := pairs.leading()):
        p = x.add(leading[0])
        r, t2 = x.rotations[:, -1], x.score_variance
        g = weighted_sum(r, pairs.matrix) / t2
        pairs.deflate((t2 * p)[:, None], g[:, None])
        V[:, len(d)] = g
        d.append(leading[1])
    V = V[:, : len(d)]
    Ry = rotations_of_weights(V)
    return _complete(S, Z, x.weights, V, x.rotations, Ry, np.array(d), y_loadings=V)


def rotations_of_weights(V: FloatArray) -> FloatArray:
    """Compute the rotations V(VᵀV)⁺ of y-scores, which regress the y-row on the weights V (q, k).

    A y with few columns has fewer directions than components; the rank rule drops directions that are rounding.
    """
    if not V.size:
        return V
    return np.asarray(linalg.pinv(V, rtol=rank_tolerance(V.shape[1], np.finfo(np.float64).eps)).T)


class _Side:
    """Covariances of one side (0 is x, 1 is y) with its own directions, computed from rows if these are given."""

    def __init__(self, S: Covariances, Z: Rows | None, index: int) -> None:
        self.S, self.cross = (S.xx, S.xy) if index == 0 else (S.yy, S.xy.T)
        self.rows = None if Z is None else (Z[index], Z[1 - index])

    def image(self, r: FloatArray) -> tuple[FloatArray, float]:
        """Compute Sr, and the variance rᵀSr of the score."""
        if self.rows is None:
            Sr = weighted_sum(r, self.S)
            return Sr, float(r @ Sr)
        t = weighted_sum(r, self.rows[0].T)
        return weighted_sum(t, self.rows[0]), float(t @ t)

    def of_scores(self, R: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Compute covariances of the scores of rotations R: among themselves, with their own and the other side."""
        if self.rows is None:
            SR = product(self.S, R)
            return product(R.T, SR), SR.T, product(R.T, self.cross)
        own, other = self.rows
        T = product(own, R)
        return product(T.T, T), product(T.T, own), product(T.T, other)


class _Deflation:
    """Rotations and loadings of one side during deflation by its scores.

    A score of the deflated rows is a score of the rows themselves, Xr, with r = w − Σ_j (p_jᵀw) r_j.
    """

    def __init__(self, side: _Side, k: int) -> None:
        self.side, self.n_scores, self.score_variance = side, 0, 0.0
        self._weights, self._rotations, self._loadings = (np.empty((len(side.S), k), order="F") for _ in range(3))

    @property
    def weights(self) -> FloatArray:
        return self._weights[:, : self.n_scores]

    @property
    def rotations(self) -> FloatArray:
        return self._rotations[:, : self.n_scores]

    def add(self, w: FloatArray) -> FloatArray:
        n = self.n_scores
        r = w - weighted_sum(weighted_sum(w, self._loadings[:, :n]), self.rotations.T)
        Sr, self.score_variance = self.side.image(r)
        p: FloatArray = Sr / self.score_variance
        self._weights[:, n], self._rotations[:, n], self._loadings[:, n] = w, r, p
        self.n_scores = n + 1
        return p


def _complete(
    S: Covariances,
    Z: Rows | None,
    Wx: FloatArray,
    Wy: FloatArray,
    Rx: FloatArray,
    Ry: FloatArray,
    d: FloatArray,
    y_loadings: FloatArray | None = None,
) -> PLSSolution:
    """Complete a solution from its rotations: loadings and predictions by least squares on the scores."""
    x, y = _Side(S, Z, 0), _Side(S, Z, 1)
    (Gx, x_own, x_other), (Gy, y_own, y_other) = x.of_scores(Rx), y.of_scores(Ry)
    cross = np.einsum("ij,ji->i", x_other, Ry)
    y_loadings = effects_of_scores(Gy, y_own).T if y_loadings is None else y_loadings
    return PLSSolution(
        SolvedSide(Wx, Rx, effects_of_scores(Gx, x_own).T, effects_of_scores(Gy, y_other)),
        SolvedSide(Wy, Ry, y_loadings, effects_of_scores(Gx, x_other)),
        singular_values=d,
        correlations=correlations_of(cross, np.diagonal(Gx), np.diagonal(Gy)),
        rcond=min(_relative_variance(Rx, Gx, x.S), _relative_variance(Ry, Gy, y.S)),
    )


def _relative_variance(R: FloatArray, G: FloatArray, S: FloatArray) -> float:
    """Compute the smallest variance of a unit combination of scores with covariance G over the largest that S allows.

    Scores of zero, for more components than y has directions, do not count.
    """
    lengths, largest = np.linalg.norm(R, axis=0), largest_eigenvalue(S)
    if not len(lengths) or largest == 0:
        return 1.0
    D = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    values = linalg.eigvalsh(scaled(G, D, D), check_finite=False)
    found = values[values > len(G) * np.finfo(np.float64).eps * values[-1]]
    return float(found.min(initial=values[-1])) / largest
