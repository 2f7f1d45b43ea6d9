"""How sure is a result: the probability that a hit is right, and answers with a bound on the errors among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from .._checks import check_confidence_level, check_number, check_whole_number
from .._names_in_docs import with_names
from .._schemas import Schema, saved
from .._typing import FloatArray
from .._warn import warn
from ..alignment._views import View
from ._instrument import SearchInstrument
from ._margins import ConfidenceModel, right_among, searched
from ._risk import SEVERAL_STARTS_FROM, centred_isotonic, fewest_answers, most_answered

if TYPE_CHECKING:
    import pandas as pd

# The condition under which an expected hit rate holds.
CONDITION = "the new queries are right as often as those of the fit with the same margin (no shift)"


@saved()
@with_names
class SearchConfidence(SearchInstrument):
    """Estimate the probability that the first hit of a search is right, and answer only where it is high enough.

    Parameters
    ----------
    aligner : estimator or None, default=None
        A fitted aligner with ``transform`` and ``transform_y``. None: both modalities share a space already.
    modality : {"y", "x"}, default="y"
        Modality of the gallery; queries are of the other one.
    similarity : <similarities>, default="cosine"
        Similarity that ranks the items.
    k : int >= 1, default=1
        A query is right if one of its first k hits is.

    Attributes
    ----------
    index_ : CrossModalIndex
        The gallery.
    aligner_ : estimator or None
        The aligner as it was in `fit`.
    hit_rate_ : float
        Share of the queries of the fit that are right.

    See Also
    --------
    ConformalSets : Sets of items that hold the right one with a given probability.
    crossmodal_cca.plotting.RiskCoverageDisplay : Errors among the answers, by the share of queries answered.

    Notes
    -----
    The margin of a query is the mean distance of the 19 items after the first k minus that of the first. Its map
    to a probability is isotonic, so the queries of the fit have to be like those to come: not the training rows of the
    aligner, one query for each group that is not independent, and the same gallery. Queries without a relevant item
    count as wrong.

    Scores tell whether the first hit is right. They do not tell whether one particular item is in the gallery at all:
    an item that is missing leaves another one near (area under the curve .51 to .53 on emoji).

    References
    ----------
    Angelopoulos, Bates, Candès, Jordan & Lei (2021), Learn then Test.

    Oron & Flournoy (2017), Centered isotonic regression.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import load_emoji
    >>> from crossmodal_cca.retrieval import SearchConfidence
    >>> train, test = load_emoji(subset="train"), load_emoji(subset="test")
    >>> cca = CCA(n_components=100, shrinkage=0.6, power=1.0).fit(train.image, train.text)
    >>> sure = SearchConfidence(cca, k=5).fit(
    ...     test.image[::2], test.text, query_ids=test.names["en"][::2], gallery_ids=test.names["en"]
    ... )
    >>> new = test.image[1::2]
    >>> sure.confidence(new).shape
    (191,)
    >>> answers = sure.answer(new, risk=0.3)
    >>> bool(0 < answers["answered"].mean() < 1)
    True
    """

    _stored: ClassVar[Schema] = {"model_": ConfidenceModel}

    hit_rate_ = View(lambda model: float(model.right.mean()))

    def __init__(self, aligner: Any = None, *, modality: str = "y", similarity: str = "cosine", k: int = 1) -> None:
        self.aligner = aligner
        self.modality = modality
        self.similarity = similarity
        self.k = k

    def fit(
        self,
        queries: ArrayLike,
        gallery: ArrayLike,
        *,
        query_ids: ArrayLike | None = None,
        gallery_ids: ArrayLike | None = None,
    ) -> Self:
        """Learn how often queries are right from some whose relevant items are known.

        Parameters
        ----------
        queries : array-like of shape (n_queries, n_features)
            Rows of the modality that the gallery is not of, held out from the fit of the aligner.
        gallery : array-like of shape (n_items, n_features_gallery)
            Rows of the gallery that will be searched, more than k.
        query_ids, gallery_ids : array-like of shape (n_queries,) and (n_items,), default=None
            Ids or labels: an item is right if its own is the query's. None for both: row i belongs to row i.

        Returns
        -------
        self : SearchConfidence
            The fitted instrument.

        Raises
        ------
        ValueError, TypeError
            If a parameter is out of its range, rows or ids are bad, or all queries are right, or all wrong.
        """
        relevant = self._relevant(queries, gallery, query_ids, gallery_ids)
        index = self._indexed(gallery, gallery_ids)
        k = check_whole_number(self.k, "k")
        if k >= len(index):
            raise ValueError(f"k must be less than the number of items in gallery, {len(index)}; got {k}.")
        margins, positions, _ = searched(index, k, queries)
        right = right_among(positions[:, :k], relevant)
        if right.all() or not right.any():
            raise ValueError(
                f"queries must hold some that are right and some that are wrong: {right.sum()} of {len(right)} have a "
                f"relevant item among the first {k}. Pass more queries, another k, or look at the ids."
            )
        self.model_ = ConfidenceModel(index, k, *centred_isotonic(margins, right), margins, right)
        return self

    def confidence(self, queries: ArrayLike) -> FloatArray:
        """Estimate the probability that one of the first k hits of each query is right.

        Parameters
        ----------
        queries : array-like of shape (n_queries, n_features)
            Rows of the modality that the gallery is not of.

        Returns
        -------
        ndarray of shape (n_queries,)
            Probabilities, increasing with the margin.
        """
        check_is_fitted(self)
        model: ConfidenceModel = self.model_
        return model.of_margins(searched(model.index, model.k, queries)[0])

    def threshold(self, *, risk: float = 0.1, confidence_level: float = 0.9) -> float:
        """Find the lowest confidence at which at most a share `risk` of the answers is wrong.

        Parameters
        ----------
        risk : float in (0, 1), default=0.1
            Largest share of wrong answers among those given.
        confidence_level : float in (0, 1), default=0.9
            Probability, over the queries of the fit, that the share is not larger. It holds for independent queries
            from one source and if errors are rarer at a higher confidence.

        Returns
        -------
        float
            Answer where `confidence` is at least this; infinite, with a warning, if no answer can be vouched for.

        Raises
        ------
        ValueError, TypeError
            If a parameter is out of its range, or fewer queries were given than show such a risk without any error.

        Notes
        -----
        The m most confident queries of the fit are tested by P(Bin(m, risk) ≤ their errors), from the smallest m that
        can pass on, until a test fails; from 500 queries on, from one, two and four times that m, each with a third
        of 1 − confidence_level.
        """
        check_is_fitted(self)
        model: ConfidenceModel = self.model_
        risk = check_number(risk, "risk", low=0.0, high=1.0, positive=True, below=True)
        delta = 1 - check_confidence_level(confidence_level)
        n = len(model.margins)
        needed = fewest_answers(risk, delta / 3 if n >= SEVERAL_STARTS_FROM else delta)
        if n < needed:
            raise ValueError(
                f"risk={risk:g} at confidence_level={confidence_level:g} needs at least {needed} queries in fit, which "
                f"got {n}. Pass more, or allow a higher risk."
            )
        found = most_answered(model.of_margins(model.margins), model.right, risk, delta)
        if np.isinf(found):
            warn(
                f"No confidence keeps the share of errors at risk={risk:g}, as far as {n} queries can tell: nothing is "
                "answered. Allow a higher risk, or fit to more queries."
            )
        return found

    def answer(
        self,
        queries: ArrayLike,
        *,
        risk: float = 0.1,
        confidence_level: float = 0.9,
        threshold: float | None = None,
    ) -> pd.DataFrame:
        """Answer the queries that are likely to be right, and say nothing to the others.

        Parameters
        ----------
        queries : array-like of shape (n_queries, n_features)
            Rows of the modality that the gallery is not of.
        risk : float in (0, 1), default=0.1
            As in `threshold`.
        confidence_level : float in (0, 1), default=0.9
            As in `threshold`.
        threshold : float or None, default=None
            Lowest confidence to answer at, in place of the one that `threshold` finds.

        Returns
        -------
        DataFrame of shape (n_queries * k, 4)
            Rows: (query, rank). Columns: ``id`` (None without an answer), ``distance``, ``confidence`` and
            ``answered``.

        Raises
        ------
        ValueError, TypeError
            As `threshold`; or if the queries are bad.
        """
        import pandas as pd

        check_is_fitted(self)
        model: ConfidenceModel = self.model_
        if threshold is None:
            threshold = self.threshold(risk=risk, confidence_level=confidence_level)
        elif threshold != np.inf:
            threshold = check_number(threshold, "threshold", low=0.0)
        margins, positions, distances = searched(model.index, model.k, queries)
        confidence = np.repeat(model.of_margins(margins), model.k)
        answered = confidence >= threshold
        found = model.index.ids_[positions[:, : model.k].ravel()].astype(object)
        found[~answered] = None
        rows = pd.MultiIndex.from_product([range(len(margins)), range(1, model.k + 1)], names=["query", "rank"])
        columns = {"id": found, "distance": distances[:, : model.k].ravel()}
        return pd.DataFrame(columns | {"confidence": confidence, "answered": answered}, index=rows)

    def expected_hit_rate(self, queries: ArrayLike, *, confidence_level: float = 0.95) -> pd.DataFrame:
        """Estimate the hit rate at k of queries whose relevant items are not known.

        Parameters
        ----------
        queries : array-like of shape (n_queries, n_features)
            Rows of the modality that the gallery is not of.
        confidence_level : float in (0, 1), default=0.95
            Confidence level of the interval.

        Returns
        -------
        DataFrame of shape (1, 6)
            Row: the measure. Columns: ``value`` (the mean confidence), ``low``, ``high``, ``n_queries``, ``in_fit``
            (that of the queries of the fit) and ``condition``, under which it holds: no shift. For queries of
            another kind the confidence is as wrong as this estimate.

        Raises
        ------
        ValueError, TypeError
            If the level is out of its range, or the queries are bad.
        """
        import pandas as pd
        from scipy.stats import norm

        check_is_fitted(self)
        model: ConfidenceModel = self.model_
        check_confidence_level(confidence_level)
        confidence = model.of_margins(searched(model.index, model.k, queries)[0])
        value, in_fit = float(confidence.mean()), float(model.right.mean())
        # Two parts: the outcomes of these queries, and the map.
        variance = np.mean(confidence * (1 - confidence)) / len(confidence) + in_fit * (1 - in_fit) / len(model.right)
        half = float(norm.ppf((1 + confidence_level) / 2) * np.sqrt(variance))
        row = {
            "value": value,
            "low": max(0.0, value - half),
            "high": min(1.0, value + half),
            "n_queries": len(confidence),
            "in_fit": in_fit,
            "condition": CONDITION,
        }
        return pd.DataFrame([row], index=pd.Index([f"hit_rate_at_{model.k}"], name="measure"))

    def is_right(self, queries: ArrayLike, query_ids: ArrayLike | None = None) -> NDArray[np.bool_]:
        """Tell which queries have a relevant item among the first k.

        Parameters
        ----------
        queries : array-like of shape (n_queries, n_features)
            Rows of the modality that the gallery is not of.
        query_ids : array-like of shape (n_queries,), default=None
            Their ids, compared with those of the gallery. None: 0, 1, …

        Returns
        -------
        ndarray of bool of shape (n_queries,)
            Whether each is right.

        Raises
        ------
        ValueError, TypeError
            If the queries or ids are bad.
        """
        relevant = self._relevant_to_new(queries, query_ids)
        model: ConfidenceModel = self.model_
        return right_among(searched(model.index, model.k, queries)[1][:, : model.k], relevant)
