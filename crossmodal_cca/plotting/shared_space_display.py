"""Display of both modalities as points of the shared space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import check_choice, check_whole_number
from .._docstrings import documented
from .._typing import Axes
from ._axes import add_legend, add_legend_beside, entry
from ._data import check_components, class_codes, paired_scores, scores_of_rows
from ._display import Display, display
from ._docs import DRAWN, KNOWN
from ._style import CLASS_COLORS, MARKERS, class_colors, cycle, ink

# Choices of `kind`.
KINDS = ("points", "arrows")


@display
class SharedSpaceDisplay(Display):
    """Two components of the shared space: a point for each row of either modality, a line for each pair.

    Make one with `from_estimator` or `from_predictions`.

    Parameters
    ----------
    x_points, y_points : ndarray of shape (n_pairs, 2)
        Scores of both modalities on the two components.
    components : tuple of two int, default=(0, 1)
        The components shown.
    labels : sequence of str or None, default=None
        A text for each pair, beside its point of the second modality; an empty one is left out.
    classes : ndarray of shape (n_pairs,) or None, default=None
        Class of each pair, shown by the colour of its points; None for colours that tell the modality.
    n_labels : int, default=20
        Most pairs that are labelled, those farthest from the centre first, where a label has room.

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

    x_points: NDArray[Any]
    y_points: NDArray[Any]
    _: KW_ONLY
    components: tuple[int, int] = (0, 1)
    labels: Sequence[str] | None = None
    classes: NDArray[Any] | None = None
    n_labels: int = 20
    names: tuple[str, str] = ("x", "y")

    @classmethod
    def from_estimator(cls, aligner: Any, X: ArrayLike, y: ArrayLike, **options: Any) -> Self:
        """Map pairs into the shared space of a fitted aligner and draw.

        Parameters
        ----------
        X : array-like of shape (n_pairs, n_features_x)
            Rows of the first modality.
        y : array-like of shape (n_pairs, n_features_y)
            Paired rows of the second modality.
        """
        return cls.from_predictions(*scores_of_rows(aligner, X, y), **options)

    @classmethod
    def from_predictions(
        cls,
        x_scores: ArrayLike,
        y_scores: ArrayLike,
        *,
        components: tuple[int, int] = (0, 1),
        labels: Sequence[str] | None = None,
        classes: ArrayLike | None = None,
        n_labels: int = 20,
        names: tuple[str, str] = ("x", "y"),
        kind: str = "points",
        ax: Axes | None = None,
    ) -> Self:
        """Draw pairs of scores.

        Parameters
        ----------
        x_scores : array-like of shape (n_pairs, n_components)
            Scores of the first modality.
        y_scores : array-like of shape (n_pairs, n_components)
            Scores of the second modality.
        labels : sequence of str or None, default=None
            A text for each pair; an empty one is left out.
        classes : array-like of shape (n_pairs,) or None, default=None
            A class label for each pair, at most twelve different ones: points are coloured by class, and their marker
            tells the modality.
        n_labels : int >= 0, default=20
            Most pairs that are labelled, those farthest from the centre first; those without room are left out.
        kind : {"points", "arrows"}, default="points"
            As in `plot`.

        Raises
        ------
        ValueError
            If the sides do not pair up, a component does not exist, there is not one label or class for each pair, or
            there are more than twelve classes.
        """
        x, y = paired_scores(x_scores, y_scores)
        columns = check_components(components, x.shape[1])
        check_whole_number(n_labels, "n_labels", low=0)
        if labels is not None and len(labels) != len(x):
            raise ValueError(f"labels must hold a text for each of the {len(x)} pairs, got {len(labels)}.")
        return cls(
            x[:, columns],
            y[:, columns],
            components=components,
            labels=labels,
            classes=None if classes is None else _few_classes(classes, len(x)),
            n_labels=n_labels,
            names=names,
        ).plot(ax, kind=kind)

    @documented(KNOWN, {"Returns": DRAWN})
    def plot(self, ax: Axes | None = None, *, kind: str = "points") -> Self:
        """Draw on given axes, or on new ones.

        Parameters
        ----------
        kind : {"points", "arrows"}, default="points"
            A point for either score of a pair and a line between them, or an arrow from the first modality's to the
            second's.

        Raises
        ------
        ValueError, TypeError
            If `kind` is neither of the two.
        """
        check_choice(kind, "kind", KINDS)
        return self._plot(ax, arrows=kind == "arrows")

    def _draw(self, ax: Axes, arrows: bool) -> None:
        sides: Any = cycle()[:2]
        colors, entries = sides, []
        if self.classes is not None:
            values, codes = np.unique(self.classes, return_inverse=True)
            of_class = class_colors(len(values))
            colors, sides = (np.array(of_class)[codes],) * 2, (ink(ax, 0.7),) * 2
            entries = [entry(str(value), "s", color=color) for value, color in zip(values, of_class, strict=True)]
        if arrows:
            markers, names, title = (
                ("o", ">"),
                [f"start: {self.names[0]}", f"tip: {self.names[1]}"],
                "arrows join partners",
            )
            self._draw_arrows(ax, colors)
        else:
            markers, names, title = MARKERS, list(self.names), "partners are joined"
            self._draw_points(ax, colors)
        self._add_labels(ax)
        i, j = (f"component {number + 1} (score)" for number in self.components)
        ax.set(xlabel=i, ylabel=j, title=f"Shared space: {title}")
        of_sides = [entry(name, marker, color=color) for name, marker, color in zip(names, markers, sides, strict=True)]
        (add_legend if self.classes is None else add_legend_beside)(ax, of_sides + entries)

    def _draw_points(self, ax: Axes, colors: Any) -> None:
        """Draw two points and a line for each pair."""
        from matplotlib.collections import LineCollection

        pairs = np.stack([self.x_points, self.y_points], axis=1)
        # The more points there are, the smaller they are.
        size = 22 * min(1.0, max(0.2, (200 / len(pairs)) ** 0.5))
        ax.add_collection(LineCollection(list(pairs), colors=ink(ax, 0.25), linewidths=0.03 * size, zorder=1))
        for points, color, marker in zip((self.x_points, self.y_points), colors, MARKERS, strict=True):
            ax.scatter(points[:, 0], points[:, 1], s=size, c=color, marker=marker, zorder=2, linewidths=0)

    def _draw_arrows(self, ax: Axes, colors: Any) -> None:
        """Draw an arrow for each pair, from a point of the first modality."""
        steps = self.y_points - self.x_points
        size = min(1.0, max(0.4, (200 / len(steps)) ** 0.5))
        style: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.003 * size}
        ax.quiver(*self.x_points.T, *steps.T, color=colors[1], alpha=size, **style)
        ax.scatter(self.x_points[:, 0], self.x_points[:, 1], s=12 * size, c=colors[0], linewidths=0, zorder=2)
        # Axes make no room for the tips of arrows by themselves.
        ax.update_datalim(self.y_points)
        ax.autoscale_view()

    def _add_labels(self, ax: Axes) -> None:
        """Label the pairs farthest from the centre whose labels have room."""
        from ._labels import Labels

        if self.labels is not None:
            both = np.concatenate([self.x_points, self.y_points])
            spread = np.ptp(both, axis=0)
            scaled = (self.y_points - both.mean(axis=0)) / np.where(spread > 0, spread, 1)
            distances = np.linalg.norm(scaled, axis=1)
            Labels(ax, self.labels, self.y_points, [ink(ax)] * len(distances), distances, self.n_labels)


def _few_classes(classes: Any, n_pairs: int) -> NDArray[Any]:
    """Return the class of each pair; refuse more classes than there are distinct colours."""
    values, codes = class_codes(classes, "classes", n_pairs, "the scores")
    if len(values) > len(CLASS_COLORS):
        raise ValueError(
            f"classes must be at most {len(CLASS_COLORS)} different ones, for that many colours can be told apart; got "
            f'{len(values)}. Rename the rare ones "other", or draw only the pairs of a few classes.'
        )
    return np.asarray(values[codes])
