"""Canonical correlation analysis that chooses its settings by cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product as combinations
from typing import Any, ClassVar

import numpy as np

from .._checks import check_flag
from .._schemas import saved
from .._typing import FloatArray
from ..linalg._shrinkage_path import ShrinkagePath
from ..linalg._solution import NestedSolution
from ..linalg._svd import Triplets
from ..metrics.scorer import RetrievalScorer
from ..models._pair import StandardizedPair
from ..rows._moments import PairMoments
from ._linear_aligner import LinearAligner
from ._linear_cv import FoldSolver, LinearCV
from ._selection import with_whole_folds
from ._views import View
from .cca import CCA, whiten

# Shrinkages tried by default.
SHRINKAGES = (0.0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0)


@saved(2, upgrade=with_whole_folds)
class CCACV(LinearCV):
    """Canonical correlation analysis with shrinkage, components and power chosen by cross-validation.

    The rows are read once: the training moments of a fold are the total minus those of the fold, one
    eigendecomposition of each side serves all shrinkages, and one solution all numbers of components.

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
        An int is that many shuffled folds, those of ``KFold(cv, shuffle=True, random_state=0)``; with groups, passed
        to `fit` or found by it, of ``GroupKFold(cv, shuffle=True, random_state=0)``. Splitters and lists are taken as
        they are.
    scoring : str or RetrievalScorer, default="correlation"
        "correlation", the sum of held-out canonical correlations; "explained_variance" or "r2" of the predictions of y,
        averaged over its features; "q2" or "neg_mean_squared_error" of all held-out predictions together, as in
        :class:`PLSRegressionCV`; the name of a retrieval measure, such as "hit_rate_at_10", or what
        :func:`~crossmodal_cca.metrics.make_retrieval_scorer` makes.
    max_gallery : int >= 2 or None, default=10000
        Most rows of a fold that a retrieval score searches, drawn once for each fold with the groups of rows kept
        together; None for all. A measure depends on the size of its gallery, which `cv_results_` has.
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
        Its mean score, as in `cv_results_`: optimistic, as it chose.
    best_index_ : int
        Its place in `cv_results_`.
    cv_results_ : dict of ndarray
        All settings and their scores, as in ``GridSearchCV``. With "q2" and "neg_mean_squared_error" the folds count in
        ``mean_test_score`` and ``std_test_score`` by the weights of their rows; with a retrieval score
        ``split0_n_gallery``, … are the numbers of rows searched.
    n_splits_ : int
        Number of folds.
    groups_ : ndarray of shape (n_rows,)
        Group of each row passed to `fit`, numbered from 0 (-1 without weight): as given, or else the rows found to be
        one item; ``groups_.max() + 1`` of them in all.
    x_weights_, y_weights_, x_rotations_, y_rotations_, x_loadings_, y_loadings_, correlations_, singular_values_
        As in :class:`CCA`, of the model fitted to all rows; further x_mean_, y_mean_, x_scale_, y_scale_,
        shrinkage_, coef_, intercept_, n_components_, n_samples_seen_, n_features_in_.

    See Also
    --------
    CCA : The model.

    Notes
    -----
    A sum of correlations grows with the components as long as they correlate at all on held-out rows; it asks how much
    the modalities share, not how well one finds the other. Choose by the score that matters. If a fold holds nearly
    all of a feature's variance, the moments of its rest are computed from the rows: subtraction would cost digits.

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
    (100, 2)
    >>> search = CCACV(5, one_standard_error=True).fit(X, y)
    >>> search.best_params_["n_components"], search.transform_y(y[:3]).shape
    (2, (3, 2))
    """

    shrinkage_ = View("shrinkage")
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
        max_gallery: int | None = 10_000,
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
        self.max_gallery = max_gallery
        self.one_standard_error = one_standard_error
        self.scale = scale
        self.verbose = verbose

    def _check_parameters(self) -> str | RetrievalScorer:
        check_flag(self.separate_shrinkage, "separate_shrinkage")
        return super()._check_parameters()

    def _settings(self) -> list[dict[str, Any]]:
        values = [float(c) for c in self.shrinkages]
        if self.separate_shrinkage:
            return [{"shrinkage": pair} for pair in combinations(values, values)]
        return [{"shrinkage": c} for c in values]

    def _powers(self, retrieval: bool) -> Sequence[float | None]:
        return [float(power) for power in (self.powers if retrieval else self.powers[:1])]

    def _solver(self, pair: StandardizedPair, R: FloatArray | None, most: int) -> FoldSolver:
        S, moments, n_features = pair.covariances(), pair.moments, (pair.x.n_features, pair.y.n_features)
        unshrunk = whiten(pair, S, R, (0.0, 0.0)) if self._ranks_matter(moments) else None
        path = ShrinkagePath(S, n_features, unshrunk)

        def solve(setting: dict[str, Any], k: int) -> NestedSolution:
            return path.solve(_of_both(setting), k)

        def scores(x: FloatArray, y: FloatArray) -> Callable[[dict[str, Any], int], Triplets]:
            of_setting = path.projection(x, y)
            return lambda setting, k: of_setting(_of_both(setting), k)

        rcond, is_clear = (1.0, True) if unshrunk is None else (unshrunk.rcond, unshrunk.complete)
        return FoldSolver(min(*path.ranks, moments.n_rows - 1), solve, rcond, is_clear, scores)

    def _ranks_matter(self, moments: PairMoments) -> bool:
        # With shrinkage all divisors are large; but single precision leaves the ranks unknown, too.
        return moments.is_single or 0.0 in map(float, self.shrinkages)

    def _lacks_rows(self, pair: StandardizedPair) -> bool:
        varying = (np.count_nonzero(np.diagonal(A)) for A in (pair.moments.scatter_xx, pair.moments.scatter_yy))
        return self._ranks_matter(pair.moments) and bool(pair.moments.n_rows - 1 < max(varying))

    def _estimator(self, **params: Any) -> LinearAligner:
        return CCA(**params, scale=self.scale)


def _of_both(setting: dict[str, Any]) -> tuple[float, float]:
    c = setting["shrinkage"]
    return c if isinstance(c, tuple) else (c, c)
