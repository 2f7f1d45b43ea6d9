"""How badly pairs fit beside training pairs, and what share of them is mismatched.

Notation: a, b unit scores of a pair in the shared space; r(a), r(b) their mean cosine with the ten nearest training
partners. The closeness of a pair is CSLS, 2 aᵀb − r(a) − r(b).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from .._schemas import saved
from .._similarity import SIMILARITIES, unit_rows
from .._typing import FloatArray
from ..alignment._fitted_aligner import shared_space_scores
from ..models._value import Value
from ..retrieval._nearest import SearchSpace
from ..retrieval.hubness import bias
from ..rows._blocks import row_slices
from ..rows._stored import PairedRows

# Training partners whose mean cosine is taken from that of a pair.
N_PARTNERS = 10
# Training rows near one side of a pair, whose partners should be near the other side.
N_NEIGHBORS = 5
# Powers of the training correlations that scores may be multiplied by: most of many dimensions are noise. On emoji with
# 5 % wrong pairs the fourth lifts the average precision of CCA without `power` from .66 to .77, and lowers that of PLS,
# whose dimensions have weights of their own, from .75 to .61.
POWERS = (0.0, 4.0)
# Weight of the neighbours beside the closeness, both in standard deviations.
NEIGHBOR_WEIGHT = 0.5
# Similarities closer than this are tied: products differ by rounding of a few 1e-16.
_TIED = 1e-12
# Similarities held at a time (32 MB).
_AT_ONCE = 2**22


class Sides(NamedTuple):
    """Both sides of some pairs: centred scores in the shared space, and unit features in the space of each encoder."""

    x_scores: FloatArray
    y_scores: FloatArray
    x_features: FloatArray
    y_features: FloatArray


@saved()
@dataclass(frozen=True, eq=False)
class PairBank(Value):
    """Training pairs of a fitted aligner, which others are compared with, and what their rows were centred at.

    A side of sparse rows has no mean: its scores stand for its features, which would be dense once centred.
    """

    aligner: Any
    x_centre: FloatArray
    y_centre: FloatArray
    correlations: FloatArray  # (n_components,), of the training scores, at least 0
    x_mean: FloatArray | None
    y_mean: FloatArray | None
    x_scores: FloatArray
    y_scores: FloatArray
    x_features: FloatArray
    y_features: FloatArray

    @classmethod
    def of(cls, aligner: Any, X: Any, y: Any, rows: PairedRows) -> Self:
        """Keep the pairs that an aligner was fitted to, as the user's `X` and `y` and as checked rows."""
        scores = _scores(aligner, X, y)
        centres = scores[0].mean(axis=0), scores[1].mean(axis=0)
        A, B = scores[0] - centres[0], scores[1] - centres[1]
        products, sizes = np.sum(A * B, axis=0), np.sqrt(np.sum(A**2, axis=0) * np.sum(B**2, axis=0))
        correlations = np.divide(products, sizes, out=np.zeros_like(sizes), where=sizes > 0).clip(0, 1)
        means = _mean(rows.X, "X"), _mean(rows.y, "y")
        sides = _sides(scores, centres, means, rows)
        return cls(aligner, *centres, correlations, *means, *sides)

    def sides(self, X: Any, y: Any, rows: PairedRows) -> Sides:
        """Map other pairs to where those of the bank lie."""
        return _sides(_scores(self.aligner, X, y), (self.x_centre, self.y_centre), (self.x_mean, self.y_mean), rows)

    def directions(self, pairs: Sides | PairBank, power: float) -> tuple[FloatArray, FloatArray]:
        """Scale scores, multiplied by a power of the correlations, to unit length."""
        weights = self.correlations**power
        return unit_rows(pairs.x_scores * weights), unit_rows(pairs.y_scores * weights)

    def radii(self, a: FloatArray, b: FloatArray, power: float) -> tuple[FloatArray, FloatArray]:
        """Compute r(a) and r(b) of each pair."""
        A, B = self.directions(self, power)
        k = min(N_PARTNERS, len(A))
        return bias(a, _space(B), k), bias(b, _space(A), k)

    def closeness(self, pairs: Sides, power: float) -> FloatArray:
        """Compute the closeness of each pair."""
        a, b = self.directions(pairs, power)
        r_a, r_b = self.radii(a, b, power)
        return np.asarray(2 * np.einsum("ij,ij->i", a, b) - r_a - r_b)

    def agreement(self, pairs: Sides) -> FloatArray:
        """Compute the mean cosine of one side with partners of the nearest rows of the other, in both directions."""
        k, total = min(N_NEIGHBORS, len(self.x_scores)), np.zeros(len(pairs.x_scores))
        x, y = (self.x_features, pairs.x_features), (self.y_features, pairs.y_features)
        for (known, one), (partners, other) in ((x, y), (y, x)):
            nearest = _space(known).nearest(one, k)[1]
            for place in nearest.T:
                total += np.einsum("ij,ij->i", other, partners[place]) / (2 * k)
        return total


def _scores(aligner: Any, X: Any, y: Any) -> tuple[FloatArray, FloatArray]:
    x_scores, y_scores = shared_space_scores(aligner, X, "x", "X"), shared_space_scores(aligner, y, "y", "y")
    return x_scores.astype(np.float64), y_scores.astype(np.float64)


