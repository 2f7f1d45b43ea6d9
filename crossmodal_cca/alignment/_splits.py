"""Folds of cross-validation: of a number, a splitter or positions, with rows of one item in one fold."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._checks import check_whole_number
from .._typing import FloatArray, Split
from ..metrics.scorer import RetrievalScorer
from ..rows._equal import Parts
from ..rows._stored import PairedRows
from ..rows._validation import warn_of_other_order
from ._items import Items

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


def held_out_groups(groups: Any, share: float, random_state: Any) -> Split:
    """Split rows into those to fit to and those held out, a share of the groups (n_rows,) at random."""
    from sklearn.model_selection import GroupShuffleSplit

    n_groups = len(np.unique(groups))
    if n_groups - ceil(share * n_groups) < 1:
        raise ValueError(
            f"A share of {share:g} held out of {n_groups} groups of pairs leaves none to fit to (pairs that share an "
            "item are one group). Pass finer groups or more pairs, or hold out a smaller share."
        )
    train, test = next(GroupShuffleSplit(1, test_size=share, random_state=random_state).split(groups, groups=groups))
    return train, test
