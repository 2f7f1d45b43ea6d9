"""Components that two modalities share by alignment or prediction, and which of them labels speak of.

Notation: A (n, r) centred rows of the encoded side in the metric of its constraint, B (n, s) of the other side:
whitened for alignment, as they are for prediction. The components are the singular triplets of AᵀB/(n − 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import linalg

from .._typing import FloatArray
from ..alignment import CCA
from ..linalg._svd import LANCZOS_FROM, truncated_svd
from ._exchange import Exchange
from ._nuisance import orthonormal
from ._side_rows import unit_columns
from ._singular_values import components_of_aligner
from ._whitened_rows import thin_rows, whitened_rows

# Routes, in the order of tables.
ROUTES = ("align", "x_to_y", "y_to_x")
# Levels of the tests of components against shuffled pairs, and against shuffled labels.
SHARED_LEVEL, LABEL_LEVEL = 0.05, 0.01
# Largest share of variance that labels may be unable to show, if their silence about all components is to mean "no".
TELLING = 0.1
# Largest difference of singular values that count as equal, relative to the largest possible one.
_EQUAL = 1e-10


class Route(NamedTuple):
    """Rows of both sides in the metrics of one route; `both` says that the scores of both sides count."""

    name: str
    encoded: FloatArray
    other: FloatArray
    both: bool


def routes_of(x: FloatArray, y: FloatArray, shrinkage: Sequence[Any]) -> list[Route]:
    """Return the routes for both sides' centred rows."""
    wx, wy = (whitened_rows(Z, c, len(x) - 1) for Z, c in zip((x, y), shrinkage, strict=True))
    sides = (wx, wy, True), (wx, thin_rows(y), False), (wy, thin_rows(x), False)
    return [Route(name, *side) for name, side in zip(ROUTES, sides, strict=True)]


class Shared(NamedTuple):
    """Components above those of shuffled pairs: singular values and p-values (k,), scores (n, k) of unit length."""

    singular_values: FloatArray
    p_values: FloatArray
    scores: FloatArray


def shared_components(routes: Sequence[Route], exchange: Exchange, n_permutations: int, rng: Generator) -> list[Shared]:
    """Find the components of each route that exceed the largest one of shuffled pairs, the same for all routes."""
    largest = np.empty((n_permutations, len(routes)))
    for b in range(n_permutations):
        order = exchange.draw(rng)
        for j, route in enumerate(routes):
            largest[b, j] = _largest(route.encoded.T @ route.other[order])
    return [_shared(route, null) for route, null in zip(routes, largest.T, strict=True)]


def _largest(K: FloatArray) -> float:
    """Compute the largest singular value."""
    if min(K.shape) >= LANCZOS_FROM:
        return float(truncated_svd(K, 1)[1][0])
    return float(linalg.svdvals(K, check_finite=False)[0])


def _shared(route: Route, largest: FloatArray) -> Shared:
    A, B = route.encoded, route.other
    U, d, Vt = linalg.svd(A.T @ B, full_matrices=False, check_finite=False)
    rounding = _EQUAL * np.linalg.norm(A) * np.linalg.norm(B)
    p = (1 + np.sum(largest >= d[:, None] - rounding, axis=1)) / (1 + len(largest))
    k = int(np.sum(p <= SHARED_LEVEL))
    scores = unit_columns(A @ U[:, :k])
    if route.both:
        scores = unit_columns(scores + unit_columns(B @ Vt[:k].T))
    return Shared(d[:k] / (len(A) - 1), p[:k], scores)


class LabelTest(NamedTuple):
    """R² and p-value of each component against labels, (k,); the R² that would have been significant (NaN without
    components), and the number of directions among them that labels speak of."""

    r2: FloatArray
    p_values: FloatArray
    detectable: float
    n_directions: int

    @property
    def is_signal(self) -> NDArray[np.bool_]:
        return self.p_values <= LABEL_LEVEL


def label_test(
    scores: FloatArray, labels: FloatArray, exchange: Exchange, n_permutations: int, rng: Generator
) -> LabelTest:
    """Test the scores (m, k) of labelled rows against their labels (m, l), indicators or numbers, by permutation.

    Components are tested by the largest R² of those that are no larger, directions by the singular values of all
    components and the labels, both whitened, one after another.
    """
    if scores.shape[1] == 0:
        return LabelTest(np.zeros(0), np.zeros(0), np.nan, 0)
    Z = unit_columns(scores - scores.mean(axis=0))
    Q = orthonormal(labels - labels.mean(axis=0))
    r2 = _r2(Q, Z)
    null = np.array([_r2(Q[exchange.draw(rng)], Z) for _ in range(n_permutations)])
    largest = np.sort(null.max(axis=1))[::-1]
    # As many permutations as this may reach what is significant.
    n_allowed = int(LABEL_LEVEL * (1 + n_permutations)) - 1
    n_directions = _directions(Z, Q, exchange, n_permutations, rng)
    return LabelTest(r2, stepdown(r2, null), float(largest[n_allowed]), n_directions)


def _r2(Q: FloatArray, Z: FloatArray) -> FloatArray:
    """Compute the share of each column of Z (m, k), of unit length, in the space of an orthonormal Q (m, l)."""
    return np.asarray(np.sum((Q.T @ Z) ** 2, axis=0))


def stepdown(observed: FloatArray, null: FloatArray) -> FloatArray:
    """Correct p-values of statistics (k,) by the largest of those that are no larger, under each permutation (B, k)."""
    order = np.argsort(-observed, kind="stable")
    largest = np.maximum.accumulate(null[:, order[::-1]], axis=1)[:, ::-1]
    counts = np.sum(largest >= observed[order] - _EQUAL, axis=0)
    p = np.empty(len(observed))
    p[order] = np.maximum.accumulate((1 + counts) / (1 + len(null)))
    return p


def _directions(Z: FloatArray, Q: FloatArray, exchange: Exchange, n_permutations: int, rng: Generator) -> int:
    """Count the directions among the components that labels speak of, until one is not significant."""
    found = components_of_aligner(CCA(scale=False), Z, Q, None, len(Z) - 1)
    for j, step in enumerate(found.steps(exchange, about_mean=True)):
        count = step.count([step.exchange.draw(rng) for _ in range(n_permutations)])
        if (1 + count) / (1 + n_permutations) > LABEL_LEVEL:
            return j
    return len(found.solution.singular_values)


class Verdict(NamedTuple):
    """Whether a route recovers the signal, and the smallest signal over the largest nuisance (NaN without signal)."""

    answer: str
    ratio: float


def verdict_of(shared: Shared, labels: LabelTest, *, related: bool) -> Verdict:
    """Judge a route by its components and what labels say of them; `related`: whether any route has components."""
    d, is_signal = shared.singular_values, labels.is_signal
    if len(d) == 0:
        # The noise of one side hides from this route what another one sees.
        return Verdict("undecided" if related else "no", np.nan)
    if not is_signal.any():
        # Labels that could not have shown a component of this size say nothing by their silence.
        return Verdict("undecided" if labels.detectable > TELLING else "no", np.nan)
    ratio = np.inf if is_signal.all() else float(d[is_signal].min() / d[~is_signal].max())
    # More signal components than directions: signal and nuisance are mixed in them.
    if labels.n_directions < is_signal.sum():
        return Verdict("undecided", ratio)
    return Verdict("yes" if ratio > 1 else "no", ratio)
