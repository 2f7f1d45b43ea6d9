"""Learn classes from one modality and recognise them in the other."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_is_fitted

from .._checks import check_flag, check_number
from .._schemas import Schema, saved
from .._typing import FloatArray
from ..alignment._fitted_aligner import FittedAlignerMixin, check_modality
from ..alignment._views import View
from ..rows._validation import warn_of_other_order
from ._calibration import likeliest_temperature
from ._classes import ClassScoresMixin, checked_labels, refuse_mixed_labels, refuse_unknown
from ._shots import Rows, TwoModalities, balanced_accuracy, check_classifier, directions, means_of_modalities
from ._two_sides import ClassifierSpace, CrossModalModel
from .prototypes import PrototypeClassifier

# Multiples that shot_weight="cv" tries, in the order of preference when some are equally good.
SHOT_WEIGHTS = (1.0, 0.3, 3.0, 0.1, 10.0, 0.0)


@saved()
class CrossModalClassifier(FittedAlignerMixin, ClassScoresMixin, BaseEstimator):
    """Classify rows of one modality by a classifier fitted to labelled rows of the other.

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
        when each is centred at its own mean: rows of `fit_modality` at their mean; shots and rows to classify at the
        mean of the rows `unlabelled` of `fit`, or else of the shots. With an aligner, scores are centred at the mean of
        its own training rows, and without unlabelled rows and shots those to classify stay so.
    shot_weight : float in [0, inf), "cv" or None, default=1.0
        Total weight of the shots of a class, as a multiple of that of its rows of `fit_modality`. So a class with few
        shots does not lose when others get more. "cv": the weight among 0, 0.1, 0.3, 1, 3 and 10 that predicts held-out
        shots best. None: no weights, every row counts as one.
    calibration : float in [0, inf) or "cv", default=0.0
        Generalised zero-shot: number subtracted from the scores of classes with shots when they compete with classes
        without. "cv": the number that balances the accuracies of both best when shots of some classes are left out; 0
        if classes without shots win too often already.
    temperature : float > 0 or "auto", default="auto"
        Class scores are divided by it before their softmax gives probabilities. "auto": if each class that has
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
        The values used.
    shot_weight_scores_ : dict of float to float
        With ``shot_weight="cv"``: balanced accuracy on held-out shots for each weight.
    aligner_ : estimator or None
        The aligner as it was in `fit`.
    fit_mean_, predict_mean_ : ndarray of shape (n_components,)
        Means subtracted from rows of `fit_modality` and `predict_modality`; with ``center=True`` only.
    n_features_in_ : int
        Number of features of both modalities; only without an aligner.

    See Also
    --------
    SharedSpace : To train and predict on one modality in a pipeline.
    few_shot_episodes : Measures how good it is, by the number of shots.

    Notes
    -----
    Everything is chosen inside the shots, by stratified folds in which copies of a shot count once; nothing is known of
    the rows to classify. Means for ``center=True`` are means of class means. If that of `predict_modality` comes from
    shots, a class of n shots has the weight n / (n + 4) in both means: neither numbers of rows nor missing classes move
    one modality against the other. With an aligner, centring gains little. The rows of `fit` and those of `predict`
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

    _stored: ClassVar[Schema] = {"model_": CrossModalModel}

    aligner_, classifier_, seen_ = View("space.aligner"), View("classifier"), View("seen")
    shot_weight_, shot_weight_scores_ = View("shot_weight"), View("shot_weight_scores", optional=True)
    calibration_, temperature_ = View("calibration"), View("temperature")
    fit_mean_, predict_mean_ = View("fit_mean", optional=True), View("predict_mean", optional=True)

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
            that X has no row of, or there are too few shots to choose a parameter by them.
        """
        self._check_parameters()
        space, known = ClassifierSpace(aligner=self._frozen_aligner()).learned(X, self.fit_modality, "X")
        labels = checked_labels(y, "y", len(known), "X")
        warn_of_other_order(X=X, y=y)
        classes, codes = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"y must hold at least two classes, got {len(classes)} class.")
        classifier = PrototypeClassifier() if self.classifier is None else self.classifier
        check_classifier(classifier, self.shot_weight, shots is not None)
        space, extra = self._checked_shots(space, shots, shot_labels, known, classes)
        rows = Rows(known, codes)
        mean, mean_of_shots = self._means(space, rows, extra, unlabelled)
        rows = Rows(directions(rows.Z, mean, "X"), rows.codes)
        extra = Rows(directions(extra.Z, mean_of_shots, "shots"), extra.codes)
        self.model_ = CrossModalModel(
            n_features=space.width if space.aligner is None else None,
            names=None,
            classes=classes,
            space=space,
            predict_modality=self.predict_modality,
            fit_mean=mean,
            predict_mean=mean_of_shots,
            **self._chosen(TwoModalities(classifier, classes, rows, extra)),
        )
        return self

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Compute the share of rows whose class is recognised.

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
            Share in [0, 1].

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
        for name, word in (("shot_weight", "cv"), ("calibration", "cv"), ("temperature", "auto")):
            value = getattr(self, name)
            if not (name == "shot_weight" and value is None):
                check_number(value, name, low=0.0, positive=name == "temperature", word=word)

    def _rows(self, model: CrossModalModel, X: ArrayLike) -> FloatArray:
        return model.space.scores(X, model.predict_modality, "X")

    def _checked_shots(
        self, space: ClassifierSpace, shots: Any, shot_labels: Any, known: FloatArray, classes: NDArray[Any]
    ) -> tuple[ClassifierSpace, Rows]:
        if (shots is None) != (shot_labels is None):
            raise ValueError("shots and shot_labels go together: pass both or neither.")
        if shots is None:
            for name, word in (("shot_weight", "cv"), ("calibration", "cv")):
                if getattr(self, name) == word:
                    raise ValueError(f"{name}={word!r} is chosen by held-out shots: pass shots, or a number.")
            return space, Rows(known[:0], np.zeros(0, np.intp))
        space, Z = space.learned(shots, self.predict_modality, "shots")
        labels = checked_labels(shot_labels, "shot_labels", len(Z), "shots")
        warn_of_other_order(shots=shots, shot_labels=shot_labels)
        refuse_unknown(labels, classes, "shot_labels")
        return space, Rows(Z, np.searchsorted(classes, labels))

    def _means(self, space: ClassifierSpace, known: Rows, shots: Rows, unlabelled: Any) -> Any:
        """Compute the means to subtract from rows of each modality; None for nothing."""
        if not self.center:
            if unlabelled is None:
                return None, None
            raise ValueError("unlabelled rows are for the mean that center=True subtracts: set it, or leave them out.")
        free = None if unlabelled is None else space.scores(unlabelled, self.predict_modality, "unlabelled")
        return means_of_modalities(known, shots, free, space.aligner is not None)

    def _chosen(self, both: TwoModalities) -> dict[str, Any]:
        """Fit the classifier, and choose by held-out shots what the user left open; return fields of the model."""
        classes = both.classes
        seen = np.isin(np.arange(len(classes)), both.shots.codes)
        every, both = both, both.without_copies()
        chosen = [name for name in ("shot_weight", "calibration") if getattr(self, name) == "cv"]
        if chosen and both.fewest_shots < 2:
            raise ValueError(
                f"{chosen[0]}='cv' holds out shots, so each class that has shots needs two or more; one has a single "
                "shot. Add shots, or set a number."
            )
        if self.calibration != 0.0 and (seen.all() or not seen.any()):
            raise ValueError(
                "calibration weighs classes with shots against classes without; here "
                f"{'all' if seen.any() else 'none'} of the {len(seen)} have shots. Leave it at 0."
            )
        if self.calibration == "cv" and seen.sum() < 2:
            raise ValueError(
                "calibration='cv' lets some classes with shots play classes without, so it needs at least two classes "
                "with shots; there is 1. Set a number."
            )
        shot_weight: Any = self.shot_weight
        S, weight_scores = None, None
        if shot_weight == "cv":
            S_of = {w: both.held_out_scores(w) for w in SHOT_WEIGHTS}
            weight_scores = {w: balanced_accuracy(S_w, both.shots.codes) for w, S_w in S_of.items()}
            shot_weight = max(weight_scores, key=weight_scores.__getitem__)
            S = S_of[shot_weight]
        fitted = every.fitted(shot_weight)
        temperature = 1.0 if self.temperature == "auto" else float(self.temperature)
        # A temperature that the classifier chose with all shots would be judged by models of fewer shots.
        open_yet = self.temperature == "auto" and not hasattr(fitted, "temperature_")
        if open_yet and both.fewest_shots >= 2:
            S = both.held_out_scores(shot_weight) if S is None else S
            temperature = likeliest_temperature(S, both.shots.codes)
        by_shots = self.calibration == "cv"
        calibration = both.stacking_offset(shot_weight) if by_shots else float(self.calibration)
        if not np.array_equal(fitted.classes_, classes):
            raise ValueError(
                f"{type(fitted).__name__} knows the classes {list(fitted.classes_)[:5]} (first five) instead of "
                f"{classes[:5].tolist()}: pass a classifier that can be fitted to these."
            )
        return {
            "classifier": fitted,
            "seen": seen,
            "shot_weight": shot_weight,
            "shot_weight_scores": weight_scores,
            "calibration": calibration,
            "temperature": temperature,
        }
