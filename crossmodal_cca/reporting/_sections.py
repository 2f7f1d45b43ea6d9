"""The table of sections of a page: a row each, with a function from the evidence to its contents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from ._about_answers import contents_of_answers, numbers_of_answers
from ._about_before import contents_of_agreement, contents_of_regime, numbers_of_agreement, numbers_of_regime
from ._about_classes import contents_of_classes, numbers_of_classes
from ._about_drift import contents_of_drift, numbers_of_drift
from ._about_examples import contents_of_examples
from ._about_harm import contents_of_harm, numbers_of_harm
from ._about_model import (
    contents_of_comparison,
    contents_of_figures,
    contents_of_hit_rates,
    contents_of_hubs,
    numbers_of_hit_rates,
    numbers_of_hubs,
    records,
)
from ._about_origin import contents_of_origin, contents_of_split, numbers_of_origin, numbers_of_split
from ._about_slices import contents_of_slices, numbers_of_slices
from ._about_wrong_pairs import contents_of_wrong_pairs, numbers_of_wrong_pairs
from ._contents import Bullets, Content, Headline, Table, Text
from ._evidence import Evidence


@dataclass(frozen=True)
class Section:
    """A section: its name in links and numbers, title, contents, numbers, and when there is one."""

    key: str
    title: str
    contents: Callable[[Evidence], list[Content]]
    numbers: Callable[[Evidence], Any] = lambda evidence: None
    applies: Callable[[Evidence], bool] = lambda evidence: True


def _verdict(evidence: Evidence) -> list[Content]:
    verdict = evidence.verdict
    found: list[Content] = [Headline(verdict.word, verdict.reason)]
    if verdict.cautions:
        found += [Text("To keep in mind:"), Bullets(verdict.cautions)]
    return found


def _numbers_of_verdict(evidence: Evidence) -> dict[str, Any]:
    verdict = evidence.verdict
    said = {"word": verdict.word, "reason": verdict.reason, "cautions": list(verdict.cautions)}
    return said | {"grounds": asdict(verdict.grounds)}


def _data(evidence: Evidence) -> list[Content]:
    findings = evidence.findings
    rows = [[str(row[name]) for name in ("severity", "side", "what", "what_to_do")] for _, row in findings.iterrows()]
    return [Table("What was looked for in both tables before the fit", ["", "side", "found", "what to do"], rows)]


# In the order of the page.
SECTIONS = (
    Section("verdict", "Verdict", _verdict, _numbers_of_verdict),
    Section("data", "The data", _data, lambda evidence: evidence.findings.to_dict("records")),
    Section("agreement", "Do both sides agree at all", contents_of_agreement, numbers_of_agreement),
    Section(
        "regime",
        "Align, predict, or neither",
        contents_of_regime,
        numbers_of_regime,
        lambda evidence: evidence.told.regime is not None,
    ),
    Section(
        "comparison",
        "Which method",
        contents_of_comparison,
        lambda evidence: records(evidence.comparison),
        lambda evidence: evidence.comparison is not None,
    ),
    Section("wrong_pairs", "Pairs that may be wrong", contents_of_wrong_pairs, numbers_of_wrong_pairs),
    Section("figures", "On held-out pairs", contents_of_figures, lambda evidence: records(evidence.figures)),
    Section("hit_rates", "How far to look", contents_of_hit_rates, numbers_of_hit_rates),
    Section("confidence", "How sure is a result", contents_of_answers, numbers_of_answers),
    Section(
        "harm",
        "Who is worse off",
        contents_of_harm,
        numbers_of_harm,
        lambda evidence: evidence.told.harm is not None,
    ),
    Section("slices", "Which queries fare worse", contents_of_slices, numbers_of_slices),
    Section(
        "drift",
        "What has changed since the reference",
        contents_of_drift,
        numbers_of_drift,
        lambda evidence: evidence.told.drift is not None,
    ),
    Section("hubs", "Hubs", contents_of_hubs, numbers_of_hubs),
    Section(
        "classes",
        "By class",
        contents_of_classes,
        numbers_of_classes,
        lambda evidence: evidence.question.labels is not None,
    ),
    Section(
        "examples",
        "Searches, good and bad",
        contents_of_examples,
        applies=lambda evidence: evidence.question.shows_items,
    ),
    Section("split", "How the pairs were split", contents_of_split, numbers_of_split),
    Section("origin", "To repeat it", contents_of_origin, numbers_of_origin),
)
