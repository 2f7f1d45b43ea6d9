"""Labels beside points, shown if they have room when the picture is drawn.

Matplotlib is imported with this module, so displays import it where they draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox
from numpy.typing import ArrayLike

from ._fonts import writable
from ._style import paper

# Places of a text: offset from its point (in points) and alignment; the first with room is used.
_PLACES: tuple[tuple[tuple[float, float], str, str], ...] = (
    ((5, 0), "left", "center"),
    ((-5, 0), "right", "center"),
    ((0, 5), "center", "bottom"),
    ((0, -5), "center", "top"),
)
# Share of a text before the position at which it is aligned.
_BEFORE = {"left": 0.0, "bottom": 0.0, "center": 0.5, "right": 1.0, "top": 1.0}


class Labels(Artist):
    """Texts beside their points: `most` of them, unless they would cover a more important one or leave the axes.

    The room is known only after the layout, so labels are chosen whenever the picture is drawn: larger axes show more.
    Those of the last drawing are in `shown`. Empty texts are skipped.
    """

    def __init__(
        self,
        ax: Axes,
        texts: Sequence[str],
        points: ArrayLike,
        colors: Sequence[Any],
        importance: ArrayLike,
        most: int | None = None,
    ) -> None:
        super().__init__()
        written, families = writable(texts)
        # An outline in the colour of the background keeps texts legible on lines and points.
        rim = [withStroke(linewidth=2, foreground=paper(ax))]
        style: dict[str, Any] = {"fontsize": 8, "fontfamily": families, "path_effects": rim, "parse_math": False}
        places = [(float(a), float(b)) for a, b in np.reshape(points, (-1, 2))]
        self.most, self.shown = most, list[Annotation]()
        self._candidates = [
            Annotation(written[i], places[i], xytext=(0, 0), textcoords="offset points", color=colors[i], **style)
            for i in np.argsort(-np.asarray(importance), kind="stable")
            if written[i]
        ]
        ax.add_artist(self)
        for label in self._candidates:
            label.set_figure(ax.figure)
            label.axes = ax
        self.set_in_layout(False)
        self.set_zorder(4)

    def draw(self, renderer: Any) -> None:
        """Draw the labels that have room."""
        if not self.get_visible() or self.axes is None:
            return
        frame, point = self.axes.get_window_extent(renderer), renderer.points_to_pixels(1)
        self.shown, boxes = [], list[Bbox]()
        for label in self._candidates:
            if len(self.shown) == self.most:
                break
            x, y = self.axes.transData.transform(label.xy)
            if not frame.contains(x, y):
                continue
            size = label.get_window_extent(renderer)
            # Places away from the middle first, where there are fewer points.
            right = x >= (frame.x0 + frame.x1) / 2
            for (across, up), ha, va in _PLACES if right else (_PLACES[1], _PLACES[0], *_PLACES[2:]):
                x0 = x + across * point - _BEFORE[ha] * size.width
                y0 = y + up * point - _BEFORE[va] * size.height
                # Padding separates texts side by side.
                box = Bbox.from_bounds(x0, y0, size.width, size.height).padded(2 * point)
                inside = frame.contains(box.x0, box.y0) and frame.contains(box.x1, box.y1)
                if inside and not any(box.overlaps(other) for other in boxes):
                    label.xyann = across, up
                    label.set(ha=ha, va=va)
                    label.draw(renderer)
                    self.shown.append(label)
                    boxes.append(box)
                    break
        self.stale = False
