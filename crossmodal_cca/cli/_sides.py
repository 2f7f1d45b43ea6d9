"""Both sides of the data as the arguments name them: features, pairs of rows, and held-out pairs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..io import pair_by_id, read_features, read_ids
from ..io.pairing import JoinedRows
from ..rows._blocks import row_slices
from ..rows._stored import DenseRows

Positions = NDArray[np.intp]


@dataclass(frozen=True)
class Sides:
    """Features of both sides and the pairs that their rows form."""

    X: NDArray[Any]
    y: NDArray[Any]
    rows: JoinedRows
    joined: bool  # whether pairs are joined by ids, and not row by row
    groups: NDArray[Any] | None  # of each pair
    labels: NDArray[Any] | None  # of each row of X

    @classmethod
    def read(cls, arguments: argparse.Namespace) -> Self:
        """Read the files that the arguments name."""
        return cls.of(read_features(arguments.x), read_features(arguments.y), arguments)

    @classmethod
    def of(cls, X: NDArray[Any], y: NDArray[Any], arguments: argparse.Namespace) -> Self:
        """Pair the rows of features that were read."""
        x_ids, y_ids = ids_of(arguments.x_ids, len(X), "X"), ids_of(arguments.y_ids, len(y), "Y")
        if (x_ids is None) != (y_ids is None):
            given, missing = ("--y-ids", "--x-ids") if x_ids is None else ("--x-ids", "--y-ids")
            raise ValueError(f"{given} says which rows belong together only with {missing}; give both or neither.")
        if x_ids is not None:
            rows = pair_by_id(x_ids, y_ids)
        elif len(X) != len(y):
            raise ValueError(
                f"X has {len(X)} rows and Y has {len(y)}, so row i cannot belong to row i; say with --x-ids and "
                "--y-ids which belong together."
            )
        else:
            every, none = np.arange(len(X)), np.arange(0)
            rows = JoinedRows(every, every, every, every, none, none)
        groups = ids_of(arguments.groups, len(X), "X")
        joined = x_ids is not None
        return cls(
            X,
            y,
            rows,
            joined,
            _groups_of_pairs(groups, rows) if groups is not None else rows.groups if joined else None,
            ids_of(getattr(arguments, "labels", None), len(X), "X"),
        )

    @property
    def alone(self) -> dict[str, int]:
        """Number of rows without a partner."""
        return {"n_x_alone": len(self.rows.x_alone), "n_y_alone": len(self.rows.y_alone)}

    @property
    def remarks(self) -> list[str]:
        """Sentences about the rows left out."""
        found = zip(("X", "Y"), self.alone.values(), strict=True)
        return [f"{n} row(s) of {side} have no partner and are left out." for side, n in found if n]

    def pairs_of(self, pairs: Positions) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the rows of both sides of some pairs, without a copy if these are all rows in order."""
        return _chosen(self.X, self.rows.x_rows[pairs]), _chosen(self.y, self.rows.y_rows[pairs])


def _chosen(A: NDArray[Any], rows: Positions) -> NDArray[Any]:
    return A if len(rows) == len(A) and np.array_equal(rows, np.arange(len(A))) else A[rows]


def ids_of(path: str | None, n_rows: int, side: str) -> NDArray[Any] | None:
    """Read the ids in a file, one for each row of a side."""
    if path is None:
        return None
    ids = read_ids(path)
    if len(ids) != n_rows:
        raise ValueError(f"{path} has {len(ids)} entries, but {side} has {n_rows} rows; it needs one for each.")
    return ids


def _groups_of_pairs(groups: NDArray[Any], rows: JoinedRows) -> NDArray[Any]:
    of_pairs = groups[rows.x_rows]
    together = np.unique(np.column_stack((rows.groups, np.unique(of_pairs, return_inverse=True)[1])), axis=0)
    twice = np.flatnonzero(np.diff(together[:, 0]) == 0)
    if len(twice):
        example = rows.ids[rows.groups == together[twice[0], 0]][0]
        raise ValueError(f"rows of the id {example} lie in several --groups; rows of one id must be in one group.")
    return of_pairs


def held_out(sides: Sides, share: float | None, seed: int) -> tuple[Positions, Positions]:
    """Split pairs into those to fit to and those held out: whole groups, the same ones for the same seed."""
    every = np.arange(len(sides.rows.x_rows))
    if share is None:
        return every, every[:0]
    from ..alignment._splits import held_out_groups

    return held_out_groups(every if sides.groups is None else sides.groups, share, seed)


def scores_in_blocks(
    model: Any, A: NDArray[Any], modality: str, rows: Positions | None = None
) -> Iterator[NDArray[Any]]:
    """Compute scores of the rows of one side, or of some of them, a block at a time."""
    embed = model.transform if modality == "x" else model.transform_y
    stored = DenseRows(A)
    for part in row_slices(len(A) if rows is None else len(rows)):
        yield embed(stored.read(part if rows is None else rows[part], A.dtype))


def check_width(model: Any, A: NDArray[Any], modality: str, name: str) -> None:
    """Refuse rows whose width is not that of the modality."""
    widths = {"x": getattr(model, "n_features_in_", None), "y": _length(getattr(model, "y_mean_", None))}
    if widths[modality] in (None, A.shape[1]):
        return
    other = "y" if modality == "x" else "x"
    hint = f"they have the width of {other}: --modality says which is which" if widths[other] == A.shape[1] else ""
    raise ValueError(
        f"{name} has {A.shape[1]} features, but rows of {modality} have {widths[modality]} in this model; "
        f"{hint or 'pass features of the same encoder'}."
    )


def _length(A: Any) -> int | None:
    return None if A is None else len(A)
