"""Kernel CCA on features that approximate the kernels: one pass over the rows, then a linear solution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import add
from typing import Any

import numpy as np

from .._schemas import saved
from .._typing import FloatArray
from ..linalg._products import product
from ..linalg._solution import score_correlations
from ..linalg._svd import rank_tolerance, truncated_svd
from ..linalg._whitening import whiten_covariances
from ..models._pair import standardize_moments
from ..rows._block import Block, block_products
from ..rows._blocks import row_slices
from ..rows._moments import DOUBLE, PairMoments
from ..rows._row_moments import RowMoments
from ..rows._stored import PairedRows
from ._embedding import EmbeddedPair, KernelEmbedding, row_moments
from ._exact import KernelSolution
from ._kernel import Kernel, block_rows
from ._maps import KernelMap, Map

# Rows per feature from which moments of kernel values, combined afterwards, take less time than those of features.
ROWS_PER_FEATURE = 8
# Smallest ridge times the reciprocal condition of the landmarks' kernel for which those moments have enough digits.
DIGITS_LEFT = 1e-8


@saved()
@dataclass(frozen=True, eq=False)
class FeatureMoments:
    """Moments of both sides' features, and of each side's features with the other side's rows, for predictions.

    `traces` are the sums of k(row, row) on either side.
    """

    pair: PairMoments
    to_y: RowMoments | None
    to_x: RowMoments | None
    traces: FloatArray

    @property
    def kept(self) -> FloatArray:
        """Share of the traces that the features keep: the sums of their squares."""
        pair = self.pair
        sides = (pair.scatter_xx, pair.mean_x), (pair.scatter_yy, pair.mean_y)
        return np.array([np.trace(S) + pair.n_rows * (mean @ mean) for S, mean in sides])

    def combined(self, x: KernelMap | None, y: KernelMap | None) -> FeatureMoments:
        """Return the moments of combinations of the values of maps; None for a side whose values are the features."""
        pair, (Tx, Ty) = self.pair, (partial(_combined, x), partial(_combined, y))
        xx, xy, yy = Tx(Tx(pair.scatter_xx).T), Tx(Ty(pair.scatter_xy).T).T, Ty(Ty(pair.scatter_yy).T)
        pair = replace(
            pair,
            mean_x=Tx(pair.mean_x[None])[0],
            mean_y=Ty(pair.mean_y[None])[0],
            scatter_xx=(xx + xx.T) / 2,
            scatter_xy=xy,
            scatter_yy=(yy + yy.T) / 2,
        )
        return FeatureMoments(pair, _of_combinations(self.to_y, x), _of_combinations(self.to_x, y), self.traces)

    def __add__(self, other: FeatureMoments) -> FeatureMoments:
        return FeatureMoments(
            self.pair + other.pair,
            None if self.to_y is None or other.to_y is None else self.to_y + other.to_y,
            None if self.to_x is None or other.to_x is None else self.to_x + other.to_x,
            self.traces + other.traces,
        )


def _combined(features: KernelMap | None, A: FloatArray) -> FloatArray:
    return A if features is None else features.combined(np.array(A, order="C"))


def _of_combinations(moments: RowMoments | None, features: KernelMap | None) -> RowMoments | None:
    if moments is None or features is None or features.projection is None:
        return moments
    return moments.with_a_times(features.projection)


def feature_moments(
    rows: PairedRows,
    kernels: tuple[Kernel, Kernel],
    maps: tuple[Map, Map],
    dtype: np.dtype[Any] = DOUBLE,
    regularization: tuple[float, float] = (0.0, 0.0),
) -> FeatureMoments:
    """Compute the moments of the features block by block; nothing larger than a block of features is formed.

    Features and their products are in double precision whatever the rows are, unless they are asked for in single;
    kernel values, means and sums over blocks are double in any case. With ridges κ that leave enough digits, values are
    multiplied before they are combined: once for all rows, in place of every block.
    """
    n = len(rows.X)
    x, y = (_waiting(features, n, kappa) for features, kappa in zip(maps, regularization, strict=True))
    first = maps[0] if x is None else x.uncombined, maps[1] if y is None else y.uncombined
    found = _moments_of_maps(rows, kernels, first, dtype)
    return found if x is y is None else found.combined(x, y)


def _waiting(features: Map, n_rows: int, kappa: float) -> KernelMap | None:
    """Return the map if moments of so many rows may be those of kernel values at first, otherwise None.

    Combining them loses digits by the condition of the landmarks' kernel; features lose those of its root.
    """
    if not isinstance(features, KernelMap) or n_rows < ROWS_PER_FEATURE * features.n_features:
        return None
    return features if features.triangular and features.rcond * kappa > DIGITS_LEFT else None


def _moments_of_maps(
    rows: PairedRows, kernels: tuple[Kernel, Kernel], maps: tuple[Map, Map], dtype: np.dtype[Any]
) -> FeatureMoments:
    """Add up the moments of the maps' features over blocks of rows."""
    (kx, ky), (map_x, map_y) = kernels, maps

    def parts() -> Iterator[FeatureMoments]:
        widths = map_x.n_features, map_y.n_features, rows.X.shape[1], rows.y.shape[1]
        for part in row_slices(len(rows.X), block_rows(*widths)):
            X, Y = kx.read(rows.X, part), ky.read(rows.y, part)
            (F, mean_f), (G, mean_g) = _centred(map_x, X, dtype), _centred(map_y, Y, dtype)
            pair = PairMoments(**block_products(Block(F), Block(G), None))
            to_y, to_x = row_moments(F, Y, ky), row_moments(G, X, kx)
            yield FeatureMoments(
                replace(pair, mean_x=pair.mean_x + mean_f, mean_y=pair.mean_y + mean_g),
                None if to_y is None else to_y.with_a_plus(mean_f),
                None if to_x is None else to_x.with_a_plus(mean_g),
                np.array([kx.diagonal(rows.X, part).sum(), ky.diagonal(rows.y, part).sum()]),
            )

    with np.errstate(over="ignore"):  # an overflow of traces is checked where they are used
        return reduce(add, parts())


