"""Training and test parts of every fold, of which narrow sides are walked once."""

from __future__ import annotations

from functools import partial, reduce
from operator import add

import numpy as np

from .._validation import PairedRows
from ..linalg.held_out import HeldOutMoments, HeldOutRows
from ..linalg.moments import PairMoments, moments_of_rows
from ..linalg.pair import StandardizedPair, standardize_moments, standardize_rows
from .selection import Split

HeldOut = HeldOutMoments | HeldOutRows


class Folds:
    """Training and test parts of every fold; narrow sides are walked once, and training moments are differences."""

    def __init__(self, rows: PairedRows, splits: list[Split], scale: bool) -> None:
        self.rows, self.splits, self.scale = rows, splits, scale
        widths, n = (rows.X.shape[1], rows.y.shape[1]), len(rows.X)
        fewest = min(len(train) for train, _ in splits)
        self.bounds = (*widths, fewest - 1)
        # As in one fit: then the covariance is more work than the rows.
        self.is_wide = max(widths) > 2 * fewest
        self._parts: list[PairMoments] = []
        self._total: PairMoments | None = None
        if not self.is_wide:
            of_rows = partial(moments_of_rows, rows)
            self._parts = [of_rows(test) for _, test in splits]
            tested = np.sort(np.concatenate([test for _, test in splits]))
            self._total = reduce(add, self._parts) if np.array_equal(tested, np.arange(n)) else of_rows()

    def whole(self) -> StandardizedPair:
        """All rows, standardised."""
        if self._total is None:
            return standardize_rows(self.rows, scale=self.scale)
        return standardize_moments(self._total, scale=self.scale)

    def train_and_test(self, fold: int, *, needs_rows: bool) -> tuple[StandardizedPair, HeldOut]:
        """The training part of a fold, standardised, and what its test part knows."""
        train, test = self.splits[fold]
        if self._total is None:
            rows, w = self.rows, self.rows.sample_weight
            part = rows._replace(X=rows.X[train], y=rows.y[train], sample_weight=None if w is None else w[train])
            pair = standardize_rows(part, scale=self.scale)
        else:
            moments = (
                self._total - self._parts[fold] if self._is_complement(fold) else moments_of_rows(self.rows, train)
            )
            pair = standardize_moments(moments, scale=self.scale)
        if needs_rows or self._total is None:
            return pair, HeldOutRows(pair, self.rows, test)
        return pair, HeldOutMoments(pair, self._parts[fold])

    def _is_complement(self, fold: int) -> bool:
        train, test = self.splits[fold]
        n = len(self.rows.X)
        return len(train) + len(test) == n and len(np.union1d(train, test)) == n
