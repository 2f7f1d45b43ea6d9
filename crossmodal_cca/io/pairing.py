"""Join the rows of two files by their ids."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._ids import PAIRS_OF_A_ROW, checked_ids, codes_of_ids, objects_of


class JoinedRows(NamedTuple):
    """Result of :func:`pair_by_id`: positions of paired rows, their ids and groups, and rows without a partner."""

    x_rows: NDArray[np.intp]
    y_rows: NDArray[np.intp]
    ids: NDArray[Any]
    groups: NDArray[np.intp]
    x_alone: NDArray[np.intp]
    y_alone: NDArray[np.intp]


def pair_by_id(x_ids: Any, y_ids: Any) -> JoinedRows:
    """Find which rows of two modalities belong together: those with the same id.

    Parameters
    ----------
    x_ids, y_ids : array-like of shape (n_x,) and (n_y,)
        Ids of the rows, in any order, with repetitions: five captions of one image have its id, and make five pairs.

    Returns
    -------
    pairs : named tuple
        x_rows, y_rows : ndarray of shape (n_pairs,)
            Positions of the rows of each pair, in the order of `x_ids`, and then of `y_ids`: ``X[pairs.x_rows]`` and
            ``y[pairs.y_rows]`` are what `fit` takes.
        ids : ndarray of shape (n_pairs,)
            Their ids.
        groups : ndarray of shape (n_pairs,)
            A number for each id, 0, 1, …: pairs of one id must stay in one fold.
        x_alone, y_alone : ndarray of shape (n_x_alone,) and (n_y_alone,)
            Positions of rows without a partner.

    Raises
    ------
    ValueError
        If no id is on both sides, or there are more than ten pairs for each row: then the ids are labels, which say
        that rows are alike and not that they belong together.
    TypeError
        If ids of the two sides cannot be compared, such as texts and numbers.

    Examples
    --------
    >>> from crossmodal_cca.io import pair_by_id
    >>> pairs = pair_by_id(["cat", "dog", "owl"], ["dog", "cat", "dog", "eel"])
    >>> pairs.x_rows, pairs.y_rows
    (array([0, 1, 1]), array([1, 0, 2]))
    >>> pairs.groups, pairs.x_alone, pairs.y_alone
    (array([0, 1, 1]), array([2]), array([3]))
    """
    x_ids, y_ids = (
        checked_ids(ids, name, _length(ids), "the table") for ids, name in ((x_ids, "x_ids"), (y_ids, "y_ids"))
    )
    n_x, n_y = len(x_ids), len(y_ids)
    x, y = codes_of_ids(x_ids, y_ids, n_x, n_y, ("x_ids", "y_ids"))
    order = np.argsort(y, kind="stable")
    first, last = (np.searchsorted(y, x, side, sorter=order) for side in ("left", "right"))
    partners = last - first
    n_pairs = int(partners.sum())
    if not n_pairs:
        examples = [repr(objects_of(ids[:1])[0]) if len(ids) else "none at all" for ids in (x_ids, y_ids)]
        raise ValueError(
            f"No id is in both x_ids, such as {examples[0]}, and y_ids, such as {examples[1]}; pass the ids that the "
            "two tables share, written alike."
        )
    y_alone = np.flatnonzero(~np.isin(y, x))
    n_rows = max(int(np.count_nonzero(partners)), n_y - len(y_alone))
    if n_pairs > PAIRS_OF_A_ROW * n_rows:
        raise ValueError(
            f"x_ids and y_ids make {n_pairs} pairs of {n_rows} rows: they are labels, which say that rows are alike, "
            "and not ids, which say that they belong together. Pass an id of each thing; labels serve as x_ids and "
            "y_ids of retrieval_report."
        )
    x_rows = np.repeat(np.arange(n_x), partners)
    within = np.arange(n_pairs) - np.repeat(np.cumsum(partners) - partners, partners)
    y_rows = order[np.repeat(first, partners) + within]
    groups = np.unique(x[x_rows], return_inverse=True)[1]
    return JoinedRows(x_rows, y_rows, x_ids[x_rows], groups, np.flatnonzero(partners == 0), y_alone)


def _length(ids: Any) -> int:
    return len(ids) if hasattr(ids, "__len__") else 0
