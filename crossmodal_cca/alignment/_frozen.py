"""Copies of fitted aligners that no later fit of the original reaches."""

from __future__ import annotations

from copy import copy, deepcopy
from typing import Any

from ._delegation import DelegatedMethodsMixin
from ._pair_scores import PairScoresMixin


def frozen_copy(aligner: Any) -> Any:
    """The fitted aligner as it is now.

    A fit of this package's own puts a new value in place of the old one, so that holding the old one is enough. Others
    may write into their arrays.
    """
    return copy(aligner) if isinstance(aligner, PairScoresMixin | DelegatedMethodsMixin) else deepcopy(aligner)
