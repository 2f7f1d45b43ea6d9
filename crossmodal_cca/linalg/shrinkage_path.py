"""Canonical pairs for many shrinkages from one eigendecomposition of either side."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy import linalg

from .._blocks import FloatArray
from .cca import solve_cca
from .pair import Covariances
from .products import product
from .solution import LinearSolution
from .whitening import WhitenedPair, Whitener, whiten_covariances


class ShrinkagePath:
    """With S = QΛQᵀ on either side, (1 − c)S + cτI = Q((1 − c)Λ + cτ)Qᵀ: every c is a diagonal scaling of QxᵀSxyQy.

    Without shrinkage directions may have to be dropped; that side is then whitened by the rule of every solver.

    Parameters
    ----------
    S : Covariances
        Of the standardised training rows.
    n_features : tuple of two ints
        Features of either side, which may be more than coordinates.
    eps : float
        Rounding of the rows' floating type.
    """

    def __init__(self, S: Covariances, n_features: tuple[int, int], eps: float) -> None:
        self.S, self.n_features = S, n_features
        self.unshrunk = whiten_covariances(S, (0.0, 0.0), n_features, eps)

    @cached_property
    def _sides(self) -> list[tuple[FloatArray, FloatArray, float]]:
        return [self._side(Sii, p) for Sii, p in zip((self.S.xx, self.S.yy), self.n_features, strict=True)]

    @cached_property
    def _cross(self) -> FloatArray:
        return product(self._sides[0][1].T, product(self.S.xy, self._sides[1][1]))

    @property
    def ranks(self) -> tuple[int, int]:
        """Directions of either side in which its rows vary."""
        return self.unshrunk.x.rank, self.unshrunk.y.rank

    def solve(self, shrinkage: tuple[float, float], k: int) -> LinearSolution:
        """The k leading canonical pairs, k being at most the smaller rank."""
        cx, cy = shrinkage
        x, y = (self._whitener(i, c) for i, c in enumerate(shrinkage))
        if cx > 0 and cy > 0:
            roots = [self._root(i, c) for i, c in enumerate(shrinkage)]
            cross = roots[0][:, None] * self._cross * roots[1]
        elif cx == cy == 0:
            cross = self.unshrunk.cross
        else:
            cross = y.whiten(x.whiten(self.S.xy).T).T
        return solve_cca(self.S, WhitenedPair(x, y, cross), shrinkage, k)

    @staticmethod
    def _side(S: FloatArray, n_features: int) -> tuple[FloatArray, FloatArray, float]:
        values, Q = linalg.eigh(S, check_finite=False, driver="evd")
        return np.maximum(values, 0.0), Q, float(np.trace(S)) / n_features

    def _root(self, i: int, c: float) -> FloatArray:
        values, _, target = self._sides[i]
        # A side that does not vary at all has weights of zero.
        return 1.0 / np.sqrt((1 - c) * values + c * target) if target > 0 else np.zeros_like(values)

    def _whitener(self, i: int, c: float) -> Whitener:
        whole = (self.unshrunk.x, self.unshrunk.y)[i]
        if c == 0:
            return whole
        Q = self._sides[i][1]
        return Whitener(len(Q), 1.0, True, whole.scale, Q * self._root(i, c), is_factor=False)
