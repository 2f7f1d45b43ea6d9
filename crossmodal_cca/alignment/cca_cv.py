"""Linear aligners that choose their settings by cross-validation, from one walk over the rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import partial, reduce
from itertools import product as combinations
from operator import add
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg
from sklearn.base import RegressorMixin

from .._blocks import FloatArray
from .._validation import (
    PairedRows,
    check_pair,
    check_sample_weight,
    check_scale_of_weights,
    unchanged_on_error,
)
from ..linalg.held_out import HeldOutMoments, HeldOutRows, Residuals
from ..linalg.moments import PairMoments, moments_of_rows
from ..linalg.pair import StandardizedPair, standardize_moments, standardize_rows
from ..linalg.pls import solve_pls_regression
from ..linalg.products import product
from ..linalg.shrinkage_path import ShrinkagePath
from ..linalg.solution import LinearSolution
from ..linalg.whitening import ranks_of_covariances
from ..metrics.scorer import RetrievalScorer
from .base import LinearAligner, LinearMaps
from .cca import CCA
from .pls import PLSRegression
from .selection import (
    Choice,
    FoldIds,
    FoldScorer,
    SelectionMixin,
    Split,
    choose,
    numbers_of_components,
    splits_of,
)

MOMENT_SCORINGS = ("correlation", "explained_variance", "r2")
SHRINKAGES = (0.0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0)
# Variance of a standardised feature up to which it does not vary in a fold.
_STILL = 1e-13

HeldOut = HeldOutMoments | HeldOutRows


class _LinearCV(SelectionMixin, LinearMaps):
    """Folds, scores and refit; a subclass says what its settings are and how one is solved."""

    n_components: Any
    scale: bool
    cv: Any
    scoring: Any
    verbose: int
    # Grids of numbers: (low, high, whether above low).
    _grids: ClassVar[dict[str, tuple[float, float, bool]]] = {}

    @abstractmethod
    def _settings(self) -> list[dict[str, Any]]:
        """Settings that need a solution each."""

    @abstractmethod
    def _powers(self, retrieval: bool) -> Sequence[float | None]:
        """Powers to try; None where there is no such parameter."""

    @abstractmethod
    def _solver(self, pair: StandardizedPair) -> tuple[int, Any]:
        """Components possible, and a function (setting, k) → solution with at most k nested components."""

    def _bound(self, n_features_x: int, n_features_y: int, degrees_of_freedom: int) -> int:
        """Most components that a fold could have."""
        return min(n_features_x, n_features_y, degrees_of_freedom)

    @abstractmethod
    def _estimator(self, **params: Any) -> LinearAligner:
        """The aligner of chosen parameters."""

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
            Groups for the splitter.
        x_ids, y_ids : array-like of shape (n_rows,), default=None
            Ids or labels for a retrieval score; None for row i to row i.

        Returns
        -------
        self : object
            The fitted model.

        Raises
        ------
        ValueError
            If a fold is too small, `n_components` is more than possible in every fold, or the rows or parameters are
            bad.
        """
        with unchanged_on_error(self):
            scoring = self._check_parameters()
            rows = check_pair(X, y, sample_weight, estimator=self, reset=True, min_rows=2)
            if rows.sample_weight is not None:
                check_scale_of_weights(rows.sample_weight.sum())
            weight = None if sample_weight is None else check_sample_weight(sample_weight, len(np.asarray(X)))
            splits = splits_of(self.cv, X, y, groups, weight)
            ids = FoldIds.checked(x_ids, y_ids, len(rows.X) if weight is None else len(weight), weight)
            folds = _Folds(rows, splits, self.scale)
            choice = self._choose(folds, scoring, ids)
            self._store_choice(choice, len(splits))
            self._take_over(self._estimator(**self.best_params_)._fit_standardized(folds.whole(), rows))
        return self

    def _check_parameters(self) -> str | RetrievalScorer:
        if not isinstance(self.scale, bool | np.bool_):
            raise TypeError(f"scale must be True or False, got {self.scale!r}.")
        return self._check_selection(MOMENT_SCORINGS, self._grids)  # type: ignore[no-any-return]

    def _choose(self, folds: _Folds, scoring: str | RetrievalScorer, ids: FoldIds) -> Choice:
        retrieval = isinstance(scoring, RetrievalScorer)
        powers = self._powers(retrieval)
        numbers, given = numbers_of_components(self.n_components, self._bound(*folds.bounds), every=not retrieval)

        def scorer(fold: int) -> tuple[int, FoldScorer]:
            pair, held_out = folds.train_and_test(fold, needs_rows=retrieval)
            possible, solve = self._solver(pair)
            own_ids = ids.of(folds.splits[fold][1])

            def score(setting: dict[str, Any], ks: list[int]) -> FloatArray:
                return self._scored(held_out, solve(setting, ks[-1]), scoring, powers, ks, own_ids)

            return possible, score

        n_folds = len(folds.splits)
        of_folds = map(scorer, range(n_folds))
        return choose(of_folds, n_folds, self._settings(), powers, numbers, given, self.verbose)

    def _scored(
        self,
        held_out: HeldOut,
        solution: LinearSolution,
        scoring: str | RetrievalScorer,
        powers: Sequence[float | None],
        ks: list[int],
        ids: dict[str, Any],
    ) -> FloatArray:
        """Score of every power and number of components, shape (len(powers), len(ks))."""
        found = len(solution.singular_values)
        if isinstance(scoring, RetrievalScorer):
            assert isinstance(held_out, HeldOutRows)
            return np.array([[self._retrieved(held_out, solution, scoring, p, k, ids) for k in ks] for p in powers])
        places = np.minimum(ks, found) - 1
        if scoring == "correlation":
            values = self._correlations(held_out, solution)
        else:
            values = _explained(held_out.residuals(solution), with_mean=scoring == "r2")
        return np.broadcast_to(values[places], (len(powers), len(ks)))

    def _correlations(self, held_out: HeldOut, solution: LinearSolution) -> FloatArray:
        """Sum of the correlations of the first 1, 2, … components."""
        return np.cumsum(held_out.correlations(solution))

    def _retrieved(
        self,
        held_out: HeldOutRows,
        solution: LinearSolution,
        scorer: RetrievalScorer,
        power: float | None,
        k: int,
        ids: dict[str, Any],
    ) -> Any:
        x, y = held_out.scores(solution)
        weights = solution.singular_values[:k] ** (power or 0.0)
        return scorer.of_scores(x[:, :k] * weights, y[:, :k] * weights, **ids)


