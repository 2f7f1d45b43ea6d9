"""Runs the suite, in under twenty minutes, and keeps what it found for the documentation's page of benchmarks.

Each script runs in a process of its own, one after the other; leave the machine alone meanwhile. What takes longer is
left out (``--brief``); run those scripts by hand. With names, only these run, and the file of this version keeps what
the last run of each other one has found.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import crossmodal_cca

FOLDER = Path(__file__).resolve().parent
SUITE = ("import_time", "linear_fit", "growth", "memory", "scale", "cross_validation", "retrieval", "transfer")


def output_of(name: str, quick: bool) -> Path:
    return FOLDER / "results" / f"{name}-{'quick' if quick else 'brief'}.json"


def run(name: str, quick: bool) -> None:
    mode = "--quick" if quick else "--brief"
    script = [sys.executable, FOLDER / f"{name}.py", mode, "--output", output_of(name, quick)]
    start = time.perf_counter()
    subprocess.run(script, check=True, cwd=FOLDER)
    print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)


def keep(names: tuple[str, ...]) -> None:
    """Replace what is kept of these scripts, one row of a table a line, so that changes can be read."""
    path = FOLDER / "kept" / f"{crossmodal_cca.__version__}.json"
    records = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    records |= {name: json.loads(output_of(name, quick=False).read_text(encoding="utf-8")) for name in names}
    parts = []
    for name in filter(records.__contains__, SUITE):
        rows = ",\n".join(f"   {json.dumps(row, ensure_ascii=False)}" for row in records[name]["rows"])
        environment = json.dumps(records[name]["environment"])
        parts.append(f' "{name}": {{\n  "environment": {environment},\n  "rows": [\n{rows}\n  ]\n }}')
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(SUITE)}; none: all")
    parser.add_argument("--quick", action="store_true", help="small sizes, to try the suite; nothing is kept")
    arguments = parser.parse_args()
    unknown = set(arguments.names).difference(SUITE)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(SUITE)}")
    names = tuple(arguments.names) or SUITE
    for name in names:
        run(name, arguments.quick)
    if not arguments.quick:
        keep(names)


if __name__ == "__main__":
    main()
