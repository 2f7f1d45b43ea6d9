"""Draw pictures of a page: SVG with texts as texts, the same bytes for the same data."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Settings of matplotlib besides its defaults; names of the user are no mathematics.
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "crossmodal_cca",
    "text.parse_math": False,
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica", "sans-serif"],
}
# Most characters of a name in a picture.
_MOST_CHARACTERS = 24


def legible(names: Sequence[str]) -> list[str]:
    """Return names as pictures have room for and fonts can draw, different ones where the names are."""
    signs = ("".join(sign if sign.isprintable() else "\ufffd" for sign in name) for name in names)
    short = [f"{name[: _MOST_CHARACTERS - 1]}…" if len(name) > _MOST_CHARACTERS else name for name in signs]
    return short if len(set(short)) == len(set(names)) else [f"{i} {name}" for i, name in enumerate(short, 1)]


def svg_of(draw: Callable[[Axes], object], size: tuple[float, float]) -> bytes:
    """Draw on new axes, of a size in inches, whatever style is set outside."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    file = io.BytesIO()
    with mpl.rc_context(), warnings.catch_warnings():
        # The browser has its own fonts for what matplotlib's lack.
        warnings.filterwarnings("ignore", message="Glyph|No installed font")
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure.add_subplot())
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()
