"""Rows, scores and names of both sides, for tables of components."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._aligner import fitted_aligner
from .._typing import FloatArray
from ..linalg._solution import STILL
from ..rows._validation import check_pair, check_same_rows

# Names of the two sides.
SIDES = ("x", "y")


class ScoredSide(NamedTuple):
    """Centred features (n, p) and scores (n, k) of one modality; names and divisors (p,) of the features."""

    features: FloatArray
    scores: FloatArray
    names: NDArray[Any]
    scale: FloatArray


def scored_sides(aligner: Any, X: ArrayLike, y: ArrayLike) -> tuple[ScoredSide, ScoredSide]:
    """Compute the scores of both modalities' rows by a fitted aligner; centre rows and scores."""
    aligner = fitted_aligner(aligner)
    rows = check_pair(X, y, min_rows=2)
    scores = np.asarray(aligner.transform(X)), np.asarray(aligner.transform_y(y))
    sides = []
    for side, A, S, names in zip(SIDES, rows[:2], scores, (rows.x_names, rows.y_names), strict=True):
        check_same_rows(len(A), len(S))
        scale = getattr(aligner, f"{side}_scale_", np.ones(A.shape[1]))
        features = A.dense(slice(None), np.float64, "X" if side == "x" else "y")
        named = feature_names(names, side, A.shape[1])
        # Scores of equal rows may differ by rounding.
        sides.append(ScoredSide(_centred(features), _centred(S.astype(np.float64), rounding=STILL), named, scale))
    return sides[0], sides[1]


def feature_names(names: NDArray[Any] | None, side: str, width: int) -> NDArray[Any]:
    """Return the feature names of the rows, or x0, x1, … and y0, y1, …"""
    if names is not None:
        return names
    return np.array([f"{side}{i}" for i in range(width)], dtype=object)


def _centred(A: FloatArray, rounding: float = 0.0) -> FloatArray:
    C = A - A.mean(axis=0)
    # Rounding of a constant column is not variation.
    C[:, np.ptp(A, axis=0) <= rounding * np.abs(A).max(axis=0)] = 0.0
    return np.asarray(C)


def unit_columns(A: FloatArray) -> FloatArray:
    """Divide columns by their length; columns of zeros stay zero."""
    lengths = np.linalg.norm(A, axis=0)
    return np.asarray(np.divide(A, lengths, out=np.zeros_like(A), where=lengths > 0))
