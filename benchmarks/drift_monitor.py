"""Does `DriftMonitor` keep its rate of false alarms, what does it see, how soon, and how long does it take?

"level": the share of null batches in which a test has p <= .05, and in which some adjusted p is. Splits of the emoji
into training pairs, a reference and batches are random, several batches from each; simulated pairs are new each time.
In the clustered cells rows of a group share half of their variance: 5 groups of 10, groups of 1 to 20 rows, and batches
that end inside of a group. Each cell has to stay below .05 and three standard errors (between splits), the mean over
cells below two.

"power": the share of changed batches that raise an alarm after Holm's correction. Foreign rows have every column
permuted over the batch; pairs are broken by exchanging partners. An unseen class is one group of the emoji, left out of
training pairs and reference alike: what cannot be seen is printed, and has no target.

"streams": the share of null streams of 10,000 rows with an alarm, and the delay after 5,000 null rows until a shift of
.5 standard deviations in one of the ten leading directions raises one. `--brief` leaves the streams out.
"""

from __future__ import annotations

import pickle
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from harness import SEED, Row, Target, parse_arguments, report, write
from numpy.typing import NDArray

from crossmodal_cca import CCA
from crossmodal_cca.datasets import load_emoji
from crossmodal_cca.diagnosis import DriftMonitor

Array = NDArray[Any]
Pairs = tuple[Array, Array]
# A reference, new pairs, their groups (or None), and the aligner.
World = tuple[DriftMonitor, Pairs, Array | None]

RATE = 0.05
# Correlations of what simulated pairs have in common.
RHO = np.array((0.95,) * 4 + (0.8,) * 4 + (0.5,) * 4)
# Training pairs and reference rows of the emoji; the others are batches.
TRAINING, REFERENCE = 800, 500


def simulated(n: int, seed: int) -> Pairs:
    """Pairs of one population with correlated features."""
    rng = np.random.default_rng([SEED, seed])
    k, p, q = len(RHO), 24, 20
    A, B = (np.random.default_rng([SEED, width]).standard_normal((k, width)) for width in (p, q))
    u, e = rng.standard_normal((2, n, k))
    v = RHO * u + np.sqrt(1 - np.square(RHO)) * e
    return u @ A + rng.standard_normal((n, p)), v @ B + rng.standard_normal((n, q))


def emoji_worlds(n_splits: int, n_permutations: int) -> Iterator[tuple[DriftMonitor, Pairs]]:
    X, y = load_emoji(return_X_y=True)
    for seed in range(n_splits):
        order = np.random.default_rng(seed).permutation(len(X))
        train, reference, new = np.split(order, [TRAINING, TRAINING + REFERENCE])
        aligner = CCA(50, shrinkage=0.5, power=1.0).fit(X[train], y[train])
        monitor = DriftMonitor(aligner, n_permutations=n_permutations, random_state=seed)
        yield monitor.fit(X[reference], y[reference]), (X[new], y[new])


def level_rows(problem: str, batches: Iterable[tuple[int, Any]]) -> list[Row]:
    """Levels of all tests and of the family; `batches` give the number of a split, and a table."""
    splits, rejected = [], []
    names: list[str] = []
    for split, table in batches:
        names = list(table.index)
        assert (table["p_value"] > 0).all()
        splits.append(split)
        rejected.append([*(table["p_value"] <= RATE), (table["adjusted_p_value"] <= RATE).any()])
    of, hits = np.unique(splits, return_inverse=True)[1], np.array(rejected, dtype=float)
    share, n = hits.mean(axis=0), len(hits)
    sums = np.stack([np.bincount(of, column) for column in (hits - share).T])
    errors = np.maximum(np.sqrt(np.sum(sums**2, axis=1)) / n, np.sqrt(RATE * (1 - RATE) / n))
    rows: list[Row] = []
    for name, level, error in zip([*names, "family"], share, errors, strict=True):
        limit = Target("<=", round(RATE + 3 * error, 4))
        row: Row = {"problem": problem, "test": name, "level": level, "error": error, "batches": n}
        rows.append(judged(row, limit, level))
    error = np.sqrt(np.mean(errors**2))
    limit, level = Target("<=", round(RATE + 2 * float(error), 4)), float(share.mean())
    mean: Row = {"problem": problem, "test": "mean over cells", "level": level, "error": error, "batches": n}
    return [*rows, judged(mean, limit, level)]


