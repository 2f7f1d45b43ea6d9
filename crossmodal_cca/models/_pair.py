"""The standardised pair: moments, and the maps between coordinates and features of both sides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .._schemas import Schema, saved
from .._typing import FloatArray
from ..linalg._products import Covariances, scaled, squared_columns
from ..linalg._solution import SolvedSide
from ..linalg._svd import row_space, triangular_rows
from ..rows._blocks import row_slices
from ..rows._centred_rows import CentredRows, SparseRowSpace
from ..rows._moments import PairMoments, moments_of_rows
from ..rows._stored import PairedRows, RowsAtHand, rows_in_memory

# Advice of the error about a model that was saved without its moments.
LEFT_OUT = (
    "They were left out of the file that this model comes from (moments=False): load one that was saved with them, or "
    "fit again."
)


@saved()
@dataclass(frozen=True, eq=False)
class Side:
    """The map from rows of one modality to standardised coordinates.

    Coordinates are (row − mean) / scale, with constant features set to zero. Wide data are also expressed in an
    orthonormal `basis` (p, r) of the space spanned by their rows, in which every linear model has the same solution.
    """

    mean: FloatArray
    scale: FloatArray
    constant: NDArray[np.bool_]
    basis: Any = None

    _stored: ClassVar[Schema] = {"basis": np.ndarray | None}

    @property
    def n_features(self) -> int:
        return len(self.mean)

    def coordinates(self, rows: FloatArray) -> FloatArray:
        """Express rows (n, p) in standardised coordinates (n, p), or (n, r) for a side with a basis."""
        Z = (rows - self.mean) / self.scale
        Z[:, self.constant] = 0.0
        return Z if self.basis is None else Z @ self.basis

    def coordinates_of_block(self, A: RowsAtHand, part: slice, name: str) -> FloatArray:
        """Express a block of the training rows in the coordinates."""
        if isinstance(self.basis, SparseRowSpace):
            return self.basis.coordinates[part]
        return self.coordinates(A.dense(part, np.float64, name))

    def to_features(self, A: FloatArray) -> FloatArray:
        """Map vectors in coordinates, the columns of A, to vectors over the standardised features."""
        return A if self.basis is None else self.basis @ A

    def solved_over_features(self, solved: SolvedSide) -> SolvedSide:
        """Express a side that was solved in the coordinates over the standardised features."""
        if self.basis is None:
            return solved
        W, R, P, B = (self.to_features(A) for A in (*solved[:3], solved.effects.T))
        return SolvedSide(W, R, P, B.T)

    def to_coordinates(self, A: FloatArray) -> FloatArray:
        """Map vectors over the standardised features, the columns of A, to coordinates."""
        return A if self.basis is None else self.basis.T @ A


@saved()
@dataclass(frozen=True, eq=False)
class StandardizedPair:
    """The input of every linear solver: moments of the coordinates of both sides."""

    moments: PairMoments
    x: Side
    y: Side

    def covariances(self) -> Covariances:
        """Covariances in standardised coordinates; constant features have rows and columns of zeros."""
        divisor = degrees_of_freedom(self.moments.weight_sum)
        return scaled_covariances(self.moments, _units(self.x), _units(self.y), divisor)

    def kept(self) -> StandardizedPair | None:
        """Return the pair for a fitted model, without the training rows that span a sparse row space."""
        is_of_rows = any(isinstance(side.basis, SparseRowSpace) for side in (self.x, self.y))
        return None if is_of_rows else self

    def triangular_rows(self, rows: PairedRows) -> FloatArray:
        """Reduce the joint coordinates of the rows, in another pass, to a triangle R with RᵀR/(Σw − 1) = S."""

        def blocks() -> Iterator[FloatArray]:
            for part in row_slices(rows.n_rows):
                sides = (self.x, rows.X, "X"), (self.y, rows.y, "y")
                Z = np.hstack([side.coordinates_of_block(A, part, name) for side, A, name in sides])
                yield Z if rows.sample_weight is None else Z * np.sqrt(rows.sample_weight[part])[:, None]

        return triangular_rows(blocks())

    def rows_of_sides(self, R: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the two sides (Zx, Zy) of triangular rows, scaled so that ZᵀZ are the covariances."""
        divisor = degrees_of_freedom(self.moments.weight_sum)
        x, y = np.hsplit(R / np.sqrt(divisor), [len(self.moments.mean_x)])
        return x, y

    def feature_moments(self) -> PairMoments:
        """Return moments of the features, also for a pair fitted in row-space coordinates."""
        m, Bx, By = self.moments, self.x.basis, self.y.basis
        if Bx is not None:
            Bx = Bx * self.x.scale[:, None]
            m = replace(m, mean_x=self.x.mean, scatter_xx=Bx @ m.scatter_xx @ Bx.T, scatter_xy=Bx @ m.scatter_xy)
        if By is not None:
            By = By * self.y.scale[:, None]
            m = replace(m, mean_y=self.y.mean, scatter_yy=By @ m.scatter_yy @ By.T, scatter_xy=m.scatter_xy @ By.T)
        return m


