"""Similarity with every labelled example: the cache of Tip-Adapter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .._checks import check_number
from .._docstrings import documented
from .._schemas import Schema, saved
from .._similarity import unit_rows
from .._typing import FloatArray
from ..alignment._views import View
from ..rows._blocks import row_slices
from ._class_model import ClassModel
from ._classes import SCORED_ROWS, labelled_rows, sums_by_class
from ._heads import check_scores_classes
from ._row_texts import BAD_ROWS, COMPARED, FITTED
from ._shots import class_scores
from .prototypes import ClassFeaturesMixin


@saved()
@dataclass(frozen=True, eq=False)
class CacheModel(ClassModel):
    """Unit examples (m, d), the position (m,) of each one's class, and the sharpness."""

    examples: FloatArray
    codes: NDArray[np.intp]
    beta: float

    def scores(self, Z: FloatArray) -> FloatArray:
        """Compute affinities (n, n_classes) of unit rows."""
        F = self.examples.astype(Z.dtype, copy=False)
        ones, n_classes = np.ones(len(F), Z.dtype), len(self.classes)
        affinities = np.empty((len(Z), n_classes), Z.dtype)
        for rows in row_slices(len(Z), SCORED_ROWS):
            A = F @ Z[rows].T
            A -= 1
            A *= self.beta
            affinities[rows] = sums_by_class(np.exp(A, out=A), self.codes, n_classes, ones).T
        return affinities


@saved()
class CacheSimilarity(ClassFeaturesMixin, BaseEstimator):
    """Compute similarities with the labelled examples of each class as features: the cache of Tip-Adapter.

    Parameters
    ----------
    beta : float >= 0, default=5.5
        Sharpness: an example at cosine c counts exp(−beta (1 − c)).

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted; one feature for each.
    examples_ : ndarray of shape (n_rows, n_features)
        The examples, of unit length.
    n_features_in_ : int
        Number of features of the rows.

    See Also
    --------
    PrototypeSimilarity : Cosine with the mean direction of each class.

    Notes
    -----
    Features are exp(−β (1 − Z Fᵀ)) onehot(labels), with the unit rows Z and examples F. Tip-Adapter adds them to the
    scores of a zero-shot classifier: `scores_beside`. A training row finds itself among the examples, at cosine 1.

    References
    ----------
    Zhang et al. (2022), Tip-Adapter: training-free adaption of CLIP for few-shot classification.

    Examples
    --------
    >>> from crossmodal_cca.transfer import CacheSimilarity, PrototypeClassifier
    >>> cache = CacheSimilarity(beta=1.0).fit([[1.0, 0.0], [0.0, 1.0]], ["cat", "dog"])
    >>> cache.transform([[2.0, 0.0]]).round(3)
    array([[1.   , 0.368]])
    >>> descriptions = [[1.0, 0.5], [0.5, 1.0], [-1.0, 0.0]]
    >>> zero_shot = PrototypeClassifier().fit(descriptions, ["cat", "dog", "owl"])
    >>> scores = cache.scores_beside(zero_shot, [[2.0, 0.0], [-1.0, 1.0]])
    >>> zero_shot.classes_[scores.argmax(axis=1)]
    array(['cat', 'owl'], dtype='<U3')
    """

    _stored: ClassVar[Schema] = {"model_": CacheModel}

    examples_ = View("examples")

    def __init__(self, *, beta: float = 5.5) -> None:
        self.beta = beta

    @documented(COMPARED, FITTED)
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Keep the examples.

        Raises
        ------
        ValueError, TypeError
            If rows or labels are bad, or `beta` is negative.
        """
        beta = check_number(self.beta, "beta", low=0.0)
        F, classes, codes, _, names = labelled_rows(self, X, y, min_classes=1)
        self.model_ = CacheModel(F.shape[1], names, classes, F, codes, beta)
        return self

    @documented(COMPARED, BAD_ROWS)
    def transform(self, X: ArrayLike) -> FloatArray:
        """Add up the affinities with the examples of each class.

        Returns
        -------
        affinities : ndarray of shape (n_rows, n_classes)
            Numbers in [0, number of examples of the class].
        """
        model, Z = self._checked(X)
        return np.asarray(model.scores(unit_rows(Z.copy())))

    @documented(COMPARED)
    def scores_beside(self, zero_shot: Any, X: ArrayLike, *, alpha: float = 1.0) -> FloatArray:
        """Add the affinities to the scores of a zero-shot classifier: Tip-Adapter.

        Parameters
        ----------
        zero_shot : classifier
            A fitted classifier of rows of this space, such as a `PrototypeClassifier` of descriptions. Its classes are
            those of the columns; some may have no examples here.
        alpha : float >= 0, default=1.0
            Weight of the affinities.

        Returns
        -------
        scores : ndarray of shape (n_rows, n_classes)
            One column for each of ``zero_shot.classes_``, for two classes too. Tip-Adapter predicts the
            class of the highest score.

        Raises
        ------
        ValueError, TypeError
            If `alpha` is negative, the rows are bad, or `zero_shot` is no fitted classifier of such rows or lacks a
            class of the examples.

        Notes
        -----
        With the default temperature of `PrototypeClassifier`, prototypes p_c and the examples f of class c:

            100 cos(z, p_c) + α Σ_f exp(−β (1 − cos(z, f))).
        """
        alpha = check_number(alpha, "alpha", low=0.0)
        model, Z = self._checked(X)
        Z = unit_rows(Z.copy())
        affinities = model.scores(Z)
        check_scores_classes(zero_shot, "zero_shot")
        check_is_fitted(zero_shot)
        width = getattr(zero_shot, "n_features_in_", model.n_features)
        if width != model.n_features:
            raise ValueError(
                f"zero_shot was fitted to {width} features, the examples have {model.n_features}: fit both to rows of "
                "one space."
            )
        missing = sorted(set(model.classes.tolist()).difference(zero_shot.classes_.tolist()), key=str)
        if missing:
            raise ValueError(
                f"zero_shot lacks {len(missing)} of the {len(model.classes)} classes of the examples, such as "
                f"{missing[0]!r}; it has {zero_shot.classes_[:5].tolist()} (first five)."
            )
        scores = np.asarray(class_scores(zero_shot, Z), affinities.dtype)
        scores[:, np.searchsorted(zero_shot.classes_, model.classes)] += alpha * affinities
        return scores
