"""Scores and predictions of two modalities in one space: the methods that every aligner has."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import Any

from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from .._files import SavedAlignerMixin
from .._sklearn import telling_where, wrap_scores
from .._typing import FloatArray
from ..rows._columns import column_moments
from ..rows._validation import check_same_rows, warn_of_other_order


class PairScoresMixin(SavedAlignerMixin):
    """Methods of every aligner, from the scores of its fitted model and their effects on each side's features."""

    # Fitted model with sides `x` and `y`.
    model_: Any

    @property
    def _fitted(self) -> Any:
        """Fitted model; methods read it once, so that a fit in between does no harm."""
        if "model_" not in vars(self):
            check_is_fitted(self)
        return self.model_

    @abstractmethod
    def _scores_of(self, model: Any, modality: str, rows: ArrayLike, *, weighted: bool = True) -> FloatArray:
        """Check rows of modality "x" or "y" and compute their scores (n, k); without the `power` if not `weighted`."""

    @property
    def _n_features_out(self) -> int:
        return self.n_components_  # type: ignore[attr-defined,no-any-return]

    def fit_transform(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Any:
        """Fit to paired rows and return the x-scores alone, so that it works in the middle of a Pipeline.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features_x)
            Rows of the first modality.
        y : array-like of shape (n_rows, n_features_y) or (n_rows,)
            Paired rows of the second modality.
        sample_weight : array-like of shape (n_rows,), default=None
            Non-negative weights of the rows.

        Returns
        -------
        x_scores : ndarray or dataframe of shape (n_rows, n_components)
            Scores of `X`; ``fit(X, y).transform(X, y)`` gives those of both sides.
        """
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        return self.fit(X, y, **weights).transform(X)  # type: ignore[attr-defined]

    def transform(self, X: ArrayLike, y: ArrayLike | None = None) -> Any:
        """Map rows into the shared space.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features_x)
            Rows of the first modality; a linear aligner takes sparse ones too, here and in the other methods.
        y : array-like of shape (n_rows, n_features_y) or (n_rows,), default=None
            Paired rows of the second modality; alone they go to `transform_y`.

        Returns
        -------
        x_scores : ndarray or dataframe of shape (n_rows, n_components)
            Scores of `X`; with `y`, the pair (x_scores, y_scores). Under `set_output` the columns are named
            ``cca0``… for one side and ``cca_x0``…, ``cca_y0``… for a pair, after the class. Linear models give a Dask
            array, not yet computed, for Dask's rows.

        Raises
        ------
        ValueError
            If the width or the names differ from those seen in `fit`, values are not finite, or the two sides
            differ in rows.
        """
        model = self._fitted
        if X is None:
            raise ValueError("X is None; rows of the second modality alone go to transform_y.")
        x_scores = self._scores_of(model, "x", X)
        if y is None:
            return in_container(self, x_scores, X)
        y_scores = self._scores_of(model, "y", y)
        check_same_rows(x_scores.shape[0], y_scores.shape[0])
        warn_of_other_order(X=X, y=y)
        return in_container(self, x_scores, X, "_x"), in_container(self, y_scores, y, "_y")

    def transform_y(self, y: ArrayLike) -> Any:
        """Map rows of the second modality into the shared space.

        Parameters
        ----------
        y : array-like of shape (n_rows, n_features_y) or (n_rows,)
            Rows of the second modality; no paired x-rows are needed.

        Returns
        -------
        y_scores : ndarray or dataframe of shape (n_rows, n_components)
            Scores of `y`, named under `set_output` as those of `transform`: they are points of the same space.

        Raises
        ------
        ValueError
            If the width or the names differ from those seen in `fit`, or values are not finite.
        """
        return in_container(self, self._scores_of(self._fitted, "y", y), y)

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
        model = self._fitted
        y_pred: FloatArray = model.y.predicted(self._scores_of(model, "x", X, weighted=False))
        return y_pred[:, 0] if model.y_is_1d else y_pred

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
        model = self._fitted
        return model.x.predicted(self._scores_of(model, "y", y, weighted=False))  # type: ignore[no-any-return]

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Sum the correlations of x- and y-scores on these rows over the components.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features_x)
            Rows of the first modality, at least two.
        y : array-like of shape (n_rows, n_features_y) or (n_rows,)
            Paired rows of the second modality.
        sample_weight : array-like of shape (n_rows,), default=None
            Non-negative weights of the rows.

        Returns
        -------
        score : float
            Between −n_components and n_components; a component whose score does not vary counts 0. On rows outside
            the training set this is an honest measure; a mean would always prefer a single component.

        Raises
        ------
        ValueError
            If the sides differ in rows, there is only one row, or the rows are bad in a way that `transform` refuses.
        """
        columns = partial(self._paired_scores, self._fitted)
        with telling_where(X=X, y=y):
            moments = column_moments(columns, X, y, sample_weight)
        return float(moments.correlations().sum())

    def _paired_scores(self, model: Any, X: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray]:
        return self._scores_of(model, "x", X), self._scores_of(model, "y", y)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags


def in_container(estimator: Any, scores: Any, original: Any, side: str = "", *, aligner: Any = None) -> Any:
    """Wrap scores in the container that the estimator's `set_output` asks for, with columns named after the aligner."""
    prefix = type(estimator if aligner is None else aligner).__name__.lower()
    return wrap_scores(estimator, scores, original, f"{prefix}{side}")
