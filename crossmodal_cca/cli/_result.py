"""Result of a command, and its files."""

from __future__ import annotations

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
