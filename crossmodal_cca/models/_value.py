"""Frozen values with read-only arrays."""

from __future__ import annotations

from typing import Any

import numpy as np


class Value:
    """Base of frozen dataclasses whose arrays are read-only too, also after unpickling or loading."""

    def __post_init__(self) -> None:
        vars(self).update(read_only(vars(self)))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore from a pickle or a copy."""
        self.__dict__.update(state)
        self.__post_init__()

    def _from_file(self, state: dict[str, Any]) -> None:
        self.__post_init__()


def read_only(values: dict[str, Any]) -> dict[str, Any]:
    """Replace arrays, and those in dicts inside, by read-only views."""
    found = dict(values)
    for name, held in values.items():
        if isinstance(held, np.ndarray):
            found[name] = held.view()
            found[name].flags.writeable = False
        elif isinstance(held, dict):
            found[name] = read_only(held)
    return found
