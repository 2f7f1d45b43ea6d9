"""Checks of labelled rows, and labels and probabilities from class scores, for all few-shot heads."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from .._docstrings import documented
from .._files import SavedMixin
from .._ids import checked_ids, distinct_ids, objects_of
from .._similarity import unit_rows
from .._sklearn import check_array, check_labelled, column_names, count_rows
from .._typing import FloatArray
from ..rows._blocks import float_dtype, row_slices
from ..rows._lazy import refuse_dask
from ..rows._numbers import as_numbers
from ..rows._validation import check_same_rows, check_sample_weight, refuse_other_order, warn_of_other_order
from ._class_model import ClassViewsMixin
from ._row_texts import BAD_ROWS, CLASSIFIED

# Rows scored for all classes at a time: few enough for the processor's cache with a thousand classes.
SCORED_ROWS = 1024


class LabelledRows(NamedTuple):
    """Checked rows (n, d), the sorted classes, each row's position among them, weights (n,), and feature names (d,)."""

    Z: FloatArray
    classes: NDArray[Any]
    codes: NDArray[np.intp]
    sample_weight: FloatArray
    names: NDArray[Any] | None

    def class_sums(self) -> FloatArray:
        """Compute the weighted sum of the rows of each class, (n_classes, d), in double precision."""
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
    """Check labelled rows, and leave out rows of weight zero."""
    refuse_mixed_labels(y, "y")
    rows, labels, names = check_labelled(estimator, X, y)
    check_classes(labels)
    warn_of_other_order(X=X, y=y)
    warn_of_other_order(X=X, sample_weight=sample_weight)
    # A copy: rows are scaled to unit length in place, and they may belong to the user.
    Z = rows.astype(float_dtype(rows))
    w = np.ones(len(Z)) if sample_weight is None else check_sample_weight(sample_weight, len(Z))
    if not w.all():
        Z, labels, w = Z[w > 0], labels[w > 0], w[w > 0]
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) < min_classes:
        raise ValueError(
            f"{type(estimator).__name__} needs rows of at least {min_classes} classes; y holds {len(classes)} class: "
            f"{objects_of(classes[:1])[0]!r}."
        )
    return LabelledRows(unit_rows(Z) if unit_length else Z, classes, codes, w, names)


def refuse_mixed_labels(labels: Any, name: str) -> None:
    """Refuse labels that are missing, or of types that do not compare; NumPy would turn a list of both into strings.

    Labels of Dask are refused too, as all of them would be read without notice.
    """
    refuse_dask(labels, name)
    values = np.array(labels, dtype=object) if isinstance(labels, list | tuple) else np.asarray(labels)
    if values.ndim == 0:
        return
    values = checked_ids(values.ravel(), name, values.size, name)
    if values.dtype == object:
        distinct_ids(values, name)


def check_classes(labels: NDArray[Any]) -> None:
    """Refuse labels that are no classes, such as numbers with a fraction."""
    with warnings.catch_warnings():
        # As many classes as rows are usual here: one description of each class.
        warnings.filterwarnings("ignore", "The number of unique classes")
        check_classification_targets(labels)


def checked_labels(labels: Any, name: str, n_rows: int, rows: str) -> NDArray[Any]:
    """Check labels: one class for each row; messages call the rows by the name `rows`."""
    if labels is None:
        raise ValueError(f"CrossModalClassifier requires {name} to be passed, but the target {name} is None.")
    refuse_mixed_labels(labels, name)
    checked: NDArray[Any] = check_array(labels, dtype=None, ensure_2d=False, input_name=name)
    checked = column_or_1d(checked, warn=True)
    if checked.shape != (n_rows,):
        raise ValueError(
            f"{name} must be one label for each of the {n_rows} rows of {rows}; got shape {checked.shape}."
        )
    check_classes(checked)
    return checked


def refuse_unknown(labels: NDArray[Any], classes: NDArray[Any], name: str) -> None:
    """Refuse labels that are none of the classes."""
    unknown = sorted(set(labels.tolist()).difference(classes.tolist()), key=str)
    if unknown:
        raise ValueError(
            f"{name} holds {len(unknown)} label(s) that no row of the fitted modality has, such as {unknown[0]!r}; the "
            f"classes are {classes[:5].tolist()}{' …' if len(classes) > 5 else ''}."
        )


def sums_by_class(Z: FloatArray, codes: NDArray[np.intp], n_classes: int, weights: FloatArray) -> FloatArray:
    """Compute the weighted sum of the rows of each class, (n_classes, d)."""
    members = sparse.csr_array((weights, (codes, np.arange(len(Z)))), shape=(n_classes, len(Z)))
    return np.asarray(members @ Z)


