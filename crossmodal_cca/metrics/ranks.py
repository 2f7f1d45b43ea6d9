"""The loop over queries that counts the items above each relevant item, and those that tie with it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._names_in_docs import with_names
from .._progress import Progress
from .._typing import Array
from ..rows._blocks import row_slices
from ..rows._lazy import is_dask
from ._counting import (
    BLOCK_BYTES,
    DOUBTS_TO_JUDGE,
    Counts,
    Judge,
    Targets,
    best_of,
    count_around,
    told_apart,
)
from ._inputs import RetrievalProblem, prepare
from ._sharded import sharded_ranks
from ._sorting import LARGEST_SCORE, count_again, count_in_lists
from ._tables import Table
from ._tiles import count_in_tiles, fit_in_tiles

# Bytes per relevant item while a measure is computed: about twenty 8-byte numbers.
_BYTES_PER_RELEVANT_ITEM = 160
# Bytes of a block of scores to those of counts at once: the product wants many rows, what is done to counts few.
_SCORES_PER_COUNTS = 16
# Number of relevant items up to which two passes over the scores per item are cheaper than sorting them.
_COUNT_UP_TO = 8


@dataclass(frozen=True)
class RelevantCounts:
    """Places of the relevant items of a block of queries, the input of every retrieval measure.

    One entry per query and relevant item in ``query`` … ``relevant_tied``, ordered by query and within a
    query from the best-scored relevant item down; or one entry per query, for its best relevant item alone.
    """

    query: Array  # query of the block
    greater: Array  # items that score higher
    tied: Array  # items that score the same, itself included
    relevant_greater: Array  # relevant items among `greater`
    relevant_tied: Array  # relevant items among `tied`, itself included
    n_relevant: Array  # (n_queries of the block,)
    n_gallery: Array  # (n_queries of the block,), items in the list of each
    grade: Array | None = None  # grade of the relevant item, if relevance is graded

    def best(self) -> tuple[Array, Array, Array]:
        """(greater, tied, relevant_tied) of each query's best relevant item, each of shape (n_queries,)."""
        first = np.searchsorted(self.query, np.arange(len(self.n_relevant)))
        return self.greater[first], self.tied[first], self.relevant_tied[first]

    def sum_per_query(self, values: Array) -> Array:
        """Sum values over the relevant items of each query, shape (n_queries,)."""
        return np.bincount(self.query, weights=values, minlength=len(self.n_relevant))


