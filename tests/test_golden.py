"""Files that were saved once are read for ever: each gives the answers that it gave when it was saved."""

import sys
from pathlib import Path

import numpy as np
import pytest
from everything import TABLE

import crossmodal_cca
from crossmodal_cca import _schemas

sys.path.insert(0, str(Path(__file__).resolve().parent / "golden"))
from make import answers, golden_files, versions_in


@pytest.mark.parametrize("path", golden_files(), ids=lambda path: path.name)
def test_a_golden_file_answers_as_it_did(path):
    row = TABLE[path.name.rpartition("-")[0]]
    loaded = crossmodal_cca.load(path)
    assert type(loaded) is row.thing
    with np.load(path.with_name(f"{path.name}.npz")) as stored:
        found = answers(row, loaded)
        assert set(found) == set(stored)
        for call, expected in stored.items():
            np.testing.assert_allclose(found[call], expected, rtol=1e-9, atol=1e-9, err_msg=call)


def test_every_saved_class_has_a_golden_file_of_its_version():
    """After a change of a schema run tests/golden/make.py."""
    needed = {(name, each.version) for name, each in _schemas.REGISTRY.items() if each is not None}
    assert needed <= set().union(*map(versions_in, golden_files()))
