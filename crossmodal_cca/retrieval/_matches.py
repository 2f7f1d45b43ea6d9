"""Tables of search results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._ids import checked_ids, codes_of_ids, comparable, comparable_with, objects_of
from .._typing import Captions, DataFrame, FloatArray
from .._warn import warn


def matches_table(
    ids: NDArray[Any],
    positions: NDArray[np.intp],
    distances: FloatArray,
    captions: Captions | None,
    query_captions: Sequence[str] | None,
    query_ids: ArrayLike | None,
) -> DataFrame:
    """Build a table with rows (query, rank): match, id, distance and, if the right ids are known, a mark."""
    import pandas as pd

    n, k = positions.shape
    right = None if query_ids is None else checked_ids(query_ids, "query_ids", n, "queries")
    names = right if query_captions is None and right is not None else query_captions
    names = np.arange(n) if names is None else checked_ids(names, "query_captions", n, "queries")
    found = ids[positions.ravel()]
    table = {
        "match": found if captions is None else _captions(captions, ids, positions.ravel()),
        "id": found,
        "distance": distances.ravel(),
    }
    if right is not None:
        table["right"] = np.where(_right(right, ids, positions).ravel(), "✓", "✗")
    # Two queries may share a caption, so the index is built from arrays, not as a product of levels.
    index = pd.MultiIndex.from_arrays([np.repeat(names, k), np.tile(np.arange(1, k + 1), n)], names=["query", "rank"])
    return pd.DataFrame(table, index=index)


def _right(query_ids: NDArray[Any], ids: NDArray[Any], positions: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Tell which items found have the query's id, compared as in the measures."""
    asked, present = codes_of_ids(query_ids, ids, len(query_ids), len(ids), ("query_ids", "the ids of the index"))
    absent = ~np.isin(asked, present)
    if absent.any():
        example = objects_of(query_ids[absent][:1])[0]
        warn(
            f"{absent.sum()} of {len(asked)} query_ids, such as {example!r}, are not among the ids of the index, so no "
            "match of these queries can be right."
        )
    return np.asarray(asked[:, None] == present[positions])


def _captions(captions: Captions, ids: NDArray[Any], positions: NDArray[np.intp]) -> NDArray[Any]:
    import pandas as pd

    if isinstance(captions, pd.Series) and not isinstance(captions.index, pd.RangeIndex):
        captions = captions.to_dict()
    if isinstance(captions, str):
        raise TypeError("captions must be a mapping from ids or a sequence of texts, got a single text.")
    if not isinstance(captions, Mapping):
        return checked_ids(captions, "captions", len(ids), "the index")[positions]
    if ids.dtype.kind in "mM":
        # One date may have several types: pandas', Python's, or NumPy's of any unit.
        keys = checked_ids(list(captions), "captions", len(captions), "captions")
        captions = dict(zip(comparable_with(ids, keys, "captions"), captions.values(), strict=True))
    found = comparable(ids[positions])
    missing = [i for i, each in enumerate(found) if each not in captions]
    if missing:
        wanted = objects_of(ids[positions[missing[:1]]])[0]
        raise ValueError(f"captions must have a text for every id found, but has none for {wanted!r}.")
    return np.array([captions[each] for each in found], dtype=object)
