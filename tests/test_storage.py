"""A side is asked once how it is stored; linear algebra knows of arrays alone."""

import ast
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

import crossmodal_cca
from crossmodal_cca import CCA
from crossmodal_cca.rows._stored import DaskRows, DenseRows, MappedRows, SparseRows, rows_in_memory

HOME = Path(crossmodal_cca.__file__).parent
# Modules of rows/, or that belong there.
OF_ROWS = {"rows/_blocks.py", "rows/_numbers.py", "rows/_validation.py"}
# Where else it is asked, and why.
ALLOWED = {
    "diagnosis/_side.py": "stored entries of a table are summed up by column, and the report says that it is sparse",
    "diagnosis/_near_copies.py": "products of sparse rows stay sparse until they are compared",
    "diagnosis/_near_pairs.py": "sparse rows are compared as they are, dense ones by a bound first",
    "diagnosis/_table_columns.py": "any table is looked at, also one that no fit would take",
    "metrics/ranks.py": "it counts in another way where galleries are Dask's, and says so with the arguments it got",
}
QUESTIONS = re.compile(r"\b(issparse|isspmatrix\w*|is_sparse\(|is_dask|memmap)\b|__module__\.partition")
PURE = sorted(path.stem for path in (HOME / "linalg").glob("*.py") if path.stem != "__init__")
ASKING = {"is_dask", "issparse"}

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((200, 6)), RNG.standard_normal((200, 4))


def named(path):
    return path.relative_to(HOME).as_posix()


def test_only_rows_ask_how_they_are_stored():
    asking = {named(path) for path in HOME.rglob("*.py") if QUESTIONS.search(path.read_text())}
    assert {name for name in asking if not name.startswith("rows/")} - OF_ROWS == set(ALLOWED)


@pytest.mark.parametrize("module", PURE)
def test_linear_algebra_imports_arrays_alone(module):
    tree = ast.parse((HOME / "linalg" / f"{module}.py").read_text())
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    own = {node.module for node in imported if isinstance(node, ast.ImportFrom) and node.level == 1}
    above = {node.module for node in imported if isinstance(node, ast.ImportFrom) and node.level > 1}
    assert own <= set(PURE)
    assert above <= {"_typing"}
    names = [n.name for node in imported if isinstance(node, ast.Import) for n in node.names]
    names += [node.module for node in imported if isinstance(node, ast.ImportFrom) and node.level == 0]
    assert {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) <= {"numpy", "scipy"}
    assert "warnings" not in names


@pytest.mark.parametrize("of", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
def test_a_fit_asks_each_side_once(of):
    asked = Counter()

    def note(frame, event, _):
        own = frame.f_back is not None and frame.f_back.f_code.co_filename.startswith(str(HOME))
        if event == "call" and own and frame.f_code.co_name in ASKING:
            asked[frame.f_code.co_name] += 1

    rows = of(X), of(Y)
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        CCA(2).fit(*rows)
    finally:
        sys.setprofile(before)
    # Whether it is Dask's, and whether it is sparse; of what is no array, before it is made one, too.
    assert sum(asked.values()) <= (4 if of is np.asarray else 10)


def test_rows_know_how_they_are_stored(tmp_path):
    np.save(tmp_path / "rows.npy", X)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    stored = rows_in_memory(X), rows_in_memory(mapped[:, :6]), rows_in_memory(sparse.csr_array(X))
    assert tuple(map(type, stored)) == (DenseRows, MappedRows, SparseRows)
    positions = np.array([5, 3, 3, 100])
    for rows in stored:
        some = rows.take(positions).take(np.array([1, 3]))
        assert (some.shape, len(some), type(some)) == ((2, 6), 2, type(rows))
        np.testing.assert_array_equal(some.dense(slice(None), np.float64, "X"), X[[3, 100]])
        np.testing.assert_array_equal(rows.block(slice(3, 5), np.float64, "X").times(np.eye(6)), X[3:5])
    assert not isinstance(rows_in_memory(np.load(tmp_path / "rows.npy", mmap_mode="c")), MappedRows)
    assert not DaskRows.at_hand
