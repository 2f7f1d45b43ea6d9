"""Retrieval measures that ask for all relevant items of a query.

In all of them an item is relevant by id or label, ties are resolved in expectation, and queries without a
relevant item are left out with a warning. One line each on the formulas of ``measures.py``.
"""

from typing import Any

from .measures import aggregated


def recall_at_k(
    queries: Any,
    gallery: Any,
    *,
    k: int | None = 10,
    query_ids: Any = None,
    gallery_ids: Any = None,
    relevance: Any = None,
    similarity: str = "cosine",
    exclude: Any = None,
) -> float:
    """Share of a query's relevant items found among the first k: what information retrieval calls recall.

    Parameters
    ----------
    queries, gallery : array-like of shape (n_queries, n_features) and (n_gallery, n_features)
        Scores of the two modalities in the shared space.
    k : int >= 1 or None, default=10
        How many items count as found. None is the whole gallery, and so is a k larger than it.
    query_ids, gallery_ids : array-like of shape (n_queries,) and (n_gallery,), default=None
        Ids or class labels; an item is relevant if its own equals the query's. None for both: row ``i`` to
        row ``i``.
    relevance : array-like or sparse matrix of shape (n_queries, n_gallery), default=None
        Instead of ids: an item is relevant where this is positive.
    similarity : {"cosine", "dot", "euclidean"}, default="cosine"
        Similarity that ranks the gallery.
    exclude : "self", array-like or sparse matrix of bool of shape (n_queries, n_gallery), default=None
        Items left out of a query's list, as if the gallery did not hold them: where it is True; "self": item ``i`` for
        query ``i``.

    Returns
    -------
    float
        Mean over the queries that have a relevant item, in [0, 1].

    Raises
    ------
    ValueError, TypeError
        As :func:`retrieval_ranks`; or if k is not an integer >= 1.

    Notes
    -----
    Per query (1/R) Σ clip((k − g) / t, 0, 1) over its R relevant items, each with g items above and t tied
    with it (itself included): the expectation over random tie order.

    References
    ----------
    McSherry, F. & Najork, M. (2008). Computing information retrieval performance measures efficiently in the
    presence of tied scores. ECIR.

    Examples
    --------
    >>> from crossmodal_cca.metrics import recall_at_k
    >>> images, captions = [[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.2, 0.9], [0.7, 0.6]]
    >>> round(recall_at_k(images, captions, k=2, query_ids=[0, 1], gallery_ids=[0, 0, 1]), 3)
    0.75
    """
    return aggregated(
        "recall_at_k",
        queries,
        gallery,
        k=k,
        query_ids=query_ids,
        gallery_ids=gallery_ids,
        relevance=relevance,
        similarity=similarity,
        exclude=exclude,
    )


def precision_at_k(
    queries: Any,
    gallery: Any,
    *,
    k: int | None = 10,
    query_ids: Any = None,
    gallery_ids: Any = None,
    relevance: Any = None,
    similarity: str = "cosine",
    exclude: Any = None,
) -> float:
    """Share of relevant items among the first k.

    Parameters
    ----------
    queries, gallery : array-like of shape (n_queries, n_features) and (n_gallery, n_features)
        Scores of the two modalities in the shared space.
    k : int >= 1 or None, default=10
        How many items count as found. None is the whole gallery, and so is a k larger than it.
    query_ids, gallery_ids : array-like of shape (n_queries,) and (n_gallery,), default=None
        Ids or class labels; an item is relevant if its own equals the query's. None for both: row ``i`` to
        row ``i``.
    relevance : array-like or sparse matrix of shape (n_queries, n_gallery), default=None
        Instead of ids: an item is relevant where this is positive.
    similarity : {"cosine", "dot", "euclidean"}, default="cosine"
        Similarity that ranks the gallery.
    exclude : "self", array-like or sparse matrix of bool of shape (n_queries, n_gallery), default=None
        Items left out of a query's list, as if the gallery did not hold them: where it is True; "self": item ``i`` for
        query ``i``.

    Returns
    -------
    float
        Mean over the queries that have a relevant item, in [0, 1].

    Raises
    ------
    ValueError, TypeError
        As :func:`retrieval_ranks`; or if k is not an integer >= 1.

    Notes
    -----
    Per query (1/k) Σ clip((k − g) / t, 0, 1) over its relevant items, each with g items above and t tied with
    it (itself included): the expectation over random tie order. As in trec_eval the divisor stays k where the
    gallery is smaller.

    References
    ----------
    McSherry, F. & Najork, M. (2008). Computing information retrieval performance measures efficiently in the
    presence of tied scores. ECIR.

    Examples
    --------
    >>> from crossmodal_cca.metrics import precision_at_k
    >>> images, captions = [[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.2, 0.9], [0.7, 0.6]]
    >>> round(precision_at_k(images, captions, k=2, query_ids=[0, 1], gallery_ids=[0, 0, 1]), 3)
    0.5
    """
    return aggregated(
        "precision_at_k",
        queries,
        gallery,
        k=k,
        query_ids=query_ids,
        gallery_ids=gallery_ids,
        relevance=relevance,
        similarity=similarity,
        exclude=exclude,
    )


