"""Covariances of a standardised pair, from which linear models are solved."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from .._typing import FloatArray
from ._products import scaled


class Scatters(Protocol):
    """Sums of centred products of two sides."""

    @property
    def scatter_xx(self) -> FloatArray: ...
    @property
    def scatter_xy(self) -> FloatArray: ...
    @property
    def scatter_yy(self) -> FloatArray: ...


class Covariances(NamedTuple):
    """Covariances of the standardised pair: xx (p, p), xy (p, q) and yy (q, q)."""

    xx: FloatArray
    xy: FloatArray
    yy: FloatArray

    @classmethod
    def of_moments(cls, m: Scatters, ux: FloatArray, uy: FloatArray, divisor: float) -> Covariances:
        """Divide scatters by a divisor and multiply the features by the factors ux (p,) and uy (q,)."""
        return cls(
            scaled(m.scatter_xx, ux / divisor, ux),
            scaled(m.scatter_xy, ux / divisor, uy),
            scaled(m.scatter_yy, uy / divisor, uy),
        )
