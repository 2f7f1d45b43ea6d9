"""Features and ids from files: every kind gives the same rows, and what is no feature is refused by name."""

import json

import numpy as np
import pandas as pd
import pytest

from crossmodal_cca.io import pair_by_id, read_features, read_ids

ROWS = np.array([[0.5, -1.25, 1 / 3], [2.0, 1e-7, 4.0], [0.25, 5.0, -6.5]])
IDS = ["00391895", "a b", "c 7"]
NAMES = ["f0", "f1", "f2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The same rows in every kind of file."""
    there = tmp_path_factory.mktemp("files")
    frame = pd.DataFrame(ROWS, columns=NAMES)
    frame.insert(0, "id", IDS)
    lists = pd.DataFrame({"id": IDS, "embedding": list(ROWS)})
    np.save(there / "rows.npy", ROWS)
    np.savez(there / "rows.npz", rows=ROWS, others=ROWS[:, :2])
    frame.to_csv(there / "rows.csv", index=False)
    frame.to_csv(there / "rows.tsv", index=False, sep="\t")
    frame.to_json(there / "rows.jsonl", orient="records", lines=True, double_precision=15)
    frame.to_parquet(there / "rows.parquet", index=False)
    frame.to_feather(there / "rows.feather")
    lists.to_parquet(there / "lists.parquet", index=False)
    lists.to_feather(there / "lists.feather", compression="uncompressed")
    lists.to_json(there / "lists.jsonl", orient="records", lines=True, double_precision=15)
    lists.assign(embedding=[json.dumps(row.tolist()) for row in ROWS]).to_csv(there / "lists.csv", index=False)
    lists.assign(embedding=[np.array2string(row, floatmode="unique") for row in ROWS]).to_csv(
        there / "printed.csv", index=False
    )
    return there


@pytest.mark.parametrize(
    "name",
    [
        *("rows.npy", "rows.npz:rows", "rows.csv", "rows.tsv", "rows.jsonl", "rows.parquet", "rows.feather"),
        *("rows.csv:f*", "lists.parquet", "lists.feather:embedding", "lists.jsonl:embedding", "lists.csv:embedding"),
        *("lists.csv", "printed.csv:embedding"),
    ],
)
def test_every_kind_of_file_gives_the_same_rows(folder, name):
    np.testing.assert_allclose(read_features(f"{folder}/{name}"), ROWS, rtol=1e-14)


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.jsonl", "rows.parquet", "rows.feather", "lists.csv"])
def test_ids_are_the_texts_that_they_are(folder, name):
    assert read_ids(f"{folder}/{name}:id").tolist() == IDS


def test_files_are_mapped_where_the_format_allows(folder):
    mapped = read_features(folder / "rows.npy").base
    assert isinstance(mapped, np.memmap) or isinstance(read_features(folder / "rows.npy"), np.memmap)
    assert not read_features(folder / "lists.feather").flags.writeable


def test_a_stream_of_arrow_is_read_too(tmp_path):
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"embedding": pa.FixedSizeListArray.from_arrays(pa.array(ROWS.ravel()), 3)})
    with pa.ipc.new_stream(str(tmp_path / "rows.arrow"), table.schema) as stream:
        stream.write_table(table)
    np.testing.assert_array_equal(read_features(tmp_path / "rows.arrow"), ROWS)


