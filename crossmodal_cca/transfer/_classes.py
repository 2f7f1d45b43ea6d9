"""What the few-shot heads share: checked rows with their classes, and how class scores become labels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from .._blocks import FloatArray, float_dtype, row_slices
from .._sklearn import validate_data
from .._validation import check_sample_weight
from ..metrics._inputs import unit_rows

# Rows whose scores for all classes are held at a time: few enough for the processor's cache with a thousand classes.
SCORED_ROWS = 1024


class LabelledRows(NamedTuple):
    """Checked rows (n, d), the sorted classes, the place of each row's class among them, and weights (n,)."""

    Z: FloatArray
    classes: NDArray[Any]
    codes: NDArray[np.intp]
    sample_weight: FloatArray

    def class_sums(self) -> FloatArray:
        """Weighted sum of the rows of each class, (n_classes, d)."""
        return sums_by_class(self.Z, self.codes, len(self.classes), self.sample_weight)


def labelled_rows(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    unit_length: bool = True,
    min_classes: int = 2,
) -> LabelledRows:
    """Check labelled rows and record their width and names; rows without weight are left out."""
    rows, labels = validate_data(estimator, X, y, dtype="numeric")
    check_classification_targets(labels)
    # A copy: unit length is made in place, and the rows may be the user's own.
    Z = rows.astype(float_dtype(rows))
    w = np.ones(len(Z)) if sample_weight is None else check_sample_weight(sample_weight, len(Z))
    if not w.all():
        Z, labels, w = Z[w > 0], labels[w > 0], w[w > 0]
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) < min_classes:
        raise ValueError(
            f"{type(estimator).__name__} needs rows of at least {min_classes} classes; y holds {len(classes)} class: "
            f"{classes[0]!r}."
        )
    return LabelledRows(unit_rows(Z) if unit_length else Z, classes, codes, w.astype(Z.dtype))


def sums_by_class(Z: FloatArray, codes: NDArray[np.intp], n_classes: int, weights: FloatArray) -> FloatArray:
    """Weighted sums of the rows of each class, (n_classes, d)."""
    members = sparse.csr_array((weights, (codes, np.arange(len(Z)))), shape=(n_classes, len(Z)))
    return np.asarray(members @ Z)


def stacked_by_class(
    vectors: Any, labelled: LabelledRows, name: str, width: int | None = None
) -> tuple[NDArray[Any], FloatArray]:
    """Sorted classes and their vectors as rows, from a mapping or a dataframe with a row for each class.

    Each class of the labelled rows must have one; further classes may.
    """
    if hasattr(vectors, "index") and hasattr(vectors, "to_numpy"):
        vectors = dict(zip(vectors.index, vectors.to_numpy(), strict=True))
    if not (isinstance(vectors, Mapping) and len(vectors)):
        raise TypeError(
            f"{name} must map each class to a vector, or be a dataframe with a row for each; got {vectors!r}."
        )
    missing = [c for c in labelled.classes.tolist() if c not in vectors]
    if missing:
        raise ValueError(
            f"{name} lacks {len(missing)} of the {len(labelled.classes)} classes in y, such as {missing[0]!r}; it has "
            f"{list(vectors)[:5]} (first five)."
        )
    classes, order = np.unique(np.array(list(vectors)), return_index=True)
    rows = [np.asarray(vector) for vector in vectors.values()]
    shapes = {row.shape for row in rows}
    if shapes != {rows[0].shape if width is None else (width,)} or rows[0].ndim != 1:
        raise ValueError(
            f"{name} must be vectors of {'one length' if width is None else f'{width} features, as the rows have'}; "
            f"got shapes {sorted(shapes)}."
        )
    stacked = np.stack(rows)[order].astype(labelled.Z.dtype)
    if not np.isfinite(stacked).all():
        raise ValueError(f"{name} must be finite; it holds NaN or infinity.")
    return classes, stacked


class ClassScoresMixin(ClassifierMixin):
    """Labels and probabilities from a score for each class, a block of rows at a time."""

    classes_: NDArray[Any]

    @abstractmethod
    def _class_scores(self, Z: FloatArray) -> FloatArray:
        """Scores (n, n_classes) of a block of checked rows; their softmax are the probabilities."""

    def _rows(self, X: ArrayLike) -> FloatArray:
        """Check new rows."""
        rows = validate_data(self, X, reset=False, dtype="numeric")
        return np.asarray(rows, dtype=float_dtype(rows))

    def decision_function(self, X: ArrayLike) -> FloatArray:
        """Score the rows for each class.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows to classify.

        Returns
        -------
        scores : ndarray of shape (n_rows, n_classes), or (n_rows,) for two classes
            One column for each of ``classes_``; for two classes the score of the second minus that of the first.

        Raises
        ------
        ValueError
            If the rows are of another width than expected, or not finite.
        """
        S = self._all_class_scores(X)
        return S[:, 1] - S[:, 0] if S.shape[1] == 2 else S

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the class of each row.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows to classify.

        Returns
        -------
        labels : ndarray of shape (n_rows,)
            The class of the highest score.

        Raises
        ------
        ValueError
            If the rows are of another width than expected, or not finite.
        """
        check_is_fitted(self)
        Z = self._rows(X)
        codes = np.empty(len(Z), np.intp)
        for rows in row_slices(len(Z), SCORED_ROWS):
            codes[rows] = self._class_scores(Z[rows]).argmax(axis=1)
        return self.classes_[codes]

    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """Estimate the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows to classify.

        Returns
        -------
        probabilities : ndarray of shape (n_rows, n_classes)
            Softmax of the class scores; rows sum to 1.

        Raises
        ------
        ValueError
            If the rows are of another width than expected, or not finite.
        """
        return np.asarray(softmax(self._all_class_scores(X), axis=1))

    def _all_class_scores(self, X: ArrayLike) -> FloatArray:
        check_is_fitted(self)
        Z = self._rows(X)
        S = np.empty((len(Z), len(self.classes_)), Z.dtype)
        for rows in row_slices(len(Z), SCORED_ROWS):
            S[rows] = self._class_scores(Z[rows])
        return S
