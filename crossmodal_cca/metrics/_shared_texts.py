"""Texts that the docstrings of several functions share, and the marks that stand for them."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from .._names_in_docs import with_names

Function = TypeVar("Function", bound=Callable[..., Any])

# Shared texts by their marks.
SHARED_TEXTS = {
    "<queries and gallery>": """\
queries, gallery : array-like of shape (n_queries, n_features) and (n_gallery, n_features)
    Scores of the two modalities in the shared space.""",
    "<relevance and similarity>": """\
query_ids, gallery_ids : array-like of shape (n_queries,) and (n_gallery,), default=None
    Ids or class labels; an item is relevant if its own equals the query's. None for both: row ``i`` to
    row ``i``.
relevance : array-like or sparse matrix of shape (n_queries, n_gallery), default=None
    Instead of ids: grades >= 0, an item being relevant where they are positive.
similarity : <similarities>, default="cosine"
    Similarity that ranks the gallery.
exclude : "self", array-like or sparse matrix of bool of shape (n_queries, n_gallery), default=None
    Items left out of a query's list, as if the gallery did not hold them: where it is True; "self": item ``i`` for
    query ``i``.""",
    "<returns a mean in [0, 1]>": """\
Returns
-------
float
    Mean over the queries that have a relevant item, in [0, 1].""",
    "<raises>": """\
Raises
------
ValueError, TypeError
    As :func:`retrieval_ranks`; or if another parameter is not as described above.""",
    "<ties>": """\
McSherry, F. & Najork, M. (2008). Computing information retrieval performance measures efficiently in the
presence of tied scores. ECIR.""",
}


def with_shared_texts(function: Function) -> Function:
    """Replace the marks in a function's docstring by the shared texts, and return the function."""
    documentation = inspect.getdoc(function) or ""
    for mark, text in SHARED_TEXTS.items():
        documentation = documentation.replace(mark, text)
    function.__doc__ = documentation
    return with_names(function)
