"""Pairs of modalities to fit, each hard or easy in its own way."""

from __future__ import annotations

import numpy as np
from harness import SEED
from numpy.typing import NDArray

from crossmodal_cca.datasets import make_paired_latent

Array = NDArray[np.float64]


def white_noise(n: int, p: int, q: int) -> tuple[Array, Array]:
    """No common structure: a flat spectrum, the hardest for solvers of the leading components only."""
    return make_paired_latent(n, p, q, correlations=(), condition=1.0, random_state=SEED)


def away_from_zero(n: int, p: int, q: int) -> tuple[Array, Array]:
    """White noise about means of three standard deviations, which a fit has to subtract first."""
    X, Y = white_noise(n, p, q)
    return X + 3 * X.std(axis=0), Y + 3 * Y.std(axis=0)


def decaying_correlations(n: int, p: int, q: int) -> tuple[Array, Array]:
    """Canonical correlations that fall from 0.95 by three per cent each."""
    correlations = 0.95 * 0.97 ** np.arange(min(p, q))
    return make_paired_latent(n, p, q, correlations=correlations, random_state=SEED)


def latent_factors(n: int, p: int, q: int) -> tuple[Array, Array]:
    """Common factors of decaying strength: covariances well apart, so that power iterations are quick."""
    rng = np.random.default_rng(SEED)
    factors = rng.standard_normal((n, 64)) * 0.9 ** np.arange(64)
    X, Y = (factors @ rng.standard_normal((64, width)) + rng.standard_normal((n, width)) for width in (p, q))
    return X, Y


def nonlinear_factors(n: int, p: int, q: int) -> tuple[Array, Array]:
    """Four common factors, of which the second side shows only the sine: what kernels see and straight lines do not."""
    rng = np.random.default_rng(SEED)
    factors = rng.standard_normal((n, 4))
    X, Y = (
        seen @ rng.standard_normal((4, width)) + rng.standard_normal((n, width))
        for seen, width in ((factors, p), (np.sin(factors), q))
    )
    return X, Y
