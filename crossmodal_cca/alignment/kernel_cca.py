"""Kernel canonical correlation analysis."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Self

from numpy.random import Generator, RandomState
from numpy.typing import ArrayLike
from sklearn.utils.metaestimators import available_if

from .._checks import check_n_components, check_power
from .._names_in_docs import with_names
from .._schemas import saved
from ..kernels._fit import fit_kernels, with_further_rows
from ..kernels._settings import Sides, as_settled, check_settings, check_training_rows, check_unchanged
from ..models._kernel_model import KernelModel
from ..models._pair import LEFT_OUT
from ..rows._validation import checked_pair
from ._kernel_memory import matrices_of_fit, room_for_kernels
from ._kernel_scores import KernelMaps, warn_if_overfitted

# Parameters that may change between batches, since kernels and maps do not depend on them.
FREE = ("n_components", "regularization", "power", "tol")


def _takes_batches(self: KernelCCA) -> bool:
    """Whether the features are fixed before any row is seen."""
    with suppress(ValueError):  # for a parameter that is no pair, which the call itself refuses
        if any(side.waits_for_rows for side in self._sides(self.gamma, self.regularization)):
            raise AttributeError(
                'partial_fit needs features that no row decides on: approximation="fourier" with numbers for gamma, '
                'or approximation="nystroem" with arrays for landmarks and numbers for gamma.'
            )
    return True


@saved()
@with_names
class KernelCCA(KernelMaps):
    """Kernel canonical correlation analysis: nonlinear directions in which two modalities correlate most.

    A parameter marked (pair) is one value for both modalities, or a tuple (x, y).

    Parameters
    ----------
    n_components : int or None, default=None
        Dimension of the shared space; None for as many as there are, up to n_rows − 1. A few are much quicker.
    kernel : <kernels> or callable, default="rbf"
        (pair) A name as in scikit-learn's ``pairwise_kernels`` ("chi2" and "additive_chi2" are for histograms), a
        function of two rows, or "precomputed": then the rows are kernel values with the training rows, (n_rows, n_rows)
        in `fit`.
    gamma : float > 0 or None, default=None
        (pair) Width of "rbf", "laplacian" and "chi2", as 1 over a distance; None for 1 over the median distance between
        training rows: squared, absolute or χ². For "poly" and "sigmoid" None is 1 / n_features.
    degree : float > 0, default=3
        (pair) Degree of "poly".
    coef0 : float, default=1.0
        (pair) Constant of "poly" and "sigmoid".
    kernel_params : dict or None, default=None
        (pair) Keyword arguments of a kernel that is a function.
    regularization : float in (0, 1e6], default=1e-3
        (pair) Ridge relative to the total variance in feature space, the trace of the centred kernel.
    approximation : {None, "nystroem", "fourier"}, default=None
        None solves with the n_rows × n_rows kernels: for up to some 10,000 rows with few components, and some thousand
        with many, which take an eigendecomposition of that size. "nystroem" expresses rows by their kernel values with
        landmarks, "fourier" ("rbf" and "laplacian" only) by random Fourier features; both read the rows in blocks.
    n_landmarks : int or None, default=None
        (pair) Number of landmarks, or of random frequencies; None for 500, or all rows if they are fewer.
    landmarks : {"uniform", "kmeans", "pivoted"} or ndarray of shape (n_landmarks, n_features), default="uniform"
        (pair) Rows drawn at random; centres of k-means; pivots of an incomplete Cholesky factorisation, each the row
        that those before explain worst, which takes longest; or the landmarks themselves.
    tol : float in [0, 1], default=1e-3
        Share of the kernel's trace at which "pivoted" landmarks stop, if `n_landmarks` has not stopped them.
    power : float >= 0, default=1.0
        Scores are multiplied by ``singular_values_ ** power``, so that weak components count less in a similarity,
        which serves retrieval; 0 leaves them in the metric of the constraint. `score` and predictions do not depend
        on it.
    random_state : int, RandomState, Generator or None, default=None
        Seed of landmarks and frequencies.

    Attributes
    ----------
    correlations_ : ndarray of shape (n_components_,)
        Correlation of each pair of scores on the training rows; too high, the more so the weaker the ridge.
    singular_values_ : ndarray of shape (n_components_,)
        Maxima of the objective below, decreasing, in [0, 1).
    gamma_ : tuple of two floats or None
        Widths used for x and y; None for a kernel without.
    trace_left_out_ : tuple of two floats
        Share of either kernel's trace, before centring, that the landmarks leave out; with "nystroem" alone.
    x_rotations_, y_rotations_ : ndarray of shape (n_base, n_components_)
        Weights in the scores, power included, of the kernel values with the base rows (all training rows, or the
        landmarks), or of the random features. Computed when asked for.
    x_mean_, y_mean_ : ndarray of shape (n_features,)
        Means of the features, about which predictions lie; not of a side that is precomputed.
    n_components_ : int
        Number of components.
    n_samples_seen_ : int
        Number of training rows.
    n_features_in_ : int
        Number of features of X.
    feature_names_in_, y_feature_names_in_ : ndarray of str
        Names of the features of either side, if the rows had them.

    See Also
    --------
    CCA : The linear method, which the linear kernel gives too.
    CrossModalPipeline : Preprocessing of its own for either side.

    Notes
    -----
    Numbers are computed in double precision, whatever the floating type of the rows; features of many float32 rows in
    single, where that has the digits, or else again in double. Distances do not depend on where the rows lie.

    With K the kernels of the training rows, centred in feature space, and ε = regularization · trace(K),

        maximise  αᵀ Kx Ky β   subject to   αᵀ Kx (Kx + εx I) α = n − 1   and the same for β.

    Without a ridge every pair of kernels of full rank correlates perfectly. With linear kernels of p and q features and
    κ the regularization, the model is ``CCA(shrinkage=(κp / (1 + κp), κq / (1 + κq)), scale=False)``: the same
    correlations, predictions, and, both with ``power=0``, scores up to a factor per side. Predictions are kernel ridge
    regression restricted to the shared space. New rows are centred with the means of the training rows.

    Signs do not hang on rounding, the order of rows, batches, or the approximation: of all features, those of X
    correlated with the y-scores and those of y with the x-scores, the one that correlates most does so positively, and
    the first of several within a relative 1e-6. A precomputed side has no features to look at. If none correlates by
    more than 1e-6, or both kernels are precomputed, the largest entry of `x_rotations_` is positive.

    There are no sample weights, since a width or landmarks chosen from the rows would not see a weight as repetition.
    Under cross-validation scikit-learn cuts X by rows and columns if its kernel is precomputed, but y by rows alone:
    one precomputed kernel has to be that of X, the other side's a named one.

    References
    ----------
    Hardoon, Szedmak & Shawe-Taylor (2004), Canonical correlation analysis: an overview with application to learning
    methods.
    Bach & Jordan (2002), Kernel independent component analysis (incomplete Cholesky factorisation).
    Williams & Seeger (2001), Using the Nyström method to speed up kernel machines.
    Lopez-Paz, Sra, Smola, Ghahramani & Schölkopf (2014), Randomized nonlinear component analysis (Fourier features).

    Examples
    --------
    A point on a circle and its angle share one factor, which no straight line shows:

    >>> import numpy as np
    >>> from crossmodal_cca import CCA, KernelCCA
    >>> rng = np.random.default_rng(0)
    >>> angle = rng.uniform(0, 2 * np.pi, 600)
    >>> X = np.column_stack([np.cos(angle), np.sin(angle)]) + 0.05 * rng.normal(size=(600, 2))
    >>> y = np.column_stack([np.sin(3 * angle), rng.normal(size=600)])
    >>> for model in CCA(n_components=1), KernelCCA(n_components=1):
    ...     correlation = model.fit(X[:400], y[:400]).score(X[400:], y[400:])
    ...     print(f"{model}: {abs(correlation):.1f}")
    CCA(n_components=1): 0.1
    KernelCCA(n_components=1): 1.0
    """

    def __init__(
        self,
        n_components: int | None = None,
        *,
        kernel: Any = "rbf",
        gamma: Any = None,
        degree: Any = 3,
        coef0: Any = 1.0,
        kernel_params: Any = None,
        regularization: Any = 1e-3,
        approximation: str | None = None,
        n_landmarks: Any = None,
        landmarks: Any = "uniform",
        tol: float = 1e-3,
        power: float = 1.0,
        random_state: int | RandomState | Generator | None = None,
    ) -> None:
        self.n_components = n_components
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params
        self.regularization = regularization
        self.approximation = approximation
        self.n_landmarks = n_landmarks
        self.landmarks = landmarks
        self.tol = tol
        self.power = power
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit the shared space to paired rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features_x)
            Rows of the first modality, at least two; with ``kernel="precomputed"`` their kernel (n_rows, n_rows).
        y : array-like of shape (n_rows, n_features_y) or (n_rows,)
            Rows of the second modality, paired with those of `X`, or their kernel; 1-D counts as one column.

        Returns
        -------
        self : object
            The fitted model.

        Raises
        ------
        ValueError, TypeError
            If the sides differ in rows, values are not finite, a parameter or a kernel is not as described above, or
            `n_components` is more than there are.
        """
        sides = self._checked_sides()
        with checked_pair(X, y, estimator=self, min_rows=2) as rows:
            check_training_rows(sides, rows)
            matrices = matrices_of_fit(rows.n_rows, self.n_components) if self.approximation is None else 0
            with room_for_kernels(rows.n_rows, matrices):
                self._keep(fit_kernels(rows, sides, *self._free(), self.random_state, self._settled()))
        return self

    @available_if(_takes_batches)
    def partial_fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Add paired rows to those seen so far and solve again, where the map is fixed before any row is seen.

        That is ``approximation="fourier"`` with numbers for `gamma`, or ``"nystroem"`` with arrays for `landmarks`
        (and numbers for `gamma` where the kernel has one). Batches of any size, in any order, give the model that one
        `fit` on all rows gives; `random_state` has to be an integer for that. While too few rows have been seen for
        `n_components`, the model has as many as they allow (`n_components_`; none after one row). Each
        batch ends with the solution of a problem as large as there are features, so let it have at least as many rows.
        Between batches `n_components`, `regularization` and `power` may change; kernels and map are settled.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features_x)
            Further rows of the first modality; one is enough, and an empty batch is skipped.
        y : array-like of shape (n_rows, n_features_y) or (n_rows,)
            The rows of the second modality paired with them.

        Returns
        -------
        self : object
            The updated model; if the batch is rejected, the model is exactly as it was.

        Raises
        ------
        ValueError
            If the batch differs from earlier ones in width or names, a parameter of kernels or map has changed since
            the first, `n_components` is more than there are features, or the batch is bad in a way that `fit` refuses.
        """
        sides = self._checked_sides()
        seen: KernelModel | None = vars(self).get("model_")
        if seen is not None and seen.left_out:
            raise ValueError(f"partial_fit needs the moments of the rows seen so far. {LEFT_OUT}")
        # An exact model has no state to continue from.
        stream = None if seen is None else seen.stream
        with checked_pair(X, y, estimator=self, reset=stream is None, min_rows=0) as rows:
            if stream is not None:
                check_unchanged(self._settled(), stream.settled)
            if not rows.n_rows:
                return self
            if seen is None or stream is None:
                settings = sides, *self._free(), self.random_state, self._settled()
                self._keep(fit_kernels(rows, *settings, allow_fewer=True))
            else:
                self._keep(with_further_rows(seen, rows, sides, *self._free()))
        return self

    def _checked_sides(self) -> Sides:
        check_n_components(self.n_components)
        check_power(self.power)
        sides = self._sides(self.gamma, self.regularization)
        check_settings(sides)
        return sides

    def _free(self) -> tuple[int | None, float]:
        return self.n_components, self.power

    def _settled(self) -> dict[str, Any]:
        """Return the parameters that a stream of batches may not change."""
        return {name: as_settled(value) for name, value in self.get_params(deep=False).items() if name not in FREE}

    def _keep(self, model: KernelModel) -> None:
        warn_if_overfitted(model, self.regularization)
        self.model_ = model
