"""Section of searches: those that succeed, some drawn at random, and those that fail."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..metrics import retrieval_ranks
from ..metrics._directions import Direction
from ..retrieval import CrossModalIndex
from ._contents import Content, Search, Searches, Text
from ._evidence import Evidence
from ._question import OTHER

# Searches of each kind, and results of each that are shown.
_OF_EACH, _N_RESULTS = 4, 5


def contents_of_examples(evidence: Evidence) -> list[Content]:
    """Show searches in both directions."""
    found: list[Content] = [
        Text(
            f"Among held-out pairs; ✓ marks what belongs to the query. For each direction: the {_OF_EACH} that are "
            f"right and surest, {_OF_EACH} drawn at random, and the {_OF_EACH} whose partner comes last."
        )
    ]
    for direction in Direction:
        found += _searches(evidence, direction)
    return found


def _searches(evidence: Evidence, direction: Direction) -> list[Content]:
    question, gallery = evidence.question, evidence.gallery
    side = direction.queries
    other, rows_of = OTHER[side], gallery.rows
    own, of_items = gallery.numbers[side], gallery.numbers[other]
    queries, items = gallery.scores[side], gallery.scores[other]
    ids: dict[str, Any] = {"query_ids": gallery.ids[side], "gallery_ids": gallery.ids[other]}
    ranks = retrieval_ranks(queries, items, **ids, similarity=question.similarity)
    index = CrossModalIndex(similarity=question.similarity).fit(items)
    distances, results = index.kneighbors(queries, min(_N_RESULTS, len(items)))
    found = []
    for kind, rows in _chosen(ranks, distances, question.random_state).items():
        searches = []
        for row in rows:
            listed = [
                (question.caption(other, int(rows_of[other][item])), bool(of_items[item] == own[row]))
                for item in results[row]
            ]
            rank = f"first partner at rank {ranks[row]:,.0f} of {len(items):,}"
            searches.append(Search(question.caption(side, int(rows_of[side][row])), listed, rank))
        if searches:
            found.append(Searches(f"{direction.label(question.names)}: {kind}", searches))
    return list(found)


def _chosen(ranks: NDArray[Any], distances: NDArray[Any], seed: int) -> dict[str, NDArray[np.intp]]:
    """Choose queries of each kind; no query is shown twice."""
    lead = distances[:, -1] - distances[:, 0]
    known = np.flatnonzero(np.isfinite(ranks))
    right = known[ranks[known] == 1]
    best = right[np.argsort(-lead[right], kind="stable")][:_OF_EACH]
    worst = known[np.argsort(-ranks[known], kind="stable")][:_OF_EACH]
    worst = worst[ranks[worst] > distances.shape[1]]
    others = np.setdiff1d(known, np.concatenate((best, worst)))
    drawn = np.random.default_rng(seed).permutation(others)[:_OF_EACH]
    return {"sure and right": best, "drawn at random": np.sort(drawn), "partner last": worst}
