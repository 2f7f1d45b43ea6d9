"""Sparse rows give the model of the same rows as a dense array, in any sparse format, and are never filled up."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from linear_models import models
from scipy import sparse
from sklearn.base import clone

from crossmodal_cca import CCA, CCACV, PLSSVD, KernelCCA, PairMoments, PLSRegression, PLSRegressionCV
from crossmodal_cca.inference import permutation_test
from crossmodal_cca.rows import _blocks
from crossmodal_cca.rows import _sparse_rows as sparse_rows

N, P, Q = 400, 50, 40


def sparse_pairs(seed=0, n=N):
    """Four topics, each with words of its own on either side, and rare words without any."""
    rng = np.random.default_rng(seed)
    topic = rng.integers(0, 4, n)
    sides = []
    for width in (P, Q):
        rate = 0.02 + 0.25 * (topic[:, None] == np.arange(width) % 12)
        sides.append(np.where(rng.random((n, width)) < rate, rng.exponential(size=(n, width)) + 0.2, 0.0))
    X, Y = sides
    X[:5] = Y[7:9] = 0.0  # rows without any word
    return X, Y


X, Y = sparse_pairs()
NEW = sparse_pairs(1, 60)
WEIGHT = np.random.default_rng(2).integers(0, 4, N).astype(float)
FORMATS = {
    "csr": sparse.csr_array,
    "csr_matrix": sparse.csr_matrix,
    "csc": sparse.csc_array,
    "coo_matrix": sparse.coo_matrix,
    "bsr": sparse.bsr_array,
    "dok": sparse.dok_array,
    "lil_matrix": sparse.lil_matrix,
}
SIDES = pytest.mark.parametrize(
    "of", [lambda X, Y: (sparse.csr_array(X), Y), lambda X, Y: (X, sparse.csr_matrix(Y)), lambda *a: as_csr(*a)]
)


def as_csr(*sides):
    return tuple(map(sparse.csr_array, sides))


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    """Several blocks, each multiplied as sparse rows: these few columns are fuller than those of a text."""
    monkeypatch.setattr(_blocks.row_slices, "__defaults__", (150,))
    monkeypatch.setattr("crossmodal_cca.rows._stored.DENSE_FROM", 1.0)
    monkeypatch.setattr(sparse_rows, "STRIP", 16)


def assert_same_model(a, b, rows=NEW, tol=1e-9):
    """`a` with sparse rows (as they are given) and `b` with dense ones say the same of new rows."""
    Xs, Ys = as_csr(*rows)
    Xd, Yd = (A.toarray() for A in (Xs, Ys))
    for mine, other in zip(a.transform(Xs, Ys), b.transform(Xd, Yd), strict=True):
        assert mine.dtype == other.dtype
        np.testing.assert_allclose(mine, other, atol=tol * np.abs(other).max())
    np.testing.assert_allclose(a.transform_y(Ys), b.transform_y(Yd), atol=tol)
    np.testing.assert_allclose(a.predict(Xs), b.predict(Xd), atol=tol)
    np.testing.assert_allclose(a.predict_x(Ys), b.predict_x(Yd), atol=tol)
    np.testing.assert_allclose(a.correlations_, b.correlations_, atol=tol)
    assert a.score(Xs, Ys) == pytest.approx(b.score(Xd, Yd), abs=tol)


@SIDES
@models()
def test_fit_on_sparse_rows(model, of):
    assert_same_model(clone(model).fit(*of(X, Y)), clone(model).fit(X, Y))
    weighted = clone(model).fit(*of(X, Y), WEIGHT)
    assert_same_model(weighted, clone(model).fit(X, Y, WEIGHT))


@models()
def test_batches_sparse_or_dense(model):
    if getattr(model, "solver", None) == "svd":
        return
    model = clone(model)
    for i, part in enumerate(np.array_split(np.arange(N), 5)):
        model.partial_fit(*(as_csr(X[part], Y[part]) if i % 2 else (X[part], Y[part])))
    assert_same_model(model, clone(model).fit(X, Y))


@pytest.mark.parametrize("dense_from", [0.0, 1.0])
@SIDES
def test_moments(of, dense_from, monkeypatch):
    monkeypatch.setattr("crossmodal_cca.rows._stored.DENSE_FROM", dense_from)
    dense = PairMoments.from_arrays(X, Y, WEIGHT)
    blocks = PairMoments.from_blocks((*of(X[i : i + 90], Y[i : i + 90]), WEIGHT[i : i + 90]) for i in range(0, N, 90))
    for moments in (PairMoments.from_arrays(*of(X, Y), WEIGHT), blocks):
        for name in ("mean_x", "mean_y", "scatter_xx", "scatter_xy", "scatter_yy"):
            expected = getattr(dense, name)
            np.testing.assert_allclose(getattr(moments, name), expected, atol=1e-13 * np.abs(expected).max())


@pytest.mark.parametrize("name", FORMATS)
def test_any_sparse_format(name):
    to = FORMATS[name]
    assert_same_model(CCA(3, shrinkage=0.2).fit(to(X), to(Y)), CCA(3, shrinkage=0.2).fit(X, Y))


def test_a_frame_of_sparse_columns():
    frame = pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(X)).add_prefix("word")
    cca = CCA(3, shrinkage=0.2).fit(frame, Y)
    assert cca.feature_names_in_[3] == "word3"
    np.testing.assert_allclose(cca.transform(frame), CCA(3, shrinkage=0.2).fit(X, Y).transform(X), atol=1e-10)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, np.uint16, np.float32])
def test_types_of_values(dtype):
    counts = [np.ceil(A).astype(dtype) for A in (X, Y)]
    cca = CCA(3, shrinkage=0.2).fit(*as_csr(*counts))
    dense = CCA(3, shrinkage=0.2).fit(*(A.astype(np.float32 if dtype == np.float32 else np.float64) for A in counts))
    # Whole numbers that single precision holds; the products of dense rows are rounded to it.
    assert_same_model(cca, dense, [A[:50] for A in counts], tol=2e-5 if dtype == np.float32 else 1e-9)


def test_duplicates_explicit_zeros_and_long_indices_leave_the_rows_as_they_were():
    rng = np.random.default_rng(0)
    coo = sparse.coo_array(X)
    twice = np.r_[np.arange(coo.nnz), np.arange(coo.nnz), np.zeros(50, int)]
    data = np.r_[0.25 * coo.data, 0.75 * coo.data, np.zeros(50)]
    row, col = np.r_[coo.row[twice[:-50]], rng.integers(0, N, 50)], np.r_[coo.col[twice[:-50]], rng.integers(0, P, 50)]
    order = np.argsort(row, kind="stable")
    indptr = np.searchsorted(row[order], np.arange(N + 1))
    messy = sparse.csr_array((data[order], col[order].astype(np.int64), indptr.astype(np.int64)), shape=X.shape)
    before = [part.copy() for part in (messy.data, messy.indices, messy.indptr)]
    for model in (CCA(3, shrinkage=0.2), CCA(3, shrinkage=0.2, solver="svd")):
        fitted, expected = clone(model).fit(messy, Y), clone(model).fit(X, Y)
        np.testing.assert_allclose(fitted.coef_, expected.coef_, atol=1e-9)
        np.testing.assert_allclose(fitted.transform(messy), expected.transform(X), atol=1e-9)
    for part, was in zip((messy.data, messy.indices, messy.indptr), before, strict=True):
        np.testing.assert_array_equal(part, was)


@pytest.mark.parametrize("offset", [1e3, 1e6])
@pytest.mark.parametrize("model", [CCA(3, shrinkage=0.1), PLSSVD(3)])
def test_a_column_full_of_a_large_mean_costs_no_digits(model, offset):
    """A mean of r standard deviations: rows err by r·eps, products that are corrected for it afterwards by r²·eps."""
    A, B = X.copy(), Y.copy()
    A[:, 3] = offset + np.random.default_rng(0).standard_normal(N) + B[:, 0]
    A[:, 4] = offset
    A[:100, 5] = offset  # in a quarter of the rows
    B[: N - 3, 6] += offset  # in all but a few
    for weight in (None, WEIGHT):
        fitted, expected = clone(model).fit(*as_csr(A, B), weight), clone(model).fit(A, B, weight)
        assert_same_model(fitted, expected, (A[:50], B[:50]), tol=100 * offset * np.finfo(float).eps)


def test_wide_sparse_rows_of_few_rows():
    few, wide = slice(0, 30), np.hstack([X, X**2, np.sqrt(X)])
    for model in (CCA(3, shrinkage=0.3), PLSSVD(3), PLSRegression(3)):
        fitted = clone(model).fit(sparse.csr_array(wide[few]), sparse.csr_array(Y[few]))
        np.testing.assert_allclose(fitted.predict(sparse.csr_array(wide)), model.fit(wide[few], Y[few]).predict(wide))


def test_moments_in_the_memory_of_a_few_covariances(monkeypatch):
    """20,000 rows of 1,000 words: filled up they would take 160 MB, a covariance takes 8."""
    monkeypatch.setattr(_blocks.row_slices, "__defaults__", (8192,))
    text = sparse.random(20_000, 1000, 0.002, format="csr", random_state=0)
    tracemalloc.start()
    moments = PairMoments.from_arrays(text, text[:, :10])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert moments.n_rows == 20_000
    # The sum, a block's own, and a strip of it in sparse form.
    assert peak < 4 * moments.scatter_xx.nbytes


# A covariance is formed of up to 5,000 columns.
WIDE = sparse.random(60, 5200, 0.04, format="csr", random_state=0)
NEW_WIDE = sparse.random(9, 5200, 0.04, format="csr", random_state=1)


@pytest.mark.parametrize("weight", [None, WEIGHT[:60]])
@models("wide")
def test_more_columns_than_a_covariance_is_formed_of(model, weight):
    """With few rows, their Gram matrix leads to the same model without filling them up."""
    fitted = clone(model).fit(WIDE, Y[:60], weight)
    expected = clone(model).fit(WIDE.toarray(), Y[:60], weight)
    np.testing.assert_allclose(fitted.transform(NEW_WIDE), expected.transform(NEW_WIDE), atol=1e-9)
    np.testing.assert_allclose(fitted.predict(NEW_WIDE), expected.predict(NEW_WIDE), atol=1e-9)
    np.testing.assert_allclose(fitted.predict_x(Y[:9]), expected.predict_x(Y[:9]), atol=1e-9)
    np.testing.assert_allclose(fitted.x_loadings_, expected.x_loadings_, atol=1e-9)
    mirrored = clone(model).set_params(n_components=2).fit(Y[:60], WIDE, weight)
    expected = clone(model).set_params(n_components=2).fit(Y[:60], WIDE.toarray(), weight)
    np.testing.assert_allclose(mirrored.transform_y(NEW_WIDE), expected.transform_y(NEW_WIDE), atol=1e-9)


def test_what_needs_covariances_of_many_columns_is_refused():
    cca = CCA(3, shrinkage=0.5).fit(WIDE, Y[:60])
    before = vars(cca).copy()
    for call in (
        cca.residual_covariance,
        lambda: cca.sample_y(WIDE),
        lambda: cca.partial_fit(WIDE, Y[:60]),
    ):
        with pytest.raises(ValueError, match="needs the covariances of the features, which are never formed"):
            call()
    assert vars(cca) == before


@pytest.mark.parametrize("search", [CCACV(3, shrinkages=(0.1, 0.5), cv=3), PLSRegressionCV(cv=3)])
def test_searches_from_moments(search):
    found, expected = clone(search).fit(*as_csr(X, Y)), clone(search).fit(X, Y)
    assert found.best_params_ == expected.best_params_
    assert found.best_score_ == pytest.approx(expected.best_score_, abs=1e-9)
    np.testing.assert_allclose(found.transform(sparse.csr_array(X)), expected.transform(X), atol=1e-9)
    assert found.score(*as_csr(X, Y)) == pytest.approx(expected.score(X, Y))


def test_scores_of_one_row_at_a_time():
    cca = CCA(3, shrinkage=0.2).fit(*as_csr(X, Y))
    singly = np.vstack([cca.transform(sparse.csr_array(X[i : i + 1])) for i in range(10)])
    np.testing.assert_allclose(singly, cca.transform(X[:10]), atol=1e-12)


# Twenty words a row; scipy's random matrices take seconds, for they go through all cells.
TOO_WIDE = sparse.csr_array(
    (np.ones(104_000), np.random.default_rng(0).integers(0, 20_000, 104_000), np.arange(0, 104_001, 20)),
    shape=(5200, 20_000),
)
TOO_WIDE.sum_duplicates()
DENSE = np.random.default_rng(0).standard_normal((5200, 3))


def spoiled(value):
    A = sparse.csr_array(X)
    A.data[-1] = value
    return A


REFUSED = {
    "NaN": (lambda: CCA(2).fit(spoiled(np.nan), Y), ValueError, "Input X contains NaN"),
    "infinity": (lambda: CCA(2).fit(X, spoiled(np.inf)[:, :Q]), ValueError, "Input y contains infinity"),
    "NaN to map": (lambda: CCA(2).fit(X, Y).transform(spoiled(np.nan)), ValueError, "Input X contains NaN"),
    "NaN in wide rows": (lambda: CCA(2).fit(spoiled(np.nan)[-9:], Y[:9]), ValueError, "Input X contains NaN"),
    "complex": (lambda: CCA(2).fit(spoiled(0) * 1j, Y), ValueError, "Complex data not supported"),
    "other rows": (lambda: CCA(2).fit(spoiled(0)[:-1], Y), ValueError, "X has 399 rows and y has 400"),
    "other width": (lambda: CCA(2).fit(X, Y).transform(spoiled(0)[:, :3]), ValueError, "X has 3 features"),
    "other width of y": (lambda: CCA(2).fit(X, Y).transform_y(spoiled(0)), ValueError, "y has 50 features"),
    "too wide": (lambda: PLSSVD(2).fit(TOO_WIDE, DENSE), ValueError, "X is sparse with 20000 features"),
    "too wide a y": (lambda: PLSRegression(2).fit(DENSE, TOO_WIDE), ValueError, "y is sparse with 20000 features"),
    "too wide moments": (lambda: PairMoments.from_arrays(TOO_WIDE, DENSE), ValueError, "would take 3.2 GB"),
    "too wide a batch": (lambda: CCA(2).partial_fit(TOO_WIDE[:3], DENSE[:3]), ValueError, "sparse with 20000"),
    "too wide a search": (lambda: CCACV(2).fit(TOO_WIDE, DENSE), ValueError, "scores sparse rows from moments alone"),
    "all components": (lambda: CCA(shrinkage=0.5).fit(TOO_WIDE, DENSE), ValueError, "needs n_components and"),
    "no shrinkage": (lambda: CCA(2, shrinkage=(0.5, 0)).fit(TOO_WIDE, DENSE), ValueError, "above 0 as shrinkage"),
    "moments asked for": (
        lambda: CCA(2, shrinkage=0.5, solver="moments").fit(TOO_WIDE, DENSE),
        ValueError,
        "would take 3.2 GB",
    ),
    "retrieval scores": (
        lambda: CCACV(2, scoring="hit_rate_at_10").fit(spoiled(1), Y),
        ValueError,
        "scores sparse rows from moments alone",
    ),
    "kernels": (lambda: KernelCCA(2).fit(spoiled(1), Y), TypeError, "Sparse data was passed for X"),
    "kernels of y": (lambda: KernelCCA(2).fit(X, spoiled(1)), TypeError, "Sparse data was passed for y"),
    "tests": (lambda: permutation_test(spoiled(1), Y), TypeError, "Sparse data was passed for X"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused(case):
    call, error, message = REFUSED[case]
    with pytest.raises(error, match=message):
        call()


def test_a_refused_batch_changes_nothing():
    cca = CCA(2, shrinkage=0.1).partial_fit(*as_csr(X, Y))
    before = vars(cca).copy()
    with pytest.raises(ValueError, match="NaN"):
        cca.partial_fit(spoiled(np.nan), Y)
    assert vars(cca) == before
