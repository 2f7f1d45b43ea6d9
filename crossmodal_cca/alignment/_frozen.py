"""Copies of fitted aligners that later fits of the original leave unchanged."""

from __future__ import annotations

from copy import copy, deepcopy
from typing import Any

from ._delegation import DelegatedMethods
from ._pair_scores import PairScoresMixin


def frozen_copy(aligner: Any) -> Any:
    """Copy a fitted aligner.

    Estimators of this package replace their fitted value as a whole, so a shallow copy suffices. Others may write to
    their arrays and are copied deeply.
    """
    return copy(aligner) if isinstance(aligner, PairScoresMixin | DelegatedMethods) else deepcopy(aligner)
