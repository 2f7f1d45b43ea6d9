"""Names of types that several modules use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

# NumPy cannot say "float32 or float64, as the rows are"; the names tell readers what mypy cannot see.
Array = NDArray[Any]
FloatArray = NDArray[Any]
# Positions of training and test rows.
Split = tuple[NDArray[np.intp], NDArray[np.intp]]
# Of a measure: a number, None for the whole list, or what the measure takes by itself.
Cutoff = int | None | Literal["default"]
# What items are called, by id or in their order.
Captions = Mapping[Any, str] | Sequence[str]
