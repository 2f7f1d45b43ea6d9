"""Names of tables' entries in docstrings, filled in for marks, so that no docstring lists them by hand."""

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
    """Replace the marks in a text by the names."""
    for mark, names in LISTS.items():
        text = text.replace(mark, names)
    return text


def with_names(thing: Documented) -> Documented:
    """Replace the marks in the docstring of a function or class by the names, and return it."""
    documented: Any = thing
    documented.__doc__ = filled(documented.__doc__ or "")
    return thing
