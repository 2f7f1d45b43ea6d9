"""Display of the evidence of a change over a stream."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Self

import numpy as np

from .._checks import check_number
from .._typing import Axes, DataFrame
from ._axes import add_legend, add_model, add_reference
from ._display import Display, display

# Kinds of evidence that are drawn beside that of all: those with the most.
N_KINDS = 3


@display
class DriftDisplay(Display):
    """Evidence that a stream has changed, value by value, beside the height at which it raises an alarm.

    Make one with `from_table`. Beside the evidence of everything together there are thin lines of
    the three kinds that had the most: they say where the change is.

    Parameters
    ----------
    stream : DataFrame
        Evidence as logarithms to base 10, by the number of values: `DriftMonitor.stream_`.
    false_alarm_rate : float
        Probability of an alarm without any change; its inverse is the height of the line.

    See Also
    --------
    crossmodal_cca.diagnosis.DriftMonitor : The monitor.

    Examples
    --------
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.diagnosis import DriftMonitor
    >>> from crossmodal_cca.plotting import DriftDisplay
    >>> X, _ = make_paired_latent(900, 8, 6, random_state=0)
    >>> monitor = DriftMonitor().fit(X[:400]).update(X[400:700]).update(X[700:] + 0.5)
    >>> display = DriftDisplay.from_table(monitor.stream_)
    >>> monitor.alarm_, bool(display.stream["all"].max() > 2)
    (True, True)
    """

    stream: DataFrame
    _: KW_ONLY
    false_alarm_rate: float

    @classmethod
    def from_table(cls, stream: DataFrame, *, false_alarm_rate: float = 0.05, ax: Axes | None = None) -> Self:
        """Draw the evidence over a stream.

        Parameters
        ----------
        stream : DataFrame
            The `stream_` of a `DriftMonitor` that has been updated.
        false_alarm_rate : float in (0, 1), default=0.05
            That of the monitor.

        Raises
        ------
        ValueError, TypeError
            If the table has no row or no column ``all``, or the rate is out of its range.
        """
        rate = check_number(false_alarm_rate, "false_alarm_rate", low=0.0, high=1.0, positive=True, below=True)
        if "all" not in stream or not len(stream):
            raise ValueError(
                "stream must be the stream_ of a DriftMonitor after update, with a column all and at least a row."
            )
        return cls(stream, false_alarm_rate=rate).plot(ax)

    def _draw(self, ax: Axes) -> None:
        values = self.stream.index.to_numpy()
        add_model(ax, {"all together": (values, self.stream["all"])}, None)
        kinds = self.stream.drop(columns="all").max().nlargest(N_KINDS).index
        for kind in kinds:
            add_model(ax, {str(kind): (values, self.stream[kind])}, None, linewidth=1)
        height = -np.log10(self.false_alarm_rate)
        ends = (values[0], values[-1])
        add_reference(ax, ends, (height, height), f"alarm (false in {self.false_alarm_rate:.0%} of streams at most)")
        ax.set(
            xlabel="values of the stream", ylabel="evidence of a change, powers of 10", title="Has the stream changed?"
        )
        ax.grid(alpha=0.3)
        add_legend(ax, fontsize="small")
