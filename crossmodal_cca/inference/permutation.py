"""A stepwise permutation test of canonical correlations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed

from .._blocks import float_block
from .._checks import check_n_components, check_whole_number
from .._progress import Progress
from .._sklearn import check_array
from .._typing import FloatArray
from .._validation import PairedRows, check_pair, check_same_rows, warn_of_other_order
from ..linalg.pair import standardize_rows
from ..linalg.svd import rank_tolerance
from ._canonical import CanonicalPairs, canonical_pairs_of_sides, component_index

if TYPE_CHECKING:
    from pandas import DataFrame

# Permutations handed to a worker at once.
_AT_ONCE = 25
# Statistics equal but for rounding count as equal.
_ROUNDING = 1e-10
# Share by which lengths of rows may differ that count as equal.
_TIED = 1e-8
_TINY = float(np.finfo(np.float64).tiny)


class Step(NamedTuple):
    """What the test of one component permutes: orthonormal columns of either side (rows, p − k) and (rows, q − k)."""

    x: FloatArray
    y: FloatArray
    statistic: float


def permutation_test(
    X: ArrayLike,
    y: ArrayLike,
    n_permutations: int = 999,
    *,
    nuisance: ArrayLike | None = None,
    n_components: int | None = None,
    random_state: Any = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> DataFrame:
    """Test canonical correlations (without shrinkage) one after another by permutation of the pairing.

    Row j of the table tests that the population has fewer than j correlations that are not zero. Rows need not be
    normal nor many, but exchangeable: not repeated measures, not a time series.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features_x)
        Rows of the first modality.
    y : array-like of shape (n_rows, n_features_y) or (n_rows,)
        Rows of the second modality, paired with those of `X`.
    n_permutations : int >= 1, default=999
        Number of permutations; the smallest p-value is 1 / (n_permutations + 1).
    nuisance : array-like of shape (n_rows, n_nuisance) or (n_rows,), default=None
        Variables, such as age or site, whose linear effect on both sides is taken away first.
    n_components : int or None, default=None
        Number of components to test, from the first on; None for all min(rank) of them. The statistics use all
        correlations in any case.
    random_state : int, RandomState instance or None, default=None
        Seed of the permutations; the same one gives the same table for any `n_jobs`.
    n_jobs : int or None, default=None
        Number of threads among which the permutations are shared; None for one, −1 for all cores.
    verbose : int >= 0, default=0
        Above 0, progress is printed.

    Returns
    -------
    DataFrame
        A row for each component, counted from 1: ``correlation``, ``statistic``, ``p_uncorrected`` (the share of
        permutations, the observed one among them, with as large a statistic) and ``p_value``, their running maximum:
        rejecting every component whose ``p_value`` is at most α makes one or more false rejections with probability α.

    Raises
    ------
    TypeError, ValueError
        If the sides (or the nuisance variables) differ in rows, values are not finite, a side does not vary, a number
        is out of its range, or the ranks add up to more than the rows minus 1, where any data correlate perfectly.

    See Also
    --------
    canonical_correlation_tests : Wilks' and other parametric tests.

    Notes
    -----
    The statistic of component j is −Σ_{i ≥ j} ln(1 − r_i²). Its null distribution comes from the canonical variates
    from j on, completed to full bases of either side (U_j and V_j, orthonormal): under a permutation Π of the rows
    their correlations are the singular values of U_jᵀ Π V_j. Permuting the raw rows instead would compare weak
    correlations with those of data that have lost the strong ones as well, and would reject true nulls.

    Both U_j and V_j are orthogonal to the earlier variates of either side, so they lie in fewer dimensions than rows.
    Permuted as they are, they would make the null distribution too narrow. So they are first expressed in n − 1 − k
    rows (k = j − 1), by a semi-orthogonal basis of what is orthogonal to the mean and to the sum of each earlier pair
    of variates: an addition to the published procedure, which rejects a little too often after strong components.
    Nuisance variables are removed by such a basis, too: Theil's, whose rows stay as close as possible to residuals of
    rows of the data. With nuisance variables or for j > 1 the test is exact only for normal rows or many of them.

    References
    ----------
    Winkler, Renaud, Smith & Nichols (2020), Permutation inference for canonical correlation analysis. NeuroImage 220.
    Theil (1965), The analysis of disturbances in regression analysis.

    Examples
    --------
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.inference import permutation_test
    >>> X, y = make_paired_latent(200, 6, 5, correlations=(0.9, 0.5), random_state=0)
    >>> table = permutation_test(X, y, 199, random_state=0)
    >>> (table["p_value"] <= 0.05).tolist()
    [True, True, False, False, False]
    """
    import pandas as pd

    n_permutations = check_whole_number(n_permutations, "n_permutations")
    check_n_components(n_components)
    rows = check_pair(X, y, min_rows=3)
    warn_of_other_order(X=X, nuisance=nuisance)
    x, z, left = _rows_to_permute(rows, nuisance)
    pairs = canonical_pairs_of_sides(x, z)
    if pairs.rank_x + pairs.rank_y > left:
        raise ValueError(
            f"The ranks of X ({pairs.rank_x}) and y ({pairs.rank_y}) add up to more than the {left} degrees of freedom "
            "of the rows, so some correlations are exactly 1 for any data and there is nothing to test. Reduce the "
            "features, by PCA on either side for example, or add rows."
        )
    possible = len(pairs.correlations)
    k = possible if n_components is None else n_components
    if k > possible:
        raise ValueError(f"n_components={k} is more than the {possible} possible: the smaller rank of the two sides.")
    steps = _steps(x, z, pairs, k, centred=nuisance is None)
    seed = check_random_state(random_state).randint(2**31)
    statistics, counts = np.zeros(k), np.zeros(k, dtype=int)
    with Progress("permutations", k * n_permutations, verbose) as progress:
        for j, step in enumerate(steps):
            statistics[j] = step.statistic
            for part, counted in _counts_as_large(step, n_permutations, (seed, j), n_jobs):
                counts[j] += counted
                progress.update(j * n_permutations + part.stop)
    p = (1 + counts) / (1 + n_permutations)
    return pd.DataFrame(
        {
            "correlation": pairs.correlations[:k],
            "statistic": statistics,
            "p_uncorrected": p,
            "p_value": np.maximum.accumulate(p),
        },
        index=component_index(k),
    )


def _rows_to_permute(rows: PairedRows, nuisance: ArrayLike | None) -> tuple[FloatArray, FloatArray, int]:
    """Both sides about the mean and without nuisance, and the dimensions in which such rows can lie."""
    pair = standardize_rows(rows, scale=True, in_double=True)
    n = len(rows.X)
    x = pair.x.coordinates(float_block(rows.X, slice(None), np.float64, "X"))
    y = pair.y.coordinates(float_block(rows.y, slice(None), np.float64, "y"))
    if nuisance is None:
        return x, y, n - 1
    Z = np.asarray(check_array(nuisance, dtype=np.float64, ensure_2d=False, input_name="nuisance"))
    check_same_rows(n, len(Z), "nuisance")
    Z = Z.reshape(n, -1)
    spread = Z.std(axis=0)
    varies = spread > np.finfo(float).eps * np.abs(Z).max(axis=0)
    Z = (Z - Z.mean(axis=0))[:, varies] / spread[varies]
    lengths = [np.linalg.norm(A, axis=0) for A in (x, y)]
    basis = _orthonormal(np.hstack([np.ones((n, 1)), Z]))
    if basis.shape[1] >= n - 1:
        raise ValueError(f"The nuisance variables and the mean have rank {basis.shape[1]}: too many for {n} rows.")
    x, y = residual_rows([x, y], basis)
    for A, before in zip((x, y), lengths, strict=True):
        # A feature that nuisance variables explain leaves rounding errors, which are not to be standardised.
        A[:, np.linalg.norm(A, axis=0) <= rank_tolerance(n, np.finfo(float).eps) * before] = 0.0
    return x, y, n - basis.shape[1]


def _orthonormal(Z: FloatArray) -> FloatArray:
    """Orthonormal basis (n, rank) of the columns of Z."""
    U, d, _ = linalg.svd(Z, full_matrices=False)
    return np.asarray(U[:, d > rank_tolerance(Z.shape[1], np.finfo(float).eps) * d[0]])


def residual_rows(sides: list[FloatArray], basis: FloatArray) -> list[FloatArray]:
    """QᵀA (n − r, p) of each side A (n, p), Q (n, n − r) Theil's orthonormal basis of what is orthogonal to `basis`.

    Q = M Eᵀ(EMEᵀ)^(−1/2), with M = I − BBᵀ and E the selection of n − r rows. Which r rows go is decided by pivoting,
    so that B is well-conditioned on them. With BEᵀ = P diag(c) Wᵀ the root is a correction of rank r.
    """
    left_out = _pivots(basis)
    kept = np.setdiff1d(np.arange(len(basis)), left_out)
    P, c, _ = linalg.svd(basis[kept], full_matrices=False)
    # 1 − c² from the rows left out: without the cancellation.
    s = linalg.svdvals(basis[left_out])[::-1]
    factor = 1 / s[: len(c)] - 1
    residuals = ((A - basis @ (basis.T @ A))[kept] for A in sides)
    return [E + P @ (factor[:, None] * (P.T @ E)) for E in residuals]


def _pivots(basis: FloatArray) -> NDArray[np.intp]:
    """Rows (r,) of an orthonormal basis (n, r), each the longest beside those before, the first of equally long ones.

    Levels of a nuisance variable have rows of one length, among which rounding must not choose.
    """
    left, chosen = basis.copy(), np.empty(basis.shape[1], dtype=np.intp)
    for j in range(len(chosen)):
        lengths = np.einsum("ij,ij->i", left, left)
        chosen[j] = np.argmax(lengths >= (1 - _TIED) * lengths.max())
        unit = left[chosen[j]] / np.sqrt(lengths[chosen[j]])
        left -= np.outer(left @ unit, unit)
    return chosen


def _steps(x: FloatArray, y: FloatArray, pairs: CanonicalPairs, k: int, centred: bool) -> Iterator[Step]:
    """Variates to permute for each of the first k components."""
    U, V = x @ pairs.x_weights, y @ pairs.y_weights
    terms = -np.log(np.maximum(1 - pairs.correlations**2, _TINY))
    ones = np.ones((len(U), 1 if centred else 0))
    for j in range(k):
        A, B = U[:, j:], V[:, j:]
        if j:
            A, B = residual_rows([A, B], _orthonormal(np.hstack([ones, U[:, :j] + V[:, :j]])))
        yield Step(A, B, float(terms[j:].sum()))


def _counts_as_large(
    step: Step, n_permutations: int, seed: tuple[int, int], n_jobs: int | None
) -> Iterator[tuple[range, int]]:
    """How many permutations of each part have a statistic as large as the observed one."""
    parts = [range(i, min(i + _AT_ONCE, n_permutations)) for i in range(0, n_permutations, _AT_ONCE)]
    # Threads: the work is matrix products, and the rows need not be copied.
    workers = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
    yield from zip(parts, workers(delayed(_count)(step, seed, part) for part in parts), strict=True)


def _count(step: Step, seed: tuple[int, int], permutations: range) -> int:
    # One generator for each part of the permutations: who draws it does not matter.
    rng = np.random.default_rng([*seed, permutations.start])
    K = np.stack([step.x.T @ step.y[rng.permutation(len(step.y))] for _ in permutations])
    return int(np.sum(_statistics(K) >= step.statistic * (1 - _ROUNDING)))


def _statistics(K: FloatArray) -> FloatArray:
    """−Σ ln(1 − r²) for the singular values r of each matrix of K: determinants of I − KᵀK need no decomposition."""
    K = K if K.shape[1] >= K.shape[2] else K.transpose(0, 2, 1)
    signs, log_determinants = np.linalg.slogdet(np.eye(K.shape[2]) - K.transpose(0, 2, 1) @ K)
    return np.asarray(np.where(signs > 0, -log_determinants, -np.log(_TINY)))
