"""Centred rows of one side, without filling up sparse rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._typing import FloatArray
from ..linalg._products import product, subtract_outer
from ..linalg._svd import all_eigenvectors, rank_tolerance
from ._sparse_rows import sparse_product


class CentredRows(NamedTuple):
    """Centred rows times √w: a block C (n, p) minus the outer product √w·restᵀ."""

    C: Any
    root: FloatArray
    rest: FloatArray
    mean: FloatArray

    @classmethod
    def read(cls, A: Any, part: slice, w: FloatArray, mean: FloatArray | None, name: str) -> CentredRows:
        """Centre rows of any storage, by default about their own mean."""
        C, own_mean, rest = A.block(part, np.float64, name).centred(w[part])
        root = np.sqrt(w[part])
        return cls(C, root, rest, own_mean) if mean is None else cls(C, root, rest + mean - own_mean, mean)

    def times(self, W: FloatArray) -> FloatArray:
        return subtract_outer(self.C.times(W), self.root, self.rest @ W)

    def transposed_times(self, Z: FloatArray) -> FloatArray:
        return subtract_outer(self.C.transposed_times(Z), self.rest, self.root @ Z)

    def sum_of_squares(self) -> FloatArray:
        """Sum of squares (p,) of every feature about its mean; the rows must be centred about their own."""
        squares: FloatArray = self.C.sum_of_squares()
        squares -= np.sum(self.root**2) * self.rest**2
        return squares


class SparseRowSpace:
    """Orthonormal basis B = D ZᵀM (p, r) of the space spanned by sparse centred rows Z·D, kept as its factors.

    B would be dense. In M = U/d, U are the eigenvectors of the Gram matrix of the rows, d the roots of its eigenvalues.
    """

    def __init__(self, rows: CentredRows, units: FloatArray) -> None:
        self.rows, self.units = rows, units
        scaled = rows.C.A.copy()
        scaled.data *= units[scaled.indices]
        away = scaled @ (units * rows.rest)
        G = sparse_product(scaled.T, scaled.T)
        # The square of the mean is split between the two outer products.
        away -= np.sum((units * rows.rest) ** 2) / 2 * rows.root
        G = subtract_outer(subtract_outer(G, away, rows.root), rows.root, away)
        values, U = all_eigenvectors(G, overwrite=True)
        values, U = values[::-1], U[:, ::-1]
        keep = values > rank_tolerance(len(units), np.finfo(np.float64).eps) ** 2 * values[0]
        self.U, self.d = U[:, keep], np.sqrt(values[keep])

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.units), len(self.d)

    @property
    def coordinates(self) -> FloatArray:
        """Coordinates of the rows, without their weights."""
        return np.asarray(self.U * self.d / self.rows.root[:, None])

    def __matmul__(self, A: FloatArray) -> FloatArray:
        B = self.rows.transposed_times(product(self.U / self.d, A))
        B *= self.units[:, None]
        return np.asarray(B)
