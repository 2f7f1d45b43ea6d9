"""Maps from rows of both modalities to the space that an index searches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from numpy.typing import ArrayLike, NDArray

from .._aligner import Aligner
from .._checks import check_whole_number
from .._similarity import Similarity, warn_of_zero_rows
from .._typing import FloatArray
from ..alignment._fitted_aligner import names_in_order, shared_space_scores
from ._nearest import SearchSpace
from .hubness import bias, bias_weight, with_bias, with_ones


@dataclass(frozen=True, eq=False)
class HubCorrection:
    """Correction that subtracts from an item's similarities its mean similarity with queries of a bank.

    Parameters
    ----------
    method : {"csls", "nnn"}
        Name of the correction.
    bank : SearchSpace
        Embedded queries of the bank.
    n_neighbors : int
        Queries of the bank whose mean similarity is an item's bias.
    weight : float
        Weight of the bias.
    """

    method: str
    bank: SearchSpace
    n_neighbors: int
    weight: float

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


@dataclass(frozen=True, eq=False)
class Embedding:
    """The fitted map of an index from rows to embeddings, an immutable value.

    Parameters
    ----------
    aligner : estimator or None
        Frozen aligner; None if the modalities share a space, or if a file was written without it.
    similarity : Similarity
        Similarity that is largest for the nearest items.
    modality : {"y", "x"}
        Modality of the items.
    aligner_left_out : bool
        Whether an aligner is missing since the file was written without it.
    width : int or None
        Dimensions of the shared space; None until rows have been seen.
    column_names : mapping from str to ndarray
        Names of the columns of either modality, or of "both" without an aligner.
    gallery_mean, query_mean : ndarray of shape (width,) or None
        Means subtracted from each side.
    correction : HubCorrection or None
        Correction of hubs.
    """

    aligner: Aligner | None
    similarity: Similarity
    modality: str
    aligner_left_out: bool = False
    width: int | None = None
    column_names: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    gallery_mean: FloatArray | None = None
    query_mean: FloatArray | None = None
    correction: HubCorrection | None = None

    @property
    def query_modality(self) -> str:
        return "x" if self.modality == "y" else "y"

    def learned(self, rows: ArrayLike, modality: str, name: str) -> tuple[Self, FloatArray]:
        """Learn width and column names from rows of the fit; return also their scores."""
        names = self._names_in_order(rows, modality, name)
        scores = self._scores(rows, modality, name)
        known = {self._space(modality): names} if names is not None else {}
        return replace(self, width=scores.shape[1], column_names={**known, **self.column_names}), scores

    def centred(self, items: FloatArray, bank: FloatArray) -> Self:
        """Return the embedding centred at the mean scores of each side."""
        return replace(self, gallery_mean=items.mean(axis=0, dtype=float), query_mean=bank.mean(axis=0, dtype=float))

    def correcting(self, method: str, bank: FloatArray, n_neighbors: Any, weight: float) -> Self:
        """Return the embedding with a correction of hubs, from scores of the query bank."""
        space = SearchSpace(self._embedded(bank, self.query_mean, "query_bank"), self.similarity)
        return replace(self, correction=HubCorrection.fitted(method, space, n_neighbors, weight))

    def of_queries(self, rows: ArrayLike, name: str = "queries") -> FloatArray:
        """Embed queries, with the coordinate that multiplies the bias."""
        self._names_in_order(rows, self.query_modality, name)
        scores = self._scores(rows, self.query_modality, name)
        embedded = self._embedded(scores, self.query_mean, name)
        return embedded if self.correction is None else with_ones(embedded)

    def of_items(self, rows: ArrayLike, name: str, verbose: int) -> FloatArray:
        """Embed items, with minus their bias."""
        self._names_in_order(rows, self.modality, name)
        return self.of_item_scores(self._scores(rows, self.modality, name), name, verbose)

    def of_item_scores(self, scores: FloatArray, name: str, verbose: int) -> FloatArray:
        """Embed items given their scores."""
        items = self._embedded(scores, self.gallery_mean, name)
        return items if self.correction is None else self.correction.corrected(items, verbose)

    def _space(self, modality: str) -> str:
        return "both" if self.aligner is None else modality

    def _names_in_order(self, rows: ArrayLike, modality: str, name: str) -> NDArray[Any] | None:
        return names_in_order(rows, name, self.column_names.get(self._space(modality)), "CrossModalIndex")

    def _scores(self, rows: ArrayLike, modality: str, name: str) -> FloatArray:
        """Compute scores of rows in the shared space; refuse another width than that of the fit."""
        scores = shared_space_scores(self.aligner, rows, modality, name)
        if self.width is not None and scores.shape[1] != self.width:
            raise ValueError(
                f"{name} has {scores.shape[1]} features, but the shared space {self.width}: queries, gallery and "
                "query_bank need as many without an aligner."
            )
        return scores

    def _embedded(self, scores: FloatArray, mean: FloatArray | None, name: str) -> FloatArray:
        """Centre scores and embed them for the similarity."""
        # A copy: scaling works in place, and without an aligner the rows belong to the user.
        scores = scores.copy() if mean is None else scores - mean.astype(scores.dtype)
        if self.similarity.needs_direction:
            warn_of_zero_rows(scores, name)
        return self.similarity.embedded(scores)
