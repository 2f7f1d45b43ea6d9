"""Collect counts, sums and ranges of one side in one pass over its rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from .._ids import ROWS_OF_A_LABEL
from .._typing import Array, FloatArray
from ..rows._blocks import row_slices
from ..rows._stored import rows_in_memory

# Numbers read at a time, so that a block and the arrays made of it take some tens of megabytes.
_VALUES_AT_ONCE = 2**21
# Most features for which the rank is computed, and rows used for it beyond four for each feature.
_WIDEST, _ROWS_OF_RANK = 2048, 4096
# Largest magnitude whose square is a finite number; the smallest is one over it.
_IN_RANGE = 1e150
# Share of the largest variance above which a direction counts for the rank, all features in their own units.
_OF_THE_LARGEST = 1e-12


@dataclass(frozen=True, eq=False)
class Side:
    """Sums over the rows, in which values that are NaN or infinite do not count."""

    rows: Any
    names: list[Any]
    n_nan: NDArray[np.int64]  # (n_features,)
    n_infinite: NDArray[np.int64]
    first_bad: tuple[int, int] | None  # row and column
    bad_rows: NDArray[np.bool_]  # (n_rows,)
    zero_rows: NDArray[np.bool_]
    low: FloatArray  # (n_features,)
    high: FloatArray
    mean: FloatArray
    deviation: FloatArray
    whole: NDArray[np.bool_]  # (n_features,), columns of whole numbers alone
    counting: NDArray[np.bool_]  # columns that count the rows
    codes: NDArray[np.intp]  # (n_rows,), the position of the first row that is equal

    @property
    def n_rows(self) -> int:
        return int(self.rows.shape[0])

    @property
    def n_features(self) -> int:
        return int(self.rows.shape[1])

    @property
    def is_sparse(self) -> bool:
        return issparse(self.rows)

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Columns with at least two values, all equal."""
        return np.asarray((self.low == self.high) & (self.n_rows - self.n_nan - self.n_infinite > 1))

    @property
    def out_of_range(self) -> NDArray[np.bool_]:
        """Columns that vary, and whose squares are too large or too small for a number."""
        size = np.maximum(np.abs(self.low), np.abs(self.high))
        far = (size > _IN_RANGE) | (size < 1 / _IN_RANGE)
        return np.asarray((self.low < self.high) & (self.deviation == 0) & far)

    @property
    def are_labels(self) -> bool:
        """Whether so few rows differ that they are labels of classes."""
        return len(np.unique(self.codes)) * ROWS_OF_A_LABEL < self.n_rows

    @cached_property
    def rank(self) -> tuple[int, int] | None:
        """Rank of the centred features in their own units, and the number of those that vary, in rows spread evenly.

        None where there are too many features to say, or their squares overflow.
        """
        p = self.n_features
        if p > _WIDEST or self.out_of_range.any():
            return None
        chosen = np.unique(np.linspace(0, self.n_rows - 1, 4 * p + _ROWS_OF_RANK).astype(np.intp))
        chosen = chosen[~self.bad_rows[chosen]]
        if len(chosen) < 2:
            return None
        total, gram = np.zeros(p), np.zeros((p, p))
        unit = np.where(self.deviation > 0, self.deviation, 1.0)
        for part in row_slices(len(chosen), _rows_at_once(self.rows)):
            block = dense(rows_in_memory(self.rows).read(chosen[part], np.float64))
            block = (block - self.mean) / unit
            total += block.sum(axis=0)
            gram += block.T @ block
        covariance = (gram - np.outer(total, total) / len(chosen)) / len(chosen)
        varying = np.flatnonzero(np.diag(covariance) > _OF_THE_LARGEST)
        if not len(varying):
            return 0, 0
        scale = np.sqrt(np.diag(covariance)[varying])
        values = np.linalg.eigvalsh(covariance[np.ix_(varying, varying)] / np.outer(scale, scale))
        return int(np.count_nonzero(values > _OF_THE_LARGEST * values[-1])), len(varying)


def side_of(rows: Any, names: list[Any]) -> Side:
    """Read the rows in one pass: dense ones in blocks, sparse ones by their stored values."""
    return _of_sparse(rows, names) if issparse(rows) else _of_dense(rows, names)


def _of_dense(rows: Any, names: list[Any]) -> Side:
    n, p = rows.shape
    sums = _Sums(p)
    bad_rows, zero_rows, codes = np.zeros(n, bool), np.zeros(n, bool), np.empty(n, np.intp)
    first_of: dict[int, int] = {}
    first_bad = None
    for part in row_slices(n, _rows_at_once(rows)):
        block = rows_in_memory(rows).read(part, np.float64)
        # Hashes of 64 bits, which are taken to differ for different rows. Adding zero turns minus zero into zero.
        keys = (hash(row.tobytes()) for row in block + 0.0)
        codes[part] = [first_of.setdefault(key, i) for i, key in enumerate(keys, part.start)]
        finite = np.isfinite(block)
        bad_rows[part], zero_rows[part] = ~finite.all(axis=1), ~block.any(axis=1)
        if first_bad is None and bad_rows[part].any():
            i, j = np.argwhere(~finite)[0]
            first_bad = part.start + int(i), int(j)
        sums.add(block, finite, part.start)
    n_finite = np.maximum(n - sums.n_nan - sums.n_infinite, 1)
    mean, deviation = _moments(sums.total, sums.squares, n_finite, sums.low, sums.high)
    return Side(
        *(rows, names, sums.n_nan, sums.n_infinite, first_bad, bad_rows, zero_rows),
        *(sums.low, sums.high, mean + sums.shift, deviation, sums.whole, sums.counting, codes),
    )


