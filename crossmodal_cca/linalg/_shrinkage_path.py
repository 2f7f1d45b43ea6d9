"""Canonical pairs for many shrinkages from one eigendecomposition per side."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from .._typing import FloatArray
from ._products import Covariances, product
from ._solution import NestedSolution
from ._svd import all_eigenvectors, truncated_svd
from ._whitening import WhitenedPair


class ShrinkagePath:
    """Canonical pairs along shrinkages: with S = QΛQᵀ on each side, every c is a diagonal scaling of QxᵀSxyQy.

    This holds since (1 − c)S + cτI = Q((1 − c)Λ + cτ)Qᵀ. Without shrinkage, directions may have to be dropped: that
    side is whitened by the rank rule of every solver.

    Parameters
    ----------
    S : Covariances
        Covariances of the standardised training rows.
    n_features : tuple of two ints
        Number of features of each side, which may exceed that of the coordinates.
    unshrunk : WhitenedPair
        Both sides whitened without shrinkage, from covariances or from rows.
    """

    def __init__(self, S: Covariances, n_features: tuple[int, int], unshrunk: WhitenedPair) -> None:
        self.S, self.n_features, self.unshrunk = S, n_features, unshrunk

    @cached_property
    def _sides(self) -> list[tuple[FloatArray, FloatArray, float]]:
        return [self._side(Sii, p) for Sii, p in zip((self.S.xx, self.S.yy), self.n_features, strict=True)]

    @cached_property
    def _cross(self) -> FloatArray:
        return product(self._sides[0][1].T, product(self.S.xy, self._sides[1][1]))

    @property
    def ranks(self) -> tuple[int, int]:
        """Number of directions in which the rows of each side vary."""
        return self.unshrunk.x.rank, self.unshrunk.y.rank

    def solve(self, shrinkage: tuple[float, float], k: int) -> NestedSolution:
        """Solve for the k leading canonical pairs; k is at most the smaller rank."""
        cx, cy = shrinkage
        if cx > 0 and cy > 0:
            cross = self._root(0, cx)[:, None] * self._cross * self._root(1, cy)
        elif cx == cy == 0:
            cross = self.unshrunk.cross
        else:
            cross = self._whiten(1, cy, self._whiten(0, cx, self.S.xy).T).T
        U, d, V = truncated_svd(cross, k)
        Wx, Wy = self._weights(0, cx, U), self._weights(1, cy, V)
        return NestedSolution(Wx, Wy, (1 - cx) * product(Wx.T, self.S.xy), d)

    @staticmethod
    def _side(S: FloatArray, n_features: int) -> tuple[FloatArray, FloatArray, float]:
        values, Q = all_eigenvectors(S)
        return np.maximum(values, 0.0), Q, float(np.trace(S)) / n_features

    def _root(self, i: int, c: float) -> FloatArray:
        values, _, target = self._sides[i]
        # A constant side has weights of zero.
        return 1.0 / np.sqrt((1 - c) * values + c * target) if target > 0 else np.zeros_like(values)

    def _whiten(self, i: int, c: float, S: FloatArray) -> FloatArray:
        """Whiten covariances of side i with other variables."""
        if c == 0:
            return (self.unshrunk.x, self.unshrunk.y)[i].whiten(S)
        return self._root(i, c)[:, None] * product(self._sides[i][1].T, S)

    def _weights(self, i: int, c: float, U: FloatArray) -> FloatArray:
        """Map directions of the whitened side i to its own coordinates."""
        if c == 0:
            return (self.unshrunk.x, self.unshrunk.y)[i].weights(U)
        return product(self._sides[i][1], self._root(i, c)[:, None] * U)
