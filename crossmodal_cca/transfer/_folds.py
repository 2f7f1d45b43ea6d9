"""Which labelled rows say something new, and folds of them that hang neither on their order nor on names."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from .._typing import FloatArray

FOLDS = 5
# Unit rows are copies within this distance: products in single precision move them by less.
COPY = 1e-5
N_DIRECTIONS = 3


def places(Z: FloatArray, n_directions: int = 1) -> FloatArray:
    """Places (n_directions, n) of rows along arbitrary directions, always the same: orders of their own."""
    directions = np.random.RandomState(0).standard_normal((n_directions, Z.shape[1]))
    return np.asarray(directions @ Z.T)


def distinct_rows(Z: FloatArray, codes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Positions of unit rows (n, d) without further copies in the same class, the first of each.

    Copies lie side by side along any direction; where another row comes between in one, it does not in the next.
    """
    one, other = [], []
    for along in places(Z, N_DIRECTIONS):
        order = np.lexsort((along, codes))
        a, b = order[:-1], order[1:]
        near = (codes[a] == codes[b]) & (np.linalg.norm(Z[a] - Z[b], axis=1) <= COPY)
        one.append(a[near])
        other.append(b[near])
    i, j = np.concatenate(one), np.concatenate(other)
    graph = sparse.coo_array((np.ones(len(i), bool), (i, j)), shape=(len(Z), len(Z)))
    items = connected_components(graph, directed=False)[1]
    return np.sort(np.unique(items, return_index=True)[1])


def even_folds(Z: FloatArray, codes: NDArray[np.intp], n_folds: int) -> NDArray[np.intp]:
    """Fold of each row: the rows of every class are dealt out in turns, and single ones of several classes too."""
    along = places(Z)[0]
    counts = np.maximum(np.bincount(codes), 1)
    of_class = np.bincount(codes, weights=along) / counts
    # Neighbours in the order are neighbours in space: each fold gets some of everywhere.
    order = np.lexsort((along, codes, of_class[codes]))
    folds = np.empty(len(Z), np.intp)
    folds[order] = np.arange(len(Z)) % n_folds
    return folds
