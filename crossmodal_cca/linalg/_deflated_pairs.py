"""Leading singular pairs of a matrix that is deflated after each of them."""

from __future__ import annotations

import numpy as np
from scipy import linalg
from scipy.linalg import blas

from .._typing import FloatArray
from ._products import gram, product, weighted_sum
from ._svd import RESIDUAL_TOLERANCE, truncated_svd

Pair = tuple[FloatArray, float, FloatArray]

# Smaller side of a matrix, and number of pairs, from which a basis for the pairs to come pays.
BASIS_FROM, MORE_THAN = 160, 3
# Directions in a new basis, those beyond the pairs still wanted, and those that it may grow by.
DIRECTIONS, SPARE, ROOM = 48, 8, 32
# Directions added between two Rayleigh–Ritz steps, and such steps for one pair before a new decomposition.
ADDED, ROUNDS = 4, 24
# Fall of the singular value from which products of the matrix are computed again, for their digits.
FALL = 0.1
# Share of a direction outside of a basis up to which it is rounding.
INSIDE = 1e-10


class DeflatedPairs:
    """The leading singular pair of a matrix C (p, q), again and again while it is deflated, C ← C − L Rᵀ.

    A decomposition gives the first pair and a basis of the leading vectors. Later pairs come from Rayleigh–Ritz steps
    for CᵀC in the basis, which grows by products with the residual until that is rounding. The basis takes up the
    columns of R, too: outside of it C stays as it was, no larger than the first singular value that was left out. A
    larger one is therefore the leading one, whatever came before; a smaller one calls for a new decomposition.
    """

    def __init__(self, C: FloatArray, k: int) -> None:
        # The smaller side is that of the basis.
        self._flipped = C.shape[0] < C.shape[1]
        self._C = np.array(C.T if self._flipped else C, order="F")
        self._wanted = k
        self._has_basis = False
        # The basis (q, m), CᵀC (its lower triangle), and its compression to the basis (m, m).
        self._V: FloatArray
        self._A: FloatArray
        self._H: FloatArray
        self._uses_basis = k > MORE_THAN and min(C.shape) >= BASIS_FROM
        self._negligible = float(np.linalg.norm(C)) * np.finfo(np.float64).eps * max(C.shape)

    @property
    def matrix(self) -> FloatArray:
        """The deflated matrix."""
        return self._C.T if self._flipped else self._C

    def leading(self) -> Pair | None:
        """Find the leading pair (u, d, v) of the deflated matrix; None if only rounding error is left."""
        found = self._from_basis() if self._has_basis else None
        u, d, v = found or self._decompose()
        self._wanted -= 1
        if d <= self._negligible:
            return None
        return (v, d, u) if self._flipped else (u, d, v)

    def deflate(self, L: FloatArray, R: FloatArray) -> None:
        """Subtract L Rᵀ, with L (p, r) and R (q, r), from the matrix."""
        if self._flipped:
            L, R = R, L
        if self._has_basis:
            # CᵀC ← CᵀC − F Rᵀ − R Fᵀ
            F = product(self._C.T, L) - product(R, product(L.T, L)) / 2
        self._C = blas.dgemm(-1.0, L, R, beta=1.0, c=self._C, trans_b=1, overwrite_c=1)
        if not self._has_basis:
            return
        self._A = blas.dsyr2k(-1.0, F, R, beta=1.0, c=self._A, lower=1, overwrite_c=1)
        V = self._V[:, : self._m]
        change = product(product(V.T, F), product(R.T, V))
        self._H[: self._m, : self._m] -= change + change.T
        for r in R.T:
            self._add(r)

    def _decompose(self) -> Pair:
        """Find the leading pair by a decomposition, and the leading right vectors as a new basis."""
        m = min(self._wanted + SPARE, DIRECTIONS)
        U, d, V = truncated_svd(self._C, m + 1 if self._uses_basis else 1)
        if self._uses_basis:
            self._m, self._left_out, self._has_basis = m, float(d[m]), True
            self._V = np.empty((len(V), m + ROOM), order="F")
            self._H = np.zeros((m + ROOM, m + ROOM), order="F")
            self._V[:, :m] = V[:, :m]
            self._square(float(d[0]))
        return U[:, 0], float(d[0]), V[:, 0]

    def _square(self, largest: float) -> None:
        self._A, self._largest = gram(self._C), largest
        V = self._V[:, : self._m]
        self._H[: self._m, : self._m] = product(V.T, product(self._A, V))

    def _from_basis(self) -> Pair | None:
        """Find the leading pair in the growing basis; None if it may not be the leading one or does not converge."""
        for _ in range(ROUNDS):
            m = self._m
            H = self._H[:m, :m]
            (value,), y = linalg.eigh(H, subset_by_index=[m - 1, m - 1], check_finite=False)
            # Equal values are leading too, up to rounding.
            if value <= self._left_out**2 * (1 - RESIDUAL_TOLERANCE):
                return None
            v = weighted_sum(y[:, 0], self._V[:, :m].T)
            v /= np.linalg.norm(v)
            r = blas.dsymv(1.0, self._A, v, lower=1) - value * v
            if np.linalg.norm(r) <= RESIDUAL_TOLERANCE / 2 * value:
                return self._checked(v)
            if m + ADDED > len(self._H):
                self._shorten()
            for _ in range(ADDED):
                r = self._add(r)
        return None

    def _checked(self, v: FloatArray) -> Pair | None:
        """Complete a pair from its right vector by products with C itself; None if its residual is too large."""
        u = weighted_sum(v, self._C.T)
        d = float(np.linalg.norm(u))
        u /= d
        if np.linalg.norm(weighted_sum(u, self._C) - d * v) > RESIDUAL_TOLERANCE * d:
            return None
        if d < FALL * self._largest:
            self._square(d)
        return u, d, v

    def _add(self, r: FloatArray) -> FloatArray:
        """Add the part of r outside of the basis as a unit vector; return its product with CᵀC."""
        length = float(np.linalg.norm(r))
        if self._m == len(self._H):
            self._shorten()
        m = self._m
        V = self._V[:, :m]
        for _ in range(2):  # once leaves rounding if little of r is outside
            r = r - weighted_sum(weighted_sum(r, V), V.T)
        outside = float(np.linalg.norm(r))
        if outside <= INSIDE * length:
            return r
        self._V[:, m] = r / outside
        r = blas.dsymv(1.0, self._A, self._V[:, m], lower=1)
        self._m = m + 1
        self._H[m, : m + 1] = self._H[: m + 1, m] = weighted_sum(r, self._V[:, : m + 1])
        return r

    def _shorten(self) -> None:
        """Keep the directions of the basis with the largest singular values."""
        m, kept = self._m, len(self._H) - ROOM
        values, Q = linalg.eigh(self._H[:m, :m], check_finite=False, driver="evd")
        self._V[:, :kept] = product(self._V[:, :m], Q[:, -kept:])
        self._H[:kept, :kept] = np.diag(values[-kept:])
        self._m = kept
        self._left_out = max(self._left_out, float(np.sqrt(max(values[-kept - 1], 0.0))))
