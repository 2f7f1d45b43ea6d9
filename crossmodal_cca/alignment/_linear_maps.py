"""Scores, predictions and samples of fitted linear aligners, and maps from scores back to features."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.random import Generator, RandomState
from numpy.typing import ArrayLike
from scipy import linalg
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin

from .._checks import check_choice, check_random_state, check_whole_number
from .._schemas import Schema
from .._sklearn import check_array, telling_where
from .._typing import FloatArray
from ..models._linear_model import LinearModel
from ..rows._lazy import refuse_dask
from ..rows._validation import check_rows_of_x, check_rows_of_y
from ._pair_scores import PairScoresMixin
from ._views import View, ViewsMixin


class LinearMaps(ViewsMixin, PairScoresMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Fitted linear maps of two modalities into one space."""

    model_: LinearModel
    _stored: ClassVar[Schema] = {"model_": LinearModel}

    x_mean_, y_mean_ = View("x.mean"), View("y.mean")
    x_scale_, y_scale_ = View("x.scale"), View("y.scale")
    x_weights_, y_weights_ = View("x.weights"), View("y.weights")
    x_rotations_, y_rotations_ = View("x.rotations"), View("y.rotations")
    x_loadings_, y_loadings_ = View("x.loadings"), View("y.loadings")
    correlations_, singular_values_ = View("correlations"), View("singular_values")
    coef_ = View("coef", shape=lambda model: (model.y.n_features, model.x.n_features))
    intercept_ = View("intercept")
    n_components_, n_samples_seen_ = View("n_components"), View("n_samples_seen")
    n_features_in_, _n_features_y = View("x.n_features"), View("y.n_features")
    feature_names_in_, y_feature_names_in_ = View("x.names", optional=True), View("y.names", optional=True)

    def _scores_of(self, model: LinearModel, modality: str, rows: ArrayLike, *, weighted: bool = True) -> FloatArray:
        name, side, check = ("X", model.x, check_rows_of_x) if modality == "x" else ("y", model.y, check_rows_of_y)
        A = check(self, rows, accept_sparse=True, lazy=True)
        with telling_where(**{name: rows}):
            return side.scores(A, name, weighted=weighted)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def residual_covariance(self, modality: Literal["x", "y"] = "y") -> FloatArray:
        """Compute the covariance of the residuals of a modality's prediction on the training rows.

        Parameters
        ----------
        modality : {"y", "x"}, default="y"
            "y" for the residuals of `predict`, "x" for those of `predict_x`.

        Returns
        -------
        covariance : ndarray of shape (n_features, n_features)
            Positive semi-definite, in squared units of the modality's features; the same for every row.

        Raises
        ------
        ValueError, TypeError
            If `modality` is neither.

        Notes
        -----
        It is S_yy − S_yx A − Aᵀ S_xy + Aᵀ S_xx A with A the map of the prediction; without shrinkage, the conditional
        covariance of probabilistic CCA.

        References
        ----------
        Bach & Jordan (2005), A probabilistic interpretation of canonical correlation analysis.
        """
        model = self._fitted
        check_choice(modality, "modality", ("x", "y"))
        return model.residual_covariance(modality)  # type: ignore[no-any-return]

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
        model = self._fitted
        n_samples = check_whole_number(n_samples, "n_samples")
        refuse_dask(X, "X")
        mean: FloatArray = model.y.predicted(self._scores_of(model, "x", X, weighted=False))
        variances, Q = linalg.eigh(model.residual_covariance("y"))
        # The symmetric root does not depend on the signs of the eigenvectors, which rounding decides.
        root = (Q * np.sqrt(np.maximum(variances, 0.0))) @ Q.T
        noise = check_random_state(random_state).standard_normal((len(mean), len(root), n_samples))
        draws: FloatArray = mean[:, :, None] + (root @ noise).astype(mean.dtype)
        return draws[:, 0] if model.y_is_1d else draws

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
        model = self._fitted
        return model.x.back(self._checked_scores(X, "X", model))  # type: ignore[no-any-return]

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
        model = self._fitted
        y_original: FloatArray = model.y.back(self._checked_scores(y, "y", model))
        return y_original[:, 0] if model.y_is_1d else y_original

    def _checked_scores(self, scores: ArrayLike, name: str, model: Any) -> FloatArray:
        T: FloatArray = check_array(scores, dtype=[np.float64, np.float32], input_name=name, ensure_min_features=0)
        if T.shape[1] != model.n_components:
            raise ValueError(
                f"{name} must be scores, a column for each component: {type(self).__name__} has n_components_="
                f"{model.n_components}, and {name} {T.shape[1]} columns."
            )
        return T
