"""Frozen values that the fits of this folder leave; fitted attributes are views of them."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from .._sklearn import validate_data
from .._typing import FloatArray
from ..alignment._views import View, ViewsMixin
from ..models._value import Value
from ..rows._blocks import float_dtype


@dataclass(frozen=True, eq=False)
class RowsModel(Value):
    """Number and names of the features of rows; None where an aligner knows them."""

    n_features: int | None
    names: NDArray[Any] | None


@dataclass(frozen=True, eq=False)
class ClassModel(RowsModel):
    """Sorted classes as well, each of which gives rows a score."""

    classes: NDArray[Any]

    @abstractmethod
    def scores(self, Z: FloatArray) -> FloatArray:
        """Score checked rows for each class, (n, n_classes), without changing them."""


class RowsViewsMixin(ViewsMixin):
    """Fitted attributes that scikit-learn uses to check rows."""

    n_features_in_, feature_names_in_ = View("n_features", optional=True), View("names", optional=True)


class ClassViewsMixin(RowsViewsMixin):
    """Fitted attribute of the classes, and the check of new rows."""

    model_: Any
    classes_ = View("classes")

    def _checked(self, X: ArrayLike) -> tuple[Any, FloatArray]:
        """Return the model, read once in case another thread fits, and rows checked for it."""
        check_is_fitted(self)
        model = self.model_
        return model, self._rows(model, X)

    def _rows(self, model: Any, X: ArrayLike) -> FloatArray:
        rows = validate_data(self, X, dtype="numeric")
        return np.asarray(rows, dtype=float_dtype(rows))
