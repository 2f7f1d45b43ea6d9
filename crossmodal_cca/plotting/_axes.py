"""Helpers for axes that displays share: models in the next colour, references drawn once, legends in that order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .._typing import Axes
from ._fonts import writable
from ._style import LINES, cycle, ink, paper

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.lines import Line2D

# Group ids of artists, by which a later display finds the models and references in the axes.
MODEL, REFERENCE = "model", "reference"
# Height of a name beside an axis, in points.
NAME_ROOM = 12


def given_or_new(ax: Axes | None) -> Axes:
    """Return the axes, or new ones in a figure with a layout that makes room for labels and legends."""
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(layout="constrained")
    return ax


def add_model(
    ax: Axes, curves: Mapping[str, tuple[ArrayLike, ArrayLike] | None], name: str | None, **style: Any
) -> str:
    """Draw up to two curves (x, y) of a model by label, each in a line style, in the next colour, which is returned."""
    models = {line.get_gid() for line in ax.lines if str(line.get_gid()).startswith(MODEL)}
    colors = cycle()
    color = colors[len(models) % len(colors)]
    options: dict[str, Any] = {"color": color, "linewidth": 2, "gid": f"{MODEL} {len(models)}"} | style
    prefix = f"{name}: " if name else ""
    for (label, curve), line in zip(curves.items(), LINES, strict=False):
        if curve is not None:
            ax.plot(*curve, line, label=prefix + label, **options)
    return color


def add_reference(ax: Axes, x: ArrayLike, y: ArrayLike, label: str, line: str = ":", **style: Any) -> None:
    """Draw a reference for models, unless the axes have the same one already."""
    points = np.column_stack([x, y])
    drawn = [line.get_xydata() for line in ax.lines if line.get_gid() == REFERENCE]
    if not any(np.array_equal(other, points) for other in drawn):
        ax.plot(x, y, line, color=ink(ax, 0.6), label=label, gid=REFERENCE, **style)


def add_chance(ax: Axes, chance: Mapping[str, tuple[ArrayLike, ArrayLike]], **style: Any) -> None:
    """Draw the level of chance of both directions: one line if it is the same."""
    one, other = chance.values()
    same = all(np.shape(a) == np.shape(b) and np.allclose(a, b) for a, b in zip(one, other, strict=True))
    curves = {"chance": one} if same else {f"chance, {direction}": curve for direction, curve in chance.items()}
    for (label, curve), line in zip(curves.items(), (":", "-."), strict=False):
        add_reference(ax, *curve, label, line, **style)


def add_legend(ax: Axes, handles: Sequence[Any] | None = None, **options: Any) -> None:
    """Add a legend with models first and references last, without bands and unnamed lines; or with given entries."""
    if handles is None:
        lines = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
        handles = sorted(lines, key=lambda line: line.get_gid() == REFERENCE)
    texts, families = writable(str(handle.get_label()) for handle in handles)
    # A translucent background keeps entries legible where they have to cover a curve.
    veil = {"facecolor": paper(ax), "edgecolor": "none", "framealpha": 0.7, "fancybox": False}
    style: dict[str, Any] = veil | {"labelcolor": ink(ax)} | options
    legend = ax.legend(handles, texts, **style)
    for text in legend.get_texts():
        text.set_fontfamily(families)


def entry(label: str, marker: str = "", **style: Any) -> Line2D:
    """Make a legend entry that represents more than one artist."""
    from matplotlib.lines import Line2D

    return Line2D([], [], linestyle="", marker=marker, label=label, **style)


def add_legend_beside(ax: Axes, handles: Sequence[Any] | None = None, **options: Any) -> None:
    """Add a legend to the right of the axes, where it covers nothing."""
    add_legend(ax, handles, **{"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "frameon": False} | options)


def add_names(axis: Axis, places: ArrayLike, names: Sequence[Any], importance: ArrayLike, **style: Any) -> None:
    """Add names as ticks, the most important first, as long as there is room for a line of text."""
    places, box = np.asarray(places), axis.axes.get_window_extent()
    points = (box.height if axis is axis.axes.yaxis else box.width) / axis.axes.figure.dpi * 72
    apart = NAME_ROOM / points * np.ptp(axis.get_view_interval())
    named: list[int] = []
    for i in np.argsort(-np.asarray(importance), kind="stable"):
        if all(abs(places[i] - places[j]) >= apart for j in named):
            named.append(int(i))
    texts, families = writable(names[i] for i in named)
    axis.set_ticks(places[named], texts, fontsize=8, fontfamily=families, parse_math=False, **style)


def y_range(ax: Axes) -> tuple[float, float]:
    """Return the lowest and highest value that displays have drawn so far."""
    values = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in ax.lines if line.get_gid()])
    return float(values.min()), float(values.max())


def count_on_log_x(ax: Axes) -> None:
    """Make the x-axis logarithmic for counts: plain numbers as ticks, no more than fit."""
    counts = np.concatenate([np.asarray(line.get_xdata(), dtype=float) for line in ax.lines if line.get_gid()])
    steps = (1, 2, 5) if counts.max() <= 1000 * max(counts.min(), 1) else (1,)
    numbers = (step * 10**power for power in range(10) for step in steps)
    ticks = [number for number in numbers if counts.min() <= number <= counts.max()]
    ax.set_xscale("log")
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.minorticks_off()
    ax.grid(alpha=0.3)


def count_on_x(ax: Axes) -> None:
    """Restrict the ticks of the x-axis to whole numbers."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
