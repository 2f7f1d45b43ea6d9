"""Scores of two modalities in one space: the methods that every aligner has."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from .._files import SavedAlignerMixin
from .._sklearn import telling_where, wrap_scores
from .._typing import FloatArray
from ..rows._columns import column_moments
from ..rows._validation import check_same_rows, warn_of_other_order


class PairScoresMixin(SavedAlignerMixin):
    """Methods of every aligner, from the scores of its fitted model."""

    # Fitted model with sides `x` and `y`; methods read it once, so that a fit in between does no harm.
    model_: Any

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
        check_is_fitted(self)
        if X is None:
            raise ValueError("X is None; rows of the second modality alone go to transform_y.")
        model = self.model_
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
        check_is_fitted(self)
        return in_container(self, self._scores_of(self.model_, "y", y), y)

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
        check_is_fitted(self)
        with telling_where(X=X, y=y):
            moments = column_moments(partial(self._paired_scores, self.model_), X, y, sample_weight)
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

    def names() -> NDArray[Any]:
        prefix = type(estimator if aligner is None else aligner).__name__.lower()
        return np.array([f"{prefix}{side}{j}" for j in range(scores.shape[1])], dtype=object)

    return wrap_scores(estimator, scores, original, names)
