"""Maps from rows of both modalities to the space that an index searches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

from numpy.typing import ArrayLike

from .._checks import check_whole_number
from .._similarity import Similarity, warn_of_zero_rows
from .._typing import FloatArray
from ..alignment._space import Space
from ._nearest import SearchSpace
from .hubness import bias, bias_weight, with_bias, with_ones


@dataclass(frozen=True, eq=False)
class HubCorrection:
    """Correction that subtracts from an item's similarities its bias, the mean one with queries of a bank."""

    method: str
    bank: SearchSpace  # embedded queries
    n_neighbors: int  # queries whose mean similarity is an item's bias
    weight: float  # of the bias

    @classmethod
    def fitted(cls, method: str, bank: SearchSpace, n_neighbors: Any, weight: float) -> Self:
        """Check the user's parameters and build the correction."""
        n_neighbors = check_whole_number(n_neighbors, "hubness_neighbors", high=len(bank), of="rows of query_bank")
        return cls(method, bank, n_neighbors, bias_weight(method, weight))

    @property
    def scaling_neighbors(self) -> int | None:
        """Number of items for a query's own bias, which only CSLS has."""
        return self.n_neighbors if self.method == "csls" else None

    def corrected(self, items: FloatArray, verbose: int) -> FloatArray:
        """Append minus the bias to embedded items as one more dimension."""
        return with_bias(items, self.weight * bias(items, self.bank, self.n_neighbors, verbose))


@dataclass(frozen=True, eq=False, kw_only=True)
class Embedding(Space):
    """The fitted map of an index from rows to embeddings, an immutable value."""

    similarity: Similarity
    modality: str  # of the items
    aligner_left_out: bool = False  # True if a file was written without the aligner that there is
    gallery_mean: FloatArray | None = None
    query_mean: FloatArray | None = None
    correction: HubCorrection | None = None

    owner = "CrossModalIndex"
    other_width = "the shared space {}: queries, gallery and query_bank need as many without an aligner."

    @property
    def bank(self) -> FloatArray | None:
        """Embedded queries by which hubs are corrected."""
        return None if self.correction is None else self.correction.bank.items

    @property
    def query_modality(self) -> str:
        return "x" if self.modality == "y" else "y"

    def centred(self, items: FloatArray, bank: FloatArray) -> Self:
        """Return the embedding centred at the mean scores of each side."""
        return replace(self, gallery_mean=items.mean(axis=0, dtype=float), query_mean=bank.mean(axis=0, dtype=float))

    def correcting(self, method: str, bank: FloatArray, n_neighbors: Any, weight: float) -> Self:
        """Return the embedding with a correction of hubs, from scores of the query bank."""
        space = SearchSpace(self._embedded(bank, self.query_mean, "query_bank"), self.similarity)
        return replace(self, correction=HubCorrection.fitted(method, space, n_neighbors, weight))

    def of_queries(self, rows: ArrayLike, name: str = "queries") -> FloatArray:
        """Embed queries, with the coordinate that multiplies the bias."""
        embedded = self._embedded(self.scores(rows, self.query_modality, name), self.query_mean, name)
        return embedded if self.correction is None else with_ones(embedded)

    def of_items(self, rows: ArrayLike, name: str, verbose: int) -> FloatArray:
        """Embed items, with minus their bias."""
        return self.of_item_scores(self.scores(rows, self.modality, name), name, verbose)

    def of_item_scores(self, scores: FloatArray, name: str, verbose: int) -> FloatArray:
        """Embed items given their scores."""
        items = self._embedded(scores, self.gallery_mean, name)
        return items if self.correction is None else self.correction.corrected(items, verbose)

    def _embedded(self, scores: FloatArray, mean: FloatArray | None, name: str) -> FloatArray:
        """Centre scores and embed them for the similarity."""
        # A copy: scaling works in place, and without an aligner the rows belong to the user.
        scores = scores.copy() if mean is None else scores - mean.astype(scores.dtype)
        if self.similarity.needs_direction:
            warn_of_zero_rows(scores, name)
        return self.similarity.embedded(scores)
