"""Retrieval measures that ask how soon the first relevant item comes.

In all of them an item is relevant by id or label, ties are resolved in expectation, and queries without a
relevant item are left out with a warning. One line each on the formulas of ``measures.py``.
"""

from typing import Any

from .measures import aggregated


def hit_rate_at_k(
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
    """Share of queries with a relevant item among the first k: what vision–language papers call R@k.

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
    Expected over random tie order: with g items above the best relevant score and t tied at it, t_i of them
    irrelevant, 1 − C(t_i, s) / C(t, s) per query, s = min(k − g, t). Chance at k = 1 is R / N. Differs from
    :func:`recall_at_k` as soon as a query has several relevant items.

    References
    ----------
    McSherry, F. & Najork, M. (2008). Computing information retrieval performance measures efficiently in the
    presence of tied scores. ECIR.

    Examples
    --------
    >>> from crossmodal_cca.metrics import hit_rate_at_k
    >>> images, captions = [[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.2, 0.9], [0.7, 0.6]]
    >>> round(hit_rate_at_k(images, captions, k=2, query_ids=[0, 1], gallery_ids=[0, 0, 1]), 3)
    1.0
    """
    return aggregated(
        "hit_rate_at_k",
        queries,
        gallery,
        k=k,
        query_ids=query_ids,
        gallery_ids=gallery_ids,
        relevance=relevance,
        similarity=similarity,
        exclude=exclude,
    )


def mean_reciprocal_rank(
    queries: Any,
    gallery: Any,
    *,
    query_ids: Any = None,
    gallery_ids: Any = None,
    relevance: Any = None,
    similarity: str = "cosine",
    exclude: Any = None,
) -> float:
    """Mean of 1 / rank of each query's first relevant item (MRR).

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
        Mean over the queries that have a relevant item, in (0, 1].

    Raises
    ------
    ValueError, TypeError
        As :func:`retrieval_ranks`.

    Notes
    -----
    The expectation of 1/rank over random tie order, not 1 over the expected rank: Σ_j P(j) / (g + 1 + j) with
    P(j) = C(t − 1 − j, t_r − 1) / C(t, t_r), for g items above the best relevant score, t tied at it and t_r
    of these relevant.

    References
    ----------
    Voorhees, E. M. (1999). The TREC-8 question answering track report. TREC.

    McSherry, F. & Najork, M. (2008). Computing information retrieval performance measures efficiently in the
    presence of tied scores. ECIR.

    Examples
    --------
    >>> from crossmodal_cca.metrics import mean_reciprocal_rank
    >>> images, captions = [[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.2, 0.9], [0.7, 0.6]]
    >>> round(mean_reciprocal_rank(images, captions, query_ids=[0, 1], gallery_ids=[0, 0, 1]), 3)
    0.75
    """
    return aggregated(
        "mean_reciprocal_rank",
        queries,
        gallery,
        query_ids=query_ids,
        gallery_ids=gallery_ids,
        relevance=relevance,
        similarity=similarity,
        exclude=exclude,
    )


def median_rank(
    queries: Any,
    gallery: Any,
    *,
    query_ids: Any = None,
    gallery_ids: Any = None,
    relevance: Any = None,
    similarity: str = "cosine",
    exclude: Any = None,
) -> float:
    """Median over queries of the expected rank of the best match (MedR); 1 is best.

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
        Median over the queries that have a relevant item, in [1, n_gallery].

    Raises
    ------
    ValueError, TypeError
        As :func:`retrieval_ranks`.

    Notes
    -----
    The median of :func:`retrieval_ranks`. Depends on the gallery's size: chance is (n_gallery + 1) / 2 with
    one relevant item per query.

    References
    ----------
    McSherry, F. & Najork, M. (2008). Computing information retrieval performance measures efficiently in the
    presence of tied scores. ECIR.

    Examples
    --------
    >>> from crossmodal_cca.metrics import median_rank
    >>> images, captions = [[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.2, 0.9], [0.7, 0.6]]
    >>> round(median_rank(images, captions, query_ids=[0, 1], gallery_ids=[0, 0, 1]), 3)
    1.5
    """
    return aggregated(
        "median_rank",
        queries,
        gallery,
        query_ids=query_ids,
        gallery_ids=gallery_ids,
        relevance=relevance,
        similarity=similarity,
        exclude=exclude,
    )
