"""What held-out shots say about class scores: how sharp they are, and how much they favour seen classes."""

from __future__ import annotations

from math import exp, log

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from .._blocks import FloatArray

# Within these, scores are multiplied to become logarithms of probabilities.
SCALES = (1e-3, 1e3)


def likeliest_scale(S: FloatArray, codes: NDArray[np.intp], weights: FloatArray) -> float:
    """Factor of class scores (n, n_classes) by which their softmax makes the true classes likeliest.

    The inverse of the temperature of Guo et al. (2017), On calibration of modern neural networks.
    """
    S = S.astype(float)
    S -= S.max(axis=1, keepdims=True)
    of_class = S[np.arange(len(S)), codes]
    # The factor for scores that spread by 1, so that its limits hold in any unit.
    spread = float(np.abs(S).mean()) or 1.0

    def loss(log_scale: float) -> float:
        scale = exp(log_scale) / spread
        return float(np.average(logsumexp(scale * S, axis=1) - scale * of_class, weights=weights))

    low, high = SCALES
    found = minimize_scalar(loss, bounds=(log(low), log(high)), method="bounded", options={"xatol": 1e-6})
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
    rows = np.arange(len(S))
    is_seen = seen[rows, codes]
    right = np.where(is_seen, of_seen.argmax(axis=1), of_unseen.argmax(axis=1)) == codes
    ends = np.unique(margins)
    offsets = np.concatenate(([ends[0] - 1.0], (ends[1:] + ends[:-1]) / 2, [ends[-1] + 1.0]))

    def accuracy(part: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> FloatArray:
        return np.asarray((chosen & right)[:, part].mean(axis=1))

    stays_seen = margins > offsets[:, None]
    a, b = accuracy(is_seen, stays_seen), accuracy(~is_seen, ~stays_seen)
    harmonic = 2 * a * b / np.where(a + b > 0, a + b, 1.0)
    best = np.flatnonzero(harmonic == harmonic.max())
    # Of equally good ones the one nearest to none.
    return float(offsets[best[np.abs(offsets[best]).argmin()]])
