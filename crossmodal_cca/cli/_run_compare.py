"""`compare`: compare methods of alignment on two files, and say which one is the best for them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ._options import add_at_most, add_force, add_labels, add_sides, whole_number
from ._result import Result, check_output, written

# Name of the command.
NAME = "compare"
# One line in the list of commands.
SUMMARY = "compare PLS, CCA and kernel CCA on two files, with settings chosen inside the folds, and say which is best"
# Example in the help of the command.
EXAMPLE = (
    "crossmodal-cca compare emoji/pictures.npy emoji/words.npy --groups emoji/emoji.csv:base_name "
    "--names picture word --without KernelCCA --folds 2 --at-most 200"
)
# Most pairs that are compared unless the user says otherwise: a search among them takes time by their square.
_AT_MOST = 10_000
# Columns of the table that is printed.
_SHOWN = ("quality", "low", "high", "difference", "p_value", "control", "seconds_to_choose", "seconds_to_fit")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_sides(parser)
    add_labels(parser)
    parser.add_argument(
        "--measure", default="hit_rate_at_10", metavar="NAME", help="what is compared (default: %(default)s)"
    )
    parser.add_argument(
        "--direction",
        choices=("both", "x_to_y", "y_to_x"),
        default="both",
        help="which modality searches the other (default: %(default)s)",
    )
    parser.add_argument(
        "--names", nargs=2, default=("x", "y"), metavar=("X", "Y"), help="what to call the two modalities"
    )
    parser.add_argument(
        "--without", action="append", default=[], metavar="METHOD", help="leave this method out; may be repeated"
    )
    parser.add_argument(
        "--folds", type=whole_number, default=5, metavar="N", help="folds that hold out pairs (default: %(default)s)"
    )
    parser.add_argument("--picture", type=Path, metavar="PNG", help="where to draw quality against seconds")
    add_force(parser)
    add_at_most(parser, _AT_MOST, "comparison")


def run(arguments: argparse.Namespace) -> Result:
    """Compare, and print a table, the best method first."""
    if arguments.picture is not None:
        check_output(arguments.picture, arguments.force)
    import numpy as np

    from ..metrics import compare_aligners
    from ..metrics._directions import check_names
    from ._pair_report import some_pairs
    from ._sides import Sides

    check_names(arguments.names)
    sides = Sides.read(arguments)
    every = np.arange(len(sides.rows.x_rows))
    pairs = some_pairs(sides, every, arguments.at_most, arguments.seed)
    X, y = sides.pairs_of(pairs)
    ids = sides.rows.ids[pairs] if sides.joined else None
    if sides.labels is not None:
        ids = sides.labels[sides.rows.x_rows[pairs]]
    table = compare_aligners(
        X,
        y,
        dict.fromkeys(arguments.without),
        cv=arguments.folds,
        measure=arguments.measure,
        direction=arguments.direction,
        groups=None if sides.groups is None else sides.groups[pairs],
        x_ids=ids,
        y_ids=ids,
        random_state=arguments.seed,
        verbose=int(not arguments.quiet),
    )
    n_left_out = len(every) - len(pairs)
    data: dict[str, Any] = {"comparison": table.reset_index().to_dict("records")}
    data |= {str(name): value for name, value in table.attrs.items()} | {"n_left_out": n_left_out} | sides.alone
    if arguments.picture is not None:
        _draw(table, arguments.picture)
        data["picture"] = str(arguments.picture)
    lines = [*sides.remarks, *_lines(table, arguments.names)]
    if n_left_out:
        lines.append(f"({len(pairs)} pairs chosen at random of {len(every)}; see --at-most)")
    return Result("\n".join(lines), data)


def _lines(table: Any, names: tuple[str, str]) -> list[str]:
    from ..metrics._directions import Direction

    of, best = table.attrs, table.iloc[0]
    asked = " and ".join(each.label(names) for each in Direction if of["direction"] in ("both", each.value))
    return [
        f"{of['measure']}, {asked}, on {of['n_folds']} folds of {of['n_rows']} pairs: {best['n_gallery']:.0f} items in "
        f"a gallery, chance {best['chance']:.3f}",
        table[list(_SHOWN)].round(3).to_string(),
        "",
        f"best: {of['picked']}; with the settings that all pairs choose:",
        *(f"  {name}: {settings}" for name, settings in table["settings"].items()),
    ]


def _draw(table: Any, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from ..plotting import AlignerComparisonDisplay

    figure = Figure(figsize=(8, 5), layout="constrained")
    FigureCanvasAgg(figure)
    AlignerComparisonDisplay.from_table(table, ax=figure.subplots())
    with written(path) as file:
        figure.savefig(file, format="png", dpi=120)
