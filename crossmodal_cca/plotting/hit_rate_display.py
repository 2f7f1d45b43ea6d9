"""Hit rate or recall against the number of results looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from numpy.typing import ArrayLike, NDArray

from .._checks import check_choice, check_whole_number
from ..metrics import retrieval_report
from ._axes import add_chance, add_legend, add_model, count_on_log_x, given_or_new
from ._data import cutoffs, name_of, per_direction, scores_of_rows, sizes_of_galleries

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Measure: (label of the y-axis, title).
MEASURES = {
    "hit_rate": ("hit rate (share of queries)", "Partner among the first k results"),
    "recall": ("recall (mean share of relevant items found)", "Relevant items among the first k results"),
}


class HitRateDisplay:
    """Hit rate or recall at k in both search directions, with bands, against chance.

    Make one with `from_estimator` or `from_predictions`; pass the axes of one display to the next to compare models.

    Parameters
    ----------
    ks : ndarray of shape (n_ks,)
        Numbers of results looked at.
    hit_rates : dict of str to ndarray of shape (n_ks,)
        Hit rate (or recall) at each k for each direction.
    chance : dict of str to ndarray of shape (n_ks,)
        The same of a random ranking.
    low, high : dict of str to ndarray of shape (n_ks,), or None, default=None
        Ends of the interval at each k for each direction; None for no band.
    measure : {"hit_rate", "recall"}, default="hit_rate"
        What the values are.
    name : str or None, default=None
        Name of the model in the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes drawn on.
    figure_ : matplotlib Figure
        Its figure.

    See Also
    --------
    crossmodal_cca.metrics.hit_rate_at_k : The measure.
    crossmodal_cca.metrics.recall_at_k : The other measure.
    crossmodal_cca.metrics.compare_retrieval : Whether one model is better: bands that overlap do not tell.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.plotting import HitRateDisplay
    >>> X, y = make_paired_latent(300, 10, 8, random_state=0)
    >>> cca = CCA(3).fit(X[:200], y[:200])
    >>> display = HitRateDisplay.from_estimator(cca, X[200:], y[200:], max_k=20)
    >>> display.ax_.get_xlabel()
    'results looked at, k'
    """

    def __init__(
        self,
        ks: NDArray[Any],
        hit_rates: dict[str, NDArray[Any]],
        chance: dict[str, NDArray[Any]],
        *,
        low: dict[str, NDArray[Any]] | None = None,
        high: dict[str, NDArray[Any]] | None = None,
        measure: str = "hit_rate",
        name: str | None = None,
    ) -> None:
        self.ks = ks
        self.hit_rates = hit_rates
        self.chance = chance
        self.low = low
        self.high = high
        self.measure = measure
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        aligner: Any,
        X: ArrayLike,
        y: ArrayLike,
        *,
        x_ids: ArrayLike | None = None,
        y_ids: ArrayLike | None = None,
        x_groups: ArrayLike | None = None,
        y_groups: ArrayLike | None = None,
        measure: str = "hit_rate",
        max_k: int = 50,
        similarity: str = "cosine",
        n_resamples: int = 1000,
        confidence_level: float = 0.95,
        random_state: Any = None,
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
            Rows of the second modality.
        x_ids, y_ids, x_groups, y_groups, measure, max_k, similarity, n_resamples, confidence_level, random_state, names
            As in `from_predictions`.
        name, ax
            As in `from_predictions`; the name defaults to the aligner's class.

        Returns
        -------
        display : HitRateDisplay
            The display, drawn.
        """
        return cls.from_predictions(
            *scores_of_rows(aligner, X, y, x_ids, y_ids),
            x_ids=x_ids,
            y_ids=y_ids,
            x_groups=x_groups,
            y_groups=y_groups,
            measure=measure,
            max_k=max_k,
            similarity=similarity,
            n_resamples=n_resamples,
            confidence_level=confidence_level,
            random_state=random_state,
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
        x_ids: ArrayLike | None = None,
        y_ids: ArrayLike | None = None,
        x_groups: ArrayLike | None = None,
        y_groups: ArrayLike | None = None,
        measure: str = "hit_rate",
        max_k: int = 50,
        similarity: str = "cosine",
        n_resamples: int = 1000,
        confidence_level: float = 0.95,
        random_state: Any = None,
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
            Scores of the second modality.
        x_ids, y_ids : array-like of shape (n_x,) and (n_y,), default=None
            Ids or labels that say what is relevant; None for row i to row i.
        x_groups, y_groups : array-like of shape (n_x,) and (n_y,), default=None
            Which rows are not independent: as queries they form a cluster.
        measure : {"hit_rate", "recall"}, default="hit_rate"
            Share of queries with a relevant item among the first k, or mean share of the relevant items found there.
        max_k : int >= 1, default=50
            Largest number of results looked at; at most the size of the smaller gallery is drawn.
        similarity : {"cosine", "dot", "euclidean"}, default="cosine"
            Similarity that ranks the gallery.
        n_resamples : int >= 0, default=1000
            0 for no band; as in `retrieval_report`, whose intervals of hit rates take no resamples.
        confidence_level : float in (0, 1), default=0.95
            Of the band, at each k by itself.
        random_state : int, RandomState, Generator or None, default=None
            As in `retrieval_report`.
        names : tuple of two str, default=("x", "y")
            What the modalities are called.
        name : str or None, default=None
            Name of the model in the legend.
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None for new ones.

        Returns
        -------
        display : HitRateDisplay
            The display, drawn.

        Raises
        ------
        ValueError, TypeError
            If `measure` is neither of the two, `max_k` is not a whole number of at least 1, `names` are not two
            different ones, or as `retrieval_report`.
        """
        check_choice(measure, "measure", MEASURES)
        check_whole_number(max_k, "max_k")
        ks = cutoffs(min(max_k, min(sizes_of_galleries(x_scores, y_scores))))
        report = retrieval_report(
            x_scores,
            y_scores,
            x_ids=x_ids,
            y_ids=y_ids,
            x_groups=x_groups,
            y_groups=y_groups,
            measures=[f"{measure}_at_{k}" for k in ks],
            similarity=similarity,
            n_resamples=n_resamples,
            confidence_level=confidence_level,
            random_state=random_state,
        )
        hit_rates, chance, low, high = (per_direction(report[c], names) for c in ("value", "chance", "low", "high"))
        band = {"low": low, "high": high} if n_resamples else {}
        return cls(ks, hit_rates, chance, **band, measure=measure, name=name).plot(ax)

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
        self : HitRateDisplay
            The display.
        """
        ax = given_or_new(ax)
        color = add_model(ax, {d: (self.ks, values) for d, values in self.hit_rates.items()}, name or self.name)
        if self.low is not None and self.high is not None:
            for low, high in zip(self.low.values(), self.high.values(), strict=True):
                ax.fill_between(self.ks, low, high, color=color, alpha=0.12, linewidth=0)
        add_chance(ax, {d: (self.ks, values) for d, values in self.chance.items()})
        count_on_log_x(ax)
        label, title = MEASURES[self.measure]
        ax.set(ylim=(0, 1), xlabel="results looked at, k", ylabel=label, title=title)
        add_legend(ax, loc="upper left")
        self.ax_, self.figure_ = ax, ax.figure
        return self