def test_a_colon_counts_only_after_a_known_ending(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("C:\\x.npy", ROWS)
    assert read_features("C:\\x.npy").shape == (3, 3)
    np.savez("a:b.npz", rows=ROWS)
    assert read_features("a:b.npz:rows").shape == read_features("a:b.npz").shape == (3, 3)


def test_numbers_of_rows_and_ids_are_refused_by_name_unless_they_are_asked_for(tmp_path):
    frame = pd.DataFrame({"pitch": [0.5, 0.25, 0.5], "number": [7, 8, 9], "count": [1, 1, 2]})
    frame.to_csv(tmp_path / "ids.csv", index=False)
    frame.drop(columns="number").set_index(np.array([0.1, 0.2, 0.3])).to_csv(tmp_path / "unnamed.csv")
    with pytest.raises(ValueError, match=r"Column 'number' .* whole numbers that are all different"):
        read_features(tmp_path / "ids.csv")
    with pytest.raises(ValueError, match=r"Column 'Unnamed: 0' .* has no name"):
        read_features(tmp_path / "unnamed.csv")
    assert read_features(f"{tmp_path}/ids.csv:number").ravel().tolist() == [7, 8, 9]
    assert read_features(f"{tmp_path}/ids.csv:*t*").tolist() == [[0.5, 1], [0.25, 1], [0.5, 2]]


BAD = {
    "empty.npy": (b"", "is empty"),
    "cut.npy": (lambda f: (f / "rows.npy").read_bytes()[:-9], "may be damaged"),
    "cut.npz": (lambda f: (f / "rows.npz").read_bytes()[:-40], "may be damaged"),
    "cut.parquet": (lambda f: (f / "rows.parquet").read_bytes()[:-9], "may be damaged"),
    "cut.feather": (lambda f: (f / "rows.feather").read_bytes()[:-9], "may be damaged"),
    "cut.jsonl": (b'{"a": 1.5}\n{"a": ', "may be damaged"),
    "cut.csv": (b"a,b\n1.5,2\n2.5", r"nan in row 1, column 'b'"),
    "long.csv": (b"a,b\n1.5,2\n2.5,3,4\n", "may be damaged"),
    "nameless.csv": (b"0.5,0.25\n1.5,2\n", "no names of columns"),
    "mixed.csv": (b"a,b\n1.5,2\n2.5,oops\n3.5,1\n", "Column 'b' .* has 'oops' in row 1"),
    "mixed.jsonl": (b'{"a": 1.5}\n{"a": "2"}', "Column 'a' .* has '2' in row 1"),
    "texts.csv": (b"a,b\nx,y\n", "has no columns of numbers; its columns are 'a', 'b'"),
    "infinite.csv": (b"a,b\n1.5,2\n2.5,inf\n", "inf in row 1, column 'b'"),
    "uneven.csv": (b'a\n"[1, 2]"\n"[1]"\n', "1 numbers in row 1"),
    "odd.csv": (b'a\n"[1, 2]"\n"[1, ...]"\n', r"no list of numbers in row 1"),
    "picture.png": (b"x", "must end in one of .npy"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_in_one_line(folder, tmp_path, name):
    content, message = BAD[name]
    (tmp_path / name).write_bytes(content(folder) if callable(content) else content)
    with pytest.raises(ValueError, match=message) as refused:
        read_features(tmp_path / name)
    assert "\n" not in str(refused.value)


def test_arrays_that_are_no_features(tmp_path):
    for array, message in [
        (np.array(["a", "b"]), "holds texts"),
        (np.ones((2, 2, 2)), r"shape \(2, 2, 2\)"),
        (np.ones((0, 3)), r"shape \(0, 3\)"),
        (np.array([[1.0, 2.0], [np.nan, 4.0]]), r"nan in row 1, column 0 .* 1 such"),
    ]:
        np.save(tmp_path / "x.npy", array)
        with pytest.raises(ValueError, match=message):
            read_features(tmp_path / "x.npy")
    assert np.isnan(read_features(tmp_path / "x.npy", allow_nan=True)).sum() == 1
    np.save(tmp_path / "pickled.npy", np.array([{}, []], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="may be damaged"):
        read_features(tmp_path / "pickled.npy")


def test_what_is_not_there_is_named(folder, tmp_path):
    with pytest.raises(ValueError, match=r"holds 'rows', 'others'; say which, as in '.*rows.npz:rows'"):
        read_features(folder / "rows.npz")
    with pytest.raises(ValueError, match=r"no key 'row'; it holds 'rows', 'others'"):
        read_features(f"{folder}/rows.npz:row")
    with pytest.raises(ValueError, match=r"no column 'g\*'; its columns are 'id', 'f0'"):
        read_features(f"{folder}/rows.parquet:g*")
    with pytest.raises(ValueError, match=r"Column 'id' .* has 'a b' in row 1"):
        read_features(f"{folder}/rows.csv:id")
    with pytest.raises(ValueError, match="say which, as in"):
        read_ids(folder / "rows.csv")
    with pytest.raises(FileNotFoundError, match=r"There is no file '.*nothing.csv'"):
        read_features(tmp_path / "nothing.csv")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        read_features(tmp_path)
    (tmp_path / "gaps.csv").write_text("id,a\nx,1\n,2\n")
    with pytest.raises(ValueError, match="no id in row 1"):
        read_ids(f"{tmp_path}/gaps.csv:id")


def test_pairs_in_any_order_with_several_captions_of_a_picture():
    x_ids, y_ids = np.array(["c", "a", "b", "z"]), np.array(["a", "c", "a", "q", "b", "a"])
    pairs = pair_by_id(x_ids, y_ids)
    found = list(zip(pairs.x_rows.tolist(), pairs.y_rows.tolist(), strict=True))
    assert found == [(i, j) for i in range(4) for j in range(6) if x_ids[i] == y_ids[j]]
    assert (pairs.ids == x_ids[pairs.x_rows]).all()
    assert (pairs.groups == np.unique(pairs.ids, return_inverse=True)[1]).all()
    assert (pairs.x_alone.tolist(), pairs.y_alone.tolist()) == ([3], [3])
    swapped = pair_by_id(y_ids, x_ids)
    assert sorted(zip(swapped.y_rows.tolist(), swapped.x_rows.tolist(), strict=True)) == found


def test_labels_are_not_ids():
    labels = np.arange(240) % 12
    with pytest.raises(ValueError, match="4800 pairs of 240 rows: they are labels"):
        pair_by_id(labels, labels)
    assert len(pair_by_id(np.arange(12), labels).ids) == 240
    with pytest.raises(ValueError, match=r"No id is in both x_ids, such as 'a', and y_ids, such as 'b'"):
        pair_by_id(["a"], ["b"])
