"""Files without pickle: a zip archive of a JSON header and NumPy arrays, checked when read and written atomically.

Loading runs no code: the header names classes from the list in `_saved_classes`, and nothing else is ever made.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import os
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Self

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


def load(
    path: str | os.PathLike[str], kind: str, *, check: Callable[[dict[str, Any]], None] | None = None
) -> dict[str, Any]:
    """Read a state that `save` wrote; `check` refuses one that cannot be what it should.

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
                header = json.loads(_content(archive, _HEADER).read())
                _check_header(header, kind)
                arrays = [_read_array(archive, i, digest) for i, digest in enumerate(header["sha256"])]
                state: dict[str, Any] = _decode(header["state"], arrays)
            if check is not None:
                check(state)
        except _Foreign as error:
            raise ValueError(f"{name!r} {error}") from error
        # Whatever a damaged file makes the readers of archives, headers and arrays raise, it says the same.
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise ValueError(
                f"{name!r} is damaged, or was not written by crossmodal_cca ({reason}). Restore it from a copy, or "
                "save it again."
            ) from error
    return state


class SavedMixin:
    """`save` and `load` of objects that are known by their attributes alone."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one file, without pickle; an earlier file is replaced only when the new one is complete.

        Parameters
        ----------
        path : str or path
            The file. Linear models keep their moments, to go on from: 8 · (n_features_x + n_features_y)² bytes at most.
            What ``set_fit_request`` and its like have set is not kept.

        Raises
        ------
        TypeError
            If a part is an object of another package, such as a transformer or a splitter.
        """
        try:
            # Requests for metadata are settings of a session; its objects are scikit-learn's own.
            state = {name: value for name, value in vars(self).items() if name != "_metadata_request"}
            save(path, type(self).__name__, state)
        except TypeError as error:
            raise TypeError(
                f"{error} Save it with skops, which asks the reader what to trust, or save the parts that are this "
                "package's own."
            ) from error

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

        def check(state: dict[str, Any]) -> None:
            missing = [name for name in inspect.signature(cls).parameters if name not in state]
            if missing:
                raise ValueError(f"it does not hold {missing[0]}")

        state = load(path, cls.__name__, check=check)
        made = object.__new__(cls)
        made.__dict__.update(state)
        return made


class _Foreign(Exception):
    """A sound file, but not the one that was asked for."""


def _check_header(header: Any, kind: str) -> None:
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise _Foreign("was not written by crossmodal_cca.")
    version = header["format_version"]
    if type(version) is not int or version < 1 or not isinstance(header["state"], dict):
        raise ValueError("the header does not hold what it should")
    if version > FORMAT_VERSION:
        raise _Foreign(
            f"was written by a later crossmodal_cca ({header['package_version']}): its format is version {version}, "
            f"and this one reads up to {FORMAT_VERSION}. Upgrade the package to load it."
        )
    if header["kind"] != kind:
        raise _Foreign(f"holds a {header['kind']}, not a {kind}; load it with that class.")


def _content(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """A member as it was stored: nothing here is compressed, so nothing can grow when it is read."""
    entry = archive.getinfo(name)
    if entry.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is compressed")
    return archive.open(entry)


def _member(i: int) -> str:
    return f"arrays/{i}.npy"


def _checksum(array: np.ndarray[Any, Any]) -> str:
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _read_array(archive: zipfile.ZipFile, i: int, digest: str) -> np.ndarray[Any, Any]:
    name = _member(i)
    with _content(archive, name) as member:
        version = np.lib.format.read_magic(member)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[
            version
        ]
        shape, _, dtype = read_header(member)
        # Before any memory is asked for.
        if dtype.hasobject or math.prod(shape) * dtype.itemsize > archive.getinfo(name).file_size:
            raise ValueError(f"array {i} says it is {dtype} of shape {shape}, which it cannot be")
    with _content(archive, name) as member:
        array: np.ndarray[Any, Any] = np.lib.format.read_array(member, allow_pickle=False)
    if _checksum(array) != digest:
        raise ValueError(f"the checksum of array {i} does not fit")
    return array


@contextmanager
def _replaced_when_complete(target: Path) -> Iterator[Any]:
    """A file beside the target that takes its place when all is written."""
    # A link stays, and points to the new file.
    target = target.resolve()
    if not target.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {str(target.parent)!r} to save {target.name!r} in.")
    if target.exists() and not target.is_file():
        raise FileExistsError(f"{str(target)!r} is not a file; save under another name.")
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".saving-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, _rights(target))
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _rights(target: Path) -> int:
    """Those of the file that is replaced, or of any new one; temporary files are private."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


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
    for key in ("array", "scalar"):
        if key in node:
            if type(node[key]) is not int or node[key] < 0:
                raise ValueError(f"there is no array {node[key]!r}")
            return arrays[node[key]] if key == "array" else arrays[node[key]][()]
    if "objects" in node:
        objects = np.empty(len(node["objects"]), dtype=object)
        objects[:] = _decode(node["objects"], arrays)
        return objects.reshape(node["shape"])
    saved_class = _saved_classes().get(node.get("object"))
    if saved_class is None:
        raise ValueError(f"it holds a {node.get('object')!r}, which this version does not know")
    made = object.__new__(saved_class)
    made.__dict__.update({key: _decode(entry, arrays) for key, entry in node["state"]})
    return made


def _saved_classes() -> dict[Any, type[Any]]:
    """Everything of this package that a file may hold, by name; all of it is known by its attributes alone."""
    from . import alignment
    from .linalg import kernel_embedding, kernel_features, kernel_maps, kernels, moments, pair, row_moments
    from .metrics import scorer

    classes: list[type[Any]] = [scorer.RetrievalScorer]
    classes += [getattr(alignment, name) for name in alignment.__all__]
    classes += [moments.PairMoments, pair.Side, pair.StandardizedPair, pair.UnformedPair]
    classes += [kernels.Kernel, kernel_embedding.KernelEmbedding]
    classes += [row_moments.RowMoments, kernel_features.FeatureMoments]
    classes += [kernel_maps.KernelMap, kernel_maps.FourierMap]
    return {each.__name__: each for each in classes}
