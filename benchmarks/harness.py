"""What the benchmarks share: tasks timed in turns, targets, a table and a JSON file with a record of the machine."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SEED = 0
OURS = "crossmodal_cca"
FOLDER = Path(__file__).resolve().parent
# What simulations of levels and power have found, which is in git.
KEPT = FOLDER / "kept" / "simulations"
# Digits that are kept of a figure.
DIGITS = 4
# Threads of linear-algebra libraries look out for more work for some time (200 ms at most by default). numpy and scipy
# bring one library each, and would share the processors with the idle threads of the other.
PAUSE = 0.25
RECORDED = (
    "crossmodal_cca",
    "numpy",
    "scipy",
    "scikit-learn",
    "cca-zoo",
    "faiss-cpu",
    "ikpls",
    "ranx",
    "dask",
    "threadpoolctl",
    "torch",
)
SETTINGS = ("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

Row = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """A figure and the side of it that counts as met."""

    sign: str
    figure: float

    def met_by(self, value: float) -> bool:
        return value <= self.figure if self.sign == "<=" else value >= self.figure

    def __str__(self) -> str:
        return f"{self.sign} {self.figure:g}"


@dataclass(frozen=True)
class Task:
    """Something to time: `answer` reduces its result to numbers that all who solve the same problem must share.

    `once` is for peers so slow that a single run without a warm-up has to do; `needs` is the package a peer is in.
    """

    run: Callable[[], Any]
    target: Target | None = None
    answer: Callable[[Any], NDArray[Any]] | None = None
    once: bool = False
    needs: str | None = None

    @property
    def is_possible(self) -> bool:
        return self.needs is None or importlib.util.find_spec(self.needs) is not None


def compare(problem: str, tasks: Mapping[str, Task], repeats: int) -> list[Row]:
    """One row per task: its median time, the ratio to the first task's, and how far its answer is from ours."""
    # Full runs take minutes: say where they are.
    print(f"… {problem}", file=sys.stderr, flush=True)
    possible = {name: task for name, task in tasks.items() if task.is_possible}
    seconds, results = measure(possible, repeats)
    first = next(iter(tasks))
    answers = {name: task.answer(results[name]) for name, task in possible.items() if task.answer}
    rows: list[Row] = []
    for name, task in tasks.items():
        row: Row = {"problem": problem, "method": name}
        if name not in possible:
            rows.append({**row, "method": f"{name}: not installed"})
            continue
        ratio = median(seconds[name]) / median(seconds[first])
        row |= {"seconds": median(seconds[name]), "fastest": min(seconds[name]), "slowest": max(seconds[name])}
        row |= {"runs": len(seconds[name]), "ratio": ratio, "to": first}
        if task.target is not None:
            row |= {"target": str(task.target), "met": task.target.met_by(ratio)}
        if name in answers and name != OURS:
            ours = answers[OURS]
            row["difference"] = float(np.abs(answers[name] - ours).max() / np.abs(ours).max())
        rows.append(row)
    return rows


def measure(tasks: Mapping[str, Task], repeats: int) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Warm up, then run the tasks in turns, round after round: a drift of the machine hits all of them alike.

    Each starts after a pause, so that no threads of the one before are still awake.
    """
    results = {name: task.run() for name, task in tasks.items() if not task.once}
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(repeats):
        for name, task in tasks.items():
            if task.once and seconds[name]:
                continue
            time.sleep(PAUSE)
            start = time.perf_counter()
            result = task.run()
            seconds[name].append(time.perf_counter() - start)
            results.setdefault(name, result)
    return seconds, results


def environment() -> Row:
    """Versions, processor and linear-algebra libraries: a time means nothing without them."""
    blas: list[Row] | str = "threadpoolctl not installed"
    if importlib.util.find_spec("threadpoolctl"):
        from threadpoolctl import threadpool_info

        keys = ("user_api", "internal_api", "version", "architecture", "threading_layer", "num_threads")
        blas = [{key: library.get(key) for key in keys} for library in threadpool_info()]
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "load_average_at_end": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "versions": {name: _version(name) for name in RECORDED},
        "thread_pools": blas,
        "settings": {name: os.environ.get(name) for name in SETTINGS},
    }


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def parse_arguments(description: str | None, name: str) -> argparse.Namespace:
    """Read the options; a quick run writes to a file of its own, and never replaces a full one or what is kept."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes, to try the script; no verdicts")
    parser.add_argument("--brief", action="store_true", help="full sizes, without the slowest questions")
    parser.add_argument("--output", type=Path, help="JSON file (default: benchmarks/results/NAME.json)")
    parser.add_argument("--keep", action="store_true", help=f"also write kept/{KEPT.name}/{name}.json, which is in git")
    arguments = parser.parse_args()
    arguments.kept = KEPT / f"{name}.json" if arguments.keep and not arguments.quick else None
    if arguments.output is None:
        suffix = "-quick" if arguments.quick else ""
        arguments.output = FOLDER / "results" / f"{name}{suffix}.json"
    return arguments


def report(rows: Sequence[Row], arguments: argparse.Namespace) -> None:
    """Print the rows as a table and write them, with the environment, as JSON."""
    if arguments.quick:
        # Small sizes are mostly overhead: a verdict on them would only mislead.
        rows = [{**row, "met": None} if "met" in row else row for row in rows]
    table = pd.DataFrame(rows).astype(object)
    print(table.where(table.notna(), "").to_string(index=False, float_format="{:.3g}".format))
    write(rows, arguments)
    print(f"\nwritten to {arguments.output}")
    if arguments.kept:
        keep(rows, arguments.kept)


def keep(rows: Sequence[Row], path: Path) -> None:
    """Write the rows, one a line, so that changes can be read, and the versions that the figures depend on."""
    versions = {name: _version(name) for name in RECORDED[:4]} | {"python": platform.python_version()}
    lines = ",\n".join(
        "  " + json.dumps({name: _rounded(value) for name, value in row.items()}, ensure_ascii=False) for row in rows
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{{\n "versions": {json.dumps(versions)},\n "rows": [\n{lines}\n ]\n}}\n', encoding="utf-8")


def _rounded(value: Any) -> Any:
    if isinstance(value, bool | np.bool_ | str) or value is None:
        return bool(value) if isinstance(value, np.bool_) else value
    number = float(value)
    return float(f"{number:.{DIGITS}g}") if np.isfinite(number) else None


def write(rows: Sequence[Row], arguments: argparse.Namespace) -> None:
    """Write the rows, with the environment, as JSON; a long run may do so as it goes."""
    record = {"quick": arguments.quick, "environment": environment(), "rows": list(rows)}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(record, indent=2) + "\n")
