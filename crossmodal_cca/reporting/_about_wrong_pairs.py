"""Section of pairs that may not belong together."""

from __future__ import annotations

from typing import Any

from ..diagnosis._wrong_pairs import most_suspicious
from ..plotting import PairCheckDisplay
from ._contents import Caption, Content, Picture, Search, Searches, Table, Text
from ._evidence import Evidence
from ._instruments import WrongPairs

# Most suspicious pairs that are shown with their captions, and in the table and the numbers.
_SHOWN, _LISTED = 10, 20


def contents_of_wrong_pairs(evidence: Evidence) -> list[Content]:
    """Say how many pairs may be wrong, and show those to look at."""
    found, question = evidence.told.wrong_pairs, evidence.question
    if isinstance(found, str):
        return [Text(f"These pairs do not tell: {found}")]
    n, rows = len(found.pairs), _listed(found)
    said = (
        f"At most about {found.share:.1%} of {n:,} pairs do not belong together (95 % sure: not more than "
        f"{found.high:.1%}), by scores of models with these settings that have not seen them."
    )
    if question.shows_items:
        listing: Content = Searches("Least alike, with the partner that each has", _with_captions(evidence, found))
    else:
        columns = ["row", "suspicion", f"rank from {question.names[0]}", f"rank from {question.names[1]}"]
        cells = [
            [f"{row['row']}", f"{row['suspicion']:.1f}", f"{row['rank_x_to_y']:,.0f}", f"{row['rank_y_to_x']:,.0f}"]
            for row in rows
        ]
        listing = Table("Least alike; rows are counted from 0", columns, cells)
    return [
        Text(said),
        Text(
            "Right pairs of a rare kind, or of a weak relation, look the same: this is a list to look at, not to "
            "delete. Wrong partners of the right kind, as after a shift in a sorted list, are not seen."
        ),
        Picture(
            lambda ax: PairCheckDisplay.from_table(found.table, ax=ax),
            "Share of pairs by the p-value of being mismatched: right pairs are on the left, wrong ones everywhere "
            f"alike, at the height of the dotted line; about {found.share:.1%} in all.",
        ),
        listing,
    ]


def numbers_of_wrong_pairs(evidence: Evidence) -> dict[str, Any]:
    """Return the share of wrong pairs, and the rows of the least alike."""
    found = evidence.told.wrong_pairs
    if isinstance(found, str):
        return {"reason": found}
    return {
        "n_pairs": len(found.pairs),
        "wrong_share": found.share,
        "high": found.high,
        "stand_out": found.stand_out,
        "most_suspicious": _listed(found),
    }


def _listed(found: WrongPairs) -> list[dict[str, Any]]:
    worst = most_suspicious(found.table, _LISTED)
    columns = ["score", "rank_x_to_y", "rank_y_to_x", "suspicion", "p_value"]
    rows: list[dict[str, Any]] = worst[columns].to_dict("records")  # type: ignore[assignment]
    return [{"row": int(found.pairs[i])} | row for i, row in zip(worst.index, rows, strict=True)]


def _with_captions(evidence: Evidence, found: WrongPairs) -> list[Search]:
    question = evidence.question
    shown = []
    for row in _listed(found)[:_SHOWN]:
        x, y = (question.caption(side, row["row"]) for side in ("x", "y"))
        place = (
            f"row {row['row']}, suspicion {row['suspicion']:.1f}, ranks {row['rank_x_to_y']:,.0f} and "
            f"{row['rank_y_to_x']:,.0f}"
        )
        shown.append(Search(_named(x, row), [(_named(y, row), False)], place))
    return shown


def _named(caption: Caption, row: dict[str, Any]) -> Caption:
    """Return a caption that says something, as a caption may be empty."""
    return caption if caption.words else Caption([f"row {row['row']}"])
