"""Sets of items that hold the relevant one, or a share of the relevant ones, with a given probability."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from .._checks import check_choice, check_confidence_level
from .._ids import checked_ids, distinct_ids, objects_of
from .._names_in_docs import with_names
from .._schemas import Schema, saved
from .._sklearn import count_rows
from .._typing import Array, FloatArray
from .._warn import warn
from ..alignment._views import View
from ..metrics._inputs import queries_with_relevant_items
from ..metrics._intervals import interval_of_mean
from ..metrics._tables import EqualIds, Table
from ..rows._blocks import row_slices
from ..rows._validation import warn_of_other_order
from ._instrument import SearchInstrument, SearchModel
from ._risk import fewest_queries, set_threshold
from ._stored_gallery import gallery_of
from .index import CrossModalIndex

if TYPE_CHECKING:
    import pandas as pd

# Measures by which a set may hold what is relevant.
MEASURES = ("hit_rate", "recall")
# Numbers of a block of similarities (16 MB).
_AT_ONCE = 2**21


@saved()
@dataclass(frozen=True, eq=False)
class SetModel(SearchModel):
    """The search, and the lowest similarity of an item in a set, for each kind of query."""

    measure: str
    confidence_level: float
    kinds: NDArray[Any] | None
    thresholds: FloatArray  # (n_kinds,)
    n_queries: NDArray[np.intp]  # (n_kinds,)

    def codes(self, by: Any, n: int) -> NDArray[np.intp]:
        """Return the number of each query's kind."""
        if (by is None) != (self.kinds is None):
            way = "without by: leave it out" if self.kinds is None else "with by: pass the kind of each query"
            raise ValueError(f"These sets were fitted {way}.")
        if self.kinds is None:
            return np.zeros(n, dtype=np.intp)
        known = {each: i for i, each in enumerate(objects_of(self.kinds))}
        kinds = objects_of(checked_ids(by, "by", n, "queries"))
        unknown = [each for each in kinds if each not in known]
        if unknown:
            raise ValueError(f"by must hold kinds of queries that were in fit; {unknown[0]!r} was not.")
        return np.array([known[each] for each in kinds], dtype=np.intp)


