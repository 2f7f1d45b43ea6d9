"""Sample size for a stable shared space."""

from __future__ import annotations

from math import exp, log
from numbers import Real
from typing import Any

from .._checks import as_pair, check_choice, check_number, check_whole_number

# Helmer et al. (2024): intercept, and coefficients of ln(correlation), ln(number of features) and the sum of decays.
COEFFICIENTS = {
    "cca": (0.10586, -2.18448, 1.17685, 0.56032),
    "pls": (0.03941, -1.66941, 1.43295, 0.82360),
}


def required_samples(
    correlation: float,
    n_features: int,
    *,
    method: str = "cca",
    decay: float | tuple[float, float] = 1.0,
) -> int:
    """Estimate the number of pairs that finds a first component of given strength with a relative error of .1.

    Parameters
    ----------
    correlation : float in (0, 1)
        Correlation of the first pair of scores in the population. A training correlation is not that: take a held-out
        one, or one from the literature, and a low guess rather than a high one.
    n_features : int >= 2
        Number of features of both modalities together.
    method : {"cca", "pls"}, default="cca"
        CCA without shrinkage, or PLS.
    decay : float >= 0 or pair of float, default=1.0
        How fast the principal variances of a modality fall: the i-th is about 1/i^decay. 0 for features without
        correlation among each other. One value for both modalities, or one each (x, y).

    Returns
    -------
    int
        Number of pairs.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of its range.

    Notes
    -----
    With r the correlation, p + q the number of features and aₓ, a_y the decays,

        n = exp(β₀ + β₁ ln r + β₂ ln(p + q) + β₃ (aₓ + a_y)),

    with (β₀, β₁, β₂, β₃) = (0.10586, −2.18448, 1.17685, 0.56032) for CCA and (0.03941, −1.66941, 1.43295, 0.82360) for
    PLS. The authors fitted this to simulated Gaussian pairs of one component: the smallest n with power .9 and relative
    errors below .1 of the correlation, the weights, the scores and the loadings. It is an order of magnitude, not a
    guarantee.

    References
    ----------
    Helmer et al. (2024), On the stability of canonical correlation analysis and partial least squares with application
    to brain-behavior associations. Communications Biology 7.

    Examples
    --------
    >>> from crossmodal_cca.inference import required_samples
    >>> required_samples(0.3, 150)
    17211
    >>> required_samples(0.3, 150, method="pls")
    52919
    """
    r = check_number(correlation, "correlation", low=0.0, high=1.0, positive=True, below=True)
    n = check_whole_number(n_features, "n_features", low=2)
    check_choice(method, "method", COEFFICIENTS)
    b0, b1, b2, b3 = COEFFICIENTS[method]
    return round(exp(b0 + b1 * log(r) + b2 * log(n) + b3 * _sum_of_decays(decay)))


def _sum_of_decays(decay: Any) -> float:
    if isinstance(decay, Real) and decay < 0:
        raise ValueError(f"decay is a rate of falling and must not be negative: pass {-float(decay):g}, got {decay!r}.")
    return float(sum(check_number(value, "decay", low=0.0) for value in as_pair(decay, "decay")))
