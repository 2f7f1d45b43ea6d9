"""Files of this package's objects, without pickle: conversion to a JSON tree with arrays, and back.

Loading runs no code: see `_schemas`.
"""

from __future__ import annotations

import os
import sys
from numbers import Number
from typing import Any, Self

import numpy as np

from ._archive import Array, Foreign, checksum, opened
from ._archive import write as write_archive
from ._checks import check_flag
from ._schemas import REGISTRY, Registered, registered

# Kinds of arrays that NumPy's own format holds without pickle.
_PLAIN_KINDS = "biufUSMm"


def write(path: str | os.PathLike[str], thing: Any, *, moments: bool = True) -> None:
    """Write numbers, texts, arrays, tuples, lists, dicts, and objects of registered classes made of these.

    The file gets its name once it is complete; until then, and after a failure, an earlier file stays.
    Without `moments`, models leave out those of their training rows.

    Raises
    ------
    TypeError
        If a part is of another kind; the message says which.
    """
    kind, encoder = type(thing).__name__, _Encoder(moments)
    # The package is loaded by now; an import at the top of this module would be circular.
    package_version = sys.modules[str(__package__)].__version__
    header = {"package_version": package_version, "kind": kind, "state": encoder.encode(thing, kind)}
    write_archive(path, header, encoder.arrays)


def read(path: str | os.PathLike[str], kind: str) -> Any:
    """Read an object of the type of this name from a file of `write`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not of this package, of another kind or a later version, or damaged.
    """
    with opened(path) as (header, arrays):
        if header["kind"] != kind:
            raise Foreign(f"holds a {header['kind']}, not a {kind}; load it with that class, or crossmodal_cca.load.")
        decoder, state = _Decoder(list(arrays), header["package_version"]), header["state"]
        if header["format_version"] == 1:
            state = {"object": kind, "state": state["dict"]}
        thing = decoder.decode(state)
        if type(thing).__name__ != kind:
            raise ValueError(f"it says that it holds a {kind}, but holds a {type(thing).__name__}")
        return thing


def load(path: str | os.PathLike[str]) -> Any:
    """Read what `save` of any class of this package wrote. No code in the file is run.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    loaded : object
        Object of the class that was saved, with the same parameters, and fitted if it was.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, not of this package, or of a later version.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import crossmodal_cca
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> X, y = make_paired_latent(100, 5, 4, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     crossmodal_cca.CCA(2).fit(X, y).save(Path(folder) / "model")
    ...     model = crossmodal_cca.load(Path(folder) / "model")
    >>> model
    CCA(n_components=2)
    """
    with opened(path) as (header, _):
        cls = registered(header["kind"], header["package_version"]).cls
        if not hasattr(cls, "load"):
            raise ValueError(f"a {cls.__name__} is no file of its own")
    return cls.load(path)


