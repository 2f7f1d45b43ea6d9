"""The one loop over queries: how many items score above each relevant item, and how many tie with it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._blocks import is_dask
from .._progress import Progress
from .._similarity import tie_width
from .._typing import Array
from ._inputs import RetrievalProblem, prepare

# Of a block of scores and its counts: large enough for a fast matrix product, small enough for any laptop.
BLOCK_BYTES = 32 * 2**20
# While a metric is computed from them: about twenty 8-byte numbers.
_BYTES_PER_RELEVANT_ITEM = 160
# Up to so many relevant items, two passes over the scores per item are cheaper than sorting them.
_COUNT_UP_TO = 8


@dataclass(frozen=True)
class RelevantCounts:
    """Where the relevant items of a block of queries stand: all that a retrieval metric needs to know.

    One entry per query and relevant item in ``query`` … ``relevant_tied``, ordered by query and within a
    query from the best-scored relevant item down; or one entry per query, for its best relevant item alone.
    """

    query: Array  # which query of the block
    greater: Array  # items that score higher
    tied: Array  # items that score the same, itself included
    relevant_greater: Array  # relevant items among `greater`
    relevant_tied: Array  # relevant items among `tied`, itself included
    n_relevant: Array  # (n_queries of the block,)
    n_gallery: int
    grade: Array | None = None  # of the relevant item, where relevance is graded

    def best(self) -> tuple[Array, Array, Array]:
        """(greater, tied, relevant_tied) of each query's best relevant item, each of shape (n_queries,)."""
        first = np.searchsorted(self.query, np.arange(len(self.n_relevant)))
        return self.greater[first], self.tied[first], self.relevant_tied[first]

    def sum_per_query(self, values: Array) -> Array:
        """Sum over the relevant items of each query, shape (n_queries,)."""
        return np.bincount(self.query, weights=values, minlength=len(self.n_relevant))


