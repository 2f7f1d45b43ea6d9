"""Base classes of the displays, which store their data and draw them on given axes or new ones."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import update_wrapper
from types import FunctionType
from typing import TYPE_CHECKING, Any, Self, TypeVar, dataclass_transform

from .._docstrings import complete, documented, entries, sections
from .._typing import Axes
from ._axes import given_or_new
from ._docs import ATTRIBUTES, DRAWN, KNOWN, with_options_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

T = TypeVar("T", bound="Display")
# Class methods that make a display, in this order: the keywords of the first one present are the options of the others.
MAKERS = ("from_predictions", "from_table", "from_cv_results", "from_estimator")


class Display:
    """Base of the displays: a subclass has fields, `_draw`, and class methods `from_…` that make and plot a display."""

    ax_: Axes
    figure_: Figure | SubFigure

    @documented(KNOWN, {"Returns": DRAWN})
    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on given axes, or on new ones."""
        return self._plot(ax)

    def _plot(self, ax: Axes | None, **options: Any) -> Self:
        ax = given_or_new(ax)
        self._draw(ax, **options)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw(self, ax: Axes, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError


@dataclass(eq=False, repr=False, kw_only=True)
class NamedDisplay(Display):
    """Base of the displays of one model, which has a name."""

    name: str | None = None

    @documented(KNOWN, {"Returns": DRAWN})
    def plot(self, ax: Axes | None = None, *, name: str | None = None) -> Self:
        """Draw on given axes, or on new ones.

        Parameters
        ----------
        name : str or None, default=None
            Name of the model in the legend or title; None for the display's own.
        """
        return self._plot(ax, name=name or self.name)


@dataclass_transform(eq_default=False)
def display(cls: type[T]) -> type[T]:
    """Decorate a class as a display: make it a dataclass, and add the shared texts to its docstrings.

    The ``**options`` of `from_estimator` are the keywords of `from_predictions` or `from_table`: `help` and editors
    list them.
    """
    cls = dataclass(eq=False, repr=False)(cls)
    cls.__doc__ = complete(cls, KNOWN, {"Attributes": ATTRIBUTES})
    known = KNOWN
    for name in MAKERS:
        if name not in vars(cls) and hasattr(cls, name):
            setattr(cls, name, classmethod(_copied(getattr(cls, name).__func__)))
    makers = {name: vars(cls)[name].__func__ for name in MAKERS if name in vars(cls)}
    source, raises = next(iter(makers.values())), ""
    for call in makers.values():
        ends = {"Returns": f"display : {cls.__name__}\n    The display, drawn."}
        if "options" in inspect.signature(call).parameters:
            call.__signature__ = with_options_of(call, source)
            ends["Raises"] = raises
        call.__doc__ = complete(call, known, ends)
        if call is source:
            known = known | entries(sections(call.__doc__)["Parameters"])
            raises = sections(call.__doc__).get("Raises", "")
    return cls


def _copied(call: Any) -> Any:
    """Copy an inherited function, whose documentation is completed for each class."""
    copied = FunctionType(call.__code__, call.__globals__, call.__name__, call.__defaults__, call.__closure__)
    copied.__kwdefaults__ = call.__kwdefaults__
    return update_wrapper(copied, call)
