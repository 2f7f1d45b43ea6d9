"""Hubs, the items that many queries find: counts, and corrections that lower their scores.

Both corrections subtract a bias from an item's similarities: its mean similarity to the nearest queries of a bank. As
an extra dimension, the bias works in any search by inner product.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import skew

from .._checks import check_choice, check_number, check_random_state, check_whole_number, check_whole_numbers
from .._docstrings import documented
from .._errors import in_terms_of
from .._similarity import SIMILARITIES, similarity_named
from .._sklearn import count_rows
from .._typing import Cutoff, DataFrame, FloatArray
from ..metrics._inputs import check_sides, prepare
from ..metrics._resampling import Resampling, cluster_codes
from ..metrics._shared_texts import OF_SEARCH
from ..metrics.comparison import compared
from ..metrics.measures import ChosenMeasure, values_of_kept
from ..metrics.report import check_resampling
from ..rows._blocks import float_dtype
from ..rows._validation import warn_of_other_order
from ._nearest import SearchSpace

# Names of the corrections.
CORRECTIONS = ("csls", "nnn")
# Weight of the bias in CSLS, which subtracts it from twice the similarity.
_CSLS_WEIGHT = 0.5


@documented(OF_SEARCH)
def k_occurrence(
    queries: ArrayLike, gallery: ArrayLike, *, k: int = 10, similarity: str = "cosine"
) -> NDArray[np.int64]:
    """Count how often each gallery item is among the first k results of a query.

    Parameters
    ----------
    k : int in [1, n_gallery], default=10
        Number of results counted.

    Returns
    -------
    ndarray of shape (n_gallery,)
        Counts; their mean is n_queries · k / n_gallery, and their skewness is the usual measure of hubness.

    Raises
    ------
    ValueError, TypeError
        If the sides do not share a width, or a parameter is out of its range.

    References
    ----------
    Radovanović, M., Nanopoulos, A. & Ivanović, M. (2010). Hubs in space: popular nearest neighbors in high-dimensional
    data. JMLR 11.

    Examples
    --------
    >>> from crossmodal_cca.retrieval import k_occurrence
    >>> k_occurrence([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]], [[1.0, 0.1], [0.1, 1.0], [-1.0, 0.0]], k=1)
    array([2, 1, 0])
    """
    q, g = check_sides(queries, gallery, similarity)
    k = check_whole_number(k, "k", high=len(g), of="gallery items")
    dtype = float_dtype(q, g)
    kind = SIMILARITIES[similarity]
    q, g = (kind.embedded(side.astype(dtype)) for side in (q, g))
    found = SearchSpace(g, kind).nearest(q, k)[1]
    return np.bincount(found.ravel(), minlength=len(g))


@documented(OF_SEARCH)
def correct_hubness(
    queries: ArrayLike,
    gallery: ArrayLike,
    query_bank: ArrayLike,
    *,
    method: str = "nnn",
    n_neighbors: int = 10,
    weight: float = 0.75,
    similarity: str = "cosine",
) -> tuple[FloatArray, FloatArray]:
    """Add a dimension to queries and gallery so that their inner product is the corrected similarity.

    Use it with any measure or report, as ``similarity="dot"``. The correction belongs to one search direction.

    Parameters
    ----------
    query_bank : array-like of shape (n_bank, n_features)
        Scores of training rows of the queries' modality; never the test queries themselves.
    method : {"nnn", "csls"}, default="nnn"
        Nearest-neighbour normalisation, or cross-domain similarity local scaling.
    n_neighbors : int in [1, n_bank], default=10
        Queries of the bank whose mean similarity is an item's bias.
    weight : float in [0, inf), default=0.75
        Weight of the bias in "nnn"; "csls" orders as weight 0.5 does.
    similarity : <inner products>, default="cosine"
        Similarity that is corrected.

    Returns
    -------
    queries : ndarray of shape (n_queries, n_features + 1)
        Queries (of unit length for the cosine) and a 1.
    gallery : ndarray of shape (n_gallery, n_features + 1)
        Items and minus their weighted bias.

    Raises
    ------
    ValueError, TypeError
        If the sides do not share a width, or a parameter is out of its range.

    See Also
    --------
    hubness_report : Says on validation data whether it helps.

    Notes
    -----
    With b(g) the mean of the k largest similarities of g with the bank, NNN ranks by s(q, g) − w·b(g). CSLS is
    2·s(q, g) − b(q) − b(g), with b(q) from the gallery, the same for all items of a query.

    References
    ----------
    Chowdhury, N. et al. (2024). Nearest neighbor normalization improves multimodal retrieval. EMNLP.

    Conneau, A. et al. (2018). Word translation without parallel data. ICLR.

    Examples
    --------
    >>> from crossmodal_cca.retrieval import correct_hubness
    >>> q, g = correct_hubness([[1.0, 0.0]], [[0.8, 0.6], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]], n_neighbors=1)
    >>> (q @ g.T).round(2).tolist()
    [[0.2, -0.75]]
    """
    q, g = check_sides(queries, gallery, similarity)
    with in_terms_of(queries="query_bank"):
        bank = check_sides(query_bank, gallery, similarity, quiet=("gallery",))[0]
    check_correction(method, "method", similarity)
    check_number(weight, "weight", low=0.0)
    n_neighbors = check_whole_number(n_neighbors, "n_neighbors", high=len(bank), of="rows of query_bank")
    dtype = float_dtype(q, g, bank)
    kind = SIMILARITIES[similarity]
    q, g, bank = (kind.embedded(side.astype(dtype)) for side in (q, g, bank))
    biases = bias(g, SearchSpace(bank, kind), n_neighbors)
    return with_ones(q), with_bias(g, bias_weight(method, weight) * biases)


def bias(
    items: FloatArray,
    bank: SearchSpace,
    n_neighbors: int,
    verbose: int = 0,
    among: NDArray[np.intp] | None = None,
) -> FloatArray:
    """Compute the mean of each item's largest similarities with (part of) a bank of queries, shape (n_items,)."""
    return np.asarray(bank.nearest(items, n_neighbors, verbose, among)[0].mean(axis=1))


