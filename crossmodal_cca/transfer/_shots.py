"""Centre rows of two modalities, fit a classifier to them, and score held-out shots."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from .._similarity import unit_rows, warn_of_zero_rows
from .._typing import FloatArray
from ._calibration import best_offset
from ._classes import ClassScoresMixin, sums_by_class
from ._folds import FOLDS, distinct_rows, even_folds, places
from ._heads import PrototypeHead, check_scores_classes
from .prototypes import PrototypeClassifier

# Number of shots of a class at which its mean gets half of the full weight in the mean of its modality.
CERTAIN = 4.0


class Rows(NamedTuple):
    """Rows (n, k) of the shared space, and the position of each row's class (n,) among all classes."""

    Z: FloatArray
    codes: NDArray[np.intp]

    def take(self, kept: NDArray[np.intp]) -> Rows:
        return Rows(self.Z[kept], self.codes[kept])

    def mean(self, weights: FloatArray) -> FloatArray:
        """Average the class means, (k,), with a weight for each class (n_classes,), whatever its number of rows."""
        n = np.bincount(self.codes, minlength=len(weights))
        return np.average(self.Z, axis=0, weights=(weights / np.maximum(n, 1))[self.codes])


class TwoModalities(NamedTuple):
    """A classifier, its classes, unit rows of the known modality, and shots of the other."""

    classifier: Any
    classes: NDArray[Any]
    known: Rows
    shots: Rows

    def prototypes(self) -> FloatArray:
        """Compute the mean directions of the classes in the known modality, (n_classes, k)."""
        ones = np.ones(len(self.known.Z), self.known.Z.dtype)
        return unit_rows(sums_by_class(*self.known, len(self.classes), ones))

    def fitted(self, shot_weight: float | None, shots: Rows | None = None) -> Any:
        """Fit a new classifier to the known rows and all shots, or the given ones."""
        shots = self.shots if shots is None else shots
        if isinstance(self.classifier, PrototypeHead):
            prototypes = dict(zip(self.classes.tolist(), self.prototypes(), strict=True))
            classifier = self.classifier.with_prototypes(prototypes)
            if len(shots.Z) == 0:
                return PrototypeClassifier().fit(self.known.Z, self.classes[self.known.codes])
            labels = self.classes[shots.codes]
            if not has_fit_parameter(classifier, "sample_weight"):
                return classifier.fit(shots.Z, labels)
            # All classes have the same total weight; the weights add up to the number of shots.
            m = np.bincount(shots.codes)
            return classifier.fit(shots.Z, labels, sample_weight=(m[m > 0].mean() / np.maximum(m, 1))[shots.codes])
        classifier = clone(self.classifier)
        if len(shots.Z) == 0 or shot_weight == 0:
            return classifier.fit(self.known.Z, self.classes[self.known.codes])
        Z = np.concatenate((self.known.Z, shots.Z))
        labels = self.classes[np.concatenate((self.known.codes, shots.codes))]
        if shot_weight is None:
            return classifier.fit(Z, labels)
        # Class by class: the weight of a class's shots does not depend on how many shots the others have.
        n, m = (np.bincount(rows.codes, minlength=len(self.classes)) for rows in (self.known, shots))
        weights = np.concatenate((np.ones(len(self.known.Z)), shot_weight * (n / np.maximum(m, 1))[shots.codes]))
        return classifier.fit(Z, labels, sample_weight=weights)

    def splits(self) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Split the shots into folds with the same share of every class."""
        n_folds = min(FOLDS, self.fewest_shots)
        folds = even_folds(*self.shots, n_folds)
        return [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in range(n_folds)]

    def without_copies(self) -> TwoModalities:
        """Keep one of several equal shots, as a held-out shot must not be among the others."""
        return self._replace(shots=self.shots.take(distinct_rows(*self.shots)))

    @property
    def fewest_shots(self) -> int:
        """Smallest number of shots of a class that has any; 0 without shots."""
        return int(min(np.unique(self.shots.codes, return_counts=True)[1], default=0))

    def held_out_scores(self, shot_weight: float | None) -> FloatArray:
        """Score every shot for each class, (n_shots, n_classes), by a classifier that has not seen it."""
        S = np.empty((len(self.shots.Z), len(self.classes)))
        for train, test in self.splits():
            S[test] = class_scores(self.fitted(shot_weight, self.shots.take(train)), self.shots.Z[test])
        return S

    def stacking_offset(self, shot_weight: float | None) -> float:
        """Find the offset of classes with shots, by leaving out the shots of some of them."""
        with_shots, every = np.unique(self.shots.codes), np.arange(len(self.classes))
        # Which classes are left out together must not depend on their names.
        with_shots = with_shots[np.argsort(places(self.prototypes()[with_shots])[0])]
        splits = self.splits()
        scores, codes, seen = [], [], []
        for fold, (train, test) in enumerate(splits):
            hidden = with_shots[fold :: len(splits)]
            is_hidden = np.isin(self.shots.codes, hidden)
            asked = np.union1d(test, np.flatnonzero(is_hidden))
            classifier = self.fitted(shot_weight, self.shots.take(train[~is_hidden[train]]))
            scores.append(class_scores(classifier, self.shots.Z[asked]))
            codes.append(self.shots.codes[asked])
            has_shots = np.isin(every, with_shots) & ~np.isin(every, hidden)
            seen.append(np.broadcast_to(has_shots, scores[-1].shape))
        return best_offset(*map(np.concatenate, (scores, codes, seen)))


def balanced_accuracy(S: FloatArray, codes: NDArray[np.intp]) -> float:
    """Compute the mean over the classes of the share of rows whose highest score is that of their own class."""
    right = S.argmax(axis=1) == codes
    return float(np.mean([right[codes == c].mean() for c in np.unique(codes)]))


def class_scores(classifier: Any, Z: FloatArray) -> FloatArray:
    """Score rows for each class, (n, n_classes): the decision function, or else logarithms of probabilities."""
    if isinstance(classifier, ClassScoresMixin):
        return np.asarray(classifier.model_.scores(Z))
    if hasattr(classifier, "decision_function"):
        S = np.asarray(classifier.decision_function(Z))
        S = np.column_stack((np.zeros_like(S), S)) if S.ndim == 1 else S
    else:
        p = np.asarray(classifier.predict_proba(Z))
        S = np.log(np.maximum(p, np.finfo(p.dtype).tiny))
    return S


def check_classifier(classifier: Any, shot_weight: Any, has_shots: bool) -> None:
    """Refuse a classifier without scores of classes, or one that cannot weight shots as asked."""
    name = type(classifier).__name__
    check_scores_classes(classifier, "classifier")
    if getattr(classifier, "decision_function_shape", None) == "ovo":
        raise ValueError(f"{name} must score classes, not pairs of them: set decision_function_shape='ovr'.")
    if isinstance(classifier, PrototypeHead):
        if shot_weight != 1.0:
            raise ValueError(
                f"shot_weight has no meaning for {name}, which weighs shots against prototypes by parameters of its "
                f"own; leave it at 1.0, got {shot_weight!r}."
            )
    elif has_shots and shot_weight not in (None, 0) and not has_fit_parameter(classifier, "sample_weight"):
        raise ValueError(
            f"{name} takes no sample_weight, so shots cannot be weighted: use shot_weight=None, and every row counts "
            "as one, or a classifier that does."
        )


def means_of_modalities(
    known: Rows, shots: Rows, unlabelled: FloatArray | None, has_aligner: bool
) -> tuple[FloatArray, FloatArray]:
    """Compute the means (k,) to subtract from rows of the known modality and from rows of the predicted one.

    If the second is a mean of shots, classes have the same weights in both, so that the means differ by the gap alone.
    """
    n = np.bincount(shots.codes, minlength=known.codes.max() + 1)
    evenly = np.ones(len(n))
    if unlabelled is not None:
        return known.mean(evenly), unlabelled.mean(axis=0, dtype=float)
    if np.count_nonzero(n) > 1:
        weights = n / (n + CERTAIN)
        return known.mean(weights), shots.mean(weights)
    if has_aligner and not n.any():
        return known.mean(evenly), np.zeros(known.Z.shape[1])
    found = "has shots of a single class only" if n.any() else "has neither shots nor an aligner to tell it"
    raise ValueError(
        f"center=True subtracts the mean of predict_modality, and {found}: pass shots of two classes or more, or rows "
        "whose classes need not be known as unlabelled."
    )


def directions(rows: FloatArray, mean: FloatArray | None, name: str) -> FloatArray:
    """Return a copy of the rows, centred if there is a mean, at unit length."""
    Z = rows.copy() if mean is None else rows - mean.astype(rows.dtype)
    if len(Z):
        warn_of_zero_rows(Z, name)
    return unit_rows(Z)
