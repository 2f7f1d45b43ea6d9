"""What the parameters of kernel methods may be, and the kernels and maps they stand for."""

from __future__ import annotations

from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from .._checks import as_pair, check_choice, check_number, check_whole_number_or_none
from .._typing import FloatArray
from ..kernels._kernel import (
    DISTANCE_KERNELS,
    SHIFT_INVARIANT_KERNELS,
    Kernel,
    check_precomputed,
    kernel_names,
    median_gamma,
    spread_rows,
)
from ..kernels._maps import LANDMARKS, FourierMap, KernelMap, fourier_map, nystroem_map
from ..rows._blocks import float_block
from ..rows._validation import check_rows

APPROXIMATIONS = (None, "nystroem", "fourier")
# Kernels with a spectrum to draw frequencies from.
FOURIER_KERNELS = ("rbf", "laplacian")
# Which parameters a named kernel has.
PARAMETERS = {
    "rbf": ("gamma",),
    "laplacian": ("gamma",),
    "chi2": ("gamma",),
    "poly": ("gamma", "degree", "coef0"),
    "polynomial": ("gamma", "degree", "coef0"),
    "sigmoid": ("gamma", "coef0"),
}
LANDMARKS_BY_DEFAULT = 500
SIDES = ("X", "y")


def side(estimator: Any, name: str, index: int) -> Any:
    """Value of a parameter for one side (0 is x, 1 is y)."""
    return as_pair(getattr(estimator, name), name)[index]


def regularization_of(estimator: Any) -> tuple[float, float]:
    """Ridge of either side relative to the trace of its kernel."""
    x, y = as_pair(estimator.regularization, "regularization")
    return float(x), float(y)


def check_kernel_parameters(estimator: Any) -> None:
    """Refuse parameters outside their range, whatever the rows."""
    check_choice(estimator.approximation, "approximation", APPROXIMATIONS)
    check_number(estimator.tol, "tol", low=0.0, high=1.0)
    for index in (0, 1):
        _check_side(estimator, index)
    kernels = as_pair(estimator.kernel, "kernel")
    if estimator.kernel_params is not None and not any(callable(kernel) for kernel in kernels):
        raise ValueError(
            "kernel_params are for a kernel that is a function; gamma, degree and coef0 set those of a named kernel."
        )


def _check_side(estimator: Any, index: int) -> None:
    kernel = side(estimator, "kernel", index)
    if not callable(kernel):
        check_choice(kernel, "kernel", kernel_names(), also="a function")
    gamma = side(estimator, "gamma", index)
    if gamma is not None:
        check_number(gamma, "gamma", low=0.0, positive=True)
    check_number(side(estimator, "degree", index), "degree", low=0.0, positive=True)
    check_number(side(estimator, "coef0", index), "coef0", low=-np.finfo(float).max)
    params = side(estimator, "kernel_params", index)
    if params is not None and not isinstance(params, dict):
        raise TypeError(f"kernel_params must be a dict or None, or a pair (x, y) of these; got {params!r}.")
    check_number(side(estimator, "regularization", index), "regularization", low=0.0, high=1e6, positive=True)
    check_whole_number_or_none(
        side(estimator, "n_landmarks", index), "n_landmarks", f"{LANDMARKS_BY_DEFAULT}, or a pair (x, y) of these"
    )
    landmarks = side(estimator, "landmarks", index)
    if isinstance(landmarks, str):
        check_choice(landmarks, "landmarks", LANDMARKS, also="an array of rows")
    if estimator.approximation == "fourier" and kernel not in FOURIER_KERNELS:
        raise ValueError(
            f'approximation="fourier" draws from the spectrum of a kernel, known here for '
            f'{" and ".join(map(repr, FOURIER_KERNELS))}; got kernel={kernel!r}. Use approximation="nystroem".'
        )
    of_rows = not isinstance(landmarks, str) or landmarks == "kmeans"
    if kernel == "precomputed" and estimator.approximation == "nystroem" and of_rows:
        raise ValueError(
            f'A precomputed kernel has no rows to average or to compare: landmarks must be "uniform" or "pivoted", got '
            f"{landmarks!r}."
        )


def map_is_fixed(estimator: Any) -> bool:
    """Whether the features are fixed before any row is seen, so that rows may come in batches."""
    for index in (0, 1):
        kernel = side(estimator, "kernel", index)
        by_distance = kernel in DISTANCE_KERNELS and side(estimator, "gamma", index) is None
        by_landmarks = estimator.approximation == "nystroem" and isinstance(side(estimator, "landmarks", index), str)
        if estimator.approximation is None or by_distance or by_landmarks:
            raise AttributeError(
                'partial_fit needs features that no row decides on: approximation="fourier" with numbers for gamma, '
                'or approximation="nystroem" with arrays for landmarks and numbers for gamma.'
            )
    return True


