"""Searchable galleries of one modality, with queries of the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from numpy.typing import ArrayLike, NDArray

from .._checks import check_flag, check_number, check_verbose, check_whole_number
from .._docstrings import documented, entries
from .._names_in_docs import with_names
from .._schemas import saved
from .._similarity import SIMILARITIES, similarity_named
from .._typing import Captions, DataFrame, FloatArray
from ..alignment._fitted_aligner import check_modality
from ..rows._validation import warn_of_other_order
from ._gallery import Gallery, ids_of_rows
from ._matches import matches_table
from ._search_embedding import Embedding
from ._stored_gallery import StoredGallery, upgraded
from .hubness import check_correction

# Parameter that several methods share.
QUERIES = entries("""
queries : array-like of shape (n_queries, n_features)
    Rows of the modality that the gallery is not of.
""")
# Section of the methods that change the gallery.
CHANGED = {"Returns": "self : CrossModalIndex\n    The index; after an error it is as it was."}


@saved(version=3, upgrade=upgraded)
@with_names
class CrossModalIndex(StoredGallery):
    """Exact search in a gallery of one modality with queries of the other.

    Parameters
    ----------
    aligner : estimator or None, default=None
        A fitted aligner with ``transform`` and ``transform_y``. The index keeps it as it is when the gallery is fitted.
        None: both modalities share a space already, as CLIP's features do.
    modality : {"y", "x"}, default="y"
        Modality of the gallery; queries are of the other one.
    similarity : <similarities>, default="cosine"
        Similarity that ranks the items: cosine, inner product or smallest distance. The cosine of a zero vector is 0.
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
        Means subtracted from items and from queries; with ``center=True`` only.
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

    Any number of threads may search while one fits, adds or removes: each call works with the gallery as it was before
    a change or as it is after it. Threads that change it must wait for one another. Arrays of a fitted
    index are read-only.

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

    @documented({}, CHANGED)
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

        Raises
        ------
        ValueError, TypeError
            If a parameter is out of its range, the aligner is not fitted, or the rows or ids are bad.
        """
        self._check_parameters(query_bank)
        similarity, bank = SIMILARITIES[self.similarity], None
        embedding = Embedding(aligner=self._frozen_aligner(), similarity=similarity, modality=self.modality)
        if query_bank is not None:
            embedding, bank = embedding.learned(query_bank, embedding.query_modality, "query_bank")
        embedding, scores = embedding.learned(gallery, self.modality, "gallery")
        warn_of_other_order(gallery=gallery, ids=ids)
        if self.center and bank is not None:
            embedding = embedding.centred(scores, bank)
        if self.hubness is not None and bank is not None:
            embedding = embedding.correcting(self.hubness, bank, self.hubness_neighbors, self.hubness_weight)
        items = embedding.of_item_scores(scores, "gallery", self.verbose)
        self._gallery = Gallery.of(embedding, items, *ids_of_rows(ids, len(items), "gallery", 0))
        return self

    @documented({}, CHANGED)
    def add(self, rows: ArrayLike, ids: ArrayLike | None = None) -> Self:
        """Add items at the end of the gallery.

        Parameters
        ----------
        rows : array-like of shape (n_rows, n_features)
            Further rows of the gallery's modality. With ``center=True`` the mean of the rows that `fit` got is
            subtracted from these too. Embeddings are copied now and then, after many rows; ids each time.
        ids : array-like of shape (n_rows,), default=None
            Their ids; None if, and only if, `fit` was given none: the numbers go on.

        Raises
        ------
        ValueError, TypeError
            If the rows or ids are bad, or ids are given in one call and not in the other.
        """
        self._gallery = self._fitted.added(rows, ids, self.verbose)
        return self

    @documented({}, CHANGED)
    def remove(self, ids: Any) -> Self:
        """Remove all items with these ids.

        Parameters
        ----------
        ids : scalar, set or array-like of shape (n_ids,)
            Ids to remove.

        Raises
        ------
        ValueError, TypeError
            If no item has one of the ids, or they are no ids.
        """
        self._gallery = self._fitted.without(ids)
        return self

    def __bool__(self) -> bool:
        return True

    @documented(QUERIES)
    def query_embeddings(self, queries: ArrayLike) -> FloatArray:
        """Embed queries as `embeddings_` are, to hand to a vector database beside them.

        Returns
        -------
        ndarray of shape (n_queries, n_dims)
            Embeddings, of unit length for the cosine; under a correction of hubs with a 1 as one more dimension.
        """
        return self._fitted.embedding.of_queries(queries)

    @documented(QUERIES)
    def kneighbors(
        self, queries: ArrayLike, n_neighbors: int = 10, *, within: Any = None
    ) -> tuple[FloatArray, NDArray[Any]]:
        """Find the nearest items of each query.

        Parameters
        ----------
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
        gallery = self._fitted
        distances, positions = gallery.nearest(queries, n_neighbors, within, self.verbose)
        return distances, gallery.ids[positions]

    @documented(QUERIES)
    def show(
        self,
        queries: ArrayLike,
        n_neighbors: int = 5,
        *,
        within: Any = None,
        captions: Captions | None = None,
        query_captions: Sequence[str] | None = None,
        query_ids: ArrayLike | None = None,
    ) -> DataFrame:
        """Show queries and their best matches in a table.

        Parameters
        ----------
        n_neighbors : int in [1, n_items], default=5
            Number of matches for each.
        within : scalar, set or array-like of shape (n_ids,), default=None
            Ids of the items to search among, as in `kneighbors`.
        captions : mapping or Series from id to str, or sequence of str, default=None
            Names of the items: by id, or one for each item in the order of `ids_`; a Series with the default
            index counts as a sequence. None: their ids.
        query_captions : sequence of str, default=None
            Names of the queries. None: their ids, or their numbers.
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
        gallery = self._fitted
        distances, positions = gallery.nearest(queries, n_neighbors, within, self.verbose)
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
