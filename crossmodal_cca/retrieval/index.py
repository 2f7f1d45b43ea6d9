"""A searchable gallery of one modality, asked with the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .._checks import check_flag, check_number, check_verbose, check_whole_number
from .._ids import checked_ids
from .._schemas import saved
from .._similarity import SIMILARITIES, Similarity, similarity_named, warn_of_zero_rows
from .._typing import Captions, FloatArray
from ..alignment._fitted_aligner import FittedAlignerMixin, check_modality, shared_space_scores
from ..rows._validation import set_or_delete, unchanged_on_error, warn_of_other_order
from ._gallery import Gallery
from ._index_file import IndexFileMixin, upgraded
from ._matches import matches_table
from ._nearest import SearchSpace
from .hubness import bias, bias_weight, check_correction, with_bias, with_ones

if TYPE_CHECKING:
    import pandas as pd


@saved(version=3, upgrade=upgraded)
class CrossModalIndex(IndexFileMixin, FittedAlignerMixin, BaseEstimator):
    """Exact search in a gallery of one modality with queries of the other.

    Parameters
    ----------
    aligner : estimator or None, default=None
        A fitted aligner with ``transform`` and ``transform_y``. The index keeps it as it is when the gallery is fitted.
        None: both modalities share a space already, as CLIP's features do.
    modality : {"y", "x"}, default="y"
        Modality of the gallery; queries are of the other one.
    similarity : {"cosine", "dot", "euclidean"}, default="cosine"
        What makes items near: a large cosine or inner product, or a small distance. The cosine of a zero vector is 0.
    center : bool, default=False
        Subtract the mean of the gallery that `fit` gets from items, and the mean of the query bank from queries.
        Features such as CLIP's leave a gap between the modalities, which closes when each is centred at its own mean.
        An aligner's scores have no such gap: its training rows are centred already.
    hubness : {None, "csls", "nnn"}, default=None
        Correction of hubs, with a bank of training queries; for "cosine" and "dot". It can hurt: see
        :func:`hubness_report`.
    hubness_neighbors : int >= 1, default=10
        Queries of the bank whose mean similarity is an item's bias.
    hubness_weight : float in [0, inf), default=0.75
        Weight of the bias in "nnn".
    verbose : int >= 0, default=0
        Above 0, searches print their progress.

    Attributes
    ----------
    embeddings_ : ndarray of shape (n_items, n_dims)
        The gallery, ready for any vector database: of unit length for the cosine, with minus the bias as one more
        dimension under a correction. Their inner product with `query_embeddings` (or their distance, for "euclidean")
        orders items as `kneighbors` does.
    ids_ : ndarray of shape (n_items,)
        Ids of the items, in the same order.
    gallery_mean_, query_mean_ : ndarray of shape (n_features,)
        What is subtracted from items and from queries; with ``center=True`` only.
    bank_embeddings_ : ndarray of shape (n_bank, n_features)
        The query bank, if hubs are corrected.
    aligner_ : estimator or None
        The aligner as it was in `fit`.

    See Also
    --------
    crossmodal_cca.metrics.retrieval_report : How good the search is.
    search_shards : A gallery of Dask, too large for memory.

    Notes
    -----
    A product in blocks finds, in the rows' own floating type, the few items that may be among the nearest; their
    similarities are then computed in double precision. So results are those of a brute-force search of the embeddings,
    do not depend on blocks, and equal items come in the order of the gallery. Time is little more than that of the
    product, memory that of one block; both are more where nearly all items tie.

    Examples
    --------
    >>> from crossmodal_cca import CCA
    >>> from crossmodal_cca.datasets import load_emoji
    >>> from crossmodal_cca.retrieval import CrossModalIndex
    >>> train, test = load_emoji(subset="train"), load_emoji(subset="test")
    >>> cca = CCA(n_components=100, shrinkage=0.6, power=1.0).fit(train.image, train.text)
    >>> index = CrossModalIndex(cca).fit(test.text, ids=test.names["en"])
    >>> distances, ids = index.kneighbors(test.image[:1], n_neighbors=3)
    >>> distances.shape, ids.shape, len(index)
    ((1, 3), (1, 3), 383)
    """

    _gallery: Gallery

    def __init__(
        self,
        aligner: Any = None,
        *,
        modality: str = "y",
        similarity: str = "cosine",
        center: bool = False,
        hubness: str | None = None,
        hubness_neighbors: int = 10,
        hubness_weight: float = 0.75,
        verbose: int = 0,
    ) -> None:
        self.aligner = aligner
        self.modality = modality
        self.similarity = similarity
        self.center = center
        self.hubness = hubness
        self.hubness_neighbors = hubness_neighbors
        self.hubness_weight = hubness_weight
        self.verbose = verbose

    def fit(self, gallery: ArrayLike, ids: ArrayLike | None = None, *, query_bank: ArrayLike | None = None) -> Self:
        """Embed a gallery.

        Parameters
        ----------
        gallery : array-like of shape (n_items, n_features)
            Rows of the gallery's modality.
        ids : array-like of shape (n_items,), default=None
            Their ids, of any kind; several items may share one. None: 0, 1, …
        query_bank : array-like of shape (n_bank, n_features), default=None
            Training rows of the queries' modality; needed for, and only for, a correction of hubs and centring.

        Returns
        -------
        self : CrossModalIndex
            The index; after an error it is as it was.

        Raises
        ------
        ValueError, TypeError
            If a parameter is out of its range, the aligner is not fitted, or the rows or ids are bad.
        """
        with unchanged_on_error(self):
            self._check_parameters(query_bank)
            self.aligner_, self._width, self._column_names = self._frozen_aligner(), None, {}
            self._fitted_similarity, self._fitted_modality, self._fitted_hubness = (
                self.similarity,
                self.modality,
                self.hubness,
            )
            bank = (
                None if query_bank is None else self._scores(query_bank, self._query_modality, "query_bank", learn=True)
            )
            items = self._scores(gallery, self.modality, "gallery", learn=True)
            warn_of_other_order(gallery=gallery, ids=ids)
            for name, rows in (("query_mean_", bank), ("gallery_mean_", items)):
                mean = rows.mean(axis=0, dtype=float) if self.center and rows is not None else None
                set_or_delete(self, name, mean)
            self._set_correction(
                None if self.hubness is None or bank is None else self._embedded(bank, "query", "query_bank")
            )
            # Of ids given by number, the next one.
            self._next_id = len(items) if ids is None else None
            self._set_gallery(
                self._item_embeddings(items, "gallery"), self._checked_ids(ids, len(items), "gallery", start=0)
            )
        return self

    def add(self, rows: ArrayLike, ids: ArrayLike | None = None) -> Self:
        """Add items at the end of the gallery.

        Parameters
        ----------
        rows : array-like of shape (n_rows, n_features)
            Further rows of the gallery's modality. All embeddings are copied: add many rows at once. With
            ``center=True`` the mean of the rows that `fit` got is subtracted from these too.
        ids : array-like of shape (n_rows,), default=None
            Their ids; None if, and only if, `fit` was given none: the numbers go on.

        Returns
        -------
        self : CrossModalIndex
            The index; after an error it is as it was.

        Raises
        ------
        ValueError, TypeError
            If the rows or ids are bad, or ids are given in one call and not in the other.
        """
        check_is_fitted(self)
        if (ids is None) != (self._next_id is not None):
            known, wanted = ("without", "pass none") if ids is not None else ("with", "pass one for each row")
            raise ValueError(f"This index was fitted {known} ids, so {wanted} to add.")
        items = self._item_embeddings(self._scores(rows, self._fitted_modality, "rows"), "rows")
        warn_of_other_order(rows=rows, ids=ids)
        new = self._checked_ids(ids, len(items), "rows", start=self._next_id or 0)
        with unchanged_on_error(self):
            if self._next_id is not None:
                self._next_id += len(items)
            self._gallery = self._gallery.added(items, new)
        return self

    def remove(self, ids: Any) -> Self:
        """Remove all items with these ids.

        Parameters
        ----------
        ids : scalar, set or array-like of shape (n_ids,)
            Ids to remove.

        Returns
        -------
        self : CrossModalIndex
            The index; after an error it is as it was.

        Raises
        ------
        ValueError, TypeError
            If no item has one of the ids, or they are no ids.
        """
        check_is_fitted(self)
        self._gallery = self._gallery.without(ids)
        return self

    @property
    def embeddings_(self) -> FloatArray:
        return self._gallery.embeddings

    @property
    def ids_(self) -> NDArray[Any]:
        return self._gallery.ids

    def __len__(self) -> int:
        """Number of items; none before `fit`."""
        return len(getattr(self, "ids_", ()))

    def __bool__(self) -> bool:
        return True

    def query_embeddings(self, queries: ArrayLike) -> FloatArray:
        """Embed queries as `embeddings_` are, to hand to a vector database beside them.

        Parameters
        ----------
        queries : array-like of shape (n_queries, n_features)
            Rows of the modality that the gallery is not of.

        Returns
        -------
        ndarray of shape (n_queries, n_dims)
            Of unit length for the cosine; under a correction of hubs with a 1 as one more dimension.
        """
        check_is_fitted(self)
        embedded = self._embedded(self._scores(queries, self._query_modality, "queries"), "query", "queries")
        return embedded if self._fitted_hubness is None else with_ones(embedded)

    def kneighbors(
        self, queries: ArrayLike, n_neighbors: int = 10, *, within: Any = None
    ) -> tuple[FloatArray, NDArray[Any]]:
        """Find the nearest items of each query.

        Parameters
        ----------
        queries : array-like of shape (n_queries, n_features)
            Rows of the modality that the gallery is not of.
        n_neighbors : int in [1, n_items], default=10
            Number of items for each; with `within` at most as many as these are.
        within : scalar, set or array-like of shape (n_ids,), default=None
            Ids of the items to search among, the same for all queries: the result is that of an index of these items
            alone. None: all items.

        Returns
        -------
        distances : float64 ndarray of shape (n_queries, n_neighbors)
            Increasing: 1 − cosine, minus the inner product, or the Euclidean distance; with corrected similarities in
            place of the plain ones where hubs are corrected. (CSLS is twice a cosine minus two means of cosines.)
        ids : ndarray of shape (n_queries, n_neighbors)
            Ids of the items.

        Raises
        ------
        ValueError, TypeError
            If the queries are bad, no item has an id of `within`, or `n_neighbors` is more than there are items.
        """
        gallery, distances, positions = self._found(queries, n_neighbors, within)
        return distances, gallery.ids[positions]

    def show(
        self,
        queries: ArrayLike,
        n_neighbors: int = 5,
        *,
        within: Any = None,
        captions: Captions | None = None,
        query_captions: Sequence[str] | None = None,
        query_ids: ArrayLike | None = None,
    ) -> pd.DataFrame:
        """Queries and their best matches as a table to look at.

        Parameters
        ----------
        queries : array-like of shape (n_queries, n_features)
            Rows of the modality that the gallery is not of.
        n_neighbors : int in [1, n_items], default=5
            Number of matches for each.
        within : scalar, set or array-like of shape (n_ids,), default=None
            Ids of the items to search among, as in `kneighbors`.
        captions : mapping or Series from id to str, or sequence of str, default=None
            What the items are called: by id, or one for each item in the order of `ids_`; a Series with the default
            index counts as a sequence. None: their ids.
        query_captions : sequence of str, default=None
            What the queries are called. None: their ids, or their numbers.
        query_ids : array-like of shape (n_queries,), default=None
            The right id, or label, of each query; then matches are marked. A warning says how many of them the index
            does not have.

        Returns
        -------
        DataFrame of shape (n_queries * n_neighbors, 3 or 4)
            Rows: (query, rank). Columns: ``match`` (caption), ``id``, ``distance`` and, if the right ids are given,
            ``right``: "✓" or "✗".

        Raises
        ------
        ValueError, TypeError
            As `kneighbors`; or if there is not one caption or id for each query, a caption is missing, or the right ids
            cannot be compared with those of the index.
        """
        gallery, distances, positions = self._found(queries, n_neighbors, within)
        warn_of_other_order(queries=queries, query_ids=query_ids, query_captions=query_captions)
        return matches_table(gallery.ids, positions, distances, captions, query_captions, query_ids)

    def _check_parameters(self, query_bank: Any) -> None:
        check_modality(self.modality, "modality")
        similarity_named(self.similarity)
        check_flag(self.center, "center")
        check_whole_number(self.hubness_neighbors, "hubness_neighbors")
        check_number(self.hubness_weight, "hubness_weight", low=0.0)
        check_verbose(self.verbose)
        needed = "training rows of the queries' modality."
        if self.hubness is not None:
            check_correction(self.hubness, "hubness", self.similarity)
            if query_bank is None:
                raise ValueError(f"hubness={self.hubness!r} needs query_bank: {needed}")
        if self.center and query_bank is None:
            way_out = "" if self.aligner is None else " An aligner's scores are centred already: leave center=False."
            raise ValueError(f"center=True needs query_bank, whose mean is subtracted from queries: {needed}{way_out}")
        if self.hubness is None and not self.center and query_bank is not None:
            raise ValueError(
                "query_bank is for a correction of hubs or centring: set hubness to 'csls' or 'nnn', set center=True, "
                "or leave it out."
            )

    @property
    def _similarity(self) -> Similarity:
        return SIMILARITIES[self._fitted_similarity]

    @property
    def _query_modality(self) -> str:
        return "x" if self._fitted_modality == "y" else "y"

    def _scores(self, rows: ArrayLike, modality: str, name: str, *, learn: bool = False) -> FloatArray:
        """Rows in the shared space, which must all be of one width."""
        self._check_order_of_columns(rows, modality, name, learn=learn)
        scores = shared_space_scores(self.aligner_, rows, modality, name)
        self._width = self._width or scores.shape[1]
        if scores.shape[1] != self._width:
            raise ValueError(
                f"{name} has {scores.shape[1]} features, but the shared space {self._width}: queries, gallery and "
                "query_bank need as many without an aligner."
            )
        return scores

    def _embedded(self, scores: FloatArray, side: str, name: str) -> FloatArray:
        """Scores of the "query" or the "gallery" side, centred and laid out for the similarity."""
        mean = getattr(self, f"{side}_mean_", None)
        # A copy: scaling works in place, and rows without an aligner are the user's own.
        scores = scores.copy() if mean is None else scores - mean.astype(scores.dtype)
        if self._similarity.needs_direction:
            warn_of_zero_rows(scores, name)
        return self._similarity.embedded(scores)

    def _item_embeddings(self, scores: FloatArray, name: str) -> FloatArray:
        items = self._embedded(scores, "gallery", name)
        if self._bank is None or self._bias_neighbors is None or self._bias_weight is None:
            return items
        return with_bias(items, self._bias_weight * bias(items, self._bank, self._bias_neighbors, self.verbose))

    def _found(self, queries: ArrayLike, n_neighbors: int, within: Any) -> tuple[Gallery, FloatArray, NDArray[np.intp]]:
        """The gallery that was searched, distances, and positions there."""
        embedded = self.query_embeddings(queries)
        gallery = self._gallery
        scaling_neighbors = self._bias_neighbors if self._fitted_hubness == "csls" else None
        return gallery, *gallery.nearest(embedded, n_neighbors, within, scaling_neighbors, self.verbose)

    def _checked_ids(self, ids: ArrayLike | None, n: int, rows: str, start: int) -> NDArray[Any]:
        return np.arange(start, start + n) if ids is None else checked_ids(ids, "ids", n, rows)

    def _set_correction(self, bank: FloatArray | None) -> None:
        """Keep the embedded bank that biases come from, and how; None for no correction."""
        self._bias_neighbors = self._bias_weight = None
        if bank is not None:
            self._bias_neighbors = check_whole_number(
                self.hubness_neighbors, "hubness_neighbors", high=len(bank), of="rows of query_bank"
            )
            self._bias_weight = bias_weight(str(self.hubness), self.hubness_weight)
        set_or_delete(self, "bank_embeddings_", bank)
        self._set_bank(bank)

    def _set_bank(self, bank: FloatArray | None) -> None:
        self._bank = None if bank is None else SearchSpace(bank, self._similarity)

    def _set_gallery(self, embeddings: FloatArray, ids: NDArray[Any]) -> None:
        is_corrected = self._fitted_hubness is not None
        self._gallery = Gallery(embeddings, ids, self._similarity, is_corrected=is_corrected)
