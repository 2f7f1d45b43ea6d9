"""Find faults of the data before a fit, near duplicates, wrong pairs, who got worse, who fails, and modality gaps."""

from .data_report import data_report
from .find_slices import find_slices
from .harm_report import harm_report
from .modality_gap import modality_gap
from .near_duplicates import near_duplicate_groups
from .pair_check import PairCheck

__all__ = ["PairCheck", "data_report", "find_slices", "harm_report", "modality_gap", "near_duplicate_groups"]
