"""Search across modalities: an index, corrections of hubs, and how sure a result is."""

from .confidence import SearchConfidence
from .conformal_sets import ConformalSets
from .hubness import correct_hubness, hubness_report, k_occurrence
from .index import CrossModalIndex
from .shards import search_shards

__all__ = [
    "ConformalSets",
    "CrossModalIndex",
    "SearchConfidence",
    "correct_hubness",
    "hubness_report",
    "k_occurrence",
    "search_shards",
]
