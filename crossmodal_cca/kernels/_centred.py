"""Centred kernels of the training rows, and the error for kernels that are not positive semi-definite."""

from __future__ import annotations

import numpy as np

from .._typing import FloatArray
from ..linalg._products import refuse_overflow

# Size of a negative eigenvalue, relative to the trace, up to which it is rounding.
NEGATIVE_TOLERANCE = 1e-6


def centre(K: FloatArray, name: str) -> FloatArray:
    """Centre the kernel (n, n) of the training rows in feature space, in place; return the means (n,) of its columns.

    Test rows k are centred with the same means. Exact centring also subtracts the mean of k itself, but that never
    reaches a score, since rotations of the centred kernel sum to zero.
    """
    largest = max(float(K.max()), -float(K.min()))
    means: FloatArray = K.mean(axis=0)
    K -= means
    K -= (means - means.mean())[:, None]
    with np.errstate(over="ignore"):
        trace, rounding = np.trace(K), len(K) ** 2 * np.finfo(float).eps * largest
    refuse_overflow(trace)
    if trace < -rounding:
        raise not_semidefinite(name, f"once centred its trace is {trace:g}")
    if trace <= rounding:
        raise ValueError(
            f"All rows of {name} are alike to the kernel: no direction varies beyond rounding. Pass rows that differ, "
            "centred and in ordinary units, or raise gamma."
        )
    return means


def not_semidefinite(name: str, detail: str) -> ValueError:
    """Return the error for a kernel that is not positive semi-definite."""
    return ValueError(
        f"The kernel of {name} is not positive semi-definite ({detail}), so no feature space belongs to it. sigmoid "
        'kernels, differences of kernels and, uncentred, "additive_chi2" are of this kind; take another kernel '
        '("rbf", or "chi2" for histograms).'
    )
