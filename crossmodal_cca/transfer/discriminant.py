"""Gaussian classes with one covariance, estimated from a few shots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from .._checks import check_number
from .._similarity import unit_rows
from .._typing import FloatArray
from .._validation import unchanged_on_error
from ..linalg.ridge import solve_ridge
from ._classes import ClassScoresMixin, LabelledRows, labelled_rows, stacked_by_class

# Scale of the cosines with given prototypes, as CLIP's.
ZERO_SHOT_SCALE = 100.0
# Smallest trace of the covariance within classes, as a share of that of all rows: one shot a class has none within.
FLOOR = 0.01


def discriminant(labelled: LabelledRows) -> tuple[FloatArray, FloatArray]:
    """Weights (d, n_classes) and biases (n_classes,) of the discriminant functions.

    With means μ (n_classes, d) and covariance Σ within classes of n rows in d dimensions: W = P μᵀ with the precision
    P = d [(n − 1) Σ + tr(Σ) I]⁻¹, and biases −½ μ_c P μ_c.
    """
    Z, codes = labelled.Z, labelled.codes
    n, d = Z.shape
    means = (labelled.class_sums() / np.bincount(codes)[:, None]).astype(Z.dtype)
    within = Z - means[codes]
    trace = np.einsum("ij,ij->", within, within) / max(n - 1, 1)
    of_all = Z - Z.mean(axis=0)
    # Rows that are all alike tell nothing; any ridge is as good then.
    ridge = max(trace, FLOOR * np.einsum("ij,ij->", of_all, of_all) / max(n - 1, 1)) or 1.0
    W = d * solve_ridge(within, means.T, float(ridge))
    return W, -0.5 * np.einsum("ij,ji->i", means, W)


class GaussianDiscriminant(ClassScoresMixin, BaseEstimator):
    """Gaussian classes with one shrunk covariance: a classifier in closed form for a few shots a class.

    Parameters
    ----------
    prototypes : mapping of class to array of shape (n_features,), dataframe, or None, default=None
        Prototypes of the classes from elsewhere, such as their descriptions in the shared space. Scores are then
        those of the prototypes plus `alpha` times the discriminants. `CrossModalClassifier` fills them in.
    alpha : float >= 0, default=1.0
        Weight of the discriminants beside given prototypes.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    coef_ : ndarray of shape (n_classes, n_features)
        Weights of the score of each class.
    intercept_ : ndarray of shape (n_classes,)
        Biases of the scores.
    n_features_in_ : int
        Number of features.

    See Also
    --------
    PrototypeLogisticRegression : Discriminative, and near the prototypes where shots are few.

    Notes
    -----
    Rows are scaled to unit length; all classes are equally probable beforehand. With class means μ_c and the
    covariance Σ within classes of n rows in d dimensions,

        score_c(z) = zᵀ P μ_c − ½ μ_cᵀ P μ_c,        P = d [(n − 1) Σ + tr(Σ) I]⁻¹,

    times `alpha` and plus 100 cos(z, p_c) where prototypes p_c are given. tr(Σ) is at least a hundredth of the trace
    of the covariance of all rows, so that a single shot for each class, which leaves no scatter within, makes classes
    of nearest means.

    References
    ----------
    Wang et al. (2024), A hard-to-beat baseline for training-free CLIP-based adaptation.

    Examples
    --------
    >>> from crossmodal_cca.transfer import GaussianDiscriminant
    >>> shots = [[1.0, 0.1], [1.0, -0.2], [0.1, 1.0], [0.0, 2.0]]
    >>> head = GaussianDiscriminant().fit(shots, ["cat", "cat", "dog", "dog"])
    >>> head.predict([[3.0, 1.0]])
    array(['cat'], dtype='<U3')
    """

    def __init__(self, *, prototypes: Mapping[Any, ArrayLike] | None = None, alpha: float = 1.0) -> None:
        self.prototypes = prototypes
        self.alpha = alpha

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Estimate the means and the covariance.

        Parameters
        ----------
        X : array-like of shape (n_shots, n_features)
            Shots, in a space where their direction means something.
        y : array-like of shape (n_shots,)
            Their classes, at least two; with given prototypes one is enough.

        Returns
        -------
        self : GaussianDiscriminant
            The fitted classifier.

        Raises
        ------
        ValueError, TypeError
            If rows or labels are bad, `alpha` is negative, or `prototypes` lack a class of y or differ in width.
        """
        with unchanged_on_error(self):
            check_number(self.alpha, "alpha", low=0.0)
            given = self.prototypes is not None
            labelled = labelled_rows(self, X, y, min_classes=1 if given else 2)
            W, b = discriminant(labelled)
            if given:
                classes, P = stacked_by_class(
                    *(self.prototypes, labelled, "prototypes"),
                    labelled.Z.shape[1],
                    getattr(self, "feature_names_in_", None),
                )
                if len(classes) > len(labelled.classes):
                    raise ValueError(
                        f"GaussianDiscriminant needs a shot of every class; y has none of "
                        f"{np.setdiff1d(classes, labelled.classes)[:5].tolist()} (first five). Add shots, or use "
                        "PrototypeLogisticRegression, which does without."
                    )
                W, b = ZERO_SHOT_SCALE * unit_rows(P).T + self.alpha * W, self.alpha * b
            self.classes_, self.coef_, self.intercept_ = labelled.classes, W.T, b
        return self

    def _class_scores(self, Z: FloatArray) -> FloatArray:
        W, b = (A.astype(Z.dtype, copy=False) for A in (self.coef_, self.intercept_))
        S: FloatArray = unit_rows(Z.copy()) @ W.T
        S += b
        return S
