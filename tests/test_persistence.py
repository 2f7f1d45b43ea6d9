"""Files without pickle: what is written comes back, what is damaged or foreign is refused, half-written is nothing."""

import io
import json
import os
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest
from linear_models import TABLE, pairs
from numpy.testing import assert_array_equal
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
    _persistence,
)
from crossmodal_cca._persistence import load, save
from crossmodal_cca.metrics import make_retrieval_scorer
from crossmodal_cca.retrieval import CrossModalIndex

X, Y = pairs(60)
FRAME_X, FRAME_Y = pd.DataFrame(X).add_prefix("a"), pd.DataFrame(Y).add_prefix("b")
STATE = {
    "nothing": None,
    "numbers": [1, 2.5, float("inf"), -float("inf"), True, 10**30],
    "texts": ("a", ("ü", "")),
    "nested": {"a": {"b": [{}, (), []]}},
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


def same(one, other):
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
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
    save(tmp_path / "state", "test", STATE)
    same(load(tmp_path / "state", "test"), STATE)
    assert np.isnan(load_again(tmp_path, {"nan": float("nan")})["nan"])
    assert list(tmp_path.iterdir()) == [tmp_path / "state"]


def load_again(folder, state):
    save(folder / "state", "test", state)
    return load(str(folder / "state"), "test")


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
    assert CCACV.load(tmp_path / "search").scoring.metric == "hit_rate_at_5"


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
        (lambda h: h.update(format_version=99, package_version="9.9"), r"written by a later crossmodal_cca \(9.9\)"),
        (lambda h: h.update(state={"dict": []}), "damaged.*it does not hold n_components"),
    ],
)
def test_a_later_or_empty_model_is_refused(tmp_path, change, message):
    path = tmp_path / "model"
    CCA(2).fit(X, Y).save(path)
    rewritten(path, change)
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
    with pytest.raises(TypeError, match=rf"\['{place}'\] is of type .* Save it with skops"):
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
        (lambda x: x, r"test\['it'\] is of type builtins.function"),
        ([1, {2}], r"test\['it'\]\[1\] is of type builtins.set"),
        ({1: 2}, "only texts can be keys"),
        (np.array([object()]), r"test\['it'\]\[0\] is of type builtins.object"),
        (
            KernelCCA(random_state=np.random.RandomState(0)),
            r"\['it'\].random_state is of type numpy.random.*RandomState",
        ),
        (io.StringIO(), "StringIO"),
    ],
    ids=["function", "set", "key", "object", "generator", "stream"],
)
def test_what_cannot_be_saved_says_where_it_is_and_leaves_the_old_file(tmp_path, value, message):
    save(tmp_path / "state", "test", {"old": 1})
    with pytest.raises(TypeError, match=message):
        save(tmp_path / "state", "test", {"it": value})
    assert load(tmp_path / "state", "test") == {"old": 1}
    assert len(list(tmp_path.iterdir())) == 1


def test_a_crash_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    save(tmp_path / "state", "test", {"old": 1})

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(np.lib.format, "write_array", fail)
    with pytest.raises(OSError, match="disk full"):
        save(tmp_path / "state", "test", {"new": np.arange(3)})
    assert load(tmp_path / "state", "test") == {"old": 1}
    assert len(list(tmp_path.iterdir())) == 1


def test_every_damaged_byte_is_noticed_or_harmless(tmp_path):
    path = tmp_path / "index"
    CrossModalIndex().fit(np.eye(3)).save(path)
    whole = path.read_bytes()
    refused = 0
    for i in range(0, len(whole), 7):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 0x55]) + whole[i + 1 :])
        try:
            loaded = CrossModalIndex.load(path)
        except ValueError:
            refused += 1
        else:
            assert_array_equal(loaded.embeddings_, np.eye(3))
            assert_array_equal(loaded.ids_, [0, 1, 2])
    assert refused > len(whole) / 7 / 2


@pytest.mark.parametrize("share", [0, 0.3, 0.9, 0.999])
def test_a_cut_file_is_refused(tmp_path, share):
    path = tmp_path / "index"
    CrossModalIndex().fit(np.eye(30)).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match="damaged, or was not written by crossmodal_cca"):
        CrossModalIndex.load(path)


