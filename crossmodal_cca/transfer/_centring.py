"""Centre the rows of each modality at its own mean, and scale them to unit length."""

from __future__ import annotations

import numpy as np

from .._similarity import unit_rows, warn_of_zero_rows
from .._typing import FloatArray
from ._shots import Rows

# Number of shots of a class at which its mean gets half of the full weight in the mean of its modality.
CERTAIN = 4.0


def means_of_modalities(
    known: Rows, shots: Rows, unlabelled: FloatArray | None, has_aligner: bool
) -> tuple[FloatArray, FloatArray]:
    """Compute the means (k,) to subtract from rows of the known modality and from rows of the predicted one.

    If the second is a mean of shots, classes have the same weights in both, so that the means differ by the gap alone.
    """
    n = np.bincount(shots.codes, minlength=known.codes.max() + 1)
    evenly = np.ones(len(n))
    if unlabelled is not None:
        return known.mean(evenly), unlabelled.mean(axis=0, dtype=float)
    if np.count_nonzero(n) > 1:
        weights = n / (n + CERTAIN)
        return known.mean(weights), shots.mean(weights)
    if has_aligner and not n.any():
        return known.mean(evenly), np.zeros(known.Z.shape[1])
    found = "has shots of a single class only" if n.any() else "has neither shots nor an aligner to tell it"
    raise ValueError(
        f"center=True subtracts the mean of predict_modality, and {found}: pass shots of two classes or more, or rows "
        "whose classes need not be known as unlabelled."
    )


def directions(rows: FloatArray, mean: FloatArray | None, name: str) -> FloatArray:
    """Return a copy of the rows, centred if there is a mean, at unit length."""
    Z = rows.copy() if mean is None else rows - mean.astype(rows.dtype)
    if len(Z):
        warn_of_zero_rows(Z, name)
    return unit_rows(Z)
