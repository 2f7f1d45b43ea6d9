"""Counts of items around every relevant one, by sorting the list of each query.

Sorting costs far more than the product that it follows. A score therefore becomes a whole number of half as many bytes,
with one more bit that says whether its item is relevant: the places of the relevant items are then read off the sorted
list. Those whose neighbours come too close for that are counted again, from scores in double precision.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._typing import Array
from ..rows._blocks import row_slices

# Largest magnitude of a score: with that of others and the bit for relevance, 32 bits are full.
LARGEST_SCORE = (1 - 2.0**-20) * (2**30 - 1)
# Number of an item that is not in the list.
_LAST = 2**30 - 1
# Entries sorted together, few enough to stay in the processor's cache.
_TOGETHER = 2**16
# Number of targets of a row in doubt up to which comparing each with all entries is cheaper than sorting.
_COMPARE_UP_TO = 16


def count_in_lists(
    scores: Array, width: Array, relevant: Callable[[int], Array], n_relevant: Array, *, some_left_out: bool
) -> Array:
    """Count items around all relevant ones of a block of queries, the best first.

    Parameters
    ----------
    scores : float64 ndarray of shape (n_queries, n_items)
        Of magnitudes up to `LARGEST_SCORE`.
    width : ndarray of shape (n_items,)
        Largest rounding error of each item's score, far below 1.
    relevant : callable
        Returns the relevant items of a row of `scores`, in ascending order.
    n_relevant : ndarray of shape (n_queries,)
    some_left_out : bool
        Whether items that are not in a list have scores of −inf.

    Returns
    -------
    ndarray of shape (4, n_relevant.sum())
        The fields of `Counts`, query by query.
    """
    last = np.cumsum(n_relevant)
    first = last - n_relevant
    counts = np.empty((4, n_relevant.sum()), dtype=np.int64)
    counts[1::2] = 1
    np.subtract(np.arange(counts.shape[1]), np.repeat(first, n_relevant), out=counts[2])
    lists = _Lists(scores.shape[1], some_left_out)
    for part in row_slices(len(scores), lists.at_once):
        start, stop = first[part.start], last[part.stop - 1]
        items = [relevant(q) for q in range(part.start, part.stop)]
        places, doubtful, keys = lists.places(scores[part], items)
        counts[0, start:stop] = places
        counts[0, start:stop] -= np.repeat(np.arange(len(items)) * scores.shape[1], n_relevant[part])
        query = last.searchsorted(start + doubtful, side="right")
        for q in sorted(set(query.tolist())):
            own, row, candidates = query == q, scores[q], items[q - part.start]
            chosen = lists.which(row[candidates], keys[own])
            chosen = chosen[np.argsort(-row[candidates[chosen]])]
            counts[:, start + doubtful[own]] = count_again(row, width, candidates, chosen)
    return counts


class _Lists:
    """Lists of equal length, sorted a few at a time."""

    def __init__(self, n_items: int, some_left_out: bool) -> None:
        self._some_left_out = some_left_out
        self.at_once = max(1, _TOGETHER // n_items)
        shape = self.at_once, n_items
        self._keys, self._spare = np.empty(shape, np.int32), np.empty(shape, np.int32)
        self._near = np.zeros(shape, bool)
        # numpy finds flags several times faster where more than a tenth are set: hence more of them behind.
        self._flag = np.empty(self._near.size + self._near.size // 8, bool)

    def places(self, scores: Array, relevant: list[Array]) -> tuple[Array, Array, Array]:
        """Find the places of relevant items in a list of all lists; say which are in doubt, and their numbers."""
        keys, spare, near = (A[: len(scores)] for A in (self._keys, self._spare, self._near))
        self._to_numbers(scores, keys)
        for key, items in zip(keys, relevant, strict=True):
            first, last = items[0], items[-1] + 1
            key[slice(first, last) if last - first == len(items) else items] += 1
        keys.sort(axis=1)
        size = scores.size
        flag, n_more = self._flag[:size].reshape(keys.shape), size // 8
        np.copyto(flag, np.bitwise_and(keys, 1, out=spare), casting="unsafe")
        self._flag[size : size + n_more] = True
        places = self._flag[: size + n_more].nonzero()[0]
        places = places[: len(places) - n_more]
        # Equal scores may be one apart after rounding: with the last bit up to three.
        np.less_equal(np.subtract(keys[:, 1:], keys[:, :-1], out=spare[:, 1:]), 3, out=near[:, 1:])
        near[:, 0] = False
        near[:, :-1] |= near[:, 1:]
        near &= flag
        in_doubt = near.ravel().nonzero()[0]
        return places, places.searchsorted(in_doubt), keys.ravel()[in_doubt]

    def which(self, scores: Array, keys: Array) -> Array:
        """Find the relevant items, given by their scores, with any of some numbers in ascending order."""
        own = np.empty(len(scores), np.int32)
        self._to_numbers(scores, own)
        own += 1
        return np.flatnonzero(keys.take(keys.searchsorted(own), mode="clip") == own)

    def _to_numbers(self, scores: Array, keys: Array) -> None:
        """Convert scores to even numbers, the smallest for the best score."""
        if self._some_left_out:
            scores = np.maximum(scores, -_LAST)
        np.copyto(keys, scores, casting="unsafe")
        keys *= -2


def count_again(row: Array, width: Array, relevant: Array, chosen: Array) -> Array:
    """Count items around some of a row's relevant ones, given by positions in `relevant`, by their exact widths."""
    greater, tied = count_around_each(row, width, relevant[chosen])
    return np.stack((greater, tied, *count_around_each(row[relevant], width[relevant], chosen)))


def count_around_each(row: Array, width: Array, targets: Array) -> tuple[Array, Array]:
    """Count the entries of a row above each of its entries `targets`, and those that tie with it, given the widths."""
    score, own, common = row[targets], width[targets], width.max()
    if len(targets) <= _COMPARE_UP_TO:
        # An entry that is alone among all that any width would let tie is alone.
        greater, tied = _compare(row, row, score + (own + common), score - (own + common))
        if (tied == 1).all():
            return greater, tied
    smallest, largest, above, below = row - width, row + width, score + own, score - own
    if len(targets) <= _COMPARE_UP_TO:
        return _compare(smallest, largest, above, below)
    smallest.sort()
    largest.sort()
    greater = len(row) - smallest.searchsorted(above, side="right")
    return greater, len(row) - largest.searchsorted(below, side="left") - greater


def _compare(smallest: Array, largest: Array, above: Array, below: Array) -> tuple[Array, Array]:
    """Count entries that are surely > above, and those that may be in [below, above]."""
    greater = np.array([np.count_nonzero(smallest > bound) for bound in above])
    return greater, np.array([np.count_nonzero(largest >= bound) for bound in below]) - greater
