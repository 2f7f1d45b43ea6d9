"""Display of hubs, items that are among the first results far too often, and of items never found."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from .._checks import check_whole_number
from .._errors import in_terms_of
from .._typing import Axes
from ..metrics._inputs import check_sides
from ..retrieval import k_occurrence
from ..retrieval.hubness import skewness
from ._axes import add_chance, add_legend, add_model, count_on_log_x, y_range
from ._data import direction_names
from ._display import display
from ._search_display import UnpairedDisplay


@display
class HubnessDisplay(UnpairedDisplay):
    """How often gallery items are among the first k results, in both search directions, against chance.

    Make one with `from_estimator` or `from_predictions`; pass the axes of one display to the next to compare models.
    Each model has a colour, each direction a line style, and chance stands once in the axes.

    Parameters
    ----------
    occurrences : dict of str to ndarray of shape (n_gallery,)
        For each direction, how many queries find each gallery item among their first k.
    chance : dict of str to ndarray of shape (n_times,)
        For each direction, the share of items that a random ranking finds at least 1, 2, … times.
    k : int
        Number of results looked at.

    Attributes
    ----------
    skewness : dict of str to float
        Skewness of the occurrences for each direction, the usual measure of hubness; 0 if all are equal.
    never_found : dict of str to float
        Share of gallery items that no query finds, for each direction.

    See Also
    --------
    crossmodal_cca.retrieval.k_occurrence : The counts.

    Notes
    -----
    A point (m, s) of a curve says that the share s of the gallery is found at least m times. A random ranking finds an
    item Binomial(n_queries, k / n_gallery) times. A curve that runs far to the right of that has hubs; what its left
    end lacks is never found.

    References
    ----------
    Radovanović, M., Nanopoulos, A. & Ivanović, M. (2010). Hubs in space: popular nearest neighbors in high-dimensional
    data. JMLR 11.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.plotting import HubnessDisplay
    >>> X, y = make_paired_latent(300, 10, 8, random_state=0)
    >>> cca = CCA(3).fit(X[:200], y[:200])
    >>> display = HubnessDisplay.from_estimator(cca, X[200:], y[200:], k=5)
    >>> int(display.occurrences["x to y"].sum())
    500
    """

    occurrences: dict[str, NDArray[Any]]
    chance: dict[str, NDArray[Any]]
    k: int

    @classmethod
    def from_predictions(
        cls,
        x_scores: ArrayLike,
        y_scores: ArrayLike,
        *,
        k: int = 10,
        similarity: str = "cosine",
        names: tuple[str, str] = ("x", "y"),
        name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Search in both directions among scores and draw.

        Parameters
        ----------
        y_scores : array-like of shape (n_y, n_components)
            Scores of the second modality; they need not be paired.
        k : int >= 1, default=10
            Number of results looked at, at most the size of the smaller gallery.

        Raises
        ------
        ValueError, TypeError
            If `k` is out of its range, `names` are not two different ones, or as `k_occurrence`.
        """
        directions = direction_names(names)
        with in_terms_of(queries="x_scores", gallery="y_scores"):
            x, y = check_sides(x_scores, y_scores, similarity)
        k = check_whole_number(k, "k", high=min(len(x), len(y)), of="items of the smaller gallery")
        occurrences, chance = {}, {}
        sides = {"x_scores": x, "y_scores": y}
        for direction, (one, other) in zip(directions, (tuple(sides), tuple(sides)[::-1]), strict=True):
            queries, gallery = sides[one], sides[other]
            with in_terms_of(queries=one, gallery=other):
                occurrences[direction] = np.asarray(k_occurrence(queries, gallery, k=k, similarity=similarity))
            chance[direction] = _random_survival(len(queries), len(gallery), k)
        return cls(occurrences, chance, k, name=name).plot(ax)

    @property
    def skewness(self) -> dict[str, float]:
        """Skewness of the occurrences for each direction."""
        return {direction: skewness(counts) for direction, counts in self.occurrences.items()}

    @property
    def never_found(self) -> dict[str, float]:
        """Share of gallery items that no query finds, for each direction."""
        return {direction: float(np.mean(counts == 0)) for direction, counts in self.occurrences.items()}

    def _draw(self, ax: Axes, name: str | None) -> None:
        skewness, never_found = self.skewness, self.never_found
        curves = {}
        for direction, counts in self.occurrences.items():
            times = np.arange(1, counts.max() + 1)
            label = f"{direction} (skewness {skewness[direction]:.1f}, never found {never_found[direction]:.0%})"
            curves[label] = times, 1 - np.searchsorted(np.sort(counts), times, side="left") / len(counts)
        add_model(ax, curves, name, drawstyle="steps-pre")
        add_chance(
            ax,
            {direction: (np.arange(1, len(shares) + 1), shares) for direction, shares in self.chance.items()},
            drawstyle="steps-pre",
        )
        lowest, _ = y_range(ax)
        ax.set(
            yscale="log",
            # Leave room for the legend below the curves.
            ylim=(min(lowest**1.3, 0.5), 1.5),
            xlabel="times found, m (number of queries)",
            ylabel="share of gallery found at least m times",
            title=f"Hubness: items among the first {self.k} results",
        )
        count_on_log_x(ax)
        ax.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")
        add_legend(ax, loc="lower left", fontsize="small")


def _random_survival(n_queries: int, n_gallery: int, k: int) -> NDArray[Any]:
    """Compute the share of items found at least 1, 2, … times by a random ranking, down to half an item."""
    shares = stats.binom.sf(np.arange(n_queries), n_queries, k / n_gallery)
    return np.asarray(shares[: max(1, np.count_nonzero(shares >= 0.5 / n_gallery))])
