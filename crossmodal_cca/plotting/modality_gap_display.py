"""Display of the distances between two modalities beside those after swaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from ..diagnosis.modality_gap import CONCERNS, NOTHING
from ._axes import add_names
from ._display import Display, display
from ._style import cycle, ink

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@display
class ModalityGapDisplay(Display):
    """Distances between two modalities, beside what remains of them after swapping sides at random.

    Make one with `from_table`. Filled points concern a task; bars reach to the 95 % quantile of the swaps.

    Parameters
    ----------
    gap : DataFrame
        Table from `modality_gap`.

    See Also
    --------
    crossmodal_cca.diagnosis.modality_gap : The distances.

    Examples
    --------
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.diagnosis import modality_gap
    >>> from crossmodal_cca.plotting import ModalityGapDisplay
    >>> x, y = make_paired_latent(100, 5, 5, random_state=0)
    >>> display = ModalityGapDisplay.from_table(modality_gap(x, y + 1, random_state=0))
    >>> display.ax_.get_xlabel()
    'value'
    """

    gap: pd.DataFrame

    @classmethod
    def from_table(cls, gap: pd.DataFrame, *, ax: Axes | None = None) -> Self:
        """Draw the distances.

        Parameters
        ----------
        gap : DataFrame
            Table from `modality_gap`.

        Raises
        ------
        ValueError
            If the table is of another kind.
        """
        if list(gap.index) != list(CONCERNS) or not {"value", "chance", "chance_high", "concerns"} <= set(gap.columns):
            raise ValueError("gap must be a table from modality_gap, with all of its rows and columns.")
        return cls(gap).plot(ax)

    def _draw(self, ax: Axes) -> None:
        table, places = self.gap, np.arange(len(self.gap))
        color, other = cycle()[:2]
        ax.barh(places, table["chance_high"], height=0.5, color=other, alpha=0.5, label="chance, 95 %")
        is_there = (table["concerns"] != NOTHING).to_numpy()
        for there, label in ((True, "concerns a task"), (False, "concerns none")):
            own = is_there == there
            if own.any():
                face = color if there else "none"
                ax.plot(table["value"][own], places[own], "o", color=color, markerfacecolor=face, label=label)
        ax.set_ylim(len(table) - 0.5, -0.5)
        ax.set_xlim(0, max(1.0, 1.05 * float(table["value"].replace(np.inf, np.nan).max())))
        add_names(ax.yaxis, places, list(table.index), [1.0] * len(table))
        ax.set(xlabel="value", title="Distance of the modalities")
        ax.grid(alpha=0.3, axis="x")
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, labelcolor=ink(ax), fontsize="small")
