"""Preprocessing of its own for either modality, and an aligner behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from .._numbers import at_hand
from .._schemas import Schema, saved, without_underscores
from .._sklearn import refuse_dask
from .._typing import FloatArray
from .._validation import unchanged_on_error, warn_of_other_order
from .scores import PairScoresMixin


def _aligner_has(method: str) -> Any:
    """Offer a method where the aligner has it."""

    def check(self: CrossModalPipeline) -> bool:
        getattr(getattr(self, "aligner_", self.aligner), method)
        return True

    return available_if(check)


@saved(version=2, upgrade=without_underscores)
class CrossModalPipeline(PairScoresMixin, TransformerMixin, BaseEstimator):
    """One estimator of two modalities with preprocessing of its own for either side.

    Parameters
    ----------
    aligner : estimator
        The aligner, such as ``CCA()``; cloned, never changed.
    x_transformer : transformer or None, default=None
        Preprocessing of X: any scikit-learn transformer or pipeline. None passes X through.
    y_transformer : transformer or None, default=None
        Preprocessing of y, which may be raw text. None passes y through.

    Attributes
    ----------
    aligner_ : estimator
        The fitted aligner.
    x_transformer_, y_transformer_ : transformer or None
        The fitted preprocessing.
    n_components_ : int
        Dimension of the shared space.
    n_features_in_ : int
        Number of features of X, if its first step counts them.
    feature_names_in_ : ndarray of str
        Names of the features of X, if its first step saw them.
    y_feature_names_in_ : ndarray of str
        Names of the features of y, if its first step saw them.

    See Also
    --------
    CCA, PLSSVD, PLSCanonical, PLSRegression : The aligners.

    Notes
    -----
    Either transformer is fitted on its own modality alone. Parameters of the parts are reached as
    ``aligner__shrinkage``, ``x_transformer__n_components``… `predict`, `residual_covariance` and `sample_y` speak in
    the features that `y_transformer` gives (`predict_x`: `x_transformer`); `inverse_transform` and
    `inverse_transform_y` go all the way back where the transformer can.

    Examples
    --------
    >>> from crossmodal_cca import CCA, CrossModalPipeline
    >>> from crossmodal_cca.datasets import load_emoji
    >>> from sklearn.decomposition import PCA, TruncatedSVD
    >>> from sklearn.feature_extraction.text import TfidfVectorizer
    >>> from sklearn.pipeline import make_pipeline
    >>> emoji = load_emoji(subset="train")
    >>> model = CrossModalPipeline(
    ...     CCA(n_components=20, shrinkage=0.5),
    ...     x_transformer=PCA(100, random_state=0),
    ...     y_transformer=make_pipeline(TfidfVectorizer(), TruncatedSVD(100, random_state=0)),
    ... )
    >>> model.fit(emoji.image, emoji.names["en"]).transform_y(["red heart", "sleeping cat"]).shape
    (2, 20)
    """

    _stored: ClassVar[Schema] = {"aligner_": object, "x_transformer_": object, "y_transformer_": object}

    def __init__(self, aligner: Any, *, x_transformer: Any = None, y_transformer: Any = None) -> None:
        self.aligner = aligner
        self.x_transformer = x_transformer
        self.y_transformer = y_transformer

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None, **fit_params: Any) -> Self:
        """Fit the preprocessing of either side, then the aligner on what they give.

        Parameters
        ----------
        X : array-like of length n_rows
            Whatever `x_transformer` takes; without it, of shape (n_rows, n_features_x).
        y : array-like of length n_rows
            Whatever `y_transformer` takes, paired with `X`.
        sample_weight : array-like of shape (n_rows,), default=None
            Non-negative weights, passed to the aligner.
        **fit_params : dict
            Further arguments of the aligner's ``fit``, such as `groups` of a cross-validated one.

        Returns
        -------
        self : object
            The fitted pipeline.

        Raises
        ------
        ValueError
            What the parts raise; if the sides differ in rows, the aligner says so.
        """
        if y is None:
            raise ValueError(
                "CrossModalPipeline requires y to be passed, but the target y is None. "
                "y holds the rows of the second modality, paired with those of X."
            )
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        if weights and not has_fit_parameter(self.aligner, "sample_weight"):
            raise TypeError(f"{type(self.aligner).__name__} takes no sample_weight; leave it out, or repeat rows.")
        with unchanged_on_error(self):
            if self.x_transformer is not None or self.y_transformer is not None:
                # What these give has lost the labels of the rows.
                warn_of_other_order(X=X, y=y)
            self.x_transformer_, x = _fit_transform(self.x_transformer, X, "X", "x_transformer")
            self.y_transformer_, y = _fit_transform(self.y_transformer, y, "y", "y_transformer")
            self.aligner_ = clone(self.aligner).fit(x, y, **weights, **fit_params)
        return self

    def _x_features(self, X: Any) -> Any:
        return _transform(self.x_transformer_, X, "X")

    def _y_features(self, y: Any) -> Any:
        return _transform(self.y_transformer_, y, "y")

    def _x_scores(self, X: Any, *, weighted: bool = True) -> FloatArray:
        return self.aligner_._x_scores(self._x_features(X), weighted=weighted)  # type: ignore[no-any-return]

    def _y_scores(self, y: Any, *, weighted: bool = True) -> FloatArray:
        return self.aligner_._y_scores(self._y_features(y), weighted=weighted)  # type: ignore[no-any-return]

    @property
    def _score_prefix(self) -> str:
        return self.aligner_._score_prefix  # type: ignore[no-any-return]

    @property
    def n_components_(self) -> int:
        """Dimension of the shared space."""
        check_is_fitted(self)
        return self.aligner_.n_components_  # type: ignore[no-any-return]

    @property
    def n_features_in_(self) -> int:
        """Number of features of X."""
        return self._first_step_of_x().n_features_in_  # type: ignore[no-any-return]

    @property
    def feature_names_in_(self) -> NDArray[Any]:
        """Names of the features of X."""
        return self._first_step_of_x().feature_names_in_  # type: ignore[no-any-return]

    @property
    def y_feature_names_in_(self) -> NDArray[Any]:
        """Names of the features of y."""
        self._check_has_fitted_parts()
        if self.y_transformer_ is None:
            return self.aligner_.y_feature_names_in_  # type: ignore[no-any-return]
        return self.y_transformer_.feature_names_in_  # type: ignore[no-any-return]

    def _first_step_of_x(self) -> Any:
        self._check_has_fitted_parts()
        return self.aligner_ if self.x_transformer_ is None else self.x_transformer_

    def _check_has_fitted_parts(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise AttributeError(f"This {type(self).__name__} is not fitted yet.")

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "aligner_")

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Names of the scores, after the class of the aligner.

        Parameters
        ----------
        input_features : ignored
            As everywhere in scikit-learn.

        Returns
        -------
        names : ndarray of str of shape (n_components_,)
            Such as ``cca0``, ``cca1``…
        """
        check_is_fitted(self)
        return self.aligner_.get_feature_names_out()  # type: ignore[no-any-return]

    @_aligner_has("predict")
    def predict(self, X: Any) -> FloatArray:
        """Predict the second modality as `y_transformer` gives it.

        Parameters
        ----------
        X : array-like of length n_rows
            Rows of the first modality, before preprocessing.

        Returns
        -------
        y_pred : ndarray of shape (n_rows, n_features)
            Expected features of the transformed second modality.
        """
        check_is_fitted(self)
        return self.aligner_.predict(self._x_features(X))  # type: ignore[no-any-return]

    @_aligner_has("predict_x")
    def predict_x(self, y: Any) -> FloatArray:
        """Predict the first modality as `x_transformer` gives it.

        Parameters
        ----------
        y : array-like of length n_rows
            Rows of the second modality, before preprocessing.

        Returns
        -------
        x_pred : ndarray of shape (n_rows, n_features)
            Expected features of the transformed first modality.
        """
        check_is_fitted(self)
        return self.aligner_.predict_x(self._y_features(y))  # type: ignore[no-any-return]

    @_aligner_has("residual_covariance")
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
        check_is_fitted(self)
        return self.aligner_.residual_covariance(modality)  # type: ignore[no-any-return]

    @_aligner_has("sample_y")
    def sample_y(self, X: Any, n_samples: int = 1, random_state: int | RandomState | None = None) -> FloatArray:
        """Draw features of the second modality, as `y_transformer` gives it, given rows of the first.

        Parameters
        ----------
        X : array-like of length n_rows
            Rows of the first modality, before preprocessing.
        n_samples : int, default=1
            Draws for each row.
        random_state : int, RandomState or None, default=None
            Seed of the draws.

        Returns
        -------
        y_samples : ndarray of shape (n_rows, n_features, n_samples)
            Draws.
        """
        check_is_fitted(self)
        return self.aligner_.sample_y(self._x_features(X), n_samples, random_state)  # type: ignore[no-any-return]

    @_aligner_has("inverse_transform")
    def inverse_transform(self, X: ArrayLike) -> Any:
        """Map x-scores back to the first modality, through `x_transformer` where it has an inverse.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_components_)
            Scores, as `transform` gives them.

        Returns
        -------
        X_original : array-like of length n_rows
            Rows of the first modality, up to what the components leave out.
        """
        check_is_fitted(self)
        return _inverse(self.x_transformer_, self.aligner_.inverse_transform(X))

    @_aligner_has("inverse_transform_y")
    def inverse_transform_y(self, y: ArrayLike) -> Any:
        """Map y-scores back to the second modality, through `y_transformer` where it has an inverse.

        Parameters
        ----------
        y : array-like of shape (n_rows, n_components_)
            Scores, as `transform_y` gives them.

        Returns
        -------
        y_original : array-like of length n_rows
            Rows of the second modality, up to what the components leave out.
        """
        check_is_fitted(self)
        return _inverse(self.y_transformer_, self.aligner_.inverse_transform_y(y))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        aligner = get_tags(self.aligner)
        tags.target_tags = aligner.target_tags
        tags.transformer_tags = aligner.transformer_tags
        tags.input_tags = aligner.input_tags
        if self.x_transformer is not None:
            first = get_tags(self.x_transformer)
            # A transformer may densify sparse rows, but most pass NaN on.
            tags.input_tags = replace(first.input_tags, allow_nan=aligner.input_tags.allow_nan)
        return tags


