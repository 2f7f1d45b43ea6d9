"""Minimise the loss of a logistic regression whose coefficients are pulled towards prototypes."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._typing import FloatArray
from ..rows._blocks import row_slices

# Scores computed at once: few enough for the cache.
BLOCK_ENTRIES = 2**19
# Rows from which the curvature is estimated.
SOME_ROWS = 2000
# Steps that L-BFGS remembers.
MEMORY = 10
# Largest ratio of the first steps of two classes for the same slope.
LARGEST_RATIO = 100.0
# Share of the slope at the start of a line that may be left where it ends, and points tried on it.
SLOPE_LEFT, MAX_POINTS = 0.7, 30

Slope = Callable[[FloatArray], FloatArray]
Step = tuple[FloatArray, FloatArray]


class PulledLoss(NamedTuple):
    """The loss of coefficients (n_classes, d), divided by C Σ w as in scikit-learn.

    Z (n, d) are unit rows of weights w, `centre` (n_classes, d) the prototypes over the temperature, `pulls`
    (n_classes,) λ. Coefficients are given as their distances D from the centres.
    """

    Z: FloatArray
    codes: NDArray[np.intp]
    weights: FloatArray
    centre: FloatArray
    pulls: FloatArray
    C: float

    @property
    def ridge(self) -> FloatArray:
        return np.asarray(self.pulls[:, None] / (self.C * self.weights.sum(dtype=float)))

    def gradient(self, D: FloatArray) -> FloatArray:
        """Compute the gradient at D in two products, with scores for a block of rows at a time."""
        g = self.ridge * D
        for part in row_slices(len(self.Z), max(BLOCK_ENTRIES // len(D), 1)):
            E = self._probabilities(D, part)
            E[np.arange(len(E)), self.codes[part]] -= 1
            E *= self._shares[part, None]
            g += E.T @ self.Z[part]
        return g

    def curvature(self, V: FloatArray) -> float:
        """Compute the second derivative at the centres along V, estimated from some of the rows where there are many.

        A row z of weight w adds w (Σ p u² − (Σ p u)²) with u = Vz, summed over classes of probability p.
        """
        some = slice(None, None, ceil(len(self.Z) / SOME_ROWS))
        w, p = self.weights[some], self._probabilities(np.zeros_like(self.centre), some)
        U = self.Z[some] @ V.astype(self.Z.dtype).T
        bends = np.einsum("ij,ij,ij->i", p, U, U, dtype=float) - np.einsum("ij,ij->i", p, U, dtype=float) ** 2
        return float(w @ bends / (w.sum(dtype=float) or 1.0) + np.vdot(self.ridge * V, V))

    def _probabilities(self, D: FloatArray, part: slice) -> FloatArray:
        S = self.Z[part] @ (self.centre + D).astype(self.Z.dtype, copy=False).T
        S -= S.max(axis=1, keepdims=True)
        np.exp(S, out=S)
        S /= S.sum(axis=1, keepdims=True)
        return np.asarray(S)

    @property
    def _shares(self) -> FloatArray:
        return np.asarray((self.weights / self.weights.sum()).astype(self.Z.dtype))


class Minimum(NamedTuple):
    """Distances from the centres (n_classes, d), steps, evaluations, and whether the gradient is small enough."""

    D: FloatArray
    n_iter: int
    n_evaluations: int
    converged: bool


def minimise(loss: PulledLoss, tolerance: float, max_iter: int) -> Minimum:
    """Go from the centres to the minimum by L-BFGS, until no entry of the gradient is larger than the tolerance.

    Lines end where their slope says so: near the minimum the loss itself has too few digits, and for a convex function
    the slope is enough. The first direction is the gradient of each class over its pull, the first step along it from
    an estimate of the curvature.
    Nocedal & Wright (2006), Numerical optimization, algorithm 7.4.
    """
    D = np.zeros(loss.centre.shape)
    g = loss.gradient(D)
    metric = 1 / np.maximum(loss.ridge, loss.ridge.max() / LARGEST_RATIO)
    slope, curvature = float(np.vdot(g, metric * g)), loss.curvature(metric * g)
    unit, n_evaluations = slope / curvature if curvature > 0 else 1.0, 1
    steps: list[Step] = []
    n_iter = 0
    while np.abs(g).max() > tolerance and n_iter < max_iter:
        p = _direction(g, steps, unit * metric)
        t, after, n_points = _end_of_line(loss.gradient, D, p, float(np.vdot(g, p)))
        D += t * p
        s, y = t * p, after - g
        steps = [*steps[1 - MEMORY :], (s, y)]
        unit = float(np.vdot(s, y) / np.vdot(y, metric * y))
        g, n_iter, n_evaluations = after, n_iter + 1, n_evaluations + n_points
    return Minimum(D, n_iter, n_evaluations, bool(np.abs(g).max() <= tolerance))


def _direction(g: FloatArray, steps: list[Step], first: FloatArray) -> FloatArray:
    """Compute −H g, with H the inverse Hessian: diagonal, the `first`, but for what the last steps and slopes say."""
    q, shares = g.copy(), []
    for s, y in reversed(steps):
        shares.append(np.vdot(s, q) / np.vdot(s, y))
        q -= shares[-1] * y
    q *= first
    for (s, y), share in zip(steps, reversed(shares), strict=True):
        q += (share - np.vdot(y, q) / np.vdot(s, y)) * s
    return -q


def _end_of_line(gradient: Slope, D: FloatArray, p: FloatArray, first: float) -> tuple[float, FloatArray, int]:
    """Find t where the slope along D + t·p is small beside the `first`; return t, the gradient there, and points tried.

    The slope of a convex function rises, so secants between a point with a negative one and a point with a positive
    one find its zero.
    """
    low, high, t = 0.0, np.inf, 1.0
    for n_points in range(1, MAX_POINTS + 1):  # noqa: B007
        g = gradient(D + t * p)
        slope = float(np.vdot(g, p))
        if abs(slope) <= SLOPE_LEFT * -first:
            break
        low, high = (t, high) if slope < 0 else (low, t)
        secant = t * first / (first - slope) if slope > first else np.inf
        ends = (1.5 * t, 10 * t) if high == np.inf else (low + 0.1 * (high - low), high - 0.1 * (high - low))
        t = float(np.clip(secant, *ends))
    return t, g, n_points
