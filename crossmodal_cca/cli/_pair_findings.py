"""Findings about pairs by a fit or permutations: whether both sides agree at all, and which pairs may be wrong."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._ids import distinct_ids
from ..diagnosis import PairCheck
from ..diagnosis._findings import Finding
from ..diagnosis._groups import thinned
from ..diagnosis._wrong_pairs import finding_of
from ..inference import alignment_test
from ._sides import Positions, Sides

# Most pairs that are looked at, and most of one group: that takes seconds, whatever the features are.
AT_MOST, _OF_GROUP = 2000, 200
# Folds of the check for wrong pairs, which takes a fit for each and one more.
_FOLDS = 3
# Permutations and level of the test of agreement, and pairs from which on it would see a relation.
_N_PERMUTATIONS, _LEVEL, _ENOUGH = 199, 0.05, 200


def findings_of_pairs(X: NDArray[Any], y: NDArray[Any], arguments: argparse.Namespace) -> list[Finding]:
    """Look at the pairs that the arguments make of rows; what these do not allow is said."""
    try:
        sides = Sides.of(X, y, arguments)
    except ValueError as error:
        return [_not_looked_for("agreement and wrong pairs", error)]
    every = np.arange(len(sides.rows.x_rows))
    pairs = every
    if len(every) > AT_MOST:
        pairs = thinned(_codes(sides, every), AT_MOST, _OF_GROUP, np.random.default_rng(arguments.seed))
    drawn = "" if len(pairs) == len(every) else f" ({len(pairs):,} pairs chosen at random of {len(every):,})"
    asked: dict[str, Callable[[Sides, Positions, int], Finding]] = {
        "agreement": _agreement,
        "wrong pairs": _wrong_pairs,
    }
    found = []
    for name, ask in asked.items():
        try:
            finding = ask(sides, pairs, arguments.seed)
            found.append(finding._replace(what=finding.what + drawn))
        except ValueError as error:
            found.append(_not_looked_for(name, error))
    return found


def _not_looked_for(name: str, error: ValueError) -> Finding:
    reason = " ".join(str(error).split())
    return Finding(name, "pairs", "note", np.nan, f"{name} could not be looked for: {reason}", "")


def _codes(sides: Sides, pairs: Positions) -> NDArray[np.intp]:
    """Return the group of each pair, or the item that it is of."""
    groups = sides.rows.ids if sides.groups is None else sides.groups
    return np.asarray(distinct_ids(groups[pairs], "groups")[1].ravel())


def _agreement(sides: Sides, pairs: Positions, seed: int) -> Finding:
    """Say whether the nearest neighbours of both sides are the same beyond chance, by one pair of each group."""
    one = pairs[np.unique(_codes(sides, pairs), return_index=True)[1]]
    row = alignment_test(*sides.pairs_of(one), n_permutations=_N_PERMUTATIONS, random_state=seed).iloc[0]
    figures = f"{row['value']:.3f} of the ten nearest, shuffled {row['chance']:.3f} (p = {row['p_value']:.3f})"
    if row["p_value"] <= _LEVEL:
        what = f"before any training both sides have neighbours in common: {figures}"
        return Finding("agreement", "pairs", "note", row["value"], what, "")
    what = f"before any training both sides have no more neighbours in common than shuffled pairs: {figures}"
    severity = "warning" if len(one) >= _ENOUGH else "note"
    to_do = "see whether rows belong together as they are paired: the same order, the right ids?"
    return Finding("agreement", "pairs", severity, row["value"], what, to_do)


def _wrong_pairs(sides: Sides, pairs: Positions, seed: int) -> Finding:
    """Say how many pairs may be wrong."""
    ids, groups = sides.rows.ids[pairs], None if sides.groups is None else sides.groups[pairs]
    check = PairCheck(cv=_FOLDS, random_state=seed).fit(*sides.pairs_of(pairs), groups=groups, x_ids=ids, y_ids=ids)
    return finding_of(check, _codes(sides, pairs))
