"""Measurements of the rows of a side, and of pairs, settled once on a part of the reference of their own.

Letters: F features, S scores in the shared space, U coordinates; a, b directions of the sides of a pair.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from .._schemas import saved
from .._similarity import SIMILARITIES, unit_of, unit_rows
from .._typing import FloatArray
from ..linalg._solution import definite_signs
from ..models._value import Value
from ..retrieval._nearest import SearchSpace
from ._suspicion import N_PARTNERS, POWERS

# Leading components of the features, and leading dimensions of the space, in which sides are compared.
N_LEADING = 10
# Share of the variance of the features that is no remainder.
EXPLAINED = 0.9
# Kinds of rows, whose shares are compared.
N_CELLS = 10
# Rows whose median distance is the width of a kernel.
FOR_WIDTH = 500
# A column is constant if its standard deviation is below this share of its mean: rounding.
_CONSTANT = 1e-9
# Standard deviations beyond which rows are equally far: their fourth powers must not overflow.
_FARTHEST = 1e75


@saved()
@dataclass(frozen=True, eq=False)
class SideFrame(Value):
    """Centre, directions and cells of one side; without features for sparse rows, without scores for no aligner."""

    n_features: int
    names: NDArray[Any] | None
    is_sparse: bool
    mean: FloatArray | None
    scale: FloatArray | None
    directions: FloatArray | None  # (n_features, n_components), of standardised features
    deviations: FloatArray | None  # (n_components,)
    n_leading: int
    score_mean: FloatArray | None
    score_scale: FloatArray | None
    centroids: FloatArray  # (n_cells, n_coordinates)
    width: float

    @classmethod
    def of(cls, F: FloatArray | None, S: FloatArray | None, names: Any, n_features: int, seed: int) -> Self:
        """Settle them on some rows."""
        mean, scale, directions, deviations = (None,) * 4 if F is None else _components(F)
        score_mean, score_scale = (None, None) if S is None else _standard(S[:, :N_LEADING])
        bare = cls(
            n_features,
            names,
            F is None,
            mean,
            scale,
            directions,
            deviations,
            2 * N_LEADING if S is None else N_LEADING,
            score_mean,
            score_scale,
            np.empty((0, 0)),
            1.0,
        )
        U = bare.coordinates(F, S)
        return replace(bare, centroids=_cells(U, seed), width=_median_distance(U))

    @property
    def has_remainder(self) -> bool:
        """Whether the leading components leave anything of the features."""
        return self.directions is not None and self.directions.shape[1] < len(self.directions)

    def coordinates(self, F: FloatArray | None, S: FloatArray | None) -> FloatArray:
        """Compute the coordinates U of rows, in standard deviations."""
        parts = []
        if F is not None and self.directions is not None and self.deviations is not None:
            k = self.n_leading
            parts.append(self._standardized(F) @ self.directions[:, :k] / self.deviations[:k])
        if S is not None and self.score_mean is not None:
            parts.append((S[:, :N_LEADING] - self.score_mean) / self.score_scale)
        return _not_too_far(np.hstack(parts))

    def _standardized(self, F: FloatArray) -> FloatArray:
        return _not_too_far((F - self.mean) / self.scale)

    def remainder(self, F: FloatArray) -> FloatArray:
        """Compute the share of each row's squared length that the components leave (SPE, relative to its row).

        Rows differ more in length than in that share: the square itself finds no foreign row among pictures of emoji.
        """
        assert self.directions is not None
        A = self._standardized(F)
        # Not by a difference of squares, whose rounding could exceed it.
        left, whole = np.sum((A - (A @ self.directions) @ self.directions.T) ** 2, axis=1), np.sum(A**2, axis=1)
        return np.asarray(np.divide(left, whole, out=np.zeros_like(whole), where=whole > 0))

    def cells(self, U: FloatArray) -> NDArray[np.intp]:
        """Number the nearest centroid of each row."""
        C = self.centroids
        return np.asarray(np.argmin(np.sum(C**2, axis=1) - 2 * U @ C.T, axis=1))


def _standard(A: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return means and standard deviations of columns, 1 for constant ones."""
    mean = A.mean(axis=0)
    unit = unit_of(A - mean)
    # In this unit squares neither overflow nor vanish.
    scale = ((A - mean) / unit).std(axis=0) * unit
    return mean, np.where(scale > _CONSTANT * np.abs(mean), scale, 1.0)


def _not_too_far(A: FloatArray) -> FloatArray:
    return np.clip(A, -_FARTHEST, _FARTHEST)


