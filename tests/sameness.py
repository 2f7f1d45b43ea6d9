"""Whether two things are the same, part by part: to the last bit, or up to rounding."""

import types
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

# Compared by their type alone: what they draw is the business of the tests of pictures.
_FOREIGN = ("matplotlib", "dask")
_FUNCTIONS = (type, types.FunctionType, types.BuiltinFunctionType, np.ufunc)


def assert_same(one: Any, other: Any, tol: float = 0.0, where: str = "it") -> None:
    """Refuse any difference: in type, shape, order of entries, or by more than `tol` times the largest magnitude."""
    assert type(one) is type(other), f"{where}: {type(one)} against {type(other)}"
    if type(one).__module__.partition(".")[0] in _FOREIGN or one is other:
        return
    if isinstance(one, np.ndarray | np.generic | float):
        _assert_same_numbers(one, other, tol, where)
    elif sparse.issparse(one):
        assert one.format == other.format, where
        _assert_same_numbers(one.toarray(), other.toarray(), tol, where)
    elif isinstance(one, pd.DataFrame | pd.Series):
        assert_same(_parts_of_table(one), _parts_of_table(other), tol, where)
    elif isinstance(one, dict):
        assert list(one) == list(other), f"{where}: {list(one)} against {list(other)}"
        for key in one:
            assert_same(one[key], other[key], tol, f"{where}[{key!r}]")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), where
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, tol, f"{where}[{i}]")
    elif isinstance(one, np.random.RandomState):
        assert_same(one.get_state(legacy=False), other.get_state(legacy=False), tol, where)
    elif isinstance(one, partial):
        assert_same((one.func, one.args, one.keywords), (other.func, other.args, other.keywords), tol, where)
    elif "__reduce__" in vars(type(one)):  # which says what there is to an object; the rest is looked up, or room
        assert_same(one.__reduce__()[1], other.__reduce__()[1], tol, where)
    elif isinstance(one, _FUNCTIONS) or not hasattr(one, "__dict__"):
        assert one == other, f"{where}: {one!r} against {other!r}"
    else:
        assert_same_state(one, other, tol, where)


def assert_same_state(one: Any, other: Any, tol: float = 0.0, where: str = "it") -> None:
    """Compare all attributes of two objects, set in whatever order; what was looked up before is no difference."""
    states = [{name: vars(each)[name] for name in sorted(vars(each))} for each in (one, other)]
    assert list(states[0]) == list(states[1]), f"{where}: attributes differ by {states[0].keys() ^ states[1].keys()}"
    for name in states[0]:
        assert_same(states[0][name], states[1][name], tol, f"{where}.{name}")


def _assert_same_numbers(one: Any, other: Any, tol: float, where: str) -> None:
    a, b = np.asarray(one), np.asarray(other)
    assert (a.dtype, a.shape) == (b.dtype, b.shape), f"{where}: {a.dtype}{a.shape} against {b.dtype}{b.shape}"
    if a.dtype == object:
        assert_same(a.tolist(), b.tolist(), tol, where)
    elif tol and a.dtype.kind == "f":
        finite = np.abs(a[np.isfinite(a)])
        np.testing.assert_allclose(a, b, rtol=0, atol=tol * max(1.0, finite.max(initial=0.0)), err_msg=where)
    elif a.tobytes() != b.tobytes():
        np.testing.assert_array_equal(a, b, err_msg=where)


def _parts_of_table(table: Any) -> list[Any]:
    columns = table.items() if isinstance(table, pd.DataFrame) else [(table.name, table)]
    index = [table.index.names, table.index.tolist()]
    return [list(index[0]), index[1], *((name, column.to_numpy()) for name, column in columns)]
