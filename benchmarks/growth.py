"""How does the cost of the linear models grow with rows, features and components?

float32 white noise; medians of runs in turns within one process. `slope` is that of a straight line through the
logarithms of sizes and seconds, over all sizes of a series that are at least `from`.

Target: one pass over the rows (PairMoments) takes time that grows linearly, slope 1 ± .05 from 50,000 rows on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
from harness import SEED, Row, Task, measure, parse_arguments, report
from numpy.typing import NDArray

import crossmodal_cca as cm

Array = NDArray[Any]

ONE_PASS = "PairMoments, rows × 256 × 128"
SLOPE = (0.95, 1.05)


def noise(n: int, p: int, q: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(SEED)
    return rng.standard_normal((n, p), dtype=np.float32), rng.standard_normal((n, q), dtype=np.float32)


def series(problem: str, sizes: Sequence[int], start: int, task: Callable[[int], Task], repeats: int) -> list[Row]:
    """One row for each size, with the slope in the last."""
    seconds, _ = measure({str(size): task(size) for size in sizes}, repeats)
    medians = [median(seconds[str(size)]) for size in sizes]
    rows: list[Row] = [
        {"problem": problem, "size": size, "seconds": m, "fastest": min(seconds[str(size)])}
        for size, m in zip(sizes, medians, strict=True)
    ]
    fitted = [(size, m) for size, m in zip(sizes, medians, strict=True) if size >= start]
    slope = float(np.polyfit(*np.log(fitted).T, 1)[0])
    rows[-1] |= {"slope": slope, "from": start}
    if problem == ONE_PASS:
        rows[-1] |= {"target": f"{SLOPE[0]} … {SLOPE[1]}", "met": SLOPE[0] <= slope <= SLOPE[1]}
    return rows


def main() -> None:
    arguments = parse_arguments(__doc__, "growth")
    quick, repeats = arguments.quick, 3 if arguments.quick else 5

    def sizes(*full: int) -> list[int]:
        return [size // 10 for size in full] if quick else list(full)

    n_rows = sizes(25_000, 50_000, 100_000, 200_000, 400_000)
    X, Y = noise(n_rows[-1], 256, 128)

    def read(n: int) -> Task:
        return Task(lambda: cm.PairMoments.from_arrays(X[:n], Y[:n]))

    def fit(n: int) -> Task:
        return Task(lambda: cm.CCA(32).fit(X[:n], Y[:n]))

    rows = series(ONE_PASS, n_rows, n_rows[1], read, repeats)
    rows += series("CCA(32), rows × 256 × 128", n_rows, n_rows[1], fit, repeats)
    widths = sizes(160, 320, 640, 1_280)
    wide = {p: noise(n_rows[0], p, p) for p in widths}
    rows += series(
        f"CCA(32), {n_rows[0]} rows, features of each side",
        widths,
        widths[1],
        lambda p: Task(lambda: cm.CCA(min(32, p)).fit(*wide[p])),
        repeats,
    )
    ks = sizes(10, 20, 40, 80, 160)
    width = widths[-2]
    moments = cm.PairMoments.from_arrays(*wide[width])
    for model in (cm.CCA, cm.PLSSVD, cm.PLSRegression, cm.PLSCanonical):

        def solve(k: int, model: Any = model) -> Task:
            return Task(lambda: model(min(k, width)).fit_moments(moments))

        rows += series(f"{model.__name__}, components, moments of {width} × {width} known", ks, ks[0], solve, 3)
    report(rows, arguments)


if __name__ == "__main__":
    main()