class SavedMixin:
    """`save` and `load` of a registered class."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to one file, without pickle; an earlier file is replaced only when the new one is complete.

        Parameters
        ----------
        path : str or path
            The file. Attributes of your own, and what ``set_fit_request`` and its like have set, are not kept.

        Raises
        ------
        TypeError
            If a part is an object of another package, such as a transformer or a splitter.
        """
        _save(path, self)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` of this class wrote. No code in the file is run.

        Parameters
        ----------
        path : str or path
            The file.

        Returns
        -------
        loaded : object of this class
            With the same parameters, and fitted if it was: the same results to the last bit.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged, of another class or a later version.
        """
        return read(path, cls.__name__)  # type: ignore[no-any-return]


class SavedAlignerMixin(SavedMixin):
    """`save` and `load` of an aligner, or of an estimator around one."""

    def save(self, path: str | os.PathLike[str], *, moments: bool = True) -> None:
        """Write it to one file, without pickle; an earlier file is replaced only when the new one is complete.

        Parameters
        ----------
        path : str or path
            The file. Attributes of your own, and what ``set_fit_request`` and its like have set, are not kept.
        moments : bool, default=True
            Whether a model keeps the moments of its training rows: 8 · (n_features_x + n_features_y)² bytes at most for
            a linear one. Without them the file is as small as the maps into the shared space and back, and the loaded
            model cannot go on from it (`partial_fit`), nor say how far predictions spread (`residual_covariance`,
            `sample_y`).

        Raises
        ------
        TypeError
            If a part is an object of another package, such as a transformer or a splitter, or `moments` is no bool.
        """
        _save(path, self, moments=moments)


def _save(path: str | os.PathLike[str], thing: Any, *, moments: bool = True) -> None:
    """Write an object; an object with parts of other packages raises an error that names the alternatives."""
    check_flag(moments, "moments")
    try:
        write(path, thing, moments=moments)
    except TypeError as error:
        raise TypeError(
            f"{error} Save it with skops, which asks the reader what to trust, or save the parts that are this "
            "package's own."
        ) from error


class _Encoder:
    """Encodes objects as a JSON tree, with {"tuple": …}, {"array": …} for types JSON lacks, and collects arrays."""

    def __init__(self, moments: bool) -> None:
        self.moments = moments
        self.arrays: list[tuple[str, Array]] = []
        self._places: dict[tuple[str, bool], int] = {}

    def encode(self, value: Any, place: str) -> Any:
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if np.isfinite(value) else {"float": repr(value)}
        if type(value) in (list, tuple):
            entries = [self.encode(entry, f"{place}[{i}]") for i, entry in enumerate(value)]
            return entries if type(value) is list else {"tuple": entries}
        if type(value) is dict:
            return {"dict": [[self._key(key, place), self.encode(value[key], f"{place}[{key!r}]")] for key in value]}
        if isinstance(value, np.dtype):
            return {"dtype": value.str}
        if isinstance(value, np.ndarray) and value.dtype == object:
            entries = [self.encode(entry, f"{place}[{i}]") for i, entry in enumerate(value.ravel())]
            return {"objects": entries, "shape": value.shape}
        if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in _PLAIN_KINDS:
            return {"array" if isinstance(value, np.ndarray) else "scalar": self._collected(np.asarray(value))}
        known = REGISTRY.get(type(value).__name__)
        if known is not None and known.cls is type(value):
            return self._object(value, known, place)
        raise TypeError(
            f"{place} is of type {type(value).__module__}.{type(value).__name__}, which cannot be saved: only numbers, "
            "texts, arrays and models of this package can, so that loading never runs foreign code."
        )

    def _object(self, thing: Any, known: Registered, place: str) -> Any:
        held = vars(thing)
        state = {name: held[each.attribute] for name, each in known.stored().items() if each.attribute in held}
        if hasattr(thing, "_to_file"):
            state = thing._to_file(state, moments=self.moments)
        entries = [[name, self.encode(state[name], f"{place}.{name}")] for name in sorted(state)]
        return {"object": known.name, "version": known.version, "state": entries}

    def _key(self, key: Any, place: str) -> Any:
        if not _is_plain(key):
            raise TypeError(f"{place} has the key {key!r}; only texts and numbers can be keys in a saved dict.")
        return self.encode(key, f"a key of {place}")

    def _collected(self, array: Array) -> int:
        """Return the number of an array in the file; equal arrays in the same layout are stored once."""
        layout = bool(array.flags.f_contiguous and not array.flags.c_contiguous)
        digest = checksum(array)
        place = self._places.setdefault((digest, layout), len(self.arrays))
        if place == len(self.arrays):
            self.arrays.append((digest, array))
        return place


def _is_plain(key: Any) -> bool:
    if isinstance(key, tuple):
        return all(map(_is_plain, key))
    return key is None or isinstance(key, str | bool | Number | np.generic)


class _Decoder:
    """Rebuilds the objects that a JSON tree describes."""

    def __init__(self, arrays: list[Array], package_version: str) -> None:
        self._arrays, self._taken = arrays, set[int]()
        self._package_version = package_version

    def decode(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self.decode(entry) for entry in node]
        if not isinstance(node, dict):
            return node
        if "float" in node:
            return float(node["float"])
        if "tuple" in node:
            return tuple(self.decode(node["tuple"]))
        if "dict" in node:
            return {self.decode(key): self.decode(entry) for key, entry in node["dict"]}
        if "dtype" in node:
            return np.dtype(node["dtype"])
        if "array" in node:
            return self._array(node["array"])
        if "scalar" in node:
            return self._array(node["scalar"])[()]
        if "objects" in node:
            objects = np.empty(len(node["objects"]), dtype=object)
            objects[:] = self.decode(node["objects"])
            return objects.reshape(node["shape"])
        return self._object(node)

    def _array(self, place: Any) -> Array:
        if type(place) is not int or place < 0:
            raise ValueError(f"there is no array {place!r}")
        array = self._arrays[place]
        # Two arrays that were stored once are two again, so that a write to one leaves the other.
        again = place in self._taken
        self._taken.add(place)
        return array.copy(order="K") if again else array

    def _object(self, node: dict[str, Any]) -> Any:
        known = registered(node["object"], self._package_version)
        state = {name: self.decode(entry) for name, entry in node["state"]}
        state = known.checked(state, int(node.get("version", 1)), self._package_version)
        made: Any = object.__new__(known.cls)
        attributes = {name: str(each.attribute) for name, each in known.stored().items()}
        made.__dict__.update({attributes[name]: value for name, value in state.items() if attributes[name]})
        if hasattr(made, "_from_file"):
            made._from_file(state)
        return made