class _Sums:
    """Sums over blocks of rows, one number for each feature."""

    def __init__(self, n_features: int) -> None:
        self.low, self.high = np.full(n_features, np.inf), np.full(n_features, -np.inf)
        self.n_nan, self.n_infinite = np.zeros(n_features, np.int64), np.zeros(n_features, np.int64)
        self.shift, self.total, self.squares = np.zeros((3, n_features))
        self.whole, self.counting = np.ones((2, n_features), bool)

    def add(self, block: FloatArray, finite: NDArray[np.bool_], start: int) -> None:
        if not finite.all():
            nan = np.isnan(block)
            self.n_nan += nan.sum(axis=0)
            self.n_infinite += (~finite & ~nan).sum(axis=0)
            block = np.where(finite, block, np.nan)
        if start == 0:
            self.shift = np.where(finite[0], block[0], 0.0)
        self.low = np.fmin(self.low, np.fmin.reduce(block))
        self.high = np.fmax(self.high, np.fmax.reduce(block))
        with np.errstate(over="ignore", invalid="ignore"):
            away = np.where(finite, block - self.shift, 0.0)
            self.total += away.sum(axis=0)
            self.squares += np.einsum("ij,ij->j", away, away)
        # Few columns are still candidates after the first rows.
        left = np.flatnonzero(self.whole)
        self.whole[left] = (block[:, left] == np.rint(block[:, left])).all(axis=0)
        left = np.flatnonzero(self.counting & self.whole)
        self.counting &= self.whole
        steps = np.arange(start, start + len(block))[:, None]
        self.counting[left] = (block[:, left] == self.shift[left] + steps).all(axis=0)


def _of_sparse(rows: Any, names: list[Any]) -> Side:
    n, p = rows.shape
    stored: Any = rows_in_memory(rows).read(slice(0, n), np.float64).copy()
    stored.eliminate_zeros()
    data, column, ends = stored.data, stored.indices, stored.indptr
    row = np.repeat(np.arange(n), np.diff(ends))
    finite, nan = np.isfinite(data), np.isnan(data)
    bad = np.flatnonzero(~finite)
    first_bad = (int(row[bad[0]]), int(column[bad[0]])) if len(bad) else None
    bad_rows = np.zeros(n, bool)
    bad_rows[row[bad]] = True
    values, of = data[finite], column[finite]
    low, high = np.full(p, np.inf), np.full(p, -np.inf)
    np.minimum.at(low, of, values)
    np.maximum.at(high, of, values)
    has_zeros = np.bincount(column, minlength=p) < n
    low[has_zeros], high[has_zeros] = np.minimum(low[has_zeros], 0.0), np.maximum(high[has_zeros], 0.0)
    n_nan = np.bincount(column[nan], minlength=p)
    n_infinite = np.bincount(column[~finite & ~nan], minlength=p)
    n_finite = np.maximum(n - n_nan - n_infinite, 1)
    with np.errstate(over="ignore", invalid="ignore"):
        total, squares = (np.bincount(of, weights=w, minlength=p) for w in (values, values * values))
    mean, deviation = _moments(total, squares, n_finite, low, high)
    first_of: dict[int, int] = {}
    keys = (hash((column[start:end].tobytes(), data[start:end].tobytes())) for start, end in pairwise(ends))
    codes = np.array([first_of.setdefault(key, i) for i, key in enumerate(keys)], np.intp)
    no_column = np.zeros(p, bool)
    return Side(
        *(rows, names, n_nan, n_infinite, first_bad, bad_rows, np.diff(ends) == 0),
        *(low, high, mean, deviation, no_column, no_column, codes),
    )


def _moments(
    total: FloatArray, squares: FloatArray, n: NDArray[Any], low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Compute mean and deviation of each feature from sums over n rows; the deviation is 0 if squares overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean = total / n
        deviation = np.sqrt(np.maximum(squares / n - mean**2, 0.0))
    deviation[(low == high) | ~np.isfinite(deviation)] = 0.0
    return mean, deviation


def dense(block: Any) -> Array:
    """Convert a block of rows or products to a dense array."""
    return np.asarray(block.toarray() if hasattr(block, "toarray") else block)


def _rows_at_once(rows: Any) -> int:
    return max(1, _VALUES_AT_ONCE // int(rows.shape[1]))
