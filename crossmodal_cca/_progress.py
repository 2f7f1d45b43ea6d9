"""Progress of long computations, printed as one line that is rewritten where the output allows it."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from ._checks import check_verbose

# Seconds between two updates of the line.
_EVERY = 0.5
# Number of lines over the whole work, for output that cannot be rewritten (files, pipes).
_LINES = 10


class Progress:
    """Prints on standard output how much of the work is done and how long the rest may take.

    In a terminal or a notebook one line is rewritten; elsewhere a line is added at every tenth of the work.

    Parameters
    ----------
    what : str
        Unit that is counted, such as "queries ranked".
    total : int
        Its number in the end.
    verbose : int
        Nothing is printed unless this is above 0, or True.
    """

    def __init__(self, what: str, total: int, verbose: int) -> None:
        check_verbose(verbose)
        self.what, self.total, self.silent = what, total, verbose <= 0
        self._start = self._shown_at = time.monotonic()
        self._shown_part = 0
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # After an error the last line stays.
        if self._width:
            print(flush=True)

    def update(self, done: int) -> None:
        """Report the amount done so far."""
        if self.silent:
            return
        now = time.monotonic()
        rewritten, part = _can_rewrite(), done * _LINES // max(self.total, 1)
        due = now - self._shown_at >= _EVERY if rewritten else part > self._shown_part
        if not (due or done >= self.total):
            return
        self._shown_at, self._shown_part = now, part
        text = self._text(done, now - self._start)
        if rewritten:
            print("\r" + text.ljust(self._width), end="", flush=True)
            self._width = len(text)
        else:
            print(text, flush=True)

    def _text(self, done: int, seconds: float) -> str:
        text = f"{done:,} of {self.total:,} {self.what} ({done / max(self.total, 1):.0%}), {_duration(seconds)}"
        if 0 < done < self.total:
            text += f", about {_duration(seconds * (self.total - done) / done)} left"
        return text


def _can_rewrite() -> bool:
    """Whether a carriage return goes back to the start of the line: in terminals and in notebooks."""
    return sys.stdout.isatty() or type(sys.stdout).__module__.startswith("ipykernel")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{seconds:.1f} s" if seconds < 10 else f"{rest} s"
