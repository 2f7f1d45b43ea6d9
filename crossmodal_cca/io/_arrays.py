"""Read arrays of NumPy's own files; those of .npy are memory-mapped."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._place import Place, Refused


def array_of(place: Place) -> NDArray[Any]:
    """Read the array of a .npy file, or one array of a .npz file."""
    if place.ending == ".npy":
        if place.key is not None:
            raise Refused(f"{place.file!r} holds one array and has no key {place.key!r}; leave ':{place.key}' out.")
        return _of_plain(place, np.load(place.file, mmap_mode="r", allow_pickle=False))
    with open(place.file, "rb") as file, np.load(file, allow_pickle=False) as archive:
        keys = list(archive.files)
        key = keys[0] if place.key is None and len(keys) == 1 else place.key
        if key is None:
            raise Refused(
                f"{place.file!r} holds {_listed(keys)}; say which, as in '{place.file}:{(keys or ['x'])[0]}'."
            )
        if key not in keys:
            raise Refused(f"{place.file!r} has no key {key!r}; it holds {_listed(keys)}.")
        return _of_plain(place, archive[key])


def _of_plain(place: Place, array: Any) -> NDArray[Any]:
    if not isinstance(array, np.ndarray):
        raise Refused(f"{place.file!r} is a .npz file by what it holds; name it so.")
    return array


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names[:10])) + (" …" if len(names) > 10 else "") if names else "nothing"
