"""Canonical pairs for many shrinkages from one eigendecomposition per side."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property

import numpy as np

from .._typing import FloatArray
from ._products import Covariances, product, scaled
from ._solution import NestedSolution
from ._svd import Triplets, all_eigenvectors, projected_svd, truncated_svd
from ._whitening import Spectrum, WhitenedPair, ranks_of_covariances

# Rows per pair from which weights are computed for each shrinkage, in place of the rows' coordinates in eigenvectors.
ROWS_PER_PAIR = 10


class ShrinkagePath:
    """Canonical pairs along shrinkages: with S = QΛQᵀ on each side, every c is a diagonal scaling of QxᵀSxyQy.

    This holds since (1 − c)S + cτI = Q((1 − c)Λ + cτ)Qᵀ. Without shrinkage, directions may have to be dropped: that
    side is whitened by the rank rule of every solver. With c = 1 there is nothing to rotate.

    Parameters
    ----------
    S : Covariances
        Covariances of the standardised training rows.
    n_features : tuple of two ints
        Number of features of each side, which may exceed that of the coordinates.
    unshrunk : WhitenedPair or None
        Both sides whitened without shrinkage, from covariances or from rows; None if every shrinkage is above 0.
    """

    def __init__(self, S: Covariances, n_features: tuple[int, int], unshrunk: WhitenedPair | None) -> None:
        self.S, self.n_features, self._unshrunk = S, n_features, unshrunk

    @property
    def unshrunk(self) -> WhitenedPair:
        """Both sides whitened without shrinkage."""
        assert self._unshrunk is not None
        return self._unshrunk

    @cached_property
    def _sides(self) -> list[Spectrum]:
        spectra = (None, None) if self._unshrunk is None else self._unshrunk.spectra
        return [
            (np.maximum(values, 0.0), Q)
            for Sii, known in zip((self.S.xx, self.S.yy), spectra, strict=True)
            for values, Q in [all_eigenvectors(Sii) if known is None else known]
        ]

    @cached_property
    def _targets(self) -> list[float]:
        """Mean variances τ, towards which the sides are shrunk."""
        return [float(np.trace(Sii)) / p for Sii, p in zip((self.S.xx, self.S.yy), self.n_features, strict=True)]

    @cached_property
    def _cross(self) -> FloatArray:
        return product(self._sides[0][1].T, product(self.S.xy, self._sides[1][1]))

    @property
    def ranks(self) -> tuple[int, int]:
        """Number of directions in which the rows of each side vary."""
        if self._unshrunk is None:
            return ranks_of_covariances(self.S)
        return self._unshrunk.x.rank, self._unshrunk.y.rank

    def solve(self, shrinkage: tuple[float, float], k: int) -> NestedSolution:
        """Solve for the k leading canonical pairs; k is at most the smaller rank."""
        cx, cy = shrinkage
        U, d, V = truncated_svd(self._whitened_cross(cx, cy), k)
        Wx, Wy = self._weights(0, cx, U), self._weights(1, cy, V)
        return NestedSolution(Wx, Wy, (1 - cx) * product(Wx.T, self.S.xy), d)

    def projection(self, x: FloatArray, y: FloatArray) -> Callable[[tuple[float, float], int], Triplets]:
        """Return the function of shrinkages and k that computes scores of the rows x and y, as `projected_svd`.

        The rows are rotated to the eigenvectors of their side once, unless they are many for so few pairs.
        """
        rows = (x, y)
        rotated = [cache(lambda i=i: product(rows[i], self._sides[i][1])) for i in (0, 1)]

        def scores(shrinkage: tuple[float, float], k: int) -> Triplets:
            K = self._whitened_cross(*shrinkage)
            if len(x) > ROWS_PER_PAIR * k:
                U, d, V = truncated_svd(K, k)
                Wx, Wy = self._weights(0, shrinkage[0], U), self._weights(1, shrinkage[1], V)
                return product(x, Wx), d, product(y, Wy)
            whitened = (
                self._whiten(i, c, rows[i].T).T if c in (0, 1) else rotated[i]() * self._root(i, c)
                for i, c in enumerate(shrinkage)
            )
            return projected_svd(K, k, *whitened)

        return scores

    def _whitened_cross(self, cx: float, cy: float) -> FloatArray:
        if 0 < cx < 1 and 0 < cy < 1:
            return scaled(self._cross, self._root(0, cx), self._root(1, cy))
        if cx == cy == 0:
            return self.unshrunk.cross
        return self._whiten(1, cy, self._whiten(0, cx, self.S.xy).T).T

    def _root(self, i: int, c: float) -> FloatArray:
        values, target = self._sides[i][0], self._targets[i]
        # A constant side has weights of zero.
        return 1.0 / np.sqrt((1 - c) * values + c * target) if target > 0 else np.zeros_like(values)

    def _unit(self, i: int) -> float:
        """Return the root of a side without anything but the target."""
        return self._targets[i] ** -0.5 if self._targets[i] > 0 else 0.0

    def _whiten(self, i: int, c: float, S: FloatArray) -> FloatArray:
        """Whiten covariances of side i with other variables."""
        if c == 0:
            return (self.unshrunk.x, self.unshrunk.y)[i].whiten(S)
        if c == 1:
            return S * self._unit(i)
        return self._root(i, c)[:, None] * product(self._sides[i][1].T, S)

    def _weights(self, i: int, c: float, U: FloatArray) -> FloatArray:
        """Map directions of the whitened side i to its own coordinates."""
        if c == 0:
            return (self.unshrunk.x, self.unshrunk.y)[i].weights(U)
        if c == 1:
            return U * self._unit(i)
        return product(self._sides[i][1], self._root(i, c)[:, None] * U)
