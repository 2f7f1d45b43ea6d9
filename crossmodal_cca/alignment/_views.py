"""Fitted attributes of an estimator, which are views of the one value that its fit has left."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from sklearn.utils.validation import check_is_fitted

from ..models._value import read_only


class View:
    """A fitted attribute: what a fit has left of this path, or what a function makes of it, read at every access.

    Arrays cannot be written to, and nothing can be put in the attribute's place. What the value may lack (`optional`)
    is no attribute where it is None.
    """

    def __init__(self, of: str | Callable[[Any], Any], value: str = "model_", *, optional: bool = False) -> None:
        self._read: Callable[[Any], Any] = attrgetter(of) if isinstance(of, str) else of
        self._value = value
        self.optional = optional

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, estimator: Any, owner: type | None = None) -> Any:
        if estimator is None:
            return self
        if self._value not in vars(estimator):
            # Its error is an AttributeError, too: before a fit there is no such attribute.
            check_is_fitted(estimator, self._value)
        found = self._read(vars(estimator)[self._value])
        if found is None:
            raise AttributeError(f"This {type(estimator).__name__} has no {self._name}: its fit has left none.")
        return read_only(found)

    def __set__(self, estimator: Any, value: Any) -> None:
        raise AttributeError(f"{self._name} belongs to a fit, and cannot be set. Change a copy, or fit again.")


class ViewsMixin:
    """What an estimator with views has on top of them."""

    def __dir__(self) -> list[str]:
        # scikit-learn's page of a fitted estimator shows all that is here.
        optional = {
            name
            for base in type(self).__mro__
            for name, each in vars(base).items()
            if isinstance(each, View) and each.optional
        }
        return [name for name in super().__dir__() if name not in optional or hasattr(self, name)]
