"""What a fitted index shows of its gallery."""

from __future__ import annotations

from sklearn.utils.validation import check_is_fitted

from ..alignment._views import View, ViewsMixin
from ._gallery import Gallery


class GalleryViewsMixin(ViewsMixin):
    """Fitted attributes of an index, none of which can be written to; its `_gallery` alone is ever replaced."""

    _gallery: Gallery

    embeddings_, ids_ = View("embeddings", "_gallery"), View("ids", "_gallery")
    aligner_ = View("embedding.aligner", "_gallery")
    gallery_mean_ = View("embedding.gallery_mean", "_gallery", optional=True)
    query_mean_ = View("embedding.query_mean", "_gallery", optional=True)
    bank_embeddings_ = View("embedding.bank", "_gallery", optional=True)

    @property
    def _fitted(self) -> Gallery:
        """What was fitted. Whoever reads it once works with one gallery, whatever another thread does."""
        check_is_fitted(self)
        return self._gallery

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_gallery")

    def __len__(self) -> int:
        """Number of items; none before `fit`."""
        return len(self._gallery) if hasattr(self, "_gallery") else 0
