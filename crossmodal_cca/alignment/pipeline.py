"""Pipelines with separate preprocessing for each modality, followed by an aligner."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._aligner import unwrapped
from .._schemas import Schema, saved
from .._sklearn import count_rows, is_fitted
from ..rows._validation import warn_of_other_order
from ._delegation import DelegatedMethods, fit_transformer, goes_on
from ._frozen import frozen_copy
from ._routing import Metadata, metadata_of, router_of


@saved()
class CrossModalPipeline(DelegatedMethods):
    """One estimator of two modalities with separate preprocessing for each side.

    Parameters
    ----------
    aligner : estimator
        The aligner, such as ``CCA()``, or a search over one, such as ``GridSearchCV(CCA(), …)``; cloned, never changed.
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
    `inverse_transform_y` go all the way back where the transformer can. `score` is the aligner's own.

    Metadata, such as `sample_weight`, go to the aligner. With ``sklearn.set_config(enable_metadata_routing=True)`` each
    part gets what it has requested (``set_fit_request``, ``set_score_request``…), and methods of y go by the requests
    for those of X: `transform_y` by `transform`.

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

    def fit(self, X: Any, y: Any, **params: Any) -> Self:
        """Fit the preprocessing of either side, then the aligner on what they give.

        Parameters
        ----------
        X : array-like of length n_rows
            Whatever `x_transformer` takes; without it, of shape (n_rows, n_features_x).
        y : array-like of length n_rows
            Whatever `y_transformer` takes, paired with `X`.
        **params : dict
            Metadata. Without metadata routing all of it goes to ``fit`` of the aligner, such as `sample_weight`, or
            `groups` of a cross-validated one; with it, each part gets what it has requested.

        Returns
        -------
        self : object
            The fitted pipeline.

        Raises
        ------
        ValueError
            If a part raises one; if the sides differ in rows, the aligner does.
        TypeError
            If a transformer is none, the aligner has no `transform_y`, or nothing takes a piece of metadata.
        """
        parts, _, _ = self._fitted_parts(X, y, "fit", params)
        self.__dict__.update(parts)
        return self

    def _fitted_parts(
        self, X: Any, y: Any, caller: str, params: dict[str, Any]
    ) -> tuple[dict[str, Any], Any, Metadata]:
        _refuse_no_y(y)
        _refuse_no_aligner(self.aligner, "fit")
        metadata = metadata_of(self, caller, params, self.aligner.fit)
        if self.x_transformer is not None or self.y_transformer is not None:
            # Transformed rows have lost their labels.
            warn_of_other_order(X=X, y=y)
        x_transformer, x = fit_transformer(self.x_transformer, X, "X", metadata)
        y_transformer, y = fit_transformer(self.y_transformer, y, "y", metadata)
        aligner = clone(self.aligner).fit(x, y, **metadata("aligner", "fit"))
        _refuse_no_aligner(unwrapped(aligner), "transform", "transform_y")
        return {"x_transformer_": x_transformer, "y_transformer_": y_transformer, "aligner_": aligner}, x, metadata

    @available_if(goes_on)
    def partial_fit(self, X: Any, y: Any, **params: Any) -> Self:
        """Add paired rows to those seen so far; batches in any order give the model of one fit on all rows.

        The method does not exist if a transformer would learn from the rows of a single batch: fit it to a first part
        of the rows, and pass ``FrozenEstimator`` around it.

        Parameters
        ----------
        X : array-like of length n_rows
            Further rows of the first modality, before preprocessing; an empty batch is skipped.
        y : array-like of length n_rows
            Paired rows of the second modality.
        **params : dict
            Metadata for `partial_fit` of the aligner and `transform` of the transformers.

        Returns
        -------
        self : object
            The fitted pipeline.

        Raises
        ------
        ValueError
            If a part raises one.
        """
        _refuse_no_y(y)
        has_transformers = self.x_transformer is not None or self.y_transformer is not None
        if has_transformers and count_rows(X, "X") == count_rows(y, "y") == 0:
            # The aligner skips an empty batch, but scikit-learn's transformers raise an error.
            return self
        is_first = not self.__sklearn_is_fitted__()
        names = ("x_transformer", "y_transformer")
        if is_first:
            given = {name: getattr(self, name) for name in names}
            parts = {f"{name}_": None if part is None else clone(part) for name, part in given.items()}
        else:
            parts = {f"{name}_": getattr(self, f"{name}_") for name in names}
        # A fitted aligner is copied: others may hold it, and a refused batch must leave it unchanged.
        aligner = clone(self.aligner) if is_first else frozen_copy(self.aligner_)
        metadata = metadata_of(self, "partial_fit", params, aligner.partial_fit)
        x, y = self._features({"X": X, "y": y}, metadata, parts)
        aligner = aligner.partial_fit(x, y, **metadata("aligner", "partial_fit"))
        # A batch without a row of positive weight does not count as a fit.
        if is_fitted(aligner):
            self.__dict__.update(parts, aligner_=aligner)
        return self

    def get_metadata_routing(self) -> MetadataRouter:
        """Get the metadata requests of the parts.

        Returns
        -------
        routing : MetadataRouter
            As everywhere in scikit-learn.
        """
        return router_of(self)

    @property
    def n_components_(self) -> int:
        """Dimension of the shared space."""
        check_is_fitted(self)
        return self._aligner.n_components_  # type: ignore[no-any-return]

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
            return self._aligner.y_feature_names_in_  # type: ignore[no-any-return]
        return self.y_transformer_.feature_names_in_  # type: ignore[no-any-return]

    def _first_step_of_x(self) -> Any:
        self._check_has_fitted_parts()
        return self._aligner if self.x_transformer_ is None else self.x_transformer_

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
        return self._aligner.get_feature_names_out()  # type: ignore[no-any-return]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        aligner = get_tags(self.aligner)
        tags.target_tags = aligner.target_tags
        tags.transformer_tags = aligner.transformer_tags
        tags.input_tags = aligner.input_tags
        if self.x_transformer is not None:
            first = get_tags(self.x_transformer)
            # A transformer may convert sparse rows, but most pass NaN on.
            tags.input_tags = replace(first.input_tags, allow_nan=aligner.input_tags.allow_nan)
        return tags


def _refuse_no_y(y: Any) -> None:
    if y is None:
        raise ValueError(
            "CrossModalPipeline requires y to be passed, but the target y is None. "
            "y holds the rows of the second modality, paired with those of X."
        )


def _refuse_no_aligner(aligner: Any, *methods: str) -> None:
    for method in methods:
        if not hasattr(aligner, method):
            raise TypeError(
                "aligner must have fit, transform and transform_y, as the aligners of this package, or be a search "
                f"over them that refits the best; {type(aligner).__name__} has no {method}. Preprocessing goes into "
                "x_transformer and y_transformer."
            )
