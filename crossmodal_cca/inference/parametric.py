"""Parametric tests of canonical correlations for multivariate normal samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from .._typing import FloatArray
from .._warn import warn
from ..models._pair import standardize_rows
from ..rows._validation import checked_pair
from ._canonical import canonical_pairs, component_index

if TYPE_CHECKING:
    from pandas import DataFrame

# Features of both sides per row above which Bartlett's test misses its level (measured; see the guide).
SMALL_SHARE = 0.2

Columns = dict[str, FloatArray]


def canonical_correlation_tests(X: ArrayLike, y: ArrayLike) -> DataFrame:
    """Test canonical correlations one after another: Wilks, Bartlett, Pillai, Hotelling–Lawley and Roy.

    Row j of the table tests that the correlations j, j + 1, … are all zero in the population. Only for normal rows and
    many more of them than features; `permutation_test` needs neither.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features_x)
        Rows of the first modality, at least three.
    y : array-like of shape (n_rows, n_features_y) or (n_rows,)
        Rows of the second modality, paired with those of `X`.

    Returns
    -------
    DataFrame
        A row for each of the min(rank) components, counted from 1, with the columns ``correlation``; ``wilks`` (Λ),
        ``rao_f``, ``rao_df1``, ``rao_df2``, ``rao_p``; ``bartlett_chi2``, ``bartlett_df``, ``bartlett_p`` (the plain
        form); ``lawley_chi2``, ``lawley_p`` (with Lawley's correction, the same degrees of freedom); for the traces
        ``pillai`` and ``hotelling_lawley`` also ``…_f``, ``…_df1``, ``…_df2``, ``…_p``; and ``roy`` (largest r²),
        ``roy_p``. NaN where an approximation has no degrees of freedom left.

    Raises
    ------
    ValueError
        If the sides differ in rows, values are not finite, there are fewer than three rows, or a side does not vary.

    Warns
    -----
    UserWarning
        If the ranks of both sides add up to more than a fifth of the rows: then p-values are off, Bartlett's most.

    See Also
    --------
    permutation_test : Holds its level with many features, too.

    Notes
    -----
    Component j (with k = j − 1 correlations before it) is tested with p − k and q − k features and n − k rows. With

        Λ = Π_{i ≥ j} (1 − r_i²):

    Rao's F has w = n − 3/2 − (p + q)/2, t² = ((p − k)²(q − k)² − 4) / ((p − k)² + (q − k)² − 5) and

        F = (Λ^(−1/t) − 1)·df₂/df₁,   df₁ = (p − k)(q − k),   df₂ = w·t − df₁/2 + 1.

    Bartlett's χ² in its plain form and with Lawley's correction are, with df₁ degrees of freedom,

        −(n − 1 − (p + q + 1)/2)·ln Λ   and   −(n − 1 − (p + q + 1)/2 − k + Σ_{i < j} 1/r_i²)·ln Λ.

    Pillai's trace is Σ r_i², with Pillai's F; that of Hotelling and Lawley Σ r_i²/(1 − r_i²), with McKeon's F (Pillai's
    where n − p − q + k ≤ 4). Roy's largest root r_j² has Johnstone's p-value: its logit is about Tracy–Widom; where one
    side has a single feature left, the exact F; and 1 where p + q − k > n − 1, as any data have a root of 1 then. The F
    that some programs print for Roy's root is a bound, with p-values near 0 for anything.

    References
    ----------
    Bartlett (1938), Further aspects of the theory of multiple regression. Rao (1951), An asymptotic expansion of the
    distribution of Wilks' criterion. Lawley (1959), Tests of significance in canonical analysis. McKeon (1974), F
    approximations to the distribution of Hotelling's T₀². Pillai (1960), Statistical tables for tests of multivariate
    hypotheses. Johnstone (2009), Approximate null distribution of the largest root in multivariate analysis. Chiani
    (2014), Distribution of the largest eigenvalue for real Wishart and Gaussian random matrices and a simple
    approximation for the Tracy–Widom distribution.

    Examples
    --------
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.inference import canonical_correlation_tests
    >>> X, y = make_paired_latent(500, 5, 4, correlations=(0.8, 0.4), random_state=0)
    >>> table = canonical_correlation_tests(X, y)
    >>> (table["rao_p"] < 0.05).tolist()
    [True, True, False, False]
    """
    import pandas as pd

    with checked_pair(X, y, min_rows=3) as rows:
        pair = standardize_rows(rows, scale=True, in_double=True)
        Z = pair.rows_of_sides(pair.triangular_rows(rows))
    found = canonical_pairs(Z, (pair.x.n_features, pair.y.n_features))
    _warn_of_few_rows(rows.n_rows, found.rank_x, found.rank_y)
    table = sequential_tests(found.correlations, rows.n_rows, found.rank_x, found.rank_y)
    return pd.DataFrame(table, index=component_index(len(found.correlations)))


def _warn_of_few_rows(n: int, p: int, q: int) -> None:
    certain = p + q - (n - 1)
    if certain > 0:
        warn(
            f"The ranks of X ({p}) and y ({q}) add up to more than n_samples - 1 = {n - 1}, so "
            f"{min(certain, p, q)} canonical correlation(s) are exactly 1 for any data and the p-values mean nothing. "
            "Reduce the features, by PCA on either side for example, or add rows.",
        )
    elif p + q > SMALL_SHARE * n:
        warn(
            f"The ranks of X ({p}) and y ({q}) are not small against n_samples = {n}, so the p-values are off, "
            "Bartlett's most: of unrelated sides of 100 and 50 features it rejects .08 on 500 rows and .98 on 200 at "
            "nominal .05. Use permutation_test.",
        )


def sequential_tests(r: FloatArray, n: int, p: int, q: int) -> Columns:
    """Compute all tests of all min(p, q) correlations r, decreasing, for n rows and sides of ranks p and q."""
    gap = 1 - r**2
    k = np.arange(len(r))
    columns: Columns = {"correlation": r}
    # A correlation of 1 makes statistics infinite, as intended.
    with np.errstate(divide="ignore", invalid="ignore"):
        columns |= _wilks(r, np.cumprod(gap[::-1])[::-1], n, p, q)
        size = p - k, q - k, n - k
        columns |= _pillai(_from_the_end(r**2), *size)
        columns |= _hotelling_lawley(_from_the_end(r**2 / gap), *size)
        columns |= _roy(r**2, *size)
    return columns


def _from_the_end(values: FloatArray) -> FloatArray:
    return np.asarray(np.cumsum(values[::-1])[::-1])


def _wilks(r: FloatArray, wilks: FloatArray, n: int, p: int, q: int) -> Columns:
    """Compute Wilks' Λ with Rao's F and Bartlett's χ², plain and with Lawley's correction."""
    k = np.arange(len(r))
    df1 = (p - k) * (q - k)
    squares = (p - k) ** 2 + (q - k) ** 2 - 5
    t = np.sqrt(np.where(squares > 0, (df1**2 - 4) / np.maximum(squares, 1), 1.0))
    df2 = (n - 1.5 - (p + q) / 2) * t - df1 / 2 + 1
    table = {"wilks": wilks} | _f("rao", (wilks ** (-1 / t) - 1) * df2 / df1, df1, df2)
    factor = np.full(len(r), n - 1 - (p + q + 1) / 2)
    lawley = factor - k + np.concatenate([[0.0], np.cumsum(1 / r[:-1] ** 2)])
    for name, m in (("bartlett", factor), ("lawley", lawley)):
        # Correlations of exactly 0 give p = 1, even if an earlier 0 makes the factor infinite.
        chi2 = np.where(m > 0, np.where(wilks == 1, 0.0, -m * np.log(wilks)), np.nan)
        table[f"{name}_chi2"] = chi2
        if name == "bartlett":
            table["bartlett_df"] = df1
        table[f"{name}_p"] = special.chdtrc(df1, chi2)
    return table


def _pillai(trace: FloatArray, p: FloatArray, q: FloatArray, n: FloatArray) -> Columns:
    s, longer = np.minimum(p, q), np.maximum(p, q)
    df2 = s * (n - 1 - longer)
    return {"pillai": trace} | _f("pillai", trace / (s - trace) * df2 / (p * q), p * q, df2)


def _hotelling_lawley(trace: FloatArray, p: FloatArray, q: FloatArray, n: FloatArray) -> Columns:
    s = np.minimum(p, q)
    N = (n - p - q - 2) / 2
    # The moments that McKeon's approximation matches exist only for N > 1.
    M = np.maximum(N, 1.5)
    b = (p + 2 * M) * (q + 2 * M) / (2 * (2 * M + 1) * (M - 1))
    mckeon = 4 + (p * q + 2) / (b - 1)
    df2 = np.where(N > 1, mckeon, 2 * (s * N + 1))
    c = np.where(N > 1, (2 + (p * q + 2) / (b - 1)) / (2 * M), s)
    return {"hotelling_lawley": trace} | _f("hotelling_lawley", trace / c * df2 / (p * q), p * q, df2)


def _roy(root: FloatArray, p: FloatArray, q: FloatArray, n: FloatArray) -> Columns:
    """Compute Johnstone's p-value of the largest root; exact for one feature, or if any data have root 1.

    With one feature on a side the law is F. With more features than rows minus 1, any data have a root of 1, so p = 1.
    """
    s, longer = np.minimum(p, q), np.maximum(p, q)
    df2 = n - 1 - longer
    logit = np.log(root / (1 - root))
    # The angles are defined for fewer features than rows.
    possible = (s + longer < n - 1) & (df2 > 0)
    gamma, phi = (2 * np.arcsin(np.sqrt(np.where(possible, m - 0.5, 0.5) / (n - 2))) for m in (s, longer))
    center = 2 * np.log(np.tan((phi + gamma) / 2))
    width = np.cbrt(16 / ((n - 2) ** 2 * np.sin(phi + gamma) ** 2 * np.sin(phi) * np.sin(gamma)))
    tail = np.where(possible, _tracy_widom_tail((logit - center) / width), np.nan)
    exact = special.fdtrc(longer, np.maximum(df2, 1), np.exp(logit) * df2 / longer)
    p_value = np.where(np.isposinf(logit), 0.0, np.where(s == 1, exact, tail))
    return {"roy": root, "roy_p": np.where(s + longer > n - 1, 1.0, p_value)}


def _tracy_widom_tail(x: FloatArray) -> FloatArray:
    """Compute the upper tail of the Tracy–Widom law of order 1 by a shifted gamma law (Chiani 2014), to about .001."""
    shape, scale, shift = 46.446, 0.186054, 9.84801
    return np.asarray(special.gammaincc(shape, np.maximum(x + shift, 0.0) / scale))


def _f(name: str, f: FloatArray, df1: FloatArray, df2: FloatArray) -> Columns:
    """Build columns for F, its degrees of freedom and its upper tail; NaN without degrees of freedom."""
    f = np.where(df2 > 0, f, np.nan)
    p = np.where(np.isinf(f), 0.0, special.fdtrc(df1, np.maximum(df2, 1e-300), f))
    return {f"{name}_f": f, f"{name}_df1": df1, f"{name}_df2": np.where(df2 > 0, df2, np.nan), f"{name}_p": p}
