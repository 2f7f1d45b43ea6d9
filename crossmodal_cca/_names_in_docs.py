"""Names of the tables in docstrings: marks stand for them, so that `help` lists what there is and no text has to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from ._similarity import SIMILARITIES
from .kernels._kernel_table import KERNELS

Documented = TypeVar("Documented")


def _listed(names: Iterable[str]) -> str:
    return "{" + ", ".join(f'"{name}"' for name in names) + "}"


LISTS = {
    "<similarities>": _listed(SIMILARITIES),
    "<inner products>": _listed(name for name, each in SIMILARITIES.items() if each.is_product),
    "<kernels>": _listed(KERNELS),
}


def filled(text: str) -> str:
    """A text with the names in place of their marks."""
    for mark, names in LISTS.items():
        text = text.replace(mark, names)
    return text


def with_names(thing: Documented) -> Documented:
    """The function or class itself, its docstring with the names in place of their marks."""
    documented: Any = thing
    documented.__doc__ = filled(documented.__doc__ or "")
    return thing
