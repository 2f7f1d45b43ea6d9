"""Both modalities as points of the shared space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._axes import given_or_new
from ._data import check_components, class_codes, paired_scores, scores_of_rows
from ._style import CLASS_COLORS, X_COLOR, Y_COLOR

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = ("o", "^")


class SharedSpaceDisplay:
    """Two components of the shared space: a point for each row of either modality, a line for each pair.

    Make one with `from_estimator` or `from_predictions`.

    Parameters
    ----------
    x_points, y_points : ndarray of shape (n_pairs, 2)
        Scores of both modalities on the two components.
    components : tuple of two int, default=(0, 1)
        The components shown.
    labels : sequence of str or None, default=None
        A text for each pair, written beside its point of the second modality; an empty one is left out.
    classes : ndarray of shape (n_pairs,) or None, default=None
        Class of each pair, shown by the colour of its points; None for colours that tell the modality.
    names : tuple of two str, default=("x", "y")
        What the modalities are called.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes drawn on.
    figure_ : matplotlib Figure
        Its figure.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.plotting import SharedSpaceDisplay
    >>> X, y = make_paired_latent(200, 10, 8, random_state=0)
    >>> cca = CCA(3).fit(X, y)
    >>> display = SharedSpaceDisplay.from_estimator(cca, X[:40], y[:40], names=("sound", "words"))
    >>> display.ax_.get_xlabel()
    'component 1 (score)'
    """

    def __init__(
        self,
        x_points: NDArray[Any],
        y_points: NDArray[Any],
        *,
        components: tuple[int, int] = (0, 1),
        labels: Sequence[str] | None = None,
        classes: NDArray[Any] | None = None,
        names: tuple[str, str] = ("x", "y"),
    ) -> None:
        self.x_points = x_points
        self.y_points = y_points
        self.components = components
        self.labels = labels
        self.classes = classes
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        aligner: Any,
        X: ArrayLike,
        y: ArrayLike,
        *,
        components: tuple[int, int] = (0, 1),
        labels: Sequence[str] | None = None,
        classes: ArrayLike | None = None,
        names: tuple[str, str] = ("x", "y"),
        ax: Axes | None = None,
    ) -> Self:
        """Map pairs into the shared space of a fitted aligner and draw.

        Parameters
        ----------
        aligner : estimator
            Fitted aligner.
        X : array-like of shape (n_pairs, n_features_x)
            Rows of the first modality.
        y : array-like of shape (n_pairs, n_features_y)
            Paired rows of the second modality.
        components, labels, classes, names, ax
            As in `from_predictions`.

        Returns
        -------
        display : SharedSpaceDisplay
            The display, drawn.
        """
        return cls.from_predictions(
            *scores_of_rows(aligner, X, y),
            components=components,
            labels=labels,
            classes=classes,
            names=names,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        x_scores: ArrayLike,
        y_scores: ArrayLike,
        *,
        components: tuple[int, int] = (0, 1),
        labels: Sequence[str] | None = None,
        classes: ArrayLike | None = None,
        names: tuple[str, str] = ("x", "y"),
        ax: Axes | None = None,
    ) -> Self:
        """Draw pairs of scores.

        Parameters
        ----------
        x_scores : array-like of shape (n_pairs, n_components)
            Scores of the first modality.
        y_scores : array-like of shape (n_pairs, n_components)
            Scores of the second modality.
        components : tuple of two int, default=(0, 1)
            The components to show, counted from 0.
        labels : sequence of str or None, default=None
            A text for each pair; an empty one is left out.
        classes : array-like of shape (n_pairs,) or None, default=None
            A class label for each pair, at most ten different ones: points are coloured by class, and their marker
            tells the modality.
        names : tuple of two str, default=("x", "y")
            What the modalities are called.
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None for new ones.

        Returns
        -------
        display : SharedSpaceDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the sides do not pair up, a component does not exist, there is not one label or class for each pair, or
            there are more than ten classes.
        """
        x, y = paired_scores(x_scores, y_scores)
        columns = check_components(components, x.shape[1])
        if labels is not None and len(labels) != len(x):
            raise ValueError(f"labels must hold a text for each of the {len(x)} pairs, got {len(labels)}.")
        return cls(
            x[:, columns],
            y[:, columns],
            components=components,
            labels=labels,
            classes=None if classes is None else _few_classes(classes, len(x)),
            names=names,
        ).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the points and the lines between partners.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None for new ones.

        Returns
        -------
        self : SharedSpaceDisplay
            The display.
        """
        from matplotlib.collections import LineCollection

        ax = given_or_new(ax)
        pairs = np.stack([self.x_points, self.y_points], axis=1)
        ax.add_collection(LineCollection(list(pairs), colors="0.75", linewidths=0.7, zorder=1))
        colors: Any = (X_COLOR, Y_COLOR)
        if self.classes is not None:
            colors = (np.array(CLASS_COLORS)[np.unique(self.classes, return_inverse=True)[1]],) * 2
        for points, color, marker, name in zip(
            (self.x_points, self.y_points), colors, MARKERS, self.names, strict=True
        ):
            ax.scatter(points[:, 0], points[:, 1], s=22, c=color, marker=marker, label=name, zorder=2, linewidths=0)
        labels = [""] * len(pairs) if self.labels is None else self.labels
        near_end = np.dot([1 / 3, 2 / 3], ax.get_xlim())
        for point, label in zip(self.y_points, labels, strict=True):
            if label:
                # Near the right end to the left, or the text would run out of the axes.
                ha, offset = ("right", -4) if point[0] > near_end else ("left", 4)
                ax.annotate(label, point, xytext=(offset, 3), textcoords="offset points", fontsize=8, ha=ha)
        i, j = self.components
        ax.set(
            xlabel=f"component {i + 1} (score)",
            ylabel=f"component {j + 1} (score)",
            title="Shared space: partners are joined",
        )
        if self.classes is None:
            ax.legend(frameon=False, loc="best")
        else:
            self._add_legend_of_classes(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _add_legend_of_classes(self, ax: Axes) -> None:
        """List the modalities by marker, then the classes by colour, beside the axes: they are many."""
        from matplotlib.lines import Line2D

        handles = [
            Line2D([], [], linestyle="", marker=marker, color="0.3", label=name)
            for marker, name in zip(MARKERS, self.names, strict=True)
        ]
        handles += [
            Line2D([], [], linestyle="", marker="s", color=color, label=str(value))
            for color, value in zip(CLASS_COLORS, np.unique(self.classes), strict=False)  # type: ignore[arg-type]
        ]
        ax.legend(handles=handles, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _few_classes(classes: Any, n_pairs: int) -> NDArray[Any]:
    """Class of each pair, if they are few enough to tell their colours apart."""
    values, codes = class_codes(classes, "classes", n_pairs, "the scores")
    if len(values) > len(CLASS_COLORS):
        raise ValueError(
            f"classes must be at most {len(CLASS_COLORS)} different ones, for that many colours can be told apart; got "
            f'{len(values)}. Rename the rare ones "other", or draw only the pairs of a few classes.'
        )
    return np.asarray(values[codes])
