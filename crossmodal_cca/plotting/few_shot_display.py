"""Display of accuracy against the number of labelled examples."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Self

import numpy as np

from .._typing import Axes, DataFrame
from ..transfer import few_shot_report
from ._axes import add_legend, add_model, add_reference
from ._display import Display, display


@display
class FewShotDisplay(Display):
    """Accuracy of several models against the number of shots of each class, with intervals, and zero-shot at the left.

    Make one with `from_table`. A dotted line shows the score of always predicting the majority class.

    Parameters
    ----------
    report : DataFrame
        Table from `few_shot_report`.
    measure : str, default="balanced_accuracy"
        Name of the values.

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
    >>> display = FewShotDisplay.from_table(pd.DataFrame(rows, columns=columns))
    >>> display.ax_.get_xlabel()
    'shots of each class'
    """

    report: DataFrame
    _: KW_ONLY
    measure: str = "balanced_accuracy"

    @classmethod
    def from_table(
        cls,
        episodes: DataFrame,
        *,
        measure: str = "balanced_accuracy",
        confidence_level: float = 0.95,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the outcome of a few-shot experiment.

        Parameters
        ----------
        episodes : DataFrame
            Table from `few_shot_episodes`.
        measure : {"balanced_accuracy", "accuracy"}, default="balanced_accuracy"
            As in `few_shot_report`.
        confidence_level : float in (0, 1), default=0.95
            Confidence level of the bands.

        Raises
        ------
        ValueError
            As `few_shot_report`.
        """
        report = few_shot_report(episodes, measure=measure, confidence_level=confidence_level)
        return cls(report, measure=measure).plot(ax)

    def _draw(self, ax: Axes) -> None:
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
