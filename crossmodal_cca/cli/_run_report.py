"""`report`: write a page that says whether two files share a space, which method finds it, and how good it is."""

from __future__ import annotations

import argparse
import hashlib
import re
import shlex
from pathlib import Path
from typing import Any

from ._options import add_at_most, add_output, add_sides, share, whole_number
from ._result import Result, check_output

# Name of the command.
NAME = "report"
# One line in the list of commands.
SUMMARY = "write a page: whether the sides of two files share a space that helps, which method finds it, how good it is"
# Example in the help of the command.
EXAMPLE = (
    "crossmodal-cca report emoji/pictures.npy emoji/words.npy -o emoji/report.html --groups emoji/emoji.csv:base_name "
    "--settings-of emoji/model --labels emoji/emoji.csv:group --x-captions emoji/emoji.csv:emoji "
    "--y-captions emoji/emoji.csv:name --names picture word --shuffles 5"
)
# Arguments that name a file of a column, and may be given for each side.
_COLUMNS = ("x_ids", "y_ids", "groups", "labels", "x_captions", "y_captions")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_sides(parser)
    add_output(parser, "HTML", "where to write the page, one file that needs no other", required=True)
    parser.add_argument("--labels", metavar="FILE:COLUMN", help="classes of the rows of X, for figures by class")
    for side in "xy":
        parser.add_argument(
            f"--{side}-captions",
            action="append",
            metavar="FILE:COLUMN",
            help=f"what searches show for the rows of {side.upper()}: texts, addresses, or paths to pictures; may be "
            "repeated",
        )
    parser.add_argument("--no-examples", action="store_true", help="show no searches, and so no caption")
    parser.add_argument(
        "--names", nargs=2, default=("x", "y"), metavar=("X", "Y"), help="what to call the two modalities"
    )
    parser.add_argument("--measure", metavar="NAME", help="measure that decides (default: hit_rate_at_10)")
    parser.add_argument("--settings-of", metavar="MODEL", help="report on the settings of this model that fit wrote")
    parser.add_argument("--baseline", metavar="MODEL", help="say which queries lose against the settings of this model")
    parser.add_argument(
        "--reference",
        nargs=2,
        metavar=("X", "Y"),
        help="other pairs, that the held-out ones are compared with",
    )
    parser.add_argument("--hold-out", type=share, metavar="SHARE", help="share of the pairs to measure on (0.2)")
    parser.add_argument("--shuffles", type=whole_number, metavar="N", help="fits to wrong pairs (default: 20)")
    add_at_most(parser, 10_000, "report")


def run(arguments: argparse.Namespace) -> Result:
    """Make the page and write it."""
    check_output(arguments.output, arguments.force)
    import numpy as np

    from ..io import read_features
    from ..reporting._make import defaults, made
    from ..reporting._question import Origin
    from ..rows._validation import check_pair
    from ._sides import Sides

    sides = Sides.read(arguments)
    of_x, of_y = sides.rows.x_rows, sides.rows.y_rows
    captions = {}
    for side, rows, n in (("x", of_x, len(sides.X)), ("y", of_y, len(sides.y))):
        given = getattr(arguments, f"{side}_captions")
        captions[f"{side}_captions"] = given and _captions(given, n, side).iloc[rows]
    asked = defaults() | captions | {"random_state": arguments.seed, "verbose": int(not arguments.quiet)}
    asked |= {"groups": sides.groups, "examples": not arguments.no_examples, "names": tuple(arguments.names)}
    if sides.joined:
        asked |= {"x_ids": sides.rows.ids, "y_ids": sides.rows.ids}
    if sides.labels is not None:
        asked["labels"] = sides.labels[of_x]
    for name, path in (("aligner", arguments.settings_of), ("baseline", arguments.baseline)):
        if path is not None:
            from .. import load

            asked[name] = load(path)
    if arguments.reference is not None:
        asked["reference"] = tuple(map(read_features, arguments.reference))
    settings = {
        "measure": arguments.measure,
        "test_size": arguments.hold_out,
        "n_shuffles": arguments.shuffles,
        "max_pairs": arguments.at_most,
    }
    asked |= {name: value for name, value in settings.items() if value is not None}
    X, y = sides.pairs_of(np.arange(len(of_x)))
    page = made(X, y, check_pair(X, y, min_rows=2), asked, Origin(_command(arguments), _fingerprints(arguments)))
    page.to_html(arguments.output)
    numbers = page.numbers
    lines = [
        f"{page.verdict}: {numbers['verdict']['reason']}",
        *(f"- {each}" for each in numbers["verdict"]["cautions"]),
    ]
    lines += [*sides.remarks, f"Page: {arguments.output}"]
    return Result("\n".join(lines), {"page": str(arguments.output)} | numbers | sides.alone)


def _captions(places: list[str], n_rows: int, side: str) -> Any:
    """Read columns of captions; paths to pictures count from the folder of the file that names them."""
    import pandas as pd

    from ..reporting._captions import is_picture
    from ._sides import ids_of

    columns = {}
    for number, place in enumerate(places):
        folder = Path(_file_of(place)).parent
        read = ids_of(place, n_rows, side.upper())
        columns[number] = [str(folder / text) if is_picture(text) else text for text in map(str, read)]  # type: ignore[arg-type]
    return pd.DataFrame(columns)


def _file_of(place: str) -> str:
    from ..io._place import Place

    return Place.of(place).file


def _given(arguments: argparse.Namespace) -> list[tuple[str, str]]:
    """Return the files that were named, with the arguments that named them."""
    found = [("X", arguments.x), ("Y", arguments.y)]
    for name in _COLUMNS:
        value = getattr(arguments, name)
        option = f"--{name.replace('_', '-')}"
        found += [(option, each) for each in ([value] if isinstance(value, str) else value or [])]
    return found + [(f"--reference {side}", path) for side, path in zip("XY", arguments.reference or (), strict=False)]


def _fingerprints(arguments: argparse.Namespace) -> dict[str, str]:
    """Compute SHA-256 of each file; files go by their names, for folders are nobody's business."""
    found = {}
    for option, place in _given(arguments):
        with open(_file_of(place), "rb") as file:
            found[f"{option} {_without_folder(place)}"] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _without_folder(place: str) -> str:
    file = _file_of(place)
    return re.split(r"[\\/]", file)[-1] + place[len(file) :]


def _command(arguments: argparse.Namespace) -> str:
    """Write the command that was given, with files in the folder in which it is typed."""
    words = ["crossmodal-cca", NAME]
    for option, place in _given(arguments):
        # The second file of a side has no option of its own.
        option = option.removesuffix(" X")
        words += ([] if option[-1] in "XY" else [option]) + [_without_folder(place)]
    words += ["-o", arguments.output.name]
    for name in ("measure", "hold_out", "shuffles"):
        if getattr(arguments, name) is not None:
            words += [f"--{name.replace('_', '-')}", str(getattr(arguments, name))]
    words += ["--names", *arguments.names]
    for option, path in (("--settings-of", arguments.settings_of), ("--baseline", arguments.baseline)):
        words += [] if path is None else [option, Path(path).name]
    words += ["--no-examples"] if arguments.no_examples else []
    words += ["--at-most", str(arguments.at_most), "--seed", str(arguments.seed)]
    return shlex.join(words)
