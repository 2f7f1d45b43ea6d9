"""The mathematics as pure functions and small frozen dataclasses: arrays in, arrays out."""

from .moments import PairMoments

__all__ = ["PairMoments"]
