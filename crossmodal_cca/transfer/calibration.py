"""What held-out shots say about class scores: how sharp they are, and how much they favour seen classes."""

from __future__ import annotations

from math import exp, log

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from .._typing import FloatArray

# Within these, scores are multiplied to become logarithms of probabilities.
SCALES = (1e-3, 1e2)
# Logarithm of what counts as no probability.
SMALLEST = -80.0


def likeliest_scale(S: FloatArray, codes: NDArray[np.intp], weights: FloatArray) -> float:
    """Factor of class scores (n, n_classes) by which their softmax makes the true classes likeliest.

    The inverse of the temperature of Guo et al. (2017), On calibration of modern neural networks.
    """
    S = S - S.max(axis=1, keepdims=True)
    of_class = S[np.arange(len(S)), codes].astype(float)
    # The factor for scores that spread by 1, so that its limits hold in any unit.
    spread = float(np.abs(S).mean(dtype=float)) or 1.0
    scaled = np.empty_like(S)

    def loss(log_scale: float) -> float:
        scale = exp(log_scale) / spread
        # What is smaller adds nothing, and takes exp much longer.
        np.maximum(np.multiply(S, scale, out=scaled), SMALLEST, out=scaled)
        total = np.exp(scaled, out=scaled).sum(axis=1, dtype=float)
        return float(np.average(np.log(total) - scale * of_class, weights=weights))

    low, high = SCALES
    found = minimize_scalar(loss, bounds=(log(low), log(high)), method="bounded", options={"xatol": 1e-2})
    return exp(found.x) / spread


def best_offset(S: FloatArray, codes: NDArray[np.intp], seen: NDArray[np.bool_]) -> float:
    """Amount to take from the scores of seen classes that balances held-out rows of seen and unseen classes best.

    Parameters
    ----------
    S : ndarray of shape (n_rows, n_classes)
        Class scores of held-out rows.
    codes : ndarray of shape (n_rows,)
        Their classes.
    seen : bool ndarray of shape (n_rows, n_classes)
        Classes that the model of each row had shots of.

    Returns
    -------
    offset : float
        Maximises the harmonic mean of the accuracies on rows of seen and of unseen classes (Chao et al. 2016, An
        empirical study and analysis of generalized zero-shot learning).
    """
    of_seen, of_unseen = np.where(seen, S, -np.inf), np.where(seen, -np.inf, S)
    margins = of_seen.max(axis=1) - of_unseen.max(axis=1)
    is_seen = seen[np.arange(len(S)), codes]
    right = np.where(is_seen, of_seen.argmax(axis=1), of_unseen.argmax(axis=1)) == codes
    # Between two neighbouring margins the offset makes no difference.
    ends, places = np.unique(margins, return_inverse=True)
    offsets = np.concatenate(([ends[0] - 1.0], (ends[1:] + ends[:-1]) / 2, [ends[-1] + 1.0]))

    def lost(part: NDArray[np.bool_]) -> FloatArray:
        """Right rows of a part whose margin is below each offset, as a share of the part."""
        counts = np.bincount(places[part & right], minlength=len(ends))
        return np.asarray(np.concatenate(([0], np.cumsum(counts))) / part.sum())

    of_seen_classes, of_unseen_classes = lost(is_seen), lost(~is_seen)
    a, b = of_seen_classes[-1] - of_seen_classes, of_unseen_classes
    harmonic = 2 * a * b / np.where(a + b > 0, a + b, 1.0)
    best = np.flatnonzero(harmonic == harmonic.max())
    # Of equally good ones the one nearest to none.
    return float(offsets[best[np.abs(offsets[best]).argmin()]])
