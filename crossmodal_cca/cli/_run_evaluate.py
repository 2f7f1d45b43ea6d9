"""`evaluate`: measure how well a model finds partners."""

from __future__ import annotations

import argparse

from ._options import add_hold_out, add_sides
from ._result import Result

# Name of the command.
NAME = "evaluate"
# One line in the list of commands.
SUMMARY = "measure how well a model finds the partners in two files, with intervals, chance and the size of the gallery"
# Example in the help of the command.
EXAMPLE = (
    "crossmodal-cca evaluate emoji/model emoji/pictures.npy emoji/words.npy --hold-out 0.2 "
    "--groups emoji/emoji.csv:base_name --require hit_rate_at_10=.5"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("model", metavar="MODEL", help="what fit wrote")
    add_sides(parser)
    parser.add_argument(
        "--require",
        type=_requirement,
        action="append",
        default=[],
        metavar="MEASURE=VALUE",
        help="leave with status 1 where a measure is worse than that in either direction; may be repeated",
    )
    add_hold_out(parser, "measure on the pairs alone that fit held out with this share, the same groups and seed")


def run(arguments: argparse.Namespace) -> Result:
    """Report; the status is 1 if a requirement is not met."""
    from .. import load
    from ._pair_report import report_on, unmet
    from ._sides import Sides, held_out

    model = load(arguments.model)
    sides = Sides.read(arguments)
    every, test = held_out(sides, arguments.hold_out, arguments.seed)
    report = report_on(model, sides, test if arguments.hold_out else every, arguments)
    failed = unmet(report, arguments.require)
    lines = [*sides.remarks, report.text]
    lines += [f"required: {name} {value:g}, got {got:.3g} {direction}" for name, value, direction, got in failed]
    keys = ("measure", "required", "direction", "value")
    data = {"report": report.records, "n_pairs": report.n_pairs, "n_left_out": report.n_left_out} | sides.alone
    data["unmet"] = [dict(zip(keys, each, strict=True)) for each in failed]
    return Result("\n".join(lines), data, int(bool(failed)))


def _requirement(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a measure and a number, as hit_rate_at_10=.5, got {text!r}"
        ) from None
