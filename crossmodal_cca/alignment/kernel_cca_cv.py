"""Kernel CCA that chooses its settings by cross-validation, from one eigendecomposition per side, fold and width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product as combinations
from typing import Any, ClassVar, Self

import numpy as np
from numpy.random import Generator, RandomState
from numpy.typing import ArrayLike, NDArray

from .._checks import check_random_state
from .._schemas import saved
from .._sklearn import telling_where
from .._typing import FloatArray, Split
from ..kernels._fit import fit_kernels
from ..kernels._ridge_path import FoldOfWidths, Width
from ..kernels._settings import Sides, SideSettings, check_settings, check_training_rows
from ..metrics.scorer import RetrievalScorer
from ..models._kernel_model import KernelModel
from ..rows._stored import PairedRows
from ..rows._validation import check_pair
from ._items import Items, values_of_scores
from ._kernel_memory import matrices_of_fit, matrices_of_search, room_for_kernels
from ._kernel_scores import KernelMaps, warn_if_overfitted
from ._selection import (
    Choice,
    FoldScorer,
    SelectionMixin,
    choose,
    numbers_of_components,
    with_whole_folds,
)
from ._splits import items_and_folds
from .kernel_cca import KernelCCA

# Scorings besides retrieval measures.
SCORINGS = ("correlation",)


@saved(2, upgrade=with_whole_folds)
class KernelCCACV(SelectionMixin, KernelMaps):
    """Kernel CCA with widths, ridge, components and power chosen by cross-validation.

    For each fold and width there is one eigendecomposition of each side; every ridge is then a scaling of it, and one
    solution serves all numbers of components and powers.

    A parameter marked (pair) is one value for both modalities, or a tuple (x, y).

    Parameters
    ----------
    n_components : int, sequence of int or None, default=None
        Most components to try, None for as many as every fold allows; or the numbers to try. Up to that many, all are
        tried; with a retrieval score, a dozen spread geometrically.
    kernel : str or callable, default="rbf"
        (pair) As in :class:`KernelCCA`.
    width_factors : sequence of float > 0, default=(0.5, 1.0, 2.0)
        Widths to try on either side, in all pairs: `gamma` as a multiple of 1 over the median distance between the
        rows. Kernels without a distance have one width.
    regularizations : sequence of float in (0, 1e6], default=(3e-4, 1e-3, 3e-3, 1e-2)
        Ridges to try, the same for both sides, relative to the total variance in feature space.
    powers : sequence of float >= 0, default=(1.0, 0.0)
        Powers to try with a retrieval score. Correlations do not depend on it, so that with them the model has the
        first: by default that of :class:`KernelCCA`.
    cv : int, splitter or iterable of (train, test), default=5
        An int is that many shuffled folds, those of ``KFold(cv, shuffle=True, random_state=0)``; with groups, passed
        to `fit` or found by it, of ``GroupKFold(cv, shuffle=True, random_state=0)``. Splitters and lists are taken as
        they are.
    scoring : str or RetrievalScorer, default="correlation"
        "correlation", the sum of held-out canonical correlations; the name of a retrieval measure, such as
        "hit_rate_at_10"; or what :func:`~crossmodal_cca.metrics.make_retrieval_scorer` makes.
    max_gallery : int >= 2 or None, default=10000
        Most rows of a fold that a retrieval score searches, drawn once for each fold with the groups of rows kept
        together; None for all. A measure depends on the size of its gallery, which `cv_results_` has.
    one_standard_error : bool, default=False
        Take the simplest setting within one standard error of the best: fewest components, then the largest ridge.
    degree, coef0, kernel_params : float, float, dict or None, default=3, 1.0, None
        (pair) As in :class:`KernelCCA`.
    approximation, n_landmarks, landmarks, tol, random_state : default=None, None, "uniform", 1e-3, None
        As in :class:`KernelCCA`. Features of all training rows of a fold are held in memory.
    verbose : int >= 0, default=0
        Above 0, progress is printed.

    Attributes
    ----------
    best_params_ : dict
        Chosen `n_components`, `power`, `gamma` and `regularization`; ``KernelCCA(**best_params_)`` with the same kernel
        is the model.
    best_score_ : float
        Its mean score over the folds: optimistic, as it chose.
    best_index_ : int
        Its place in `cv_results_`.
    cv_results_ : dict of ndarray
        All settings and their scores, as in ``GridSearchCV``; with a retrieval score ``split0_n_gallery``, … are the
        numbers of rows searched.
    n_splits_ : int
        Number of folds.
    groups_ : ndarray of shape (n_rows,)
        Group of each row passed to `fit`, numbered from 0 (-1 without weight): as given, or else the rows found to be
        one item; ``groups_.max() + 1`` of them in all.
    correlations_, singular_values_, gamma_, n_components_, n_samples_seen_, n_features_in_
        As in :class:`KernelCCA`, of the model fitted to all rows.

    See Also
    --------
    KernelCCA : The model.

    Notes
    -----
    The unit of the widths is the median distance among all rows passed to `fit`, in which no partner is seen. Exact
    kernels take memory for one fold at a time: two and a half square matrices of its training rows for each width, and
    four more, or nine where all components are tried. Then the fit to all rows takes what one of :class:`KernelCCA`
    does.

    Examples
    --------
    >>> import numpy as np
    >>> from crossmodal_cca import KernelCCACV
    >>> rng = np.random.default_rng(0)
    >>> angle = rng.uniform(0, 2 * np.pi, 300)
    >>> X = np.column_stack([np.cos(angle), np.sin(angle)]) + 0.05 * rng.normal(size=(300, 2))
    >>> y = np.column_stack([np.sin(3 * angle), rng.normal(size=300)])
    >>> search = KernelCCACV(1, cv=3).fit(X, y)
    >>> round(search.best_score_, 1), len(search.cv_results_["params"])
    (1.0, 36)
    """

    _grids: ClassVar = {
        "width_factors": (0.0, np.inf, True),
        "regularizations": (0.0, 1e6, True),
        "powers": (0.0, np.inf, False),
    }

    def __init__(
        self,
        n_components: int | Sequence[int] | None = None,
        *,
        kernel: Any = "rbf",
        width_factors: Sequence[float] = (0.5, 1.0, 2.0),
        regularizations: Sequence[float] = (3e-4, 1e-3, 3e-3, 1e-2),
        powers: Sequence[float] = (1.0, 0.0),
        cv: Any = 5,
        scoring: Any = "correlation",
        max_gallery: int | None = 10_000,
        one_standard_error: bool = False,
        degree: Any = 3,
        coef0: Any = 1.0,
        kernel_params: Any = None,
        approximation: str | None = None,
        n_landmarks: Any = None,
        landmarks: Any = "uniform",
        tol: float = 1e-3,
        random_state: int | RandomState | Generator | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.kernel = kernel
        self.width_factors = width_factors
        self.regularizations = regularizations
        self.powers = powers
        self.cv = cv
        self.scoring = scoring
        self.max_gallery = max_gallery
        self.one_standard_error = one_standard_error
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params
        self.approximation = approximation
        self.n_landmarks = n_landmarks
        self.landmarks = landmarks
        self.tol = tol
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
        """Choose the settings on the folds, and fit them to all rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features_x)
            Rows of the first modality; with ``kernel="precomputed"`` their kernel (n_rows, n_rows).
        y : array-like of shape (n_rows, n_features_y) or (n_rows,)
            Rows of the second modality, paired with those of `X`, or their kernel.
        groups : array-like of shape (n_rows,), default=None
            Rows that must not be separated. None: rows that are one item, by their ids or because they are equal to six
            digits (on both sides; for a retrieval score, on either). Ids that would leave fewer than n_rows / 20 groups
            count as labels, and group nothing. A splitter passed as `cv` gets only the groups given here.
        x_ids, y_ids : array-like of shape (n_rows,), default=None
            Ids or labels for a retrieval score; None for row i to row i, or any row of the same item. Equal rows of one
            id stand in the gallery of a fold once, as in :func:`~crossmodal_cca.metrics.deduplicate`.

        Returns
        -------
        self : object
            The fitted model.

        Raises
        ------
        ValueError, TypeError
            If a fold is too small, `n_components` is more than possible in every fold, or the rows, the kernels or
            parameters are bad.
        """
        with telling_where(X=X, y=y):
            scoring = self._check_selection(SCORINGS, self._grids)
            sides = self._sides(None, self.regularizations[0])
            check_settings(sides)
            rows = check_pair(X, y, estimator=self, min_rows=2)
            check_training_rows(sides, rows)
            items, splits = items_and_folds(self.cv, (X, y), rows, (scoring, SCORINGS), groups, x_ids, y_ids)
            choice = self._choose(rows, sides, splits, scoring, items)
            self.model_, self.choice_ = self._refit(rows, choice)
        return self

    def _chosen_model(self) -> KernelCCA:
        return KernelCCA(
            kernel=self.kernel,
            degree=self.degree,
            coef0=self.coef0,
            kernel_params=self.kernel_params,
            approximation=self.approximation,
            n_landmarks=self.n_landmarks,
            landmarks=self.landmarks,
            tol=self.tol,
            random_state=self.random_state,
            **self.choice_.best_params,
        )

    def _choose(
        self, rows: PairedRows, sides: Sides, splits: list[Split], scoring: str | RetrievalScorer, items: Items
    ) -> Choice:
        retrieval = isinstance(scoring, RetrievalScorer)
        widths = self._widths(sides[0], rows.X), self._widths(sides[1], rows.y)
        settings = [
            {"gamma": gammas, "regularization": float(ridge)}
            for gammas, ridge in combinations(combinations(*widths), self.regularizations)
        ]
        powers = [float(power) for power in (self.powers if retrieval else self.powers[:1])]
        bound = min(len(train) for train, _ in splits) - 1
        numbers, given = numbers_of_components(self.n_components, bound, every=not retrieval)
        rng = check_random_state(self.random_state)

        if retrieval:
            splits = [(train, items.searched(test, self.max_gallery)) for train, test in splits]

        def scorer(split: Split) -> tuple[int, FoldScorer]:
            fold, gallery = FoldOfWidths(sides, widths, (rows.X, rows.y), split, rng), items.gallery(split[1])

            def score(setting: dict[str, Any], ks: list[int]) -> FloatArray:
                ridge = setting["regularization"]
                triplets = fold.path(setting["gamma"]).test_scores((ridge, ridge), ks[-1])
                return values_of_scores(triplets, scoring, None, powers, ks, gallery)

            return fold.possible, score

        n, most, matrices = bound + 1, numbers[-1], 0.0
        if self.approximation is None:
            # The fit to all rows may be the larger one.
            fit = matrices_of_fit(rows.n_rows, most) * (rows.n_rows / n) ** 2
            matrices = max(matrices_of_search(n, most, max(map(len, widths))), fit)
        with room_for_kernels(n, matrices):
            return choose(
                *(map(scorer, splits), np.ones(len(splits)), settings, powers, numbers, given, self.verbose),
                one_standard_error=self.one_standard_error,
                groups=items.groups,
                n_gallery=[len(test) for _, test in splits] if retrieval else None,
            )

    def _widths(self, side: SideSettings, rows: NDArray[Any]) -> list[Width]:
        """Return the widths of one side to try; None if the kernel has no distance to scale."""
        unit = side.kernel_of(rows).params["gamma"] if side.row.has_width else None
        return [None] if unit is None else [float(factor * unit) for factor in self.width_factors]

    def _refit(self, rows: PairedRows, choice: Choice) -> tuple[KernelModel, Choice]:
        """Fit the model of the chosen settings to all rows; where they have fewer components, choose among so few."""
        fewest = min(setting["n_components"] for setting in choice.params)
        while True:
            best = choice.best_params
            sides, k = self._sides(best["gamma"], best["regularization"]), best["n_components"]
            matrices = matrices_of_fit(rows.n_rows, k) if self.approximation is None else 0
            # The search has said that it takes much, if it does.
            with room_for_kernels(rows.n_rows, matrices, quiet=True):
                model = fit_kernels(rows, sides, k, best["power"], self.random_state, allow_fewer=k > fewest)
            if len(model.singular_values) == k:
                warn_if_overfitted(model, best["regularization"])
                return model, choice
            choice = _up_to(choice, max(len(model.singular_values), fewest))


def _up_to(choice: Choice, most: int) -> Choice:
    """Choose among the settings of at most this many components."""
    few = [i for i, setting in enumerate(choice.params) if setting["n_components"] <= most]
    return replace(choice, params=[choice.params[i] for i in few], scores=choice.scores[few])
