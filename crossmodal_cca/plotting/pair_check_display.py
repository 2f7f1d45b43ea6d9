"""Display of the p-values of pairs, whose flat part is the wrong ones."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .._typing import Axes, DataFrame
from ..diagnosis._suspicion import wrong_share_of
from ._axes import add_legend, add_model, add_reference
from ._display import Display, display

# Number of bins of p between 0 and 1.
N_BINS = 20


@display
class PairCheckDisplay(Display):
    """Share of pairs by the p-value of being mismatched, beside what wrong pairs alone would give.

    Make one with `from_table`. Pairs that belong together are in the first bin; wrong ones are in all bins alike, at
    the height of the dotted line.

    Parameters
    ----------
    p_values : ndarray of shape (n_pairs,)
        From `PairCheck.table_`.
    wrong_share : float
        Estimated share of wrong pairs.

    See Also
    --------
    crossmodal_cca.diagnosis.PairCheck : The check.

    Examples
    --------
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.diagnosis import PairCheck
    >>> from crossmodal_cca.plotting import PairCheckDisplay
    >>> X, y = make_paired_latent(200, 10, 8, random_state=0)
    >>> display = PairCheckDisplay.from_table(PairCheck().fit(X, y).table_)
    >>> display.p_values.shape
    (200,)
    """

    p_values: NDArray[np.float64]
    _: KW_ONLY
    wrong_share: float

    @classmethod
    def from_table(cls, table: DataFrame, *, ax: Axes | None = None) -> Self:
        """Draw the p-values of a check.

        Parameters
        ----------
        table : DataFrame
            The `table_` of a fitted `PairCheck`, or a part of its rows.

        Raises
        ------
        ValueError
            If the table has no row or no column `p_value`.
        """
        if "p_value" not in table or not len(table):
            raise ValueError(
                "table must be the table_ of a fitted PairCheck, with a column p_value and at least a row."
            )
        p_values = table["p_value"].to_numpy(dtype=float)
        return cls(p_values, wrong_share=wrong_share_of(p_values)).plot(ax)

    def _draw(self, ax: Axes) -> None:
        counts, edges = np.histogram(self.p_values, bins=N_BINS, range=(0.0, 1.0))
        shares = counts / len(self.p_values)
        color = add_model(ax, {"pairs": (edges, np.append(shares, shares[-1]))}, None, drawstyle="steps-post")
        ax.fill_between(edges, np.append(shares, shares[-1]), step="post", color=color, alpha=0.15, linewidth=0)
        height = self.wrong_share / N_BINS
        add_reference(ax, (0, 1), (height, height), f"wrong pairs, at most about {self.wrong_share:.1%} in all")
        ax.set(
            xlabel="p-value of being mismatched",
            ylabel="share of pairs in the bin",
            title="Pairs that may be wrong",
            xlim=(0, 1),
        )
        ax.set_ylim(bottom=0)
        add_legend(ax, fontsize="small")
