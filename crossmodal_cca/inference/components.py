"""Meaning of components: variance explained, correlations with the features, importance of the features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg
from sklearn.base import RegressorMixin

from .._aligner import fitted_aligner, unwrapped
from .._typing import FloatArray
from ._canonical import component_index
from ._side_rows import SIDES, feature_names, scored_sides, unit_columns

if TYPE_CHECKING:
    from pandas import DataFrame, Series


def explained_variance(aligner: Any, X: ArrayLike, y: ArrayLike) -> DataFrame:
    """Compute the share of variance that each component's scores explain in their own modality and in the other.

    Parameters
    ----------
    aligner : estimator
        Fitted aligner.
    X : array-like of shape (n_rows, n_features_x)
        Rows of the first modality, at least two; held-out ones for figures that are not too good.
    y : array-like of shape (n_rows, n_features_y) or (n_rows,)
        Rows of the second modality, paired with those of `X`.

    Returns
    -------
    DataFrame
        Index (side, component): the scores of which side, and the component from 1 on. Columns: ``own`` (share of the
        variance of their own side that these scores explain), ``own_cumulative`` (all scores up to this one),
        ``redundancy`` (share of the variance of the *other* side), ``redundancy_cumulative``. All in [0, 1].

    Raises
    ------
    NotFittedError, ValueError
        If the aligner is not fitted, the sides differ in rows or width from what it knows, or values are not finite.

    Notes
    -----
    For features Z (centred, in units of `x_scale_` or `y_scale_` where the aligner has them, otherwise as they are) and
    a score t, the share is ‖Zᵀt‖² / (‖t‖²‖Z‖²): with ``scale=True`` on the training rows the mean squared structure
    correlation. The cumulative share is that of the regression of Z on all scores so far; it is the sum of the single
    ones where scores are uncorrelated, as those of `CCA` without shrinkage on its training rows. There, the redundancy
    is r² times the share the other side's own scores explain, and with every component the cumulative redundancy is
    the mean R² of the regression of the other side on this one.

    A large correlation with a small redundancy is a relation between details.

    References
    ----------
    Stewart & Love (1968), A general canonical correlation index. Psychological Bulletin 70.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.inference import explained_variance
    >>> X, y = make_paired_latent(500, 6, 3, random_state=0)
    >>> table = explained_variance(CCA(3).fit(X, y), X, y)
    >>> table.loc["y", "own_cumulative"].round(2).tolist()  # three features, three components
    [0.61, 0.96, 1.0]
    """
    import pandas as pd

    sides = scored_sides(aligner, X, y)
    units = [side.features / side.scale for side in sides]
    tables = []
    for name, side, own, other in zip(SIDES, sides, units, reversed(units), strict=True):
        table = pd.DataFrame(index=component_index(side.scores.shape[1]))
        for column, Z in (("own", own), ("redundancy", other)):
            table[column], table[f"{column}_cumulative"] = _shares(Z, side.scores)
        tables.append(pd.concat({name: table}, names=["side"]))
    return pd.concat(tables)


def _shares(Z: FloatArray, T: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Compute the share of the variance of Z (n, p) that each column of T (n, k), and all up to it, explain."""
    total = np.sum(Z**2)
    if total == 0:
        return np.zeros(T.shape[1]), np.zeros(T.shape[1])
    unit = unit_columns(T)
    Q, R = linalg.qr(unit, mode="economic")
    independent = np.zeros(T.shape[1], dtype=bool)
    # A score that depends on the earlier ones adds rounding, not a direction.
    independent[: len(R)] = np.abs(np.diagonal(R)) > 1e-10
    added = np.zeros(T.shape[1])
    added[: len(R)] = np.sum((Q.T @ Z) ** 2, axis=1)
    cumulative = np.cumsum(np.where(independent, added, 0.0)) / total
    return np.sum((unit.T @ Z) ** 2, axis=1) / total, np.minimum(cumulative, 1.0)


