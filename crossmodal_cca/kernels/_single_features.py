"""Kernel CCA on features in single precision, where these have enough digits."""

from __future__ import annotations

import numpy as np

from ..linalg._single import UNEXPLAINED, WEAK, single_floor
from ..rows._stored import PairedRows
from ._features import FeatureMoments, FeatureSolution, feature_moments, solve_features
from ._kernel import Kernel
from ._maps import Map

# Single precision.
SINGLE = np.dtype(np.float32)
# Rows from which a pass in single precision saves more than it risks, and those of them that are tried before.
FROM_ROWS, TRIED = 20_000, 1024
# Smallest reciprocal condition of the landmarks' kernel; its root enlarges rounding of the kernel values.
LANDMARKS_FLOOR = 2e-5


def solve_in_single(
    rows: PairedRows,
    kernels: tuple[Kernel, Kernel],
    maps: tuple[Map, Map],
    regularization: tuple[float, float],
    k: int | None,
) -> tuple[FeatureMoments, FeatureSolution] | None:
    """Solve from features in single precision; None where double is needed, or saves little.

    The conditions are those of linear models, and one for the landmarks. Some of the rows show whether a pass over all
    of them is worth its time.
    """
    n = rows.n_rows
    if k is None or n < FROM_ROWS or rows.float_dtype != SINGLE or any(kernel.is_precomputed for kernel in kernels):
        return None
    if min(features.rcond for features in maps) < LANDMARKS_FLOOR:
        return None
    some = rows.take(np.linspace(0, n - 1, TRIED).astype(np.intp))
    if solve_features(feature_moments(some, kernels, maps, SINGLE).pair, regularization, 1).rcond <= single_floor(n):
        return None
    moments = feature_moments(rows, kernels, maps, SINGLE)
    solution = solve_features(moments.pair, regularization, k)
    return (moments, solution) if _holds(solution, n, k) else None


def _holds(solution: FeatureSolution, n_rows: int, k: int) -> bool:
    """Whether products of single precision have enough digits for k components."""
    d, unexplained = solution.singular_values, 1.0 - solution.correlations.max(initial=0.0) ** 2
    is_clear = len(d) == k and d[-1] > WEAK * d[0]
    return bool(is_clear and solution.rcond > single_floor(n_rows) and unexplained > UNEXPLAINED)
