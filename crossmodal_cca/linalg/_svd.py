"""Truncated singular value decompositions, and reduction of rows to a triangle with the same condition number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from scipy import linalg
from scipy.linalg import blas, lapack
from scipy.sparse.linalg import ArpackError, svds

from .._typing import FloatArray
from ._products import gram, product

Triplets = tuple[FloatArray, FloatArray, FloatArray]

# Smaller side of a matrix from which a Lanczos iteration is faster than decomposing the Gram matrix.
LANCZOS_FROM = 64
# Share of the triplets above which computing all is as fast as the leading ones.
TRUNCATE_BELOW = 0.5
# Smallest square of a singular value, relative to the largest, that keeps enough digits beside it.
SMALLEST_SQUARE = 1e-9
# The same for rows that are whitened, by division by their singular values.
CLEAR_SQUARE = 1e-7
# The same for a few triplets that need neither a Rayleigh–Ritz step nor a look at the residual.
NEAR_SQUARE = 1e-2
# Share of the eigenvectors of a tridiagonal matrix above which all are computed.
FEW_PAIRS = 0.2
# Reflections that LAPACK applies at once, at most: its workspace has a column for each.
REFLECTED_AT_ONCE = 64
# Largest residual of a triplet, relative to the leading singular value, before all are computed.
RESIDUAL_TOLERANCE = 1e-12
# EXACT_UP_TO: order of a matrix up to which extreme eigenvalues are exact; POWER_STEPS: iterations to estimate others.
EXACT_UP_TO, POWER_STEPS = 100, 8


def truncated_svd(K: FloatArray, k: int) -> Triplets:
    """Compute the k leading singular triplets (U, d, V) of K, d decreasing, with ‖Kv − du‖ at rounding level.

    One triplet comes from a Lanczos iteration with a random start, so no order of columns misleads it; a few from the
    leading eigenvectors of the smaller Gram matrix and, where singular values differ by much, one Rayleigh–Ritz step on
    K. Both cost a fraction of a full decomposition, but may lose digits when the singular values span decades, or
    triplets when they cluster. If the residual shows this, the full divide-and-conquer decomposition is computed
    instead.
    """
    if min(K.shape) <= 1 or k == 0:
        return _single(K, k)
    if k < TRUNCATE_BELOW * min(K.shape):
        tall = K if K.shape[0] >= K.shape[1] else K.T
        found = _leading_triplets(tall, k)
        if found is not None:
            return found if tall is K else found[::-1]
    U, d, Vt = linalg.svd(K, full_matrices=False, check_finite=False)
    return U[:, :k], d[:k], Vt[:k].T


def _leading_triplets(K: FloatArray, k: int) -> Triplets | None:
    """Compute the k leading triplets of a tall K without all of them; None where digits or triplets may be lost."""
    if k == 1 and K.shape[1] >= LANCZOS_FROM:
        found = _lanczos(K)
    else:
        leading = leading_eigenvectors(gram(K, mirrored=False), k)
        if leading is None:
            return None
        (squares, V), KV = leading, product(K, leading[1])
        if squares[-1] > NEAR_SQUARE * squares[0]:
            d = np.sqrt(squares)
            return KV / d, d, V
        found = _ritz(K, KV)
    return found if found and _residual(K, *found) <= RESIDUAL_TOLERANCE * found[1][0] else None


def projected_svd(K: FloatArray, k: int, A: FloatArray, B: FloatArray) -> Triplets:
    """Compute AU, d and BV for the k leading singular triplets (U, d, V) of K (p, q) and rows A (n, p) and B (m, q).

    Where most triplets are asked for, they come from KᵀK = QTQᵀ with T = ZD²Zᵀ tridiagonal, and for few rows U and V
    are not formed: BV = (BQ)Z and AU = ((AK)Q)Z/D. That takes less than half as long as a decomposition of K, unless
    singular values are so small that their squares would lose the digits of Z.
    """
    if K.shape[0] < K.shape[1]:
        return projected_svd(K.T, k, B, A)[::-1]
    if k >= max(TRUNCATE_BELOW * K.shape[1], LANCZOS_FROM):
        is_few = 2 * len(A) + len(B) < sum(K.shape)
        found = _from_tridiagonal(K, k, np.vstack([product(A, K), B]) if is_few else np.eye(K.shape[1]))
        if found is not None:
            d, rows = found
            U, V = (rows[: len(A)], rows[len(A) :]) if is_few else (product(K, rows), rows)
            return (U / d, d, V) if is_few else (product(A, U / d), d, product(B, V))
    U, d, V = truncated_svd(K, k)
    return product(A, U), d, product(B, V)


def _from_tridiagonal(K: FloatArray, k: int, rows: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Compute d and rows·V for the k leading triplets; None if squares of singular values are too small."""
    found, rows = _of_tridiagonal(gram(K, mirrored=False), k), np.asfortranarray(rows)
    if found is None or not found[0][0] > SMALLEST_SQUARE * found[0][-1]:
        return None
    values, Z, (H, tau) = found
    # Q leaves the first coordinate as it is; the others are reflected by the columns below the diagonal.
    rows[:, 1:] = lapack.dormqr("R", "N", H[1:, :-1], tau, rows[:, 1:], REFLECTED_AT_ONCE * len(rows), overwrite_c=1)[0]
    return np.sqrt(values[::-1]), product(rows, Z)[:, ::-1]


