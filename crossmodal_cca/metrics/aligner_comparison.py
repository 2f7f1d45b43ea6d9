"""Comparison of methods of alignment on held-out rows, with the settings of each chosen inside the folds."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._checks import check_random_state
from .._ids import checked_ids
from .._names_in_docs import with_names
from .._progress import Progress
from .._sklearn import take_rows, telling_where
from .._typing import Array, FloatArray
from ..rows._validation import check_pair
from ._held_out_searches import Queries, Searches, held_out_searches
from ._intervals import interval_of_difference, interval_of_mean
from ._methods import Fit, RowsAsTheyAre, methods_of
from ._resampling import holm, swap_p_values
from .measures import ChosenMeasure
from .report import check_resampling
from .scorer import RetrievalScorer, make_retrieval_scorer

if TYPE_CHECKING:
    import pandas as pd


@with_names
def compare_aligners(
    X: Any,
    y: Any,
    aligners: Mapping[str, Any] | None = None,
    *,
    cv: Any = 5,
    measure: Any = "hit_rate_at_10",
    direction: str = "both",
    similarity: str = "cosine",
    groups: Any = None,
    x_ids: Any = None,
    y_ids: Any = None,
    n_resamples: int = 1000,
    confidence_level: float = 0.95,
    random_state: Any = None,
    verbose: int = 0,
) -> pd.DataFrame:
    """Compare methods of alignment on held-out rows, and choose the best one for these features.

    The settings of each method are chosen inside the training part of each fold, so that no held-out row has a say.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features_x)
        Rows of the first modality.
    y : array-like of shape (n_rows, n_features_y)
        Rows of the second modality, paired with those of `X`.
    aligners : dict of str to estimator or None, default=None
        Further methods by name, not fitted: searches over settings (:class:`~crossmodal_cca.CCACV`, ``GridSearchCV``)
        or aligners with fixed ones. None as a value leaves out the default method of that name, an estimator takes
        its place. The default methods are

        - "cosine" (or the name of another `similarity`): the rows as they are, if both sides have as many features;
        - "PLS": :class:`~crossmodal_cca.CCA` with shrinkage 1, which is PLS-SVD; components are chosen;
        - "CCA" with power 1: shrinkage and components are chosen;
        - "KernelCCA" with Gaussian kernels and power 1: ridge and components are chosen; above 2000 rows on 500
          landmarks.
    cv : int, splitter or iterable of (train, test), default=5
        Folds that hold out rows, as in :class:`~crossmodal_cca.CCACV`. Inside the training part of each, the default
        methods choose their settings on three further folds.
    measure : str, default="hit_rate_at_10"
        Measure by name; one that is a mean over queries.
    direction : {"both", "x_to_y", "y_to_x"}, default="both"
        Which side searches the other; "both" is the mean of the two.
    similarity : <similarities>, default="cosine"
        Similarity that ranks the gallery.
    groups : array-like of shape (n_rows,), default=None
        Rows that must not be separated. None: rows that are one item, by their ids or because they are equal, as in
        :class:`~crossmodal_cca.CCACV`.
    x_ids, y_ids : array-like of shape (n_rows,), default=None
        Ids or labels of the rows of either side: equal ones are relevant to each other. None: row ``i`` to row ``i``.
    n_resamples : int >= 0, default=1000
        Random swaps for the p-values; 0 leaves intervals and p-values NaN.
    confidence_level : float in (0, 1), default=0.95
        Confidence level of each interval by itself.
    random_state : int, RandomState, Generator or None, default=None
        Seed of landmarks, shuffled pairs and swaps.
    verbose : int >= 0, default=0
        Above 0, progress is printed, with the time left.

    Returns
    -------
    DataFrame of shape (n_methods, 16)
        One row a method, its name the index ``method``, the best first: that is the method picked. Columns:

        - ``settings``: code of the model chosen on all rows, or "rows as they are";
        - ``quality``, the measure on held-out rows, with ends ``low`` and ``high`` of its interval;
        - ``difference`` of the quality to that of the method picked, at most 0, with ends ``difference_low`` and
          ``difference_high`` of its interval, and ``p_value``; for the method picked 0, 0, 0 and NaN;
        - ``chance``, the value of a constant similarity; ``control``, the quality of the same models fitted to shuffled
          pairs; ``p_control``, of the difference of the quality to the control;
        - ``n_queries`` of both directions, ``n_clusters`` that they form, ``n_gallery``, the mean size of a gallery;
        - ``seconds_to_choose`` the settings by a search on all rows, which ends with a fit, 0 without a search; and
          ``seconds_to_fit`` the model alone.

        ``attrs`` has plain values: "picked", the name of the best method; "measure", "direction", "similarity",
        "n_rows", "n_folds", "confidence_level"; and "folds", a list of one dict for each fold and method with
        "method", "fold", "settings" chosen in it, "quality", and the numbers "n_train" and "n_test" of its rows.

    Raises
    ------
    ValueError, TypeError
        If a parameter is not as described, rows are bad, or a fold is too small for a method.

    See Also
    --------
    compare_retrieval : Two models that are fitted already.
    crossmodal_cca.plotting.AlignerComparisonDisplay : A picture of it, quality against seconds.

    Notes
    -----
    In each fold, a method chooses its settings on the training part, is fitted to it, and searches among the held-out
    rows; copies of a row stand in the gallery once. The queries of all folds are averaged, in each direction by itself.
    Intervals and tests are paired by query and go by clusters: both directions of a row, and all rows of a group.
    Intervals are those of :func:`retrieval_report` and :func:`compare_retrieval`, and so is the randomisation test of
    the p-values. ``p_value`` is corrected by Holm's method for all pairs of methods, since the data say which one is
    the best, ``p_control`` for all methods; neither falls below the number of tests over n_resamples + 1. Both are
    about other queries from the same source, not about other training sets.

    The control fits the model chosen in each fold to its training pairs in random order: what is scored without any
    relation. Rows that are taken as they are have no fit, and their held-out partners are shuffled in its place.

    With its settings from "folds", ``eval(settings, vars(crossmodal_cca))`` fitted to the training part of a fold is
    the model behind a figure.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6.

    Varma, S. & Simon, R. (2006). Bias in error estimation when using cross-validation for model selection. BMC
    Bioinformatics 7.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.metrics import compare_aligners
    >>> X, y = make_paired_latent(300, 20, 15, correlations=(0.9, 0.9, 0.9), random_state=0)
    >>> methods = {"KernelCCA": None, "one component": CCA(1)}
    >>> table = compare_aligners(X, y, methods, cv=3, random_state=0)
    >>> table.attrs["picked"], table.index[-1]
    ('CCA', 'one component')
    >>> bool(table.loc["one component", "p_value"] < 0.05), bool(table.loc["CCA", "low"] > table.loc["CCA", "control"])
    (True, True)
    """
    return compared(**locals())[0]


def compared(
    X: Any,
    y: Any,
    aligners: Mapping[str, Any] | None,
    *,
    cv: Any,
    measure: Any,
    direction: str,
    similarity: str,
    groups: Any,
    x_ids: Any,
    y_ids: Any,
    n_resamples: int,
    confidence_level: float,
    random_state: Any,
    verbose: int,
) -> tuple[pd.DataFrame, dict[str, Fit]]:
    """Compare methods; return the table, and what each has fitted to all rows."""
    # Aligners score by the measures of this folder, and so cannot be imported before it.
    from ..alignment._splits import items_and_folds

    check_resampling(n_resamples, "n_resamples", confidence_level)
    chosen = _mean_over_queries(measure)
    scorer = make_retrieval_scorer(chosen.name, direction=direction, similarity=similarity)
    rng = check_random_state(random_state)
    with telling_where(X=X, y=y):
        rows = check_pair(X, y, min_rows=2)
        widths = rows.X.shape[1], rows.y.shape[1]
        methods = methods_of(aligners, widths, rows.n_rows, scorer, rng.randint(2**31 - 1))
        items, folds = items_and_folds(cv, (X, y), rows, (scorer, ()), groups, x_ids, y_ids)
        named = {"groups": groups, "x_ids": x_ids, "y_ids": y_ids}
        known = {name: checked_ids(ids, name, rows.n_rows, "X") for name, ids in named.items() if ids is not None}
        data, fits = _Data(X, y, known, items, folds), dict[str, Fit]()
        outcome = _Outcome({name: [] for name in methods}, {name: [] for name in methods}, [], {})
        with Progress("fits of methods", len(methods) * (len(folds) + 1), verbose) as progress:
            for fold in range(len(folds)):
                for name, aligner in methods.items():
                    _hold_out(outcome, data, fold, name, aligner, scorer, rng)
                    progress.update(outcome.n_fits)
            for name, aligner in methods.items():
                fits[name] = Fit.to(f"aligners[{name!r}]", aligner, X, y, known)
                outcome.final[name] = fits[name].columns(X, y)
                progress.update(outcome.n_fits)
    table = _table(outcome, chosen, items.groups, n_resamples, confidence_level, rng)
    table.attrs = {
        "picked": table.index[0],
        "measure": chosen.name,
        "direction": direction,
        "similarity": similarity,
        "n_rows": rows.n_rows,
        "n_folds": len(folds),
        "confidence_level": float(confidence_level),
        "folds": outcome.folds,
    }
    return table, fits


def _mean_over_queries(measure: Any) -> ChosenMeasure:
    """Return the measure, unless it is a median."""
    chosen = ChosenMeasure.named(measure)
    if chosen.measure.aggregate != "mean":
        raise ValueError(
            "measure must be a mean over queries, by which folds can be pooled, such as 'mean_reciprocal_rank'; got "
            f"{chosen.name!r}."
        )
    return chosen


class _Data(NamedTuple):
    X: Any
    y: Any
    known: dict[str, Array]  # groups and ids that the user has given
    items: Any
    folds: list[tuple[Array, Array]]


class _Outcome(NamedTuple):
    """Outcome of all fits."""

    searches: dict[str, list[Searches]]  # by method, of all folds
    controls: dict[str, list[Searches]]  # the same of fits to shuffled pairs
    folds: list[dict[str, Any]]  # one for each fold and method
    final: dict[str, dict[str, Any]]  # settings and seconds by method, on all rows

    @property
    def n_fits(self) -> int:
        return len(self.folds) + len(self.final)


def _hold_out(
    outcome: _Outcome, data: _Data, fold: int, name: str, aligner: Any, scorer: RetrievalScorer, rng: Any
) -> None:
    """Fit a method to the training part of a fold, and again to shuffled pairs; search among the rest."""
    train, test = data.folds[fold]
    X, y, X_test, y_test = (take_rows(A, part) for part in (train, test) for A in (data.X, data.y))
    fit = Fit.to(f"aligners[{name!r}]", aligner, X, y, {given: ids[train] for given, ids in data.known.items()})
    wrong = fit.model
    if isinstance(fit.model, RowsAsTheyAre):
        shuffled = take_rows(y_test, rng.permutation(len(test)))
    else:
        shuffled = y_test
        wrong = fit.refitted(X, take_rows(y, rng.permutation(len(train))))
    gallery = data.items.gallery(test)
    found, control = (
        held_out_searches(scorer, test, gallery, model.transform(X_test), model.transform_y(partners))
        for model, partners in ((fit.model, y_test), (wrong, shuffled))
    )
    outcome.searches[name] += found
    outcome.controls[name] += control
    quality = float(np.mean(Queries.of(found, data.items.groups).weighted(found)))
    outcome.folds.append(
        {"method": name, "fold": fold, "settings": fit.settings, "quality": quality}
        | {"n_train": len(train), "n_test": len(test)}
    )


def _table(
    outcome: _Outcome,
    measure: ChosenMeasure,
    groups: Array,
    n_resamples: int,
    confidence_level: float,
    rng: np.random.RandomState,
) -> pd.DataFrame:
    import pandas as pd

    queries = Queries.of(next(iter(outcome.searches.values())), groups)
    clusters = queries.clusters
    values = {name: queries.weighted(of_method) for name, of_method in outcome.searches.items()}
    controls = {name: queries.weighted(of_method) for name, of_method in outcome.controls.items()}
    # Rounding, by which equal sums in another order differ, must not decide; of equals the simplest is first.
    names = sorted(values, key=lambda name: -round(float(np.mean(values[name])), 12))
    picked = values[names[0]]

    def p_value(one: FloatArray, other: FloatArray) -> float:
        if not n_resamples:
            return np.nan
        return float(swap_p_values(one[None], other[None], [measure], clusters, n_resamples, rng)[0])

    # All pairs, since the data have chosen the one that the others are compared with.
    pairs = list(combinations(names, 2))
    among = dict(zip(pairs, holm([p_value(values[a], values[b]) for a, b in pairs]), strict=True))
    to_control = dict(zip(names, holm([p_value(values[name], controls[name]) for name in names]), strict=True))
    none = (np.nan, np.nan)
    rows = {}
    for name in names:
        difference = values[name] - picked
        interval = interval_of_mean(values[name], clusters, confidence_level) if n_resamples else none
        apart = interval_of_difference(difference, clusters, confidence_level) if n_resamples else none
        low, high = (0.0, 0.0) if name == names[0] else apart
        rows[name] = {
            "settings": outcome.final[name]["settings"],
            "quality": float(np.mean(values[name])),
            "low": interval[0],
            "high": interval[1],
            "difference": float(np.mean(difference)),
            "difference_low": low,
            "difference_high": high,
            "p_value": among.get((names[0], name), np.nan),
            "chance": queries.chance,
            "control": float(np.mean(controls[name])),
            "p_control": to_control[name],
            "n_queries": len(clusters),
            "n_clusters": queries.n_clusters,
            "n_gallery": queries.n_gallery,
        } | outcome.final[name]
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")
