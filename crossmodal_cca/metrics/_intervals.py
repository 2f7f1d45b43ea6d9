"""Intervals of means and medians over queries, also for few or unequal clusters and for queries that all agree.

Letters: n queries in clusters of n_c; m their mean; q Student's quantile with G − 1 degrees of freedom. Unequal
clusters count as G = n² / Σ n_c² equal ones: a large cluster dominates the precision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .._typing import Array
from ._resampling import Resampling, bootstrap

# Number of unseen queries added to those seen; with fewer, intervals for clusters that agree in part cover too rarely
# (benchmarks/interval_coverage.py).
_UNSEEN = 2.0


@dataclass(frozen=True)
class Clusters:
    """Clusters of the queries: sizes, effective number and variances."""

    codes: Array

    @property
    def sizes(self) -> Array:
        """Number of queries in each cluster."""
        return np.bincount(self.codes)

    @property
    def effective_number(self) -> float:
        """Number of clusters of equal size with the same information."""
        return float(len(self.codes) ** 2 / np.sum(self.sizes**2))

    def quantile(self, confidence_level: float) -> float:
        """Return the two-sided quantile of Student's distribution; infinite for a single cluster."""
        from scipy.stats import t

        freedom = self.effective_number - 1
        return float(t.ppf((1 + confidence_level) / 2, freedom)) if freedom > 0 else np.inf

    def with_unseen(self, design_effect: float, seen: float) -> float:
        """Average a design effect, weighted by the queries that show it, with that of clusters that agree entirely."""
        entirely = len(self.codes) / self.effective_number
        return (seen * design_effect + _UNSEEN * entirely) / (seen + _UNSEEN)

    def variance_of_mean(self, deviations: Array) -> float:
        """Compute the jackknife variance of a mean from the deviations from it; 0 for a single cluster."""
        n, n_clusters = len(self.codes), len(self.sizes)
        if n_clusters == 1:
            return 0.0
        sums = np.bincount(self.codes, weights=deviations)
        return float((n_clusters - 1) / n_clusters * np.sum((sums / (n - self.sizes)) ** 2))


def interval_of_mean(values: Array, clusters: Array, confidence_level: float) -> tuple[float, float]:
    """Compute Wilson's interval of a mean of values in [0, 1], such as hits and misses, for clustered queries.

    It solves (m − p)² = q² p (1 − p) / n_eff for p, with n_eff = n / d. The design effect d = n var(m) / (m (1 − m)) is
    1 for independent hits and misses, more if those of a cluster agree, less for values between 0 and 1. It is averaged
    with n / G, that of clusters which agree entirely, weighted by the number of queries on the rarer side: if all
    queries are right, the data say nothing about d, and with few misses very little.
    """
    of = Clusters(clusters)
    # Some measures exceed 1 by rounding.
    n, m, q = len(values), min(float(np.mean(values)), 1.0), of.quantile(confidence_level)
    if np.isinf(q):
        return 0.0, 1.0
    effect = of.with_unseen(_design_effect(values, m, of), n * min(m, 1 - m))
    z = q**2 * effect / n
    centre, half = (m + z / 2) / (1 + z), np.sqrt(z * m * (1 - m) + z**2 / 4) / (1 + z)
    # The mean lies inside up to rounding.
    return float(np.clip(centre - half, 0.0, m)), float(np.clip(centre + half, m, 1.0))


def _design_effect(values: Array, mean: float, clusters: Clusters) -> float:
    """Compute the ratio of the variance of the mean to that of as many independent hits and misses."""
    bound = mean * (1 - mean)
    if bound <= 0:
        return 0.0
    deviations, n, n_clusters = values - mean, len(values), len(clusters.sizes)
    # Divided by the number, like the bound, so that clusters of copies count as their first query alone.
    between = clusters.variance_of_mean(deviations) * (n_clusters - 1) / n_clusters
    # Queries of a cluster may by chance differ more than others do; they still count as no more than independent ones.
    return max(float(np.mean(deviations**2)), n * between) / bound


