"""Find faults of the data before a fit, rows that must stay in one fold, wrong pairs, and who got worse."""

from .data_report import data_report
from .drift_monitor import DriftMonitor
from .harm_report import harm_report
from .near_duplicates import near_duplicate_groups
from .pair_check import PairCheck

__all__ = ["DriftMonitor", "PairCheck", "data_report", "harm_report", "near_duplicate_groups"]
