"""Files of an index."""

from __future__ import annotations

import os
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .. import _persistence
from .._similarity import SIMILARITIES
from .hubness import CORRECTIONS

_KIND = "CrossModalIndex"
# Parameters that are fitted objects, and what is made again from the rest.
_NOT_SAVED = ("aligner", "aligner_", "_gallery", "_bank")


class IndexFileMixin:
    """`save` and `load` of `CrossModalIndex`."""

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
            If the aligner, or an id, cannot be stored without pickle: ids in a file are numbers, texts, NumPy's dates,
            or tuples of these.
        """
        check_is_fitted(self)
        state = {key: value for key, value in vars(self).items() if key not in _NOT_SAVED}
        state |= {name: getattr(self, name) for name in ("embeddings_", "ids_")}
        aligner = vars(self)["aligner_"]
        state |= {"has_aligner": aligner is not None, "aligner_": aligner if with_aligner else None}
        try:
            _persistence.save(path, _KIND, state)
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
        state = _persistence.load(path, _KIND, check=_check_state)
        had_aligner = state.pop("has_aligner")
        if aligner is None and state["aligner_"] is None and had_aligner:
            raise ValueError(f"{os.fspath(path)!r} was saved without its aligner: pass the fitted one as aligner.")
        if aligner is not None and not had_aligner:
            raise ValueError("This index has no aligner: its features share a space. Load it without aligner.")
        index: Any = cls(aligner=state["aligner_"] if aligner is None else aligner)  # type: ignore[call-arg]
        embeddings, ids = state.pop("embeddings_"), state.pop("ids_")
        vars(index).update(state)
        index.aligner_ = index._frozen_aligner()
        index._set_bank(state.get("bank_embeddings_"))
        index._set_gallery(embeddings, ids)
        return index  # type: ignore[no-any-return]


def _way_out(error: str) -> str:
    """What to do about a part that cannot be saved."""
    if "['aligner_']" in error:
        return (
            " Save the index with with_aligner=False and the aligner by other means, such as skops; load takes it as "
            "aligner."
        )
    if "['ids_']" in error:
        return " Fit the index with ids that are numbers or texts, such as [str(i) for i in ids]."
    return ""


def _check_state(state: dict[str, Any]) -> None:
    """Refuse what no index has, before it is used."""
    embeddings, ids = state["embeddings_"], state["ids_"]
    metric, modality, hubness = (state[f"_fitted_{name}"] for name in ("metric", "modality", "hubness"))
    means = [state[name] for name in ("gallery_mean_", "query_mean_") if name in state]
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
        and len(means) in (0, 2)
        and all(isinstance(mean, np.ndarray) and mean.shape == (state["_width"],) for mean in means)
        and isinstance(state["has_aligner"], bool)
        and (state["aligner_"] is None or hasattr(state["aligner_"], "transform_y"))
        and "_next_id" in state
    )
    if not fits:
        raise ValueError("it does not hold an index")
