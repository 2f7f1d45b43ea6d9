"""Files live: attributes may be renamed, older files are upgraded, later ones refused, and no change goes unnoticed."""

import ast
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from everything import TABLE
from numpy.testing import assert_allclose
from rewritten import rewritten
from saved_schemas import SCHEMAS

import crossmodal_cca
from crossmodal_cca import (
    CCA,
    PairMoments,
    _schemas,
)
from crossmodal_cca._files import SavedMixin
from crossmodal_cca._schemas import Stored, saved
from crossmodal_cca.retrieval import CrossModalIndex

X = np.array([[0, 1], [2, 0], [1, 3], [4, 2], [3, 5], [5, 4], [7, 1], [6, 6]], float)
Y = np.array([[1, 0], [1, 2], [3, 1], [2, 4], [5, 3], [4, 4], [3, 7], [7, 6]], float)


@pytest.fixture
def old_file(tmp_path):
    """Writes one of the old files as it was, from its header and its numbers.

    `old_files.json` has what was saved in version 1 of the format, by the code before classes had versions.
    """
    described = json.loads((Path(__file__).parent / "old_files.json").read_text())

    def written(name):
        with zipfile.ZipFile(tmp_path / "old", "w") as archive:
            archive.writestr("header.json", json.dumps(described[name]["header"]))
            for i, (dtype, fortran, values) in enumerate(described[name]["arrays"]):
                with archive.open(f"arrays/{i}.npy", "w") as member:
                    np.save(member, np.array(values, dtype, order="F" if fortran else "C"))
        return tmp_path / "old"

    return written


def assert_close(one, other):
    # Eight rows: the same numbers but for the rounding of another BLAS.
    assert_allclose(np.asarray(one, float), np.asarray(other, float), rtol=1e-9, atol=1e-9)


def test_old_moments_and_an_old_index_are_read(old_file):
    assert_close(crossmodal_cca.load(old_file("PairMoments")).scatter_xy, PairMoments.from_arrays(X, Y).scatter_xy)
    index = crossmodal_cca.load(old_file("CrossModalIndex"))
    cca = CCA(1, shrinkage=0.5).fit(X, Y)
    other = CrossModalIndex(cca, hubness="csls", hubness_neighbors=2, similarity="dot")
    other.fit(Y, ids=list("abcdefgh"), query_bank=X)
    for one, same in zip(index.kneighbors(X, 3), other.kneighbors(X, 3), strict=True):
        if one.dtype.kind == "f":
            assert_close(one, same)
        else:
            assert one.tolist() == same.tolist()
    assert_close(index.add(Y[:1], ids=["i"]).embeddings_, other.add(Y[:1], ids=["i"]).embeddings_)


def registered(monkeypatch, version=1, upgrade=None, **stored):
    """A class of one name, in one of its versions."""

    class Thing(SavedMixin):
        _stored = stored

    monkeypatch.setitem(_schemas.REGISTRY, "Thing", None)  # so that it goes when the test ends
    return saved(version, upgrade)(Thing)


def test_a_renamed_attribute_breaks_no_file(tmp_path, monkeypatch):
    thing = registered(monkeypatch, length=Stored(float, "_length"))()
    thing._length = 2.5
    thing.save(tmp_path / "thing")
    renamed = registered(monkeypatch, length=Stored(float, "_metres"))
    assert vars(renamed.load(tmp_path / "thing")) == {"_metres": 2.5}


def test_an_older_version_is_upgraded_and_a_later_one_refused(tmp_path, monkeypatch):
    def in_metres(state, version):
        assert version == 1
        return {"metres": state["feet"] * 0.3048, "no longer kept": 1}

    first = registered(monkeypatch, feet=float)
    thing = first()
    thing.feet = 10.0
    thing.save(tmp_path / "old")
    second = registered(monkeypatch, 2, in_metres, metres=float)
    loaded = second.load(tmp_path / "old")
    assert vars(loaded) == {"metres": 3.048}
    loaded.save(tmp_path / "new")
    assert vars(crossmodal_cca.load(tmp_path / "new")) == {"metres": 3.048}
    first = registered(monkeypatch, feet=float)
    with pytest.raises(ValueError, match=r"it holds a Thing of version 2, and this one reads up to 1\. Upgrade"):
        first.load(tmp_path / "new")


def test_a_class_of_a_later_package_is_refused(tmp_path):
    CCA(2).save(tmp_path / "file")
    rewritten(tmp_path / "file", lambda header: header.update(kind="LaterCCA", package_version="9.9"))
    message = (
        r"by crossmodal_cca 9.9: it holds a 'LaterCCA', which this version does not know. If that is a later one, up"
    )
    with pytest.raises(ValueError, match=message):
        crossmodal_cca.load(tmp_path / "file")


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ({"length": Stored(str)}, "length of Thing is a float, which it cannot be"),
        ({"length": Stored(float), "width": Stored(float)}, "does not hold width of Thing"),
        ({}, "a Thing holds no length"),
    ],
    ids=["kind", "missing", "unknown"],
)
def test_what_does_not_fit_its_schema_is_damaged(stored, message, tmp_path, monkeypatch):
    thing = registered(monkeypatch, length=float)()
    thing.length = 2.5
    thing.save(tmp_path / "thing")
    with pytest.raises(ValueError, match=f"damaged.*{message}"):
        registered(monkeypatch, **stored).load(tmp_path / "thing")


def test_what_is_stored_is_written_down_with_its_version():
    """After a change of names: raise the version, write its upgrade and an old file for it, then mend the list."""
    now = {name: (each.version, *sorted(each.stored())) for name, each in _schemas.REGISTRY.items()}
    assert now == {name: (version, *sorted(names.split())) for name, (version, names) in SCHEMAS.items()}


def test_every_public_class_with_files_is_registered_where_load_looks():
    homes = {f"crossmodal_cca.{home}" for home in ("kernels", "linalg", "models", "rows", *_schemas.HOMES)}
    for name, each in _schemas.REGISTRY.items():
        assert name == each.cls.__name__
        assert ".".join(each.cls.__module__.split(".")[:2]) in homes
    assert {row.thing for row in TABLE.values() if hasattr(row.thing, "save")} <= {
        each.cls for each in _schemas.REGISTRY.values()
    }


def test_files_import_nothing_that_is_saved():
    """No circle goes through them: whoever is saved imports them, and they import nobody who does."""
    folder = Path(crossmodal_cca.__file__).parent
    reached, open_yet = set(), {"_files"}
    while open_yet:
        name = open_yet.pop()
        reached.add(name)
        for node in ast.walk(ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                assert node.level == 1
                assert node.module
                open_yet |= {node.module} - reached
            elif isinstance(node, ast.Import | ast.ImportFrom):
                names = [node.module] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
                assert not any(str(each).startswith("crossmodal_cca") for each in names)
    assert reached == {"_files", "_schemas", "_archive", "_checks"}
