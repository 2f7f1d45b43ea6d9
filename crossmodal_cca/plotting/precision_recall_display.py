"""Display of precision against recall as more results are looked at."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._typing import Axes
from ._axes import add_chance, add_legend, add_model, y_range
from ._data import cutoffs
from ._display import display
from ._search_display import MeasuresDisplay, Search


@display
class PrecisionRecallDisplay(MeasuresDisplay):
    """Mean precision at k against mean recall at k in both search directions, against chance.

    Make one with `from_estimator` or `from_predictions`; pass the axes of one display to the next to compare models.
    Each model has a colour, each direction a line style, and chance stands once in the axes.

    Parameters
    ----------
    ks : ndarray of shape (n_ks,)
        Numbers of results looked at.
    precision, recall : dict of str to ndarray of shape (n_ks,)
        Mean precision and mean recall at each k for each direction.
    chance : dict of str to float
        Precision of a random ranking for each direction: the mean share of relevant items.

    See Also
    --------
    crossmodal_cca.metrics.mean_average_precision : One number for the whole list.

    Notes
    -----
    The curve is parametric in k: each of its points is the pair (mean recall, mean precision) over the queries at one
    k, from k = 1 to the size of the smaller gallery, in expectation over the order of ties. Nothing is interpolated, so
    it may rise. It is no average of the queries' own curves. With a single relevant item each, precision is recall / k,
    and `HitRateDisplay` shows more.

    Examples
    --------
    >>> import numpy as np
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.plotting import PrecisionRecallDisplay
    >>> X, y = make_paired_latent(300, 10, 8, random_state=0)
    >>> cca = CCA(3).fit(X[:200], y[:200])
    >>> labels = np.where(X[200:, 0] > 0, "positive", "negative")
    >>> display = PrecisionRecallDisplay.from_estimator(cca, X[200:], y[200:], x_ids=labels, y_ids=labels)
    >>> display.ax_.get_ylabel()
    'mean precision at k'
    """

    ks: NDArray[Any]
    precision: dict[str, NDArray[Any]]
    recall: dict[str, NDArray[Any]]
    chance: dict[str, float]

    @classmethod
    def _searched(cls, search: Search, sizes: tuple[int, int], name: str | None) -> Self:
        largest = min(sizes)
        ks = np.union1d(cutoffs(largest, n_points=50), _powers_of_ten(largest))
        values, chance = search([f"{measure}_at_{k}" for measure in ("precision", "recall") for k in ks])
        # For each direction, all precisions come first, then all recalls. Chance has the same precision at every k.
        return cls(
            ks,
            {direction: both[: len(ks)] for direction, both in values.items()},
            {direction: both[len(ks) :] for direction, both in values.items()},
            {direction: float(both[0]) for direction, both in chance.items()},
            name=name,
        )

    def _draw(self, ax: Axes, name: str | None) -> None:
        marked = _powers_of_ten(self.ks[-1])
        add_model(
            ax,
            {direction: (self.recall[direction], values) for direction, values in self.precision.items()},
            name,
            marker="o",
            markersize=5,
            markevery=np.flatnonzero(np.isin(self.ks, marked)).tolist(),
        )
        add_chance(ax, {direction: ([0, 1], [level, level]) for direction, level in self.chance.items()})
        _, highest = y_range(ax)
        ax.set(
            xlim=(0, 1.01),
            ylim=(0, min(1.01, 1.3 * highest)),
            xlabel="mean recall at k",
            ylabel="mean precision at k",
            title=f"Precision and recall, dots at k = {', '.join(map(str, marked))}",
        )
        ax.grid(alpha=0.3)
        add_legend(ax, loc="upper right")


def _powers_of_ten(largest: int) -> list[int]:
    return [10**power for power in range(len(str(largest)))]
