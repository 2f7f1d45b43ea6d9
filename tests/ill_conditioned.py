"""Pairs whose scaled covariances have a prescribed condition number, on either side."""

from typing import Any

import numpy as np
from scipy.linalg import hadamard

# Of the full-precision pairs, in the population and in the sample.
CORRELATIONS = np.array([0.9, 0.6, 0.3])


def nearly_equal_columns(rng: np.random.Generator, condition: float, n: int, width: int = 5) -> tuple[Any, Any]:
    """The first and the last column of either side correlate by (κ − 1)/(κ + 1), all others by 0; y has two fewer."""
    sides = _canonical_pairs(rng, n, width, width - 2)
    for Z in sides:
        # Cosine and sine of one angle; the sine from the correlation would be rounded away.
        Z[:, 0] = (condition - 1) / (condition + 1) * Z[:, -1] + 2 * np.sqrt(condition) / (condition + 1) * Z[:, 0]
    return sides


def smooth_decay(rng: np.random.Generator, condition: float, n: int, width: int = 4) -> tuple[Any, Any]:
    """Principal variances of either side fall from 1 to 1/κ, mixed so that all columns vary alike."""
    U, V = _canonical_pairs(rng, n, width, width)
    mixing = hadamard(width) / np.sqrt(width)
    spectrum = np.geomspace(1, 1 / np.sqrt(condition), width)
    return U * spectrum @ mixing, V * spectrum @ mixing


RECIPES = {"nearly equal columns": nearly_equal_columns, "smooth decay": smooth_decay}


def ill_conditioned_pairs(
    recipe: str, condition: float, n: int = 40, seed: int = 0, dtype: Any = float, **width: int
) -> tuple[Any, Any]:
    """Rows (X, y) of a floating type about means of one deviation; a width is a power of 2."""
    X, y = RECIPES[recipe](np.random.default_rng(seed), condition, n, **width)
    return (X + 1.0).astype(dtype), (y - 1.0).astype(dtype)


def condition_of(*sides: Any) -> float:
    """The larger condition number of the sides' covariances at unit variance, as the rows are."""
    rows = (Z.astype(float) - Z.astype(float).mean(axis=0) for Z in sides)
    return max(float(np.linalg.cond(Z / np.linalg.norm(Z, axis=0))) ** 2 for Z in rows)


def _canonical_pairs(rng: np.random.Generator, n: int, p: int, q: int) -> tuple[Any, Any]:
    """Uncorrelated columns of unit variance on either side, with these correlations between rotations of the sides."""
    Z = rng.standard_normal((n, p + q))
    Z = np.linalg.qr(Z - Z.mean(axis=0))[0] * np.sqrt(n - 1)
    U, V = Z[:, :p], Z[:, p:]
    V[:, :3] = CORRELATIONS * U[:, :3] + np.sqrt(1 - CORRELATIONS**2) * V[:, :3]
    return tuple(W @ np.linalg.qr(rng.standard_normal((W.shape[1],) * 2))[0] for W in (U, V))
