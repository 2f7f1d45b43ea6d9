"""Covariances of a standardised pair, from which linear models are solved."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np

from .._typing import FloatArray
from ._products import scaled


class Scatters(Protocol):
    """Sums of centred products of two sides, and the floating type of these products."""

    @property
    def product_dtype(self) -> Any: ...
    @property
    def scatter_xx(self) -> FloatArray: ...
    @property
    def scatter_xy(self) -> FloatArray: ...
    @property
    def scatter_yy(self) -> FloatArray: ...


class Covariances(NamedTuple):
    """Covariances of the standardised pair: xx (p, p), xy (p, q) and yy (q, q), and the rounding of their products."""

    xx: FloatArray
    xy: FloatArray
    yy: FloatArray
    eps: float = float(np.finfo(np.float64).eps)

    @classmethod
    def of_moments(cls, m: Scatters, ux: FloatArray, uy: FloatArray, divisor: float) -> Covariances:
        """Divide scatters by a divisor and multiply the features by the factors ux (p,) and uy (q,)."""
        return cls(
            scaled(m.scatter_xx, ux / divisor, ux),
            scaled(m.scatter_xy, ux / divisor, uy),
            scaled(m.scatter_yy, uy / divisor, uy),
            float(np.finfo(m.product_dtype).eps),
        )
