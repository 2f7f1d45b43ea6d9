"""Accuracy against the number of labelled examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from ..transfer import few_shot_report
from ._axes import add_legend, add_model, add_reference, given_or_new

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


class FewShotDisplay:
    """Accuracy of several models against the number of shots of each class, with intervals, and zero-shot at the left.

    Make one with `from_predictions`.

    Parameters
    ----------
    report : DataFrame
        What `few_shot_report` returns.
    measure : str, default="balanced_accuracy"
        What the values are.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes drawn on.
    figure_ : matplotlib Figure
        Its figure.

    See Also
    --------
    crossmodal_cca.transfer.few_shot_episodes : The experiment.
    TransferGainDisplay : Differences class by class.

    Examples
    --------
    >>> import pandas as pd
    >>> from crossmodal_cca.plotting import FewShotDisplay
    >>> rows = [("head", m, e, c, 0.5 + 0.02 * m + 0.1 * e, 10) for m in (1, 4) for e in (0, 1) for c in "ab"]
    >>> columns = ["model", "shots", "episode", "class", "recall", "n_rows"]
    >>> display = FewShotDisplay.from_predictions(pd.DataFrame(rows, columns=columns))
    >>> display.ax_.get_xlabel()
    'shots of each class'
    """

    def __init__(self, report: pd.DataFrame, *, measure: str = "balanced_accuracy") -> None:
        self.report = report
        self.measure = measure

    @classmethod
    def from_predictions(
        cls,
        episodes: pd.DataFrame,
        *,
        measure: str = "balanced_accuracy",
        confidence_level: float = 0.95,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the outcome of a few-shot experiment.

        Parameters
        ----------
        episodes : DataFrame
            What `few_shot_episodes` returns.
        measure : {"balanced_accuracy", "accuracy"}, default="balanced_accuracy"
            As in `few_shot_report`.
        confidence_level : float in (0, 1), default=0.95
            Of the bands.
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None for new ones.

        Returns
        -------
        display : FewShotDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            As `few_shot_report`.
        """
        report = few_shot_report(episodes, measure=measure, confidence_level=confidence_level)
        return cls(report, measure=measure).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw a curve with its band for each model, and the majority class.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None for new ones.

        Returns
        -------
        self : FewShotDisplay
            The display.
        """
        ax = given_or_new(ax)
        shots = sorted(set(self.report.index.get_level_values("shots")))
        place = {m: i for i, m in enumerate(shots)}
        for name in dict.fromkeys(self.report.index.get_level_values("model")):
            of_model = self.report.loc[name].sort_index()
            x = np.array([place[m] for m in of_model.index])
            color = add_model(ax, {str(name): (x, of_model["value"])}, None, marker=".")
            ax.fill_between(x, of_model["low"], of_model["high"], color=color, alpha=0.15, linewidth=0)
        majority = self.report.groupby("shots")["majority"].mean()
        add_reference(ax, [place[m] for m in majority.index], majority, "majority class")
        ax.set(xlabel="shots of each class", ylabel=self.measure.replace("_", " "), title="Accuracy by number of shots")
        ax.set_xticks(range(len(shots)), [str(m) for m in shots])
        ax.grid(alpha=0.3)
        add_legend(ax, fontsize="small")
        self.ax_, self.figure_ = ax, ax.figure
        return self
