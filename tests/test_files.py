"""Files without pickle: what is written comes back, what is damaged or foreign is refused, half-written is nothing."""

import io
import os

import numpy as np
import pandas as pd
import pytest
from linear_models import TABLE, pairs
from numpy.testing import assert_array_equal
from rewritten import rewritten
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler

from crossmodal_cca import (
    CCA,
    CCACV,
    PLSSVD,
    CrossModalPipeline,
    KernelCCA,
    KernelCCACV,
    PairMoments,
    PLSRegressionCV,
)
from crossmodal_cca._files import read, write
from crossmodal_cca.metrics import make_retrieval_scorer
from crossmodal_cca.retrieval import CrossModalIndex

X, Y = pairs(60)
FRAME_X, FRAME_Y = pd.DataFrame(X).add_prefix("a"), pd.DataFrame(Y).add_prefix("b")
STATE = {
    "nothing": None,
    "numbers": [1, 2.5, float("inf"), -float("inf"), True, 10**30],
    "texts": ("a", ("ü", "")),
    "nested": {"a": {"b": [{}, (), []]}},
    "keys": {1: "one", 0.5: "half", None: "none", (1, "a"): "pair", np.int64(3): "three", np.str_("text"): "text"},
    "arrays": [
        np.arange(6.0).reshape(2, 3),
        np.float32([[1], [2]]),
        np.array(["x", "yy"]),
        np.array(3),
        np.zeros((0, 4)),
    ],
    "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "dates": np.array(["2020-01-01", "2021-05-05"], dtype="datetime64[D]"),
    "mixed": np.array([1, "a", None, 2.5], dtype=object),
    "scalar": np.float32(1.25),
    "dtype": np.dtype(np.float32),
}


EMPTY = {"object": "CCA", "version": 1, "state": []}
OTHER = {
    "object": "RetrievalScorer",
    "version": 1,
    "state": [[name, None] for name in ("measure", "direction", "similarity", "options")],
}


def same(one, other):
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        assert list(map(type, one)) == list(map(type, other))
        for key in one:
            same(one[key], other[key])
    elif isinstance(one, list | tuple):
        for a, b in zip(one, other, strict=True):
            same(a, b)
    else:
        if isinstance(one, np.ndarray):
            assert one.dtype == other.dtype
        assert_array_equal(one, other)


def test_what_is_saved_comes_back(tmp_path):
    write(tmp_path / "state", STATE)
    same(read(tmp_path / "state", "dict"), STATE)
    assert np.isnan(load_again(tmp_path, {"nan": float("nan")})["nan"])
    assert list(tmp_path.iterdir()) == [tmp_path / "state"]


def load_again(folder, state):
    write(folder / "state", state)
    return read(str(folder / "state"), "dict")


def test_models_and_moments_come_back_and_go_on(tmp_path):
    model = CCA(2, shrinkage=(0.1, "oas"), power=1.0).fit(X, Y)
    moments = PairMoments.from_arrays(X, Y)
    loaded = load_again(tmp_path, {"model": model, "moments": moments})
    assert_array_equal(loaded["model"].transform(X), model.transform(X))
    assert_array_equal(loaded["model"].predict(X), model.predict(X))
    assert repr(loaded["model"]) == repr(model)
    assert_array_equal((loaded["moments"] + moments).scatter_xy, (moments + moments).scatter_xy)
    assert_array_equal(
        loaded["model"].partial_fit(X[:9], Y[:9]).transform(X), model.partial_fit(X[:9], Y[:9]).transform(X)
    )


def everything_saved():
    """Every estimator, in each way it is stored."""
    models = {name: row.estimator for name, row in TABLE.items()}
    nystroem = {"approximation": "nystroem", "n_landmarks": 20, "random_state": 0}
    models |= {
        "kernel-exact": KernelCCA(2),
        "kernel-pivoted": KernelCCA(2, landmarks="pivoted", **nystroem),
        "kernel-given": KernelCCA(2, landmarks=(X[:20], Y[:20]), gamma=0.1, **nystroem),
        "kernel-fourier": KernelCCA(2, approximation="fourier", gamma=0.1, random_state=0),
    }
    models |= {"cca-cv": CCACV(2), "pls-cv": PLSRegressionCV(2), "kernel-cv": KernelCCACV(2, random_state=0)}
    models |= {"pipeline": CrossModalPipeline(CCA(2, shrinkage=(0.1, "oas")))}
    return pytest.mark.parametrize("model", models.values(), ids=models)


@pytest.mark.parametrize("n_rows", [60, 5100], ids=["rows-of-a-gram-matrix", "randomized"])
def test_models_of_wide_text_come_back(n_rows, tmp_path):
    text = sparse.random(n_rows, 5200, density=0.002, format="csr", random_state=0)
    other = np.random.default_rng(0).standard_normal((n_rows, 4))
    model = CCA(2, shrinkage=0.9, random_state=0).fit(text, other)
    model.save(tmp_path / "model")
    loaded = CCA.load(tmp_path / "model")
    assert_array_equal(loaded.predict(text), model.predict(text))
    with pytest.raises(ValueError, match="needs the covariances"):
        loaded.partial_fit(text, other)


