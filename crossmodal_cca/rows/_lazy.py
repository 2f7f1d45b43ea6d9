"""Detection of Dask collections, whose values are not computed yet."""

from __future__ import annotations

from typing import Any


def is_dask(*collections: Any) -> bool:
    """Whether any of these is a Dask collection, judged by type, without importing Dask or loading values."""
    return any(type(A).__module__.partition(".")[0] in ("dask", "dask_expr") for A in collections)


def refuse_dask(A: Any, name: str) -> None:
    """Refuse a Dask collection for a method that needs all rows in memory."""
    if is_dask(A):
        raise TypeError(
            f"{name} is a Dask {type(A).__name__}, all of which would have to be in memory here: call compute() if it "
            "fits. CCA, the PLS classes and PairMoments take Dask collections as they are, retrieval_ranks and "
            "search_shards take Dask galleries."
        )
