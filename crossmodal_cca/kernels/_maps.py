"""Maps from rows to features whose products approximate a kernel: landmarks (Nyström) and random Fourier features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.random import RandomState
from numpy.typing import DTypeLike, NDArray
from scipy import linalg
from scipy.linalg import lapack

from .._schemas import saved
from .._typing import FloatArray
from ..linalg._products import product, times_upper
from ..linalg._svd import reciprocal_condition
from ..models._value import Value
from ..rows._blocks import row_slices
from ._centred import NEGATIVE_TOLERANCE, not_semidefinite
from ._kernel import Kernel, check_symmetric

# Sample rows per landmark for k-means.
KMEANS_ROWS = 20
# Smallest reciprocal condition number of the landmarks' kernel for which its Cholesky factor is used.
FACTORED_FROM = 1e-8


@saved()
@dataclass(frozen=True, eq=False)
class KernelMap(Value):
    """Map from rows to kernel values with n_base base rows, or to combinations of these by a `projection` (n_base, m).

    `triangular` says that the projection is upper triangular.
    """

    kernel: Kernel
    base: FloatArray
    projection: FloatArray | None = None
    triangular: bool = False

    @property
    def n_features(self) -> int:
        """Number of features that the map gives."""
        return len(self.base) if self.projection is None else int(self.projection.shape[1])

    @property
    def uncombined(self) -> KernelMap:
        """Map to the kernel values themselves."""
        return replace(self, projection=None, triangular=False)

    def values(self, rows: FloatArray, dtype: DTypeLike = np.float64) -> FloatArray:
        """Kernel values (len(rows), n_base), of which features are combinations: a new array."""
        return self.kernel(rows, self.base, dtype)

    def combined(self, K: FloatArray) -> FloatArray:
        """Features (len(K), n_features) of kernel values, in their floating type and perhaps in their memory."""
        if self.projection is None:
            return K
        P = self.projection.astype(K.dtype, copy=False)
        return times_upper(K, P) if self.triangular else product(K, P)

    def __call__(self, rows: FloatArray) -> FloatArray:
        """Features (len(rows), n_features)."""
        return self.combined(self.values(rows))

    @property
    def rcond(self) -> float:
        """Reciprocal condition of the kernel of the base rows whose root is the projection; 0 if close to singular."""
        if self.projection is None:
            return 1.0
        return reciprocal_condition(self.projection.T) if self.triangular else 0.0


@saved()
@dataclass(frozen=True, eq=False)
class FourierMap(Value):
    """Random Fourier features of a shift-invariant kernel: cos(ωᵀx) and sin(ωᵀx), ω from the kernel's spectrum.

    Rahimi & Recht (2007), Random features for large-scale kernel machines. Cosine and sine of each frequency together
    make the model independent of where the rows are centred.
    """

    frequencies: FloatArray
    shift: FloatArray

    @property
    def n_features(self) -> int:
        """Number of features that the map gives."""
        return 2 * int(self.frequencies.shape[1])

    # Features are no combinations of other values, and lose nothing to a root.
    rcond: ClassVar[float] = 1.0

    def values(self, rows: FloatArray, dtype: DTypeLike = np.float64) -> FloatArray:
        """Features (len(rows), n_features): a new array."""
        return self(rows).astype(dtype, copy=False)

    def combined(self, features: FloatArray) -> FloatArray:
        """Return the features as they are."""
        return features

    def __call__(self, rows: FloatArray) -> FloatArray:
        """Features (len(rows), n_features)."""
        angles = product(rows - self.shift, self.frequencies)
        n, m = angles.shape
        features = np.empty((n, 2 * m), order="F" if angles.flags.f_contiguous else "C")
        np.cos(angles, out=features[:, :m])
        np.sin(angles, out=features[:, m:])
        features /= np.sqrt(m)
        return features


def fourier_map(kernel: Kernel, shift: FloatArray, n_frequencies: int, rng: RandomState) -> FourierMap:
    """Draw random Fourier features from the kernel's spectrum."""
    draw = kernel.row.frequencies
    assert draw is not None
    return FourierMap(draw(rng, kernel.params["gamma"], (len(shift), n_frequencies)), shift)


