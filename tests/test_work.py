"""What a fit does, counted: passes over the rows, operations in matrix products, memory. No clock is involved."""

import itertools
import sys
import tracemalloc
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy import linalg, sparse
from sklearn.model_selection import LeaveOneOut

import crossmodal_cca
from crossmodal_cca import (
    CCA,
    CCACV,
    PLSSVD,
    KernelCCA,
    KernelCCACV,
    PairMoments,
    PLSCanonical,
    PLSRegression,
    PLSRegressionCV,
)
from crossmodal_cca.kernels import _exact, _features, _maps
from crossmodal_cca.metrics import (
    _nested,
    _nested_tiles,
    _sorting,
    _tiles,
    per_query,
    query_report,
    ranks,
    retrieval_ranks,
    retrieval_report,
)
from crossmodal_cca.metrics.scorer import RetrievalScorer
from crossmodal_cca.retrieval import CrossModalIndex, _nearest
from crossmodal_cca.rows import _block, _blocks
from crossmodal_cca.rows._block import Block
from crossmodal_cca.rows._stored import DenseRows

N, P, Q, BLOCK = 4_000, 60, 40, 500


def rows(n, p, q, dtype=np.float64):
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((n, p)), rng.standard_normal((n, q))
    Y[:, :3] += X[:, :3]
    return X.astype(dtype), Y.astype(dtype)


X, Y = rows(N, P, Q)


@pytest.fixture
def work(monkeypatch):
    """Rows read of either side, and multiplications in products of rows, since the last call of clear()."""
    counts = {"X": 0, "y": 0, "gram": 0, "cross": 0, "products": 0}
    gram, cross = Block.gram, Block.cross

    def counting(read):
        def counting_read(rows, part, *more):
            counts["X" if rows.n_features == P else "y"] += np.arange(N)[part].size
            return read(rows, part, *more)

        return counting_read

    def counting_gram(block):
        counts["gram"] += block.A.shape[0] * block.A.shape[1] ** 2
        counts["products"] += 1
        return gram(block)

    def counting_cross(block, other):
        counts["cross"] += block.A.shape[0] * block.A.shape[1] * other.A.shape[1]
        counts["products"] += 1
        return cross(block, other)

    monkeypatch.setattr(_blocks, "BLOCK_ROWS", BLOCK)
    for name in ("product_block", "dense"):
        monkeypatch.setattr(DenseRows, name, counting(getattr(DenseRows, name)))
    monkeypatch.setattr(Block, "gram", counting_gram)
    monkeypatch.setattr(Block, "cross", counting_cross)
    return counts


