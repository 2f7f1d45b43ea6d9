"""Exchanges of rows between reference and batch, of groups with groups of as many rows.

Letters: n reference rows and m rows of the batch, N = n + m; B exchanges; L (N, B + 1) tells which rows are the batch,
as they are in the first column and after an exchange in the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import special

from .._typing import FloatArray
from ..inference._exchange import Exchange
from ._groups import Places, places_in_groups

# Values closer than this share of their spread are equal: rounding.
_TIED = 1e-6


@dataclass(frozen=True, eq=False)
class Exchanged:
    """Rows that are exchanged, by their positions in reference and batch, and which of them are the batch."""

    reference: Places
    batch: Places
    L: FloatArray

    @property
    def sizes(self) -> tuple[int, int]:
        """Numbers of rows n and m."""
        return len(self.reference), len(self.batch)

    def join(self, reference: NDArray[np.generic], batch: NDArray[np.generic]) -> FloatArray:
        """Put figures of reference and batch together."""
        return np.concatenate([reference[self.reference], batch[self.batch]])


def exchanged(
    reference: Places | None, batch: Places | None, sizes: tuple[int, int], n_draws: int, fewest: float, rng: Generator
) -> Exchanged:
    """Draw exchanges; refuse so few possible ones that no p-value could be below 1 / fewest.

    `reference` and `batch` are the numbers of groups, or None for single rows.
    """
    units = [np.arange(n) if of is None else of for of, n in zip((reference, batch), sizes, strict=True)]
    grouped = reference is not None or batch is not None
    rows = _of_equal_sizes(units, fewest, rng) if grouped else units
    kept = [unit[places] for unit, places in zip(units, rows, strict=True)]
    n, m = len(rows[0]), len(rows[1])
    _check_possible(kept, fewest, "groups" if grouped else "rows")
    codes = np.concatenate([kept[0], kept[1] + kept[0].max() + 1])
    exchange = Exchange.of_rows(n + m) if not grouped else Exchange.within(n + m, codes, None)
    is_batch = np.arange(n + m) >= n
    L = np.empty((n_draws + 1, n + m))
    L[0] = is_batch
    for drawn in L[1:]:
        drawn[:] = is_batch[exchange.draw(rng)]
    return Exchanged(rows[0], rows[1], np.ascontiguousarray(L.T))


def _of_equal_sizes(units: list[Places], fewest: float, rng: Generator) -> list[Places]:
    """Choose rows of both so that groups have the sizes of those of the batch.

    A group of the reference gives as many rows as a random one of the groups of the batch that are no larger. A group
    of the batch that is larger than all of the reference gives as many as a random one of these. If too few groups can
    then be exchanged, all are cut to half as many rows, until single rows are left. All this depends on sizes and not
    on values, so that groups of one size are exchangeable.
    """
    sizes = [np.bincount(of) for of in units]
    most = int(max(sizes[0].max(), sizes[1].max()))
    while True:
        n_rows, m_rows = (np.minimum(of, most) for of in sizes)
        too_large = m_rows > n_rows.max()
        m_rows[too_large] = rng.choice(n_rows, int(too_large.sum()))
        ordered = np.sort(m_rows)
        n_smaller = np.searchsorted(ordered, n_rows, side="right")
        places = np.maximum(np.ceil(rng.random(len(n_rows)) * n_smaller).astype(np.intp) - 1, 0)
        n_rows = np.where(n_smaller > 0, ordered[places], 0)
        if most == 1 or _log_arrangements(n_rows[n_rows > 0], m_rows) >= np.log(fewest):
            kept = zip(units, (n_rows, m_rows), strict=True)
            return [np.flatnonzero(places_in_groups(of, rng) < wanted[of]) for of, wanted in kept]
        most = (most + 1) // 2


def _log_arrangements(n_rows: NDArray[np.intp], m_rows: NDArray[np.intp]) -> float:
    """Compute the logarithm of the number of ways to choose the batch among groups of these sizes."""
    longest = int(max(n_rows.max(initial=0), m_rows.max())) + 1
    n, m = (np.bincount(of, minlength=longest) for of in (n_rows, m_rows))
    return float(np.sum(special.gammaln(n + m + 1) - special.gammaln(n + 1) - special.gammaln(m + 1)))


def _check_possible(kept: list[Places], fewest: float, kind: str) -> None:
    sizes = [np.unique(units, return_counts=True)[1] for units in kept]
    logarithm = _log_arrangements(*sizes)
    if logarithm < np.log(fewest) - 1e-9:
        n, m = map(len, sizes)
        raise ValueError(
            f"The batch has {m} {kind}, and the reference {n} that they can be exchanged with: {np.exp(logarithm):.0f} "
            f"arrangements, where a test at this false_alarm_rate needs {ceil(fewest)}. Pass more {kind}, or gather "
            "several batches."
        )


def p_value(values: FloatArray) -> float:
    """Compute the p-value of the first of some values; the others are of exchanges."""
    tied = _TIED * float(values.std())
    return float((1 + np.count_nonzero(values[1:] >= values[0] - tied)) / len(values))