def relevant_counts(problem: RetrievalProblem, *, best_only: bool) -> Iterator[RelevantCounts]:
    """Count for one block of queries after the other, in the order of ``problem.kept``.

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
        Counts for the next block of queries.
    """
    n_kept, n_items = len(problem.kept), len(problem.items)
    start = 0
    if fit_in_tiles(problem):
        for rows, around in count_in_tiles(problem):
            n_relevant = problem.n_relevant[rows]
            yield RelevantCounts(np.arange(len(n_relevant)), *around, n_relevant, problem.n_gallery[rows])
            start = rows.stop
        if start == n_kept:
            return
        problem = problem.in_double()
    # With one relevant item each, the best is the only one.
    most = 1 if best_only else int(problem.n_relevant.max())
    by_sorting = most > _COUNT_UP_TO
    if by_sorting:
        # With many targets, too many pairs would be in doubt in single precision.
        problem = problem.grouped().in_double().scaled_to(LARGEST_SCORE)
    limit = _block_bytes(problem)
    step = min(n_kept, max(1, limit // (n_items * problem.dtype.itemsize)))
    counted_at_once = max(1, limit // _SCORES_PER_COUNTS // (most * _BYTES_PER_RELEVANT_ITEM))
    buffer, width = np.empty((step, n_items), problem.dtype), problem.layout.width
    while start < n_kept:
        rows = slice(start, min(start + step, n_kept))
        scores = problem.scores(rows, buffer[: rows.stop - start])
        start = rows.stop
        for part in row_slices(len(scores), counted_at_once):
            own = slice(rows.start + part.start, rows.start + part.stop)
            if by_sorting:
                counts = _count_all(scores[part], width, problem, own)
            else:
                found = _count_few(scores[part], width, problem, own, best_only=most == 1)
                if found is None:
                    problem = problem.in_double()
                    buffer, width = np.empty((step, n_items), problem.dtype), problem.layout.width
                    start = own.start
                    break
                counts = found
            yield counts


def _block_bytes(problem: RetrievalProblem) -> int:
    """Return the bytes of a block of scores; with a table, at most half as many as the table has entries."""
    tables = [table for table in (problem.relevance, problem.excluded) if isinstance(table, Table)]
    return min([BLOCK_BYTES, *(table.n_entries // 2 for table in tables)])


def _count_few(
    scores: Array, width: Array, problem: RetrievalProblem, rows: slice, *, best_only: bool
) -> RelevantCounts | None:
    """Count around each query's best relevant item, or around all; None if too many pairs are in doubt."""
    n_relevant = problem.n_relevant[rows]
    if best_only:
        query, items = np.arange(len(scores)), None
        targets = _best_relevant(scores, width, problem, rows)
    else:
        query = np.repeat(np.arange(len(scores)), n_relevant)
        items = np.concatenate([problem.relevant(q) for q in range(rows.start, rows.stop)])
        score = scores[query, items]
        best_first = np.lexsort((-score, query))
        items, score = items[best_first], score[best_first]
        targets = Targets(query, score - width[items], score + width[items])
    found = count_around(
        scores,
        width,
        targets,
        lambda q: problem.relevant(rows.start + q),
        None if problem.is_settled else _judge(problem, rows.start + query, items),
        each=not best_only,
        most_doubts=DOUBTS_TO_JUDGE * scores.size if problem.dtype == np.float32 else np.inf,
    )
    if found is None:
        return None
    grade = None if items is None else _grades(problem, rows, query, items)
    return RelevantCounts(query, *found, n_relevant, problem.n_gallery[rows], grade)


def _best_relevant(scores: Array, width: Array, problem: RetrievalProblem, rows: slice) -> Targets:
    """Bound the score of each query's best relevant item."""
    queries = np.arange(len(scores))
    first = problem.first_relevant(rows)
    score, own = scores[queries, first], width[first]
    low, high = score - own, score + own
    for q in np.flatnonzero(problem.n_relevant[rows] > 1):
        items = problem.relevant(rows.start + q)
        score, own = scores[q, items], width[items]
        low[q], high[q] = (score - own).max(), (score + own).max()
    return Targets(queries, low, high)


def _judge(problem: RetrievalProblem, query: Array, items: Array | None) -> Judge:
    """Build the judge that compares with the item of each target or, without these, with the best relevant in doubt."""

    def judge(target: Array, item: Array, relevant: Array) -> tuple[Array, Array]:
        values, width = problem.exact(query[target], item)
        return told_apart(
            values, width, *best_of(target, values, width, relevant if items is None else item == items[target])
        )

    return judge


def _grades(problem: RetrievalProblem, rows: slice, query: Array, items: Array) -> Array | None:
    """Return the grades of the relevant items of a block, query by query; None if relevance is not graded."""
    if not problem.relevance.is_graded:
        return None
    grades = np.empty(len(items))
    for q in range(rows.stop - rows.start):
        own = np.flatnonzero(query == q)
        # Sorted items are in the order of the table.
        grades[own[np.argsort(items[own])]] = problem.grades(rows.start + q, np.sort(items[own]))
    return grades


def _count_all(scores: Array, width: Array, problem: RetrievalProblem, rows: slice) -> RelevantCounts:
    n_relevant = problem.n_relevant[rows]
    query, last = np.repeat(np.arange(len(n_relevant)), n_relevant), np.cumsum(n_relevant)

    def relevant(q: int) -> Array:
        return problem.relevant(rows.start + q)

    if problem.layout.exact:
        # So many scores are equal that nearly all would be counted twice.
        counts, again = np.empty((4, len(query)), dtype=np.int64), set(range(len(scores)))
    else:
        some_left_out = problem.excluded is not None
        counts = count_in_lists(scores, width, relevant, n_relevant, some_left_out=some_left_out)
        again = set() if problem.is_settled else set(query[counts[1] > 1].tolist())
    grade = np.empty(len(query)) if problem.relevance.is_graded else None
    for q in range(len(scores)) if grade is not None else again:
        own, items, row, errors = slice(last[q] - n_relevant[q], last[q]), relevant(q), scores[q], width
        if q in again and not problem.is_settled:
            row, errors = _from_differences(row, problem, rows.start + q)
        order = np.argsort(row[items])[::-1]
        if q in again:
            counts[:, own] = count_again(row, errors, items, order)
        if grade is not None:
            grade[own] = problem.grades(rows.start + q, items)[order]
    return RelevantCounts(query, *Counts(*counts), n_relevant, problem.n_gallery[rows], grade)


def _from_differences(scores: Array, problem: RetrievalProblem, query: int) -> tuple[Array, Array]:
    """Compute similarities of all items in the list of a query, pair by pair, and their rounding errors."""
    listed = np.flatnonzero(scores > -np.inf)
    row, width = np.full(len(scores), -np.inf), np.zeros(len(scores))
    row[listed], width[listed] = problem.exact(np.full(len(listed), query), listed)
    return row, width


@with_names
def retrieval_ranks(
    queries: Any,
    gallery: Any,
    *,
    query_ids: Any = None,
    gallery_ids: Any = None,
    relevance: Any = None,
    similarity: str = "cosine",
    exclude: Any = None,
    verbose: int = 0,
) -> Array:
    """Compute the expected rank of each query's best match in the gallery, 1 being the first.

    Parameters
    ----------
    queries : array-like, or Dask array or dataframe, of shape (n_queries, n_features)
        Scores of one modality in the shared space; float32 and float64 are kept. Those of Dask come chunk by chunk.
    gallery : array-like, or Dask array or dataframe, of shape (n_gallery, n_features)
        Scores of the other modality, the items to be found. Chunks of Dask are searched where they are, and read twice
        (once more unless the similarity is "cosine") for each chunk of queries; only numbers per query come together.
    query_ids : array-like of shape (n_queries,), default=None
        Ids, or class labels, of the queries: numbers, strings, … An item is relevant to a query if theirs are
        equal; a query may have any number of relevant items. None for both ids: row ``i`` belongs to row
        ``i``.
    gallery_ids : array-like of shape (n_gallery,), default=None
        Ids, or class labels, of the gallery items.
    relevance : array-like or sparse matrix of shape (n_queries, n_gallery), default=None
        Instead of ids: an item is relevant where this is positive, for relations that no label expresses, such as
        sharing one of several tags.
    similarity : <similarities>, default="cosine"
        Similarity that ranks the gallery: cosine, inner product or smallest distance. The cosine of a zero
        vector is 0.
    exclude : "self", array-like or sparse matrix of bool of shape (n_queries, n_gallery), default=None
        Items that are left out of a query's list, as if the gallery did not hold them: where the table is True, such as
        items that nobody judged. "self": item ``i`` for query ``i``, where the queries are the gallery.
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
        item, `exclude` is no such table, or anything is NaN, infinite or empty.
    TypeError
        If the ids of the two sides cannot be compared, such as numbers with strings.

    Warns
    -----
    UserWarning
        If some queries have no relevant item; they are left out.

    Notes
    -----
    With g items above the best relevant score, and t_r relevant and t_i irrelevant items tied at it, the
    expectation over random tie order is 1 + g + t_i / (t_r + 1). Scores tie if they differ by less than the
    rounding error of double precision, in which the few that a product in the rows' own type cannot tell apart are
    computed again; of distances it is the error of the differences. Those of codes and counts are exact. Time is that
    of one matrix product in blocks, or several where very many items nearly tie; memory that of one block (tens of
    megabytes) and a copy of the gallery.

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
        if relevance is not None:
            raise ValueError("relevance is for rows in memory; pass query_ids and gallery_ids with Dask's.")
        return sharded_ranks(queries, gallery, query_ids, gallery_ids, similarity, exclude)
    problem = prepare(queries, gallery, query_ids, gallery_ids, similarity, relevance, exclude)
    return np.asarray(evaluate(problem, [expected_rank], best_only=True, verbose=verbose)[0])


def evaluate(
    problem: RetrievalProblem,
    reducers: Sequence[Callable[[RelevantCounts], Array]],
    *,
    best_only: bool,
    verbose: int = 0,
) -> Array:
    """Compute all reducers in one pass, shape (len(reducers), n_queries); NaN for queries left out."""
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
    """Compute the expected rank 1 + g + t_i/(t_r + 1) at the best relevant score."""
    g, t, t_r = counts.best()
    return np.asarray(1 + g + (t - t_r) / (t_r + 1))
