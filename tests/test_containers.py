"""The container of the rows changes nothing: dataframes of any kind, half precision and any layout in memory."""

import importlib

import numpy as np
import pandas as pd
import pytest
from linear_models import models, pairs
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from crossmodal_cca import CCA, CrossModalPipeline, KernelCCA, PLSRegression

X, Y = pairs(150)
# Whole numbers beside the others: columns of different types become one array.
X[:, 0] = np.round(10 * X[:, 0])
FRAMES = tuple(pd.DataFrame(A, columns=[f"{s}{j}" for j in range(A.shape[1])]) for A, s in ((X, "a"), (Y, "b")))


def typed(whole, real):
    """Columns of these pandas types: whole numbers in the first column of X alone."""
    return lambda frame: frame.astype({name: whole if name == "a0" else real for name in frame})


def polars_frame(frame):
    import polars

    return polars.DataFrame(typed("int64", "float64")(frame).to_dict("list"))


CONTAINERS = {
    "pandas": typed("int64", "float64"),
    "nullable": typed("Int64", "Float64"),
    "pyarrow": typed("int64[pyarrow]", "double[pyarrow]"),
    "polars": polars_frame,
}


@pytest.fixture(params=CONTAINERS)
def container(request):
    pytest.importorskip("pandas" if request.param == "nullable" else request.param)
    return CONTAINERS[request.param]


@pytest.mark.parametrize(
    "model", [CCA(2), PLSRegression(2), KernelCCA(2, gamma=0.05), CrossModalPipeline(CCA(2))], ids=str
)
def test_a_dataframe_gives_the_model_of_its_values(container, model):
    frames = [container(frame) for frame in FRAMES]
    model, plain = clone(model).fit(*frames), clone(model).fit(X, Y)
    np.testing.assert_allclose(model.transform(frames[0]), plain.transform(X), atol=1e-12)
    np.testing.assert_allclose(model.transform_y(frames[1]), plain.transform_y(Y), atol=1e-12)
    np.testing.assert_allclose(model.predict(frames[0]), plain.predict(X), atol=1e-12)
    assert model.score(*frames) == pytest.approx(plain.score(X, Y))
    # Older scikit-learn does not see the names of newer polars.
    if hasattr(StandardScaler().fit(frames[0]), "feature_names_in_"):
        assert list(model.feature_names_in_) == list(FRAMES[0].columns)
        assert list(model.y_feature_names_in_) == list(FRAMES[1].columns)


def test_a_column_is_one_target_and_a_column_of_weights_is_weights(container):
    frame, target = container(FRAMES[0]), container(FRAMES[1])["b1"]
    w = container(pd.DataFrame({"b0": np.arange(150.0) % 3}))["b0"]
    model = PLSRegression(2).fit(frame, target, sample_weight=w)
    expected = PLSRegression(2).fit(X, Y[:, 1], sample_weight=np.arange(150) % 3)
    np.testing.assert_allclose(model.predict(frame), expected.predict(X), atol=1e-12)
    assert model.predict(frame).shape == (150,)


def test_batches_of_dataframes_are_batches(container):
    frames = [container(frame) for frame in FRAMES]
    model = CCA(2)
    for rows in (slice(0, 60), slice(60, 150)):
        model.partial_fit(*(frame[rows] for frame in frames))
    np.testing.assert_allclose(model.coef_, CCA(2).fit(X, Y).coef_, atol=1e-10)


def test_missing_values_are_found(container):
    frame = container(FRAMES[1])
    if hasattr(frame, "mask"):
        frame = frame.mask(FRAMES[1] > FRAMES[1].max().min())
    else:
        polars = importlib.import_module("polars")
        frame = frame.with_columns(polars.when(polars.col("b0") > polars.col("b0").mean()).then(polars.col("b0")))
    with pytest.raises(ValueError, match="Input y contains NaN"):
        CCA(2).fit(FRAMES[0], frame)


@pytest.mark.parametrize("output", ["pandas", "polars"])
def test_scores_come_in_the_container_asked_for(output):
    library = pytest.importorskip(output)
    model = CCA(2).fit(X, Y).set_output(transform=output)
    x_scores, y_scores = model.transform(X, Y)
    assert isinstance(x_scores, library.DataFrame)
    assert list(y_scores.columns) == ["cca_y0", "cca_y1"]
    assert list(model.transform_y(Y).columns) == ["cca0", "cca1"]
    np.testing.assert_array_equal(np.asarray(x_scores), CCA(2).fit(X, Y).transform(X))


@models()
def test_half_precision_is_computed_in_single(model):
    halves = [A.astype(np.float16) for A in (X, Y)]
    singles = [A.astype(np.float32) for A in halves]
    half, single = clone(model).fit(*halves), clone(model).fit(*singles)
    for one, other in (
        (half.transform(halves[0]), single.transform(singles[0])),
        (half.predict(halves[0]), single.predict(singles[0])),
        (half.coef_, single.coef_),
    ):
        assert one.dtype == np.float32
        np.testing.assert_array_equal(one, other)


LAYOUTS = {
    "fortran": np.asfortranarray,
    "every second row": lambda A: np.repeat(A, 2, axis=0)[::2],
    "every second column": lambda A: np.repeat(A, 2, axis=1)[:, ::2],
    "backwards": lambda A: A[::-1, ::-1].copy()[::-1, ::-1],
    "read only": lambda A: np.frombuffer(A.tobytes()).reshape(A.shape),
    "big endian": lambda A: A.astype(">f8"),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@models()
def test_layout_in_memory_changes_nothing(model, layout):
    A, B = layout(X), layout(Y)
    laid_out, plain = clone(model).fit(A, B), clone(model).fit(X, Y)
    np.testing.assert_allclose(laid_out.coef_, plain.coef_, atol=1e-10)
    np.testing.assert_allclose(laid_out.transform(A), plain.transform(X), atol=1e-10)
    assert laid_out.score(A, B) == pytest.approx(plain.score(X, Y))
    assert laid_out.transform(A).dtype == np.float64
