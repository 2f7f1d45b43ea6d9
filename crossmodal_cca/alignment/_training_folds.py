"""Training and test parts of every fold, from one pass over the rows of narrow sides."""

from __future__ import annotations

from dataclasses import replace
from functools import partial, reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._typing import FloatArray, Split
from ..models._held_out import HeldOutMoments, HeldOutRows
from ..models._pair import Side, StandardizedPair, standardize_moments, standardize_rows, standardized_columns
from ..rows._moments import PairMoments, moments_of_rows
from ..rows._stored import PairedRows

HeldOut = HeldOutMoments | HeldOutRows
# Smallest share of a feature's scatter in the training part for which subtraction keeps enough digits.
_SAFE_SHARE = {"float64": 1e-4, "float32": 1e-2}
# Largest ratio of the memory of a fold's moments to that of its rows for which the moments are kept.
_PARTS_TO_ROWS = 8


class Folds:
    """Training and test parts of every fold; narrow sides are read once, and training moments are differences."""

    def __init__(
        self, rows: PairedRows, splits: list[Split], scale: bool, searched: list[NDArray[np.intp]] | None = None
    ) -> None:
        """Prepare the folds; a retrieval score searches only the `searched` rows of each test part, if given."""
        self.rows, self.splits, self.scale, self._searched = rows, splits, scale, searched
        widths, n = (rows.X.shape[1], rows.y.shape[1]), rows.n_rows
        fewest = min(len(train) for train, _ in splits)
        self.bounds = (*widths, fewest - 1)
        # As in a single fit: for wide sides the covariance is more work than the rows.
        self.is_wide = max(widths) > 2 * fewest
        tested = np.sort(np.concatenate([test for _, test in splits]))
        self._is_partition = np.array_equal(tested, np.arange(n))
        self.test_weights = np.array([self._weight(test).sum() for _, test in splits])
        # Moments of few rows are larger than the rows; those of many folds would need too much memory.
        self._keeps_parts = len(tested) * _PARTS_TO_ROWS >= len(splits) * max(widths)
        self._parts: list[PairMoments] = []
        self._total: PairMoments | None = None
        self._read_rows(in_double=False)

    def _read_rows(self, *, in_double: bool) -> None:
        self._of_rows = partial(moments_of_rows, self.rows, in_double=in_double)
        if not self.is_wide:
            self._parts = [self._of_rows(test) for _, test in self.splits] if self._keeps_parts else []
            self._total = reduce(add, self._parts) if self._parts and self._is_partition else self._of_rows()

    def _part(self, fold: int) -> PairMoments:
        """Compute the moments of a fold's test part."""
        return self._parts[fold] if self._parts else self._of_rows(self.splits[fold][1])

    def _weight(self, positions: Any) -> FloatArray:
        w = self.rows.sample_weight
        return np.asarray((np.ones(self.rows.n_rows) if w is None else w)[positions])

    def repeat_in_double(self) -> None:
        """Read the rows again with products in double precision, unless they were already."""
        if self._total is not None and self._total.is_single:
            self._read_rows(in_double=True)

    def whole(self) -> StandardizedPair:
        """Return all rows, standardised."""
        if self._total is None:
            return standardize_rows(self.rows, scale=self.scale)
        return standardize_moments(self._total, scale=self.scale)

    def whole_y(self) -> Side:
        """Return mean and units of y over all rows."""
        if self._total is not None:
            return self.whole().y
        side = standardized_columns(self._dense_y(), self._weight(slice(None)))
        return side if self.scale else replace(side, scale=np.ones_like(side.scale))

    def squares_of_y(self, centre: FloatArray) -> FloatArray:
        """Sum the weighted squares of each feature of y about a centre, over the test parts of all folds."""
        if self._total is None:
            squares = (self._dense_y() - centre) ** 2
            return np.asarray(sum(self._weight(test) @ squares[test] for _, test in self.splits))
        parts = [self._total] if self._is_partition else map(self._part, range(len(self.splits)))
        return np.asarray(sum(np.diagonal(m.scatter_yy) + m.weight_sum * (m.mean_y - centre) ** 2 for m in parts))

    def _dense_y(self) -> FloatArray:
        return np.asarray(self.rows.y.dense(slice(None), np.float64, "y"))

    def train_and_test(self, fold: int, *, needs_rows: bool) -> tuple[StandardizedPair, HeldOut]:
        """Return the standardised training part of a fold, and its test part as moments or rows."""
        if self._total is None:
            pair = standardize_rows(self.rows.take(self.splits[fold][0]), scale=self.scale)
        else:
            pair = standardize_moments(self._training_moments(fold), scale=self.scale)
        if needs_rows or self._total is None or not (self._parts or self.rows.is_sparse):
            return pair, self.test_rows(fold, pair)
        return pair, HeldOutMoments(pair, self._part(fold))

    def test(self, fold: int) -> NDArray[np.intp]:
        """Return the positions of a fold's test rows that are scored."""
        return np.asarray(self.splits[fold][1] if self._searched is None else self._searched[fold])

    def test_rows(self, fold: int, pair: StandardizedPair) -> HeldOutRows:
        """Return the rows of a fold's test part that are scored."""
        return HeldOutRows(pair, self.rows, self.test(fold))

    def triangular_training_rows(self, fold: int, pair: StandardizedPair) -> FloatArray:
        """Reduce the training part of a fold, gathered block by block, to a triangle."""
        return pair.triangular_rows(self.rows.take(self.splits[fold][0]))

    def _training_moments(self, fold: int) -> PairMoments:
        """Subtract the fold from the total if that gives the training part with enough digits; else read the rows."""
        assert self._total is not None
        train = self.splits[fold][0]
        if not self._is_complement(fold):
            return self._of_rows(train)
        moments = self._total - self._part(fold)
        for side in ("xx", "yy"):
            rest, total = (np.diagonal(getattr(m, f"scatter_{side}")) for m in (moments, self._total))
            # If a feature varies mostly in this fold, by an outlier or an offset, rounding is left for the other folds.
            if np.any(rest < _SAFE_SHARE[self._total.product_dtype.name] * total):
                return self._of_rows(train)
        return moments

    def _is_complement(self, fold: int) -> bool:
        train, test = self.splits[fold]
        n = self.rows.n_rows
        return len(train) + len(test) == n and len(np.union1d(train, test)) == n
