"""Frozen values that the fit of `CrossModalClassifier` leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._schemas import saved
from .._typing import FloatArray
from ..alignment._space import Space
from ._class_model import ClassModel
from ._shots import class_scores, directions


@saved()
@dataclass(frozen=True, eq=False, kw_only=True)
class ClassifierSpace(Space):
    """Shared space of a `CrossModalClassifier`."""

    owner = "CrossModalClassifier"
    other_width = "CrossModalClassifier is expecting {} features as input, the width of the shared space."


@saved()
@dataclass(frozen=True, eq=False)
class CrossModalModel(ClassModel):
    """A classifier fitted in a shared space, the means subtracted from rows, and the calibration of its scores."""

    space: ClassifierSpace
    predict_modality: str
    fit_mean: FloatArray | None
    predict_mean: FloatArray | None
    classifier: Any
    seen: NDArray[np.bool_]
    shot_weight: float | None
    shot_weight_scores: dict[float, float] | None
    calibration: float
    temperature: float

    def scores(self, Z: FloatArray) -> FloatArray:
        S = class_scores(self.classifier, directions(Z, self.predict_mean, "X"))
        if self.calibration:
            S[:, self.seen] -= self.calibration
        if self.temperature != 1.0:
            S /= self.temperature
        return S
