"""Report which queries got worse from one model to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from .._checks import check_confidence_level, check_flag
from .._ids import checked_ids, distinct_ids
from .._typing import FloatArray
from ..metrics._resampling import holm
from ..rows._validation import warn_of_other_order
from ._query_values import query_values

if TYPE_CHECKING:
    from pandas import DataFrame

# Name of the row of all queries.
ALL = "all queries"


def harm_report(
    before: ArrayLike,
    after: ArrayLike,
    *,
    by: ArrayLike | None = None,
    greater_is_better: bool = True,
    confidence_level: float = 0.95,
) -> DataFrame:
    """Report how many queries a new model makes worse, how much, and in which groups.

    A mean that rises says nothing of those who lose by it.

    Parameters
    ----------
    before, after : array-like of shape (n_queries,)
        A measure of the same queries with either model, from :func:`~crossmodal_cca.metrics.per_query`. NaN in both is
        a query without a relevant item, which is left out.
    by : array-like of shape (n_queries,), default=None
        Group of each query, such as its class, language or source.
    greater_is_better : bool, default=True
        False for ranks.
    confidence_level : float in (0, 1), default=0.95
        Confidence level of the bound.

    Returns
    -------
    DataFrame
        The first row is "all queries", then one for each group, the smallest p-value first. Columns:

        - `n_queries`;
        - `better`, `worse`, `same`: shares of them;
        - `loss`: mean loss among those that got worse, 0 if none did;
        - `difference`: mean gain over all of them, negative for a loss;
        - `worse_at_most`: exact one-sided bound of the share that gets worse among all such queries;
        - `p_value`: of the hypothesis that no more get worse than better, by the exact sign test; those of groups are
          corrected by Holm's method.

    Raises
    ------
    ValueError, TypeError
        If the values differ in number, are infinite or missing for one model only, no query is left, a group is
        called "all queries", or a parameter is out of its range.

    Warns
    -----
    UserWarning
        If the arguments have the same index labels in different orders.

    See Also
    --------
    crossmodal_cca.metrics.compare_retrieval : Says whether the mean changes.

    Notes
    -----
    Queries count as independent. The bound is that of Clopper and Pearson.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6.

    Examples
    --------
    >>> from crossmodal_cca.diagnosis import harm_report
    >>> before, after = [1, 1, 0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0, 0, 0]
    >>> harm_report(before, after, by=["long"] * 4 + ["short"] * 4)[["better", "worse", "p_value"]].round(3)
                 better  worse  p_value
    all queries    0.25    0.5    0.344
    short          0.00    1.0    0.125
    long           0.50    0.0    1.000
    """
    import pandas as pd

    check_flag(greater_is_better, "greater_is_better")
    level = check_confidence_level(confidence_level)
    warn_of_other_order(before=before, after=after, by=by)
    old, new = query_values(before, "before"), query_values(after, "after")
    if len(old) != len(new):
        raise ValueError(f"before has {len(old)} values and after has {len(new)}; they are of the same queries.")
    kept = ~np.isnan(old)
    if not np.array_equal(kept, ~np.isnan(new)):
        raise ValueError("before and after must be NaN for the same queries, those without a relevant item.")
    if not kept.any():
        raise ValueError("before and after hold no query with a relevant item.")
    gain = (new - old)[kept] * (1 if greater_is_better else -1)
    rows = {ALL: _row(gain, level)}
    if by is not None:
        names, codes = distinct_ids(checked_ids(by, "by", len(old), "before")[kept], "by")
        if ALL in names.tolist():
            raise ValueError(f"by must not call a group {ALL!r}, which is the row of all of them; rename it.")
        found = [_row(gain[codes.ravel() == i], level) for i in range(len(names))]
        corrected = holm([row["p_value"] for row in found])
        for i in np.argsort(corrected, kind="stable"):
            rows[names[i]] = found[i] | {"p_value": float(corrected[i])}
    return pd.DataFrame(list(rows.values()), index=pd.Index(list(rows), dtype=object))


def _row(gain: FloatArray, level: float) -> dict[str, float]:
    n, n_better, n_worse = len(gain), int(np.sum(gain > 0)), int(np.sum(gain < 0))
    n_changed = n_better + n_worse
    return {
        "n_queries": n,
        "better": n_better / n,
        "worse": n_worse / n,
        "same": 1 - n_changed / n,
        "loss": float(-gain[gain < 0].mean()) if n_worse else 0.0,
        "difference": float(gain.mean()),
        "worse_at_most": float(stats.beta.ppf(level, n_worse + 1, n - n_worse)) if n_worse < n else 1.0,
        "p_value": float(stats.binom.sf(n_worse - 1, n_changed, 0.5)),
    }
