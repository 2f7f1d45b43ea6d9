"""Hubs: items that are among the first results far too often, and items never found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from .._checks import check_whole_number
from .._errors import in_terms_of
from ..metrics._inputs import check_sides
from ..retrieval import k_occurrence
from ..retrieval.hubness import skewness
from ._axes import add_chance, add_legend, add_model, count_on_log_x, given_or_new, y_range
from ._data import direction_names, name_of, scores_of_sides

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class HubnessDisplay:
    """How often gallery items are among the first k results, in both search directions, against chance.

    Make one with `from_estimator` or `from_predictions`; pass the axes of one display to the next to compare models.

    Parameters
    ----------
    occurrences : dict of str to ndarray of shape (n_gallery,)
        For each direction, how many queries find each gallery item among their first k.
    chance : dict of str to ndarray of shape (n_times,)
        For each direction, the share of items that a random ranking finds at least 1, 2, … times.
    k : int
        Number of results looked at.
    name : str or None, default=None
        Name of the model in the legend.

    Attributes
    ----------
    skewness : dict of str to float
        Skewness of the occurrences for each direction, the usual measure of hubness; 0 if all are equal.
    never_found : dict of str to float
        Share of gallery items that no query finds, for each direction.
    ax_ : matplotlib Axes
        Axes drawn on.
    figure_ : matplotlib Figure
        Its figure.

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

    def __init__(
        self,
        occurrences: dict[str, NDArray[Any]],
        chance: dict[str, NDArray[Any]],
        k: int,
        *,
        name: str | None = None,
    ) -> None:
        self.occurrences = occurrences
        self.chance = chance
        self.k = k
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        aligner: Any,
        X: ArrayLike,
        y: ArrayLike,
        *,
        k: int = 10,
        similarity: str = "cosine",
        names: tuple[str, str] = ("x", "y"),
        name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Map rows into the shared space of a fitted aligner, search in both directions and draw.

        Parameters
        ----------
        aligner : estimator
            Fitted aligner.
        X : array-like of shape (n_x, n_features_x)
            Rows of the first modality, outside the training set.
        y : array-like of shape (n_y, n_features_y)
            Rows of the second modality; they need not be paired.
        k, similarity, names, name, ax
            As in `from_predictions`; the name defaults to the aligner's class.

        Returns
        -------
        display : HubnessDisplay
            The display, drawn.
        """
        return cls.from_predictions(
            *scores_of_sides(aligner, X, y),
            k=k,
            similarity=similarity,
            names=names,
            name=name_of(aligner, name),
            ax=ax,
        )

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
        x_scores : array-like of shape (n_x, n_components)
            Scores of the first modality.
        y_scores : array-like of shape (n_y, n_components)
            Scores of the second modality; they need not be paired.
        k : int >= 1, default=10
            Number of results looked at, at most the size of the smaller gallery.
        similarity : {"cosine", "dot", "euclidean"}, default="cosine"
            Similarity that ranks the gallery.
        names : tuple of two str, default=("x", "y")
            What the modalities are called.
        name : str or None, default=None
            Name of the model in the legend.
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None for new ones.

        Returns
        -------
        display : HubnessDisplay
            The display, drawn.

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
        named = {"x_scores": x, "y_scores": y}
        for direction, (one, other) in zip(directions, (tuple(named), tuple(named)[::-1]), strict=True):
            queries, gallery = named[one], named[other]
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

    def plot(self, ax: Axes | None = None, *, name: str | None = None) -> Self:
        """Draw the curves, one line style a direction, and chance once in each axes.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None for new ones.
        name : str or None, default=None
            Name in the legend; None for the display's own.

        Returns
        -------
        self : HubnessDisplay
            The display.
        """
        ax = given_or_new(ax)
        skewness, never_found = self.skewness, self.never_found
        curves = {}
        for direction, counts in self.occurrences.items():
            times = np.arange(1, counts.max() + 1)
            label = f"{direction} (skewness {skewness[direction]:.1f}, never found {never_found[direction]:.0%})"
            curves[label] = times, 1 - np.searchsorted(np.sort(counts), times, side="left") / len(counts)
        add_model(ax, curves, name or self.name, drawstyle="steps-pre")
        add_chance(
            ax,
            {direction: (np.arange(1, len(shares) + 1), shares) for direction, shares in self.chance.items()},
            drawstyle="steps-pre",
        )
        lowest, _ = y_range(ax)
        ax.set(
            yscale="log",
            # Room for the legend below the curves.
            ylim=(min(lowest**1.3, 0.5), 1.5),
            xlabel="times found, m (number of queries)",
            ylabel="share of gallery found at least m times",
            title=f"Hubness: items among the first {self.k} results",
        )
        count_on_log_x(ax)
        ax.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")
        add_legend(ax, loc="lower left", fontsize="small")
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _random_survival(n_queries: int, n_gallery: int, k: int) -> NDArray[Any]:
    """Share of items found at least 1, 2, … times by a random ranking, down to half an item."""
    shares = stats.binom.sf(np.arange(n_queries), n_queries, k / n_gallery)
    return np.asarray(shares[: max(1, np.count_nonzero(shares >= 0.5 / n_gallery))])
