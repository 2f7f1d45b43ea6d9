"""Base of the instruments of a search: an index of the gallery, and queries whose relevant items are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .._sklearn import count_rows
from ..alignment._fitted_aligner import FittedAlignerMixin
from ..alignment._views import View, ViewsMixin
from ..metrics._tables import EqualIds, Table, relevant_items
from ..models._value import Value
from ..rows._validation import warn_of_other_order
from .index import CrossModalIndex


@dataclass(frozen=True, eq=False)
class SearchModel(Value):
    """Base of the models that a fit leaves: an index of the gallery."""

    index: CrossModalIndex


class SearchInstrument(ViewsMixin, FittedAlignerMixin, BaseEstimator):
    """Base of instruments that search one gallery and learn from queries."""

    modality: str
    similarity: str

    index_, aligner_ = View("index"), View("index.aligner_")

    def _indexed(self, gallery: ArrayLike, gallery_ids: ArrayLike | None) -> CrossModalIndex:
        index = CrossModalIndex(self.aligner, modality=self.modality, similarity=self.similarity)
        return index.fit(gallery, gallery_ids)

    def _relevant(
        self, queries: Any, gallery: Any, query_ids: Any, gallery_ids: Any, relevance: Any = None
    ) -> EqualIds | Table:
        """Return the relevant items of each query; warn of rows and ids in another order."""
        if query_ids is None and gallery_ids is None and relevance is None:
            warn_of_other_order(queries=queries, gallery=gallery)
        warn_of_other_order(queries=queries, query_ids=query_ids, relevance=relevance)
        warn_of_other_order(gallery=gallery, gallery_ids=gallery_ids)
        n_queries, n_items = count_rows(queries, "queries"), count_rows(gallery, "gallery")
        return relevant_items(query_ids, gallery_ids, relevance, n_queries, n_items)

    def _relevant_to_new(self, queries: Any, query_ids: Any, relevance: Any = None) -> EqualIds | Table:
        """Return the items of the fitted gallery that are relevant to queries."""
        check_is_fitted(self)
        ids = self.index_.ids_
        n = count_rows(queries, "queries")
        if relevance is not None:
            return relevant_items(query_ids, None, relevance, n, len(ids))
        warn_of_other_order(queries=queries, query_ids=query_ids)
        return relevant_items(np.arange(n) if query_ids is None else query_ids, ids, None, n, len(ids))
