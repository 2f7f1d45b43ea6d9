"""Dask collections give the model of their rows, whatever the chunks; nothing is read before it is needed."""

import warnings

import numpy as np
import pandas as pd
import pytest
from linear_models import models, pairs
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from crossmodal_cca import (
    CCA,
    CCACV,
    PLSSVD,
    CrossModalPipeline,
    KernelCCA,
    KernelCCACV,
    PairMoments,
    PLSRegression,
    PLSRegressionCV,
)
from crossmodal_cca.inference import permutation_test
from crossmodal_cca.metrics import make_retrieval_scorer, retrieval_report
from crossmodal_cca.retrieval import CrossModalIndex
from crossmodal_cca.transfer import PrototypeClassifier

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")

X, Y = pairs()
W = np.random.default_rng(0).integers(0, 3, len(X))
FRAME_X, FRAME_Y = pd.DataFrame(X).add_prefix("a"), pd.DataFrame(Y).add_prefix("b")


@pytest.fixture(autouse=True)
def in_this_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def frames(n=4):
    return dd.from_pandas(FRAME_X, npartitions=n), dd.from_pandas(FRAME_Y, npartitions=n)


def unknown(A, rows):
    """An array that does not know how many rows its chunks have."""
    lazy = da.from_array(A, chunks=(rows, *A.shape[1:]))
    return lazy[da.from_array(np.ones(len(A), bool), chunks=rows)]


PAIRS = {
    "one chunk": lambda: (da.from_array(X, 300), da.from_array(Y, 300)),
    "rows": lambda: (da.from_array(X, (50, 8)), da.from_array(Y, (50, 6))),
    "few rows": lambda: (da.from_array(X, (7, 8)), da.from_array(Y, (7, 6))),
    "other rows on either side": lambda: (da.from_array(X, (70, 8)), da.from_array(Y, (110, 6))),
    "columns": lambda: (da.from_array(X, (70, 3)), da.from_array(Y, (70, 1))),
    "X in memory": lambda: (X, da.from_array(Y, (70, 6))),
    "y in memory": lambda: (da.from_array(X, (70, 8)), Y),
    "a frame in memory": lambda: (FRAME_X, da.from_array(Y, (70, 6))),
    "dataframes": frames,
    "a dataframe and an array": lambda: (frames()[0], da.from_array(Y, (75, 6))),
    "unknown sizes": lambda: (unknown(X, 70), unknown(Y, 70)),
    "one unknown": lambda: (da.from_array(X, (70, 8)), unknown(Y, 70)),
}


def assert_same_model(model, A, B):
    if getattr(model, "solver", None) == "svd":
        model = clone(model).set_params(solver="auto")
    fitted, whole = clone(model).fit(A, B), clone(model).fit(X, Y)
    np.testing.assert_allclose(fitted.coef_, whole.coef_, atol=1e-9)
    np.testing.assert_allclose(fitted.x_rotations_, whole.x_rotations_, atol=1e-9)
    assert fitted.n_samples_seen_ == len(X)
    assert fitted.score(A, B) == pytest.approx(whole.score(X, Y), abs=1e-9)


@pytest.mark.parametrize("lazy", PAIRS.values(), ids=PAIRS)
@pytest.mark.parametrize("model", [CCA(3), PLSRegression(3)], ids=str)
def test_any_chunks_give_the_model_of_the_rows(model, lazy):
    assert_same_model(model, *lazy())


@models()
def test_every_linear_model_takes_chunks(model):
    assert_same_model(model, *PAIRS["other rows on either side"]())


def test_names_and_types_travel():
    fitted = CCA(2).fit(*frames())
    assert list(fitted.feature_names_in_) == list(FRAME_X.columns)
    assert list(fitted.y_feature_names_in_) == list(FRAME_Y.columns)
    for dtype, expected in (("float16", "float32"), ("float32", "float32"), ("int64", "float64")):
        lazy = da.from_array((10 * X).astype(dtype), (70, 8)), da.from_array((10 * Y).astype(dtype), (70, 6))
        held = CCA(2).fit(*(A.compute() for A in lazy))
        fitted = CCA(2).fit(*lazy)
        assert fitted.x_weights_.dtype == fitted.transform(lazy[0]).dtype == expected
        np.testing.assert_allclose(fitted.coef_, held.coef_, atol=1e-9 if expected == "float64" else 1e-5)


