"""Rows of one side that are equal up to rounding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from .._typing import FloatArray
from ..linalg._products import product
from ._blocks import BLOCK_ROWS, row_slices
from ._stored import RowsAtHand

# Number of the group of each row, 0, 1, …: rows of one number belong together.
Parts = NDArray[np.intp]
# Largest difference of equal values, relative to the feature's typical deviation or the value's own.
_SIX_DIGITS = 1e-6
# Sample rows that the typical deviation of a feature is estimated from.
_SAMPLE = 200
# Quantile of the sample's distances from the median, zeros left out, that is the typical deviation: a tenth of the
# values may be outliers.
_SHARE = 0.9
# Values compared at once: few enough for the cache.
_AT_ONCE = 2**18
# Random directions: one to sort by, three for the cells.
_N_DIRECTIONS = 4


@np.errstate(over="ignore", invalid="ignore")
def equal_rows(A: RowsAtHand, name: str) -> Parts:
    """Group rows that are equal to six digits, directly or through other rows; return the group of each row.

    Digits are counted in a value's distance from the feature's median, in units of the feature's typical deviation or
    of the distance itself if that is larger: neither unit nor origin matters. To avoid comparing all pairs, rows are
    sorted by a random direction within coarse cells of three others, so that equal rows are neighbours. Copies that
    differ by rounding may lie on two sides of a cell's border; a second round uses shifted cells.
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
    # Each pair once, in the order of the rows, which may be read from a file.
    one, other = np.divmod(np.unique(np.concatenate(found)), n)
    agree = units.agree(A, one, other, name)
    graph = sparse.coo_array((np.ones(agree.sum(), bool), (one[agree], other[agree])), shape=(n, n))
    return renumbered(connected_components(graph, directed=False)[1])


def _cells(V: FloatArray, shift: float) -> NDArray[np.int64]:
    """Number the coarse cells of three coordinates, half a standard deviation wide."""
    spread = V.std(axis=0)
    spread[~(spread > 0)] = 1.0
    places = np.floor(np.clip(2 * (V - V.mean(axis=0)) / spread + shift, -1e6, 1e6)).astype(np.int64)
    # Numbers stay below 2^63, so that each cell has its own.
    return np.asarray(places @ np.array([1, 2_000_001, 2_000_001**2]))


@dataclass(frozen=True)
class _Units:
    """Median and typical deviation of each feature, both of shape (n_features,)."""

    centre: FloatArray
    deviation: FloatArray

    @classmethod
    def of(cls, A: RowsAtHand, name: str) -> Self:
        """Estimate from a sample of the rows, about zero for sparse rows; an outlier changes nothing."""
        sample = np.unique(np.linspace(0, A.shape[0] - 1, _SAMPLE).astype(int))
        rows = A.block(sample, np.float64, name).A
        if A.is_sparse:
            centre, deviation = np.zeros(A.shape[1]), _deviation_of_stored(rows)
        else:
            centre = np.median(rows, axis=0)
            # Halved, since the distance of the largest numbers would overflow.
            sizes = np.sort(np.abs(rows / 2 - centre / 2), axis=0)
            n_still = np.count_nonzero(sizes == 0, axis=0)
            place = n_still + (_SHARE * (len(sizes) - n_still)).astype(int)
            deviation = 2 * sizes[np.minimum(place, len(sizes) - 1), np.arange(A.shape[1])]
        deviation = np.minimum(deviation, np.finfo(np.float64).max)
        # For a feature that is constant in the sample, any other value is far away.
        still = deviation == 0
        smallest = deviation[~still].min(initial=np.inf)
        deviation[still] = np.where(centre != 0, np.abs(centre), smallest if np.isfinite(smallest) else 1.0)[still]
        return cls(centre, deviation)

    def projected(self, A: RowsAtHand, name: str) -> FloatArray:
        """Project the rows, in these units, on a few random directions, shape (n_rows, n_directions)."""
        rng = np.random.default_rng(0)
        # Weights of different magnitude tell swapped features apart; none is near zero.
        shape = A.shape[1], _N_DIRECTIONS
        directions = rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1.5, shape) / self.deviation[:, None]
        V = np.empty((A.shape[0], _N_DIRECTIONS))
        for rows in row_slices(A.shape[0], _rows_at_once(A)):
            V[rows] = A.block(rows, np.float64, name).times(directions)
        return V - product(self.centre[None], directions)

    def agree(self, A: RowsAtHand, one: Parts, other: Parts, name: str) -> NDArray[np.bool_]:
        """Compare pairs of rows; True for those equal to six digits."""
        agree = np.empty(len(one), dtype=bool)
        for pairs in row_slices(len(one), _rows_at_once(A)):
            in_units = self._sparse_in_units if A.is_sparse else self._in_units
            a, b = (in_units(A.block(rows[pairs], np.float64, name).A) for rows in (one, other))
            largest = abs(a).maximum(abs(b)) if A.is_sparse else np.maximum(abs(a), abs(b))
            agree[pairs] = (abs(a - b) - _SIX_DIGITS * largest > _SIX_DIGITS).sum(axis=1) == 0
        return agree

    def _in_units(self, rows: FloatArray) -> FloatArray:
        return _bounded(rows / self.deviation - self.centre / self.deviation)

    def _sparse_in_units(self, rows: Any) -> Any:
        data = _bounded(rows.data / self.deviation[rows.indices])
        return sparse.csr_array((data, rows.indices, rows.indptr), rows.shape)


def _deviation_of_stored(rows: Any) -> FloatArray:
    """Estimate the deviation of each sparse column from zero; 0 for a column of zeros."""
    stored = sparse.coo_array(abs(rows))
    stored.eliminate_zeros()
    sizes = stored.data[np.lexsort((stored.data, stored.col))]
    counts = np.bincount(stored.col, minlength=rows.shape[1])
    place = np.cumsum(counts) - counts + (_SHARE * counts).astype(int)
    deviation = np.zeros(rows.shape[1])
    deviation[counts > 0] = sizes[place[counts > 0]]
    return deviation


def _bounded(values: FloatArray) -> FloatArray:
    """Clip values so that their differences stay finite."""
    return np.clip(values, -1e300, 1e300)


def _rows_at_once(A: RowsAtHand) -> int:
    return max(1, min(BLOCK_ROWS, _AT_ONCE // max(1, A.values_per_row)))


def renumbered(parts: NDArray[Any]) -> Parts:
    """Renumber the groups 0, 1, … without gaps."""
    numbers: Parts = np.unique(parts, return_inverse=True)[1]
    return numbers
