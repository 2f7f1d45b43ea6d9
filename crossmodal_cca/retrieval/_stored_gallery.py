"""Fitted attributes of an index, as views of its gallery, and files of it."""

from __future__ import annotations

import os
from copy import copy
from typing import Any, ClassVar, Self

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .._checks import check_flag
from .._files import read, write
from .._schemas import Schema, State, Stored, without_underscores
from ..alignment._fitted_aligner import AlignerParameterMixin
from ..alignment._views import View, ViewsMixin
from ._gallery import Gallery


def upgraded(state: State, version: int) -> State:
    """Upgrade from version 1 (named attributes, no aligner) or 2 (similarity called metric)."""
    if version < 2:
        state = without_underscores(state, version) | {"aligner": None}
    return {name.replace("metric", "similarity"): value for name, value in state.items()}


class StoredGallery(ViewsMixin, AlignerParameterMixin, BaseEstimator):
    """Read-only views of a gallery, `save` and `load`; the gallery itself is only ever replaced as a whole."""

    _gallery: Gallery
    # The gallery defines its own state, which is stored beside the parameters.
    _stored: ClassVar[Schema] = {
        name: Stored(each.kind, "", each.optional) if isinstance(each, Stored) else Stored(each, "")
        for name, each in Gallery.STORED.items()
    }

    embeddings_, ids_ = View("embeddings", "_gallery"), View("ids", "_gallery")
    aligner_ = View("embedding.aligner", "_gallery")
    gallery_mean_ = View("embedding.gallery_mean", "_gallery", optional=True)
    query_mean_ = View("embedding.query_mean", "_gallery", optional=True)
    bank_embeddings_ = View("embedding.bank", "_gallery", optional=True)

    @property
    def _fitted(self) -> Gallery:
        """Fitted gallery; a method reads it once, and so works with one gallery whatever other threads do."""
        check_is_fitted(self)
        return self._gallery

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_gallery")

    def __len__(self) -> int:
        """Return the number of items; 0 before `fit`."""
        return len(self._gallery) if hasattr(self, "_gallery") else 0

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
            Whether the aligner keeps the moments of its training rows; the search does not need them.

        Raises
        ------
        TypeError
            If the aligner, or an id, cannot be stored without pickle: ids in a file are numbers, texts, NumPy's dates,
            or tuples of these.
        """
        gallery, written = self._fitted, self
        check_flag(with_aligner, "with_aligner")
        check_flag(moments, "moments")
        if not with_aligner:
            written = copy(self)
            written._gallery = gallery.with_aligner(None)
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
        embedding = index._gallery.embedding
        if aligner is None and embedding.aligner_left_out:
            raise ValueError(
                f"{os.fspath(path)!r} was saved without its aligner: pass the fitted one as aligner to "
                f"{cls.__name__}.load."
            )
        if aligner is not None:
            if embedding.aligner is None and not embedding.aligner_left_out:
                raise ValueError("This index has no aligner: its features share a space. Load it without aligner.")
            index.aligner = aligner
            index._gallery = index._gallery.with_aligner(index._frozen_aligner())
        return index  # type: ignore[no-any-return]

    def _to_file(self, state: State, *, moments: bool) -> State:
        # The parameter may be a search around the aligner, or fitted again since.
        return state | {"aligner": None} | self._gallery.to_file()

    def _from_file(self, state: State) -> None:
        self._gallery = Gallery.from_file(state)
        self.aligner = copy(self._gallery.embedding.aligner)


def gallery_of(index: StoredGallery) -> Gallery:
    """Return the gallery of a fitted index, for instruments that keep one."""
    return index._fitted


def _way_out(error: str) -> str:
    """Say what to do about a part that cannot be saved."""
    if error.startswith("CrossModalIndex.aligner_"):
        return (
            " Save the index with with_aligner=False and the aligner by other means, such as skops; load takes it as "
            "aligner."
        )
    if error.startswith("CrossModalIndex.ids_"):
        return " Fit the index with ids that are numbers or texts, such as [str(i) for i in ids]."
    return ""
