"""Find faults of the data before a fit, and rows that must stay in one fold."""

from .data_report import data_report
from .near_duplicates import near_duplicate_groups

__all__ = ["data_report", "near_duplicate_groups"]
