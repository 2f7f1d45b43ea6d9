"""Evidence of a change in a stream: conformal p-values, and what bets on small ones have won.

Letters: S figures of each value; p their p-values; ε the exponent of a bet; s the value after which a bet starts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray
from scipy import special

from .._schemas import saved
from .._typing import FloatArray
from ..models._value import Value
from ..rows._blocks import row_slices
from ._drift_rows import CheckedRows, one_of_each

if TYPE_CHECKING:
    import pandas as pd

# Bins of each figure.
N_BINS = 100
# Exponents ε of the bets ε p^(ε − 1).
EXPONENTS = np.array([0.4, 0.7])
# Values that are ranked among each other, and values followed at a time.
AT_ONCE, CHUNK = 32, 4096
# Points of the evidence that are kept.
MOST_POINTS = 512
# Figures that are no evidence of their own: kinds of rows are not ordered, hubs come from the same neighbours as pairs.
NOT_WATCHED = ("mix", "hubs")


@saved()
@dataclass(frozen=True, eq=False)
class DriftStream(Value):
    """State of a stream: counts of its values by bin, and the wealth of each bet. It does not grow."""

    kinds: tuple[str, ...]
    kind_of: NDArray[np.intp]  # (S,), position in `kinds`
    edges: FloatArray  # (S, N_BINS − 1)
    counts: FloatArray  # (S, N_BINS)
    n_seen: FloatArray  # (S,), values of each figure since the start
    log_wealth: FloatArray  # (S, 2, n_exponents), of bets that have started
    history: FloatArray  # (n_points, 1 + n_kinds), logarithms of evidence, all together first
    log_threshold: float
    seed: int
    n_values: int = 0
    alarm_at: int = 0  # 0: no alarm
    last_group: str = ""
    stride: int = 1  # values for each point

    @classmethod
    def begun(cls, figures: dict[str, Any], n_for_bins: int, rate: float, seed: int) -> Self:
        """Begin with figures of reference values: the first of them settle the bins, the others are counted."""
        names, of, A = _watched(figures)
        kinds = tuple(dict.fromkeys(names))
        levels = np.arange(1, N_BINS) / N_BINS
        edges = np.quantile(A[:n_for_bins], levels, axis=0).T
        counts = np.stack([np.bincount(bins, minlength=N_BINS) for bins in _bins(A[n_for_bins:], edges).T])
        wealth = np.full((len(of), 2, len(EXPONENTS)), -np.inf)
        return cls(
            kinds,
            np.array([kinds.index(name) for name in names]),
            np.ascontiguousarray(edges),
            counts.astype(np.float64),
            np.zeros(len(of)),
            wealth,
            np.empty((0, 1 + len(kinds))),
            -float(np.log(rate)),
            seed,
        )

    def after(self, measured: Any, rows: CheckedRows) -> DriftStream:
        """Return the stream after further rows, whose figures are measured as those of the reference were."""
        rows, last = self._without_last_group(rows)
        if not rows.n_rows:
            return self
        n_units = int(rows.units.max()) + 1
        # Numbers by the place in the stream, so that they do not depend on how it is cut.
        per_value = 1 + len(self.kind_of)
        U = Generator(PCG64(self.seed).advance(self.n_values * per_value)).random((n_units, per_value))
        if rows.groups is not None:
            rows = rows.take(one_of_each(rows.units, U[:, 0]))
        _, places, A = _watched(measured.figures(rows), self.kinds, self.kind_of)
        grown = replace(self, last_group=last)
        for part in row_slices(n_units, CHUNK):
            grown = grown.with_values(A[part], places, U[part, 1:])
        return grown

    def with_values(self, A: FloatArray, figures: NDArray[np.intp], U: FloatArray) -> DriftStream:
        """Add values A (n, k) of some figures; U (n, S) are uniform numbers that break ties."""
        bins = _bins(A, self.edges[figures])
        p, counts = conformal_p(bins, self.counts[figures], U[:, figures])
        seen, wealth = self.n_seen[figures], self.log_wealth[figures]
        path = wealth_path(p, wealth, seen)
        n = len(A)
        # Evidence of each figure: bets that have started, and the stake of those that have not.
        started = special.logsumexp(path, axis=(2, 3)) - np.log(2 * len(EXPONENTS))
        steps = seen + np.arange(1, n + 1)[:, None]
        evidence = np.broadcast_to(self._evidence(self.log_wealth, self.n_seen), (n, len(self.kind_of))).copy()
        evidence[:, figures] = np.logaddexp(started, -np.log1p(steps))
        all_counts, all_seen, all_wealth = self.counts.copy(), self.n_seen.copy(), self.log_wealth.copy()
        all_counts[figures], all_seen[figures], all_wealth[figures] = counts, seen + n, path[-1]
        together = self._by_kind(evidence)
        crossed = np.flatnonzero(together[:, 0] >= self.log_threshold)
        alarm_at = self.alarm_at or (self.n_values + 1 + int(crossed[0]) if len(crossed) else 0)
        history, stride = _with_points(self.history, self.stride, self.n_values, together)
        return replace(
            self,
            counts=all_counts,
            n_seen=all_seen,
            log_wealth=all_wealth,
            n_values=self.n_values + n,
            alarm_at=alarm_at,
            history=history,
            stride=stride,
        )

    def table(self) -> pd.DataFrame:
        """Make the table of evidence."""
        import pandas as pd

        ends = np.minimum(np.arange(1, len(self.history) + 1) * self.stride, self.n_values)
        index = pd.Index(ends, name="value")
        return pd.DataFrame(self.history / np.log(10), index=index, columns=["all", *self.kinds])

    @staticmethod
    def _evidence(log_wealth: FloatArray, n_seen: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            started = special.logsumexp(log_wealth, axis=(1, 2)) - np.log(2 * len(EXPONENTS))
        return np.asarray(np.logaddexp(started, -np.log1p(n_seen)))

    def _by_kind(self, evidence: FloatArray) -> FloatArray:
        """Average the evidence (n, S) over all figures, and over those of each kind."""
        every = [np.arange(len(self.kind_of)), *(np.flatnonzero(self.kind_of == i) for i in range(len(self.kinds)))]
        means = [special.logsumexp(evidence[:, part], axis=1) - np.log(len(part)) for part in every]
        return np.stack(means, axis=1)

    def _without_last_group(self, rows: CheckedRows) -> tuple[CheckedRows, str]:
        """Leave out rows of the group that the call before ended with; also return the label of the last group."""
        if rows.groups is None or rows.labels is None:
            return rows, ""
        first, last = (_name_of(rows.labels[rows.groups[i]]) for i in (0, -1))
        if first != self.last_group:
            return rows, last
        return rows.take(np.flatnonzero(rows.groups != rows.groups[0])), last


def _name_of(label: Any) -> str:
    """Name a group such that equal labels have one name, whatever the type of the array or list that they came in."""
    import pandas as pd

    if isinstance(label, datetime | np.datetime64):
        return pd.Timestamp(label).isoformat()
    label = label.item() if isinstance(label, np.generic) else label
    return repr(int(label) if isinstance(label, float) and label.is_integer() else label)


def _watched(
    figures: dict[str, Any], kinds: tuple[str, ...] = (), kind_of: NDArray[np.intp] | None = None
) -> tuple[list[str], NDArray[np.intp], FloatArray]:
    """Lay figures out in columns; return the kind of each, its place among all, and the columns."""
    found = {what: A for what, A in figures.items() if not what.endswith(NOT_WATCHED)}
    columns = [A if A.ndim == 2 else A[:, None] for A in found.values()]
    names = [what for what, A in zip(found, columns, strict=True) for _ in range(A.shape[1])]
    if kind_of is None:
        places = np.arange(len(names))
    else:
        places = np.concatenate([np.flatnonzero(kind_of == kinds.index(what)) for what in found])
    return names, places, np.hstack(columns).astype(np.float64)


def _bins(A: FloatArray, edges: FloatArray) -> NDArray[np.intp]:
    return np.stack([np.searchsorted(e, a, side="right") for a, e in zip(A.T, edges, strict=True)], axis=1)


def conformal_p(bins: NDArray[np.intp], counts: FloatArray, U: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rank each value (n, k) among all before it, by bin, with ties at random.

    p = (#{higher bins} + u (#{the same bin} + 1)) / (#{all before} + 1) is uniform, and independent of the p before,
    whatever the bins (Vovk 2002). `counts` (k, n_bins) are of values before the first one; also return those after.
    """
    n, k = bins.shape
    counts = counts.copy()
    p = np.empty((n, k))
    columns = np.arange(k)
    for start in range(0, n, AT_ONCE):
        block = bins[start : start + AT_ONCE]
        at_least = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]
        same = counts[columns, block]
        above = at_least[columns, block] - same
        earlier = np.tri(len(block), k=-1, dtype=bool)[:, :, None]
        above = above + np.sum((block[None] > block[:, None]) & earlier, axis=1)
        same = same + np.sum((block[None] == block[:, None]) & earlier, axis=1)
        before = at_least[:, 0] + np.arange(len(block))[:, None]
        # u in (0, 1]: p is never 0.
        p[start : start + AT_ONCE] = (above + (1 - U[start : start + AT_ONCE]) * (same + 1)) / (before + 1)
        for column, values in zip(counts, block.T, strict=True):
            column += np.bincount(values, minlength=len(column))
    return p, counts