def mean_average_precision(
    queries: Any,
    gallery: Any,
    *,
    k: int | None = None,
    query_ids: Any = None,
    gallery_ids: Any = None,
    relevance: Any = None,
    similarity: str = "cosine",
    exclude: Any = None,
) -> float:
    """Mean over queries of the average precision (MAP), trec convention.

    Parameters
    ----------
    queries, gallery : array-like of shape (n_queries, n_features) and (n_gallery, n_features)
        Scores of the two modalities in the shared space.
    k : int >= 1 or None, default=None
        Relevant items after the first k places add nothing. None is the whole gallery, and so is a k larger
        than it.
    query_ids, gallery_ids : array-like of shape (n_queries,) and (n_gallery,), default=None
        Ids or class labels; an item is relevant if its own equals the query's. None for both: row ``i`` to
        row ``i``.
    relevance : array-like or sparse matrix of shape (n_queries, n_gallery), default=None
        Instead of ids: an item is relevant where this is positive.
    similarity : {"cosine", "dot", "euclidean"}, default="cosine"
        Similarity that ranks the gallery.
    exclude : "self", array-like or sparse matrix of bool of shape (n_queries, n_gallery), default=None
        Items left out of a query's list, as if the gallery did not hold them: where it is True; "self": item ``i`` for
        query ``i``.

    Returns
    -------
    float
        Mean over the queries that have a relevant item, in [0, 1].

    Raises
    ------
    ValueError, TypeError
        As :func:`retrieval_ranks`; or if k is not an integer >= 1.

    Notes
    -----
    Average precision is (1/R) Σ precision at the place of each relevant item among the first k; the divisor
    is the number R of relevant items in the gallery, whatever k (trec_eval; others divide by min(R, k) or by
    the number found). Expected over random tie order, each relevant item adds (a·m + (g_r + 1 − a(g + 1))
    (H_{g+m} − H_g)) / t with a = (t_r − 1)/(t − 1), m = clip(k − g, 0, t), H the harmonic numbers, g items
    above, t tied (itself included), g_r and t_r of them relevant. Chance is (R − 1)/(N − 1) (1 − H_N/N) +
    H_N/N in a gallery of N.

    References
    ----------
    McSherry, F. & Najork, M. (2008). Computing information retrieval performance measures efficiently in the
    presence of tied scores. ECIR.

    Examples
    --------
    >>> from crossmodal_cca.metrics import mean_average_precision
    >>> images, captions = [[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.2, 0.9], [0.7, 0.6]]
    >>> round(mean_average_precision(images, captions, k=2, query_ids=[0, 1], gallery_ids=[0, 0, 1]), 3)
    0.5
    """
    return aggregated(
        "mean_average_precision",
        queries,
        gallery,
        k=k,
        query_ids=query_ids,
        gallery_ids=gallery_ids,
        relevance=relevance,
        similarity=similarity,
        exclude=exclude,
    )


