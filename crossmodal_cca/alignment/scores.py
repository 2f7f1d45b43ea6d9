"""Scores of two modalities in one space: the methods that every aligner has, however it was fitted."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from .._blocks import FloatArray
from .._sklearn import wrap_scores
from .._validation import check_same_rows, check_sample_weight
from ..linalg.solution import paired_correlations


class PairScoresMixin:
    """`transform`, `transform_y` and `score` on top of an aligner's own `_x_scores` and `_y_scores`."""

    @abstractmethod
    def _x_scores(self, X: ArrayLike, *, weighted: bool = True) -> FloatArray:
        """Scores (n, k) of x-rows, checked here; before any `power` if not `weighted`."""

    @abstractmethod
    def _y_scores(self, y: ArrayLike, *, weighted: bool = True) -> FloatArray:
        """Scores (n, k) of y-rows, checked here; before any `power` if not `weighted`."""

    @property
    def _n_features_out(self) -> int:
        return self.n_components_  # type: ignore[attr-defined,no-any-return]

    @property
    def _score_prefix(self) -> str:
        return type(self).__name__.lower()

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
            ``cca0``… for one side and ``cca_x0``…, ``cca_y0``… for a pair, after the class.

        Raises
        ------
        ValueError
            If the width or the names differ from those seen in `fit`, values are not finite, or the two sides
            differ in rows.
        """
        check_is_fitted(self)
        if X is None:
            raise ValueError("X is None; rows of the second modality alone go to transform_y.")
        x_scores = self._x_scores(X)
        if y is None:
            return self._wrap(x_scores, X)
        y_scores = self._y_scores(y)
        check_same_rows(x_scores, y_scores)
        return self._wrap(x_scores, X, "x"), self._wrap(y_scores, y, "y")

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
        return self._wrap(self._y_scores(y), y)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Total correlation captured: the sum over components of the correlation of x- and y-scores on these rows.

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
        x_scores, y_scores = self._x_scores(X), self._y_scores(y)
        check_same_rows(x_scores, y_scores)
        if len(x_scores) < 2:
            raise ValueError("score correlates rows and needs at least 2 of them; got n_samples=1.")
        if x_scores.shape[1] == 0:
            return 0.0
        w = None if sample_weight is None else check_sample_weight(sample_weight, len(x_scores))
        return float(paired_correlations(x_scores, y_scores, w).sum())

    def _wrap(self, scores: FloatArray, original: Any, side: str | None = None) -> Any:
        names: NDArray[Any]
        if side is None:
            names = self.get_feature_names_out()  # type: ignore[attr-defined]
        else:
            names = np.array([f"{self._score_prefix}_{side}{j}" for j in range(scores.shape[1])], dtype=object)
        return wrap_scores(self, scores, original, names)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags
