"""Find faults of the data, wrong pairs, who got worse, who fails, modality gaps, and drift."""

from .data_report import data_report
from .drift_monitor import DriftMonitor
from .find_slices import find_slices
from .harm_report import harm_report
from .modality_gap import modality_gap
from .near_duplicates import near_duplicate_groups
from .pair_check import PairCheck

__all__ = [
    "DriftMonitor",
    "PairCheck",
    "data_report",
    "find_slices",
    "harm_report",
    "modality_gap",
    "near_duplicate_groups",
]
