"""Methods of a pipeline of two modalities that delegate to its transformers and its aligner."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from numpy.random import Generator, RandomState
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._aligner import unwrapped
from .._files import SavedAlignerMixin
from .._typing import FloatArray
from ..rows._blocks import bare
from ..rows._lazy import refuse_dask
from ..rows._numbers import at_hand
from ..rows._validation import warn_of_other_order
from ._pair_scores import in_container
from ._routing import TRANSFORMER_OF, Metadata, metadata_of


def fit_transformer(transformer: Any, A: Any, rows: str, metadata: Metadata) -> tuple[Any, Any]:
    """Fit a clone of the transformer and apply it; None passes the rows through."""
    name = TRANSFORMER_OF[rows]
    if transformer is None:
        return None, A
    A = _rows_of_transformer(A, rows)
    if not (hasattr(transformer, "fit") and hasattr(transformer, "transform")):
        raise TypeError(
            f"{name} must be a scikit-learn transformer, or None to pass rows through; got {transformer!r}."
        )
    fitted = clone(transformer)
    if hasattr(fitted, "fit_transform"):
        return fitted, fitted.fit_transform(A, **metadata(name, "fit_transform"))
    fitted.fit(A, None, **metadata(name, "fit"))
    return fitted, fitted.transform(A, **metadata(name, "transform"))


def _rows_of_transformer(A: Any, name: str) -> Any:
    """Refuse rows that scikit-learn's transformers would load or unmask silently; they check the rest themselves."""
    if A is None:
        raise ValueError(f"{name} is None; it must hold the rows of a modality, as {TRANSFORMER_OF[name]} takes them.")
    refuse_dask(A, name)
    return at_hand(A, name)


def goes_on(pipeline: DelegatedMethods) -> bool:
    """Whether batches give the model of one fit: the aligner takes batches, and no transformer learns from them."""
    aligner = getattr(pipeline, "aligner_", pipeline.aligner)
    if isinstance(aligner, FrozenEstimator):
        raise AttributeError("aligner is a FrozenEstimator, which no rows may change.")
    aligner.partial_fit  # noqa: B018
    for name in TRANSFORMER_OF.values():
        transformer = getattr(pipeline, name)
        if transformer is None or isinstance(transformer, FrozenEstimator):
            continue
        if get_tags(transformer).requires_fit:
            raise AttributeError(
                f"{name} is a {type(transformer).__name__}, which learns from rows, and partial_fit shows one batch at "
                "a time. Fit it to a first part of the rows, and pass FrozenEstimator around it."
            )
    return True


def if_aligner_has(method: Callable[..., Any]) -> Any:
    """Offer a method if the aligner has one of this name."""
    name = method.__name__

    def check(pipeline: DelegatedMethods) -> bool:
        getattr(pipeline._aligner, name)
        return True

    return available_if(check)(method)