def leading_eigenvectors(S: FloatArray, k: int) -> tuple[FloatArray, FloatArray] | None:
    """Compute the k leading eigenvalues, descending, and eigenvectors of a symmetric matrix from its lower triangle.

    It is overwritten if in Fortran order. None if the routine fails, or finds fewer of them, where they cluster.
    """
    if len(S) <= LANCZOS_FROM:
        values, Q = all_eigenvectors(S, overwrite=True)
        return values[::-1][:k], Q[:, ::-1][:, :k]
    found = _of_tridiagonal(S, k)
    if found is None:
        return None
    values, Z, (H, tau) = found
    below = np.asfortranarray(Z[1:])
    reflected = lapack.dormqr("L", "N", H[1:, :-1], tau, below, REFLECTED_AT_ONCE * k, overwrite_c=1)[0]
    return values[::-1], np.vstack([Z[:1], reflected])[:, ::-1]


def _of_tridiagonal(S: FloatArray, k: int) -> tuple[FloatArray, FloatArray, tuple[FloatArray, FloatArray]] | None:
    """Reduce S = QTQᵀ; return the k largest eigenvalues of T, ascending, their eigenvectors, and the reflections of Q.

    A few pairs are found by themselves; where they are more, finding all takes less time.
    """
    n = len(S)
    size = int(lapack.dsytrd_lwork(n, lower=1)[0])
    H, diagonal, beside, tau, _ = lapack.dsytrd(S, lower=1, lwork=size, overwrite_a=1)
    which: dict[str, Any] = {"select": "i", "select_range": (n - k, n - 1)} if k < FEW_PAIRS * n else {}
    try:
        values, Z = linalg.eigh_tridiagonal(diagonal, beside, lapack_driver="stemr", check_finite=False, **which)
    except linalg.LinAlgError:
        return None
    # Columns from the first one that is taken: a product reads them without a copy.
    first = len(values) - k
    return None if first < 0 else (values[first:], Z[:, first:], (H, tau))


def _single(K: FloatArray, k: int) -> Triplets:
    """Return the only triplet of a single row or column; none if k is 0 or the matrix is empty."""
    if k == 0 or min(K.shape) == 0:
        return K[:, :0], np.zeros(0), K[:0].T
    d = np.linalg.norm(K)
    unit = K / d if d > 0 else np.eye(*K.shape)
    U, V = (unit, np.ones((1, 1))) if K.shape[1] == 1 else (np.ones((1, 1)), unit.T)
    return U[:, :k], np.array([d])[:k], V[:, :k]


def _lanczos(K: FloatArray) -> Triplets | None:
    start: Any = np.random.default_rng(0).standard_normal(K.shape[1])
    try:
        U, d, Vt = svds(K, k=1, v0=start)
    except ArpackError:
        return None
    return U, d, Vt.T


def _ritz(K: FloatArray, KV: FloatArray) -> Triplets:
    """Compute the triplets of K in the space of the left vectors that KV spans."""
    Q, _ = linalg.qr(KV, mode="economic", check_finite=False)
    U, d, Vt = linalg.svd(product(Q.T, K), full_matrices=False, check_finite=False)
    return product(Q, U), d, Vt.T


def _residual(K: FloatArray, U: FloatArray, d: FloatArray, V: FloatArray) -> float:
    """Compute the largest ‖Kv − du‖ or ‖Kᵀu − dv‖ of the triplets."""
    pairs = (product(K, V), U), (product(K.T, U), V)
    return max(float(np.linalg.norm(image - vector * d, axis=0).max()) for image, vector in pairs)


def thin_svd(A: FloatArray) -> Triplets:
    """Compute all singular triplets (U, d, V) of rows A (n, p), d decreasing, with ‖Av − du‖ at rounding level.

    Those of fewer rows than columns come from AAᵀ at less than half the work if the rank is clear: then some values are
    zero up to rounding, which are left out, and the squares of all others keep enough digits.
    """
    if len(A) < A.shape[1]:
        values, U = all_eigenvectors(gram(A.T), overwrite=True)
        rank = int(np.sum(values > CLEAR_SQUARE * values[-1]))
        if rank and values[: len(values) - rank].max(initial=0.0) <= len(A) * np.finfo(float).eps * values[-1]:
            U, d = U[:, ::-1][:, :rank], np.sqrt(values[::-1][:rank])
            return U, d, product(A.T, U) / d
    U, d, Vt = linalg.svd(A, full_matrices=False, check_finite=False)
    return U, d, Vt.T


