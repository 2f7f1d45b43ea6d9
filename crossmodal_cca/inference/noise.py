"""Canonical correlations of unrelated modalities, and estimates free of their bias."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import check_whole_number
from ..rows._numbers import as_numbers


def noise_edge(n_samples: int, n_features_x: int, n_features_y: int) -> float:
    """Compute the largest canonical correlation that unrelated modalities of this size show (Wachter's edge).

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
    n = check_whole_number(n_samples, "n_samples", low=2)
    p, q = check_whole_number(n_features_x, "n_features_x"), check_whole_number(n_features_y, "n_features_y")
    if p + q > n - 1:
        return 1.0
    c1, c2 = p / (n - 1), q / (n - 1)
    square = c1 + c2 - 2 * c1 * c2 + 2 * np.sqrt(c1 * c2 * (1 - c1) * (1 - c2))
    return float(np.sqrt(min(square, 1.0)))


def debias_correlations(
    correlations: ArrayLike, n_samples: int, n_features_x: int, n_features_y: int
) -> NDArray[np.float64]:
    """Estimate population canonical correlations from those of a CCA without shrinkage on the training rows.

    Parameters
    ----------
    correlations : array-like of float in [0, 1], of any shape
        Canonical correlations on the training rows, such as `correlations_`.
    n_samples : int >= 2
        Number of training pairs.
    n_features_x : int >= 1
        Number of features (or the rank) of the first modality.
    n_features_y : int >= 1
        Number of features of the second modality.

    Returns
    -------
    ndarray of the shape of `correlations`
        Estimates in (0, 1]; NaN for correlations up to the noise edge, behind which a population value may hide that
        these rows cannot tell from zero.

    Raises
    ------
    TypeError, ValueError
        If a number is not an integer or too small, or a correlation is outside [0, 1].

    See Also
    --------
    noise_edge : The largest correlation of unrelated modalities.

    Notes
    -----
    With c₁ = p/(n − 1), c₂ = q/(n − 1) and g the squared sample correlation, the estimate is the root of the larger
    solution r of

        (1 − c₁)(1 − c₂)·r² + [c₁(1 − c₂) + c₂(1 − c₁) − g]·r + c₁c₂ = 0,

    the inverse of the limit of g for Gaussian rows, as n grows with p/n and q/n fixed. It says what the population's
    correlation is; what these weights reach on new rows (the held-out correlation) is less still.

    References
    ----------
    Bao, Hu, Pan & Zhou (2019). Canonical correlation coefficients of high-dimensional Gaussian vectors: finite rank
    case. Annals of Statistics 47.

    Examples
    --------
    >>> from crossmodal_cca.inference import debias_correlations
    >>> debias_correlations([0.834, 0.679, 0.557, 0.514], 2000, 200, 100).round(2)
    array([0.8, 0.6, 0.4, nan])
    """
    rho = np.asarray(as_numbers(correlations, "correlations"), dtype=np.float64)
    if not ((rho >= 0) & (rho <= 1 + 1e-9)).all():
        raise ValueError(f"correlations must lie in [0, 1], got values from {rho.min():g} to {rho.max():g}.")
    edge = noise_edge(n_samples, n_features_x, n_features_y)
    c1, c2 = n_features_x / (n_samples - 1), n_features_y / (n_samples - 1)
    above = (rho > edge) & (edge < 1)
    g = np.minimum(rho[above] ** 2, 1.0)
    a, b = (1 - c1) * (1 - c2), c1 * (1 - c2) + c2 * (1 - c1) - g
    root = (-b + np.sqrt(np.maximum(b**2 - 4 * a * c1 * c2, 0.0))) / (2 * a)
    debiased = np.full(rho.shape, np.nan)
    debiased[above] = np.minimum(np.sqrt(root), 1.0)
    return debiased
