"""Intervals of predicted features of the other modality, and a report on how good the predictions are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator, RandomState
from numpy.typing import ArrayLike

from .._aligner import fitted_aligner, innermost
from .._checks import check_choice, check_confidence_level, check_random_state, check_whole_number
from .._sklearn import check_array, count_rows
from .._typing import DataFrame, FloatArray
from .._warn import warn
from ..alignment._fitted_aligner import check_modality, check_training_rows
from ..metrics._inputs import SIDES, prepare
from ..metrics._intervals import interval_of_mean, percentile_interval
from ..metrics._resampling import bootstrap, cluster_codes
from ..metrics.measures import ChosenMeasure, evaluate_measures
from ..metrics.report import check_resampling
from ..rows._validation import check_same_rows, warn_of_other_order
from ._conformal import checked_pair, cross_fitted, cross_interval, predictions, residuals, split_interval, warn_of_few

# Methods of intervals.
METHODS = ("gaussian", "conformal")
# Rows for each feature at which Gaussian intervals of nominal 90 % cover 88 % (benchmarks/interval_coverage.py).
ENOUGH_ROWS = 20


def prediction_intervals(
    aligner: Any,
    rows: ArrayLike,
    *,
    modality: str = "y",
    method: str = "gaussian",
    calibration: tuple[ArrayLike, ArrayLike] | None = None,
    cv: Any = None,
    groups: ArrayLike | None = None,
    confidence_level: float = 0.9,
) -> tuple[FloatArray, FloatArray]:
    """Compute bounds of each feature of the other modality, given rows of one.

    Parameters
    ----------
    aligner : estimator
        A fitted linear aligner, or a `CrossModalPipeline` around one. For ``method="conformal"`` any fitted model with
        ``predict`` (for modality "x" ``predict_x``), such as `KernelCCA`, a pipeline that ends in one, or a regressor
        of scikit-learn; with `cv` it need not be fitted.
    rows : array-like of shape (n_rows, n_features)
        Rows of the modality that is known.
    modality : {"y", "x"}, default="y"
        Modality to predict.
    method : {"gaussian", "conformal"}, default="gaussian"
        "gaussian": from the residuals of the training rows, as if they were normal and the map were known; too
        narrow with few rows for each feature. "conformal": from residuals of `calibration` rows, without assumptions
        on the model or the distribution but that these rows and the new ones come from the same source.
    calibration : tuple (X, y) of array-like, default=None
        For "conformal": pairs of rows that took no part in the fit; with `cv` the pairs to fit to.
    cv : int >= 2, splitter, iterable of (train, test) positions, or None, default=None
        For "conformal". None: the model as it is, and all calibration rows (split conformal). Otherwise clones of it
        are fitted to all folds but one (CV+), so that every pair serves for both; an integer shuffles with a fixed
        seed. Every row has to be in the test part of one fold.
    groups : array-like of shape (n_calibration_rows,), default=None
        For `cv`: groups of calibration rows that are not independent, and share a fold.
    confidence_level : float in (0, 1), default=0.9
        Share of the true values between the bounds, each feature for itself.

    Returns
    -------
    low, high : ndarray of shape (n_rows, n_features_other)
        Ends of the intervals, in the units of the features; 1-D where predictions are. Infinite, with a warning, where
        there are fewer calibration rows than confidence_level / (1 − confidence_level), such as 9 for .9.

    Raises
    ------
    TypeError
        If the aligner has no ``residual_covariance``, as `KernelCCA`, and the method is "gaussian"; or no ``predict``.
    ValueError, TypeError
        If a parameter is out of its range or goes with another method, the aligner is not fitted, or the rows are bad.

    Warns
    -----
    UserWarning
        "gaussian": if the aligner was fitted to fewer than 20 rows for each feature that it predicts from.

    See Also
    --------
    prediction_report : Measures how good the predictions are.

    Notes
    -----
    "gaussian" is prediction ± z √diag(residual covariance), with z the quantile of the normal distribution: the scatter
    of rows around the map, not the error of the map itself. Measured at nominal 90 % on synthetic data, `CCA` with all
    components: .41 at 1.5 rows for each feature, .80 at 5, .86 at 10, .88 at 20, .89 at 40.

    Split conformal is prediction ± the ⌈confidence_level · (n + 1)⌉-th smallest absolute error of the n calibration
    rows. On average over draws of these rows it holds between `confidence_level` and 1 / (n + 1) more of the new
    values; from one draw of 20 it may be .8 or .98. CV+ takes the same rank among prediction − error for the lower end
    and prediction + error for the upper, with the fold's model and errors; at least 2 · confidence_level − 1 are held,
    and in practice about `confidence_level` or more.

    References
    ----------
    Bach & Jordan (2005), A probabilistic interpretation of canonical correlation analysis.

    Lei, G'Sell, Rinaldo, Tibshirani & Wasserman (2018), Distribution-free predictive inference for regression.

    Barber, Candès, Ramdas & Tibshirani (2021), Predictive inference with the jackknife+.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.transfer import prediction_intervals
    >>> X, y = make_paired_latent(4000, 8, 5, random_state=0)
    >>> cca = CCA(2).fit(X[:2000], y[:2000])
    >>> low, high = prediction_intervals(cca, X[2000:])
    >>> float(((low < y[2000:]) & (y[2000:] < high)).mean().round(2))
    0.9

    With few pairs, some of them are kept for calibration:

    >>> few = CCA(2).fit(X[:30], y[:30])
    >>> calibration = X[30:60], y[30:60]
    >>> low, high = prediction_intervals(few, X[2000:], method="conformal", calibration=calibration)
    >>> bool(((low < y[2000:]) & (y[2000:] < high)).mean() > 0.85)
    True
    """
    check_modality(modality, "modality")
    check_choice(method, "method", METHODS)
    check_confidence_level(confidence_level)
    given = {"calibration": calibration, "cv": cv, "groups": groups}
    for name, needs, is_met in (
        ("calibration", "method='conformal'", method == "conformal"),
        ("cv", "method='conformal'", method == "conformal"),
        ("groups", "cv", cv is not None),
    ):
        if given[name] is not None and not is_met:
            raise ValueError(f"{name} goes with {needs}; pass both or neither.")
    if method == "gaussian":
        return _gaussian_intervals(aligner, rows, modality, confidence_level)
    pairs = checked_pair(calibration)
    if cv is None:
        predicted = predictions(aligner, rows, modality, "rows")
        intervals = split_interval(predicted, residuals(aligner, pairs, modality), confidence_level)
    else:
        intervals = cross_interval(*cross_fitted(aligner, rows, pairs, modality, cv, groups), confidence_level)
    warn_of_few(count_rows(pairs[0], "calibration"), confidence_level)
    return intervals


def _gaussian_intervals(
    aligner: Any, rows: ArrayLike, modality: str, confidence_level: float
) -> tuple[FloatArray, FloatArray]:
    from scipy.stats import norm

    way_out = "Use method='conformal', with calibration rows."
    aligner = fitted_aligner(aligner, needs=("residual_covariance",), way_out=way_out)
    predicted = predictions(aligner, rows, modality, "rows")
    _warn_of_few_rows(aligner, modality, confidence_level)
    half = norm.ppf((1 + confidence_level) / 2) * np.sqrt(np.diagonal(aligner.residual_covariance(modality)))
    half = half[0] if predicted.ndim == 1 else half
    return predicted - half, predicted + half


def _warn_of_few_rows(aligner: Any, modality: str, confidence_level: float) -> None:
    aligner = innermost(aligner)
    n_rows, n_features = aligner.n_samples_seen_, len(aligner.x_mean_ if modality == "y" else aligner.y_mean_)
    if n_rows < ENOUGH_ROWS * n_features:
        warn(
            f"With {n_rows} training rows for {n_features} features these intervals are too narrow: fewer than "
            f"{confidence_level:g} of the true values may lie within. Fit to at least {ENOUGH_ROWS} rows for each "
            "feature, or use method='conformal' with calibration rows."
        )


def prediction_report(
    aligner: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    X_train: ArrayLike,
    y_train: ArrayLike,
    modality: str = "y",
    n_neighbors: int = 1,
    k: int = 10,
    groups: ArrayLike | None = None,
    n_resamples: int = 1000,
    confidence_level: float = 0.95,
    random_state: int | RandomState | Generator | None = None,
) -> DataFrame:
    """Compare predicted features of the other modality with the true ones, beside two simple baselines.

    Parameters
    ----------
    aligner : estimator
        A fitted aligner with ``predict`` and ``predict_x``.
    X : array-like of shape (n_rows, n_features_x)
        Rows of the first modality that took no part in the fit.
    y : array-like of shape (n_rows, n_features_y)
        Rows of the second modality paired with them.
    X_train, y_train : array-like of shape (n_training_rows, n_features)
        The pairs that the aligner was fitted to, for the baselines.
    modality : {"y", "x"}, default="y"
        Modality to predict.
    n_neighbors : int >= 1, default=1
        Training rows, nearest by cosine of standardised features, whose other side's mean is a baseline.
    k : int >= 1, default=10
        Results looked at for the hit rate.
    groups : array-like of shape (n_rows,), default=None
        Rows that are not independent; resampled together.
    n_resamples : int >= 0, default=1000
        Resamples of the rows; 0 leaves the intervals NaN.
    confidence_level : float in (0, 1), default=0.95
        Confidence level of the intervals.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the resamples.

    Returns
    -------
    DataFrame of shape (9, 3)
        Rows: ``(predictor, measure)`` for "prediction", "mean" of the training rows and "nearest neighbours"; measures
        "r2", the share of the variance of all features together that is predicted; "cosine" of predicted and true
        rows, both around the training mean; ``hit_rate_at_k``, whether the true row is among the k of all true rows
        that are nearest to the predicted one by that cosine. Columns: ``value``, ``low``, ``high``.

    Raises
    ------
    ValueError, TypeError
        If a parameter is out of its range, or the rows are bad.

    See Also
    --------
    prediction_intervals : Computes bounds of the predictions.

    Notes
    -----
    ``r2`` is 1 − Σ‖y − ŷ‖² / Σ‖y − ȳ‖², as ``sklearn.metrics.r2_score`` with ``multioutput="variance_weighted"``.
    Intervals are percentiles over resampled rows, and Wilson's for the hit rate, both as in
    :func:`~crossmodal_cca.metrics.retrieval_report`; the training rows are fixed.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.transfer import prediction_report
    >>> X, y = make_paired_latent(600, 8, 5, correlations=(0.9, 0.8), random_state=0)
    >>> train, test = slice(400), slice(400, None)
    >>> cca = CCA(2).fit(X[train], y[train])
    >>> report = prediction_report(cca, X[test], y[test], X_train=X[train], y_train=y[train], random_state=0)
    >>> report["value"].unstack("measure").round(3)
    measure                 r2  cosine  hit_rate_at_10
    predictor
    prediction          0.118   0.342           0.170
    mean               -0.015   0.000           0.050
    nearest neighbours -0.672   0.148           0.075
    """
    import pandas as pd

    check_modality(modality, "modality")
    check_resampling(n_resamples, "n_resamples", confidence_level)
    check_whole_number(n_neighbors, "n_neighbors")
    sides = {}
    for name, A in (("X", X), ("y", y), ("X_train", X_train), ("y_train", y_train)):
        array: FloatArray = check_array(A, dtype=[np.float64, np.float32], ensure_2d=False, input_name=name)
        sides[name] = array.reshape(len(array), -1)
    check_same_rows(len(sides["X"]), len(sides["y"]))
    warn_of_other_order(X=X, y=y, groups=groups)
    check_training_rows(aligner, X, y, X_train, y_train)
    own, other = ("y", "X") if modality == "y" else ("X", "y")
    truth, training = sides[own], sides[f"{own}_train"]
    # Pass the rows as they came: they may have column names.
    predicted = predictions(aligner, X if modality == "y" else y, modality, other).reshape(len(truth), -1)
    if predicted.shape[1] != truth.shape[1] or training.shape[1] != truth.shape[1]:
        raise ValueError(
            f"{own} has {truth.shape[1]} features, {own}_train {training.shape[1]}, and predictions "
            f"{predicted.shape[1]}; all three must agree."
        )
    if np.all(truth == truth[0]):
        raise ValueError(f"{own} must vary: without variance there is none to be predicted.")
    mean = training.mean(axis=0)
    predictors = {
        "prediction": predicted,
        "mean": np.broadcast_to(mean, truth.shape),
        "nearest neighbours": _of_neighbours(sides[other], sides[f"{other}_train"], training, n_neighbors),
    }
    clusters = cluster_codes(groups, "groups", np.arange(len(truth)), len(truth))
    rng = check_random_state(random_state)
    parts = {}
    for name, guess in predictors.items():
        per_row = _per_row(truth, guess, mean, k)
        resampled = _as_measures(bootstrap(per_row, (), clusters, n_resamples, rng))
        low, high = percentile_interval(resampled, clusters, confidence_level)
        if n_resamples:
            low[2], high[2] = interval_of_mean(per_row[3], clusters, confidence_level)
        value = _as_measures(per_row.mean(axis=1))
        parts[name] = pd.DataFrame(
            {"value": value, "low": low, "high": high}, index=["r2", "cosine", f"hit_rate_at_{k}"]
        )
    return pd.concat(parts, names=["predictor", "measure"])


def _per_row(truth: FloatArray, guess: FloatArray, mean: FloatArray, k: int) -> FloatArray:
    """Compute squared errors, squared deviations of the true rows from the mean, cosines and hits, (4, n_rows)."""
    error = np.square(truth - guess).sum(axis=1)
    deviation = np.square(truth - truth.mean(axis=0)).sum(axis=1)
    a, b = truth - mean, guess - mean
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = np.einsum("ij,ij->i", a, b) / np.where(lengths > 0, lengths, 1.0)
    # No warning about zero rows: the baseline guesses the mean for every row.
    problem = prepare(b, a, None, None, "cosine", quiet=SIDES)
    hit = evaluate_measures(problem, [ChosenMeasure.named("hit_rate_at_k", k=k)])[0]
    return np.stack((error, deviation, cosine, hit)).astype(float)


def _as_measures(means: FloatArray) -> FloatArray:
    """Convert means of `_per_row` to R², cosine and hit rate; leave out resamples in which the truth does not vary."""
    if means.ndim > 1:
        means = means[:, means[1] > 1e-24 * means[1].max(initial=0.0)]
    return np.stack((1 - means[0] / means[1], means[2], means[3]))


def _of_neighbours(rows: FloatArray, train: FloatArray, targets: FloatArray, n_neighbors: int) -> FloatArray:
    # Imported here, as the import takes a tenth of a second.
    from sklearn.neighbors import KNeighborsRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    neighbours = make_pipeline(StandardScaler(), KNeighborsRegressor(n_neighbors, metric="cosine"))
    return np.asarray(neighbours.fit(train, targets).predict(rows))
