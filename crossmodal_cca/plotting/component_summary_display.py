"""Which components are real: training, debiased and held-out correlations, and the variance that they explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from ..inference import summary
from ._axes import add_reference, given_or_new
from ._data import name_of
from ._style import CYCLE, X_COLOR, Y_COLOR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

# More components than this have lines without markers.
MARKED_UP_TO = 30
# Column: label, colour, marker, line.
CURVES = {
    "training": ("training", "0.55", "o", "-"),
    "debiased": ("debiased", CYCLE[2], "s", "-"),
    "held_out": ("held-out", "black", "D", "-"),
}
BARS = {"x_variance": X_COLOR, "y_variance": Y_COLOR}
SIGNIFICANT = 0.05


class ComponentSummaryDisplay:
    """Correlations of each component — training, debiased, held-out — with the edge of noise, and variance explained.

    Make one with `from_estimator` or `from_table`.

    Parameters
    ----------
    table : DataFrame
        From :func:`crossmodal_cca.inference.summary`.
    names : tuple of two str, default=("x", "y")
        What the modalities are called.
    name : str or None, default=None
        Name of the model in the title.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes drawn on.
    figure_ : matplotlib Figure
        Its figure.

    See Also
    --------
    CanonicalCorrelationDisplay : Correlations of several models in the same axes.

    Notes
    -----
    Bars are shares of each modality's held-out variance that its own scores explain, on the same scale from 0 to 1.
    Stars mark components with a p-value of at most .05. What the table has no figures for is left out.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.plotting import ComponentSummaryDisplay
    >>> X, y = make_paired_latent(400, 10, 8, correlations=(0.9, 0.6), random_state=0)
    >>> cca = CCA(5).fit(X[:200], y[:200])
    >>> display = ComponentSummaryDisplay.from_estimator(cca, X[200:], y[200:])
    >>> display.table["debiased"].round(1).tolist()
    [0.9, 0.6, nan, nan, nan]
    """

    def __init__(self, table: DataFrame, *, names: tuple[str, str] = ("x", "y"), name: str | None = None) -> None:
        self.table = table
        self.names = names
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        aligner: Any,
        X: ArrayLike,
        y: ArrayLike,
        *,
        X_train: ArrayLike | None = None,
        y_train: ArrayLike | None = None,
        n_permutations: int = 999,
        random_state: Any = None,
        names: tuple[str, str] = ("x", "y"),
        name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Summarise the components of a fitted aligner and draw.

        Parameters
        ----------
        aligner : estimator
            Fitted aligner.
        X : array-like of shape (n_pairs, n_features_x)
            Rows of the first modality, outside the training set.
        y : array-like of shape (n_pairs, n_features_y)
            Paired rows of the second modality.
        X_train, y_train, n_permutations, random_state
            For the p-values, as in :func:`crossmodal_cca.inference.summary`; without training rows there are none.
        names, name, ax
            As in `from_table`; the name defaults to the aligner's class.

        Returns
        -------
        display : ComponentSummaryDisplay
            The display, drawn.
        """
        table = summary(
            aligner, X, y, X_train=X_train, y_train=y_train, n_permutations=n_permutations, random_state=random_state
        )
        return cls.from_table(table, names=names, name=name_of(aligner, name), ax=ax)

    @classmethod
    def from_table(
        cls,
        table: DataFrame,
        *,
        names: tuple[str, str] = ("x", "y"),
        name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw a table of components.

        Parameters
        ----------
        table : DataFrame
            From :func:`crossmodal_cca.inference.summary`.
        names : tuple of two str, default=("x", "y")
            What the modalities are called.
        name : str or None, default=None
            Name of the model in the title.
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None for new ones.

        Returns
        -------
        display : ComponentSummaryDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the table lacks columns of a summary.
        """
        missing = ({*CURVES, *BARS, "noise_edge", "p_value"}) - set(table.columns)
        if missing:
            raise ValueError(
                f"table must be one of crossmodal_cca.inference.summary; it lacks {', '.join(sorted(missing))}."
            )
        return cls(table, names=names, name=name).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the curves, the edge of noise, the bars and the stars.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None for new ones.

        Returns
        -------
        self : ComponentSummaryDisplay
            The display.
        """
        from matplotlib.ticker import MaxNLocator

        ax = given_or_new(ax)
        table = self.table
        components = table.index.to_numpy()
        bars = [
            ax.bar(
                components + shift,
                table[column],
                width=0.38,
                color=color,
                alpha=0.45,
                label=f"variance of {name} explained",
            )
            for (column, color), shift, name in zip(BARS.items(), (-0.2, 0.2), self.names, strict=True)
        ]
        for column, (label, color, marker, line) in CURVES.items():
            if table[column].notna().any():
                marker = marker if len(table) <= MARKED_UP_TO else ""
                ax.plot(components, table[column], line, color=color, marker=marker, markersize=5, label=label)
        if table["noise_edge"].notna().any():
            edge = float(table["noise_edge"].iloc[0])
            label = f"noise edge of training, {edge:.2f}"
            add_reference(ax, [0, 1], [edge, edge], label, transform=ax.get_yaxis_transform())
        found = components[(table["p_value"] <= SIGNIFICANT).to_numpy()]
        if len(found):
            height = np.full(len(found), 1.04)
            size = 9 if len(table) <= MARKED_UP_TO else 4
            ax.plot(found, height, "*", color=CYCLE[4], markersize=size, label=f"p ≤ {SIGNIFICANT:g}")
        lowest = float(np.nanmin(table[list(CURVES)].to_numpy()))
        ax.set(
            xlim=(components[0] - 0.6, components[-1] + 0.6),
            ylim=(min(0.0, 1.1 * lowest), 1.09),
            xlabel="component",
            ylabel="correlation, or share of variance",
            title=f"{self.name}: components" if self.name else "Components",
        )
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        ax.grid(axis="y", alpha=0.3)
        lines = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
        ax.legend(handles=[*lines, *bars], frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        self.ax_, self.figure_ = ax, ax.figure
        return self