def structure_correlations(aligner: Any, X: ArrayLike, y: ArrayLike) -> DataFrame:
    """Correlate every feature with the scores of its own and of the other modality.

    Weights say how a score is made; these say what it means: a weight depends on which other features are there.

    Parameters
    ----------
    aligner : estimator
        Fitted aligner.
    X : array-like of shape (n_rows, n_features_x)
        Rows of the first modality, at least two.
    y : array-like of shape (n_rows, n_features_y) or (n_rows,)
        Rows of the second modality, paired with those of `X`.

    Returns
    -------
    DataFrame
        Index (side, feature), columns (scores, component): ``table.loc["x", "own"]`` holds the correlations of the
        x-features with the x-scores, ``table.loc["x", "other"]`` those with the y-scores. Features without names are
        x0, x1, … and y0, y1, …; components count from 1. 0 where a feature or a score does not vary.

    Raises
    ------
    NotFittedError, ValueError
        If the aligner is not fitted, the sides differ in rows or width from what it knows, or values are not finite.

    See Also
    --------
    crossmodal_cca.plotting.CorrelationCircleDisplay : A picture of two components.
    bootstrap_weights : Which of the weights and loadings are stable.

    Notes
    -----
    For `CCA` without shrinkage on its training rows, the correlations with the other side's scores are the canonical
    correlation times those with the own side's.

    References
    ----------
    Meredith (1964), Canonical correlations with fallible data. Psychometrika 29.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.inference import structure_correlations
    >>> from sklearn.datasets import load_linnerud
    >>> X, y = load_linnerud(return_X_y=True, as_frame=True)
    >>> table = structure_correlations(CCA(2).fit(X, y), X, y)
    >>> table.loc["x", "own"].round(2)
    component     1     2
    feature
    Chins      0.73  0.24
    Situps     0.82  0.57
    Jumps      0.16  0.96
    """
    import pandas as pd

    sides = scored_sides(aligner, X, y)
    scores = [unit_columns(side.scores) for side in sides]
    tables = {}
    for name, side, own, other in zip(SIDES, sides, scores, reversed(scores), strict=True):
        Z = unit_columns(side.features)
        features = pd.Index(side.names, name="feature")
        tables[name] = pd.concat(
            {
                label: pd.DataFrame(np.clip(Z.T @ T, -1.0, 1.0), features, component_index(T.shape[1]))
                for label, T in (("own", own), ("other", other))
            },
            axis=1,
            names=["scores"],
        )
    return pd.concat(tables, names=["side"])


def vip_scores(pls: Any) -> Series[float]:
    """Compute the variable importance in the projection (VIP) of each x-feature.

    Parameters
    ----------
    pls : PLSRegression
        Fitted PLS regression.

    Returns
    -------
    Series of shape (n_features_x,)
        Importance of each x-feature, by name; their mean square is 1, and features below 1 matter less than the mean
        one. 0 for a feature that does not vary.

    Raises
    ------
    TypeError, NotFittedError
        If `pls` is not this package's PLS regression, or not fitted.

    Notes
    -----
    With unit weights w_j, scores t_j and y-loadings q_j,

        VIP_f = √(p · Σ_j s_j w_fj² / Σ_j s_j),   s_j = ‖t_j‖²‖q_j‖²,

    the sum of squares of the standardised y that component j explains.

    References
    ----------
    Wold, Johansson & Cocchi (1993), PLS: partial least squares projections to latent structures. In: 3D QSAR in Drug
    Design.

    Examples
    --------
    >>> from crossmodal_cca import PLSRegression
    >>> from crossmodal_cca.inference import vip_scores
    >>> from sklearn.datasets import load_linnerud
    >>> X, y = load_linnerud(return_X_y=True, as_frame=True)
    >>> vip_scores(PLSRegression(2).fit(X, y)).round(2).to_dict()
    {'Chins': 0.9, 'Situps': 1.14, 'Jumps': 0.94}
    """
    import pandas as pd

    pls = unwrapped(pls, "pls")
    if isinstance(pls, RegressorMixin):
        fitted_aligner(pls, "pls", ())
    # A PLSRegression of scikit-learn has weights and loadings, but no singular values.
    if not (isinstance(pls, RegressorMixin) and hasattr(pls, "x_weights_") and hasattr(pls, "singular_values_")):
        raise TypeError(
            f"vip_scores takes a fitted crossmodal_cca.PLSRegression, got {type(pls).__name__}: the importance is that "
            "for predicting y by its components."
        )
    W = unit_columns(np.asarray(pls.x_weights_, dtype=np.float64))
    # ‖t‖²‖q‖² in units of n − 1 rows: the deflated cross-covariance has the singular value ‖t‖²‖q‖.
    s = pls.singular_values_ * np.linalg.norm(pls.y_loadings_, axis=0)
    vip = np.sqrt(len(W) * (W**2 @ s) / s.sum()) if s.sum() > 0 else np.zeros(len(W))
    names = feature_names(getattr(pls, "feature_names_in_", None), "x", len(W))
    return pd.Series(vip, index=pd.Index(names, name="feature"), name="vip")
