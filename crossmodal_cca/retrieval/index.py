"""A searchable gallery of one modality, asked with the other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .. import _persistence
from .._checks import check_whole_number
from .._ids import checked_ids, comparable, joined, objects_of, wanted_ids
from .._similarity import SIMILARITIES, Similarity, similarity_named
from .._typing import Captions, FloatArray
from .._validation import set_or_delete, unchanged_on_error
from ..alignment.fitted import FittedAlignerMixin, check_modality, shared_space_scores
from .hubness import (
    CORRECTIONS,
    bias,
    bias_weight,
    check_correction,
    with_bias,
    with_ones,
)
from .matches import matches_table
from .nearest import SearchSpace

if TYPE_CHECKING:
    import pandas as pd

_KIND = "CrossModalIndex"


class CrossModalIndex(FittedAlignerMixin, BaseEstimator):
    """Exact search in a gallery of one modality with queries of the other.

    Parameters
    ----------
    aligner : estimator or None, default=None
        A fitted aligner with ``transform`` and ``transform_y``. The index keeps it as it is when the gallery is fitted.
        None: both modalities share a space already, as CLIP's features do.
    modality : {"y", "x"}, default="y"
        Modality of the gallery; queries are of the other one.
    metric : {"cosine", "dot", "euclidean"}, default="cosine"
        What makes items near: a large cosine or inner product, or a small distance. The cosine of a zero vector is 0.
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

    def __init__(
        self,
        aligner: Any = None,
        *,
        modality: str = "y",
        metric: str = "cosine",
        hubness: str | None = None,
        hubness_neighbors: int = 10,
        hubness_weight: float = 0.75,
        verbose: int = 0,
    ) -> None:
        self.aligner = aligner
        self.modality = modality
        self.metric = metric
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
            Training rows of the queries' modality; needed for, and only for, a correction of hubs.

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
            self.aligner_, self._width = self._frozen_aligner(), None
            self._fitted_metric, self._fitted_modality, self._fitted_hubness = self.metric, self.modality, self.hubness
            bank = None
            if query_bank is not None:
                bank = self._embedded(query_bank, self._query_modality, "query_bank")
                self._bias_neighbors = check_whole_number(
                    self.hubness_neighbors, "hubness_neighbors", high=len(bank), of="rows of query_bank"
                )
                self._bias_weight = bias_weight(str(self.hubness), self.hubness_weight)
            set_or_delete(self, "bank_embeddings_", bank)
            self._set_bank(bank)
            items = self._item_embeddings(gallery, "gallery")
            # Of ids given by number, the next one.
            self._next_id = len(items) if ids is None else None
            self._store(items, self._checked_ids(ids, len(items), "gallery", start=0))
        return self

    def add(self, rows: ArrayLike, ids: ArrayLike | None = None) -> Self:
        """Add items at the end of the gallery.

        Parameters
        ----------
        rows : array-like of shape (n_rows, n_features)
            Further rows of the gallery's modality. All embeddings are copied: add many rows at once.
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
        items = self._item_embeddings(rows, "rows").astype(self.embeddings_.dtype, copy=False)
        new = self._checked_ids(ids, len(items), "rows", start=self._next_id or 0)
        with unchanged_on_error(self):
            if self._next_id is not None:
                self._next_id += len(items)
            self._store(np.concatenate((self.embeddings_, items)), joined(self.ids_, new))
        return self

    def remove(self, ids: Any) -> Self:
        """Remove all items with these ids.

        Parameters
        ----------
        ids : scalar or array-like of shape (n_ids,)
            Ids to remove.

        Returns
        -------
        self : CrossModalIndex
            The index; after an error it is as it was.

        Raises
        ------
        ValueError
            If no item has one of the ids.
        """
        check_is_fitted(self)
        present = comparable(self.ids_)
        asked, wanted = wanted_ids(ids, self.ids_)
        unwanted, known = set(comparable(wanted)), set(present)
        unknown = [i for i, value in enumerate(comparable(wanted)) if value not in known]
        if unknown:
            kinds = sorted({type(i).__name__ for i in objects_of(self.ids_[:1000])})
            raise ValueError(
                f"{len(unknown)} of the ids to remove are not in the index, such as {objects_of(asked)[unknown[0]]!r}; "
                f"its ids are of type {', '.join(kinds) or 'none: it is empty'}."
            )
        kept = np.array([i not in unwanted for i in present], dtype=bool)
        with unchanged_on_error(self):
            self._store(self.embeddings_[kept], self.ids_[kept])
        return self

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
        embedded = self._embedded(queries, self._query_modality, "queries")
        return embedded if self._fitted_hubness is None else with_ones(embedded)

    def kneighbors(self, queries: ArrayLike, n_neighbors: int = 10) -> tuple[FloatArray, NDArray[Any]]:
        """Find the nearest items of each query.

        Parameters
        ----------
        queries : array-like of shape (n_queries, n_features)
            Rows of the modality that the gallery is not of.
        n_neighbors : int in [1, n_items], default=10
            Number of items for each.

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
            If the queries are bad, or `n_neighbors` is more than there are items.
        """
        distances, positions = self._nearest(self.query_embeddings(queries), n_neighbors)
        return distances, self.ids_[positions]

    def _nearest(self, queries: FloatArray, n_neighbors: int) -> tuple[FloatArray, NDArray[np.intp]]:
        """Distances and positions of the items nearest to embedded queries."""
        if self._space is None:
            raise ValueError("The index is empty: add items before searching.")
        k = check_whole_number(n_neighbors, "n_neighbors", high=len(self), of="items in the index")
        similarities, positions = self._space.nearest(queries, k, self.verbose)
        if self._fitted_hubness == "csls":
            # What a query has in common with its own neighbours lowers all of its similarities alike.
            plain = SearchSpace(np.ascontiguousarray(self.embeddings_[:, :-1]), self._similarity)
            own = bias(queries[:, :-1], plain, min(self._bias_neighbors, len(self)))
            similarities = 2 * similarities - own[:, None]
        if self._fitted_hubness is not None:
            # Corrected similarities have no ends to be kept within.
            return self._similarity.at_distance_zero - similarities, positions
        return self._similarity.distances(similarities), positions

    def show(
        self,
        queries: ArrayLike,
        n_neighbors: int = 5,
        *,
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
        captions : mapping or Series from id to str, or sequence of str, default=None
            What the items are called: by id, or one for each item in the order of `ids_`; a Series with the default
            index counts as a sequence. None: their ids.
        query_captions : sequence of str, default=None
            What the queries are called. None: their ids, or their numbers.
        query_ids : array-like of shape (n_queries,), default=None
            The right id, or label, of each query; then matches are marked.

        Returns
        -------
        DataFrame of shape (n_queries * n_neighbors, 3 or 4)
            Rows: (query, rank). Columns: ``match`` (caption), ``id``, ``distance`` and, if the right ids are given,
            ``right``: "✓" or "✗".

        Raises
        ------
        ValueError, TypeError
            As `kneighbors`; or if there is not one caption or id for each query, or a caption is missing.
        """
        distances, positions = self._nearest(self.query_embeddings(queries), n_neighbors)
        return matches_table(self.ids_, positions, distances, captions, query_captions, query_ids)

    def save(self, path: str | os.PathLike[str], *, with_aligner: bool = True) -> None:
        """Write the index to one file, without pickle; an earlier file is replaced only when the new one is complete.

        Parameters
        ----------
        path : str or path
            The file.
        with_aligner : bool, default=True
            Whether to store the aligner too; needed where it holds objects of other packages, such as transformers of
            a `CrossModalPipeline`. Without it, pass it to `load`.

        Raises
        ------
        TypeError
            If the aligner, or an id, cannot be stored without pickle.
        """
        check_is_fitted(self)
        state = {
            key: value for key, value in vars(self).items() if key not in ("aligner", "aligner_", "_space", "_bank")
        }
        state["has_aligner"] = self.aligner_ is not None
        state["aligner_"] = self.aligner_ if with_aligner else None
        try:
            _persistence.save(path, _KIND, state)
        except TypeError as error:
            if "aligner_" not in str(error):
                raise
            raise TypeError(
                f"{error} Save the index with with_aligner=False and the aligner by other means, such as skops; load "
                "takes it as aligner."
            ) from error

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, aligner: Any = None) -> Self:
        """Read an index that `save` wrote. No code in the file is run.

        Parameters
        ----------
        path : str or path
            The file.
        aligner : estimator or None, default=None
            The aligner that the index was made with, fitted, where the file does not hold it. That it is the same
            cannot be checked.

        Returns
        -------
        CrossModalIndex
            The index, fitted.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged, of another kind or a later version, or the aligner is missing.
        """
        state = _persistence.load(path, _KIND, check=_check_state)
        had_aligner = state.pop("has_aligner")
        if aligner is None and state["aligner_"] is None and had_aligner:
            raise ValueError(f"{os.fspath(path)!r} was saved without its aligner: pass the fitted one as aligner.")
        if aligner is not None and not had_aligner:
            raise ValueError("This index has no aligner: its features share a space. Load it without aligner.")
        index = cls(aligner=state["aligner_"] if aligner is None else aligner)
        index.__dict__.update(state)
        index.aligner_ = index._frozen_aligner()
        index._set_bank(getattr(index, "bank_embeddings_", None))
        index._store(index.embeddings_, index.ids_)
        return index

    def _check_parameters(self, query_bank: Any) -> None:
        check_modality(self.modality, "modality")
        similarity_named(self.metric)
        if self.hubness is not None:
            check_correction(self.hubness, "hubness", self.metric)
            if query_bank is None:
                raise ValueError(f"hubness={self.hubness!r} needs query_bank: training rows of the queries' modality.")
        elif query_bank is not None:
            raise ValueError("query_bank is for a correction of hubs: set hubness to 'csls' or 'nnn', or leave it out.")

    @property
    def _similarity(self) -> Similarity:
        return SIMILARITIES[self._fitted_metric]

    @property
    def _query_modality(self) -> str:
        return "x" if self._fitted_modality == "y" else "y"

    def _embedded(self, rows: ArrayLike, modality: str, name: str) -> FloatArray:
        scores = shared_space_scores(self.aligner_, rows, modality, name)
        self._width = self._width or scores.shape[1]
        if scores.shape[1] != self._width:
            raise ValueError(f"{name}: {scores.shape[1]} features in a shared space of {self._width}.")
        # A copy: scaling works in place, and rows without an aligner are the user's own.
        return self._similarity.embedded(scores.copy())

    def _item_embeddings(self, rows: ArrayLike, name: str) -> FloatArray:
        items = self._embedded(rows, self._fitted_modality, name)
        if self._bank is None:
            return items
        return with_bias(items, self._bias_weight * bias(items, self._bank, self._bias_neighbors, self.verbose))

    def _checked_ids(self, ids: ArrayLike | None, n: int, rows: str, start: int) -> NDArray[Any]:
        return np.arange(start, start + n) if ids is None else checked_ids(ids, "ids", n, rows)

    def _set_bank(self, bank: FloatArray | None) -> None:
        self._bank = None if bank is None else SearchSpace(bank, self._similarity)

    def _store(self, embeddings: FloatArray, ids: NDArray[Any]) -> None:
        self._space = SearchSpace(embeddings, self._similarity) if len(embeddings) else None
        self.embeddings_, self.ids_ = embeddings, ids


def _check_state(state: dict[str, Any]) -> None:
    """Refuse what no index has, before it is used."""
    embeddings, ids = state["embeddings_"], state["ids_"]
    metric, modality, hubness = (state[f"_fitted_{name}"] for name in ("metric", "modality", "hubness"))
    fits = (
        isinstance(embeddings, np.ndarray)
        and embeddings.ndim == 2
        and embeddings.dtype in (np.float32, np.float64)
        and isinstance(ids, np.ndarray)
        and ids.shape == embeddings.shape[:1]
        and metric in SIMILARITIES
        and modality in ("x", "y")
        and hubness in (None, *CORRECTIONS)
        and (hubness is None or isinstance(state["bank_embeddings_"], np.ndarray))
        and embeddings.shape[1] == state["_width"] + (hubness is not None)
        and isinstance(state["has_aligner"], bool)
        and (state["aligner_"] is None or hasattr(state["aligner_"], "transform_y"))
        and "_next_id" in state
    )
    if not fits:
        raise ValueError("it does not hold an index")