@pytest.mark.parametrize("kind", ["Float64", "double[pyarrow]", "float32"])
def test_columns_of_any_kind_are_numbers(kind):
    if "pyarrow" in kind:
        pytest.importorskip("pyarrow")
    lazy = [dd.from_pandas(frame.astype(kind), npartitions=3) for frame in (FRAME_X, FRAME_Y)]
    fitted, held = CCA(2).fit(*lazy), CCA(2).fit(FRAME_X.astype("float32"), FRAME_Y.astype("float32"))
    np.testing.assert_allclose(fitted.coef_, held.coef_, atol=1e-5)
    np.testing.assert_allclose(fitted.transform(lazy[0]).compute(), held.transform(FRAME_X), atol=1e-4)
    assert fitted.transform(lazy[0]).dtype == fitted.transform(lazy[0]).compute().dtype


def test_partitions_without_rows_are_passed_over():
    A, B = frames(6)
    late = FRAME_X["a0"].to_numpy() > np.quantile(X[:, 0], 0.97)
    chosen = A["a0"] > np.quantile(X[:, 0], 0.97)
    assert 0 in chosen.map_partitions(np.sum, meta=("n", "i8")).compute().tolist()
    fitted = PLSSVD(2).fit(A[chosen], B[chosen])
    np.testing.assert_allclose(fitted.coef_, PLSSVD(2).fit(X[late], Y[late]).coef_, atol=1e-9)
    scores = fitted.transform(A[chosen])
    np.testing.assert_allclose(scores.compute(), fitted.transform(FRAME_X[late]))


@pytest.mark.parametrize(
    "weight",
    [
        W,
        W.tolist(),
        da.from_array(W, 40),
        da.from_array(W.astype(float), 300),
        dd.from_pandas(pd.Series(W), npartitions=4),
    ],
    ids=["array", "list", "dask", "one chunk", "series"],
)
def test_weights_are_cut_as_the_rows(weight):
    lazy = frames() if hasattr(weight, "npartitions") and not hasattr(weight, "chunks") else PAIRS["columns"]()
    expected = CCA(2).fit(X, Y, sample_weight=W)
    fitted = CCA(2).fit(*lazy, sample_weight=weight)
    np.testing.assert_allclose(fitted.coef_, expected.coef_, atol=1e-9)
    assert fitted.n_samples_seen_ == np.count_nonzero(W)
    assert fitted.score(*lazy, sample_weight=weight) == pytest.approx(expected.score(X, Y, sample_weight=W))


def test_one_target_is_one_column():
    lazy = da.from_array(X, (60, 8))
    held = PLSRegression(2).fit(X, Y[:, 1])
    for target in (da.from_array(Y[:, 1], 60), dd.from_pandas(FRAME_Y["b1"], npartitions=5), Y[:, 1]):
        fitted = PLSRegression(2).fit(lazy, target)
        assert fitted.predict(lazy).shape == (300,)
        np.testing.assert_allclose(fitted.predict(lazy).compute(), held.predict(X), atol=1e-9)
        assert fitted.score(lazy, target) == pytest.approx(held.score(X, Y[:, 1]))


