"""Resampling of queries by whole clusters, since queries that share an image or an author are not independent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._ids import checked_ids, distinct_ids
from .._typing import Array
from .measures import ChosenMeasure

# Numbers drawn at once: 30,000 queries × 1000 resamples together would take gigabytes.
_DRAWS_AT_ONCE = 2**21


class Resampling(NamedTuple):
    """Measures of queries, and how their intervals and p-values are found: by clusters of queries and resamples."""

    measures: Sequence[ChosenMeasure]
    clusters: Array
    n_resamples: int
    confidence_level: float
    rng: np.random.RandomState


def cluster_codes(groups: Any, name: str, kept: Array, n_queries: int) -> Array:
    """Return the cluster 0, 1, … of each kept query; without groups each query is its own cluster."""
    if groups is None:
        return np.arange(len(kept))
    return distinct_ids(checked_ids(groups, name, n_queries, "queries")[kept], name)[1]


def bootstrap(
    values: Array, measures: Sequence[ChosenMeasure], clusters: Array, n_resamples: int, rng: np.random.RandomState
) -> Array:
    """Aggregate values (n_values, n_queries) over clusters drawn with replacement, shape (n_values, n_resamples).

    Aggregates are means, or medians for measures that use the median.
    """
    n_clusters = int(clusters.max()) + 1
    sums, sizes = _per_cluster(values, clusters), np.bincount(clusters)
    medians = {i: _SortedValues(values[i]) for i, chosen in enumerate(measures) if chosen.measure.aggregate == "median"}
    resampled = np.empty((len(values), n_resamples))
    for part in _parts(n_resamples, n_clusters):
        n = part.stop - part.start
        drawn = rng.randint(n_clusters, size=(n, n_clusters)) + n_clusters * np.arange(n)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=n * n_clusters).reshape(n, n_clusters).astype(np.float64)
        resampled[:, part] = (sums @ counts.T) / (counts @ sizes)
        for i, of in medians.items():
            resampled[i, part] = np.concatenate([of.medians(c[:, clusters]) for c in _few_queries(counts, clusters)])
    return resampled


def swap_p_values(
    values: Array,
    baseline: Array,
    measures: Sequence[ChosenMeasure],
    clusters: Array,
    n_resamples: int,
    rng: np.random.RandomState,
) -> Array:
    """Compute a two-sided p-value per measure: how often models swapped at random, by cluster, differ by as much.

    If both models are equally good, their values of a cluster are exchangeable. The observed assignment counts as one
    of the draws, so the smallest p-value is 1 / (n_resamples + 1).
    """
    n_clusters, n_queries = int(clusters.max()) + 1, values.shape[1]
    sums = _per_cluster(values - baseline, clusters)
    observed = np.array(
        [abs(m.aggregate(a) - m.aggregate(b)) for m, a, b in zip(measures, values, baseline, strict=True)]
    )
    # Differences equal up to rounding count as equal.
    threshold = observed * (1 - 1e-10)
    n_as_large = np.zeros(len(measures))
    for part in _parts(n_resamples, n_clusters):
        swapped = rng.randint(2, size=(part.stop - part.start, n_clusters)).astype(bool)
        differences = np.abs(sums @ np.where(swapped, -1.0, 1.0).T) / n_queries
        for i, chosen in enumerate(measures):
            if chosen.measure.aggregate == "median":
                pair = values[i], baseline[i]
                found = [_median_differences(*pair, rows[:, clusters]) for rows in _few_queries(swapped, clusters)]
                differences[i] = np.concatenate(found)
        n_as_large += np.sum(differences >= threshold[:, None], axis=1)
    return np.asarray((1 + n_as_large) / (1 + n_resamples))


def _median_differences(one: Array, other: Array, swapped: Array) -> Array:
    """Compute the distance of the medians of two models after swapping, for each row of swaps (n, n_queries)."""
    sides = np.where(swapped, one, other), np.where(swapped, other, one)
    return np.asarray(np.abs(np.median(sides[0], axis=1) - np.median(sides[1], axis=1)))


def _few_queries(rows: Array, clusters: Array) -> list[Array]:
    """Cut rows (n, n_clusters) into pieces small enough to be expanded to the queries."""
    n_pieces = -(-len(rows) * len(clusters) // _DRAWS_AT_ONCE)
    return np.array_split(rows, min(len(rows), n_pieces))


class _SortedValues:
    """Values sorted once, for medians under many repetitions."""

    def __init__(self, values: Array) -> None:
        self.order = np.argsort(values, kind="stable")
        self.values = values[self.order]

    def medians(self, counts: Array) -> Array:
        """Compute the median of the values, repeated by each row of counts, as ``np.median`` does."""
        places = np.cumsum(counts[:, self.order], axis=1)
        total = places[:, -1:]
        middle = [np.argmax(places > rank, axis=1) for rank in ((total - 1) // 2, total // 2)]
        return np.asarray((self.values[middle[0]] + self.values[middle[1]]) / 2)


def _per_cluster(values: Array, clusters: Array) -> Array:
    return np.stack([np.bincount(clusters, weights=value) for value in values])


def _parts(n_resamples: int, n_clusters: int) -> Iterator[slice]:
    step = max(1, _DRAWS_AT_ONCE // n_clusters)
    for start in range(0, n_resamples, step):
        yield slice(start, min(start + step, n_resamples))


def holm(p_values: Sequence[float]) -> Array:
    """Correct p-values for the number of tests, so that any of true nulls is below α with probability α at most."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return corrected
