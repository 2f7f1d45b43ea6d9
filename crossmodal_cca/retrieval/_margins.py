"""Margins of searches, and the model of how often queries are right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._schemas import saved
from .._typing import FloatArray
from ..metrics._tables import EqualIds, Table
from ._instrument import SearchModel
from ._stored_gallery import StoredGallery, gallery_of

# Items after the first k whose mean distance is compared with that of the first.
NEXT = 19


@saved()
@dataclass(frozen=True, eq=False)
class ConfidenceModel(SearchModel):
    """The search, the map from margins to confidence, and the queries that it was learned from."""

    k: int
    knots: FloatArray
    heights: FloatArray
    margins: FloatArray  # (n_queries,)
    right: NDArray[np.bool_]  # (n_queries,)

    def of_margins(self, margins: FloatArray) -> FloatArray:
        """Compute the probability that one of the first k hits is right."""
        return np.asarray(np.interp(margins, self.knots, self.heights))


def searched(index: StoredGallery, k: int, queries: ArrayLike) -> tuple[FloatArray, NDArray[np.intp], FloatArray]:
    """Search; return the margin of each query, and positions and distances of its first items."""
    distances, positions = gallery_of(index).nearest(queries, min(k + NEXT, len(index)), None, 0)
    # Never negative but by rounding, as distances increase.
    return np.maximum(distances[:, k:].mean(axis=1) - distances[:, 0], 0.0), positions, distances


def right_among(positions: NDArray[np.intp], relevant: EqualIds | Table) -> NDArray[np.bool_]:
    """Tell which queries have a relevant item among their first ones."""
    return np.array([np.isin(first, relevant.items(i)).any() for i, first in enumerate(positions)], dtype=bool)
