"""How rows are stored, checked and read, and the paired moments that linear models need of them."""

from .moments import PairMoments

__all__ = ["PairMoments"]
