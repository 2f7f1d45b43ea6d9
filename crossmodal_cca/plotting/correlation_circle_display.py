"""What two components mean: correlations of both modalities' features with their scores, inside the unit circle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import check_whole_number
from ..inference import structure_correlations
from ._axes import given_or_new
from ._data import check_components, direction_names
from ._style import X_COLOR, Y_COLOR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

MARKERS = ("o", "^")
# More features of a side than this are points without arrows.
ARROWS_UP_TO = 30
# About the size of a letter in units of the axes, with which labels are kept apart.
_LETTER = (0.042, 0.095)


class CorrelationCircleDisplay:
    """Features of both modalities at their correlations with two components: close to the circle, well represented.

    Make one with `from_estimator` or `from_table`.

    Parameters
    ----------
    x_points, y_points : ndarray of shape (n_features, 2)
        Correlation of each feature with its own side's scores on the two components.
    x_labels, y_labels : ndarray of shape (n_features,)
        What the features are called.
    components : tuple of two int, default=(0, 1)
        The components shown, counted from 0.
    n_labels : int, default=8
        Most features of a side that are labelled, those farthest from the centre first.
    names : tuple of two str, default=("x", "y")
        What the modalities are called.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes drawn on.
    figure_ : matplotlib Figure
        Its figure.

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

    def __init__(
        self,
        x_points: NDArray[Any],
        y_points: NDArray[Any],
        *,
        x_labels: NDArray[Any],
        y_labels: NDArray[Any],
        components: tuple[int, int] = (0, 1),
        n_labels: int = 8,
        names: tuple[str, str] = ("x", "y"),
    ) -> None:
        self.x_points = x_points
        self.y_points = y_points
        self.x_labels = x_labels
        self.y_labels = y_labels
        self.components = components
        self.n_labels = n_labels
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        aligner: Any,
        X: ArrayLike,
        y: ArrayLike,
        *,
        components: tuple[int, int] = (0, 1),
        n_labels: int = 8,
        names: tuple[str, str] = ("x", "y"),
        ax: Axes | None = None,
    ) -> Self:
        """Correlate features with the scores of a fitted aligner and draw.

        Parameters
        ----------
        aligner : estimator
            Fitted aligner of at least two components.
        X : array-like of shape (n_pairs, n_features_x)
            Rows of the first modality; names of columns become labels.
        y : array-like of shape (n_pairs, n_features_y)
            Paired rows of the second modality.
        components, n_labels, names, ax
            As in `from_table`.

        Returns
        -------
        display : CorrelationCircleDisplay
            The display, drawn.
        """
        table = structure_correlations(aligner, X, y)
        return cls.from_table(table, components=components, n_labels=n_labels, names=names, ax=ax)

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
        names : tuple of two str, default=("x", "y")
            What the modalities are called.
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None for new ones.

        Returns
        -------
        display : CorrelationCircleDisplay
            The display, drawn.

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

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the circle, the features and the labels of the longest.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None for new ones.

        Returns
        -------
        self : CorrelationCircleDisplay
            The display.
        """
        ax = given_or_new(ax)
        angle = np.linspace(0, 2 * np.pi, 200)
        for radius, color in ((1.0, "0.3"), (np.sqrt(0.5), "0.8")):
            ax.plot(radius * np.cos(angle), radius * np.sin(angle), color=color, linewidth=0.8, zorder=0)
        ax.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        ax.axvline(0, color="0.8", linewidth=0.8, zorder=0)
        sides = zip((self.x_points, self.y_points), (X_COLOR, Y_COLOR), MARKERS, self.names, strict=True)
        for points, color, marker, name in sides:
            few = len(points) <= ARROWS_UP_TO
            if few:
                zeros = np.zeros(len(points))
                ax.quiver(
                    zeros, zeros, *points.T, angles="xy", scale_units="xy", scale=1, color=color, alpha=0.5, width=0.004
                )
            ax.scatter(
                points[:, 0],
                points[:, 1],
                s=22 if few else 8,
                color=color,
                marker=marker,
                label=name,
                linewidths=0,
                zorder=2,
            )
        self._add_labels(ax)
        i, j = self.components
        ax.set(
            xlabel=f"correlation with component {i + 1}",
            ylabel=f"correlation with component {j + 1}",
            title="Correlation circle",
        )
        ax.margins(0.06)
        # A fixed box would be cut off where it has to make room for the legend.
        ax.set_aspect("equal", adjustable="datalim")
        ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _add_labels(self, ax: Axes) -> None:
        """Label the longest features of both sides, longest first, where a label has room."""
        candidates = []
        for points, labels, color in (
            (self.x_points, self.x_labels, X_COLOR),
            (self.y_points, self.y_labels, Y_COLOR),
        ):
            lengths = np.linalg.norm(points, axis=1)
            for f in np.argsort(-lengths, kind="stable")[: self.n_labels]:
                candidates.append((lengths[f], points[f], str(labels[f]), color))
        placed: list[tuple[float, float, float, float]] = []
        for _, (a, b), text, color in sorted(candidates, key=lambda candidate: -candidate[0]):
            left, width = a < 0, _LETTER[0] * len(text)
            box = (a - width if left else a, b - _LETTER[1] / 2, a if left else a + width, b + _LETTER[1] / 2)
            if any(box[0] < c[2] and c[0] < box[2] and box[1] < c[3] and c[1] < box[3] for c in placed):
                continue
            placed.append(box)
            ax.annotate(
                text,
                (a, b),
                xytext=(-5 if left else 5, 0),
                textcoords="offset points",
                ha="right" if left else "left",
                va="center",
                fontsize=8,
                color=color,
            )
