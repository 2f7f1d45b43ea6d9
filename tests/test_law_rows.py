"""The same rows give the same results: in another order, alone, in blocks, in another layout or container."""

from functools import cache

import numpy as np
import pandas as pd
from everything import TABLE, calls, estimators, rows
from sameness import assert_same

from crossmodal_cca.rows import _blocks

# Sums in another order differ by rounding: eps = 2e-16 times the some forty terms of the table's rows, and what solving
# makes of it where the condition is below a hundred.
ROUNDING = 1e-11


def answers(row, thing, ask=lambda call: {}):
    """What a fitted object says, by question."""
    return {str(call): call.on(thing, **ask(call)) for call in row.calls if call.name != "sample_y"}


def outcomes(row, change=lambda call: {}):
    """What all calls return, and what the object answers after those that change it; draws are a law of their own."""
    found, made = {}, row.ready()
    for call in row.all_calls:
        thing = made if call in row.calls else row.ready()
        if call.rows and call.name != "sample_y":
            result = call.on(thing, **change(call))
            found[str(call)] = answers(row, thing) if result is thing else result
    return found


@cache
def usual_outcomes(row):
    """Those of the arguments as they are, kept for the tests that change them."""
    return outcomes(row)


def has_rows(row):
    return any(call.rows for call in row.all_calls)


def another_order(call):
    """The arguments with their rows in another order, and the order."""
    order = np.random.default_rng(0).permutation(len(call.arguments[call.together[0]]))
    return {name: np.asarray(call.arguments[name])[order] for name in call.together}, order


def part(result, rows):
    """Some rows of a result."""
    if isinstance(result, tuple):
        return tuple(part(each, rows) for each in result)
    return result.iloc[rows] if isinstance(result, pd.DataFrame | pd.Series) else result[rows]


@estimators("order", lambda row: row.fit.together)
def test_the_order_of_pairs_changes_no_model(row):
    other = row.fit.on(row.bare(), **another_order(row.fit)[0])
    assert_same(answers(row, other), answers(row, row.ready()), tol=ROUNDING)


@calls("order", lambda call: call.order)
def test_results_have_the_order_of_the_rows_or_none(row, call):
    arguments, order = another_order(call)
    found, expected = call.on(row.ready(), **arguments), call.on(row.ready())
    assert_same(found, part(expected, order) if call.order == "rows" else expected, tol=ROUNDING)


@estimators("order")
def test_a_row_is_answered_whatever_stands_beside_it(row):
    thing, some = row.ready(), np.arange(3, 9)
    for call in row.calls:
        if call.order == "rows":
            alone = call.on(thing, **{name: call.arguments[name][some] for name in call.together})
            assert_same(alone, part(call.on(thing), some), tol=ROUNDING, where=str(call))


@rows("blocks", has_rows)
def test_blocks_of_rows_change_nothing(row, monkeypatch):
    expected = usual_outcomes(row)
    monkeypatch.setattr(_blocks, "BLOCK_ROWS", 7)
    assert_same(outcomes(row), expected, tol=ROUNDING)


def strided(rows):
    """Every other entry of a larger array in both directions, from the last to the first."""
    larger = np.zeros((2 * len(rows), 2 * rows.shape[1]))
    view = larger[::-2, ::-2]
    view[:] = rows
    return view


LAYOUTS = {"Fortran": np.asfortranarray, "strided": strided, "list": np.ndarray.tolist}


@rows("layout", has_rows)
def test_layouts_and_lists_change_nothing(row):
    expected = usual_outcomes(row)
    for name, laid_out in LAYOUTS.items():
        found = outcomes(row, lambda call, laid_out=laid_out: call.with_rows(lambda _, rows: laid_out(rows)))
        assert_same(found, expected, tol=ROUNDING, where=name)


def framed(name, rows):
    return pd.DataFrame(rows).add_prefix({"gallery": "", "queries": "", "query_bank": ""}.get(name, name[0]))


@estimators("containers")
def test_dataframes_give_what_arrays_give(row):
    fitted = row.fit.on(row.bare(), **row.fit.with_rows(framed))
    found = answers(row, fitted, lambda call: call.with_rows(framed))
    assert_same(found, answers(row, row.ready()), tol=ROUNDING)


def test_draws_of_one_seed_differ_by_rounding_alone():
    for row in TABLE.values():
        for call in row.calls:
            if call.name == "sample_y":
                other = row.fit.on(row.bare(), **row.fit.with_rows(lambda _, rows: np.asfortranarray(rows)))
                assert_same(call.on(other), call.on(row.made()), tol=ROUNDING, where=str(call))
