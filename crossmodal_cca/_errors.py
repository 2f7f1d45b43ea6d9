"""Errors and warnings in terms of the user's arguments, from any depth below the call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

# Maps from inner names to the user's names, the outermost call first.
_NAMES: ContextVar[tuple[dict[str, str], ...]] = ContextVar("names", default=())


@contextmanager
def about(*names: str) -> Iterator[None]:
    """Add the names of the converted arguments to an error that names none of them."""
    try:
        with np.errstate(over="ignore"):  # infinite numbers are refused after the conversion
            yield
    except OverflowError as error:
        raise too_large(names[0]) from error
    except (ValueError, TypeError) as error:
        add_names(error, *names)
        raise


def add_names(error: Exception, *names: str) -> None:
    """Add the names of the converted arguments to an error that names none of them, as `about` does."""
    message = message_of(error)
    if message is not None and not re.search(rf"\b({'|'.join(map(re.escape, names))})\b", message):
        error.args = (f"{', '.join(names)}: {message}",)


def too_large(name: str) -> ValueError:
    """Return the error for whole numbers that no float holds."""
    return ValueError(f"{name} holds whole numbers that are too large for a float.")


@contextmanager
def in_terms_of(**names: str) -> Iterator[None]:
    """Report arguments under the user's names, given as a map from the inner names.

    Errors are rewritten with these names; warnings look a name up with `as_typed`.
    """
    before = _NAMES.set((*_NAMES.get(), names))
    try:
        yield
    except (ValueError, TypeError) as error:
        message = message_of(error)
        if names and message is not None:
            # Text in quotes belongs to the user: the name of a column, or a value.
            words = rf"(?<!['\"])\b({'|'.join(map(re.escape, names))})\b"
            error.args = (re.sub(words, lambda found: names[found[0]], message),)
        raise
    finally:
        _NAMES.reset(before)


def as_typed(name: str) -> str:
    """Return the user's name of an argument, given its inner name."""
    for names in reversed(_NAMES.get()):
        name = names.get(name, name)
    return name


def message_of(error: Exception) -> Any:
    """Return an error's message; None for an error of several parts, such as a UnicodeDecodeError."""
    return error.args[0] if len(error.args) == 1 and isinstance(error.args[0], str) else None
