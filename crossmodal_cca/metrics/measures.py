"""Every retrieval measure as a formula on counts: one value per query, in expectation over random tie order.

Letters, per query and relevant item: g items score higher, t tie with it (itself included), g_r and t_r of
these are relevant; R items are relevant to the query and N are in its list. To add a measure, write its
formula here, add a row to ``MEASURES`` and a public function beside the others.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np

from .._checks import check_choice, check_whole_number_or_none
from .._typing import Array, Cutoff
from ._inputs import RetrievalProblem, prepare
from .ranks import RelevantCounts, evaluate, expected_rank

Reducer = Callable[[RelevantCounts], Array]


def _is_default(value: Any) -> bool:
    return isinstance(value, str) and value == "default"


@dataclass(frozen=True)
class Measure:
    """A formula, how its values per query become one number, and what it needs."""

    formula: Callable[..., Array]
    best_only: bool = False
    aggregate: Literal["mean", "median"] = "mean"
    # Keyword arguments of the formula.
    options: dict[str, Any] = field(default_factory=dict)
    greater_is_better: bool = True

    def reducer(self, measure: str, **options: Any) -> Reducer:
        """The formula with its options filled in; "default" stands for the measure's own. The name is for messages."""
        given = {name: value for name, value in options.items() if not _is_default(value)}
        for name in given:
            if name not in self.options:
                allowed = f"only {' and '.join(self.options)}" if self.options else "it has no options"
                raise TypeError(f"{measure} takes no {name} here, {allowed}; got {name}={given[name]!r}.")
        filled = self.options | given
        if "k" in filled:
            check_whole_number_or_none(filled["k"], "k", "the whole list")
        if "gain" in filled:
            check_choice(filled["gain"], "gain", GAINS)
        return partial(self.formula, **filled)


def _hit_rate(c: RelevantCounts, k: int | None) -> Array:
    """Probability that the first relevant item has rank <= k."""
    last = np.inf if k is None else k
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
    harmonic = _cumulated(1 / np.arange(1, c.n_gallery.max() + 1))
    precision = (a * m + (c.relevant_greater + 1 - a * (g + 1)) * (harmonic[g + m] - harmonic[g])) / t
    return c.sum_per_query(precision) / c.n_relevant


def _ndcg(c: RelevantCounts, k: int | None, gain: str) -> Array:
    """Gains over log2(1 + rank), averaged over the places of a tie, over those of the ideal order."""
    g, t, k = c.greater, c.tied, _depth(c, k)
    discount = _cumulated(1 / np.log2(np.arange(2, c.n_gallery.max() + 2)))
    worth = np.ones(len(g)) if c.grade is None else GAINS[gain](c.grade)
    gains = c.sum_per_query(worth * (discount[np.minimum(g + t, k)] - discount[np.minimum(g, k)]) / t)
    best_first = np.lexsort((-worth, c.query))
    place = np.minimum(np.arange(len(g)) - np.repeat(np.cumsum(c.n_relevant) - c.n_relevant, c.n_relevant), k)
    ideal = c.sum_per_query(worth[best_first] * (discount[np.minimum(place + 1, k)] - discount[place]))
    # Ties by tolerance are not transitive: a chain of near-ties could exceed the ideal by a hair.
    return np.asarray(np.minimum(gains / ideal, 1))


def _exponential_gain(grade: Array) -> Array:
    if grade.max() > 1000:
        raise ValueError(
            f"gain='exponential' is 2^grade − 1 and overflows; the largest grade is {grade.max():g}. Rescale "
            "relevance, or use gain='linear'."
        )
    return np.asarray(np.exp2(grade) - 1)


def _depth(c: RelevantCounts, k: int | None) -> int:
    longest = int(c.n_gallery.max())
    return longest if k is None else min(int(k), longest)


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


GAINS: dict[str, Callable[[Array], Array]] = {"linear": lambda grade: grade, "exponential": _exponential_gain}

MEASURES: dict[str, Measure] = {
    "hit_rate_at_k": Measure(_hit_rate, best_only=True, options={"k": 10}),
    "recall_at_k": Measure(_recall, options={"k": 10}),
    "precision_at_k": Measure(_precision, options={"k": 10}),
    "mean_reciprocal_rank": Measure(_reciprocal_rank, best_only=True),
    "median_rank": Measure(expected_rank, best_only=True, aggregate="median", greater_is_better=False),
    "mean_average_precision": Measure(_average_precision, options={"k": None}),
    "r_precision": Measure(_r_precision),
    "ndcg_at_k": Measure(_ndcg, options={"k": None, "gain": "linear"}),
}


