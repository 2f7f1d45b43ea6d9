"""Tiles of cosines of the first k components for many k, and counts of them around targets."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._similarity import tie_width
from .._typing import Array, FloatArray
from ..linalg._products import add_product

# Shortest length of first components, relative to that of all, whose digits single precision keeps.
_SHORTEST = 1e-12


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of one side, the numbers of columns to take, and the length of each row up to there (1 for zero rows)."""

    columns: FloatArray  # (n, d), in Fortran order
    ks: list[int]
    lengths: FloatArray  # (len(ks), n)

    @classmethod
    def of(cls, scores: FloatArray, ks: Sequence[int]) -> Scores:
        ends = [min(k, scores.shape[1]) for k in ks]
        columns = np.asfortranarray(scores)
        squares = row_products(columns, columns, ends)
        return cls(columns, ends, np.sqrt(np.where(squares > 0, squares, 1.0)))

    @property
    def fits_single(self) -> bool:
        """Whether the first columns keep their digits in single precision, in units of the length of the row."""
        return bool((self.lengths >= _SHORTEST * self.lengths[-1]).all())


def row_products(A: FloatArray, B: FloatArray, ends: Sequence[int]) -> FloatArray:
    """Compute the inner products of the rows of A and B (n, d) over the columns up to each end, (len(ends), n)."""
    parts = itertools.pairwise([0, *ends])
    sums = np.array([np.einsum("ij,ij->i", A[:, a:b], B[:, a:b]) for a, b in parts])
    return np.asarray(np.cumsum(sums, axis=0))


def margins_of(scores: Scores) -> FloatArray:
    """Bound the difference of two cosines by rounding, for each number of columns."""
    return np.array([2 * tie_width(scores.columns[:, :k], np.ones(1))[0] for k in scores.ks])


def _padded(rows: FloatArray) -> FloatArray:
    """Append zero rows up to a multiple of eight."""
    return np.asfortranarray(np.pad(rows, [(0, -len(rows) % 8)] + [(0, 0)] * (rows.ndim - 1)))


class DoubleTiles:
    """Cosines of some rows of x and all of y less those of the targets, in double precision.

    A row of a tile is a multiple of eight long and ends with −∞, so that eight flags of it are a word. Differences
    within the margins are ties for `settled` numbers of columns, and in doubt for others.
    """

    dtype = np.dtype(np.float64)

    def __init__(self, x: Scores, y: Scores, best: dict[str, FloatArray]) -> None:
        self._x, self._columns, self._best, self._n_items = x, _padded(y.columns), best, len(y.columns)
        self.margins, self.width, self.settled = margins_of(x), len(self._columns), [True] * len(x.ks)
        self._inverse = 1 / x.lengths, _padded((1 / y.lengths).T).T

    def over(self, rows: slice) -> Iterator[tuple[int, str, FloatArray]]:
        """Yield the differences for every number of columns and direction."""
        products, start = self._zeros(rows), 0
        for c, k in enumerate(self._x.ks):
            add_product(products, self._x.columns[rows, start:k], self._columns[:, start:k])
            start = k
            for name in self._best:
                yield c, name, self._less_targets(products, rows, c, name)

    def at(self, rows: slice, c: int, name: str) -> FloatArray:
        """Compute the differences for one number of columns and direction."""
        products, k = self._zeros(rows), self._x.ks[c]
        add_product(products, self._x.columns[rows, :k], self._columns[:, :k])
        return self._less_targets(products, rows, c, name)

    def _zeros(self, rows: slice) -> FloatArray:
        return np.zeros((rows.stop - rows.start, self.width))

    def _less_targets(self, products: FloatArray, rows: slice, c: int, name: str) -> FloatArray:
        if self._x.ks[c] == 1:
            # Cosines of single columns are signs.
            cosines: FloatArray = np.sign(products)
        else:
            cosines = products * self._inverse[1][c]
            cosines *= self._inverse[0][c, rows, None]
        cosines[:, self._n_items :] = -np.inf
        if name == "x_to_y":
            cosines -= self._best[name][c, rows, None]
        else:
            cosines[:, : self._n_items] -= self._best[name][c]
        return cosines


