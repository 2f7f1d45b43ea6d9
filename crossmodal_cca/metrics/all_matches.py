"""Retrieval measures of all relevant items of a query.

Each is one definition: the formula on counts, in expectation over random tie order, with the docstring of the public
function. Letters, per query and relevant item: g items score higher, t tie with it (itself included), g_r and t_r of
these are relevant; R items are relevant to the query and N are in its list.
"""

from collections.abc import Callable

import numpy as np

from .._typing import Array
from .measures import retrieval_measure
from .ranks import RelevantCounts


@retrieval_measure()
def recall_at_k(counts: RelevantCounts, *, k: int | None = 10) -> Array:
    """Share of a query's relevant items found among the first k: what information retrieval calls recall.

    Parameters
    ----------
    k : int >= 1 or None, default=10
        How many items count as found. None is the whole gallery, and so is a k larger than it.

    Notes
    -----
    Per query (1/R) Σ clip((k − g) / t, 0, 1) over its R relevant items, each with g items above and t tied
    with it (itself included): the expectation over random tie order.

    Examples
    --------
    >>> from crossmodal_cca.metrics import recall_at_k
    >>> images, captions = [[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.2, 0.9], [0.7, 0.6]]
    >>> round(recall_at_k(images, captions, k=2, query_ids=[0, 1], gallery_ids=[0, 0, 1]), 3)
    0.75
    """
    return _expected_hits(counts, k) / counts.n_relevant


@retrieval_measure()
def precision_at_k(counts: RelevantCounts, *, k: int | None = 10) -> Array:
    """Share of relevant items among the first k.

    Parameters
    ----------
    k : int >= 1 or None, default=10
        How many items count as found. None is the whole gallery, and so is a k larger than it.

    Notes
    -----
    Per query (1/k) Σ clip((k − g) / t, 0, 1) over its relevant items, each with g items above and t tied with
    it (itself included): the expectation over random tie order. As in trec_eval the divisor stays k where the
    gallery is smaller.

    Examples
    --------
    >>> from crossmodal_cca.metrics import precision_at_k
    >>> images, captions = [[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.2, 0.9], [0.7, 0.6]]
    >>> round(precision_at_k(images, captions, k=2, query_ids=[0, 1], gallery_ids=[0, 0, 1]), 3)
    0.5
    """
    return _expected_hits(counts, k) / (counts.n_gallery if k is None else k)


@retrieval_measure()
def mean_average_precision(counts: RelevantCounts, *, k: int | None = None) -> Array:
    """Mean over queries of the average precision (MAP), trec convention.

    Parameters
    ----------
    k : int >= 1 or None, default=None
        Relevant items after the first k places add nothing. None is the whole gallery, and so is a k larger
        than it.

    Notes
    -----
    Average precision is (1/R) Σ precision at the place of each relevant item among the first k; the divisor
    is the number R of relevant items in the gallery, whatever k (trec_eval; others divide by min(R, k) or by
    the number found). Expected over random tie order, each relevant item adds (a·m + (g_r + 1 − a(g + 1))
    (H_{g+m} − H_g)) / t with a = (t_r − 1)/(t − 1), m = clip(k − g, 0, t), H the harmonic numbers, g items
    above, t tied (itself included), g_r and t_r of them relevant. Chance is (R − 1)/(N − 1) (1 − H_N/N) +
    H_N/N in a gallery of N.

    Examples
    --------
    >>> from crossmodal_cca.metrics import mean_average_precision
    >>> images, captions = [[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.2, 0.9], [0.7, 0.6]]
    >>> round(mean_average_precision(images, captions, k=2, query_ids=[0, 1], gallery_ids=[0, 0, 1]), 3)
    0.5
    """
    g, g_r, k = counts.greater, counts.relevant_greater, _depth(counts, k)
    precision = (g_r + 1) / (g + 1)
    precision[g >= k] = 0.0
    tied = np.flatnonzero(counts.tied > 1)
    if len(tied):
        # The mean of (1 + relevant ones above) / j over the places j = g + 1 … g + t of an item. A share `a` of the
        # others tied with it is relevant: each place above it within the tie holds one with this probability.
        g, g_r, t, t_r = (A[tied] for A in (g, g_r, counts.tied, counts.relevant_tied))
        a, m = (t_r - 1) / (t - 1), np.clip(k - g, 0, t)
        harmonic = _cumulated(1 / np.arange(1, counts.n_gallery.max() + 1))
        precision[tied] = (a * m + (g_r + 1 - a * (g + 1)) * (harmonic[g + m] - harmonic[g])) / t
    return counts.sum_per_query(precision) / counts.n_relevant


