"""Distances between two clouds of paired rows, beside those after the sides of some pairs are swapped.

Notation: x, y the rows (n, k) of both sides; s (n_swaps, n) says which pairs are swapped, none in its first row.
"""

from __future__ import annotations

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from .._typing import FloatArray

# Ridge of the classifier of standardised columns, as a share of the number of rows.
RIDGE = 0.1


def swaps(groups: NDArray[np.intp], n_swaps: int, rng: RandomState) -> NDArray[np.bool_]:
    """Draw which pairs are swapped, whole groups with one half each; the first row leaves all as they are."""
    of_groups = rng.randint(2, size=(n_swaps, int(groups.max()) + 1)).astype(bool)
    return np.concatenate([np.zeros((1, len(groups)), dtype=bool), of_groups[:, groups]])


def centroid_distances(x: FloatArray, y: FloatArray, s: NDArray[np.bool_]) -> FloatArray:
    """Compute the distance of the means by the root of the mean squared distance of rows from their own."""
    squares = np.sum((np.where(s, -1.0, 1.0) @ (x - y) / len(x)) ** 2, axis=1)
    both = np.concatenate([x, y])
    # Squares about the means of both sides are those about the common mean, less a quarter of the squared distance.
    around = np.mean(np.sum((both - both.mean(axis=0)) ** 2, axis=1)) - squares / 4
    return np.asarray(np.sqrt(np.divide(squares, around, out=np.full_like(squares, np.inf), where=around > 0)))


def energy_distances(x: FloatArray, y: FloatArray, s: NDArray[np.bool_]) -> FloatArray:
    """Compute the root of the energy coefficient of the rows about the means of either side.

    With a of one side and b of the other, (2 E‖a − b‖ − E‖a − a′‖ − E‖b − b′‖) / (2 E‖a − b‖), of which only the
    distances between the sides depend on the means.
    """
    n = len(x)
    both = np.concatenate([x, y])
    both -= both.mean(axis=0)
    squares = cdist(both, both, "sqeuclidean")
    distances = np.sqrt(squares)
    total = distances.sum()
    found = np.empty(len(s))
    for i, swapped in enumerate(s):
        first, second = np.arange(n) + n * swapped, np.arange(n) + n * ~swapped
        sign = np.where(swapped, -1.0, 1.0)
        signs = np.concatenate([sign, -sign])
        within = (total + signs @ distances @ signs) / 2
        shift = both[first].mean(axis=0) - both[second].mean(axis=0)
        along = both @ shift
        between = squares[np.ix_(first, second)]
        between -= 2 * (along[first, None] - along[second]) - shift @ shift
        cross = 2 * float(np.sqrt(np.maximum(between, 0.0, out=between), out=between).sum())
        found[i] = 1 - within / cross if cross else 0.0
    return np.sqrt(np.maximum(found, 0.0))


def classifier_accuracies(x: FloatArray, y: FloatArray, s: NDArray[np.bool_], folds: NDArray[np.intp]) -> FloatArray:
    """Compute how often a linear classifier tells the side of rows from other folds.

    It is fitted by regularised least squares, whose solutions for all swaps share one decomposition.
    """
    both, folds = np.concatenate([x, y]), np.concatenate([folds, folds])
    targets = np.where(s, -1.0, 1.0).T
    targets = np.concatenate([targets, -targets])
    right = np.zeros(len(s))
    for fold in np.unique(folds):
        test = folds == fold
        scaler = StandardScaler().fit(both[~test])
        model = Ridge(RIDGE * np.count_nonzero(~test)).fit(scaler.transform(both[~test]), targets[~test])
        predicted = model.predict(scaler.transform(both[test])).reshape(targets[test].shape)
        right += np.sum(predicted * targets[test] > 0, axis=0)
    return right / len(both)