def bias_weight(method: str, weight: float) -> float:
    """Return the weight of the bias, which is fixed for CSLS."""
    return _CSLS_WEIGHT if method == "csls" else float(weight)


def with_ones(queries: FloatArray) -> FloatArray:
    """Append to queries the coordinate that multiplies the bias."""
    return np.column_stack((queries, np.ones(len(queries), queries.dtype)))


def with_bias(items: FloatArray, biases: FloatArray) -> FloatArray:
    """Append to items minus their bias as the last coordinate."""
    return np.column_stack((items, -biases.astype(items.dtype)))


def check_correction(method: Any, name: str, similarity: str) -> None:
    """Refuse an unknown correction, or one that does not exist for this similarity."""
    check_choice(method, name, CORRECTIONS)
    if not similarity_named(similarity).is_product:
        products = " or ".join(repr(each.name) for each in SIMILARITIES.values() if each.is_product)
        raise ValueError(f"Hubness is corrected for similarity {products}, got {similarity!r}.")


@documented(OF_SEARCH)
def hubness_report(
    queries: ArrayLike,
    gallery: ArrayLike,
    query_bank: ArrayLike,
    *,
    query_ids: ArrayLike | None = None,
    gallery_ids: ArrayLike | None = None,
    relevance: Any = None,
    groups: ArrayLike | None = None,
    measure: str = "mean_reciprocal_rank",
    k: Cutoff = "default",
    neighbors: Sequence[int] = (1, 10, 50),
    weights: Sequence[float] = (0.25, 0.75, 1.0),
    similarity: str = "cosine",
    n_resamples: int = 1000,
    confidence_level: float = 0.95,
    random_state: Any = None,
    verbose: int = 0,
) -> DataFrame:
    """Measure on validation data whether a hubness correction helps.

    Parameters
    ----------
    queries, gallery : array-like of shape (n_queries, n_features) and (n_gallery, n_features)
        Scores of validation rows, outside the training set.
    query_bank : array-like of shape (n_bank, n_features)
        Scores of training rows of the queries' modality.
    groups : array-like of shape (n_queries,), default=None
        Which queries are not independent.
    measure : str, default="mean_reciprocal_rank"
        Measure by name.
    neighbors : sequence of int >= 1, default=(1, 10, 50)
        Numbers of neighbours in the bank to try; those above its size are left out.
    weights : sequence of float >= 0, default=(0.25, 0.75, 1.0)
        Weights of "nnn" to try; "csls" is 0.5.
    similarity : <inner products>, default="cosine"
        Similarity that is corrected.
    n_resamples : int >= 0, default=1000
        Random swaps for the p-value; 0 leaves it and the interval NaN.
    confidence_level : float in (0, 1), default=0.95
        Confidence level of the intervals. Both are those of :func:`~crossmodal_cca.metrics.compare_retrieval`.

    Returns
    -------
    DataFrame of shape (1 + n_neighbors * (1 + n_weights), 7)
        Rows: ``(method, n_neighbors, weight)``, the first one "none". Columns: ``value`` of the measure; its
        ``difference`` from no correction, with ``low`` and ``high`` ends of the interval and ``p_value``, paired by
        query; ``skewness`` of the 10-occurrence (0: no hubs); ``helps``: whether the interval is above 0 (below, where
        smaller is better).

    Raises
    ------
    ValueError, TypeError
        As :func:`~crossmodal_cca.metrics.compare_retrieval`; or if a parameter is out of its range.

    Notes
    -----
    Fewer hubs are not better retrieval: a correction can lower the skewness and the measure at once. The best of many
    rows looks better than it is; confirm a choice on other rows.

    Examples
    --------
    >>> import numpy as np
    >>> from crossmodal_cca.retrieval import hubness_report
    >>> rng = np.random.default_rng(0)
    >>> x, bank = rng.normal(size=(300, 20)) + 0.5, rng.normal(size=(500, 20)) + 0.5
    >>> table = hubness_report(x, x + rng.normal(size=x.shape), bank, neighbors=(50,), weights=(0.75,), random_state=0)
    >>> table["skewness"].round(1).tolist()
    [1.7, 0.8, 0.3]
    """
    import pandas as pd

    chosen = ChosenMeasure.named(measure, k=k)
    check_resampling(n_resamples, "n_resamples", confidence_level)
    check_correction("nnn", "method", similarity)
    rng = check_random_state(random_state)
    plain = prepare(queries, gallery, query_ids, gallery_ids, similarity, relevance)
    warn_of_other_order(queries=queries, groups=groups)
    clusters = cluster_codes(groups, "groups", plain.kept, plain.n_queries)
    resampling = Resampling([chosen], clusters, n_resamples, confidence_level, rng)
    baseline = values_of_kept(plain, [chosen], verbose)
    n_bank, n_found = count_rows(query_bank, "query_bank"), min(10, len(plain.items))
    numbers = [n for n in check_whole_numbers(neighbors, "neighbors") if n <= n_bank]
    if not numbers:
        raise ValueError(
            f"neighbors must hold a number of at most {n_bank}, the number of rows of query_bank; got {neighbors!r}."
        )
    if np.ndim(weights) != 1:
        raise TypeError(f"weights must be a sequence of numbers, such as (0.5, 1.0); got {weights!r}.")
    of_nnn = [("nnn", check_number(weight, f"weights[{i}]", low=0.0)) for i, weight in enumerate(weights)]
    settings = [(method, n, weight) for n in numbers for method, weight in [("csls", _CSLS_WEIGHT), *of_nnn]]
    rows = {
        ("none", 0, 0.0): {
            "value": chosen.aggregate(baseline[0]),
            "skewness": skewness(k_occurrence(queries, gallery, k=n_found, similarity=similarity)),
        }
    }
    for method, n, weight in settings:
        sides = correct_hubness(
            queries, gallery, query_bank, method=method, n_neighbors=n, weight=weight, similarity=similarity
        )
        problem = prepare(*sides, query_ids, gallery_ids, "dot", relevance)
        values = values_of_kept(problem, [chosen], verbose)
        found = compared(values, baseline, resampling)
        row = {name: float(np.ravel(found[name])[0]) for name in ("value", "difference", "low", "high", "p_value")}
        rows[method, n, weight] = row | {"skewness": skewness(k_occurrence(*sides, k=n_found, similarity="dot"))}
    index = pd.MultiIndex.from_tuples(list(rows), names=["method", "n_neighbors", "weight"])
    columns = ["value", "difference", "low", "high", "p_value", "skewness"]
    table = pd.DataFrame(list(rows.values()), index=index, columns=columns)
    table["helps"] = table["low"] > 0 if chosen.measure.greater_is_better else table["high"] < 0
    return table


def skewness(occurrences: NDArray[np.int64]) -> float:
    """Compute the skewness of k-occurrences; 0 if all items are found equally often."""
    return float(skew(occurrences)) if np.ptp(occurrences) else 0.0
