"""A fitted kernel model's scores and predictions."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.random import Generator, RandomState
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.metaestimators import available_if

from .._checks import as_pair
from .._schemas import Schema
from .._sklearn import telling_where, validate_data
from .._typing import FloatArray
from .._warn import warn
from ..kernels._kernel_table import kernel_row
from ..kernels._settings import Sides, settings_of_sides
from ..models._kernel_model import KernelModel
from ..rows._validation import check_features_of_y, check_rows_of_y, telling_sides_apart
from ._pair_prediction import PredictionMixin
from ._views import View, ViewsMixin

# All training correlations above this are a sign of over-fitting. (With a few hundred components of embeddings they
# reach .99 where held-out retrieval is at its best.)
OVERFITTED = 0.999


def _keeps_rows_of(modality: str) -> Any:
    """Offer predictions of a side whose features are known: a precomputed kernel hides them."""

    def check(self: KernelMaps) -> bool:
        model: KernelModel | None = vars(self).get("model_")
        if model is None:
            return not kernel_row(as_pair(self.kernel, "kernel")["xy".index(modality)]).is_precomputed
        return (model.x if modality == "x" else model.y).mean is not None

    return available_if(check)


class KernelMaps(ViewsMixin, PredictionMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Fitted maps of two modalities into one space through kernels, however they were found."""

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

    predict = _keeps_rows_of("y")(PredictionMixin.predict)
    predict_x = _keeps_rows_of("x")(PredictionMixin.predict_x)

    def _sides(self, gamma: Any, regularization: Any) -> Sides:
        """The parameters of either side's kernel and map, with these widths and ridges."""
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
            # scikit-learn wants NaN found before a wrong width in kernels; other rows are looked at block by block.
            finite = model.x.embedding.kernel.is_precomputed
            with telling_sides_apart(self, rows):
                A = validate_data(self, rows, dtype="numeric", ensure_all_finite=finite)
            with telling_where(X=rows):
                return model.x.scores(A, weighted=weighted)
        A, names = check_rows_of_y(rows)
        check_features_of_y(self, A, names)
        with telling_where(y=rows):
            return model.y.scores(A, weighted=weighted)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        kernel = next(iter(self.kernel), None) if isinstance(self.kernel, tuple | list) else self.kernel
        tags.input_tags.pairwise = kernel_row(kernel).is_precomputed
        tags.input_tags.positive_only = kernel_row(kernel).is_of_histograms
        return tags


def warn_if_overfitted(model: KernelModel, regularization: Any) -> None:
    """Say that training correlations are too high to be true, given the ridge as the user set it."""
    if model.n_components and model.correlations.min() > OVERFITTED:
        warn(
            f"All {model.n_components} training correlation(s) are above {OVERFITTED}: unless the relation is exact, "
            f"the kernels are over-fitted. Raise regularization (now {regularization!r}) or lower gamma, and judge by "
            "score on held-out rows.",
        )
