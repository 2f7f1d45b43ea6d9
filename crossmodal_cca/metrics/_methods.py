"""Methods of a comparison: the default ones by name, their fits with settings chosen beforehand, and the times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Self

from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import has_fit_parameter

from .._aligner import Aligner, check_can_be_fitted, fitted_aligner, unwrapped
from .scorer import RetrievalScorer

# Folds of the training part on which the default methods choose their settings.
INNER_FOLDS = 3
# Settings that they try, beside a dozen numbers of components: fewer than those of the searches on their own, since
# everything is chosen again for each fold. The powers are those that the searches chose on real data, nearly always.
SHRINKAGES = (0.0, 0.1, 0.3, 0.5, 0.8)
# The same for the ridge of a kernel.
RIDGES = (3e-4, 2e-3, 1e-2)
# Rows above which kernels are approximated on landmarks: exact ones take time by the cube of the rows.
EXACT_UP_TO = 2000
# Their number.
LANDMARKS = 500


class RowsAsTheyAre(BaseEstimator):
    """Aligner without a fit, for modalities that share a space already."""

    def fit(self, X: Any, y: Any) -> Self:
        """Do nothing."""
        return self

    def transform(self, X: Any) -> Any:
        """Return the rows of the first modality."""
        return X

    def transform_y(self, y: Any) -> Any:
        """Return the rows of the second modality."""
        return y


def methods_of(
    aligners: Mapping[str, Any] | None, widths: tuple[int, int], n_rows: int, scorer: RetrievalScorer, seed: int
) -> dict[str, Any]:
    """Return the methods by name, not fitted: the default ones, changed and extended by the user's."""
    # They score by the measures of this folder, and so cannot be imported before it.
    from ..alignment import CCACV, KernelCCACV

    if aligners is not None and not isinstance(aligners, Mapping):
        raise TypeError(f"aligners must be a dict of aligners by name, or None; got {type(aligners).__name__}.")
    common: dict[str, Any] = {"cv": INNER_FOLDS, "scoring": scorer}
    kernel = common | {"width_factors": (1.0,), "powers": (1.0,), "regularizations": RIDGES}
    if n_rows > EXACT_UP_TO:
        kernel |= {"approximation": "nystroem", "n_landmarks": LANDMARKS, "random_state": seed}
    methods: dict[str, Any] = {
        # None leaves a method out.
        scorer.similarity: RowsAsTheyAre() if widths[0] == widths[1] else None,
        "PLS": CCACV(shrinkages=(1.0,), powers=(0.0,), **common),
        "CCA": CCACV(shrinkages=SHRINKAGES, powers=(1.0,), **common),
        "KernelCCA": KernelCCACV(**kernel),
    }
    for name, aligner in (aligners or {}).items():
        if not isinstance(name, str):
            raise TypeError(f"aligners must have names as keys, such as 'mine'; got {name!r}.")
        if aligner is None and name not in methods:
            raise ValueError(f"aligners={{{name!r}: None}} leaves out a method that is not there: {list(methods)}.")
        check_can_be_fitted(aligner, f"aligners[{name!r}]")
        methods[name] = aligner
    methods = {name: aligner for name, aligner in methods.items() if aligner is not None}
    if not methods:
        raise ValueError("aligners leaves out all methods; keep one, or add one.")
    return methods


@dataclass(frozen=True, eq=False)
class Fit:
    """A method fitted to some rows: the model, the same model not fitted, and the seconds of all that."""

    model: Any
    bare: Any
    is_chosen: bool  # whether a search has chosen the settings
    seconds: float

    @classmethod
    def to(cls, name: str, aligner: Any, X: Any, y: Any, given: Mapping[str, Any]) -> Self:
        """Fit an aligner, which errors call by the name, or a search that chooses its settings on these rows.

        Groups and ids in `given` are passed on to a fit that takes them.
        """
        search = clone(aligner)
        taken = {key: value for key, value in given.items() if has_fit_parameter(search, key)}
        start = perf_counter()
        search.fit(X, y, **taken)
        seconds = perf_counter() - start
        chosen = _chosen(search)
        model = unwrapped(search)
        if not isinstance(model, Aligner):
            fitted_aligner(search, name)  # says what is missing
        return cls(model, clone(search) if chosen is None else chosen, chosen is not None, seconds)

    def refitted(self, X: Any, y: Any) -> Any:
        """Fit the model with the same settings to other rows."""
        return clone(self.bare).fit(X, y)

    def columns(self, X: Any, y: Any) -> dict[str, Any]:
        """Return settings and seconds for the table; the model that a search has chosen is fitted once more alone."""
        if not self.is_chosen:
            return {"settings": self.settings, "seconds_to_choose": 0.0, "seconds_to_fit": self.seconds}
        start = perf_counter()
        self.refitted(X, y)
        seconds = perf_counter() - start
        return {"settings": self.settings, "seconds_to_choose": self.seconds, "seconds_to_fit": seconds}

    @property
    def settings(self) -> str:
        """Return the code that makes the model."""
        if isinstance(self.bare, RowsAsTheyAre):
            return "rows as they are"
        # scikit-learn shortens what is long.
        code = self.bare.__repr__(N_CHAR_MAX=10**6) if isinstance(self.bare, BaseEstimator) else repr(self.bare)
        return " ".join(code.split())


def _chosen(search: Any) -> Any:
    """Return the model of the settings that a fitted search has chosen, not fitted; None for another aligner."""
    if hasattr(search, "choice_"):
        return search._chosen_model()
    return clone(unwrapped(search, "aligners")) if hasattr(search, "best_estimator_") else None
