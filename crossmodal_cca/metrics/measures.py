"""Every retrieval metric as a formula on counts: one value per query, in expectation over random tie order.

Letters, per query and relevant item: g items score higher, t tie with it (itself included), g_r and t_r of
these are relevant; R items are relevant to the query and N are in the gallery. To add a metric, write its
formula here, add a row to ``MEASURES`` and a public function beside the others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from ._inputs import Array, check_cutoff, prepare
from .ranks import RelevantCounts, evaluate, expected_rank

Cutoff = int | None | Literal["default"]


@dataclass(frozen=True)
class Measure:
    """A formula, how its values per query become one number, and what it needs."""

    formula: Callable[..., Array]
    best_only: bool = False
    aggregate: Callable[..., Any] = np.mean
    default_k: int | Literal["no k"] | None = "no k"

    def reducer(self, k: Cutoff = "default") -> Callable[[RelevantCounts], Array]:
        """The formula with its ``k`` filled in."""
        if self.default_k == "no k":
            if k != "default":
                raise TypeError(f"This metric takes no k, got k={k!r}.")
            return self.formula
        k = self.default_k if k == "default" else k
        check_cutoff(k)
        return partial(self.formula, k=k)


def _hit_rate(c: RelevantCounts, k: int | None) -> Array:
    """Probability that the first relevant item has rank <= k."""
    last = _depth(c, k)
    return _expectation_of_first_rank(c, lambda rank: np.asarray(rank <= last, dtype=np.float64))


def _reciprocal_rank(c: RelevantCounts) -> Array:
    return _expectation_of_first_rank(c, lambda rank: 1.0 / rank)


def _recall(c: RelevantCounts, k: int | None) -> Array:
    return _expected_hits(c, k) / c.n_relevant


def _precision(c: RelevantCounts, k: int | None) -> Array:
    # Divided by k even if the gallery is smaller, as trec_eval does.
    return _expected_hits(c, k) / (c.n_gallery if k is None else k)


def _r_precision(c: RelevantCounts) -> Array:
    shares = np.clip((c.n_relevant[c.query] - c.greater) / c.tied, 0, 1)
    return c.sum_per_query(shares) / c.n_relevant


def _average_precision(c: RelevantCounts, k: int | None) -> Array:
    """Per relevant item, the mean of (1 + relevant ones above) / j over its places j = g + 1 … g + t."""
    g, t, k = c.greater, c.tied, _depth(c, k)
    # Of the others tied with it, the share that is relevant: each place above it within the tie holds one
    # with this chance.
    a = (c.relevant_tied - 1) / np.maximum(t - 1, 1)
    m = np.clip(k - g, 0, t)
    harmonic = _cumulated(1 / np.arange(1, c.n_gallery + 1))
    precision = (a * m + (c.relevant_greater + 1 - a * (g + 1)) * (harmonic[g + m] - harmonic[g])) / t
    return c.sum_per_query(precision) / c.n_relevant


def _ndcg(c: RelevantCounts, k: int | None) -> Array:
    """Gains 1/log2(1 + rank), averaged over the places of a tie, over those of the ideal order."""
    g, t, k = c.greater, c.tied, _depth(c, k)
    discount = _cumulated(1 / np.log2(np.arange(2, c.n_gallery + 2)))
    gains = c.sum_per_query((discount[np.minimum(g + t, k)] - discount[np.minimum(g, k)]) / t)
    ideal = discount[np.minimum(c.n_relevant, k)]
    # Ties by tolerance are not transitive: a chain of near-ties could exceed the ideal by a hair.
    return np.asarray(np.minimum(gains / ideal, 1))


def _depth(c: RelevantCounts, k: int | None) -> int:
    return c.n_gallery if k is None else min(int(k), c.n_gallery)


def _expected_hits(c: RelevantCounts, k: int | None) -> Array:
    """Expected number of relevant items among the first k, at most k (see `_ndcg` on chains)."""
    k = _depth(c, k)
    return np.minimum(c.sum_per_query(np.clip((k - c.greater) / c.tied, 0, 1)), k)


def _expectation_of_first_rank(c: RelevantCounts, value: Callable[[Array], Array]) -> Array:
    """Expectation of value(rank of the first relevant item).

    Within a tie that item has j = 0 … t − t_r others before it with probability C(t−1−j, t_r−1) / C(t, t_r).
    """
    g, t, t_r = c.best()
    expectation = value(g + 1)
    mixed = np.flatnonzero(t > t_r)
    cases, case = np.unique(np.stack((g, t, t_r))[:, mixed], axis=1, return_inverse=True)
    values = [value(g + 1 + np.arange(t - t_r + 1)) @ _first_in_tie(t, t_r) for g, t, t_r in cases.T]
    if values:
        expectation[mixed] = np.array(values)[case.ravel()]
    return expectation


def _first_in_tie(t: int, t_r: int) -> Array:
    """Probabilities of j = 0 … t − t_r, each from the one before: binomials of large ties would overflow."""
    j = np.arange(t - t_r)
    return np.asarray(np.cumprod(np.concatenate(([t_r / t], (t - t_r - j) / (t - 1 - j)))))


def _cumulated(terms: Array) -> Array:
    return np.concatenate(([0.0], np.cumsum(terms)))


MEASURES: dict[str, Measure] = {
    "hit_rate_at_k": Measure(_hit_rate, best_only=True, default_k=10),
    "recall_at_k": Measure(_recall, default_k=10),
    "precision_at_k": Measure(_precision, default_k=10),
    "mean_reciprocal_rank": Measure(_reciprocal_rank, best_only=True),
    "median_rank": Measure(expected_rank, best_only=True, aggregate=np.median),
    "mean_average_precision": Measure(_average_precision, default_k=None),
    "r_precision": Measure(_r_precision),
    "ndcg_at_k": Measure(_ndcg, default_k=None),
}


def per_query(
    measure: str | Callable[..., float],
    /,
    queries: Any,
    gallery: Any,
    *,
    k: Cutoff = "default",
    query_ids: Any = None,
    gallery_ids: Any = None,
    metric: str = "cosine",
) -> Array:
    """Value of a retrieval metric for every single query.

    Parameters
    ----------
    measure : str or callable
        One of this package's metrics or its name, such as ``"mean_average_precision"``; by position only.
    queries, gallery : array-like of shape (n_queries, n_features) and (n_gallery, n_features)
        Scores of the two modalities in the shared space.
    k : int >= 1 or None, default="default"
        For metrics that take it; ``"default"`` is the metric's own default.
    query_ids, gallery_ids : array-like of shape (n_queries,) and (n_gallery,), default=None
        Ids or class labels; an item is relevant if its own equals the query's. None for both: row ``i`` to
        row ``i``.
    metric : {"cosine", "dot", "euclidean"}, default="cosine"
        Similarity that ranks the gallery.

    Returns
    -------
    ndarray of shape (n_queries,)
        NaN for a query without a relevant item. The mean of the others (for the median rank: the median) is
        the metric.

    Raises
    ------
    ValueError, TypeError
        As :func:`retrieval_ranks`; or if the measure is unknown or takes no k.

    Notes
    -----
    Compare two models on the same queries through the differences of these values: they are paired, so their
    interval is far narrower than the two single ones suggest.

    Examples
    --------
    >>> from crossmodal_cca.metrics import per_query
    >>> images, captions = [[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.2, 0.9], [0.7, 0.6]]
    >>> per_query("mean_reciprocal_rank", images, captions, query_ids=[0, 1], gallery_ids=[0, 0, 1])
    array([1. , 0.5])
    """
    name = measure if isinstance(measure, str) else getattr(measure, "__name__", repr(measure))
    if name not in MEASURES:
        raise ValueError(f"measure must be one of {sorted(MEASURES)} or the function of that name, got {measure!r}.")
    reducer = MEASURES[name].reducer(k)
    problem = prepare(queries, gallery, query_ids, gallery_ids, metric)
    return np.asarray(evaluate(problem, [reducer], best_only=MEASURES[name].best_only)[0])


def aggregated(
    name: str,
    queries: Any,
    gallery: Any,
    query_ids: Any,
    gallery_ids: Any,
    metric: str,
    k: Cutoff = "default",
) -> float:
    """One number over the queries that have a relevant item."""
    values = per_query(name, queries, gallery, k=k, query_ids=query_ids, gallery_ids=gallery_ids, metric=metric)
    return float(MEASURES[name].aggregate(values[~np.isnan(values)]))
