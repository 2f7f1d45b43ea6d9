"""`demo`: search among emoji, or write them as files to try the other commands with."""

from __future__ import annotations

import argparse
from pathlib import Path

from ._options import add_force
from ._result import Result, check_output, written

# Name of the command.
NAME = "demo"
# One line in the list of commands.
SUMMARY = "search emoji by word and words by emoji, with figures and a picture; or write the emoji as files"
# Example in the help of the command.
EXAMPLE = "crossmodal-cca demo --files emoji"
# File that the picture is written to by default.
_PICTURE = Path("crossmodal_cca_demo.png")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--output",
        type=Path,
        default=_PICTURE,
        metavar="PNG",
        help="where to write the picture (default: %(default)s in the current folder)",
    )
    place.add_argument(
        "--files",
        type=Path,
        metavar="DIR",
        help="write pictures.npy, words.npy (features of 1911 emoji) and emoji.csv (what they are) there, and no more",
    )
    add_force(parser)


def run(arguments: argparse.Namespace) -> Result:
    """Run the demonstration, or write the files."""
    if arguments.files is not None:
        return _write_files(arguments.files, arguments.force)
    output: Path = arguments.output
    if output.suffix.lower() != ".png":
        raise ValueError(f"cannot write the picture to {output}: the name must end in .png; choose it with --output.")
    check_output(output, arguments.force)

    from ._emoji_story import run_demo

    with written(output) as file:
        run_demo(file, output)
    return Result("", {"picture": str(output)})


def _write_files(folder: Path, force: bool) -> Result:
    import numpy as np
    import pandas as pd

    from ..datasets import load_emoji

    files = {name: folder / name for name in ("pictures.npy", "words.npy", "emoji.csv")}
    if not folder.exists():
        folder.mkdir()
    for file in files.values():
        check_output(file, force)
    data = load_emoji()
    for name, features in (("pictures.npy", data.image), ("words.npy", data.text)):
        with written(files[name]) as file:
            np.save(file, features)
    table = {"hexcode": data.hexcode, "emoji": data.emoji, "name": data.names["en"], "base_name": data.base_name}
    table["group"] = data.group_names[data.group]
    with written(files["emoji.csv"]) as file:
        pd.DataFrame(table).to_csv(file, index=False)
    lines = [
        f"{files['pictures.npy']}: {data.image.shape[1]} features of the picture of each of {len(data.emoji)} emoji",
        f"{files['words.npy']}: {data.text.shape[1]} features of its name and keywords",
        f"{files['emoji.csv']}: {', '.join(table)}; emoji of one base_name are variants of each other",
    ]
    return Result("\n".join(lines), {"files": [str(file) for file in files.values()], "n_rows": len(data.emoji)})
