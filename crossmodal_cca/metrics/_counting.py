"""Counts of items that score above a relevant one, and of those that tie with it, under rounding of scores.

A score differs from the true one by at most its item's width. Most items are therefore clearly above or below a
target; the others are compared by their similarities in double precision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .._typing import Array, FloatArray

# Bytes of a block of scores and its counts: enough for a fast matrix product, little enough for any laptop.
BLOCK_BYTES = 32 * 2**20
# Share of pairs in doubt above which a product in double precision is cheaper than judging each.
DOUBTS_TO_JUDGE = 1 / 32
# Decides for pairs (target, item), given which items are relevant, which are above their target and which tie.
Judge = Callable[[Array, Array, Array], tuple[Array, Array]]
# Pairs judged at once.
JUDGED_AT_ONCE = 2**18
# Widths within this factor of their mean are replaced by the largest: one number per row is compared faster.
_ALIKE = 2


class Counts(NamedTuple):
    """Counts of items around targets, each of shape (n_targets,)."""

    greater: Array  # items that score higher
    tied: Array  # items that score the same
    relevant_greater: Array  # relevant items among `greater`
    relevant_tied: Array  # relevant items among `tied`


@dataclass(frozen=True, eq=False)
class Targets:
    """Scores that items are compared with: the true score of each lies between `low` and `high`."""

    query: Array  # (n_targets,), rows of the block
    low: Array
    high: Array


def count_around(
    scores: Array,
    width: Array,
    targets: Targets,
    relevant: Callable[[int], Array],
    judge: Judge | None,
    *,
    each: bool = False,
    present: bool = True,
    most_doubts: float = np.inf,
) -> Counts | None:
    """Count the items of a block of scores around targets.

    Parameters
    ----------
    scores : ndarray of shape (n_queries, n_items)
    width : ndarray of shape (n_items,)
        Largest rounding error of each item's score.
    targets : Targets
    relevant : callable
        Returns the relevant items of a row of `scores`.
    judge : callable or None
        Decides the pairs in doubt; None if all of these tie.
    each : bool
        Whether targets may have relevant items above them. If not, each is the best relevant item of its query.
    present : bool
        Whether the targets are among the items, and so tie with themselves.
    most_doubts : float
        Give up, and return None, when more pairs than this are in doubt.
    """
    n_items = scores.shape[1]
    counts = np.zeros((4, len(targets.query)), dtype=np.int64)
    counts[1::2] = present
    # Counting a contiguous mask of one row is many times faster than along an axis of a block.
    above, reaching, is_relevant = (np.zeros(n_items, dtype=bool) for _ in range(3))
    common, alike = width.max(), are_alike(width)
    high, low = (targets.high + common, targets.low - common) if alike else (targets.high, targets.low)
    pending = _Pending(counts, judge)
    for t, (q, most, least) in enumerate(zip(targets.query.tolist(), high, low, strict=True)):
        smallest = largest = scores[q]
        if not alike:
            smallest, largest = smallest - width, largest + width
        counts[0, t] = n_above = np.count_nonzero(np.greater(smallest, most, out=above))
        n_reaching = np.count_nonzero(np.greater_equal(largest, least, out=reaching))
        if each:
            counts[2, t] = np.count_nonzero(above[relevant(q)])
        if n_reaching == n_above + present:
            continue
        doubtful = np.not_equal(above, reaching, out=reaching).nonzero()[0]
        items = relevant(q)
        is_relevant[items] = True
        pending.add(t, doubtful, is_relevant[doubtful])
        is_relevant[items] = False
        if pending.n_doubts > most_doubts:
            return None
    pending.settle()
    return Counts(*counts)


class _Pending:
    """Pairs in doubt, collected to be judged together."""

    def __init__(self, counts: Array, judge: Judge | None) -> None:
        self._counts, self._judge = counts, judge
        self._targets: list[int] = []
        self._pairs: list[tuple[Array, Array]] = []
        self._n_pairs = self.n_doubts = 0

    def add(self, target: int, items: Array, relevant: Array) -> None:
        if self._judge is None:
            self._counts[1::2, target] = len(items), np.count_nonzero(relevant)
            return
        self._counts[1::2, target] = 0
        self._targets.append(target)
        self._pairs.append((items, relevant))
        self._n_pairs += len(items)
        self.n_doubts += len(items)
        if self._n_pairs > JUDGED_AT_ONCE:
            self.settle()

    def settle(self) -> None:
        if not self._pairs or self._judge is None:
            return
        target = np.repeat(self._targets, [len(items) for items, _ in self._pairs])
        items, relevant = (np.concatenate(parts) for parts in zip(*self._pairs, strict=True))
        self._targets, self._pairs, self._n_pairs = [], [], 0
        above, tied = self._judge(target, items, relevant)
        for count, chosen in zip(self._counts, (above, tied, above & relevant, tied & relevant), strict=True):
            count += np.bincount(target[chosen], minlength=len(count))


def are_alike(width: Array) -> bool:
    """Tell whether widths are so similar that the largest may stand for all."""
    return bool(width.max() <= _ALIKE * width.mean())


def best_of(target: Array, values: FloatArray, width: FloatArray, eligible: Array) -> tuple[FloatArray, FloatArray]:
    """Return, for each pair, the largest eligible value of its target and its width; pairs are sorted by target."""
    starts = np.flatnonzero(np.diff(target, prepend=-1))
    n_pairs = np.diff(starts, append=len(target))
    eligible_values = np.where(eligible, values, -np.inf)
    best = np.repeat(np.maximum.reduceat(eligible_values, starts), n_pairs)
    widths = np.maximum.reduceat(np.where(eligible_values == best, width, 0.0), starts)
    return best, np.repeat(widths, n_pairs)


def told_apart(values: FloatArray, width: FloatArray, best: FloatArray, best_width: FloatArray) -> tuple[Array, Array]:
    """Tell which values exceed the best by more than rounding, and which tie with it."""
    margin = width + best_width
    return values > best + margin, np.abs(values - best) <= margin
