"""Type aliases that several modules use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes
    from pandas import DataFrame as DataFrame
else:
    # Annotations name these types, and nothing evaluates them: both packages are slow to import.
    Axes = DataFrame = Any

# Arrays in the floating type of the rows (float32 or float64), which NumPy's types cannot express.
Array = NDArray[Any]
FloatArray = NDArray[Any]
# Positions of training and test rows.
Split = tuple[NDArray[np.intp], NDArray[np.intp]]
# Cut-off k of a measure: a number, None for the whole list, or the measure's own default.
Cutoff = int | None | Literal["default"]
# Names of items, by id or in their order.
Captions = Mapping[Any, str] | Sequence[str]
