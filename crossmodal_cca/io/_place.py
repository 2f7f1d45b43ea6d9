"""A place of data: a file, and perhaps a column or key in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

# Endings of files that can be read.
ENDINGS = (".npy", ".npz", ".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".feather", ".arrow")
# A file and its key; a colon separates them only after a known ending, as there is one in C:\x.npy too.
_PLACE = re.compile(rf"(?P<file>.*?(?P<ending>{'|'.join(map(re.escape, ENDINGS))}))(:(?P<key>.+))?", re.I | re.S)


@dataclass(frozen=True)
class Place:
    """A file and the column or key asked for."""

    file: str
    ending: str
    key: str | None

    @classmethod
    def of(cls, path: Any) -> Self:
        """Parse what the user typed, such as ``file.npz:key``; refuse files of unknown kinds."""
        if not isinstance(path, str | os.PathLike):
            raise TypeError(f"path must be the name of a file, got {path!r}.")
        text = os.fspath(path)
        found = _PLACE.fullmatch(text) if isinstance(text, str) else None
        place = cls(found["file"], found["ending"].lower(), found["key"]) if found else None
        file = place.file if place else text
        if os.path.isdir(file):
            raise IsADirectoryError(f"{text!r} is a folder; pass a file in it.")
        if place is None:
            raise ValueError(
                f"path must end in one of {', '.join(ENDINGS)}, with ':' and the name of a column or key behind it "
                f"where one is meant; got {text!r}."
            )
        if not os.path.exists(file):
            raise FileNotFoundError(f"There is no file {file!r}.")
        if os.path.getsize(file) == 0:
            raise ValueError(f"{file!r} is empty: it has 0 bytes. Write it again.")
        return place

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Name the file, and the likely reason, if a library cannot read it."""
        try:
            yield
        except (Refused, MemoryError, ImportError, PermissionError):
            raise
        except Exception as error:  # many libraries may be at work, each with its own errors
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(
                f"{self.file!r} cannot be read as a {self.ending} file: {reason.rstrip('.')}. It may be damaged, cut "
                "off, or of another kind than its name says."
            ) from error


class Refused(ValueError):
    """Error for a file without the data asked for; the message says what it holds and what to do."""
