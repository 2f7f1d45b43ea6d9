"""Sections about the pairs before any training: whether both sides agree at all, and what labels call for."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ._about_model import number, records
from ._before_training import N_PRINCIPAL
from ._contents import Content, Table, Text
from ._evidence import Evidence

# Measures of agreement in words.
_MEASURES = {"mutual_knn": "shared among ten nearest neighbours", "cka": "debiased linear CKA"}
# Routes in words; x and y are the names of the modalities.
_ROUTES = {"align": "align both", "x_to_y": "predict {1} from {0}", "y_to_x": "predict {0} from {1}"}


def contents_of_agreement(evidence: Evidence) -> list[Content]:
    """Show how alike the encoders are before any training."""
    found = evidence.told.agreement
    if isinstance(found, str):
        return [Text(f"These pairs do not tell: {found}")]
    rows = [
        [_MEASURES[str(row["measure"])], *(number(row[name]) for name in ("value", "chance", "effect", "p_value"))]
        for row in records(found) or []
    ]
    return [
        Text(
            f"Before any training, on {found.attrs['n_pairs']:,} pairs, one of each group: do both sides hold the same "
            "items to be alike? Wide features seem to agree even on shuffled pairs, so values stand beside those of "
            "shuffled ones."
        ),
        Table("Agreement of both sides", ["measure", "value", "shuffled", "effect", "p"], rows),
    ]


def numbers_of_agreement(evidence: Evidence) -> Any:
    """Return the table of agreement."""
    found = evidence.told.agreement
    return {"reason": found} if isinstance(found, str) else records(found)


def contents_of_regime(evidence: Evidence) -> list[Content]:
    """Show what labels call for."""
    found, names = evidence.told.regime, evidence.question.names
    assert found is not None
    if isinstance(found, str):
        return [Text(f"These pairs do not tell: {found}")]
    rows = [
        [_ROUTES[row["route"]].format(*names), row["answer"], _ratio(row["ratio"])]
        + [f"{row[name]}" for name in ("n_signal", "n_nuisance")]
        for row in records(found.routes) or []
    ]
    return [
        Text(_in_names(found.sentence, names)),
        Table(
            "Does a route recover what the labels are about?",
            ["route", "answer", "ratio", "signal components", "nuisances"],
            rows,
        ),
        Text(
            f"Among {N_PRINCIPAL} principal components of either side at most: a component is signal if labels explain "
            "it, and a route recovers the signal if that is stronger than all nuisances (ratio above 1)."
        ),
    ]


def _ratio(value: float) -> str:
    return "no nuisance" if np.isinf(value) else number(value)


def _in_names(sentence: str, names: tuple[str, str]) -> str:
    """Call both sides by their names."""
    return re.sub(r"\b[Xy]\b", lambda side: names["Xy".index(side[0])], sentence)


def numbers_of_regime(evidence: Evidence) -> dict[str, Any]:
    """Return the sentence and the routes."""
    found = evidence.told.regime
    assert found is not None
    if isinstance(found, str):
        return {"reason": found}
    return {"sentence": found.sentence, "routes": records(found.routes)}
