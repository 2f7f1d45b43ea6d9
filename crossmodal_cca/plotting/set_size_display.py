"""Display of the sizes of sets beside their coverage."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._typing import Axes, DataFrame
from ._axes import add_names
from ._display import Display, display
from ._style import cycle, ink

# Columns of the table that are drawn.
_COLUMNS = {"measure", "value", "low", "high", "confidence_level", "share"}


@display
class SetSizeDisplay(Display):
    """Coverage of sets with its interval, and their mean size as a share of the gallery, for all queries and each kind.

    Make one with `from_estimator` or `from_table`. The line is the level that was asked for.

    Parameters
    ----------
    report : DataFrame
        Table from `ConformalSets.report`.

    See Also
    --------
    crossmodal_cca.retrieval.ConformalSets : The sets.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.plotting import SetSizeDisplay
    >>> from crossmodal_cca.retrieval import ConformalSets
    >>> X, y = make_paired_latent(300, 10, 8, random_state=0)
    >>> cca = CCA(3).fit(X[:100], y[:100])
    >>> known, new, items = range(100, 200), range(200, 300), range(100, 300)
    >>> sets = ConformalSets(cca).fit(X[known], y[items], query_ids=known, gallery_ids=items)
    >>> display = SetSizeDisplay.from_estimator(sets, X[new], query_ids=new)
    >>> display.ax_.get_xlabel()
    'share'
    """

    report: DataFrame

    @classmethod
    def from_estimator(
        cls,
        sets: Any,
        queries: ArrayLike,
        *,
        query_ids: ArrayLike | None = None,
        relevance: ArrayLike | None = None,
        by: ArrayLike | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Make the sets of queries whose relevant items are known, and draw.

        Parameters
        ----------
        sets : ConformalSets
            Fitted ones.
        queries : array-like of shape (n_queries, n_features)
            Queries, other ones than in the fit.
        query_ids : array-like of shape (n_queries,), default=None
            Their ids, compared with those of the gallery. None: 0, 1, …
        relevance : array-like or sparse matrix of shape (n_queries, n_items), default=None
            Instead of ids.
        by : array-like of shape (n_queries,), default=None
            Kind of each query, if and only if the sets were fitted with kinds.
        """
        return cls.from_table(sets.report(queries, query_ids=query_ids, relevance=relevance, by=by), ax=ax)

    @classmethod
    def from_table(cls, report: DataFrame, *, ax: Axes | None = None) -> Self:
        """Draw a report of sets.

        Parameters
        ----------
        report : DataFrame
            Table from `ConformalSets.report`.

        Raises
        ------
        ValueError
            If the table is not of `ConformalSets.report`.
        """
        missing = _COLUMNS.difference(getattr(report, "columns", ()))
        if missing or not len(report):
            raise ValueError(f"report must be a table of ConformalSets.report; {sorted(missing)} missing.")
        return cls(report).plot(ax)

    def _draw(self, ax: Axes) -> None:
        table, places = self.report, np.arange(len(self.report))
        covered, filled = cycle()[:2]
        errors = np.abs(table[["low", "high"]].to_numpy().T - table["value"].to_numpy())
        measure = table["measure"].iloc[0].replace("_", " ")
        ax.barh(places, table["share"], height=0.5, color=filled, alpha=0.5, label="mean size by gallery size")
        ax.errorbar(table["value"], places, xerr=errors, fmt="o", capsize=3, color=covered, label=measure)
        ax.axvline(table["confidence_level"].iloc[0], color=ink(ax, 0.6), linestyle=":", label="level asked for")
        ax.set_ylim(len(table) - 0.5, -0.5)
        ax.set_xlim(0, 1)
        add_names(ax.yaxis, places, list(table.index), [np.inf] + [1.0] * (len(table) - 1))
        ax.set(xlabel="share", title="Coverage and size of sets")
        ax.grid(alpha=0.3, axis="x")
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, labelcolor=ink(ax), fontsize="small")