def rewritten(path, change):
    """The same archive with another header."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    header = json.loads(members["header.json"])
    change(header)
    members["header.json"] = json.dumps(header).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: h.update(format="other"), "was not written by crossmodal_cca"),
        (lambda h: h.update(format_version=99, package_version="9.9"), r"written by a later crossmodal_cca \(9.9\)"),
        (lambda h: h.update(kind="CCA"), "holds a CCA, not a CrossModalIndex"),
        (lambda h: h.update(state={"object": "os.system", "state": []}), "holds a 'os.system', which this version"),
        (lambda h: h.update(sha256=["0" * 64] * len(h["sha256"])), "checksum of array 0 does not fit"),
        (lambda h: h.pop("kind"), "KeyError: 'kind'"),
        (lambda h: h["sha256"].append("0"), "no item named"),
        (lambda h: h.update(format_version=True), "does not hold what it should"),
        (lambda h: h.update(state=None), "does not hold what it should"),
        (lambda h: h.update(state={"dict": []}), "KeyError: 'embeddings_'"),
        (lambda h: h["state"]["dict"].append(["_fitted_metric", "zzz"]), "does not hold an index"),
        (lambda h: h["state"]["dict"].append(["aligner_", "abc"]), "does not hold an index"),
        (lambda h: h["state"]["dict"].append(["ids_", {"array": -1}]), "there is no array -1"),
        (lambda h: h["state"]["dict"].append(["ids_", {"array": 7}]), "IndexError"),
        (lambda h: h.update(state={"tuple": "ab" * 50_000}), "damaged"),
    ],
)
def test_a_foreign_or_later_file_is_refused(tmp_path, change, message):
    path = tmp_path / "index"
    CrossModalIndex().fit(np.eye(3)).save(path)
    rewritten(path, change)
    with pytest.raises(ValueError, match=message):
        CrossModalIndex.load(path)


class Attack:
    def __reduce__(self):
        return (os.mkdir, ("attacked",))


def test_loading_never_runs_what_is_in_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pickle_file, archive_file = tmp_path / "pickle", tmp_path / "archive"
    pickle_file.write_bytes(pickle.dumps(Attack()))
    CrossModalIndex().fit(np.eye(3)).save(archive_file)
    attack = io.BytesIO()
    np.save(attack, np.array([Attack()], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(archive_file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["arrays/0.npy"] = attack.getvalue()
    with zipfile.ZipFile(archive_file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    for path in (pickle_file, archive_file):
        with pytest.raises(ValueError, match="damaged"):
            CrossModalIndex.load(path)
    assert not (tmp_path / "attacked").exists()


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"(" * 3000, "damaged"),
        (b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }", "which it cannot be"),
    ],
    ids=["nested", "huge"],
)
def test_an_array_that_lies_about_itself_costs_no_memory(tmp_path, header, message):
    path = tmp_path / "index"
    CrossModalIndex().fit(np.eye(3)).save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    padded = header + b" " * 50 + b"\n"
    members["arrays/0.npy"] = b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match=message):
        CrossModalIndex.load(path)


def test_a_compressed_archive_is_refused(tmp_path):
    path = tmp_path / "index"
    CrossModalIndex().fit(np.eye(3)).save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match=r"header.json is compressed"):
        CrossModalIndex.load(path)


def test_links_and_rights_stay(tmp_path):
    path, link = tmp_path / "index", tmp_path / "link"
    save(path, "test", {"old": 1})
    path.chmod(0o600)
    link.symlink_to(path)
    save(link, "test", {"new": 1})
    assert link.is_symlink()
    assert load(path, "test") == {"new": 1}
    assert path.stat().st_mode & 0o777 == 0o600
    save(tmp_path / ("n" * 250), "test", {})


def test_missing_files_and_folders_speak_for_themselves(tmp_path):
    with pytest.raises(FileNotFoundError):
        CrossModalIndex.load(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        CrossModalIndex().fit(np.eye(3)).save(tmp_path / "nowhere" / "index")
    with pytest.raises(IsADirectoryError):
        CrossModalIndex.load(tmp_path)


def test_a_saved_file_has_the_rights_of_any_other(tmp_path):
    save(tmp_path / "state", "test", {})
    (tmp_path / "other").write_text("")
    assert (tmp_path / "state").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_every_saved_class_is_known_by_its_own_name():
    for name, each in _persistence._saved_classes().items():
        assert name == each.__name__
        assert each.__module__.startswith("crossmodal_cca.")
