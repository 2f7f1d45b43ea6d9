"""What all linear aligners share: reduce the rows, solve, store; then scores, predictions and samples."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from numbers import Integral
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin

from .._checks import check_flag, check_n_components, check_number
from .._schemas import Schema, State, Stored
from .._sklearn import telling_where
from .._typing import FloatArray
from .._warn import warn
from ..linalg._solution import LinearSolution
from ..linalg._svd import rank_tolerance
from ..linalg._whitening import ranks_of_covariances
from ..models._pair import Covariances, StandardizedPair, UnformedPair, standardize_moments, standardize_rows
from ..rows._blocks import float_block, float_dtype, is_dask, is_sparse, map_rows, row_slices
from ..rows._sparse_rows import sparse_scores
from ..rows._validation import (
    PairedRows,
    check_features_of_y,
    check_pair,
    check_rows_of_x,
    check_rows_of_y,
    check_scale_of_weights,
    set_or_delete,
    unchanged_on_error,
)
from ..rows.moments import PairMoments, moments_of_batch
from ._pair_prediction import LinearPredictionMixin
from ._solved import DOUBLE_FLOOR, DOUBTFUL_IN_SINGLE, WEAK, Solved

T = TypeVar("T", bound=LinearSolution)


class LinearMaps(LinearPredictionMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A fitted linear map of two modalities into one space, however it was found."""

    _stored: ClassVar[Schema] = {
        **{f"{side}_{name}_": np.ndarray for side in "xy" for name in ("mean", "scale")},
        **{f"{side}_{name}_": np.ndarray for side in "xy" for name in ("weights", "rotations", "loadings")},
        **{
            f"{side}_{name}": Stored(np.ndarray, f"_{side}_{name}")
            for side in "xy"
            for name in ("directions", "effects")
        },
        "correlations_": np.ndarray,
        "singular_values_": np.ndarray,
        "n_components_": Integral,
        "n_samples_seen_": Integral,
        "y_feature_names_in_": Stored(np.ndarray, optional=True),
        "y_is_1d": Stored(bool, "_y_is_1d"),
        "pair": Stored(StandardizedPair | UnformedPair, "_pair"),
    }

    def _to_file(self, state: State, *, moments: bool) -> State:
        return state if moments or "pair" not in state else state | {"pair": state["pair"].without_moments()}

    def _x_scores(self, X: ArrayLike, *, weighted: bool = True) -> FloatArray:
        A = check_rows_of_x(self, X, accept_sparse=True, lazy=True)
        rotations = self.x_rotations_ if weighted else self._x_directions
        with telling_where(X=X):
            return _scores(A, self.x_mean_, self.x_scale_, rotations, "X")

    def _y_scores(self, y: ArrayLike, *, weighted: bool = True) -> FloatArray:
        A = self._y_features(y)
        rotations = self.y_rotations_ if weighted else self._y_directions
        with telling_where(y=y):
            return _scores(A, self.y_mean_, self.y_scale_, rotations, "y")

    def _y_features(self, y: ArrayLike) -> NDArray[Any]:
        """Checked rows of the second modality, 2-D."""
        A, names = check_rows_of_y(y, accept_sparse=True, lazy=True)
        check_features_of_y(self, A, names)
        return A

    @property
    def _n_features_y(self) -> int:
        return len(self.y_mean_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class LinearAligner(LinearMaps):
    """A linear map of two modalities into one space, known by the moments of its training rows.

    A subclass says how its model is solved (`_solve`); everything else is here.
    """

    n_components: int | None
    scale: bool
    # How to solve; "svd" always takes the rows, "moments" never.
    solver: str = "auto"
    _y_is_1d: bool
    # The sides whose rank bounds the number of components.
    _bounding_sides: tuple[str, ...] = ("x", "y")

    @abstractmethod
    def _solve(self, pair: StandardizedPair, R: FloatArray | None, *, allow_fewer: bool, tentative: bool) -> Solved:
        """Solve for the shared space from covariances, or from triangular rows R where these are given.

        A tentative solution is replaced where it has too few digits, so it may have fewer components than asked for.
        """

    def _warn_of(self, solved: Solved, pair: StandardizedPair, *, rows_at_hand: bool, allow_fewer: bool) -> None:
        """Say what is wrong with the solution that is kept."""
        floor = DOUBTFUL_IN_SINGLE if pair.moments.is_single else DOUBLE_FLOOR
        if rows_at_hand or (solved.rcond > floor and (solved.is_clear or not pair.moments.is_single)):
            return
        remedy = "Pass float64 rows, raise" if pair.moments.is_single else "Raise"
        warn(
            "The covariances are ill-conditioned and the rows are not at hand, so weak components may be inaccurate. "
            f"{remedy} shrinkage (of CCA), drop redundant features, or fit to rows in memory or a memory map."
        )

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the shared space to paired rows.

        Parameters
        ----------
        X : {array-like, sparse matrix, Dask array or dataframe} of shape (n_rows, n_features_x)
            Rows of the first modality, at least two. Sparse rows are centred without being filled up; other formats
            than CSR are converted to it, once. Chunks of Dask are reduced to moments where they are.
        y : {array-like, sparse matrix, Dask array or dataframe} of shape (n_rows, n_features_y) or (n_rows,)
            Rows of the second modality, paired with those of `X`; 1-D counts as one column.
        sample_weight : array-like of shape (n_rows,), default=None
            Non-negative weights that sum to more than 1; a weight of 2 counts a row twice, 0 leaves it out.

        Returns
        -------
        self : object
            The fitted model.

        Raises
        ------
        ValueError
            If the sides differ in rows, values are not finite, `n_components` is more than the ranks allow, or more
            than 5000 sparse rows have more than 5000 features (`CCA` has a solver for these).
        """
        with unchanged_on_error(self), telling_where(X=X, y=y):
            self._check_parameters()
            rows = check_pair(
                X, y, sample_weight, estimator=self, reset=True, min_rows=2, accept_sparse=True, lazy=True
            )
            if rows.sample_weight is not None and not is_dask(rows.X):
                check_scale_of_weights(rows.sample_weight.sum())
            self._y_is_1d = rows.y_is_1d
            self._fit_rows(rows)
        return self

    def _fit_rows(self, rows: PairedRows) -> None:
        pair = standardize_rows(rows, scale=self.scale)
        _check_enough(pair.moments)
        self._store(pair, None if is_dask(rows.X) else rows)

    def _fit_standardized(self, pair: StandardizedPair, rows: PairedRows) -> Self:
        """Fit to checked rows whose moments are known already."""
        self._check_parameters()
        self.n_features_in_, self._y_is_1d = rows.X.shape[1], rows.y_is_1d
        set_or_delete(self, "feature_names_in_", rows.x_names)
        self._store(pair, rows)
        return self

    def partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Add paired rows to those seen so far and solve again.

        Batches of any size, in any order, give the model that one `fit` on all rows gives. While too few rows have
        been seen for `n_components`, the model has as many as they allow (`n_components_`; none after one row).

        Parameters
        ----------
        X : {array-like, sparse matrix, Dask array or dataframe} of shape (n_rows, n_features_x)
            Further rows of the first modality; one is enough, and none are nothing.
        y : {array-like, sparse matrix, Dask array or dataframe} of shape (n_rows, n_features_y) or (n_rows,)
            The rows of the second modality paired with them.
        sample_weight : array-like of shape (n_rows,), default=None
            Non-negative weights, as in `fit`; a batch may have none that is positive, which is nothing, too.

        Returns
        -------
        self : object
            The updated model; if the batch is rejected, the model is exactly as it was.

        Raises
        ------
        ValueError
            If the batch differs from earlier ones in width or names, or is bad in a way that `fit` refuses.

        Warns
        -----
        UserWarning
            If features correlate so strongly that the moments alone have too few digits: beyond a condition of 1e8, or
            of 1e4 where they come from products in single precision.
        """
        with unchanged_on_error(self) as undo, telling_where(X=X, y=y):
            self._check_parameters()
            seen: StandardizedPair | UnformedPair | None = getattr(self, "_pair", None)
            before = None if seen is None else seen.feature_moments()
            rows = check_pair(
                *(X, y, sample_weight),
                estimator=self,
                reset=seen is None,
                min_rows=0,
                allow_no_weight=True,
                accept_sparse=True,
                lazy=True,
            )
            if seen is None:
                self._y_is_1d = rows.y_is_1d
            else:
                check_features_of_y(self, rows.y, rows.y_names)
            batch = moments_of_batch(rows)
            if batch is None:
                undo()
                return self
            moments = batch if before is None else before + batch
            self._store(standardize_moments(moments, scale=self.scale), allow_fewer=True)
        return self

    def fit_moments(self, moments: PairMoments) -> Self:
        """Fit the shared space to moments computed beforehand: many models from one walk over the rows.

        Parameters
        ----------
        moments : PairMoments
            Moments of the paired training rows.

        Returns
        -------
        self : object
            The fitted model; `partial_fit` can go on from it.

        Raises
        ------
        TypeError
            If `moments` is not a `PairMoments`.
        ValueError
            If the moments hold a single row, or `n_components` is more than the ranks allow.

        Warns
        -----
        UserWarning
            If the moments have too few digits, as `partial_fit` says it.
        """
        if not isinstance(moments, PairMoments):
            raise TypeError(
                f"fit_moments takes a PairMoments, got {type(moments).__name__}; make one with PairMoments.from_arrays."
            )
        _check_enough(moments)
        with unchanged_on_error(self):
            self._check_parameters()
            self.n_features_in_ = len(moments.mean_x)
            set_or_delete(self, "feature_names_in_", moments.x_names)
            self._y_is_1d = False
            self._store(standardize_moments(moments, scale=self.scale))
        return self

    def _check_parameters(self) -> None:
        check_n_components(self.n_components)
        check_number(getattr(self, "power", 0.0), "power", low=0.0)
        check_flag(self.scale, "scale")

    def _as_many_as_possible(
        self,
        solve: Callable[[int], T],
        pair: StandardizedPair,
        S: Covariances,
        *,
        allow_fewer: bool,
        tentative: bool,
    ) -> tuple[T, bool]:
        """Solve for `n_components`, or for as many as the ranks of the sides allow; say whether that was clear at once.

        Ranks cost a decomposition of either side. A component with covariance to show is proof enough that they reach
        so far, so they are computed only where the last one has none.
        """
        widths, eps = (len(S.xx), len(S.yy)), pair.moments.eps
        k = self._n_components(widths, pair, allow_fewer or tentative)
        solution = solve(k)
        d = solution.singular_values
        least = WEAK if tentative else rank_tolerance(max(widths), eps)
        if len(d) == k > 0 and d[-1] > least * d[0]:
            return solution, True
        if tentative or k == 0:
            return solution, not tentative
        ranks = ranks_of_covariances(S, eps)
        possible = self._n_components(ranks, pair, allow_fewer)
        # In single precision what looks redundant need not be.
        full = tuple(int(np.count_nonzero(np.diagonal(Sii))) for Sii in (S.xx, S.yy))
        is_clear = ranks == full or not pair.moments.is_single
        return solution if possible == k else solve(possible), is_clear

    def _n_components(self, ranks: tuple[int, int], pair: StandardizedPair, allow_fewer: bool) -> int:
        """Number of components to solve for, given (bounds of) the ranks of the two sides."""
        sides = {"x": ("X", pair.x, ranks[0]), "y": ("y", pair.y, ranks[1])}
        n_rows = pair.moments.n_rows
        possible = min(*(sides[side][2] for side in self._bounding_sides), max(n_rows - 1, 0))
        k = possible if self.n_components is None else self.n_components
        if allow_fewer and k <= min(sides[side][1].n_features for side in self._bounding_sides):
            return min(k, possible)
        if k > possible or k == 0:
            described = " and ".join(
                f"{sides[side][0]} has rank {sides[side][2]} (n_features={sides[side][1].n_features})"
                for side in self._bounding_sides
            )
            excess = f"n_components={k} is more than the {possible} possible" if k else "No component is possible"
            raise ValueError(
                f"{excess}: with n_samples={n_rows}, {described}. Lower n_components, leave it at None for as many as "
                "possible, or add rows that vary."
            )
        return k

    def _store(self, pair: StandardizedPair, rows: PairedRows | None = None, *, allow_fewer: bool = False) -> None:
        """Solve and store: where covariances have too few digits, once more with products in double, or from rows."""
        solved = None
        if self.solver != "svd" or rows is None:
            tentative = rows is not None and pair.moments.is_single
            solved = self._solve(pair, None, allow_fewer=allow_fewer, tentative=tentative)
        if rows is not None and pair.moments.is_single and (solved is None or not solved.holds_in_single(pair.n_rows)):
            pair = standardize_rows(rows, scale=self.scale, in_double=True)
            solved = solved and self._solve(pair, None, allow_fewer=allow_fewer, tentative=False)
        if rows is not None and self.solver != "moments" and (solved is None or not solved.holds):
            solved = self._solve(pair, pair.triangular_rows(rows), allow_fewer=allow_fewer, tentative=False)
        assert solved is not None
        self._warn_of(solved, pair, rows_at_hand=rows is not None, allow_fewer=allow_fewer)
        solution = solved.solution.to_features(pair.x, pair.y)
        # Single precision would lose what adds up large numbers to a small one, or has units near an end of its range.
        in_single = solved.scores_fit_single and solution.fits_single(pair.x.scale, pair.y.scale)
        self._store_solution(solution, pair.kept(), solved.extra, pair.dtype if in_single else np.dtype(np.float64))

    def _store_solution(
        self,
        solution: LinearSolution,
        pair: StandardizedPair | UnformedPair,
        extra: dict[str, Any],
        dtype: np.dtype[Any],
    ) -> None:
        # Predictions read the scores as they are, before any power.
        self._x_directions = solution.x_rotations.astype(dtype)
        self._y_directions = solution.y_rotations.astype(dtype)
        self._y_effects = (solution.y_effects * pair.y.scale).astype(dtype, copy=False)
        self._x_effects = (solution.x_effects * pair.x.scale).astype(dtype, copy=False)
        solution = solution.weighted(getattr(self, "power", 0.0))
        self._pair = pair
        self.x_mean_, self.y_mean_ = pair.x.mean, pair.y.mean
        self.x_scale_, self.y_scale_ = pair.x.scale, pair.y.scale
        for name in ("weights", "rotations", "loadings"):
            for side in ("x", "y"):
                setattr(self, f"{side}_{name}_", getattr(solution, f"{side}_{name}").astype(dtype, copy=False))
        self.correlations_ = solution.correlations
        self.singular_values_ = solution.singular_values
        self.n_components_ = len(solution.singular_values)
        self.n_samples_seen_ = pair.n_rows
        set_or_delete(self, "y_feature_names_in_", pair.y_names)
        for name, value in extra.items():
            setattr(self, name, value)


def _check_enough(moments: PairMoments) -> None:
    """Refuse moments that have no covariance."""
    if moments.n_rows < 2:
        raise ValueError("A model needs at least 2 rows; these moments have n_samples=1.")
    check_scale_of_weights(moments.weight_sum)


def _scores(A: NDArray[Any], mean: FloatArray, scale: FloatArray, rotations: FloatArray, side: str) -> FloatArray:
    """((A − mean) / scale) @ rotations, a block of rows at a time, in the rows' own floating type.

    Products are those of the finer of both types: rotations are in double precision where single cannot carry them.
    """
    dtype = float_dtype(A)
    if is_dask(A):
        k = rotations.shape[1]
        return map_rows(_scores, A, k, dtype, mean=mean, scale=scale, rotations=rotations, side=side)  # type: ignore[no-any-return]
    computed = np.result_type(dtype, rotations)
    W = (rotations / scale[:, None]).astype(computed, copy=False)
    scores = np.empty((A.shape[0], W.shape[1]), dtype)
    for rows in row_slices(A.shape[0]):
        if is_sparse(A):
            scores[rows] = sparse_scores(float_block(A, rows, np.float64, side), mean, W)
            continue
        block = float_block(A, rows, computed, side)
        centred = np.subtract(block, mean, out=np.empty_like(block), casting="same_kind")
        np.matmul(centred, W, out=scores[rows], casting="same_kind")
    return scores