class DelegatedMethods(SavedAlignerMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Methods of a pipeline that call the aligner on transformed rows; scikit-learn leaves their output to `_wrap`."""

    aligner: Any
    aligner_: Any
    x_transformer_: Any
    y_transformer_: Any

    @property
    def _aligner(self) -> Any:
        """Fitted aligner, taken out of a search; before the fit, the one given."""
        return unwrapped(self.aligner_) if hasattr(self, "aligner_") else self.aligner

    def _asked(self, method: str, rows: dict[str, Any], params: dict[str, Any], *more: Any, by: str = "") -> Any:
        """Call the aligner's method on rows of one side or both; metadata follow the requests of method `by`."""
        check_is_fitted(self)
        caller = by or method
        # A search has its own `score`; every other method is called on its best model.
        asked = getattr(self.aligner_ if method == "score" else self._aligner, method)
        metadata = metadata_of(self, caller, params, asked)
        return asked(*self._features(rows, metadata), *more, **metadata("aligner", caller))

    def _features(self, rows: dict[str, Any], metadata: Metadata, parts: dict[str, Any] | None = None) -> list[Any]:
        """Apply the fitted transformers, the pipeline's own or those among other fitted parts."""
        fitted = vars(self) if parts is None else parts
        transformers = [fitted[f"{TRANSFORMER_OF[name]}_"] for name in rows]
        if len(rows) == 2 and transformers != [None, None]:
            # Transformed rows have lost their labels.
            warn_of_other_order(**rows)
        return [
            A
            if t is None
            else t.transform(_rows_of_transformer(A, name), **metadata(TRANSFORMER_OF[name], "transform"))
            for t, (name, A) in zip(transformers, rows.items(), strict=True)
        ]

    def _back(self, method: str, scores: Any, name: str, params: dict[str, Any]) -> Any:
        """Map scores back to rows, through the transformer of the side if there is one."""
        check_is_fitted(self)
        asked = getattr(self._aligner, method)
        metadata = metadata_of(self, "inverse_transform", params, asked)
        features = asked(scores, **metadata("aligner", "inverse_transform"))
        transformer = getattr(self, f"{name}_")
        if transformer is None:
            return features
        if not hasattr(transformer, "inverse_transform"):
            raise AttributeError(
                f"{type(transformer).__name__} has no inverse_transform, so scores cannot be mapped back through it; "
                "use aligner_.inverse_transform(_y) for the transformed features."
            )
        return transformer.inverse_transform(features, **metadata(name, "inverse_transform"))

    @abstractmethod
    def _fitted_parts(
        self, X: Any, y: Any, caller: str, params: dict[str, Any]
    ) -> tuple[dict[str, Any], Any, Metadata]:
        """Fit all parts; return fitted attributes, the features from `x_transformer`, and the metadata of this call."""

    def _wrap(self, scores: Any, original: Any, side: str = "") -> Any:
        # The pipeline chooses the container of its output, whatever its parts pass to each other.
        return in_container(self, bare(scores), original, side, aligner=self._aligner)

    def fit_transform(self, X: Any, y: Any, **params: Any) -> Any:
        """Fit to paired rows and return the x-scores alone, so that it works in the middle of a Pipeline.

        Parameters
        ----------
        X : array-like of length n_rows
            Rows of the first modality, as `fit` takes them.
        y : array-like of length n_rows
            Paired rows of the second modality.
        **params : dict
            Metadata, as in `fit`.

        Returns
        -------
        x_scores : ndarray or dataframe of shape (n_rows, n_components)
            Scores of `X`, from what `x_transformer` gave in its own `fit_transform`.
        """
        parts, features, metadata = self._fitted_parts(X, y, "fit_transform", params)
        scores = unwrapped(parts["aligner_"]).transform(features, **metadata("aligner", "transform"))
        self.__dict__.update(parts)
        return self._wrap(scores, X)

    def transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Map rows into the shared space.

        Parameters
        ----------
        X : array-like of length n_rows
            Rows of the first modality, before preprocessing.
        y : array-like of length n_rows, default=None
            Paired rows of the second modality; alone they go to `transform_y`.
        **params : dict
            Metadata for `transform` of the transformers and of the aligner.

        Returns
        -------
        x_scores : ndarray or dataframe of shape (n_rows, n_components)
            Scores of `X`; with `y`, the pair (x_scores, y_scores). Under `set_output` the columns are named
            ``cca0``… for one side and ``cca_x0``…, ``cca_y0``… for a pair, after the class of the aligner.
        """
        if y is None:
            return self._wrap(self._asked("transform", {"X": X}, params), X)
        x_scores, y_scores = self._asked("transform", {"X": X, "y": y}, params)
        return self._wrap(x_scores, X, "_x"), self._wrap(y_scores, y, "_y")

    def transform_y(self, y: Any, **params: Any) -> Any:
        """Map rows of the second modality into the shared space.

        Parameters
        ----------
        y : array-like of length n_rows
            Rows of the second modality, before preprocessing; no paired x-rows are needed.
        **params : dict
            Metadata, by the requests for `transform`.

        Returns
        -------
        y_scores : ndarray or dataframe of shape (n_rows, n_components)
            Scores of `y`, named under `set_output` as those of `transform`: they are points of the same space.
        """
        return self._wrap(self._asked("transform_y", {"y": y}, params, by="transform"), y)

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None, **params: Any) -> float:
        """Score paired rows as the aligner does: by the sum of correlations, R² or what a search has for `scoring`.

        Parameters
        ----------
        X : array-like of length n_rows
            Rows of the first modality, before preprocessing.
        y : array-like of length n_rows
            Paired rows of the second modality.
        sample_weight : array-like of shape (n_rows,), default=None
            Non-negative weights of the rows.
        **params : dict
            Further metadata for `score` of the aligner and `transform` of the transformers.

        Returns
        -------
        score : float
            Greater is better.
        """
        return self._asked("score", {"X": X, "y": y}, {"sample_weight": sample_weight, **params})  # type: ignore[no-any-return]

    @if_aligner_has
    def predict(self, X: Any, **params: Any) -> FloatArray:
        """Predict the second modality as `y_transformer` gives it.

        Parameters
        ----------
        X : array-like of length n_rows
            Rows of the first modality, before preprocessing.
        **params : dict
            Metadata for `predict` of the aligner and `transform` of `x_transformer`.

        Returns
        -------
        y_pred : ndarray of shape (n_rows, n_features)
            Expected features of the transformed second modality.
        """
        return self._asked("predict", {"X": X}, params)  # type: ignore[no-any-return]

    @if_aligner_has
    def predict_x(self, y: Any, **params: Any) -> FloatArray:
        """Predict the first modality as `x_transformer` gives it.

        Parameters
        ----------
        y : array-like of length n_rows
            Rows of the second modality, before preprocessing.
        **params : dict
            Metadata, by the requests for `predict` of the aligner and `transform` of `y_transformer`.

        Returns
        -------
        x_pred : ndarray of shape (n_rows, n_features)
            Expected features of the transformed first modality.
        """
        return self._asked("predict_x", {"y": y}, params, by="predict")  # type: ignore[no-any-return]

    @if_aligner_has
    def residual_covariance(self, modality: str = "y") -> FloatArray:
        """Covariance of what the prediction of a modality, as its transformer gives it, leaves on the training rows.

        Parameters
        ----------
        modality : {"y", "x"}, default="y"
            The modality predicted.

        Returns
        -------
        covariance : ndarray of shape (n_features, n_features)
            Positive semi-definite.
        """
        return self._asked("residual_covariance", {}, {}, modality, by="predict")  # type: ignore[no-any-return]

    @if_aligner_has
    def sample_y(
        self, X: Any, n_samples: int = 1, random_state: int | RandomState | Generator | None = None, **params: Any
    ) -> FloatArray:
        """Draw features of the second modality, as `y_transformer` gives it, given rows of the first.

        Parameters
        ----------
        X : array-like of length n_rows
            Rows of the first modality, before preprocessing.
        n_samples : int, default=1
            Draws for each row.
        random_state : int, RandomState, Generator or None, default=None
            Seed of the draws.
        **params : dict
            Metadata, by the requests for `predict` of the aligner and `transform` of `x_transformer`.

        Returns
        -------
        y_samples : ndarray of shape (n_rows, n_features, n_samples)
            Draws.
        """
        return self._asked("sample_y", {"X": X}, params, n_samples, random_state, by="predict")  # type: ignore[no-any-return]

    @if_aligner_has
    def inverse_transform(self, X: ArrayLike, **params: Any) -> Any:
        """Map x-scores back to the first modality, through `x_transformer` where it has an inverse.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_components_)
            Scores, as `transform` gives them.
        **params : dict
            Metadata for `inverse_transform` of the aligner and of `x_transformer`.

        Returns
        -------
        X_original : array-like of length n_rows
            Rows of the first modality, up to what the components leave out.
        """
        return self._back("inverse_transform", X, "x_transformer", params)

    @if_aligner_has
    def inverse_transform_y(self, y: ArrayLike, **params: Any) -> Any:
        """Map y-scores back to the second modality, through `y_transformer` where it has an inverse.

        Parameters
        ----------
        y : array-like of shape (n_rows, n_components_)
            Scores, as `transform_y` gives them.
        **params : dict
            Metadata, by the requests for `inverse_transform` of the aligner and of `y_transformer`.

        Returns
        -------
        y_original : array-like of length n_rows
            Rows of the second modality, up to what the components leave out.
        """
        return self._back("inverse_transform_y", y, "y_transformer", params)