@saved()
@with_names
class ConformalSets(SearchInstrument):
    """Return as many items to each query as are needed to hold the relevant one with a given probability.

    Parameters
    ----------
    aligner : estimator or None, default=None
        A fitted aligner with ``transform`` and ``transform_y``. None: both modalities share a space already.
    modality : {"y", "x"}, default="y"
        Modality of the gallery; queries are of the other one.
    similarity : <similarities>, default="cosine"
        Similarity that ranks the items.
    measure : {"hit_rate", "recall"}, default="hit_rate"
        "hit_rate": a set is to hold the best of the query's relevant items. "recall": it is to hold all of them; the
        share that it holds is controlled on average.
    confidence_level : float in (0, 1), default=0.9
        Probability that the set of a new query holds the item, or the expected share of its relevant items.

    Attributes
    ----------
    index_ : CrossModalIndex
        The gallery.
    aligner_ : estimator or None
        The aligner as it was in `fit`.
    thresholds_ : ndarray of shape (n_kinds,)
        Lowest similarity (minus the distance, for "euclidean") of an item in a set; minus infinity if there were too
        few queries.

    See Also
    --------
    SearchConfidence : The probability that the first hit is right.
    crossmodal_cca.plotting.SetSizeDisplay : Sizes of the sets beside their coverage.

    Notes
    -----
    With α = 1 − confidence_level and n queries in `fit`, the threshold is the ⌊α (n + 1)⌋-th smallest similarity of a
    query's best relevant item. For queries of one source, in any order, a new set covers with probability 1 − α to
    1 − α + 1 / (n + 1), more with ties. With several relevant items it is the largest one at which the lost shares,
    and 1, add up to at most α (n + 1): recall is 1 − α to 1 − α + 2 / (n + 1). Below n = 1/α − 1 the set has to
    hold everything. The probability is over the draw of the queries of `fit` too, and on average over all new ones;
    `by` makes it hold for each kind of query.

    Coverage says nothing without size: on Wikipedia, sets of 90 % coverage hold 73 % of the gallery. `report` and the
    display show both.

    References
    ----------
    Vovk, Gammerman & Shafer (2005), Algorithmic Learning in a Random World: Mondrian conformal predictors.

    Angelopoulos, Bates, Fisch, Lei & Schuster (2022), Conformal risk control.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import load_emoji
    >>> from crossmodal_cca.retrieval import ConformalSets
    >>> train, test = load_emoji(subset="train"), load_emoji(subset="test")
    >>> cca = CCA(n_components=100, shrinkage=0.6, power=1.0).fit(train.image, train.text)
    >>> names = test.names["en"]
    >>> sets = ConformalSets(cca, confidence_level=0.8)
    >>> sets = sets.fit(test.image[::2], test.text, query_ids=names[::2], gallery_ids=names)
    >>> len(sets.predict_set(test.image[1::2]))
    191
    >>> report = sets.report(test.image[1::2], query_ids=names[1::2])
    >>> bool(report["value"].iloc[0] > 0.7), bool(report["share"].iloc[0] < 0.3)
    (True, True)
    """

    _stored: ClassVar[Schema] = {"model_": SetModel}

    thresholds_ = View("thresholds")

    def __init__(
        self,
        aligner: Any = None,
        *,
        modality: str = "y",
        similarity: str = "cosine",
        measure: str = "hit_rate",
        confidence_level: float = 0.9,
    ) -> None:
        self.aligner = aligner
        self.modality = modality
        self.similarity = similarity
        self.measure = measure
        self.confidence_level = confidence_level

    def fit(
        self,
        queries: ArrayLike,
        gallery: ArrayLike,
        *,
        query_ids: ArrayLike | None = None,
        gallery_ids: ArrayLike | None = None,
        relevance: ArrayLike | None = None,
        by: ArrayLike | None = None,
    ) -> Self:
        """Learn how similar relevant items are from queries for which they are known.

        Parameters
        ----------
        queries : array-like of shape (n_queries, n_features)
            Rows of the modality that the gallery is not of, held out from the fit of the aligner.
        gallery : array-like of shape (n_items, n_features_gallery)
            Rows of the gallery that will be searched.
        query_ids, gallery_ids : array-like of shape (n_queries,) and (n_items,), default=None
            Ids or labels: an item is relevant if its own is the query's. None for both: row i belongs to row i.
        relevance : array-like or sparse matrix of shape (n_queries, n_items), default=None
            Instead of ids: an item is relevant where this is positive.
        by : array-like of shape (n_queries,), default=None
            Kind of each query; each kind has a threshold of its own.

        Returns
        -------
        self : ConformalSets
            The fitted instrument.

        Raises
        ------
        ValueError, TypeError
            If a parameter is out of its range, rows or ids are bad, or a kind has no query with a relevant item.

        Warns
        -----
        UserWarning
            If queries have no relevant item, which are left out; or are too few for the level: everything is returned.
        """
        check_choice(self.measure, "measure", MEASURES)
        level = check_confidence_level(self.confidence_level)
        relevant = self._relevant(queries, gallery, query_ids, gallery_ids, relevance)
        kinds, codes = None, np.zeros(count_rows(queries, "queries"), dtype=np.intp)
        if by is not None:
            warn_of_other_order(queries=queries, by=by)
            kinds, codes = distinct_ids(checked_ids(by, "by", len(codes), "queries"), "by")
        index = self._indexed(gallery, gallery_ids)
        kept = queries_with_relevant_items(relevant.sizes())
        n = np.bincount(codes[kept], minlength=1 if kinds is None else len(kinds))
        if kinds is not None and not n.all():
            none = objects_of(kinds[n == 0])[0]
            raise ValueError(f"by: no query of the kind {none!r} has a relevant item, so that it has no threshold.")
        query, scores, weights = _scores_of_relevant(index, queries, relevant, self.measure)
        thresholds = [
            set_threshold(scores[codes[query] == kind], weights[codes[query] == kind], n_of_kind, level)
            for kind, n_of_kind in enumerate(n.tolist())
        ]
        if -np.inf in thresholds:
            warn(
                f"Sets hold the whole gallery: {n.min()} queries say nothing at confidence_level={level:g}. Pass at "
                f"least {fewest_queries(level)}{'' if kinds is None else ' of each kind in by'}."
            )
        self.model_ = SetModel(index, self.measure, level, kinds, np.array(thresholds), n)
        return self

    def predict_set(self, queries: ArrayLike, *, by: ArrayLike | None = None) -> list[NDArray[Any]]:
        """Return the ids of the set of each query.

        Parameters
        ----------
        queries : array-like of shape (n_queries, n_features)
            Rows of the modality that the gallery is not of.
        by : array-like of shape (n_queries,), default=None
            Kind of each query, if and only if `fit` got it.

        Returns
        -------
        list of ndarray
            Ids of the items of each query, the nearest first; a set may be empty.

        Raises
        ------
        ValueError, TypeError
            If the queries are bad, or `by` holds a kind that was not in `fit`.
        """
        check_is_fitted(self)
        return [self.index_.ids_[items] for items in self._sets(queries, by)]

    def report(
        self,
        queries: ArrayLike,
        *,
        query_ids: ArrayLike | None = None,
        relevance: ArrayLike | None = None,
        by: ArrayLike | None = None,
    ) -> pd.DataFrame:
        """Report coverage and size of the sets of queries whose relevant items are known.

        Parameters
        ----------
        queries : array-like of shape (n_queries, n_features)
            Rows of the modality that the gallery is not of, other ones than in `fit`.
        query_ids : array-like of shape (n_queries,), default=None
            Their ids, compared with those of the gallery. None: 0, 1, …
        relevance : array-like or sparse matrix of shape (n_queries, n_items), default=None
            Instead of ids.
        by : array-like of shape (n_queries,), default=None
            Kind of each query, if and only if `fit` got it.

        Returns
        -------
        DataFrame of shape (1 + n_kinds, 9)
            Rows: "all", then each kind. Columns: ``measure``, ``value`` (coverage, or mean recall), ``low`` and
            ``high`` (its 95 % interval), ``confidence_level`` (what was asked for), ``mean_size``, ``median_size``,
            ``share`` (mean size by that of the gallery) and ``n_queries``.

        Raises
        ------
        ValueError, TypeError
            If the queries or ids are bad.
        """
        import pandas as pd

        relevant = self._relevant_to_new(queries, query_ids, relevance)
        model: SetModel = self.model_
        codes = model.codes(by, count_rows(queries, "queries"))
        sets = self._sets(queries, by)
        kept = queries_with_relevant_items(relevant.sizes())
        found = np.array([np.isin(relevant.items(i), sets[i]).mean() for i in kept])
        values = found if model.measure == "recall" else np.ceil(found)
        sizes, codes = np.array([len(sets[i]) for i in kept]), codes[kept]
        parts = {"all": np.ones(len(kept), dtype=bool)}
        if model.kinds is not None:
            parts |= {kind: codes == i for i, kind in enumerate(objects_of(model.kinds)) if (codes == i).any()}
        rows = [self._row(values[chosen], sizes[chosen]) for chosen in parts.values()]
        return pd.DataFrame(rows, index=pd.Index(list(parts), name="queries", tupleize_cols=False))

    def _row(self, values: Array, sizes: Array) -> dict[str, Any]:
        model: SetModel = self.model_
        low, high = interval_of_mean(values, np.arange(len(values)), 0.95)
        return {
            "measure": model.measure,
            "value": float(values.mean()),
            "low": low,
            "high": high,
            "confidence_level": model.confidence_level,
            "mean_size": float(sizes.mean()),
            "median_size": float(np.median(sizes)),
            "share": float(sizes.mean()) / len(model.index),
            "n_queries": len(values),
        }

    def _sets(self, queries: ArrayLike, by: Any) -> list[NDArray[np.intp]]:
        """Return the positions of the items of each set, the nearest first."""
        model: SetModel = self.model_
        warn_of_other_order(queries=queries, by=by)
        thresholds = model.thresholds[model.codes(by, count_rows(queries, "queries"))]
        sets = []
        for rows, similarities in _similarities(model.index, queries):
            for s, threshold in zip(similarities, thresholds[rows], strict=True):
                # Items that tie with the threshold up to rounding are in the set.
                width = 4 * np.sqrt(model.index.embeddings_.shape[1]) * np.finfo(float).eps * np.abs(s).max()
                items = np.flatnonzero(s >= threshold - width)
                sets.append(items[np.argsort(-s[items], kind="stable")])
        return sets


