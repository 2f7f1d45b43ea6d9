"""Fitted attributes of an index, as views of its gallery."""

from __future__ import annotations

from sklearn.utils.validation import check_is_fitted

from ..alignment._views import View, ViewsMixin
from ._gallery import Gallery


class GalleryViewsMixin(ViewsMixin):
    """Read-only fitted attributes of an index; only its `_gallery` is ever replaced."""

    _gallery: Gallery

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
