"""Steps of a permutation test of canonical correlations by −ln Λ, without shrinkage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .._typing import FloatArray
from ._canonical import CanonicalPairs
from ._exchange import Exchange
from ._nuisance import orthonormal, residual_rows

# Difference of squared correlations below which they count as equal: far more than their rounding.
EQUAL = 1e-9


@dataclass(frozen=True, eq=False)
class WilksStep:
    """Orthonormal variates of both sides, x (n, p − k) and y (n, q − k), whose pairing is permuted.

    Permuted rows are no longer orthogonal to `removed` (n, r), and are made orthogonal again.
    """

    x: FloatArray
    y: FloatArray
    removed: FloatArray
    exchange: Exchange

    def count(self, orders: Sequence[NDArray[np.intp]]) -> int:
        """Count the orders of the y-rows with at least as large a statistic as the original order.

        An error δ of a squared correlation gives −ln(1 − r²) an error δ/(1 − r²), without bound at r = 1. So the
        statistic is −Σ ln(1 − r² + δ), and values within its error count as equal.
        """
        squares = np.linalg.svd(self.x.T @ self.y, compute_uv=False) ** 2
        margin = np.sum(EQUAL / (np.maximum(1 - squares, 0) + EQUAL))
        everything = [np.arange(len(self.y)), *orders]
        K = np.stack([self.x.T @ self.y[order] for order in everything])
        R = np.stack([self.removed.T @ self.y[order] for order in everything])
        statistics = _log_wilks(K, R)
        return int(np.sum(statistics[1:] >= statistics[0] - margin))


def _log_wilks(K: FloatArray, R: FloatArray) -> FloatArray:
    """Compute −Σ ln(1 − r² + δ) for each of the cross products K (m, p, q), from determinants.

    With R (m, r, q), the products of the y-rows with the removed directions, r are the correlations after removal: the
    y-rows then have the products I − RᵀR.
    """
    if R.shape[1] == 0 and K.shape[1] < K.shape[2]:
        K, R = K.transpose(0, 2, 1), R[:, :, : K.shape[1]]
    rest = (1 + EQUAL) * np.eye(K.shape[2]) - R.transpose(0, 2, 1) @ R
    return np.asarray(np.linalg.slogdet(rest)[1] - np.linalg.slogdet(rest - K.transpose(0, 2, 1) @ K)[1])


def wilks_steps(
    x: FloatArray, y: FloatArray, pairs: CanonicalPairs, k: int, exchange: Exchange, *, about_mean: bool
) -> Iterator[WilksStep]:
    """Return the steps of the first k components of both sides' rows, which may be centred.

    If all rows are exchangeable, the variates without earlier pairs are expressed in as many rows as dimensions are
    left; otherwise rows must stay as they are.
    """
    U, V = _polished(x @ pairs.x_weights), _polished(y @ pairs.y_weights)
    nothing = np.zeros((len(U), 0))
    for j in range(k):
        A, B = U[:, j:], V[:, j:]
        earlier = orthonormal(U[:, :j] + V[:, :j]) if j else nothing
        if not exchange.is_free:
            yield WilksStep(A, B, earlier, exchange)
            continue
        if j:
            mean = np.full((len(U), int(about_mean)), len(U) ** -0.5)
            A, B = residual_rows([A, B], np.hstack([mean, earlier]))
        yield WilksStep(A, B, nothing[: len(A)], Exchange.of_rows(len(A)))


def _polished(U: FloatArray) -> FloatArray:
    """Make columns orthonormal to all digits that are so up to the digits lost with an ill-conditioned side."""
    return np.asarray(1.5 * U - U @ (U.T @ U) / 2)
