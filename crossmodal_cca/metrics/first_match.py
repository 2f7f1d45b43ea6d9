"""Retrieval measures of the first relevant item of a query.

Each is one definition: the formula on counts, in expectation over random tie order, with the docstring of the public
function. Letters, at the best relevant score: g items score higher, t tie there, t_r of these are relevant.
"""

from collections.abc import Callable

import numpy as np

from .._typing import Array
from .measures import retrieval_measure
from .ranks import RelevantCounts, expected_rank


@retrieval_measure(best_only=True)
def hit_rate_at_k(counts: RelevantCounts, *, k: int | None = 10) -> Array:
    """Share of queries with a relevant item among the first k (R@k in vision–language papers).

    Parameters
    ----------
    k : int >= 1 or None, default=10
        How many items count as found. None is the whole gallery, and so is a k larger than it.

    Notes
    -----
    Expected over random tie order: with g items above the best relevant score and t tied at it, t_i of them
    irrelevant, 1 − C(t_i, s) / C(t, s) per query, s = min(k − g, t). Chance at k = 1 is R / N. Differs from
    :func:`recall_at_k` as soon as a query has several relevant items.

    Examples
    --------
    >>> from crossmodal_cca.metrics import hit_rate_at_k
    >>> images, captions = [[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.2, 0.9], [0.7, 0.6]]
    >>> round(hit_rate_at_k(images, captions, k=2, query_ids=[0, 1], gallery_ids=[0, 0, 1]), 3)
    1.0
    """
    last = np.inf if k is None else k
    return _expectation_of_first_rank(counts, lambda rank: np.asarray(rank <= last, dtype=np.float64))


@retrieval_measure(best_only=True)
def mean_reciprocal_rank(counts: RelevantCounts) -> Array:
    """Mean of 1 / rank of each query's first relevant item (MRR).

    Returns
    -------
    float
        Mean over the queries that have a relevant item, in (0, 1].

    Notes
    -----
    The expectation of 1/rank over random tie order, not 1 over the expected rank: Σ_j P(j) / (g + 1 + j) with
    P(j) = C(t − 1 − j, t_r − 1) / C(t, t_r), for g items above the best relevant score, t tied at it and t_r
    of these relevant.

    References
    ----------
    Voorhees, E. M. (1999). The TREC-8 question answering track report. TREC.

    Examples
    --------
    >>> from crossmodal_cca.metrics import mean_reciprocal_rank
    >>> images, captions = [[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.2, 0.9], [0.7, 0.6]]
    >>> round(mean_reciprocal_rank(images, captions, query_ids=[0, 1], gallery_ids=[0, 0, 1]), 3)
    0.75
    """
    return _expectation_of_first_rank(counts, lambda rank: 1.0 / rank)


@retrieval_measure(best_only=True, aggregate="median", greater_is_better=False)
def median_rank(counts: RelevantCounts) -> Array:
    """Median over queries of the expected rank of the best match (MedR); 1 is best.

    Returns
    -------
    float
        Median over the queries that have a relevant item, in [1, n_gallery].

    Notes
    -----
    The median of :func:`retrieval_ranks`. Depends on the gallery's size: chance is (n_gallery + 1) / 2 with
    one relevant item per query.

    Examples
    --------
    >>> from crossmodal_cca.metrics import median_rank
    >>> images, captions = [[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.2, 0.9], [0.7, 0.6]]
    >>> round(median_rank(images, captions, query_ids=[0, 1], gallery_ids=[0, 0, 1]), 3)
    1.5
    """
    return expected_rank(counts)


def _expectation_of_first_rank(c: RelevantCounts, value: Callable[[Array], Array]) -> Array:
    """Compute the expectation of value(rank of the first relevant item).

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
    """Yield the probabilities of j = 0 … t − t_r by recursion, since binomials of large ties would overflow."""
    j = np.arange(t - t_r)
    return np.asarray(np.cumprod(np.concatenate(([t_r / t], (t - t_r - j) / (t - 1 - j)))))
