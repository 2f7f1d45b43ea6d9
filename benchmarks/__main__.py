"""Runs the suite, in under twenty minutes, and writes what it found as a page of the documentation.

Each script runs in a process of its own, one after the other; leave the machine alone meanwhile. What takes longer is
left out (``--brief``); run those scripts by hand. With names, only these run, and the page keeps what the last run of
each other one has found.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd

FOLDER = Path(__file__).resolve().parent
DOCS = FOLDER.parent / "docs"
SUITE = ("import_time", "linear_fit", "growth", "memory", "scale", "cross_validation", "retrieval", "transfer")
COLUMNS = (
    "problem",
    "rows",
    "method",
    "size",
    "seconds",
    "ratio",
    "to",
    "added_MB",
    "slope",
    "target",
    "met",
    "difference",
)


def output_of(name: str, quick: bool) -> Path:
    return FOLDER / "results" / f"{name}-{'quick' if quick else 'brief'}.json"


def run(name: str, quick: bool) -> None:
    mode = "--quick" if quick else "--brief"
    script = [sys.executable, FOLDER / f"{name}.py", mode, "--output", output_of(name, quick)]
    start = time.perf_counter()
    subprocess.run(script, check=True, cwd=FOLDER)
    print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)


def page(records: dict[str, dict[str, Any]]) -> str:
    """The tables as a page in Markdown."""
    first = next(iter(records.values()))["environment"]
    pools = [pool for record in records.values() for pool in record["environment"]["thread_pools"]]
    pools = [pool for pool in pools if pool["user_api"] == "blas"]
    kernels = [f"{pool['internal_api']} {pool['version']}, {pool['architecture']}" for pool in pools]
    threads = sorted({pool["num_threads"] for pool in pools})
    versions = ", ".join(f"{name} {number}" for name, number in first["versions"].items() if "not" not in number)
    parts = [
        "# Benchmarks",
        "Written by `python -m benchmarks`; questions, targets and data are described at the head of each script in "
        "`benchmarks/`. Times are medians of runs in turns within one process, after a warm-up; ratios are to the "
        "method in `to`. `met` compares with the target.",
        f"- {first['platform'].partition('-')[0]}, {first['cpu_count']} processors, Python {first['python']}\n"
        f"- {'; '.join(dict.fromkeys(kernels))}; threads: {', '.join(map(str, threads))}\n"
        f"- {versions}",
        "![Ratios beside their targets](benchmarks_targets.svg)",
    ]
    if "growth" in records:
        parts.append("![Growth with rows, features and components](benchmarks_growth.svg)")
    for name, record in records.items():
        table = pd.DataFrame(record["rows"])
        table = table[[column for column in COLUMNS if column in table.columns]].astype(object)
        parts += [f"## {name.replace('_', ' ')}", markdown(table)]
    return "\n\n".join(parts) + "\n"


def markdown(table: pd.DataFrame) -> str:
    def shown(value: Any) -> str:
        if value is None or value != value:
            return ""
        if isinstance(value, bool):
            return "yes" if value else "no"
        return f"{value:.3g}" if isinstance(value, float) else str(value)

    lines = ["| " + " | ".join(table.columns) + " |", "|" + "---|" * len(table.columns)]
    lines += ["| " + " | ".join(map(shown, row)) + " |" for row in table.itertuples(index=False)]
    return "\n".join(lines)


def draw(records: dict[str, dict[str, Any]]) -> None:
    """Two pictures: figures over their targets, and growth on logarithmic axes."""
    import matplotlib.pyplot as plt

    rows = [
        (name, row) for name, record in records.items() for row in record["rows"] if "added_MB" in row or "ratio" in row
    ]
    points = []
    for name, row in rows:
        sign, _, limit = str(row.get("target") or "").partition(" ")
        value = row.get("ratio") or row.get("added_MB")
        if sign in ("<=", ">=") and value:
            # Right of 1 is better than the target, whichever way that points.
            better = float(limit) / value if sign == "<=" else value / float(limit)
            method = row.get("method", "")
            points.append((f"{name}: {row['problem']}, {method}"[:95], better))
    fig, ax = plt.subplots(figsize=(10, 0.28 * len(points) + 1), layout="constrained")
    colors = ["#0072B2" if better >= 1 else "#D55E00" for _, better in points]
    ax.scatter([better for _, better in points], range(len(points)), color=colors)
    ax.axvline(1, color="black", linewidth=0.8)
    ax.set_yticks(range(len(points)), [label for label, _ in points], fontsize=7)
    ax.invert_yaxis()
    ax.set(xscale="log", xlabel="how many times better than the target", title="Figures beside their targets")
    ax.grid(alpha=0.3)
    fig.savefig(DOCS / "benchmarks_targets.svg")
    if "growth" in records:
        table = pd.DataFrame(records["growth"]["rows"])
        fig, ax = plt.subplots(figsize=(9, 4.5), layout="constrained")
        for problem, part in table.groupby("problem", sort=False):
            ax.loglog(
                part["size"], part["seconds"], ".-", label=f"{problem}: slope {part['slope'].dropna().iloc[0]:.2f}"
            )
        ax.set(xlabel="size", ylabel="seconds", title="Growth of the cost")
        ax.grid(alpha=0.3, which="both")
        ax.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
        fig.savefig(DOCS / "benchmarks_growth.svg")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(SUITE)}; none: all")
    parser.add_argument("--quick", action="store_true", help="small sizes, to try the suite; the page stays as it is")
    arguments = parser.parse_args()
    unknown = set(arguments.names).difference(SUITE)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(SUITE)}")
    quick = arguments.quick
    for name in arguments.names or SUITE:
        run(name, quick)
    written = {name: output_of(name, quick) for name in SUITE}
    records = {name: json.loads(path.read_text()) for name, path in written.items() if path.exists()}
    text = page(records)
    if quick:
        print(text)
    else:
        (DOCS / "benchmarks.md").write_text(text)
        draw(records)


if __name__ == "__main__":
    main()
