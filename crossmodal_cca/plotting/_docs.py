"""Texts that the docstrings of displays share, written once and added to each."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from .._docstrings import entries

# Descriptions of shared parameters.
KNOWN = entries("""
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
""")
# Section of the methods `plot`.
DRAWN = """\
self : Display
    The display.
"""
# Descriptions of shared attributes.
ATTRIBUTES = """\
ax_ : matplotlib Axes
    Axes drawn on.
figure_ : matplotlib Figure
    Its figure.
"""


def with_options_of(call: Callable[..., Any], other: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of a function whose ``**options`` are the keywords of another one."""
    signature = inspect.signature(call)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    names = {p.name for p in own}
    options = [p for p in inspect.signature(other).parameters.values() if p.kind is p.KEYWORD_ONLY]
    return signature.replace(parameters=[*own, *(p for p in options if p.name not in names)])
