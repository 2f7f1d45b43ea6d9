"""Find wrong pairs by held-out scores, and estimate their share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from .._aligner import check_can_be_fitted, fitted_aligner
from .._checks import check_random_state
from .._files import SavedMixin
from .._ids import checked_ids, distinct_ids
from .._progress import Progress
from .._schemas import Schema, saved
from .._sklearn import take_rows
from .._typing import FloatArray, Split
from ..alignment._items import Items
from ..alignment._splits import SEED_OF_FOLDS, splits_of
from ..alignment._views import View, ViewsMixin
from ..alignment.cca import CCA
from ..models._value import Value
from ..rows._stored import PairedRows
from ..rows._validation import checked_pair, warn_of_other_order
from ._suspicion import POWERS, PairBank, Ranked, Scaling, WrongShare, ranked, share_of_wrong

if TYPE_CHECKING:
    from pandas import DataFrame

# Training rows without which a fold says nothing of its pairs.
FEWEST_TRAINING_ROWS = 10


@saved()
@dataclass(frozen=True, eq=False)
class CheckedPairs(Value):
    """Columns of the table of a check, and the bank that new pairs are compared with."""

    bank: PairBank
    power: float
    scaling: Scaling
    columns: dict[str, NDArray[Any]]
    wrong_share: WrongShare

    def table(self) -> DataFrame:
        """Make the table of pairs."""
        import pandas as pd

        return pd.DataFrame({name: column.copy() for name, column in self.columns.items()})


@saved()
class PairCheck(SavedMixin, ViewsMixin, BaseEstimator):
    """Find pairs that do not belong together, by scores of models that have not seen them, and estimate their share.

    Wrong pairs are a caption of another picture, rows joined by a wrong key, measures of another subject: what the
    field calls noisy correspondence. A model fitted to them scores them well, so each pair is scored out of its fold.

    Parameters
    ----------
    aligner : estimator or None, default=None
        Aligner to fit to all folds but one. None for ``CCA(shrinkage=0.5, power=1.0)``.
    cv : int >= 2, splitter or iterable of (train, test) positions, default=5
        Folds; every row has to be in the test part of one. A number makes shuffled folds that keep groups together, or
        else rows that are equal or share an id.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the shuffle if `cv` is a number; None for the folds of all other estimators, which are fixed.
    verbose : int >= 0, default=0
        Above 0, progress is printed.

    Attributes
    ----------
    table_ : DataFrame
        One row a pair, in the order of the rows, with the columns

        - `x_id`, `y_id`: as given, or the number of the row;
        - `score`: cosine of the pair in the shared space, out of its fold;
        - `rank_x_to_y`, `rank_y_to_x`: rank of the partner in the fold, 1 being the first;
        - `suspicion`: how badly the pair fits, in standard deviations; the largest are those to look at;
        - `p_value`: of the hypothesis that the pair is mismatched. It is small where the two belong together, and
          uniform between 0 and 1 for wrong pairs.
    wrong_share_ : float
        Share of wrong pairs with random partners, at most about: rare but right pairs can only add to it.
    wrong_share_interval_ : tuple of two float
        From 0, as scores cannot tell a rare pair from a wrong one, to the end of a one-sided 95 % interval.
    aligner_ : estimator
        The aligner fitted to all pairs, which new ones are scored with.

    See Also
    --------
    data_report : Finds faults of the tables before anything is fitted.
    crossmodal_cca.plotting.PairCheckDisplay : Draws the p-values.

    Notes
    -----
    With a, b the scores of a pair, scaled to unit length, and r(a), r(b) their mean cosine with the ten nearest
    training partners,

        closeness = 2 aᵀb − r(a) − r(b)        (CSLS)
        suspicion = z(−closeness) + ½ z(−agreement),

    where the agreement is the mean cosine of y with the y of the five training rows nearest to x in the space of its
    encoder, and the reverse (sparse rows: in the shared space). Scores are taken as they are, or multiplied by the
    fourth power of the training correlations of their dimensions, whichever tells pairs better from mismatched ones:
    a model whose `power` is 0 has no weights of its own.

    A wrong pair's closeness is that of any mismatched pair of held-out rows, so

        p = (1 + #{mismatched pairs of the fold at least as close}) / (1 + #{mismatched pairs})

    is uniform for it, and twice the share of p > ½ estimates the share of wrong pairs. That is so where wrong partners
    are as random as those of mismatched pairs. Partners of the same kind as the right ones, as after a shift by a few
    rows in a sorted list, are found less, and the share and its interval are then too low. Rows of one group, or of
    equal ids, are no mismatched pairs. Rare pairs that are right look wrong: this is a list to look at, not to delete.

    References
    ----------
    Huang, Z. et al. (2021). Learning with noisy correspondence for cross-modal matching. NeurIPS.

    Storey, J. D. (2002). A direct approach to false discovery rates. JRSS B 64.

    Examples
    --------
    >>> import numpy as np
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.diagnosis import PairCheck
    >>> X, y = make_paired_latent(400, 20, 20, correlations=(0.99,) * 12, random_state=0)
    >>> y[:40] = np.roll(y[:40], 1, axis=0)
    >>> check = PairCheck().fit(X, y)
    >>> bool(0.08 < check.wrong_share_ < 0.16)
    True
    >>> worst = check.table_.nlargest(20, "suspicion")
    >>> bool((worst["x_id"] < 40).mean() > 0.7)
    True
    """

    table_, wrong_share_ = View(CheckedPairs.table), View("wrong_share.share")
    wrong_share_interval_ = View(lambda found: (0.0, found.wrong_share.high))
    aligner_ = View("bank.aligner")

    _stored: ClassVar[Schema] = {"model_": CheckedPairs}

    def __init__(self, aligner: Any = None, *, cv: Any = 5, random_state: Any = None, verbose: int = 0) -> None:
        self.aligner = aligner
        self.cv = cv
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        groups: ArrayLike | None = None,
        x_ids: ArrayLike | None = None,
        y_ids: ArrayLike | None = None,
    ) -> Self:
        """Score every pair by the model of the other folds.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_pairs, n_features_x)
            Rows of the first modality.
        y : array-like or sparse matrix of shape (n_pairs, n_features_y) or (n_pairs,)
            Their partners.
        groups : array-like of shape (n_pairs,), default=None
            Rows that are not independent, such as frames of a film: never in different folds.
        x_ids, y_ids : array-like of shape (n_pairs,), default=None
            Ids of the items of either side, for the table. Pairs that share an item share a fold, unless there are
            `groups`.

        Returns
        -------
        self : PairCheck
            The fitted check.

        Raises
        ------
        ValueError, TypeError
            If rows, ids or groups are bad, the aligner cannot be fitted or has no ``transform_y``, `cv` does not put
            every row into one test part, or a fold has fewer than 10 training rows or no mismatched pair.

        Warns
        -----
        UserWarning
            If X, y, groups or ids have the same index labels in different orders.
        """
        aligner = CCA(shrinkage=0.5, power=1.0) if self.aligner is None else self.aligner
        check_can_be_fitted(aligner)
        seed = SEED_OF_FOLDS if self.random_state is None else check_random_state(self.random_state)
        warn_of_other_order(X=X, groups=groups, x_ids=x_ids)
        warn_of_other_order(y=y, y_ids=y_ids)
        with checked_pair(X, y, estimator=self, min_rows=2, accept_sparse=True) as rows:
            parts = Items.of(rows, groups, x_ids, y_ids, None, retrieval=False).groups
            splits = splits_of(self.cv, X, y, groups, None, parts, seed)
            ids = [_numbered(each, name, rows.n_rows) for name, each in (("x_ids", x_ids), ("y_ids", y_ids))]
            same = [parts, *(codes for _, codes in ids)]
            _check_folds(splits, same)
            self.model_ = self._check(aligner, X, y, rows, splits, [names for names, _ in ids], same)
        return self

    def score_samples(self, X: ArrayLike, y: ArrayLike) -> FloatArray:
        """Compute how well new pairs fit: minus their suspicion, on the scale of the table.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_pairs, n_features_x)
            Rows of the first modality.
        y : array-like or sparse matrix of shape (n_pairs, n_features_y) or (n_pairs,)
            Their partners.

        Returns
        -------
        ndarray of shape (n_pairs,)
            Higher is more normal. The pairs of the fit have to be looked up in `table_`: here the model knows them.

        Raises
        ------
        ValueError, TypeError
            If rows are bad, or their features are not those of the fit.
        """
        check_is_fitted(self, "model_")
        found: CheckedPairs = self.model_
        with checked_pair(X, y, accept_sparse=True) as rows:
            pairs = found.bank.sides(X, y, rows)
        return -found.scaling.suspicion(found.bank.closeness(pairs, found.power), found.bank.agreement(pairs))

    def _check(
        self, aligner: Any, X: Any, y: Any, rows: PairedRows, splits: list[Split], ids: Any, same: list[Any]
    ) -> CheckedPairs:
        found = np.empty((len(POWERS), len(Ranked._fields), rows.n_rows))
        agreement = np.empty(rows.n_rows)
        with Progress("fits", len(splits) + 1, self.verbose) as progress:
            for fold, (train, test) in enumerate(splits):
                bank = _fitted_bank(aligner, X, y, rows, train)
                pairs = bank.sides(take_rows(X, test), take_rows(y, test), rows.take(test))
                for i, power in enumerate(POWERS):
                    found[i][:, test] = ranked(bank, pairs, [codes[test] for codes in same], power)
                agreement[test] = bank.agreement(pairs)
                progress.update(fold + 1)
            bank = _fitted_bank(aligner, X, y, rows, np.arange(rows.n_rows))
            progress.update(len(splits) + 1)
        # The mean p is the chance that a mismatched pair is closer than a pair.
        best = int(np.argmin([Ranked(*each).p.mean() for each in found]))
        fit = Ranked(*found[best])
        scaling = Scaling.of(fit.closeness, agreement)
        columns = {
            **dict(zip(("x_id", "y_id"), ids, strict=True)),
            "score": fit.cosine,
            "rank_x_to_y": fit.x_to_y,
            "rank_y_to_x": fit.y_to_x,
            "suspicion": scaling.suspicion(fit.closeness, agreement),
            "p_value": fit.p,
        }
        return CheckedPairs(bank, POWERS[best], scaling, columns, share_of_wrong(fit.p, same[0]))


def _fitted_bank(aligner: Any, X: Any, y: Any, rows: PairedRows, train: NDArray[np.intp]) -> PairBank:
    X, y = take_rows(X, train), take_rows(y, train)
    fitted = fitted_aligner(clone(aligner).fit(X, y))
    return PairBank.of(fitted, X, y, rows.take(train))


def _numbered(ids: Any, name: str, n_rows: int) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return ids and their numbers; those of the rows without ids."""
    if ids is None:
        return np.arange(n_rows), np.arange(n_rows)
    checked = checked_ids(ids, name, n_rows, "X")
    return checked, distinct_ids(checked, name)[1].ravel()


def _check_folds(splits: list[Split], same: list[NDArray[np.intp]]) -> None:
    n_rows = len(same[0])
    if not np.array_equal(np.sort(np.concatenate([test for _, test in splits])), np.arange(n_rows)):
        raise ValueError("cv must put every row into the test part of exactly one fold, as KFold and GroupKFold do.")
    for fold, (train, test) in enumerate(splits):
        if len(np.intersect1d(train, test)):
            raise ValueError("cv must give folds whose training and test rows are apart.")
        if len(train) < FEWEST_TRAINING_ROWS:
            raise ValueError(
                f"Fold {fold} leaves {len(train)} training rows of X and y, and needs {FEWEST_TRAINING_ROWS}: "
                "pass more pairs, or raise cv."
            )
        if any(len(np.unique(codes[test])) == 1 for codes in same):
            raise ValueError(
                f"Fold {fold} has {len(test)} test row(s) of X and y, of one item or group, so that nothing is known "
                "of mismatched pairs. Lower cv, or pass finer groups."
            )
