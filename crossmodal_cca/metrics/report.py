"""Retrieval in both directions at a glance: value, interval, chance and gallery size in one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_random_state

from ._inputs import Array, RetrievalProblem, check_cutoff, prepare
from .measures import MEASURES
from .ranks import RelevantCounts, evaluate

if TYPE_CHECKING:
    import pandas as pd

# Numbers drawn at once by the bootstrap; 30,000 queries × 1000 resamples would be gigabytes.
_DRAWS_AT_ONCE = 2**21


def retrieval_report(
    x_scores: Any,
    y_scores: Any,
    *,
    x_ids: Any = None,
    y_ids: Any = None,
    ks: Sequence[int] = (1, 5, 10),
    metric: str = "cosine",
    n_bootstrap: int = 1000,
    confidence_level: float = 0.95,
    random_state: Any = None,
) -> pd.DataFrame:
    """Retrieval metrics in both directions, with bootstrap intervals and the level of chance.

    Parameters
    ----------
    x_scores : array-like of shape (n_x, n_features)
        Scores of the first modality in the shared space.
    y_scores : array-like of shape (n_y, n_features)
        Scores of the second modality.
    x_ids, y_ids : array-like of shape (n_x,) and (n_y,), default=None
        Ids or class labels; items with equal ones are relevant to each other. None for both: row ``i`` to row
        ``i``.
    ks : sequence of int >= 1, default=(1, 5, 10)
        Cut-offs of the hit rate; one larger than the gallery means all of it.
    metric : {"cosine", "dot", "euclidean"}, default="cosine"
        Similarity that ranks the gallery.
    n_bootstrap : int >= 0, default=1000
        Resamples of the queries; 0 leaves the intervals NaN.
    confidence_level : float in (0, 1), default=0.95
        Share of the resamples inside the interval.
    random_state : int, RandomState instance or None, default=None
        Seed of the resamples.

    Returns
    -------
    DataFrame of shape (2 * (len(ks) + 3), 6)
        Rows: ``("x → y" | "y → x", metric)``, the direction being query → gallery, the metrics
        ``hit_rate_at_<k>``, ``mean_reciprocal_rank``, ``mean_average_precision`` (whole list) and
        ``median_rank``. Columns: ``value``; ``low`` and ``high`` ends of the interval; ``chance``, what a
        constant similarity scores; ``n_queries`` that have a relevant item; ``n_gallery``.

    Raises
    ------
    ValueError, TypeError
        As :func:`retrieval_ranks`; or if one of the other parameters is out of its range.

    Notes
    -----
    Intervals are percentiles over resampled queries, the gallery being fixed, and treat the queries as
    independent: too narrow where several of them share one image or one author. Chance is exact for this
    gallery and these ids, but a fitted model can beat it on permuted pairs: refit on those for the honest
    null.

    References
    ----------
    Efron, B. & Tibshirani, R. J. (1993). An Introduction to the Bootstrap. Chapman & Hall.

    Examples
    --------
    >>> import numpy as np
    >>> from crossmodal_cca.metrics import retrieval_report
    >>> x = np.random.default_rng(0).normal(size=(50, 8))
    >>> report = retrieval_report(x, x + 0.1, ks=(1, 5), random_state=0)
    >>> report.loc[("x → y", "hit_rate_at_5"), ["value", "chance", "n_gallery"]].round(3).tolist()
    [1.0, 0.1, 50.0]
    """
    import pandas as pd

    _check_parameters(ks, n_bootstrap, confidence_level)
    rng = check_random_state(random_state)
    forth = prepare(x_scores, y_scores, x_ids, y_ids, metric)
    back = prepare(y_scores, x_scores, y_ids, x_ids, metric)
    tables = {
        direction: pd.DataFrame(_columns(problem, ks, n_bootstrap, confidence_level, rng))
        for direction, problem in (("x → y", forth), ("y → x", back))
    }
    return pd.concat(tables, names=["direction"]).set_index("metric", append=True).droplevel(1)


def _check_parameters(ks: Sequence[int], n_bootstrap: int, confidence_level: float) -> None:
    if np.ndim(ks) != 1 or len(set(ks)) < len(ks) or None in ks:
        raise ValueError(f"ks must be a sequence of different integers >= 1, such as (1, 5, 10); got {ks!r}.")
    for k in ks:
        check_cutoff(k)
    if isinstance(n_bootstrap, bool) or not isinstance(n_bootstrap, int | np.integer) or n_bootstrap < 0:
        raise ValueError(f"n_bootstrap must be an integer >= 0, got {n_bootstrap!r}.")
    if not 0 < confidence_level < 1:
        raise ValueError(f"confidence_level must be in (0, 1), got {confidence_level!r}.")


def _columns(
    problem: RetrievalProblem,
    ks: Sequence[int],
    n_bootstrap: int,
    confidence_level: float,
    rng: np.random.RandomState,
) -> dict[str, Any]:
    """Columns of one direction's table, from one walk over its queries."""
    hit_rate = MEASURES["hit_rate_at_k"]
    others = ("mean_reciprocal_rank", "mean_average_precision", "median_rank")
    names = [f"hit_rate_at_{k}" for k in ks] + list(others)
    reducers = [hit_rate.reducer(k) for k in ks] + [MEASURES[name].reducer() for name in others]
    aggregates = [hit_rate.aggregate] * len(ks) + [MEASURES[name].aggregate for name in others]

    n_relevant, n_gallery = problem.last - problem.first, len(problem.gallery)
    values = evaluate(problem, reducers, best_only=False)[:, problem.kept]
    counts, case = _counts_of_chance(n_relevant, n_gallery)
    chances = [reduce(counts)[case] for reduce in reducers]
    low, high = _bootstrap_intervals(values, aggregates, n_bootstrap, confidence_level, rng)
    return {
        "metric": names,
        "value": [aggregate(value) for aggregate, value in zip(aggregates, values, strict=True)],
        "low": low,
        "high": high,
        "chance": [aggregate(chance) for aggregate, chance in zip(aggregates, chances, strict=True)],
        "n_queries": len(n_relevant),
        "n_gallery": n_gallery,
    }


def _counts_of_chance(n_relevant: Array, n_gallery: int) -> tuple[RelevantCounts, Array]:
    """Counts under a constant similarity, a query per distinct n_relevant, and the case of each query."""
    cases, case = np.unique(n_relevant, return_inverse=True)
    query = np.repeat(np.arange(len(cases)), cases)
    nothing, everything = np.zeros_like(query), np.full_like(query, n_gallery)
    return RelevantCounts(query, nothing, everything, nothing, cases[query], cases, n_gallery), case


def _bootstrap_intervals(
    values: Array,
    aggregates: Sequence[Any],
    n_bootstrap: int,
    confidence_level: float,
    rng: np.random.RandomState,
) -> tuple[Array, Array]:
    """Percentile intervals of each row's aggregate over resampled columns, the same columns for every row."""
    n_measures, n_queries = values.shape
    if n_bootstrap == 0:
        return np.full(n_measures, np.nan), np.full(n_measures, np.nan)
    resampled = np.empty((n_measures, n_bootstrap))
    step = max(1, _DRAWS_AT_ONCE // n_queries)
    for start in range(0, n_bootstrap, step):
        stop = min(start + step, n_bootstrap)
        drawn = rng.randint(n_queries, size=(stop - start, n_queries))
        for row, value, aggregate in zip(resampled, values, aggregates, strict=True):
            row[start:stop] = aggregate(value[drawn], axis=1)
    tail = (1 - confidence_level) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail], axis=1)
    return low, high
