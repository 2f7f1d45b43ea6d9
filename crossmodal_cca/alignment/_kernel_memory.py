"""Memory that exact kernels need, said before they are computed and where there is too little of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .._warn import warn
from ..kernels._exact import is_iterated

# Bytes from which a user is told beforehand.
LARGE = 2e9
# Square matrices at the peak of a fit of a few pairs, of more, and of most or all. In a search: for each width, and
# beside them where some or most pairs are tried.
FEW, MANY, ALL = 3, 11, 21
A_WIDTH, SOME_TRIED, ALL_TRIED = 2.5, 4, 9


def matrices_of_fit(n_rows: int, k: int | None) -> float:
    """Return how many square matrices of all rows a fit of k components takes."""
    if k is None or 2 * k >= n_rows:
        return ALL
    return FEW if is_iterated(n_rows, k) else MANY


def matrices_of_search(n_rows: int, k: int, n_widths: int) -> float:
    """Return how many square matrices of the training rows of a fold a search takes."""
    return A_WIDTH * n_widths + (ALL_TRIED if 2 * k >= n_rows else SOME_TRIED)


@contextmanager
def room_for_kernels(n_rows: int, matrices: float, *, quiet: bool = False) -> Iterator[None]:
    """Warn of exact kernels that take much memory, and say how much where it is too much; 0 matrices are no kernels."""
    if not matrices:
        yield
        return
    need = 8.0 * matrices * n_rows**2
    size = f"The kernels of {n_rows} rows, {n_rows} × {n_rows} numbers each, take {need / 1e9:.2g} GB in all"
    way = 'set approximation="nystroem" (some thousand landmarks at most) or "fourier" for features in their place'
    if need > LARGE and not quiet:
        warn(f"{size}. If that is too much, {way}; few components, and few widths in a search, take less.")
    try:
        yield
    except MemoryError as error:
        raise MemoryError(f"{size}, which does not fit into memory; {way}.") from error
