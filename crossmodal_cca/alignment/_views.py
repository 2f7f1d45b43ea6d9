"""Fitted attributes of an estimator, as views of its fitted model."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from sklearn.utils.validation import check_is_fitted

from .._sklearn import NotMade, fitted_attributes
from ..models._value import read_only


class View:
    """A fitted attribute, read from the fitted model at every access by a path or computed by a function.

    Arrays are read-only, and the attribute cannot be set. An `optional` attribute does not exist if its value is None.
    For a large array computed at every access, `shape` gives its shape.
    """

    def __init__(
        self,
        of: str | Callable[[Any], Any],
        value: str = "model_",
        *,
        optional: bool = False,
        shape: Callable[[Any], tuple[int, ...]] | None = None,
    ) -> None:
        self._read: Callable[[Any], Any] = attrgetter(of) if isinstance(of, str) else of
        self._value = value
        self.optional, self.shape = optional, shape

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, estimator: Any, owner: type | None = None) -> Any:
        if estimator is None:
            return self
        if self._value not in vars(estimator):
            # NotFittedError is an AttributeError, too: before a fit there is no such attribute.
            check_is_fitted(estimator, self._value)
        found = self._read(vars(estimator)[self._value])
        if found is None and self.optional:
            raise AttributeError(f"This {type(estimator).__name__} has no {self._name}: its fit has left none.")
        return read_only({self._name: found})[self._name]

    def is_surely_in(self, estimator: Any) -> bool:
        """Whether the attribute exists for certain, without computing it."""
        return self._value in vars(estimator) and not self.optional

    def __set__(self, estimator: Any, value: Any) -> None:
        raise AttributeError(f"{self._name} belongs to a fit, and cannot be set. Change a copy, or fit again.")


class ViewsMixin:
    """Listing and display of views, without computing them."""

    def __dir__(self) -> list[str]:
        views = _views_of(type(self))
        # scikit-learn's own method would compute every attribute.
        return [
            name
            for name in object.__dir__(self)
            if (name in views and views[name].is_surely_in(self)) or hasattr(self, name)
        ]

    def _get_fitted_attr_html(self, doc_link: str = "") -> Any:
        """Return fitted attributes for scikit-learn's page of an estimator, which would otherwise compute them all."""
        shown, there = {}, set(dir(self))
        for name, view in sorted(_views_of(type(self)).items()):
            if not name.startswith("_") and name in there:
                shown[name] = getattr(self, name) if view.shape is None else NotMade(view.shape(self.model_))  # type: ignore[attr-defined]
        return fitted_attributes(self, shown, doc_link)


def _views_of(cls: type) -> dict[str, View]:
    bases = reversed(cls.__mro__)
    return {name: each for base in bases for name, each in vars(base).items() if isinstance(each, View)}
