"""Kernels of one modality: which there are, their widths from the data, and their centred matrices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import isfunction
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite

from .._schemas import Schema, saved
from .._typing import FloatArray
from ..linalg._products import refuse_overflow
from ..rows._blocks import float_block, row_slices

# Kernels of non-negative rows.
HISTOGRAM_KERNELS = ("additive_chi2", "chi2")
# A shift of all rows changes these in a way that centring undoes.
SHIFT_INVARIANT_KERNELS = ("linear", "rbf", "laplacian")
# Positive semi-definite once centred, whatever the rows and parameters; the others are looked at.
DEFINITE_KERNELS = ("additive_chi2", "chi2", "cosine", "laplacian", "linear", "rbf")
# What 1 / gamma is measured in, between each two rows, for kernels that are 1 at distance 0. All are sums over
# differences: squared norms minus products would lose the digits of rows that lie far from zero, or from each other.
DISTANCES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "rbf": lambda A: distance().pdist(A, "sqeuclidean"),
    "laplacian": lambda A: distance().pdist(A, "cityblock"),
    "chi2": lambda A: -pairwise().additive_chi2_kernel(A)[np.triu_indices(len(A), 1)],
}
DISTANCE_KERNELS = tuple(DISTANCES)
# Rows that the median distance is taken over.
SAMPLE_ROWS = 500
# Rows whose kernel values are computed at once where only the diagonal is wanted.
DIAGONAL_ROWS = 128
# Entries of a block of kernel values: 16 MB of doubles, which the allocator keeps at hand from block to block.
BLOCK_ENTRIES = 2**21
# Share of the trace down to which a negative eigenvalue is rounding.
NEGATIVE_TOLERANCE = 1e-6
# Rounding of a distance, relative to the width of the kernel, from which on it is taken from differences.
COARSEST = 1e-9


def pairwise() -> Any:
    """scikit-learn's pairwise kernels and distances, imported when used: that takes a tenth of a second."""
    from sklearn.metrics import pairwise

    return pairwise


def distance() -> Any:
    """scipy's distances, imported when used."""
    from scipy.spatial import distance

    return distance


def kernel_names() -> tuple[str, ...]:
    """Kernels that go by a name."""
    return (*pairwise().PAIRWISE_KERNEL_FUNCTIONS, "precomputed")


@saved()
@dataclass(frozen=True, eq=False)
class Kernel:
    """A kernel function with its parameters, which reads the rows of its side (`name`, for messages).

    It is evaluated against base rows. Of a precomputed kernel, whose columns are the training rows already, the base
    is the positions of these columns.
    """

    metric: str | Callable[..., Any]
    name: str
    params: dict[str, Any] = field(default_factory=dict)
    shift: FloatArray | None = None

    _stored: ClassVar[Schema] = {"metric": str, "name": str, "params": dict, "shift": np.ndarray | None}

    @property
    def is_precomputed(self) -> bool:
        """Whether the rows are kernel values already."""
        return isinstance(self.metric, str) and self.metric == "precomputed"

    @property
    def is_definite(self) -> bool:
        """Whether it is positive semi-definite once centred, whatever the rows."""
        return self.metric in DEFINITE_KERNELS

    def read(self, rows: NDArray[Any], part: slice | NDArray[np.intp]) -> FloatArray:
        """Some of the rows, finite and in double precision: kernels and their inverse roots need all the digits."""
        A = float_block(rows, part, np.float64, self.name)
        if self.metric in HISTOGRAM_KERNELS and A.size and A.min() < 0:
            raise ValueError(
                f'Negative values in data: kernel="{self.metric}" takes non-negative features, such as histograms, and '
                f'{self.name} has a minimum of {A.min():g}. Take another kernel ("rbf", say) or another preprocessing.'
            )
        return A

    def base(self, rows: NDArray[Any], positions: NDArray[np.intp]) -> FloatArray:
        """What `__call__` takes to evaluate the kernel against the training rows at these positions."""
        return positions if self.is_precomputed else self.read(rows, positions)

    def all_rows(self, rows: NDArray[Any]) -> FloatArray:
        """The base of all training rows: a copy of them, or all positions."""
        return np.arange(len(rows)) if self.is_precomputed else np.array(self.read(rows, slice(None)))

    def __call__(self, A: FloatArray, base: FloatArray) -> FloatArray:
        """Kernel values (len(A), len(base)) of the rows A."""
        if self.is_precomputed:
            return A[:, base]
        if self.shift is not None:
            A, base = A - self.shift, base - self.shift
        if self.metric in HISTOGRAM_KERNELS:
            # scikit-learn's χ² does not read what it could not write.
            A, base = np.require(A, requirements="W"), np.require(base, requirements="W")
        with np.errstate(over="ignore", invalid="ignore"):  # looked at below
            K = self._values(A, base)
            finite = np.isfinite(K.sum())
        if not finite:
            raise ValueError(
                f"The kernel of {self.name} has values that are not finite, the largest feature being "
                f"{np.abs(A).max():g}; rescale the features to ordinary units, lower degree and gamma, or mend the "
                "kernel if it is a function."
            )
        return K

    def _values(self, A: FloatArray, base: FloatArray) -> FloatArray:
        if self.metric == "rbf" and self._needs_differences(A, base):
            K: FloatArray = distance().cdist(A, base, "sqeuclidean")
            K *= -self.params["gamma"]
            return np.exp(K, out=K)
        try:
            K = pairwise().pairwise_kernels(A, base, metric=self.metric, filter_params=True, **self.params)
        except (TypeError, ValueError) as error:
            if not callable(self.metric):
                raise
            raise ValueError(
                f"The kernel function of {self.name} failed on two rows: {error} A function takes two rows and gives a "
                "number; kernels of scikit-learn go by their names."
            ) from error
        return K

    def _needs_differences(self, A: FloatArray, base: FloatArray) -> bool:
        """Whether ‖a‖² + ‖b‖² − 2aᵀb is too coarse for the width: some rows lie too far from the others."""
        squares = sum(np.einsum("ij,ij->i", B, B).max(initial=0.0) for B in (A, base))
        return bool(self.params["gamma"] * squares * np.finfo(float).eps > COARSEST)

    def diagonal(self, rows: NDArray[Any], part: slice) -> FloatArray:
        """Kernel values of some of the training rows with themselves."""
        if self.is_precomputed:
            return np.diagonal(rows)[part].astype(np.float64)
        if self.metric in DISTANCE_KERNELS:
            return np.ones(len(rows[part]))
        A = self.read(rows, part)
        few_rows = 1 if isfunction(self.metric) else DIAGONAL_ROWS
        values = [np.diagonal(self(A[few], A[few])) for few in row_slices(len(A), few_rows)]
        return np.concatenate(values)


