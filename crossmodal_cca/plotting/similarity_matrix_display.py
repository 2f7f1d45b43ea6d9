"""Display of the similarity of every row of one modality to every row of the other, as an image."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import check_whole_number
from .._errors import in_terms_of
from .._similarity import SIMILARITIES
from .._typing import Axes
from ..metrics._inputs import check_sides
from ._axes import add_names
from ._data import class_codes, direction_names
from ._display import display
from ._search_display import UnpairedDisplay

if TYPE_CHECKING:
    from matplotlib.axis import Axis

# Number of classes above which they are ordered, but neither separated nor named.
NAMED_UP_TO = 40
# Colour map of similarities without a middle.
SEQUENTIAL = "viridis"


@display
class SimilarityMatrixDisplay(UnpairedDisplay):
    """Similarity of x-rows to y-rows as an image: partners on the diagonal, classes as blocks.

    Make one with `from_estimator` or `from_predictions`. Lines separate the classes.

    Parameters
    ----------
    similarities : ndarray of shape (n_x_shown, n_y_shown)
        Similarity of the rows shown.
    x_classes, y_classes : ndarray of shape (n_x_shown,) and (n_y_shown,), or None, default=None
        Class of each row shown, equal ones side by side; None for rows in the given order.
    similarity : <similarities>, default="cosine"
        Kind of the similarities.
    n_items : tuple of two int or None, default=None
        Numbers of rows of which these are shown; None if all are.

    Notes
    -----
    The colours of cosine and inner product diverge from white at 0 and reach as far either way: to the largest
    magnitude shown; for the inner product, which has no bound, to the one that 99.5 % stay below. Distances, which have
    no such middle, get a sequential scale.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.plotting import SimilarityMatrixDisplay
    >>> X, y = make_paired_latent(300, 10, 8, random_state=0)
    >>> cca = CCA(3).fit(X[:200], y[:200])
    >>> display = SimilarityMatrixDisplay.from_estimator(cca, X[200:], y[200:], names=("sound", "words"))
    >>> display.similarities.shape, display.ax_.get_ylabel()
    ((100, 100), 'sound items')
    """

    similarities: NDArray[Any]
    _: KW_ONLY
    x_classes: NDArray[Any] | None = None
    y_classes: NDArray[Any] | None = None
    similarity: str = "cosine"
    n_items: tuple[int, int] | None = None
    names: tuple[str, str] = ("x", "y")

    @classmethod
    def from_predictions(
        cls,
        x_scores: ArrayLike,
        y_scores: ArrayLike,
        *,
        x_ids: ArrayLike | None = None,
        y_ids: ArrayLike | None = None,
        similarity: str = "cosine",
        max_items: int = 500,
        names: tuple[str, str] = ("x", "y"),
        name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Compare scores and draw.

        Parameters
        ----------
        x_scores : array-like of shape (n_x, n_components)
            Scores of the first modality, one image row each.
        y_scores : array-like of shape (n_y, n_components)
            Scores of the second modality, one image column each; they need not be paired.
        x_ids, y_ids : array-like of shape (n_x,) and (n_y,), default=None
            Class labels (or ids) by which rows and columns are ordered; up to 40 classes are separated and those with
            room for it named. None for the given order.
        similarity : <similarities>, default="cosine"
            Similarity: cosine, inner product or negative distance.
        max_items : int >= 1, default=500
            Most items shown of either side: of more, as many are taken at even steps through the ordered ones, and the
            title says so.

        Raises
        ------
        ValueError, TypeError
            If scores are of different widths or not finite, `similarity` is unknown, the ids of one side are missing or
            not one for each row, or `max_items` is not a whole number of at least 1.
        """
        with in_terms_of(queries="x_scores", gallery="y_scores"):
            x, y = check_sides(x_scores, y_scores, similarity)
        check_whole_number(max_items, "max_items")
        direction_names(names)
        if (x_ids is None) != (y_ids is None):
            raise ValueError(f"x_ids and y_ids go together: got only {'y_ids' if x_ids is None else 'x_ids'}.")
        x_rows, x_classes = _shown(x_ids, "x_ids", len(x), max_items)
        y_rows, y_classes = _shown(y_ids, "y_ids", len(y), max_items)
        return cls(
            SIMILARITIES[similarity].matrix(x[x_rows], y[y_rows]),
            x_classes=x_classes,
            y_classes=y_classes,
            similarity=similarity,
            n_items=(len(x), len(y)),
            names=names,
            name=name,
        ).plot(ax)

    def _draw(self, ax: Axes, name: str | None) -> None:
        label = SIMILARITIES[self.similarity].label
        colors, extend = self._color_scale()
        image = ax.imshow(self.similarities, aspect="auto", **colors)
        ax.grid(False)  # some styles draw a grid over the image
        ax.figure.colorbar(image, ax=ax, label=label, extend=extend)
        title = f"{name}: {label}" if name else f"{label[0].upper()}{label[1:]}"
        shown = self.similarities.shape
        if self.n_items is not None and self.n_items != shown:
            counts = ", ".join(f"{s} of {n} {m}" for s, n, m in zip(shown, self.n_items, self.names, strict=True))
            title += f"\n{counts} items, evenly spread"
        order = "" if self.x_classes is None else ", by class"
        ax.set(ylabel=f"{self.names[0]} items{order}", xlabel=f"{self.names[1]} items{order}")
        ax.set_title(title, fontsize="medium" if "\n" in title else "large")
        if self.x_classes is not None and self.y_classes is not None:
            # The middle of the diverging scale is white, whatever the style; the sequential one is mostly dark.
            line: dict[str, Any] = {"color": "white" if colors["cmap"] == SEQUENTIAL else "black", "linewidth": 0.5}
            for end in _ends(self.x_classes)[:-1]:
                ax.axhline(end - 0.5, **line)
            for end in _ends(self.y_classes)[:-1]:
                ax.axvline(end - 0.5, **line)
            _name_classes(ax.yaxis, self.x_classes)
            _name_classes(ax.xaxis, self.y_classes, rotation=45, ha="right", rotation_mode="anchor")

    def _color_scale(self) -> tuple[dict[str, Any], str]:
        """Return the options of the image, and the end of the colour bar that values exceed."""
        share = SIMILARITIES[self.similarity].color_reach
        if share is None:
            return {"cmap": SEQUENTIAL}, "neither"
        sizes = np.abs(self.similarities)
        reach = float(np.quantile(sizes, share)) or 1.0
        return {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach}, "both" if sizes.max() > reach else "neither"


def _shown(ids: Any, name: str, n_rows: int, max_items: int) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Choose the rows to show, ordered by class; return also their classes."""
    places = np.linspace(0, n_rows - 1, min(n_rows, max_items)).round().astype(int)
    if ids is None:
        return places, None
    values, codes = class_codes(ids, name, n_rows, f"{name[0]}_scores")
    rows = np.argsort(codes, kind="stable")[places]
    return rows, values[codes[rows]]


def _ends(classes: NDArray[Any]) -> NDArray[Any]:
    """Return the end of each run of equal classes; nothing if there are too many."""
    ends = np.append(np.flatnonzero(classes[1:] != classes[:-1]) + 1, len(classes))
    return ends if len(ends) <= NAMED_UP_TO else ends[:0]


def _name_classes(axis: Axis, classes: NDArray[Any], **style: Any) -> None:
    """Name the classes at their middle, the largest first, as long as there is room."""
    ends = _ends(classes)
    sizes = np.diff(ends, prepend=0)
    add_names(axis, ends - (sizes + 1) / 2, classes[ends - 1], sizes, **style)
