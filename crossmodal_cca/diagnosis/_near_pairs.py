"""Find all pairs of rows with a large cosine, one tile of pairs after the other, and the groups that they connect."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import issparse
from scipy.sparse.csgraph import connected_components

from .._similarity import unit_rows
from .._typing import FloatArray
from ..rows._blocks import float_block, row_slices
from ..rows._stored import rows_in_memory

Positions = NDArray[np.intp]

# Rows and columns of a tile: a product of rows that about fits into the cache.
_TILE_ROWS, _TILE_COLUMNS = 1024, 4096
# Connected pairs collected before groups are merged.
_EDGES_AT_ONCE = 2**18
# Numbers read at a time (16 MB in double precision).
_VALUES_AT_ONCE = 2**21
# Rows, and numbers in them, of the sample that the directions are chosen on.
_SAMPLE, _SAMPLED_VALUES = 2048, 2**23
# Numbers of directions to choose from.
_DIRECTIONS = (32, 64, 128, 256)
# Cost of a single exact cosine, as a multiple of that of a cosine in a product of matrices.
_COST_OF_EXACT = 150
# Largest share of a tile whose cosines are computed one by one; beyond it the product is computed.
_MOST_EXACT = 1 / 256
# Rounding of a squared length, and of a bound, in single precision.
_SLACK = 1e-5


class Partition:
    """Groups of rows, merged as connected pairs come in."""

    def __init__(self, n_rows: int) -> None:
        self._labels: Positions = np.arange(n_rows)
        self._edges: list[tuple[Positions, Positions]] = []
        self._n_edges = 0

    def connect(self, one: Positions, other: Positions) -> None:
        """Put the rows of each pair into one group."""
        if len(one):
            self._edges.append((self._labels[one], self._labels[other]))
            self._n_edges += len(one)
            if self._n_edges >= _EDGES_AT_ONCE:
                self._merge()

    def _merge(self) -> None:
        if not self._edges:
            return
        one, other = (np.concatenate(ends) for ends in zip(*self._edges, strict=True))
        n = len(self._labels)
        graph = sparse.coo_array((np.ones(len(one), bool), (one, other)), shape=(n, n))
        self._labels = connected_components(graph, directed=False)[1].astype(np.intp)[self._labels]
        self._edges, self._n_edges = [], 0

    def are_apart(self, one: Positions, other: Positions) -> NDArray[np.bool_]:
        """Say whether the rows of each pair are not yet known to be in one group."""
        return np.asarray(self._labels[one] != self._labels[other])

    def are_one(self, rows: slice, others: slice) -> bool:
        """Say whether all these rows are known to be in one group."""
        first = self._labels[rows.start]
        return bool((self._labels[others] == first).all() and (self._labels[rows] == first).all())

    def numbers(self) -> Positions:
        """Number the groups in the order of appearance, and return each row's number."""
        self._merge()
        _, first, codes = np.unique(self._labels, return_index=True, return_inverse=True)
        return np.asarray(np.argsort(np.argsort(first))[codes])


def connect_near_rows(A: Any, name: str, threshold: float, parts: Partition) -> None:
    """Connect all rows whose cosine is at least the threshold, up to rounding in double precision."""
    if issparse(A):
        _connect_sparse(A, name, threshold, parts)
        return
    search = _Search(A, name, threshold, parts)
    for rows in row_slices(A.shape[0], _TILE_ROWS):
        search.connect_from(rows)


