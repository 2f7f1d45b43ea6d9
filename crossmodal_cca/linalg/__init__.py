"""The mathematics as pure functions and small frozen dataclasses: arrays in, arrays out."""

from ..rows.moments import PairMoments

__all__ = ["PairMoments"]
