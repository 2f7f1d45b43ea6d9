"""What is wrong with the data before a fit, and which rows must stay together."""

from .data_report import data_report
from .near_duplicates import near_duplicate_groups

__all__ = ["data_report", "near_duplicate_groups"]
