"""Fitted attributes of an index, as views of its gallery."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from .._aligner import Aligner
from .._typing import FloatArray
from ._gallery import Gallery


class GalleryViewsMixin:
    """Read-only fitted attributes of an index; only its `_gallery` is ever replaced."""

    _gallery: Gallery

    @property
    def embeddings_(self) -> FloatArray:
        return _read_only(self._fitted.embeddings)

    @property
    def ids_(self) -> NDArray[Any]:
        return _read_only(self._fitted.ids)

    @property
    def gallery_mean_(self) -> FloatArray:
        return self._kept("gallery_mean_", self._fitted.embedding.gallery_mean)

    @property
    def query_mean_(self) -> FloatArray:
        return self._kept("query_mean_", self._fitted.embedding.query_mean)

    @property
    def bank_embeddings_(self) -> FloatArray:
        correction = self._fitted.embedding.correction
        return self._kept("bank_embeddings_", None if correction is None else correction.bank.items)

    @property
    def aligner_(self) -> Aligner | None:
        return self._fitted.embedding.aligner

    @property
    def _fitted(self) -> Gallery:
        """Fitted gallery; a method reads it once, and so works with one gallery whatever other threads do."""
        check_is_fitted(self)
        return self._gallery

    def _kept(self, name: str, array: FloatArray | None) -> FloatArray:
        if array is None:
            raise AttributeError(f"This index was fitted with settings that need no {name}, so it has none.")
        return _read_only(array)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_gallery")

    def __len__(self) -> int:
        """Return the number of items; 0 before `fit`."""
        return len(self._gallery) if hasattr(self, "_gallery") else 0


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view
