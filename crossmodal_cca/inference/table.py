"""The summary table of the components of an aligner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from .._aligner import METHODS, fitted_aligner, innermost
from .._errors import in_terms_of
from .._typing import FloatArray
from ..alignment import CCA
from ..alignment._fitted_aligner import check_training_rows
from ..linalg._whitening import ranks_of_covariances
from ..rows._validation import check_rows
from ._canonical import component_index
from ._side_rows import scored_sides, unit_columns
from ._singular_values import is_testable
from .components import explained_variance
from .noise import debias_correlations, noise_edge
from .permutation import permutation_test

if TYPE_CHECKING:
    from pandas import DataFrame


def summary(
    aligner: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    X_train: ArrayLike | None = None,
    y_train: ArrayLike | None = None,
    n_permutations: int = 999,
    random_state: Any = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> DataFrame:
    """Summarise the components of a fitted aligner: correlations, noise edge, p-values and variance explained.

    Parameters
    ----------
    aligner : estimator
        Fitted aligner, or a `CrossModalPipeline` around one.
    X : array-like of shape (n_rows, n_features_x)
        Rows of the first modality that took no part in the fit, at least two.
    y : array-like of shape (n_rows, n_features_y) or (n_rows,)
        Rows of the second modality, paired with those of `X`.
    X_train, y_train : array-like of shape (n_train, n_features_x) and (n_train, n_features_y), default=None
        The rows that the aligner was fitted to, for the p-values; without them these are NaN.
    n_permutations : int >= 1, default=999
        Number of permutations of the p-values.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the permutations.
    n_jobs : int or None, default=None
        Number of threads among which the permutations are shared; None for one, −1 for all cores.
    verbose : int >= 0, default=0
        Above 0, progress of the permutations is printed.

    Returns
    -------
    DataFrame
        A row for each component, counted from 1: ``training`` (correlation of the scores on the training rows),
        ``debiased`` (estimate of the population's), ``held_out`` (on `X` and `y`), ``noise_edge``, ``p_value``
        (family-wise, by `permutation_test`), ``x_variance`` and ``y_variance`` (share of either side's held-out
        variance that its own scores explain).

        ``p_value`` is that of canonical correlations for `CCA` without shrinkage, and that of singular values for
        `CCA` with shrinkage or more features than rows allow, and for PLS. It is NaN without the training rows; for an
        aligner fitted with weights, which permuted rows would not keep; for one whose settings were chosen on these
        rows by cross-validation, which has seen how they are paired (test its ``best_params_`` on other rows, by
        `permutation_test`); and for a kernel, which has no such test.

        ``debiased`` and ``noise_edge`` belong to `CCA` without shrinkage and without weights and are NaN for everything
        else: shrinkage lowers training correlations by an amount that depends on the data, and PLS does not maximise
        correlation. Then ``held_out`` is the figure to report. ``debiased`` is NaN below the noise edge, too.

    Raises
    ------
    NotFittedError, ValueError
        If the aligner is not fitted, rows differ in number or width, only one of X_train and y_train is given, or
        these are not the rows that the aligner was fitted to.

    See Also
    --------
    crossmodal_cca.plotting.ComponentSummaryDisplay : A picture of the table.
    explained_variance : Variance of the other side, and cumulative shares.

    Notes
    -----
    Expect training > debiased > held-out: the first is the maximum of the fit, the second estimates the correlation of
    the population's own best direction, the third is that of the direction found. Edge and debiasing use the ranks of
    both sides. A pipeline's own transformers are applied first: the variance is that of the transformed features.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.inference import summary
    >>> X, y = make_paired_latent(800, 30, 20, correlations=(0.8, 0.6), random_state=0)
    >>> cca = CCA(3).fit(X[:400], y[:400])
    >>> table = summary(cca, X[400:], y[400:], X_train=X[:400], y_train=y[:400], n_permutations=99, random_state=0)
    >>> table[["training", "debiased", "held_out", "p_value"]].round(2)
               training  debiased  held_out  p_value
    component
    1              0.83      0.80      0.76     0.01
    2              0.64      0.56      0.43     0.02
    3              0.42       NaN     -0.01     0.92
    """
    import pandas as pd

    if (X_train is None) != (y_train is None):
        raise ValueError(
            f"X_train and y_train go together: got only {'y_train' if X_train is None else 'X_train'}. Pass both or "
            "neither."
        )
    aligner = fitted_aligner(aligner)
    if X_train is not None:
        check_training_rows(aligner, X, y, X_train, y_train)
    model = fitted_aligner(innermost(aligner), needs=(*METHODS, "correlations_"))
    X, y = _features(aligner, X, y)
    x_side, y_side = scored_sides(model, X, y)
    held_out = np.einsum("ij,ij->j", unit_columns(x_side.scores), unit_columns(y_side.scores))
    variance = explained_variance(model, X, y)["own"]
    training = np.asarray(model.correlations_, dtype=np.float64)
    table: dict[str, Any] = {"training": training, "debiased": np.nan, "held_out": np.clip(held_out, -1.0, 1.0)}
    table |= {"noise_edge": np.nan, "p_value": np.nan}
    if _has_theory(model):
        size = int(model.n_samples_seen_), *_ranks(model)
        table["debiased"], table["noise_edge"] = debias_correlations(training, *size), noise_edge(*size)
    if X_train is not None and y_train is not None and _has_p_values(model):
        options = {"random_state": random_state, "n_jobs": n_jobs, "verbose": verbose}
        rows = _features(aligner, X_train, y_train)
        with in_terms_of(X="X_train", y="y_train"):
            table["p_value"] = _p_values(model, rows, n_permutations, options)
    for side in "xy":
        table[f"{side}_variance"] = variance.loc[side].to_numpy()
    return pd.DataFrame(table, index=component_index(len(training)))


def _has_theory(model: Any) -> bool:
    """Whether the aligner is CCA without shrinkage and without weights."""
    return _is_unshrunk(model) and _is_unweighted(model)


def _has_p_values(model: Any) -> bool:
    """Whether the components can be tested, with settings that do not depend on the pairing of the training rows.

    Without shrinkage, the number of components may depend on it: the test is the same for all numbers.
    """
    chosen = hasattr(model, "best_params_")
    return (_is_unshrunk(model) if chosen else is_testable(model)) and _is_unweighted(model)


def _is_unshrunk(model: Any) -> bool:
    return np.array_equal(getattr(model, "shrinkage_", ()), (0.0, 0.0))


def _is_unweighted(model: Any) -> bool:
    return bool(model.model_.weight_sum == model.n_samples_seen_)


def _ranks(model: Any) -> tuple[int, int]:
    """Compute the ranks of both sides' features."""
    return ranks_of_covariances(model.model_.known_pair().covariances())


def _features(aligner: Any, X: Any, y: Any) -> tuple[Any, Any]:
    """Apply the transformers of a pipeline to the rows of both sides."""
    transformers = getattr(aligner, "x_transformer_", None), getattr(aligner, "y_transformer_", None)
    X, y = (A if t is None else t.transform(A) for t, A in zip(transformers, (X, y), strict=True))
    return X, y


def _as_fitted(model: Any) -> Any:
    """Return an aligner with the settings of the fit, whatever has been set since."""
    scaled = any((getattr(model, f"{side}_scale_") != 1).any() for side in "xy")
    fitted = clone(model).set_params(scale=scaled)
    return fitted.set_params(shrinkage=model.shrinkage_) if hasattr(model, "shrinkage_") else fitted


def _p_values(model: Any, rows: tuple[Any, Any], n_permutations: int, options: dict[str, Any]) -> FloatArray:
    training = model.correlations_
    if _is_unshrunk(model):
        aligner = None if sum(_ranks(model)) < model.n_samples_seen_ else CCA()
    else:
        aligner = _as_fitted(model)
    # Passed as arrays, since a warning about labels in another order was given already.
    X, y = check_rows(rows[0], "X_train"), check_rows(rows[1], "y_train", one_column_is_1d=True)
    tests = permutation_test(X, y, n_permutations, aligner=aligner, n_components=len(training), **options)
    # Tolerance for single precision.
    if not np.allclose(tests["correlation"], training, atol=1e-4):
        raise ValueError(
            "X_train and y_train are not the rows that the aligner was fitted to: their correlations of scores differ "
            f"({tests['correlation'].iloc[0]:.4f} and {training[0]:.4f} for the first)."
        )
    return np.asarray(tests["p_value"])
