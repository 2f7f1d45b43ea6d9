"""Run the few-shot protocol: fit several models to the same few labelled rows, and test them on the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.random import Generator, RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone, is_regressor

from .._checks import check_choice, check_random_state, check_whole_number, check_whole_numbers
from .._errors import in_terms_of
from .._ids import checked_ids, distinct_ids
from .._progress import Progress
from .._sklearn import count_rows, take_rows, telling_where
from .._typing import DataFrame
from ..alignment._splits import folds_of
from ..rows._validation import warn_of_other_order
from ._classes import refuse_mixed_labels
from .classifier import CrossModalClassifier

# Columns of the table of episodes.
COLUMNS = ("model", "shots", "episode", "class", "recall", "n_rows")
# Further columns if each test row has its own row in the table.
ROW_COLUMNS = ("row", "group", "n_pool")
# Share of the rows, or of the groups, that are the test rows of an episode.
TEST_SHARE = 0.5
# Argument of the user that sets the width of a classifier's rows, by the name that messages of the classifier use.
_WIDTH = {"the shared space": "descriptions"}


def few_shot_episodes(
    models: Mapping[str, Any],
    X: ArrayLike,
    y: ArrayLike,
    *,
    shots: Sequence[int] = (1, 2, 4, 8, 16),
    n_episodes: int = 20,
    groups: ArrayLike | None = None,
    cv: Any = None,
    descriptions: ArrayLike | None = None,
    description_labels: ArrayLike | None = None,
    per: str = "class",
    random_state: int | RandomState | Generator | None = None,
    verbose: int = 0,
) -> DataFrame:
    """Fit models to a few labelled rows of each class, again and again, and test them on rows kept apart.

    Parameters
    ----------
    models : mapping of str to classifier
        Classifiers of rows of X by their names, such as ``make_pipeline(SharedSpace(cca), LogisticRegression())`` and
        a baseline on raw features; clones are fitted, to the shots alone. A `CrossModalClassifier` is fitted to the
        descriptions, with the shots as its shots. Parameters to be chosen are chosen inside the shots: by
        ``GridSearchCV`` as a model, or ``shot_weight="cv"``.
    X : array-like of shape (n_rows, n_features)
        Rows of the modality to classify.
    y : array-like of shape (n_rows,)
        Their classes.
    shots : sequence of int >= 0, default=(1, 2, 4, 8, 16)
        Numbers of shots of each class. Those of a smaller number are among those of a larger. 0 is for
        `CrossModalClassifier` alone: zero-shot.
    n_episodes : int >= 2, default=20
        Draws of a split and of shots.
    groups : array-like of shape (n_rows,), default=None
        Rows that are not independent, such as variants of one picture: no group is in both parts of a split.
    cv : splitter, iterable of (train, test) positions, or None, default=None
        Splits that shots and test rows come from, one an episode, in turn. None: random halves, stratified or, with
        groups, by group. ``PredefinedSplit`` keeps a given test part.
    descriptions : array-like of shape (n_descriptions, n_features_other), default=None
        Rows of the other modality, for the models that are a `CrossModalClassifier`.
    description_labels : array-like of shape (n_descriptions,), default=None
        Their classes: one or more descriptions of each class in y.
    per : {"class", "row"}, default="class"
        Subject of a row of the table: a class, or a single test row, which `transfer_gain` needs for intervals that
        cover new rows (``over="rows"``).
    random_state : int, RandomState, Generator or None, default=None
        Seed of the splits and shots.
    verbose : int >= 0, default=0
        Above 0, progress is printed.

    Returns
    -------
    DataFrame of shape (n_results, 6) or (n_results, 9)
        A row for each model, number of shots, episode and class: ``model``, ``shots``, ``episode``, ``class``,
        ``recall`` (share of the class's test rows that are recognised) and ``n_rows`` (their number). Hand it to
        `few_shot_report` and `transfer_gain`. With ``per="row"`` a row for each test row, whose ``recall`` is 1 or 0,
        with its position ``row``, its ``group`` (without groups the position again), and ``n_pool``, the number of
        rows, or groups, of its class that the shots of all episodes are drawn from.

    Raises
    ------
    ValueError, TypeError
        If a parameter is out of its range, rows or labels are bad, a class has fewer rows to draw from than shots, a
        model cannot be fitted to so few, or descriptions are missing.

    See Also
    --------
    few_shot_report : Means and intervals.
    transfer_gain : Whether one model beats another, class by class.

    Notes
    -----
    All models of an episode get the same shots and the same test rows, so their differences are paired.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from crossmodal_cca.datasets import load_emoji
    >>> from crossmodal_cca.transfer import few_shot_episodes, few_shot_report
    >>> data = load_emoji(subset="test")
    >>> models = {"raw features": LogisticRegression(max_iter=1000)}
    >>> rows = (data.group == 4) | (data.group == 7)  # food and drink against objects
    >>> episodes = few_shot_episodes(
    ...     models, data.image[rows], data.group_names[data.group[rows]], shots=(1, 5), n_episodes=5, random_state=0
    ... )
    >>> few_shot_report(episodes).columns.tolist()
    ['value', 'low', 'high', 'majority', 'n_episodes', 'n_test']
    """
    import pandas as pd

    _check_models(models)
    check_choice(per, "per", ("class", "row"))
    n = count_rows(X, "X")
    refuse_mixed_labels(y, "y")
    labels = checked_ids(y, "y", n, "X")
    warn_of_other_order(X=X, y=y, groups=groups)
    labels = np.asarray(labels.tolist()) if labels.dtype == object else labels
    numbers = _checked_shots(shots, models)
    n_episodes = check_whole_number(n_episodes, "n_episodes", low=2)
    known = _checked_descriptions(models, descriptions, description_labels, labels)
    rng = check_random_state(random_state)
    all_classes = np.unique(labels)
    splits = _splits(cv, labels, groups, n_episodes, rng)
    _check_pools(labels, [pool for pool, _ in splits], max(numbers))
    independent = np.arange(n) if groups is None else checked_ids(groups, "groups", n, "X")
    n_pool = _independent_in_pools([pool for pool, _ in splits], labels, independent)
    parts: list[DataFrame] = []
    with Progress("episodes", n_episodes, verbose) as progress:
        for episode in range(n_episodes):
            pool, test = splits[episode % len(splits)]
            order = rng.permutation(pool)
            drawn = [order[labels[order] == c] for c in all_classes]
            X_test, y_test = take_rows(X, test), labels[test]
            classes, codes, n_rows = np.unique(y_test, return_inverse=True, return_counts=True)
            of_rows = {"row": test, "group": independent[test], "n_pool": [n_pool[c] for c in y_test.tolist()]}
            for m in numbers:
                chosen = np.concatenate([of_class[:m] for of_class in drawn])
                X_shots, y_shots = take_rows(X, chosen), labels[chosen]
                for name, model in models.items():
                    if m == 0 and not isinstance(model, CrossModalClassifier):
                        continue
                    try:
                        with telling_where(X=X, descriptions=known[0]):
                            fitted = _fitted(clone(model), X_shots, y_shots, known)
                    except ValueError as error:
                        raise ValueError(_unfitted(name, m, error)) from error
                    with telling_where(X=X), in_terms_of(**_WIDTH):
                        right = (fitted.predict(X_test) == y_test).astype(float)
                    if per == "row":
                        found = {"class": y_test, "recall": right, "n_rows": 1} | of_rows
                    else:
                        found = {"class": classes, "recall": np.bincount(codes, right) / n_rows, "n_rows": n_rows}
                    parts.append(pd.DataFrame({"model": name, "shots": m, "episode": episode} | found))
            progress.update(episode + 1)
    return pd.concat(parts, ignore_index=True)


def _independent_in_pools(
    pools: list[NDArray[np.intp]], labels: NDArray[Any], independent: NDArray[Any]
) -> dict[Any, int]:
    """Count the groups of each class that have rows in some pool."""
    pool = np.unique(np.concatenate(pools))
    return {c: len(set(independent[pool][labels[pool] == c].tolist())) for c in np.unique(labels).tolist()}


def _fitted(model: Any, X: Any, y: NDArray[Any], known: tuple[Any, Any]) -> Any:
    if not isinstance(model, CrossModalClassifier):
        return model.fit(X, y)
    names = {"X": "descriptions", "y": "description_labels", "shots": "X", "shot_labels": "y"}
    with in_terms_of(**names, **_WIDTH):
        return model.fit(*known, shots=X, shot_labels=y) if len(y) else model.fit(*known)


def _unfitted(name: str, n_shots: int, error: ValueError) -> str:
    return (
        f"{error} So said models[{name!r}] when it was fitted to {n_shots} shot{'' if n_shots == 1 else 's'} of each "
        "class. If it chooses parameters by folds, as GridSearchCV does, every class needs a shot in each: ask for "
        "more shots, lower its cv, or leave it out."
    )


def _splits(
    cv: Any, labels: NDArray[Any], groups: Any, n_episodes: int, rng: RandomState
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    # Imported here, as the import takes a tenth of a second.
    from sklearn.model_selection import GroupShuffleSplit, StratifiedShuffleSplit

    if groups is not None:
        groups = distinct_ids(checked_ids(groups, "groups", len(labels), "X"), "groups")[1]
    rows = np.zeros(len(labels))
    if cv is None:
        kind = StratifiedShuffleSplit if groups is None else GroupShuffleSplit
        return list(kind(n_episodes, test_size=TEST_SHARE, random_state=rng).split(rows, labels, groups))
    splits = folds_of(cv, rows, labels, groups, of_classes=True)
    if not splits:
        raise ValueError("cv gives no split; pass a splitter, or a list of (train, test) positions.")
    independent = np.arange(len(labels)) if groups is None else groups
    for train, test in splits:
        if len(test) == 0 or np.isin(independent[train], independent[test]).any():
            raise ValueError(
                "cv must give test rows, and none of them, nor of their groups, to draw shots from; where there are "
                "groups use a splitter by groups."
            )
    return splits


def _check_pools(labels: NDArray[Any], pools: list[NDArray[np.intp]], n_shots: int) -> None:
    """Refuse splits that leave too few rows of a class to draw shots from, before anything is fitted."""
    classes, codes = np.unique(labels, return_inverse=True)
    for pool in pools:
        counts = np.bincount(codes[pool], minlength=len(classes))
        if counts.min() < n_shots:
            raise ValueError(
                f"Class {classes.tolist()[counts.argmin()]!r} has {counts.min()} rows to draw shots from, fewer than "
                f"{n_shots}. Ask for fewer shots, leave the class out, or pass a cv with smaller test parts."
            )


def _check_models(models: Any) -> None:
    if not (isinstance(models, Mapping) and len(models)):
        raise TypeError(f"models must map names to classifiers, got {models!r}.")
    for name, model in models.items():
        if not (hasattr(model, "fit") and hasattr(model, "predict")):
            raise TypeError(f"models[{name!r}] must be a classifier with fit and predict, got {model!r}.")
        if is_regressor(model):
            raise TypeError(f"models[{name!r}] must be a classifier, got the regressor {model!r}.")


def _checked_shots(shots: Any, models: Mapping[str, Any]) -> list[int]:
    numbers = check_whole_numbers(shots, "shots", low=0)
    if not numbers:
        raise ValueError(f"shots must hold at least one number, such as (1, 5); got {shots!r}.")
    if max(numbers) == 0 and not any(isinstance(model, CrossModalClassifier) for model in models.values()):
        raise ValueError("shots of 0 are for a CrossModalClassifier, and none is among the models.")
    return sorted(numbers)


def _checked_descriptions(
    models: Mapping[str, Any], descriptions: Any, description_labels: Any, labels: NDArray[Any]
) -> tuple[Any, Any]:
    wanted = any(isinstance(model, CrossModalClassifier) for model in models.values())
    if (descriptions is None) != (description_labels is None) or (descriptions is None) == wanted:
        raise ValueError(
            "descriptions and description_labels go together, and with a CrossModalClassifier among the models: it is "
            "fitted to them. Pass both if there is one, otherwise neither."
        )
    if wanted:
        refuse_mixed_labels(description_labels, "description_labels")
        checked_ids(description_labels, "description_labels", count_rows(descriptions, "descriptions"), "descriptions")
        missing = set(labels.tolist()).difference(np.asarray(description_labels).tolist())
        if missing:
            raise ValueError(
                f"{len(missing)} of the classes in y have no description, such as {sorted(missing, key=str)[0]!r}."
            )
    return descriptions, description_labels
