"""How large canonical correlations of unrelated modalities are."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np


def noise_edge(n_samples: int, n_features_x: int, n_features_y: int) -> float:
    """Largest canonical correlation that unrelated modalities of this size show (Wachter's edge).

    Parameters
    ----------
    n_samples : int >= 2
        Number of pairs.
    n_features_x : int >= 1
        Number of features (or the rank) of the first modality.
    n_features_y : int >= 1
        Number of features of the second modality.

    Returns
    -------
    float
        Correlation in (0, 1]; 1 where features are so many that any data correlate perfectly.

    Raises
    ------
    TypeError, ValueError
        If a number is not an integer, or too small.

    Notes
    -----
    With m = n − 1, c₁ = p/m and c₂ = q/m, for p + q ≤ n − 1, the square of the edge is

        ρ² = c₁ + c₂ − 2c₁c₂ + 2√(c₁c₂(1 − c₁)(1 − c₂)),

    the limit of the largest squared correlation of independent Gaussian rows without shrinkage. A training correlation
    below it is what noise looks like; one above it is not yet the population's.

    References
    ----------
    Wachter, K. W. (1980). The limiting empirical measure of multiple discriminant ratios. Annals of Statistics 8.

    Examples
    --------
    >>> from crossmodal_cca.inference import noise_edge
    >>> round(noise_edge(2000, 200, 100), 4)
    0.5205
    >>> noise_edge(150, 100, 80)
    1.0
    """
    n = _checked(n_samples, "n_samples", 2)
    p, q = _checked(n_features_x, "n_features_x", 1), _checked(n_features_y, "n_features_y", 1)
    if p + q > n - 1:
        return 1.0
    c1, c2 = p / (n - 1), q / (n - 1)
    square = c1 + c2 - 2 * c1 * c2 + 2 * np.sqrt(c1 * c2 * (1 - c1) * (1 - c2))
    return float(np.sqrt(min(square, 1.0)))


def _checked(number: Any, name: str, low: int) -> int:
    if isinstance(number, bool | np.bool_) or not isinstance(number, Integral):
        raise TypeError(f"{name} must be a whole number of at least {low}, got {number!r}.")
    if number < low:
        raise ValueError(f"{name} must be at least {low}, got {number}.")
    return int(number)
