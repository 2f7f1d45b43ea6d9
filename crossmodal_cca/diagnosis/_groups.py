"""Rows of groups that are thinned at random."""

from __future__ import annotations

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray


def places_in_groups(groups: NDArray[np.intp], rng: RandomState) -> NDArray[np.intp]:
    """Number the rows of each group 0, 1, … in a random order."""
    sizes = np.bincount(groups)
    order = rng.permutation(len(groups))
    order = order[np.argsort(groups[order], kind="stable")]
    places = np.empty_like(order)
    places[order] = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return places
