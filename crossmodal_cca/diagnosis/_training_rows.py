"""Do pairs look like those that an aligner was fitted to?"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats
from sklearn.base import clone

from .._errors import as_typed
from .._typing import FloatArray
from .._warn import warn
from ..alignment._fitted_aligner import unfitted
from ._drift_rows import CheckedRows
from ._groups import split

# Pairs that are looked at, at most.
MOST = 2000
# Probability of a warning where pairs are held out, at most about.
RATE = 0.005
# Optimism below which training rows are as good as others.
LEAST_OPTIMISM = 0.02


def warn_of_training_rows(aligner: Any, rows: CheckedRows, rng: np.random.Generator) -> None:
    """Warn if pairs are scored as well as training pairs, and better than held-out pairs can be.

    The correlations of an aligner's training scores exceed those of held-out pairs by its optimism. Optimism falls as
    1/n; how large it is is seen from the same aligner, fitted to one half of the pairs and asked about the other. It is
    too small an estimate where the half is so small that optimism is near its largest, so that the warning is rare for
    held-out pairs. An aligner without optimism gives none: its training rows are as good as others.
    """
    known, n_training = getattr(aligner, "correlations_", None), getattr(aligner, "n_samples_seen_", None)
    if known is None or n_training is None or not hasattr(aligner, "get_params"):
        return
    rows = rows.thinned(MOST, rng)
    fall, error = _fall(np.asarray(known), aligner, rows)
    first, second = split(rows.units, 0.5, rng)
    try:
        model = clone(unfitted(aligner)).fit(rows.take(first).X, rows.take(first).y)
        held_out = rows.take(second)
        optimism, its_error = _fall(np.asarray(model.correlations_), model, held_out)
    except ValueError:  # too few pairs for a fit say nothing
        return
    # Rows of a group are worth one row, at least.
    scale = min(len(np.unique(rows.units[first])) / float(n_training), 1.0)
    optimism, its_error = scale * optimism, scale * its_error
    # The known correlations are of a sample, too.
    error *= np.sqrt(1 + rows.n_rows / float(n_training))
    z = float(stats.norm.isf(RATE))
    # Held-out pairs fall by the optimism or more, training pairs not at all.
    if optimism >= LEAST_OPTIMISM and fall + z * np.hypot(error, its_error) < optimism:
        warn(
            f"The pairs of {as_typed('X')} and {as_typed('y')} look like training pairs of the aligner: their "
            f"correlations are on average {fall:.3f} below those of the training, and those of held-out pairs would be "
            f"{optimism:.3f} below. "
            "Against training rows every new row looks changed: pass rows that the aligner has not seen."
        )


def _fall(known: FloatArray, aligner: Any, rows: CheckedRows) -> tuple[float, float]:
    """Compute how far correlations are below known ones, on average over dimensions, and the standard error."""
    A, B = (np.asarray(rows.scores(aligner, side)) for side in "xy")
    a, b = ((S - S.mean(axis=0)) / np.where(S.std(axis=0) > 0, S.std(axis=0), 1.0) for S in (A, B))
    c = np.mean(a * b, axis=0)
    # Influence of each row on the mean correlation.
    influence = np.mean(a * b - c / 2 * (a**2 + b**2), axis=1)
    error = float(np.sqrt(np.sum(np.bincount(rows.units, influence) ** 2)) / len(a))
    k = min(len(known), len(c))
    return float(np.mean(known[:k] - c[:k])), error
