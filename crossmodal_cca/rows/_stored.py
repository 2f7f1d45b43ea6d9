"""Rows of one side, one class per kind of storage; the kind is decided once, when rows are checked."""

from __future__ import annotations

import mmap
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse

from .._typing import FloatArray
from ._block import Block, SparseBlock
from ._blocks import float_dtype, map_rows, row_slices
from ._sparse_rows import DENSE_FROM, MAX_FEATURES, sparse_scores

Positions = slice | NDArray[np.intp]
# Up to FEW_ROWS rows, or below NARROW features of the wider side, rows of single precision are multiplied in double.
FEW_ROWS, NARROW = 1024, 32


class ScoreMaps(NamedTuple):
    """Maps of rows A to scores ((A − mean) / scale) @ directions · score_weights, without the weights if None."""

    mean: FloatArray
    scale: FloatArray
    directions: FloatArray
    score_weights: FloatArray | None


@dataclass(frozen=True, eq=False)
class StoredRows(ABC):
    """Checked rows of one side, of any numeric type."""

    array: Any
    shape: tuple[int, ...] = field(init=False)
    n_features: int = field(init=False)
    dtype: np.dtype[Any] = field(init=False)

    # Whether the rows are in memory or in a file, so that a second pass is possible.
    at_hand: ClassVar[bool] = True
    is_sparse: ClassVar[bool] = False
    # Whether there are too many features for a covariance.
    exceeds_covariance: bool = field(default=False, init=False)
    # Whether solving in the space that the rows span is less work than forming a covariance.
    is_wide: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        shape, dtype = self.array.shape, self.array.dtype
        vars(self).update(shape=shape, n_features=shape[1], dtype=dtype)

    @abstractmethod
    def scores(self, maps: ScoreMaps, name: str) -> Any:
        """Compute the scores block by block, in the rows' own floating type; errors call the rows `name`.

        Products use the finer type of rows and directions: directions are doubles if single precision is too coarse.
        """


@dataclass(frozen=True, eq=False)
class RowsAtHand(StoredRows):
    """Rows in memory or in a file, or a selection at `positions`, which is gathered block by block."""

    positions: NDArray[np.intp] | None = None
    n_rows: int = field(init=False)

    # Blocks of rows in their own storage.
    own_block: ClassVar[type[Block]] = Block

    def __post_init__(self) -> None:
        n_stored, p = self.array.shape
        n_rows = n_stored if self.positions is None else len(self.positions)
        # Up to twice as many features as rows, forming the covariance is less work.
        is_wide = p > 2 * n_rows
        vars(self).update(shape=(n_rows, p), n_rows=n_rows, n_features=p, dtype=self.array.dtype, is_wide=is_wide)

    def __len__(self) -> int:
        return self.n_rows

    def __getitem__(self, part: Any) -> Any:
        return self.array[part if self.positions is None else self.positions[part]]

    def take(self, positions: NDArray[np.intp]) -> Self:
        """Select the rows at these positions."""
        return replace(self, positions=positions if self.positions is None else self.positions[positions])

    @abstractmethod
    def read(self, part: Positions, dtype: DTypeLike) -> Any:
        """Read some rows in a floating type, as a view if the type fits."""

    def product_block(self, part: Positions, dtype: DTypeLike) -> Block:
        """Read some rows in the form that is multiplied fastest; the caller checks that their sums are finite."""
        return self.own_block(self.read(part, dtype))

    def block(self, part: Positions, dtype: DTypeLike, name: str) -> Block:
        """Read some rows in their own storage; refuse values that are not finite."""
        block = self.own_block(self.read(part, dtype))
        block.check_finite(name)
        return block

    def dense(self, part: Positions, dtype: DTypeLike, name: str) -> FloatArray:
        """Read some rows as an array; refuse values that are not finite."""
        return self.block(part, dtype, name).A  # type: ignore[no-any-return]

    @property
    def values_per_row(self) -> int:
        """Average number of stored values per row."""
        return self.n_features

    @abstractmethod
    def _scores_into(self, out: FloatArray, part: Positions, mean: FloatArray, W: FloatArray, name: str) -> None:
        """Compute (A − mean) W for some rows, before the weights of components, in place."""

    def scores(self, maps: ScoreMaps, name: str) -> FloatArray:
        mean, scale, directions, score_weights = maps
        dtype = float_dtype(self)
        W = (directions / scale[:, None]).astype(np.result_type(dtype, directions), copy=False)
        scores = np.empty((self.n_rows, W.shape[1]), dtype)
        for part in row_slices(self.n_rows):
            self._scores_into(scores[part], part, mean, W, name)
        # For few rows, scores are far fewer numbers than directions.
        if score_weights is not None:
            np.multiply(scores, score_weights, out=scores, casting="same_kind")
        return scores


