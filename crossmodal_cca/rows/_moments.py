"""Paired moments: all that a linear model of two modalities needs, from one pass over the rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._files import SavedMixin
from .._schemas import saved
from .._typing import FloatArray
from ..linalg._merging import Merge
from ..linalg._products import refuse_overflow, subtract_outer
from ._block import block_products
from ._blocks import row_slices, sum_over_rows
from ._sparse_rows import MAX_FEATURES
from ._stored import PairedRows
from ._validation import check_pair, checked_pair

# Double precision.
DOUBLE = np.dtype(np.float64)


@saved()
@dataclass(frozen=True, eq=False, repr=False)
class PairMoments(SavedMixin):
    """Counts, means and centred cross-products of paired rows of two modalities.

    Moments of disjoint rows add up, and moments of a part can be taken away again: ``moments_a + moments_b`` are
    the moments of all rows, ``total - fold`` those of the rows outside the fold. Fit models to them with
    ``fit_moments``. Make them with `from_arrays` or `from_blocks`.

    Parameters
    ----------
    n_rows : int
        Number of rows with positive weight.
    weight_sum : float
        Sum of the sample weights, Σw; equal to `n_rows` without weights.
    mean_x : ndarray of shape (n_features_x,)
        Weighted mean of the x-rows.
    mean_y : ndarray of shape (n_features_y,)
        Weighted mean of the y-rows.
    scatter_xx : ndarray of shape (n_features_x, n_features_x)
        Sum of centred products, Σ w (x − mean_x)(x − mean_x)ᵀ; a covariance after division by Σw − 1.
    scatter_xy : ndarray of shape (n_features_x, n_features_y)
        Σ w (x − mean_x)(y − mean_y)ᵀ.
    scatter_yy : ndarray of shape (n_features_y, n_features_y)
        Σ w (y − mean_y)(y − mean_y)ᵀ.
    x_names, y_names : ndarray of str or None
        Feature names of either side, where the rows had them.
    dtype : numpy.dtype
        Floating type of the rows; the coarser one after a merge. The moments themselves are always float64.
    product_dtype : numpy.dtype
        Floating type in which the rows of a block were multiplied, which says how many digits the scatters have; the
        coarser one after a merge. Means are always summed in double precision.

    Notes
    -----
    Two disjoint parts a and b merge with δ = mean_b − mean_a and n = n_a + n_b as

        mean = mean_a + δ·n_b/n,        S = S_a + S_b + (n_a·n_b/n)·δδᵀ,

    and the same identity, solved for a, subtracts. A block of rows is centred at its own mean before it is multiplied,
    unless all means are below half a standard deviation, so large means cost no digits.

    References
    ----------
    Chan, Golub & LeVeque (1983), Algorithms for computing the sample variance.
    Engstrøm & Jensen (2025), Fast partition-based cross-validation with centering and scaling for XᵀX and XᵀY.

    Examples
    --------
    >>> import numpy as np
    >>> from crossmodal_cca import CCA, PairMoments
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> X, y = make_paired_latent(300, 6, 4, random_state=0)
    >>> total = PairMoments.from_arrays(X, y)
    >>> fold = PairMoments.from_arrays(X[:100], y[:100])
    >>> outside = total - fold
    >>> outside.n_rows
    200
    >>> cca = CCA(2).fit_moments(outside)
    >>> bool(np.allclose(cca.correlations_, CCA(2).fit(X[100:], y[100:]).correlations_))
    True
    """

    n_rows: int
    weight_sum: float
    mean_x: FloatArray
    mean_y: FloatArray
    scatter_xx: FloatArray
    scatter_xy: FloatArray
    scatter_yy: FloatArray
    x_names: NDArray[Any] | None = None
    y_names: NDArray[Any] | None = None
    dtype: np.dtype[Any] = DOUBLE
    product_dtype: np.dtype[Any] = DOUBLE

    @property
    def is_single(self) -> bool:
        """Whether any products were computed in single precision."""
        return self.product_dtype != DOUBLE

    @classmethod
    def from_arrays(cls, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> PairMoments:
        """Compute moments in one pass over paired rows, block by block.

        Parameters
        ----------
        X : {array-like, sparse matrix, Dask array or dataframe} of shape (n_rows, n_features_x)
            Rows of the first modality. Many wide float32 rows are multiplied in float32, a block at a time; sparse
            rows, of at most 5000 features, in float64; chunks of Dask where they are.
        y : {array-like, sparse matrix, Dask array or dataframe} of shape (n_rows, n_features_y) or (n_rows,)
            Rows of the second modality, paired with those of `X`; 1-D counts as one column.
        sample_weight : array-like of shape (n_rows,), default=None
            Non-negative weights; a weight of 2 counts a row twice, 0 leaves it out.

        Returns
        -------
        moments : PairMoments
            Moments of these rows.

        Raises
        ------
        ValueError
            If the two sides differ in rows, hold NaN or infinities, or no row has a positive weight.
        """
        with checked_pair(X, y, sample_weight, accept_sparse=True, lazy=True) as rows:
            return moments_of_rows(rows)

    @classmethod
    def from_blocks(cls, blocks: Iterable[tuple[ArrayLike, ...]]) -> PairMoments:
        """Compute moments in one pass over an iterable of paired blocks, for rows that arrive in pieces.

        Parameters
        ----------
        blocks : iterable of (X, y) or (X, y, sample_weight)
            Disjoint batches of paired rows, each as in `from_arrays`; an empty one is skipped.

        Returns
        -------
        moments : PairMoments
            Moments of all rows of all blocks.

        Raises
        ------
        ValueError
            If there is no block with a row of positive weight, or a block differs from the earlier ones in width or
            feature names.
        """
        checked = (
            check_pair(*block, min_rows=0, allow_no_weight=True, accept_sparse=True, lazy=True) for block in blocks
        )
        parts = map(moments_of_batch, checked)
        present = (part for part in parts if part is not None)
        first = next(present, None)
        if first is None:
            raise ValueError(
                "PairMoments.from_blocks got no block with a row of positive weight; pass at least one (X, y) pair."
            )
        return reduce(add, present, first)

    def __repr__(self) -> str:
        return (
            f"PairMoments(n_rows={self.n_rows}, weight_sum={self.weight_sum:g}, n_features_x={len(self.mean_x)}, "
            f"n_features_y={len(self.mean_y)}, dtype={self.dtype.name})"
        )

    def __add__(self, other: PairMoments) -> PairMoments:
        if not isinstance(other, PairMoments):
            return NotImplemented
        self._check_same_features(other)
        return self._combine(other, sign=1)

    def __radd__(self, other: object) -> PairMoments:
        # sum() starts from 0.
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def __sub__(self, other: PairMoments) -> PairMoments:
        if not isinstance(other, PairMoments):
            return NotImplemented
        self._check_same_features(other)
        if other.n_rows >= self.n_rows or other.weight_sum >= self.weight_sum:
            raise ValueError(
                f"Only a proper part can be subtracted: the total has {self.n_rows} rows with weight "
                f"{self.weight_sum:g}, the part {other.n_rows} rows with weight {other.weight_sum:g}."
            )
        return self._combine(other, sign=-1)._without_rounding_of(self)

    def _combine(self, other: PairMoments, sign: int, *, in_place: bool = False) -> PairMoments:
        """Add (sign 1) or subtract (sign −1) the moments of other rows.

        With `in_place`, the result uses the memory of these moments.
        """
        merge = Merge.of(self.weight_sum, sign * other.weight_sum)
        dx, dy = other.mean_x - self.mean_x, other.mean_y - self.mean_y

        def scatter(mine: FloatArray, theirs: FloatArray, da: FloatArray, db: FloatArray) -> FloatArray:
            S = (np.add if sign > 0 else np.subtract)(mine, theirs, out=mine if in_place else None)
            return subtract_outer(S, -merge.between * da, db)

        with np.errstate(over="ignore", invalid="ignore"):  # checked below
            scatter_xx = scatter(self.scatter_xx, other.scatter_xx, dx, dx)
            scatter_xy = scatter(self.scatter_xy, other.scatter_xy, dx, dy)
            scatter_yy = scatter(self.scatter_yy, other.scatter_yy, dy, dy)
        refuse_overflow(np.diagonal(scatter_xx), np.diagonal(scatter_yy))
        return PairMoments(
            n_rows=self.n_rows + sign * other.n_rows,
            weight_sum=merge.weight,
            mean_x=merge.mean(self.mean_x, other.mean_x),
            mean_y=merge.mean(self.mean_y, other.mean_y),
            scatter_xx=scatter_xx,
            scatter_xy=scatter_xy,
            scatter_yy=scatter_yy,
            x_names=self.x_names,
            y_names=self.y_names,
            dtype=_coarser(self.dtype, other.dtype),
            product_dtype=_coarser(self.product_dtype, other.product_dtype),
        )

    def _without_rounding_of(self, total: PairMoments) -> PairMoments:
        """Set rounding of a subtraction to zero for features that no longer vary; refuse moments that were no part."""
        still: list[NDArray[np.bool_]] = []
        for mine, whole in ((self.scatter_xx, total.scatter_xx), (self.scatter_yy, total.scatter_yy)):
            rounding = 64 * np.finfo(total.product_dtype).eps * np.diagonal(whole)
            if (np.diagonal(mine) < -rounding).any():
                raise ValueError(
                    "Only a part of the same rows can be subtracted: these moments vary more than the total."
                )
            still.append(np.diagonal(mine) > rounding)
        x, y = still
        return replace(
            self,
            scatter_xx=np.where(np.outer(x, x), self.scatter_xx, 0.0),
            scatter_xy=np.where(np.outer(x, y), self.scatter_xy, 0.0),
            scatter_yy=np.where(np.outer(y, y), self.scatter_yy, 0.0),
        )

    def _check_same_features(self, other: PairMoments) -> None:
        for side in "xy":
            mine, theirs = len(getattr(self, f"mean_{side}")), len(getattr(other, f"mean_{side}"))
            if mine != theirs:
                raise ValueError(
                    f"Moments of {mine} and of {theirs} {side}-features cannot be combined; "
                    "both must come from the same features in the same order."
                )
            names, others = getattr(self, f"{side}_names"), getattr(other, f"{side}_names")
            if names is not None and others is not None and not np.array_equal(names, others):
                raise ValueError(
                    f"Moments with different {side}-feature names cannot be combined: "
                    f"{list(names)[:5]} and {list(others)[:5]} (first five)."
                )


def _coarser(a: np.dtype[Any], b: np.dtype[Any]) -> np.dtype[Any]:
    return min(a, b, key=lambda dtype: dtype.itemsize)


def moments_of_rows(
    rows: PairedRows, positions: NDArray[np.intp] | None = None, *, in_double: bool = False
) -> PairMoments:
    """Compute moments of checked rows: blocks are centred, multiplied in their own type and merged in float64.

    With `positions`, only those rows count; they are gathered block by block, also from a memory map. `in_double`
    multiplies in double precision whatever the rows' type, as is the rule wherever single precision saves little.
    """
    X, Y, w = rows[:3]
    if not rows.X.at_hand:
        total = moments_of_batch(rows)
        if total is None:
            raise ValueError("X and y hold no row of positive weight; pass at least one.")
        return total
    for A, name in ((X, "X"), (Y, "y")):
        if A.exceeds_covariance:
            raise _too_large(A.n_features, name)
    n_rows = rows.n_rows if positions is None else len(positions)
    product_type = DOUBLE if in_double else rows.product_dtype(n_rows)
    known: Any = {"x_names": rows.x_names, "y_names": rows.y_names, "dtype": rows.float_dtype}
    slices = row_slices(n_rows)
    # All blocks of an array are centred in the same memory, since fresh memory for each would double the time.
    buffers = [None if A.is_sparse else np.empty((slices[0].stop, A.n_features), product_type) for A in (X, Y)]
    parts = (
        block_products(
            X.product_block(part, product_type),
            Y.product_block(part, product_type),
            None if w is None else w[part],
            *buffers,
        )
        for part in (slices if positions is None else (positions[part] for part in slices))
    )
    moments = (PairMoments(**found, **known) for found in parts)
    # Merged in place: nobody else holds the parts.
    return reduce(partial(PairMoments._combine, sign=1, in_place=True), moments)


def _too_large(n_features: int, name: str) -> ValueError:
    return ValueError(
        f"{name} is sparse with {n_features} features. Covariances of sparse rows are formed up to {MAX_FEATURES} "
        f'features (these would take {8e-9 * n_features**2:.1f} GB). Fit CCA(n_components=..., solver="randomized"), '
        "which does without (shrinkage=1 is PLSSVD), or reduce the features, by TruncatedSVD for example."
    )


def moments_of_batch(rows: PairedRows) -> PairMoments | None:
    """Compute moments of checked rows, Dask chunks where they are; None if there is no row."""
    if rows.X.at_hand:
        return moments_of_rows(rows) if rows.n_rows else None
    total = sum_over_rows(_chunk_moments, rows.X.array, rows.y.array, rows.sample_weight)
    if total is not None and (len(total.mean_x), len(total.mean_y)) != (rows.X.n_features, rows.y.n_features):
        raise ValueError(
            f"The chunks of X and y have {len(total.mean_x)} and {len(total.mean_y)} columns, but their arrays "
            f"announce {rows.X.n_features} and {rows.y.n_features}."
        )
    return None if total is None else replace(total, x_names=rows.x_names, y_names=rows.y_names)


def _chunk_moments(X: Any, Y: Any, w: Any) -> PairMoments | None:
    return moments_of_batch(check_pair(X, Y, w, min_rows=0, allow_no_weight=True, accept_sparse=True))