def all_eigenvectors(S: FloatArray, *, overwrite: bool = False) -> tuple[FloatArray, FloatArray]:
    """Compute eigenvalues, ascending, and eigenvectors of a symmetric matrix by divide and conquer."""
    # Older scipy fails in the workspace query for a single number.
    driver: Literal["ev", "evd"] = "evd" if len(S) > 1 else "ev"
    values, Q = linalg.eigh(S, overwrite_a=overwrite, check_finite=False, driver=driver)
    return values, Q


def largest_eigenvalue(S: FloatArray) -> float:
    """Compute the largest eigenvalue of a covariance; a large one is estimated by power iteration, a bit too small."""
    if len(S) <= EXACT_UP_TO:
        return float(linalg.eigvalsh(S, check_finite=False)[-1]) if len(S) else 0.0
    v, largest = _power_start(len(S)), 0.0
    for _ in range(POWER_STEPS):
        v = product(S, v[:, None])[:, 0]
        largest = float(np.linalg.norm(v))
        v = v / (largest or 1.0)
    return largest


def reciprocal_condition(L: FloatArray) -> float:
    """Compute the smallest over the largest eigenvalue of LLᵀ, for the lower triangle of L.

    For a large L both are estimated by a few steps of power iteration; the result is a little too large. LAPACK's
    estimate by norms would take as long and err by up to √p.
    """
    if len(L) <= EXACT_UP_TO:
        d = linalg.svdvals(np.tril(L), check_finite=False)
        return float((d[-1] / d[0]) ** 2)
    largest = inverse = 0.0
    u = v = _power_start(len(L))
    for _ in range(POWER_STEPS):
        u = blas.dtrmv(L, blas.dtrmv(L, u, lower=1, trans=1), lower=1)
        v = blas.dtrsv(L, blas.dtrsv(L, v, lower=1), lower=1, trans=1)
        largest, inverse = (float(np.linalg.norm(w)) for w in (u, v))
        u, v = u / largest, v / inverse
    return 1.0 / (largest * inverse)


def _power_start(n: int) -> FloatArray:
    """Return the unit vector that a power iteration starts from."""
    v = np.random.default_rng(0).standard_normal(n)
    return np.asarray(v / np.linalg.norm(v))


def rank_tolerance(n_features: int, eps: float) -> float:
    """Return the ratio to the leading singular value of unit-variance rows up to which one counts as zero.

    This is √(p·eps), the rounding error of a null direction in products with rounding eps, but at least 1e-7: values
    once stored in single precision leave null directions of several 1e-8, whatever their type is now.
    """
    return max(float(np.sqrt(n_features * eps)), 1e-7)


def pairs_found(d: FloatArray, n: int, largest: float) -> int:
    """Count the singular values d, of kernels of n rows, that are more than rounding.

    For uncorrelated sides all are rounding, of the largest value that is possible.
    """
    eps = float(np.finfo(float).eps)
    return int((d > max(rank_tolerance(n, eps) * d.max(initial=0.0), n * eps * largest)).sum())


def row_space(Z: FloatArray, column_scale: FloatArray | None = None) -> FloatArray:
    """Compute an orthonormal basis (p, r) of the space spanned by the centred, unit-variance rows Z (n, p).

    With `column_scale` it is a basis for the rows Z · diag(column_scale); the rank is still that of the unit-variance
    rows.
    """
    _, d, Vt = linalg.svd(Z, full_matrices=False, check_finite=False)
    V: FloatArray = Vt[d > rank_tolerance(Z.shape[1], np.finfo(np.float64).eps) * d[0]].T
    if column_scale is None:
        return V
    return np.linalg.qr(V * column_scale[:, None])[0]


def triangular_rows(blocks: Iterable[FloatArray]) -> FloatArray:
    """Compute R with RᵀR = ZᵀZ for rows Z that come in blocks, without forming ZᵀZ.

    R has at most as many rows as columns, and replaces the rows wherever only ZᵀZ matters; fewer rows are returned as
    they are. It has their condition number, of which ZᵀZ has the square. Each block is stacked under the triangle so
    far and factorised again (a sequential TSQR; Demmel, Grigori, Hoemmen & Langou 2012).
    """
    R: FloatArray | None = None
    for block in blocks:
        R = block if R is None else np.vstack([R, block])
        # Fewer rows than columns are as good as their triangle.
        if len(R) > R.shape[1]:
            R = np.asarray(np.linalg.qr(R, mode="r"))
    assert R is not None
    return R
