"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

# Help text of the files of features.
_FEATURES = "features: .npy, .npz:KEY, .csv, .jsonl, .parquet:COLUMN, .feather or .arrow"


def add_sides(parser: argparse.ArgumentParser) -> None:
    """Add arguments for the two files of features, and for the ids that pair their rows."""
    parser.add_argument("x", metavar="X", help=f"{_FEATURES}, of the first modality")
    parser.add_argument("y", metavar="Y", help="the same of the second modality")
    add_ids(parser)
    parser.add_argument("--groups", metavar="FILE:COLUMN", help="rows of X that must not be separated, by a group each")


def add_ids(parser: argparse.ArgumentParser) -> None:
    """Add arguments for the ids of the rows of both sides."""
    parser.add_argument("--x-ids", metavar="FILE:COLUMN", help="ids of the rows of X (without: row i belongs to row i)")
    parser.add_argument("--y-ids", metavar="FILE:COLUMN", help="ids of the rows of Y, equal where they belong together")


def add_hold_out(parser: argparse.ArgumentParser, text: str) -> None:
    """Add the argument for the pairs that are held out for the report."""
    parser.add_argument("--hold-out", type=share, default=None, metavar="SHARE", help=text)
    add_labels(parser)
    add_at_most(parser, 50_000, "report")


def add_at_most(parser: argparse.ArgumentParser, default: int, where: str) -> None:
    """Add the arguments for the largest number of pairs, and for the seed that chooses them."""
    parser.add_argument(
        "--at-most",
        type=whole_number,
        default=default,
        metavar="N",
        help=f"pairs in the {where}, chosen at random from more (default: %(default)s)",
    )
    add_seed(parser)


def add_labels(parser: argparse.ArgumentParser) -> None:
    """Add the argument for labels that say what is relevant."""
    parser.add_argument(
        "--labels", metavar="FILE:COLUMN", help="labels of the rows of X: in the report equal ones match"
    )


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Add the argument for the random seed."""
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of what is random (default: %(default)s)")


def add_output(parser: argparse.ArgumentParser, metavar: str, text: str, *, required: bool) -> None:
    """Add the argument for the file of the result."""
    parser.add_argument("-o", "--output", type=Path, required=required, metavar=metavar, help=text)
    add_force(parser)


def add_force(parser: argparse.ArgumentParser) -> None:
    """Add the argument that allows overwriting."""
    parser.add_argument("--force", action="store_true", help="overwrite what is there")


def _number(kind: Callable[[str], float], says: str, fits: Callable[[float], bool]) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            number = kind(text)
        except ValueError:
            number = float("nan")
        if not fits(number):
            raise argparse.ArgumentTypeError(f"must be {says}, got {text!r}")
        return number

    return read


whole_number = _number(int, "a whole number of at least 1", lambda number: number >= 1)
share = _number(float, "a share between 0 and 1", lambda number: 0 < number < 1)
