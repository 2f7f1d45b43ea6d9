"""Choice of settings by cross-validation: scoring, and a table like GridSearchCV's."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product as combinations
from typing import Any, ClassVar

import numpy as np
from scipy.stats import rankdata

from .._checks import check_flag, check_n_components, check_number, check_whole_number
from .._progress import Progress
from .._schemas import Schema, State, saved
from .._typing import FloatArray
from ..metrics.measures import ChosenMeasure
from ..metrics.scorer import RetrievalScorer, make_retrieval_scorer
from ..models._value import Value
from ..rows._equal import Parts
from ._views import View

# How many numbers of components a retrieval score is computed for, if none are given.
LADDER = 12


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
