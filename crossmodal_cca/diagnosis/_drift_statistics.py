"""Statistics of a batch beside a reference: pure functions of figures and of exchanges.

Letters as in `_drift_exchange`. Each returns statistic, effect and p.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from .._typing import FloatArray
from ._drift_exchange import Exchanged, p_value

# Widths of the kernel, in median distances.
WIDTHS = (2.0, 1.0, 0.5)
# A figure is constant if its standard deviation is below this share of its largest value: rounding.
_CONSTANT = 1e-9
# Share of the reference that is beyond the limit of far and of odd rows.
TAIL = 0.01


class Found(NamedTuple):
    """Result of a test."""

    statistic: float
    effect: float
    p: float


def distribution(U: FloatArray, width: float, of: Exchanged) -> Found:
    """Compare distributions: the unbiased MMD² at each width, standardised over exchanges, and the largest of them."""
    squares = np.sum(U**2, axis=1)
    D = np.maximum(squares[:, None] + squares - 2 * (U @ U.T), 0.0)
    np.fill_diagonal(D, 0.0)
    # Each width is half the one before, so that its kernel is the fourth power.
    K = np.exp(D / (-2 * (WIDTHS[0] * width) ** 2))
    found = []
    for i in range(len(WIDTHS)):
        if i:
            K *= K
            K *= K
        found.append(mmd_squared(K, of.L, of.sizes))
    values = np.stack(found)
    spread = values.std(axis=1)
    standard = (values - values.mean(axis=1)[:, None]) / np.where(spread > 0, spread, 1.0)[:, None]
    best = int(np.argmax(standard[:, 0]))
    effect = float(np.sqrt(max(values[best, 0], 0.0)))
    return Found(float(standard[best, 0]), effect, p_value(standard.max(axis=0)))


def mmd_squared(K: FloatArray, L: FloatArray, sizes: tuple[int, int]) -> FloatArray:
    """Compute the unbiased MMD² of each column of L; K has ones on its diagonal."""
    n, m = sizes
    row_sums = K.sum(axis=0)
    total, to_batch = row_sums.sum(), row_sums @ L
    # In single precision, about the mean kernel value, where products are small: l'Kl = l'Cl + the part of the mean.
    mean = total / len(K) ** 2
    C = (K - mean).astype(np.float32)
    of_batch = np.einsum("ij,ij->j", L, C @ L.astype(np.float32)) + mean * m**2
    across = to_batch - of_batch
    of_reference = total - to_batch - across
    return np.asarray((of_batch - m) / (m * (m - 1)) + (of_reference - n) / (n * (n - 1)) - 2 * across / (n * m))


def means(U: FloatArray, of: Exchanged) -> Found:
    """Compare the means of coordinates: the largest difference, in pooled standard deviations."""
    n, m = of.sizes
    largest = np.abs(_differences(U, of)).max(axis=0)
    return Found(float(largest[0] * np.sqrt(n * m / (n + m))), float(largest[0]), p_value(largest))


def shift(values: FloatArray, of: Exchanged, sign: int = 0) -> Found:
    """Compare means of one figure: the difference in either direction, or that of a sign."""
    n, m = of.sizes
    differences = _differences(values[:, None], of)[0]
    looked_at = sign * differences if sign else np.abs(differences)
    return Found(float(looked_at[0] * np.sqrt(n * m / (n + m))), float(looked_at[0]), p_value(looked_at))


def _differences(U: FloatArray, of: Exchanged) -> FloatArray:
    """Compute differences (d, B + 1) of means, batch minus reference, in pooled standard deviations."""
    n, m = of.sizes
    centred, spread = U - U.mean(axis=0), U.std(axis=0)
    differs = spread > _CONSTANT * np.abs(U).max(axis=0)
    return np.asarray(np.where(differs, centred / np.where(differs, spread, 1.0), 0.0).T @ of.L * (1 / n + 1 / m))


def mix(cells: NDArray[np.intp], of: Exchanged) -> Found:
    """Compare shares of cells by χ²; the effect is the share of rows that would have to change theirs."""
    n, m = of.sizes
    there, codes = np.unique(cells, return_inverse=True)
    total = np.bincount(codes.ravel())
    counts = (codes.ravel() == np.arange(len(there))[:, None]).astype(float) @ of.L
    expected = total[:, None] * m / (n + m)
    chi = np.sum((counts - expected) ** 2 / expected, axis=0) * (n + m) / n
    apart = np.abs(counts[:, 0] / m - (total - counts[:, 0]) / n).sum() / 2
    return Found(float(chi[0]), float(apart), p_value(chi))


def tail_rank(n: int) -> int:
    """Return k: the k-th largest of n reference values is the limit."""
    return max(1, round(TAIL * (n + 1)))


def beyond(values: FloatArray, reference: FloatArray) -> Found:
    """Count independent values beyond the k-th largest of a sorted reference: beta-binomial."""
    n, m = len(reference), len(values)
    k = tail_rank(n)
    count = int(np.count_nonzero(values > reference[-k]))
    return Found(count, count / m - k / (n + 1), tail_of_beta_binomial(count, m, k, n + 1 - k))


def tail_of_beta_binomial(count: int, m: int, a: int, b: int) -> float:
    """Compute P(C ≥ count) for C of the beta-binomial law, by its sum: a difference from 1 could be 0."""
    if count == 0:
        return 1.0
    p = float(np.exp(stats.betabinom.logpmf(np.arange(count, m + 1), m, a, b)).sum())
    return min(1.0, max(p, float(np.finfo(float).tiny)))


def groups_beyond(values: FloatArray, of: Exchanged) -> Found:
    """Count values of groups beyond the k-th largest of the reference, by exchanges.

    The batch has at least e beyond it if and only if at least e of the k + e − 1 largest of all are of the batch, so
    exchanging which of the observed k + e − 1 are is exchanging all, each time with a limit of its own.
    """
    n, m = of.sizes
    k = tail_rank(n)
    limit = np.sort(values[:n])[-k]
    counts = (values > limit).astype(float) @ of.L
    return Found(float(counts[0]), float(counts[0] / m - k / (n + 1)), p_value(counts))
