"""How much longer does ranking take than the matrix product it cannot do without?

Target: retrieval_ranks of 30,000 × 30,000 × 128 float32 at most 1.8 times the same product, computed in blocks of the
same size into one reused buffer; medians of interleaved repeats. (A buffer allocated anew for every block would make
the product about twice as slow, and the ratio flattering.)

`difference` is the largest distance of a rank from the interval that float64 scores allow, over 200 queries: it should
be 0.
"""

from __future__ import annotations

import numpy as np
from harness import OURS, SEED, Target, Task, compare, parse_arguments, report
from numpy.typing import NDArray

from crossmodal_cca.metrics import retrieval_ranks
from crossmodal_cca.metrics.ranks import BLOCK_BYTES

Array = NDArray[np.floating]

QUERIES_CHECKED = 200
# Scores closer than this may count as tied in float32.
TIE = 1e-5


def paired_scores(n: int, width: int) -> tuple[Array, Array]:
    """Unit rows whose pairs are close enough to be found early, but seldom first."""
    rng = np.random.default_rng(SEED)
    common = rng.standard_normal((n, width), dtype=np.float32)
    sides = (0.4 * common + rng.standard_normal((n, width), dtype=np.float32) for _ in range(2))
    x, y = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in sides)
    return x, y


def product_in_blocks(queries: Array, gallery: Array) -> None:
    step = min(len(queries), BLOCK_BYTES // (len(gallery) * gallery.itemsize))
    buffer = np.empty((step, len(gallery)), gallery.dtype)
    for start in range(0, len(queries), step):
        block = queries[start : start + step]
        np.matmul(block, gallery.T, out=buffer[: len(block)])


def distance_from_allowed(ranks: Array, queries: Array, gallery: Array) -> float:
    """Largest distance of the first ranks from the interval that float64 scores allow them."""
    scores = queries[:QUERIES_CHECKED].astype(np.float64) @ gallery.T.astype(np.float64)
    own = np.diagonal(scores)[:, None]
    lowest = 1 + (scores > own + TIE).sum(axis=1)
    highest = (scores >= own - TIE).sum(axis=1)
    checked = ranks[:QUERIES_CHECKED]
    return float(np.maximum(lowest - checked, checked - highest).clip(min=0).max())


def main() -> None:
    arguments = parse_arguments(__doc__, "retrieval_ranks")
    n, width, repeats = (3_000, 128, 3) if arguments.quick else (30_000, 128, 9)
    x, y = paired_scores(n, width)
    tasks = {
        "product in blocks": Task(lambda: product_in_blocks(x, y)),
        OURS: Task(lambda: retrieval_ranks(x, y), Target("<=", 1.8)),
    }
    rows = compare(f"retrieval_ranks {(n, n, width)}, float32", tasks, repeats)
    rows[-1]["difference"] = distance_from_allowed(retrieval_ranks(x, y), x, y)
    report(rows, arguments)


if __name__ == "__main__":
    main()
