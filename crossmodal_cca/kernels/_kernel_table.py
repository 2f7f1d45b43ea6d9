"""The one table of kernels that go by a name: a new kernel is one row, and whatever asks about kernels asks the row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import RandomState

from .._typing import FloatArray

# Rounding of a distance, relative to the width of the kernel, from which on it is taken from differences.
COARSEST = 1e-9

Values = Callable[..., FloatArray]


def pairwise() -> Any:
    """scikit-learn's pairwise kernels and distances, imported when used: that takes a tenth of a second."""
    from sklearn.metrics import pairwise

    return pairwise


def distance() -> Any:
    """scipy's distances, imported when used."""
    from scipy.spatial import distance

    return distance


def by_scikit_learn(function: str | Callable[..., Any]) -> Values:
    """Values (len(A), len(base)) of a kernel of scikit-learn's, or of a function of two rows."""

    def values(A: FloatArray, base: FloatArray, **params: Any) -> FloatArray:
        K: FloatArray = pairwise().pairwise_kernels(A, base, metric=function, filter_params=True, **params)
        return K

    return values


def gaussian(A: FloatArray, base: FloatArray, *, gamma: float) -> FloatArray:
    """exp(−γ‖a − b‖²), the distances from differences where products would be too coarse for the width."""
    squares = sum(np.einsum("ij,ij->i", B, B).max(initial=0.0) for B in (A, base))
    if gamma * squares * np.finfo(float).eps <= COARSEST:
        return by_scikit_learn("rbf")(A, base, gamma=gamma)
    K: FloatArray = distance().cdist(A, base, "sqeuclidean")
    K *= -gamma
    return np.exp(K, out=K)


def of_writable(values: Values) -> Values:
    """Values by a function that does not read what it could not write, as scikit-learn's χ²."""

    def of_copies(A: FloatArray, base: FloatArray, **params: Any) -> FloatArray:
        return values(*(np.require(B, requirements="W") for B in (A, base)), **params)

    return of_copies


@dataclass(frozen=True)
class NamedKernel:
    """What is known of a kernel that goes by a name.

    Its values (len(A), len(base)) are computed by `values(A, base, **parameters)`; by scikit-learn if that is None.
    """

    name: str
    parameters: tuple[str, ...] = ()
    values: Values | None = None
    # Positive semi-definite once centred, whatever the rows and parameters; others are looked at.
    is_definite: bool = False
    # A shift of all rows changes it in a way that centring undoes.
    is_shift_invariant: bool = False
    # It takes non-negative features, such as histograms.
    is_of_histograms: bool = False
    # The rows are its values already.
    is_precomputed: bool = False
    # Of every row with itself, where that is a constant.
    diagonal: float | None = None
    # What 1 / gamma is measured in, between each two rows; None where gamma is no width. Sums over differences: squared
    # norms minus products would lose the digits of rows that lie far from zero, or from each other.
    distances: Callable[[FloatArray], FloatArray] | None = None
    # Frequencies of random Fourier features, drawn for a gamma in some shape; None where no spectrum is known.
    frequencies: Callable[[RandomState, float, tuple[int, int]], FloatArray] | None = None

    def __call__(self, A: FloatArray, base: FloatArray, **params: Any) -> FloatArray:
        """Values (len(A), len(base))."""
        values = by_scikit_learn(self.name) if self.values is None else self.values
        return values(A, base, **params)

    @property
    def has_width(self) -> bool:
        """Whether gamma is one over a distance."""
        return self.distances is not None


_ROWS = (
    NamedKernel(
        "additive_chi2", (), of_writable(by_scikit_learn("additive_chi2")), is_definite=True, is_of_histograms=True
    ),
    NamedKernel(
        "chi2",
        ("gamma",),
        of_writable(by_scikit_learn("chi2")),
        is_definite=True,
        is_of_histograms=True,
        diagonal=1.0,
        distances=lambda A: -pairwise().additive_chi2_kernel(A)[np.triu_indices(len(A), 1)],
    ),
    NamedKernel("linear", is_definite=True, is_shift_invariant=True),
    NamedKernel("polynomial", ("gamma", "degree", "coef0")),
    NamedKernel("poly", ("gamma", "degree", "coef0")),
    NamedKernel(
        "rbf",
        ("gamma",),
        gaussian,
        is_definite=True,
        is_shift_invariant=True,
        diagonal=1.0,
        distances=lambda A: distance().pdist(A, "sqeuclidean"),
        # Gaussian for exp(−γ‖·‖²), Cauchy for exp(−γ‖·‖₁).
        frequencies=lambda rng, gamma, shape: np.sqrt(2 * gamma) * rng.standard_normal(shape),
    ),
    NamedKernel(
        "laplacian",
        ("gamma",),
        is_definite=True,
        is_shift_invariant=True,
        diagonal=1.0,
        distances=lambda A: distance().pdist(A, "cityblock"),
        frequencies=lambda rng, gamma, shape: gamma * rng.standard_cauchy(shape),
    ),
    NamedKernel("sigmoid", ("gamma", "coef0")),
    NamedKernel("cosine", is_definite=True),
    NamedKernel("precomputed", (), lambda K, positions: K[:, positions], is_precomputed=True),
)
KERNELS = {row.name: row for row in _ROWS}
FOURIER_KERNELS = tuple(name for name, row in KERNELS.items() if row.frequencies is not None)


def kernel_row(kernel: Any) -> NamedKernel:
    """The row of a kernel by its name; of a function, of which nothing is known, a row of its own."""
    if isinstance(kernel, str) and kernel in KERNELS:
        return KERNELS[kernel]
    return NamedKernel("a function", values=by_scikit_learn(kernel))
