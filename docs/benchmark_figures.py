"""Makes the tables and pictures of the page of benchmarks from the JSON kept for the newest version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

DOCS = Path(__file__).resolve().parent
KEPT = DOCS.parent / "benchmarks" / "kept"
# Files of simulations of levels and power, one for each script.
SIMULATIONS = KEPT / "simulations"
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
# Characters of a label beside the picture, which would leave no room for the points.
LONGEST_LABEL = 95

Records = dict[str, dict[str, Any]]


def write(folder: Path = DOCS / "generated") -> None:
    """Write what `benchmarks.md` includes and shows."""
    newest = max(KEPT.glob("*.json"), key=lambda path: [int(part) for part in path.stem.split(".")])
    records = json.loads(newest.read_text(encoding="utf-8"))
    folder.mkdir(exist_ok=True)
    (folder / "benchmarks_tables.txt").write_text(tables(records), encoding="utf-8")
    (folder / "benchmarks_simulations.txt").write_text(simulations(), encoding="utf-8")
    draw_targets(records, folder / "benchmarks_targets.svg")
    draw_growth(records["growth"]["rows"], folder / "benchmarks_growth.svg")


def tables(records: Records) -> str:
    """The machine and a table for each script, in Markdown."""
    first = next(iter(records.values()))["environment"]
    pools = [pool for record in records.values() for pool in record["environment"]["thread_pools"]]
    pools = [pool for pool in pools if pool["user_api"] == "blas"]
    kernels = [f"{pool['internal_api']} {pool['version']}, {pool['architecture']}" for pool in pools]
    threads = sorted({pool["num_threads"] for pool in pools})
    versions = ", ".join(f"{name} {number}" for name, number in first["versions"].items() if "not" not in number)
    parts = [
        f"- {first['platform'].partition('-')[0]}, {first['cpu_count']} processors, Python {first['python']}\n"
        f"- {'; '.join(dict.fromkeys(kernels))}; threads: {', '.join(map(str, threads))}\n"
        f"- {versions}"
    ]
    for name, record in records.items():
        table = pd.DataFrame(record["rows"])
        table = table[[column for column in COLUMNS if column in table.columns]].astype(object)
        parts += [f"## {name.replace('_', ' ')}", markdown(table)]
    return "\n\n".join(parts) + "\n"


def simulations() -> str:
    """Tables of each script that simulates, one for each method, in Markdown."""
    parts = []
    for path in sorted(SIMULATIONS.glob("*.json")):
        table = pd.DataFrame(json.loads(path.read_text(encoding="utf-8"))["rows"]).astype(object)
        methods = table["method"] if "method" in table else np.zeros(len(table))
        parts.append(f"### {path.stem.replace('_', ' ')}")
        parts += [markdown(part.dropna(axis=1, how="all")) for _, part in table.groupby(methods, sort=False)]
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


def draw_targets(records: Records, path: Path) -> None:
    """Draw how many times better each figure is than its target."""
    from matplotlib.figure import Figure

    points = []
    for name, record in records.items():
        for row in record["rows"]:
            sign, _, limit = str(row.get("target") or "").partition(" ")
            value = row.get("ratio") or row.get("added_MB")
            if sign in ("<=", ">=") and value:
                better = float(limit) / value if sign == "<=" else value / float(limit)
                points.append((f"{name}: {row['problem']}, {row.get('method', '')}"[:LONGEST_LABEL], better))
    fig = Figure(figsize=(10, 0.28 * len(points) + 1), layout="constrained")
    ax = fig.subplots()
    colors = ["#0072B2" if better >= 1 else "#D55E00" for _, better in points]
    ax.scatter([better for _, better in points], range(len(points)), color=colors)
    ax.axvline(1, color="black", linewidth=0.8)
    ax.set_yticks(range(len(points)), [label for label, _ in points], fontsize=7)
    ax.invert_yaxis()
    ax.set(xscale="log", xlabel="how many times better than the target", title="Figures beside their targets")
    ax.grid(alpha=0.3)
    fig.savefig(path)


def draw_growth(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw times over sizes, on logarithmic axes."""
    from matplotlib.figure import Figure

    fig = Figure(figsize=(9, 4.5), layout="constrained")
    ax = fig.subplots()
    for problem, part in pd.DataFrame(rows).groupby("problem", sort=False):
        ax.loglog(part["size"], part["seconds"], ".-", label=f"{problem}: slope {part['slope'].dropna().iloc[0]:.2f}")
    ax.set(xlabel="size", ylabel="seconds", title="Growth of the cost")
    ax.grid(alpha=0.3, which="both")
    ax.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
    fig.savefig(path)
