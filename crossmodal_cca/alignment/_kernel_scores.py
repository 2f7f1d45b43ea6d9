"""A fitted kernel model's scores and predictions."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._checks import as_pair
from .._schemas import Schema, State, Stored
from .._sklearn import telling_where, validate_data
from .._typing import FloatArray
from ..kernels._embedding import KernelEmbedding
from ..kernels._features import FeatureMoments
from ..kernels._kernel import HISTOGRAM_KERNELS
from ..rows._validation import check_features_of_y, check_rows_of_y, telling_sides_apart
from ._pair_prediction import PredictionMixin


def _keeps_rows_of(side: int) -> Any:
    """Offer predictions of a side whose features are known: a precomputed kernel hides them."""

    def check(self: KernelMaps) -> bool:
        embedding = getattr(self, f"_{'xy'[side]}_embedding", None)
        if embedding is None:
            return bool(as_pair(self.kernel, "kernel")[side] != "precomputed")
        return not embedding.kernel.is_precomputed

    return available_if(check)


class KernelMaps(PredictionMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Fitted maps of two modalities into one space through kernels, however they were found."""

    kernel: Any
    _x_embedding: KernelEmbedding
    _y_embedding: KernelEmbedding
    _score_weights: FloatArray
    _n_features_y: int

    _stored: ClassVar[Schema] = {
        **{f"{side}_mean_": Stored(np.ndarray, optional=True) for side in "xy"},
        **{f"{side}_effects": Stored(np.ndarray, f"_{side}_effects", optional=True) for side in "xy"},
        **{f"{side}_embedding": Stored(KernelEmbedding, f"_{side}_embedding") for side in "xy"},
        "score_weights": Stored(np.ndarray, "_score_weights"),
        "correlations_": np.ndarray,
        "singular_values_": np.ndarray,
        "gamma_": tuple,
        "trace_left_out_": Stored(tuple, optional=True),
        "n_components_": Integral,
        "n_samples_seen_": Integral,
        "n_features_y": Stored(Integral, "_n_features_y"),
        "y_feature_names_in_": Stored(np.ndarray, optional=True),
        "y_is_1d": Stored(bool, "_y_is_1d"),
        "kernels": Stored(tuple, "_kernels"),
        "settled": Stored(dict, "_settled"),
        "maps": Stored(tuple, "_maps", optional=True),
        "moments": Stored(FeatureMoments, "_moments", optional=True),
        "moments_left_out": Stored(bool, "_moments_left_out", optional=True),
    }

    def _to_file(self, state: State, *, moments: bool) -> State:
        if moments or "moments" not in state:
            return state
        # The maps are for further rows.
        kept = {name: value for name, value in state.items() if name not in ("maps", "moments")}
        return kept | {"moments_left_out": True}

    predict = _keeps_rows_of(1)(PredictionMixin.predict)
    predict_x = _keeps_rows_of(0)(PredictionMixin.predict_x)

    @property
    def x_rotations_(self) -> FloatArray:
        """Weights of the x-features in the scores, with the power, (n_features, n_components)."""
        check_is_fitted(self)
        return self._x_embedding.rotations * self._score_weights

    @property
    def y_rotations_(self) -> FloatArray:
        """Weights of the y-features in the scores, with the power, (n_features, n_components)."""
        check_is_fitted(self)
        return self._y_embedding.rotations * self._score_weights

    def _x_scores(self, X: ArrayLike, *, weighted: bool = True) -> FloatArray:
        # scikit-learn wants NaN found before a wrong width in kernels; other rows are looked at block by block.
        finite = self._x_embedding.kernel.is_precomputed
        with telling_sides_apart(self, X):
            A = validate_data(self, X, reset=False, dtype="numeric", ensure_all_finite=finite)
        with telling_where(X=X):
            return self._scores(A, self._x_embedding, weighted)

    def _y_scores(self, y: ArrayLike, *, weighted: bool = True) -> FloatArray:
        A, names = check_rows_of_y(y)
        check_features_of_y(self, A, names)
        with telling_where(y=y):
            return self._scores(A, self._y_embedding, weighted)

    def _scores(self, A: NDArray[Any], embedding: KernelEmbedding, weighted: bool) -> FloatArray:
        scores = embedding.scores(A)
        if weighted:
            scores *= self._score_weights
        return scores

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        kernel = next(iter(self.kernel), None) if isinstance(self.kernel, tuple | list) else self.kernel
        tags.input_tags.pairwise = kernel == "precomputed"
        tags.input_tags.positive_only = kernel in HISTOGRAM_KERNELS
        return tags
