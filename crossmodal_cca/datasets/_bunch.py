"""The container of data sets: a Bunch with a short display."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import Bunch

# Characters of a value that are shown at most.
_WIDTH = 100


class Data(Bunch):
    """A Bunch whose display lists entries by type and shape, with equal ones on one line."""

    def __repr__(self) -> str:
        alike: dict[str, list[str]] = {}
        for name, value in self.items():
            alike.setdefault(_described(value), []).append(name)
        return "\n".join(
            [f"{type(self).__name__} with", *(f"  {', '.join(names)}: {what}" for what, names in alike.items())]
        )


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"array of {'str' if value.dtype.kind == 'U' else value.dtype}, shape {value.shape}"
    if hasattr(value, "shape"):
        return f"{type(value).__name__}, shape {value.shape}"
    if isinstance(value, dict):
        return f"dict with {', '.join(value)}"
    text = " ".join(str(value).split())
    return f"{type(value).__name__}, {text[:_WIDTH] + '…' if len(text) > _WIDTH else text}"
