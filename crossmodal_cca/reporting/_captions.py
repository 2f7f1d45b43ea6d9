"""Captions of items: texts, addresses, and paths to pictures, of which small copies are shown."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ._contents import Caption

# Endings of files of pictures.
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff")
# Addresses that become links.
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
# Size of a small copy in pixels, and most pixels of a picture that is read.
_SIZE, _MOST_PIXELS = 96, 5 * 10**7


@dataclass(frozen=True, eq=False)
class Captions:
    """Columns of captions of the rows of one side, by kind."""

    texts: tuple[Sequence[str], ...]
    addresses: tuple[Sequence[str], ...]
    pictures: tuple[Sequence[str], ...]

    @classmethod
    def of(cls, given: Any, name: str, n_rows: int) -> Self | None:
        """Check captions, one for each row: a sequence of texts, or a dataframe of several columns of them."""
        if given is None:
            return None
        if isinstance(given, str) or not hasattr(given, "__len__"):
            raise TypeError(f"{name} must be a sequence of texts or a dataframe of such columns; got {given!r}.")
        is_frame = hasattr(given, "iloc") and given.ndim == 2
        columns = [given.iloc[:, j] for j in range(given.shape[1])] if is_frame else [given]
        kinds: dict[str, list[list[str]]] = {"texts": [], "addresses": [], "pictures": []}
        for column in columns:
            if np.ndim(column) > 1:
                raise ValueError(f"{name} must be one text a row, or a dataframe; got {np.ndim(column)} dimensions.")
            if len(column) != n_rows:
                raise ValueError(
                    f"{name} has {len(column)} entries, but X and y have {n_rows} rows; it needs one for each."
                )
            texts = ["" if _is_missing(entry) else str(entry) for entry in column]
            kinds[_kind_of(texts)].append(texts)
        return cls(*(tuple(columns) for columns in kinds.values()))

    def of_row(self, row: int) -> Caption:
        """Return what stands for one row."""
        texts = [column[row] for column in self.texts]
        thumbnails = []
        for path in (column[row] for column in self.pictures):
            name = re.split(r"[\\/]", path)[-1]
            data = _thumbnail(path) if path else None
            if data is None:
                texts.append(f"{name} (no picture that can be read)" if name else "")
            else:
                thumbnails.append((name, data))
        addresses = [column[row] for column in self.addresses if column[row]]
        return Caption([text for text in texts if text], addresses, thumbnails)


def _is_missing(entry: Any) -> bool:
    return entry is None or bool(entry != entry)


def is_picture(text: str) -> bool:
    """Whether a text looks like the path to a picture."""
    return text.lower().endswith(_PICTURES) and not _ADDRESS.fullmatch(text)


def _kind_of(texts: Sequence[str]) -> str:
    """Say what a whole column holds; one caption that ends in .png makes no column of pictures."""
    given = [text for text in texts if text]
    if given and all(_ADDRESS.fullmatch(text) for text in given):
        return "addresses"
    return "pictures" if given and all(map(is_picture, given)) else "texts"


def _thumbnail(path: str) -> bytes | None:
    """Return a small copy of a picture as JPEG; None if there is none."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(path) as picture:
                if picture.width * picture.height > _MOST_PIXELS:
                    return None
                picture.thumbnail((_SIZE, _SIZE))
                colored = picture.convert("RGBA")
    # Readers of pictures raise errors of many kinds for files that are damaged, or no pictures at all.
    except Exception:
        return None
    page = Image.new("RGB", colored.size, "white")
    page.paste(colored, mask=colored)
    file = io.BytesIO()
    page.save(file, format="JPEG", quality=80)
    return file.getvalue()