@models()
def test_batches_of_dask_and_of_memory_mix(model):
    if getattr(model, "solver", None) == "svd":
        model = clone(model).set_params(solver="auto")
    whole = clone(model).fit(X, Y)
    A, B = da.from_array(X, (33, 8)), da.from_array(Y, (50, 6))
    nothing = da.zeros(100, chunks=30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # early on there are too few rows for the features
        streamed = clone(model).partial_fit(A[:1], B[:1]).partial_fit(X[1:120], Y[1:120]).partial_fit(A[120:], B[120:])
    np.testing.assert_allclose(streamed.coef_, whole.coef_, atol=1e-9)
    coef = streamed.coef_
    np.testing.assert_array_equal(streamed.partial_fit(A[:100], B[:100], sample_weight=nothing).coef_, coef)


def test_moments_of_dask_are_moments():
    A, B = PAIRS["columns"]()
    moments = PairMoments.from_arrays(A, B, W)
    held = PairMoments.from_arrays(X, Y, W)
    np.testing.assert_allclose(moments.scatter_xy, held.scatter_xy, atol=1e-9)
    assert (moments.n_rows, moments.weight_sum) == (held.n_rows, held.weight_sum)
    blocks = PairMoments.from_blocks([(A[:100], B[:100]), (X[100:], Y[100:])])
    np.testing.assert_allclose(blocks.scatter_xx, PairMoments.from_arrays(X, Y).scatter_xx, atol=1e-9)


class Counted:
    """Blocks that count how often they are made."""

    def __init__(self, A, rows):
        self.A, self.rows, self.made = A, rows, []

    def array(self):
        sizes = tuple(len(self.A[i : i + self.rows]) for i in range(0, len(self.A), self.rows))
        return da.map_blocks(
            self.block, chunks=(sizes, (self.A.shape[1],)), dtype=self.A.dtype, meta=np.empty((0, 0), self.A.dtype)
        )

    def block(self, block_info):
        (start, stop), _ = block_info[None]["array-location"]
        self.made.append(start)
        return self.A[start:stop]


def test_a_fit_reads_every_chunk_once_and_transform_none():
    sides = Counted(X, 60), Counted(Y, 60)
    A, B = (side.array() for side in sides)
    fitted = CCA(2).fit(A, B)
    assert [sorted(side.made) for side in sides] == [[0, 60, 120, 180, 240]] * 2
    for side in sides:
        side.made.clear()
    lazy = (*fitted.transform(A, B), fitted.transform_y(B), fitted.predict(A), fitted.predict_x(B))
    assert [side.made for side in sides] == [[], []]
    held = (*fitted.transform(X, Y), fitted.transform_y(Y), fitted.predict(X), fitted.predict_x(Y))
    for one, other in zip(lazy, held, strict=True):
        assert one.chunks == ((60,) * 5, (other.shape[1],))
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one.compute(), other, atol=1e-12)
    sides[0].made.clear()
    np.testing.assert_allclose(lazy[0][70:80].compute(), held[0][70:80], atol=1e-12)
    assert sides[0].made == [60]


def test_set_output_does_not_apply():
    A, B = PAIRS["rows"]()
    fitted = CCA(2).fit(A, B).set_output(transform="pandas")
    assert isinstance(fitted.transform(A), da.Array)
    assert isinstance(fitted.fit_transform(A, B), da.Array)
    assert isinstance(fitted.transform(X), pd.DataFrame)


def test_a_pipeline_passes_dask_to_its_aligner_and_to_no_transformer():
    A, B = PAIRS["rows"]()
    pipeline = CrossModalPipeline(CCA(2)).fit(A, B)
    np.testing.assert_allclose(pipeline.transform(A).compute(), CCA(2).fit(X, Y).transform(X), atol=1e-9)
    assert pipeline.score(A, B) == pytest.approx(CCA(2).fit(X, Y).score(X, Y))
    scaled = CrossModalPipeline(CCA(2), x_transformer=StandardScaler()).fit(X, Y)
    for call in (lambda: scaled.fit(A, B), lambda: scaled.transform(A), lambda: scaled.score(A, B)):
        with pytest.raises(TypeError, match="X is a Dask Array"):
            call()


REFUSING = {
    "kernel": lambda A, B: KernelCCA(2).fit(A, B),
    "kernel's other side": lambda A, B: KernelCCA(2).fit(X, B),
    "kernel scores": lambda A, B: KernelCCA(2).fit(X, Y).transform(A),
    "kernel scores of y": lambda A, B: KernelCCA(2).fit(X, Y).transform_y(B),
    "cross-validation": lambda A, B: CCACV(2).fit(A, B),
    "cross-validated regression": lambda A, B: PLSRegressionCV(2).fit(A, B),
    "cross-validated kernels": lambda A, B: KernelCCACV(2).fit(X, B),
    "samples": lambda A, B: CCA(2).fit(X, Y).sample_y(A),
    "way back": lambda A, B: CCA(2).fit(X, Y).inverse_transform(A[:, :2]),
    "permutations": lambda A, B: permutation_test(A, B),
    "index": lambda A, B: CrossModalIndex(CCA(2).fit(X, Y)).fit(B),
    "index of scores": lambda A, B: CrossModalIndex().fit(A),
    "report": lambda A, B: retrieval_report(*CCA(2).fit(X, Y).transform(A, B)),
    "weights beside rows in memory": lambda A, B: CCA(2).fit(X, Y, sample_weight=A[:, 0]),
}


