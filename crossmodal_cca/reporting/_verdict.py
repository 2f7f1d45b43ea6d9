"""Decide whether a shared space helps: two tables of rules over a few figures, read from the top."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

# Verdicts.
HELPS, CANNOT_TELL, DOES_NOT_HELP = "helps", "cannot tell", "does not help"
# Fewest independent queries, and largest share of rows with copies across the split, at which figures say anything.
FEWEST_QUERIES, MOST_COPIES = 30, 0.05
# Confidence level of the interval that a verdict "helps" rests on: with 95 % one page in forty about nothing would say
# that it helps.
SURE = 0.999
# Gains that are worth having, and that would be worth having: shares of queries.
WORTH_HAVING, WORTH_MISSING = 0.02, 0.05
# Distance of in-sample from held-out quality that is said, and share of a gallery that is never found.
LARGE_GAP, MANY_UNFOUND = 0.2, 0.5


@dataclass(frozen=True)
class Grounds:
    """Figures that a verdict rests on; qualities are means over the queries of both directions."""

    measure: str
    n_queries: int  # independent ones: groups of held-out pairs
    quality: float
    low: float  # ends of the 95 % interval
    high: float
    sure_low: float  # lower end of the interval at SURE
    chance: float
    shuffled: float  # mean quality of fits to wrong pairs
    in_sample: float  # on as many training pairs
    copies: float  # share of rows with a copy across the split
    one_sided: str  # the direction that is not above chance, if only one is
    noise_edge: float  # largest correlation of unrelated sides of this size in training; NaN if it is small
    unfound: float  # largest share of a gallery that no query finds
    wrong_share: float  # share of wrong pairs, at most about; NaN unless they stand out from a weak relation
    worse: str  # directions in which more queries are worse than better off with it than with a simpler model
    n_slices: int  # kinds of queries that surely fare worse than the others
    agree: bool  # whether both sides agree beyond chance before any training, as far as is known
    harmful: bool  # whether labels say that no cross-modal training recovers what they are about
    changed: str  # tests that see a change since the reference
    n_errors: int  # findings of the data report that are errors, but for copies across the split

    @property
    def nothing(self) -> float:
        """Quality of a model that knows nothing of the pairs: the better of chance and wrong pairs."""
        return max(self.chance, self.shuffled)


@dataclass(frozen=True)
class Rule:
    """A condition, in words and as a function, what follows, and the sentence that gives the reason."""

    condition: str
    applies: Callable[[Grounds], bool]
    verdict: str
    reason: Callable[[Grounds], str]


# The first rule that applies decides.
RULES = (
    Rule(
        f"fewer than {FEWEST_QUERIES} independent held-out queries",
        lambda g: g.n_queries < FEWEST_QUERIES,
        CANNOT_TELL,
        lambda g: (
            f"Only {g.n_queries} independent pairs were held out, and fewer than {FEWEST_QUERIES} show nothing: bring "
            "more pairs, or hold out a larger share."
        ),
    ),
    Rule(
        f"copies across the split in more than {100 * MOST_COPIES:g} % of the rows",
        lambda g: g.copies > MOST_COPIES,
        CANNOT_TELL,
        lambda g: (
            f"{g.copies:.0%} of the rows have a copy or near copy on the other side of the split, so every held-out "
            "figure is too good: pass what belongs together as groups."
        ),
    ),
    Rule(
        f"the lower end of the {100 * SURE:g} % interval is above chance and the mean of fits to wrong pairs, and the "
        f"quality by {WORTH_HAVING:.2f} or more",
        lambda g: g.sure_low > g.nothing and g.quality >= g.nothing + WORTH_HAVING,
        HELPS,
        lambda g: (
            f"On held-out pairs {g.measure} is {_interval(g)}, where chance has {_number(g.chance)} and fits to wrong "
            f"pairs have {_number(g.shuffled)}."
        ),
    ),
    Rule(
        f"the upper end of the 95 % interval is less than {WORTH_MISSING:.2f} above chance or fits to wrong pairs",
        lambda g: g.high < g.nothing + WORTH_MISSING,
        DOES_NOT_HELP,
        lambda g: (
            f"On held-out pairs {g.measure} is {_interval(g)}, hardly more than chance ({_number(g.chance)}) or fits "
            f"to wrong pairs ({_number(g.shuffled)})."
        ),
    ),
    Rule(
        "anything else",
        lambda g: True,
        CANNOT_TELL,
        lambda g: (
            f"On held-out pairs {g.measure} is {_interval(g)}, which agrees with a useful model and with none: chance "
            f"has {_number(g.chance)}, fits to wrong pairs have {_number(g.shuffled)}; more pairs would tell."
        ),
    ),
)
# All that apply are said below the verdict, which they leave as it is.
CAUTIONS = (
    Rule(
        "only one direction is above chance",
        lambda g: bool(g.one_sided),
        "",
        lambda g: f"From {g.one_sided} alone the interval reaches down to chance.",
    ),
    Rule(
        f"in-sample quality is more than {LARGE_GAP:.1f} above held-out quality",
        lambda g: g.in_sample - g.quality > LARGE_GAP,
        "",
        lambda g: (
            f"Training pairs reach {_number(g.in_sample)}, held-out ones {_number(g.quality)}: believe no figure of "
            "training pairs. More shrinkage, fewer components or more pairs narrow the gap."
        ),
    ),
    Rule(
        "unrelated sides of this size would show large correlations in training",
        lambda g: g.noise_edge == g.noise_edge,
        "",
        lambda g: (
            f"There are few pairs for so many features: unrelated sides would correlate up to {g.noise_edge:.2f} in "
            "training."
        ),
    ),
    Rule(
        "fewer copies across the split than that",
        lambda g: 0 < g.copies <= MOST_COPIES,
        "",
        lambda g: f"{g.copies:.1%} of the rows have a copy or near copy across the split; groups keep them together.",
    ),
    Rule(
        f"no query finds more than {MANY_UNFOUND:.0%} of the gallery",
        lambda g: g.unfound > MANY_UNFOUND,
        "",
        lambda g: f"{g.unfound:.0%} of the items are among the first results of no query: see the hubs.",
    ),
    Rule(
        "more than 5 % of the pairs look mismatched, beside pairs that clearly belong together",
        lambda g: g.wrong_share == g.wrong_share,
        "",
        lambda g: (
            f"Up to about {g.wrong_share:.0%} of the pairs may be wrong: look at those listed. Held-out figures are "
            "then too low, for wrong pairs are among the held-out ones as well."
        ),
    ),
    Rule(
        "more queries are worse than better off than with a simpler model",
        lambda g: bool(g.worse),
        "",
        lambda g: f"From {g.worse} more queries are worse than better off than with a simpler model: see who.",
    ),
    Rule(
        "kinds of queries fare worse than the others",
        lambda g: g.n_slices > 0,
        "",
        lambda g: (
            f"{g.n_slices} {'kind of query fares' if g.n_slices == 1 else 'kinds of queries fare'} surely worse than "
            "the others: see which."
        ),
    ),
    Rule(
        "before any training both sides agree no more than shuffled pairs",
        lambda g: not g.agree,
        "",
        lambda g: (
            "Before any training both sides agree on no more items than shuffled pairs do: they have little in common, "
            "or rows do not belong together as they are paired."
        ),
    ),
    Rule(
        "neither alignment nor prediction recovers what the labels are about",
        lambda g: g.harmful,
        "",
        lambda g: (
            "Neither alignment nor prediction recovers what the labels are about: there, keep each modality apart."
        ),
    ),
    Rule(
        "the held-out pairs differ from the reference",
        lambda g: bool(g.changed),
        "",
        lambda g: f"These pairs differ from the reference ({g.changed}): figures of one need not hold for the other.",
    ),
    Rule(
        "the data report has errors",
        lambda g: g.n_errors > 0,
        "",
        lambda g: "The tables have errors that make figures wrong: see the data.",
    ),
)


@dataclass(frozen=True)
class Verdict:
    """A verdict, its reason, and what to keep in mind."""

    word: str
    reason: str
    cautions: tuple[str, ...]
    grounds: Grounds


def verdict_of(grounds: Grounds) -> Verdict:
    """Decide by the first rule that applies."""
    rule = next(rule for rule in RULES if rule.applies(grounds))
    cautions = tuple(caution.reason(grounds) for caution in CAUTIONS if caution.applies(grounds))
    return Verdict(rule.verdict, rule.reason(grounds), cautions, grounds)


def _interval(grounds: Grounds) -> str:
    return f"{_number(grounds.quality)} (95 % interval {_number(grounds.low)} to {_number(grounds.high)})"


def _number(value: float) -> str:
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"
