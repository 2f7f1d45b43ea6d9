"""Frozen values with read-only arrays."""

from __future__ import annotations

from typing import Any

import numpy as np


class Value:
    """Base of frozen dataclasses whose arrays are read-only too, also after unpickling or loading."""

    def __post_init__(self) -> None:
        for name, held in vars(self).items():
            if isinstance(held, np.ndarray | dict):
                object.__setattr__(self, name, read_only(held))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore from a pickle or a copy."""
        self.__dict__.update(state)
        self.__post_init__()

    def _from_file(self, state: dict[str, Any]) -> None:
        self.__post_init__()


def read_only(held: Any) -> Any:
    """Replace an array, or the arrays in a dict, by read-only views; return anything else as it is."""
    if isinstance(held, np.ndarray):
        held = held.view()
        held.flags.writeable = False
    elif isinstance(held, dict):
        held = {key: read_only(each) for key, each in held.items()}
    return held
