"""How long do ranking, searching and scoring take beside the matrix product, scikit-learn and faiss?

Targets, as ratios of medians of interleaved repeats in one process:

- retrieval_ranks of 30,000 × 30,000 × 128 and 100,000 × 100,000 × 128 float32: at most 1.2 times the same product in
  blocks of whole lists into one reused buffer. (A buffer allocated anew for every block would make the product about
  twice as slow, and the ratio flattering.) The product in tiles, as ranks compute it, is faster; it has a row too.
- The first 10 of 30,000 queries in a gallery of 30,000 × 128 float32 by CrossModalIndex: no slower than scikit-learn's
  brute-force neighbours on unit vectors, and at most 1.15 times faiss's flat index.
- Average precision by class over the full list, 10,000 × 10,000: at most 6 times the bare product (it must sort).
- Reciprocal ranks of 2,000 × 2,000 from rows: no slower than ranx's from scores in its own format.

`difference`: of ranks, the largest distance from the interval that float64 scores allow, over 200 queries (should be
0); of searches, the share of neighbours that differ from float64 brute force, over 200 queries (peers compute in
float32 and may swap near ties).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from harness import OURS, SEED, Row, Target, Task, compare, parse_arguments, report
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from crossmodal_cca.metrics import mean_average_precision, mean_reciprocal_rank, retrieval_ranks
from crossmodal_cca.metrics._counting import BLOCK_BYTES
from crossmodal_cca.retrieval import CrossModalIndex

Array = NDArray[Any]

WIDTH = 128
NEIGHBORS = 10
CLASSES = 10
QUERIES_CHECKED = 200
# Queries and items of a tile.
TILE = (1024, 2048)
# Scores closer than this may count as tied in float32.
TIE = 1e-5


def paired_scores(n: int) -> tuple[Array, Array]:
    """Unit rows whose pairs are close enough to be found early, but seldom first."""
    rng = np.random.default_rng(SEED)
    common = rng.standard_normal((n, WIDTH), dtype=np.float32)
    sides = (0.4 * common + rng.standard_normal((n, WIDTH), dtype=np.float32) for _ in range(2))
    x, y = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in sides)
    return x, y


def product_in_blocks(queries: Array, gallery: Array) -> None:
    step = min(len(queries), BLOCK_BYTES // (len(gallery) * gallery.itemsize))
    buffer = np.empty((step, len(gallery)), gallery.dtype)
    for start in range(0, len(queries), step):
        block = queries[start : start + step]
        np.matmul(block, gallery.T, out=buffer[: len(block)])


def product_in_tiles(queries: Array, gallery: Array) -> None:
    """The same in tiles of 8 MB, of a thousand queries each."""
    buffer = np.empty(TILE[0] * TILE[1], gallery.dtype)
    for start in range(0, len(queries), TILE[0]):
        block = queries[start : start + TILE[0]]
        for first in range(0, len(gallery), TILE[1]):
            part = gallery[first : first + TILE[1]]
            np.matmul(block, part.T, out=buffer[: len(block) * len(part)].reshape(len(block), len(part)))


def exact_scores(queries: Array, gallery: Array) -> Array:
    return queries[:QUERIES_CHECKED].astype(np.float64) @ gallery.T.astype(np.float64)


def ranking(n: int, repeats: int) -> list[Row]:
    x, y = paired_scores(n)
    tasks = {
        "product in blocks": Task(lambda: product_in_blocks(x, y)),
        "product in tiles": Task(lambda: product_in_tiles(x, y)),
        OURS: Task(lambda: retrieval_ranks(x, y), Target("<=", 1.2)),
    }
    rows = compare(f"retrieval_ranks {(n, n, WIDTH)}, float32", tasks, repeats)
    scores = exact_scores(x, y)
    own = np.diagonal(scores)[:, None]
    lowest, highest = 1 + (scores > own + TIE).sum(axis=1), (scores >= own - TIE).sum(axis=1)
    checked = retrieval_ranks(x[:QUERIES_CHECKED], y, query_ids=np.arange(QUERIES_CHECKED), gallery_ids=np.arange(n))
    rows[-1]["difference"] = float(np.maximum(lowest - checked, checked - highest).clip(min=0).max())
    return rows


def faiss_search(x: Array, y: Array) -> Callable[[], Array]:
    def search() -> Array:
        import faiss

        index = faiss.IndexFlatIP(WIDTH)
        index.add(y)
        return index.search(x, NEIGHBORS)[1]

    return search


def searching(n: int, repeats: int) -> list[Row]:
    x, y = paired_scores(n)
    # Euclidean distances of unit vectors order as cosines do, and are scikit-learn's quickest.
    peer = NearestNeighbors(n_neighbors=NEIGHBORS, algorithm="brute", metric="euclidean")
    searches = {
        "product in blocks": Task(lambda: product_in_blocks(x, y)),
        "scikit-learn": Task(lambda: peer.fit(y).kneighbors(x, return_distance=False)),
        "faiss flat": Task(faiss_search(x, y), needs="faiss"),
        OURS: Task(lambda: CrossModalIndex().fit(y).kneighbors(x, NEIGHBORS)[1], Target("<=", 1.0)),
    }
    problem = f"first {NEIGHBORS} {(n, n, WIDTH)}, float32"
    rows = compare(problem, {name: searches[name] for name in ("scikit-learn", OURS)}, repeats)
    again = Task(searches[OURS].run, Target("<=", 1.15))
    rows += compare(problem, {"faiss flat": searches["faiss flat"], OURS: again}, repeats)
    rows += compare(problem, {name: searches[name] for name in ("product in blocks",)}, repeats)
    expected = np.argsort(-exact_scores(x, y), axis=1, kind="stable")[:, :NEIGHBORS]
    for row in rows:
        if row["method"] in (OURS, "scikit-learn", "faiss flat"):
            found = searches[row["method"]].run()[:QUERIES_CHECKED]
            row["difference"] = float(np.mean(found != expected))
    return rows


def scoring(n: int, repeats: int) -> list[Row]:
    x, y = paired_scores(n)
    labels = np.random.default_rng(SEED).integers(CLASSES, size=n)
    tasks = {
        "product in blocks": Task(lambda: product_in_blocks(x, y)),
        OURS: Task(lambda: mean_average_precision(x, y, query_ids=labels, gallery_ids=labels), Target("<=", 6)),
    }
    return compare(f"mean_average_precision, {CLASSES} classes, {(n, n, WIDTH)}, float32", tasks, repeats)


def against_ranx(n: int, repeats: int) -> list[Row]:
    """Reciprocal ranks from rows, beside ranx's from scores that are in its own format already."""
    x, y = paired_scores(n)
    tasks = {OURS: Task(lambda: mean_reciprocal_rank(x, y), answer=np.atleast_1d)}
    peer = Task(lambda: None, needs="ranx")
    if peer.is_possible:
        from ranx import Qrels, Run, evaluate

        names = [f"{i:06d}" for i in range(n)]
        scores = (x.astype(float) @ y.T.astype(float)).tolist()
        run = Run({q: dict(zip(names, row, strict=True)) for q, row in zip(names, scores, strict=True)})
        qrels = Qrels({name: {name: 1} for name in names})
        peer = Task(lambda: evaluate(qrels, run, "mrr"), Target(">=", 1), np.atleast_1d, needs="ranx")
    return compare(
        f"mean_reciprocal_rank {(n, n, WIDTH)}, float32", tasks | {"ranx, without the product": peer}, repeats
    )


def main() -> None:
    arguments = parse_arguments(__doc__, "retrieval")
    quick = arguments.quick
    rows = ranking(3_000 if quick else 30_000, 3 if quick else 9)
    rows += searching(3_000 if quick else 30_000, 3 if quick else 7)
    rows += scoring(2_000 if quick else 10_000, 3 if quick else 7)
    rows += against_ranx(300 if quick else 2_000, 5)
    if not (quick or arguments.brief):
        rows += ranking(100_000, 3)
    report(rows, arguments)


if __name__ == "__main__":
    main()
