"""All that instruments say of the pairs of a page, or why they say nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np

from .._typing import DataFrame
from ..inference.regime import AlignmentRegime
from ..metrics._directions import Direction
from ..metrics._methods import Fit
from ._before_training import agreement_of, regime_of
from ._instruments import LEVEL, Answers, Harm, Slice, WrongPairs, answers_of, harm_of, slices_of, wrong_pairs_of
from ._mapped_pairs import Gallery, Quality
from ._question import Positions, Question, Sides
from ._reference import Drift, drift_of, in_names

Found = TypeVar("Found")


def told(find: Callable[[], Found]) -> Found | str:
    """Return what an instrument finds, or why these pairs do not allow it to."""
    try:
        return find()
    except ValueError as error:
        return " ".join(str(error).split())


@dataclass(frozen=True, eq=False)
class Told:
    """A finding of each instrument; a reason in its place, or None where nothing was asked."""

    agreement: DataFrame | str
    regime: AlignmentRegime | str | None  # None without labels
    wrong_pairs: WrongPairs | str
    answers: dict[Direction, Answers] | str
    harm: Harm | None  # None without a simpler model
    slices: list[Slice] | str
    drift: Drift | str | None  # None without a reference

    @classmethod
    def of(
        cls,
        question: Question,
        sides: Sides,
        pairs: Positions,
        fit: Fit,
        gallery: Gallery,
        quality: Quality,
        simple: Fit | None,
    ) -> Self:
        """Ask all of them: about all pairs that are used, or about the held-out ones of a gallery."""
        harm = None
        if simple is not None and simple.settings != fit.settings:
            harm = harm_of(question, simple, Quality.of(question, gallery.mapped(sides, simple.model)), quality)
        test = gallery.positions
        return cls(
            agreement=told(lambda: agreement_of(question, pairs, sides)),
            regime=None if question.labels is None else told(lambda: regime_of(question, pairs, sides)),
            wrong_pairs=told(lambda: wrong_pairs_of(question, pairs, sides, fit)),
            answers=told(lambda: answers_of(question, gallery)),
            harm=harm,
            slices=told(lambda: slices_of(question, gallery, quality)),
            drift=None if question.reference is None else told(lambda: drift_of(question, test, sides, fit.model)),
        )

    def grounds(self, names: tuple[str, str]) -> dict[str, Any]:
        """Return what a verdict keeps in mind of them."""
        changed = self.drift.changed if isinstance(self.drift, Drift) else []
        wrong, slices, agreement, regime = self.wrong_pairs, self.slices, self.agreement, self.regime
        return {
            "wrong_share": np.nan if isinstance(wrong, str) or not wrong.stand_out else wrong.share,
            "worse": "" if self.harm is None else " and ".join(each.label(names) for each in self.harm.worse),
            "n_slices": 0 if isinstance(slices, str) else sum(each.is_sure and each.is_worse for each in slices),
            "agree": isinstance(agreement, str) or bool((agreement["p_value"] <= LEVEL).any()),
            "harmful": isinstance(regime, AlignmentRegime)
            and len(regime.components) > 0
            and bool((regime.routes["answer"] == "no").all()),
            "changed": ", ".join(in_names(what, names) for what in changed),
        }
