"""Which rows are one item: such rows share a fold, and stand in a gallery once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from .._ids import checked_ids, codes_of_ids
from .._typing import FloatArray
from ..linalg._products import product
from ..metrics.scorer import RetrievalScorer
from ..rows._blocks import BLOCK_ROWS, float_block, is_sparse, row_slices
from ..rows._validation import PairedRows

# Part number of each row, 0, 1, …: rows of one number belong together.
Parts = NDArray[np.intp]

# Values are equal that differ by less than this share of the feature's typical deviation, or of their own.
_SIX_DIGITS = 1e-6
# Rows in fewer parts than one for so many of them are told apart by a label, not by what they are.
_ROWS_OF_A_LABEL = 20
# Rows that tell the deviation of a feature, and the share of those off its median that lie within it: so many values
# may be wild, and so many may be rounding around one that most rows have.
_SAMPLE = 200
_SHARE = 0.9
# Values compared at once: few enough for the cache.
_AT_ONCE = 2**18
_N_DIRECTIONS = 4


@dataclass(frozen=True)
class Items:
    """Rows that share a fold; and for a retrieval score ids, and which rows of a side are copies of one another."""

    groups: Parts
    x_ids: Parts | None = None
    y_ids: Parts | None = None
    x_copies: Parts | None = None
    y_copies: Parts | None = None

    @classmethod
    def of(
        cls, rows: PairedRows, groups: Any, x_ids: Any, y_ids: Any, sample_weight: FloatArray | None, *, retrieval: bool
    ) -> Self:
        """From what is given with all rows, and from what those of positive weight say themselves."""
        given = _given(groups, x_ids, y_ids, rows.n_rows, sample_weight)
        ids = [given[name] for name in ("x_ids", "y_ids") if name in given]
        if retrieval and len(ids) == 1:
            raise ValueError("x_ids and y_ids go together, but only one was given. Pass both or neither.")
        if groups is not None and not retrieval:
            return cls(_renumbered(given["groups"]))
        x = equal_rows(rows.X, "X")
        # Where no two rows agree on one side, none agree on both.
        y = equal_rows(rows.y, "y") if retrieval or _count(x) < len(x) else x
        equal = [_intersection(x, y), x, y] if retrieval else [_intersection(x, y)]
        parts = _union_of_items(*equal, *ids) if groups is None else _renumbered(given["groups"])
        if not retrieval:
            return cls(parts)
        if not ids:
            items = _union_of_items(*equal)
            if _count(items) == len(items):
                return cls(parts)
            ids = [items, items]
        return cls(parts, ids[0], ids[1], _intersection(ids[0], x), _intersection(ids[1], y))

    def gallery(self, positions: NDArray[np.intp]) -> Gallery:
        """What a retrieval score takes of a fold."""
        kept, ids = [], {}
        for name, own, copies in (("x_ids", self.x_ids, self.x_copies), ("y_ids", self.y_ids, self.y_copies)):
            first = None if copies is None else np.sort(np.unique(copies[positions], return_index=True)[1])
            kept.append(slice(None) if first is None else first)
            ids[name] = None if own is None else own[positions][kept[-1]]
        return Gallery(kept[0], kept[1], ids)


@dataclass(frozen=True)
class Gallery:
    """Rows of a fold, those that are copies of another left out, and ids of the others."""

    x: Any
    y: Any
    ids: dict[str, Parts | None]

    def score(self, scoring: RetrievalScorer, x_scores: FloatArray, y_scores: FloatArray) -> float:
        """Score of both sides' rows of the fold, one row for each of its own."""
        return scoring.of_scores(x_scores[self.x], y_scores[self.y], **self.ids)  # type: ignore[return-value]

    def table(
        self,
        scoring: RetrievalScorer,
        scores: Sequence[tuple[FloatArray, FloatArray]],
        singular_values: FloatArray,
        powers: Sequence[float | None],
    ) -> FloatArray:
        """Score of every power, and of both sides' scores for each number of components."""
        weights = [singular_values ** (power or 0.0) for power in powers]
        return np.array(
            [[self.score(scoring, x * w[: x.shape[1]], y * w[: x.shape[1]]) for x, y in scores] for w in weights]
        )


