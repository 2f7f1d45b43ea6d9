"""Kernel canonical pairs of a fold for many ridges, from one eigendecomposition per side and width."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from .._typing import FloatArray, Split
from ..linalg._products import gram, product, scaled
from ..linalg._svd import Triplets, all_eigenvectors, pairs_found, projected_svd
from ._centred import NEGATIVE_TOLERANCE, centre, not_semidefinite
from ._kernel import Kernel, kernel_matrix
from ._maps import Map
from ._settings import Sides, SideSettings

Width = float | None


@dataclass(frozen=True, eq=False)
class FoldSide:
    """Principal directions of one side in feature space, for one width.

    With the centred kernel K = QΛQᵀ of the training rows, `train` is Q (n, r), `values` are its eigenvalues (r,), and
    `test` (m, r) the coordinates of the test rows along these directions.
    """

    train: FloatArray
    test: FloatArray
    values: FloatArray
    trace: float

    @classmethod
    def of_width(
        cls, settings: SideSettings, gamma: Width, rows: NDArray[np.generic], split: Split, rng: RandomState
    ) -> FoldSide:
        """Compute the directions for training and test rows of a split, with this width in place of the settings'."""
        settings = replace(settings, gamma=gamma)
        train, test = split
        precomputed = settings.row.is_precomputed
        A, B = (rows[np.ix_(part, train)] if precomputed else rows[part] for part in (train, test))
        kernel = settings.kernel_of(A)
        if settings.approximation is None:
            return cls.exact(kernel, A, B)
        return cls.of_features(kernel, settings.map_of(kernel, A, rng), A, B)

    @classmethod
    def exact(cls, kernel: Kernel, train: NDArray[np.generic], test: NDArray[np.generic]) -> FoldSide:
        """Compute the directions from the kernel of the training rows."""
        K = kernel_matrix(kernel, train)
        K_test = kernel(kernel.read(test, slice(None)), kernel.all_rows(train)) - centre(K, kernel.name)
        # Directions sum to zero up to rounding, which weak ones enlarge: the mean that would reach them is removed.
        K_test -= K_test.mean(axis=1, keepdims=True)
        trace = float(np.trace(K))
        values, Q = all_eigenvectors(K.T, overwrite=True)
        if not kernel.row.is_definite and values[0] < -NEGATIVE_TOLERANCE * trace:
            raise not_semidefinite(
                kernel.name, f"once centred its eigenvalues range from {values[0]:g} to {values[-1]:g}"
            )
        keep = _kept(values)
        Q, values = Q[:, keep], values[keep]
        return cls(Q, product(K_test, Q) / np.sqrt(values), values, trace)

    @classmethod
    def of_features(cls, kernel: Kernel, features: Map, train: FloatArray, test: FloatArray) -> FoldSide:
        """Compute the directions from features whose products approximate the kernel."""
        F, G = (features(kernel.read(rows, slice(None))) for rows in (train, test))
        mean = F.mean(axis=0)
        F -= mean
        values, V = all_eigenvectors(gram(F))
        keep = _kept(values)
        V = V[:, keep]
        return cls(product(F, V) / np.sqrt(values[keep]), product(G - mean, V), values[keep], float(values.sum()))

    def ridge(self, regularization: float) -> FloatArray:
        """Return the eigenvalues plus the ridge."""
        return self.values + regularization * self.trace


def _kept(values: FloatArray) -> NDArray[np.bool_]:
    return np.asarray(values > len(values) * np.finfo(float).eps * values[-1])


class KernelPath:
    """Both sides at one pair of widths: M = QxᵀQy is computed once, and every ridge is a diagonal scaling of it."""

    def __init__(self, x: FoldSide, y: FoldSide) -> None:
        self.x, self.y = x, y
        self._cross = product(x.train.T, y.train)

    def test_scores(self, regularization: tuple[float, float], k: int) -> Triplets:
        """Compute scores of the test rows on the k leading pairs, and singular values: (x_scores, d, y_scores).

        There are fewer than k if only rounding is left, as in a fit.
        """
        x, y = self.x.ridge(regularization[0]), self.y.ridge(regularization[1])
        weights = np.sqrt(self.x.values / x), np.sqrt(self.y.values / y)
        K = scaled(self._cross, *weights)
        x_scores, d, y_scores = projected_svd(K, k, self.x.test / np.sqrt(x), self.y.test / np.sqrt(y))
        found = pairs_found(d, len(self.x.train), float(weights[0].max(initial=0.0) * weights[1].max(initial=0.0)))
        return x_scores[:, :found], d[:found], y_scores[:, :found]


class FoldOfWidths:
    """Both sides of a fold at all widths, and the path of the last pair of widths.

    The random state is used as in a fit, for x first and then for y; it is not changed.
    """

    def __init__(
        self,
        settings: Sides,
        widths: tuple[Sequence[Width], Sequence[Width]],
        rows: tuple[NDArray[np.generic], NDArray[np.generic]],
        split: Split,
        rng: RandomState,
    ) -> None:
        self._sides: list[dict[Width, FoldSide]] = []
        for of_side, gammas, A in zip(settings, widths, rows, strict=True):
            states = [deepcopy(rng) for _ in gammas]
            of_widths = (
                FoldSide.of_width(of_side, gamma, A, split, state) for gamma, state in zip(gammas, states, strict=True)
            )
            self._sides.append(dict(zip(gammas, of_widths, strict=True)))
            rng = states[0]
        self._path: KernelPath | None = None

    @property
    def possible(self) -> int:
        """Largest number of components that every width allows."""
        sides = [side for of_widths in self._sides for side in of_widths.values()]
        return min(min(len(side.values), len(side.train) - 1) for side in sides)

    def path(self, gammas: tuple[Width, Width]) -> KernelPath:
        """Return the path of a pair of widths; only the last is kept, since settings are sorted by width."""
        x, y = (of_widths[gamma] for of_widths, gamma in zip(self._sides, gammas, strict=True))
        if self._path is None or (self._path.x, self._path.y) != (x, y):
            self._path = None  # frees the matrix before the next one is formed
            self._path = KernelPath(x, y)
        return self._path