class DenseRows(RowsAtHand):
    """Rows of an array in memory."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self[:], dtype, copy=bool(copy)) if copy else np.asarray(self[:], dtype)

    def read(self, part: Positions, dtype: DTypeLike) -> FloatArray:
        return np.asarray(self[part], dtype)

    def _scores_into(self, out: FloatArray, part: Positions, mean: FloatArray, W: FloatArray, name: str) -> None:
        block = self.dense(part, W.dtype, name)
        centred = np.subtract(block, mean, out=np.empty_like(block), casting="same_kind")
        np.matmul(centred, W, out=out, casting="same_kind")


@dataclass(frozen=True, eq=False)
class MappedRows(DenseRows):
    """Rows of an array in a file that is mapped into memory."""

    file: Any = None

    def __getitem__(self, part: Any) -> NDArray[Any]:
        # Unmap the pages of earlier blocks: they stay in the system's cache, but no longer count for this process.
        # The call is only advice, which locked pages refuse.
        with suppress(OSError):
            self.file.madvise(mmap.MADV_DONTNEED)
        return super().__getitem__(part)  # type: ignore[no-any-return]


class SparseRows(RowsAtHand):
    """Rows in CSR."""

    is_sparse = True
    own_block = SparseBlock

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_features > MAX_FEATURES:
            # These are wide if the Gram matrix of the rows is small enough.
            vars(self).update(exceeds_covariance=True, is_wide=self.n_rows <= MAX_FEATURES)

    def read(self, part: Positions, dtype: DTypeLike) -> Any:
        rows: Any = sparse.csr_array(self[part]).astype(dtype, copy=False)
        if not rows.has_canonical_format:
            rows = rows.copy()  # the caller's rows are not changed
            rows.sum_duplicates()
        return rows

    def product_block(self, part: Positions, dtype: DTypeLike) -> Block:
        rows = self.read(part, dtype)
        if rows.nnz > DENSE_FROM * rows.shape[0] * rows.shape[1]:
            return Block(rows.toarray())
        return SparseBlock(rows)

    def dense(self, part: Positions, dtype: DTypeLike, name: str) -> FloatArray:
        return self.block(part, dtype, name).A.toarray()  # type: ignore[no-any-return]

    @property
    def values_per_row(self) -> int:
        return int(self.array.nnz // self.array.shape[0])

    def _scores_into(self, out: FloatArray, part: Positions, mean: FloatArray, W: FloatArray, name: str) -> None:
        out[:] = sparse_scores(self.block(part, np.float64, name).A, mean, W)


class DaskRows(StoredRows):
    """Rows of a Dask array, whose chunks are whole rows, checked when they are read."""

    at_hand = False

    def scores(self, maps: ScoreMaps, name: str) -> Any:
        width, dtype = maps.directions.shape[1], float_dtype(self)
        return map_rows(_scores_of_chunk, self.array, width, dtype, side=name, **maps._asdict())


def _scores_of_chunk(chunk: Any, side: str, **maps: Any) -> Any:
    return rows_in_memory(chunk).scores(ScoreMaps(**maps), side)


class PairedRows(NamedTuple):
    """Checked rows of both modalities without rows of weight zero; Dask arrays are cut at the same rows."""

    X: Any  # StoredRows, like y; both are at hand, or neither
    y: Any
    sample_weight: Any
    x_names: NDArray[Any] | None = None
    y_names: NDArray[Any] | None = None
    y_is_1d: bool = False

    @property
    def n_rows(self) -> int:
        return int(self.X.shape[0])

    @property
    def is_sparse(self) -> bool:
        return bool(self.X.is_sparse or self.y.is_sparse)

    @property
    def float_dtype(self) -> np.dtype[Any]:
        """Floating type of the computations."""
        return float_dtype(self.X, self.y)

    def product_dtype(self, n_rows: int) -> np.dtype[Any]:
        """Choose the floating type in which this many of the rows are multiplied.

        Few rows cost little next to the solution that follows. Sums over few columns lose most digits, since BLAS adds
        them up in one long row. Sparse products are not quicker in single precision.
        """
        width = max(self.X.n_features, self.y.n_features)
        single_saves = not self.is_sparse and n_rows > max(FEW_ROWS, width) and width >= NARROW
        return self.float_dtype if single_saves else np.dtype(np.float64)

    def take(self, positions: NDArray[np.intp]) -> PairedRows:
        """Select the pairs at these positions, gathered when they are read."""
        w = self.sample_weight
        X, y = self.X.take(positions), self.y.take(positions)
        return self._replace(X=X, y=y, sample_weight=None if w is None else w[positions])


def rows_in_memory(array: Any) -> RowsAtHand:
    """Return the rows of a checked array or CSR matrix, in memory or mapped from a file."""
    if sparse.issparse(array):
        return SparseRows(array)
    owner: Any = array
    shared = False
    while isinstance(owner, np.ndarray):
        # In a private map ("c") pages may hold changes that are not in the file.
        shared = shared or (isinstance(owner, np.memmap) and owner.mode in ("r", "r+"))
        owner = owner.base
    if shared and isinstance(owner, mmap.mmap) and hasattr(owner, "madvise"):
        return MappedRows(array, file=owner)
    return DenseRows(array)