def _given(groups: Any, x_ids: Any, y_ids: Any, n_kept: int, sample_weight: FloatArray | None) -> dict[str, Parts]:
    """Numbers of the groups and ids that were given, of rows of positive weight; the same where ids are equal."""
    n_rows = n_kept if sample_weight is None else len(sample_weight)
    named = {"groups": groups, "x_ids": x_ids, "y_ids": y_ids}
    checked = {name: checked_ids(ids, name, n_rows, "X") for name, ids in named.items() if ids is not None}
    numbers = _numbers(checked, "groups") | _numbers(checked, "x_ids", "y_ids")
    return numbers if sample_weight is None else {name: number[sample_weight > 0] for name, number in numbers.items()}


def _numbers(ids: dict[str, NDArray[Any]], *names: str) -> dict[str, Parts]:
    """Numbers of those of these names, in the order of the values and the same for equal ones."""
    found = [name for name in names if name in ids]
    if not found:
        return {}
    one, other = ids[found[0]], ids[found[-1]]
    return dict(zip(found, codes_of_ids(one, other, len(one), len(other), (found[0], found[-1])), strict=False))


@np.errstate(over="ignore", invalid="ignore")
def equal_rows(A: Any, name: str) -> Parts:
    """Part of each row: those that are equal to six digits, directly or by way of others.

    The digits of a value are those of its distance from the feature's median, in units of the feature's typical
    deviation, or in its own where it is larger. So neither unit nor origin counts. To find them without comparing
    all pairs, rows are sorted by a random direction, within coarse cells of three others; then they lie side by side.
    Copies that differ by rounding may lie on two sides of a cell's border, so there are two rounds, with other cells.
    """
    n = A.shape[0]
    units = _Units.of(A, name)
    V = units.projected(A, name)
    reach = 10 * _SIX_DIGITS * (np.sqrt(A.shape[1]) + np.linalg.norm(V, axis=1) / np.sqrt(_N_DIRECTIONS))
    found = []
    for shift in (0.0, 0.5):
        cells = _cells(V[:, 1:], shift)
        order = np.lexsort((V[:, 0], cells))
        one, other = np.sort([order[:-1], order[1:]], axis=0)
        near = np.all(np.abs(V[one] - V[other]) <= reach[one, None], axis=1)
        found.append(one[near] * n + other[near])
        V = V[:, ::-1]
    # Each pair once, and in the order of the rows, which may have to come from a file.
    one, other = np.divmod(np.unique(np.concatenate(found)), n)
    agree = units.agree(A, one, other, name)
    graph = sparse.coo_array((np.ones(agree.sum(), bool), (one[agree], other[agree])), shape=(n, n))
    return _renumbered(connected_components(graph, directed=False)[1])


def _cells(V: FloatArray, shift: float) -> NDArray[np.int64]:
    """Numbers of coarse cells of three coordinates, half a standard deviation wide."""
    spread = V.std(axis=0)
    spread[~(spread > 0)] = 1.0
    places = np.floor(np.clip(2 * (V - V.mean(axis=0)) / spread + shift, -1e6, 1e6)).astype(np.int64)
    # Below 2^63, so that each cell has its own.
    return np.asarray(places @ np.array([1, 2_000_001, 2_000_001**2]))


