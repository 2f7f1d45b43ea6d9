"""What a row of the table of everything public consists of."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.base import clone

# In the order of the files that test them: test_law_*.py.
LAWS = {
    "refit": "fitting twice equals fitting once, attribute by attribute",
    "forget": "a fit is the same whatever was fitted before",
    "settled": "parameters set after a fit change no answer",
    "untouched": "parameters and the caller's data stay as they are, bit by bit; read-only arrays serve",
    "seed": "the same seed gives the same result, and no call touches NumPy's global state",
    "names": "names of features are kept, given out, and compared",
    "copies": "clones, pickles and deep copies are the same thing",
    "files": "what is saved comes back to the last bit",
    "refused": "bad input is a TypeError or ValueError that names the argument, and leaves the object as it was",
    "warned": "warnings point at the caller's line",
    "order": "the order of rows changes nothing, or the order of the results alone",
    "blocks": "rows in blocks give what all rows at once give",
    "layout": "memory layout changes nothing",
    "containers": "lists and dataframes give what arrays give",
}


@dataclass(frozen=True, eq=False)
class Call:
    """A method, or the function itself (no name), with small example arguments."""

    name: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    label: str = ""  # tells calls of one name apart
    together: tuple[str, ...] = ()  # arguments with one entry for each row ...
    also_together: tuple[str, ...] = ()  # ... and others, for each of other rows
    settled: tuple[str, ...] = ()  # rows whose number of features is known before the call
    one_column: tuple[str, ...] = ()  # rows that may be 1-D, which counts as one column
    optional: tuple[str, ...] = ()  # rows that may be None
    # "rows": results have the order of the rows `together`; "same": that order changes no result; "": neither.
    order: str = ""

    def __str__(self) -> str:
        return self.label or self.name or "call"

    @property
    def rows(self) -> list[str]:
        """Names of the arguments that hold rows of features."""
        return [name for name, value in self.arguments.items() if is_rows(value)]

    def on(self, thing: Any, **changed: Any) -> Any:
        """Make the call."""
        function = getattr(thing, self.name) if self.name else thing
        return function(**self.arguments | changed)

    def with_rows(self, change: Callable[[str, Any], Any]) -> dict[str, Any]:
        """The arguments that hold rows, changed."""
        return {name: change(name, self.arguments[name]) for name in self.rows}


def is_rows(value: Any) -> bool:
    """Whether an argument holds rows of features: numbers with fractions, in two dimensions."""
    return isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype.kind == "f"


@dataclass(frozen=True, eq=False)
class Row:
    """Something public: how it is made, what it is asked, and which laws it does not obey, with the reason."""

    thing: Any  # the public function or class
    calls: tuple[Call, ...] = ()  # that leave it as it is
    estimator: Any = None  # not fitted
    fit: Call = Call("fit")
    changes: tuple[Call, ...] = ()  # methods that change it: that go on from a fit, fit anew, or draw
    before: dict[str, Any] = field(default_factory=dict)  # parameters of an earlier fit ...
    before_fit: dict[str, Any] = field(default_factory=dict)  # ... and its arguments: other rows of other widths
    bound: Any = None  # the function with what is not looked at in a call
    init: Callable[[], dict[str, Any]] | None = None  # arguments of a class that is no estimator
    warned: tuple[Call, ...] = ()  # calls, on it as it is before any fit, that deserve a warning ...
    warned_with: dict[str, Any] = field(default_factory=dict)  # ... with these parameters
    exempt: dict[str, str] = field(default_factory=dict)  # laws that do not apply: why not
    fails: dict[str, str] = field(default_factory=dict)  # laws that are broken today: what is to come

    def bare(self) -> Any:
        """The thing before any fit: a function, an unfitted estimator, or an object of another class."""
        if self.estimator is not None:
            return clone(self.estimator)
        if self.init is not None:
            return self.thing(**self.init())
        return self.thing if self.bound is None else self.bound

    def made(self) -> Any:
        """The thing, fitted if it can be."""
        bare = self.bare()
        if self.estimator is not None:
            assert self.fit.on(bare) is bare
        return bare

    def ready(self) -> Any:
        """The same, an estimator as a copy of one fit, for tests that look at what it does and not at how it is made.

        Many fits take long. That a copy is the same and goes on by itself is a law of its own.
        """
        return self.made() if self.estimator is None else copy.deepcopy(self._fitted)

    @cached_property
    def _fitted(self) -> Any:
        return self.made()

    def state_of(self, thing: Any) -> dict[str, Any]:
        """The attributes of what was made; a function has none."""
        return {} if self.estimator is None and self.init is None else vars(thing)

    @property
    def all_calls(self) -> tuple[Call, ...]:
        """With the fit and what changes it."""
        return (*(() if self.estimator is None else (self.fit,)), *self.changes, *self.calls)
