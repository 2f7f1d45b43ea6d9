"""Search across modalities: an index, and corrections of hubs."""

from .hubness import correct_hubness, hubness_report, k_occurrence
from .index import CrossModalIndex
from .shards import search_shards

__all__ = ["CrossModalIndex", "correct_hubness", "hubness_report", "k_occurrence", "search_shards"]
