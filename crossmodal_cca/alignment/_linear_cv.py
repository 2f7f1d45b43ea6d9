"""Base class of linear aligners that choose their settings by cross-validation."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from .._checks import check_flag
from .._sklearn import count_rows, telling_where
from .._typing import FloatArray
from ..linalg._single import single_floor
from ..linalg._solution import NestedSolution
from ..linalg._svd import Triplets
from ..metrics.scorer import RetrievalScorer
from ..models._held_out import HeldOutRows, Residuals
from ..models._pair import StandardizedPair
from ..rows._equal import Parts
from ..rows._validation import (
    check_pair,
    check_sample_weight,
    check_scale_of_weights,
)
from ._items import Gallery, Items, values_of_scores
from ._linear_aligner import LinearAligner
from ._linear_maps import LinearMaps
from ._pooled import PooledScore
from ._selection import (
    Choice,
    FoldScorer,
    SelectionMixin,
    choose,
    groups_of_rows,
    numbers_of_components,
)
from ._solvers import DOUBLE_FLOOR
from ._splits import POOLED_SCORINGS, items_and_folds
from ._training_folds import Folds, HeldOut

# Scorings computed from the moments of held-out rows.
MOMENT_SCORINGS = ("correlation", "explained_variance", "r2", *POOLED_SCORINGS)


@dataclass(frozen=True, eq=False)
class FoldSolver:
    """Solver of one fold's training part: the possible number of components, and nested solutions of any setting.

    `rcond` and `is_clear` are as in `Solved`; they matter only if it was built from covariances, not from rows.
    `scores`, where x-scores and y-scores are nested, returns a function of a setting and k that computes scores of the
    rows x and y, and the singular values.
    """

    possible: int
    solve: Callable[[dict[str, Any], int], NestedSolution]
    rcond: float
    is_clear: bool
    scores: Callable[[FloatArray, FloatArray], Callable[[dict[str, Any], int], Triplets]] | None = None


class LinearCV(SelectionMixin, LinearMaps):
    """Folds, scores and refit; a subclass defines its settings and their solver."""

    n_components: Any
    scale: bool
    cv: Any
    scoring: Any
    verbose: int
    # Ranges of the grids of numbers: (low, high, whether low is excluded).
    _grids: ClassVar[dict[str, tuple[float, float, bool]]] = {}

    @abstractmethod
    def _settings(self) -> list[dict[str, Any]]:
        """Settings that each need a solution."""

    @abstractmethod
    def _powers(self, retrieval: bool) -> Sequence[float | None]:
        """Powers to try; None for a model without this parameter."""

    @abstractmethod
    def _solver(self, pair: StandardizedPair, R: FloatArray | None, most: int) -> FoldSolver:
        """Build the solver for up to `most` components, from covariances, or from triangular rows R if given."""

    def _bound(self, n_features_x: int, n_features_y: int, degrees_of_freedom: int) -> int:
        """Return the largest number of components that a fold could have."""
        return min(n_features_x, n_features_y, degrees_of_freedom)

    @abstractmethod
    def _estimator(self, **params: Any) -> LinearAligner:
        """Build the aligner of the chosen parameters."""

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        x_ids: ArrayLike | None = None,
        y_ids: ArrayLike | None = None,
    ) -> Self:
        """Choose the settings on the folds, and fit them to all rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features_x)
            Rows of the first modality.
        y : array-like of shape (n_rows, n_features_y) or (n_rows,)
            Rows of the second modality, paired with those of `X`.
        sample_weight : array-like of shape (n_rows,), default=None
            Non-negative weights, in the fits and in scores from moments; retrieval scores take every row of positive
            weight as one.
        groups : array-like of shape (n_rows,), default=None
            Rows that must not be separated. None: rows that are one item, by their ids or because they are equal to six
            digits (on both sides; for a retrieval score, on either). Ids that would leave fewer than n_rows / 20 groups
            count as labels, and group nothing. A splitter passed as `cv` gets only the groups given here.
        x_ids, y_ids : array-like of shape (n_rows,), default=None
            Ids or labels for a retrieval score; None for row i to row i, or any row of the same item. Equal rows of one
            id stand in the gallery of a fold once, as in :func:`~crossmodal_cca.metrics.deduplicate`.

        Returns
        -------
        self : object
            The fitted model.

        Raises
        ------
        ValueError, TypeError
            If a fold is too small, `n_components` is more than possible in every fold, or the rows or parameters are
            bad.
        """
        with telling_where(X=X, y=y):
            scoring = self._check_parameters()
            rows = check_pair(X, y, sample_weight, estimator=self, min_rows=2, accept_sparse=True)
            if rows.sample_weight is not None:
                check_scale_of_weights(rows.sample_weight.sum())
            weight = None if sample_weight is None else check_sample_weight(sample_weight, count_rows(X, "X"))
            scorings = scoring, MOMENT_SCORINGS
            items, splits = items_and_folds(self.cv, (X, y), rows, scorings, groups, x_ids, y_ids, weight)
            retrieval = isinstance(scoring, RetrievalScorer)
            searched = [items.searched(test, self.max_gallery) for _, test in splits] if retrieval else None
            folds = Folds(rows, splits, self.scale, searched)
            if rows.is_sparse and (folds.is_wide or retrieval):
                raise ValueError(
                    f"{type(self).__name__} scores sparse rows from moments alone: with scoring one of "
                    f"{', '.join(map(repr, MOMENT_SCORINGS))} and at most twice as many features as training rows. "
                    "Reduce the features first (TruncatedSVD, for example), or search with GridSearchCV."
                )
            choice = self._choose(folds, scoring, items, groups_of_rows(items.groups, weight))
            model = self._estimator(**choice.best_params)._model_of(folds.whole(), rows, y_is_1d=rows.y_is_1d)
            self.model_, self.choice_ = model, choice
        return self

    def _chosen_model(self) -> LinearAligner:
        return self._estimator(**self.choice_.best_params)

    def _check_parameters(self) -> str | RetrievalScorer:
        check_flag(self.scale, "scale")
        return self._check_selection(MOMENT_SCORINGS, self._grids)  # type: ignore[no-any-return]

    def _choose(self, folds: Folds, scoring: str | RetrievalScorer, items: Items, groups: Parts) -> Choice:
        retrieval = isinstance(scoring, RetrievalScorer)
        powers = self._powers(retrieval)
        numbers, given = numbers_of_components(self.n_components, self._bound(*folds.bounds), every=not retrieval)
        pooled = PooledScore.named(scoring, folds) if scoring in POOLED_SCORINGS else None

        def scorer(fold: int) -> tuple[int, FoldScorer]:
            solver, held_out = self._solved(folds, fold, numbers[-1], needs_rows=retrieval)
            gallery = items.gallery(folds.test(fold))

            of_rows = scoring == "correlation" or retrieval
            if of_rows and solver.scores is not None and isinstance(held_out, HeldOutRows):
                scores = solver.scores(held_out.x, held_out.y)
                weight = held_out.weight
                return solver.possible, lambda setting, ks: values_of_scores(
                    scores(setting, ks[-1]), scoring, weight, powers, ks, gallery
                )

            def score(setting: dict[str, Any], ks: list[int]) -> FloatArray:
                return self._scored(held_out, solver.solve(setting, ks[-1]), pooled or scoring, powers, ks, gallery)

            return solver.possible, score

        weights = folds.test_weights if pooled else np.ones(len(folds.splits))
        of_folds = map(scorer, range(len(weights)))
        return choose(
            *(of_folds, weights, self._settings(), powers, numbers, given, self.verbose),
            one_standard_error=self.one_standard_error,
            groups=groups,
            n_gallery=[len(folds.test(fold)) for fold in range(len(weights))] if retrieval else None,
        )

    def _solved(self, folds: Folds, fold: int, most: int, *, needs_rows: bool) -> tuple[FoldSolver, HeldOut]:
        """Return solver and held-out part of a fold, from rows if covariances have too few digits, as for one model."""
        pair, held_out = folds.train_and_test(fold, needs_rows=needs_rows)
        solver = self._of_covariances(folds, pair, most)
        if pair.moments.is_single and not (
            solver and solver.is_clear and solver.rcond > single_floor(pair.moments.n_rows)
        ):
            folds.repeat_in_double()
            pair, held_out = folds.train_and_test(fold, needs_rows=needs_rows)
            solver = self._of_covariances(folds, pair, most)
        if solver and (folds.rows.is_sparse or (solver.is_clear and solver.rcond > DOUBLE_FLOOR)):
            return solver, held_out
        solver = self._solver(pair, folds.triangular_training_rows(fold, pair), most)
        return solver, folds.test_rows(fold, pair)

    def _of_covariances(self, folds: Folds, pair: StandardizedPair, most: int) -> FoldSolver | None:
        """Build a solver from covariances; None where only the rows can tell the rank, as they are too few."""
        # Sparse rows are scored from moments only.
        return None if self._lacks_rows(pair) and not folds.rows.is_sparse else self._solver(pair, None, most)

    def _lacks_rows(self, pair: StandardizedPair) -> bool:
        """Whether the rank matters, and there are fewer rows than features of a side."""
        return False

    def _scored(
        self,
        held_out: HeldOut,
        solution: NestedSolution,
        scoring: str | RetrievalScorer | PooledScore,
        powers: Sequence[float | None],
        ks: list[int],
        gallery: Gallery,
    ) -> FloatArray:
        """Score every power and number of components, shape (len(powers), len(ks))."""
        found = len(solution.singular_values)
        if isinstance(scoring, RetrievalScorer):
            assert isinstance(held_out, HeldOutRows)
            scores = self._scores(held_out, solution, ks)
            d = solution.singular_values if found else np.ones(1)
            return gallery.table(scoring, scores, d, powers)
        # Without components, the prediction is the mean of y.
        places = np.minimum(ks, found)
        if isinstance(scoring, PooledScore):
            values = scoring.of(held_out.residuals(solution))
        elif scoring == "correlation":
            values = np.append(0.0, self._correlations(held_out, solution))
        else:
            values = _explained(held_out.residuals(solution), with_mean=scoring == "r2")
        return np.broadcast_to(values[places], (len(powers), len(ks)))

    def _correlations(self, held_out: HeldOut, solution: NestedSolution) -> FloatArray:
        """Sum the correlations of the first 1, 2, … components."""
        return np.cumsum(held_out.correlations(solution))

    def _scores(
        self, held_out: HeldOutRows, solution: NestedSolution, ks: list[int]
    ) -> list[tuple[FloatArray, FloatArray]]:
        """Compute the scores of both sides for each number of components."""
        x, y = held_out.scores(solution)
        if not x.shape[1]:
            # Without components all items have the same scores.
            x = y = np.zeros((len(x), 1))
        return [(x[:, :k], y[:, :k]) for k in ks]


def _explained(residuals: Residuals, *, with_mean: bool) -> FloatArray:
    """Average the share of variance explained over the features of y, for the first 0, 1, … components."""
    left = residuals.variance + residuals.mean**2 if with_mean else residuals.variance
    varies = residuals.total > residuals.still
    # A constant target scores as in scikit-learn: 1 if it is met, else 0.
    shares = 1.0 - np.divide(left, residuals.total, out=(left > residuals.still).astype(float), where=varies)
    return np.asarray(shares.mean(axis=1))
