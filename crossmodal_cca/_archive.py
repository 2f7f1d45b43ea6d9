"""Archives without pickle: a zip of a JSON header and NumPy arrays, checked when read and written atomically."""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

Array = np.ndarray[Any, Any]

# Name of the format, as the header states it.
FORMAT = "crossmodal_cca"
# Version of the format. Version 1 stored attributes at the top; since version 2 the saved object is a node like others.
FORMAT_VERSION = 2
# Member of the archive that holds the JSON header.
_HEADER = "header.json"
# Beginning of the names of temporary files.
_UNFINISHED = ".saving-crossmodal_cca-"
# Seconds without a write after which a temporary file counts as a leftover, on file systems without locks.
_ABANDONED_AFTER = 24 * 3600


class Foreign(Exception):
    """The error for a sound file of another format or kind than the one asked for."""


def write(path: str | os.PathLike[str], header: dict[str, Any], arrays: list[tuple[str, Array]]) -> None:
    """Write an archive of arrays with their checksums.

    The file gets its name once it is complete; until then an earlier file stays.
    """
    header = (
        {"format": FORMAT, "format_version": FORMAT_VERSION} | header | {"sha256": [digest for digest, _ in arrays]}
    )
    with replaced_when_complete(Path(path)) as file, zipfile.ZipFile(file, "w") as archive:
        # The time of day is left out, so that equal objects give equal files.
        archive.writestr(zipfile.ZipInfo(_HEADER), json.dumps(header))
        for i, (_, array) in enumerate(arrays):
            with archive.open(zipfile.ZipInfo(_member(i)), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[tuple[dict[str, Any], Iterator[Array]]]:
    """Open an archive: its header, and its arrays read on demand. A damaged archive raises ValueError."""
    name = os.fspath(path)
    # A missing or unreadable file raises an OSError of its own.
    with open(path, "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                header = json.loads(_content(archive, _HEADER).read())
                _check_header(header)
                yield header, (_read_array(archive, i, digest) for i, digest in enumerate(header["sha256"]))
        except Foreign as error:
            raise ValueError(f"{name!r} {error}") from error
        # A damaged file can raise many errors in the readers of archives, headers and arrays: one message for all.
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise ValueError(
                f"{name!r} is damaged, or was not written by crossmodal_cca ({reason}). Restore it from a copy, or "
                "save it again."
            ) from error


def checksum(array: Array) -> str:
    """Compute a digest of an array's type, shape and values."""
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _check_header(header: Any) -> None:
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise Foreign("was not written by crossmodal_cca.")
    version = header["format_version"]
    if type(version) is not int or version < 1 or not isinstance(header["state"], dict):
        raise ValueError("the header does not hold what it should")
    if version > FORMAT_VERSION:
        raise Foreign(
            f"was written by a later crossmodal_cca ({header['package_version']}): its format is version {version}, "
            f"and this one reads up to {FORMAT_VERSION}. Upgrade the package to load it."
        )


def _content(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """Read a member of the archive; members are uncompressed, so a read never needs more memory than the file."""
    entry = archive.getinfo(name)
    if entry.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is compressed")
    return archive.open(entry)


def _member(i: int) -> str:
    return f"arrays/{i}.npy"


def _read_array(archive: zipfile.ZipFile, i: int, digest: str) -> Array:
    name = _member(i)
    with _content(archive, name) as member:
        version = np.lib.format.read_magic(member)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[
            version
        ]
        shape, _, dtype = read_header(member)
        # Checked before memory is allocated.
        if dtype.hasobject or math.prod(shape) * dtype.itemsize > archive.getinfo(name).file_size:
            raise ValueError(f"array {i} says it is {dtype} of shape {shape}, which it cannot be")
    with _content(archive, name) as member:
        array: Array = np.lib.format.read_array(member, allow_pickle=False)
    if checksum(array) != digest:
        raise ValueError(f"the checksum of array {i} does not fit")
    return array


@contextmanager
def replaced_when_complete(target: Path) -> Iterator[Any]:
    """Write to a temporary file that replaces the target once complete; remove leftovers of saves that were killed."""
    # A symbolic link is kept and points to the new file.
    target = target.resolve()
    if not target.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {str(target.parent)!r} to save {target.name!r} in.")
    if target.exists() and not target.is_file():
        raise FileExistsError(f"{str(target)!r} is not a file; save under another name.")
    _remove_leftovers(target.parent)
    descriptor, name = _locked_file(target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.chmod(name, _rights(target))
            if fcntl is not None:  # renamed while locked, so that no other process removes it as a leftover
                os.replace(name, target)
        if fcntl is None:
            os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _locked_file(folder: Path) -> tuple[int, str]:
    """Create a file that is locked while open; the lock ends with the process, even when it is killed."""
    while True:
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=_UNFINISHED)
        if fcntl is None:
            return descriptor, name
        with suppress(OSError):  # some file systems have no locks; there, nothing is removed either
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Another process may have removed it as a leftover before it was locked.
        if os.path.exists(name):
            return descriptor, name
        os.close(descriptor)


def _remove_leftovers(folder: Path) -> None:
    for path in folder.glob(f"{_UNFINISHED}*"):
        # Files of other users, and files already gone, are skipped.
        with suppress(OSError):
            if fcntl is None:
                if path.stat().st_mtime < time.time() - _ABANDONED_AFTER:
                    path.unlink()
                continue
            with path.open("r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


def _rights(target: Path) -> int:
    """Return the access rights of the replaced file, or those of a new file; temporary files are private."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
