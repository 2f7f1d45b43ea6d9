"""Protocol of heads: classifiers of rows of a shared space, used by classifiers of two modalities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self, runtime_checkable

from numpy.typing import ArrayLike
from sklearn.base import clone


@runtime_checkable
class PrototypeHead(Protocol):
    """A classifier that takes prototypes of its classes from elsewhere, and is fitted to shots alone.

    Any classifier with `decision_function` or `predict_proba` is a head; one without this method is fitted to rows of
    both modalities.
    """

    def with_prototypes(self, prototypes: Mapping[Any, ArrayLike]) -> Any:
        """Return a new classifier, not fitted, with these prototypes, (n_features,) for each class."""


class GivenPrototypesMixin:
    """A head whose prototypes are a parameter of this name."""

    prototypes: Any

    def with_prototypes(self, prototypes: Mapping[Any, ArrayLike]) -> Self:
        """Return the same classifier with prototypes, as `CrossModalClassifier` needs it.

        Parameters
        ----------
        prototypes : mapping of class to array of shape (n_features,)
            Prototypes of the classes.

        Returns
        -------
        classifier : object
            A new classifier, not fitted.

        Raises
        ------
        ValueError
            If it has prototypes already.
        """
        if self.prototypes is not None:
            raise ValueError(
                f"prototypes of {type(self).__name__} are those of the rows of fit here: leave them at None, got "
                f"{len(self.prototypes)}."
            )
        new: Self = clone(self).set_params(prototypes=prototypes)
        return new


def check_scores_classes(classifier: Any, name: str) -> None:
    """Refuse classifiers without scores of classes; messages use the name."""
    if isinstance(classifier, type):
        raise TypeError(f"{name} must be a classifier, but is the class {classifier.__name__}: pass an instance of it.")
    if not any(hasattr(classifier, method) for method in ("decision_function", "predict_proba")):
        raise TypeError(
            f"{name} must be a classifier with decision_function or predict_proba; {type(classifier).__name__} has "
            "neither."
        )