def relevant_counts(problem: RetrievalProblem, *, best_only: bool) -> Iterator[RelevantCounts]:
    """Count, for one block of queries after the other, in the order of ``problem.kept``.

    Parameters
    ----------
    problem : RetrievalProblem
        From ``prepare``.
    best_only : bool
        Count for each query's best-scored relevant item only. This needs no sort and no memory per relevant
        item.

    Yields
    ------
    RelevantCounts
        Of the next block of queries.
    """
    n_kept, n_gallery = len(problem.kept), len(problem.gallery)
    n_relevant = problem.n_relevant
    most = 1 if best_only else int(n_relevant.max())
    bytes_per_query = n_gallery * problem.gallery.itemsize + most * _BYTES_PER_RELEVANT_ITEM
    step = min(n_kept, max(1, BLOCK_BYTES // bytes_per_query))
    # With one relevant item each, the best is all there is.
    count = _count_best if n_relevant.max() == 1 or best_only else _count_all
    buffer = np.empty((step, n_gallery), problem.gallery.dtype)
    for start in range(0, n_kept, step):
        rows = slice(start, min(start + step, n_kept))
        scores = buffer[: rows.stop - start]
        np.matmul(problem.query_rows(rows), problem.gallery.T, out=scores)
        yield count(scores, problem, rows)


def _count_best(scores: Array, problem: RetrievalProblem, rows: slice) -> RelevantCounts:
    n_relevant = problem.n_relevant[rows]
    queries = np.arange(len(scores))
    best = _best_relevant(scores, problem, rows)
    width = tie_width(problem.gallery, problem.gallery_norms)[best]
    above, below = scores[queries, best] + width, scores[queries, best] - width
    # With one relevant item it is the best, and ties with itself.
    spans = [problem.relevant(rows.start + q) if n_relevant[q] > 1 else None for q in queries]
    greater, at_least, relevant_tied = count_around(scores, above, below, spans)
    relevant_tied[n_relevant == 1] = 1
    return RelevantCounts(
        query=queries,
        greater=greater,
        tied=at_least - greater,
        relevant_greater=np.zeros_like(greater),
        relevant_tied=relevant_tied,
        n_relevant=n_relevant,
        n_gallery=scores.shape[1],
    )


def count_around(scores: Array, above: Array, below: Array, spans: Sequence[slice | Array | None]) -> Array:
    """Entries of each row > above, those >= below, and those of the latter in its span; shape (3, n_rows)."""
    counts = np.zeros((3, len(scores)), dtype=np.int64)
    mask = np.empty(scores.shape[1], dtype=bool)
    for q, (row, span) in enumerate(zip(scores, spans, strict=True)):
        # Counting a contiguous mask of one row is many times faster than along an axis of a block.
        counts[0, q] = np.count_nonzero(np.greater(row, above[q], out=mask))
        counts[1, q] = np.count_nonzero(np.greater_equal(row, below[q], out=mask))
        if span is not None:
            counts[2, q] = np.count_nonzero(mask[span])
    return counts


def _best_relevant(scores: Array, problem: RetrievalProblem, rows: slice) -> Array:
    """Gallery row of each query's best-scored relevant item."""
    first = problem.first[rows]
    # With one relevant item there is nothing to compare.
    best = first.copy() if problem.items is None else problem.items[first]
    for q in np.flatnonzero(problem.n_relevant[rows] > 1):
        relevant = problem.relevant(rows.start + q)
        place = scores[q, relevant].argmax()
        best[q] = relevant.start + place if isinstance(relevant, slice) else relevant[place]
    return best


def _count_all(scores: Array, problem: RetrievalProblem, rows: slice) -> RelevantCounts:
    n_relevant = problem.n_relevant[rows]
    tolerance = tie_width(problem.gallery, problem.gallery_norms)
    # Where relevant items differ in nothing but their score, scores are all that has to be sorted.
    alike = problem.grades is None and np.ptp(tolerance) == 0
    counts = np.empty((4, n_relevant.sum()), dtype=np.int64)
    grade = None if problem.grades is None else np.empty(counts.shape[1])
    end = 0
    for q, row in enumerate(scores, rows.start):
        items = problem.relevant(q)
        relevant = row[items].copy()
        best_first = slice(None) if alike else np.argsort(-relevant, kind="stable")
        ordered = np.sort(relevant)[::-1] if alike else relevant[best_first]
        width = tolerance[items][best_first]
        above, below = ordered + width, ordered - width
        start, end = end, end + len(relevant)
        counts[0, start:end], counts[1, start:end] = _greater_and_tied(row, above, below)
        counts[2, start:end], counts[3, start:end] = _greater_and_tied_among(ordered, above, below)
        if grade is not None:
            grade[start:end] = problem.grades_of(q)[best_first]  # type: ignore[index]
    query = np.repeat(np.arange(len(n_relevant)), n_relevant)
    greater, tied, relevant_greater, relevant_tied = counts
    return RelevantCounts(
        query, greater, tied, relevant_greater, relevant_tied, n_relevant, n_gallery=scores.shape[1], grade=grade
    )


def _greater_and_tied(row: Array, above: Array, below: Array) -> tuple[Array, Array]:
    """Entries of ``row`` > above and those in [below, above], of which there is one. Sorts ``row`` to look many up."""
    if len(above) > _COUNT_UP_TO:
        row.sort()
        not_above = row.searchsorted(above, side="right")
        tied = np.ones(len(above), dtype=np.int64)
        # Few have company: if the second entry from `above` down is below `below`, the first is alone.
        company = (row[not_above - 2] >= below).nonzero()[0]
        tied[company] = not_above[company] - row.searchsorted(below[company], side="left")
        return len(row) - not_above, tied
    greater = np.array([np.count_nonzero(row > high) for high in above])
    return greater, np.array([np.count_nonzero(row >= low) for low in below]) - greater


def _greater_and_tied_among(ordered: Array, above: Array, below: Array) -> tuple[Array, Array]:
    """The same for entries in descending order among themselves: only close neighbours have to be looked up."""
    greater, tied = np.arange(len(ordered)), np.ones(len(ordered), dtype=np.int64)
    close = (ordered[:-1] <= above[1:]) | (ordered[1:] >= below[:-1])
    has_company = np.zeros(len(ordered), dtype=bool)
    has_company[:-1] = close
    has_company[1:] |= close
    company = has_company.nonzero()[0]
    ascending = ordered[::-1]
    not_above = ascending.searchsorted(above[company], side="right")
    greater[company] = len(ordered) - not_above
    tied[company] = not_above - ascending.searchsorted(below[company], side="left")
    return greater, tied


def retrieval_ranks(
    queries: Any,
    gallery: Any,
    *,
    query_ids: Any = None,
    gallery_ids: Any = None,
    relevance: Any = None,
    metric: str = "cosine",
    verbose: int = 0,
) -> Array:
    """Expected rank of each query's best match in the gallery, 1 being the first.

    Parameters
    ----------
    queries : array-like, or Dask array or dataframe, of shape (n_queries, n_features)
        Scores of one modality in the shared space; float32 and float64 are kept. Those of Dask come chunk by chunk.
    gallery : array-like, or Dask array or dataframe, of shape (n_gallery, n_features)
        Scores of the other modality, the items to be found. Chunks of Dask are searched where they are, and read twice
        (once more unless the metric is "cosine") for each chunk of queries; only numbers per query come together.
    query_ids : array-like of shape (n_queries,), default=None
        Ids, or class labels, of the queries: numbers, strings, … An item is relevant to a query if theirs are
        equal; a query may have any number of relevant items. None for both ids: row ``i`` belongs to row
        ``i``.
    gallery_ids : array-like of shape (n_gallery,), default=None
        Ids, or class labels, of the gallery items.
    relevance : array-like or sparse matrix of shape (n_queries, n_gallery), default=None
        Instead of ids: an item is relevant where this is positive, for relations that no label expresses, such as
        sharing one of several tags.
    metric : {"cosine", "dot", "euclidean"}, default="cosine"
        Similarity that ranks the gallery: cosine, inner product or smallest distance. The cosine of a zero
        vector is 0.
    verbose : int >= 0, default=0
        Above 0, progress is printed.

    Returns
    -------
    ndarray of shape (n_queries,)
        Ranks in [1, n_gallery]; NaN for a query without a relevant item in the gallery.

    Raises
    ------
    ValueError
        If the widths differ, one side's ids are missing or their number is wrong, the two sides differ in
        length without ids, relevance has another shape, a negative grade or company in ids, no query has a relevant
        item, or anything is NaN, infinite or empty.
    TypeError
        If the ids of the two sides cannot be compared, such as numbers with strings.

    Warns
    -----
    UserWarning
        If some queries have no relevant item; they are left out.

    Notes
    -----
    With g items above the best relevant score, and t_r relevant and t_i irrelevant items tied at it, the
    expectation over random tie order is 1 + g + t_i / (t_r + 1). Scores that differ by less than the rounding
    error of the product count as tied; for euclidean distance that is relative to squared lengths. Time is
    that of one matrix product in blocks; memory that of one block (tens of megabytes).

    References
    ----------
    McSherry, F. & Najork, M. (2008). Computing information retrieval performance measures efficiently in the
    presence of tied scores. ECIR.

    Examples
    --------
    >>> from crossmodal_cca.metrics import retrieval_ranks
    >>> images = [[1.0, 0.0], [0.0, 1.0]]
    >>> captions = [[0.9, 0.1], [0.8, 0.3], [0.7, 0.6]]
    >>> retrieval_ranks(images, captions, query_ids=["cat", "dog"], gallery_ids=["cat", "cat", "dog"])
    array([1., 1.])
    """
    if is_dask(queries, gallery):
        from .sharded import sharded_ranks  # which counts with this module

        if relevance is not None:
            raise ValueError("relevance is for rows in memory; pass query_ids and gallery_ids with Dask's.")
        return sharded_ranks(queries, gallery, query_ids, gallery_ids, metric)
    problem = prepare(queries, gallery, query_ids, gallery_ids, metric, relevance)
    return np.asarray(evaluate(problem, [expected_rank], best_only=True, verbose=verbose)[0])


def evaluate(
    problem: RetrievalProblem,
    reducers: Sequence[Callable[[RelevantCounts], Array]],
    *,
    best_only: bool,
    verbose: int = 0,
) -> Array:
    """Values of all reducers from one walk, shape (len(reducers), n_queries); NaN for queries left out."""
    values = np.full((len(reducers), problem.n_queries), np.nan)
    done = 0
    with Progress("queries ranked", len(problem.kept), verbose) as progress:
        for counts in relevant_counts(problem, best_only=best_only):
            block = problem.kept[done : done + len(counts.n_relevant)]
            for value, reduce in zip(values, reducers, strict=True):
                value[block] = reduce(counts)
            done += len(block)
            progress.update(done)
    return values


def expected_rank(counts: RelevantCounts) -> Array:
    """1 + g + t_i/(t_r + 1) at the best relevant score."""
    g, t, t_r = counts.best()
    return np.asarray(1 + g + (t - t_r) / (t_r + 1))
