"""One number for each query, as a user passes it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._sklearn import check_array
from .._typing import FloatArray


def query_values(values: ArrayLike, name: str) -> FloatArray:
    """Check that there is one number for each query, NaN for those that have none."""
    checked: FloatArray = check_array(
        values, ensure_2d=False, dtype=np.float64, ensure_all_finite="allow-nan", input_name=name
    )
    if checked.ndim != 1:
        raise ValueError(f"{name} must hold one value for each query, got shape {checked.shape}.")
    return checked
