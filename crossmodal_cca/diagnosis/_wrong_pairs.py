"""Whether a check of pairs has found wrong ones, as a finding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, norm

from .._typing import DataFrame, FloatArray
from ._findings import Finding
from .pair_check import PairCheck

# Share of pairs that look mismatched above which wrong ones are spoken of.
MANY_WRONG = 0.05
# Share of pairs that have to be closer than nineteen of twenty mismatched ones, or the relation is too weak to tell.
_CLEAR, _CLOSE = 0.25, 0.05
# Level of the test below, and share above ¾ of the p-values above ½: .5 for wrong pairs, and up to .22 in a weak
# relation (scores of normal pairs with 3 to 12 correlations of .8 to .99).
_LEVEL, _HIGHEST = 0.01, 0.3
# Most suspicious pairs that a finding names.
_NAMED = 5


def stand_out(p: FloatArray, groups: NDArray[np.intp]) -> bool:
    """Whether pairs that look mismatched are more, and more mismatched, than a weak relation makes right ones look.

    Parameters
    ----------
    p : ndarray of shape (n_pairs,)
        P-values of being mismatched, uniform for wrong pairs.
    groups : ndarray of int of shape (n_pairs,)
        Pairs that are not independent; one of each is looked at.

    Notes
    -----
    In one relation with normal scores, those of pairs lie d standard deviations above those of mismatched ones: if a
    share f has p ≤ .05, then d = z(.95) + z(f), and a share Φ(−d) has p > ½.
    """
    p = p[np.unique(groups, return_index=True)[1]]
    high, highest, close = np.count_nonzero(p > 0.5), np.count_nonzero(p > 0.75), float(np.mean(p <= _CLOSE))
    if 2 * high <= MANY_WRONG * len(p) or highest < _HIGHEST * high or close < _CLEAR:
        return False
    expected = norm.cdf(norm.ppf(_CLOSE) - norm.ppf(close))
    return bool(binom.sf(high - 1, len(p), expected) <= _LEVEL)


def most_suspicious(table: DataFrame, n: int) -> DataFrame:
    """Return the rows of the pairs that fit worst, the worst first."""
    return table.iloc[np.argsort(-table["suspicion"].to_numpy(), kind="stable")[:n]]


def finding_of(check: PairCheck, groups: NDArray[np.intp]) -> Finding:
    """Say how many pairs of a fitted check may be wrong, and which ones to look at."""
    table, share = check.table_, check.wrong_share_
    seen = stand_out(table["p_value"].to_numpy(), groups)
    worst = most_suspicious(table, _NAMED)
    named = ", ".join(str(x) if x == y else f"{x} with {y}" for x, y in zip(worst["x_id"], worst["y_id"], strict=True))
    what = (
        f"at most about {share:.1%} of {len(table):,} pairs look as if they did not belong together; the least alike: "
        f"{named}"
    )
    if share > MANY_WRONG and not seen:
        what += "; a relation as weak as this one gives such pairs without any being wrong"
    to_do = "look at these pairs (a wrong join, or rare but right?); diagnosis.PairCheck lists all of them"
    return Finding("wrong pairs", "pairs", "warning" if seen else "note", share, what, to_do if seen else "")
