"""Files of an index."""

from __future__ import annotations

import os
from copy import copy
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._checks import check_flag
from .._files import read, write
from .._schemas import Schema, State, Stored, without_underscores
from .._similarity import SIMILARITIES
from .hubness import CORRECTIONS


def upgraded(state: State, version: int) -> State:
    """From version 1, which named attributes and left the aligner out, or 2, which called a similarity a metric."""
    if version < 2:
        state = without_underscores(state, version) | {"aligner": None}
    return {name.replace("metric", "similarity"): value for name, value in state.items()}


class IndexFileMixin:
    """`save` and `load` of `CrossModalIndex`."""

    aligner: Any
    aligner_: Any
    _gallery: Any
    # In a copy that is written without its aligner, or was read so and does not have it yet.
    _aligner_left_out = False
    _stored: ClassVar[Schema] = {
        **{f"fitted_{name}": Stored(str, f"_fitted_{name}") for name in ("similarity", "modality")},
        "fitted_hubness": Stored(str | None, "_fitted_hubness"),
        **{f"{side}_mean_": Stored(np.ndarray, optional=True) for side in ("gallery", "query")},
        "bank_embeddings_": Stored(np.ndarray, optional=True),
        "bias_neighbors": Stored(Integral | None, "_bias_neighbors"),
        "bias_weight": Stored(Real | None, "_bias_weight"),
        "width": Stored(Integral, "_width"),
        "next_id": Stored(Integral | None, "_next_id"),
        # What searches go over is made again from these.
        "embeddings_": Stored(np.ndarray, ""),
        "ids_": Stored(np.ndarray, ""),
        "has_aligner": Stored(bool, ""),
    }

    def save(self, path: str | os.PathLike[str], *, with_aligner: bool = True, moments: bool = True) -> None:
        """Write the index to one file, without pickle; an earlier file is replaced only when the new one is complete.

        Parameters
        ----------
        path : str or path
            The file.
        with_aligner : bool, default=True
            Whether to store the aligner too; needed where it holds objects of other packages, such as transformers of
            a `CrossModalPipeline`. Without it, pass it to `load`.
        moments : bool, default=True
            Whether the aligner keeps the moments of its training rows. The search needs none.

        Raises
        ------
        TypeError
            If the aligner, or an id, cannot be stored without pickle: ids in a file are numbers, texts, NumPy's dates,
            or tuples of these.
        """
        check_is_fitted(self)
        check_flag(with_aligner, "with_aligner")
        check_flag(moments, "moments")
        written = self if with_aligner else copy(self)
        if not with_aligner:
            written._aligner_left_out = self.aligner_ is not None
        try:
            write(path, written, moments=moments)
        except TypeError as error:
            raise TypeError(f"{error}{_way_out(str(error))}") from error

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
        index = read(path, cls.__name__)
        if aligner is None and index._aligner_left_out:
            raise ValueError(
                f"{os.fspath(path)!r} was saved without its aligner: pass the fitted one as aligner to "
                f"{cls.__name__}.load."
            )
        if aligner is not None:
            if index.aligner_ is None and not index._aligner_left_out:
                raise ValueError("This index has no aligner: its features share a space. Load it without aligner.")
            index.aligner = aligner
            index.aligner_ = index._frozen_aligner()
            vars(index).pop("_aligner_left_out", None)
        return index  # type: ignore[no-any-return]

    def _to_file(self, state: State, *, moments: bool) -> State:
        aligner = state["aligner_"]
        kept = None if self._aligner_left_out else aligner
        gallery = self._gallery  # one value, while another thread may add to the index
        return state | {
            "aligner": None,
            "aligner_": kept,
            "has_aligner": aligner is not None,
            "embeddings_": gallery.embeddings,
            "ids_": gallery.ids,
        }

    def _from_file(self, state: State) -> None:
        _check_state(state)
        super()._from_file(state)  # type: ignore[misc]
        if state["has_aligner"] and state["aligner_"] is None:
            self._aligner_left_out = True
        index: Any = self
        index._set_bank(state.get("bank_embeddings_"))
        index._set_gallery(state["embeddings_"], state["ids_"])


def _way_out(error: str) -> str:
    """What to do about a part that cannot be saved."""
    if error.startswith("CrossModalIndex.aligner_"):
        return (
            " Save the index with with_aligner=False and the aligner by other means, such as skops; load takes it as "
            "aligner."
        )
    if error.startswith("CrossModalIndex.ids_"):
        return " Fit the index with ids that are numbers or texts, such as [str(i) for i in ids]."
    return ""


def _check_state(state: State) -> None:
    """Refuse what no index has, before it is used."""
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
