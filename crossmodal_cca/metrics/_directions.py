"""The two directions of a search across modalities: their retrieval problems and names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from .._checks import check_choice
from .._errors import in_terms_of
from .._typing import DataFrame
from ..rows._validation import warn_of_other_order
from ._inputs import SIDES, RetrievalProblem, check_sides, prepare
from ._tables import transposed
from .measures import ChosenMeasure


class Direction(Enum):
    """Direction of a search: its word in arguments, and the sides of queries and gallery."""

    X_TO_Y = "x_to_y"
    Y_TO_X = "y_to_x"

    @property
    def queries(self) -> str:
        """Side of the queries, "x" or "y"."""
        return self.value[0]

    def label(self, names: Sequence[str] = ("x", "y")) -> str:
        """Return its label in tables and pictures: "x to y", or with the modalities' names "picture to word"."""
        first, second = names if self is Direction.X_TO_Y else reversed(names)
        return f"{first} to {second}"


def check_names(names: Any) -> None:
    """Refuse names of modalities that are not two different words."""
    are_names = isinstance(names, tuple | list) and all(isinstance(name, str) for name in names)
    if not are_names or len(set(names)) != 2 or len(names) != 2:
        error = ValueError if are_names else TypeError
        raise error(f"names must be two different names, one for each modality, such as ('x', 'y'); got {names!r}.")


def check_direction(direction: Any) -> None:
    check_choice(direction, "direction", ("both", *(each.value for each in Direction)))


def both_directions(
    x_scores: Any,
    y_scores: Any,
    x_ids: Any,
    y_ids: Any,
    relevance: Any,
    similarity: str,
    exclude: Any = None,
    *,
    quiet: Sequence[str] = (),
    only: str = "both",
) -> dict[Direction, RetrievalProblem]:
    """Prepare the retrieval problems of both directions, or of `only` one, "x_to_y" or "y_to_x"."""
    if x_ids is None and y_ids is None and relevance is None:
        warn_of_other_order(x_scores=x_scores, y_scores=y_scores)
    if not quiet:
        warn_of_other_order(x_scores=x_scores, x_ids=x_ids, relevance=relevance, exclude=exclude)
        warn_of_other_order(y_scores=y_scores, y_ids=y_ids)
    with in_terms_of(queries="x_scores", gallery="y_scores", query_ids="x_ids", gallery_ids="y_ids"):
        x, y = check_sides(x_scores, y_scores, similarity, quiet=quiet)
        asked = {
            Direction.X_TO_Y: (x, y, x_ids, y_ids, similarity, relevance, exclude),
            Direction.Y_TO_X: (y, x, y_ids, x_ids, similarity, transposed(relevance), transposed(exclude)),
        }
        # The other direction is not prepared, since its warnings would confuse.
        return {each: prepare(*asked[each], quiet=SIDES) for each in Direction if only in ("both", each.value)}


def table_of_directions(
    columns: Mapping[Direction, Mapping[str, Any]], measures: Sequence[ChosenMeasure], names: Sequence[str]
) -> DataFrame:
    """Join the tables of both directions to one with rows (direction, measure)."""
    import pandas as pd

    index = pd.Index([chosen.name for chosen in measures], name="measure")
    tables = {direction.label(names): pd.DataFrame(table, index=index) for direction, table in columns.items()}
    return pd.concat(tables, names=["direction"])
