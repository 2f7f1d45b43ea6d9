"""What an aligner is, and where all that take a fitted one look whether it is."""

from __future__ import annotations

from typing import Any, Protocol, Self, runtime_checkable

from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted


@runtime_checkable
class Aligner(Protocol):
    """Maps rows of two modalities into one space.

    Some can do more: predict (`predict`, `predict_x`, `residual_covariance`) or tell of their components
    (`correlations_`, `x_weights_`…). Who needs that asks `fitted_aligner` for it.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from paired rows."""

    def transform(self, X: Any) -> Any:
        """Scores (n_rows, n_components) of rows of the first modality."""

    def transform_y(self, y: Any) -> Any:
        """Scores (n_rows, n_components) of rows of the second modality, of any number."""


METHODS = tuple(name for name in vars(Aligner) if not name.startswith("_"))


def fitted_aligner(estimator: Any, name: str = "aligner", needs: tuple[str, ...] = METHODS, way_out: str = "") -> Any:
    """The fitted aligner inside a search or a ``FrozenEstimator``; refuse what has not all that is needed of it.

    Errors call it `name`, and say in `way_out` what to do where something is missing.
    """
    aligner = unwrapped(estimator, name)
    missing = next((each for each in needs if not hasattr(aligner, each)), None)
    if missing is None or missing.endswith("_"):
        _check_fitted(aligner)
    if missing is not None:
        hint = _way_out_of(aligner) if missing in METHODS else way_out
        raise TypeError(
            f"{name} must have {', '.join(needs)}, as the aligners of this package; {type(aligner).__name__} has no "
            f"{missing}. {hint}".rstrip()
        )
    return aligner


def unwrapped(estimator: Any, name: str = "aligner") -> Any:
    """The estimator inside a ``FrozenEstimator``, or the one that a fitted search of scikit-learn's has found best."""
    if isinstance(estimator, type):
        raise TypeError(
            f"{name} must be fitted, but is the class {estimator.__name__} itself: pass {estimator.__name__}().fit(X, "
            "y)."
        )
    while True:
        if isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "refit") and hasattr(estimator, "estimator"):
            check_is_fitted(estimator)
            raise ValueError(
                f"{name} is a {type(estimator).__name__} with refit={estimator.refit!r}, which keeps no fitted model: "
                "set refit=True, or pass a model fitted with the settings chosen."
            )
        else:
            return estimator


def innermost(aligner: Any) -> Any:
    """The aligner that pipelines are built around, without any of them."""
    while hasattr(aligner, "aligner_"):
        aligner = unwrapped(aligner.aligner_)
    return aligner


def check_can_be_fitted(aligner: Any, name: str = "aligner") -> None:
    """Refuse what would keep its fit silently where it is to be fitted anew."""
    if isinstance(aligner, FrozenEstimator):
        raise TypeError(
            f"{name} is to be fitted anew, but is a FrozenEstimator, which never is: pass the "
            f"{type(unwrapped(aligner)).__name__} inside it."
        )


def _check_fitted(aligner: Any) -> None:
    # scikit-learn can say of its own kind of estimators alone whether they are.
    if hasattr(aligner, "__sklearn_tags__"):
        check_is_fitted(aligner)


def _way_out_of(aligner: Any) -> str:
    """What to pass in place of something of scikit-learn's that has no scores of y alone."""
    if hasattr(aligner, "steps"):
        return "Put the preprocessing of either side and the aligner into a CrossModalPipeline."
    if type(aligner).__module__.startswith("sklearn.cross_decomposition"):
        return f"Fit crossmodal_cca.{type(aligner).__name__} in its place."
    return ""
