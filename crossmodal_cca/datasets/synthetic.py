"""Synthetic pairs whose population canonical correlations are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import check_number, check_random_state, check_whole_number


def _random_orthogonal(n_features: int, random_state: Any) -> NDArray[np.float64]:
    # Without the signs of R's diagonal, Q would not be uniform over the rotations.
    q, r = np.linalg.qr(random_state.standard_normal((n_features, n_features)))
    signed: NDArray[np.float64] = q * np.copysign(1.0, np.diag(r))
    return signed


def _mixing_matrix(n_features: int, condition: float, random_state: Any) -> NDArray[np.float64]:
    left = _random_orthogonal(n_features, random_state)
    right = _random_orthogonal(n_features, random_state)
    return left * np.geomspace(1.0, 1.0 / condition, n_features) @ right


def _check_correlations(correlations: ArrayLike, largest_number: int) -> NDArray[np.float64]:
    checked: NDArray[np.float64] = np.asarray(correlations, dtype=np.float64)
    if checked.ndim != 1:
        raise ValueError(f"correlations must be a sequence of numbers; got {correlations!r}.")
    if not np.all((checked >= 0) & (checked <= 1)):
        raise ValueError(f"correlations must lie in [0, 1]; got {correlations!r}.")
    if len(checked) > largest_number:
        raise ValueError(
            f"At most min(n_features_x, n_features_y) = {largest_number} correlations are possible; "
            f"got {len(checked)}. Pass fewer correlations or more features."
        )
    return checked


def make_paired_latent(
    n_samples: int = 500,
    n_features_x: int = 20,
    n_features_y: int = 15,
    *,
    correlations: Sequence[float] | NDArray[np.floating[Any]] = (0.9, 0.6, 0.3),
    condition: float = 10.0,
    random_state: Any = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Draw Gaussian pairs of modalities with given population canonical correlations.

    Canonical variates are independent standard normal, but for the given correlation within each pair;
    an invertible random matrix mixes them into the features of each modality, which leaves the canonical
    correlations as they are.

    Parameters
    ----------
    n_samples : int, default=500
        Number of pairs, at least 1. It changes neither the population nor the rows that a smaller
        number would give under the same seed.
    n_features_x, n_features_y : int, default=20, 15
        Number of features of each modality, at least 1.
    correlations : sequence of float, default=(0.9, 0.6, 0.3)
        Non-zero canonical correlations of the population, each in [0, 1], at most
        ``min(n_features_x, n_features_y)`` of them. All others are zero; an empty sequence gives
        independent modalities. Their order does not matter to CCA, which finds the largest first.
    condition : float, default=10.0
        Condition number of each mixing matrix, finite and at least 1; that of the features' covariance is
        its square. With 1, features are uncorrelated within their modality.
    random_state : int, RandomState, Generator or None, default=None
        Determines the mixing and the rows. Pass an int for the same pairs on every call.

    Returns
    -------
    X : float64 array of shape (n_samples, n_features_x)
        First modality, of mean zero.
    y : float64 array of shape (n_samples, n_features_y)
        Second modality, of mean zero.

    Raises
    ------
    TypeError
        If a number of samples or features is not an integer.
    ValueError, TypeError
        If an argument is out of its range.

    Notes
    -----
    With :math:`u` and :math:`e` independent standard normal and :math:`P` the diagonal of correlations
    (padded with zeros), a row is

    .. math:: x = u A, \qquad y = (u P + e (I - P^\top P)^{1/2}) B,

    where :math:`A` and :math:`B` are random rotation × log-spaced singular values × random rotation.

    References
    ----------
    T. W. Anderson (2003), An Introduction to Multivariate Statistical Analysis, 3rd edition, chapter 12.

    Examples
    --------
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> X, y = make_paired_latent(200, 6, 4, correlations=[0.8, 0.5], random_state=0)
    >>> X.shape, y.shape
    ((200, 6), (200, 4))
    """
    sizes = {"n_samples": n_samples, "n_features_x": n_features_x, "n_features_y": n_features_y}
    for name, size in sizes.items():
        check_whole_number(size, name)
    check_number(condition, "condition", low=1.0)
    rho = _check_correlations(correlations, min(n_features_x, n_features_y))
    rng = check_random_state(random_state)

    # The mixing is drawn first so that it does not depend on the number of samples.
    A = _mixing_matrix(n_features_x, condition, rng)
    B = _mixing_matrix(n_features_y, condition, rng)
    latent = rng.standard_normal((n_samples, n_features_x + n_features_y))
    U, V = latent[:, :n_features_x], latent[:, n_features_x:]
    k = len(rho)
    V[:, :k] = rho * U[:, :k] + np.sqrt(1 - rho**2) * V[:, :k]
    return U @ A, V @ B
