"""The update of weights, means and centred products that merges moments of disjoint rows."""

from __future__ import annotations

from typing import NamedTuple

from .._typing import FloatArray


class Merge(NamedTuple):
    """Merge of the moments of two disjoint parts, of weights a and b.

    With δ the mean of the second part minus that of the first, the whole has the mean of the first plus δ·b/(a + b) and
    the sum of both parts' centred products plus δδᵀ·ab/(a + b). A negative b takes the second part away (Chan, Golub &
    LeVeque, 1983, Algorithms for computing the sample variance).
    """

    weight: float  # a + b
    share: float  # b/(a + b)
    between: float  # ab/(a + b)

    @classmethod
    def of(cls, a: float, b: float) -> Merge:
        """Build the merge of parts of these weights, which may both be 0."""
        weight = a + b
        share = b / (weight or 1.0)
        return cls(weight, share, share * a)

    def mean(self, first: FloatArray, second: FloatArray) -> FloatArray:
        """Compute the mean of the whole."""
        return first + self.share * (second - first)
