"""Scores and predictions of fitted kernel models."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.random import Generator, RandomState
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.metaestimators import available_if

from .._checks import as_pair
from .._schemas import Schema
from .._sklearn import telling_where
from .._typing import FloatArray
from .._warn import warn
from ..kernels._kernel_table import kernel_row
from ..kernels._settings import Sides, settings_of_sides
from ..models._kernel_model import KernelModel
from ..rows._validation import check_rows_of_x, check_rows_of_y
from ._pair_scores import PairScoresMixin
from ._views import View, ViewsMixin

# Training correlation above which, if all exceed it, the model is over-fitted. (With a few hundred components of
# embeddings they reach .99 when held-out retrieval is best.)
OVERFITTED = 0.999


def _keeps_rows_of(modality: str) -> Any:
    """Offer predictions of a side if its features are known, which they are not for a precomputed kernel."""

    def check(self: KernelMaps) -> bool:
        model: KernelModel | None = vars(self).get("model_")
        if model is None:
            return not kernel_row(as_pair(self.kernel, "kernel")["xy".index(modality)]).is_precomputed
        return (model.x if modality == "x" else model.y).mean is not None

    return available_if(check)


class KernelMaps(ViewsMixin, PairScoresMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Fitted maps of two modalities into one space through kernels."""

    kernel: Any
    degree: Any
    coef0: Any
    kernel_params: Any
    approximation: str | None
    n_landmarks: Any
    landmarks: Any
    tol: float
    random_state: int | RandomState | Generator | None

    model_: KernelModel
    _stored: ClassVar[Schema] = {"model_": KernelModel}

    x_mean_, y_mean_ = View("x.mean", optional=True), View("y.mean", optional=True)
    x_rotations_, y_rotations_ = View("x.rotations"), View("y.rotations")
    correlations_, singular_values_ = View("correlations"), View("singular_values")
    gamma_, trace_left_out_ = View("gamma"), View("trace_left_out", optional=True)
    n_components_, n_samples_seen_ = View("n_components"), View("n_samples_seen")
    n_features_in_, _n_features_y = View("x.n_features"), View("y.n_features")
    feature_names_in_, y_feature_names_in_ = View("x.names", optional=True), View("y.names", optional=True)

    predict = _keeps_rows_of("y")(PairScoresMixin.predict)
    predict_x = _keeps_rows_of("x")(PairScoresMixin.predict_x)

    def _sides(self, gamma: Any, regularization: Any) -> Sides:
        """Return the settings of both sides' kernels and maps, with these widths and ridges."""
        return settings_of_sides(
            kernel=self.kernel,
            gamma=gamma,
            degree=self.degree,
            coef0=self.coef0,
            kernel_params=self.kernel_params,
            regularization=regularization,
            approximation=self.approximation,
            n_landmarks=self.n_landmarks,
            landmarks=self.landmarks,
            tol=self.tol,
        )

    def _scores_of(self, model: KernelModel, modality: str, rows: ArrayLike, *, weighted: bool = True) -> FloatArray:
        if modality == "x":
            # scikit-learn expects errors about NaN before those about a kernel's width; other rows are checked block by
            # block.
            A = check_rows_of_x(self, rows, finite=model.x.embedding.kernel.is_precomputed)
            with telling_where(X=rows):
                return model.x.scores(A, weighted=weighted)
        A = check_rows_of_y(self, rows)
        with telling_where(y=rows):
            return model.y.scores(A, weighted=weighted)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        kernel = next(iter(self.kernel), None) if isinstance(self.kernel, tuple | list) else self.kernel
        tags.input_tags.pairwise = kernel_row(kernel).is_precomputed
        tags.input_tags.positive_only = kernel_row(kernel).is_of_histograms
        return tags


def warn_if_overfitted(model: KernelModel, regularization: Any) -> None:
    """Warn if all training correlations are close to 1, which shows over-fitting; the message gives the ridge."""
    if model.n_components and model.correlations.min() > OVERFITTED:
        warn(
            f"All {model.n_components} training correlation(s) are above {OVERFITTED}: unless the relation is exact, "
            f"the kernels are over-fitted. Raise regularization (now {regularization!r}) or lower gamma, and judge by "
            "score on held-out rows.",
        )
