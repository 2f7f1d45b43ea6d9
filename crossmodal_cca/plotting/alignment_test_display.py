"""Display of the agreement of encoders beyond chance, as a grid."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._checks import check_choice
from ._display import Display, display
from ._fonts import writable
from ._style import paper

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

# Columns that the colours may show, and their label, with the measure in braces.
COLUMNS = {"effect": "{} beyond chance, 1 at most", "value": "{}", "p_value": "corrected p-value"}
# Most cells of a side in which figures are written.
WRITTEN_UP_TO = 16


@display
class AlignmentTestDisplay(Display):
    """Agreement of encoders as a grid: those of x in rows, of y in columns.

    Make one with `from_table`. Cells that do not exceed their threshold have no colour, and their figure in brackets.

    Parameters
    ----------
    table : DataFrame
        Table from `alignment_test`.
    column : {"effect", "value", "p_value"}, default="effect"
        What colours and figures show.

    See Also
    --------
    crossmodal_cca.inference.alignment_test : The table.

    Examples
    --------
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.inference import alignment_test
    >>> from crossmodal_cca.plotting import AlignmentTestDisplay
    >>> X, y = make_paired_latent(200, 20, 15, random_state=0)
    >>> layers = {"first": X[:, :5], "last": X}
    >>> table = alignment_test(layers, {"words": y}, n_permutations=99, random_state=0)
    >>> display = AlignmentTestDisplay.from_table(table)
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['first', 'last']
    """

    table: pd.DataFrame
    _: KW_ONLY
    column: str = "effect"

    @classmethod
    def from_table(cls, table: pd.DataFrame, *, column: str = "effect", ax: Axes | None = None) -> Self:
        """Draw the outcome of a test.

        Parameters
        ----------
        table : DataFrame
            Table from `alignment_test`.
        column : {"effect", "value", "p_value"}, default="effect"
            What colours and figures show.

        Raises
        ------
        ValueError, TypeError
            If the table is not of `alignment_test`, or `column` is another one.
        """
        check_choice(column, "column", COLUMNS)
        missing = set(COLUMNS).difference(getattr(table, "columns", ()))
        if missing or not len(table) or list(table.index.names) != ["x", "y"]:
            raise ValueError(f"table must be a table of alignment_test; {sorted(missing) or 'its rows are'} missing.")
        if table.index.has_duplicates:
            raise ValueError(
                "table must have one row for each pair of encoders; draw tables of several tests one by one."
            )
        return cls(table, column=column).plot(ax)

    def _draw(self, ax: Axes) -> None:
        # The encoders keep their order, which may be that of layers.
        x_names, y_names = (self.table.index.unique(level) for level in ("x", "y"))
        grid = self.table[self.column].unstack("y").reindex(index=x_names, columns=y_names).to_numpy()
        above = (self.table["effect"].unstack("y").reindex(index=x_names, columns=y_names) > 0).to_numpy()
        colors: dict[str, Any] = {"cmap": "viridis_r" if self.column == "p_value" else "viridis"}
        highest = float(np.nanmax(grid))
        limits = {"p_value": (0.0, 1.0), "effect": (0.0, highest if highest > 0 else 1.0)}
        colors["vmin"], colors["vmax"] = limits.get(self.column, (None, None))
        image = ax.imshow(np.ma.array(grid, mask=~above), aspect="auto", **colors)
        ax.grid(False)  # some styles draw a grid over the image
        ax.figure.colorbar(
            image, ax=ax, label=COLUMNS[self.column].format(self.table.attrs.get("measure", "agreement"))
        )
        for axis, names in ((ax.xaxis, y_names), (ax.yaxis, x_names)):
            texts, families = writable(names)
            axis.set_ticks(range(len(names)), texts, fontfamily=families, parse_math=False)
        if len(y_names) > 4:
            ax.tick_params(axis="x", rotation=45)
        if max(grid.shape) <= WRITTEN_UP_TO:
            _write(ax, grid, above, image)
        ax.set(xlabel="encoders of y", ylabel="encoders of x", title="Agreement beyond chance")


def _write(ax: Axes, grid: Any, above: Any, image: Any) -> None:
    """Write the figure of each cell in a colour with contrast to the cell."""
    for (i, j), value in np.ndenumerate(grid):
        if np.isnan(value):
            continue
        cell = image.cmap(image.norm(value))[:3] if above[i, j] else paper(ax)
        # Weights of red, green and blue in what the eye sees as brightness.
        color = "black" if np.dot(cell, (0.299, 0.587, 0.114)) > 0.5 else "white"
        text = f"{value:.2g}" if above[i, j] else f"({value:.2g})"
        ax.text(j, i, text, ha="center", va="center", color=color, fontsize="small")
