"""Choice of settings by cross-validation: folds, scoring, and a table like GridSearchCV's."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product as combinations
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from .._checks import check_flag, check_n_components, check_number, check_whole_number
from .._progress import Progress
from .._schemas import Schema, State, saved
from .._typing import FloatArray, Split
from ..metrics.measures import ChosenMeasure
from ..metrics.scorer import RetrievalScorer, make_retrieval_scorer
from ..models._value import Value
from ..rows._equal import Parts
from ..rows._stored import PairedRows
from ..rows._validation import warn_of_other_order
from ._items import Items
from ._views import View

# How many numbers of components a retrieval score is computed for, if none are given.
LADDER = 12
# Seed of the shuffle if `cv` is a number; it is documented.
SEED_OF_FOLDS = 0
# Scorings from the squared errors of all held-out rows together, for which a fold may be a single row.
POOLED_SCORINGS = ("q2", "neg_mean_squared_error")


def splits_of(
    cv: Any,
    X: ArrayLike,
    y: ArrayLike,
    groups: ArrayLike | None,
    sample_weight: FloatArray | None,
    parts: Parts,
    seed: Any = SEED_OF_FOLDS,
) -> list[Split]:
    """Return positions of training and test rows of each fold, among the rows of positive weight.

    If `cv` is a number, rows of one group in `parts` share a fold, drawn by the seed; a splitter gets the user's own
    groups.
    """
    if cv is None or isinstance(cv, Integral):
        n_folds = 5 if cv is None else check_whole_number(cv, "cv", low=2)
        splits = _shuffled_folds(n_folds, parts, groups is not None, seed)
    else:
        splits = _given_folds(cv, X, y, groups, sample_weight)
    return splits


def items_and_folds(
    cv: Any,
    pair: tuple[ArrayLike, ArrayLike],
    rows: PairedRows,
    scoring: tuple[str | RetrievalScorer, Sequence[str]],
    groups: ArrayLike | None,
    x_ids: ArrayLike | None,
    y_ids: ArrayLike | None,
    sample_weight: FloatArray | None = None,
) -> tuple[Items, list[Split]]:
    """Find items among the rows, and positions of training and test rows of each fold.

    `pair` are X and y as the user passed them, `scoring` the chosen scoring and the alternatives.
    """
    (X, y), (chosen, scorings) = pair, scoring
    warn_of_other_order(X=X, groups=groups, x_ids=x_ids)
    warn_of_other_order(y=y, y_ids=y_ids)
    items = Items.of(rows, groups, x_ids, y_ids, sample_weight, retrieval=isinstance(chosen, RetrievalScorer))
    splits = splits_of(cv, X, y, groups, sample_weight, items.groups)
    check_sizes_of_folds(splits, chosen, scorings)
    return items, splits


def check_sizes_of_folds(splits: Sequence[Split], scoring: str | RetrievalScorer, scorings: Sequence[str]) -> None:
    """Refuse a fold with fewer rows than the scoring needs; the message names scorings that would accept it."""
    fewest = 1 if scoring in POOLED_SCORINGS else 2
    for fold, (train, test) in enumerate(splits):
        if len(train) >= 2 and len(test) >= fewest:
            continue
        name = scoring.measure if isinstance(scoring, RetrievalScorer) else scoring
        pooled = [repr(of_all) for of_all in POOLED_SCORINGS if of_all in scorings]
        way = f"; or take scoring={' or '.join(pooled)}, for which folds of one row are enough"
        raise ValueError(
            f"Fold {fold} has {len(train)} training and {len(test)} test row(s) (of positive weight); scoring={name!r} "
            f"needs at least 2 training and {fewest} test row(s) in each fold. Use fewer folds, or larger groups"
            f"{way if pooled and len(train) >= 2 and len(test) == 1 else ''}."
        )


def _shuffled_folds(n_folds: int, parts: Parts, given: bool, seed: Any) -> list[Split]:
    # Takes a tenth of a second to import.
    from sklearn.model_selection import GroupKFold

    found = int(parts.max()) + 1
    if found < n_folds:
        reason = (
            "groups has that many values among the rows of positive weight. Lower cv, or pass finer groups"
            if given
            else "rows that are equal or share an id stay together. Lower cv; or, if these are not copies of one item, "
            "pass groups that tell them apart"
        )
        raise ValueError(f"cv={n_folds} folds need at least {n_folds} groups of rows, but there are {found}: {reason}.")
    splitter = GroupKFold(n_folds, shuffle=True, random_state=seed)
    return list(splitter.split(parts, groups=parts))


def _given_folds(
    cv: Any, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None, sample_weight: FloatArray | None
) -> list[Split]:
    splits = folds_of(cv, X, y, groups)
    if not splits:
        raise ValueError("cv gives no fold; pass a number of folds, a splitter, or a list of (train, test) positions.")
    if sample_weight is not None and not np.all(sample_weight):
        position = np.cumsum(sample_weight > 0) - 1
        kept = sample_weight > 0
        # Rows without weight do not count: a fold of such rows alone is left out.
        splits = [(position[a[kept[a]]], position[b[kept[b]]]) for a, b in splits if kept[b].any() or not len(b)]
    return splits


def folds_of(cv: Any, X: Any, y: Any, groups: Any, *, of_classes: bool = False) -> list[Split]:
    """Return positions of training and test rows of each fold, for a `cv` as scikit-learn's ``check_cv`` takes it."""
    # Takes a tenth of a second to import.
    from sklearn.model_selection import check_cv

    try:
        return [as_positions(split) for split in check_cv(cv, y, classifier=of_classes).split(X, y, groups)]
    except (TypeError, ValueError) as error:
        raise (TypeError if isinstance(error, TypeError) else ValueError)(
            "cv must be a number of folds of at least 2, a splitter of scikit-learn that takes these rows, or a list "
            f"of (train, test) positions; got {cv!r:.100}: {error}"
        ) from error