def nystroem_map(kernel: Kernel, landmarks: FloatArray, base: FloatArray) -> KernelMap:
    """Build the map to features K_nm K_mm^(−1/2), without the directions in which the landmarks do not vary.

    The root comes from the Cholesky factor of K_mm, or from eigenvectors if K_mm is close to singular: products of
    features are the same. `base` holds the landmarks, as rows or as positions of columns.
    Williams & Seeger (2001), Using the Nyström method to speed up kernel machines.
    """
    K = kernel(landmarks, base)
    check_symmetric(K, kernel.name)
    K = (K + K.T) / 2
    L, failed = lapack.dpotrf(K.T, lower=1, clean=1)
    if not failed and lapack.dpocon(L, linalg.norm(K, 1, check_finite=False), uplo="L")[0] > FACTORED_FROM:
        return KernelMap(kernel, base, lapack.dtrtri(L.T, lower=0)[0], triangular=True)
    lam, Q = linalg.eigh(K, check_finite=False)
    if not K.any():
        raise ValueError(f"The kernel of {kernel.name} is zero on all landmarks. Pass rows that are not all zero.")
    if lam[0] < -NEGATIVE_TOLERANCE * np.abs(lam).sum():
        raise not_semidefinite(kernel.name, f"its eigenvalues on the landmarks range from {lam[0]:g} to {lam[-1]:g}")
    keep = lam > len(K) * np.finfo(float).eps * lam[-1]
    return KernelMap(kernel, base, Q[:, keep] / np.sqrt(lam[keep]))


def uniform_landmarks(kernel: Kernel, rows: NDArray[Any], m: int, tol: float, rng: RandomState) -> KernelMap:
    """Draw landmarks from the rows without replacement."""
    return _map_at(kernel, rows, rng.choice(len(rows), m, replace=False))


def kmeans_landmarks(kernel: Kernel, rows: NDArray[Any], m: int, tol: float, rng: RandomState) -> KernelMap:
    """Compute landmarks as centres of k-means on a sample of the rows."""
    # Imported when used: it loads all of scikit-learn's clustering.
    from sklearn.cluster import MiniBatchKMeans

    size = min(KMEANS_ROWS * m, len(rows))
    sample = kernel.read(rows, np.sort(rng.choice(len(rows), size, replace=False)))
    # k-means would lose digits for rows far from zero; adding the shift back may round beyond the range of the rows.
    middle = np.median(sample, axis=0)
    kmeans = MiniBatchKMeans(m, n_init=1, batch_size=max(1024, 4 * m), random_state=rng).fit(sample - middle)
    centres = np.clip(kmeans.cluster_centers_ + middle, sample.min(axis=0), sample.max(axis=0))
    centres = np.unique(centres, axis=0)
    return nystroem_map(kernel, centres, centres)


def pivoted_landmarks(kernel: Kernel, rows: NDArray[Any], m: int, tol: float, rng: RandomState) -> KernelMap:
    """Choose pivots of an incomplete Cholesky factorisation: each the row that the landmarks before explain worst.

    Stops when the rest is at most `tol` of the trace. Columns of the kernel are evaluated one at a time; only the
    factor (n, m) is kept. Bach & Jordan (2002), Kernel independent component analysis.
    """
    n = len(rows)
    left = kernel.diagonal(rows, slice(None))
    total = float(left.sum())
    if left.min() < 0 or total == 0:
        raise not_semidefinite(kernel.name, f"its diagonal ranges from {left.min():g} to {left.max():g}")
    enough = max(tol, n * np.finfo(float).eps) * total
    G = np.empty((m, n))
    pivots: list[int] = []
    while len(pivots) < m and left.sum() > enough:
        pivot, done = int(left.argmax()), len(pivots)
        base = kernel.base(rows, np.array([pivot]))
        for part in row_slices(n):
            G[done, part] = kernel(kernel.read(rows, part), base)[:, 0]
        G[done] -= G[:done, pivot] @ G[:done]
        G[done] /= np.sqrt(left[pivot])
        left -= G[done] ** 2
        if left.min() < -NEGATIVE_TOLERANCE * total:
            raise not_semidefinite(kernel.name, f"a pivot leaves {left.min():g} on the diagonal")
        np.maximum(left, 0.0, out=left)
        left[pivot] = 0.0
        pivots.append(pivot)
    return _map_at(kernel, rows, np.array(pivots))


# Ways to choose landmarks, by name.
LANDMARKS: dict[str, Callable[[Kernel, NDArray[Any], int, float, RandomState], KernelMap]] = {
    "uniform": uniform_landmarks,
    "kmeans": kmeans_landmarks,
    "pivoted": pivoted_landmarks,
}


def _map_at(kernel: Kernel, rows: NDArray[Any], positions: NDArray[np.intp]) -> KernelMap:
    return nystroem_map(kernel, kernel.read(rows, positions), kernel.base(rows, positions))


Map = KernelMap | FourierMap
