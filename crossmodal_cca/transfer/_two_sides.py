"""What the fit of `CrossModalClassifier` leaves, and how rows of either modality come to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._aligner import Aligner
from .._schemas import saved
from .._typing import FloatArray
from ..alignment._fitted_aligner import names_in_order, shared_space_scores
from ..models._value import Value
from ._centring import directions
from ._class_model import ClassModel
from ._shots import class_scores


@saved()
@dataclass(frozen=True, eq=False)
class Space(Value):
    """A shared space, as the rows of a fit have told it.

    `width` is None until there were any; `column_names` are of either modality, or of "both" without an aligner.
    """

    aligner: Aligner | None
    width: int | None = None
    column_names: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def learned(self, rows: ArrayLike, modality: str, name: str) -> tuple[Self, FloatArray]:
        """With the width and the columns of rows of the fit, and their scores."""
        names = self._names_in_order(rows, modality, name)
        scores = self._scores(rows, modality, name)
        known = {} if names is None else {self._side(modality): names}
        return replace(self, width=scores.shape[1], column_names={**known, **self.column_names}), scores

    def scores(self, rows: ArrayLike, modality: str, name: str) -> FloatArray:
        """Rows in the shared space."""
        self._names_in_order(rows, modality, name)
        return self._scores(rows, modality, name)

    def _side(self, modality: str) -> str:
        return "both" if self.aligner is None else modality

    def _names_in_order(self, rows: ArrayLike, modality: str, name: str) -> NDArray[Any] | None:
        return names_in_order(rows, name, self.column_names.get(self._side(modality)), "CrossModalClassifier")

    def _scores(self, rows: ArrayLike, modality: str, name: str) -> FloatArray:
        scores = shared_space_scores(self.aligner, rows, modality, name)
        if self.width is not None and scores.shape[1] != self.width:
            raise ValueError(
                f"{name} has {scores.shape[1]} features, but CrossModalClassifier is expecting {self.width} features "
                "as input, the width of the shared space."
            )
        return scores


@saved()
@dataclass(frozen=True, eq=False)
class CrossModalModel(ClassModel):
    """A classifier fitted in a shared space, and what is done to rows before it and to its scores."""

    space: Space
    predict_modality: str
    fit_mean: FloatArray | None
    predict_mean: FloatArray | None
    classifier: Any
    seen: NDArray[np.bool_]
    shot_weight: float | None
    shot_weight_scores: dict[float, float] | None
    calibration: float
    temperature: float

    @property
    def aligner(self) -> Aligner | None:
        return self.space.aligner

    def scores(self, Z: FloatArray) -> FloatArray:
        S = class_scores(self.classifier, directions(Z, self.predict_mean, "X"))
        if self.calibration:
            S[:, self.seen] -= self.calibration
        if self.temperature != 1.0:
            S /= self.temperature
        return S
