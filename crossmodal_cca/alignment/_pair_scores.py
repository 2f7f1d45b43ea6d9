"""Scores of two modalities in one space: the methods that every aligner has, however it was fitted."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial, reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import check_is_fitted

from .._files import SavedAlignerMixin
from .._sklearn import count_rows, take_rows, telling_where, wrap_scores
from .._typing import FloatArray
from ..linalg._solution import ColumnMoments
from ..rows._blocks import is_dask, is_sparse, row_slices, sum_over_rows
from ..rows._validation import aligned_pair, check_same_rows, check_sample_weight, warn_of_other_order

PairedColumns = Callable[[Any, Any], tuple[FloatArray, FloatArray]]


class PairScoresMixin(SavedAlignerMixin):
    """What every aligner has on top of its own model and the scores that it gives."""

    # What the last fit has left, read once for each answer: a value with sides `x` and `y`.
    model_: Any

    @abstractmethod
    def _scores_of(self, model: Any, modality: str, rows: ArrayLike, *, weighted: bool = True) -> FloatArray:
        """Scores (n, k) of rows of modality "x" or "y", checked here; before any `power` if not `weighted`."""

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
    """Scores in the container that the estimator's `set_output` asks for, named after the class of the aligner."""
    prefix = type(estimator if aligner is None else aligner).__name__.lower()
    names: NDArray[Any] = np.array([f"{prefix}{side}{j}" for j in range(scores.shape[1])], dtype=object)
    return wrap_scores(estimator, scores, original, names)


def column_moments(columns: PairedColumns, X: Any, y: Any, sample_weight: ArrayLike | None) -> ColumnMoments:
    """Moments of the columns that rows of X and y give, a block of rows at a time; those of Dask where they are."""
    moments: ColumnMoments | None
    if is_dask(X, y):
        A, B = columns(_in_double(X), _in_double(y))
        check_same_rows(A.shape[0], B.shape[0])
        moments = sum_over_rows(_block_moments, *aligned_pair(A, B, sample_weight))
    else:
        n_rows = count_rows(X, "X")
        check_same_rows(n_rows, count_rows(y, "y"))
        warn_of_other_order(X=X, y=y)
        w = None if sample_weight is None else check_sample_weight(sample_weight, n_rows)
        blocks = ((_in_double(take_rows(X, rows)), _in_double(take_rows(y, rows)), rows) for rows in row_slices(n_rows))
        parts = (_block_moments(*columns(A, B), None if w is None else w[rows]) for A, B, rows in blocks)
        moments = reduce(add, parts) if n_rows else None
    if moments is None or moments.n_rows < 2:
        found = 0 if moments is None else moments.n_rows
        raise ValueError(f"score compares rows and needs at least 2 of them; got n_samples={found}.")
    if moments.weight_sum <= 0:
        raise ValueError("sample_weight is zero for every row; some must be positive.")
    return moments


def _in_double(rows: Any) -> Any:
    """Rows of single precision as double: rounded, scores far from zero would lose what they vary by."""
    found: Any = getattr(rows, "dtypes", getattr(rows, "dtype", None))
    types = set(np.atleast_1d(found))
    return rows.astype(np.float64) if types and types <= {np.dtype(np.float32), np.dtype(np.float16)} else rows


def _block_moments(A: Any, B: FloatArray, sample_weight: Any) -> ColumnMoments | None:
    # Features may be sparse; the predictions that they are compared with are as large as dense ones.
    A = A.toarray() if is_sparse(A) else A
    check_same_rows(len(A), len(B))
    # Scores and predictions are finite; what R² compares these with need not be.
    assert_all_finite(A, input_name="y")
    w = None if sample_weight is None else check_sample_weight(sample_weight, len(A), allow_none=True)
    return ColumnMoments.of_rows(A, B, w) if len(A) else None
