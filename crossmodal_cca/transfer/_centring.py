"""Rows of two modalities as directions, each about its own mean where features leave a gap between them."""

from __future__ import annotations

import numpy as np

from .._similarity import unit_rows, warn_of_zero_rows
from .._typing import FloatArray
from ._shots import Rows

# Shots from which on more of them add little to what a class mean says of the gap.
CERTAIN = 4.0


def means_of_modalities(
    known: Rows, shots: Rows, unlabelled: FloatArray | None, has_aligner: bool
) -> tuple[FloatArray, FloatArray]:
    """What to subtract from rows of the known modality and from those of the predicted one, (k,) each.

    Where shots tell the one, the classes have the same weights in both: what differs then is the gap alone.
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
    """A copy of rows at unit length, about the mean if there is one."""
    Z = rows.copy() if mean is None else rows - mean.astype(rows.dtype)
    if len(Z):
        warn_of_zero_rows(Z, name)
    return unit_rows(Z)
