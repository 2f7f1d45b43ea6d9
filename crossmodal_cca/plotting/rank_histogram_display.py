"""Display of the rank of the best match."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._typing import Axes
from ._axes import add_chance, add_legend, add_model, count_on_log_x
from ._display import display
from ._search_display import MeasuresDisplay, Search
from ._style import paper


@display
class RankHistogramDisplay(MeasuresDisplay):
    """Distribution of the rank of the best match in both search directions, against chance.

    Make one with `from_estimator` or `from_predictions`; pass the axes of one display to the next to compare models.
    Each model has a colour, each direction a line style, and chance stands once in the axes.

    Parameters
    ----------
    last_ranks : ndarray of shape (n_bins,)
        Last rank of each bin, increasing; a bin begins after the one before, the first at rank 1.
    shares : dict of str to ndarray of shape (n_bins,)
        Share of the queries in each bin for each direction.
    chance : dict of str to ndarray of shape (n_bins,)
        The same of a random ranking.
    medians : dict of str to float
        Median rank for each direction.

    See Also
    --------
    crossmodal_cca.metrics.retrieval_ranks : The ranks, one for each query.
    HitRateDisplay : The same cumulated.

    Notes
    -----
    The bins are ranks 1, 2, 3–4, 5–8, 9–16, … up to the size of the larger gallery. Their shares are differences of hit
    rates, in expectation over the order of ties, and so is chance: exact for each query's number of relevant items.
    Dots mark the median ranks.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.plotting import RankHistogramDisplay
    >>> X, y = make_paired_latent(300, 10, 8, random_state=0)
    >>> cca = CCA(3).fit(X[:200], y[:200])
    >>> display = RankHistogramDisplay.from_estimator(cca, X[200:], y[200:])
    >>> display.last_ranks.tolist()
    [1, 2, 4, 8, 16, 32, 64, 100]
    """

    last_ranks: NDArray[Any]
    shares: dict[str, NDArray[Any]]
    chance: dict[str, NDArray[Any]]
    medians: dict[str, float]

    @classmethod
    def _searched(cls, search: Search, sizes: tuple[int, int], name: str | None) -> Self:
        largest = max(sizes)
        last_ranks = np.array([*(2**j for j in range(largest.bit_length()) if 2**j < largest), max(largest, 1)])
        values, chance = search([*(f"hit_rate_at_{rank}" for rank in last_ranks), "median_rank"])
        medians = {direction: float(numbers[-1]) for direction, numbers in values.items()}
        # The last number of each direction is the median.
        shares, expected = (
            {direction: np.diff(numbers[:-1], prepend=0.0) for direction, numbers in of.items()}
            for of in (values, chance)
        )
        return cls(last_ranks, shares, expected, medians, name=name)

    def _draw(self, ax: Axes, name: str | None) -> None:
        # A bin reaches half a rank beyond its first and last one, so that it is centred on a single rank.
        edges = np.concatenate([[0.5], self.last_ranks + 0.5])
        curves = {
            f"{direction} (median {self.medians[direction]:g})": (edges, np.append(shares, shares[-1]))
            for direction, shares in self.shares.items()
        }
        color = add_model(ax, curves, name, drawstyle="steps-post")
        for direction, shares in self.shares.items():
            median = self.medians[direction]
            height = shares[np.searchsorted(self.last_ranks, median)]
            ax.plot(median, height, "o", color=color, markeredgecolor=paper(ax), markersize=8, zorder=3)
        chance = {direction: (edges, np.append(shares, shares[-1])) for direction, shares in self.chance.items()}
        add_chance(ax, chance, drawstyle="steps-post")
        ax.set(
            xlabel="rank of the best match (bins 1, 2, 3–4, 5–8, …)",
            ylabel="share of queries in the bin",
            title="Rank of the best match, dots at the median",
        )
        ax.set_ylim(bottom=0)
        count_on_log_x(ax)
        add_legend(ax, loc="best")
