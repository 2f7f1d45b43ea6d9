"""The tests of a batch, as one family, and its unusual rows."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..metrics._resampling import holm
from ._drift_exchange import Exchanged, exchanged
from ._drift_model import MOST_EXCHANGED, TAILS, DriftModel, Figures, measured_by
from ._drift_rows import CheckedRows
from ._drift_statistics import Found, beyond, distribution, groups_beyond, means, mix, shift, tail_rank

if TYPE_CHECKING:
    import pandas as pd

# The verdict that is an alarm.
CHANGED = "changed"
# Verdicts by whether a test rejects, and whether its effect is large enough.
VERDICTS = {(True, True): CHANGED, (True, False): "changed little"}
# The verdict where nothing is shown.
NOT_SEEN = "no change seen"


def family(model: DriftModel, rows: CheckedRows) -> pd.DataFrame:
    """Make the table of all tests that a batch allows."""
    import pandas as pd

    settings = model.settings
    rng = np.random.default_rng(settings.seed + 1)
    if len(np.unique(rows.units)) < 2:
        kind = "row" if rows.groups is None else "group"
        raise ValueError(f"A batch needs at least 2 {kind}s; got 1. Gather more of them.")
    some = rows.thinned(MOST_EXCHANGED, rng)
    measured = measured_by(model)
    batch = measured.figures(some)
    n_tests = len(batch) + sum(what.endswith("means") for what in batch)
    fewest = n_tests / settings.rate
    if settings.n_permutations < fewest - 1:
        raise ValueError(
            f"n_permutations must be at least {ceil(fewest - 1)} for {n_tests} tests at "
            f"false_alarm_rate={settings.rate:g}, or none could reject; it was {settings.n_permutations} in fit."
        )
    sizes = next(iter(model.pool.values())).shape[0], some.n_rows
    of = exchanged(model.pool_groups, some.groups, sizes, settings.n_permutations, fewest, rng)
    is_grouped = model.pool_groups is not None or some.groups is not None
    of_all = batch if is_grouped or some.n_rows == rows.n_rows else measured.figures(rows, only_tails=True)
    found = _tests(model, batch, of_all, of, is_grouped)
    table = pd.DataFrame(
        found.values(), index=pd.Index(list(found), name="what"), columns=["statistic", "effect", "p_value"]
    )
    table["adjusted_p_value"] = holm(table["p_value"].to_list())
    rejected, large = table["adjusted_p_value"] <= settings.rate, table["effect"] >= settings.min_effect
    table["verdict"] = [VERDICTS.get(pair, NOT_SEEN) for pair in zip(rejected, large, strict=True)]
    return table


def _tests(model: DriftModel, batch: Figures, of_all: Figures, of: Exchanged, is_grouped: bool) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for what, values in batch.items():
        side, _, kind = what.partition(" ")
        both = of.join(model.pool[what], values)
        if kind == "means":
            frame = model.x if side == "x" else model.y
            assert frame is not None
            found[f"{side} distribution"] = distribution(both, frame.width, of)
            found[what] = means(both, of)
        elif kind in TAILS:
            found[what] = groups_beyond(both, of) if is_grouped else beyond(of_all[what], model.tails[what])
        elif kind == "mix":
            found[what] = mix(both, of)
        else:
            # Pairs are worse where they are less close; hubs are news either way.
            found[what] = shift(both, of, -1 if what == "pairing" else 0)
    return found


def unusual(model: DriftModel, rows: CheckedRows) -> pd.DataFrame:
    """Make the table of rows beyond the limits."""
    import pandas as pd

    found: dict[str, list[NDArray[Any]]] = {name: [] for name in ("row", "what", "value", "limit", "p_value")}
    for what, values in measured_by(model).figures(rows, only_tails=True).items():
        reference = model.tails[what]
        limit = reference[-tail_rank(len(reference))]
        places = np.flatnonzero(values > limit)
        at_least = len(reference) - np.searchsorted(reference, values[places], side="left")
        p = (1 + at_least) / (1 + len(reference))
        names, limits = np.full(len(places), what, dtype=object), np.full(len(places), limit)
        for column, part in zip(found.values(), (places, names, values[places], limits, p), strict=True):
            column.append(part)
    table = pd.DataFrame({name: np.concatenate(parts) for name, parts in found.items()})
    order = np.lexsort((-(table["value"] / table["limit"]), table["p_value"]))
    return table.iloc[order].reset_index(drop=True)
