"""Hit rate against the number of results looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..metrics import retrieval_report
from ._style import CHANCE_COLOR, CYCLE, LINES

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class HitRateDisplay:
    """Hit rate at k in both search directions, against chance.

    Make one with `from_estimator` or `from_predictions`; pass the axes of one display to the next to compare models.

    Parameters
    ----------
    ks : ndarray of shape (n_ks,)
        Numbers of results looked at.
    hit_rates : dict of str to ndarray of shape (n_ks,)
        Hit rate at each k for each direction.
    chance : dict of str to ndarray of shape (n_ks,)
        Hit rate of a random ranking at each k for each direction.
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
    crossmodal_cca.metrics.hit_rate_at_k : The metric.

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
        name: str | None = None,
    ) -> None:
        self.ks = ks
        self.hit_rates = hit_rates
        self.chance = chance
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
        max_k: int = 50,
        metric: str = "cosine",
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
        x_ids, y_ids, max_k, metric, names, name, ax
            As in `from_predictions`; the name defaults to the aligner's class.

        Returns
        -------
        display : HitRateDisplay
            The display, drawn.
        """
        return cls.from_predictions(
            aligner.transform(X),
            aligner.transform_y(y),
            x_ids=x_ids,
            y_ids=y_ids,
            max_k=max_k,
            metric=metric,
            names=names,
            name=type(aligner).__name__ if name is None else name,
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
        max_k: int = 50,
        metric: str = "cosine",
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
        max_k : int >= 1, default=50
            Largest number of results looked at; at most the size of the smaller gallery is drawn.
        metric : {"cosine", "dot", "euclidean"}, default="cosine"
            Similarity that ranks the gallery.
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
        ValueError
            If `max_k` is not a whole number of at least 1, or as `retrieval_report`.
        """
        if not isinstance(max_k, int | np.integer) or isinstance(max_k, bool) or max_k < 1:
            raise ValueError(f"max_k must be a whole number of at least 1, got {max_k!r}.")
        largest = min(max_k, np.shape(x_scores)[0], np.shape(y_scores)[0])
        ks = np.unique(np.geomspace(1, largest, 25).round().astype(int)) if largest > 1 else np.array([1])
        report = retrieval_report(
            x_scores,
            y_scores,
            x_ids=x_ids,
            y_ids=y_ids,
            ks=ks.tolist(),
            metric=metric,
            n_bootstrap=0,
        )
        report = report[report.index.get_level_values("metric").isin([f"hit_rate_at_{k}" for k in ks])]
        directions = " → ".join(names), " → ".join(names[::-1])
        hit_rates, chance = (
            dict(zip(directions, report[column].to_numpy().reshape(2, -1), strict=True))
            for column in ("value", "chance")
        )
        return cls(ks, hit_rates, chance, name=name).plot(ax)

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
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots()
        curves = [line for line in ax.lines if line.get_gid() == "hit rate"]
        color = CYCLE[len(curves) // len(self.hit_rates) % len(CYCLE)]
        prefix = f"{name or self.name}: " if name or self.name else ""
        for (direction, values), style in zip(self.hit_rates.items(), LINES, strict=True):
            ax.plot(self.ks, values, style, color=color, linewidth=2, label=prefix + direction, gid="hit rate")
        self._plot_chance(ax)
        ax.set(
            xscale="log",
            ylim=(0, 1),
            xlabel="results looked at, k",
            ylabel="hit rate (share of queries)",
            title="Partner among the first k results",
        )
        ticks = [k for k in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if k <= self.ks[-1]]
        ax.set_xticks(ticks, [str(k) for k in ticks])
        ax.minorticks_off()
        ax.grid(alpha=0.3)
        lines = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
        lines.sort(key=lambda line: line.get_gid() == "chance")
        ax.legend(handles=lines, frameon=False, loc="upper left")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _plot_chance(self, ax: Axes) -> None:
        """Draw the level of chance: one line where both directions share it, and none that is there already."""
        one, other = self.chance.values()
        levels = {"chance": one} if np.allclose(one, other) else {f"chance, {d}": v for d, v in self.chance.items()}
        present = [line.get_xydata() for line in ax.lines if line.get_gid() == "chance"]
        for (label, level), style in zip(levels.items(), (":", "-."), strict=False):
            if not any(np.array_equal(points, np.column_stack([self.ks, level])) for points in present):
                ax.plot(self.ks, level, style, color=CHANCE_COLOR, label=label, gid="chance")
