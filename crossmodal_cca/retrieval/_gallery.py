"""Embedded items and their ids, and the search among them."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._checks import check_whole_number
from .._ids import joined, rows_with_ids
from .._similarity import Similarity
from .._typing import FloatArray
from ._nearest import SearchSpace
from .hubness import bias


class Gallery:
    """Items of an index: a value that never changes, so that another can take its place while it is searched.

    Parameters
    ----------
    embeddings : ndarray of shape (n_items, n_dims)
        Rows as the similarity embeds them, with minus their bias as one more dimension where hubs are corrected.
    ids : ndarray of shape (n_items,)
        Their ids.
    similarity : Similarity
        What is largest for the nearest.
    is_corrected : bool
        Whether hubs are corrected.
    """

    def __init__(
        self, embeddings: FloatArray, ids: NDArray[Any], similarity: Similarity, *, is_corrected: bool
    ) -> None:
        self.embeddings, self.ids, self.similarity, self.is_corrected = embeddings, ids, similarity, is_corrected
        self._space = SearchSpace(embeddings, similarity) if len(embeddings) else None

    def __len__(self) -> int:
        return len(self.ids)

    def added(self, embeddings: FloatArray, ids: NDArray[Any]) -> Self:
        """With further items at the end."""
        embeddings = np.concatenate((self.embeddings, embeddings.astype(self.embeddings.dtype, copy=False)))
        return self._of(embeddings, joined(self.ids, ids))

    def without(self, ids: Any) -> Self:
        """Without the items of some ids."""
        return self._chosen(~rows_with_ids(ids, "ids", self.ids))

    def nearest(
        self, queries: FloatArray, n_neighbors: Any, within: Any, scaling_neighbors: int | None, verbose: int
    ) -> tuple[FloatArray, NDArray[np.intp]]:
        """Distances and positions of the items nearest to embedded queries, among all or those of some ids.

        Under CSLS `scaling_neighbors` of the items searched say how near a query is to any.
        """
        if within is None:
            return self._nearest(queries, n_neighbors, "items in the index", scaling_neighbors, verbose)
        chosen = np.flatnonzero(rows_with_ids(within, "within", self.ids))
        if len(chosen) == 0:
            raise ValueError("within holds no id: pass those to search among, or None for all items.")
        part = self._chosen(chosen)
        distances, positions = part._nearest(queries, n_neighbors, "items in within", scaling_neighbors, verbose)
        return distances, chosen[positions]

    def _nearest(
        self, queries: FloatArray, n_neighbors: Any, items: str, scaling_neighbors: int | None, verbose: int
    ) -> tuple[FloatArray, NDArray[np.intp]]:
        if self._space is None:
            raise ValueError("The index is empty: add items before searching.")
        k = check_whole_number(n_neighbors, "n_neighbors", high=len(self), of=items)
        similarities, positions = self._space.nearest(queries, k, verbose)
        if scaling_neighbors is not None:
            # What a query has in common with its own neighbours lowers all of its similarities alike.
            plain = SearchSpace(np.ascontiguousarray(self.embeddings[:, :-1]), self.similarity)
            own = bias(queries[:, :-1], plain, min(scaling_neighbors, len(self)))
            similarities = 2 * similarities - own[:, None]
        if self.is_corrected:
            # Corrected similarities have no ends to be kept within.
            return self.similarity.at_distance_zero - similarities, positions
        return self.similarity.distances(similarities), positions

    def _chosen(self, rows: NDArray[Any]) -> Self:
        return self._of(self.embeddings[rows], self.ids[rows])

    def _of(self, embeddings: FloatArray, ids: NDArray[Any]) -> Self:
        return type(self)(embeddings, ids, self.similarity, is_corrected=self.is_corrected)
