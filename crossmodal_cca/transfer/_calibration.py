"""Calibrate class scores on held-out shots: their temperature, and the offset of seen classes."""

from __future__ import annotations

from math import ceil, exp, log

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from .._typing import FloatArray

# Bounds of the temperature at which the likelihood alone is largest, as multiples of the mean spread of the scores.
MULTIPLES = (1e-4, 1e3)
# Logarithm (nats) below which a probability counts as zero.
SMALLEST = -80.0
# Rows from which the temperature is searched in a part of them of this size or somewhat less.
SEARCHED = 2000
# Newton's steps for log T: how many, the farthest that stays near what the search found, and one that is rounding.
NEWTON_STEPS, FARTHEST, CLOSE = 6, 0.3, 1e-7


def likeliest_temperature(
    S: FloatArray, codes: NDArray[np.intp], weights: FloatArray | None = None, *, expected: float = 1.0
) -> float:
    """Find the temperature T: divided by it, class scores (n, n_classes) have the softmax that fits true classes best.

    Minimises Σ w_i loss_i + (log T/T₀)², with the log-loss of each row at T and the temperature T₀ that is expected
    beforehand. Without the second term there is no minimum if every row is recognised: the likelihood grows as T goes
    to 0. The second term weighs as little as a few rows. The first term is that of Guo, Pleiss, Sun & Weinberger
    (2017), On calibration of modern neural networks.
    """
    S = np.asarray(S - S.max(axis=1, keepdims=True), dtype=float)
    of_class = S[np.arange(len(S)), codes]
    w = np.ones(len(S)) if weights is None else weights
    spread = float(np.abs(S).mean())
    if spread == 0:
        return expected
    scaled = np.empty_like(S)
    # A search in some of the rows leads to the minimum of all, unless Newton's steps say otherwise.
    some = slice(None, None, ceil(len(S) / SEARCHED))
    share = float(w[some].sum() / w.sum())
    for part, size in ((some, share), (slice(None), 1.0)) if 0 < share < 1 else ((slice(None), 1.0),):
        log_t = _searched(S[part], of_class[part], w[part] / size, expected, spread)
        # Values of the loss give the minimum to half of their digits; these steps nearly all, in any order of rows.
        for _ in range(NEWTON_STEPS):
            E, total = _exponentials(S, log_t, scaled)
            mean = np.einsum("ij,ij->i", E, S) / total
            variance = np.einsum("ij,ij,ij->i", E, S, S) / total - np.square(mean)
            sharpness = exp(-log_t)
            slope = sharpness * float(w @ (mean - of_class))
            bend = slope + sharpness**2 * float(w @ variance) + 2.0
            step = (2 * (log_t - log(expected)) - slope) / bend
            log_t -= step
            if bend <= 0 or abs(step) > FARTHEST or abs(step) < CLOSE:
                break
        if bend > 0 and abs(step) < CLOSE:
            break
    return exp(log_t)


def _exponentials(S: FloatArray, log_t: float, scaled: FloatArray) -> tuple[FloatArray, FloatArray]:
    # Smaller numbers add nothing to the sum, and exp takes much longer for them.
    np.maximum(np.multiply(S, exp(-log_t), out=scaled), SMALLEST, out=scaled)
    return np.exp(scaled, out=scaled), scaled.sum(axis=1)


def _searched(S: FloatArray, of_class: FloatArray, w: FloatArray, expected: float, spread: float) -> float:
    """Find log T by values of the loss alone."""
    scaled = np.empty_like(S)

    def loss(log_t: float) -> float:
        likelihood = w @ (np.log(_exponentials(S, log_t, scaled)[1]) - of_class * exp(-log_t))
        return float(likelihood) + (log_t - log(expected)) ** 2

    # There may be several minima between T₀ and the minimum of the first term.
    ends = [log(expected), *(log(multiple * spread) for multiple in MULTIPLES)]
    grid = np.linspace(min(ends), max(ends), ceil(max(ends) - min(ends)) + 1)
    nearest = int(np.argmin([loss(log_t) for log_t in grid]))
    bounds = grid[max(nearest - 1, 0)], grid[min(nearest + 1, len(grid) - 1)]
    return float(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-4}).x)


def best_offset(S: FloatArray, codes: NDArray[np.intp], seen: NDArray[np.bool_]) -> float:
    """Find the number >= 0 to subtract from scores (n_rows, n_classes) of held-out rows in classes that have been seen.

    It maximises the harmonic mean of the accuracies on rows of seen and of unseen classes (Chao et al. 2016, An
    empirical study and analysis of generalized zero-shot learning).
    """
    of_seen, of_unseen = np.where(seen, S, -np.inf), np.where(seen, -np.inf, S)
    margins = of_seen.max(axis=1) - of_unseen.max(axis=1)
    is_seen = seen[np.arange(len(S)), codes]
    right = np.where(is_seen, of_seen.argmax(axis=1), of_unseen.argmax(axis=1)) == codes
    # Between two neighbouring margins the offset makes no difference.
    ends = np.unique(margins)
    between = np.concatenate(((ends[1:] + ends[:-1]) / 2, [ends[-1] + 1.0]))
    offsets = np.concatenate(([0.0], between[between > 0]))

    def below(part: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Count rows of a part that are right and have a margin below each offset."""
        return np.searchsorted(np.sort(margins[part & right]), offsets)

    a = (np.sum(is_seen & right) - below(is_seen)) / is_seen.sum()
    b = below(~is_seen) / (~is_seen).sum()
    harmonic = 2 * a * b / np.where(a + b > 0, a + b, 1.0)
    # Take the smallest of the offsets that are equally good up to rounding.
    return float(offsets[np.argmax(harmonic >= harmonic.max() * (1 - 1e-12))])
