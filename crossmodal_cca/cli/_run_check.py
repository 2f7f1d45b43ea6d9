"""`check`: report what is wrong with two files before anything is fitted."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ._options import add_seed, add_sides
from ._result import Result

if TYPE_CHECKING:
    from ..diagnosis._findings import Finding

# Name of the command.
NAME = "check"
# Most pairs that are checked for wrong ones: a fit to them takes a second or two, whatever the features are.
_AT_MOST = 2000
# Folds of that check, which takes a fit for each and one more.
_FOLDS = 3
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
    from ._sides import ids_of

    X, y = (read_features(path, allow_nan=True) for path in (arguments.x, arguments.y))
    x_ids, y_ids = ids_of(arguments.x_ids, len(X), "X"), ids_of(arguments.y_ids, len(y), "Y")
    groups = ids_of(arguments.groups, len(X), "X")
    found = data_report(X, y, x_ids=x_ids, y_ids=y_ids, groups=groups)
    findings: list[Any] = [*found.to_dict("records"), _wrong_pairs(X, y, arguments)._asdict()]
    findings.sort(key=lambda finding: SEVERITIES.index(finding["severity"]))
    lines = []
    for finding in findings:
        lines.append(f"{finding['severity']}, {finding['side']}: {finding['what']}")
        if finding["what_to_do"]:
            lines.append(f"    {finding['what_to_do']}")
    wrong = sum(finding["severity"] != "note" for finding in findings)
    lines.append(f"{wrong} {'thing' if wrong == 1 else 'things'} to look at." if wrong else "Nothing is wrong.")
    return Result("\n".join(lines), {"findings": findings}, int(wrong > 0))


def _wrong_pairs(X: Any, y: Any, arguments: argparse.Namespace) -> Finding:
    """Say how many pairs may be wrong, or why these rows do not tell."""
    import numpy as np

    from .._ids import distinct_ids
    from ..diagnosis import PairCheck
    from ..diagnosis._findings import Finding
    from ..diagnosis._wrong_pairs import finding_of
    from ._pair_report import some_pairs
    from ._sides import Sides

    try:
        sides = Sides.of(X, y, arguments)
        every = np.arange(len(sides.rows.x_rows))
        pairs = some_pairs(sides, every, _AT_MOST, arguments.seed)
        ids, groups = sides.rows.ids[pairs], None if sides.groups is None else sides.groups[pairs]
        check = PairCheck(cv=_FOLDS).fit(*sides.pairs_of(pairs), groups=groups, x_ids=ids, y_ids=ids)
    except ValueError as error:
        reason = " ".join(str(error).split())
        return Finding("wrong pairs", "pairs", "note", np.nan, f"wrong pairs were not looked for: {reason}", "")
    found = finding_of(check, distinct_ids(ids if groups is None else groups, "groups")[1].ravel())
    if len(pairs) == len(every):
        return found
    return found._replace(what=f"{found.what} (pairs chosen at random of {len(every):,})")
