"""The base class of linear aligners: check, reduce the rows, solve, and store the model."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from .._checks import check_flag, check_n_components
from .._typing import FloatArray
from .._warn import warn
from ..linalg._products import Covariances
from ..linalg._single import WEAK
from ..linalg._solution import LinearSolution
from ..linalg._svd import rank_tolerance
from ..linalg._whitening import ranks_of_covariances
from ..models._linear_model import LinearModel
from ..models._pair import StandardizedPair, standardize_moments, standardize_rows
from ..rows._moments import PairMoments, moments_of_batch
from ..rows._stored import PairedRows
from ..rows._validation import check_scale_of_weights, checked_pair
from ._linear_maps import LinearMaps
from ._solvers import DOUBLE_FLOOR, DOUBTFUL_IN_SINGLE, SOLVERS, Solved, Task

T = TypeVar("T", bound=LinearSolution)


class LinearAligner(LinearMaps):
    """A linear map of two modalities into one space, fitted to the moments of the training rows.

    A subclass defines how its model is solved (`_solve`).
    """

    n_components: int | None
    scale: bool
    # Checks of parameters by name: functions of a value and the name.
    _checks: ClassVar[dict[str, Callable[[Any, str], Any]]] = {"n_components": check_n_components, "scale": check_flag}
    # Name of a solver in `SOLVERS`.
    solver: str = "auto"
    # Sides whose rank bounds the number of components.
    _bounding_sides: tuple[str, ...] = ("x", "y")

    @abstractmethod
    def _solve(self, pair: StandardizedPair, R: FloatArray | None, *, allow_fewer: bool, tentative: bool) -> Solved:
        """Solve for the shared space from covariances, or from triangular rows R if given.

        A tentative solution is replaced if it has too few digits, so it may have fewer components than asked for.
        """

    def _warn_of(self, solved: Solved, pair: StandardizedPair, *, rows_at_hand: bool, allow_fewer: bool) -> None:
        """Warn of too few digits in the solution that is kept."""
        if rows_at_hand:
            return
        is_single = pair.moments.is_single
        floor = DOUBTFUL_IN_SINGLE if is_single else DOUBLE_FLOOR
        if solved.rcond > floor and (solved.is_clear or not is_single):
            return
        remedy = "Pass float64 rows, raise" if is_single else "Raise"
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
        self._check_parameters()
        storage = {"accept_sparse": True, "lazy": True}
        with checked_pair(X, y, sample_weight, estimator=self, min_rows=2, **storage) as rows:
            if rows.sample_weight is not None and rows.X.at_hand:
                check_scale_of_weights(rows.sample_weight.sum())
            self.model_ = self._model_of_rows(rows)
        return self

    def _model_of_rows(self, rows: PairedRows) -> LinearModel:
        pair = standardize_rows(rows, scale=self.scale)
        at_hand = rows if rows.X.at_hand else None
        if at_hand is None:  # others were counted and weighed when they were checked
            _check_enough(pair.moments)
        return self._model_of(pair, at_hand, y_is_1d=rows.y_is_1d)

    def partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Add paired rows to those seen so far and solve again.

        Batches of any size, in any order, give the model that one `fit` on all rows gives. While too few rows have
        been seen for `n_components`, the model has as many as they allow (`n_components_`; none after one row).

        Parameters
        ----------
        X : {array-like, sparse matrix, Dask array or dataframe} of shape (n_rows, n_features_x)
            Further rows of the first modality; one is enough, and an empty batch is skipped.
        y : {array-like, sparse matrix, Dask array or dataframe} of shape (n_rows, n_features_y) or (n_rows,)
            The rows of the second modality paired with them.
        sample_weight : array-like of shape (n_rows,), default=None
            Non-negative weights, as in `fit`; a batch without a positive weight is skipped.

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
        self._check_parameters()
        seen: LinearModel | None = getattr(self, "model_", None)
        before = None if seen is None else seen.feature_moments()
        options = {"reset": seen is None, "min_rows": 0, "allow_no_weight": True, "accept_sparse": True, "lazy": True}
        with checked_pair(X, y, sample_weight, estimator=self, **options) as rows:
            batch = moments_of_batch(rows)
            if batch is not None:
                pair = standardize_moments(batch if before is None else before + batch, scale=self.scale)
                y_is_1d = rows.y_is_1d if seen is None else seen.y_is_1d
                self.model_ = self._model_of(pair, allow_fewer=True, y_is_1d=y_is_1d)
        return self

    def fit_moments(self, moments: PairMoments) -> Self:
        """Fit the shared space to moments computed beforehand: many models from one pass over the rows.

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
        self._check_parameters()
        self.model_ = self._model_of(standardize_moments(moments, scale=self.scale))
        return self

    def _check_parameters(self) -> None:
        for name, check in self._checks.items():
            check(getattr(self, name), name)

    def _as_many_as_possible(
        self,
        solve: Callable[[int], T],
        pair: StandardizedPair,
        S: Covariances,
        *,
        allow_fewer: bool,
        tentative: bool,
    ) -> tuple[T, bool]:
        """Solve for `n_components`, or as many as the ranks allow; tell whether rounding had no part in the number.

        Ranks cost a decomposition of each side. If the last component has covariance above rounding, the ranks are
        large enough, so they are computed only if it has not.
        """
        widths = len(S.xx), len(S.yy)
        k = self._n_components(widths, pair, allow_fewer or tentative)
        solution = solve(k)
        d = solution.singular_values
        least = WEAK if tentative else rank_tolerance(max(widths), S.eps)
        if len(d) == k > 0 and d[-1] > least * d[0]:
            return solution, True
        if tentative or k == 0:
            return solution, not tentative
        ranks = ranks_of_covariances(S)
        possible = self._n_components(ranks, pair, allow_fewer)
        # In single precision, features that look redundant may not be.
        full = tuple(int(np.count_nonzero(np.diagonal(Sii))) for Sii in (S.xx, S.yy))
        is_clear = ranks == full or not pair.moments.is_single
        return solution if possible == k else solve(possible), is_clear

    def _n_components(self, ranks: tuple[int, int], pair: StandardizedPair, allow_fewer: bool) -> int:
        """Return the number of components to solve for, given (bounds of) the ranks of the two sides."""
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

    def _model_of(
        self,
        pair: StandardizedPair,
        rows: PairedRows | None = None,
        *,
        allow_fewer: bool = False,
        y_is_1d: bool = False,
    ) -> LinearModel:
        """Solve, and build the fitted model."""
        solver = SOLVERS[self.solver]
        if rows is None and solver.needs_rows:
            raise ValueError(
                f'solver="{self.solver}" needs the rows at hand, which partial_fit, fit_moments and Dask do not give; '
                'use solver="auto" or "moments" there, or fit to rows in memory or a memory map.'
            )
        pair, solved = solver.solve(Task(partial(self._solve, allow_fewer=allow_fewer), pair, rows, self.scale))
        self._warn_of(solved, pair, rows_at_hand=rows is not None, allow_fewer=allow_fewer)
        x, y = pair.x.solved_over_features(solved.solution.x), pair.y.solved_over_features(solved.solution.y)
        kept = pair.kept()
        solution = replace(solved.solution, x=x, y=y).with_definite_signs()
        moments = pair.moments
        # Single precision would lose small sums of large terms, or overflow with units near the ends of its range.
        in_single = (
            moments.dtype == np.float32
            and solved.scores_fit_single
            and solution.fits_single(pair.x.scale, pair.y.scale)
        )
        return LinearModel.of(
            solution,
            (pair.x, pair.y),
            (moments.x_names, moments.y_names),
            np.dtype(np.float32 if in_single else np.float64),
            power=getattr(self, "power", 0.0),
            shrinkage=solved.shrinkage,
            n_samples_seen=moments.n_rows,
            weight_sum=moments.weight_sum,
            y_is_1d=y_is_1d,
            pair=kept,
        )


def _check_enough(moments: PairMoments) -> None:
    """Refuse moments of too few rows for a covariance."""
    if moments.n_rows < 2:
        raise ValueError("A model needs at least 2 rows; these moments have n_samples=1.")
    check_scale_of_weights(moments.weight_sum)