@dataclass(frozen=True)
class ChosenMeasure:
    """A measure with its options, under the name it has in tables, such as ``hit_rate_at_10``."""

    name: str
    measure: Measure
    reducer: Reducer

    @classmethod
    def named(cls, name: Any, **options: Any) -> "ChosenMeasure":
        """From a name or function; a cut-off may stand in the name instead of in ``k``."""
        base = name if isinstance(name, str) else getattr(name, "__name__", repr(name))
        stated = re.fullmatch(r"(\w+)_at_(\d+)", base)
        if stated:
            k = options.get("k", "default")
            if not _is_default(k) and k != int(stated[2]):
                raise ValueError(f"{base!r} says k={stated[2]} already, got k={k!r} too.")
            options = options | {"k": int(stated[2])}
            base = stated[1] if stated[1] in MEASURES else f"{stated[1]}_at_k"
        if base not in MEASURES:
            kind = ValueError if isinstance(name, str) or callable(name) else TypeError
            raise kind(
                f"measure must be one of {sorted(MEASURES)}, the function of that name, or a name with its cut-off, "
                f"such as 'hit_rate_at_5'; got {name!r}."
            )
        measure = MEASURES[base]
        k = options.get("k", "default")
        k = measure.options.get("k") if _is_default(k) else k
        full = base if k is None else f"{base.removesuffix('_at_k')}_at_{k}"
        return cls(full, measure, measure.reducer(base, **options))

    def aggregate(self, values: Array) -> float:
        """One number of the values of all queries."""
        return float(np.median(values) if self.measure.aggregate == "median" else np.mean(values))


def evaluate_measures(problem: RetrievalProblem, measures: Sequence[ChosenMeasure], verbose: int = 0) -> Array:
    """Values of several measures from one walk, shape (len(measures), n_queries); NaN for queries left out."""
    best_only = all(chosen.measure.best_only for chosen in measures)
    return evaluate(problem, [chosen.reducer for chosen in measures], best_only=best_only, verbose=verbose)


def per_query(
    measure: str | Callable[..., float],
    /,
    queries: Any,
    gallery: Any,
    *,
    k: Cutoff = "default",
    gain: str = "default",
    query_ids: Any = None,
    gallery_ids: Any = None,
    relevance: Any = None,
    similarity: str = "cosine",
    exclude: Any = None,
    verbose: int = 0,
) -> Array:
    """Value of a retrieval measure for every single query.

    Parameters
    ----------
    measure : str or callable
        One of this package's measures or its name, such as ``"mean_average_precision"``, also with a cut-off, such as
        ``"hit_rate_at_5"``; by position only.
    queries, gallery : array-like of shape (n_queries, n_features) and (n_gallery, n_features)
        Scores of the two modalities in the shared space.
    k : int >= 1 or None, default="default"
        For measures that take it; ``"default"`` is the measure's own default.
    gain : {"linear", "exponential"}, default="default"
        For :func:`ndcg_at_k`.
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
    verbose : int >= 0, default=0
        Above 0, progress is printed.

    Returns
    -------
    ndarray of shape (n_queries,)
        NaN for a query without a relevant item. The mean of the others (for the median rank: the median) is
        the measure.

    Raises
    ------
    ValueError, TypeError
        As :func:`retrieval_ranks`; or if the measure is unknown or takes no k.

    See Also
    --------
    compare_retrieval : Compares two models on the same queries.
    query_report : Ranks and values of every query in a table.

    Examples
    --------
    >>> from crossmodal_cca.metrics import per_query
    >>> images, captions = [[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.2, 0.9], [0.7, 0.6]]
    >>> per_query("mean_reciprocal_rank", images, captions, query_ids=[0, 1], gallery_ids=[0, 0, 1])
    array([1. , 0.5])
    """
    chosen = ChosenMeasure.named(measure, k=k, gain=gain)
    problem = prepare(queries, gallery, query_ids, gallery_ids, similarity, relevance, exclude)
    return np.asarray(evaluate_measures(problem, [chosen], verbose)[0])


def aggregated(measure: str, queries: Any, gallery: Any, **options: Any) -> float:
    """One number over the queries that have a relevant item."""
    chosen = ChosenMeasure.named(measure, k=options.pop("k", "default"), gain=options.pop("gain", "default"))
    values = evaluate_measures(prepare(queries, gallery, **options), [chosen])[0]
    return chosen.aggregate(values[~np.isnan(values)])
