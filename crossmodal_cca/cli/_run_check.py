"""`check`: report what is wrong with two files before anything is fitted."""

from __future__ import annotations

import argparse
from typing import Any

from ._options import add_seed, add_sides
from ._result import Result

# Name of the command.
NAME = "check"
# One line in the list of commands.
SUMMARY = "say what is wrong with two files of features before anything is fitted, and what to do about it"
# Example in the help of the command.
EXAMPLE = "crossmodal-cca check emoji/pictures.npy emoji/words.npy --groups emoji/emoji.csv:base_name"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_sides(parser)
    add_seed(parser)


def run(arguments: argparse.Namespace) -> Result:
    """Report; the status is 1 if there is an error or a warning, and not only a note."""
    from ..diagnosis import data_report
    from ..diagnosis._findings import SEVERITIES
    from ..io import read_features
    from ._pair_findings import findings_of_pairs
    from ._sides import ids_of

    X, y = (read_features(path, allow_nan=True) for path in (arguments.x, arguments.y))
    x_ids, y_ids = ids_of(arguments.x_ids, len(X), "X"), ids_of(arguments.y_ids, len(y), "Y")
    groups = ids_of(arguments.groups, len(X), "X")
    found = data_report(X, y, x_ids=x_ids, y_ids=y_ids, groups=groups)
    of_pairs = (finding._asdict() for finding in findings_of_pairs(X, y, arguments))
    findings: list[Any] = [*found.to_dict("records"), *of_pairs]
    findings.sort(key=lambda finding: SEVERITIES.index(finding["severity"]))
    lines = []
    for finding in findings:
        lines.append(f"{finding['severity']}, {finding['side']}: {finding['what']}")
        if finding["what_to_do"]:
            lines.append(f"    {finding['what_to_do']}")
    wrong = sum(finding["severity"] != "note" for finding in findings)
    lines.append(f"{wrong} {'thing' if wrong == 1 else 'things'} to look at." if wrong else "Nothing is wrong.")
    return Result("\n".join(lines), {"findings": findings}, int(wrong > 0))