def _centred(features: Map, rows: FloatArray, dtype: np.dtype[Any]) -> tuple[FloatArray, FloatArray]:
    """Return centred features, which need no centred copy for any product, and their mean.

    Kernel values are centred before they are combined: deviations from the mean lose fewer digits in single precision.
    """
    V = features.values(rows, dtype)
    shift = V.mean(axis=0, dtype=np.float64).astype(dtype)
    V -= shift
    return features.combined(V), features.combined(shift[None].astype(np.float64))[0]


def embedded_by_features(
    moments: FeatureMoments,
    kernels: tuple[Kernel, Kernel],
    maps: tuple[Map, Map],
    solution: KernelSolution,
) -> EmbeddedPair:
    """Return both embeddings of a solution on the features."""
    pair = moments.pair
    Wx, Wy = solution.x_rotations, solution.y_rotations
    model = EmbeddedPair(
        KernelEmbedding.folded(kernels[0], maps[0], Wx, pair.mean_x),
        KernelEmbedding.folded(kernels[1], maps[1], Wy, pair.mean_y),
        solution.singular_values,
        solution.correlations,
        None if moments.to_y is None else moments.to_y.with_a_times(Wx),
        None if moments.to_x is None else moments.to_x.with_a_times(Wy),
        pair.n_rows,
    )
    squares = (np.einsum("ij,ij->j", W, product(S, W)) for W, S in ((Wx, pair.scatter_xx), (Wy, pair.scatter_yy)))
    return model.with_definite_signs(*(np.maximum(each, 0.0) for each in squares))


@dataclass(frozen=True, eq=False)
class FeatureSolution(KernelSolution):
    """A shared space with `rcond`, the reciprocal condition of the smoothed covariances that were inverted."""

    rcond: float


def solve_features(moments: PairMoments, regularization: tuple[float, float], k: int | None) -> FeatureSolution:
    """Solve linear CCA of the features with ridges κ·trace(S), which is shrinkage c = κp/(1 + κp) of p features.

    Rotations and singular values are in the units of S + κ·trace(S)·I instead of (1 − c)·S + c·τ·I.
    Fewer than k components are returned if only rounding is left.
    """
    pair = standardize_moments(moments, scale=False)
    S = pair.covariances()
    widths = len(S.xx), len(S.yy)
    unshrunk = np.array([1 / (1 + kappa * p) for kappa, p in zip(regularization, widths, strict=True)])
    possible = max(min(*widths, moments.n_rows - 1), 0)
    k = possible if k is None else min(k, possible)
    whitened = whiten_covariances(S, tuple(1 - unshrunk), widths)
    U, d, V = truncated_svd(whitened.cross, k)
    d = d * np.sqrt(unshrunk.prod())
    # For uncorrelated sides, singular values are rounding of the sums over the rows.
    rounding = S.eps * max(*widths, moments.n_rows)
    found = int((d > max(rank_tolerance(max(widths), S.eps) * d.max(initial=0.0), rounding)).sum())
    Wx = whitened.x.weights(U[:, :found]) * np.sqrt(unshrunk[0])
    Wy = whitened.y.weights(V[:, :found]) * np.sqrt(unshrunk[1])
    return FeatureSolution(Wx, Wy, d[:found], score_correlations(S, Wx, Wy), whitened.rcond)
