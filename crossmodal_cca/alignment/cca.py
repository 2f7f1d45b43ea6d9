"""Canonical correlation analysis."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from numpy.random import Generator, RandomState

from .._checks import as_pair, check_choice, check_of_sides, check_power, check_random_state
from .._schemas import saved
from .._typing import FloatArray
from .._warn import warn
from ..linalg._products import Covariances
from ..linalg._solve_cca import solve_cca
from ..linalg._whitening import WhitenedPair, oas_shrinkage, whiten_covariances, whiten_rows
from ..models._linear_model import LinearModel
from ..models._pair import StandardizedPair
from ..rows._sparse_rows import MAX_FEATURES
from ..rows._stored import PairedRows
from ._linear_aligner import LinearAligner
from ._solvers import SOLVERS, Solved, Solver, solver_of_rows
from ._views import View

# Condition number of the unit-diagonal covariances above which solver="moments" warns of lost digits.
ILL_CONDITIONED = 1e6


@saved()
class CCA(LinearAligner):
    """Canonical correlation analysis with shrinkage: the directions in which two modalities correlate most.

    Parameters
    ----------
    n_components : int or None, default=None
        Dimension of the shared space, at most the smaller rank of the two sides; None for as many as that.
    shrinkage : float in [0, 1], "oas", or a pair (x, y) of these, default=0.0
        How far each side's covariance is shrunk towards a multiple of the identity: 0 is Hotelling's CCA, 1 is
        PLS-SVD. "oas" estimates it from the moments. Embeddings need shrinkage, often .3 to .9.
    scale : bool, default=True
        Divide each feature by its standard deviation first.
    power : float >= 0, default=0.0
        Scores are multiplied by ``singular_values_ ** power``, so that weak components count less in a similarity.
        For retrieval with moderate shrinkage 1 is a good choice; with strong shrinkage singular values spread over
        decades, and 0 is better. Predictions do not depend on it.
    solver : {"auto", "moments", "svd", "randomized"}, default="auto"
        "moments" works on covariances, fast; "svd" on a triangular factor of the rows, accurate also where the
        covariances are ill-conditioned, and needs the rows; "randomized" forms no covariance, for sides with tens of
        thousands of features, and needs `n_components` and shrinkage of both sides. "auto" takes the first where that
        is accurate, otherwise the second; the third for sparse rows of more than 5000 features that are more than
        5000 themselves.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the directions in which the randomized solver starts; where it converges, the result does not depend
        on them.

    Attributes
    ----------
    x_weights_, y_weights_ : ndarray of shape (n_features, n_components_)
        Canonical weights on the standardised features.
    x_rotations_, y_rotations_ : ndarray of shape (n_features, n_components_)
        The weights times ``singular_values_ ** power``: scores are ((X − x_mean_) / x_scale_) @ x_rotations_.
    x_loadings_, y_loadings_ : ndarray of shape (n_features, n_components_)
        Regression of the standardised features on the scores.
    correlations_ : ndarray of shape (n_components_,)
        Correlation of each pair of scores on the training rows.
    singular_values_ : ndarray of shape (n_components_,)
        Singular values of the whitened cross-covariance, decreasing; with shrinkage these are not correlations.
    shrinkage_ : tuple of two floats
        Shrinkage used for x and y.
    coef_ : ndarray of shape (n_features_y, n_features_x)
        Linear map of `predict`: predictions are X @ coef_.T + intercept_. Computed when asked for.
    intercept_ : ndarray of shape (n_features_y,)
        Prediction for a row of zeros.
    x_mean_, y_mean_, x_scale_, y_scale_ : ndarray of shape (n_features,)
        Means and divisors of the features; a divisor is 1 for a constant feature or with ``scale=False``.
    n_components_ : int
        Number of components.
    n_samples_seen_ : int
        Number of training rows with positive weight.
    n_features_in_ : int
        Number of features of X.
    feature_names_in_, y_feature_names_in_ : ndarray of str
        Names of the features of either side, if the rows had them.

    See Also
    --------
    PLSSVD : Covariance instead of correlation, the limit ``shrinkage=1``.
    CrossModalPipeline : Preprocessing of its own for either side.

    Notes
    -----
    With S the covariances of the standardised features, τ = trace(S) / n_features and c the shrinkage,

        maximise  aᵀ S_xy b   subject to   aᵀ[(1 − c_x) S_xx + c_x τ_x I] a = 1   and the same for b.

    Predictions are ridge regression restricted to the shared space; without shrinkage and with all components they
    are least squares. Singular directions of the unit-variance rows below √(n_features · eps) of the leading one
    count as no direction, so rows that sum to one or repeated columns are fine. Without shrinkage, when the ranks of
    the two sides add up to more than n_rows − 1, some correlations are 1 for any data at all: a warning says so.

    References
    ----------
    Hotelling (1936), Relations between two sets of variates.
    Knyazev (2001), Toward the optimal preconditioned eigensolver (the randomized solver's iteration).
    Mineiro & Karampatziakis (2014), A randomized algorithm for CCA (its start).
    Vinod (1976), Canonical ridge and econometrics of joint production.
    Gong, Ke, Isard & Lazebnik (2014), A multi-view embedding space for modeling internet images, tags, and their
    semantics (weighted similarity).

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> X, y = make_paired_latent(2000, 20, 15, correlations=(0.9, 0.6), random_state=0)
    >>> cca = CCA(n_components=2).fit(X[:1000], y[:1000])
    >>> cca.correlations_.round(1)
    array([0.9, 0.6])
    >>> x_scores, y_scores = cca.transform(X[1000:], y[1000:])
    >>> x_scores.shape
    (1000, 2)
    >>> round(cca.score(X[1000:], y[1000:]), 1)
    1.5
    """

    _checks: ClassVar = LinearAligner._checks | {
        "shrinkage": partial(check_of_sides, low=0.0, high=1.0, word="oas"),
        "power": check_power,
        "solver": partial(check_choice, choices=SOLVERS),
    }

    shrinkage_ = View("shrinkage")

    def __init__(
        self,
        n_components: int | None = None,
        *,
        shrinkage: float | str | tuple[float | str, float | str] = 0.0,
        scale: bool = True,
        power: float = 0.0,
        solver: str = "auto",
        random_state: int | RandomState | Generator | None = None,
    ) -> None:
        self.n_components = n_components
        self.shrinkage = shrinkage
        self.scale = scale
        self.power = power
        self.solver = solver
        self.random_state = random_state

    def _model_of_rows(self, rows: PairedRows) -> LinearModel:
        solver = solver_of_rows(self.solver, rows)
        if solver.forms_covariances or not rows.X.at_hand:
            return super()._model_of_rows(rows)
        return self._model_without_covariances(rows, solver)

    def _model_without_covariances(self, rows: PairedRows, solver: Solver) -> LinearModel:
        """Solve without covariances; raise an error for settings that do not allow it."""
        shrinkage = as_pair(self.shrinkage, "shrinkage", arrays=True)
        if self.n_components is None or any(c == "oas" or c == 0 for c in shrinkage):
            raise ValueError(
                f'The randomized solver, which solver="auto" takes for sparse rows of more than {MAX_FEATURES} '
                "features, needs n_components and, for both sides, a number above 0 as shrinkage; got "
                f"n_components={self.n_components!r} and shrinkage={self.shrinkage!r}; try .5."
            )
        possible = min(rows.X.shape[1], rows.y.shape[1], rows.n_rows - 1)
        if self.n_components > possible:
            raise ValueError(
                f"n_components={self.n_components} is more than the {possible} possible: with "
                f"n_samples={rows.n_rows}, X has n_features={rows.X.shape[1]} and y n_features={rows.y.shape[1]}."
            )
        cx, cy = map(float, shrinkage)
        rng = check_random_state(self.random_state)
        solution, sides = solver.solve(rows, (cx, cy), self.scale, self.n_components, rng)
        return LinearModel.of(
            solution.with_definite_signs(),
            sides,
            (rows.x_names, rows.y_names),
            rows.float_dtype,
            power=self.power,
            shrinkage=(cx, cy),
            n_samples_seen=rows.n_rows,
            weight_sum=float(rows.n_rows if rows.sample_weight is None else rows.sample_weight.sum()),
            y_is_1d=rows.y_is_1d,
            pair=None,
        )

    def _solve(self, pair: StandardizedPair, R: FloatArray | None, *, allow_fewer: bool, tentative: bool) -> Solved:
        given, S = as_pair(self.shrinkage, "shrinkage", arrays=True), pair.covariances()
        cx, cy = (
            oas_shrinkage(Sii, pair.moments.weight_sum, side.n_features) if c == "oas" else float(c)
            for c, Sii, side in zip(given, (S.xx, S.yy), (pair.x, pair.y), strict=True)
        )
        whitened = whiten(pair, S, R, (cx, cy))
        rcond, is_clear = whitened.rcond, whitened.complete
        solve = partial(solve_cca, S, whitened, (cx, cy))
        if cx == cy == 0:
            # Whitening has determined the ranks, and correlations of zero count as pairs.
            ranks = whitened.x.rank, whitened.y.rank
            solution = solve(self._n_components(ranks, pair, allow_fewer or tentative))
        else:
            solution, number_is_clear = self._as_many_as_possible(
                solve, pair, S, allow_fewer=allow_fewer, tentative=tentative
            )
            is_clear = is_clear and number_is_clear
        return Solved(solution, S, rcond, is_clear, (cx, cy), whitened)

    def _warn_of(self, solved: Solved, pair: StandardizedPair, *, rows_at_hand: bool, allow_fewer: bool) -> None:
        assert solved.whitened is not None
        rank_x, rank_y = solved.whitened.x.rank, solved.whitened.y.rank
        n_rows = pair.moments.n_rows
        certain = rank_x + rank_y - (n_rows - 1)
        unshrunk = solved.shrinkage == (0.0, 0.0)
        if unshrunk and certain > 0 and min(rank_x, rank_y) > 0:
            warn(
                f"The ranks of X ({rank_x}) and y ({rank_y}) add up to more than n_samples - 1 = {n_rows - 1}, so "
                f"{min(certain, rank_x, rank_y)} canonical correlation(s) are exactly 1 for any data. Raise shrinkage "
                "(0.5, say), reduce the features, or add rows."
            )
        # With fewer rows every covariance is ill-conditioned, whatever the features.
        if n_rows <= len(pair.x.mean) + len(pair.y.mean):
            return
        if self.solver == "moments" and solved.rcond * ILL_CONDITIONED <= 1:
            warn(
                f"The covariances are ill-conditioned ({1 / solved.rcond:.0e}): weak canonical pairs may be off. "
                'Take solver="auto", which goes over the rows where that is needed; raise shrinkage; or drop redundant '
                "features."
            )
            return
        super()._warn_of(solved, pair, rows_at_hand=rows_at_hand, allow_fewer=allow_fewer)


def whiten(
    pair: StandardizedPair, S: Covariances, R: FloatArray | None, shrinkage: tuple[float, float]
) -> WhitenedPair:
    """Whiten both sides from covariances, or from triangular rows R if given."""
    n_features = len(pair.x.mean), len(pair.y.mean)
    if R is None:
        return whiten_covariances(S, shrinkage, n_features)
    return whiten_rows(pair.rows_of_sides(R), shrinkage, n_features)
