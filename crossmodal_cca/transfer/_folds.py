"""Find distinct labelled rows, and divide rows into folds that depend neither on their order nor on class names."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from .._typing import FloatArray

# Number of folds in which shots are held out.
FOLDS = 5
# Largest Euclidean distance of unit rows that count as copies; rounding in single precision is smaller.
COPY = 1e-5
# Number of directions along which rows are sorted to find copies.
N_DIRECTIONS = 3


def places(Z: FloatArray, n_directions: int = 1) -> FloatArray:
    """Project rows onto fixed random directions, (n_directions, n): orders that depend on the rows alone."""
    directions = np.random.RandomState(0).standard_normal((n_directions, Z.shape[1]))
    return np.asarray(directions @ Z.T)


def distinct_rows(Z: FloatArray, codes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Find positions of distinct unit rows (n, d): the first of all copies in the same class.

    Copies are neighbours when rows are sorted along a direction. If another row comes between two copies along one
    direction, it does not along the next.
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
    """Assign a fold to each row: the rows of a class go to the folds in turn, and so do classes of a single row."""
    along = places(Z)[0]
    counts = np.maximum(np.bincount(codes), 1)
    of_class = np.bincount(codes, weights=along) / counts
    # Neighbours in this order are near each other in space, so each fold gets rows from everywhere.
    order = np.lexsort((along, codes, of_class[codes]))
    folds = np.empty(len(Z), np.intp)
    folds[order] = np.arange(len(Z)) % n_folds
    return folds
