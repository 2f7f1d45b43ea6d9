"""Evaluation of retrieval across modalities: measures that treat ties fairly, intervals, comparisons and controls."""

from .aligner_comparison import compare_aligners
from .all_matches import (
    mean_average_precision,
    ndcg_at_k,
    precision_at_k,
    r_precision,
    recall_at_k,
)
from .comparison import compare_retrieval, shuffled_pair_control
from .deduplication import deduplicate
from .first_match import hit_rate_at_k, mean_reciprocal_rank, median_rank
from .measures import per_query
from .ranks import retrieval_ranks
from .report import query_report, retrieval_report
from .scorer import make_retrieval_scorer

__all__ = [
    "compare_aligners",
    "compare_retrieval",
    "deduplicate",
    "hit_rate_at_k",
    "make_retrieval_scorer",
    "mean_average_precision",
    "mean_reciprocal_rank",
    "median_rank",
    "ndcg_at_k",
    "per_query",
    "precision_at_k",
    "query_report",
    "r_precision",
    "recall_at_k",
    "retrieval_ranks",
    "retrieval_report",
    "shuffled_pair_control",
]
