"""Moments of scores or features beside the rows of the other side, for predictions and signs of kernel models."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .._schemas import saved
from .._typing import FloatArray
from ..linalg._merging import Merge
from ..linalg._products import product, refuse_overflow
from ._block import Block


@saved()
@dataclass(frozen=True, eq=False)
class RowMoments:
    """Count, means, Σ (a − mean_a)(b − mean_b)ᵀ and Σ (b − mean_b)² of paired rows; those of disjoint rows add up.

    Here a are scores or features of one side, b the rows of the other.
    """

    n_rows: int
    mean_a: FloatArray
    mean_b: FloatArray
    scatter: FloatArray
    squares: FloatArray

    def __post_init__(self) -> None:
        # The scores are finite, so nothing overflows before the squares of the rows.
        refuse_overflow(self.squares)

    @classmethod
    def of_rows(cls, A: FloatArray, B: FloatArray) -> RowMoments:
        """Compute the moments of one block of rows in double precision, but for products in the type of A."""
        w = np.ones(len(A))
        with np.errstate(over="ignore", invalid="ignore"):
            (Ac, mean_a, da), (Bc, mean_b, db) = (Block(M).centred(w) for M in (A, B))
            squares = np.square(B - mean_b).sum(axis=0)
            if A.dtype == B.dtype:
                products = Ac.cross(Bc)
            else:
                # Deviations of any size fit into single precision in units of their length.
                unit = np.where(squares > 0, np.sqrt(squares), 1.0)
                products = Ac.cross(Block((Bc.A / unit).astype(A.dtype))) * unit
            return cls(len(A), mean_a, mean_b, products - np.outer(len(A) * da, db), squares)

    def __add__(self, other: RowMoments) -> RowMoments:
        merge = Merge.of(self.n_rows, other.n_rows)
        with np.errstate(over="ignore", invalid="ignore"):
            da, db = other.mean_a - self.mean_a, other.mean_b - self.mean_b
            return RowMoments(
                self.n_rows + other.n_rows,
                merge.mean(self.mean_a, other.mean_a),
                merge.mean(self.mean_b, other.mean_b),
                self.scatter + other.scatter + np.outer(merge.between * da, db),
                self.squares + other.squares + merge.between * np.square(db),
            )

    @property
    def effects(self) -> FloatArray:
        """Covariances of a and b: the regression of rows on scores of variance 1 without correlation."""
        return self.scatter / max(self.n_rows - 1, 1)

    def with_a_times(self, W: FloatArray) -> RowMoments:
        """Return the moments with AW in place of A."""
        return replace(self, mean_a=self.mean_a @ W, scatter=product(W.T, self.scatter))

    def with_a_plus(self, shift: FloatArray) -> RowMoments:
        """Return the moments with A + shift in place of A."""
        return replace(self, mean_a=self.mean_a + shift)

    def flipped(self, signs: FloatArray) -> RowMoments:
        """Return the moments with the columns of A times signs."""
        return replace(self, mean_a=self.mean_a * signs, scatter=self.scatter * signs[:, None])

    def correlations(self, a_squares: FloatArray) -> FloatArray:
        """Compute the correlation (n_features_b, n_features_a) of each b with each a, given the squares of a."""
        lengths = np.sqrt(self.squares)[:, None] * np.sqrt(a_squares)
        return np.asarray(np.divide(self.scatter.T, lengths, out=np.zeros_like(lengths), where=lengths > 0))
