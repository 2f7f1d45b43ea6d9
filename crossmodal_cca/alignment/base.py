"""What all linear aligners share: reduce the rows, solve, store; then scores, predictions and samples."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Literal, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from scipy import linalg
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted

from .._blocks import FloatArray, float_block, float_dtype, row_slices
from .._sklearn import validate_data
from .._validation import (
    PairedRows,
    check_n_components,
    check_number,
    check_pair,
    check_rows_of_y,
    check_scale_of_weights,
    unchanged_on_error,
)
from ..linalg.moments import PairMoments, moments_of_rows
from ..linalg.pair import StandardizedPair, standardize_moments, standardize_rows
from ..linalg.solution import LinearSolution
from .scores import PairScoresMixin


class LinearAligner(ClassNamePrefixFeaturesOutMixin, TransformerMixin, PairScoresMixin, BaseEstimator):  # type: ignore[misc]
    """A linear map of two modalities into one space, known by the moments of its training rows.

    A subclass says how its model is solved (`_solve`); everything else is here.
    """

    n_components: int | None
    scale: bool
    _y_is_1d: bool

    @abstractmethod
    def _solve(
        self, pair: StandardizedPair, rows: PairedRows | None, allow_fewer: bool
    ) -> tuple[LinearSolution, dict[str, Any]]:
        """Solve for the shared space; return it with further attributes to store."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the shared space to paired rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features_x)
            Rows of the first modality, at least two.
        y : array-like of shape (n_rows, n_features_y) or (n_rows,)
            Rows of the second modality, paired with those of `X`; 1-D counts as one column.
        sample_weight : array-like of shape (n_rows,), default=None
            Non-negative weights that sum to more than 1; a weight of 2 counts a row twice, 0 leaves it out.

        Returns
        -------
        self : object
            The fitted model.

        Raises
        ------
        ValueError
            If the sides differ in rows, values are not finite, or `n_components` is more than the ranks allow.
        """
        with unchanged_on_error(self):
            self._check_parameters()
            rows = check_pair(X, y, sample_weight, estimator=self, reset=True, min_rows=2)
            if rows.sample_weight is not None:
                check_scale_of_weights(rows.sample_weight.sum())
            self._y_is_1d = np.ndim(y) == 1
            self._store(standardize_rows(rows, scale=self.scale), rows)
        return self

    def partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Add paired rows to those seen so far and solve again.

        Batches of any size, in any order, give the model that one `fit` on all rows gives. While too few rows have
        been seen for `n_components`, the model has as many as they allow (`n_components_`; none after one row).

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features_x)
            Further rows of the first modality; one is enough.
        y : array-like of shape (n_rows, n_features_y) or (n_rows,)
            The rows of the second modality paired with them.
        sample_weight : array-like of shape (n_rows,), default=None
            Non-negative weights, as in `fit`.

        Returns
        -------
        self : object
            The updated model; if the batch is rejected, the model is exactly as it was.

        Raises
        ------
        ValueError
            If the batch differs from earlier ones in width or names, or is bad in a way that `fit` refuses.
        """
        with unchanged_on_error(self):
            self._check_parameters()
            seen: StandardizedPair | None = getattr(self, "_pair", None)
            rows = check_pair(X, y, sample_weight, estimator=self, reset=seen is None)
            moments = moments_of_rows(*rows)
            if seen is None:
                self._y_is_1d = np.ndim(y) == 1
            else:
                self._check_y(rows.y, rows.y_names)
                moments = seen.feature_moments() + moments
            self._store(standardize_moments(moments, scale=self.scale), allow_fewer=True)
        return self

    def fit_moments(self, moments: PairMoments) -> Self:
        """Fit the shared space to moments computed beforehand: many models from one walk over the rows.

        Parameters
        ----------
        moments : PairMoments
            Moments of the paired training rows.

        Returns
        -------
        self : object
            The fitted model; `partial_fit` can go on from it.

        Raises
        ------
        TypeError
            If `moments` is not a `PairMoments`.
        ValueError
            If the moments hold a single row, or `n_components` is more than the ranks allow.
        """
        if not isinstance(moments, PairMoments):
            raise TypeError(
                f"fit_moments takes a PairMoments, got {type(moments).__name__}; make one with PairMoments.from_arrays."
            )
        if moments.n_rows < 2:
            raise ValueError("fit_moments needs the moments of at least 2 rows; these have n_samples=1.")
        check_scale_of_weights(moments.weight_sum)
        with unchanged_on_error(self):
            self._check_parameters()
            self.n_features_in_ = len(moments.mean_x)
            _set_or_delete(self, "feature_names_in_", moments.x_names)
            self._y_is_1d = False
            self._store(standardize_moments(moments, scale=self.scale))
        return self

    def _check_parameters(self) -> None:
        check_n_components(self.n_components)
        check_number(getattr(self, "power", 0.0), "power", low=0.0)

    def _n_components(self, possible: int, limit: int, why: str, *, allow_fewer: bool) -> int:
        """Number of components to solve for: `possible` with these rows, `limit` with any."""
        k = possible if self.n_components is None else self.n_components
        if allow_fewer and k <= limit:
            return min(k, possible)
        if k > possible or k == 0:
            wanted = "No component is possible" if k == 0 else f"n_components={k} is more than the {possible} possible"
            raise ValueError(
                f"{wanted}: {why}. Lower n_components, leave it at None for as many as possible, or add rows that vary."
            )
        return k

    def _store(
        self, pair: StandardizedPair, rows: PairedRows | None = None, *, allow_fewer: bool = False
    ) -> None:
        solution, extra = self._solve(pair, rows, allow_fewer)
        solution = solution.to_features(pair.x, pair.y).weighted(getattr(self, "power", 0.0))
        dtype = pair.moments.dtype
        self._pair = pair
        self.x_mean_, self.y_mean_ = pair.x.mean, pair.y.mean
        self.x_scale_, self.y_scale_ = pair.x.scale, pair.y.scale
        for name in ("weights", "rotations", "loadings"):
            for side in ("x", "y"):
                setattr(self, f"{side}_{name}_", getattr(solution, f"{side}_{name}").astype(dtype))
        self._y_effects = (solution.y_effects * self.y_scale_).astype(dtype)
        self._x_effects = (solution.x_effects * self.x_scale_).astype(dtype)
        self.correlations_ = solution.correlations
        self.singular_values_ = solution.singular_values
        self.n_components_ = len(solution.singular_values)
        self.n_samples_seen_ = pair.moments.n_rows
        _set_or_delete(self, "y_feature_names_in_", pair.moments.y_names)
        for name, value in extra.items():
            setattr(self, name, value)

    @property
    def coef_(self) -> FloatArray:
        """Linear map of `predict`, (n_targets, n_features): predictions are X @ coef_.T + intercept_."""
        check_is_fitted(self)
        return ((self.x_rotations_ / self.x_scale_[:, None]) @ self._y_effects).T.astype(self.x_rotations_.dtype)

    @property
    def intercept_(self) -> FloatArray:
        """Prediction for a row of zeros, (n_targets,)."""
        check_is_fitted(self)
        return self.y_mean_ - ((self.x_mean_ / self.x_scale_) @ self.x_rotations_) @ self._y_effects

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def _x_scores(self, X: ArrayLike) -> FloatArray:
        A = validate_data(self, X, reset=False, dtype="numeric", ensure_all_finite=False)
        return _scores(A, self.x_mean_, self.x_scale_, self.x_rotations_, "X")

    def _y_scores(self, y: ArrayLike) -> FloatArray:
        A, names = check_rows_of_y(y)
        self._check_y(A, names)
        return _scores(A, self.y_mean_, self.y_scale_, self.y_rotations_, "y")

    def _check_y(self, y: NDArray[Any], names: NDArray[Any] | None) -> None:
        name, width = type(self).__name__, len(self.y_mean_)
        if y.shape[1] != width:
            raise ValueError(
                f"y has {y.shape[1]} features, but {name} was fitted with {width} in the second modality."
            )
        fitted = getattr(self, "y_feature_names_in_", None)
        if fitted is not None and names is not None and not np.array_equal(fitted, names):
            raise ValueError(
                f"The features of y are named {list(names)[:5]} (first five), but {name} was fitted with "
                f"{list(fitted)[:5]}; pass the same columns in the same order."
            )

    def predict(self, X: ArrayLike) -> FloatArray:
        """Predict the second modality's features from the first's.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features_x)
            Rows of the first modality.

        Returns
        -------
        y_pred : ndarray of shape (n_rows, n_features_y), or (n_rows,) after a fit with 1-D y
            Expected features, in the units of y.
        """
        check_is_fitted(self)
        y_pred = _predictions(self._x_scores(X), self._y_effects, self.y_mean_)
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
        """
        check_is_fitted(self)
        return _predictions(self._y_scores(y), self._x_effects, self.x_mean_)

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

        Notes
        -----
        S_yy − S_yx A − Aᵀ S_xy + Aᵀ S_xx A with A the map of the prediction. Without shrinkage it is the
        conditional covariance of probabilistic CCA.

        References
        ----------
        Bach & Jordan (2005), A probabilistic interpretation of canonical correlation analysis.
        """
        check_is_fitted(self)
        if modality not in ("x", "y"):
            raise ValueError(f'modality must be "x" or "y", got {modality!r}.')
        S, pair = self._pair.covariances(), self._pair
        own, other, S_other, S_own, S_cross, R, B, scale = (
            (pair.y, pair.x, S.xx, S.yy, S.xy, self.x_rotations_, self._y_effects, self.y_scale_)
            if modality == "y"
            else (pair.x, pair.y, S.yy, S.xx, S.xy.T, self.y_rotations_, self._x_effects, self.x_scale_)
        )
        A = other.to_coordinates(R.astype(float)) @ own.to_coordinates((B / scale).T).T
        cross = S_cross.T @ A
        C = own.to_features(S_own - cross - cross.T + A.T @ S_other @ A)
        C = own.to_features(C.T) * scale * scale[:, None]
        return np.asarray((C + C.T) / 2)

    def sample_y(
        self, X: ArrayLike, n_samples: int = 1, random_state: int | RandomState | None = None
    ) -> FloatArray:
        """Draw features of the second modality given rows of the first, from the Gaussian of the prediction.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features_x)
            Rows of the first modality.
        n_samples : int, default=1
            Draws for each row.
        random_state : int, RandomState or None, default=None
            Seed of the draws.

        Returns
        -------
        y_samples : ndarray of shape (n_rows, n_features_y, n_samples), or (n_rows, n_samples) after a fit with 1-D y
            Draws with mean ``predict(X)`` and covariance ``residual_covariance()``.
        """
        check_is_fitted(self)
        if not (isinstance(n_samples, int | np.integer) and n_samples >= 1):
            raise ValueError(f"n_samples must be a positive whole number, got {n_samples!r}.")
        mean = _predictions(self._x_scores(X), self._y_effects, self.y_mean_)
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
        """
        check_is_fitted(self)
        return self._back(X, self.x_loadings_, self.x_scale_, self.x_mean_)

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
        """
        check_is_fitted(self)
        y_original = self._back(y, self.y_loadings_, self.y_scale_, self.y_mean_)
        return y_original[:, 0] if self._y_is_1d else y_original

    def _back(self, scores: ArrayLike, loadings: FloatArray, scale: FloatArray, mean: FloatArray) -> FloatArray:
        T: FloatArray = check_array(scores, dtype=[np.float64, np.float32], input_name="scores")
        if T.shape[1] != self.n_components_:
            raise ValueError(
                f"Scores have {T.shape[1]} columns; {type(self).__name__} has n_components_={self.n_components_}."
            )
        return _predictions(T, (loadings * scale[:, None]).T, mean)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags


def _scores(
    A: NDArray[Any], mean: FloatArray, scale: FloatArray, rotations: FloatArray, name: str
) -> FloatArray:
    """((A − mean) / scale) @ rotations, a block of rows at a time, in the rows' own floating type."""
    dtype = float_dtype(A)
    W = (rotations / scale[:, None]).astype(dtype)
    scores = np.empty((len(A), W.shape[1]), dtype)
    for rows in row_slices(len(A)):
        block = float_block(A, rows, dtype, name)
        centred = np.subtract(block, mean, out=np.empty_like(block), casting="same_kind")
        np.matmul(centred, W, out=scores[rows])
    return scores


def _predictions(scores: FloatArray, effects: FloatArray, mean: FloatArray) -> FloatArray:
    predicted: FloatArray = scores @ effects.astype(scores.dtype)
    return np.add(predicted, mean, out=predicted, casting="same_kind")


def _set_or_delete(estimator: Any, name: str, value: Any) -> None:
    """Set an attribute, or remove what an earlier fit left behind."""
    if value is not None:
        setattr(estimator, name, value)
    else:
        vars(estimator).pop(name, None)
