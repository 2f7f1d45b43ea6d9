"""Retrieval across modalities, measured: ranks, metrics with honest ties, a report with intervals."""

from .first_match import hit_rate_at_k, mean_reciprocal_rank, median_rank
from .measures import per_query
from .ranks import retrieval_ranks
from .report import retrieval_report
from .retrieval import (
    mean_average_precision,
    ndcg_at_k,
    precision_at_k,
    r_precision,
    recall_at_k,
)

__all__ = [
    "hit_rate_at_k",
    "mean_average_precision",
    "mean_reciprocal_rank",
    "median_rank",
    "ndcg_at_k",
    "per_query",
    "precision_at_k",
    "r_precision",
    "recall_at_k",
    "retrieval_ranks",
    "retrieval_report",
]
