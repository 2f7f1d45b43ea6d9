"""Base classes of the displays of a search in both directions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, Self

from numpy.typing import ArrayLike, NDArray

from .._typing import Axes
from ._data import named, scores_of_rows, scores_of_sides, sizes_of_galleries, values_and_chance
from ._display import NamedDisplay

# A search for measures by name: their values, and their levels of chance, for each direction.
Search = Callable[[list[str]], list[dict[str, NDArray[Any]]]]


class SearchDisplay(NamedDisplay):
    """Base of the displays of a search among rows that are pairs, or have ids."""

    from_predictions: Any

    @classmethod
    def from_estimator(cls, aligner: Any, X: ArrayLike, y: ArrayLike, **options: Any) -> Self:
        """Map rows into the shared space of a fitted aligner, search in both directions and draw."""
        display: Self = cls.from_predictions(*scores_of_rows(aligner, X, y, options), **named(aligner, options))
        return display


class UnpairedDisplay(NamedDisplay):
    """Base of the displays of all rows of one side beside all rows of the other."""

    from_predictions: Any

    @classmethod
    def from_estimator(cls, aligner: Any, X: ArrayLike, y: ArrayLike, **options: Any) -> Self:
        """Map rows into the shared space of a fitted aligner, compare the two sides and draw.

        Parameters
        ----------
        y : array-like of shape (n_y, n_features_y)
            Rows of the second modality; they need not be paired.
        """
        display: Self = cls.from_predictions(*scores_of_sides(aligner, X, y), **named(aligner, options))
        return display


class MeasuresDisplay(SearchDisplay):
    """Base of the displays of measures without intervals."""

    @classmethod
    @abstractmethod
    def _searched(cls, search: Search, sizes: tuple[int, int], name: str | None) -> Self:
        """Make the display from what is searched in galleries of these sizes."""

    @classmethod
    def from_predictions(
        cls,
        x_scores: ArrayLike,
        y_scores: ArrayLike,
        *,
        x_ids: ArrayLike | None = None,
        y_ids: ArrayLike | None = None,
        similarity: str = "cosine",
        names: tuple[str, str] = ("x", "y"),
        name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Search in both directions among scores and draw.

        Raises
        ------
        ValueError
            If `names` are not two different ones, or as `retrieval_report`.
        """
        options: Any = {"x_ids": x_ids, "y_ids": y_ids, "similarity": similarity, "names": names}
        search = partial(values_and_chance, x_scores, y_scores, **options)
        return cls._searched(search, sizes_of_galleries(x_scores, y_scores), name).plot(ax)
