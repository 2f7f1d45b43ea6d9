"""Logistic regression pulled towards class prototypes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning

from .._checks import check_flag, check_number, check_whole_number
from .._schemas import Schema, saved
from .._similarity import unit_rows
from .._typing import FloatArray
from .._warn import warn
from ..alignment._views import View
from ..linalg._products import product
from ._calibration import likeliest_temperature
from ._class_model import ClassModel
from ._classes import ClassScoresMixin, labelled_rows, stacked_by_class, sums_by_class
from ._heads import GivenPrototypesMixin
from ._pulled_fit import PulledLoss, minimise
from .prototypes import class_prototypes

# Temperature of prototypes made of the shots, which fit the shots too well to estimate it; for given prototypes, the
# temperature that is expected beforehand.
OWN_TEMPERATURE = 0.05


def largest_slope(Z: FloatArray, codes: NDArray[np.intp], weights: FloatArray, n_classes: int) -> float:
    """Compute the largest entry of the gradient of the mean loss, without the pull, at coefficients of zero."""
    sums = sums_by_class(Z, codes, n_classes, weights)
    return float(np.abs(sums.sum(axis=0) / n_classes - sums).max() / weights.sum()) or 1.0


def learned_prior(
    Z: FloatArray,
    codes: NDArray[np.intp],
    weights: FloatArray,
    P: FloatArray,
    temperature: float | None,
    adaptive: bool,
) -> tuple[float, FloatArray]:
    """Learn the scale of given prototypes P (n_classes, d) and their pulls (n_classes,) from the shots."""
    n_classes = len(P)
    # Each prototype counts as a shot of its class, so that few shots, or none, are enough to learn from.
    codes = np.concatenate((codes, np.arange(n_classes)))
    w = np.concatenate((weights, np.ones(n_classes)))
    S = product(np.concatenate((Z, P)), P.T)
    scale = 1 / (likeliest_temperature(S, codes, w, expected=OWN_TEMPERATURE) if temperature is None else temperature)
    if not adaptive:
        return scale, np.ones(n_classes)
    trust = softmax(scale * S, axis=1)[np.arange(len(S)), codes]
    return scale, np.bincount(codes, w * trust) / np.bincount(codes, w)


@saved()
@dataclass(frozen=True, eq=False)
class PulledModel(ClassModel):
    """Coefficients (n_classes, d) for unit rows, and the prototypes (n_classes, d) that pull them."""

    prototypes: FloatArray
    coef: FloatArray
    temperature: float
    pulls: FloatArray
    n_iter: int
    n_evaluations: int

    def scores(self, Z: FloatArray) -> FloatArray:
        return np.asarray(unit_rows(Z.copy()) @ self.coef.T.astype(Z.dtype, copy=False))


@saved()
class PrototypeLogisticRegression(GivenPrototypesMixin, ClassScoresMixin, BaseEstimator):
    """Fit a logistic regression whose coefficients are pulled towards class prototypes instead of towards zero.

    Without shots of a class its coefficients are the prototype; with many they are those of logistic regression. No
    parameter needs a validation set, for which a few shots are not enough.

    Parameters
    ----------
    prototypes : mapping of class to array of shape (n_features,), dataframe, or None, default=None
        Prototypes of the classes from elsewhere, such as their descriptions in the shared space; classes without a
        shot may be among them. None: those of the shots. `CrossModalClassifier` fills them in.
    C : float > 0, default=1.0
        Weight of the shots' likelihood against the pull, as in scikit-learn's LogisticRegression.
    adaptive : bool, default=True
        Let given prototypes pull less if they recognise the shots of their class less well.
    temperature : float > 0 or None, default=None
        The pull is towards prototypes divided by it. None: for given prototypes the temperature that makes the shots
        likeliest, with 0.05 expected beforehand; for prototypes made of the shots 0.05.
    max_iter : int >= 1, default=200
        Largest number of iterations.
    tol : float > 0, default=1e-4
        Stop when no entry of the gradient is larger than this share of the largest one at coefficients of zero.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    prototypes_ : ndarray of shape (n_classes, n_features)
        Their prototypes, of unit length.
    coef_ : ndarray of shape (n_classes, n_features)
        Weights of the score of each class.
    temperature_ : float
        Temperature of the prototypes.
    pulls_ : ndarray of shape (n_classes,)
        How strongly each prototype pulls, in (0, 1].
    n_iter_, n_evaluations_ : int
        Iterations done, and evaluations of the gradient, each of two products of all shots with all classes.
    n_features_in_ : int
        Number of features.

    See Also
    --------
    GaussianDiscriminant : A classifier in closed form.

    Notes
    -----
    Rows are scaled to unit length; there is no intercept. With prototypes p_c, temperature T and pulls λ_c,

        minimise  ½ Σ_c λ_c ‖θ_c − p_c / T‖² + C Σ_i w_i (log Σ_c exp(θ_cᵀ z_i) − θ_{y_i}ᵀ z_i),

    which is convex, by L-BFGS. If `adaptive`, λ_c is the mean probability of class c that prototypes alone give its
    shots, otherwise 1. For λ_c and T each given prototype counts as one more shot of its class.
    With prototypes of zero and without `adaptive` it is logistic regression without intercept.

    References
    ----------
    Silva-Rodríguez, Hajimiri, Ben Ayed & Dolz (2024), A closer look at the few-shot adaptation of large
    vision-language models.

    Examples
    --------
    >>> from crossmodal_cca.transfer import PrototypeLogisticRegression
    >>> prototypes = {"cat": [1.0, 0.0], "dog": [0.0, 1.0], "owl": [-1.0, 0.0]}
    >>> head = PrototypeLogisticRegression(prototypes=prototypes).fit([[1.0, 0.2], [0.3, 1.0]], ["cat", "dog"])
    >>> head.predict([[1.0, 0.5], [-1.0, 0.5]])
    array(['cat', 'owl'], dtype='<U3')
    """

    _stored: ClassVar[Schema] = {"model_": PulledModel}

    prototypes_, coef_, pulls_ = View("prototypes"), View("coef"), View("pulls")
    temperature_ = View("temperature")
    n_iter_, n_evaluations_ = View("n_iter"), View("n_evaluations")

    def __init__(
        self,
        *,
        prototypes: Mapping[Any, ArrayLike] | None = None,
        C: float = 1.0,
        adaptive: bool = True,
        temperature: float | None = None,
        max_iter: int = 200,
        tol: float = 1e-4,
    ) -> None:
        self.prototypes = prototypes
        self.C = C
        self.adaptive = adaptive
        self.temperature = temperature
        self.max_iter = max_iter
        self.tol = tol

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the coefficients.

        Parameters
        ----------
        X : array-like of shape (n_shots, n_features)
            Shots, in a space where their direction means something.
        y : array-like of shape (n_shots,)
            Their classes, at least two; with given prototypes one is enough.
        sample_weight : array-like of shape (n_shots,), default=None
            Non-negative weights of the shots.

        Returns
        -------
        self : PrototypeLogisticRegression
            The fitted classifier.

        Raises
        ------
        ValueError, TypeError
            If rows, labels or weights are bad, a parameter is out of its range, or `prototypes` lack a class of y or
            differ in width.
        """
        self._check_parameters()
        given = self.prototypes is not None
        labelled = labelled_rows(self, X, y, sample_weight, min_classes=1 if given else 2)
        Z, w, classes, codes = labelled.Z, labelled.sample_weight, labelled.classes, labelled.codes
        if given:
            classes, P = stacked_by_class(self.prototypes, labelled, "prototypes", of_features=True)
            P, codes = unit_rows(P), np.searchsorted(classes, labelled.classes)[codes]
            scale, pulls = learned_prior(Z, codes, w, P, self.temperature, self.adaptive)
        else:
            P = class_prototypes(labelled)
            scale, pulls = 1 / (self.temperature or OWN_TEMPERATURE), np.ones(len(P))
        centre = P * P.dtype.type(scale)
        gtol = self.tol * largest_slope(Z, codes, w, len(classes))
        found = minimise(PulledLoss(Z, codes, w, centre, pulls, self.C), gtol, self.max_iter)
        if not found.converged:
            warn(
                f"PrototypeLogisticRegression stopped after {found.n_iter} iterations; raise max_iter or tol, or lower "
                "C.",
                ConvergenceWarning,
            )
        self.model_ = PulledModel(
            *(P.shape[1], labelled.names, classes, P),
            coef=centre + found.D.astype(centre.dtype),
            temperature=1 / scale,
            pulls=pulls,
            n_iter=found.n_iter,
            n_evaluations=found.n_evaluations,
        )
        return self

    def _check_parameters(self) -> None:
        check_number(self.C, "C", low=0.0, positive=True)
        check_number(self.tol, "tol", low=0.0, positive=True)
        check_whole_number(self.max_iter, "max_iter")
        check_flag(self.adaptive, "adaptive")
        if self.temperature is not None:
            check_number(self.temperature, "temperature", low=0.0, positive=True)