def what_settles_the_map(estimator: Any) -> dict[str, Any]:
    """The parameters that a stream of batches may not change."""
    free = ("n_components", "regularization", "power", "tol")
    return {name: value for name, value in estimator.get_params(deep=False).items() if name not in free}


def check_map_is_settled(estimator: Any, settled: dict[str, Any]) -> None:
    """Refuse a batch after a change of what the first batch has settled."""
    for name, value in what_settles_the_map(estimator).items():
        if not _is_unchanged(value, settled[name]):
            raise ValueError(
                f"{name} has changed since the first batch, which settled the map to features; set it back, or start "
                "anew with fit."
            )


def _is_unchanged(value: Any, before: Any) -> bool:
    """Whether a parameter is the same object, number, word or array; for either side if it is a pair."""
    if isinstance(value, tuple | list) and isinstance(before, tuple | list):
        return len(value) == len(before) and all(map(_is_unchanged, value, before))
    if isinstance(value, np.ndarray) and isinstance(before, np.ndarray):
        return np.array_equal(value, before)
    plain = isinstance(value, str | Real) and isinstance(before, str | Real)
    return value is before or (plain and value == before)


def make_kernel(estimator: Any, index: int, rows: NDArray[Any]) -> Kernel:
    """The kernel of one side, with its width from the rows where none is given."""
    metric, name = side(estimator, "kernel", index), SIDES[index]
    if callable(metric):
        return Kernel(metric, name, dict(side(estimator, "kernel_params", index) or {}))
    kernel = Kernel(metric, name)
    if metric == "precomputed":
        check_precomputed(rows, name)
        return kernel
    params = {key: side(estimator, key, index) for key in PARAMETERS.get(metric, ())}
    sample = kernel.read(rows, spread_rows(len(rows)))
    if "gamma" in params and params["gamma"] is None:
        params["gamma"] = median_gamma(metric, sample, name) if metric in DISTANCE_KERNELS else 1.0 / rows.shape[1]
    if metric not in SHIFT_INVARIANT_KERNELS:
        return Kernel(metric, name, params)
    # Digits are saved by any point near most rows; one that no row decides on keeps a stream independent of its order.
    landmarks = given_landmarks(estimator, index, rows)
    return Kernel(metric, name, params, shift=np.median(sample if landmarks is None else landmarks, axis=0))


def given_landmarks(estimator: Any, index: int, rows: NDArray[Any]) -> FloatArray | None:
    """Landmarks of one side that are rows already, not a way to choose them."""
    landmarks = side(estimator, "landmarks", index)
    if estimator.approximation != "nystroem" or isinstance(landmarks, str):
        return None
    name = f"landmarks of {SIDES[index]}"
    given = float_block(check_rows(landmarks, name), slice(None), np.float64, name)
    if given.shape[1] != rows.shape[1]:
        raise ValueError(
            f"{name} have {given.shape[1]} features, but {SIDES[index]} has {rows.shape[1]}; pass rows of that "
            "modality, or a pair (x, y) of such arrays."
        )
    return given


def make_map(
    estimator: Any, index: int, kernel: Kernel, rows: NDArray[Any], rng: RandomState
) -> KernelMap | FourierMap:
    """The map of one side to features that approximate its kernel."""
    m = side(estimator, "n_landmarks", index)
    if estimator.approximation == "fourier":
        assert kernel.shift is not None
        return fourier_map(kernel, kernel.shift, LANDMARKS_BY_DEFAULT if m is None else m, rng)
    given = given_landmarks(estimator, index, rows)
    if given is not None:
        landmarks = replace(kernel, name=f"landmarks of {kernel.name}").read(given, slice(None))
        return nystroem_map(kernel, landmarks, landmarks)
    if m is not None and m > len(rows):
        raise ValueError(
            f"n_landmarks={m} is more than the {len(rows)} rows there are; lower it, or leave it at None for at most "
            f"{LANDMARKS_BY_DEFAULT}."
        )
    m = min(LANDMARKS_BY_DEFAULT, len(rows)) if m is None else m
    choose = LANDMARKS[side(estimator, "landmarks", index)]
    return choose(kernel, rows, int(m), float(estimator.tol), rng)