def as_positions(split: Any) -> Split:
    """Convert a split to positions of training and test rows; scikit-learn also allows masks."""
    train, test = (np.flatnonzero(part) if np.asarray(part).dtype == bool else np.asarray(part) for part in split)
    return train, test


def check_scoring(scoring: Any, scorings: Sequence[str]) -> str | RetrievalScorer:
    """Return one of the scorings computed here, or a retrieval scorer of one measure."""
    if isinstance(scoring, str) and scoring in scorings:
        return scoring
    if isinstance(scoring, RetrievalScorer):
        if not scoring.is_single:
            raise ValueError(f"scoring must be a single measure, got a scorer of several: {scoring.measure!r}.")
        return scoring
    try:
        return make_retrieval_scorer(ChosenMeasure.named(scoring).name)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"scoring must be one of {', '.join(map(repr, scorings))}, the name of a retrieval measure such as "
            f"'hit_rate_at_10', or what make_retrieval_scorer makes; got {scoring!r}."
        ) from error


def numbers_of_components(n_components: Any, bound: int, *, every: bool) -> tuple[list[int], bool]:
    """Return the numbers of components to try (all up to a bound, or a geometric ladder), and whether given."""
    if np.iterable(n_components) and not isinstance(n_components, str):
        numbers = sorted({check_whole_number(k, "n_components") for k in n_components})
        if not numbers:
            raise ValueError(f"n_components must hold positive whole numbers, got {n_components!r}.")
        return check_possible(numbers, True, bound), True
    check_n_components(n_components)
    given = n_components is not None
    most = int(n_components) if given else bound
    # Checked before the numbers are listed.
    check_possible([most], given, bound)
    if every:
        return list(range(1, most + 1)), given
    return np.unique(np.geomspace(1, max(most, 1), LADDER).round().astype(int)).tolist(), given


def check_possible(numbers: list[int], given: bool, possible: int) -> list[int]:
    """Return the numbers of components possible in every fold; raise an error if one that was given is not."""
    if possible < 1:
        raise ValueError(
            "No component is possible in some fold: its training rows of X or y do not vary. Use fewer folds."
        )
    if given and numbers[-1] > possible:
        raise ValueError(
            f"n_components={numbers[-1]} is more than the {possible} possible in every fold; lower it, use fewer "
            "folds, or leave it at None for as many as possible."
        )
    return [k for k in numbers if k <= possible]


def _of_whole_folds(state: State, version: int) -> State:
    """Upgrade from version 1, in which a score searched all rows of a fold."""
    return state | {"n_gallery": None}


def with_whole_folds(state: State, version: int) -> State:
    """Upgrade a search from version 1, which had no `max_gallery`."""
    return state | {"max_gallery": None}


