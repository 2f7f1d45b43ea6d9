"""The gallery of a fitted index, as one value, and the search in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._aligner import Aligner
from .._checks import check_whole_number
from .._ids import KnownIds, checked_ids, joined
from .._schemas import Schema, State, Stored
from .._similarity import SIMILARITIES
from .._typing import FloatArray
from ..rows._validation import warn_of_other_order
from ._growing import GrowingRows
from ._nearest import SearchSpace
from ._search_embedding import Embedding, HubCorrection
from .hubness import CORRECTIONS, bias


@dataclass(frozen=True, eq=False)
class Gallery:
    """The gallery of a fitted index: an immutable value, which can be replaced while it is searched."""

    embedding: Embedding
    rows: GrowingRows  # embedded items, with minus their bias as one more dimension if hubs are corrected
    known: KnownIds
    next_id: int | None  # next number, if ids are numbers given by the index
    space: SearchSpace | None  # items laid out for a search; None without items
    plain: SearchSpace | None  # items laid out without their bias, if a search needs that

    # Stored values; the layouts for a search are computed again from these.
    STORED: ClassVar[Schema] = {
        "aligner_": object,
        "has_aligner": bool,
        "column_names": Stored(dict, optional=True),
        **{f"fitted_{name}": str for name in ("similarity", "modality")},
        "fitted_hubness": str | None,
        **{f"{side}_mean_": Stored(np.ndarray, optional=True) for side in ("gallery", "query")},
        "bank_embeddings_": Stored(np.ndarray, optional=True),
        "bias_neighbors": Integral | None,
        "bias_weight": Real | None,
        "width": Integral,
        "next_id": Integral | None,
        "embeddings_": np.ndarray,
        "ids_": np.ndarray,
    }

    @classmethod
    def of(cls, embedding: Embedding, embeddings: FloatArray, ids: NDArray[Any], next_id: int | None) -> Self:
        space = SearchSpace(embeddings, embedding.similarity) if len(embeddings) else None
        return cls(embedding, GrowingRows(embeddings), KnownIds(ids), next_id, space, _plain(embedding, embeddings))

    @property
    def embeddings(self) -> FloatArray:
        return self.rows.array

    @property
    def ids(self) -> NDArray[Any]:
        return self.known.ids

    def __len__(self) -> int:
        return len(self.ids)

    def added(self, rows: ArrayLike, ids: ArrayLike | None, verbose: int) -> Self:
        """Return the gallery with further items at the end."""
        if (ids is None) != (self.next_id is not None):
            way, wanted = ("without", "pass none") if ids is not None else ("with", "pass one for each row")
            raise ValueError(f"This index was fitted {way} ids, so {wanted} to add.")
        items = self.embedding.of_items(rows, "rows", verbose)
        warn_of_other_order(rows=rows, ids=ids)
        new, next_id = ids_of_rows(ids, len(items), "rows", self.next_id or 0)
        known = KnownIds(joined(self.ids, new))
        longer = self.rows.with_more(items)
        if self.space is None:
            return self.of(self.embedding, longer.array, known.ids, next_id)
        space = self.space.with_more(longer.array)
        plain = None if self.plain is None else self.plain.with_more(longer.array[:, :-1])
        return replace(self, rows=longer, known=known, next_id=next_id, space=space, plain=plain)

    def without(self, ids: Any) -> Self:
        """Return the gallery without the items of some ids."""
        kept = np.flatnonzero(~self.known.rows_with(ids, "ids"))
        items = self.embeddings[kept]
        some = len(kept) > 0
        return replace(
            self,
            rows=GrowingRows(items),
            known=KnownIds(self.ids[kept]),
            space=self.space.chosen(kept, items) if self.space is not None and some else None,
            plain=self.plain.chosen(kept, items[:, :-1]) if self.plain is not None and some else None,
        )

    def with_aligner(self, aligner: Aligner | None) -> Self:
        """Return the gallery with the aligner that a file lacked, or without it for a file."""
        left_out = aligner is None and (self.embedding.aligner_left_out or self.embedding.aligner is not None)
        return replace(self, embedding=replace(self.embedding, aligner=aligner, aligner_left_out=left_out))

    def nearest(
        self, queries: ArrayLike, n_neighbors: Any, within: Any, verbose: int
    ) -> tuple[FloatArray, NDArray[np.intp]]:
        """Find distances and positions of the items nearest to queries, among all items or those of some ids."""
        embedded = self.embedding.of_queries(queries)
        among, items = None, "items in the index"
        if within is not None:
            among, items = np.flatnonzero(self.known.rows_with(within, "within")), "items in within"
            if len(among) == 0:
                raise ValueError("within holds no id: pass those to search among, or None for all items.")
        if self.space is None:
            raise ValueError("The index is empty: add items before searching.")
        n_items = len(self) if among is None else len(among)
        k = check_whole_number(n_neighbors, "n_neighbors", high=n_items, of=items)
        similarities, positions = self.space.nearest(embedded, k, verbose, among)
        correction, similarity = self.embedding.correction, self.embedding.similarity
        if correction is None:
            return similarity.distances(similarities), positions
        if self.plain is not None and correction.scaling_neighbors is not None:
            # CSLS also subtracts the query's own bias, the same for all of its similarities.
            n_scaling = min(correction.scaling_neighbors, n_items)
            similarities = 2 * similarities - bias(embedded[:, :-1], self.plain, n_scaling, among=among)[:, None]
        # Corrected similarities have no bounds to clip to.
        return similarity.at_distance_zero - similarities, positions

    def to_file(self) -> State:
        """Return the state for a file."""
        embedding, correction = self.embedding, self.embedding.correction
        optional = {
            "gallery_mean_": embedding.gallery_mean,
            "query_mean_": embedding.query_mean,
            "bank_embeddings_": embedding.bank,
        }
        return {
            "aligner_": embedding.aligner,
            "has_aligner": embedding.aligner is not None or embedding.aligner_left_out,
            "column_names": dict(embedding.column_names),
            "fitted_similarity": embedding.similarity.name,
            "fitted_modality": embedding.modality,
            "fitted_hubness": None if correction is None else correction.method,
            "bias_neighbors": None if correction is None else correction.n_neighbors,
            "bias_weight": None if correction is None else correction.weight,
            "width": embedding.width,
            "next_id": self.next_id,
            "embeddings_": self.embeddings,
            "ids_": self.ids,
            **{name: value for name, value in optional.items() if value is not None},
        }

    @classmethod
    def from_file(cls, state: State) -> Self:
        """Build a gallery from the state in a file."""
        _check_state(state)
        similarity, correction = SIMILARITIES[state["fitted_similarity"]], None
        if state["fitted_hubness"] is not None:
            bank = SearchSpace(state["bank_embeddings_"], similarity)
            correction = HubCorrection(state["fitted_hubness"], bank, state["bias_neighbors"], state["bias_weight"])
        embedding = Embedding(
            aligner=state["aligner_"],
            similarity=similarity,
            modality=state["fitted_modality"],
            aligner_left_out=state["has_aligner"] and state["aligner_"] is None,
            width=state["width"],
            column_names=state.get("column_names", {}),
            gallery_mean=state.get("gallery_mean_"),
            query_mean=state.get("query_mean_"),
            correction=correction,
        )
        return cls.of(embedding, state["embeddings_"], state["ids_"], state["next_id"])


def ids_of_rows(ids: ArrayLike | None, n: int, rows: str, start: int) -> tuple[NDArray[Any], int | None]:
    """Return the ids of further rows, and the next number if ids are numbers given by the index."""
    if ids is None:
        return np.arange(start, start + n), start + n
    # A copy, since an array of ids belongs to the user.
    return checked_ids(ids, "ids", n, rows).copy(), None


def _plain(embedding: Embedding, embeddings: FloatArray) -> SearchSpace | None:
    """Lay out the items without their bias, in the same memory, if a search needs them."""
    correction = embedding.correction
    if correction is None or correction.scaling_neighbors is None or len(embeddings) == 0:
        return None
    return SearchSpace(embeddings[:, :-1], embedding.similarity)


def _check_state(state: State) -> None:
    """Refuse an inconsistent state before it is used."""
    embeddings, ids = state["embeddings_"], state["ids_"]
    similarity, modality, hubness = (state[f"fitted_{name}"] for name in ("similarity", "modality", "hubness"))
    means = [state[name] for name in ("gallery_mean_", "query_mean_") if name in state]
    fits = (
        embeddings.ndim == 2
        and embeddings.dtype in (np.float32, np.float64)
        and ids.shape == embeddings.shape[:1]
        and similarity in SIMILARITIES
        and modality in ("x", "y")
        and hubness in (None, *CORRECTIONS)
        and (hubness is None or "bank_embeddings_" in state)
        and embeddings.shape[1] == state["width"] + (hubness is not None)
        and len(means) in (0, 2)
        and all(mean.shape == (state["width"],) for mean in means)
        and (state["aligner_"] is None or hasattr(state["aligner_"], "transform_y"))
    )
    if not fits:
        raise ValueError("it does not hold an index")
