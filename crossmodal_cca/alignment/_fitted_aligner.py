"""Estimators around a fitted aligner, which they use and never change."""

from __future__ import annotations

from copy import copy
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from .._aligner import Aligner, fitted_aligner, unwrapped
from .._checks import check_choice
from .._errors import in_terms_of
from .._files import SavedAlignerMixin
from .._schemas import State
from .._sklearn import check_array, column_names, count_rows, take_rows
from .._typing import FloatArray
from ..rows._blocks import float_dtype
from ..rows._lazy import refuse_dask
from ..rows._validation import check_same_rows, refuse_other_order, warn_of_other_order
from ._frozen import frozen_copy
from ._selection import SelectionMixin
from ._views import View

# Names of the two modalities.
MODALITIES = ("x", "y")


class AlignerParameterMixin(SavedAlignerMixin):
    """Keeps the aligner fitted through `clone` and out of reach of `set_params`.

    The class has a parameter `aligner`: a fitted aligner, or None for features that share a space already.
    """

    aligner: Any

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include those of estimators inside; those of the aligner are its own, and never are.

        Returns
        -------
        params : dict
            Values by name.
        """
        params: dict[str, Any] = super().get_params(deep)  # type: ignore[misc]
        return {name: value for name, value in params.items() if not name.startswith("aligner__")}

    def set_params(self, **params: Any) -> Self:
        """Set parameters.

        Parameters
        ----------
        **params : dict
            Values by name; those of the aligner cannot be set through this object.

        Returns
        -------
        self : object
            The same object.
        """
        nested = [name for name in params if name.startswith("aligner__")]
        if nested:
            raise ValueError(
                f"{nested[0]} cannot be set: the aligner of {type(self).__name__} is fitted. Fit another one and pass "
                "it as aligner."
            )
        super().set_params(**params)  # type: ignore[misc]
        return self

    def __sklearn_clone__(self) -> Any:
        bare = copy(self)
        bare.aligner = None
        new = super(AlignerParameterMixin, bare).__sklearn_clone__()  # type: ignore[misc]
        new.aligner = self.aligner
        return new

    def _frozen_aligner(self) -> Aligner | None:
        """Return the aligner as it is now; a later fit by the user does not change it."""
        return None if self.aligner is None else frozen_copy(fitted_aligner(self.aligner))


class FittedAlignerMixin(AlignerParameterMixin):
    """Keeps the aligner as it was in `fit`."""

    aligner_ = View("aligner")

    def _to_file(self, state: State, *, moments: bool) -> State:
        # The parameter may be a search around the aligner, or fitted again since.
        return state | {"aligner": None} if "model_" in state else state

    def _from_file(self, state: State) -> None:
        if "model_" in state:
            self.aligner = copy(self.aligner_)


def unfitted(aligner: Any) -> Any:
    """Return an unfitted copy of a model; for a cross-validated one, the model of its chosen settings."""
    return aligner._chosen_model() if isinstance(aligner, SelectionMixin) else clone(aligner)


def shared_space_scores(aligner: Aligner | None, rows: ArrayLike, modality: str, name: str) -> FloatArray:
    """Compute scores (n, k) of one modality's rows; without an aligner, return the checked rows as floats."""
    refuse_dask(rows, name)
    if aligner is None:
        array = check_array(rows, dtype="numeric", input_name=name)
    else:
        with in_terms_of(**{"X" if modality == "x" else "y": name}):
            array = np.asarray(aligner.transform(rows) if modality == "x" else aligner.transform_y(rows))
    return np.asarray(array, dtype=float_dtype(array))


def check_training_rows(aligner: Any, X: Any, y: Any, X_train: Any, y_train: Any) -> None:
    """Refuse new rows and training rows that are not pairs, or whose features are not those of the fitted aligner.

    Only the first row is mapped; the caller checks the others. A regressor, which has no scores, is checked when it
    predicts.
    """
    aligner = unwrapped(aligner)
    for name, rows, own, training in (("X", X, "X_train", X_train), ("y", y, "y_train", y_train)):
        refuse_other_order(**{own: column_names(training), name: column_names(rows)})
    for x_name, x_rows, y_name, y_rows in (("X", X, "y", y), ("X_train", X_train, "y_train", y_train)):
        with in_terms_of(X=x_name, y=y_name):
            check_same_rows(count_rows(x_rows, "X"), count_rows(y_rows, "y"))
            for method, rows in (("transform", x_rows), ("transform_y", y_rows)):
                if hasattr(aligner, method):
                    getattr(aligner, method)(take_rows(rows, slice(0, 1)))
    warn_of_other_order(X_train=X_train, y_train=y_train)


def check_modality(modality: Any, name: str) -> None:
    """Refuse a value that is not the name of a modality."""
    check_choice(modality, name, MODALITIES)