def _components(F: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return mean, scale, and principal directions and deviations of standardised features.

    There are as many as explain most of the variance, but no more than half of the rows, and one fewer than
    features if there are several.
    """
    mean, scale = _standard(F)
    A = (F - mean) / scale
    n, p = A.shape
    wide = p > n
    values, vectors = linalg.eigh((A @ A.T if wide else A.T @ A) / n)
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    share = np.cumsum(values) / max(values.sum(), np.finfo(float).tiny)
    n_needed = 1 + int(np.searchsorted(share, EXPLAINED))
    # Directions without variance are rounding.
    rank = int(np.count_nonzero(values > _CONSTANT * max(values[0], np.finfo(float).tiny)))
    k = max(1, min(n_needed, n // 2, max(p - 1, 1), max(rank, 1)))
    deviations = np.sqrt(values[:k])
    if wide:
        vectors = A.T @ vectors[:, :k] / np.sqrt(n) / np.where(deviations > 0, deviations, 1.0)
    # A stream ranks coordinates, so that one of the two signs must be chosen.
    vectors = vectors[:, :k] * definite_signs(vectors[:, :k])
    return mean, scale, vectors, np.where(deviations > 0, deviations, 1.0)


def _cells(U: FloatArray, seed: int) -> FloatArray:
    # Takes a tenth of a second to import.
    from sklearn.cluster import KMeans

    n_cells = max(1, min(N_CELLS, len(np.unique(U, axis=0)), len(U) // 5))
    return np.asarray(KMeans(n_cells, n_init=3, random_state=seed % 2**32).fit(U).cluster_centers_)


def _median_distance(U: FloatArray) -> float:
    from scipy.spatial.distance import pdist

    U = U[np.linspace(0, len(U) - 1, min(len(U), FOR_WIDTH)).astype(np.intp)]
    distances = pdist(U)
    apart = distances[distances > 0]
    return float(np.median(apart)) if len(apart) else 1.0


@saved()
@dataclass(frozen=True, eq=False)
class DriftBank(Value):
    """Directions of reference pairs, which others are compared with, and how often each item of a side is found."""

    centre: FloatArray  # (2, n_components), of x and of y
    weights: FloatArray  # (n_components,)
    directions: FloatArray  # (2, n_pairs, n_components)
    occurrence: FloatArray  # (2, n_pairs), logarithms of how often an item of y is found by x, and the reverse

    @classmethod
    def of(cls, x_scores: FloatArray, y_scores: FloatArray) -> Self:
        """Keep pairs; their dimensions are weighed by the power of correlations that tells pairs from shifted ones."""
        both = np.stack([x_scores, y_scores])
        centre = both.mean(axis=1)
        A, B = (side / unit_of(side) for side in both - centre[:, None])
        sizes = np.sqrt(np.sum(A**2, axis=0) * np.sum(B**2, axis=0))
        rho = np.divide(np.sum(A * B, axis=0), sizes, out=np.zeros_like(sizes), where=sizes > 0).clip(0, 1)
        banks = [cls._weighed(centre, rho**power, both) for power in POWERS]
        return max(banks, key=cls._telling)

    @classmethod
    def _weighed(cls, centre: FloatArray, weights: FloatArray, both: FloatArray) -> Self:
        unit = np.stack([unit_rows((side - mean) * weights) for side, mean in zip(both, centre, strict=True)])
        bank = cls(centre, weights, unit, np.zeros(unit.shape[:2]))
        found = [bank._nearest(i, unit[i])[1] for i in (0, 1)]
        counts = np.stack([np.bincount(items.ravel(), minlength=unit.shape[1]) for items in found])
        return cls(centre, weights, unit, np.log1p(counts))

    def _telling(self) -> float:
        a, b = self.directions
        r_a, r_b = self.hubs_and_radius(0, a)[1], self.hubs_and_radius(1, b)[1]
        right = 2 * np.sum(a * b, axis=1) - r_a - r_b
        wrong = 2 * np.sum(a * np.roll(b, 1, axis=0), axis=1) - r_a - np.roll(r_b, 1)
        spread = np.sqrt(right.var() + wrong.var())
        return float((right.mean() - wrong.mean()) / spread) if spread > 0 else 0.0

    def directions_of(self, side: int, scores: FloatArray) -> FloatArray:
        """Map rows of side 0 (x) or 1 (y) to where the bank lies."""
        return unit_rows((scores - self.centre[side]) * self.weights)

    def _nearest(self, side: int, a: FloatArray) -> tuple[FloatArray, NDArray[np.intp]]:
        items = self.directions[1 - side]
        return SearchSpace(items, SIMILARITIES["dot"]).nearest(a, min(N_PARTNERS, len(items)))

    def hubs_and_radius(self, side: int, a: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Compute how much the nearest items of the bank are hubs, and the mean cosine with them."""
        cosines, items = self._nearest(side, a)
        return self.occurrence[side][items].mean(axis=1), cosines.mean(axis=1)
