"""The bundled emoji: pictures and names of 1911 emoji as precomputed embeddings."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from .._checks import check_choice, check_flag

# Languages of the names.
_LANGUAGES = ("en", "fr", "es", "de", "it", "pt", "ru", "zh", "ja")
# Choices of `subset`.
_SUBSETS = ("all", "train", "test")
# Characters of a value that are shown at most.
_SHOWN = 100


class Data(Bunch):
    """A Bunch whose display lists entries by type and shape, with equal ones on one line."""

    def __repr__(self) -> str:
        alike: dict[str, list[str]] = {}
        for name, value in self.items():
            alike.setdefault(_described(value), []).append(name)
        return "\n".join(
            [f"{type(self).__name__} with", *(f"  {', '.join(names)}: {what}" for what, names in alike.items())]
        )


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"array of {'str' if value.dtype.kind == 'U' else value.dtype}, shape {value.shape}"
    if hasattr(value, "shape"):
        return f"{type(value).__name__}, shape {value.shape}"
    if isinstance(value, dict):
        return f"dict with {', '.join(value)}"
    text = " ".join(str(value).split())
    return f"{type(value).__name__}, {text[:_SHOWN] + '…' if len(text) > _SHOWN else text}"


def _strings(encoded: NDArray[np.uint8]) -> NDArray[np.str_]:
    return np.array(encoded.tobytes().decode().split("\n"))


def _features(stored: dict[str, NDArray[Any]], name: str, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    # Reordering the one-byte codes costs a quarter of reordering the floats.
    codes = np.ascontiguousarray(stored[f"{name}_codes"].T[rows])
    features = codes.astype(np.float32)
    features *= stored[f"{name}_step"]
    features += stored[f"{name}_minimum"]
    return features


@overload
def load_emoji(*, subset: str = ..., return_X_y: Literal[False] = ..., as_frame: bool = ...) -> Bunch: ...


@overload
def load_emoji(*, subset: str = ..., return_X_y: Literal[True], as_frame: bool = ...) -> tuple[Any, Any]: ...


def load_emoji(*, subset: str = "all", return_X_y: bool = False, as_frame: bool = False) -> Bunch | tuple[Any, Any]:
    """Load paired image and text embeddings of 1911 emoji, with names in nine languages.

    The image modality is a picture of the emoji seen by an ImageNet network (1280 non-negative, pooled
    features), the text modality its English name and keywords seen by a sentence encoder (384 features).
    Ten groups and 99 subgroups label the rows. Nothing is downloaded.

    Parameters
    ----------
    subset : {"all", "train", "test"}, default="all"
        All 1911 rows, the 1528 training or the 383 test rows. No `base_name` is in both.
    return_X_y : bool, default=False
        Return ``(image, text)`` instead of the Bunch.
    as_frame : bool, default=False
        Return `image`, `text` and `names` as DataFrames indexed by hexcode.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        All arrays are new on each call; n is the number of rows in the subset.

        image : float32 array or DataFrame of shape (n, 1280)
            Image embeddings.
        text : float32 array or DataFrame of shape (n, 384)
            Text embeddings; rows have length 1 within 0.0012.
        names : dict of str to array of shape (n,), or DataFrame of shape (n, 9)
            Names by language: en, fr, es, de, it, pt, ru, zh, ja.
        tags : str array of shape (n,)
            English keywords joined by ``|``.
        emoji, hexcode : str arrays of shape (n,)
            The emoji itself and its code points.
        base_name : str array of shape (n,)
            English name without man, woman and person words. Near duplicates share it, so it is what
            ``GroupKFold`` needs as groups.
        group, subgroup : int64 arrays of shape (n,)
            Class labels: positions in `group_names` and `subgroup_names`.
        group_names, subgroup_names : str arrays of shape (10,) and (99,)
            Names of the labels, such as "food-drink".
        class_text : float32 array of shape (10, 384)
            Text embeddings of the bare `group_names`, for zero-shot recognition.
        split : str array of shape (n,)
            "train" or "test".
        image_feature_names, text_feature_names : str arrays of shape (1280,) and (384,)
            "image0"… and "text0"…, the columns of the DataFrames.
        DESCR : str
            Description of the data and their origin.

    (image, text) : tuple, if `return_X_y` is True
        The two modalities, rows paired.

    Raises
    ------
    ValueError
        If `subset` is none of the above.

    Notes
    -----
    Embeddings are stored in one byte per value, ``minimum + step * code`` with 256 levels per feature, so
    they differ from the encoders' output by at most half a step. Rows keep a cosine above 0.9999 with the
    original. They are not scaled to unit length again, which would move every value off its level.

    References
    ----------
    Licences and provenance are in ``LICENSES.md`` beside the data.

    Examples
    --------
    >>> from crossmodal_cca.datasets import load_emoji
    >>> data = load_emoji(subset="train")
    >>> data.image.shape, data.text.shape
    ((1528, 1280), (1528, 384))
    >>> print(data.names["en"][0], "|", data.names["fr"][0], "|", data.group_names[data.group[0]])
    grinning face | visage rieur | smileys-emotion
    """
    check_choice(subset, "subset", _SUBSETS)
    check_flag(return_X_y, "return_X_y")
    check_flag(as_frame, "as_frame")
    folder = files(__package__) / "data"
    with (folder / "emoji.npz").open("rb") as file, np.load(file, allow_pickle=False) as archive:
        stored = dict(archive)
    split = np.where(stored["is_test"], "test", "train")
    rows = np.arange(len(split)) if subset == "all" else np.flatnonzero(split == subset)

    image: Any = _features(stored, "image", rows)
    text: Any = _features(stored, "text", rows)
    image_feature_names = np.array([f"image{i}" for i in range(image.shape[1])])
    text_feature_names = np.array([f"text{i}" for i in range(text.shape[1])])
    hexcode = _strings(stored["hexcode"])[rows]
    names: Any = {language: _strings(stored[language])[rows] for language in _LANGUAGES}
    if as_frame:
        import pandas as pd

        index = pd.Index(hexcode, name="hexcode")
        image = pd.DataFrame(image, index=index, columns=image_feature_names)
        text = pd.DataFrame(text, index=index, columns=text_feature_names)
        names = pd.DataFrame(names, index=index)
    if return_X_y:
        return image, text
    return Data(
        image=image,
        text=text,
        names=names,
        tags=_strings(stored["en_tags"])[rows],
        emoji=_strings(stored["emoji"])[rows],
        hexcode=hexcode,
        base_name=_strings(stored["base_name"])[rows],
        group=stored["group"][rows].astype(np.int64),
        group_names=_strings(stored["group_names"]),
        subgroup=stored["subgroup"][rows].astype(np.int64),
        subgroup_names=_strings(stored["subgroup_names"]),
        class_text=stored["class_text"].astype(np.float32),
        split=split[rows],
        image_feature_names=image_feature_names,
        text_feature_names=text_feature_names,
        DESCR=(folder / "emoji.md").read_text(encoding="utf-8"),
    )
