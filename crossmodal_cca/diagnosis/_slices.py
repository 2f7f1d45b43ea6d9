"""Slices of rows: found on one half of the rows, tested on the other, and named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from .._ids import objects_of
from .._similarity import unit_rows
from .._typing import FloatArray
from ..inference._exchange import Exchange
from ._groups import places_in_groups

# Rows that centres of clusters are placed by, at most; all rows are then assigned.
MOST_TO_CLUSTER = 20_000
# Rows without which a slice, or what is outside of it, is not looked at, in either half.
FEWEST_ROWS = 5
# Candidates that share more than this part of their rows (of either) count as one.
_SAME = 0.5
# Groups, in the order of their sizes, that are cut to one size.
_GROUPS_OF_A_SIZE = 10


def half_of(groups: NDArray[np.intp], rng: RandomState) -> NDArray[np.bool_]:
    """Draw half of the groups; tell which rows are of them."""
    n_groups = int(groups.max()) + 1
    drawn = np.zeros(n_groups, dtype=bool)
    drawn[rng.permutation(n_groups)[: n_groups // 2]] = True
    return np.asarray(drawn[groups])


def clusters(E: FloatArray, found: NDArray[np.bool_], n_clusters: list[int], rng: RandomState) -> NDArray[np.bool_]:
    """Cluster the rows of one half by k-means, once for each number; return where all rows lie, (n, n_candidates)."""
    known = E[found]
    if len(known) > MOST_TO_CLUSTER:
        known = known[rng.permutation(len(known))[:MOST_TO_CLUSTER]]
    n_different = len(np.unique(known, axis=0))
    candidates = []
    for k in n_clusters:
        k = min(k, n_different)
        labels = KMeans(k, n_init=1, random_state=rng).fit(known).predict(E)
        candidates.append(labels[:, None] == np.arange(k))
    return np.concatenate(candidates, axis=1)


def chosen(
    candidates: NDArray[np.bool_],
    found: NDArray[np.bool_],
    others: NDArray[np.intp],
    o: FloatArray,
    max_slices: int,
) -> NDArray[np.bool_]:
    """Choose the candidates whose outcome differs most from the rest's in the half where they were found.

    That is by the size of their mean deviation in standard errors. Left out are those that are nearly one with another,
    and those with too few rows among `others`, which they will be tested on.
    """
    halves = [candidates[found], candidates[others]]
    large = np.all([(half.sum(0) >= FEWEST_ROWS) & ((~half).sum(0) >= FEWEST_ROWS) for half in halves], axis=0)
    candidates = candidates[:, large]
    known = candidates[found]
    share = known.mean(axis=0)
    deviation = (o[found] - o[found].mean()) @ known / np.sqrt(share * (1 - share))
    kept: list[int] = []
    for i in np.argsort(-np.abs(deviation), kind="stable"):
        own = known[:, i, None]
        common = (own & known[:, kept]).sum(axis=0) / (own | known[:, kept]).sum(axis=0)
        if not (common > _SAME).any():
            kept.append(int(i))
        if len(kept) == max_slices:
            break
    return candidates[:, kept]


def with_common_sizes(groups: NDArray[np.intp], rng: RandomState) -> NDArray[np.intp]:
    """Choose rows at random such that groups have others of their size, with which they can be exchanged.

    Groups are sorted by size, and each ten are cut to the size of their smallest.
    """
    sizes = np.bincount(groups)
    kept = np.empty_like(sizes)
    for some in np.array_split(np.argsort(sizes, kind="stable"), max(1, len(sizes) // _GROUPS_OF_A_SIZE)):
        kept[some] = sizes[some[0]]
    return np.flatnonzero(places_in_groups(groups, rng) < kept[groups])


@dataclass(frozen=True, eq=False)
class Comparison:
    """Mean outcome in and outside of each slice (n_slices,), among the rows of the test, and p-values."""

    n_rows: NDArray[np.intp]
    inside: FloatArray
    outside: FloatArray
    deviation: float  # standard deviation of the outcome
    p: FloatArray


def compared(
    slices: NDArray[np.bool_], o: FloatArray, exchange: Exchange, n_permutations: int, rng: RandomState
) -> Comparison:
    """Compare the outcome (n,) in slices (n, n_slices) with that of rows or groups exchanged at random."""
    members = slices.astype(np.float64)
    n_rows = slices.sum(axis=0)
    sums = o @ members
    inside, outside = sums / n_rows, (o.sum() - sums) / (len(o) - n_rows)
    strata = np.empty(len(o), dtype=np.intp)
    strata[exchange.rows] = np.repeat(exchange.strata, exchange.sizes)
    centred = o - (np.bincount(strata, o) / np.bincount(strata))[strata]
    # Sums that are equal up to rounding count as equal.
    limits = np.abs(centred @ members) - 1e-10 * np.abs(centred).sum()
    generator = np.random.default_rng(rng.randint(2**31))
    as_large = np.zeros(slices.shape[1])
    for _ in range(n_permutations):
        as_large += np.abs(centred[exchange.draw(generator)] @ members) >= limits
    return Comparison(n_rows, inside, outside, float(o.std()), (1 + as_large) / (1 + n_permutations))


def nearest_names(
    directions: FloatArray, texts: FloatArray, names: NDArray[Any], allowed: NDArray[np.bool_] | None, n_names: int
) -> list[tuple[Any, ...]]:
    """Name each slice by the texts nearest to its direction from the mean of all rows, by the cosine about their mean.

    `allowed` (n_texts, n_slices) restricts the texts of each slice. Names that are equal count once.
    """
    cosine = unit_rows(texts - texts.mean(axis=0)) @ unit_rows(directions).T
    if allowed is not None:
        cosine = np.where(allowed, cosine, -np.inf)
    values = objects_of(names)
    found = []
    for column in cosine.T:
        order = (values[i] for i in np.argsort(-column, kind="stable") if column[i] > -np.inf)
        distinct: dict[Any, None] = {}
        for name in order:
            distinct[name] = None
            if len(distinct) == n_names:
                break
        found.append(tuple(distinct))
    return found
