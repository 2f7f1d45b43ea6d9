"""Checks of parameters: numbers, choices and flags. A wrong type is a TypeError, a wrong value a ValueError.

NumPy scalars count as numbers and flags. True and False are not numbers, arrays are not scalars.
"""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np
import sklearn.utils


def check_number(
    value: Any,
    name: str,
    *,
    low: float,
    high: float = np.inf,
    positive: bool = False,
    below: bool = False,
    word: str = "",
) -> Any:
    """Return a parameter as a finite float in [low, high], but not `low` if `positive`, nor `high` if `below`.

    `word` is a text that is allowed besides, and returned as it is.
    """
    if word and isinstance(value, str) and value == word:
        return value
    interval = f"{'(' if positive else '['}{low:g}, {high:g}{')' if below or high == np.inf else ']'}"
    if isinstance(value, bool) or not isinstance(value, Real):
        kind = ValueError if word and isinstance(value, str) else TypeError
        raise kind(f"{name} must be a number in {interval}{word and f' or {word!r}'}, got {value!r}.")
    number = float(value)
    inside = low <= number <= high and not (positive and number == low) and not (below and number == high)
    if not (inside and np.isfinite(number)):
        raise ValueError(f"{name} must lie in {interval}, got {value!r}.")
    return number


def check_confidence_level(confidence_level: Any) -> float:
    """Return the share of the distribution that an interval covers."""
    level: float = check_number(confidence_level, "confidence_level", low=0.0, high=1.0, positive=True, below=True)
    return level


def check_whole_number(
    value: Any, name: str, *, low: int = 1, high: int | None = None, of: str = "", none: str = ""
) -> Any:
    """Return a parameter as an int of at least `low`, and at most `high`, which is the number `of` something.

    If None is allowed too, and returned as it is, `none` says what it stands for, for the message.
    """
    if none and value is None:
        return None
    limits = f"of at least {low}" if high is None else f"between {low} and {of and f'the number of {of}, '}{high}"
    message = f"{name} must be a whole number {limits}{none and f', or None for {none}'}; got {value!r}."
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(message)
    number = int(value)
    if number < low or (high is not None and number > high):
        raise ValueError(message)
    return number


def check_n_jobs(n_jobs: Any) -> None:
    """Refuse a number of threads that is neither None nor a whole number; −1 and below count down from all cores."""
    message = f"n_jobs must be a whole number other than 0, −1 for all cores, or None for one; got {n_jobs!r}."
    if n_jobs is not None and (isinstance(n_jobs, bool) or not isinstance(n_jobs, Integral)):
        raise TypeError(message)
    if n_jobs == 0:
        raise ValueError(message)


def check_n_components(n_components: Any, name: str = "n_components") -> None:
    """Refuse a number of components that is neither None nor a positive whole number."""
    check_whole_number(n_components, name, none="as many as possible")


def check_power(power: Any, name: str = "power") -> None:
    """Refuse a power of the singular values that is not a number of at least 0."""
    check_number(power, name, low=0.0)


def check_whole_numbers(values: Any, name: str, *, low: int = 1) -> list[int]:
    """Return a parameter of distinct whole numbers as a list, in the given order."""
    if isinstance(values, str) or not np.iterable(values):
        raise TypeError(f"{name} must be a sequence of whole numbers, such as (1, 5); got {values!r}.")
    numbers = [check_whole_number(value, f"{name}[{i}]", low=low) for i, value in enumerate(values)]
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"{name} must be different whole numbers; got {values!r}.")
    return numbers


def check_choice(value: Any, name: str, choices: Iterable[str | None], *, also: str = "") -> None:
    """Refuse a value outside the choices; `also` names what else is allowed, for the message."""
    known = tuple(choices)
    if (value is None or isinstance(value, str)) and value in known:
        return
    allowed = f"{also and f'{also} or '}one of {', '.join(map(repr, known))}"
    kind = ValueError if isinstance(value, str) else TypeError
    raise kind(f"{name} must be {allowed}; got {value!r}.")


def check_flag(value: Any, name: str) -> None:
    """Refuse a flag that is neither True nor False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}.")


def check_verbose(value: Any) -> None:
    """Refuse a verbosity that is neither a flag nor a whole number of at least 0."""
    if not isinstance(value, bool):
        check_whole_number(value, "verbose", low=0)


def as_pair(value: Any, name: str, *, arrays: bool = False) -> tuple[Any, Any]:
    """Return a parameter's values for both sides, from one for both or a tuple or list (x, y), or an array."""
    if arrays and isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, tuple | list):
        return value, value
    if len(value) != 2:
        raise ValueError(f"{name} must be one value for both sides or a pair (x, y); got {value!r}.")
    return value[0], value[1]


def check_of_sides(value: Any, name: str, **limits: Any) -> tuple[Any, Any]:
    """Return the numbers of both sides, each as `check_number` takes it, from one for both or a pair (x, y)."""
    x, y = as_pair(value, name, arrays=True)
    return check_number(x, name, **limits), check_number(y, name, **limits)


def check_random_state(seed: Any) -> np.random.RandomState:
    """Return the RandomState of a seed, as scikit-learn does; for a NumPy Generator, one that draws from its bits."""
    if isinstance(seed, np.random.Generator):
        return np.random.RandomState(seed.bit_generator)
    rng: np.random.RandomState = sklearn.utils.check_random_state(seed)
    return rng
