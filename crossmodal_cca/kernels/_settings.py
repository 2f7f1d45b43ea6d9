"""Settings of kernel methods, one frozen value per side: their checks, and the kernels and maps built from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from .._checks import as_pair, check_choice, check_number, check_whole_number
from .._typing import FloatArray
from ..rows._blocks import float_block
from ..rows._stored import PairedRows
from ..rows._validation import check_rows
from ._kernel import Kernel, check_precomputed, median_gamma, spread_rows
from ._kernel_table import FOURIER_KERNELS, KERNELS, NamedKernel, kernel_row
from ._maps import LANDMARKS, Map, fourier_map, nystroem_map

# Choices of `approximation`.
APPROXIMATIONS = (None, "nystroem", "fourier")
# Number of landmarks or frequencies if none is given.
LANDMARKS_BY_DEFAULT = 500
# Fields that always have the same value for both sides.
_OF_BOTH_SIDES = ("approximation", "tol")


@dataclass(frozen=True, eq=False)
class SideSettings:
    """Settings of one side, whose rows messages call `name`; fields have the names of the estimators' parameters."""

    name: str
    kernel: str | Callable[..., Any]
    gamma: float | None
    degree: float
    coef0: float
    kernel_params: dict[str, Any] | None
    regularization: float
    approximation: str | None
    n_landmarks: int | None
    landmarks: str | NDArray[Any]
    tol: float

    @property
    def row(self) -> NamedKernel:
        """Row of the kernel in the table of kernels."""
        return kernel_row(self.kernel)

    @property
    def waits_for_rows(self) -> bool:
        """Whether the map to features depends on the training rows, so that these cannot come in batches."""
        by_width = self.row.has_width and self.gamma is None
        by_landmarks = self.approximation == "nystroem" and isinstance(self.landmarks, str)
        return self.approximation is None or by_width or by_landmarks

    def check(self) -> None:
        """Refuse settings outside their range, whatever the rows."""
        if not callable(self.kernel):
            check_choice(self.kernel, "kernel", KERNELS, also="a function")
        if self.gamma is not None:
            check_number(self.gamma, "gamma", low=0.0, positive=True)
        check_number(self.degree, "degree", low=0.0, positive=True)
        check_number(self.coef0, "coef0", low=-np.finfo(float).max)
        if self.kernel_params is not None and not isinstance(self.kernel_params, dict):
            raise TypeError(
                f"kernel_params must be a dict or None, or a pair (x, y) of these; got {self.kernel_params!r}."
            )
        check_number(self.regularization, "regularization", low=0.0, high=1e6, positive=True)
        check_whole_number(self.n_landmarks, "n_landmarks", none=f"{LANDMARKS_BY_DEFAULT}, or a pair (x, y) of these")
        if isinstance(self.landmarks, str):
            check_choice(self.landmarks, "landmarks", LANDMARKS, also="an array of rows")
        if self.approximation == "fourier" and self.row.frequencies is None:
            raise ValueError(
                f'approximation="fourier" draws from the spectrum of a kernel, known here for '
                f'{" and ".join(map(repr, FOURIER_KERNELS))}; got kernel={self.kernel!r}. Use approximation="nystroem".'
            )
        of_rows = not isinstance(self.landmarks, str) or self.landmarks == "kmeans"
        if self.row.is_precomputed and self.approximation == "nystroem" and of_rows:
            raise ValueError(
                f'A precomputed kernel has no rows to average or to compare: landmarks must be "uniform" or "pivoted", '
                f"got {self.landmarks!r}."
            )

    def kernel_of(self, rows: NDArray[Any]) -> Kernel:
        """Build the kernel, with a width chosen from the training rows if none is given."""
        if not isinstance(self.kernel, str):
            return Kernel(self.kernel, self.name, dict(self.kernel_params or {}))
        kernel = Kernel(self.kernel, self.name)
        if kernel.is_precomputed:
            return kernel
        own = {"gamma": self.gamma, "degree": self.degree, "coef0": self.coef0}
        params = {name: own[name] for name in self.row.parameters}
        sample = kernel.read(rows, spread_rows(len(rows)))
        if "gamma" in params and self.gamma is None:
            by_width = self.row.has_width
            params["gamma"] = median_gamma(self.kernel, sample, self.name) if by_width else 1.0 / rows.shape[1]
        if not self.row.is_shift_invariant:
            return Kernel(self.kernel, self.name, params)
        # Any shift to a point near most rows saves digits; one from fixed landmarks does not depend on the order of a
        # stream.
        landmarks = self._given_landmarks(rows)
        return Kernel(self.kernel, self.name, params, np.median(sample if landmarks is None else landmarks, axis=0))

    def map_of(self, kernel: Kernel, rows: NDArray[Any], rng: RandomState) -> Map:
        """Build the map to features that approximate the kernel."""
        m = self.n_landmarks
        if self.approximation == "fourier":
            assert kernel.shift is not None
            return fourier_map(kernel, kernel.shift, LANDMARKS_BY_DEFAULT if m is None else m, rng)
        given = self._given_landmarks(rows)
        if given is not None:
            # A copy, so that later changes of the user's array do not reach the model.
            landmarks = np.array(replace(kernel, name=f"landmarks of {self.name}").read(given, slice(None)))
            return nystroem_map(kernel, landmarks, landmarks)
        if m is not None and m > len(rows):
            raise ValueError(
                f"n_landmarks={m} is more than the {len(rows)} rows there are; lower it, or leave it at None for at "
                f"most {LANDMARKS_BY_DEFAULT}."
            )
        m = min(LANDMARKS_BY_DEFAULT, len(rows)) if m is None else m
        return LANDMARKS[str(self.landmarks)](kernel, rows, int(m), float(self.tol), rng)

    def _given_landmarks(self, rows: NDArray[Any]) -> FloatArray | None:
        """Return landmarks given as rows; None if they are to be chosen."""
        if self.approximation != "nystroem" or isinstance(self.landmarks, str):
            return None
        name = f"landmarks of {self.name}"
        given = float_block(check_rows(self.landmarks, name), slice(None), np.float64, name)
        if given.shape[1] != rows.shape[1]:
            raise ValueError(
                f"{name} have {given.shape[1]} features, but {self.name} has {rows.shape[1]}; pass rows of that "
                "modality, or a pair (x, y) of such arrays."
            )
        return given


