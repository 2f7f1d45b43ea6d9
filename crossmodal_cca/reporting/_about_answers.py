"""Section of how sure first hits are, and how many queries can be answered at a stated risk."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..plotting import RiskCoverageDisplay
from ..retrieval.confidence import CONDITION
from ._contents import Content, Picture, Table, Text
from ._evidence import Evidence
from ._figures import legible
from ._instruments import RISKS, SURE_OF_RISK


def contents_of_answers(evidence: Evidence) -> list[Content]:
    """Show what share of queries can be answered, and the hit rate expected without labels."""
    found = numbers_of_answers(evidence)
    if isinstance(evidence.told.answers, str):
        return [Text(f"These pairs do not tell: {found['reason']}")]
    answers = evidence.told.answers
    first = [
        [
            *(name, f"{each['expected']:.3f} ({each['low']:.3f} to {each['high']:.3f})", f"{each['found']:.3f}"),
            *(f"{each[n]:,}" for n in ("n_fit", "n_queries")),
        ]
        for name, each in found.items()
    ]
    second = [
        [name, f"{answer['risk']:.0%}", *_answered(answer)]
        for name, each in found.items()
        for answer in each["answers"]
    ]
    names = dict(zip(answers, legible([each.label(evidence.question.names) for each in answers]), strict=True))

    def draw(ax: Any) -> None:
        for direction, each in answers.items():
            RiskCoverageDisplay.from_predictions(each.confidence, each.right, name=names[direction], ax=ax)

    return [
        Text(
            "The lead of the first hit tells how likely it is to be right. That was learned from the queries of one "
            "half of the held-out groups, and applied to the other half, one query for each group."
        ),
        Table(
            "Share of queries whose first hit is right: expected without knowing, and found",
            ["direction", "expected", "found", "learned from", "queries"],
            first,
        ),
        Text(f"An expected hit rate holds as long as {CONDITION}."),
        Table(
            f"Queries that can be answered if so many answers may be wrong ({SURE_OF_RISK:.0%} sure, each by itself)",
            ["direction", "may be wrong", "answered", "wrong among these"],
            second,
            2,
        ),
        Picture(
            draw,
            "Share of wrong answers when the surest queries alone are answered, by the share that is: "
            + "; ".join(f"{name}: {1 - each['found']:.0%} wrong if all are answered" for name, each in found.items()),
        ),
    ]


def _answered(answer: dict[str, Any]) -> list[str]:
    if answer["threshold"] is None:
        return ["too few queries to tell", ""]
    wrong = answer["wrong"]
    return [f"{answer['answered']:.1%}", "" if np.isnan(wrong) else f"{wrong:.1%} of {answer['n_answers']:,}"]


def numbers_of_answers(evidence: Evidence) -> dict[str, Any]:
    """Return hit rates and shares of answers by direction."""
    answers = evidence.told.answers
    if isinstance(answers, str):
        return {"reason": answers}
    found = {}
    for direction, each in answers.items():
        shares = []
        for risk in RISKS:
            given = each.answered(risk)
            none = given is None or not given.any()
            shares.append(
                {
                    "risk": risk,
                    "threshold": each.thresholds[risk],
                    "n_answers": 0 if given is None else int(given.sum()),
                    "answered": np.nan if given is None else float(given.mean()),
                    "wrong": np.nan if none else float(1 - each.right[given].mean()),
                }
            )
        found[direction.label(evidence.question.names)] = {
            "expected": each.expected["value"],
            "low": each.expected["low"],
            "high": each.expected["high"],
            "found": float(each.right.mean()),
            "n_fit": each.n_fit,
            "n_queries": len(each.right),
            "answers": shares,
        }
    return found
