"""Blocks of rows, dense or sparse, with the products that a pass over the rows needs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils import assert_all_finite

from .._typing import FloatArray
from ..linalg._products import gram, product
from ._centred_rows import centre
from ._sparse_rows import centre_sparse, largest_magnitudes, sparse_product


@dataclass(frozen=True, eq=False)
class Block(ABC):
    """A block of rows A (n, p) of one side, in a floating type."""

    A: Any

    def astype(self, dtype: DTypeLike) -> Block:
        """Convert the rows to another floating type."""
        return type(self)(self.A.astype(dtype))

    def check_finite(self, name: str) -> None:
        """Refuse values that are not finite."""
        assert_all_finite(self.A, input_name=name)

    @abstractmethod
    def centred(self, w: FloatArray, buffer: FloatArray | None = None) -> tuple[Any, FloatArray, FloatArray]:
        """Centre the block and multiply by √w; return it, the mean (p,), and the part of it left in the rows (p,)."""

    @abstractmethod
    def gram(self) -> FloatArray:
        """Compute AᵀA (p, p)."""

    @abstractmethod
    def cross(self, other: Any) -> FloatArray:
        """Compute AᵀB (p, q) with a block of the other side."""

    @abstractmethod
    def times(self, W: FloatArray) -> FloatArray:
        """Compute AW (n, k)."""

    @abstractmethod
    def transposed_times(self, Z: FloatArray) -> FloatArray:
        """Compute AᵀZ (p, k)."""

    @abstractmethod
    def sum_of_squares(self) -> FloatArray:
        """Compute the sum of squares (p,) of each feature."""

    @abstractmethod
    def largest_magnitudes(self, features: FloatArray) -> FloatArray:
        """Compute the largest magnitude of each of some features."""


class DenseBlock(Block):
    """A block of rows as an array."""

    def centred(self, w: FloatArray, buffer: FloatArray | None = None) -> tuple[DenseBlock, FloatArray, FloatArray]:
        C, mean, left = centre(self.A, w, buffer)
        return DenseBlock(C), mean, left

    def gram(self) -> FloatArray:
        return gram(self.A)

    def cross(self, other: Block) -> FloatArray:
        if isinstance(other, SparseBlock):
            return other.transposed_times(self.A).T
        return product(self.A.T, other.A)

    def times(self, W: FloatArray) -> FloatArray:
        return product(self.A, W)

    def transposed_times(self, Z: FloatArray) -> FloatArray:
        return product(self.A.T, Z)

    def sum_of_squares(self) -> FloatArray:
        return np.asarray(np.einsum("ij,ij->j", self.A, self.A))

    def largest_magnitudes(self, features: FloatArray) -> FloatArray:
        return np.asarray(np.abs(self.A[:, features]).max(axis=0, initial=0.0))


class SparseBlock(Block):
    """A block of rows in CSR without duplicate entries."""

    def centred(self, w: FloatArray, buffer: FloatArray | None = None) -> tuple[SparseBlock, FloatArray, FloatArray]:
        C, mean, left = centre_sparse(self.A, w)
        return SparseBlock(C), mean, left

    def gram(self) -> FloatArray:
        return sparse_product(self.A, self.A)

    def cross(self, other: Block) -> FloatArray:
        if isinstance(other, SparseBlock):
            return sparse_product(self.A, other.A)
        return self.transposed_times(other.A)

    def times(self, W: FloatArray) -> FloatArray:
        return np.asarray(self.A @ W)

    def transposed_times(self, Z: FloatArray) -> FloatArray:
        return np.asarray(self.A.T @ Z)

    def sum_of_squares(self) -> FloatArray:
        squares = np.bincount(self.A.indices, self.A.data**2, self.A.shape[1])
        return squares.astype(np.float64, copy=False)

    def largest_magnitudes(self, features: FloatArray) -> FloatArray:
        return largest_magnitudes(self.A)[features]
