"""Exact search in a gallery too large for one machine: each chunk is searched where it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import check_whole_number
from .._ids import checked_ids
from .._names_in_docs import with_names
from .._similarity import SIMILARITIES, Similarity
from .._sklearn import check_array
from .._typing import FloatArray
from ..metrics._inputs import check_sides
from ..metrics._sharded import starts_of_chunks
from ..rows._blocks import BLOCK_ROWS, cut_rows, float_dtype, sum_over_rows
from ..rows._numeric import blocks_in_memory
from ._nearest import SearchSpace


@dataclass(frozen=True, eq=False)
class _Nearest:
    """Nearest items of each query in some chunks: similarities and positions (n_queries, at most k)."""

    similarities: FloatArray
    positions: NDArray[np.intp]
    k: int

    def __add__(self, other: _Nearest) -> _Nearest:
        similarities = np.hstack((self.similarities, other.similarities))
        positions = np.hstack((self.positions, other.positions))
        order = np.lexsort((positions, -similarities), axis=-1)[:, : self.k]
        similarities, positions = (np.take_along_axis(A, order, axis=1) for A in (similarities, positions))
        return _Nearest(similarities, positions, self.k)


@with_names
def search_shards(
    queries: Any, gallery: Any, n_neighbors: int = 10, *, ids: ArrayLike | None = None, similarity: str = "cosine"
) -> tuple[FloatArray, NDArray[Any]]:
    """Find the nearest items of each query in a gallery of Dask, too large for an index.

    Parameters
    ----------
    queries : array-like, or Dask array or dataframe, of shape (n_queries, n_features)
        Points of the shared space, as ``transform`` gives them. Those of Dask come chunk by chunk.
    gallery : Dask array or dataframe, or array-like, of shape (n_items, n_features)
        Points of the same space, such as those that ``transform_y`` of Dask's rows gives; its chunks are searched where
        they are, once for each chunk of queries.
    n_neighbors : int in [1, n_items], default=10
        Number of items for each.
    ids : array-like of shape (n_items,), default=None
        Ids of the items, of any kind. None: 0, 1, …
    similarity : <similarities>, default="cosine"
        Similarity that ranks the items: cosine, inner product or smallest distance.

    Returns
    -------
    distances : float64 ndarray of shape (n_queries, n_neighbors)
        Increasing: 1 − cosine, minus the inner product, or the Euclidean distance.
    ids : ndarray of shape (n_queries, n_neighbors)
        Ids of the items.

    Raises
    ------
    ValueError, TypeError
        If queries or gallery are bad, the sizes of chunks are unknown, or `n_neighbors` is more than there are items.

    See Also
    --------
    CrossModalIndex : A gallery in memory, with correction of hubs, additions and files.

    Notes
    -----
    The result is that of a ``CrossModalIndex(similarity=…)`` of the whole gallery, to the last bit: similarities are
    computed in double precision from two rows alone, and equal items come in the order of the gallery. A task sends
    n_queries · n_neighbors pairs of numbers.

    Examples
    --------
    >>> import dask.array as da
    >>> from crossmodal_cca.retrieval import search_shards
    >>> gallery = da.from_array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [-1.0, 0.0]], chunks=(2, 2))
    >>> distances, ids = search_shards([[0.0, 2.0]], gallery, n_neighbors=2, ids=["a", "b", "c", "d"])
    >>> print(distances.round(1), ids)
    [[0.  0.2]] [['b' 'c']]
    """
    queries, gallery = check_sides(queries, gallery, similarity, lazy=True)
    n_neighbors = check_whole_number(n_neighbors, "n_neighbors", high=len(gallery), of="items in the gallery")
    names = None if ids is None else checked_ids(ids, "ids", len(gallery), "gallery")
    gallery = cut_rows(gallery, BLOCK_ROWS)
    starts = starts_of_chunks(gallery)
    kind = SIMILARITIES[similarity]
    found = []
    for _, block in blocks_in_memory(queries, "queries"):
        best = sum_over_rows(_nearest_of_shard, gallery, starts, _embedded(block, kind), n_neighbors, kind)
        assert best is not None
        found.append(best)
    similarities, nearest = (
        np.vstack([getattr(best, name) for best in found]) for name in ("similarities", "positions")
    )
    return kind.distances(similarities), nearest if names is None else names[nearest]


def _embedded(rows: Any, similarity: Similarity) -> FloatArray:
    # Sums over rows of one layout round in the same way.
    return similarity.embedded(np.array(rows, dtype=float_dtype(rows), order="C"))


def _nearest_of_shard(
    chunk: Any, start: NDArray[np.intp], queries: FloatArray, k: int, similarity: Similarity
) -> _Nearest | None:
    if chunk.shape[0] == 0:
        return None
    items = _embedded(check_array(chunk, dtype="numeric", input_name="gallery"), similarity)
    space = SearchSpace(items, similarity)
    similarities, nearest = space.nearest(queries, min(k, len(items)))
    return _Nearest(similarities, start + nearest, k)