@retrieval_measure()
def r_precision(counts: RelevantCounts) -> Array:
    """Share of relevant items among the first R, R being the query's number of relevant items.

    Notes
    -----
    Per query (1/R) Σ clip((R − g) / t, 0, 1) over its R relevant items, each with g items above and t tied
    with it (itself included). Precision and recall are equal at this place, so it needs no k.

    References
    ----------
    Manning, C. D., Raghavan, P. & Schütze, H. (2008). Introduction to Information Retrieval, section 8.4.
    Cambridge.

    Examples
    --------
    >>> from crossmodal_cca.metrics import r_precision
    >>> images, captions = [[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.2, 0.9], [0.7, 0.6]]
    >>> round(r_precision(images, captions, query_ids=[0, 1], gallery_ids=[0, 0, 1]), 3)
    0.25
    """
    shares = np.clip((counts.n_relevant[counts.query] - counts.greater) / counts.tied, 0, 1)
    return counts.sum_per_query(shares) / counts.n_relevant


def _exponential_gain(grade: Array) -> Array:
    if grade.max() > 1000:
        raise ValueError(
            f"gain='exponential' is 2^grade − 1 and overflows; the largest grade is {grade.max():g}. Rescale "
            "relevance, or use gain='linear'."
        )
    return np.asarray(np.exp2(grade) - 1)


# Gains of a grade by name.
GAINS: dict[str, Callable[[Array], Array]] = {"linear": lambda grade: grade, "exponential": _exponential_gain}


@retrieval_measure(choices={"gain": GAINS})
def ndcg_at_k(counts: RelevantCounts, *, k: int | None = None, gain: str = "linear") -> Array:
    """Normalised discounted cumulative gain (nDCG), of binary or graded relevance.

    Parameters
    ----------
    k : int >= 1 or None, default=None
        Relevant items after the first k places add nothing. None is the whole gallery, and so is a k larger
        than it.
    gain : {"linear", "exponential"}, default="linear"
        Worth of an item: its grade, or 2^grade − 1. With relevance by id all grades are 1 and both are the same. A gain
        that overflows is refused.

    Notes
    -----
    With D(m) = Σ_{r≤m} 1/log2(1 + r), a relevant item of worth w adds w (D(min(g + t, k)) − D(min(g, k))) / t, the
    expectation over random tie order; the sum is divided by that of the ideal order. Linear gain is that of Järvelin &
    Kekäläinen (2002) and of trec_eval, exponential gain that of Burges et al. (2005).

    References
    ----------
    Burges, C. et al. (2005). Learning to rank using gradient descent. ICML.

    Järvelin, K. & Kekäläinen, J. (2002). Cumulated gain-based evaluation of IR techniques. ACM TOIS 20.

    Examples
    --------
    >>> from crossmodal_cca.metrics import ndcg_at_k
    >>> images, captions = [[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.2, 0.9], [0.7, 0.6]]
    >>> round(ndcg_at_k(images, captions, k=2, query_ids=[0, 1], gallery_ids=[0, 0, 1]), 3)
    0.622
    >>> round(ndcg_at_k(images, captions, relevance=[[3, 0, 1], [0, 3, 1]], gain="exponential"), 3)
    1.0
    """
    c, g, t, k = counts, counts.greater, counts.tied, _depth(counts, k)
    discount = _cumulated(1 / np.log2(np.arange(2, c.n_gallery.max() + 2)))
    worth = np.ones(len(g)) if c.grade is None else GAINS[gain](c.grade)
    gains = c.sum_per_query(worth * (discount[np.minimum(g + t, k)] - discount[np.minimum(g, k)]) / t)
    best_first = np.lexsort((-worth, c.query))
    place = np.minimum(np.arange(len(g)) - np.repeat(np.cumsum(c.n_relevant) - c.n_relevant, c.n_relevant), k)
    ideal = c.sum_per_query(worth[best_first] * (discount[np.minimum(place + 1, k)] - discount[place]))
    # Ties within rounding are not transitive: a chain of near-ties could exceed the ideal slightly.
    return np.asarray(np.minimum(gains / ideal, 1))


def _depth(c: RelevantCounts, k: int | None) -> int:
    longest = int(c.n_gallery.max())
    return longest if k is None else min(int(k), longest)


def _expected_hits(c: RelevantCounts, k: int | None) -> Array:
    """Compute the expected number of relevant items among the first k, at most k (see `ndcg_at_k` on chains)."""
    k = _depth(c, k)
    return np.minimum(c.sum_per_query(np.clip((k - c.greater) / c.tied, 0, 1)), k)


def _cumulated(terms: Array) -> Array:
    return np.concatenate(([0.0], np.cumsum(terms)))
