"""Display of the gain of transfer, class by class."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from .._typing import Axes, DataFrame
from ._axes import add_legend_beside, add_names
from ._display import Display, display
from ._style import MARKED_UP_TO, cycle, ink


@display
class TransferGainDisplay(Display):
    """Difference of two models class by class with its interval: what transfer gains, and where it hurts.

    Make one with `from_table`. The largest gain stands on top, below that of all classes together.

    Parameters
    ----------
    gain : DataFrame
        Rows of `transfer_gain` for one number of shots, by class.
    shots : int
        Number of shots.

    See Also
    --------
    crossmodal_cca.transfer.transfer_gain : The table.

    Examples
    --------
    >>> import pandas as pd
    >>> from crossmodal_cca.plotting import TransferGainDisplay
    >>> from crossmodal_cca.transfer import transfer_gain
    >>> recalls = {"raw": (0.5, 0.6, 0.4), "shared": (0.7, 0.9, 0.6)}
    >>> rows = [(m, 1, e, c, r, 10) for m, values in recalls.items() for e, r in enumerate(values) for c in "ab"]
    >>> columns = ["model", "shots", "episode", "class", "recall", "n_rows"]
    >>> gain = transfer_gain(pd.DataFrame(rows, columns=columns), "shared", "raw")
    >>> display = TransferGainDisplay.from_table(gain)
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['all classes', 'a', 'b']
    """

    gain: DataFrame
    shots: int

    @classmethod
    def from_table(cls, gain: DataFrame, *, shots: int | None = None, ax: Axes | None = None) -> Self:
        """Draw a table of gains.

        Parameters
        ----------
        gain : DataFrame
            Table from `transfer_gain`.
        shots : int or None, default=None
            Number of shots; None for the smallest in the table.

        Raises
        ------
        ValueError
            If the table has no rows for that number of shots.
        """
        known = sorted(set(gain.index.get_level_values("shots")))
        shots = known[0] if shots is None else shots
        if shots not in known:
            raise ValueError(f"shots must be one of {known}, as gain has; got {shots!r}.")
        return cls(gain[gain.index.get_level_values("shots") == shots].droplevel("shots"), shots).plot(ax)

    def _draw(self, ax: Axes) -> None:
        # All classes together come first, then each class by its gain.
        table = self.gain.iloc[[0, *(1 + np.argsort(-self.gain["difference"].to_numpy()[1:], kind="stable"))]]
        places = np.arange(len(table))
        few = len(table) <= MARKED_UP_TO
        marks: dict[str, Any] = {"fmt": "o", "markersize": 6 if few else 3, "capsize": 3 if few else 0}
        entries = []
        for verdict, color in zip(("helps", "hurts", "unclear"), (*cycle()[:2], ink(ax, 0.6)), strict=True):
            of_verdict = (table["verdict"] == verdict).to_numpy()
            part = table[of_verdict]
            errors = np.abs(part[["low", "high"]].to_numpy().T - part["difference"].to_numpy())
            n = np.sum(of_verdict[1:])
            label = f"{verdict} ({n} class{'es' if n != 1 else ''})"
            x, y = part["difference"], places[of_verdict]
            entries.append(ax.errorbar(x, y, xerr=errors, color=color, label=label, **marks))
        ax.axvline(0, color=ink(ax), linewidth=0.8)
        ax.axhline(0.5, color=ink(ax, 0.6), linewidth=0.5)
        ax.set_ylim(len(table) - 0.5, -0.5)
        importance = table["difference"].abs() + 2 * (table["verdict"] != "unclear")
        add_names(ax.yaxis, places, list(table.index), [np.inf, *importance.iloc[1:]])
        title = f"Gain by class, {self.shots} shot{'s' if self.shots != 1 else ''}"
        label = f"difference of recall, with its interval for {table['interval_for'].iloc[0]}"
        ax.set(xlabel=label, title=title)
        ax.grid(alpha=0.3, axis="x")
        add_legend_beside(ax, entries, fontsize="small")
