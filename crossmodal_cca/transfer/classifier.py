"""Learning classes from one modality and recognising them in the other."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_is_fitted

from .._checks import check_flag, check_number_or_word
from .._schemas import Schema, Stored, saved
from .._typing import FloatArray
from ..alignment._fitted_aligner import FittedAlignerMixin, check_modality, shared_space_scores
from ..rows._validation import set_or_delete, unchanged_on_error, warn_of_other_order
from ._calibration import likeliest_temperature
from ._centring import directions, means_of_modalities
from ._classes import ClassScoresMixin, checked_labels, refuse_mixed_labels, refuse_unknown
from ._shots import Rows, TwoModalities, balanced_accuracy, check_classifier, class_scores
from .prototypes import PrototypeClassifier

# What shot_weight="cv" tries; of equally good ones the first.
SHOT_WEIGHTS = (1.0, 0.3, 3.0, 0.1, 10.0, 0.0)


@saved()
class CrossModalClassifier(FittedAlignerMixin, ClassScoresMixin, BaseEstimator):
    """A classifier fitted to labelled rows of one modality that recognises the classes in rows of the other.

    With one or more descriptions of each class, and the default classifier, it is zero-shot recognition. Labelled
    rows of the predicted modality, shots, can be added.

    Parameters
    ----------
    aligner : estimator or None, default=None
        A fitted aligner with ``transform`` and ``transform_y``, kept as it is in `fit`. None: the features share a
        space already, as CLIP's.
    classifier : estimator or None, default=None
        Any classifier with ``decision_function`` or ``predict_proba``; None: `PrototypeClassifier`. It gets rows of
        the shared space at unit length. One with a method `with_prototypes` (`PrototypeLogisticRegression`,
        `GaussianDiscriminant`) gets the prototypes of `fit_modality` there, and is fitted to the shots alone, with
        weights that make all classes count alike if it takes weights; without shots a `PrototypeClassifier` stands in.
    fit_modality : {"y", "x"}, default="y"
        Modality of the rows of `fit`.
    predict_modality : {"x", "y"}, default="x"
        Modality of the shots, and of the rows to classify.
    center : bool, default=False
        Subtract the mean of each modality. Features such as CLIP's leave a gap between the modalities, which closes
        when each is centred at its own mean: rows of `fit_modality` at theirs; shots and rows to classify at the mean
        of the rows `unlabelled` of `fit`, or else of the shots. With an aligner, scores are centred at the mean of its
        own training rows, and those to classify stay so where there are neither.
    shot_weight : float in [0, inf), "cv" or None, default=1.0
        Weight of the shots of a class together, as a multiple of that of its rows of `fit_modality`. So a class with
        few shots does not lose when others get more. "cv": the one of 0, 0.1, 0.3, 1, 3 and 10 that predicts held-out
        shots best. None: no weights, every row counts as one.
    calibration : float in [0, inf) or "cv", default=0.0
        Generalised zero-shot: what is taken from the scores of classes with shots when they compete with classes
        without. "cv": what balances both best when some classes with shots play those without; 0 where those without
        win too often already.
    temperature : float > 0 or "auto", default="auto"
        Class scores are divided by it before their softmax gives probabilities. "auto": where each class that has
        shots has two different ones or more, the T that minimises the sum of the log-losses of held-out shots, plus
        (log T)², which keeps it near 1 while few shots say otherwise; elsewhere 1, and for a classifier that chooses
        one itself (attribute ``temperature_``).

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    classifier_ : estimator
        The fitted classifier.
    seen_ : bool ndarray of shape (n_classes,)
        Classes with shots.
    shot_weight_, calibration_, temperature_ : float
        What is used.
    shot_weight_scores_ : dict of float to float
        With ``shot_weight="cv"``: balanced accuracy on held-out shots for each weight.
    aligner_ : estimator or None
        The aligner as it was in `fit`.
    fit_mean_, predict_mean_ : ndarray of shape (n_components,)
        What is subtracted from rows of `fit_modality` and `predict_modality`; with ``center=True`` only.
    n_features_in_ : int
        Number of features, where there is no aligner: then both modalities have as many.

    See Also
    --------
    SharedSpace : To train and predict on one modality in a pipeline.
    few_shot_episodes : How good it is, by the number of shots.

    Notes
    -----
    Everything is chosen inside the shots, by stratified folds in which copies of a shot count once; nothing is known of
    the rows to classify. Means for ``center=True`` are means of class means. Where shots tell that of their modality, a
    class of n shots has the weight n / (n + 4) in both: neither numbers of rows nor missing classes move one modality
    against the other. With an aligner there is little to be gained by it. The rows of `fit` and those of `predict`
    differ in width, so ``cross_val_score`` makes no sense here: tune
    ``make_pipeline(SharedSpace(aligner), classifier)``, or use `few_shot_episodes`.

    References
    ----------
    Lin, Yu, Kuang, Pathak & Ramanan (2023), Multimodality helps unimodality (rows of the other modality as shots).
    Chao, Changpinyo, Gong & Sha (2016), An empirical study and analysis of generalized zero-shot learning (calibrated
    stacking).
    Guo, Pleiss, Sun & Weinberger (2017), On calibration of modern neural networks (temperature).

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import load_emoji
    >>> from crossmodal_cca.transfer import CrossModalClassifier
    >>> train, test = load_emoji(subset="train"), load_emoji(subset="test")
    >>> cca = CCA(n_components=50, shrinkage=0.9, power=1.0).fit(train.image, train.text)
    >>> zero_shot = CrossModalClassifier(cca).fit(train.class_text, train.group_names)
    >>> zero_shot.predict(test.image[-1:]).tolist()
    ['flags']
    """

    _stored: ClassVar[Schema] = {
        "classes_": np.ndarray,
        "classifier_": object,
        "seen_": np.ndarray,
        "shot_weight_": Real | None,
        "shot_weight_scores_": Stored(dict, optional=True),
        "calibration_": Real,
        "temperature_": Real,
        "fit_mean_": Stored(np.ndarray | None, optional=True),
        "predict_mean_": Stored(np.ndarray | None, optional=True),
        "predicted_modality": Stored(str, "_predicted"),
        "width": Stored(Integral, "_width"),
    }

    def __init__(
        self,
        aligner: Any = None,
        classifier: Any = None,
        *,
        fit_modality: str = "y",
        predict_modality: str = "x",
        center: bool = False,
        shot_weight: float | str | None = 1.0,
        calibration: float | str = 0.0,
        temperature: float | str = "auto",
    ) -> None:
        self.aligner = aligner
        self.classifier = classifier
        self.fit_modality = fit_modality
        self.predict_modality = predict_modality
        self.center = center
        self.shot_weight = shot_weight
        self.calibration = calibration
        self.temperature = temperature

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        shots: ArrayLike | None = None,
        shot_labels: ArrayLike | None = None,
        unlabelled: ArrayLike | None = None,
    ) -> Self:
        """Learn the classes.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows of `fit_modality`, at least one of each class: descriptions, or labelled examples.
        y : array-like of shape (n_rows,)
            Their classes.
        shots : array-like of shape (n_shots, n_features_other), default=None
            Labelled rows of `predict_modality`, of some of the classes.
        shot_labels : array-like of shape (n_shots,), default=None
            Their classes.
        unlabelled : array-like of shape (n_unlabelled, n_features_other), default=None
            Rows of `predict_modality` whose classes need not be known, for its mean: with ``center=True`` only.

        Returns
        -------
        self : CrossModalClassifier
            The fitted classifier; after an error it is as it was.

        Raises
        ------
        ValueError, TypeError
            If a parameter is out of its range, the aligner is not fitted, rows or labels are bad, a shot is of a class
            that X has no row of, or there are too few shots for what is to be chosen by them.
        """
        with unchanged_on_error(self):
            self._check_parameters()
            self.aligner_ = self._frozen_aligner()
            self._predicted, self._width, self._column_names = self.predict_modality, None, {}
            known = self._embedded(X, self.fit_modality, "X", learn=True)
            set_or_delete(self, "n_features_in_", self._width if self.aligner is None else None)
            labels = checked_labels(y, "y", len(known), "X")
            warn_of_other_order(X=X, y=y)
            self.classes_, codes = np.unique(labels, return_inverse=True)
            if len(self.classes_) < 2:
                raise ValueError(f"y must hold at least two classes, got {len(self.classes_)} class.")
            classifier = PrototypeClassifier() if self.classifier is None else self.classifier
            check_classifier(classifier, self.shot_weight, shots is not None)
            rows, extra = Rows(known, codes), self._checked_shots(shots, shot_labels, known)
            mean, mean_of_shots = self._means(rows, extra, unlabelled)
            rows = Rows(directions(rows.Z, mean, "X"), rows.codes)
            extra = Rows(directions(extra.Z, mean_of_shots, "shots"), extra.codes)
            self._choose(TwoModalities(classifier, self.classes_, rows, extra))
        return self

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Share of rows whose class is recognised.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows of `predict_modality`.
        y : array-like of shape (n_rows,)
            Their classes, among ``classes_``.
        sample_weight : array-like of shape (n_rows,), default=None
            Weights of the rows.

        Returns
        -------
        accuracy : float
            In [0, 1].

        Raises
        ------
        ValueError
            If the rows are bad, or y holds a label that is none of ``classes_``.
        """
        check_is_fitted(self)
        refuse_mixed_labels(y, "y")
        refuse_unknown(column_or_1d(y), self.classes_, "y")
        return super().score(X, y, sample_weight)

    def _check_parameters(self) -> None:
        check_modality(self.fit_modality, "fit_modality")
        check_modality(self.predict_modality, "predict_modality")
        check_flag(self.center, "center")
        for name, word, positive in (
            ("shot_weight", "cv", False),
            ("calibration", "cv", False),
            ("temperature", "auto", True),
        ):
            value = getattr(self, name)
            if not (name == "shot_weight" and value is None):
                check_number_or_word(value, name, word, low=0.0, positive=positive)

    def _embedded(self, rows: ArrayLike, modality: str, name: str, *, learn: bool = False) -> FloatArray:
        """Rows of the shared space."""
        self._check_order_of_columns(rows, modality, name, learn=learn)
        scores = shared_space_scores(self.aligner_, rows, modality, name)
        self._width = self._width or scores.shape[1]
        if scores.shape[1] != self._width:
            raise ValueError(
                f"{name} has {scores.shape[1]} features, but CrossModalClassifier is expecting {self._width} features "
                "as input, the width of the shared space."
            )
        return scores

    def _rows(self, X: ArrayLike) -> FloatArray:
        return self._embedded(X, self._predicted, "X")

    def _class_scores(self, Z: FloatArray) -> FloatArray:
        S = class_scores(self.classifier_, directions(Z, getattr(self, "predict_mean_", None), "X"))
        if self.calibration_:
            S[:, self.seen_] -= self.calibration_
        if self.temperature_ != 1.0:
            S /= self.temperature_
        return S

    def _checked_shots(self, shots: Any, shot_labels: Any, known: FloatArray) -> Rows:
        if (shots is None) != (shot_labels is None):
            raise ValueError("shots and shot_labels go together: pass both or neither.")
        if shots is None:
            for name, word in (("shot_weight", "cv"), ("calibration", "cv")):
                if getattr(self, name) == word:
                    raise ValueError(f"{name}={word!r} is chosen by held-out shots: pass shots, or a number.")
            return Rows(known[:0], np.zeros(0, np.intp))
        Z = self._embedded(shots, self.predict_modality, "shots", learn=True)
        labels = checked_labels(shot_labels, "shot_labels", len(Z), "shots")
        warn_of_other_order(shots=shots, shot_labels=shot_labels)
        refuse_unknown(labels, self.classes_, "shot_labels")
        return Rows(Z, np.searchsorted(self.classes_, labels))

    def _means(self, known: Rows, shots: Rows, unlabelled: Any) -> Any:
        """What is to be subtracted from rows of either modality; None for nothing."""
        if unlabelled is not None and not self.center:
            raise ValueError("unlabelled rows are for the mean that center=True subtracts: set it, or leave them out.")
        means: Any = (None, None)
        if self.center:
            free = None if unlabelled is None else self._embedded(unlabelled, self.predict_modality, "unlabelled")
            means = means_of_modalities(known, shots, free, self.aligner is not None)
        for name, mean in zip(("fit_mean_", "predict_mean_"), means, strict=True):
            set_or_delete(self, name, mean)
        return means

    def _choose(self, both: TwoModalities) -> None:
        """Choose what is left open by held-out shots, and fit."""
        self.seen_ = np.isin(np.arange(len(self.classes_)), both.shots.codes)
        every, both = both, both.without_copies()
        chosen = [name for name in ("shot_weight", "calibration") if getattr(self, name) == "cv"]
        if chosen and both.fewest_shots < 2:
            raise ValueError(
                f"{chosen[0]}='cv' holds out shots, so each class that has shots needs two or more; one has a single "
                "shot. Add shots, or set a number."
            )
        if self.calibration != 0.0 and (self.seen_.all() or not self.seen_.any()):
            raise ValueError(
                "calibration weighs classes with shots against classes without; here "
                f"{'all' if self.seen_.any() else 'none'} of the {len(self.seen_)} have shots. Leave it at 0."
            )
        if self.calibration == "cv" and self.seen_.sum() < 2:
            raise ValueError(
                "calibration='cv' lets some classes with shots play classes without, so it needs at least two classes "
                "with shots; there is 1. Set a number."
            )
        self.temperature_ = 1.0 if self.temperature == "auto" else float(self.temperature)
        self.shot_weight_: Any = self.shot_weight
        S, weight_scores = None, None
        if self.shot_weight == "cv":
            S_of = {w: both.held_out_scores(w) for w in SHOT_WEIGHTS}
            weight_scores = {w: balanced_accuracy(S_w, both.shots.codes) for w, S_w in S_of.items()}
            self.shot_weight_ = max(weight_scores, key=weight_scores.__getitem__)
            S = S_of[self.shot_weight_]
        set_or_delete(self, "shot_weight_scores_", weight_scores)
        self.classifier_ = every.fitted(self.shot_weight_)
        # One that has chosen its own would be judged with fewer shots than it got.
        open_yet = self.temperature == "auto" and not hasattr(self.classifier_, "temperature_")
        if open_yet and both.fewest_shots >= 2:
            S = both.held_out_scores(self.shot_weight_) if S is None else S
            self.temperature_ = likeliest_temperature(S, both.shots.codes)
        if self.calibration == "cv":
            self.calibration_ = both.stacking_offset(self.shot_weight_)
        else:
            self.calibration_ = float(self.calibration)
        if not np.array_equal(self.classifier_.classes_, self.classes_):
            raise ValueError(
                f"{type(self.classifier_).__name__} knows the classes {list(self.classifier_.classes_)[:5]} (first "
                f"five) instead of {self.classes_[:5].tolist()}: pass a classifier that can be fitted to these."
            )
