"""Predicting and sampling one modality's features from the other's, and the way back from scores to features."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.random import Generator, RandomState
from numpy.typing import ArrayLike
from scipy import linalg
from sklearn.utils.validation import check_is_fitted

from .._checks import check_random_state, check_whole_number
from .._sklearn import check_array, refuse_dask
from .._typing import FloatArray
from ..models._pair import StandardizedPair, UnformedPair
from ..rows._blocks import is_dask, map_rows, row_slices
from ._fitted_aligner import check_modality
from ._pair_scores import PairScoresMixin


class PredictionMixin(PairScoresMixin):
    """Predictions of a fitted aligner, through its scores and their effects on either side's features."""

    x_mean_: FloatArray
    y_mean_: FloatArray
    _x_effects: FloatArray
    _y_effects: FloatArray
    _y_is_1d: bool

    def predict(self, X: ArrayLike) -> FloatArray:
        """Predict the second modality's features from the first's.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features_x)
            Rows of the first modality.

        Returns
        -------
        y_pred : ndarray of shape (n_rows, n_features_y), or (n_rows,) after a fit with 1-D y
            Expected features, in the units of y; a Dask array, not yet computed, where the linear models were given
            Dask's rows.

        Raises
        ------
        ValueError
            If the width or the names differ from those seen in `fit`, or values are not finite.
        """
        check_is_fitted(self)
        y_pred = _predictions(self._x_scores(X, weighted=False), self._y_effects, self.y_mean_)
        return y_pred[:, 0] if self._y_is_1d else y_pred

    def predict_x(self, y: ArrayLike) -> FloatArray:
        """Predict the first modality's features from the second's.

        Parameters
        ----------
        y : array-like of shape (n_rows, n_features_y) or (n_rows,)
            Rows of the second modality.

        Returns
        -------
        x_pred : ndarray of shape (n_rows, n_features_x)
            Expected features, in the units of X.

        Raises
        ------
        ValueError
            If the width or the names differ from those seen in `fit`, or values are not finite.
        """
        check_is_fitted(self)
        return _predictions(self._y_scores(y, weighted=False), self._x_effects, self.x_mean_)


