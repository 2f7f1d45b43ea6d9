"""Map rows of either modality into the shared space of a fitted aligner, or check features that share a space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from numpy.typing import ArrayLike, NDArray

from .._aligner import Aligner
from .._sklearn import column_names
from .._typing import FloatArray
from ..models._value import Value
from ..rows._validation import refuse_other_order
from ._fitted_aligner import shared_space_scores


@dataclass(frozen=True, eq=False, kw_only=True)
class Space(Value):
    """A shared space, with its width and the names of the columns seen in a fit.

    `width` is None before any rows; `column_names` are those of each modality, or of "both" without an aligner. Errors
    name the `owner`, and end in `other_width` for rows of another width.
    """

    aligner: Aligner | None
    width: int | None = None
    column_names: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    owner: ClassVar[str]
    other_width: ClassVar[str]

    def learned(self, rows: ArrayLike, modality: str, name: str) -> tuple[Self, FloatArray]:
        """Return the space with the width and the column names of rows of the fit, and their scores."""
        names, scores = column_names(rows), self.scores(rows, modality, name)
        known = {} if names is None else {self._side(modality): names}
        return replace(self, width=scores.shape[1], column_names={**known, **self.column_names}), scores

    def scores(self, rows: ArrayLike, modality: str, name: str) -> FloatArray:
        """Compute scores of rows; refuse columns in another order than that of the fit, and another width."""
        known = self.column_names.get(self._side(modality))
        refuse_other_order(**{name: column_names(rows), f"the rows that {self.owner} was fitted to": known})
        scores = shared_space_scores(self.aligner, rows, modality, name)
        if self.width is not None and scores.shape[1] != self.width:
            raise ValueError(f"{name} has {scores.shape[1]} features, but {self.other_width.format(self.width)}")
        return scores

    def _side(self, modality: str) -> str:
        return "both" if self.aligner is None else modality
