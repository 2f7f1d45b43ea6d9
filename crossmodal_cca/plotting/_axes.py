"""What several displays do to axes: models in the next colour, references once, a legend in that order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ._style import CHANCE_COLOR, CYCLE, LINES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Group ids, by which a later display knows what is in the axes already.
MODEL, REFERENCE = "model", "reference"


def given_or_new(ax: Axes | None) -> Axes:
    """The axes, or new ones in a figure that makes room for what stands beside them."""
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(layout="constrained")
    return ax


def add_model(
    ax: Axes, curves: Mapping[str, tuple[ArrayLike, ArrayLike] | None], name: str | None, **style: Any
) -> str:
    """Draw one model in the next colour, which is returned.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    curves : dict of str to (x, y) or None
        Up to two curves by their label, one line style each; None leaves one out.
    name : str or None
        Of the model, before the labels.
    **style
        For all curves.
    """
    models = {line.get_gid() for line in ax.lines if str(line.get_gid()).startswith(MODEL)}
    color = CYCLE[len(models) % len(CYCLE)]
    options: dict[str, Any] = {"color": color, "linewidth": 2, "gid": f"{MODEL} {len(models)}"} | style
    prefix = f"{name}: " if name else ""
    for (label, curve), line in zip(curves.items(), LINES, strict=False):
        if curve is not None:
            ax.plot(*curve, line, label=prefix + label, **options)
    return color


def add_reference(ax: Axes, x: ArrayLike, y: ArrayLike, label: str, line: str = ":", **style: Any) -> None:
    """Draw what models are held against, unless the same is there already."""
    points = np.column_stack([x, y])
    drawn = [line.get_xydata() for line in ax.lines if line.get_gid() == REFERENCE]
    if not any(np.array_equal(other, points) for other in drawn):
        ax.plot(x, y, line, color=CHANCE_COLOR, label=label, gid=REFERENCE, **style)


def add_chance(ax: Axes, chance: Mapping[str, tuple[ArrayLike, ArrayLike]], **style: Any) -> None:
    """Draw the level of chance of both directions: one line where they share it."""
    one, other = chance.values()
    same = all(np.shape(a) == np.shape(b) and np.allclose(a, b) for a, b in zip(one, other, strict=True))
    curves = {"chance": one} if same else {f"chance, {direction}": curve for direction, curve in chance.items()}
    for (label, curve), line in zip(curves.items(), (":", "-."), strict=False):
        add_reference(ax, *curve, label, line, **style)


def add_legend(ax: Axes, **options: Any) -> None:
    """List the models first, references last; bands and unnamed lines not at all."""
    lines = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
    lines.sort(key=lambda line: line.get_gid() == REFERENCE)
    ax.legend(handles=lines, **{"frameon": False} | options)


def y_range(ax: Axes) -> tuple[float, float]:
    """Lowest and highest value of what displays have drawn so far."""
    values = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in ax.lines if line.get_gid()])
    return float(values.min()), float(values.max())


def count_on_log_x(ax: Axes) -> None:
    """A logarithmic x-axis that counts: plain numbers as ticks, no more than fit."""
    largest = max(np.max(np.asarray(line.get_xdata(), dtype=float)) for line in ax.lines if line.get_gid())
    steps = (1, 2, 5) if largest <= 1000 else (1,)
    ticks = [step * 10**power for power in range(10) for step in steps if step * 10**power <= largest]
    ax.set_xscale("log")
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.minorticks_off()
    ax.grid(alpha=0.3)
