"""Chunks of sparse rows give what the same rows give in memory, wherever Dask and sparse rows are taken."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from crossmodal_cca import CCA, CrossModalPipeline, PairMoments, PLSCanonical, PLSRegression

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

N = 60
RNG = np.random.default_rng(0)
X = sparse.csr_array(RNG.normal(size=(N, 9)) * (RNG.random((N, 9)) < 0.4))
Y = np.asarray(X[:, :4] @ RNG.normal(size=(4, 4)) + RNG.normal(size=(N, 4)))
SPARSE_Y = sparse.csr_array(Y * (RNG.random(Y.shape) < 0.5))
W = RNG.integers(0, 3, N)


@pytest.fixture(autouse=True)
def in_this_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def lazy(A, rows, columns=-1):
    return da.from_array(A, chunks=(rows, columns), asarray=False)


def said_dense(A, rows):
    """Chunks are sparse, but announced as NumPy's, as those of some transformers are."""
    starts = da.from_array(np.arange(0, N, rows), chunks=1)
    sizes = tuple(min(rows, N - start) for start in range(0, N, rows))
    return starts.map_blocks(
        lambda start: A[start[0] : start[0] + rows],
        dtype=float,
        new_axis=1,
        chunks=(sizes, (A.shape[1],)),
        meta=np.empty((0, 0)),
    )


# Either side as Dask's or in memory, and the same rows to compare with.
SIDES = {
    "sparse beside memory": (lambda: (lazy(X, 25), Y), X, Y),
    "sparse beside dense": (lambda: (lazy(X, 25), lazy(Y, 14)), X, Y),
    "sparse beside sparse memory": (lambda: (lazy(X, 25), SPARSE_Y), X, SPARSE_Y),
    "sparse memory beside dense": (lambda: (X, lazy(Y, 25)), X, Y),
    "both": (lambda: (lazy(X, 25), lazy(SPARSE_Y, 14)), X, SPARSE_Y),
    "empty chunks": (lambda: (lazy(X, (0, 20, 0, 40)), Y), X, Y),
    "single rows": (lambda: (lazy(X, 1), Y), X, Y),
    "columns": (lambda: (lazy(X, 25, 2), lazy(SPARSE_Y, 14, 3)), X, SPARSE_Y),
    "matrices": (lambda: (lazy(sparse.csr_matrix(X), 25), Y), X, Y),
    "announced as dense": (lambda: (said_dense(X, 25), Y), X, Y),
    "announced as dense beside other chunks": (lambda: (said_dense(X, 25), lazy(Y, 14)), X, Y),
    "columns first": (lambda: (lazy(X, 25).map_blocks(sparse.csc_array), Y), X, Y),
    "single precision": (
        lambda: (lazy(X.astype(np.float32), 25), Y.astype(np.float32)),
        X.astype(np.float32),
        Y.astype(np.float32),
    ),
}


def computed(scores):
    return scores.compute() if hasattr(scores, "compute") else scores


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("model", [CCA(2, shrinkage=0.3), PLSCanonical(2), PLSRegression(2)], ids=str)
def test_chunks_of_sparse_rows_are_these_rows(model, sides):
    make, A, B = SIDES[sides]
    chunks = make()
    tol = 1e-9 if A.dtype == np.float64 else 1e-4
    expected = model.fit(A, B)
    answers = {name: getattr(expected, name)(rows) for name, rows in calls(A, B)}
    coef, score = expected.coef_, expected.score(A, B)
    by_chunks = model.fit(*chunks)
    assert_allclose(by_chunks.coef_, coef, rtol=0, atol=tol)
    for name, rows in calls(*chunks):
        assert_allclose(computed(getattr(by_chunks, name)(rows)), answers[name], rtol=0, atol=10 * tol)
    assert by_chunks.score(*chunks) == pytest.approx(score, abs=10 * tol)


def calls(A, B):
    return ("transform", A), ("transform_y", B), ("predict", A), ("predict_x", B)


def test_batches_and_blocks_of_sparse_chunks_are_these_rows():
    expected = PairMoments.from_arrays(X, Y, W)
    halves = [(lazy(X[rows], 11), Y[rows], W[rows]) for rows in (slice(0, 25), slice(25, N))]
    for moments in (PairMoments.from_arrays(lazy(X, 25), lazy(Y, 14), W), PairMoments.from_blocks(halves)):
        assert moments.n_rows == expected.n_rows
        assert_allclose(moments.scatter_xy, expected.scatter_xy, rtol=0, atol=1e-10)
        assert_allclose(moments.mean_x, expected.mean_x, rtol=0, atol=1e-12)
    cca, whole = CCA(2, shrinkage=0.2), CCA(2, shrinkage=0.2).fit(X, Y, W)
    for half in halves:
        cca.partial_fit(*half)
    assert_allclose(cca.coef_, whole.coef_, rtol=0, atol=1e-10)
    assert cca.score(lazy(X, 25), Y, W) == pytest.approx(whole.score(X, Y, W))
    pipeline = CrossModalPipeline(CCA(2)).fit(lazy(X, 25), Y)
    assert_allclose(computed(pipeline.transform(lazy(X, 7))), CCA(2).fit(X, Y).transform(X), rtol=0, atol=1e-9)


def test_chunks_that_hold_no_numbers_are_found():
    fitted = CCA(2).fit(X.toarray(), Y)
    bad = X.copy()
    bad.data[-1] = np.nan
    masked = da.from_array(np.ma.masked_less(X.toarray(), -1.0), chunks=(25, 9), asarray=False)
    words = da.from_array(X.toarray(), chunks=(25, 9)).map_blocks(lambda rows: rows.astype(str), dtype=float)
    for rows, message in ((lazy(bad, 25), "X contains NaN"), (masked, "X is masked"), (words, "X holds text")):
        with pytest.raises(ValueError, match=message):
            CCA(2).fit(rows, Y)
        with pytest.raises(ValueError, match=message):
            fitted.transform(rows).compute()
