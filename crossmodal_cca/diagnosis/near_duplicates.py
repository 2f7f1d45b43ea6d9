"""Group rows that nearly repeat each other, for folds that keep them together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import check_number
from .._sklearn import telling_where
from ..rows._validation import check_rows, check_same_rows, warn_of_other_order
from ._near_pairs import Partition, connect_near_rows


def near_duplicate_groups(X: ArrayLike, y: ArrayLike | None = None, *, threshold: float) -> NDArray[np.intp]:
    """Number the groups of rows that nearly repeat each other, to keep each group in one fold.

    Rows whose cosine is at least the threshold are connected, directly or by way of others: frames of one film, crops
    of one picture, a caption with and without a full stop. In different folds they make every held-out score too good.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_rows, n_features)
        Features of one modality. Memory maps are read in blocks.
    y : array-like or sparse matrix of shape (n_rows, n_features_y), default=None
        Features of the other modality, in the order of X. Then rows are connected that are near in X or in y.
    threshold : float in (0, 1]
        Smallest cosine of rows that count as near. Look at some pairs around it: encoders differ in what .95 means.

    Returns
    -------
    ndarray of shape (n_rows,)
        Number of each row's group, 0, 1, … in the order of their first rows: the `groups` of `CCACV.fit` and of
        scikit-learn's `GroupKFold`.

    Raises
    ------
    ValueError, TypeError
        If rows are bad, the two sides differ in length, or the threshold is out of its range.

    Warns
    -----
    UserWarning
        If X and y are dataframes with the same index labels in different orders.

    See Also
    --------
    data_report : Says whether near duplicates cross a given split, and what else is wrong.
    crossmodal_cca.metrics.deduplicate : Keeps one row of each id.

    Notes
    -----
    The answer is exact: each pair is decided in double precision unless a bound or a product in single precision leaves
    no doubt. With Q an orthonormal basis of m directions, unit rows a and b have

        aᵀb ≤ (Qᵀa)ᵀ(Qᵀb) + √(1 − ‖Qᵀa‖²) √(1 − ‖Qᵀb‖²),

    a product of m + 1 numbers a row, which rules out nearly all pairs if m is 32 to 256 directions in which the rows
    vary most. So the cost is n²(m + 1)/2 multiplications, or n²d/2 where the threshold is too low for that, and memory
    n(m + 1) numbers and some tens of megabytes; n × n numbers are never held. Sparse rows are multiplied as they are.

    A row of zeros has no direction: its cosine with any other counts as 0, and it is a group of its own. Cosines
    close to 1 throughout mean that rows lie far from zero, beside their differences: subtract the mean first. Large
    groups of rows that are not alike mean that the threshold is too low: chains connect them.

    Examples
    --------
    >>> from crossmodal_cca.diagnosis import near_duplicate_groups
    >>> frames = [[1.0, 0.0], [0.0, 1.0], [0.99, 0.01], [0.0, 2.0]]
    >>> near_duplicate_groups(frames, threshold=0.95)
    array([0, 1, 0, 1])
    """
    limit = check_number(threshold, "threshold", low=0.0, high=1.0, positive=True)
    sides: dict[str, Any] = {"X": check_rows(X, "X", accept_sparse=True)}
    if y is not None:
        sides["y"] = check_rows(y, "y", accept_sparse=True)
        check_same_rows(sides["X"].shape[0], sides["y"].shape[0])
        warn_of_other_order(X=X, y=y)
    parts = Partition(sides["X"].shape[0])
    with telling_where(X=X, y=y):
        for name, rows in sides.items():
            connect_near_rows(rows, name, limit, parts)
    return parts.numbers()
