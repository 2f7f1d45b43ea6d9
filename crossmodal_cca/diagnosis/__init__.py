"""Find faults of the data before a fit, rows that must stay in one fold, wrong pairs, who got worse, and who fails."""

from .data_report import data_report
from .find_slices import find_slices
from .harm_report import harm_report
from .near_duplicates import near_duplicate_groups
from .pair_check import PairCheck

__all__ = ["PairCheck", "data_report", "find_slices", "harm_report", "near_duplicate_groups"]
