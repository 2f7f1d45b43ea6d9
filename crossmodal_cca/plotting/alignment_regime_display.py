"""Display of shared components by their strength and by what labels say of them."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Self

import numpy as np

from .._checks import check_choice
from ..inference._routes import ROUTES
from ._axes import add_legend, add_reference
from ._display import Display, display
from ._style import cycle

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

# Columns of the table that are drawn.
_COLUMNS = {"singular_value", "r2", "role"}
# Titles by route.
_TITLES = {"align": "Alignment", "x_to_y": "Prediction of y from X", "y_to_x": "Prediction of X from y"}
# Labels of the singular values by route.
_STRENGTHS = {
    "align": "canonical correlation",
    "x_to_y": "singular value, in units of y",
    "y_to_x": "singular value, in units of X",
}


@display
class AlignmentRegimeDisplay(Display):
    """R² of labels against the strength of each component that two modalities share by one route.

    Make one with `from_table`. The route recovers the signal if its components are all to the right of the dotted line,
    the strongest nuisance.

    Parameters
    ----------
    components : DataFrame
        The `components` of `alignment_regime`.
    route : {"align", "x_to_y", "y_to_x"}, default="align"
        Route shown.

    See Also
    --------
    crossmodal_cca.inference.alignment_regime : The table.

    Examples
    --------
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.inference import alignment_regime
    >>> from crossmodal_cca.plotting import AlignmentRegimeDisplay
    >>> X, y = make_paired_latent(500, 8, 6, random_state=0)
    >>> regime = alignment_regime(X, y, X[:, 0] > 0, n_permutations=99, random_state=0)
    >>> display = AlignmentRegimeDisplay.from_table(regime.components)
    >>> display.ax_.get_xlabel()
    'canonical correlation'
    """

    components: pd.DataFrame
    _: KW_ONLY
    route: str = "align"

    @classmethod
    def from_table(cls, components: pd.DataFrame, *, route: str = "align", ax: Axes | None = None) -> Self:
        """Draw the components of one route.

        Parameters
        ----------
        components : DataFrame
            The `components` of `alignment_regime`.
        route : {"align", "x_to_y", "y_to_x"}, default="align"
            Route shown.

        Raises
        ------
        ValueError, TypeError
            If the table is not of `alignment_regime`, or the route is none.
        """
        check_choice(route, "route", ROUTES)
        missing = _COLUMNS.difference(getattr(components, "columns", ()))
        if missing:
            raise ValueError(f"components must be those of alignment_regime; {sorted(missing)} missing.")
        return cls(components, route=route).plot(ax)

    def _draw(self, ax: Axes) -> None:
        shown = self.components[self.components.index.get_level_values("route") == self.route]
        for role, color, marker in zip(("signal", "nuisance"), cycle(), ("o", "x"), strict=False):
            of_role = shown[shown["role"] == role]
            ax.plot(of_role["singular_value"], of_role["r2"], marker, color=color, label=role)
        nuisances = shown.loc[shown["role"] == "nuisance", "singular_value"]
        if len(nuisances):
            add_reference(ax, np.repeat(nuisances.max(), 2), (0, 1), "strongest nuisance")
        ax.set(
            xlabel=_STRENGTHS[self.route],
            ylabel="R² of labels",
            title=_TITLES[self.route] + ("" if len(shown) else ": nothing beyond shuffled pairs"),
            ylim=(-0.03, 1.03),
        )
        ax.set_xlim(left=0)
        add_legend(ax, fontsize="small")
