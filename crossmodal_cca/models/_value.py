"""Values that nobody writes to."""

from __future__ import annotations

from typing import Any

import numpy as np


class Value:
    """A base of frozen dataclasses: their arrays cannot be written to either, wherever they come from."""

    def __post_init__(self) -> None:
        for name, held in vars(self).items():
            if isinstance(held, np.ndarray | dict):
                object.__setattr__(self, name, read_only(held))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make one from a pickle, or a copy of one."""
        self.__dict__.update(state)
        self.__post_init__()

    def _from_file(self, state: dict[str, Any]) -> None:
        self.__post_init__()


def read_only(held: Any) -> Any:
    """The same, but arrays, those in a dict too, as views that cannot be written to."""
    if isinstance(held, np.ndarray):
        held = held.view()
        held.flags.writeable = False
    elif isinstance(held, dict):
        held = {key: read_only(each) for key, each in held.items()}
    return held
