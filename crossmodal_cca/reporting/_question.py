"""The question of a page: some pairs, what is known of them, and settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..alignment._items import Items
from ..metrics.scorer import RetrievalScorer, make_retrieval_scorer
from ._captions import Captions
from ._contents import Caption

Positions = NDArray[np.intp]
# Rows of X and of y, as the user has them.
Sides = tuple[Any, Any]
# The other side.
OTHER = {"x": "y", "y": "x"}


@dataclass(frozen=True, eq=False)
class Question:
    """A question about some pairs: what is known of them, and settings."""

    items: Items
    widths: tuple[int, int]  # features of either side
    is_sparse: bool
    labels: NDArray[Any] | None
    captions: dict[str, Captions | None]
    ids: dict[str, NDArray[Any] | None]
    groups: NDArray[Any] | None
    names: tuple[str, str]
    measure: str
    similarity: str
    test_size: float
    max_pairs: int
    n_shuffles: int
    random_state: int
    examples: bool
    reference: Sides | None  # other pairs, to compare these with
    verbose: int

    @property
    def n_pairs(self) -> int:
        """Number of pairs."""
        return len(self.items.groups)

    @property
    def scorer(self) -> RetrievalScorer:
        """Scorer of the measure that decides, in both directions."""
        return make_retrieval_scorer(self.measure, similarity=self.similarity)

    @property
    def shows_items(self) -> bool:
        """Whether items may be shown, and have a name of some kind."""
        return self.examples and any(each is not None for each in (*self.captions.values(), *self.ids.values()))

    def caption(self, side: str, row: int) -> Caption:
        """Return what stands for an item."""
        captions, ids = self.captions[side], self.ids[side]
        if captions is not None:
            return captions.of_row(row)
        return Caption([f"row {row}" if ids is None else str(ids[row])])

    def one_of_each_group(self, pairs: Positions) -> Positions:
        """Choose the first pair of each group, for what takes independent pairs."""
        return pairs[np.sort(np.unique(self.items.groups[pairs], return_index=True)[1])]

    def given(self, rows: slice | Positions) -> dict[str, Any]:
        """Return groups and ids of some rows that the user gave, as keyword arguments."""
        known = {"groups": self.groups, "x_ids": self.ids["x"], "y_ids": self.ids["y"]}
        return {name: each if each is None else each[rows] for name, each in known.items()}


@dataclass(frozen=True)
class Origin:
    """Source of the rows, and the call or command that repeats the page."""

    repeat: str
    fingerprints: dict[str, str] = field(default_factory=dict)  # SHA-256 by file, or by argument
