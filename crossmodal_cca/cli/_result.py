"""Result of a command, its JSON, and its files."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Result:
    """Result of a command: the text or data to print, and the exit status."""

    text: str
    data: dict[str, Any]
    status: int = 0


def as_json(data: Any) -> str:
    """Convert data to one line of JSON in ASCII; NaN and infinite numbers become null."""
    return json.dumps(_plain(data), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list):
        return _plain(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def check_output(path: Path, force: bool) -> None:
    """Refuse, before the work, a path that cannot be written, or that exists already."""
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is no file; choose another name for the output.")
    if path.exists() and not force:
        raise ValueError(f"{path} exists; choose another name, or overwrite it with --force.")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent} to write {path.name} in; make it first.")


@contextmanager
def written(path: Path) -> Iterator[Any]:
    """Open a file that appears at its path when all is written, and leaves nothing behind if that fails."""
    from .._archive import replaced_when_complete

    with replaced_when_complete(path) as file:
        yield file
