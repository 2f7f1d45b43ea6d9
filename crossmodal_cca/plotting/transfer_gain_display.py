"""Whether the cross-modal route helps, class by class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from ._axes import given_or_new
from ._style import CHANCE_COLOR, X_COLOR, Y_COLOR

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

COLORS = {"helps": X_COLOR, "hurts": Y_COLOR, "unclear": CHANCE_COLOR}


class TransferGainDisplay:
    """Difference of two models class by class with its interval: what transfer gains, and where it hurts.

    Make one with `from_predictions`.

    Parameters
    ----------
    gain : DataFrame
        Rows of one number of shots of what `transfer_gain` returns, by class.
    shots : int
        That number.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes drawn on.
    figure_ : matplotlib Figure
        Its figure.

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
    >>> display = TransferGainDisplay.from_predictions(gain)
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['all classes', 'a', 'b']
    """

    def __init__(self, gain: pd.DataFrame, shots: int) -> None:
        self.gain = gain
        self.shots = shots

    @classmethod
    def from_predictions(cls, gain: pd.DataFrame, *, shots: int | None = None, ax: Axes | None = None) -> Self:
        """Draw a table of gains.

        Parameters
        ----------
        gain : DataFrame
            What `transfer_gain` returns.
        shots : int or None, default=None
            Number of shots; None for the smallest in the table.
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None for new ones.

        Returns
        -------
        display : TransferGainDisplay
            The display, drawn.

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

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw a point with its interval for each class, the largest gain on top.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None for new ones.

        Returns
        -------
        self : TransferGainDisplay
            The display.
        """
        ax = given_or_new(ax)
        # All classes together come first, then each one by its gain.
        table = self.gain.iloc[[0, *(1 + np.argsort(-self.gain["difference"].to_numpy()[1:], kind="stable"))]]
        places = np.arange(len(table))
        for verdict, color in COLORS.items():
            of_verdict = (table["verdict"] == verdict).to_numpy()
            part = table[of_verdict]
            errors = np.abs(part[["low", "high"]].to_numpy().T - part["difference"].to_numpy())
            entry = f"{verdict} ({np.sum(of_verdict[1:])} classes)"
            x, y = part["difference"], places[of_verdict]
            ax.errorbar(x, y, xerr=errors, fmt="o", color=color, capsize=3, label=entry)
        ax.axvline(0, color="black", linewidth=0.8)
        ax.axhline(0.5, color=CHANCE_COLOR, linewidth=0.5)
        ax.set_yticks(places, [str(c) for c in table.index])
        ax.invert_yaxis()
        title = f"Gain by class, {self.shots} shot{'s' if self.shots != 1 else ''}"
        label = f"difference of recall, with its interval for {table['interval_for'].iloc[0]}"
        ax.set(xlabel=label, title=title)
        ax.grid(alpha=0.3, axis="x")
        ax.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
        self.ax_, self.figure_ = ax, ax.figure
        return self