Sides = tuple[SideSettings, SideSettings]


def settings_of_sides(**parameters: Any) -> Sides:
    """Build the settings of X and y from parameters, each one value for both sides or a pair."""
    of_both = {name: value for name, value in parameters.items() if name in _OF_BOTH_SIDES}
    pairs = {name: as_pair(value, name) for name, value in parameters.items() if name not in of_both}
    x, y = ({name: pair[side] for name, pair in pairs.items()} for side in (0, 1))
    return SideSettings(name="X", **x, **of_both), SideSettings(name="y", **y, **of_both)


def check_settings(sides: Sides) -> None:
    """Refuse settings outside their range, whatever the rows."""
    check_choice(sides[0].approximation, "approximation", APPROXIMATIONS)
    check_number(sides[0].tol, "tol", low=0.0, high=1.0)
    for side in sides:
        side.check()
    if any(side.kernel_params is not None for side in sides) and not any(callable(side.kernel) for side in sides):
        raise ValueError(
            "kernel_params are for a kernel that is a function; gamma, degree and coef0 set those of a named kernel."
        )


def check_training_rows(sides: Sides, rows: PairedRows) -> None:
    """Refuse rows that should be a precomputed kernel and are not."""
    for side, A in zip(sides, rows[:2], strict=True):
        if side.row.is_precomputed:
            check_precomputed(A, side.name)


def as_settled(value: Any) -> Any:
    """Copy a parameter for a later `check_unchanged`, since an array may be written to."""
    if isinstance(value, tuple | list):
        return tuple(map(as_settled, value))
    return value.copy() if isinstance(value, np.ndarray) else value


def check_unchanged(now: dict[str, Any], settled: dict[str, Any]) -> None:
    """Refuse a batch if a parameter (by name) that the first batch has fixed was changed since."""
    for name, value in now.items():
        if not _is_unchanged(value, settled[name]):
            raise ValueError(
                f"{name} has changed since the first batch, which settled the map to features; set it back, or start "
                "anew with fit."
            )


def _is_unchanged(value: Any, before: Any) -> bool:
    """Whether a parameter is still the same object, number, word or array, on both sides if it is a pair."""
    if isinstance(value, tuple | list) and isinstance(before, tuple | list):
        return len(value) == len(before) and all(map(_is_unchanged, value, before))
    if isinstance(value, np.ndarray) and isinstance(before, np.ndarray):
        return np.array_equal(value, before)
    plain = isinstance(value, str | Real) and isinstance(before, str | Real)
    return value is before or (plain and value == before)