def spread_rows(n_rows: int) -> NDArray[np.intp]:
    """Positions of at most `SAMPLE_ROWS` rows, evenly spread over the data, so that no random number is involved."""
    return np.unique(np.linspace(0, n_rows - 1, SAMPLE_ROWS).astype(np.intp))


def median_gamma(metric: str, rows: FloatArray, name: str) -> float:
    """The median heuristic: 1 over the median distance of distinct rows, in the kernel's own distance."""
    with np.errstate(over="ignore", invalid="ignore"):  # looked at below
        distances = DISTANCES[metric](rows)
    if not np.isfinite(distances.max(initial=0.0)):
        raise ValueError(f"Distances between the rows of {name} overflow; rescale its features to ordinary units.")
    distances = distances[distances > 0]
    return 1.0 / float(np.median(distances)) if len(distances) else 1.0


def block_rows(*widths: int) -> int:
    """Rows in a block of arrays of these widths: the rows themselves, their kernel values, their features."""
    return int(np.clip(BLOCK_ENTRIES // max(*widths, 1), 256, 8192))


def kernel_matrix(kernel: Kernel, rows: NDArray[Any]) -> FloatArray:
    """Kernel values (n, n) of the training rows in double precision: a new array, for the solver to overwrite."""
    n = len(rows)
    K = np.empty((n, n))
    everything = kernel.base(rows, np.arange(n))
    for part in row_slices(n, block_rows(n, rows.shape[1])):
        K[part] = kernel(kernel.read(rows, part), everything)
    if callable(kernel.metric):
        check_symmetric(K, kernel.name)
    return K


def check_precomputed(K: NDArray[Any], name: str) -> None:
    """Refuse precomputed kernels that are not those of the training rows among themselves."""
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
    """Refuse kernels with k(a, b) ≠ k(b, a)."""
    for part in row_slices(len(K), block_rows(len(K))):
        difference = np.abs(K[part] - K[:, part].T).max(initial=0.0)
        if difference > 1e-5 * np.abs(K[part]).max(initial=0.0):
            raise ValueError(
                f"The kernel of {name} is not symmetric: k(a, b) and k(b, a) differ by up to {difference:g}. Kernel "
                "CCA needs a symmetric kernel; (K + K.T) / 2 is one."
            )


def centre(K: FloatArray, name: str) -> FloatArray:
    """Centre the kernel (n, n) of the training rows in feature space, in place; return the means (n,) of its columns.

    Test rows k are centred with the same means. The mean of k itself, which exact centring also takes away, never
    reaches a score: rotations of the centred kernel sum to zero.
    """
    largest = max(float(K.max()), -float(K.min()))
    means: FloatArray = K.mean(axis=0)
    K -= means
    K -= (means - means.mean())[:, None]
    with np.errstate(over="ignore"):
        trace, rounding = np.trace(K), len(K) ** 2 * np.finfo(float).eps * largest
    refuse_overflow(trace)
    if trace < -rounding:
        raise not_semidefinite(name, f"once centred its trace is {trace:g}")
    if trace <= rounding:
        raise ValueError(
            f"All rows of {name} are alike to the kernel: no direction varies beyond rounding. Pass rows that differ, "
            "centred and in ordinary units, or raise gamma."
        )
    return means


def not_semidefinite(name: str, detail: str) -> ValueError:
    """The error for a kernel that no feature space belongs to."""
    return ValueError(
        f"The kernel of {name} is not positive semi-definite ({detail}), so no feature space belongs to it. sigmoid "
        'kernels, differences of kernels and, uncentred, "additive_chi2" are of this kind; take another kernel '
        '("rbf", or "chi2" for histograms).'
    )
