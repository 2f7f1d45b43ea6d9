"""Files as bytes: what is damaged or foreign is refused, nothing in them is run, and half-written is nothing."""

import io
import os
import pickle
import signal
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from rewritten import rewritten

from crossmodal_cca import _archive
from crossmodal_cca._files import read, write
from crossmodal_cca.retrieval import CrossModalIndex


def test_a_crash_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    write(tmp_path / "state", {"old": 1})

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(np.lib.format, "write_array", fail)
    with pytest.raises(OSError, match="disk full"):
        write(tmp_path / "state", {"new": np.arange(3)})
    assert read(tmp_path / "state", "dict") == {"old": 1}
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
        (lambda h: h["state"].update(state=[]), "does not hold aligner of CrossModalIndex"),
        (lambda h: h["state"]["state"].append(["fitted_similarity", "zzz"]), "does not hold an index"),
        (lambda h: h["state"]["state"].append(["aligner_", "abc"]), "does not hold an index"),
        (lambda h: h["state"]["state"].append(["ids_", {"array": -1}]), "there is no array -1"),
        (lambda h: h["state"]["state"].append(["ids_", {"array": 7}]), "IndexError"),
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
    write(path, {"old": 1})
    path.chmod(0o600)
    link.symlink_to(path)
    write(link, {"new": 1})
    assert link.is_symlink()
    assert read(path, "dict") == {"new": 1}
    assert path.stat().st_mode & 0o777 == 0o600
    write(tmp_path / ("n" * 250), {})


def test_missing_files_and_folders_speak_for_themselves(tmp_path):
    with pytest.raises(FileNotFoundError):
        CrossModalIndex.load(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        CrossModalIndex().fit(np.eye(3)).save(tmp_path / "nowhere" / "index")
    with pytest.raises(IsADirectoryError):
        CrossModalIndex.load(tmp_path)


def test_a_saved_file_has_the_rights_of_any_other(tmp_path):
    write(tmp_path / "state", {})
    (tmp_path / "other").write_text("")
    assert (tmp_path / "state").stat().st_mode == (tmp_path / "other").stat().st_mode


SAVE_AND_DIE = """
import os, signal, sys
import numpy as np
from crossmodal_cca import _files

def die(file, array, **options):
    file.write(b"half of it")
    os.kill(os.getpid(), signal.SIGKILL)

np.lib.format.write_array = die
_files.write(sys.argv[1], {"new": np.arange(3)})
"""


@pytest.mark.skipif(_archive.fcntl is None, reason="files cannot be locked here")
def test_what_a_killed_save_leaves_is_removed_by_the_next_and_what_is_being_written_stays(tmp_path):
    write(tmp_path / "state", {"old": 1})
    killed = subprocess.run([sys.executable, "-c", SAVE_AND_DIE, tmp_path / "state"], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert read(tmp_path / "state", "dict") == {"old": 1}
    assert len(list(tmp_path.iterdir())) == 2
    (tmp_path / ".saving-of-my-own").touch()
    with _archive.replaced_when_complete(tmp_path / "slow") as file:
        file.write(b"slow")
        write(tmp_path / "state", {"new": 1})
    assert sorted(path.name for path in tmp_path.iterdir()) == [".saving-of-my-own", "slow", "state"]
    assert (tmp_path / "slow").read_bytes() == b"slow"


def test_without_locks_only_what_is_old_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(_archive, "fcntl", None)
    old, young = (tmp_path / f"{_archive._UNFINISHED}{name}" for name in ("old", "young"))
    for path in (old, young):
        path.touch()
    os.utime(old, (0, 0))
    write(tmp_path / "state", {"new": 1})
    assert sorted(tmp_path.iterdir()) == sorted([young, tmp_path / "state"])
    assert read(tmp_path / "state", "dict") == {"new": 1}