def degrees_of_freedom(weight_sum: float) -> float:
    """Return Σw − 1; infinite while a stream has too little weight for a covariance, which then is zero."""
    return weight_sum - 1.0 if weight_sum > 1.0 else np.inf


def scaled_covariances(m: PairMoments, ux: FloatArray, uy: FloatArray, divisor: float) -> Covariances:
    """Divide scatters by a divisor, and multiply the features by the factors ux (p,) and uy (q,)."""
    return Covariances(
        scaled(m.scatter_xx, ux / divisor, ux),
        scaled(m.scatter_xy, ux / divisor, uy),
        scaled(m.scatter_yy, uy / divisor, uy),
        float(np.finfo(m.product_dtype).eps),
    )


def _units(side: Side) -> FloatArray:
    """Return the factor from units of the moments to those of the coordinates; 1 for row-space moments."""
    if side.basis is not None:
        return np.ones(side.basis.shape[1])
    return np.where(side.constant, 0.0, 1.0 / side.scale)


def standardize_moments(moments: PairMoments, *, scale: bool) -> StandardizedPair:
    """Standardise a pair given its moments alone."""
    divisor = degrees_of_freedom(moments.weight_sum)
    x = standardized_side(moments.mean_x, np.diagonal(moments.scatter_xx) / divisor, scale)
    y = standardized_side(moments.mean_y, np.diagonal(moments.scatter_yy) / divisor, scale)
    return StandardizedPair(moments, x, y)


def standardize_rows(rows: PairedRows, *, scale: bool, in_double: bool = False) -> StandardizedPair:
    """Standardise a pair given its rows, multiplied in their own type or `in_double` precision.

    A wide side is reduced to the space spanned by its rows.

    Wide means more than twice as many features as rows: below that, forming the covariance is less work. Sparse rows
    with too many features for a covariance are wide, too, if the Gram matrix of the rows is small enough.
    """
    X, Y, w = rows[:3]
    if not (X.is_wide or Y.is_wide):
        return standardize_moments(moments_of_rows(rows, in_double=in_double), scale=scale)
    w = np.ones(rows.n_rows) if w is None else w
    x, X = _wide_side(X, w, "X", scale) if X.is_wide else (None, X)
    y, Y = _wide_side(Y, w, "y", scale) if Y.is_wide else (None, Y)
    moments = replace(moments_of_rows(rows._replace(X=X, y=Y), in_double=True), dtype=rows.float_dtype)
    tall = standardize_moments(moments, scale=scale)
    return StandardizedPair(moments, x or tall.x, y or tall.y)


def standardized_side(mean: FloatArray, variance: FloatArray, scale: bool) -> Side:
    deviation = np.sqrt(np.maximum(variance, 0.0))
    # A deviation below the spacing of floating-point numbers at the mean is rounding.
    constant = deviation <= np.finfo(np.float64).eps * np.abs(mean)
    return Side(mean, np.where(constant, 1.0, deviation) if scale else np.ones_like(mean), constant)


def standardized_columns(rows: FloatArray, w: FloatArray) -> Side:
    """Compute only the means and deviations of the features of dense weighted rows of one modality."""
    mean = w @ rows / w.sum()
    mean += w @ (rows - mean) / w.sum()
    return standardized_side(mean, squared_columns(rows - mean, w) / degrees_of_freedom(w.sum()), scale=True)


def _wide_side(A: RowsAtHand, w: FloatArray, name: str, scale: bool) -> tuple[Side, RowsAtHand]:
    """Compute the basis of a wide side, and the coordinates of its rows."""
    if A.exceeds_covariance:
        centred = CentredRows.read(A, slice(None), w, None, name)
        variance = centred.sum_of_squares() / degrees_of_freedom(w.sum())
        side = standardized_side(centred.mean, variance, scale)
        basis = SparseRowSpace(centred, np.where(side.constant, 0.0, 1.0 / side.scale))
        return replace(side, basis=basis), rows_in_memory(basis.coordinates)
    rows = A.dense(slice(None), np.float64, name)
    unit = standardized_columns(rows, w)
    side = unit if scale else replace(unit, scale=np.ones_like(unit.scale))
    Z = unit.coordinates(rows) * np.sqrt(w)[:, None]
    side = replace(side, basis=row_space(Z, None if scale else np.where(unit.constant, 0.0, unit.scale)))
    return side, rows_in_memory(side.coordinates(rows))
