"""Errors and warnings that speak of the arguments that the user passed, however deep below the call they arise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

# The user's names by those inside, the outermost call first.
_NAMES: ContextVar[tuple[dict[str, str], ...]] = ContextVar("names", default=())


@contextmanager
def about(*names: str) -> Iterator[None]:
    """Name the arguments that a conversion is about, where its error names none of them."""
    try:
        with np.errstate(over="ignore"):  # who converts looks for infinite numbers
            yield
    except OverflowError as error:
        raise ValueError(f"{names[0]} holds whole numbers that are too large for a float.") from error
    except (ValueError, TypeError) as error:
        message = message_of(error)
        if message is not None and not re.search(rf"\b({'|'.join(map(re.escape, names))})\b", message):
            error.args = (f"{', '.join(names)}: {message}",)
        raise


@contextmanager
def in_terms_of(**names: str) -> Iterator[None]:
    """Call arguments by the user's names, given by the names that they have inside.

    Errors are put into these names; a warning asks for them by `as_typed`.
    """
    before = _NAMES.set((*_NAMES.get(), names))
    try:
        yield
    except (ValueError, TypeError) as error:
        message = message_of(error)
        if names and message is not None:
            # What stands in quotes is the user's: the name of a column, or a value.
            words = rf"(?<!['\"])\b({'|'.join(map(re.escape, names))})\b"
            error.args = (re.sub(words, lambda found: names[found[0]], message),)
        raise
    finally:
        _NAMES.reset(before)


def as_typed(name: str) -> str:
    """What the user calls an argument, by the name that it has here."""
    for names in reversed(_NAMES.get()):
        name = names.get(name, name)
    return name


def message_of(error: Exception) -> Any:
    """The whole of what an error says; None where it has more parts, as one about bytes."""
    return error.args[0] if len(error.args) == 1 and isinstance(error.args[0], str) else None
