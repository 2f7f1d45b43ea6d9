"""Complete docstrings with texts that several functions share, which so are written once."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from ._names_in_docs import Documented, filled

# Titles of the sections of a docstring.
SECTIONS = ("Parameters", "Attributes", "Returns", "Raises", "Warns", "See Also", "Notes", "References", "Examples")


def entries(text: str) -> dict[str, str]:
    """Return the entries of a docstring's section by name; names described together share one entry."""
    found = {}
    for entry in re.findall(r"^\S.*(?:\n(?: .*)?)*", text, re.MULTILINE):
        for name in entry.splitlines()[0].partition(" : ")[0].split(", "):
            found[name] = entry.strip()
    return found


def sections(doc: str) -> dict[str, str]:
    """Split a docstring into sections by title; the text before the first title has the title ""."""
    parts = re.split(rf"^({'|'.join(SECTIONS)})\n-+\n", inspect.cleandoc(doc), flags=re.MULTILINE)
    return {"": parts[0].strip()} | {title: text.rstrip() for title, text in zip(parts[1::2], parts[2::2], strict=True)}


def complete(
    call: Callable[..., Any],
    known: Mapping[str, str],
    ends: Mapping[str, str],
    lacking: Mapping[str, str] | None = None,
) -> str:
    """Complete a docstring with known parameters, with sections if they are `lacking`, and with `ends` of sections."""
    parts = {**(lacking or {})} | sections(call.__doc__ or "")
    described = dict(known) | entries(parts.get("Parameters", ""))
    names = [name for name in inspect.signature(call).parameters if name in described]
    parts["Parameters"] = "\n".join(dict.fromkeys(described[name] for name in names))
    for title, end in ends.items():
        parts[title] = f"{parts.get(title, '')}\n{end}".strip()
    titled = (f"{title}\n{'-' * len(title)}\n{parts[title].strip()}" for title in SECTIONS if parts.get(title))
    return filled("\n\n".join([parts[""], *titled]) + "\n")


def documented(
    known: Mapping[str, str], lacking: Mapping[str, str] | None = None
) -> Callable[[Documented], Documented]:
    """Decorate a function whose docstring lacks known parameters, or these sections."""

    def completed(thing: Any) -> Any:
        thing.__doc__ = complete(thing, known, {}, lacking)
        return thing

    return completed
