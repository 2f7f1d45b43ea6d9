"""Find slices of queries that fare worse or better than the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import check_random_state, check_whole_number, check_whole_numbers
from .._ids import checked_ids, distinct_ids
from .._similarity import unit_of
from .._sklearn import check_array, column_names, count_rows
from .._typing import FloatArray
from ..inference._exchange import Exchange
from ..metrics._resampling import holm
from ..rows._validation import refuse_other_order, warn_of_other_order
from ._query_values import query_values
from ._slices import Comparison, chosen, clusters, compared, half_of, nearest_names, with_common_sizes

if TYPE_CHECKING:
    from pandas import DataFrame

# Rows, or groups, of which neither half says enough if there are fewer.
FEWEST = 40
# Level that the smallest p-value must be able to reach after the correction.
LEVEL = 0.05


def find_slices(
    embeddings: ArrayLike,
    outcome: ArrayLike,
    *,
    names: ArrayLike | None = None,
    descriptions: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    n_clusters: Sequence[int] = (5, 10, 20),
    max_slices: int = 5,
    n_names: int = 3,
    n_permutations: int = 999,
    random_state: Any = None,
) -> DataFrame:
    """Find neighbourhoods of rows with an outcome unlike the others', test them on other rows, and name them.

    Which queries fail, and what have they in common? Slices are found on one half of the rows and tested on the other,
    so that a search among many does not make p-values small.

    Parameters
    ----------
    embeddings : array-like of shape (n_rows, n_features)
        Where each row lies, such as scores of the queries in the shared space. Neighbourhoods are by the euclidean
        distance: scale rows to unit length if their lengths mean nothing.
    outcome : array-like of shape (n_rows,)
        A number for each row: 1 for an error and 0 for none, or any measure from
        :func:`~crossmodal_cca.metrics.per_query`, or the difference of two models. NaN is a row that is left out.
    names : array-like of shape (n_descriptions,) or (n_rows,), default=None
        Texts or ids of the descriptions, or of the rows if there are no descriptions. None for their numbers.
    descriptions : array-like of shape (n_descriptions, n_features), default=None
        Rows that name slices, in the same space: scores of captions, class names or a gallery. None: a slice is named
        by its own rows.
    groups : array-like of shape (n_rows,), default=None
        Rows that are not independent, such as frames of a film: never in different halves, and exchanged as a whole.
    n_clusters : sequence of int >= 2, default=(5, 10, 20)
        Numbers of clusters that slices are found among.
    max_slices : int >= 1, default=5
        Slices that are tested, at most.
    n_names : int >= 1, default=3
        Names of a slice.
    n_permutations : int, default=999
        Random exchanges, at least 20 · max_slices − 1: the smallest p-value after the correction is then .05.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the halves, the clusters and the exchanges.

    Returns
    -------
    DataFrame of shape (n_slices, 10)
        One row a slice, the smallest p-value first. A slice counts as found if its `p_value` is small; the others are
        only where one half differed most. Columns:

        - `n_rows`: rows in the slice, of both halves;
        - `n_tested`: those of the other half, which all that follows is of;
        - `outcome`, `outside`: mean outcome in the slice and outside of it;
        - `difference`: the first minus the second;
        - `effect`: the difference in standard deviations of the outcome;
        - `p_uncorrected`: two-sided, by exchanging rows or whole groups;
        - `p_value`: corrected for the number of slices by Holm's method;
        - `names`: tuple of the nearest names;
        - `rows`: positions of the rows of the slice, of both halves.

    Raises
    ------
    ValueError, TypeError
        If rows, names or groups are bad or differ in number, descriptions have other features than embeddings, outcome
        is infinite or the same everywhere, fewer than 40 rows or groups have an outcome, or a parameter is out of its
        range.

    Warns
    -----
    UserWarning
        If embeddings, outcome or groups, or names and what they name, have the same index labels in different orders.

    See Also
    --------
    harm_report : Tests groups that are known beforehand.
    crossmodal_cca.metrics.per_query : One number for each query.

    Notes
    -----
    k-means with 5, 10 and 20 clusters on one half; of all clusters those whose mean outcome is the most standard errors
    away, without any that shares more than half of its rows with a better one. Rows of the other half belong to the
    nearest centre. There

        S = Σ (outcome − mean outcome) over the slice,
        p = (1 + #{exchanges with S′² ≥ S²}) / (1 + n_permutations).

    Groups are exchanged with others of their size, to which the larger of each ten are cut at random for the test.

    A slice is named by the texts whose direction from the mean of all descriptions is nearest to that of the slice from
    the mean of all rows, so that a distance between the modalities plays no part.

    References
    ----------
    Eyuboglu, S. et al. (2022). Domino: Discovering systematic errors with cross-modal embeddings. ICLR.

    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6.

    Examples
    --------
    >>> import numpy as np
    >>> from crossmodal_cca.diagnosis import find_slices
    >>> rng = np.random.default_rng(0)
    >>> scores = rng.standard_normal((1000, 5))
    >>> scores[:200, 0] += 6
    >>> error = rng.random(1000) < np.where(np.arange(1000) < 200, 0.6, 0.2)
    >>> texts = [[6, 0, 0, 0, 0], [0, 6, 0, 0, 0], [0, 0, 6, 0, 0]]
    >>> slices = find_slices(
    ...     scores, error, names=["night", "day", "dusk"], descriptions=texts, n_names=1, random_state=0
    ... )
    >>> slices.loc[0, "names"], bool(slices.loc[0, "p_value"] < 0.05), bool(slices.loc[0, "difference"] > 0.2)
    (('night',), True, True)
    >>> bool(np.mean(slices.loc[0, "rows"] < 200) > 0.9)
    True
    """
    numbers = check_whole_numbers(n_clusters, "n_clusters", low=2)
    if not numbers:
        raise ValueError(f"n_clusters must hold at least one number, such as (5, 10, 20); got {n_clusters!r}.")
    max_slices, n_names = check_whole_number(max_slices, "max_slices"), check_whole_number(n_names, "n_names")
    n_permutations = check_whole_number(n_permutations, "n_permutations", low=round(max_slices / LEVEL) - 1)
    rng = check_random_state(random_state)
    rows, o, codes, kept = _checked(embeddings, outcome, groups)
    texts, labels = _checked_names(names, descriptions, embeddings, rows.shape[1], len(kept))
    found = half_of(codes, rng)
    candidates = clusters(rows, found, numbers, rng)
    # Rows of the test: the other half, in groups that have others of their size.
    others = np.flatnonzero(~found)
    others = others[with_common_sizes(np.unique(codes[others], return_inverse=True)[1].ravel(), rng)]
    # A unit in which squares neither overflow nor vanish, as that of the rows.
    unit = unit_of(o)
    slices = chosen(candidates, found, others, o / unit, max_slices)
    exchange = Exchange.within(len(others), codes[others], None)
    result = compared(slices[others], o[others] / unit, exchange, n_permutations, rng)
    positions = np.flatnonzero(kept)
    directions = np.array([rows[own].mean(axis=0) for own in slices.T]).reshape(-1, rows.shape[1]) - rows.mean(axis=0)
    if texts is None:
        called = nearest_names(directions, rows, labels[kept], slices, n_names)
    else:
        called = nearest_names(directions, texts, labels, None, n_names)
    return _table(result, unit, called, [positions[own] for own in slices.T])


def _checked(
    embeddings: ArrayLike, outcome: ArrayLike, groups: ArrayLike | None
) -> tuple[FloatArray, FloatArray, NDArray[np.intp], NDArray[np.bool_]]:
    """Return the rows with an outcome, their outcomes and numbers of groups, and which of all rows they are."""
    warn_of_other_order(embeddings=embeddings, outcome=outcome, groups=groups)
    rows: FloatArray = check_array(embeddings, dtype=np.float64, input_name="embeddings")
    o = query_values(outcome, "outcome")
    if len(o) != len(rows):
        raise ValueError(f"embeddings has {len(rows)} rows and outcome has {len(o)} values; there is one for each row.")
    kept = ~np.isnan(o)
    codes = np.arange(kept.sum())
    if groups is not None:
        codes = distinct_ids(checked_ids(groups, "groups", len(o), "embeddings")[kept], "groups")[1].ravel()
    n_units, units = len(np.unique(codes)), "rows of embeddings" if groups is None else "groups"
    if n_units < FEWEST:
        raise ValueError(
            f"Slices are found on one half and tested on the other, which takes at least {FEWEST} {units} with an "
            f"outcome; got {n_units}."
        )
    o, rows = o[kept], rows[kept] / unit_of(np.median(np.abs(rows), axis=0))
    if o.min() == o.max():
        raise ValueError(f"outcome must differ between rows; it is {o[0]:g} for all {len(o)}, so nothing fares worse.")
    if not (rows != rows[0]).any():
        raise ValueError(f"embeddings must differ between rows; all {len(rows)} are the same.")
    return rows, o, codes, kept


def _checked_names(
    names: ArrayLike | None, descriptions: ArrayLike | None, embeddings: ArrayLike, n_features: int, n_rows: int
) -> tuple[FloatArray | None, NDArray[Any]]:
    """Return the descriptions, if any, and the names of these or of the rows."""
    texts = None
    if descriptions is not None:
        texts = check_array(descriptions, dtype=np.float64, input_name="descriptions")
        if texts.shape[1] != n_features:
            raise ValueError(
                f"descriptions has {texts.shape[1]} features and embeddings has {n_features}; both must lie in one "
                "space. Pass the scores of texts in the shared space."
            )
        refuse_other_order(embeddings=column_names(embeddings), descriptions=column_names(descriptions))
        warn_of_other_order(descriptions=descriptions, names=names)
    else:
        warn_of_other_order(embeddings=embeddings, names=names)
    n_texts = n_rows if descriptions is None else count_rows(descriptions, "descriptions")
    if names is None:
        return texts, np.arange(n_texts)
    return texts, checked_ids(names, "names", n_texts, "embeddings" if texts is None else "descriptions")


def _table(result: Comparison, unit: float, names: list[tuple[Any, ...]], rows: list[NDArray[np.intp]]) -> DataFrame:
    import pandas as pd

    difference = result.inside - result.outside
    table = pd.DataFrame(
        {
            "n_rows": np.array([len(own) for own in rows], dtype=np.intp),
            "n_tested": result.n_rows,
            "outcome": result.inside * unit,
            "outside": result.outside * unit,
            "difference": difference * unit,
            "effect": difference / result.deviation if result.deviation else np.zeros(len(rows)),
            "p_uncorrected": result.p,
            "p_value": holm(list(result.p)),
        }
    )
    table["names"], table["rows"] = pd.Series(names, dtype=object), pd.Series(rows, dtype=object)
    order = np.lexsort((-np.abs(table["effect"]), table["p_uncorrected"]))
    return table.iloc[order].reset_index(drop=True)
