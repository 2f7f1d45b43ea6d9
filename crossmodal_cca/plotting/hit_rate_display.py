"""Display of hit rate or recall against the number of results looked at."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any, Self

from numpy.typing import ArrayLike, NDArray

from .._checks import check_choice, check_whole_number
from .._typing import Axes
from ..metrics import retrieval_report
from ._axes import add_chance, add_legend, add_model, count_on_log_x
from ._data import by_direction, cutoffs, sizes_of_galleries
from ._display import display
from ._search_display import SearchDisplay

# Label of the y-axis and title by measure.
MEASURES = {
    "hit_rate": ("hit rate (share of queries)", "Partner among the first k results"),
    "recall": ("recall (mean share of relevant items found)", "Relevant items among the first k results"),
}


@display
class HitRateDisplay(SearchDisplay):
    """Hit rate or recall at k in both search directions, with bands, against chance.

    Make one with `from_estimator` or `from_predictions`; pass the axes of one display to the next to compare models.
    Each model has a colour, each direction a line style, and chance stands once in the axes.

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
        Measure of the values.

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

    ks: NDArray[Any]
    hit_rates: dict[str, NDArray[Any]]
    chance: dict[str, NDArray[Any]]
    _: KW_ONLY
    low: dict[str, NDArray[Any]] | None = None
    high: dict[str, NDArray[Any]] | None = None
    measure: str = "hit_rate"

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
        x_groups, y_groups : array-like of shape (n_x,) and (n_y,), default=None
            Which rows are not independent: as queries they form a cluster.
        measure : {"hit_rate", "recall"}, default="hit_rate"
            Share of queries with a relevant item among the first k, or mean share of the relevant items found there.
        max_k : int >= 1, default=50
            Largest number of results looked at; at most the size of the smaller gallery is drawn.
        n_resamples : int >= 0, default=1000
            0 for no band; as in `retrieval_report`, whose intervals of hit rates take no resamples.
        confidence_level : float in (0, 1), default=0.95
            Confidence level of the band, at each k by itself.
        random_state : int, RandomState, Generator or None, default=None
            As in `retrieval_report`.

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
            names=names,
        )
        hit_rates, chance, low, high = by_direction(report, "value", "chance", "low", "high")
        band = {"low": low, "high": high} if n_resamples else {}
        return cls(ks, hit_rates, chance, **band, measure=measure, name=name).plot(ax)

    def _draw(self, ax: Axes, name: str | None) -> None:
        color = add_model(ax, {d: (self.ks, values) for d, values in self.hit_rates.items()}, name)
        if self.low is not None and self.high is not None:
            for low, high in zip(self.low.values(), self.high.values(), strict=True):
                ax.fill_between(self.ks, low, high, color=color, alpha=0.12, linewidth=0)
        add_chance(ax, {d: (self.ks, values) for d, values in self.chance.items()})
        count_on_log_x(ax)
        label, title = MEASURES[self.measure]
        ax.set(ylim=(0, 1), xlabel="results looked at, k", ylabel=label, title=title)
        add_legend(ax, loc="upper left")