def levels_on_emoji(n_splits: int) -> list[Row]:
    """Batches of 50 and of 200 rows, as many as the rows of a split give, up to 8."""
    found: dict[int, list[tuple[int, Any]]] = {50: [], 200: []}
    for split, (monitor, (X, y)) in enumerate(emoji_worlds(n_splits, 499)):
        for size, tables in found.items():
            for i in range(min(8, len(X) // size)):
                part = slice(i * size, (i + 1) * size)
                tables.append((split, monitor.test(X[part], y[part])))
    return [row for size, tables in found.items() for row in level_rows(f"null, emoji, batches of {size}", tables)]


def judged(row: Row, target: Target, figure: float) -> Row:
    """Add a target, and whether a figure meets it."""
    return row | {"target": str(target), "met": bool(target.met_by(figure))}


def groups_of(kind: str, n: int, rng: np.random.Generator) -> Array:
    """Groups of n rows, one after the other."""
    sizes = np.full(n, 10) if kind != "of 1 to 20" else rng.integers(1, 21, n)
    return np.repeat(np.arange(n), sizes)[:n]


def clustered(kind: str, seed: int) -> tuple[Pairs, Array, Pairs, Array]:
    """A reference of 600 rows and a batch of about 50, of different groups."""
    rng = np.random.default_rng(seed)
    groups = groups_of(kind, 900, rng)
    of_rows, of_groups = simulated(900, seed), simulated(900, 10**8 + seed)
    X, y = (rows + effects[groups] for rows, effects in zip(of_rows, of_groups, strict=True))
    end = int(np.flatnonzero(groups == groups[600])[0])
    # A batch of 47 rows of groups of 10 ends inside of one.
    new = slice(end, end + (47 if kind == "of 10, cut" else 50))
    return (X[:end], y[:end]), groups[:end], (X[new], y[new]), groups[new]


def levels_simulated(kind: str, n_sets: int) -> list[Row]:
    def batches() -> Iterator[tuple[int, Any]]:
        aligner = CCA(8).fit(*simulated(1000, 10**6))
        for seed in range(n_sets):
            if kind == "independent":
                X, y = simulated(800, seed)
                reference, groups, new, of_new = (X[:600], y[:600]), None, (X[600:], y[600:]), None
            else:
                reference, groups, new, of_new = clustered(kind, seed)
            monitor = DriftMonitor(aligner, n_permutations=499, random_state=seed).fit(*reference, groups)
            yield seed, monitor.test(*new, of_new)

    named = "independent rows, batches of 200" if kind == "independent" else f"groups {kind}, batches of about 50"
    return level_rows(f"null, simulated, {named}", batches())


def shifted(monitor: DriftMonitor, X: Array, by: float, direction: int) -> Array:
    """Move rows by so many standard deviations along a leading component of the features."""
    frame = monitor.model_.x
    direction %= len(frame.deviations)
    return X + by * frame.deviations[direction] * frame.directions[:, direction] * frame.scale


def foreign(X: Array, y: Array, share: float, rng: np.random.Generator) -> Pairs:
    """Replace a share of the rows by rows whose columns are each permuted over the batch."""
    X, y = X.copy(), y.copy()
    rows = rng.choice(len(X), round(share * len(X)), replace=False)
    for A in (X, y):
        A[rows] = np.stack([rng.permutation(column) for column in A.T], axis=1)[rows]
    return X, y


def broken(y: Array, share: float, rng: np.random.Generator) -> Array:
    """Exchange the partners of a share of the pairs in a circle."""
    y = y.copy()
    rows = rng.choice(len(y), round(share * len(y)), replace=False)
    y[rows] = y[np.roll(rows, 1)]
    return y


def power_row(problem: str, tables: list[Any], target: Target | None) -> Row:
    alarms = [(table["verdict"] == "changed") for table in tables]
    power = float(np.mean([any(each) for each in alarms]))
    seen = np.mean([each.to_numpy(dtype=float) for each in alarms], axis=0)
    by = {what: share for what, share in zip(alarms[0].index, seen, strict=True) if share > 0.1}
    row: Row = {"problem": problem, "power": power, "batches": len(tables), "seen by": ", ".join(by)}
    return row if target is None else judged(row, target, power)


def powers(n_runs: int) -> list[Row]:
    """Power with 1,000 training pairs and 1,000 reference rows, simulated and, as far as there are rows, on emoji."""
    least, rows = Target(">=", 0.9), []
    aligner = CCA(10).fit(*simulated(1000, 10**6))
    tables: dict[str, list[Any]] = {}
    for seed in range(n_runs):
        rng = np.random.default_rng(seed)
        X, y = simulated(1500, seed)
        monitor = DriftMonitor(aligner, random_state=seed).fit(X[:1000], y[:1000])
        X, y = X[1000:], y[1000:]
        changed: dict[str, Callable[[], Pairs]] = {
            "shift of .3 SD, 500 rows": lambda: (shifted(monitor, X, 0.3, seed % 10), y),  # noqa: B023
            "10 % foreign rows, 200 rows": lambda: foreign(X[:200], y[:200], 0.1, rng),  # noqa: B023
            "20 % broken pairs, 200 rows": lambda: (X[:200], broken(y[:200], 0.2, rng)),  # noqa: B023
        }
        for name, make in changed.items():
            tables.setdefault(name, []).append(monitor.test(*make()))
    rows += [power_row(f"simulated, {name}", found, least) for name, found in tables.items()]
    return rows + powers_on_emoji(n_runs)


def powers_on_emoji(n_runs: int) -> list[Row]:
    tables: dict[str, list[Any]] = {}
    for seed, (monitor, (X, y)) in enumerate(emoji_worlds(n_runs, 999)):
        rng = np.random.default_rng(seed)
        found = {
            "shift of .3 SD, 500 rows": (shifted(monitor, X[:500], 0.3, seed % 10), y[:500]),
            "10 % foreign rows, 200 rows": foreign(X[:200], y[:200], 0.1, rng),
            "20 % broken pairs, 200 rows": (X[:200], broken(y[:200], 0.2, rng)),
        }
        for name, pairs in found.items():
            tables.setdefault(name, []).append(monitor.test(*pairs))
    return [power_row(f"emoji, {REFERENCE} reference rows, {name}", each, None) for name, each in tables.items()]


def unseen_class(n_runs: int, share: float) -> list[Row]:
    """Batches of 100 rows, of which a share is of a group of emoji that the reference does not hold."""
    emoji = load_emoji()
    X, y, groups = emoji.image, emoji.text, np.asarray(emoji.group)
    rows: list[Row] = []
    names, counts = np.unique(groups, return_counts=True)
    tables = []
    for seed in range(n_runs):
        rng = np.random.default_rng(seed)
        unseen = names[counts >= 100][seed % int(np.sum(counts >= 100))]
        known, other = (rng.permutation(np.flatnonzero(which)) for which in (groups != unseen, groups == unseen))
        train, reference, new = np.split(known, [700, 1100])
        n_unseen = round(share * 100)
        batch = np.concatenate([new[: 100 - n_unseen], other[:n_unseen]])
        aligner = CCA(50, shrinkage=0.5, power=1.0).fit(X[train], y[train])
        monitor = DriftMonitor(aligner, random_state=seed).fit(X[reference], y[reference])
        tables.append(monitor.test(X[batch], y[batch]))
    rows.append(power_row(f"emoji, {share:.0%} of an unseen class, 100 rows", tables, None))
    return rows


def training_rows(n_runs: int) -> list[Row]:
    """How often held-out pairs, and training pairs, bring the warning of training rows."""
    emoji = load_emoji(return_X_y=True)
    worlds: dict[str, tuple[Callable[[int], Pairs], int]] = {
        "emoji, CCA(50, shrinkage=.5)": (lambda seed: emoji, 50),
        "simulated, 24 and 20 features": (lambda seed: simulated(1500, seed), 10),
    }
    rows: list[Row] = []
    for name, (make, k) in worlds.items():
        told = []
        for seed in range(n_runs):
            X, y = make(seed)
            order = np.random.default_rng(seed).permutation(len(X))
            train, new = order[:1000], order[1000:1500]
            aligner = CCA(k, shrinkage=0.5 if len(X.T) > 100 else 0.0).fit(X[train], y[train])
            told.append([_warns(aligner, X[part], y[part], seed) for part in (new, train, train[:500])])
        held_out, same, some = np.mean(told, axis=0)
        limit = Target("<=", 0.05)
        row: Row = {"problem": f"warning of training rows, {name}", "false": held_out, "all training rows": same}
        row |= {"500 training rows": some, "batches": n_runs}
        rows.append(judged(row, limit, held_out))
    return rows


def _warns(aligner: Any, X: Array, y: Array, seed: int) -> bool:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        DriftMonitor(aligner, random_state=seed).fit(X, y)
    return any("training pairs" in str(each.message) for each in caught)


def streams(n_null: int, n_changed: int, n_rows: int = 10_000) -> list[Row]:
    aligner = CCA(10).fit(*simulated(1000, 10**6))
    reference = simulated(1000, 10**6 + 1)
    alarms, delays = [], []
    for seed in range(n_null):
        monitor = DriftMonitor(aligner, random_state=seed).fit(*simulated(1000, 10**7 + seed))
        alarms.append(monitor.update(*simulated(n_rows, seed)).alarm_)
    start, after = n_rows // 2, 1000
    for seed in range(n_changed):
        monitor = DriftMonitor(aligner, random_state=seed).fit(*reference)
        X, y = simulated(start + after, seed)
        X[start:] = shifted(monitor, X[start:], 0.5, seed % 10)
        at = monitor.update(X, y).alarm_at_
        delays.append(np.inf if at is None else at - start)
    error = np.sqrt(RATE * (1 - RATE) / max(n_null, 1))
    limit, quick, least = Target("<=", RATE + 2 * error), Target("<=", 250), Target(">=", 0.9)
    level = float(np.mean(alarms))
    # An alarm before the change is none of it.
    found = np.array([each for each in delays if each > 0])
    median, power = float(np.median(found)), float(np.mean(np.isfinite(found)))
    rows: list[Row] = [
        judged({"problem": f"null streams of {n_rows:,} rows", "level": level, "batches": n_null}, limit, level),
        judged(
            {"problem": f"shift of .5 SD after {start:,} rows", "delay": median, "batches": n_changed}, quick, median
        ),
        judged(
            {"problem": f"the same, alarms within {after:,} rows", "power": power, "batches": n_changed}, least, power
        ),
    ]
    return [*rows, memory_of_stream(aligner, reference)]


def memory_of_stream(aligner: Any, reference: Pairs) -> Row:
    monitor = DriftMonitor(aligner).fit(*reference)
    sizes = []
    for seed in range(6):
        monitor.update(*simulated(1000, seed))
        sizes.append(len(pickle.dumps(monitor)))
    grown = sizes[-1] / sizes[0] - 1
    limit = Target("<=", 0.01)
    return judged({"problem": "growth of a monitor from row 1,000 to 6,000", "growth": grown}, limit, grown)


def duration(n_reference: int, n_batch: int) -> Row:
    rng = np.random.default_rng(SEED)
    mixing = rng.standard_normal((64, 256))
    latent = rng.standard_normal((n_reference + n_batch + 2000, 64))
    X = (latent @ mixing + rng.standard_normal((len(latent), 256))).astype(np.float32)
    y = (latent @ mixing[:, ::-1] + rng.standard_normal((len(latent), 256))).astype(np.float32)
    aligner = CCA(64, shrinkage=0.1).fit(X[:2000], y[:2000])
    known, new = slice(2000, 2000 + n_reference), slice(2000 + n_reference, None)
    start, used = time.perf_counter(), time.process_time()
    monitor = DriftMonitor(aligner).fit(X[known], y[known])
    fitted, used_by_fit = time.perf_counter() - start, time.process_time() - used
    start, used = time.perf_counter(), time.process_time()
    monitor.test(X[new], y[new])
    seconds, used = time.perf_counter() - start, time.process_time() - used
    limit = Target("<=", 2)
    row: Row = {"problem": f"test of {n_batch:,} rows, {n_reference:,} x 256 reference", "seconds": seconds}
    row |= {"seconds of the processor": used, "fit": fitted, "fit, of the processor": used_by_fit}
    return judged(row, limit, seconds)


def main() -> None:
    arguments = parse_arguments(__doc__, "drift_monitor")
    quick = arguments.quick
    n_splits, n_sets, n_runs = (4, 20, 5) if quick else (250, 1000, 100)
    parts: dict[str, Callable[[], list[Row]]] = {
        "time": lambda: [duration(*((5_000, 200) if quick else (100_000, 1_000)))],
        "power": lambda: powers(n_runs),
        "unseen class": lambda: unseen_class(n_runs, 0.2) + unseen_class(n_runs, 0.5),
        "training rows": lambda: training_rows(n_runs),
        "emoji": lambda: levels_on_emoji(n_splits),
        **{
            kind: lambda kind=kind: levels_simulated(kind, n_sets)  # type: ignore[misc]
            for kind in ("independent", "of 10", "of 1 to 20", "of 10, cut")
        },
    }
    if not arguments.brief:
        parts["streams"] = lambda: streams(*((4, 4, 2_000) if quick else (500, 100)))
    rows: list[Row] = []
    for name, part in parts.items():
        print(f"… {name}", file=sys.stderr, flush=True)
        rows += part()
        write(rows, arguments)
    report(rows, arguments)


if __name__ == "__main__":
    main()
