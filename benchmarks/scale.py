"""What does data that does not fit into memory cost: memory maps, and two Dask workers?

2,000,000 rows of 256 and of 128 float32 features (3 GB) in files, written to a temporary folder. Targets:

- CCA on the memory maps: peak resident memory of a fresh process, beyond what it has after the imports, under 400 MB;
  throughput at least 0.85 of the bare products on as many blocks that are in memory already.
- The same by two Dask worker processes of one thread, each reading its own chunks: at most 1.3 times the memory-mapped
  fit on two threads.

The files have just been written, so the page cache may hold them: the pass over the rows is measured, not the disk.
`difference`: largest difference of the canonical correlations from those of the memory-mapped fit.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from harness import FOLDER, SEED, Row, Target, parse_arguments, report
from memory import MB, peak_bytes, resident_bytes
from numpy.typing import NDArray

Array = NDArray[Any]

WIDTHS = (256, 128)
BLOCK = 8192
# Rows of a Dask chunk: 51 MB and 26 MB, below the hundred that Dask recommends.
CHUNK = 50_000
REPEATS = 3


def write_pair(place: str, n_rows: int) -> None:
    """Rows with twenty common factors."""
    folder = Path(place)
    rng = np.random.default_rng(SEED)
    mixing = [rng.standard_normal((20, width)).astype(np.float32) for width in WIDTHS]
    sides = [
        np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=np.float32, shape=(n_rows, width))
        for name, width in zip("xy", WIDTHS, strict=True)
    ]
    for start in range(0, n_rows, BLOCK):
        stop = min(start + BLOCK, n_rows)
        factors = rng.standard_normal((stop - start, 20), dtype=np.float32)
        for side, W in zip(sides, mixing, strict=True):
            side[start:stop] = factors @ W + 2 * rng.standard_normal((stop - start, side.shape[1]), dtype=np.float32)
    for side in sides:
        side.flush()


def mapped(folder: Path) -> tuple[Array, Array]:
    return np.load(folder / "x.npy", mmap_mode="r"), np.load(folder / "y.npy", mmap_mode="r")


def memory_mapped_fit(folder: str) -> dict[str, Any]:
    """Times and added peak memory of fits in this process, which should be fresh, and times of the bare products."""
    import crossmodal_cca as cm

    X, Y = mapped(Path(folder))
    # The warm-up pages in libraries and thread buffers, which are not the call's own.
    cm.CCA(32).fit(np.array(X[: 2 * BLOCK]), np.array(Y[: 2 * BLOCK]))
    before = resident_bytes()
    seconds, products = [], []
    blocks = np.array(X[:BLOCK]), np.array(Y[:BLOCK])
    n_blocks = len(X) / BLOCK
    for _ in range(REPEATS):
        start = time.perf_counter()
        cca = cm.CCA(32).fit(X, Y)
        seconds.append(time.perf_counter() - start)
    added = peak_bytes() - before
    for _ in range(REPEATS):
        start = time.perf_counter()
        for _ in range(round(n_blocks)):
            x, y = blocks
            x.T @ x, x.T @ y, y.T @ y
        products.append(time.perf_counter() - start)
    return {
        "seconds": median(seconds),
        "products": median(products),
        "added_MB": added / MB,
        "correlations": cca.correlations_.tolist(),
    }


def chunk(folder: str, name: str, start: int, stop: int) -> Array:
    """A chunk of a side, read from its file where and when it is used."""
    rows: Array = np.load(Path(folder) / f"{name}.npy", mmap_mode="r")[start:stop]
    return rows


def dask_fit(folder: str) -> dict[str, Any]:
    """Times of fits by two worker processes that read their own chunks."""
    import dask.array as da
    from dask import delayed
    from distributed import Client, LocalCluster

    import crossmodal_cca as cm

    n_rows = len(mapped(Path(folder))[0])
    starts = range(0, n_rows, CHUNK)
    read = delayed(chunk, pure=True)
    sides = [
        da.concatenate(
            [
                da.from_delayed(
                    read(folder, name, start, min(start + CHUNK, n_rows)),
                    (min(start + CHUNK, n_rows) - start, width),
                    np.float32,
                )
                for start in starts
            ]
        )
        for name, width in zip("xy", WIDTHS, strict=True)
    ]
    seconds = []
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0")
    with cluster, Client(cluster):
        cm.CCA(32).fit(*(side[: 4 * CHUNK] for side in sides))
        for _ in range(REPEATS):
            start = time.perf_counter()
            cca = cm.CCA(32).fit(*sides)
            seconds.append(time.perf_counter() - start)
    return {"seconds": median(seconds), "correlations": cca.correlations_.tolist()}


def in_fresh_process(function: str, folder: str, *more: int) -> Any:
    # This process stays small on purpose: on Linux a child's recorded peak starts at its parent's.
    code = (
        f"import json, sys\nsys.path.insert(0, {str(FOLDER)!r})\nimport scale\n"
        f"if __name__ == '__main__':\n    print(json.dumps(scale.{function}(*{(folder, *more)!r})))\n"
    )
    with tempfile.NamedTemporaryFile("w", suffix=".py", dir=folder) as script:
        script.write(code)
        script.flush()
        done = subprocess.run([sys.executable, script.name], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    arguments = parse_arguments(__doc__, "scale")
    n_rows = 100_000 if arguments.quick else 2_000_000
    with tempfile.TemporaryDirectory() as folder:
        in_fresh_process("write_pair", folder, n_rows)
        ours = in_fresh_process("memory_mapped_fit", folder)
        cluster = in_fresh_process("dask_fit", folder)
    problem = f"CCA, {n_rows} × {WIDTHS[0]} and {WIDTHS[1]} float32 in files"
    throughput, memory, dask = Target(">=", 0.85), Target("<=", 400), Target("<=", 1.3)
    ratio = ours["products"] / ours["seconds"]
    dask_ratio = cluster["seconds"] / ours["seconds"]
    apart = np.abs(np.subtract(cluster["correlations"], ours["correlations"])).max()
    rows: list[Row] = [
        {"problem": problem, "method": "bare products of blocks in memory", "seconds": ours["products"]},
        {
            "problem": problem,
            "method": "memory-mapped fit, throughput",
            "seconds": ours["seconds"],
            "ratio": ratio,
            "target": str(throughput),
            "met": throughput.met_by(ratio),
        },
        {
            "problem": problem,
            "method": "memory-mapped fit, added MB",
            "added_MB": ours["added_MB"],
            "target": str(memory),
            "met": memory.met_by(ours["added_MB"]),
        },
        {
            "problem": problem,
            "method": "two Dask workers of one thread",
            "seconds": cluster["seconds"],
            "ratio": dask_ratio,
            "target": str(dask),
            "met": dask.met_by(dask_ratio),
            "difference": float(apart),
        },
    ]
    report(rows, arguments)


if __name__ == "__main__":
    main()
