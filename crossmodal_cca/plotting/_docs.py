"""Texts that the docstrings of displays share, written once and added to each."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from .._names_in_docs import filled

# Titles of the sections of a docstring.
SECTIONS = ("Parameters", "Attributes", "Returns", "Raises", "See Also", "Notes", "References", "Examples")

# Descriptions of shared parameters.
PARAMETERS = """
aligner : estimator
    Fitted aligner.
X : array-like of shape (n_x, n_features_x)
    Rows of the first modality, outside the training set.
y : array-like of shape (n_y, n_features_y)
    Rows of the second modality.
x_scores : array-like of shape (n_x, n_components)
    Scores of the first modality.
y_scores : array-like of shape (n_y, n_components)
    Scores of the second modality.
x_ids, y_ids : array-like of shape (n_x,) and (n_y,), default=None
    Ids or labels that say what is relevant; None for row i to row i.
similarity : <similarities>, default="cosine"
    Similarity that ranks the gallery.
components : tuple of two int, default=(0, 1)
    The components shown, counted from 0.
names : tuple of two str, default=("x", "y")
    Names of the modalities.
name : str or None, default=None
    Name of the model in the legend or title; `from_estimator` takes the aligner's class if None.
ax : matplotlib Axes or None, default=None
    Axes to draw on; None for new ones.
"""
# Descriptions of shared attributes.
ATTRIBUTES = """
ax_ : matplotlib Axes
    Axes drawn on.
figure_ : matplotlib Figure
    Its figure.
"""


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


def complete(call: Callable[..., Any], known: Mapping[str, str], **ends: str) -> str:
    """Complete a docstring with the shared texts of parameters that it lacks, and with `ends` added to its sections."""
    parts = sections(call.__doc__ or "")
    described = dict(known) | entries(parts.get("Parameters", ""))
    names = [name for name in inspect.signature(call).parameters if name in described]
    parts["Parameters"] = "\n".join(dict.fromkeys(described[name] for name in names))
    for title, end in ends.items():
        parts[title] = f"{parts.get(title, '')}\n{end.strip()}".strip()
    titled = (f"{title}\n{'-' * len(title)}\n{parts[title].strip()}" for title in SECTIONS if parts.get(title))
    return filled("\n\n".join([parts[""], *titled]) + "\n")


def with_options_of(call: Callable[..., Any], other: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of a function whose ``**options`` are the keywords of another one."""
    signature = inspect.signature(call)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    names = {p.name for p in own}
    options = [p for p in inspect.signature(other).parameters.values() if p.kind is p.KEYWORD_ONLY]
    return signature.replace(parameters=[*own, *(p for p in options if p.name not in names)])
