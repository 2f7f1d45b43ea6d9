"""Report what is wrong with two tables before anything is fitted."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

from .._checks import check_number, check_whole_number
from ..alignment._splits import SEED_OF_FOLDS, folds_of
from ._findings import table_of
from ._matching import ids_of
from ._near_copies import Separated
from ._of_pairs import findings_of_pairs
from ._of_side import findings_of_side
from ._side import side_of
from ._table_columns import columns_of

if TYPE_CHECKING:
    import pandas as pd


def data_report(
    X: Any,
    y: Any,
    *,
    x_ids: Any = None,
    y_ids: Any = None,
    groups: Any = None,
    cv: Any = None,
    threshold: float = 0.99,
) -> pd.DataFrame:
    """Report what is wrong with the rows of two modalities before anything is fitted, and what to do about it.

    Bad values are findings, not errors: rows may hold NaN, text or copies, and the two sides may differ in length.

    Parameters
    ----------
    X : array-like, sparse matrix or dataframe of shape (n_rows, n_features)
        Rows of one modality. Memory maps are read in blocks.
    y : array-like, sparse matrix or dataframe of shape (n_rows_y, n_features_y) or (n_rows_y,)
        Rows of the other.
    x_ids, y_ids : array-like of shape (n_rows,) and (n_rows_y,), default=None
        Id of the item of each row of either side; rows of equal ids are pairs. Unless both are given, row i of X
        belongs to row i of y.
    groups : array-like of shape (n_rows,), default=None
        Group of each row; a split keeps the rows of a group together.
    cv : int, splitter or list of (train, test) positions, default=None
        The split; a splitter gets the `groups`. With a number and no groups, folds are shuffled; with a number and
        groups, rows of different groups count as separated.
    threshold : float in (0, 1], default=0.99
        Smallest cosine of rows that nearly repeat each other.

    Returns
    -------
    DataFrame
        One row a finding, the worst first, with the columns

        - `check`: "missing", "infinite", "type", "columns", "id column", "constant columns", "scale", "rank",
          "zero rows", "repeated rows", "near duplicates", "split", "ids", "several rows", "order", "rows",
          "repeated pairs", "pairs", "pairs and features", and always "size";
        - `side`: "X", "y" or "pairs";
        - `severity`: "error" (a fit would refuse it, or its figures would be wrong), "warning" (look at it) or "note";
        - `value`: the number of values, rows or columns, the position of an id column, or another figure that `what`
          explains;
        - `what` and `what_to_do`, in words. Rows and unnamed columns are counted from 0.

    Raises
    ------
    TypeError, ValueError
        If data cannot be checked: no table of rows, a lazy one, no row or column of numbers, complex numbers, or ids
        and groups that are invalid or of another length.

    See Also
    --------
    near_duplicate_groups : Groups that keep near duplicates in one fold.
    crossmodal_cca.inference.required_samples : Estimates how many pairs a stable shared space takes.

    Notes
    -----
    Every row is read for values, columns and exact copies. Near copies are pairs of rows with cosine ≥ threshold, of
    features scaled to mean 0 and deviation 1 (of sparse rows as they are), where at least 10 features vary: as many
    rows beside all others as make 4 · 10⁸ pairs (all of 20,000 rows, 400 of a million), spread evenly. If fewer than
    a twentieth of the rows of a side differ, they are labels. The rank is that of the correlation matrix of at
    most 2,048 features and four rows for each and 4,096 more, to a variance of 10⁻¹² of the largest. Memory is that of
    blocks, of one such matrix, and of some hundred bytes a row; sparse rows are copied.

    Examples
    --------
    >>> import numpy as np
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.diagnosis import data_report
    >>> X, y = make_paired_latent(200, 4, 3, correlations=(0.9,), random_state=0)
    >>> X[7, 2] = np.nan
    >>> report = data_report(np.column_stack([np.arange(200), X]), y)
    >>> report[["check", "side", "severity"]]
                    check   side severity
    0             missing      X    error
    1           id column      X    error
    2                size      X     note
    3                size      y     note
    4  pairs and features  pairs     note
    >>> print(report.what[1])
    column 0 counts the rows; its first values are 0, 1, 2
    """
    limit = check_number(threshold, "threshold", low=0.0, high=1.0, positive=True)
    columns = {"X": columns_of(X, "X"), "y": columns_of(y, "y")}
    sides = {name: side_of(each.rows, each.names) for name, each in columns.items()}
    n_rows = sides["X"].n_rows
    ids = ids_of({"x_ids": x_ids, "y_ids": y_ids}, {"x_ids": n_rows, "y_ids": sides["y"].n_rows})
    split = _split(cv, groups, n_rows)
    findings = [finding for each in columns.values() for finding in each.findings]
    for name, side in sides.items():
        findings += findings_of_side(side, name, limit, split)
    findings += findings_of_pairs(sides["X"], sides["y"], X, y, ids, split)
    return table_of(findings)


def _split(cv: Any, groups: Any, n_rows: int) -> Separated | None:
    """Find which rows are separated, by the folds or else by the groups."""
    import numpy as np

    by_groups = None if groups is None else Separated.by_groups(groups, n_rows)
    if isinstance(cv, Integral):
        n_folds = check_whole_number(cv, "cv", low=2)
        if by_groups is not None:
            return by_groups
        from sklearn.model_selection import KFold

        cv = KFold(n_folds, shuffle=True, random_state=SEED_OF_FOLDS)
    if cv is None:
        return by_groups
    rows = np.zeros((n_rows, 1))
    splits = folds_of(cv, rows, None, groups)
    return Separated.by_splits(splits, n_rows) if splits else by_groups