class LinearPredictionMixin(PredictionMixin):
    """What a linear aligner knows beyond predictions: their map, their residuals, and the way back from scores."""

    x_scale_: FloatArray
    y_scale_: FloatArray
    _x_directions: FloatArray
    _y_directions: FloatArray
    x_loadings_: FloatArray
    y_loadings_: FloatArray
    n_components_: int
    _pair: StandardizedPair | UnformedPair

    @property
    def coef_(self) -> FloatArray:
        """Linear map of `predict`, (n_targets, n_features): predictions are X @ coef_.T + intercept_."""
        check_is_fitted(self)
        coef: FloatArray = ((self._x_directions / self.x_scale_[:, None]) @ self._y_effects).T
        return coef.astype(self._x_directions.dtype)

    @property
    def intercept_(self) -> FloatArray:
        """Prediction for a row of zeros, (n_targets,)."""
        check_is_fitted(self)
        return self.y_mean_ - ((self.x_mean_ / self.x_scale_) @ self._x_directions) @ self._y_effects

    def residual_covariance(self, modality: Literal["x", "y"] = "y") -> FloatArray:
        """Covariance of what the prediction of a modality leaves on the training rows, the same for every row.

        Parameters
        ----------
        modality : {"y", "x"}, default="y"
            "y" for the residuals of `predict`, "x" for those of `predict_x`.

        Returns
        -------
        covariance : ndarray of shape (n_features, n_features)
            Positive semi-definite, in squared units of the modality's features.

        Raises
        ------
        ValueError, TypeError
            If `modality` is neither.

        Notes
        -----
        S_yy − S_yx A − Aᵀ S_xy + Aᵀ S_xx A with A the map of the prediction. Without shrinkage it is the
        conditional covariance of probabilistic CCA.

        References
        ----------
        Bach & Jordan (2005), A probabilistic interpretation of canonical correlation analysis.
        """
        check_is_fitted(self)
        check_modality(modality, "modality")
        pair = self._pair
        S = pair.covariances()
        cx, cy = getattr(self, "shrinkage_", (0.0, 0.0))
        own, other, S_other, S_own, S_cross, R, B, scale, c = (
            (pair.y, pair.x, S.xx, S.yy, S.xy, self._x_directions, self._y_effects, self.y_scale_, cx)
            if modality == "y"
            else (pair.x, pair.y, S.yy, S.xx, S.xy.T, self._y_directions, self._x_effects, self.x_scale_, cy)
        )
        A = other.to_coordinates(R.astype(float)) @ own.to_coordinates((B / scale).T).T
        cross = S_cross.T @ A
        # Least squares, without shrinkage: the last two terms cancel, and with large weights their digits would too.
        C = own.to_features(S_own - cross if c == 0 else S_own - cross - cross.T + A.T @ S_other @ A)
        C = own.to_features(C.T) * scale * scale[:, None]
        return np.asarray((C + C.T) / 2)

    def sample_y(
        self, X: ArrayLike, n_samples: int = 1, random_state: int | RandomState | Generator | None = None
    ) -> FloatArray:
        """Draw features of the second modality given rows of the first, from the Gaussian of the prediction.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features_x)
            Rows of the first modality.
        n_samples : int, default=1
            Draws for each row.
        random_state : int, RandomState, Generator or None, default=None
            Seed of the draws.

        Returns
        -------
        y_samples : ndarray of shape (n_rows, n_features_y, n_samples), or (n_rows, n_samples) after a fit with 1-D y
            Draws with mean ``predict(X)`` and covariance ``residual_covariance()``.

        Raises
        ------
        ValueError, TypeError
            If `n_samples` is not a positive whole number, or `X` is bad in a way that `predict` refuses.
        """
        check_is_fitted(self)
        n_samples = check_whole_number(n_samples, "n_samples")
        refuse_dask(X, "X")
        mean = _predictions(self._x_scores(X, weighted=False), self._y_effects, self.y_mean_)
        variances, Q = linalg.eigh(self.residual_covariance())
        root = Q * np.sqrt(np.maximum(variances, 0.0))
        noise = check_random_state(random_state).standard_normal((len(mean), len(root), n_samples))
        draws: FloatArray = mean[:, :, None] + (root @ noise).astype(mean.dtype)
        return draws[:, 0] if self._y_is_1d else draws

    def inverse_transform(self, X: ArrayLike) -> FloatArray:
        """Map x-scores back to the first modality's features.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_components)
            Scores, as `transform` gives them.

        Returns
        -------
        X_original : ndarray of shape (n_rows, n_features_x)
            The features, up to what the components leave out.

        Raises
        ------
        ValueError
            If there is not one column for each component, or values are not finite.
        """
        check_is_fitted(self)
        return self._back(X, "X", self.x_loadings_, self.x_scale_, self.x_mean_)

    def inverse_transform_y(self, y: ArrayLike) -> FloatArray:
        """Map y-scores back to the second modality's features.

        Parameters
        ----------
        y : array-like of shape (n_rows, n_components)
            Scores, as `transform_y` gives them.

        Returns
        -------
        y_original : ndarray of shape (n_rows, n_features_y), or (n_rows,) after a fit with 1-D y
            The features, up to what the components leave out.

        Raises
        ------
        ValueError
            If there is not one column for each component, or values are not finite.
        """
        check_is_fitted(self)
        y_original = self._back(y, "y", self.y_loadings_, self.y_scale_, self.y_mean_)
        return y_original[:, 0] if self._y_is_1d else y_original

    def _back(
        self, scores: ArrayLike, name: str, loadings: FloatArray, scale: FloatArray, mean: FloatArray
    ) -> FloatArray:
        T: FloatArray = check_array(scores, dtype=[np.float64, np.float32], input_name=name, ensure_min_features=0)
        if T.shape[1] != self.n_components_:
            raise ValueError(
                f"{name} must be scores, a column for each component: {type(self).__name__} has n_components_="
                f"{self.n_components_}, and {name} {T.shape[1]} columns."
            )
        return _predictions(T, (loadings * scale[:, None]).T, mean)


def _predictions(scores: FloatArray, effects: FloatArray, mean: FloatArray) -> FloatArray:
    """mean + scores @ effects, in the floating type of the scores."""
    if is_dask(scores):
        return map_rows(_predictions, scores, len(mean), scores.dtype, effects=effects, mean=mean)  # type: ignore[no-any-return]
    predicted = np.empty((len(scores), len(mean)), scores.dtype)
    for rows in row_slices(len(scores)):
        # Products of the finer type, as for the scores.
        np.matmul(scores[rows], effects, out=predicted[rows], casting="same_kind")
    return np.add(predicted, mean, out=predicted, casting="same_kind")