def r_precision(
    queries: Any,
    gallery: Any,
    *,
    query_ids: Any = None,
    gallery_ids: Any = None,
    relevance: Any = None,
    similarity: str = "cosine",
    exclude: Any = None,
) -> float:
    """Share of relevant items among the first R, R being the query's number of relevant items.

    Parameters
    ----------
    queries, gallery : array-like of shape (n_queries, n_features) and (n_gallery, n_features)
        Scores of the two modalities in the shared space.
    query_ids, gallery_ids : array-like of shape (n_queries,) and (n_gallery,), default=None
        Ids or class labels; an item is relevant if its own equals the query's. None for both: row ``i`` to
        row ``i``.
    relevance : array-like or sparse matrix of shape (n_queries, n_gallery), default=None
        Instead of ids: an item is relevant where this is positive.
    similarity : {"cosine", "dot", "euclidean"}, default="cosine"
        Similarity that ranks the gallery.
    exclude : "self", array-like or sparse matrix of bool of shape (n_queries, n_gallery), default=None
        Items left out of a query's list, as if the gallery did not hold them: where it is True; "self": item ``i`` for
        query ``i``.

    Returns
    -------
    float
        Mean over the queries that have a relevant item, in [0, 1].

    Raises
    ------
    ValueError, TypeError
        As :func:`retrieval_ranks`.

    Notes
    -----
    Per query (1/R) Σ clip((R − g) / t, 0, 1) over its R relevant items, each with g items above and t tied
    with it (itself included). Precision and recall are equal at this place, so it needs no k.

    References
    ----------
    Manning, C. D., Raghavan, P. & Schütze, H. (2008). Introduction to Information Retrieval, section 8.4.
    Cambridge.

    McSherry, F. & Najork, M. (2008). Computing information retrieval performance measures efficiently in the
    presence of tied scores. ECIR.

    Examples
    --------
    >>> from crossmodal_cca.metrics import r_precision
    >>> images, captions = [[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.2, 0.9], [0.7, 0.6]]
    >>> round(r_precision(images, captions, query_ids=[0, 1], gallery_ids=[0, 0, 1]), 3)
    0.25
    """
    return aggregated(
        "r_precision",
        queries,
        gallery,
        query_ids=query_ids,
        gallery_ids=gallery_ids,
        relevance=relevance,
        similarity=similarity,
        exclude=exclude,
    )


def ndcg_at_k(
    queries: Any,
    gallery: Any,
    *,
    k: int | None = None,
    gain: str = "linear",
    query_ids: Any = None,
    gallery_ids: Any = None,
    relevance: Any = None,
    similarity: str = "cosine",
    exclude: Any = None,
) -> float:
    """Normalised discounted cumulative gain (nDCG), of binary or graded relevance.

    Parameters
    ----------
    queries, gallery : array-like of shape (n_queries, n_features) and (n_gallery, n_features)
        Scores of the two modalities in the shared space.
    k : int >= 1 or None, default=None
        Relevant items after the first k places add nothing. None is the whole gallery, and so is a k larger
        than it.
    gain : {"linear", "exponential"}, default="linear"
        Worth of an item: its grade, or 2^grade − 1. With relevance by id all grades are 1 and both are the same.
    query_ids, gallery_ids : array-like of shape (n_queries,) and (n_gallery,), default=None
        Ids or class labels; an item is relevant if its own equals the query's. None for both: row ``i`` to
        row ``i``.
    relevance : array-like or sparse matrix of shape (n_queries, n_gallery), default=None
        Instead of ids: grades >= 0, an item being relevant where they are positive.
    similarity : {"cosine", "dot", "euclidean"}, default="cosine"
        Similarity that ranks the gallery.
    exclude : "self", array-like or sparse matrix of bool of shape (n_queries, n_gallery), default=None
        Items left out of a query's list, as if the gallery did not hold them: where it is True; "self": item ``i`` for
        query ``i``.

    Returns
    -------
    float
        Mean over the queries that have a relevant item, in [0, 1].

    Raises
    ------
    ValueError, TypeError
        As :func:`retrieval_ranks`; or if k is not an integer >= 1, or the gain is unknown or overflows.

    Notes
    -----
    With D(m) = Σ_{r≤m} 1/log2(1 + r), a relevant item of worth w adds w (D(min(g + t, k)) − D(min(g, k))) / t, the
    expectation over random tie order; the sum is divided by that of the ideal order. Linear gain is that of Järvelin &
    Kekäläinen (2002) and of trec_eval, exponential gain that of Burges et al. (2005).

    References
    ----------
    Burges, C. et al. (2005). Learning to rank using gradient descent. ICML.

    Järvelin, K. & Kekäläinen, J. (2002). Cumulated gain-based evaluation of IR techniques. ACM TOIS 20.

    McSherry, F. & Najork, M. (2008). Computing information retrieval performance measures efficiently in the
    presence of tied scores. ECIR.

    Examples
    --------
    >>> from crossmodal_cca.metrics import ndcg_at_k
    >>> images, captions = [[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.2, 0.9], [0.7, 0.6]]
    >>> round(ndcg_at_k(images, captions, k=2, query_ids=[0, 1], gallery_ids=[0, 0, 1]), 3)
    0.622
    >>> round(ndcg_at_k(images, captions, relevance=[[3, 0, 1], [0, 3, 1]], gain="exponential"), 3)
    1.0
    """
    return aggregated(
        "ndcg_at_k",
        queries,
        gallery,
        k=k,
        gain=gain,
        query_ids=query_ids,
        gallery_ids=gallery_ids,
        relevance=relevance,
        similarity=similarity,
        exclude=exclude,
    )
