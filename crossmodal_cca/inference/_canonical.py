"""All canonical correlations of a pair of sides without shrinkage, by the rank rule of the solvers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import linalg

from .._typing import FloatArray
from ..linalg._svd import triangular_rows
from ..linalg._whitening import WhitenedPair, whiten_rows


class CanonicalPairs(NamedTuple):
    """All min(rank) correlations, the ranks of the sides, and weights (p, rank) of a full basis of each side."""

    correlations: FloatArray
    rank_x: int
    rank_y: int
    x_weights: FloatArray
    y_weights: FloatArray


def canonical_pairs(Z: tuple[FloatArray, FloatArray], n_features: tuple[int, int]) -> CanonicalPairs:
    """Solve for rows Z = (Zx, Zy) of centred columns; the variates Z·weights are orthonormal."""
    whitened: WhitenedPair = whiten_rows(Z, (0.0, 0.0), n_features)
    ranks = whitened.x.rank, whitened.y.rank
    check_varying(ranks)
    U, d, Vt = linalg.svd(whitened.cross, check_finite=False)
    # Correlations that differ from 1 by rounding alone are set to 1.
    d = np.where(d > 1 - len(Z[0]) * np.finfo(float).eps, 1.0, d)
    return CanonicalPairs(d, *ranks, whitened.x.weights(U), whitened.y.weights(Vt.T))


def canonical_pairs_of_sides(x: FloatArray, y: FloatArray) -> CanonicalPairs:
    """Solve for both sides' rows (n, p) and (n, q) of centred columns."""
    widths = x.shape[1], y.shape[1]
    Zx, Zy = np.hsplit(triangular_rows([np.hstack([x, y])]), [widths[0]])
    return canonical_pairs((Zx, Zy), widths)


def check_varying(ranks: tuple[int, int]) -> None:
    """Refuse a constant side."""
    if min(ranks) == 0:
        raise ValueError(
            f"{'X' if ranks[0] == 0 else 'y'} does not vary beyond rounding (and beyond the nuisance variables, if "
            "there are any), so there is nothing to test; pass columns that vary."
        )


def component_index(n_components: int) -> Any:
    """Build the index of a table with a row per component, counted from 1 as in the displays."""
    import pandas as pd

    return pd.RangeIndex(1, n_components + 1, name="component")
