"""Bootstrap of weights and loadings: refits to resampled pairs, with components matched to the original ones."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from .._aligner import METHODS, fitted_aligner
from .._checks import check_choice, check_confidence_level, check_n_jobs, check_random_state, check_whole_number
from .._progress import Progress
from .._typing import FloatArray
from .._warn import warn
from ..alignment._fitted_aligner import unfitted
from ..metrics._resampling import cluster_codes
from ..rows._validation import check_pair, warn_of_other_order
from ._side_rows import SIDES, feature_names, unit_columns

if TYPE_CHECKING:
    from pandas import DataFrame

# Choices of `kind`.
KINDS = ("weights", "loadings", "rotations")
# Most useless draws in a row: if one draw in ten is useful, 500 resamples are found with probability .99.
_MOST_DRAWS = 100
# Share of resamples drawn again above which a warning is given: as much as a usual interval leaves outside.
_MANY = 0.05


def bootstrap_weights(
    aligner: Any,
    X: ArrayLike,
    y: ArrayLike,
    n_resamples: int = 500,
    *,
    kind: str = "weights",
    groups: ArrayLike | None = None,
    confidence_level: float = 0.95,
    random_state: Any = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> DataFrame:
    """Estimate the stability of an aligner's weights or loadings over training pairs drawn with replacement.

    Parameters
    ----------
    aligner : estimator
        Fitted linear aligner (`CCA` or PLS); refitted as a clone, never changed. For a fitted search (`CCACV`,
        `PLSRegressionCV`, scikit-learn's) the settings it has chosen are refitted, not the search.
    X : array-like of shape (n_rows, n_features_x)
        The rows of the first modality that it was fitted to.
    y : array-like of shape (n_rows, n_features_y) or (n_rows,)
        Rows of the second modality, paired with those of `X`.
    n_resamples : int >= 2, default=500
        Number of resamples. All values are kept until the end: 8 bytes for each resample, feature and component.
    kind : {"weights", "loadings", "rotations"}, default="weights"
        Coefficients to report. Loadings say what a component means, and vary less than weights if features correlate.
    groups : array-like of shape (n_rows,), default=None
        Rows of one group (a subject, a picture with several captions) are drawn together; None for single pairs.
    confidence_level : float in (0, 1), default=0.95
        Share of the resamples inside the interval (percentiles).
    random_state : int, RandomState, Generator or None, default=None
        Seed of the resamples; the same one gives the same table for any `n_jobs`.
    n_jobs : int or None, default=None
        Number of threads among which the refits are shared; None for one, −1 for all cores.
    verbose : int >= 0, default=0
        Above 0, progress is printed.

    Returns
    -------
    DataFrame
        Index (side, component, feature), components from 1; columns ``value`` (of the aligner), ``standard_error``,
        ``low``, ``high``, ``sign_consistency`` (share of resamples with the value's sign) and ``match`` (mean
        correlation of the component's scores with those of its counterpart, the same for all its features: well below
        1, the component itself is not determined by these rows). ``attrs["n_redrawn"]`` is the number of resamples that
        were drawn again; where it is more than 5 % of all, a warning says why.

    Raises
    ------
    NotFittedError, TypeError, ValueError
        If the aligner is not fitted or has no weights, the sides differ in rows, a parameter is out of its range, or
        100 resamples in a row are of no use.

    Notes
    -----
    Components of a refit come in another order and with other signs. Each is matched to one of the original's: by the
    assignment with the largest sum of abs(c_x + c_y), c the correlation of both models' scores of a side on the
    original rows; the sign of c_x + c_y is then given to both sides together. Without this, close correlations would
    make every weight look unstable. A resample in which a feature does not vary that does in `X` or `y`, or with too
    few different rows for as many components, says nothing of the model and is drawn again: the table describes the
    others. A resample repeats rows, so it over-fits more than the original: the intervals are a measure of stability,
    not a test.

    References
    ----------
    McIntosh & Lobaugh (2004), Partial least squares analysis of neuroimaging data: applications and advances.
    NeuroImage 23.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.inference import bootstrap_weights
    >>> from sklearn.datasets import load_linnerud
    >>> X, y = load_linnerud(return_X_y=True, as_frame=True)
    >>> table = bootstrap_weights(CCA(1).fit(X, y), X, y, 100, kind="loadings", random_state=0)
    >>> table.loc[("y", 1), "value"].round(2).to_dict()
    {'Weight': -0.62, 'Waist': -0.93, 'Pulse': 0.33}
    >>> float(table.loc[("y", 1, "Waist"), "sign_consistency"]) > 0.9
    True
    """
    n_resamples = check_whole_number(n_resamples, "n_resamples", low=2)
    check_choice(kind, "kind", KINDS)
    level = check_confidence_level(confidence_level)
    check_n_jobs(n_jobs)
    way_out = "Pass a fitted CCA or PLS model; of a pipeline, its aligner_ and the transformed rows."
    aligner = fitted_aligner(aligner, needs=(*METHODS, f"x_{kind}_"), way_out=way_out)
    rows = check_pair(X, y, min_rows=2)
    warn_of_other_order(X=X, groups=groups)
    A, B = rows.X.array, rows.y.array
    codes = cluster_codes(groups, "groups", np.arange(len(A)), len(A))
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    if len(members) < 2:
        raise ValueError("groups has a single group; resampling needs at least two.")
    seed = check_random_state(random_state).randint(2**31)
    original = _unit_scores(aligner, X, y)
    names = (
        feature_names(getattr(aligner, "feature_names_in_", None), "x", A.shape[1]),
        feature_names(getattr(aligner, "y_feature_names_in_", None), "y", B.shape[1]),
    )
    resampling = _Resampling(unfitted(aligner), (A, B), names, (_varies(A), _varies(B)), members, original, kind)
    workers = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
    tasks = (delayed(resampling.refit)((seed, i)) for i in range(n_resamples))
    draws, matches, reasons = [], [], []
    with warnings.catch_warnings(), Progress("refits", n_resamples, verbose) as progress:
        # A refit with fewer components than asked for is detected here, and drawn again.
        warnings.filterwarnings("ignore", "The covariance of X and y is exhausted|X and y have no covariance")
        for drawn, match, why in workers(tasks):
            draws.append(drawn)
            matches.append(match)
            reasons += why
            progress.update(len(draws))
    _warn_of(reasons, n_resamples)
    table = _table(aligner, kind, np.stack(draws), np.mean(matches, axis=0), names, level)
    table.attrs["n_redrawn"] = len(reasons)
    return table


@dataclass(frozen=True, eq=False)
class _Resampling:
    """The rows that resamples are drawn from, and the model that refits are compared with."""

    model: Any
    sides: tuple[NDArray[Any], NDArray[Any]]
    names: tuple[NDArray[Any], NDArray[Any]]
    varies: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    members: list[NDArray[np.intp]]
    original: tuple[FloatArray, FloatArray]
    kind: str

    def refit(self, seed: tuple[int, int]) -> tuple[FloatArray, FloatArray, list[str]]:
        """Return values (p + q, k) of one refit in the original's order and signs, the quality of the matches, and the
        reasons why resamples were drawn again before it.
        """
        rng = np.random.default_rng(seed)
        reasons: list[str] = []
        for _ in range(_MOST_DRAWS):
            drawn = rng.integers(len(self.members), size=len(self.members))
            try:
                return (*self._matched(np.concatenate([self.members[i] for i in drawn])), reasons)
            except _UselessResample as useless:
                reasons.append(str(useless))
        raise ValueError(
            f"{_MOST_DRAWS} resamples in a row were of no use, the last because {reasons[-1]}. Lower n_components, "
            "leave out features that vary in few rows only, or add rows."
        )

    def _matched(self, rows: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
        resample = [A[rows] for A in self.sides]
        for side, A, names, varies in zip(SIDES, resample, self.names, self.varies, strict=True):
            still = names[varies & ~_varies(A)]
            if len(still):
                raise _UselessResample(f"feature {still[0]!r} of {side} does not vary in it")
        try:
            model = clone(self.model).fit(*resample)
        except ValueError as error:
            # The original rows could be fitted, so the error is due to the resample.
            raise _UselessResample(f"it cannot be fitted ({error})") from error
        k = self.original[0].shape[1]
        if model.n_components_ < k:
            raise _UselessResample(f"it has {model.n_components_} of the {k} components of the model")
        refitted = _unit_scores(model, *self.sides)
        agreement = np.mean([mine.T @ theirs for mine, theirs in zip(self.original, refitted, strict=True)], axis=0)
        order = linear_sum_assignment(-np.abs(agreement))[1]
        match = agreement[np.arange(k), order]
        values = np.vstack([getattr(model, f"{side}_{self.kind}_") for side in SIDES]).astype(np.float64)
        return values[:, order] * np.where(match < 0, -1.0, 1.0), np.abs(match)


class _UselessResample(Exception):
    """The reason why a resample cannot be used."""


def _varies(A: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell for each column whether its values differ by more than rounding."""
    low, high = (extreme(A, axis=0).astype(np.float64) for extreme in (np.min, np.max))
    varies: NDArray[np.bool_] = high - low > 4 * np.finfo(np.float64).eps * np.maximum(np.abs(low), np.abs(high))
    return varies


def _unit_scores(model: Any, A: ArrayLike, B: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Compute the scores of both sides, centred and of unit length."""
    scores = (np.asarray(S, dtype=np.float64) for S in (model.transform(A), model.transform_y(B)))
    x, y = (unit_columns(S - S.mean(axis=0)) for S in scores)
    return x, y


def _warn_of(reasons: list[str], n_resamples: int) -> None:
    """Warn if many resamples were drawn again."""
    n_drawn = n_resamples + len(reasons)
    if len(reasons) > _MANY * n_drawn:
        most_often = Counter(reasons).most_common(1)[0][0]
        warn(
            f"{len(reasons)} of {n_drawn} resamples were drawn again, most often because {most_often}. The intervals "
            "are those of resamples in which all features vary and all components are found; of features that vary in "
            "few rows they say little."
        )


def _table(
    aligner: Any, kind: str, draws: FloatArray, match: FloatArray, names: tuple[NDArray[Any], ...], level: float
) -> DataFrame:
    """Build a table with a row for each side, component and feature from draws (n_resamples, p + q, k)."""
    import pandas as pd

    values = [np.asarray(getattr(aligner, f"{side}_{kind}_"), dtype=np.float64) for side in SIDES]
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
    columns = {
        "value": np.vstack(values),
        "standard_error": draws.std(axis=0, ddof=1),
        "low": low,
        "high": high,
        "sign_consistency": np.mean(np.sign(draws) == np.sign(np.vstack(values)), axis=0),
        "match": np.broadcast_to(match, low.shape),
    }
    tables, start = [], 0
    for side, value, named in zip(SIDES, values, names, strict=True):
        p, k = value.shape
        index = pd.MultiIndex.from_product([[side], range(1, k + 1), named], names=["side", "component", "feature"])
        part = {name: column[start : start + p].T.ravel() for name, column in columns.items()}
        tables.append(pd.DataFrame(part, index=index))
        start += p
    return pd.concat(tables)
