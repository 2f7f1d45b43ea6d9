"""Fitted monitors: how rows are measured, the figures of reference rows, and the state of a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from .._aligner import fitted_aligner, unwrapped
from .._schemas import saved
from .._sklearn import is_fitted
from ..alignment._frozen import frozen_copy
from ..models._value import Value
from ._drift_frame import DriftBank, SideFrame
from ._drift_rows import CheckedRows, one_of_each
from ._drift_stream import DriftStream
from ._groups import Places, split
from ._training_rows import warn_of_training_rows

# Share of the reference, and rows, that settle what is measured.
SHARE_OF_FRAME, MOST_OF_FRAME = 0.25, 2000
# Rows (or groups) of a reference without which its parts say nothing.
FEWEST_UNITS = 20
# Rows of either of reference and batch that are exchanged.
MOST_EXCHANGED = 1000
# Values of the reference that streams begin with, and the share of them that settles the bins.
MOST_OF_STREAM, SHARE_OF_BINS = 6000, 1 / 3
# Figures of rows that are compared with the tail of the reference.
TAILS = ("far rows", "odd rows")

# Figures of rows, one or several of each, by what they tell of.
Figures = dict[str, NDArray[Any]]


@saved()
@dataclass(frozen=True, eq=False)
class MonitorSettings(Value):
    """Parameters of a monitor as they were in its fit."""

    rate: float
    n_permutations: int
    min_effect: float
    seed: int


@saved()
@dataclass(frozen=True, eq=False)
class DriftModel(Value):
    """A fitted monitor."""

    aligner: Any
    fits_aligner: bool  # whether it was fitted here
    settings: MonitorSettings
    x: SideFrame
    y: SideFrame | None
    bank: DriftBank | None
    n_compared: int
    pool: dict[str, Any]  # figures of the reference rows that are exchanged
    pool_groups: NDArray[np.intp] | None
    tails: dict[str, Any]  # sorted figures of all reference rows
    stream: DriftStream

    @property
    def n_features_y(self) -> int | None:
        """Number of features of y, if there is y."""
        return None if self.y is None else self.y.n_features

    @property
    def y_names(self) -> NDArray[Any] | None:
        """Names of the features of y, if there are any."""
        return None if self.y is None else self.y.names


@dataclass(frozen=True, eq=False)
class Measured:
    """How rows are measured."""

    aligner: Any
    x: SideFrame
    y: SideFrame | None
    bank: DriftBank | None

    def figures(self, rows: CheckedRows, *, only_tails: bool = False) -> Figures:
        """Compute all figures of rows, or those that are compared with tails."""
        parts = [self._of_block(block, only_tails) for block in rows.blocks()]
        return {what: np.concatenate([part[what] for part in parts]) for what in parts[0]}

    def _of_block(self, rows: CheckedRows, only_tails: bool) -> Figures:
        found: Figures = {}
        directions, radii = [], []
        for i, (side, frame) in enumerate((("x", self.x), ("y", self.y))):
            if frame is None or (rows.x if side == "x" else rows.of_y) is None:
                continue
            F, S = rows.features(side), rows.scores(self.aligner, side)
            U = frame.coordinates(F, S)
            found |= {f"{side} means": U, f"{side} far rows": np.sum(U**2, axis=1)}
            if F is not None and frame.has_remainder:
                found[f"{side} odd rows"] = frame.remainder(F)
            if only_tails:
                del found[f"{side} means"]
                continue
            found[f"{side} mix"] = frame.cells(U)
            if self.bank is not None:
                shared = F if S is None else S
                assert shared is not None
                directions.append(self.bank.directions_of(i, shared))
                found[f"{side} hubs"], radius = self.bank.hubs_and_radius(i, directions[-1])
                radii.append(radius)
        if len(directions) == 2:
            found["pairing"] = 2 * np.sum(directions[0] * directions[1], axis=1) - radii[0] - radii[1]
        return found


def fitted_monitor(aligner: Any, rows: CheckedRows, settings: MonitorSettings) -> DriftModel:
    """Split the reference and learn from each part what it is for."""
    rng = np.random.default_rng(settings.seed)
    fits_aligner = _is_unfitted(aligner)
    aligner, rows = _settled_aligner(aligner, rows, rng)
    n_units = int(rows.units.max()) + 1
    if n_units < FEWEST_UNITS:
        kind = "rows" if rows.groups is None else "groups"
        raise ValueError(f"X_ref has {n_units} {kind} to compare with, and a monitor needs {FEWEST_UNITS}: pass more.")
    settling, comparing = split(rows.units, SHARE_OF_FRAME, rng, MOST_OF_FRAME)
    measured = _frames(aligner, rows.take(settling), settings.seed)
    compared = rows.take(comparing)
    pooled = compared.thinned(MOST_EXCHANGED, rng)
    tails = measured.figures(compared, only_tails=True)
    return DriftModel(
        aligner,
        fits_aligner,
        settings,
        measured.x,
        measured.y,
        measured.bank,
        compared.n_rows,
        dict(measured.figures(pooled)),
        pooled.groups,
        {what: np.sort(values) for what, values in tails.items()},
        _stream(measured, compared, settings, rng),
    )


def measured_by(model: DriftModel) -> Measured:
    """Return how rows are measured."""
    return Measured(model.aligner, model.x, model.y, model.bank)


def _is_unfitted(aligner: Any) -> bool:
    # scikit-learn's check works for its own kind of estimators only.
    return hasattr(aligner, "__sklearn_tags__") and not isinstance(aligner, type) and not is_fitted(aligner)


def _settled_aligner(aligner: Any, rows: CheckedRows, rng: np.random.Generator) -> tuple[Any, CheckedRows]:
    """Return a fitted aligner and the rows that it has not seen."""
    if aligner is None:
        if rows.of_y is not None and rows.x.n_features != rows.of_y.n_features:
            raise ValueError(
                f"X_ref has {rows.x.n_features} features and y_ref has {rows.of_y.n_features}: without an aligner both "
                "must be rows of one space. Pass an aligner, or a monitor to each side."
            )
        if rows.x.is_sparse or (rows.of_y is not None and rows.of_y.is_sparse):
            raise TypeError("Sparse rows are monitored in the space of an aligner: pass one, or dense rows.")
        return None, rows
    if _is_unfitted(aligner):
        if rows.of_y is None:
            raise ValueError("aligner is not fitted, and y_ref is None: pass pairs, or a fitted aligner.")
        first, rest = split(rows.units, 0.5, rng)
        training = rows.take(first)
        fitted = fitted_aligner(clone(aligner).fit(training.X, training.y))
        return frozen_copy(fitted), rows.take(rest)
    fitted = frozen_copy(fitted_aligner(aligner))
    if rows.of_y is not None:
        warn_of_training_rows(unwrapped(fitted), rows, rng)
    return fitted, rows


def _frames(aligner: Any, rows: CheckedRows, seed: int) -> Measured:
    frames: list[SideFrame | None] = []
    shared: list[Any] = []
    for side, stored in (("x", rows.x), ("y", rows.of_y)):
        if stored is None:
            frames.append(None)
            continue
        F, S = rows.features(side), rows.scores(aligner, side)
        frames.append(SideFrame.of(F, S, rows.names_of(side), stored.n_features, seed))
        shared.append(F if S is None else S)
    x, y = frames
    assert x is not None
    bank = None if y is None else DriftBank.of(*shared)
    return Measured(aligner, x, y, bank)


def _stream(
    measured: Measured, compared: CheckedRows, settings: MonitorSettings, rng: np.random.Generator
) -> DriftStream:
    """Begin a stream with one row of each group."""
    n_units = int(compared.units.max()) + 1
    one: Places = rng.permutation(one_of_each(compared.units, rng.random(n_units)))[:MOST_OF_STREAM]
    n_bins = max(1, int(SHARE_OF_BINS * len(one)))
    figures = measured.figures(compared.take(one))
    return DriftStream.begun(figures, n_bins, settings.rate, settings.seed)
