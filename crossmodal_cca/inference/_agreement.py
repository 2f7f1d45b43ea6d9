"""Measures of how far two encoders agree on the same items, in forms that permute one of them cheaply.

Notation: X (n, p) and Y (n, q) centred rows of the two encoders, π an order of the items.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._similarity import Similarity, warn_of_zero_rows
from .._typing import FloatArray
from ..linalg._products import gram, product
from ..models._pair import standardized_columns
from ..retrieval._nearest import SearchSpace
from ..rows._blocks import float_dtype
from ._whitened_rows import whitened_rows

# Most rows, relative to the features of the narrowest encoder, for which products of rows are kept in place of rows:
# they take as much memory as twice that, and permuting them is less work than a matrix product.
_ROWS_PER_FEATURE = 2
# Share of the sum of squared products of rows below which what they have beyond their mean products is rounding.
_ROUNDING = 1e-10


class Agreement(ABC):
    """A measure of the agreement of two encoders, a number that is largest where they agree completely."""

    label: ClassVar[str]  # in pictures

    @abstractmethod
    def kept(self, rows: Any, name: str, rng: np.random.Generator) -> Any:
        """Compute what the measure needs of checked rows; errors call them `name`."""

    @abstractmethod
    def moved(self, side: Any, order: NDArray[np.intp]) -> Any:
        """Put item order[i] of what was kept in place of item i."""

    @abstractmethod
    def value(self, x: Any, y: Any) -> float:
        """Compute the agreement from what was kept of two encoders."""

    def largest(self, x: Any, y: Any) -> float:
        """Compute the largest agreement that any pairing could give, or a bound of it."""
        return 1.0


@dataclass(frozen=True, eq=False)
class MutualNeighbors(Agreement):
    """Mean share of common items among the k nearest neighbours of each item, those of its own group left out."""

    n_neighbors: int
    similarity: Similarity
    groups: NDArray[np.intp]  # (n,), number of the group of each item

    label = "shared nearest neighbours"

    def kept(self, rows: Any, name: str, rng: np.random.Generator) -> NDArray[np.int32]:
        """List the neighbours of each item, (n, k), in no order."""
        A = rows.dense(slice(None), float_dtype(rows), name)
        if (A[0] == A).all():
            raise ValueError(f"All rows of {name} are the same: none is nearer than another; pass columns that vary.")
        if self.similarity.needs_direction:
            warn_of_zero_rows(A, name)
        # Equal items come in the order of the rows. The same order on both sides would count as agreement.
        order = rng.permutation(len(A))
        items, groups = self.similarity.embedded(A[order]), self.groups[order]
        n_candidates = self.n_neighbors + int(np.bincount(groups).max())
        found = SearchSpace(items, self.similarity).nearest(items, n_candidates)[1]
        own = groups[found] == groups[:, None]
        others = np.take_along_axis(found, np.argsort(own, axis=1, kind="stable"), axis=1)[:, : self.n_neighbors]
        lists = np.empty(others.shape, dtype=np.int32)
        lists[order] = order[others]
        return lists

    def moved(self, side: NDArray[np.int32], order: NDArray[np.intp]) -> NDArray[np.int32]:
        place = np.empty(len(order), dtype=np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        return np.asarray(place[side[order]])

    def value(self, x: NDArray[np.int32], y: NDArray[np.int32]) -> float:
        # k comparisons of two arrays (n, k) need no table of all pairs of items.
        common = sum(int(np.count_nonzero(x == y[:, j, None])) for j in range(y.shape[1]))
        return common / x.size


class Products(NamedTuple):
    """Rows A (n, r) of an encoder, or their products AAᵀ (n, n); their squared lengths, and the squared singular values
    of A in descending order."""

    matrix: FloatArray
    squares: FloatArray
    spectrum: FloatArray


@dataclass(frozen=True, eq=False)
class LinearAgreement(Agreement):
    """Base of the measures made of ‖AᵀB‖², which is the sum of the products of the entries of AAᵀ and BBᵀ."""

    of_rows: bool  # whether products of rows are kept in place of rows

    def moved(self, side: Products, order: NDArray[np.intp]) -> Products:
        matrix = side.matrix[order]
        return Products(matrix[:, order] if self.of_rows else matrix, side.squares[order], side.spectrum)

    def cross(self, x: Products, y: Products) -> float:
        """Compute ‖AᵀB‖²."""
        if self.of_rows:
            return float(np.vdot(x.matrix, y.matrix))
        return float(np.sum(product(x.matrix.T, y.matrix) ** 2))

    def products(self, A: FloatArray, spectrum: FloatArray) -> Products:
        return Products(gram(A.T) if self.of_rows else A, np.einsum("ij,ij->i", A, A), spectrum)


@dataclass(frozen=True, eq=False)
class DebiasedCKA(LinearAgreement):
    """Linear CKA from unbiased estimates of the independence criterion: 0 in the mean over unrelated encoders.

    With a, b the squared lengths of centred rows, the estimate for two encoders is, up to a factor,
    h(X, Y) = ‖XᵀY‖² − n/(n − 2)·Σab + Σa·Σb/((n − 1)(n − 2)), and CKA = h(X, Y)/√(h(X, X) h(Y, Y)). A permutation
    changes the numerator alone.
    """

    label = "debiased linear CKA"

    def kept(self, rows: Any, name: str, rng: np.random.Generator) -> Products:
        A = rows.dense(slice(None), np.float64, name)
        A = A - A.mean(axis=0)
        A /= np.abs(A).max(initial=0.0) or 1.0
        squared = float(np.sum((gram(A) if A.shape[0] >= A.shape[1] else gram(A.T)) ** 2))
        lengths = np.einsum("ij,ij->i", A, A)
        own = self._debiased(squared, lengths, lengths)
        if not own > _ROUNDING * squared:
            raise ValueError(
                f"All rows of {name} are equally far from each other (or the same), so there is nothing that another "
                "encoder could agree with."
            )
        return self.products(A / own**0.25, np.zeros(0))

    @staticmethod
    def _debiased(cross: float, a: FloatArray, b: FloatArray) -> float:
        n = len(a)
        return float(cross - n / (n - 2) * (a @ b) + a.sum() * b.sum() / ((n - 1) * (n - 2)))

    def value(self, x: Products, y: Products) -> float:
        return self._debiased(self.cross(x, y), x.squares, y.squares)


@dataclass(frozen=True, eq=False)
class CanonicalAgreement(LinearAgreement):
    """Sum of the squared singular values of CCA: of squared canonical correlations, without shrinkage."""

    shrinkage: float | str

    label = "sum of squared canonical correlations"

    def kept(self, rows: Any, name: str, rng: np.random.Generator) -> Products:
        A = rows.dense(slice(None), np.float64, name)
        degrees_of_freedom = len(A) - 1
        Z = standardized_columns(A, np.ones(len(A))).coordinates(A)
        if not Z.any():
            raise ValueError(f"{name} does not vary, so there is nothing to test; pass columns that vary.")
        W = whitened_rows(Z, self.shrinkage, degrees_of_freedom) / np.sqrt(degrees_of_freedom)
        if self.shrinkage == 0 and W.shape[1] == degrees_of_freedom:
            raise ValueError(
                f"{name} has as many independent features as {len(A)} rows can have, so without shrinkage every "
                "pairing gives the same canonical correlations. Pass shrinkage='oas' or a number above 0."
            )
        # Whitened rows are left singular vectors times what shrinkage leaves of their lengths.
        return self.products(W, np.sort(np.einsum("ij,ij->j", W, W))[::-1])

    def value(self, x: Products, y: Products) -> float:
        return self.cross(x, y)

    def largest(self, x: Products, y: Products) -> float:
        """Compute Σ aᵢbᵢ of the squared singular values in order, von Neumann's bound: the smaller rank, unshrunk."""
        k = min(len(x.spectrum), len(y.spectrum))
        return float(x.spectrum[:k] @ y.spectrum[:k])


class Settings(NamedTuple):
    """All that measures may depend on: widths of all encoders, groups of the items, and the user's parameters."""

    widths: list[int]
    groups: NDArray[np.intp]
    n_neighbors: int
    similarity: Similarity
    shrinkage: float | str

    @property
    def of_rows(self) -> bool:
        """Whether products of rows take little more room than the rows."""
        return len(self.groups) <= _ROWS_PER_FEATURE * min(self.widths)


# Measures by name.
AGREEMENTS: dict[str, Callable[[Settings], Agreement]] = {
    "mutual_knn": lambda s: MutualNeighbors(s.n_neighbors, s.similarity, s.groups),
    "cka": lambda s: DebiasedCKA(s.of_rows),
    "cca": lambda s: CanonicalAgreement(s.of_rows, s.shrinkage),
}