def stacked_by_class(
    vectors: Any, labelled: LabelledRows, name: str, *, of_features: bool = False
) -> tuple[NDArray[Any], FloatArray]:
    """Return sorted classes and their vectors as rows, from a mapping or a dataframe with a row for each class.

    Each class of the labelled rows must have a vector; further classes may. Vectors `of_features` have the features of
    the rows.
    """
    width = labelled.Z.shape[1] if of_features else None
    if hasattr(vectors, "index") and hasattr(vectors, "to_numpy"):
        if vectors.index.has_duplicates:
            raise ValueError(f"{name} has several rows for a class; pass one for each.")
        refuse_other_order(**{name: column_names(vectors), "X": labelled.names if of_features else None})
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
    classes = _classes_of_keys(list(vectors), labelled.classes, name)
    rows = [np.asarray(as_numbers(vector, name)) for vector in vectors.values()]
    shapes = {row.shape for row in rows}
    if shapes != {rows[0].shape if width is None else (width,)} or rows[0].ndim != 1:
        raise ValueError(
            f"{name} must be vectors of {'one length' if width is None else f'{width} features, as the rows have'}; "
            f"got shapes {sorted(shapes)}."
        )
    stacked = check_array(np.stack(rows), dtype="numeric", input_name=name).astype(labelled.Z.dtype)
    order = np.argsort(classes, kind="stable")
    return classes[order], stacked[order]


def _classes_of_keys(keys: list[Any], of_rows: NDArray[Any], name: str) -> NDArray[Any]:
    """Convert keys of a mapping to classes of the type of the rows' classes."""
    classes = np.array(keys, dtype=object) if of_rows.dtype == object else np.asarray(keys)
    try:
        np.sort(np.array(keys, dtype=object))
    except TypeError as error:
        raise TypeError(f"The classes of {name} must be of one type; got {keys[:5]} (first five).") from error
    return classes


class ClassScoresMixin(ClassViewsMixin, SavedMixin, ClassifierMixin):
    """Predict labels and probabilities (softmax) from class scores, a block of rows at a time."""

    @documented(CLASSIFIED, BAD_ROWS)
    def decision_function(self, X: ArrayLike) -> FloatArray:
        """Score the rows for each class.

        Returns
        -------
        scores : ndarray of shape (n_rows, n_classes), or (n_rows,) for two classes
            One column for each of ``classes_``; for two classes the score of the second minus that of the first.
        """
        S = self._all_class_scores(X)
        return S[:, 1] - S[:, 0] if S.shape[1] == 2 else S

    @documented(CLASSIFIED, BAD_ROWS)
    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the class of each row.

        Returns
        -------
        labels : ndarray of shape (n_rows,)
            The class of the highest score.
        """
        model, Z = self._checked(X)
        codes = np.empty(len(Z), np.intp)
        for rows in row_slices(len(Z), SCORED_ROWS):
            codes[rows] = model.scores(Z[rows]).argmax(axis=1)
        return np.asarray(model.classes[codes])

    @documented(CLASSIFIED, BAD_ROWS)
    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """Estimate the probability of each class.

        Returns
        -------
        probabilities : ndarray of shape (n_rows, n_classes)
            Softmax of the class scores; rows sum to 1.
        """
        return np.asarray(softmax(self._all_class_scores(X), axis=1))

    @documented(CLASSIFIED)
    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Compute the share of rows whose class is recognised.

        Parameters
        ----------
        y : array-like of shape (n_rows,)
            Their classes.
        sample_weight : array-like of shape (n_rows,), default=None
            Weights of the rows.

        Returns
        -------
        accuracy : float
            In [0, 1].

        Raises
        ------
        ValueError, TypeError
            If the rows or weights are bad, or labels are missing or of types that do not compare.
        """
        check_same_rows(count_rows(X, "X"), count_rows(y, "y"))
        refuse_mixed_labels(y, "y")
        refuse_dask(sample_weight, "sample_weight")
        warn_of_other_order(X=X, y=y, sample_weight=sample_weight)
        weight = None if sample_weight is None else check_sample_weight(sample_weight, count_rows(X, "X"))
        return float(super().score(X, y, weight))

    def _all_class_scores(self, X: ArrayLike) -> FloatArray:
        model, Z = self._checked(X)
        S = np.empty((len(Z), len(model.classes)), Z.dtype)
        for rows in row_slices(len(Z), SCORED_ROWS):
            S[rows] = model.scores(Z[rows])
        return S
