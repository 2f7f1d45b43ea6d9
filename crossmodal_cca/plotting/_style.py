"""Colours of pictures: the active style's own, or else colours that colour-blind readers can tell apart."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._typing import Axes

# A colour as shares of red, green and blue.
RGB: TypeAlias = tuple[float, float, float]

# Colours of models, by Okabe & Ito (2008), in place of matplotlib's default cycle.
CYCLE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
# Line styles of the two directions, or of two curves of a model.
LINES = ("-", "--")
# Markers of the two modalities.
MARKERS = ("o", "^")
# Number of points above which markers would hide their line or each other.
MARKED_UP_TO = 30

# Colours of classes. The first ten are the sequence of Petroff (2021), Accessible color sequences for data
# visualization, found by a search under simulated colour blindness. The last two are farthest from these by CIEDE2000
# among colours with contrast to white and to black.
CLASS_COLORS = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
    "#a00040",
    "#206060",
)


def _of_style() -> tuple[str, ...]:
    """Return the distinct colours of the active style's cycle; none if that is matplotlib's default."""
    import matplotlib as mpl

    cycle = mpl.rcParams["axes.prop_cycle"]
    if cycle == mpl.rcParamsDefault["axes.prop_cycle"]:
        return ()
    return tuple(dict.fromkeys(cycle.by_key().get("color", ())))


def cycle() -> tuple[str, ...]:
    """Return the colours of models in order; the first two are those of x and y."""
    colors = _of_style()
    return colors if len(colors) > 1 else CYCLE


def class_colors(n_classes: int) -> tuple[str, ...]:
    """Return the colours of classes, at most as many as in `CLASS_COLORS`."""
    colors = _of_style()
    return (colors if len(colors) >= n_classes else CLASS_COLORS)[:n_classes]


def paper(ax: Axes) -> RGB:
    """Return the colour of the background as red, green and blue."""
    from matplotlib.colors import to_rgba

    color = np.ones(3)
    for layer in (ax.figure.get_facecolor(), ax.get_facecolor()):
        *rgb, alpha = to_rgba(layer)
        color = alpha * np.array(rgb) + (1 - alpha) * color
    return _rgb(color)


def ink(ax: Axes, strength: float = 1.0) -> RGB:
    """Return the colour of the axes' labels, mixed with the background for a strength below 1."""
    from matplotlib.colors import to_rgb

    text, background = np.array(to_rgb(ax.xaxis.label.get_color())), np.array(paper(ax))
    return _rgb(strength * text + (1 - strength) * background)


def _rgb(color: NDArray[Any]) -> RGB:
    red, green, blue = color.tolist()
    return red, green, blue


def scale_of_colors(ax: Axes, name: str, n_colors: int) -> NDArray[Any]:
    """Return colours of ordered values, from the part of a colour map with contrast to the background."""
    import matplotlib as mpl

    ends = (0.0, 0.85) if sum(paper(ax)) > 1.5 else (0.35, 1.0)
    return np.asarray(mpl.colormaps[name](np.linspace(*ends, n_colors)))
