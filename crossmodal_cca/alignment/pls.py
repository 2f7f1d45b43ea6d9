"""Partial least squares: shared spaces of large covariance."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin

from .._checks import check_power
from .._schemas import saved
from .._sklearn import telling_where
from .._typing import FloatArray
from .._warn import warn
from ..linalg._products import Covariances
from ..linalg._solve_pls import PLSSolution, Rows, solve_pls_canonical, solve_pls_regression, solve_pls_svd
from ..models._pair import StandardizedPair
from ..rows._columns import column_moments
from ..rows._validation import check_rows_of_y
from ._linear_aligner import LinearAligner
from ._solvers import Solved


class _PLS(LinearAligner):
    """Base class of partial least squares models, solved from covariances.

    `_components(S, k, Z)` solves for k components, or fewer if no covariance is left, with the help of rows Z if given.
    """

    _checks: ClassVar = LinearAligner._checks | {"power": check_power}
    _components: Callable[[Covariances, int, Rows | None], PLSSolution]

    def __init__(self, n_components: int | None = None, *, scale: bool = True, power: float = 0.0) -> None:
        self.n_components = n_components
        self.scale = scale
        self.power = power

    def _solve(self, pair: StandardizedPair, R: FloatArray | None, *, allow_fewer: bool, tentative: bool) -> Solved:
        S = pair.covariances()
        Z = None if R is None else pair.rows_of_sides(R)
        solution, is_clear = self._as_many_as_possible(
            lambda k: self._components(S, k, Z), pair, S, allow_fewer=allow_fewer, tentative=tentative
        )
        return Solved(solution, S, solution.rcond, is_clear)

    def _warn_of(self, solved: Solved, pair: StandardizedPair, *, rows_at_hand: bool, allow_fewer: bool) -> None:
        found = len(solved.solution.singular_values)
        if self.n_components is not None and found < self.n_components and not allow_fewer:
            warn(
                f"The covariance of X and y is exhausted to rounding error by {found} component(s); the other "
                f"{self.n_components - found} are left out."
                if found
                else "X and y have no covariance at all, so there is no component and every prediction is the mean."
            )
        super()._warn_of(solved, pair, rows_at_hand=rows_at_hand, allow_fewer=allow_fewer)


@saved()
class PLSSVD(_PLS):
    """Partial least squares by one singular value decomposition: directions of largest covariance between modalities.

    Parameters
    ----------
    n_components : int or None, default=None
        Dimension of the shared space, at most the smaller rank of the two sides; None for as many as that.
    scale : bool, default=True
        Divide each feature by its standard deviation first.
    power : float >= 0, default=0.0
        Scores are multiplied by ``singular_values_ ** power``. Covariances spread over decades, so 0 is usually
        best for retrieval. Predictions do not depend on it.

    Attributes
    ----------
    x_weights_, y_weights_ : ndarray of shape (n_features, n_components_)
        Singular vectors of the cross-covariance of the standardised features.
    x_rotations_, y_rotations_ : ndarray of shape (n_features, n_components_)
        The weights times ``singular_values_ ** power``: scores are ((X − x_mean_) / x_scale_) @ x_rotations_.
    x_loadings_, y_loadings_ : ndarray of shape (n_features, n_components_)
        Regression of the standardised features on the scores.
    singular_values_ : ndarray of shape (n_components_,)
        Covariances of the pairs of scores (at ``power=0``), decreasing.
    correlations_ : ndarray of shape (n_components_,)
        Correlation of each pair of scores on the training rows.
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
    CCA : Correlation instead of covariance; with ``shrinkage=1`` the same directions.

    Notes
    -----
    S_xy = U diag(d) Vᵀ; the weights are the leading columns of U and V. Predictions are least squares on the scores.

    References
    ----------
    Wegelin (2000), A survey of partial least squares (PLS) methods, with emphasis on the two-block case.

    Examples
    --------
    >>> from crossmodal_cca import PLSSVD
    >>> from crossmodal_cca.datasets import load_emoji
    >>> image, text = load_emoji(subset="train", return_X_y=True)
    >>> pls = PLSSVD(n_components=50).fit(image, text)
    >>> pls.transform(image).shape, pls.transform_y(text[:3]).shape
    ((1528, 50), (3, 50))
    """

    _components = staticmethod(solve_pls_svd)


@saved()
class PLSCanonical(_PLS):
    """Canonical partial least squares (mode A): pairs of largest covariance, each side deflated by its own score.

    Parameters
    ----------
    n_components : int or None, default=None
        Dimension of the shared space, at most the smaller rank of the two sides; None for as many as that.
    scale : bool, default=True
        Divide each feature by its standard deviation first.
    power : float >= 0, default=0.0
        Scores are multiplied by ``singular_values_ ** power``. Covariances spread over decades, so 0 is usually
        best for retrieval. Predictions do not depend on it.

    Attributes
    ----------
    x_weights_, y_weights_ : ndarray of shape (n_features, n_components_)
        Leading singular vectors of the deflated cross-covariances.
    x_rotations_, y_rotations_ : ndarray of shape (n_features, n_components_)
        Maps to the scores, times ``singular_values_ ** power``: scores are ((X − x_mean_) / x_scale_) @ x_rotations_.
    x_loadings_, y_loadings_ : ndarray of shape (n_features, n_components_)
        Regression of the standardised features on the scores.
    singular_values_ : ndarray of shape (n_components_,)
        Covariances of the pairs of scores (at ``power=0``), in the order of the components.
    correlations_ : ndarray of shape (n_components_,)
        Correlation of each pair of scores on the training rows.
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
    PLSRegression : Deflates both sides by the x-score, to predict y.
    PLSSVD : All pairs from one decomposition, without deflation.

    Notes
    -----
    The method works on covariances instead of rows: per component (w, v) leads the deflated S_xy, and
    S_xy ← (I − p wᵀ) S_xy (I − v gᵀ) with the loadings p and g. The leading pair comes from a decomposition, never
    from a starting vector. Predictions are least squares on the scores.

    References
    ----------
    Wegelin (2000), A survey of partial least squares (PLS) methods, with emphasis on the two-block case.

    Examples
    --------
    >>> from crossmodal_cca import PLSCanonical
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> X, y = make_paired_latent(500, 8, 6, random_state=0)
    >>> pls = PLSCanonical(n_components=3).fit(X, y)
    >>> pls.transform_y(y).shape
    (500, 3)
    """

    _components = staticmethod(solve_pls_canonical)


class RegressionScoreMixin(RegressorMixin):
    """`score` as R² of the predictions, computed a block of rows at a time."""

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Compute the coefficient of determination R² of the predictions, averaged over the features of y.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_features_x)
            Rows of the first modality, at least two.
        y : {array-like, sparse matrix} of shape (n_rows, n_features_y) or (n_rows,)
            Paired rows of the second modality.
        sample_weight : array-like of shape (n_rows,), default=None
            Non-negative weights of the rows.

        Returns
        -------
        score : float
            At most 1, and 0 for the mean of these rows; as scikit-learn's ``r2_score``, a feature that is constant
            here counts 1 if it is predicted exactly, and 0 otherwise.

        Raises
        ------
        ValueError
            If the sides differ in rows, there is only one row, or the rows are bad in a way that `predict` refuses.
        """
        columns = partial(self._features_and_predictions, self._fitted)
        with telling_where(X=X, y=y):
            moments = column_moments(columns, X, y, sample_weight)
        total, predicted, products = moments.scatter
        left = (
            np.maximum(total - 2 * products + predicted, 0.0)
            + moments.weight_sum * np.diff(moments.means, axis=0)[0] ** 2
        )
        shares = np.divide(left, total, out=(left > 0).astype(float), where=moments.varies[0])
        return float(np.mean(1.0 - shares))

    def _features_and_predictions(self, model: Any, X: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray]:
        targets = check_rows_of_y(self, y, accept_sparse=True, lazy=True).array
        return targets, model.y.predicted(self._scores_of(model, "x", X, weighted=False))