@saved(2, upgrade=_of_whole_folds)
@dataclass(frozen=True, eq=False)
class Choice(Value):
    """The result of a search beside its model: scores of all settings on all folds, and the setting chosen."""

    params: list[dict[str, Any]]
    scores: FloatArray  # (n_settings, n_folds)
    weights: FloatArray  # (n_folds,)
    one_standard_error: bool
    groups: Parts  # (n_rows,), -1 for a row without weight
    n_gallery: list[int] | None  # rows of each fold that a retrieval score searched

    @property
    def n_splits(self) -> int:
        return int(self.scores.shape[1])

    @property
    def best_score(self) -> float:
        return float(self.means[self.best_index])

    @property
    def best_params(self) -> dict[str, Any]:
        return dict(self.params[self.best_index])

    @property
    def means(self) -> FloatArray:
        """Compute the mean score of each setting."""
        return np.asarray(np.average(self.scores, axis=1, weights=self.weights))

    @property
    def deviations(self) -> FloatArray:
        """Compute the standard deviation of each setting's scores over the folds."""
        squares = (self.scores - self.means[:, None]) ** 2
        return np.asarray(np.sqrt(np.average(squares, axis=1, weights=self.weights)))

    @property
    def best_index(self) -> int:
        """Return the first setting of largest mean, or the simplest setting within one standard error of it.

        Simplest means fewest components, then most shrinkage or regularisation, then least power.
        """
        means = self.means
        best = int(np.argmax(means))
        if not self.one_standard_error or self.n_splits < 2:
            return best
        # Unbiased also with weights, if the variance of a fold's score is proportional to one over its weight.
        error = self.deviations[best] / np.sqrt(self.n_splits - 1)
        good = np.flatnonzero(means >= means[best] - error)
        return int(min(good, key=lambda i: self._complexity(self.params[i])))

    @staticmethod
    def _complexity(params: dict[str, Any]) -> tuple[float, ...]:
        smoothing = sum(np.sum(params.get(name, 0.0)) for name in ("shrinkage", "regularization"))
        return params["n_components"], -float(smoothing), params.get("power", 0.0)

    def results(self) -> dict[str, Any]:
        """Build the table of all settings, in the form of ``GridSearchCV.cv_results_``."""
        results: dict[str, Any] = {"params": [dict(params) for params in self.params]}
        for name in self.params[0]:
            values = [params[name] for params in self.params]
            column = np.empty(len(values), dtype=object)
            column[:] = values
            results[f"param_{name}"] = column if isinstance(values[0], tuple) else np.array(values)
        results |= {f"split{i}_test_score": self.scores[:, i] for i in range(self.n_splits)}
        results |= {f"split{i}_n_gallery": np.full(len(self.params), n) for i, n in enumerate(self.n_gallery or ())}
        results |= {"mean_test_score": self.means, "std_test_score": self.deviations}
        return results | {"rank_test_score": rankdata(-self.means, method="min").astype(np.int32)}


FoldScorer = Callable[[dict[str, Any], list[int]], FloatArray]


def choose(
    folds: Iterable[tuple[int, FoldScorer]],
    weights: FloatArray,
    settings: list[dict[str, Any]],
    powers: Sequence[float | None],
    numbers: list[int],
    given: bool,
    verbose: int,
    *,
    one_standard_error: bool,
    groups: Parts,
    n_gallery: list[int] | None,
) -> Choice:
    """Score every number of components, power and setting on every fold, and choose among them.

    A fold consists of the number of components possible in it, and a function of a setting and numbers of components
    that returns scores (len(powers), len(numbers)). Its weight is that of its scores in the mean.
    """
    n_folds = len(weights)
    scores: list[FloatArray] = []
    possible = numbers[-1]
    with Progress("fits to folds", n_folds * len(settings), verbose) as progress:
        for most, score in folds:
            possible = min(possible, most)
            ks = check_possible(numbers, given, possible)
            values = np.full((len(settings), len(powers), len(numbers)), np.nan)
            for i, setting in enumerate(settings):
                values[i, :, : len(ks)] = score(setting, ks)
                progress.update(len(scores) * len(settings) + i + 1)
            scores.append(values)
            del score  # frees the data of the fold before the next one
    ks = check_possible(numbers, given, possible)
    # The order of ParameterGrid: components, powers, other settings.
    table = np.stack(scores, axis=-1)[:, :, : len(ks)].transpose(2, 1, 0, 3)
    params = [
        {"n_components": k} | ({} if power is None else {"power": power}) | setting
        for k, power, setting in combinations(ks, powers, settings)
    ]
    return Choice(params, table.reshape(len(params), n_folds), weights, one_standard_error, groups, n_gallery)


def groups_of_rows(parts: Parts, sample_weight: FloatArray | None) -> Parts:
    """Return the group of each row passed to a fit, given those of rows of positive weight; -1 for the others."""
    if sample_weight is None:
        return parts
    groups = np.full(len(sample_weight), -1)
    groups[sample_weight > 0] = parts
    return groups


class SelectionMixin:
    """Attributes and checks of every cross-validated aligner."""

    max_gallery: int | None
    one_standard_error: bool
    choice_: Choice
    _stored: ClassVar[Schema] = {"choice_": Choice}

    best_index_, best_params_ = View("best_index", "choice_"), View("best_params", "choice_")
    best_score_, cv_results_ = View("best_score", "choice_"), View(Choice.results, "choice_")
    n_splits_, groups_ = View("n_splits", "choice_"), View("groups", "choice_")

    @abstractmethod
    def _chosen_model(self) -> Any:
        """Build the unfitted model of the chosen settings."""

    def _check_selection(self, scorings: Sequence[str], grids: dict[str, tuple[float, float, bool]]) -> Any:
        """Check the common parameters, and grids of numbers by name: (low, high, whether low is excluded)."""
        check_flag(self.one_standard_error, "one_standard_error")
        if self.max_gallery is not None:
            check_whole_number(self.max_gallery, "max_gallery", low=2, none="all rows of a fold")
        for name, (low, high, positive) in grids.items():
            values = getattr(self, name)
            if np.ndim(values) != 1 or len(values) == 0:
                raise ValueError(f"{name} must be a sequence of numbers, got {values!r}.")
            for value in values:
                check_number(value, name, low=low, high=high, positive=positive)
        return check_scoring(self.scoring, scorings)  # type: ignore[attr-defined]