@dataclass(frozen=True)
class _Units:
    """Median and typical deviation of each feature, both of shape (n_features,)."""

    centre: FloatArray
    deviation: FloatArray

    @classmethod
    def of(cls, A: Any, name: str) -> Self:
        """From some of the rows, and from sparse ones about zero; one wild row changes nothing."""
        sample = np.unique(np.linspace(0, A.shape[0] - 1, _SAMPLE).astype(int))
        rows: Any = float_block(A, sample, np.float64, name)
        if is_sparse(rows):
            centre, deviation = np.zeros(A.shape[1]), _deviation_of_stored(rows)
        else:
            centre = np.median(rows, axis=0)
            # Halves: the distance of the largest numbers is none.
            sizes = np.sort(np.abs(rows / 2 - centre / 2), axis=0)
            n_still = np.count_nonzero(sizes == 0, axis=0)
            place = n_still + (_SHARE * (len(sizes) - n_still)).astype(int)
            deviation = 2 * sizes[np.minimum(place, len(sizes) - 1), np.arange(A.shape[1])]
        deviation = np.minimum(deviation, np.finfo(np.float64).max)
        # A feature that does not vary in the sample: any other value is far away.
        still = deviation == 0
        smallest = deviation[~still].min(initial=np.inf)
        deviation[still] = np.where(centre != 0, np.abs(centre), smallest if np.isfinite(smallest) else 1.0)[still]
        return cls(centre, deviation)

    def projected(self, A: Any, name: str) -> FloatArray:
        """Rows in these units along a few random directions, shape (n_rows, n_directions)."""
        rng = np.random.default_rng(0)
        # Magnitudes differ, so that swapped features are not the same; none is near zero.
        shape = A.shape[1], _N_DIRECTIONS
        directions = rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1.5, shape) / self.deviation[:, None]
        V = np.empty((A.shape[0], _N_DIRECTIONS))
        for rows in row_slices(A.shape[0], _rows_at_once(A)):
            block = float_block(A, rows, np.float64, name)
            V[rows] = block @ directions if is_sparse(block) else product(block, directions)
        return V - product(self.centre[None], directions)

    def agree(self, A: Any, one: Parts, other: Parts, name: str) -> NDArray[np.bool_]:
        """Whether rows are equal to six digits, pair by pair."""
        agree = np.empty(len(one), dtype=bool)
        for pairs in row_slices(len(one), _rows_at_once(A)):
            a, b = (self._in_units(float_block(A, rows[pairs], np.float64, name)) for rows in (one, other))
            largest = abs(a).maximum(abs(b)) if is_sparse(a) else np.maximum(abs(a), abs(b))
            agree[pairs] = (abs(a - b) - _SIX_DIGITS * largest > _SIX_DIGITS).sum(axis=1) == 0
        return agree

    def _in_units(self, block: Any) -> Any:
        if is_sparse(block):
            data = _bounded(block.data / self.deviation[block.indices])
            return sparse.csr_array((data, block.indices, block.indptr), block.shape)
        return _bounded(block / self.deviation - self.centre / self.deviation)


def _deviation_of_stored(rows: Any) -> FloatArray:
    """Deviation of each column of sparse rows from zero; 0 where all of it is."""
    stored = sparse.coo_array(abs(rows))
    stored.eliminate_zeros()
    sizes = stored.data[np.lexsort((stored.data, stored.col))]
    counts = np.bincount(stored.col, minlength=rows.shape[1])
    place = np.cumsum(counts) - counts + (_SHARE * counts).astype(int)
    deviation = np.zeros(rows.shape[1])
    deviation[counts > 0] = sizes[place[counts > 0]]
    return deviation


def _bounded(values: FloatArray) -> FloatArray:
    """Values whose differences are numbers."""
    return np.clip(values, -1e300, 1e300)


def _rows_at_once(A: Any) -> int:
    width = A.nnz // A.shape[0] if is_sparse(A) else A.shape[1]
    return max(1, min(BLOCK_ROWS, _AT_ONCE // max(1, int(width))))


def _count(parts: Parts) -> int:
    return 1 + int(parts.max())


def _renumbered(parts: NDArray[Any]) -> Parts:
    """The same parts as 0, 1, … without gaps."""
    numbers: Parts = np.unique(parts, return_inverse=True)[1]
    return numbers


def _intersection(a: Parts, b: Parts) -> Parts:
    """Rows together where they are in both."""
    return _renumbered(a * _count(b) + b)


def _union(a: Parts, b: Parts) -> Parts:
    """Rows together where they are in either, directly or by way of others."""
    n_a, n = _count(a), _count(a) + _count(b)
    graph = sparse.coo_array((np.ones(len(a), bool), (a, n_a + b)), shape=(n, n))
    return _renumbered(connected_components(graph, directed=False)[1][a])


def _union_of_items(*parts: Parts) -> Parts:
    """The union of all but those that would leave few parts: they are labels."""
    union = np.arange(len(parts[0]))
    for part in parts:
        wider = _union(union, part)
        if _count(wider) * _ROWS_OF_A_LABEL >= len(wider):
            union = wider
    return union