class _Folds:
    """Training and test parts of every fold; narrow sides are walked once, and training moments are differences."""

    def __init__(self, rows: PairedRows, splits: list[Split], scale: bool) -> None:
        self.rows, self.splits, self.scale = rows, splits, scale
        widths, n = (rows.X.shape[1], rows.y.shape[1]), len(rows.X)
        fewest = min(len(train) for train, _ in splits)
        self.bounds = (*widths, fewest - 1)
        # As in one fit: then the covariance is more work than the rows.
        self.is_wide = max(widths) > 2 * fewest
        self._parts: list[PairMoments] = []
        self._total: PairMoments | None = None
        if not self.is_wide:
            of_rows = partial(moments_of_rows, rows)
            self._parts = [of_rows(test) for _, test in splits]
            tested = np.sort(np.concatenate([test for _, test in splits]))
            self._total = reduce(add, self._parts) if np.array_equal(tested, np.arange(n)) else of_rows()

    def whole(self) -> StandardizedPair:
        """All rows, standardised."""
        if self._total is None:
            return standardize_rows(self.rows, scale=self.scale)
        return standardize_moments(self._total, scale=self.scale)

    def train_and_test(self, fold: int, *, needs_rows: bool) -> tuple[StandardizedPair, HeldOut]:
        """The training part of a fold, standardised, and what its test part knows."""
        train, test = self.splits[fold]
        if self._total is None:
            rows, w = self.rows, self.rows.sample_weight
            part = rows._replace(X=rows.X[train], y=rows.y[train], sample_weight=None if w is None else w[train])
            pair = standardize_rows(part, scale=self.scale)
        else:
            moments = (
                self._total - self._parts[fold] if self._is_complement(fold) else moments_of_rows(self.rows, train)
            )
            pair = standardize_moments(moments, scale=self.scale)
        if needs_rows or self._total is None:
            return pair, HeldOutRows(pair, self.rows, test)
        return pair, HeldOutMoments(pair, self._parts[fold])

    def _is_complement(self, fold: int) -> bool:
        train, test = self.splits[fold]
        n = len(self.rows.X)
        return len(train) + len(test) == n and len(np.union1d(train, test)) == n


def _explained(residuals: Residuals, *, with_mean: bool) -> FloatArray:
    """Mean over the features of y of the share of variance explained, for the first 1, 2, … components."""
    left = residuals.variance + residuals.mean**2 if with_mean else residuals.variance
    varies = residuals.total > _STILL
    # As scikit-learn scores a constant target: 1 if it is met, else 0.
    shares = 1.0 - np.divide(left, residuals.total, out=(left > _STILL).astype(float), where=varies)
    return np.asarray(shares.mean(axis=1))