@pytest.mark.parametrize("call", REFUSING.values(), ids=REFUSING)
def test_what_needs_all_rows_says_so_and_reads_none(call):
    sides = Counted(X, 60), Counted(Y, 60)
    with pytest.raises(TypeError, match="is a Dask Array, all of which would have to be in memory here: call compute"):
        call(*(side.array() for side in sides))
    assert [side.made for side in sides] == [[], []]


def spoiled(A, row, value):
    A = A.copy()
    A[row, 0] = value
    return da.from_array(A, (70, A.shape[1]))


ROWS = da.from_array(X, (70, 8)), da.from_array(Y, (70, 6))
BAD = {
    "NaN in a late chunk": (lambda: (spoiled(X, 290, np.nan), ROWS[1]), ValueError, "Input X contains NaN"),
    "infinity in y": (lambda: (ROWS[0], spoiled(Y, 3, np.inf)), ValueError, "Input y contains infinity"),
    "more rows in X": (lambda: (ROWS[0], ROWS[1][:-1]), ValueError, "X has 300 rows and y has 299; rows are pairs"),
    "more rows in a chunk": (
        lambda: (unknown(X, 70), unknown(Y[:-1], 70)),
        ValueError,
        "X has 20 rows and y has 19; rows are pairs",
    ),
    "other numbers of unknown chunks": (
        lambda: (unknown(X, 70), unknown(Y, 50)),
        ValueError,
        r"'X': 5, 'y': 6.* Count the rows first",
    ),
    "unknown chunks beside memory": (lambda: (unknown(X, 70), Y), ValueError, "y is in memory and the chunks of X"),
    "texts": (lambda: (da.from_array(X.astype(str), 70), ROWS[1]), ValueError, "X holds text, where"),
    "1-D X": (lambda: (ROWS[0][:, 0], ROWS[1]), ValueError, "Expected 2D array"),
    "3-D y": (lambda: (ROWS[0], ROWS[1][:, :, None]), ValueError, "dim 3|dimension"),
    "no feature": (lambda: (ROWS[0][:, :0], ROWS[1]), ValueError, "0 feature"),
    "no y": (lambda: (ROWS[0], None), ValueError, "requires y to be passed"),
    "one row": (lambda: (ROWS[0][:1], ROWS[1][:1]), ValueError, "n_samples=1"),
    "no row": (lambda: (ROWS[0][:0], ROWS[1][:0]), ValueError, "no row of positive weight"),
    "zero weights": (lambda: (*ROWS, da.zeros(300, chunks=70)), ValueError, "no row of positive weight"),
    "negative weights": (lambda: (*ROWS, -da.ones(300, chunks=70)), ValueError, "finite and non-negative"),
    "too light": (lambda: (*ROWS, 1e-3), ValueError, "covariance divides by the sum minus 1"),
    "too few weights": (lambda: (*ROWS, W[:-1]), ValueError, "X has 300 rows and sample_weight has 299"),
    "delayed": (lambda: (dask.delayed(X), ROWS[1]), TypeError, "X must be a Dask array with a known number of columns"),
    "unknown columns": (
        lambda: (ROWS[0][:, da.from_array(np.ones(8, bool), 8)], ROWS[1]),
        TypeError,
        "known number of columns",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_chunks_are_refused_and_change_nothing(case):
    arguments, error, message = BAD[case]
    fitted = CCA(2).fit(X, Y)
    before = vars(fitted).copy()
    with pytest.raises(error, match=message):
        fitted.fit(*arguments())
    if case not in ("one row", "too light", "no row", "zero weights"):
        with pytest.raises(error, match=message):
            fitted.partial_fit(*arguments())
    assert list(vars(fitted)) == list(before)
    assert all(vars(fitted)[name] is value for name, value in before.items())


def test_words_in_a_dataframe_are_refused():
    A, B = frames()
    with pytest.raises(ValueError, match="X holds text in column 'a0', such as 'word'"):
        CCA(2).fit(A.assign(a0="word"), B)


def test_batches_of_other_features_are_refused():
    fitted = CCA(2).fit(FRAME_X, FRAME_Y)
    A, B = frames()
    for call, message in (
        (lambda: fitted.partial_fit(A[["a0", "a1"]], B), "feature names should match"),
        (lambda: fitted.partial_fit(A, B[["b1", "b0", "b2", "b3", "b4", "b5"]]), "features of y are named"),
        (lambda: fitted.transform(A.rename(columns={"a0": "zero"})), "feature names should match"),
        (lambda: fitted.transform_y(B[["b0"]]), "y has 1 features, but CCA was fitted with 6"),
        (lambda: fitted.transform(A, da.from_array(Y[:-1], 70)[:, :5]), "y has 5 features"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(ValueError, match="X has 300 rows and y has 299"):
        CCA(2).fit(X, Y).transform(ROWS[0], ROWS[1][:-1])
    with pytest.raises(ValueError, match="at least 2"):
        CCA(2).fit(X, Y).score(ROWS[0][:1], ROWS[1][:1])


def test_a_second_pass_is_refused_or_missed():
    with pytest.raises(ValueError, match='solver="svd" needs the rows at hand'):
        CCA(2, solver="svd").fit(*ROWS)
    nearly = X @ np.diag(np.geomspace(1, 1e-1, 8)) @ np.linalg.qr(X[:8, :8])[0]
    nearly[:, 0] = nearly[:, 1] + 1e-6 * nearly[:, 0]
    with pytest.warns(UserWarning, match="ill-conditioned and the rows are not at hand"):
        CCA(2).fit(da.from_array(nearly, (70, 8)), ROWS[1])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_targets_that_are_not_finite_are_refused_by_the_score(bad):
    model, y = PLSRegression(2).fit(X, Y), Y.copy()
    y[-3, 1] = bad
    for rows, targets in ((X, y), (da.from_array(X, 50), da.from_array(y, 50))):
        with pytest.raises(ValueError, match=r"y contains (NaN|infinity)"):
            model.score(rows, targets)


def test_a_score_of_no_weight_is_refused():
    lazy = da.from_array(X, 50), da.from_array(Y, 50)
    for model in (CCA(2).fit(X, Y), PLSRegression(2).fit(X, Y)):
        with pytest.raises(ValueError, match="sample_weight is zero for every row"):
            model.score(*lazy, sample_weight=np.zeros(len(X)))


def test_partitions_with_other_columns_than_announced_are_refused():
    parts = [FRAME_X[i : i + 100] for i in (0, 100, 200)]
    parts[1] = parts[1][parts[1].columns[::-1]]
    x = dd.from_map(lambda i: parts[i], [0, 1, 2], meta=FRAME_X[:0])
    y = dd.from_map(lambda i: FRAME_Y[i : i + 100], [0, 100, 200], meta=FRAME_Y[:0])
    with pytest.raises(ValueError, match="A partition has the columns"):
        CCA(2).fit(x, y)
    with pytest.raises(ValueError, match="A partition has the columns"):
        CCA(2).fit(FRAME_X, FRAME_Y).transform(x).compute()
    narrow = da.from_array(X, 50).map_blocks(lambda block: block[:, :5], dtype=float, meta=np.empty((0, 0)))
    with pytest.raises(ValueError, match="announce 8 and 6"):
        CCA(2).fit(narrow, da.from_array(Y, 50))


def test_two_sides_of_one_source_read_it_once():
    reads = []

    def read(block):
        reads.append(len(block))
        return block

    both = da.from_array(np.hstack((X, Y)), (60, -1)).map_blocks(read, dtype=float, meta=np.empty((0, 0)))
    weights = both[:, 0] ** 2
    CCA(2).fit(both[:, :8], both[:, 8:], sample_weight=weights)
    assert sum(reads) == len(X)


def test_labels_and_scores_of_dask_are_refused_where_all_would_be_read():
    with pytest.raises(TypeError, match="X is a Dask Array"):
        make_retrieval_scorer()(CCA(2).fit(X, Y), da.from_array(X, 50), da.from_array(Y, 50))
    with pytest.raises(TypeError, match="y is a Dask Array"):
        PrototypeClassifier().fit(X, da.from_array(W, 50))
