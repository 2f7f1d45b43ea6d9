"""Kernel canonical pairs for many ridges from one eigendecomposition of either side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .._typing import FloatArray
from ..linalg._products import gram, product
from ..linalg._svd import Triplets, all_eigenvectors, truncated_svd
from ._kernel import NEGATIVE_TOLERANCE, Kernel, centre, kernel_matrix, not_semidefinite
from ._maps import Map


@dataclass(frozen=True, eq=False)
class KernelSide:
    """Principal directions of one side in feature space, of some width.

    With the centred kernel K = QΛQᵀ of the training rows, `train` is Q (n, r), `values` its eigenvalues (r,), `test`
    (m, r) the test rows on the same directions, in their own length.
    """

    train: FloatArray
    test: FloatArray
    values: FloatArray
    trace: float

    @classmethod
    def exact(cls, kernel: Kernel, train: NDArray[np.generic], test: NDArray[np.generic]) -> KernelSide:
        """From the kernel of the training rows."""
        K = kernel_matrix(kernel, train)
        K_test = kernel(kernel.read(test, slice(None)), kernel.all_rows(train)) - centre(K, kernel.name)
        # Directions sum to zero but for rounding, which weak ones enlarge: what they must not see is taken away.
        K_test -= K_test.mean(axis=1, keepdims=True)
        trace = float(np.trace(K))
        values, Q = all_eigenvectors(K, overwrite=True)
        if not kernel.is_definite and values[0] < -NEGATIVE_TOLERANCE * trace:
            raise not_semidefinite(
                kernel.name, f"once centred its eigenvalues range from {values[0]:g} to {values[-1]:g}"
            )
        keep = _kept(values)
        return cls(Q[:, keep], product(K_test, Q[:, keep]) / np.sqrt(values[keep]), values[keep], trace)

    @classmethod
    def of_features(cls, kernel: Kernel, features: Map, train: FloatArray, test: FloatArray) -> KernelSide:
        """From features whose products approximate the kernel."""
        F, G = (features(kernel.read(rows, slice(None))) for rows in (train, test))
        mean = F.mean(axis=0)
        F -= mean
        values, V = all_eigenvectors(gram(F))
        keep = _kept(values)
        V = V[:, keep]
        return cls(product(F, V) / np.sqrt(values[keep]), product(G - mean, V), values[keep], float(values.sum()))

    def ridge(self, regularization: float) -> FloatArray:
        """Eigenvalues with the ridge."""
        return self.values + regularization * self.trace


def _kept(values: FloatArray) -> NDArray[np.bool_]:
    return np.asarray(values > len(values) * np.finfo(float).eps * values[-1])


class KernelPath:
    """Both sides at one pair of widths: M = QxᵀQy once, then every ridge is a diagonal scaling of it."""

    def __init__(self, x: KernelSide, y: KernelSide) -> None:
        self.x, self.y = x, y
        self._cross = product(x.train.T, y.train)

    def test_scores(self, regularization: tuple[float, float], k: int) -> Triplets:
        """Scores of the test rows on the k leading pairs, and the pairs' singular values: (x_scores, d, y_scores)."""
        x, y = self.x.ridge(regularization[0]), self.y.ridge(regularization[1])
        weights = np.sqrt(self.x.values / x)[:, None], np.sqrt(self.y.values / y)
        U, d, V = truncated_svd(weights[0] * self._cross * weights[1], k)
        return product(self.x.test / np.sqrt(x), U), d, product(self.y.test / np.sqrt(y), V)