def _mean(side: Any, name: str) -> FloatArray | None:
    return None if side.is_sparse else np.asarray(_dense(side, name).mean(axis=0))


def _dense(side: Any, name: str) -> FloatArray:
    return np.asarray(side.dense(slice(None), np.float64, name))


def _sides(scores: Any, centres: Any, means: Any, rows: PairedRows) -> Sides:
    centred = [each - centre for each, centre in zip(scores, centres, strict=True)]
    features = [
        unit_rows(own if mean is None else _dense(side, name) - mean)
        for own, mean, (name, side) in zip(centred, means, (("X", rows.X), ("y", rows.y)), strict=True)
    ]
    return Sides(*centred, *features)


def _space(items: FloatArray) -> SearchSpace:
    # Rows have unit length.
    return SearchSpace(items, SIMILARITIES["dot"])


class Ranked(NamedTuple):
    """Figures of the pairs of a fold, beside its mismatched ones."""

    cosine: FloatArray
    closeness: FloatArray
    x_to_y: FloatArray  # rank of the partner in each direction
    y_to_x: FloatArray
    p: FloatArray


def ranked(bank: PairBank, pairs: Sides, same: list[NDArray[np.intp]], power: float) -> Ranked:
    """Rank held-out pairs among the mismatched pairs of their rows.

    Rows i and j are a mismatched pair unless a grouping in `same` has both together. Ties count one half in ranks, and
    against the pair in p.
    """
    a, b = bank.directions(pairs, power)
    (r_a, r_b), n = bank.radii(a, b, power), len(a)
    cosine = np.einsum("ij,ij->i", a, b)
    closeness = 2 * cosine - r_a - r_b
    order = np.argsort(closeness)
    limits = closeness[order] - _TIED
    above, n_null = np.zeros(n + 1, dtype=np.intp), 0
    x_to_y, y_to_x = np.ones((2, n))
    for block in row_slices(n, max(1, _AT_ONCE // n)):
        C = 2 * a[block] @ b.T - r_a[block, None] - r_b
        together = np.any([codes[block, None] == codes for codes in same], axis=0)
        C[together] = -np.inf
        n_null += together.size - int(np.count_nonzero(together))
        for sign in (-1, 1):
            x_to_y[block] += np.count_nonzero(closeness[block, None] + sign * _TIED <= C, axis=1) / 2
            y_to_x += np.count_nonzero(closeness + sign * _TIED <= C, axis=0) / 2
        above += np.bincount(np.searchsorted(limits, C[~together], side="right"), minlength=n + 1)
    # A similarity above the first j limits counts for these.
    at_least = np.cumsum(above[::-1])[::-1][1:]
    p = np.empty(n)
    p[order] = (1 + at_least) / (1 + n_null)
    return Ranked(cosine, closeness, x_to_y, y_to_x, p)


@saved()
@dataclass(frozen=True, eq=False)
class Scaling(Value):
    """Means and standard deviations of closeness and agreement, (2,)."""

    centre: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, closeness: FloatArray, agreement: FloatArray) -> Self:
        """Compute them over held-out pairs."""
        both = np.stack([closeness, agreement])
        scale = both.std(axis=1)
        return cls(both.mean(axis=1), np.where(scale > 0, scale, 1.0))

    def suspicion(self, closeness: FloatArray, agreement: FloatArray) -> FloatArray:
        """Add what is missing in both, in standard deviations."""
        z = (np.stack([closeness, agreement], axis=1) - self.centre) / self.scale
        return np.asarray(-(z[:, 0] + NEIGHBOR_WEIGHT * z[:, 1]))


@saved()
@dataclass(frozen=True)
class WrongShare(Value):
    """Estimated share of wrong pairs, and the end of its one-sided interval."""

    share: float
    high: float


def wrong_share_of(p: FloatArray) -> float:
    """Estimate the share of wrong pairs from p, which is uniform for them: twice the share above one half."""
    return min(1.0, 2 * float(np.mean(p > 0.5)))


def share_of_wrong(p: FloatArray, groups: NDArray[np.intp], confidence_level: float = 0.95) -> WrongShare:
    """Estimate the share of wrong pairs, with a bound.

    Right pairs can only add to it. The bound is that of Clopper and Pearson for as many independent pairs as the groups
    are worth (Korn & Graubard 1998).
    """
    is_high, n = p > 0.5, len(p)
    count, n_groups = float(np.count_nonzero(is_high)), int(groups.max()) + 1
    share = count / n
    deviations = np.bincount(groups, is_high - share)
    # Variances of a sum of groups and of pairs; if all pairs are alike, nothing is known of how groups differ.
    of_groups, of_pairs = deviations @ deviations * n_groups / max(n_groups - 1, 1), n * share * (1 - share)
    effect = of_groups / of_pairs * (n - 1) / n if of_pairs else n / n_groups
    size = n / max(effect, 1.0)
    high = stats.beta.ppf(confidence_level, share * size + 1, size * (1 - share)) if share < 1 else 1.0
    return WrongShare(wrong_share_of(p), min(1.0, 2 * float(high)))
