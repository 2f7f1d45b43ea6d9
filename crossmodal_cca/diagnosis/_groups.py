"""Rows that are chosen at random with respect to their groups, by the number of each row's group."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator, RandomState
from numpy.typing import NDArray

# Positions of rows, or numbers of their groups.
Places = NDArray[np.intp]


def places_in_groups(groups: Places, rng: RandomState | Generator) -> Places:
    """Number the rows of each group 0, 1, … in a random order."""
    sizes = np.bincount(groups)
    order = rng.permutation(len(groups))
    order = order[np.argsort(groups[order], kind="stable")]
    places = np.empty_like(order)
    places[order] = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return places


def split(groups: Places, share: float, rng: RandomState | Generator, most: int | None = None) -> tuple[Places, Places]:
    """Split rows at random by whole groups, about a share of them (at most `most` rows) in the first part.

    The first part has one group at least, however large it is.
    """
    sizes = np.bincount(groups)
    order = rng.permutation(len(sizes))
    wanted = share * len(groups) if most is None else min(share * len(groups), most)
    n_first = max(1, int(np.searchsorted(np.cumsum(sizes[order]), wanted, side="right")))
    is_first = np.isin(groups, order[:n_first])
    return np.flatnonzero(is_first), np.flatnonzero(~is_first)


def thinned(groups: Places, most: int, most_of_group: int, rng: RandomState | Generator) -> Places:
    """Choose at most so many rows at random: whole groups, of large ones some rows."""
    places = np.flatnonzero(places_in_groups(groups, rng) < most_of_group)
    if len(places) <= most:
        return places
    kept, _ = split(np.unique(groups[places], return_inverse=True)[1].ravel(), 1.0, rng, most)
    return places[kept]
