"""Fitting twice equals fitting once; parameters and data stay as they are; the same seed gives the same result."""

import copy

import numpy as np
import pytest
from everything import estimators, rows
from sameness import assert_same, assert_same_state
from sklearn.base import BaseEstimator

from crossmodal_cca.alignment._views import View
from crossmodal_cca.models._value import Value


@estimators("refit")
def test_fitting_twice_equals_fitting_once(row):
    twice = row.made()
    assert row.fit.on(twice) is twice
    assert_same_state(row.made(), twice)


@estimators("forget")
def test_a_fit_forgets_every_earlier_one(row):
    """Of other rows, of other widths, with other parameters."""
    parameters = row.estimator.get_params(deep=False)
    again = row.bare().set_params(**row.before).fit(**row.before_fit)
    again.set_params(**{name: parameters[name] for name in row.before})
    row.fit.on(again)
    assert_same_state(row.made(), again)


@estimators("settled", lambda row: row.before)
def test_parameters_set_later_count_from_the_next_fit_on(row):
    fitted = row.ready()
    answers = [call.on(fitted) for call in row.calls]
    fitted.set_params(**row.before)
    for call, answer in zip(row.calls, answers, strict=True):
        assert_same(call.on(fitted), answer, where=str(call))


def views_of(thing):
    return {name for base in thing.__mro__ for name, value in vars(base).items() if isinstance(value, View)}


def arrays_in(held):
    """All arrays of frozen values, in others and in estimators too."""
    if isinstance(held, np.ndarray):
        yield held
    elif isinstance(held, Value | BaseEstimator | dict):
        for each in (held if isinstance(held, dict) else vars(held)).values():
            yield from arrays_in(each)


@estimators("refit", lambda row: isinstance(row.thing, type) and views_of(row.thing))
def test_what_a_fit_has_left_cannot_be_written_to(row):
    bare, made = row.bare(), row.made()
    before = copy.deepcopy(made)
    for name in views_of(row.thing):
        assert not hasattr(bare, name)
        assert hasattr(made, name) == (name in dir(made))
        value = getattr(made, name, None)
        for part in value.values() if isinstance(value, dict) else [value]:
            if isinstance(part, np.ndarray):
                with pytest.raises(ValueError, match="read-only"):
                    part *= -1
        with pytest.raises(AttributeError, match=f"{name} belongs to a fit"):
            setattr(made, name, value)
        if isinstance(value, dict):
            value.clear()
    for value in vars(made).values():
        if isinstance(value, Value):
            assert not any(each.flags.writeable for each in (*arrays_in(value), *arrays_in(copy.deepcopy(value))))
    assert_same_state(made, before)


def parameters_of(thing):
    return thing.get_params(deep=True) if hasattr(thing, "get_params") else {}


def frozen(value):
    """A copy; of an array one that cannot be written to."""
    value = copy.deepcopy(value)
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    return value


@rows("untouched")
def test_questions_change_nothing_and_nothing_changes_parameters_or_data(row):
    made = row.ready()
    state = copy.deepcopy(row.state_of(made))
    for call in row.all_calls:
        thing = made if call in row.calls else row.ready()
        arguments = {name: frozen(value) for name, value in call.arguments.items()}
        call.on(thing, **arguments)
        assert_same(arguments, call.arguments, where=str(call))
        assert_same(parameters_of(thing), parameters_of(row.bare()), where=str(call))
    assert_same(row.state_of(made), state)


@rows("seed")
def test_the_same_seed_gives_the_same_result(row):
    """Whatever the global state of NumPy's generator is, which stays as it was."""
    results = []
    for seed in (0, 1):
        np.random.seed(seed)  # noqa: NPY002
        state = np.random.get_state(legacy=False)  # noqa: NPY002
        made = row.made()
        anew = (call.on(copy.deepcopy(made)) for call in row.changes)
        results.append([made, *(call.on(made) for call in row.calls), *anew])
        assert_same(np.random.get_state(legacy=False), state)  # noqa: NPY002
    assert_same(*results)