class _Search:
    """Search for near pairs of dense rows, screened by a few directions if these rule out most pairs."""

    def __init__(self, A: Any, name: str, threshold: float, parts: Partition) -> None:
        self.A, self.name, self.threshold, self.parts = A, name, threshold, parts
        self.at_once = max(1, _VALUES_AT_ONCE // A.shape[1])
        sums = 3 + 2 / 3 * np.sqrt(A.shape[1])
        self.rounding, self.rounding_of_single = sums * np.finfo(np.float64).eps, sums * np.finfo(np.float32).eps
        self.directions = _directions(self.unit(_spread(*A.shape)), threshold)
        self.screened = None if self.directions is None else self._screened(self.directions)
        self.buffer = np.empty((_TILE_ROWS, _TILE_COLUMNS), np.float32)

    def unit(self, rows: slice | Positions) -> FloatArray:
        """Scale rows to unit length in double precision."""
        block = float_block(self.A, rows, np.float64, self.name)
        return unit_rows(np.array(block))  # a copy: the caller's rows stay as they are

    def single(self, rows: slice) -> FloatArray:
        """Scale rows to unit length and convert them to single precision, a few at a time."""
        block = np.empty((rows.stop - rows.start, self.A.shape[1]), np.float32)
        for part in row_slices(len(block), self.at_once):
            block[part] = self.unit(slice(rows.start + part.start, rows.start + part.stop))
        return block

    def _screened(self, Q: FloatArray) -> FloatArray:
        """Compute coordinates of unit rows in the directions, and the length beyond, shape (n_rows, m + 1)."""
        P = np.empty((self.A.shape[0], Q.shape[1] + 1), np.float32)
        for rows in row_slices(len(P), self.at_once):
            P[rows] = _bounded(self.unit(rows), Q)
        return P

    def connect_from(self, rows: slice) -> None:
        """Connect near pairs of these rows with each other and with all rows after them."""
        n = self.A.shape[0]
        own = self.single(rows) if self.screened is None else None
        for start in range(rows.start, n, _TILE_COLUMNS):
            others = slice(start, min(start + _TILE_COLUMNS, n))
            if self.parts.are_one(rows, others):
                continue
            tile = self.buffer[: rows.stop - rows.start, : others.stop - start]
            if self.screened is not None:
                np.matmul(self.screened[rows], self.screened[others].T, out=tile)
                possible = tile >= np.float32(self.threshold - _SLACK)
                n_possible = np.count_nonzero(possible)
                if n_possible <= _MOST_EXACT * tile.size:
                    if n_possible:
                        self._connect(*self._pairs(possible, rows, others), exactly=True)
                    continue
                own = self.single(rows) if own is None else own
            assert own is not None
            np.matmul(own, self.single(others).T, out=tile)
            sure = np.float32(self.threshold + self.rounding_of_single)
            self._connect(*self._pairs(tile > sure, rows, others))
            doubtful = (tile >= np.float32(self.threshold - 2 * self.rounding_of_single)) & (tile <= sure)
            self._connect(*self._pairs(doubtful, rows, others), exactly=True)

    def _pairs(self, found: NDArray[np.bool_], rows: slice, others: slice) -> tuple[Positions, Positions]:
        """List the pairs found in a tile, each once, that are not yet known to be in one group."""
        one, other = np.divmod(np.flatnonzero(found), found.shape[1])
        one, other = one + rows.start, other + others.start
        kept = (one < other) & self.parts.are_apart(one, other)
        return one[kept], other[kept]

    def _connect(self, one: Positions, other: Positions, *, exactly: bool = False) -> None:
        """Connect pairs; with `exactly`, only those whose cosine in double precision reaches the threshold."""
        if not exactly:
            self.parts.connect(one, other)
            return
        for pairs in row_slices(len(one), self.at_once):
            a, b = one[pairs], other[pairs]
            cosine = np.einsum("ij,ij->i", self.unit(a), self.unit(b))
            near = cosine >= self.threshold - self.rounding
            self.parts.connect(a[near], b[near])


def _spread(n_rows: int, width: int) -> Positions:
    """Choose positions of rows, evenly from the first to the last."""
    n_sampled = max(1, min(_SAMPLE, _SAMPLED_VALUES // width))
    return np.unique(np.linspace(0, n_rows - 1, n_sampled).astype(np.intp))


def _bounded(U: FloatArray, Q: FloatArray) -> FloatArray:
    """Compute coordinates of unit rows in Q, and the length beyond, rounded up, in single precision."""
    P = U @ Q
    beyond = np.sqrt(np.maximum((U * U).sum(axis=1) - (P * P).sum(axis=1), 0.0) + _SLACK)
    return np.column_stack((P, beyond)).astype(np.float32)


def _directions(U: FloatArray, threshold: float) -> FloatArray | None:
    """Choose the orthonormal directions that make comparing all pairs cheapest, (d, m); None if full rows are cheapest.

    They are those in which a sample of unit rows is largest. Any directions would give the same pairs.
    """
    d = U.shape[1]
    # Costs are measured on other rows, as directions fit the rows they were chosen on too well.
    U, held_out = U[::2], U[1::2]
    numbers = [m for m in _DIRECTIONS if m <= min(d // 2, len(held_out))]
    if not numbers:
        return None
    small = U.T @ U if d <= len(U) else U @ U.T
    vectors = scipy.linalg.eigh(small, subset_by_index=(len(small) - numbers[-1], len(small) - 1))[1][:, ::-1]
    Q = scipy.linalg.qr(vectors if d <= len(U) else U.T @ vectors, mode="economic")[0]
    near = held_out @ held_out.T >= threshold
    costs: dict[int, float] = {d: d}
    for m in numbers:
        P = _bounded(held_out, Q[:, :m])
        share = np.count_nonzero((threshold - _SLACK <= P @ P.T) & ~near) / near.size
        costs[m] = m + share * d * _COST_OF_EXACT
    cheapest = min(costs, key=lambda m: costs[m])
    return None if cheapest == d else np.ascontiguousarray(Q[:, :cheapest])


def _connect_sparse(A: Any, name: str, threshold: float, parts: Partition) -> None:
    U = unit_sparse_rows(rows_in_memory(A).block(slice(0, A.shape[0]), np.float64, name).A)
    rounding = (3 + 2 / 3 * np.sqrt(A.shape[1])) * np.finfo(np.float64).eps
    for others in row_slices(A.shape[0], _TILE_COLUMNS):
        columns = sparse.csr_array(U[others].T)
        for rows in row_slices(others.stop, _TILE_ROWS):
            if parts.are_one(rows, others):
                continue
            tile = sparse.coo_array(U[rows] @ columns)
            near = tile.data >= threshold - rounding
            one, other = tile.row[near] + rows.start, tile.col[near] + others.start
            kept = one < other
            parts.connect(one[kept].astype(np.intp), other[kept].astype(np.intp))


def unit_sparse_rows(block: Any) -> Any:
    """Scale sparse rows to unit length; zero rows stay zero."""
    data = np.array(block.data)
    row = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
    # Divide by the largest entry first, or squares could overflow or vanish.
    for length in (_largest, _length):
        size = length(data, row, block.shape[0])
        data /= np.where(size > 0, size, 1.0)[row]
    return sparse.csr_array((data, block.indices, block.indptr), shape=block.shape)


def _largest(data: FloatArray, row: Positions, n_rows: int) -> FloatArray:
    size = np.zeros(n_rows)
    np.maximum.at(size, row, np.abs(data))
    return size


def _length(data: FloatArray, row: Positions, n_rows: int) -> FloatArray:
    return np.asarray(np.sqrt(np.bincount(row, data * data, minlength=n_rows)))
