"""Comparisons of a model with another one, and with models fitted to wrong pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import shuffle

from .._aligner import check_can_be_fitted, fitted_aligner
from .._checks import check_random_state, check_whole_number
from .._docstrings import documented
from .._errors import in_terms_of
from .._progress import Progress
from .._typing import DataFrame
from ..rows._validation import warn_of_other_order
from ._directions import Direction, both_directions, check_names, table_of_directions
from ._inputs import SIDES
from ._intervals import intervals_of_differences
from ._resampling import Resampling, cluster_codes, swap_p_values
from ._shared_texts import OF_BOTH_DIRECTIONS
from .measures import values_of_kept
from .report import aggregates, chances, check_resampling, check_same_sizes, chosen_measures, gallery_size, sizes


@documented(OF_BOTH_DIRECTIONS)
def compare_retrieval(
    scores: tuple[Any, Any],
    baseline_scores: tuple[Any, Any],
    *,
    x_ids: Any = None,
    y_ids: Any = None,
    relevance: Any = None,
    x_groups: Any = None,
    y_groups: Any = None,
    ks: Sequence[int] = (1, 5, 10),
    measures: Sequence[str] | None = None,
    similarity: str = "cosine",
    exclude: Any = None,
    names: tuple[str, str] = ("x", "y"),
    n_resamples: int = 1000,
    confidence_level: float = 0.95,
    random_state: Any = None,
    verbose: int = 0,
) -> DataFrame:
    """Compare two models on the same queries and gallery, in both directions, with intervals and p-values.

    Parameters
    ----------
    scores : tuple of two array-like, (n_x, n_features) and (n_y, n_features)
        x- and y-scores of the model, such as ``model.transform(X, y)`` gives for paired rows.
    baseline_scores : tuple of two array-like, (n_x, n_features_b) and (n_y, n_features_b)
        Scores of the same rows under the model to compare with.
    n_resamples : int >= 0, default=1000
        Random swaps, and resamples for the median rank; 0 leaves interval and p-value NaN.

    Returns
    -------
    DataFrame of shape (2 * n_measures, 11)
        Rows as in :func:`retrieval_report`. Columns: ``value`` and ``baseline``; their ``difference``, with ``low`` and
        ``high`` ends of its interval; ``p_value``; ``n_better`` and ``n_worse``, queries that the model answers better
        or worse than the baseline; ``n_queries``, ``n_clusters``, ``n_gallery``. A smaller median rank is better,
        so a negative difference is an improvement.

    Raises
    ------
    ValueError, TypeError
        As :func:`retrieval_report`; or if the two models' numbers of rows differ.

    Notes
    -----
    Everything is paired by query, which makes the interval much narrower than two single ones suggest. It is Student's
    over the clusters of queries, with the jackknife's variance and n² / Σ n_c² − 1 degrees of freedom for clusters of
    n_c queries; it allows for two unseen queries that differ, so that it is not a point if none does. For the median
    rank it consists of percentiles of the difference over resampled clusters, as in :func:`retrieval_report`. The
    p-value is two-sided, of a randomisation test: the share of random swaps of the two models, a cluster at a time,
    that differ by at least as much; it cannot be below 1 / (n_resamples + 1). Both are about other queries from the
    same source, not of other training sets. With several measures or models, some small p-values come by chance.

    References
    ----------
    Bell, R. M. & McCaffrey, D. F. (2002). Bias reduction in standard errors for linear regression with multi-stage
    samples. Survey Methodology 28.

    Bonett, D. G. & Price, R. M. (2012). Adjusted Wald confidence interval for a difference of binomial proportions
    based on paired data. Journal of Educational and Behavioral Statistics 37.

    Smucker, M. D., Allan, J. & Carterette, B. (2007). A comparison of statistical significance tests for information
    retrieval evaluation. CIKM.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.metrics import compare_retrieval
    >>> X, y = make_paired_latent(600, 20, 15, random_state=0)
    >>> cca, one = (CCA(k).fit(X[:300], y[:300]).transform(X[300:], y[300:]) for k in (3, 1))
    >>> table = compare_retrieval(cca, one, measures=["mean_reciprocal_rank"], random_state=0)
    >>> table[["difference", "low", "p_value"]].gt([0, 0, 0.01]).to_numpy().tolist()
    [[True, True, False], [True, True, False]]
    """
    chosen = chosen_measures(ks, measures)
    check_names(names)
    check_resampling(n_resamples, "n_resamples", confidence_level)
    for name, pair in (("scores", scores), ("baseline_scores", baseline_scores)):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise TypeError(f"{name} must be a pair (x_scores, y_scores), got {type(pair).__name__}.")
    for side, name, of_side in zip(scores, ("x_groups", "y_groups"), (x_groups, y_groups), strict=True):
        warn_of_other_order(scores=side, **{name: of_side})
    rng = check_random_state(random_state)
    groups = {"x": x_groups, "y": y_groups}
    problems = []
    for name, pair in {"scores": scores, "baseline_scores": baseline_scores}.items():
        with in_terms_of(x_scores=f"x_scores of {name}", y_scores=f"y_scores of {name}"):
            problems.append(both_directions(*pair, x_ids, y_ids, relevance, similarity, exclude))
    tables = {}
    for direction, problem in problems[0].items():
        other, side = problems[1][direction], direction.queries
        check_same_sizes(problem, other)
        clusters = cluster_codes(groups[side], f"{side}_groups", problem.kept, problem.n_queries)
        values, baseline = (values_of_kept(p, chosen, verbose) for p in (problem, other))
        resampling = Resampling(chosen, clusters, n_resamples, confidence_level, rng)
        tables[direction] = compared(values, baseline, resampling) | sizes(problem, clusters)
    return table_of_directions(tables, chosen, names)


def compared(values: Any, baseline: Any, of: Resampling) -> dict[str, Any]:
    """Compute the columns of a comparison from values (n_measures, n_queries) of both models."""
    low, high = intervals_of_differences(values, baseline, of)
    value, other = (np.array(aggregates(of.measures, each)) for each in (values, baseline))
    swaps = of.measures, of.clusters, of.n_resamples, of.rng
    gain = np.array([[chosen.measure.sign] for chosen in of.measures]) * (values - baseline)
    return {
        "value": value,
        "baseline": other,
        "difference": value - other,
        "low": low,
        "high": high,
        "p_value": swap_p_values(values, baseline, *swaps) if of.n_resamples else np.nan,
        "n_better": np.sum(gain > 0, axis=1),
        "n_worse": np.sum(gain < 0, axis=1),
    }


@documented(OF_BOTH_DIRECTIONS)
def shuffled_pair_control(
    aligner: Any,
    X: Any,
    y: Any,
    X_test: Any,
    y_test: Any,
    *,
    x_ids: Any = None,
    y_ids: Any = None,
    relevance: Any = None,
    ks: Sequence[int] = (1, 5, 10),
    measures: Sequence[str] | None = None,
    similarity: str = "cosine",
    exclude: Any = None,
    names: tuple[str, str] = ("x", "y"),
    n_shuffles: int = 20,
    random_state: Any = None,
    verbose: int = 0,
) -> DataFrame:
    """Compare a model with fits to wrong pairs, the fair null of a retrieval measure.

    The aligner is fitted to the training pairs, and repeatedly to the same rows paired at random; all fits are measured
    on the same test rows. A model of wrong pairs learns nothing of the relation, but still of each side, and can
    therefore score above chance.

    Parameters
    ----------
    aligner : estimator
        With ``fit(X, y)``, ``transform`` and ``transform_y``; it is cloned and need not be fitted.
    X : array-like of shape (n_rows, n_features_x)
        Training rows of the first modality.
    y : array-like of shape (n_rows, n_features_y)
        Training rows of the second modality, paired with those of `X`.
    X_test : array-like of shape (n_x, n_features_x)
        Test rows of the first modality.
    y_test : array-like of shape (n_y, n_features_y)
        Test rows of the second modality.
    x_ids, y_ids : array-like of shape (n_x,) and (n_y,), default=None
        Ids or class labels of the test rows. None for both: row ``i`` to row ``i``.
    n_shuffles : int >= 1, default=20
        Fits to wrong pairs.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the shuffles.

    Returns
    -------
    DataFrame of shape (2 * n_measures, 7)
        Rows as in :func:`retrieval_report`. Columns: ``value`` with the true pairs; ``shuffled`` and ``std``, mean and
        standard deviation over shuffles; ``chance``, the value of a constant similarity; ``p_value``, the share of fits
        (the true one included) at least as good as the true one; ``n_queries``; ``n_gallery``.

    Raises
    ------
    ValueError, TypeError
        As :func:`retrieval_ranks` and the aligner's ``fit``.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.metrics import shuffled_pair_control
    >>> X, y = make_paired_latent(400, 20, 15, random_state=0)
    >>> table = shuffled_pair_control(CCA(3), X[:300], y[:300], X[300:], y[300:], ks=(10,), random_state=0)
    >>> row = table.loc[("x to y", "hit_rate_at_10")]
    >>> row[["value", "shuffled", "chance", "p_value"]].round(2).tolist()
    [0.27, 0.1, 0.1, 0.05]
    """
    check_can_be_fitted(aligner)
    check_names(names)
    chosen = chosen_measures(ks, measures)
    n_shuffles = check_whole_number(n_shuffles, "n_shuffles")
    rng = check_random_state(random_state)

    def measured(partners: Any) -> dict[Direction, tuple[Any, Any]]:
        model = fitted_aligner(clone(aligner).fit(X, partners))
        with in_terms_of(X="X_test", y="y_test", x_scores="X_test", y_scores="y_test"):
            scores = model.transform(X_test), model.transform_y(y_test)
            problems = both_directions(*scores, x_ids, y_ids, relevance, similarity, exclude, quiet=SIDES)
        return {each: (p, aggregates(chosen, values_of_kept(p, chosen))) for each, p in problems.items()}

    if x_ids is None and y_ids is None and relevance is None:
        warn_of_other_order(X_test=X_test, y_test=y_test)
    true = measured(y)
    null: dict[Direction, list[Any]] = {direction: [] for direction in true}
    with Progress("fits to shuffled pairs", n_shuffles, verbose) as progress:
        for done in range(n_shuffles):
            for direction, (_, values) in measured(shuffled_rows(y, rng)).items():
                null[direction].append(values)
            progress.update(done + 1)
    signs = np.array([each.measure.sign for each in chosen])
    tables = {}
    for direction, (problem, values) in true.items():
        wrong = np.array(null[direction])
        n_as_good = np.sum(signs * (wrong - values) >= 0, axis=0)
        tables[direction] = {
            "value": values,
            "shuffled": wrong.mean(axis=0),
            "std": wrong.std(axis=0, ddof=1) if n_shuffles > 1 else np.nan,
            "chance": chances(chosen, problem),
            "p_value": (1 + n_as_good) / (1 + n_shuffles),
            "n_queries": len(problem.kept),
            "n_gallery": gallery_size(problem),
        }
    return table_of_directions(tables, chosen, names)


def shuffled_rows(rows: Any, rng: np.random.RandomState) -> Any:
    """Reorder rows; their labels keep their places."""
    shuffled = shuffle(rows, random_state=rng)
    return shuffled.set_axis(rows.index) if hasattr(shuffled, "set_axis") else shuffled
