"""Search among pictures and names of emoji: the demonstration of `crossmodal-cca demo`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from time import perf_counter
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from ..alignment import CCA, PLSSVD
from ..datasets import load_emoji
from ..metrics import hit_rate_at_k, per_query, retrieval_report
from ..plotting import HitRateDisplay

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Models shown, with their settings, chosen on the training pairs alone: three folds without a common base name, best
# mean reciprocal rank of both directions (tests/test_emoji.py chooses in the same way).
MODELS = {
    "PLS-SVD": PLSSVD(n_components=64),
    "CCA, shrinkage 0.4": CCA(n_components=200, shrinkage=0.4, power=1.0),
}

# Names of test emoji that search among the pictures.
WORDS = ("raccoon", "beer mug", "milky way", "teddy bear", "motorcycle")
# Test emoji, by name, whose pictures search among the names.
PICTURES = ("polar bear", "steaming bowl", "military helmet", "flag: Netherlands")
# The picture shows every 32nd test emoji, which nobody picked, and the first words for each.
_EVERY, _SHOWN = 32, 6
# Place at which words begin, room between two of them (shares of the width), the colours of the right and of others.
_WORDS_FROM, _GAP, _RIGHT, _OTHER = 0.38, 0.022, "#117a3e", "#3c4450"


def run_demo(file: IO[bytes], output: Path) -> None:
    """Fit, search, print and draw.

    Parameters
    ----------
    file : binary file
        File to write the picture to, a PNG.
    output : Path
        Final path of the file.
    """
    start = perf_counter()
    train, test = load_emoji(subset="train"), load_emoji(subset="test")
    print(
        f"{len(train.emoji)} training pairs: the picture of an emoji ({train.image.shape[1]} image features) and its "
        f"name with keywords ({train.text.shape[1]} text features).\n"
        f"{len(test.emoji)} held-out pairs to search in; no emoji differs from a training one by person alone.\n"
    )
    scores = {}
    for name, model in MODELS.items():
        began = perf_counter()
        model.fit(train.image, train.text)
        fitted = perf_counter() - began
        scores[name] = model.transform(test.image, test.text)
        print(f"{name}, {model.n_components_} components, fitted in {fitted:.2f} s")
        print(_table(*scores[name]), end="\n\n")
    best = list(scores)[-1]
    similarity = _cosines(*scores[best])
    _print_searches(similarity, test, best)
    _draw(scores, test, best, file)
    _print_meaning(scores[best], test)
    print(f"\nPicture: {output}  ({perf_counter() - start:.1f} s in all)")


def _table(x_scores: Any, y_scores: Any) -> str:
    report = retrieval_report(x_scores, y_scores, names=("picture", "word"), random_state=0)
    table: str = report.drop(columns=["n_queries"]).to_string(float_format="{:.3f}".format)
    return table


def _cosines(x_scores: Any, y_scores: Any) -> Any:
    unit = [S / np.linalg.norm(S, axis=1, keepdims=True) for S in (x_scores, y_scores)]
    return unit[0] @ unit[1].T


def _print_searches(similarity: Any, test: Any, model: str) -> None:
    """Print the best three results of a few searches in both directions."""
    names = test.names["en"]
    rows = {name: row for row, name in enumerate(names)}
    print(f"Word to emoji, the first three of {len(names)} ({model}; * is the partner)")
    for word in WORDS:
        found = np.argsort(-similarity[:, rows[word]])[:3]
        print(f"  {word:20s} " + "   ".join(f"{test.emoji[i]} {names[i]}{_star(i, rows[word])}" for i in found))
    print(f"\nEmoji to words, the first three of {len(names)}")
    for picture in PICTURES:
        found = np.argsort(-similarity[rows[picture]])[:3]
        print(f"  {test.emoji[rows[picture]]}  " + " | ".join(f"{names[i]}{_star(i, rows[picture])}" for i in found))
    print()


def _star(found: int, wanted: int) -> str:
    return " *" if found == wanted else ""


def _draw(scores: dict[str, Any], test: Any, best: str, file: IO[bytes]) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 5.6))
    FigureCanvasAgg(figure)
    left, right = figure.add_axes((0.055, 0.1, 0.36, 0.82)), figure.add_axes((0.44, 0.02, 0.55, 0.9))
    for name, (x_scores, y_scores) in scores.items():
        HitRateDisplay.from_predictions(
            x_scores, y_scores, names=("picture", "word"), name=name, random_state=0, ax=left
        )
    names = test.names["en"]
    rows = np.arange(0, len(names), _EVERY)
    found = np.argsort(-_cosines(*scores[best])[rows], axis=1)[:, :_SHOWN]
    right.set(xlim=(0, 1), ylim=(len(rows) - 0.4, -0.6))
    right.axis("off")
    right.set_title(f"Pictures of held-out emoji, and the first of {len(names)} words for each ({best})", loc="left")
    for line, (row, words) in enumerate(zip(rows, found, strict=True)):
        right.text(0.0, line, f"picture of {names[row]}", va="center", fontsize=10, fontstyle="italic")
        write_words(right, _WORDS_FROM, line, names[words], names[row])
    figure.savefig(file, format="png", dpi=110)


def write_words(ax: Axes, place: float, line: float, words: Iterable[str], right: str) -> None:
    """Write words side by side, the right one marked, as far as there is room in axes that are as wide as 1."""
    for word in words:
        style: dict[str, Any] = {"color": _RIGHT, "fontweight": "bold"} if word == right else {"color": _OTHER}
        text = ax.text(place, line, f"✓ {word}" if word == right else word, va="center", fontsize=10, **style)
        end = ax.transData.inverted().transform(text.get_window_extent().get_points())[1][0]
        if end > 1:
            text.remove()
            return
        place = end + _GAP


def _flags(test: Any) -> Any:
    return test.group == list(test.group_names).index("flags")


def _print_meaning(scores: tuple[Any, Any], test: Any) -> None:
    both = (scores, scores[::-1])
    first, ten = (np.mean([hit_rate_at_k(*sides, k=k) for sides in both]) for k in (1, 10))
    among_ten = np.mean([per_query("hit_rate_at_k", *sides, k=10) for sides in both], axis=0)
    flags, n = _flags(test), len(test.emoji)
    print(
        f"Of {n} candidates never seen in training, the right partner comes first for {first:.0%} of the searches\n"
        f"(chance {1 / n:.1%}) and is among the first ten for {ten:.0%} (chance {10 / n:.1%}). The features are frozen "
        "and know\nnothing of each other; one linear map for either side was learned from the training pairs.\n"
        f"Flags ({flags.mean():.0%} of the set) are hard to name from the picture: {among_ten[flags].mean():.0%} among "
        f"the first ten, against {among_ten[~flags].mean():.0%} for the rest."
    )
