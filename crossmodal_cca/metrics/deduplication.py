"""Removal of repeated items from galleries."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._checks import check_number
from .._ids import checked_ids, objects_of
from .._sklearn import check_array
from .._typing import Array
from ..rows._validation import warn_of_other_order


def deduplicate(scores: Any, ids: Any, tolerance: float = 1e-3) -> tuple[Array, Array]:
    """Keep one row for each id, such as each image of image–caption pairs once instead of once per caption.

    Paired rows repeat an image for each of its captions. In a gallery the copies would lower the ranks of all other
    items, and its size, hence chance, would be wrong.

    Parameters
    ----------
    scores : array-like of shape (n_rows, n_features)
        Scores of one modality, in which the rows of one id are equal but for rounding.
    ids : array-like of shape (n_rows,)
        Id of the item of each row.
    tolerance : float in [0, 1), default=1e-3
        How far a row may lie from the first of its id, relative to the row's length, or to the median of all rows'
        lengths where that is larger. The default allows for differences of an encoder between batches of different
        size, and for rounding to float16.

    Returns
    -------
    scores : ndarray of shape (n_items, n_features)
        The first row of each id, in the order of appearance.
    ids : ndarray of shape (n_items,)
        Their ids.

    Raises
    ------
    ValueError, TypeError
        If rows of one id differ by more than `tolerance`: these are then classes, not copies of an item. Or if an
        argument is bad.

    Notes
    -----
    Row i passes if ‖zᵢ − z‖ ≤ tolerance · max(‖zᵢ‖, m), with z the first row of its id and m the median length. Without
    m, copies with a score near zero would seem far apart, since the features behind it are rounded at their own size.

    Examples
    --------
    >>> from crossmodal_cca.metrics import deduplicate
    >>> images, ids = deduplicate([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], ["cat", "cat", "dog"])
    >>> images.tolist(), ids.tolist()
    ([[1.0, 0.0], [0.0, 1.0]], ['cat', 'dog'])
    """
    import pandas as pd

    tolerance = check_number(tolerance, "tolerance", low=0.0, high=1.0, below=True)
    rows = check_array(scores, dtype="numeric", input_name="scores")
    checked = checked_ids(ids, "ids", len(rows), "scores")
    warn_of_other_order(scores=scores, ids=ids)
    codes, _ = pd.factorize(checked)
    first = np.unique(codes, return_index=True)[1]
    compared = rows.astype(np.float64)
    # Divided by the largest entry, since squares could overflow or underflow.
    compared /= np.abs(compared).max() or 1.0
    lengths = np.linalg.norm(compared, axis=1)
    compared -= compared[first[codes]]
    scale = np.maximum(lengths, np.median(lengths))
    distance = np.linalg.norm(compared, axis=1)
    apart = np.divide(distance, scale, out=np.where(distance > 0, np.inf, 0.0), where=scale > 0)
    n_differing = np.count_nonzero(apart > tolerance)
    if n_differing:
        worst = int(apart.argmax())
        raise ValueError(
            f"Rows of one id must be copies of one item, but {n_differing} row(s) differ from the first of their id by "
            f"more than tolerance={tolerance:g} of their length; the largest difference is {apart[worst]:.2g} of it "
            f"(row {worst}, id {objects_of(checked[[worst]])[0]!r}). Are the ids class labels? If the rows are "
            "copies, pass a larger tolerance."
        )
    return rows[first], checked[first]