def _similarities(index: CrossModalIndex, queries: ArrayLike) -> Iterator[tuple[slice, FloatArray]]:
    """Yield blocks of queries with their similarities to all items, in double precision."""
    embedded, items = index.query_embeddings(queries), index.embeddings_.astype(np.float64)
    similarity = gallery_of(index).embedding.similarity
    for rows in row_slices(len(embedded), max(1, _AT_ONCE // len(items))):
        yield rows, similarity.matrix(embedded[rows].astype(np.float64), items)


def _scores_of_relevant(
    index: CrossModalIndex, queries: ArrayLike, relevant: EqualIds | Table, measure: str
) -> tuple[NDArray[np.intp], FloatArray, FloatArray]:
    """Return query, similarity and weight of relevant items: all of a query's, or the best alone."""
    query, scores, weights = [], [], []
    for rows, similarities in _similarities(index, queries):
        for i, s in enumerate(similarities, rows.start):
            of_query = s[relevant.items(i)]
            if len(of_query) and measure == "hit_rate":
                of_query = of_query.max(keepdims=True)
            query.append(np.full(len(of_query), i))
            scores.append(of_query)
            weights.append(np.full(len(of_query), 1 / max(1, len(of_query))))
    return np.concatenate(query), np.concatenate(scores), np.concatenate(weights)