def interval_of_difference(differences: Array, clusters: Array, confidence_level: float) -> tuple[float, float]:
    """Compute Student's interval of a mean of differences in [−1, 1], paired by query.

    It is m ± q √(var(m) + u), with the jackknife variance over clusters. The term u stands for two unseen queries that
    differ, one in each direction, by as much as those seen: without it, two models that differ in few queries would
    seem equal. If no query differs, these two differ by 1 with their whole clusters.
    """
    of = Clusters(clusters)
    n, m, q = len(differences), float(np.mean(differences)), of.quantile(confidence_level)
    if np.isinf(q):
        return -1.0, 1.0
    seen = float(np.sum(np.abs(differences)))
    size = (np.sum(differences**2) + _UNSEEN) / (seen + _UNSEEN)
    unseen = _UNSEEN * size**2 / n**2 * of.with_unseen(1.0, seen)
    half = q * np.sqrt(of.variance_of_mean(differences - m) + unseen)
    return max(m - half, -1.0), min(m + half, 1.0)


def percentile_interval(resampled: Array, clusters: Array, confidence_level: float) -> tuple[Array, Array]:
    """Compute percentile intervals of aggregates over resampled clusters, one per row; NaN without resamples.

    The central share is larger than the confidence level: by the ratio of Student's quantile to the normal one, and by
    G / (G − 1), since resampled means vary less than true ones. A single cluster gives NaN.

    References
    ----------
    Hesterberg (2015), What teachers should know about the bootstrap, section 3.4: expanded percentiles.
    """
    from scipy.stats import norm

    of = Clusters(clusters)
    q, number = of.quantile(confidence_level), of.effective_number
    if resampled.shape[1] == 0 or np.isinf(q):
        low, high = np.full((2, len(resampled)), np.nan)
        return low, high
    tail = norm.cdf(-q * np.sqrt(number / (number - 1)))
    low, high = np.quantile(resampled, [tail, 1 - tail], axis=1)
    return low, high


def intervals_of_aggregates(values: Array, of: Resampling) -> tuple[Array, Array]:
    """Compute the interval of each measure from values (n_measures, n_queries); without resamples all are NaN."""
    return _intervals_by_aggregate(values, of, interval_of_mean, lambda i: _resampled(values, i, of, of.rng))


def intervals_of_differences(values: Array, baseline: Array, of: Resampling) -> tuple[Array, Array]:
    """Compute the intervals of the differences of two models' aggregates, paired by query."""
    # One seed draws the same clusters for both models, in either order.
    seed = of.rng.randint(2**31 - 1)

    def differences(i: int) -> Array:
        one, other = (_resampled(each, i, of, np.random.RandomState(seed)) for each in (values, baseline))
        return one - other

    return _intervals_by_aggregate(values - baseline, of, interval_of_difference, differences)


def _resampled(values: Array, i: int, of: Resampling, rng: np.random.RandomState) -> Array:
    return bootstrap(values[[i]], [of.measures[i]], of.clusters, of.n_resamples, rng)


def _intervals_by_aggregate(
    values: Array,
    of: Resampling,
    of_mean: Callable[[Array, Array, float], tuple[float, float]],
    resampled: Callable[[int], Array],
) -> tuple[Array, Array]:
    """Compute intervals of medians by percentiles of what is resampled, of other measures as `of_mean` does."""
    ends = np.full((2, len(values)), np.nan)
    for i, chosen in enumerate(of.measures if of.n_resamples else ()):
        if chosen.measure.aggregate == "median":
            ends[:, [i]] = percentile_interval(resampled(i), of.clusters, of.confidence_level)
        else:
            ends[:, i] = of_mean(values[i], of.clusters, of.confidence_level)
    return ends[0], ends[1]
