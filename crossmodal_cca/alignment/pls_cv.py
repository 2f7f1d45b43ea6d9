"""PLS regression that chooses its number of components by cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._schemas import saved
from .._typing import FloatArray
from ..linalg._single import WEAK
from ..linalg._solution import NestedSolution
from ..linalg._solve_pls import rotations_of_weights, solve_pls_regression
from ..linalg._whitening import ranks_of_covariances
from ..models._held_out import HeldOutRows
from ..models._pair import StandardizedPair
from ._linear_aligner import LinearAligner
from ._linear_cv import FoldSolver, LinearCV
from ._selection import with_whole_folds
from ._training_folds import HeldOut
from .pls import PLSRegression, RegressionScoreMixin


@saved(2, upgrade=with_whole_folds)
class PLSRegressionCV(RegressionScoreMixin, LinearCV):
    """PLS regression with the number of components chosen by cross-validation, from one pass over the rows.

    Parameters
    ----------
    n_components : int, sequence of int or None, default=None
        Most components to try, None for as many as every fold allows; or the numbers to try. Up to that many, all are
        tried; with a retrieval score, a dozen spread geometrically.
    cv : int, splitter or iterable of (train, test), default=5
        An int is that many shuffled folds, those of ``KFold(cv, shuffle=True, random_state=0)``; with groups, passed
        to `fit` or found by it, of ``GroupKFold(cv, shuffle=True, random_state=0)``. Splitters and lists are taken as
        they are.
    scoring : str or RetrievalScorer, default="q2"
        "q2" or "neg_mean_squared_error" of all held-out predictions together, for which folds of any size will do, of
        one row too; "r2" or "explained_variance" of each fold's predictions, averaged over the features of y and over
        the folds; "correlation", the sum of held-out correlations of scores; the name of a retrieval measure, or what
        :func:`~crossmodal_cca.metrics.make_retrieval_scorer` makes.
    max_gallery : int >= 2 or None, default=10000
        Most rows of a fold that a retrieval score searches, drawn once for each fold with the groups of rows kept
        together; None for all. A measure depends on the size of its gallery, which `cv_results_` has.
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
        Its mean score, as in `cv_results_`: optimistic, as it chose.
    best_index_ : int
        Its place in `cv_results_`.
    cv_results_ : dict of ndarray
        All numbers of components and their scores, as in ``GridSearchCV``. With "q2" and "neg_mean_squared_error" the
        folds count in ``mean_test_score`` and ``std_test_score`` by the weights of their rows; with a retrieval score
        ``split0_n_gallery``, … are the numbers of rows searched.
    n_splits_ : int
        Number of folds.
    groups_ : ndarray of shape (n_rows,)
        Group of each row passed to `fit`, numbered from 0 (-1 without weight): as given, or else the rows found to be
        one item; ``groups_.max() + 1`` of them in all.
    x_weights_, y_weights_, x_rotations_, y_rotations_, x_loadings_, y_loadings_, correlations_, singular_values_
        As in :class:`PLSRegression`, of the model fitted to all rows; further x_mean_, y_mean_, x_scale_, y_scale_,
        coef_, intercept_, n_components_, n_samples_seen_, n_features_in_.

    See Also
    --------
    PLSRegression : The model.

    Notes
    -----
    With ŷ_ij the prediction of target j in held-out row i, of weight w_i, and ȳ_j the mean over all rows,

        Q² = 1 − PRESS / SS,   PRESS = Σ_ij w_i (y_ij − ŷ_ij)² / s_j²,   SS = Σ_ij w_i (y_ij − ȳ_j)² / s_j²,

    where i runs over the held-out rows of all folds, as often as they are held out, and s_j is `y_scale_`: the targets'
    deviation, so that all count alike; 1 with ``scale=False``, so that they count as their units have it. A target that
    never varies does not count. For one fold ``cv_results_`` holds 1 minus its own mean squared error over SS / Σw, the
    mean square of all, so that the mean of folds, weighted by their rows, is Q². "neg_mean_squared_error" is the
    same without a divisor: minus the mean over rows and targets of (y_ij − ŷ_ij)², in squared units of y.

    The R² of a small fold compares with the mean of the fold itself, which no prediction knows: of two rows it may be
    anything below 1, and a mean over folds chooses badly.

    References
    ----------
    Wold (1978), Cross-validatory estimation of the number of components in factor and principal components models.
    Technometrics 20.
    Engstrøm & Jensen (2025), Fast partition-based cross-validation with centering and scaling for XᵀX and XᵀY.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from crossmodal_cca import PLSRegressionCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> search = PLSRegressionCV().fit(X, y)
    >>> search.best_params_, round(search.best_score_, 2)
    ({'n_components': 10}, 0.5)
    >>> PLSRegressionCV(one_standard_error=True).fit(X, y).best_params_
    {'n_components': 2}
    """

    def __init__(
        self,
        n_components: int | Sequence[int] | None = None,
        *,
        cv: Any = 5,
        scoring: Any = "q2",
        max_gallery: int | None = 10_000,
        one_standard_error: bool = False,
        scale: bool = True,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.cv = cv
        self.scoring = scoring
        self.max_gallery = max_gallery
        self.one_standard_error = one_standard_error
        self.scale = scale
        self.verbose = verbose

    def _settings(self) -> list[dict[str, Any]]:
        return [{}]

    def _powers(self, retrieval: bool) -> Sequence[float | None]:
        return [None]

    def _solver(self, pair: StandardizedPair, R: FloatArray | None, most: int) -> FoldSolver:
        S, moments = pair.covariances(), pair.moments
        possible = min(ranks_of_covariances(S)[0], moments.n_rows - 1)
        s = solve_pls_regression(S, min(most, possible), None if R is None else pair.rows_of_sides(R))
        d = s.singular_values

        def solve(setting: dict[str, Any], k: int) -> NestedSolution:
            # Weights, from which y-rotations follow for each number of components.
            return NestedSolution(s.x.rotations[:, :k], s.y.weights[:, :k], s.y.effects[:k], d[:k])

        is_clear = not moments.is_single or (len(d) == most and d[-1] > WEAK * d[0])
        return FoldSolver(possible, solve, s.rcond, bool(is_clear))

    def _bound(self, n_features_x: int, n_features_y: int, degrees_of_freedom: int) -> int:
        return min(n_features_x, degrees_of_freedom)

    def _estimator(self, **params: Any) -> LinearAligner:
        return PLSRegression(**params, scale=self.scale)

    def _correlations(self, held_out: HeldOut, solution: NestedSolution) -> FloatArray:
        ks = range(1, len(solution.singular_values) + 1)
        return np.array([held_out.correlations(_first(solution, k)).sum() for k in ks])

    def _scores(
        self, held_out: HeldOutRows, solution: NestedSolution, ks: list[int]
    ) -> list[tuple[FloatArray, FloatArray]]:
        found = len(solution.singular_values)
        if not found:
            return super()._scores(held_out, solution, ks)
        return [held_out.scores(_first(solution, min(k, found))) for k in ks]


def _first(solution: NestedSolution, k: int) -> NestedSolution:
    """Return the solution with k components: x-scores are nested, y-scores regress the y-row on the first k weights."""
    V = solution.y_rotations[:, :k]
    return NestedSolution(
        solution.x_rotations[:, :k], rotations_of_weights(V), solution.y_effects[:k], solution.singular_values[:k]
    )
