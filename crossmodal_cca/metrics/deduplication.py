"""Galleries in which every item stands once."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._blocks import float_dtype
from .._ids import checked_ids
from .._sklearn import check_array
from .._typing import Array


def deduplicate(scores: Any, ids: Any) -> tuple[Array, Array]:
    """Keep one row for each id: the images of image–caption rows, once instead of once for each caption.

    Rows as they come in pairs repeat an image for each of its captions. In a gallery the copies would push everything
    else down, and its size, hence chance, would be wrong.

    Parameters
    ----------
    scores : array-like of shape (n_rows, n_features)
        Scores of one modality, in which the rows of one id are equal.
    ids : array-like of shape (n_rows,)
        Id of the item of each row.

    Returns
    -------
    scores : ndarray of shape (n_items, n_features)
        The first row of each id, in the order of appearance.
    ids : ndarray of shape (n_items,)
        Their ids.

    Raises
    ------
    ValueError
        If rows of one id differ: these are then classes, not copies of an item.

    Examples
    --------
    >>> from crossmodal_cca.metrics import deduplicate
    >>> images, ids = deduplicate([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], ["cat", "cat", "dog"])
    >>> images.tolist(), ids.tolist()
    ([[1.0, 0.0], [0.0, 1.0]], ['cat', 'dog'])
    """
    import pandas as pd

    rows = check_array(scores, dtype="numeric", input_name="scores")
    checked = checked_ids(ids, "ids", len(rows), "scores")
    codes, _ = pd.factorize(checked)
    first = np.unique(codes, return_index=True)[1]
    # Copies may differ by the rounding of the products they come from.
    compared = rows.astype(float_dtype(rows), copy=False)
    tolerance = 100 * np.finfo(compared.dtype).eps
    apart = np.abs(compared - compared[first[codes]]).max(axis=1)
    differs = np.flatnonzero(apart > tolerance * np.abs(compared).max(axis=1))
    if len(differs):
        raise ValueError(
            f"Rows of one id must be copies of one item, but {len(differs)} row(s) differ from the first of their id "
            f"(row {differs[0]}, id {checked[differs[0]]!r}). Are the ids class labels?"
        )
    return rows[first], checked[first]
