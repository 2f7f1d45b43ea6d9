"""Exact kernel canonical correlation analysis of two centred kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

from .._typing import FloatArray
from ..linalg._products import gram, product
from ..linalg._svd import all_eigenvectors, leading_eigenvectors, pairs_found, truncated_svd
from ._centred import NEGATIVE_TOLERANCE, not_semidefinite

# Number of rows up to which all pairs are computed at once, instead of a few by iteration.
DENSE_UP_TO = 500
# Widest block of the iteration, as a share of the rows; beyond it the pairs are looked for among all.
BLOCK_SHARE = 0.02
# Widest basis of the iteration, as a share of the rows; beyond it the pairs are looked for among all.
BASIS_SHARE = 0.25
# Columns of an iterated block beyond the pairs asked for.
EXTRA_COLUMNS = 8
# Residual at which the iteration stops, relative to the leading eigenvalue.
RESIDUAL_TOLERANCE = 1e-10
# Factor by which the basis grows between two computations of its eigenvectors.
CHECK_GROWTH = 1.3
# Largest gap of eigenvalues that count as tied, relative to the leading one.
TIED = 1e-8
# Smallest eigenvalue that is told from zero, relative to the leading one.
FAINTEST = 1e-8
# Smallest regularization for which one eigendecomposition finds many pairs: rounding grows with its inverse.
SMOOTH_FROM = 1e-4


@dataclass(frozen=True, eq=False)
class KernelSolution:
    """A shared space of k components: scores are centred features (kernel values, or a map's) times rotations."""

    x_rotations: FloatArray
    y_rotations: FloatArray
    singular_values: FloatArray
    correlations: FloatArray


@dataclass(frozen=True, eq=False)
class DualSolution(KernelSolution):
    """A shared space of k components with the scores (n, k) of the training rows."""

    x_scores: FloatArray
    y_scores: FloatArray


class RidgedKernel:
    """The centred kernel K of one side and its ridge ε = regularization · trace(K), as one Cholesky factor of K + εI.

    K is overwritten. A kernel not known to be positive semi-definite is checked first.
    """

    def __init__(self, K: FloatArray, regularization: float, name: str, definite: bool) -> None:
        trace = float(np.trace(K))
        self.regularization = regularization
        if not definite and _cholesky(K.copy(), NEGATIVE_TOLERANCE * trace) is None:
            raise not_semidefinite(name, "once centred it has eigenvalues below zero")
        self.ridge = regularization * trace
        factor = _cholesky(K, self.ridge)
        if factor is None:
            raise ValueError(
                f"regularization={regularization:g} is too small for the kernel of {name} to be factorised; raise it."
            )
        self.factor = factor

    def kernel(self) -> FloatArray:
        """Rebuild K from the factor."""
        L = np.tril(self.factor)
        K = product(L, L.T)
        K[np.diag_indices_from(K)] -= self.ridge
        return K

    def solve(self, B: FloatArray) -> FloatArray:
        """Compute (K + εI)⁻¹B."""
        solution, _ = lapack.dpotrs(self.factor, B, lower=1)
        return np.asarray(solution)

    def smooth(self, B: FloatArray) -> FloatArray:
        """Compute HB with H = K(K + εI)⁻¹, the predictions of B by ridge regression on the kernel."""
        return B - self.ridge * self.solve(B)

    def smoother_factor(self) -> FloatArray:
        """Compute C (n, r) with CCᵀ = H, by a Cholesky factorisation with pivots."""
        H, _ = lapack.dpotri(self.factor, lower=1)
        H *= -self.ridge
        H[np.diag_indices_from(H)] += 1.0
        L, pivots, rank, _ = lapack.dpstrf(H, lower=1, overwrite_a=1)
        C = np.empty((len(H), rank))
        C[pivots - 1] = np.tril(L[:, :rank])
        return C

    def squares_of_smoothed(self, C: FloatArray) -> FloatArray:
        """Compute the lower triangle of CᵀHC."""
        half = linalg.solve_triangular(self.factor, C, lower=True, check_finite=False)
        S = gram(half, mirrored=False)
        S *= -self.ridge
        S += gram(C, mirrored=False)
        return S


def _cholesky(K: FloatArray, ridge: float) -> FloatArray | None:
    """Compute the lower Cholesky factor of K + ridge·I in place of K; None if there is none."""
    K[np.diag_indices_from(K)] += ridge
    # The transpose is the same matrix, in the layout that LAPACK overwrites without a copy.
    L, failed = lapack.dpotrf(K.T, lower=1, clean=0, overwrite_a=1)
    return None if failed else np.asarray(L)


def is_iterated(n: int, k: int) -> bool:
    """Whether k pairs of n rows are looked for by iteration, not among all pairs."""
    return n > DENSE_UP_TO and k + EXTRA_COLUMNS <= BLOCK_SHARE * n


def solve_kernel_cca(
    Kx: FloatArray, Ky: FloatArray, regularization: tuple[float, float], k: int | None, definite: tuple[bool, bool]
) -> DualSolution:
    """Solve for the leading canonical pairs of two centred kernels (n, n), which are overwritten.

    maximise  αᵀKxKyβ  subject to  αᵀKx(Kx + εxI)α = n − 1  and the same for β. The squared maxima d² are the leading
    eigenvalues of HxHy, Hx = Kx(Kx + εxI)⁻¹, and the x-scores Kxα their eigenvectors; then Kyβ = Hy·Kxα/d. A few pairs
    come from a block iteration with two Cholesky factors, many from one eigendecomposition beside them, and faint ones
    and those of small matrices from eigenvectors of the kernels. Fewer than k are returned if only rounding is left.
    """
    n = len(Kx)
    k, iterated = (n - 1, False) if k is None else (k, is_iterated(n, k))
    if not iterated and (n <= DENSE_UP_TO or min(regularization) < SMOOTH_FROM):
        return _all_pairs(Kx, Ky, regularization, k, definite)
    sides = zip((Kx, Ky), regularization, ("X", "y"), definite, strict=True)
    x, y = (RidgedKernel(*side) for side in sides)
    found = _leading_pairs(x, y, k) if iterated else None
    if found is None and min(regularization) >= SMOOTH_FROM:
        found = _many_pairs(x, y, k)
    return found or _all_pairs(x.kernel(), y.kernel(), regularization, k, definite)


def _all_pairs(
    Kx: FloatArray, Ky: FloatArray, regularization: tuple[float, float], k: int, definite: tuple[bool, bool]
) -> DualSolution:
    """Solve for all pairs: with Kx = QΛQᵀ, the singular triplets of √(Λx/(Λx + εx)) QxᵀQy √(Λy/(Λy + εy))."""
    n = len(Kx)
    bases, maps, largest = [], [], 1.0
    for K, kappa, name, is_definite in zip((Kx, Ky), regularization, ("X", "y"), definite, strict=True):
        trace = float(np.trace(K))
        lam, Q = all_eigenvectors(K.T, overwrite=True)
        if not is_definite and lam[0] < -NEGATIVE_TOLERANCE * trace:
            raise not_semidefinite(name, f"once centred its eigenvalues range from {lam[0]:g} to {lam[-1]:g}")
        ridge = kappa * trace
        keep = lam > n * np.finfo(float).eps * lam[-1]
        lam, Q = lam[keep], Q[:, keep]
        largest *= np.sqrt(lam[-1] / (lam[-1] + ridge))
        bases.append(Q * np.sqrt(lam / (lam + ridge)))
        maps.append(Q / np.sqrt(lam * (lam + ridge)))
    U, d, V = truncated_svd(product(bases[0].T, bases[1]), min(k, bases[0].shape[1], bases[1].shape[1]))
    found = pairs_found(d, n, largest)
    U, d, V = U[:, :found], d[:found], V[:, :found]
    return _dual_solution(product(maps[0], U), product(maps[1], V), product(bases[0], U), product(bases[1], V), d)


def _many_pairs(x: RidgedKernel, y: RidgedKernel, k: int) -> DualSolution | None:
    """Solve for the k leading pairs from eigenvectors w of CᵀHxC with Hy = CCᵀ: then Kyβ = Cw and Kxα = HxCw/d.

    There are fewer where the others are zero up to rounding. Returns None if one is faint: its square d² loses digits.
    """
    C = y.smoother_factor()
    found = leading_eigenvectors(x.squares_of_smoothed(C), min(k, C.shape[1]))
    if found is None:
        return None
    theta, W = found
    faintest = _faintest(x, y)
    clear = int((theta > faintest * theta[0]).sum())
    if theta[0] < faintest or theta[clear:].max(initial=0.0) > len(C) * np.finfo(float).eps * theta[0]:
        return None
    d, y_scores = np.sqrt(theta[:clear]), product(C, W[:, :clear])
    alpha = x.solve(y_scores) / d
    x_scores = y_scores / d - x.ridge * alpha
    return _dual_solution(alpha, y.solve(x_scores) / d, x_scores, y_scores, d)


def _faintest(x: RidgedKernel, y: RidgedKernel) -> float:
    """Return the smallest eigenvalue to take: rounding of the factorisations grows as the ridges shrink."""
    return float(max(FAINTEST, 1e3 * np.finfo(float).eps / min(x.regularization, y.regularization)))


def _leading_pairs(x: RidgedKernel, y: RidgedKernel, k: int) -> DualSolution | None:
    """Solve for the k leading pairs by block Arnoldi iteration on A = HxHy, until ‖Az − d²z‖ is at rounding level.

    A is symmetric in the inner product uᵀHyv, which vanishes outside the range of Ky. So the basis V is orthonormal as
    usual, and only the k eigenvectors, which are far from that null space, are made Hy-orthonormal. Returns None if the
    pairs are too close to each other, or to zero, for the basis to stay small.
    """
    n = len(x.factor)
    faintest = _faintest(x, y)
    V: FloatArray = np.random.default_rng(0).standard_normal((n, k + EXTRA_COLUMNS))
    V = linalg.qr(x.smooth(y.smooth(V - V.mean(axis=0))), mode="economic", check_finite=False)[0]
    HV = y.smooth(V)
    AV = x.smooth(HV)
    width, checked = V.shape[1], 0
    while V.shape[1] <= BASIS_SHARE * n:
        Q = None
        if V.shape[1] >= CHECK_GROWTH * checked:
            checked = V.shape[1]
            Q = _leading_invariant_subspace(product(V.T, AV), k)
        if Q is not None:
            Z, HZ, AZ = (product(A, Q) for A in (V, HV, AV))
            G, T = product(Z.T, HZ), product(HZ.T, AZ)
            try:
                theta, S = linalg.eigh((T + T.T) / 2, (G + G.T) / 2, check_finite=False)
            except linalg.LinAlgError:
                return None
            theta, S = theta[::-1][:k], S[:, ::-1][:, :k]
            Z, HZ, AZ = (product(A, S) for A in (Z, HZ, AZ))
            residuals = np.linalg.norm(AZ - Z * theta, axis=0) / np.linalg.norm(Z, axis=0)
            if theta[0] < faintest or theta[-1] < faintest * theta[0]:
                return None
            if residuals.max() <= RESIDUAL_TOLERANCE * theta[0]:
                d = np.sqrt(theta)
                return _dual_solution(x.solve(HZ) / d, y.solve(Z), Z * d, HZ, d)
        block = AV[:, -width:]
        for _ in range(2):
            block = block - product(V, product(V.T, block))
            block = linalg.qr(block, mode="economic", check_finite=False)[0]
        H = y.smooth(block)
        V, HV, AV = np.hstack([V, block]), np.hstack([HV, H]), np.hstack([AV, x.smooth(H)])
    return None


def _leading_invariant_subspace(T: FloatArray, k: int) -> FloatArray | None:
    """Compute an orthonormal basis of the invariant subspace of T for its k rightmost eigenvalues, or a few more.

    It ends at the largest gap between eigenvalues, since tied ones cannot be separated; None if all are tied.
    """
    values = np.sort(linalg.eigvals(T, check_finite=False).real)[::-1]
    gaps = -np.diff(values[k - 1 : k + EXTRA_COLUMNS])
    cut = k + int(gaps.argmax())
    if gaps.max() <= TIED * values[0]:
        return None
    between = (values[cut - 1] + values[cut]) / 2
    try:
        _, Q, size = linalg.schur(T - between * np.eye(len(T)), sort="rhp", check_finite=False)
    except linalg.LinAlgError:
        return None
    return np.asarray(Q[:, :cut]) if size == cut else None


def _dual_solution(
    alpha: FloatArray, beta: FloatArray, x_scores: FloatArray, y_scores: FloatArray, d: FloatArray
) -> DualSolution:
    """Rescale a solution with αᵀKx(Kx + εxI)α = 1 to units of covariances."""
    lengths = np.linalg.norm(x_scores, axis=0) * np.linalg.norm(y_scores, axis=0)
    correlations = np.clip(np.einsum("ij,ij->j", x_scores, y_scores) / lengths, -1.0, 1.0)
    unit = np.sqrt(len(alpha) - 1)
    return DualSolution(alpha * unit, beta * unit, d, correlations, x_scores * unit, y_scores * unit)
