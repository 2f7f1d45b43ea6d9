"""Make ``data/emoji.npz`` from the full-precision embeddings and the table of names.

For maintainers only::

    python tools/build_emoji.py FOLDER

``FOLDER`` holds ``emoji.npz`` (embeddings, labels, split) and ``pairs.csv`` (names, tags).
"""

from __future__ import annotations

import argparse
import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TARGET = Path(__file__).parents[1] / "crossmodal_cca" / "datasets" / "data" / "emoji.npz"
_TEXT_COLUMNS = ("hexcode", "emoji", "en_tags", "en", "fr", "es", "de", "it", "pt", "ru", "zh", "ja")
_PERSON_WORDS = re.compile(r"\b(?:(?:wo)?m[ae]n|person|people|(?:fe)?male|boy|girl)\b(?:’s)?")


def quantise(features: NDArray[Any]) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    """Round each feature to the nearest of 256 equally spaced values between its extremes.

    Parameters
    ----------
    features : array of shape (n_samples, n_features)

    Returns
    -------
    codes : uint8 array of shape (n_samples, n_features)
    minimum, step : float32 arrays of shape (n_features,)
        ``minimum + step * codes`` is within half a step of ``features``. A constant feature has step 0.
    """
    minimum = features.min(axis=0).astype(np.float32)
    step = (np.ptp(features, axis=0) / 255).astype(np.float32)
    distance = features.astype(np.float64) - minimum
    codes = np.rint(distance / np.where(step > 0, step, 1).astype(np.float64))
    return codes.clip(0, 255).astype(np.uint8), minimum, step


def base_name(name: str) -> str:
    """Strip the words that tell man, woman and person variants of one picture apart, and the punctuation."""
    return re.sub(r"[^\w’]+", " ", _PERSON_WORDS.sub(" ", name)).strip() or name


def encode(strings: list[str]) -> NDArray[np.uint8]:
    """Join strings by newlines into UTF-8 bytes: a tenth of a fixed-width array, and no pickle."""
    if any("\n" in string for string in strings):
        raise ValueError("A string to be stored holds a newline.")
    return np.frombuffer("\n".join(strings).encode(), dtype=np.uint8)


def build(folder: Path) -> dict[str, NDArray[Any]]:
    """Arrays of the bundled file.

    Parameters
    ----------
    folder : Path
        Holds ``emoji.npz`` and ``pairs.csv``.

    Returns
    -------
    dict of str to array
        Codes are stored feature by feature, (n_features, n_samples): that order compresses 7 % better.

    Raises
    ------
    ValueError
        If the names, stripped of person words, do not form the groups that the split was drawn from.
    """
    with np.load(folder / "emoji.npz", allow_pickle=False) as source:
        original = {key: source[key] for key in source.files}
    with (folder / "pairs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    bases = [base_name(row["en"]) for row in rows]
    matches = set(zip(bases, original["group"].tolist(), strict=True))
    if not len(matches) == len(set(bases)) == len(set(original["group"].tolist())):
        raise ValueError("base_name does not reproduce the groups that the split was drawn from.")

    arrays: dict[str, NDArray[Any]] = {}
    for name, features in (("image", original["img"]), ("text", original["txt"])):
        codes, minimum, step = quantise(features)
        arrays[f"{name}_codes"] = np.ascontiguousarray(codes.T)
        arrays[f"{name}_minimum"], arrays[f"{name}_step"] = minimum, step
    arrays["class_text"] = original["class_txt"].astype(np.float16)
    arrays["group"] = original["y"].astype(np.uint8)
    arrays["subgroup"] = original["y_sub"].astype(np.uint8)
    arrays["is_test"] = original["split"].astype(bool)
    arrays["group_names"] = encode(original["class_names"].tolist())
    arrays["subgroup_names"] = encode(original["sub_names"].tolist())
    arrays["base_name"] = encode(bases)
    for column in _TEXT_COLUMNS:
        arrays[column] = encode([row[column] for row in rows])
    return arrays


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the bundled emoji data from the original files.")
    parser.add_argument("folder", type=Path, help="folder with emoji.npz and pairs.csv")
    parser.add_argument("--output", type=Path, default=_TARGET, help="file to write (default: %(default)s)")
    arguments = parser.parse_args()
    np.savez_compressed(arguments.output, **build(arguments.folder))  # type: ignore[arg-type]
    print(f"{arguments.output}: {arguments.output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
