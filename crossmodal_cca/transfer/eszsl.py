"""Embarrassingly simple zero-shot learning of classes known by attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from .._checks import check_choice, check_number
from .._docstrings import documented
from .._schemas import Schema, saved
from .._typing import FloatArray
from ..alignment._views import View
from ..linalg._ridge import ridge_coefficients, solve_ridge
from ._class_model import ClassModel
from ._classes import ClassScoresMixin, LabelledRows, labelled_rows, stacked_by_class
from ._row_texts import FITTED

# Classes to choose among when predicting.
CANDIDATES = ("all", "unseen")


@saved()
@dataclass(frozen=True, eq=False)
class BilinearModel(ClassModel):
    """A map (d, a) between features and the attributes (n_classes, a) of the candidates."""

    map: FloatArray
    attributes: FloatArray
    seen: NDArray[np.bool_]
    calibration: float

    def scores(self, Z: FloatArray) -> FloatArray:
        S: FloatArray = Z @ (self.map @ self.attributes.T).astype(Z.dtype, copy=False)
        S[:, self.seen] -= self.calibration
        return S


@saved()
class ESZSLClassifier(ClassScoresMixin, BaseEstimator):
    """Classify by a bilinear map between features and attributes of classes: embarrassingly simple zero-shot learning.

    Parameters
    ----------
    attributes : mapping of class to array of shape (n_attributes,), dataframe, or None, default=None
        Attributes of the classes: tags, or embedded descriptions. Classes without rows in `fit`, the unseen ones, may
        be among them. None: each class is its own attribute, which is ridge regression on the labels.
    feature_ridge : float > 0, default=1.0
        γ, added to the squares of the features' singular values.
    attribute_ridge : float > 0, default=1.0
        λ, the same for the attributes of the seen classes.
    candidates : {"all", "unseen"}, default="all"
        Classes to choose among when predicting.
    calibration : float in [0, inf), default=0.0
        Number subtracted from the scores of seen classes when they compete with unseen ones.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The candidates, sorted.
    seen_ : bool ndarray of shape (n_classes,)
        Whether `fit` had rows of them.
    map_ : ndarray of shape (n_features, n_attributes)
        V of the bilinear score.
    attributes_ : ndarray of shape (n_classes, n_attributes)
        Attributes of the candidates.
    n_features_in_ : int
        Number of features.

    See Also
    --------
    CrossModalClassifier : Zero-shot by descriptions in a shared space.

    Notes
    -----
    With rows X, labels Y (n_rows, n_seen) in {−1, +1} and attributes A (n_attributes, n_seen) of the seen classes,

        V = (XᵀX + γI)⁻¹ Xᵀ Y Aᵀ (AAᵀ + λI)⁻¹,        class of x: argmax_c xᵀ V a_c.

    Rows are used as they are: centre and scale them first. Choose both ridges on held-out classes, not rows::

        search = GridSearchCV(ESZSLClassifier(attributes, candidates="unseen"), grid, cv=GroupKFold(), refit=False)
        search.fit(X, y, groups=y)

    References
    ----------
    Romera-Paredes & Torr (2015), An embarrassingly simple approach to zero-shot learning.

    Examples
    --------
    >>> from crossmodal_cca.transfer import ESZSLClassifier
    >>> attributes = {"horse": [1, 0], "tiger": [0, 1], "zebra": [1, 1]}  # looks like a horse, has stripes
    >>> X, y = [[2.0, -1.0], [1.5, -0.8], [-1.0, 2.0], [-1.2, 1.0]], ["horse", "horse", "tiger", "tiger"]
    >>> ESZSLClassifier(attributes, calibration=0.5).fit(X, y).predict([[1.0, 1.2], [2.0, -2.0]])
    array(['zebra', 'horse'], dtype='<U5')
    """

    _stored: ClassVar[Schema] = {"model_": BilinearModel}

    seen_, map_, attributes_ = View("seen"), View("map"), View("attributes")

    def __init__(
        self,
        attributes: Mapping[Any, ArrayLike] | None = None,
        *,
        feature_ridge: float = 1.0,
        attribute_ridge: float = 1.0,
        candidates: str = "all",
        calibration: float = 0.0,
    ) -> None:
        self.attributes = attributes
        self.feature_ridge = feature_ridge
        self.attribute_ridge = attribute_ridge
        self.candidates = candidates
        self.calibration = calibration

    @documented({}, FITTED)
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Solve for the map.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows of the seen classes.
        y : array-like of shape (n_rows,)
            Their classes, at least two.

        Raises
        ------
        ValueError, TypeError
            If rows or labels are bad, a parameter is out of its range, `attributes` lack a class of y, or there is no
            unseen class to be a candidate.
        """
        for name in ("feature_ridge", "attribute_ridge"):
            check_number(getattr(self, name), name, low=0.0, positive=True)
        calibration = check_number(self.calibration, "calibration", low=0.0)
        check_choice(self.candidates, "candidates", CANDIDATES)
        labelled = labelled_rows(self, X, y, unit_length=False)
        classes, A = labelled.classes, np.eye(len(labelled.classes), dtype=labelled.Z.dtype)
        if self.attributes is not None:
            classes, A = stacked_by_class(self.attributes, labelled, "attributes")
        seen = np.isin(classes, labelled.classes)
        if self.candidates == "unseen" and seen.all():
            raise ValueError(
                'candidates="unseen" needs a class in attributes without a row in y; all have some. Use "all".'
            )
        V = _bilinear_map(labelled, A[seen], self.feature_ridge, self.attribute_ridge)
        kept = ~seen if self.candidates == "unseen" else np.ones_like(seen)
        self.model_ = BilinearModel(len(V), labelled.names, classes[kept], V, A[kept], seen[kept], calibration)
        return self


def _bilinear_map(labelled: LabelledRows, A: FloatArray, feature_ridge: float, attribute_ridge: float) -> FloatArray:
    """Solve for V (d, a), given seen classes with attributes A (n_seen, a)."""
    Z, codes = labelled.Z, labelled.codes
    if Z.shape[1] <= len(Z):
        # Compute XᵀY, with Y in {−1, +1}, from the sums of the classes.
        sums = labelled.class_sums()
        of_classes = solve_ridge(Z, (2 * sums - sums.sum(axis=0)).T.astype(Z.dtype), feature_ridge)
    else:
        Y = np.full((len(Z), len(A)), -1, Z.dtype)
        Y[np.arange(len(Z)), codes] = 1
        of_classes = ridge_coefficients(Z, Y, feature_ridge)
    return ridge_coefficients(A, of_classes.T, attribute_ridge).T
