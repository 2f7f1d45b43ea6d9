"""Features and ids from files, and rows of two files joined by ids."""

from .pairing import pair_by_id
from .read import read_features, read_ids

__all__ = ["pair_by_id", "read_features", "read_ids"]