@saved()
class PLSRegression(RegressionScoreMixin, _PLS):
    """Partial least squares regression: predict the second modality from the x-scores of largest covariance with it.

    Parameters
    ----------
    n_components : int or None, default=2
        Number of components, at most the rank of X; None for as many as that.
    scale : bool, default=True
        Divide each feature by its standard deviation first.

    Attributes
    ----------
    x_weights_ : ndarray of shape (n_features_x, n_components_)
        Leading left singular vectors of the deflated cross-covariances.
    y_weights_ : ndarray of shape (n_features_y, n_components_)
        Regression of the standardised y-features on the x-scores; the same as `y_loadings_`.
    x_rotations_, y_rotations_ : ndarray of shape (n_features, n_components_)
        Maps to the scores: ((X − x_mean_) / x_scale_) @ x_rotations_.
    x_loadings_, y_loadings_ : ndarray of shape (n_features, n_components_)
        Regression of the standardised features on the x-scores.
    singular_values_ : ndarray of shape (n_components_,)
        Leading singular value of each deflated cross-covariance.
    correlations_ : ndarray of shape (n_components_,)
        Correlation of each pair of scores on the training rows.
    coef_ : ndarray of shape (n_features_y, n_features_x)
        Linear map of `predict`: predictions are X @ coef_.T + intercept_. Computed when asked for.
    intercept_ : ndarray of shape (n_features_y,)
        Prediction for a row of zeros.
    x_mean_, y_mean_, x_scale_, y_scale_ : ndarray of shape (n_features,)
        Means and divisors of the features; a divisor is 1 for a constant feature or with ``scale=False``.
    n_components_ : int
        Number of components; fewer than asked for where y is explained before, which a warning says.
    n_samples_seen_ : int
        Number of training rows with positive weight.
    n_features_in_ : int
        Number of features of X.
    feature_names_in_, y_feature_names_in_ : ndarray of str
        Names of the features of either side, if the rows had them.

    See Also
    --------
    PLSCanonical : Treats both sides alike.

    Notes
    -----
    Improved kernel PLS (algorithm 2) on the covariances: the solution of NIPALS, not of SIMPLS, which differs for
    several targets. Its `score` is R², as for every regressor.

    References
    ----------
    Dayal & MacGregor (1997), Improved PLS algorithms.

    Examples
    --------
    >>> from crossmodal_cca import PLSRegression
    >>> from sklearn.datasets import load_linnerud
    >>> X, y = load_linnerud(return_X_y=True)
    >>> pls = PLSRegression(n_components=2, scale=False).fit(X, y)
    >>> pls.coef_.shape, pls.predict(X[:1]).round(1)
    ((3, 3), array([[173.8,  34.4,  57.1]]))
    """

    _bounding_sides = ("x",)

    _checks = LinearAligner._checks

    def __init__(self, n_components: int | None = 2, *, scale: bool = True) -> None:
        self.n_components = n_components
        self.scale = scale

    _components = staticmethod(solve_pls_regression)