class CCACV(_LinearCV):
    """Canonical correlation analysis with shrinkage, components and power chosen by cross-validation.

    The rows are walked once: the training moments of a fold are the total minus those of the fold, one
    eigendecomposition of either side serves all shrinkages, and one solution all numbers of components.

    Parameters
    ----------
    n_components : int, sequence of int or None, default=None
        Most components to try, None for as many as every fold allows; or the numbers to try. Up to that many, all are
        tried; with a retrieval score, a dozen spread geometrically.
    shrinkages : sequence of float in [0, 1], default=(0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1)
        Shrinkages to try.
    separate_shrinkage : bool, default=False
        Try all pairs of shrinkages for x and y, instead of the same for both.
    powers : sequence of float >= 0, default=(0.0, 1.0)
        Powers to try with a retrieval score; the other scores do not depend on it, and take the first.
    cv : int, splitter or iterable of (train, test), default=5
        As in ``GridSearchCV``: an int is that many consecutive folds.
    scoring : str or RetrievalScorer, default="correlation"
        "correlation", the sum of held-out canonical correlations; "explained_variance" or "r2" of the predictions of y,
        averaged over its features; the name of a retrieval metric, such as "hit_rate_at_10", or what
        :func:`~crossmodal_cca.metrics.make_retrieval_scorer` makes.
    one_standard_error : bool, default=False
        Take the simplest setting within one standard error of the best: fewest components, then most shrinkage.
    scale : bool, default=True
        Divide each feature by its standard deviation first, that of the training part of a fold.
    verbose : int >= 0, default=0
        Above 0, progress is printed.

    Attributes
    ----------
    best_params_ : dict
        Chosen `n_components`, `power` and `shrinkage`; ``CCA(**best_params_)`` is the model.
    best_score_ : float
        Its mean score over the folds: optimistic, as it chose.
    best_index_ : int
        Its place in `cv_results_`.
    cv_results_ : dict of ndarray
        All settings and their scores, as in ``GridSearchCV``.
    n_splits_ : int
        Number of folds.
    x_weights_, y_weights_, x_rotations_, y_rotations_, x_loadings_, y_loadings_, correlations_, singular_values_
        As in :class:`CCA`, of the model fitted to all rows; further x_mean_, y_mean_, x_scale_, y_scale_,
        shrinkage_, coef_, intercept_, n_components_, n_samples_seen_, n_features_in_.

    See Also
    --------
    CCA : The model.

    Notes
    -----
    A sum of correlations grows with the components as long as they correlate at all on held-out rows; it asks how much
    the modalities share, not how well one finds the other. Choose by the score that matters.

    References
    ----------
    Engstrøm & Jensen (2025), Fast partition-based cross-validation with centering and scaling for XᵀX and XᵀY.

    Examples
    --------
    >>> from crossmodal_cca import CCACV
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> X, y = make_paired_latent(600, 20, 15, correlations=(0.9, 0.6), random_state=0)
    >>> search = CCACV(5, scoring="hit_rate_at_10").fit(X, y)
    >>> len(search.cv_results_["params"]), search.best_params_["n_components"]
    (100, 5)
    >>> search = CCACV(5, one_standard_error=True).fit(X, y)
    >>> search.best_params_["n_components"], search.transform_y(y[:3]).shape
    (2, (3, 2))
    """

    _grids: ClassVar = {"shrinkages": (0.0, 1.0, False), "powers": (0.0, np.inf, False)}

    def __init__(
        self,
        n_components: int | Sequence[int] | None = None,
        *,
        shrinkages: Sequence[float] = SHRINKAGES,
        separate_shrinkage: bool = False,
        powers: Sequence[float] = (0.0, 1.0),
        cv: Any = 5,
        scoring: Any = "correlation",
        one_standard_error: bool = False,
        scale: bool = True,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.shrinkages = shrinkages
        self.separate_shrinkage = separate_shrinkage
        self.powers = powers
        self.cv = cv
        self.scoring = scoring
        self.one_standard_error = one_standard_error
        self.scale = scale
        self.verbose = verbose

    def _settings(self) -> list[dict[str, Any]]:
        values = [float(c) for c in self.shrinkages]
        if self.separate_shrinkage:
            return [{"shrinkage": pair} for pair in combinations(values, values)]
        return [{"shrinkage": c} for c in values]

    def _powers(self, retrieval: bool) -> Sequence[float | None]:
        return [float(power) for power in (self.powers if retrieval else self.powers[:1])]

    def _solver(self, pair: StandardizedPair) -> tuple[int, Any]:
        eps = float(np.finfo(pair.moments.dtype).eps)
        path = ShrinkagePath(pair.covariances(), (pair.x.n_features, pair.y.n_features), eps)

        def solve(setting: dict[str, Any], k: int) -> LinearSolution:
            c = setting["shrinkage"]
            return path.solve(c if isinstance(c, tuple) else (c, c), k)

        return min(*path.ranks, pair.moments.n_rows - 1), solve

    def _estimator(self, **params: Any) -> LinearAligner:
        return CCA(**params, scale=self.scale)


class PLSRegressionCV(RegressorMixin, _LinearCV):
    """PLS regression with the number of components chosen by cross-validation, from one walk over the rows.

    Parameters
    ----------
    n_components : int, sequence of int or None, default=None
        Most components to try, None for as many as every fold allows; or the numbers to try. Up to that many, all are
        tried; with a retrieval score, a dozen spread geometrically.
    cv : int, splitter or iterable of (train, test), default=5
        As in ``GridSearchCV``: an int is that many consecutive folds.
    scoring : str or RetrievalScorer, default="r2"
        "r2" or "explained_variance" of the predictions, averaged over the features of y; "correlation", the sum of
        held-out correlations of scores; the name of a retrieval metric, or what
        :func:`~crossmodal_cca.metrics.make_retrieval_scorer` makes.
    one_standard_error : bool, default=False
        Take the fewest components within one standard error of the best.
    scale : bool, default=True
        Divide each feature by its standard deviation first, that of the training part of a fold.
    verbose : int >= 0, default=0
        Above 0, progress is printed.

    Attributes
    ----------
    best_params_ : dict
        Chosen `n_components`; ``PLSRegression(**best_params_)`` is the model.
    best_score_ : float
        Its mean score over the folds: optimistic, as it chose.
    best_index_ : int
        Its place in `cv_results_`.
    cv_results_ : dict of ndarray
        All numbers of components and their scores, as in ``GridSearchCV``.
    n_splits_ : int
        Number of folds.
    x_weights_, y_weights_, x_rotations_, y_rotations_, x_loadings_, y_loadings_, correlations_, singular_values_
        As in :class:`PLSRegression`, of the model fitted to all rows; further x_mean_, y_mean_, x_scale_, y_scale_,
        coef_, intercept_, n_components_, n_samples_seen_, n_features_in_.

    See Also
    --------
    PLSRegression : The model.

    References
    ----------
    Engstrøm & Jensen (2025), Fast partition-based cross-validation with centering and scaling for XᵀX and XᵀY.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from crossmodal_cca import PLSRegressionCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> search = PLSRegressionCV().fit(X, y)
    >>> search.best_params_, round(search.best_score_, 2)
    ({'n_components': 10}, 0.48)
    >>> PLSRegressionCV(one_standard_error=True).fit(X, y).best_params_
    {'n_components': 2}
    """

    def __init__(
        self,
        n_components: int | Sequence[int] | None = None,
        *,
        cv: Any = 5,
        scoring: Any = "r2",
        one_standard_error: bool = False,
        scale: bool = True,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.cv = cv
        self.scoring = scoring
        self.one_standard_error = one_standard_error
        self.scale = scale
        self.verbose = verbose

    def _settings(self) -> list[dict[str, Any]]:
        return [{}]

    def _powers(self, retrieval: bool) -> Sequence[float | None]:
        return [None]

    def _solver(self, pair: StandardizedPair) -> tuple[int, Any]:
        S = pair.covariances()

        def solve(setting: dict[str, Any], k: int) -> LinearSolution:
            return solve_pls_regression(S, k)

        return min(ranks_of_covariances(S)[0], pair.moments.n_rows - 1), solve

    def _bound(self, n_features_x: int, n_features_y: int, degrees_of_freedom: int) -> int:
        return min(n_features_x, degrees_of_freedom)

    def _estimator(self, **params: Any) -> LinearAligner:
        return PLSRegression(**params, scale=self.scale)

    def _correlations(self, held_out: HeldOut, solution: LinearSolution) -> FloatArray:
        ks = range(1, len(solution.singular_values) + 1)
        return np.array([held_out.correlations(_first(solution, k)).sum() for k in ks])

    def _retrieved(
        self,
        held_out: HeldOutRows,
        solution: LinearSolution,
        scorer: RetrievalScorer,
        power: float | None,
        k: int,
        ids: dict[str, Any],
    ) -> Any:
        first = _first(solution, min(k, len(solution.singular_values)))
        return super()._retrieved(held_out, first, scorer, power, k, ids)


def _first(solution: LinearSolution, k: int) -> LinearSolution:
    """The solution with k components: x-scores are nested, y-scores regress the y-row on the first k weights."""
    V = solution.y_weights[:, :k]
    y_rotations = product(V, linalg.pinvh(product(V.T, V)))
    d = solution.singular_values[:k]
    return replace(solution, x_rotations=solution.x_rotations[:, :k], y_rotations=y_rotations, singular_values=d)
