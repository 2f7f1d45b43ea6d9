"""Reports of retrieval: a table of both directions, and a table of all queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._checks import check_confidence_level, check_random_state, check_whole_number, check_whole_numbers
from .._docstrings import documented
from .._errors import in_terms_of
from .._ids import checked_ids
from .._typing import Array, Cutoff, DataFrame
from ..rows._blocks import row_slices
from ..rows._validation import warn_of_other_order
from ._directions import both_directions, check_names, table_of_directions
from ._inputs import RetrievalProblem, prepare
from ._intervals import intervals_of_aggregates
from ._resampling import Resampling, cluster_codes
from ._shared_texts import OF_BOTH_DIRECTIONS, OF_SEARCH
from .measures import ChosenMeasure, values_of_kept
from .ranks import RelevantCounts, evaluate, expected_rank

# Relevant items whose chance is computed at once.
_RELEVANT_AT_ONCE = 2**16


@documented(OF_BOTH_DIRECTIONS)
def retrieval_report(
    x_scores: Any,
    y_scores: Any,
    *,
    x_ids: Any = None,
    y_ids: Any = None,
    relevance: Any = None,
    x_groups: Any = None,
    y_groups: Any = None,
    ks: Sequence[int] = (1, 5, 10),
    measures: Sequence[str] | None = None,
    similarity: str = "cosine",
    exclude: Any = None,
    names: tuple[str, str] = ("x", "y"),
    n_resamples: int = 1000,
    confidence_level: float = 0.95,
    random_state: Any = None,
    verbose: int = 0,
) -> DataFrame:
    """Compute retrieval measures in both directions, with intervals and the level of chance.

    Parameters
    ----------
    x_scores : array-like of shape (n_x, n_features)
        Scores of the first modality in the shared space.
    y_scores : array-like of shape (n_y, n_features)
        Scores of the second modality.
    measures : sequence of str or None, default=None
        Measures by name, also with a cut-off such as ``"recall_at_5"``. None: ``hit_rate_at_<k>`` for all `ks`,
        ``mean_reciprocal_rank``, ``mean_average_precision`` (whole list) and ``median_rank``.
    n_resamples : int >= 0, default=1000
        Resamples of the queries for the median rank, which alone needs them; 0 leaves all intervals NaN.

    Returns
    -------
    DataFrame of shape (2 * n_measures, 7)
        Rows: ``(direction, measure)``; "x to y" has queries of the first modality and a gallery of the second, with the
        `names` in place of "x" and "y". Columns: ``value``; ``low`` and ``high`` ends of the interval; ``chance``, the
        value of a constant similarity; ``n_queries`` that have a relevant item; ``n_clusters`` that they form;
        ``n_gallery``, items in the list of a query (their mean, where `exclude` leaves some more than others).

    Raises
    ------
    ValueError, TypeError
        As :func:`retrieval_ranks`; or if one of the other parameters is out of its range.

    See Also
    --------
    compare_retrieval : Difference of two models, with its interval.
    shuffled_pair_control : What a model reaches that was fitted to wrong pairs.

    Notes
    -----
    Intervals are about other clusters of queries from the same source, the gallery being fixed: not about another
    training set or a larger gallery. Those of means are Wilson's: if 100 queries are all answered right, the hit rate
    lies in [.96, 1]. The number of queries is replaced by the number of independent hits and misses with the same
    variance, estimated between clusters; if all queries are right, by the number of clusters; with few misses, by a
    number in between. Student's quantile replaces the normal one. The interval of the median rank consists of
    percentiles over resampled clusters, of a share enlarged as Student's quantile is (Hesterberg); NaN for a single
    cluster. With fewer than some twenty clusters all intervals are wide.

    Chance is exact for this gallery and these ids, but a fitted model can beat it on permuted pairs: refit on those for
    a fair null.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA 22.

    Hesterberg, T. C. (2015). What teachers should know about the bootstrap. The American Statistician 69.

    Examples
    --------
    >>> import numpy as np
    >>> from crossmodal_cca.metrics import retrieval_report
    >>> x = np.random.default_rng(0).normal(size=(50, 8))
    >>> report = retrieval_report(x, x + 0.1, ks=(1, 5), random_state=0)
    >>> report.loc[("x to y", "hit_rate_at_5"), ["value", "chance", "n_gallery"]].round(3).tolist()
    [1.0, 0.1, 50.0]
    """
    chosen = chosen_measures(ks, measures)
    check_names(names)
    check_resampling(n_resamples, "n_resamples", confidence_level)
    rng = check_random_state(random_state)
    warn_of_other_order(x_scores=x_scores, x_groups=x_groups)
    warn_of_other_order(y_scores=y_scores, y_groups=y_groups)
    groups = {"x": x_groups, "y": y_groups}
    problems = both_directions(x_scores, y_scores, x_ids, y_ids, relevance, similarity, exclude)
    tables = {}
    for direction, problem in problems.items():
        side = direction.queries
        clusters = cluster_codes(groups[side], f"{side}_groups", problem.kept, problem.n_queries)
        values = values_of_kept(problem, chosen, verbose)
        resampling = Resampling(chosen, clusters, n_resamples, confidence_level, rng)
        low, high = intervals_of_aggregates(values, resampling)
        columns = {"value": aggregates(chosen, values), "low": low, "high": high, "chance": chances(chosen, problem)}
        tables[direction] = columns | sizes(problem, clusters)
    return table_of_directions(tables, chosen, names)


def chosen_measures(ks: Sequence[int], measures: Sequence[str] | None) -> list[ChosenMeasure]:
    """Return the measures of a report: those asked for, or the usual ones."""
    if measures is None:
        measures = [f"hit_rate_at_{k}" for k in check_whole_numbers(ks, "ks")]
        measures += ["mean_reciprocal_rank", "mean_average_precision", "median_rank"]
    if isinstance(measures, str) or len(measures) == 0:
        raise ValueError(
            f"measures must be a sequence of names, such as ('hit_rate_at_1', 'r_precision'); got {measures!r}."
        )
    chosen = [ChosenMeasure.named(name) for name in measures]
    names = [each.name for each in chosen]
    if len(set(names)) < len(names):
        raise ValueError(f"measures must be different, got {names}.")
    return chosen


def check_resampling(n_resamples: Any, name: str, confidence_level: float) -> None:
    """Refuse numbers of resamples and confidence levels outside their range."""
    check_whole_number(n_resamples, name, low=0)
    check_confidence_level(confidence_level)


def aggregates(measures: Sequence[ChosenMeasure], values: Array) -> list[float]:
    return [chosen.aggregate(value) for chosen, value in zip(measures, values, strict=True)]


def chances(measures: Sequence[ChosenMeasure], problem: RetrievalProblem) -> list[float]:
    """Compute the value of each measure for a constant similarity in this gallery."""
    if problem.relevance.is_graded:
        n_relevant, n_gallery, case = problem.n_relevant, problem.n_gallery, None
    else:
        # One query is enough for each pair of numbers of relevant items and of all items.
        sizes, case = np.unique(np.stack((problem.n_relevant, problem.n_gallery)), axis=1, return_inverse=True)
        n_relevant, n_gallery = sizes
    values = []
    # In parts, since a measure needs many numbers for each relevant item.
    for queries in row_slices(len(n_relevant), max(1, _RELEVANT_AT_ONCE // int(n_relevant.max()))):
        numbers, every = n_relevant[queries], n_gallery[queries]
        query = np.repeat(np.arange(len(numbers)), numbers)
        nothing = np.zeros_like(query)
        grade = None
        if case is None:
            of_each = [problem.grades(q, problem.relevant(q)) for q in range(queries.start, queries.stop)]
            grade = np.concatenate(of_each)
        counts = RelevantCounts(query, nothing, every[query], nothing, numbers[query], numbers, every, grade)
        values.append(np.stack([chosen.reducer(counts) for chosen in measures]))
    found = np.concatenate(values, axis=1)
    return aggregates(measures, found if case is None else found[:, case.ravel()])


def sizes(problem: RetrievalProblem, clusters: Array) -> dict[str, float]:
    """Return the numbers of queries, clusters and items behind each value."""
    return {
        "n_queries": len(problem.kept),
        "n_clusters": int(clusters.max()) + 1,
        "n_gallery": gallery_size(problem),
    }


def gallery_size(problem: RetrievalProblem) -> float:
    """Return the number of items in the list of a query; the mean if `exclude` leaves different numbers."""
    return int(problem.n_gallery[0]) if np.ptp(problem.n_gallery) == 0 else float(problem.n_gallery.mean())


@documented(OF_SEARCH)
def query_report(
    queries: Any,
    gallery: Any,
    *,
    baseline: tuple[Any, Any] | None = None,
    measure: str = "mean_reciprocal_rank",
    k: Cutoff = "default",
    query_ids: Any = None,
    gallery_ids: Any = None,
    relevance: Any = None,
    similarity: str = "cosine",
    exclude: Any = None,
    verbose: int = 0,
) -> DataFrame:
    """Report the rank and value of every query, and its difference from a baseline.

    Parameters
    ----------
    baseline : tuple of two array-like or None, default=None
        (queries, gallery) of the same rows in another model's space, of any width.
    measure : str, default="mean_reciprocal_rank"
        Measure of the column ``value``, by name.

    Returns
    -------
    DataFrame of shape (n_queries, 3) or (n_queries, 6)
        Row ``i`` is query ``i``; its id is the index, if there are ids. Columns: ``n_relevant`` items in the gallery;
        expected ``rank`` of the best of them; ``value`` of the measure. With a baseline also ``baseline_rank``,
        ``baseline_value`` and ``difference``, the value minus the baseline's. NaN for a query without relevant item.

    Raises
    ------
    ValueError, TypeError
        As :func:`retrieval_ranks`; or if the measure is unknown, or the baseline has other numbers of rows.

    See Also
    --------
    compare_retrieval : Says whether the differences are more than chance.

    Examples
    --------
    >>> import numpy as np
    >>> from crossmodal_cca.metrics import query_report
    >>> images, captions = np.eye(3), np.array([[0.9, 0.1, 0], [0, 0.8, 0.3], [0.7, 0, 0.6]])
    >>> worse = captions[:, [0, 2, 1]]
    >>> table = query_report(images, captions, baseline=(images, worse), query_ids=[*"abc"], gallery_ids=[*"abc"])
    >>> table.sort_values("difference", ascending=False)[["rank", "baseline_rank", "difference"]].round(2)
              rank  baseline_rank  difference
    query_id
    c          1.0            3.0        0.67
    b          1.0            2.0        0.50
    a          1.0            1.0        0.00
    """
    import pandas as pd

    chosen = ChosenMeasure.named(measure, k=k)
    if baseline is not None and (not isinstance(baseline, tuple | list) or len(baseline) != 2):
        raise TypeError(f"baseline must be a pair (queries, gallery), got {type(baseline).__name__}.")
    asked = query_ids, gallery_ids, similarity, relevance, exclude
    problem = prepare(queries, gallery, *asked)
    problems = {"": problem}
    if baseline is not None:
        with in_terms_of(queries="baseline[0]", gallery="baseline[1]"):
            problems["baseline_"] = prepare(*baseline, *asked)
        check_same_sizes(*problems.values())
    table: dict[str, Array] = {"n_relevant": np.zeros(problem.n_queries, dtype=np.int64)}
    table["n_relevant"][problem.kept] = problem.n_relevant
    reducers = [expected_rank, chosen.reducer]
    for prefix, each in problems.items():
        values = evaluate(each, reducers, best_only=chosen.measure.best_only, verbose=verbose)
        table |= {f"{prefix}rank": values[0], f"{prefix}value": values[1]}
    if baseline is not None:
        table["difference"] = table["value"] - table["baseline_value"]
    if query_ids is None:
        return pd.DataFrame(table)
    ids = checked_ids(query_ids, "query_ids", problem.n_queries, "queries")
    # Ids that are tuples stay a single index level.
    return pd.DataFrame(table, index=pd.Index(ids, name="query_id", tupleize_cols=False))


def check_same_sizes(one: RetrievalProblem, other: RetrievalProblem) -> None:
    """Refuse to compare models on different queries or galleries."""
    shapes = [(problem.n_queries, len(problem.items)) for problem in (one, other)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            "Both models must be asked the same queries in the same gallery, but the numbers of queries and items are "
            f"{shapes[0]} for the first and {shapes[1]} for the baseline."
        )
