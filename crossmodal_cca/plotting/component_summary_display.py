"""Display of the components' training, debiased and held-out correlations, and the variance that they explain."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._typing import Axes, DataFrame
from ..inference import summary
from ._axes import add_legend_beside, add_reference, count_on_x
from ._data import named
from ._display import NamedDisplay, display
from ._style import MARKED_UP_TO, cycle, ink

# Label and marker of each column drawn as a curve.
CURVES = {"training": ("training", "o"), "debiased": ("debiased", "s"), "held_out": ("held-out", "D")}
# Columns drawn as bars.
BARS = ("x_variance", "y_variance")
# Largest p-value of components marked by a star.
SIGNIFICANT = 0.05


@display
class ComponentSummaryDisplay(NamedDisplay):
    """Correlations of each component — training, debiased, held-out — with the edge of noise, and variance explained.

    Make one with `from_estimator` or `from_table`.

    Parameters
    ----------
    table : DataFrame
        From :func:`crossmodal_cca.inference.summary`.

    See Also
    --------
    CanonicalCorrelationDisplay : Correlations of several models in the same axes.

    Notes
    -----
    Bars are shares of each modality's held-out variance that its own scores explain, on the same scale from 0 to 1.
    Stars mark components with a p-value of at most .05. Columns without values are left out.

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

    table: DataFrame
    _: KW_ONLY
    names: tuple[str, str] = ("x", "y")

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
        **options: Any,
    ) -> Self:
        """Summarise the components of a fitted aligner and draw.

        Parameters
        ----------
        X : array-like of shape (n_pairs, n_features_x)
            Rows of the first modality, outside the training set.
        y : array-like of shape (n_pairs, n_features_y)
            Paired rows of the second modality.
        X_train, y_train, n_permutations, random_state
            For the p-values, as in :func:`crossmodal_cca.inference.summary`; without training rows there are none.
        """
        table = summary(
            aligner, X, y, X_train=X_train, y_train=y_train, n_permutations=n_permutations, random_state=random_state
        )
        return cls.from_table(table, **named(aligner, options))

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

    def _draw(self, ax: Axes, name: str | None) -> None:
        table, colors = self.table, cycle()
        components = table.index.to_numpy()
        bars = [
            ax.bar(
                components + shift,
                table[column],
                width=0.38,
                color=color,
                alpha=0.45,
                label=f"variance of {modality} explained",
            )
            for column, color, shift, modality in zip(BARS, colors, (-0.2, 0.2), self.names, strict=False)
        ]
        for (column, (label, marker)), color in zip(
            CURVES.items(), (ink(ax, 0.45), colors[2 % len(colors)], ink(ax)), strict=True
        ):
            if table[column].notna().any():
                marker = marker if len(table) <= MARKED_UP_TO else ""
                ax.plot(components, table[column], color=color, marker=marker, markersize=5, label=label)
        if table["noise_edge"].notna().any():
            edge = float(table["noise_edge"].iloc[0])
            label = f"noise edge of training, {edge:.2f}"
            add_reference(ax, [0, 1], [edge, edge], label, transform=ax.get_yaxis_transform())
        found = components[(table["p_value"] <= SIGNIFICANT).to_numpy()]
        if len(found):
            height = np.full(len(found), 1.04)
            size = 9 if len(table) <= MARKED_UP_TO else 4
            ax.plot(found, height, "*", color=colors[4 % len(colors)], markersize=size, label=f"p ≤ {SIGNIFICANT:g}")
        lowest = float(np.nanmin(table[list(CURVES)].to_numpy()))
        ax.set(
            xlim=(components[0] - 0.6, components[-1] + 0.6),
            ylim=(min(0.0, 1.1 * lowest), 1.09),
            xlabel="component",
            ylabel="correlation, or share of variance",
            title=f"{name}: components" if name else "Components",
        )
        count_on_x(ax)
        ax.grid(axis="y", alpha=0.3)
        lines = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
        add_legend_beside(ax, [*lines, *bars])
