"""The table of everything public is complete, and says nothing that is not so."""

import importlib
import inspect
from collections import defaultdict

import pytest
from everything import TABLE
from rows import LAWS, Row

import crossmodal_cca

MODULES = ("alignment", *(name for name in crossmodal_cca.__all__ if inspect.ismodule(getattr(crossmodal_cca, name))))
PUBLIC = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in (crossmodal_cca, *(importlib.import_module(f"crossmodal_cca.{name}") for name in MODULES))
    for name in module.__all__
    if not inspect.ismodule(getattr(module, name))
}
ROWS_OF = defaultdict(list)
for row in TABLE.values():
    ROWS_OF[row.thing].append(row)
# Of files, parameters and requests, tested by laws of their own.
ELSEWHERE = {"save", "load", "get_params", "set_params", "get_feature_names_out", "get_metadata_routing"}


@pytest.mark.parametrize("name", PUBLIC)
def test_everything_public_has_a_row(name):
    """A new class or function: write its row beside those of its kind: `everything.py` says where."""
    assert ROWS_OF[PUBLIC[name]]


@pytest.mark.parametrize("name", [name for name, thing in PUBLIC.items() if inspect.isclass(thing)])
def test_every_public_method_is_called(name):
    thing = PUBLIC[name]
    called = {call.name for row in ROWS_OF[thing] for call in row.all_calls}
    public = {
        method
        for method, function in inspect.getmembers(thing, callable)
        if not method.startswith("_") and (getattr(function, "__module__", None) or "").startswith("crossmodal_cca")
    }
    assert public - called <= ELSEWHERE


@pytest.mark.parametrize("name", TABLE)
def test_a_row_names_what_there_is(name):
    row: Row = TABLE[name]
    assert row.thing in PUBLIC.values()
    assert {*row.exempt, *row.fails} <= LAWS.keys()
    assert not row.exempt.keys() & row.fails.keys()
    for call in row.all_calls:
        assert {
            *call.together,
            *call.also_together,
            *call.settled,
            *call.one_column,
            *call.optional,
        } <= call.arguments.keys(), call
        assert call.order in ("", "rows", "same")
