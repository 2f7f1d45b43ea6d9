"""Section about classes: how well items of each are found, and how alike classes are across modalities."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._ids import distinct_ids
from ..plotting import SimilarityMatrixDisplay
from ._contents import Content, Picture, Table
from ._evidence import Evidence
from ._figures import legible

# Most classes in the table, the best and the worst of more; most items of either side in the picture.
_MOST_CLASSES, _MOST_ITEMS = 20, 150


def numbers_of_classes(evidence: Evidence) -> list[dict[str, Any]]:
    """Return the mean quality of the queries of each class, for each direction, the worst class first."""
    question = evidence.question
    assert question.labels is not None
    found: dict[str, dict[str, Any]] = {}
    for searches, name in zip(evidence.quality.searches, question.names, strict=True):
        classes, codes = distinct_ids(question.labels[searches.queries], "labels")
        for code, label in enumerate(classes):
            of_class = searches.values[codes == code]
            entry = found.setdefault(str(label), {"class": str(label), "queries": 0, "by_direction": {}})
            entry["queries"] += len(of_class)
            entry["by_direction"][name] = float(np.mean(of_class))
    return sorted(found.values(), key=lambda entry: (_mean(entry), entry["class"]))


def _mean(entry: dict[str, Any]) -> float:
    return float(np.mean(list(entry["by_direction"].values())))


def contents_of_classes(evidence: Evidence) -> list[Content]:
    """Show quality by class, and the similarity of items ordered by class."""
    question, gallery = evidence.question, evidence.gallery
    found, measure = numbers_of_classes(evidence), evidence.grounds.measure
    shown = found if len(found) <= _MOST_CLASSES else found[: _MOST_CLASSES // 2] + found[-_MOST_CLASSES // 2 :]
    rows = [
        [entry["class"], f"{entry['queries']:,}"]
        + [f"{entry['by_direction'].get(name, np.nan):.3f}" for name in question.names]
        for entry in shown
    ]
    part = f", the {len(shown)} worst and best of {len(found)}" if len(shown) < len(found) else ""
    columns = ["class", "queries", *(f"from {name}" for name in question.names)]

    assert question.labels is not None
    labels, codes = distinct_ids(question.labels, "labels")
    classes, names = np.array(legible([str(label) for label in labels]))[codes], legible(question.names)

    def draw(ax: Any) -> None:
        SimilarityMatrixDisplay.from_predictions(
            *gallery.scores.values(),
            x_ids=classes[gallery.rows["x"]],
            y_ids=classes[gallery.rows["y"]],
            similarity=question.similarity,
            max_items=_MOST_ITEMS,
            names=(names[0], names[1]),
            ax=ax,
        )

    return [
        Table(f"{measure} of the queries of each class{part}", columns, rows),
        Picture(
            draw,
            f"Similarity of {question.names[0]} items to {question.names[1]} items, both ordered by class: a class "
            "that the space knows is a block on the diagonal.",
            (6.4, 5.4),
        ),
    ]