def test_requests_are_left_out_and_scorers_kept(tmp_path):
    with config_context(enable_metadata_routing=True):
        CCA(2).set_fit_request(sample_weight=True).fit(X, Y).save(tmp_path / "cca")
    assert_array_equal(CCA.load(tmp_path / "cca").transform(X), CCA(2).fit(X, Y).transform(X))
    search = CCACV(2, scoring=make_retrieval_scorer("hit_rate_at_5")).fit(X, Y)
    search.save(tmp_path / "search")
    assert CCACV.load(tmp_path / "search").scoring.measure == "hit_rate_at_5"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_what_is_no_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for target in (tmp_path / "pipe", tmp_path):
        with pytest.raises(FileExistsError, match="is not a file"):
            CCA(2).fit(X, Y).save(target)
    assert not (tmp_path / "pipe").is_file()


@everything_saved()
def test_a_model_comes_back_to_the_last_bit_and_goes_on(model, tmp_path):
    path = tmp_path / "model"
    model = clone(model).fit(FRAME_X, FRAME_Y)
    model.save(path)
    loaded = type(model).load(path)
    assert repr(loaded.get_params()) == repr(model.get_params())
    assert list(loaded.feature_names_in_) == list(model.feature_names_in_)

    def results(m):
        return *m.transform(FRAME_X, FRAME_Y), m.predict(FRAME_X), m.predict_x(FRAME_Y), m.score(FRAME_X, FRAME_Y)

    for one, other in zip(results(loaded), results(model), strict=True):
        assert_array_equal(one, other)
    if hasattr(model, "partial_fit") and getattr(model, "solver", None) != "svd":
        assert_array_equal(
            loaded.partial_fit(FRAME_X[:9], FRAME_Y[:9]).transform(FRAME_X),
            model.partial_fit(FRAME_X[:9], FRAME_Y[:9]).transform(FRAME_X),
        )


def test_moments_come_back_to_the_last_bit(tmp_path):
    moments = PairMoments.from_arrays(FRAME_X.astype("float32"), FRAME_Y)
    moments.save(tmp_path / "moments")
    loaded = PairMoments.load(tmp_path / "moments")
    assert repr(loaded) == repr(moments)
    for name, value in vars(moments).items():
        assert_array_equal(getattr(loaded, name), value)
    assert_array_equal((loaded + moments).scatter_xy, (moments + moments).scatter_xy)


def test_a_model_is_loaded_by_its_own_class(tmp_path):
    path = tmp_path / "model"
    CCA(2).fit(X, Y).save(path)
    for other in (PLSSVD, CCACV, PairMoments, CrossModalIndex):
        with pytest.raises(ValueError, match=f"holds a CCA, not a {other.__name__}; load it with that class"):
            other.load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 99, "package_version": "9.9"}, r"written by a later crossmodal_cca \(9.9\)"),
        ({"state": EMPTY}, "damaged.*it does not hold n_components of CCA"),
        (
            {"state": EMPTY | {"version": 99}},
            "later .*: it holds a CCA of version 99, and this one reads up to 1. Upgrade",
        ),
        ({"state": OTHER}, "says that it holds a CCA, but holds a RetrievalScorer"),
    ],
)
def test_a_later_or_empty_model_is_refused(tmp_path, change, message):
    path = tmp_path / "model"
    CCA(2).fit(X, Y).save(path)
    rewritten(path, lambda header: header.update(change))
    with pytest.raises(ValueError, match=message):
        CCA.load(path)


@pytest.mark.parametrize(
    ("model", "place"),
    [
        (CrossModalPipeline(CCA(2), x_transformer=StandardScaler()), "x_transformer"),
        (CCACV(2, cv=KFold(3)), "cv"),
        (KernelCCA(2, random_state=np.random.RandomState(0)), "random_state"),
    ],
    ids=["transformer", "splitter", "generator"],
)
def test_a_model_with_foreign_parts_is_left_to_others(tmp_path, model, place):
    path = tmp_path / "model"
    type(model).save(type(model)(**model.get_params(deep=False) | {place: None}), path)
    before = path.read_bytes()
    with pytest.raises(TypeError, match=rf"\w+\.{place} is of type .* Save it with skops"):
        clone(model).fit(X, Y).save(path)
    assert path.read_bytes() == before


def test_a_crash_while_saving_a_model_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model"
    old = CCA(2).fit(X, Y)
    old.save(path)
    write, written = np.lib.format.write_array, []

    def fail(file, array, **options):
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(write(file, array, **options))

    monkeypatch.setattr(np.lib.format, "write_array", fail)
    with pytest.raises(KeyboardInterrupt):
        CCA(1).fit(X, Y).save(path)
    assert_array_equal(CCA.load(path).transform(X), old.transform(X))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda x: x, r"dict\['it'\] is of type builtins.function"),
        ([1, {2}], r"dict\['it'\]\[1\] is of type builtins.set"),
        ({frozenset(): 2}, "only texts and numbers can be keys"),
        (np.array([object()]), r"dict\['it'\]\[0\] is of type builtins.object"),
        (
            KernelCCA(random_state=np.random.RandomState(0)),
            r"\['it'\].random_state is of type numpy.random.*RandomState",
        ),
        (io.StringIO(), "StringIO"),
    ],
    ids=["function", "set", "key", "object", "generator", "stream"],
)
def test_what_cannot_be_saved_says_where_it_is_and_leaves_the_old_file(tmp_path, value, message):
    write(tmp_path / "state", {"old": 1})
    with pytest.raises(TypeError, match=message):
        write(tmp_path / "state", {"it": value})
    assert read(tmp_path / "state", "dict") == {"old": 1}
    assert len(list(tmp_path.iterdir())) == 1