ONE_WALK = {"X": N, "y": N, "gram": N * (P**2 + Q**2), "cross": N * P * Q, "products": 3 * N // BLOCK}


@pytest.mark.parametrize(
    "fit",
    [
        PairMoments.from_arrays,
        CCA(5).fit,
        CCA(5, shrinkage=0.5, power=1.0).fit,
        PLSSVD(5).fit,
        PLSCanonical(5).fit,
        PLSRegression(5).fit,
    ],
    ids=["moments", "CCA", "CCA, shrunk", "PLSSVD", "PLSCanonical", "PLSRegression"],
)
def test_a_fit_is_one_pass_of_three_products_a_block(fit, work):
    fit(X, Y)
    assert work == ONE_WALK


def test_the_rows_come_back_only_where_covariances_are_not_accurate(work):
    worse = X.copy()
    worse[:, 0] = worse[:, 1] + 1e-6 * worse[:, 0]
    CCA(5).fit(worse, Y)
    assert (work["X"], work["y"]) == (2 * N, 2 * N)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_are_copied_only_where_means_have_to_be_subtracted(dtype, monkeypatch):
    w, n_subtracted, subtract = np.ones(N), [], _block._subtract
    monkeypatch.setattr(_block, "_subtract", lambda *each: n_subtracted.append(len(each[0])) or subtract(*each))
    about_zero, away = X.astype(dtype), (X + 1.0).astype(dtype)
    assert Block(about_zero).centred(w)[0].A is about_zero
    # In double precision neither: rows that stay as they are have only to be summed.
    assert not n_subtracted
    assert Block(away).centred(w)[0].A is not away
    assert Block(about_zero).centred(2 * w)[0].A is not about_zero


@pytest.mark.parametrize("search", [CCACV(5, cv=4), PLSRegressionCV(5, cv=4)], ids=["CCACV", "PLSRegressionCV"])
def test_a_search_by_scores_from_moments_is_one_pass(search, work):
    search.fit(X, Y)
    assert (work["X"], work["y"]) == (N, N)
    assert (work["gram"], work["cross"]) == (ONE_WALK["gram"], ONE_WALK["cross"])


@pytest.fixture
def calls(monkeypatch):
    """Orders of the matrices given to decompositions, and columns multiplied for similarities, in a search."""
    counts = {"svd": [], "eigh": [], "tridiagonal": [], "columns": 0, "searches": 0}

    def counted(module, name, count):
        function = getattr(module, name)

        def counting(A, *args, **options):
            count(A, *args)
            return function(A, *args, **options)

        monkeypatch.setattr(module, name, counting)

    for name, key in (("svd", "svd"), ("eigh", "eigh"), ("eigh_tridiagonal", "tridiagonal")):
        counted(linalg, name, lambda A, *args, key=key: counts[key].append(len(A)))
    counted(_nested_tiles, "add_product", lambda S, A, B: counts.update(columns=counts["columns"] + A.shape[1]))
    counted(RetrievalScorer, "of_scores", lambda *args: counts.update(searches=counts["searches"] + 1))
    return counts


@pytest.mark.parametrize("gallery", [40, 1_200], ids=["double", "single"])
def test_a_search_multiplies_scores_once_for_all_numbers_of_components(gallery, calls):
    """Both directions of all numbers of components, for each power: every column once, in all tiles."""
    n, ks, powers, n_folds = 2 * gallery, [1, 2, 4, 8, 16], (0.0, 1.0), 2
    search = CCACV(ks, shrinkages=(0.3,), powers=powers, cv=n_folds, scoring="hit_rate_at_5")
    search.fit(X[:n], Y[:n])
    tiles = 1 if gallery < _nested.SINGLE_FROM else -(-gallery // _nested._TILE_ROWS)
    # Single precision goes from one direction to the next by two or three more columns; with one component half of the
    # items tie, which only double precision tells.
    more = 0 if gallery < _nested.SINGLE_FROM else 3 * 2 * len(ks) + 2
    columns = n_folds * len(powers) * tiles
    assert columns * 16 <= calls["columns"] <= columns * (16 + more)
    assert calls["searches"] == 0


@pytest.mark.parametrize("scoring", ["correlation", "hit_rate_at_5"])
def test_a_search_of_all_components_decomposes_no_matrix_fully(scoring, calls, monkeypatch):
    """Of kernels: eigenvectors once for each side of a fold, and a tridiagonal problem for each setting."""
    n, ridges = 160, (0.03, 0.1, 0.3)
    search = KernelCCACV([2, 75], width_factors=(1.0,), regularizations=ridges, cv=2, scoring=scoring)
    monkeypatch.setattr(KernelCCACV, "_refit", lambda search, rows, choice: (None, choice))
    search.fit(X[:n], Y[:n])
    assert calls["eigh"] == [n // 2] * 4
    assert calls["tridiagonal"] == [n // 2 - 1] * 2 * len(ridges)
    assert not calls["svd"]


def test_many_pairs_of_kernels_take_one_decomposition(calls):
    """A tridiagonal problem of all rows, but for one direction that centring takes; no eigenvectors of a kernel."""
    n = _exact.DENSE_UP_TO + 50
    KernelCCA(n // 2).fit(X[:n, :10], Y[:n, :10])
    assert (calls["eigh"], calls["tridiagonal"], calls["svd"]) == ([], [n - 1], [])


def test_kernel_values_are_combined_once_for_all_rows(monkeypatch):
    """With many rows per landmark: three scatters and two means in place of every block of both sides."""
    m, n_multiplied, times_upper = 40, [], _maps.times_upper
    monkeypatch.setattr(_maps, "times_upper", lambda A, R: n_multiplied.append(len(A)) or times_upper(A, R))
    model = KernelCCA(2, approximation="nystroem", n_landmarks=m, random_state=0)
    found = model.fit(X[:, :5], Y[:, :5])
    assert sum(n_multiplied) == 6 * m + 2
    first = found.correlations_, found.transform(X[:9, :5], Y[:9, :5]), found.predict(X[:9, :5])
    # With fewer, every block: the same model up to rounding.
    monkeypatch.setattr(_features, "ROWS_PER_FEATURE", N)
    n_multiplied.clear()
    found = model.fit(X[:, :5], Y[:, :5])
    assert sum(n_multiplied) >= 2 * N
    again = found.correlations_, found.transform(X[:9, :5], Y[:9, :5]), found.predict(X[:9, :5])
    for one, other in zip(first, again, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-10)
    # A ridge so small that the condition of the landmarks' kernel would show takes every block, too.
    monkeypatch.undo()
    monkeypatch.setattr(_maps, "times_upper", lambda A, R: n_multiplied.append(len(A)) or times_upper(A, R))
    n_multiplied.clear()
    model.set_params(regularization=1e-9).fit(X[:, :5], Y[:, :5])
    assert sum(n_multiplied) >= 2 * N


@pytest.mark.parametrize(("shrinkages", "times"), [((1.0,), 0), ((0.3, 1.0), 1)], ids=["1 alone", "others too"])
def test_full_shrinkage_rotates_nothing(shrinkages, times, calls):
    """Eigenvectors of the wider side of a fold for other shrinkages, once; the ranks come from Cholesky factors."""
    CCACV(30, shrinkages=shrinkages, cv=2, scoring="hit_rate_at_5").fit(X[:400], Y[:400])
    assert calls["eigh"].count(P) == 2 * times


def test_fewer_rows_than_features_are_decomposed_in_place_of_covariances(calls):
    n, p, q = 80, 60, 30
    search = CCACV(20, shrinkages=(0.0, 0.1, 0.5), cv=2, scoring="correlation")
    search.fit(X[:n, :p], Y[:n, :q])
    assert max(calls["eigh"]) <= n // 2


def test_scores_are_one_pass_over_one_side(work):
    cca = CCA(5).fit(X, Y)
    work.update(X=0, y=0)
    cca.transform(X)
    assert (work["X"], work["y"]) == (N, 0)


def peak_bytes(call):
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memory_of_a_fit_does_not_grow_with_the_rows(dtype, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK_ROWS", BLOCK)
    p, q = 100, 80
    peaks = [peak_bytes(partial(CCA(5).fit, *rows(n, p, q, dtype))) for n in (5_000, 40_000)]
    # Two centred blocks and their magnitudes or finiteness, and a dozen matrices of moments and of the solution.
    limit = 4 * BLOCK * (p + q) * 8 + 12 * (p + q) ** 2 * 8
    assert max(peaks) < limit
    assert peaks[1] < 1.1 * peaks[0] + 10_000


def test_memory_of_ranks_is_that_of_blocks():
    x, y = rows(6_000, 16, 16, np.float32)
    # A tile of scores and its flags, 10 MB, and copies of the rows; the whole matrix would be 144 MB.
    assert peak_bytes(lambda: retrieval_ranks(x, y)) < 16 * 2**20


def test_ranks_multiply_every_pair_once(monkeypatch):
    sizes, tile = [], _tiles._Tiles._tile
    monkeypatch.setattr(_tiles._Tiles, "_tile", lambda *each: sizes.append(tile(*each).size) or tile(*each))
    x, y = rows(2_500, 16, 16, np.float32)
    retrieval_ranks(x, y)
    assert sum(sizes) == 2_500**2


def test_a_list_is_sorted_once_however_many_items_are_relevant(monkeypatch):
    n_sorted, n_again, places, again = [], [], _sorting._Lists.places, _sorting.count_again
    monkeypatch.setattr(_sorting._Lists, "places", lambda *each: n_sorted.append(len(each[1])) or places(*each))
    monkeypatch.setattr(ranks, "count_again", lambda *each: pytest.fail("a whole list is sorted again"))
    monkeypatch.setattr(_sorting, "count_again", lambda *each: n_again.append(len(each[3])) or again(*each))
    x, y = rows(500, 16, 16, np.float32)
    per_query("mean_average_precision", x, y, query_ids=np.arange(500) % 5, gallery_ids=np.arange(500) % 5)
    assert sum(n_sorted) == 500
    # Scores of 30 bits: some ten pairs of 60 million come too close.
    assert sum(n_again) < 100


def test_a_search_reads_few_scores_again(monkeypatch):
    examined, pairs = [], _nearest._Candidates.pairs
    monkeypatch.setattr(_nearest._Candidates, "pairs", lambda best: examined.append(best.at_most) or pairs(best))
    x, y = rows(20_000, 16, 16, np.float32)
    CrossModalIndex().fit(y).kneighbors(x[:50], 10)
    assert sum(examined) < 50 * 20 * 64


def test_a_search_reads_scores_while_the_cache_holds_them(monkeypatch):
    sizes, multiply = [], _nearest._multiply
    monkeypatch.setattr(
        _nearest, "_multiply", lambda *each: sizes.append(each[2][:, each[3]].nbytes) or multiply(*each)
    )
    x, y = rows(20_000, 16, 16, np.float32)
    CrossModalIndex().fit(y).kneighbors(x[:500], 10)
    assert sum(sizes) == 500 * 20_000 * 4
    # But for the items left over after the last full level of the groups.
    assert max(sizes) <= 1.1 * _nearest._TILE_BYTES


BEST_ONLY = ["hit_rate_at_5", "mean_reciprocal_rank", "median_rank"]
BY_THE_BEST = {
    "ranks": retrieval_ranks,
    **{name: partial(per_query, name) for name in BEST_ONLY},
    "queries": partial(query_report, measure="hit_rate_at_5"),
    "report": lambda x, y, query_ids, gallery_ids: retrieval_report(
        x, y, x_ids=query_ids, y_ids=gallery_ids, measures=BEST_ONLY, n_resamples=0
    ),
}


@pytest.mark.parametrize("call", BY_THE_BEST.values(), ids=BY_THE_BEST)
def test_galleries_are_sorted_only_where_all_relevant_items_count(call, monkeypatch):
    """A hundred relevant items each: to count around all of them a gallery is sorted, around the best it is not."""
    in_order = []
    count_all = ranks._count_all
    monkeypatch.setattr(ranks, "_count_all", lambda *block: in_order.append(block) or count_all(*block))
    x, y = rows(300, 4, 4)
    ids = {"query_ids": np.arange(300) % 3, "gallery_ids": np.arange(300) % 3}
    call(x, y, **ids)
    assert not in_order
    per_query("mean_average_precision", x, y, **ids)
    assert in_order


def test_leaving_out_single_rows_keeps_no_moments_of_them():
    n, p, q = 120, 80, 3
    search = PLSRegressionCV(2, cv=LeaveOneOut())
    peak = peak_bytes(lambda: search.fit(*rows(n, p, q)))
    # Positions of the training rows, and as many matrices as in a fit; moments of all folds would be 7 MB.
    assert peak < n**2 * 8 + 12 * (p + q) ** 2 * 8 + 500_000


# Of n bytes each; the rows are small beside them. A flag is one byte, a grade eight; a stored entry has a column too.
RELEVANT = np.random.default_rng(0).random((500, 2_000)) < 0.4
FLAGS = {
    "flags": RELEVANT,
    "flags by columns": np.asfortranarray(RELEVANT),
    "grades": RELEVANT.astype(float),
    "sparse flags": sparse.csr_array(RELEVANT),
    "sparse grades": sparse.csr_array(RELEVANT.astype(float)),
}


@pytest.mark.parametrize("table", FLAGS)
@pytest.mark.parametrize("measure", ["mean_average_precision", "ndcg_at_k", "mean_reciprocal_rank", "ranks left out"])
def test_a_table_costs_at_most_twice_its_own_memory(table, measure):
    x, y = rows(2_000, 4, 4, np.float32)
    x, given = x[:500], FLAGS[table]
    if measure == "ranks left out":
        if given.dtype == float:
            given = given.astype(np.int8)
        peak = peak_bytes(partial(retrieval_ranks, x, y, relevance=RELEVANT ^ True, exclude=given))
    else:
        peak = peak_bytes(partial(per_query, measure, x, y, relevance=given))
    assert peak <= 2 * RELEVANT.size


def test_a_fit_makes_few_calls():
    """Named functions of the package, and how often the next one is in another file, in a fit of the smallest size."""
    folder = Path(crossmodal_cca.__file__).parent
    files = []

    def seen(frame, event, argument):
        code = frame.f_code
        if event == "call" and not code.co_name.startswith("<") and folder in Path(code.co_filename).parents:
            files.append(code.co_filename)

    X, Y = np.random.default_rng(0).normal(size=(2, 200, 6))
    model = CCA(2).fit(X, Y[:, :4])
    sys.setprofile(seen)
    try:
        model.fit(X, Y[:, :4])
    finally:
        sys.setprofile(None)
    assert len(files) <= 130
    assert sum(one != other for one, other in itertools.pairwise(files)) <= 60
