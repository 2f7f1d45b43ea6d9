"""The table of named kernels: a new kernel is one row, and the row holds all that other modules need to know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import RandomState

from .._typing import FloatArray
from ..linalg._products import product

# Rounding of γ‖a − b‖² from which squared distances are computed from differences instead of products; the same for
# values in single precision, which are computed in double beyond it.
COARSEST, COARSEST_IN_SINGLE = 1e-9, 1e-6

Values = Callable[..., FloatArray]


def pairwise() -> Any:
    """Import scikit-learn's pairwise kernels and distances when used: the import takes a tenth of a second."""
    from sklearn.metrics import pairwise

    return pairwise


def distance() -> Any:
    """Import scipy's distances when used."""
    from scipy.spatial import distance

    return distance


def by_scikit_learn(function: str | Callable[..., Any]) -> Values:
    """Return the function for values (len(A), len(base)) of a scikit-learn kernel, or of a function of two rows."""

    def values(A: FloatArray, base: FloatArray, **params: Any) -> FloatArray:
        K: FloatArray = pairwise().pairwise_kernels(A, base, metric=function, filter_params=True, **params)
        return K

    return values


def gaussian(A: FloatArray, base: FloatArray, *, gamma: float) -> FloatArray:
    """Compute exp(−γ‖a − b‖²), with distances from differences if products are too coarse for the width."""
    squares = sum(squared_lengths(B).max(initial=0.0) for B in (A, base))
    if gamma * squares * np.finfo(float).eps <= COARSEST:
        return by_scikit_learn("rbf")(A, base, gamma=gamma)
    K: FloatArray = distance().cdist(A, base, "sqeuclidean")
    K *= -gamma
    return np.exp(K, out=K)


def gaussian_in_single(A: FloatArray, base: FloatArray, *, gamma: float) -> FloatArray:
    """Compute exp(−γ‖a − b‖²) in single precision: with lengths as further columns the exponents are one product."""
    a, b = (-gamma * squared_lengths(B) for B in (A, base))
    if -(a.min(initial=0.0) + b.min(initial=0.0)) * np.finfo(np.float32).eps > COARSEST_IN_SINGLE:
        return gaussian(A, base, gamma=gamma).astype(np.float32)
    left, right = np.column_stack([A, a, np.ones(len(A))]), np.column_stack([2 * gamma * base, np.ones(len(base)), b])
    K = product(right.astype(np.float32), left.astype(np.float32).T).T
    np.minimum(K, 0.0, out=K)
    return np.exp(K, out=K)


def squared_lengths(A: FloatArray) -> FloatArray:
    """Compute ‖a‖² of each row."""
    return np.asarray(np.einsum("ij,ij->i", A, A))


def of_writable(values: Values) -> Values:
    """Compute values by a function that refuses read-only arrays, such as scikit-learn's χ² kernel."""

    def of_copies(A: FloatArray, base: FloatArray, **params: Any) -> FloatArray:
        return values(*(np.require(B, requirements="W") for B in (A, base)), **params)

    return of_copies


@dataclass(frozen=True)
class NamedKernel:
    """A named kernel and its properties.

    `values(A, base, **parameters)` computes its values (len(A), len(base)); if None, scikit-learn does.
    """

    name: str
    parameters: tuple[str, ...] = ()
    values: Values | None = None
    # Function for values in single precision, where these are worth one of their own.
    values_in_single: Values | None = None
    # Whether it is positive semi-definite once centred, for all rows and parameters; other kernels are checked.
    is_definite: bool = False
    # Whether centring removes the effect of a shift of all rows.
    is_shift_invariant: bool = False
    # Whether it needs non-negative features, such as histograms.
    is_of_histograms: bool = False
    # Whether the rows are kernel values.
    is_precomputed: bool = False
    # Value of every row with itself, if constant.
    diagonal: float | None = None
    # Pairwise distances in units of 1 / gamma; None if gamma is not a width. They sum over differences: squared norms
    # minus products would lose digits for rows far from zero, or from each other.
    distances: Callable[[FloatArray], FloatArray] | None = None
    # Function that draws frequencies of random Fourier features for a gamma and a shape; None without a known spectrum.
    frequencies: Callable[[RandomState, float, tuple[int, int]], FloatArray] | None = None

    def __call__(self, A: FloatArray, base: FloatArray, **params: Any) -> FloatArray:
        """Compute values (len(A), len(base))."""
        values = by_scikit_learn(self.name) if self.values is None else self.values
        return values(A, base, **params)

    def in_single(self, A: FloatArray, base: FloatArray, **params: Any) -> FloatArray:
        """Compute values (len(A), len(base)) in single precision from rows in double precision."""
        if self.values_in_single is not None:
            return self.values_in_single(A, base, **params)
        return self(A, base, **params).astype(np.float32)

    @property
    def has_width(self) -> bool:
        """Whether gamma is 1 over a distance."""
        return self.distances is not None


# Rows of the table.
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
        gaussian_in_single,
        is_definite=True,
        is_shift_invariant=True,
        diagonal=1.0,
        distances=lambda A: distance().pdist(A, "sqeuclidean"),
        # Spectra: Gaussian for exp(−γ‖·‖²), Cauchy for exp(−γ‖·‖₁).
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
# Named kernels by name.
KERNELS = {row.name: row for row in _ROWS}
# Names of the kernels with random Fourier features.
FOURIER_KERNELS = tuple(name for name, row in KERNELS.items() if row.frequencies is not None)


def kernel_row(kernel: Any) -> NamedKernel:
    """Return the row of a named kernel; for a function, a new row without known properties."""
    if isinstance(kernel, str) and kernel in KERNELS:
        return KERNELS[kernel]
    return NamedKernel("a function", values=by_scikit_learn(kernel))
