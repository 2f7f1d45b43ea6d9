"""Schemas of files: each class registers the attributes that are stored, their names, and its version.

Loading builds registered classes and nothing else. This module imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, reduce
from importlib import import_module
from numbers import Integral, Real
from operator import or_
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import numpy as np

from ._archive import Foreign

# Stored attributes of a class: a type or a `Stored` by the name in the file.
Schema = dict[str, Any]
# Stored values of an object by the name in the file.
State = dict[str, Any]
T = TypeVar("T", bound=type)

# Subpackages with registered classes that `import crossmodal_cca` does not load; reading a file imports them, in order.
HOMES = ("alignment", "metrics", "retrieval", "transfer", "diagnosis")


@dataclass(frozen=True)
class Stored:
    """One stored value of an object: its type and the attribute that holds it.

    None means that the attribute has the name used in the file; "" that the object's `_to_file` and `_from_file`
    convert the value. An `optional` value may be missing in a fitted object.
    """

    kind: Any
    attribute: str | None = None
    optional: bool = False


@dataclass(frozen=True)
class Registered:
    """A class that a file may hold, with its schema; `upgrade` converts the state of an older version to this one."""

    cls: type
    version: int
    upgrade: Callable[[State, int], State] | None

    @property
    def name(self) -> str:
        return self.cls.__name__

    @property
    def parameters(self) -> list[str]:
        """Constructor parameters, which are always stored."""
        return list(self.cls._get_param_names()) if hasattr(self.cls, "_get_param_names") else []

    def stored(self) -> dict[str, Stored]:
        """All that is stored: parameters, what scikit-learn sets, fields, and what its classes declare."""
        stored = {name: Stored(object) for name in self.parameters}
        if hasattr(self.cls, "_get_param_names"):
            seen = {
                "n_features_in_": Stored(Integral, optional=True),
                "feature_names_in_": Stored(np.ndarray, optional=True),
                "sklearn_output_config": Stored(dict, "_sklearn_output_config", optional=True),
            }
            # Views and properties are computed from values that are stored already.
            stored |= {name: each for name, each in seen.items() if not hasattr(self.cls, name)}
        if is_dataclass(self.cls):
            stored |= kinds_of_fields(self.cls)
        for base in reversed(self.cls.__mro__):
            declared: Schema = vars(base).get("_stored", {})
            stored |= {n: each if isinstance(each, Stored) else Stored(each) for n, each in declared.items()}
        return {n: s if s.attribute is not None else Stored(s.kind, n, s.optional) for n, s in stored.items()}

    def checked(self, state: State, version: int, package_version: str) -> State:
        """Return the state in this version; refuse a state of a later version or with values of a wrong type."""
        if version > self.version:
            raise Foreign(
                f"was written by a later crossmodal_cca ({package_version}): it holds a {self.name} of version "
                f"{version}, and this one reads up to {self.version}. Upgrade the package to load it."
            )
        stored = self.stored()
        if version < self.version:
            assert self.upgrade is not None
            upgraded = self.upgrade(state, version)
            state = {name: value for name, value in upgraded.items() if name in stored}
        for name, value in state.items():
            if name not in stored:
                raise ValueError(f"a {self.name} holds no {name}")
            if not isinstance(value, stored[name].kind):
                raise ValueError(f"{name} of {self.name} is a {type(value).__name__}, which it cannot be")
        needed = [name for name, each in stored.items() if not each.optional]
        parameters = self.parameters
        fitted = not parameters or any(name in state for name in needed if name not in parameters)
        missing = [name for name in (needed if fitted else parameters) if name not in state]
        if missing:
            raise ValueError(f"it does not hold {missing[0]} of {self.name}")
        return state


@cache
def kinds_of_fields(cls: type) -> dict[str, Stored]:
    """Return the type that each field of a dataclass must have, from its annotation."""
    hints = get_type_hints(cls)
    return {field.name: Stored(_kind(hints[field.name])) for field in fields(cls)}


def _kind(hint: Any) -> Any:
    if isinstance(hint, UnionType):
        return reduce(or_, map(_kind, get_args(hint)))
    kind = get_origin(hint) or hint
    while hasattr(kind, "__value__"):  # an alias with a name, as NumPy's are for the newest Pythons
        kind = get_origin(kind.__value__) or kind.__value__
    return {int: Integral, float: Real, Any: object}.get(kind, kind)


# Registered classes by name.
REGISTRY: dict[str, Registered] = {}


def saved(version: int = 1, upgrade: Callable[[State, int], State] | None = None) -> Callable[[T], T]:
    """Register a class that a file may hold.

    The fields of a dataclass are stored. ``_stored`` of the class and of its bases lists further values, and fields of
    a narrower type than their annotation: a type or a `Stored` by the name in the file. The names in
    the file and their meaning are what `version` counts. A renamed attribute that is no field changes neither:
    ``_stored`` then says where the old name lies now. After any other change raise `version`, and let
    ``upgrade(state, version)`` take what earlier versions stored to what this one stores. An object may change what is
    stored, ``_to_file(state, moments=…)``, and set up what is not, ``_from_file(state)``.
    """
    assert (version > 1) == (upgrade is not None)

    def register(cls: T) -> T:
        REGISTRY[cls.__name__] = Registered(cls, version, upgrade)
        return cls

    return register


def without_underscores(state: State, version: int) -> State:
    """Upgrade from version 1, which stored attributes under their own names, to names without an underscore."""
    return {name.removeprefix("_"): value for name, value in state.items()}


def registered(name: Any, package_version: str) -> Registered:
    """Return the registered class of this name, for a file of this version of the package."""
    for home in HOMES:
        if name in REGISTRY:
            break
        package = import_module(f"{__package__}.{home}")
        for each in package.__all__:  # which may be imported when first used
            getattr(package, each)
    if name not in REGISTRY:
        raise Foreign(
            f"was written by crossmodal_cca {package_version}: it holds a {name!r}, which this version does not know. "
            "If that is a later one, upgrade the package to load it."
        )
    return REGISTRY[name]
