"""Kernels of one modality as functions of its rows: values, and widths chosen from the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import isfunction
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray
from sklearn.utils import assert_all_finite

from .._schemas import Schema, saved
from .._typing import FloatArray
from ..models._value import Value
from ..rows._blocks import float_block, row_slices
from ._kernel_table import NamedKernel, kernel_row

# Sample rows for the median distance.
SAMPLE_ROWS = 500
# Rows whose kernel values are computed at once for the diagonal.
DIAGONAL_ROWS = 128
# Entries of a block of kernel values: 16 MB of doubles, which the allocator reuses from block to block.
BLOCK_ENTRIES = 2**21


@saved()
@dataclass(frozen=True, eq=False)
class Kernel(Value):
    """A kernel function, given by name or as a callable, with its parameters; messages call its rows `name`.

    It is evaluated against base rows. For a precomputed kernel, whose columns are the training rows, the base is the
    positions of columns.
    """

    function: str | Callable[..., Any]
    name: str
    params: dict[str, Any] = field(default_factory=dict)
    shift: FloatArray | None = None

    # A function of the user's own is in no file.
    _stored: ClassVar[Schema] = {"function": str}

    @property
    def row(self) -> NamedKernel:
        """Row of the kernel in the table of kernels."""
        return kernel_row(self.function)

    @property
    def is_precomputed(self) -> bool:
        """Whether the rows are kernel values."""
        return self.row.is_precomputed

    def read(self, rows: NDArray[Any], part: slice | NDArray[np.intp]) -> FloatArray:
        """Read some of the rows in double precision; refuse values that are not finite."""
        A = float_block(rows, part, np.float64, self.name)
        if self.row.is_of_histograms and A.size and A.min() < 0:
            raise ValueError(
                f'Negative values in data: kernel="{self.function}" takes non-negative features, such as histograms, '
                f'and {self.name} has a minimum of {A.min():g}. Take another kernel ("rbf", say) or another '
                "preprocessing."
            )
        return A

    def base(self, rows: NDArray[Any], positions: NDArray[np.intp]) -> FloatArray:
        """Return the base of the training rows at these positions, an argument of `__call__`."""
        return positions if self.is_precomputed else self.read(rows, positions)

    def all_rows(self, rows: NDArray[Any]) -> FloatArray:
        """Return the base of all training rows: a copy of them, or all positions."""
        return np.arange(len(rows)) if self.is_precomputed else np.array(self.read(rows, slice(None)))

    def __call__(self, A: FloatArray, base: FloatArray, dtype: DTypeLike = np.float64) -> FloatArray:
        """Compute kernel values (len(A), len(base)) of the rows A in a floating type."""
        if self.is_precomputed:
            return self._values(A, base, dtype)
        if self.shift is not None:
            A, base = A - self.shift, base - self.shift
        with np.errstate(over="ignore", invalid="ignore"):  # checked below
            K = self._values(A, base, dtype)
            finite = np.isfinite(K.sum())
        if not finite:
            raise ValueError(
                f"The kernel of {self.name} has values that are not finite, the largest feature being "
                f"{np.abs(A).max():g}; rescale the features to ordinary units, lower degree and gamma, or mend the "
                "kernel if it is a function."
            )
        return K

    def _values(self, A: FloatArray, base: FloatArray, dtype: DTypeLike) -> FloatArray:
        values = self.row.in_single if dtype == np.float32 else self.row
        try:
            return values(A, base, **self.params)
        except (TypeError, ValueError) as error:
            if not callable(self.function):
                raise
            raise ValueError(
                f"The kernel function of {self.name} failed on two rows: {error} A function takes two rows and gives a "
                "number; kernels of scikit-learn go by their names."
            ) from error

    def diagonal(self, rows: NDArray[Any], part: slice) -> FloatArray:
        """Compute the kernel values of some of the training rows with themselves."""
        if self.is_precomputed:
            return np.diagonal(rows)[part].astype(np.float64)
        if self.row.diagonal is not None:
            return np.full(len(rows[part]), self.row.diagonal)
        A = self.read(rows, part)
        few_rows = 1 if isfunction(self.function) else DIAGONAL_ROWS
        values = [np.diagonal(self(A[few], A[few])) for few in row_slices(len(A), few_rows)]
        return np.concatenate(values)


def spread_rows(n_rows: int) -> NDArray[np.intp]:
    """Return the positions of at most `SAMPLE_ROWS` rows, evenly spread over the data (no random choice)."""
    return np.unique(np.linspace(0, n_rows - 1, SAMPLE_ROWS).astype(np.intp))


def median_gamma(kernel: str, rows: FloatArray, name: str) -> float:
    """Compute 1 over the median distance of distinct rows, in the kernel's own distance (the median heuristic)."""
    between = kernel_row(kernel).distances
    assert between is not None
    with np.errstate(over="ignore", invalid="ignore"):  # checked below
        distances = between(rows)
    if not np.isfinite(distances.max(initial=0.0)):
        raise ValueError(f"Distances between the rows of {name} overflow; rescale its features to ordinary units.")
    distances = distances[distances > 0]
    return 1.0 / float(np.median(distances)) if len(distances) else 1.0


def block_rows(*widths: int) -> int:
    """Compute the number of rows in a block, given the widths of rows, kernel values and features."""
    return int(np.clip(BLOCK_ENTRIES // max(*widths, 1), 256, 8192))


def kernel_matrix(kernel: Kernel, rows: NDArray[Any]) -> FloatArray:
    """Compute the kernel (n, n) of the training rows in double precision: a new array, for the solver to overwrite."""
    n = len(rows)
    K = np.empty((n, n))
    everything = kernel.base(rows, np.arange(n))
    for part in row_slices(n, block_rows(n, rows.shape[1])):
        K[part] = kernel(kernel.read(rows, part), everything)
    if callable(kernel.function):
        check_symmetric(K, kernel.name)
    return K


def check_precomputed(K: NDArray[Any], name: str) -> None:
    """Refuse precomputed kernels that are not of shape (n, n) over the training rows."""
    assert_all_finite(K, input_name=name)
    n, width = K.shape
    if n != width:
        raise ValueError(
            f'A kernel that is "precomputed" must be square in fit, rows against the same rows; that of {name} has '
            f"shape {K.shape}. Cross-validation in scikit-learn cuts X by rows and columns but y by rows alone: there, "
            "let y be features with a kernel of its own, or swap the modalities."
        )
    check_symmetric(K, name)


def check_symmetric(K: NDArray[Any], name: str) -> None:
    """Refuse kernels that are not symmetric."""
    for part in row_slices(len(K), block_rows(len(K))):
        difference = np.abs(K[part] - K[:, part].T).max(initial=0.0)
        if difference > 1e-5 * np.abs(K[part]).max(initial=0.0):
            raise ValueError(
                f"The kernel of {name} is not symmetric: k(a, b) and k(b, a) differ by up to {difference:g}. Kernel "
                "CCA needs a symmetric kernel; (K + K.T) / 2 is one."
            )
