"""What the fits of this folder leave: frozen values, of which fitted attributes are views."""

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
    """The classes too, sorted, each of which gives rows a score."""

    classes: NDArray[Any]

    @abstractmethod
    def scores(self, Z: FloatArray) -> FloatArray:
        """Scores (n, n_classes) of checked rows, which stay as they are."""


class RowsViewsMixin(ViewsMixin):
    """Fitted attributes that scikit-learn checks rows by."""

    n_features_in_, feature_names_in_ = View("n_features", optional=True), View("names", optional=True)


class ClassViewsMixin(RowsViewsMixin):
    """The classes, and how new rows are checked."""

    model_: Any
    classes_ = View("classes")

    def _checked(self, X: ArrayLike) -> tuple[Any, FloatArray]:
        """The model, read once whatever another thread fits, and checked rows for it."""
        check_is_fitted(self)
        model = self.model_
        return model, self._rows(model, X)

    def _rows(self, model: Any, X: ArrayLike) -> FloatArray:
        rows = validate_data(self, X, dtype="numeric")
        return np.asarray(rows, dtype=float_dtype(rows))
