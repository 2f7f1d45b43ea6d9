"""How good predicted features of the other modality are, and between which bounds the true ones lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._checks import check_confidence_level
from .._errors import in_terms_of
from .._sklearn import check_array
from .._typing import FloatArray
from .._validation import check_same_rows, warn_of_other_order
from ..alignment.fitted import check_modality, check_training_rows
from ..metrics import per_query
from ..metrics.report import check_resampling
from ..metrics.resampling import bootstrap, cluster_codes, percentile_interval

if TYPE_CHECKING:
    import pandas as pd


def prediction_intervals(
    aligner: Any, rows: ArrayLike, *, modality: str = "y", confidence_level: float = 0.9
) -> tuple[FloatArray, FloatArray]:
    """Bounds between which each feature of the other modality lies, given rows of one.

    Parameters
    ----------
    aligner : estimator
        A fitted linear aligner, or a `CrossModalPipeline` around one.
    rows : array-like of shape (n_rows, n_features)
        Rows of the modality that is known.
    modality : {"y", "x"}, default="y"
        Modality to predict.
    confidence_level : float in (0, 1), default=0.9
        Share of the true values between the bounds, each feature for itself.

    Returns
    -------
    low, high : ndarray of shape (n_rows, n_features_other)
        Ends of the intervals, in the units of the features; 1-D where predictions are.

    Raises
    ------
    TypeError
        If the aligner has no ``residual_covariance``, as `KernelCCA`.
    ValueError, TypeError
        If a parameter is out of its range, the aligner is not fitted, or the rows are bad.

    See Also
    --------
    prediction_report : How good the predictions are.

    Notes
    -----
    Prediction ± z √diag(residual covariance), with z the quantile of the normal distribution. They cover the scatter
    of rows around the map, not the error of the map itself: with few training rows for each feature they are too
    narrow.

    References
    ----------
    Bach & Jordan (2005), A probabilistic interpretation of canonical correlation analysis.

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
    """
    from scipy.stats import norm

    check_modality(modality, "modality")
    check_confidence_level(confidence_level)
    check_is_fitted(aligner)
    if not hasattr(aligner, "residual_covariance"):
        raise TypeError(
            f"aligner must have residual_covariance, as linear aligners do; {type(aligner).__name__} has not."
        )
    with in_terms_of(**{"X" if modality == "y" else "y": "rows"}):
        predicted = _predicted(aligner, rows, modality)
    half = norm.ppf((1 + confidence_level) / 2) * np.sqrt(np.diagonal(aligner.residual_covariance(modality)))
    half = half[0] if predicted.ndim == 1 else half
    return predicted - half, predicted + half


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
    n_bootstrap: int = 1000,
    confidence_level: float = 0.95,
    random_state: int | RandomState | None = None,
) -> pd.DataFrame:
    """Compare predicted features of the other modality with the true ones, and with what is easily had.

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
    n_bootstrap : int >= 0, default=1000
        Resamples of the rows; 0 leaves the intervals NaN.
    confidence_level : float in (0, 1), default=0.95
        Share of the resamples inside the intervals.
    random_state : int, RandomState instance or None, default=None
        Seed of the resamples.

    Returns
    -------
    DataFrame of shape (9, 3)
        Rows: ``(predictor, metric)`` for "prediction", "mean" of the training rows and "nearest neighbours"; metrics
        "r2", the share of the variance of all features together that is predicted; "cosine" of predicted and true
        rows, both around the training mean; ``hit_rate_at_k``, whether the true row is among the k of all true rows
        that are nearest to the predicted one by that cosine. Columns: ``value``, ``low``, ``high``.

    Raises
    ------
    ValueError, TypeError
        If a parameter is out of its range, or the rows are bad.

    See Also
    --------
    prediction_intervals : Bounds of the predictions.

    Notes
    -----
    ``r2`` is 1 − Σ‖y − ŷ‖² / Σ‖y − ȳ‖², as ``sklearn.metrics.r2_score`` with ``multioutput="variance_weighted"``.
    Intervals are percentiles over resampled rows, the training rows being fixed.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.transfer import prediction_report
    >>> X, y = make_paired_latent(600, 8, 5, correlations=(0.9, 0.8), random_state=0)
    >>> train, test = slice(400), slice(400, None)
    >>> cca = CCA(2).fit(X[train], y[train])
    >>> report = prediction_report(cca, X[test], y[test], X_train=X[train], y_train=y[train], random_state=0)
    >>> report["value"].unstack("metric").round(3)
    metric                 r2  cosine  hit_rate_at_10
    predictor
    prediction          0.118   0.342           0.170
    mean               -0.015   0.000           0.050
    nearest neighbours -0.672   0.148           0.075
    """
    import pandas as pd

    check_modality(modality, "modality")
    check_resampling(n_bootstrap, "n_bootstrap", confidence_level)
    sides = {}
    for name, A in (("X", X), ("y", y), ("X_train", X_train), ("y_train", y_train)):
        array: FloatArray = check_array(A, dtype=[np.float64, np.float32], ensure_2d=False, input_name=name)
        sides[name] = array.reshape(len(array), -1)
    check_same_rows(len(sides["X"]), len(sides["y"]))
    warn_of_other_order(X=X, y=y)
    check_training_rows(aligner, X, y, X_train, y_train)
    own, other = ("y", "X") if modality == "y" else ("X", "y")
    truth, training = sides[own], sides[f"{own}_train"]
    # The rows as they came: they may have names.
    predicted = _predicted(aligner, X if modality == "y" else y, modality).reshape(len(truth), -1)
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
        resampled = _as_metrics(bootstrap(per_row, (), clusters, n_bootstrap, rng))
        low, high = percentile_interval(resampled, confidence_level)
        value = _as_metrics(per_row.mean(axis=1))
        parts[name] = pd.DataFrame(
            {"value": value, "low": low, "high": high}, index=["r2", "cosine", f"hit_rate_at_{k}"]
        )
    return pd.concat(parts, names=["predictor", "metric"])


def _per_row(truth: FloatArray, guess: FloatArray, mean: FloatArray, k: int) -> FloatArray:
    """Squared error and squared deviation from the mean of the true rows, cosine, and hit, (4, n_rows)."""
    error = np.square(truth - guess).sum(axis=1)
    deviation = np.square(truth - truth.mean(axis=0)).sum(axis=1)
    a, b = truth - mean, guess - mean
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = np.einsum("ij,ij->i", a, b) / np.where(lengths > 0, lengths, 1.0)
    return np.stack((error, deviation, cosine, per_query("hit_rate_at_k", b, a, k=k))).astype(float)


def _as_metrics(means: FloatArray) -> FloatArray:
    """Means of what `_per_row` gives as R², cosine and hit rate."""
    return np.stack((1 - means[0] / means[1], means[2], means[3]))


def _of_neighbours(rows: FloatArray, train: FloatArray, targets: FloatArray, n_neighbors: int) -> FloatArray:
    # Takes a tenth of a second to import.
    from sklearn.neighbors import KNeighborsRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    neighbours = make_pipeline(StandardScaler(), KNeighborsRegressor(n_neighbors, metric="cosine"))
    return np.asarray(neighbours.fit(train, targets).predict(rows))


def _predicted(aligner: Any, rows: ArrayLike, modality: str) -> FloatArray:
    return np.asarray(aligner.predict(rows) if modality == "y" else aligner.predict_x(rows))
