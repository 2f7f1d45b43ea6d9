"""Gaussian classes with one covariance, estimated from a few shots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from .._checks import check_number
from .._docstrings import documented
from .._schemas import Schema, saved
from .._similarity import unit_rows
from .._typing import FloatArray
from ..alignment._views import View
from ..linalg._ridge import smaller_gram, solve_ridge
from ..linalg._whitening import oas_shrinkage
from ._calibration import likeliest_temperature
from ._class_model import ClassModel
from ._classes import ClassScoresMixin, labelled_rows, stacked_by_class, sums_by_class
from ._folds import FOLDS, distinct_rows, even_folds
from ._heads import GivenPrototypesMixin
from ._row_texts import FITTED

# Weight of the ridge of the covariance, in rows; with one shot a class there is no scatter within classes.
RIDGE_ROWS = 10.0
# Length of a class mean of unit rows (at most 1), taken if no class has the two rows that estimate it.
LENGTH = 0.5
# Number of held-out shots that is enough to estimate the temperature; no further folds are fitted.
ENOUGH = 2000


def mean_length(sums: FloatArray, counts: NDArray[np.intp]) -> float:
    """Estimate the length s of a class mean, without the scatter of few rows, from sums (n_classes, d) of unit rows."""
    n = counts[counts > 1]
    if len(n) == 0:
        return LENGTH
    squares = np.square(sums[counts > 1]).sum(axis=1)
    return float(np.sqrt(max(np.mean((squares - n) / (n * (n - 1))), 0.0)))


def by_covariance(Z: FloatArray, within: FloatArray, n_free: int, B: FloatArray) -> FloatArray:
    """Solve Σ⁻¹B for the covariance within classes, from unit rows Z (n, d) and their deviations W from class means.

    Σ = (f·OAS(S) + 10 τI) / (f + 10) with f degrees of freedom within, S = WᵀW/f, and the total variance τ per feature.
    """
    n, d = Z.shape
    # Rows that are all equal have no variance; then take that of unit rows in all directions.
    tau = float(np.square(Z - Z.mean(axis=0)).sum()) / (max(n - 1, 1) * d) or 1 / d
    G = smaller_gram(within)
    rho = oas_shrinkage(G, n_free, d) if n_free else 1.0
    # f·OAS(S) + 10 τI = (1 − ρ) WᵀW + ridge·I
    ridge = rho * float(np.trace(G)) / d + RIDGE_ROWS * tau
    solved = B / ridge if rho == 1 else solve_ridge(within, B, ridge / (1 - rho), G) / (1 - rho)
    return (n_free + RIDGE_ROWS) * solved


def discriminant(
    Z: FloatArray, codes: NDArray[np.intp], P: FloatArray, prior_shots: float
) -> tuple[FloatArray, FloatArray]:
    """Compute weights (d, n_classes) and biases (n_classes,) of the discriminants from distinct unit rows.

    P (n_classes, d) are unit prototypes; each counts as `prior_shots` shots of its class.
    """
    counts = np.bincount(codes, minlength=len(P))
    sums = sums_by_class(Z, codes, len(P), np.ones(len(Z)))
    within = Z - (sums / np.maximum(counts, 1)[:, None])[codes]
    # The mean of a class without shots is its prototype, however small prior_shots is.
    prior = np.where(counts == 0, 1.0, prior_shots)[:, None]
    means = (sums + prior * mean_length(sums, counts) * P) / (counts[:, None] + prior)
    W = by_covariance(Z, within, len(Z) - int(np.count_nonzero(counts)), means.T)
    return W, -0.5 * np.einsum("ij,ji->i", means, W)


def spread_beside(Z: FloatArray, codes: NDArray[np.intp], W: FloatArray, b: FloatArray) -> float:
    """Estimate how far the discriminants of rows spread for classes other than their own.

    Discriminants divided by this spread give cautious probabilities, as they should if nothing tells how far the
    classes themselves spread. Two squares of √d, of a pair of rows in any direction, are added to the sum of squares,
    since the only pair of two classes says nothing.
    """
    wrong = (Z @ W + b)[codes[:, None] != np.arange(len(b))]
    squares = np.square(wrong - wrong.mean()).sum() if len(wrong) else 0.0
    return float(np.sqrt((2 * Z.shape[1] + squares) / max(len(wrong), 1)))


def held_out_temperature(Z: FloatArray, codes: NDArray[np.intp], P: FloatArray, prior_shots: float) -> float:
    """Estimate the temperature by shots held out in folds, with the prototypes in every fold."""
    counts = np.bincount(codes, minlength=len(P))
    # The only shot of a class without a prototype is never held out: nothing else is known of the class.
    alone = (counts[codes] == 1) & ~(prior_shots * P[codes]).any(axis=1)
    asked = np.flatnonzero(~alone)
    if len(asked) < 2:
        return spread_beside(Z, codes, *discriminant(Z, codes, P, prior_shots))
    folds = np.full(len(Z), -1)
    folds[asked] = even_folds(Z[asked], codes[asked], min(FOLDS, len(asked)))
    scores: list[FloatArray] = []
    of_scores: list[NDArray[np.intp]] = []
    for fold in range(folds.max() + 1):
        if sum(map(len, of_scores)) >= ENOUGH:
            break
        held_out = folds == fold
        W, b = discriminant(Z[~held_out], codes[~held_out], P, prior_shots)
        scores.append(Z[held_out] @ W + b)
        of_scores.append(codes[held_out])
    return likeliest_temperature(np.concatenate(scores), np.concatenate(of_scores))


@saved()
@dataclass(frozen=True, eq=False)
class DiscriminantModel(ClassModel):
    """Weights (n_classes, d) and biases (n_classes,) of discriminants of unit rows, divided by the temperature."""

    coef: FloatArray
    intercept: FloatArray
    temperature: float

    def scores(self, Z: FloatArray) -> FloatArray:
        W, b = (A.astype(Z.dtype, copy=False) for A in (self.coef, self.intercept))
        S: FloatArray = unit_rows(Z.copy()) @ W.T
        S += b
        return S


@saved()
class GaussianDiscriminant(GivenPrototypesMixin, ClassScoresMixin, BaseEstimator):
    """Classify by Gaussian classes with one shrunk covariance: a closed form for a few shots a class.

    Parameters
    ----------
    prototypes : mapping of class to array of shape (n_features,), dataframe, or None, default=None
        Prototypes of the classes from elsewhere, such as their descriptions in the shared space; classes without a
        shot may be among them. `CrossModalClassifier` fills them in.
    prior_shots : float >= 0, default=4.0
        Number of shots of its class that a given prototype counts as.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    coef_ : ndarray of shape (n_classes, n_features)
        Weights of the score of each class.
    intercept_ : ndarray of shape (n_classes,)
        Biases of the scores.
    temperature_ : float
        Divisor of the discriminants.
    n_features_in_ : int
        Number of features.

    See Also
    --------
    PrototypeLogisticRegression : Discriminative, and near the prototypes if shots are few.

    Notes
    -----
    Rows are scaled to unit length; rows of a class within a distance of 1e-5 are copies and count once; all classes
    are equally probable beforehand. With n rows of C classes in d dimensions and means μ_c of n_c rows each,

        score_c(z) = (zᵀ Σ⁻¹ m_c − ½ m_cᵀ Σ⁻¹ m_c) / T,      m_c = (n_c μ_c + κ s p_c) / (n_c + κ),
        Σ = ((n − C) OAS(S) + 10 τ I) / (n − C + 10).

    S is the covariance within classes, pooled; OAS shrinks it towards its mean variance (Chen, Wiesel, Eldar & Hero
    2010); τ is the total variance per feature. Given prototypes p_c, of unit length, are a prior on the class means,
    worth κ = `prior_shots` rows (0 without). Its length s is that of class means: s² is the mean over classes of
    (‖Σz‖² − n_c) / (n_c (n_c − 1)), or s = 0.5 where no class has two rows. T minimises the sum of the log-losses of
    shots held out in five folds (of more than 2,000 shots in as many of these as hold 2,000), plus (log T)²;
    prototypes stay in every fold. If no shot can be held out, T is the spread of the scores of shots for other
    classes.

    Wang et al. use d [(n − 1) S + tr(S) I]⁻¹ in place of Σ⁻¹. That shrinks as 1/n, so that shots lose all weight beside
    prototypes as their number grows.

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

    _stored: ClassVar[Schema] = {"model_": DiscriminantModel}

    coef_, intercept_, temperature_ = View("coef"), View("intercept"), View("temperature")

    def __init__(self, *, prototypes: Mapping[Any, ArrayLike] | None = None, prior_shots: float = 4.0) -> None:
        self.prototypes = prototypes
        self.prior_shots = prior_shots

    @documented({}, FITTED)
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Estimate the means, the covariance, and the temperature.

        Parameters
        ----------
        X : array-like of shape (n_shots, n_features)
            Shots, in a space where their direction means something.
        y : array-like of shape (n_shots,)
            Their classes, at least two; with given prototypes one is enough.

        Raises
        ------
        ValueError, TypeError
            If rows or labels are bad, `prior_shots` is negative, or `prototypes` lack a class of y or differ in width.
        """
        prior_shots = check_number(self.prior_shots, "prior_shots", low=0.0)
        given = self.prototypes is not None
        labelled = labelled_rows(self, X, y, min_classes=1 if given else 2)
        # Double precision, as the ridge may be small beside many shots.
        Z, classes, codes = labelled.Z.astype(float), labelled.classes, labelled.codes
        if given:
            classes, P = stacked_by_class(self.prototypes, labelled, "prototypes", of_features=True)
            P, codes = unit_rows(P.astype(float)), np.searchsorted(classes, labelled.classes)[codes]
        else:
            P, prior_shots = np.zeros((len(classes), Z.shape[1])), 0.0
        kept = distinct_rows(Z, codes)
        Z, codes = Z[kept], codes[kept]
        T = held_out_temperature(Z, codes, P, prior_shots)
        W, b = discriminant(Z, codes, P, prior_shots)
        self.model_ = DiscriminantModel(len(W), labelled.names, classes, W.T / T, b / T, T)
        return self
