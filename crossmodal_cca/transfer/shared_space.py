"""One side of a fitted aligner as a transformer for pipelines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._aligner import Aligner
from .._checks import check_flag
from .._docstrings import documented
from .._schemas import Schema, saved
from .._similarity import unit_rows
from .._sklearn import check_array, get_feature_names, validate_data
from .._typing import FloatArray
from ..alignment._fitted_aligner import FittedAlignerMixin, check_modality, shared_space_scores
from ..alignment._views import View
from ._class_model import RowsModel, RowsViewsMixin
from ._row_texts import FITTED


@saved()
@dataclass(frozen=True, eq=False)
class SideModel(RowsModel):
    """Map of rows of one modality into the shared space of `n_components` dimensions."""

    aligner: Aligner | None
    modality: str
    n_components: int
    mean: FloatArray | None
    unit_length: bool

    def scores(self, X: ArrayLike) -> FloatArray:
        """Map rows into the shared space."""
        # A copy: centring and scaling work in place, and without an aligner the rows belong to the user.
        scores = shared_space_scores(self.aligner, X, self.modality, "X").copy()
        if self.mean is not None:
            scores -= self.mean.astype(scores.dtype)
        return unit_rows(scores) if self.unit_length else scores


@saved()
class SharedSpace(RowsViewsMixin, FittedAlignerMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Map features of one modality into the shared space by a frozen, fitted aligner.

    Later steps of a pipeline are fitted; the aligner never is.

    Parameters
    ----------
    aligner : estimator or None, default=None
        A fitted aligner with ``transform`` and ``transform_y``. None: the features share a space already, as CLIP's.
    modality : {"x", "y"}, default="x"
        Modality of the rows.
    center : bool, default=False
        Subtract the mean of the rows that `fit` gets. Features such as CLIP's leave a gap between the modalities,
        which closes when each is centred at its own mean; fit it on many rows, they need no labels.
    unit_length : bool, default=False
        Scale rows to unit length, after centring.

    Attributes
    ----------
    aligner_ : estimator or None
        The aligner as it was in `fit`.
    mean_ : ndarray of shape (n_components,)
        Mean subtracted from the rows; with ``center=True`` only.
    n_features_in_ : int
        Number of features; only without an aligner.

    See Also
    --------
    CrossModalClassifier : Trains on one modality, predicts the other.

    Notes
    -----
    ``clone``, and so `cross_validate` and `GridSearchCV`, keeps the aligner fitted, and its parameters cannot be set
    from outside. To search over several fitted aligners, wrap each in scikit-learn's ``FrozenEstimator``.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import load_emoji
    >>> from crossmodal_cca.transfer import SharedSpace
    >>> train, test = load_emoji(subset="train"), load_emoji(subset="test")
    >>> cca = CCA(n_components=50, shrinkage=0.6, power=1.0).fit(train.image, train.text)
    >>> head = make_pipeline(SharedSpace(cca, unit_length=True), LogisticRegression())
    >>> shots = slice(None, None, 20)  # 77 labelled pictures
    >>> bool(head.fit(train.image[shots], train.group[shots]).score(test.image, test.group) > 0.6)
    True
    """

    _stored: ClassVar[Schema] = {"model_": SideModel}

    mean_, _n_features_out = View("mean", optional=True), View("n_components")

    def __init__(
        self, aligner: Any = None, modality: str = "x", *, center: bool = False, unit_length: bool = False
    ) -> None:
        self.aligner = aligner
        self.modality = modality
        self.center = center
        self.unit_length = unit_length

    @documented({}, FITTED)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Take the aligner as it is; with ``center=True`` compute the mean of the rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows of the modality.
        y : None
            Without effect; there for pipelines.

        Raises
        ------
        ValueError, TypeError
            If `modality` is neither, the aligner is not fitted, or the rows are bad.
        """
        check_modality(self.modality, "modality")
        for name in ("center", "unit_length"):
            check_flag(getattr(self, name), name)
        aligner, width, names = self._frozen_aligner(), None, None
        if aligner is None:
            # An aligner checks its rows itself, as they may be raw text.
            rows = check_array(X, input_name="X", estimator=self)
            X, width, names = rows, rows.shape[1], get_feature_names(X, "X")
        scores = shared_space_scores(aligner, X, self.modality, "X")
        mean = scores.mean(axis=0, dtype=float) if self.center else None
        self.model_ = SideModel(width, names, aligner, self.modality, scores.shape[1], mean, self.unit_length)
        return self

    def transform(self, X: ArrayLike) -> FloatArray:
        """Map rows into the shared space.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows of the modality.

        Returns
        -------
        scores : ndarray or dataframe of shape (n_rows, n_components)
            Scores, centred and scaled as set.

        Raises
        ------
        ValueError
            If the rows are of another width than in `fit`, or not finite.
        """
        check_is_fitted(self)
        model: SideModel = self.model_
        return model.scores(X if model.aligner is not None else validate_data(self, X, dtype="numeric"))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
