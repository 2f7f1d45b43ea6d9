"""`monitor`: say whether new files of features have changed since a reference."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ._options import add_seed, share, whole_number
from ._result import Result

if TYPE_CHECKING:
    from ._sides import Positions, Sides

# Name of the command.
NAME = "monitor"
# One line in the list of commands.
SUMMARY = "say whether new features, or their pairing, have changed since a reference that the model has not seen"
# Example in the help of the command.
EXAMPLE = (
    "crossmodal-cca monitor emoji/model --reference emoji/pictures.npy emoji/words.npy --hold-out 0.2 "
    "--reference-groups emoji/emoji.csv:base_name --batch emoji/pictures.npy emoji/words.npy "
    "--batch-groups emoji/emoji.csv:base_name"
)
# Options by the parameters of the monitor.
_OPTIONS = {"n_permutations": "--permutations", "false_alarm_rate": "--false-alarms", "min_effect": "--min-effect"}
# Most unusual rows that are listed after an alarm.
_LISTED = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("model", metavar="MODEL", help="what fit wrote")
    for name, what in (("reference", "pairs of normal times, held out from the fit"), ("batch", "new pairs")):
        parser.add_argument(
            f"--{name}", nargs=2, required=True, metavar=("X", "Y"), help=f"features of both modalities of {what}"
        )
        parser.add_argument(
            f"--{name}-ids",
            nargs=2,
            metavar=("X_IDS", "Y_IDS"),
            help="FILE:COLUMN of each; equal ids belong together (without: row i to row i)",
        )
        parser.add_argument(
            f"--{name}-groups", metavar="FILE:COLUMN", help="rows of X that are not independent, by a group each"
        )
    parser.add_argument(
        "--hold-out",
        type=share,
        metavar="SHARE",
        help="of the reference, take the pairs alone that fit held out with this share, the same groups and seed",
    )
    parser.add_argument(
        "--false-alarms",
        type=share,
        default=0.05,
        metavar="RATE",
        help="how often a batch may raise an alarm although nothing has changed (default: %(default)s)",
    )
    parser.add_argument(
        "--min-effect",
        type=float,
        default=0.0,
        metavar="EFFECT",
        help="smaller effects raise no alarm, however certain (default: %(default)s)",
    )
    parser.add_argument(
        "--permutations", type=whole_number, default=999, metavar="N", help="exchanges of rows (default: %(default)s)"
    )
    add_seed(parser)


def run(arguments: argparse.Namespace) -> Result:
    """Test the batch; the status is 1 if anything has changed."""
    from .. import load
    from .._errors import in_terms_of
    from ..diagnosis import DriftMonitor
    from ..diagnosis._drift_family import CHANGED
    from ._sides import held_out

    model = load(arguments.model)
    reference, batch = (_sides(arguments, name, model) for name in ("reference", "batch"))
    every, rest = held_out(reference, arguments.hold_out, arguments.seed)
    monitor = DriftMonitor(
        model,
        false_alarm_rate=arguments.false_alarms,
        n_permutations=arguments.permutations,
        min_effect=arguments.min_effect,
        random_state=arguments.seed,
    )
    X, y, groups = _rows(reference, rest if arguments.hold_out else every)
    with in_terms_of(X_ref="--reference X", y_ref="--reference Y", groups="--reference-groups", **_OPTIONS):
        monitor.fit(X, y, groups)
    pairs = held_out(batch, None, arguments.seed)[0]
    X, y, groups = _rows(batch, pairs)
    with in_terms_of(X="--batch X", y="--batch Y", groups="--batch-groups", **_OPTIONS):
        table = monitor.test(X, y, groups)
        alarms = table.index[table["verdict"] == CHANGED].tolist()
        unusual = _in_files(monitor.unusual_rows(X, y).head(_LISTED), batch, pairs) if alarms else None
    lines = [f"{len(X):,} pairs against {monitor.n_reference_rows_:,} of the reference", table.round(4).to_string(), ""]
    lines.append(f"alarm: {', '.join(alarms)}" if alarms else "no alarm")
    if unusual is not None and len(unusual):
        lines.append("rows of X and of Y to look at, counted from 0 in their files:")
        lines.append(unusual.round(4).to_string(index=False))
    data: dict[str, Any] = {"alarms": alarms, "tests": table.reset_index().to_dict("records")}
    data |= {"unusual_rows": [] if unusual is None else unusual.to_dict("records")}
    data |= {"n_pairs": len(X), "n_reference": monitor.n_reference_rows_}
    return Result("\n".join(lines), data, int(bool(alarms)))


def _in_files(unusual: Any, batch: Sides, pairs: Positions) -> Any:
    """Number rows as the file of their side does; pairs that ids join are in another order."""
    import numpy as np

    of_x = unusual["what"].str.startswith("x ")
    pairs = pairs[unusual["row"].to_numpy(dtype=np.intp)]
    return unusual.assign(row=np.where(of_x, batch.rows.x_rows[pairs], batch.rows.y_rows[pairs]))


def _sides(arguments: argparse.Namespace, name: str, model: Any) -> Sides:
    """Read the pairs of the reference or of the batch."""
    from .._errors import in_terms_of
    from ._sides import Sides, check_width

    (x, y), ids, groups = (getattr(arguments, f"{name}{part}") for part in ("", "_ids", "_groups"))
    x_ids, y_ids = ids or (None, None)
    typed = {"X": f"--{name} X", "Y": f"--{name} Y", "x-ids and --y-ids": f"{name}-ids", "groups": f"{name}-groups"}
    with in_terms_of(**typed):
        sides = Sides.read(argparse.Namespace(x=x, y=y, x_ids=x_ids, y_ids=y_ids, groups=groups))
    check_width(model, sides.X, "x", x)
    check_width(model, sides.y, "y", y)
    return sides


def _rows(sides: Sides, pairs: Positions) -> tuple[Any, Any, Any]:
    """Return both sides of some pairs, and their groups if these were given or several pairs share an id."""
    groups = None if sides.groups is None else sides.groups[pairs]
    if groups is not None and sides.groups is sides.rows.groups and len(set(groups.tolist())) == len(groups):
        groups = None
    return *sides.pairs_of(pairs), groups