def wealth_path(p: FloatArray, log_wealth: FloatArray, n_seen: FloatArray) -> FloatArray:
    """Follow logarithms of what bets on either tail have won, (n, k, 2, n_exponents): on small p, and on small 1 − p.

    With R after value i the wealth of all bets that started at an s < i, R_i = (R_{i−1} + 1/(i (i + 1))) ε p^(ε−1): the
    stake of those that start after value s is 1/((s + 1)(s + 2)).
    """
    n = len(p)
    tails = np.log(np.stack([p, np.maximum(1 - p, np.finfo(float).eps)], axis=2))
    gains = np.log(EXPONENTS) + (EXPONENTS - 1) * tails[..., None]
    total = np.cumsum(gains, axis=0)
    i = n_seen + np.arange(1, n + 1)[:, None]
    stakes = -(np.log(i) + np.log(i + 1))[:, :, None, None]
    # Wealth in units of the product of all gains since the beginning of the batch is a sum.
    stakes = stakes - (total - gains)
    stakes[0] = np.logaddexp(stakes[0], log_wealth)
    return np.asarray(np.logaddexp.accumulate(stakes, axis=0) + total)


def _with_points(history: FloatArray, stride: int, n_before: int, evidence: FloatArray) -> tuple[FloatArray, int]:
    """Add evidence to the points, each the largest of its values; two become one where there are too many."""
    places = (n_before + np.arange(len(evidence))) // stride
    points = np.full((int(places[-1]) + 1, evidence.shape[1]), -np.inf)
    points[: len(history)] = history
    np.maximum.at(points, places, evidence)
    while len(points) > MOST_POINTS:
        if len(points) % 2:
            points = np.vstack([points, points[-1:]])
        points, stride = points.reshape(-1, 2, points.shape[1]).max(axis=1), 2 * stride
    return points, stride
