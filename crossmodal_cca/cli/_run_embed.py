"""`embed`: map rows into the shared space."""

from __future__ import annotations

import argparse

from ._options import add_output
from ._result import Result, check_output, written

# Name of the command.
NAME = "embed"
# One line in the list of commands.
SUMMARY = "write the scores of rows in the shared space, as a .npy file"
# Example in the help of the command.
EXAMPLE = "crossmodal-cca embed emoji/model emoji/pictures.npy -o emoji/scores.npy"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("model", metavar="MODEL", help="what fit wrote")
    parser.add_argument("features", metavar="FEATURES", help="features of either modality")
    parser.add_argument("--modality", choices=("x", "y"), default="x", help="which one (default: %(default)s)")
    add_output(parser, "NPY", "where to write the scores", required=True)


def run(arguments: argparse.Namespace) -> Result:
    """Embed a block of rows at a time, and write each block at once."""
    if arguments.output.suffix.lower() != ".npy":
        raise ValueError(f"scores are written as .npy; choose a name that ends so in place of {arguments.output}.")
    check_output(arguments.output, arguments.force)
    import numpy as np

    from .. import load
    from ..io import read_features
    from ._sides import check_width, scores_in_blocks

    model, rows = load(arguments.model), read_features(arguments.features)
    check_width(model, rows, arguments.modality, "FEATURES")
    shape: tuple[int, int] = len(rows), 0
    with written(arguments.output) as file:
        # No memory map: writing to one on a full disk would kill the process.
        for block in scores_in_blocks(model, rows, arguments.modality):
            if not shape[1]:
                shape = len(rows), block.shape[1]
                header = {"descr": np.lib.format.dtype_to_descr(block.dtype), "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
            file.write(np.ascontiguousarray(block).data)
    return Result(f"{arguments.output}: scores of shape {shape}", {"scores": str(arguments.output), "shape": shape})
