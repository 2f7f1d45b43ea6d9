"""Files without pickle: a zip archive of a JSON header and NumPy arrays, checked when read and written atomically.

Loading runs no code: the header names classes from the list in `_saved_classes`, and nothing else is ever made.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = "crossmodal_cca"
FORMAT_VERSION = 1
_HEADER = "header.json"
# Kinds of arrays that NumPy's own format holds without pickle.
_PLAIN_KINDS = "biufUSMm"


def save(path: str | os.PathLike[str], kind: str, state: dict[str, Any]) -> None:
    """Write a state: numbers, texts, arrays, tuples, lists, dicts, and objects of this package made of these.

    The file appears under its name when it is complete; until then, and if anything fails, an earlier one stays.

    Raises
    ------
    TypeError
        If something in the state is of another kind; the message says where it is.
    """
    from . import __version__

    target = Path(path)
    arrays: list[np.ndarray[Any, Any]] = []
    tree = _encode(state, kind, arrays)
    header = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "package_version": __version__,
        "kind": kind,
        "state": tree,
        "sha256": [_checksum(array) for array in arrays],
    }
    with _replaced_when_complete(target) as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr(_HEADER, json.dumps(header))
        for i, array in enumerate(arrays):
            with archive.open(_member(i), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def load(path: str | os.PathLike[str], kind: str) -> dict[str, Any]:
    """Read a state that `save` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not of this package, of another kind or a later version, or damaged.
    """
    name = os.fspath(path)
    # A missing or unreadable file speaks for itself.
    with open(path, "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                header = json.loads(archive.read(_HEADER))
                if not isinstance(header, dict) or header.get("format") != FORMAT:
                    raise ValueError(f"{name!r} was not written by crossmodal_cca.")
                _check_header(header, kind, name)
                arrays = [_read_array(archive, i, digest) for i, digest in enumerate(header["sha256"])]
                state: dict[str, Any] = _decode(header["state"], arrays)
        except KeyError as error:
            raise ValueError(f"{name!r} was not written by crossmodal_cca, or is incomplete: {error}.") from error
        except (zipfile.BadZipFile, zipfile.LargeZipFile, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{name!r} is damaged, or was not written by crossmodal_cca: {error}.") from error
        except _Damaged as error:
            raise ValueError(f"{name!r} is damaged: {error}. Restore it from a copy, or save it again.") from error
        except (EOFError, OSError, IndexError, TypeError, NotImplementedError) as error:
            raise ValueError(f"{name!r} is damaged: {error}.") from error
    return state


class _Damaged(Exception):
    """What is inside differs from what was written."""


def _check_header(header: dict[str, Any], kind: str, name: str) -> None:
    if header["format_version"] > FORMAT_VERSION:
        raise ValueError(
            f"{name!r} was written by a later crossmodal_cca ({header['package_version']}): its format is version "
            f"{header['format_version']}, and this one reads up to {FORMAT_VERSION}. Upgrade the package to load it."
        )
    if header["kind"] != kind:
        raise ValueError(f"{name!r} holds a {header['kind']}, not a {kind}; load it with that class.")


def _member(i: int) -> str:
    return f"arrays/{i}.npy"


def _checksum(array: np.ndarray[Any, Any]) -> str:
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _read_array(archive: zipfile.ZipFile, i: int, digest: str) -> np.ndarray[Any, Any]:
    with archive.open(_member(i)) as member:
        try:
            array: np.ndarray[Any, Any] = np.lib.format.read_array(member, allow_pickle=False)
        except ValueError as error:
            raise _Damaged(f"array {i} cannot be read ({error})") from error
    if _checksum(array) != digest:
        raise _Damaged(f"the checksum of array {i} does not fit")
    return array


@contextmanager
def _replaced_when_complete(target: Path) -> Iterator[Any]:
    """A file beside the target that takes its place when all is written."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # Temporary files are private; this one gets the rights of any new file.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _encode(value: Any, place: str, arrays: list[np.ndarray[Any, Any]]) -> Any:
    """A JSON tree; what JSON does not know becomes {"what it is": …}. Arrays are collected on the side."""
    if value is None or (isinstance(value, bool | int | str) and type(value) in (bool, int, str)):
        return value
    if type(value) is float:
        return value if np.isfinite(value) else {"float": repr(value)}
    if type(value) in (list, tuple):
        entries = [_encode(entry, f"{place}[{i}]", arrays) for i, entry in enumerate(value)]
        return entries if type(value) is list else {"tuple": entries}
    if type(value) is dict:
        return {
            "dict": [[key, _encode(value[key], f"{place}[{key!r}]", arrays)] for key in value if _is_text(key, place)]
        }
    if isinstance(value, np.dtype):
        return {"dtype": value.str}
    if isinstance(value, np.ndarray) and value.dtype == object:
        entries = [_encode(entry, f"{place}[{i}]", arrays) for i, entry in enumerate(value.ravel())]
        return {"objects": entries, "shape": value.shape}
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in _PLAIN_KINDS:
        arrays.append(np.asarray(value))
        return {"array" if isinstance(value, np.ndarray) else "scalar": len(arrays) - 1}
    name = type(value).__name__
    if _saved_classes().get(name) is type(value):
        state = [[key, _encode(entry, f"{place}.{key}", arrays)] for key, entry in vars(value).items()]
        return {"object": name, "state": state}
    raise TypeError(
        f"{place} is of type {type(value).__module__}.{name}, which cannot be saved: only numbers, texts, arrays and "
        "models of this package can, so that loading never runs foreign code."
    )


def _is_text(key: Any, place: str) -> bool:
    if not isinstance(key, str):
        raise TypeError(f"{place} has the key {key!r}; only texts can be keys in a saved dict.")
    return True


def _decode(node: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    if isinstance(node, list):
        return [_decode(entry, arrays) for entry in node]
    if not isinstance(node, dict):
        return node
    if "float" in node:
        return float(node["float"])
    if "tuple" in node:
        return tuple(_decode(node["tuple"], arrays))
    if "dict" in node:
        return {key: _decode(entry, arrays) for key, entry in node["dict"]}
    if "dtype" in node:
        return np.dtype(node["dtype"])
    if "array" in node:
        return arrays[node["array"]]
    if "scalar" in node:
        return arrays[node["scalar"]][()]
    if "objects" in node:
        objects = np.empty(len(node["objects"]), dtype=object)
        objects[:] = _decode(node["objects"], arrays)
        return objects.reshape(node["shape"])
    saved_class = _saved_classes().get(node.get("object"))
    if saved_class is None:
        raise _Damaged(f"it holds a {node.get('object')!r}, which this version does not know")
    made = object.__new__(saved_class)
    made.__dict__.update({key: _decode(entry, arrays) for key, entry in node["state"]})
    return made


def _saved_classes() -> dict[Any, type[Any]]:
    """Everything of this package that a file may hold, by name; all of it is known by its attributes alone."""
    from . import alignment
    from .linalg import kernel_embedding, kernel_features, kernel_maps, kernels, moments, pair

    classes: list[type[Any]] = [getattr(alignment, name) for name in alignment.__all__]
    classes += [moments.PairMoments, moments.CrossMoments, pair.Side, pair.StandardizedPair, kernels.Kernel]
    classes += [kernel_embedding.KernelEmbedding, kernel_features.FeatureMoments]
    classes += [kernel_maps.KernelMap, kernel_maps.FourierMap]
    return {each.__name__: each for each in classes}
