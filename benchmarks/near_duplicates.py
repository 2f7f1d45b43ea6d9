"""How long does it take to find all near duplicates among 100,000 rows of 512 float32 features, and what memory?

Rows are unit Gaussian noise, the worst case of the bound that rules pairs out, and features as encoders make them: 64
directions, noise and a common mean. 5,000 rows have a noisy copy, cosine about .995; the threshold is .95, and .8 for a
bound that rules out less. Beside it the bare product of all pairs, in tiles of one buffer.

Target: under 60 seconds at .95. `added_MB` is what Python's and numpy's allocations reach beyond the rows.
"""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import numpy as np
from harness import SEED, Row, Target, parse_arguments, report
from numpy.typing import NDArray

from crossmodal_cca.diagnosis import near_duplicate_groups

Array = NDArray[Any]

WIDTH = 512
TARGET = Target("<=", 60)


def noise(n: int, rng: np.random.Generator) -> Array:
    return rng.standard_normal((n, WIDTH), dtype=np.float32)


def encoded(n: int, rng: np.random.Generator) -> Array:
    """Rows whose cosines are about .5 in the mean."""
    latent = rng.standard_normal((n, 64), dtype=np.float32)
    directions = rng.standard_normal((64, WIDTH), dtype=np.float32)
    return latent @ directions + 2 * noise(n, rng) + 8 * noise(1, rng)


def with_copies(X: Array, rng: np.random.Generator) -> Array:
    half, n_copies = len(X) // 2, len(X) // 20
    chosen = rng.choice(half, n_copies, replace=False)
    X[half + chosen] = X[chosen] + 0.1 * X.std() * noise(n_copies, rng)
    return X


def product_of_all_pairs(X: Array) -> None:
    rows, columns = 1024, 4096
    tile = np.empty((rows, columns), np.float32)
    for i in range(0, len(X), rows):
        for j in range(i, len(X), columns):
            a, b = X[i : i + rows], X[j : j + columns]
            np.matmul(a, b.T, out=tile[: len(a), : len(b)])


def main() -> None:
    arguments = parse_arguments(__doc__, "near_duplicates")
    n = 10_000 if arguments.quick else 100_000
    rng = np.random.default_rng(SEED)
    rows: list[Row] = []
    for name, make in (("noise", noise), ("encoded", encoded)):
        X = with_copies(make(n, rng), rng)
        problem = f"{name} {(n, WIDTH)}, float32"
        if name == "noise" and not arguments.brief:
            start = time.perf_counter()
            product_of_all_pairs(X)
            rows.append({"problem": problem, "method": "bare product", "seconds": time.perf_counter() - start})
        for threshold in (0.95, 0.8):
            tracemalloc.start()
            start = time.perf_counter()
            groups = near_duplicate_groups(X, threshold=threshold)
            seconds = time.perf_counter() - start
            added = tracemalloc.get_traced_memory()[1] / 1e6
            tracemalloc.stop()
            row: Row = {"problem": problem, "method": f"threshold {threshold}", "seconds": seconds, "added_MB": added}
            if threshold == 0.95:
                row |= {"target": str(TARGET), "met": TARGET.met_by(seconds)}
            rows.append(row | {"groups": int(groups.max()) + 1})
    report(rows, arguments)


if __name__ == "__main__":
    main()
