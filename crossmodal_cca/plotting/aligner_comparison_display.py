"""Display of the quality of several methods against the time they take."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any, Self

import numpy as np

from .._typing import Axes, DataFrame
from ._axes import MODEL, add_legend_beside, add_reference, entry
from ._display import Display, display
from ._style import cycle, ink

# Columns of the table that are drawn.
_COLUMNS = {"quality", "low", "high", "control", "chance", "seconds_to_choose", "seconds_to_fit"}
# Shortest time on the logarithmic axis, in seconds: below, the clock counts and not the method.
_SHORTEST = 1e-3


@display
class AlignerComparisonDisplay(Display):
    """Held-out quality of several methods with its interval, against the seconds to choose the settings and to fit.

    Make one with `from_table`. A cross in a method's colour is the same method fitted to shuffled pairs, a dotted line
    the score of a constant similarity. The legend has the best method first.

    Parameters
    ----------
    comparison : DataFrame
        Table from `compare_aligners`.
    measure : str, default="quality"
        Name of the quality.

    See Also
    --------
    crossmodal_cca.metrics.compare_aligners : The table.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.metrics import compare_aligners
    >>> from crossmodal_cca.plotting import AlignerComparisonDisplay
    >>> X, y = make_paired_latent(300, 20, 15, random_state=0)
    >>> methods = {"PLS": None, "CCA": CCA(3), "KernelCCA": None}
    >>> display = AlignerComparisonDisplay.from_table(compare_aligners(X, y, methods, random_state=0))
    >>> display.ax_.get_ylabel()
    'hit rate at 10'
    """

    comparison: DataFrame
    _: KW_ONLY
    measure: str = "quality"

    @classmethod
    def from_table(cls, comparison: DataFrame, *, ax: Axes | None = None) -> Self:
        """Draw the outcome of a comparison.

        Parameters
        ----------
        comparison : DataFrame
            Table from `compare_aligners`.

        Raises
        ------
        ValueError
            If the table is not of `compare_aligners`.
        """
        missing = _COLUMNS.difference(getattr(comparison, "columns", ()))
        if missing or not len(comparison):
            raise ValueError(f"comparison must be a table of compare_aligners; {sorted(missing)} missing.")
        return cls(comparison, measure=comparison.attrs.get("measure", "quality")).plot(ax)

    def _draw(self, ax: Axes) -> None:
        from matplotlib.ticker import LogLocator, StrMethodFormatter

        table, colors = self.comparison, cycle()
        seconds = np.maximum(table[["seconds_to_choose", "seconds_to_fit"]].to_numpy().sum(axis=1), _SHORTEST)
        handles: list[Any] = []
        for i, (name, row) in enumerate(table.iterrows()):
            color = colors[i % len(colors)]
            errors = [[row["quality"] - row["low"]], [row["high"] - row["quality"]]]
            point = ax.errorbar(
                *(seconds[i], row["quality"], np.nan_to_num(errors)),
                fmt="o", color=color, capsize=4, label=str(name), gid=f"{MODEL} {i}",
            )  # fmt: skip
            ax.plot(seconds[i], row["control"], "x", color=color)
            handles.append(point)
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        ax.minorticks_off()
        # Room for points at the margins, whose times may be the same.
        ends = seconds.min() / 2, seconds.max() * 2
        chance = float(table["chance"].iloc[0])
        add_reference(ax, ends, [chance, chance], "chance")
        handles += [entry("fitted to shuffled pairs", "x", color=ink(ax)), ax.lines[-1]]
        quality = self.measure.replace("_", " ")
        ax.set(
            xlim=ends,
            xlabel="seconds to choose the settings and to fit",
            ylabel=quality,
            title="Held-out quality and time by method",
        )
        ax.grid(alpha=0.3)
        add_legend_beside(ax, handles, fontsize="small")
