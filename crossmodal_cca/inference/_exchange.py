"""Exchangeable rows of a permutation test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import special

from .._ids import checked_ids, distinct_ids
from .._warn import warn

# Number of arrangements below which no p-value can be .05 or less.
FEWEST = 20


@dataclass(frozen=True, eq=False)
class Exchange:
    """Units of rows that move as a whole, in strata within which they are exchanged.

    `rows` (n,) lists the rows by stratum and unit; `sizes` and `strata` (ascending) hold the number of rows and the
    stratum of each unit. Units of one stratum have the same size.
    """

    rows: NDArray[np.intp]
    sizes: NDArray[np.intp]
    strata: NDArray[np.intp]

    @classmethod
    def of_rows(cls, n_rows: int) -> Self:
        """Exchange single rows freely."""
        return cls.of_strata([(n_rows, 1)])

    @classmethod
    def of_strata(cls, shapes: list[tuple[int, int]]) -> Self:
        """Build for rows listed by stratum and unit, from the number of units and of rows per unit of each stratum."""
        n_units, sizes = np.array(shapes, dtype=np.intp).reshape(-1, 2).T
        return cls(
            np.arange(int(n_units @ sizes)), np.repeat(sizes, n_units), np.repeat(np.arange(len(shapes)), n_units)
        )

    @classmethod
    def within(cls, n_rows: int, groups: Any, blocks: Any) -> Self:
        """Exchange whole groups (or single rows, without groups) with others of their size in their block."""
        group, names = _codes(groups, "groups", n_rows, np.arange(n_rows))
        block, block_names = _codes(blocks, "blocks", n_rows, np.zeros(n_rows, dtype=np.intp))
        first = np.unique(group, return_index=True)[1]
        astray = np.flatnonzero(block != block[first][group])
        if len(astray):
            i = group[astray[0]]
            of = block_names[np.unique(block[group == i])]
            raise ValueError(
                f"groups must lie within blocks, but group {names[i]!s} has rows in {len(of)} blocks: "
                f"{', '.join(map(str, of[:5]))}."
            )
        sizes = np.bincount(group)
        strata = np.unique(np.column_stack([block[first], sizes]), axis=0, return_inverse=True)[1].ravel()
        order = np.argsort(strata, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        exchange = cls(np.argsort(place[group], kind="stable"), sizes[order], strata[order])
        if not exchange.can_exchange:
            alone = "row has another" if groups is None else "group has another of as many rows"
            raise ValueError(
                f"Nothing can be exchanged: no {alone}{'' if blocks is None else ' in its block'}. Pass coarser "
                "blocks, or drop rows until the sizes of groups agree."
            )
        return exchange

    def units(self) -> Iterator[NDArray[np.intp]]:
        """Return the rows of the units of each stratum, (n_units, n_rows)."""
        n_units = np.bincount(self.strata)
        ends = np.cumsum(n_units)
        sizes = self.sizes[ends - 1]
        for n, size, part in zip(n_units, sizes, np.split(self.rows, np.cumsum(n_units * sizes)[:-1]), strict=True):
            yield part.reshape(n, size)

    @property
    def codes(self) -> NDArray[np.intp]:
        """Number of the unit of each row, (n,)."""
        codes = np.empty_like(self.rows)
        codes[self.rows] = np.repeat(np.arange(len(self.sizes)), self.sizes)
        return codes

    @property
    def is_free(self) -> bool:
        """Whether any row may be exchanged with any other."""
        return bool(self.strata[-1] == 0 and self.sizes[0] == 1)

    @property
    def can_exchange(self) -> bool:
        """Whether any two units may be exchanged."""
        return bool((np.bincount(self.strata) > 1).any())

    def draw(self, rng: Generator) -> NDArray[np.intp]:
        """Draw an order (n,) that puts row order[i] in place of row i; all arrangements are equally likely."""
        drawn = rng.permutation(len(self.sizes))
        if self.is_free:
            return drawn
        units = drawn[np.argsort(self.strata[drawn], kind="stable")]
        starts = np.cumsum(self.sizes) - self.sizes
        order = np.empty_like(self.rows)
        order[self.rows] = self.rows[np.arange(len(self.rows)) + np.repeat(starts[units] - starts, self.sizes)]
        return order

    def warn_of_few(self) -> None:
        """Warn if there are too few arrangements for a small p-value."""
        possible = round(np.exp(min(special.gammaln(np.bincount(self.strata) + 1).sum(), 9.0)))
        if possible < FEWEST:
            warn(
                f"Only {possible} arrangements of the rows are possible, so no p-value can be much smaller than "
                f"1/{possible} = {1 / possible:.2f}, whatever n_permutations is. Add rows, or groups of one size."
            )


def _codes(labels: Any, name: str, n_rows: int, without: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """Return the number of each row's label, and the labels."""
    if labels is None:
        return without, without
    values, codes = distinct_ids(checked_ids(labels, name, n_rows, "X"), name)
    return codes.ravel(), values
