"""Class prototypes: nearest by cosine, as a classifier and as features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from .._checks import check_number
from .._docstrings import documented
from .._files import SavedMixin
from .._schemas import Schema, saved
from .._similarity import unit_rows
from .._typing import FloatArray
from ..alignment._views import View
from ._class_model import ClassModel, ClassViewsMixin
from ._classes import ClassScoresMixin, LabelledRows, labelled_rows
from ._row_texts import BAD_ROWS, COMPARED, FITTED


def class_prototypes(labelled: LabelledRows) -> FloatArray:
    """Compute the mean direction of the unit rows of each class, (n_classes, d), at unit length."""
    return unit_rows(labelled.class_sums()).astype(labelled.Z.dtype)


@saved()
@dataclass(frozen=True, eq=False)
class PrototypeModel(ClassModel):
    """Prototypes (n_classes, d) of unit length, whose cosines with rows are divided by the temperature."""

    prototypes: FloatArray
    temperature: float

    @classmethod
    def of(cls, labelled: LabelledRows, temperature: float = 1.0) -> Self:
        """Build the model of labelled rows."""
        P = class_prototypes(labelled)
        return cls(P.shape[1], labelled.names, labelled.classes, P, temperature)

    def scores(self, Z: FloatArray) -> FloatArray:
        P = self.prototypes.astype(Z.dtype, copy=False)
        return np.asarray(unit_rows(Z.copy()) @ P.T / Z.dtype.type(self.temperature))


@saved()
class PrototypeClassifier(ClassScoresMixin, BaseEstimator):
    """Classify by the nearest class prototype, by cosine.

    A prototype is the mean direction of a class: its rows scaled to unit length, averaged, and scaled again. With
    descriptions of classes in a shared space as rows this is zero-shot recognition; several descriptions count alike,
    however long their vectors.

    Parameters
    ----------
    temperature : float > 0, default=0.01
        Scores are cosines divided by it; it changes how sharp probabilities are, but no label. CLIP learned 0.01.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    prototypes_ : ndarray of shape (n_classes, n_features)
        Their prototypes, of unit length.
    n_features_in_ : int
        Number of features.

    See Also
    --------
    CrossModalClassifier : Fits it to one modality and predicts the other.
    PrototypeSimilarity : The cosines as features.

    Notes
    -----
    The score of class c is cos(z, p_c) / temperature with p_c ∝ Σ w_i z_i / ‖z_i‖ over the rows of the class.

    References
    ----------
    Radford et al. (2021), Learning transferable visual models from natural language supervision.

    Examples
    --------
    >>> from crossmodal_cca.transfer import PrototypeClassifier
    >>> classifier = PrototypeClassifier().fit([[1.0, 0.0], [3.0, 1.0], [0.0, 2.0]], ["cat", "cat", "dog"])
    >>> classifier.predict([[5.0, 1.0], [0.1, 0.2]])
    array(['cat', 'dog'], dtype='<U3')
    """

    _stored: ClassVar[Schema] = {"model_": PrototypeModel}

    prototypes_ = View("prototypes")

    def __init__(self, *, temperature: float = 0.01) -> None:
        self.temperature = temperature

    @documented(COMPARED, FITTED)
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Average the rows of each class.

        Parameters
        ----------
        y : array-like of shape (n_rows,)
            Their classes, at least two.
        sample_weight : array-like of shape (n_rows,), default=None
            Non-negative weights of the rows.

        Raises
        ------
        ValueError, TypeError
            If rows, labels or weights are bad, or `temperature` is not positive.
        """
        temperature = check_number(self.temperature, "temperature", low=0.0, positive=True)
        self.model_ = PrototypeModel.of(labelled_rows(self, X, y, sample_weight), temperature)
        return self


class ClassFeaturesMixin(ClassViewsMixin, SavedMixin, TransformerMixin):
    """Features with one column for each class, named after it."""

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Name the columns after the classes.

        Parameters
        ----------
        input_features : None
            Without effect; there for scikit-learn.

        Returns
        -------
        names : ndarray of str of shape (n_classes,)
            Names such as ``prototypesimilarity_cat``.
        """
        prefix = type(self).__name__.lower()
        return np.array([f"{prefix}_{c}" for c in self.classes_.tolist()], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.target_tags.required = True
        return tags


@saved()
class PrototypeSimilarity(ClassFeaturesMixin, BaseEstimator):
    """Compute cosines with each class prototype as features.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted; one feature for each.
    prototypes_ : ndarray of shape (n_classes, n_features)
        Their prototypes, of unit length, as those of `PrototypeClassifier`.
    n_features_in_ : int
        Number of features of the rows.

    See Also
    --------
    CacheSimilarity : Similarity with every shot rather than with the mean of a class.

    Notes
    -----
    A training row is part of its own class's prototype; with one shot it is the prototype. So a classifier fitted to
    these features trusts them a little too much; regularise it.

    Examples
    --------
    >>> from crossmodal_cca.transfer import PrototypeSimilarity
    >>> similarity = PrototypeSimilarity().fit([[1.0, 0.0], [0.0, 1.0]], ["cat", "dog"])
    >>> similarity.transform([[3.0, 4.0]])
    array([[0.6, 0.8]])
    """

    _stored: ClassVar[Schema] = {"model_": PrototypeModel}

    prototypes_ = View("prototypes")

    @documented(COMPARED, FITTED)
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Average the rows of each class.

        Raises
        ------
        ValueError
            If rows or labels are bad.
        """
        self.model_ = PrototypeModel.of(labelled_rows(self, X, y, min_classes=1))
        return self

    @documented(COMPARED, BAD_ROWS)
    def transform(self, X: ArrayLike) -> FloatArray:
        """Compare rows with the prototypes.

        Returns
        -------
        cosines : ndarray of shape (n_rows, n_classes)
            Cosines in [-1, 1].
        """
        model, Z = self._checked(X)
        return np.asarray(model.scores(Z))