def _transform(transformer: Any, A: Any, rows: str) -> Any:
    """Apply a fitted transformer; None passes the rows through."""
    if transformer is None:
        return A
    return transformer.transform(_rows_of_transformer(A, rows))


def _rows_of_transformer(A: Any, name: str) -> Any:
    """Refuse what transformers of scikit-learn would load, or unmask, without a word; the rest is their business."""
    refuse_dask(A, name)
    return at_hand(A, name)


def _fit_transform(transformer: Any, A: Any, rows: str, name: str) -> tuple[Any, Any]:
    """Fit a clone of the transformer and apply it; None passes the rows through."""
    if transformer is None:
        return None, A
    A = _rows_of_transformer(A, rows)
    if not hasattr(transformer, "fit_transform"):
        raise TypeError(
            f"{name} must be a scikit-learn transformer, or None to pass rows through; got {transformer!r}."
        )
    fitted = clone(transformer)
    return fitted, fitted.fit_transform(A)


def _inverse(transformer: Any, features: FloatArray) -> Any:
    """Undo a transformer; features of one that cannot be undone stay as they are."""
    if transformer is None:
        return features
    if not hasattr(transformer, "inverse_transform"):
        raise AttributeError(
            f"{type(transformer).__name__} has no inverse_transform, so scores cannot be mapped back through it; "
            "use aligner_.inverse_transform(_y) for the transformed features."
        )
    return transformer.inverse_transform(features)
