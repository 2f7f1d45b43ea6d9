"""Rows of two modalities as directions, each about its own mean where features leave a gap between them."""

from __future__ import annotations

import numpy as np

from .._similarity import unit_rows, warn_of_zero_rows
from .._typing import FloatArray
from .shots import Rows


def means_of_modalities(
    known: Rows, shots: Rows, unlabelled: FloatArray | None, has_aligner: bool
) -> tuple[FloatArray, FloatArray]:
    """What to subtract from rows of the known modality and from those of the predicted one, (k,) each."""
    if unlabelled is not None:
        return known.mean(), unlabelled.mean(axis=0, dtype=float)
    with_shots = np.unique(shots.codes)
    if len(with_shots) > 1:
        return known.mean(with_shots), shots.mean(with_shots)
    if has_aligner and len(with_shots) == 0:
        return known.mean(), np.zeros(known.Z.shape[1])
    found = "has shots of a single class only" if len(with_shots) else "has neither shots nor an aligner to tell it"
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
