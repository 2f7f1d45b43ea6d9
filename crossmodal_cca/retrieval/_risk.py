"""Mathematics of confidence and of sets: pure functions of numbers, one for each query.

Letters: n queries, m of them answered, δ = 1 − confidence level, r the risk, α = 1 − the level of a set.
"""

from __future__ import annotations

from math import ceil, floor, log

import numpy as np
from numpy.typing import NDArray

from .._typing import Array, FloatArray

# From this many queries on three starting points share δ; with fewer, one has it all.
SEVERAL_STARTS_FROM = 500


def centred_isotonic(margins: FloatArray, right: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Fit the share of right queries as an increasing function of the margin; return its knots and heights.

    Isotonic regression, with each flat piece moved to its mean margin and lines between (Oron & Flournoy 2017), so that
    queries of different margins keep their order. One miss at margin 0 and one hit at twice the largest are added: a
    run of hits does not make the next one certain.
    """
    from sklearn.isotonic import isotonic_regression

    x, place = np.unique(np.concatenate((margins, [0.0, 2 * margins.max()])), return_inverse=True)
    n = np.bincount(place)
    share = np.bincount(place, weights=np.concatenate((right, [0.0, 1.0]))) / n
    fitted = isotonic_regression(share, sample_weight=n, y_min=0.0, y_max=1.0)
    piece = np.cumsum(np.diff(fitted, prepend=fitted[0]) > 0)
    weights = np.bincount(piece, weights=n)
    return np.bincount(piece, weights=n * x) / weights, np.bincount(piece, weights=n * fitted) / weights


def fewest_answers(risk: float, delta: float) -> int:
    """Return how many answers without an error are needed to show that the risk is at most `risk`."""
    return ceil(round(log(delta) / log(1 - risk), 9))


def most_answered(confidence: FloatArray, right: NDArray[np.bool_], risk: float, delta: float) -> float:
    """Return the lowest confidence at which the share of errors is at most `risk`, with probability 1 − δ.

    Fixed-sequence tests (Learn then Test): the m most confident are tested by P(Bin(m, r) ≤ errors), m increasing,
    until one test fails. Infinite if the first test of every sequence fails.
    """
    from scipy.stats import binom

    n = len(confidence)
    starts = (1, 2, 4) if n >= SEVERAL_STARTS_FROM else (1,)
    order = np.argsort(-confidence, kind="stable")
    ordered = confidence[order]
    # Answers of equal confidence are given together.
    m = 1 + np.flatnonzero(np.append(ordered[1:] < ordered[:-1], True))
    errors = np.cumsum(~right[order])[m - 1]
    passed = np.asarray(binom.cdf(errors, m, risk) <= delta / len(starts))
    most = 0
    for start in starts:
        tested = np.flatnonzero(m >= start * fewest_answers(risk, delta / len(starts)))
        failed = tested[~passed[tested]]
        end = failed[0] if len(failed) else len(m)
        if len(tested) and end > tested[0]:
            most = max(most, int(m[end - 1]))
    return float(ordered[most - 1]) if most else np.inf


def set_threshold(scores: Array, weights: Array, n: int, level: float) -> float:
    """Return the largest similarity at which sets lose at most 1 − level, on average over a new query and n others.

    Conformal risk control: a query loses the weights of its relevant items whose score is below the threshold, at most
    1 in all; those of the n queries and 1 more may be at most α (n + 1). With one item each it is the ⌊α (n + 1)⌋-th
    smallest score. Minus infinity if n is too small: everything is returned.
    """
    # Round off: .1 · 20 and sums of thirds are not exact in floating point.
    allowed = round((1 - level) * (n + 1) - 1, 9)
    if allowed < 0:
        return -np.inf
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    below = np.round(np.cumsum(weights[order]) - weights[order], 9)
    # Equal scores are lost together: at the first of them nothing of theirs is lost yet.
    below = below[np.searchsorted(ordered, ordered)]
    return float(ordered[np.flatnonzero(below <= allowed)[-1]])


def fewest_queries(level: float) -> int:
    """Return the number of queries below which a set must hold everything."""
    n = max(1, floor(1 / (1 - level)) - 2)
    while round((1 - level) * (n + 1) - 1, 9) < 0:
        n += 1
    return n
