"""The documentation says which values a parameter takes: others are refused by its name, wherever it can be passed."""

import inspect
import math
import re
from functools import cache, partial

import pytest
from everything import TABLE

ANY_NUMBER = ("nonsense", math.nan)
INTERVAL = re.compile(r"(float|int) in ([\[(])(.+?), (.+?)([\])])")
FROM = re.compile(r"(float|int) (>=?) (\d+)")


def outside(kind):
    """Values outside of a range as the documentation words it; none where it words no range."""
    if kind.startswith("bool"):
        return ["no", 2]
    if re.match(r"\{(None|\")", kind):
        return ["nonsense"]
    if found := FROM.match(kind):
        number, relation, low = found.groups()
        below = int(low) - (relation == ">=")
        return [*ANY_NUMBER, below, *([int(low) + 0.5] if number == "int" else [])]
    if found := INTERVAL.match(kind):
        number, left, low, high, right = found.groups()
        beyond = [int(low) - (left == "[")]
        if not high.startswith("n_"):  # a number that depends on the data
            beyond.append(float(high) + (right == "]"))
        return [*ANY_NUMBER, *beyond, *([int(low) + 0.5] if number == "int" else [])]
    if kind.startswith("sequence of "):
        return [[value] for value in outside(kind.removeprefix("sequence of "))]
    return []


def documented(function):
    """Parameters of a function or class whose range is documented, and values outside of it."""
    parameters = inspect.signature(function).parameters
    for names, kind in re.findall(r"^(\w+(?:, \w+)*) : (.*)$", inspect.getdoc(function) or "", re.MULTILINE):
        for name in names.split(", "):
            if name in parameters and outside(kind):
                yield name, outside(kind)


def cases():
    for row_id, row in TABLE.items():
        if row.estimator is not None:
            for name, values in documented(row.thing):
                yield pytest.param(partial(fit_with, row), name, values, id=f"{row_id} {name}")
        made = cache(row.made)
        for call in row.all_calls:
            for name, values in documented(getattr(row.thing, call.name) if call.name else row.thing):
                yield pytest.param(partial(call_with, made, call), name, values, id=f"{row_id} {call} {name}")


def fit_with(row, **parameters):
    row.fit.on(row.bare().set_params(**parameters))


def call_with(made, call, **arguments):
    call.on(made(), **arguments)


@pytest.mark.parametrize(("passed", "name", "values"), cases())
def test_what_is_out_of_range_is_refused(passed, name, values):
    for value in values:
        with pytest.raises((TypeError, ValueError), match=rf"\b{name}\b"):
            passed(**{name: value})
