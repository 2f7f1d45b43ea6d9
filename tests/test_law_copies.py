"""Clones, pickles, deep copies and files are the same thing as what they are made of."""

import copy
import pickle

import pytest
from everything import estimators, exempt, rows
from sameness import assert_same, assert_same_state
from sklearn.base import clone

import crossmodal_cca

COPIES = {"pickle": lambda thing: pickle.loads(pickle.dumps(thing)), "deepcopy": copy.deepcopy}


@estimators("copies")
def test_a_clone_has_the_parameters_and_nothing_else(row):
    fitted = row.made()
    cloned = clone(fitted)
    assert cloned is not fitted
    assert_same(cloned.get_params(), row.estimator.get_params())
    assert_same_state(cloned, row.bare())
    assert_same_state(row.fit.on(cloned), fitted)


@rows("copies", lambda row: row.estimator is not None or row.init is not None)
def test_a_copy_is_the_same_and_goes_on_by_itself(row):
    bare, made = row.bare(), row.made()
    answers = {str(call): call.on(made) for call in row.calls}
    for kind, make in COPIES.items():
        assert_same_state(make(bare), bare, where=kind)
        before = make(made)
        assert_same_state(before, made, where=kind)
        assert_same({str(call): call.on(before) for call in row.calls}, answers, where=kind)
        for change in row.changes:
            change.on(make(made))
        # What a copy has learnt since is not the other's.
        assert_same_state(made, before, where=kind)


@rows("files", lambda row: hasattr(row.thing, "save"))
def test_what_is_saved_comes_back_to_the_last_bit(row, tmp_path):
    made = row.made()
    made.save(tmp_path / "file")
    loaded = type(made).load(tmp_path / "file")
    # Nothing that the class does not declare is left behind.
    assert_same_state(loaded, made)
    assert_same_state(crossmodal_cca.load(tmp_path / "file"), made)
    for call in row.calls:
        assert_same(call.on(loaded), call.on(made), where=str(call))
    for change in row.changes:
        change.on(loaded)
        change.on(made)
        for call in row.calls:
            assert_same(call.on(loaded), call.on(made), where=f"{call} after {change}")


@exempt("files")
def test_what_has_no_files_has_no_save_or_says_what_to_do(row, tmp_path):
    """Once a head can be saved, the reason in its row is no longer true."""
    if hasattr(row.thing, "save"):
        with pytest.raises(TypeError, match="skops"):
            row.made().save(tmp_path / "file")
