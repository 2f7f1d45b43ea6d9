"""Display of the correlations of both modalities' features with two components, inside the unit circle."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import check_whole_number
from .._typing import Axes, DataFrame
from ..inference import structure_correlations
from ._axes import add_legend_beside
from ._data import check_components, direction_names
from ._display import Display, display
from ._style import MARKERS, cycle, ink

# Number of features of a side above which they are points without arrows.
ARROWS_UP_TO = 30


@display
class CorrelationCircleDisplay(Display):
    """Features of both modalities at their correlations with two components: close to the circle, well represented.

    Make one with `from_estimator` or `from_table`.

    Parameters
    ----------
    x_points, y_points : ndarray of shape (n_features, 2)
        Correlation of each feature with its own side's scores on the two components.
    x_labels, y_labels : ndarray of shape (n_features,)
        Names of the features.
    components : tuple of two int, default=(0, 1)
        The components shown, counted from 0.
    n_labels : int, default=8
        Most features of a side that are labelled, those farthest from the centre first.

    See Also
    --------
    crossmodal_cca.inference.structure_correlations : The figures.

    Notes
    -----
    The squared distance from the centre is the share of the feature's variance that the two components explain, where
    their scores are uncorrelated; the inner circle is half of it. Features in the same direction go together, within
    and across modalities; opposite ones, against each other.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.plotting import CorrelationCircleDisplay
    >>> from sklearn.datasets import load_linnerud
    >>> X, y = load_linnerud(return_X_y=True, as_frame=True)
    >>> display = CorrelationCircleDisplay.from_estimator(CCA(2).fit(X, y), X, y, names=("exercise", "body"))
    >>> display.y_labels.tolist(), display.y_points.shape
    (['Weight', 'Waist', 'Pulse'], (3, 2))
    """

    x_points: NDArray[Any]
    y_points: NDArray[Any]
    _: KW_ONLY
    x_labels: NDArray[Any]
    y_labels: NDArray[Any]
    components: tuple[int, int] = (0, 1)
    n_labels: int = 8
    names: tuple[str, str] = ("x", "y")

    @classmethod
    def from_estimator(cls, aligner: Any, X: ArrayLike, y: ArrayLike, **options: Any) -> Self:
        """Correlate features with the scores of a fitted aligner and draw.

        Parameters
        ----------
        aligner : estimator
            Fitted aligner of at least two components.
        X : array-like of shape (n_pairs, n_features_x)
            Rows of the first modality; names of columns become labels.
        y : array-like of shape (n_pairs, n_features_y)
            Paired rows of the second modality.
        """
        return cls.from_table(structure_correlations(aligner, X, y), **options)

    @classmethod
    def from_table(
        cls,
        table: DataFrame,
        *,
        components: tuple[int, int] = (0, 1),
        n_labels: int = 8,
        names: tuple[str, str] = ("x", "y"),
        ax: Axes | None = None,
    ) -> Self:
        """Draw a table of structure correlations.

        Parameters
        ----------
        table : DataFrame
            From :func:`crossmodal_cca.inference.structure_correlations`.
        components : tuple of two int, default=(0, 1)
            The components to show, counted from 0.
        n_labels : int >= 0, default=8
            Most features of a side that are labelled, those farthest from the centre first; those without room are
            left out.

        Raises
        ------
        ValueError, TypeError
            If a component does not exist, `n_labels` is not a whole number of at least 0, or the names are not two
            different ones.
        """
        direction_names(names)
        columns = check_components(components, table["own"].shape[1])
        check_whole_number(n_labels, "n_labels", low=0)
        own: list[Any] = [table.loc[side, "own"] for side in "xy"]
        points = [side.to_numpy()[:, columns] for side in own]
        labels = [side.index.to_numpy() for side in own]
        return cls(
            *points, x_labels=labels[0], y_labels=labels[1], components=components, n_labels=n_labels, names=names
        ).plot(ax)

    def _draw(self, ax: Axes) -> None:
        angle = np.linspace(0, 2 * np.pi, 200)
        for radius, strength in ((1.0, 0.7), (np.sqrt(0.5), 0.25)):
            ax.plot(radius * np.cos(angle), radius * np.sin(angle), color=ink(ax, strength), linewidth=0.8, zorder=0)
        ax.axhline(0, color=ink(ax, 0.25), linewidth=0.8, zorder=0)
        ax.axvline(0, color=ink(ax, 0.25), linewidth=0.8, zorder=0)
        sides = zip((self.x_points, self.y_points), cycle()[:2], MARKERS, self.names, strict=True)
        handles = [self._draw_side(ax, *side) for side in sides]
        self._add_labels(ax)
        i, j = self.components
        ax.set(
            xlabel=f"correlation with component {i + 1}",
            ylabel=f"correlation with component {j + 1}",
            title="Correlation circle",
        )
        ax.margins(0.06)
        # A fixed box would be cut off to make room for the legend.
        ax.set_aspect("equal", adjustable="datalim")
        add_legend_beside(ax, handles)

    def _draw_side(self, ax: Axes, points: NDArray[Any], color: str, marker: str, name: str) -> Any:
        """Draw the features of one modality, with arrows if they are few."""
        few, (a, b) = len(points) <= ARROWS_UP_TO, points.T
        if few:
            zeros = np.zeros(len(points))
            arrow: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.004}
            ax.quiver(zeros, zeros, a, b, color=color, alpha=0.5, **arrow)
        size = 22 if few else 8
        return ax.scatter(a, b, s=size, color=color, marker=marker, label=name, linewidths=0, zorder=2)

    def _add_labels(self, ax: Axes) -> None:
        """Label the features of each side that are farthest from the centre, the farthest of all first."""
        from ._labels import Labels

        texts, points, colors = [], [], []
        for of_side, labels, color in zip(
            (self.x_points, self.y_points), (self.x_labels, self.y_labels), cycle()[:2], strict=True
        ):
            longest = np.argsort(-np.linalg.norm(of_side, axis=1), kind="stable")[: self.n_labels]
            texts += list(labels[longest])
            points += list(of_side[longest])
            colors += [color] * len(longest)
        Labels(ax, texts, points, colors, [float(np.linalg.norm(point)) for point in points])
