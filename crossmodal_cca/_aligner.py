"""The protocol of an aligner, and the one check of a fitted aligner that is passed in."""

from __future__ import annotations

from typing import Any, Protocol, Self, runtime_checkable

from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted


@runtime_checkable
class Aligner(Protocol):
    """Maps rows of two modalities into one space.

    Some offer more: predictions (`predict`, `predict_x`, `residual_covariance`) or attributes of their components
    (`correlations_`, `x_weights_`…). Callers that need these ask `fitted_aligner` for them.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from paired rows."""

    def transform(self, X: Any) -> Any:
        """Scores (n_rows, n_components) of rows of the first modality."""

    def transform_y(self, y: Any) -> Any:
        """Scores (n_rows, n_components) of rows of the second modality, of any number."""


# Names of the methods of an aligner.
METHODS = tuple(name for name in vars(Aligner) if not name.startswith("_"))


def fitted_aligner(estimator: Any, name: str = "aligner", needs: tuple[str, ...] = METHODS, way_out: str = "") -> Any:
    """Return the fitted aligner inside a search or a ``FrozenEstimator``; refuse one that lacks a needed attribute.

    Error messages call the aligner `name`; `way_out` says what to do if something is missing.
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
    """Return the estimator inside a ``FrozenEstimator``, or the best one of a fitted search of scikit-learn's."""
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
    """Return the aligner itself, taken out of all pipelines around it."""
    while hasattr(aligner, "aligner_"):
        aligner = unwrapped(aligner.aligner_)
    return aligner


def check_can_be_fitted(aligner: Any, name: str = "aligner") -> None:
    """Refuse an estimator that would silently keep its fit when it is fitted again."""
    if isinstance(aligner, FrozenEstimator):
        raise TypeError(
            f"{name} is to be fitted anew, but is a FrozenEstimator, which never is: pass the "
            f"{type(unwrapped(aligner)).__name__} inside it."
        )


def _check_fitted(aligner: Any) -> None:
    # scikit-learn's check works for its own kind of estimators only.
    if hasattr(aligner, "__sklearn_tags__"):
        check_is_fitted(aligner)


def _way_out_of(aligner: Any) -> str:
    """Say what to pass in place of a scikit-learn estimator that cannot score y alone."""
    if hasattr(aligner, "steps"):
        return "Put the preprocessing of either side and the aligner into a CrossModalPipeline."
    if type(aligner).__module__.startswith("sklearn.cross_decomposition"):
        return f"Fit crossmodal_cca.{type(aligner).__name__} in its place."
    return ""
