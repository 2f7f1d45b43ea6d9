"""Retrieval measures as scorers for ``scoring=`` of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metadata_routing import UNUSED

from .._aligner import fitted_aligner
from .._errors import in_terms_of
from .._names_in_docs import with_names
from .._schemas import State, saved
from .._similarity import similarity_named
from .._sklearn import errors_become_nan
from ..rows._lazy import refuse_dask
from ..rows._validation import warn_of_other_order
from ._directions import both_directions, check_direction
from ._inputs import SIDES
from .measures import ChosenMeasure, values_of_kept


def _with_measure(state: State, version: int) -> State:
    """Upgrade from version 1, which called a measure a metric."""
    return {"measure" if name == "metric" else name: value for name, value in state.items()}


@saved(2, upgrade=_with_measure)
class RetrievalScorer(BaseEstimator):
    """Scorer ``scorer(estimator, X, y, x_ids=None, y_ids=None)``, made by :func:`make_retrieval_scorer`."""

    # Ids have no other use, so they are requested by default.
    __metadata_request__score: ClassVar = {"estimator": UNUSED, "x_ids": True, "y_ids": True}

    def __init__(self, measure: Any, direction: str, similarity: str, options: dict[str, Any]) -> None:
        self.measure = measure
        self.direction = direction
        self.similarity = similarity
        self.options = options

    def __call__(self, estimator: Any, X: Any, y: Any, **ids: Any) -> float | dict[str, float]:
        """Score a fitted estimator."""
        try:
            return self.score(estimator, X, y, **ids)
        except TypeError as error:
            if _can_embed_y(estimator) or not errors_become_nan():
                raise
            return _NoScore(error)  # type: ignore[return-value]

    def score(
        self, estimator: Any, X: Any, y: Any, *, x_ids: Any = None, y_ids: Any = None
    ) -> float | dict[str, float]:
        """Embed held-out rows of both sides, search, and return the value (a dict, if made with several measures)."""
        aligner = fitted_aligner(estimator, "estimator")
        if x_ids is None and y_ids is None:
            warn_of_other_order(X=X, y=y)
        with in_terms_of(x_scores="X", y_scores="y"):
            return self.of_scores(aligner.transform(X), aligner.transform_y(y), x_ids=x_ids, y_ids=y_ids)

    @property
    def is_single(self) -> bool:
        """Whether there is one measure, and hence one number."""
        return isinstance(self.measure, str) or callable(self.measure)

    def of_scores(
        self, x_scores: Any, y_scores: Any, *, x_ids: Any = None, y_ids: Any = None
    ) -> float | dict[str, float]:
        """Search with rows that are in the shared space already, and return the value or values."""
        refuse_dask(x_scores, "x_scores")
        refuse_dask(y_scores, "y_scores")
        one = self.is_single
        chosen = [ChosenMeasure.named(m, **self.options) for m in ([self.measure] if one else self.measure)]
        scores = np.asarray(x_scores), np.asarray(y_scores)
        problems = both_directions(*scores, x_ids, y_ids, None, self.similarity, quiet=SIDES, only=self.direction)
        values = [values_of_kept(problem, chosen) for problem in problems.values()]
        found = {
            each.name: each.measure.sign * float(np.mean([each.aggregate(value[i]) for value in values]))
            for i, each in enumerate(chosen)
        }
        return found[chosen[0].name] if one else found


def _can_embed_y(estimator: Any) -> bool:
    return hasattr(getattr(estimator, "best_estimator_", estimator), "transform_y")


class _NoScore:
    """Stand-in for a score where scikit-learn would turn an error into NaN: conversion to a number raises it."""

    def __init__(self, error: TypeError) -> None:
        self.error = error

    def item(self) -> float:
        raise self.error


@with_names
def make_retrieval_scorer(
    measure: str | Sequence[str] = "mean_average_precision",
    *,
    direction: str = "both",
    similarity: str = "cosine",
    **kwargs: Any,
) -> RetrievalScorer:
    """Make a scorer of held-out retrieval, for ``GridSearchCV``, ``cross_validate``, ``learning_curve``…

    Parameters
    ----------
    measure : str or sequence of str, default="mean_average_precision"
        Measure by name, also with a cut-off such as ``"hit_rate_at_10"``. Several are computed from one search: the
        scorer then returns a dict, as scikit-learn's multi-metric scoring takes it (``refit`` names one of them).
    direction : {"both", "x_to_y", "y_to_x"}, default="both"
        Which side searches the other; "both" is the mean of the two.
    similarity : <similarities>, default="cosine"
        Similarity that ranks the gallery.
    **kwargs : int or str
        Options of the measure: ``k``, ``gain``.

    Returns
    -------
    RetrievalScorer
        An object ``scorer(estimator, X, y, *, x_ids=None, y_ids=None)`` that returns a float, greater being better: a
        median rank is negated.

    Raises
    ------
    ValueError, TypeError
        If a parameter is not as described above.

    Notes
    -----
    The gallery is the held-out fold of the other side, so values depend on its size: compare them within one splitter.
    Without ids, only the partner is relevant. Ids or labels are metadata: with
    ``sklearn.set_config(enable_metadata_routing=True)`` pass ``params={"x_ids": ids, "y_ids": ids}`` to
    ``cross_validate``, or ``x_ids=ids, y_ids=ids`` to ``GridSearchCV.fit``; they are cut to each fold. They are
    requested by default; ``set_score_request`` changes that.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import make_paired_latent
    >>> from crossmodal_cca.metrics import make_retrieval_scorer
    >>> X, y = make_paired_latent(300, 20, 15, random_state=0)
    >>> scorer = make_retrieval_scorer("hit_rate_at_k", k=5)
    >>> search = GridSearchCV(CCA(), {"n_components": [1, 3]}, scoring=scorer, cv=3).fit(X, y)
    >>> search.best_params_
    {'n_components': 3}
    """
    single = isinstance(measure, str) or callable(measure) or not np.iterable(measure)
    names = [measure] if single else list(measure)
    if not names:
        raise ValueError("measure must name at least one measure, got an empty sequence.")
    chosen = [ChosenMeasure.named(name, **kwargs).name for name in names]
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"measure must name different measures, got {chosen}.")
    check_direction(direction)
    similarity_named(similarity, "similarity")
    return RetrievalScorer(measure if single else names, direction, similarity, kwargs)
