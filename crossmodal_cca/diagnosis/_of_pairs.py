"""Findings about the two sides together: their numbers of rows, their order, and pairs against features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..inference.noise import noise_edge
from ..inference.sample_size import required_samples
from ._findings import Finding, counted
from ._matching import Ids, are_aligned, findings_of_ids, number_of_pairs
from ._near_copies import Separated
from ._side import Side

# Edge of noise (a correlation) at which training correlations say little, and smallest correlation worth finding.
_HIGH_EDGE, _MODEST = 0.5, 0.3
# Advice for too few pairs.
_REGULARIZED = "use shrinkage (CCACV chooses it) or PLS, and believe held-out figures alone"


def findings_of_pairs(
    x: Side, y: Side, X: Any, Y: Any, ids: dict[str, Ids], split: Separated | None
) -> Iterator[Finding]:
    """Find faults of the pairing, and too few pairs."""
    yield from findings_of_ids(ids)
    if len(ids) < 2:
        if x.n_rows != y.n_rows:
            what = f"X has {counted(x.n_rows, 'rows')} and y has {counted(y.n_rows, 'rows')}, but rows are pairs"
            todo = "pass x_ids and y_ids, and pair the rows by them before a fit"
            yield Finding("rows", "pairs", "error", abs(x.n_rows - y.n_rows), what, todo)
        yield from _order_of_indexes(X, Y)
    if x.n_rows == y.n_rows and are_aligned(ids):
        yield from _repeated_pairs(x, y)
    if split is not None:
        yield from _separated_items(x, y, ids, split)
    n_pairs = min(x.n_rows, y.n_rows) if are_aligned(ids) else number_of_pairs(ids)
    yield from _enough(n_pairs, x, y)


def _order_of_indexes(X: Any, Y: Any) -> Iterator[Finding]:
    """Find index labels of dataframes that are the same in another order."""
    a, b = (getattr(A, "index", None) for A in (X, Y))
    if not all(hasattr(index, "is_unique") for index in (a, b)) or len(a) != len(b) or a.equals(b):  # type: ignore[arg-type,union-attr]
        return
    if a.is_unique and b.is_unique and b.isin(a).all():  # type: ignore[union-attr]
        n = int(np.count_nonzero(np.asarray(a) != np.asarray(b)))
        what = f"the indexes of X and y hold the same labels, but {counted(n, 'rows')} differ; pairs go by position"
        yield Finding("order", "pairs", "error", n, what, "to pair rows by their labels pass y.loc[X.index] as y")


def _pair_codes(x: Side, y: Side) -> NDArray[np.intp]:
    return np.asarray(np.unique(x.codes * y.n_rows + y.codes, return_inverse=True)[1])


def _separated_items(x: Side, y: Side, ids: dict[str, Ids], split: Separated) -> Iterator[Finding]:
    """Find copies of one pair, and rows of one id, on both sides of a split."""
    items = {f"equal {own.name}": own.codes for own in ids.values() if not own.are_labels}
    if x.n_rows == y.n_rows:
        items |= {"both sides equal": _pair_codes(x, y)}
    for what, codes in items.items():
        apart = split.rows_apart(codes) if len(codes) == len(split) else np.empty(0, np.intp)
        if len(apart):
            rows = f"{counted(len(apart), 'rows')}, first row {apart[0]}"
            what = f"{rows}: a row with {what} is on the other side of the split"
            todo = "held-out scores are too good: pass what is equal as groups to cross-validation"
            yield Finding("split", "pairs", "error", len(apart), what, todo)


def _repeated_pairs(x: Side, y: Side) -> Iterator[Finding]:
    n_repeats = x.n_rows - len(np.unique(_pair_codes(x, y)))
    if n_repeats and not (x.are_labels and y.are_labels):
        what = f"{counted(n_repeats, 'pairs')} repeat an earlier one on both sides"
        todo = "drop them, or keep copies in one fold: they tell a test what was learned (CCACV does so by itself)"
        yield Finding("repeated pairs", "pairs", "warning", n_repeats, what, todo)


def _enough(n_pairs: int, x: Side, y: Side) -> Iterator[Finding]:
    if n_pairs < 2:
        yield Finding(
            "pairs", "pairs", "error", n_pairs, f"{counted(n_pairs, 'pairs')}; a fit takes two", "give more pairs"
        )
        return
    # Features that do not vary, or only repeat others, do not raise the edge of noise.
    p, q = (int(np.count_nonzero(side.deviation)) if side.rank is None else side.rank[0] for side in (x, y))
    if not (p and q):
        return
    edge, needed = noise_edge(n_pairs, p, q), required_samples(_MODEST, p + q)
    size = f"{counted(n_pairs, 'pairs')} of {p:,} and {q:,} independent features"
    advice = f"{_REGULARIZED}; to find a correlation of {_MODEST} CCA takes some {needed:,} pairs (required_samples)"
    if edge >= 1:
        what = f"{size}: without shrinkage any data correlate perfectly"
        yield Finding("pairs and features", "pairs", "warning", edge, what, advice)
    elif edge >= _HIGH_EDGE or n_pairs < needed:
        what = f"{size}: unrelated sides of this size show correlations up to {edge:.2f} in training (noise_edge)"
        severity = "warning" if edge >= _HIGH_EDGE else "note"
        yield Finding("pairs and features", "pairs", severity, edge, what, advice)