class SingleTiles:
    """The same in single precision, times the lengths of both rows, and within larger margins.

    With s the inner products of the first k columns, t the targets and l the lengths, one tile is taken from the
    differences s − t·lx·ly of one direction to those of the next, or of the next k, by a product of a few columns.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, x: Scores, y: Scores, best: dict[str, FloatArray]) -> None:
        self._n_items, unit = len(y.columns), (x.lengths[-1], y.lengths[-1])
        X, Y = (side.columns / length[:, None] for side, length in zip((x, y), unit, strict=True))
        # A target that no item reaches, for queries without a relevant one.
        lengths, best = (x.lengths / unit[0], y.lengths / unit[1]), {n: np.minimum(t, 2.0) for n, t in best.items()}
        self._steps: list[tuple[int, str, FloatArray, FloatArray]] = []
        self.settled = [k == 1 for k in x.ks]
        start, undo = 0, (X[:, :0], Y[:, :0])
        for c, k in enumerate(x.ks):
            sides, of_k = (X[:, start:k], Y[:, start:k]), (lengths[0][c], lengths[1][c])
            if k == 1:
                # Cosines of single columns are signs: exact, with half of the items tied.
                sides, of_k = (np.sign(X[:, :1]), np.sign(Y[:, :1])), (np.ones(len(X)), np.ones(len(Y)))
            new = sides
            for name, t in best.items():
                left, right = (t[c] * of_k[0], of_k[1]) if name == "x_to_y" else (of_k[0], t[c] * of_k[1])
                columns = np.column_stack((new[0], undo[0], -left)), np.column_stack((new[1], undo[1], right))
                A, B = (_padded(side.astype(np.float32)) for side in columns)
                self._steps.append((c, name, A, B))
                new, undo = (X[:, :0], Y[:, :0]), (left[:, None], right[:, None])
            if k == 1:
                undo = np.hstack((undo[0], -sides[0])), np.hstack((undo[1], sides[1]))
            else:
                start = k
        # A tile is a sum of as many products as columns were added so far.
        added = np.cumsum([left.shape[1] for _, _, left, _ in self._steps])[len(best) - 1 :: len(best)]
        single = [1.5 * tie_width(np.empty((1, d), np.float32), np.ones(1))[0] for d in added]
        margins = np.array(single) * lengths[0].max(axis=1) * lengths[1].max(axis=1)
        self.margins = np.where(self.settled, 0.25, margins)
        self.width = len(self._steps[0][3])

    def over(self, rows: slice) -> Iterator[tuple[int, str, FloatArray]]:
        """Yield the differences for every number of columns and direction."""
        tile = np.zeros((rows.stop - rows.start, self.width), np.float32)
        tile[:, self._n_items :] = -np.inf
        for c, name, left, right in self._steps:
            add_product(tile, left[rows], right)
            yield c, name, tile


class Flags:
    """Counts of differences, by rows or by columns, with room for their flags."""

    def __init__(self, shape: tuple[int, int], n_items: int) -> None:
        self._flags, self._n_items = np.empty(shape, dtype=bool), n_items

    def around(self, differences: FloatArray, relevant: Any, margin: float, by_rows: bool) -> tuple[Array, Array]:
        """Count what is above the margin, and what is within it, but for relevant pairs."""
        kept = differences[relevant]
        differences[relevant] = -np.inf
        bound = differences.dtype.type(margin)
        above = self._sum(np.greater, differences, bound, by_rows)
        near = self._sum(np.greater_equal, differences, -bound, by_rows) - above
        differences[relevant] = kept
        return above, near

    def settled(
        self, differences: FloatArray, relevant: Any, margin: float, by_rows: bool
    ) -> tuple[Array, Array, bool]:
        """Count the same where what is within the margin ties, and tell whether rounding may have decided."""
        wide = self.around(differences, relevant, 2 * margin, by_rows)
        if not wide[1].any():
            return *wide, False
        narrow = self.around(differences, relevant, margin / 2, by_rows)
        return *self.around(differences, relevant, margin, by_rows), bool((wide[1] != narrow[1]).any())

    def _sum(self, compare: np.ufunc, differences: FloatArray, bound: Any, by_rows: bool) -> Array:
        flags = self._flags[: len(differences)]
        compare(differences, bound, out=flags)
        if not by_rows:
            return np.asarray(np.add.reduce(flags.view(np.uint8), axis=0, dtype=np.uint8), np.int64)[: self._n_items]
        # No byte of a sum of 255 words overflows.
        words = flags.view(np.uint64)
        sums = np.add.reduceat(words, np.arange(0, words.shape[1], 255), axis=1)
        return np.asarray(sums.view(np.uint8).sum(axis=1, dtype=np.int64))

    @staticmethod
    def pairs(differences: FloatArray, relevant: Any, margin: float, by_rows: bool, near: Array) -> tuple[Array, Array]:
        """Return rows and columns of the differences within the margin, but for relevant pairs, where there are any."""
        kept = differences[relevant]
        differences[relevant] = -np.inf
        some, bound = np.flatnonzero(near), differences.dtype.type(margin)
        lines = np.abs(differences[some] if by_rows else differences[:, some].T) <= bound
        differences[relevant] = kept
        query, item = np.divmod(np.flatnonzero(lines), lines.shape[1])
        return (some[query], item) if by_rows else (item, some[query])
