"""Bad input is refused by a TypeError or ValueError that names the argument, and leaves everything as it was."""

import copy
import re
import warnings
from functools import cache, partial
from zlib import crc32

import numpy as np
import pandas as pd
import pytest
from everything import TABLE, estimators
from sameness import assert_same
from sklearn.exceptions import NotFittedError


def spoiled(rows, value):
    rows = rows.copy()
    rows[-1, 0] = value
    return rows


# Rows that no call takes.
BAD_ROWS = {
    "None": lambda rows: None,
    "NaN": lambda rows: spoiled(rows, np.nan),
    "infinity": lambda rows: spoiled(rows, -np.inf),
    "1-D": lambda rows: rows[:, 0],
    "3-D": lambda rows: rows[:, :, None],
    "no row": lambda rows: rows[:0],
    "no feature": lambda rows: rows[:, :0],
    "words": lambda rows: np.full(rows.shape, "word"),
    "numbers as text": lambda rows: rows.astype(str).tolist(),
    "complex": lambda rows: rows.astype(complex),
    "a mapping": lambda rows: {0: rows},
    "ragged": lambda rows: [rows[0].tolist()[:-1], *rows[1:].tolist()],
    "fewer features": lambda rows: rows[:, 1:],
    "more features": lambda rows: np.column_stack([rows, rows[:, 0]]),
    "fewer rows": lambda rows: rows[1:],
}
# Of the one validation that all rows go through, so that they take turns: an argument meets each third of them.
FOR_THE_VALIDATION = {
    # What NumPy or scikit-learn would make numbers of.
    "None inside": lambda rows: [[None, *row[1:]] for row in rows.tolist()],
    "None among objects": lambda rows: spoiled(rows.astype(object), None),
    "text among objects": lambda rows: spoiled(rows.astype(object), "1.5"),
    "masked": lambda rows: np.ma.array(rows, mask=spoiled(np.zeros(rows.shape, bool), True)),
    "masked rows": lambda rows: list(np.ma.array(rows, mask=spoiled(np.zeros(rows.shape, bool), True))),
    "dates": lambda rows: np.full(rows.shape, np.datetime64("2024-01-01"), dtype="datetime64[D]"),
    "timedeltas": lambda rows: np.full(rows.shape, np.timedelta64("NaT", "s")),
    "dates in a column": lambda rows: pd.DataFrame(rows).assign(when=pd.Timestamp("2024-01-01")).iloc[:, 1:],
    "dates among objects": lambda rows: spoiled(rows.astype(object), np.timedelta64(1, "D")),
    "beyond double": lambda rows: spoiled(rows.astype(np.longdouble), np.longdouble("1e400")),
    "large whole numbers": lambda rows: [[10**400, *row[1:]] for row in rows.tolist()],
    "columns of one name": lambda rows: pd.DataFrame(rows, columns=["same"] * rows.shape[1]),
    "a lazy frame": lambda rows: LazyFrame(),
}
BAD_ROWS |= FOR_THE_VALIDATION


class LazyFrame:
    """What tells that of polars from others."""

    def collect(self):
        raise AssertionError("computed without being asked for")

    lazy = collect


# Of another package: what they take for numbers is their business, but for what is masked, or not there yet.
OF_TRANSFORMERS = "pipeline-transformers"
THEIR_BUSINESS = (
    *("numbers as text", "text among objects", "columns of one name"),
    *("dates", "timedeltas", "dates in a column", "dates among objects", "large whole numbers", "beyond double"),
)


def applies(row_id, call, name, case):
    """Whether the case is bad input there, and its turn."""
    if case in FOR_THE_VALIDATION:
        turn = crc32(f"{row_id} {call} {name}".encode()) + list(FOR_THE_VALIDATION).index(case)
        if turn % 3:
            return False
    if row_id == OF_TRANSFORMERS and case in THEIR_BUSINESS:
        return False
    paired = any(name in group and len(group) > 1 for group in (call.together, call.also_together))
    if name not in call.rows:
        return case == "fewer rows" and paired
    return {
        "None": name not in call.optional,
        "1-D": name not in call.one_column,
        "fewer features": name in call.settled,
        "more features": name in call.settled,
        "fewer rows": paired,
        "columns of one name": call.arguments[name].shape[1] > 1,
    }.get(case, True)


@cache
def outcomes(row_id, call):
    """What came of each bad argument of a call on a fitted object: an exception, an AssertionError if it left a trace,
    or None for silence."""
    row, found = TABLE[row_id], {}
    thing = row.ready()
    before = copy.deepcopy(row.state_of(thing))
    for name in arguments_of(call):
        for case in BAD_ROWS:
            if applies(row_id, call, name, case):
                found[name, case] = outcome = attempt(thing, call, name, BAD_ROWS[case])
                if outcome is None:
                    thing = row.ready()
                    continue
                try:
                    assert_same(row.state_of(thing), before)
                except AssertionError as trace:
                    found[name, case] = trace
    return found


def arguments_of(call):
    return dict.fromkeys((*call.rows, *call.together, *call.also_together))


def attempt(thing, call, name, spoil):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            call.on(thing, **{name: spoil(call.arguments[name])})
        except Exception as error:
            return error
    return None


CALLS = {
    f"{row_id} {call}": (row_id, call)
    for row_id, row in TABLE.items()
    if "refused" not in row.exempt
    for call in row.all_calls
    if call.rows
}


def assert_refused(outcome):
    assert isinstance(outcome, TypeError | ValueError), outcome or "nothing was said"


@pytest.mark.parametrize("what", CALLS)
def test_bad_rows_are_refused_and_leave_no_trace(what):
    for outcome in outcomes(*CALLS[what]).values():
        assert_refused(outcome)


@pytest.mark.parametrize("what", [what for what in CALLS if not what.startswith(OF_TRANSFORMERS)])
def test_messages_name_the_argument(what):
    """By the name that the user typed; where two do not fit together, by either's."""
    call = CALLS[what][1]
    for (name, case), outcome in outcomes(*CALLS[what]).items():
        names = (*call.together, *call.also_together) if case == "fewer rows" else (name,)
        assert re.search(rf"\b({'|'.join(names)})\b", str(outcome)), (name, case, str(outcome))


@estimators("refused")
def test_a_refused_first_fit_leaves_it_unfitted(row):
    bare = row.bare()
    name = row.fit.rows[-1]
    assert_refused(attempt(bare, row.fit, name, BAD_ROWS["NaN"]))
    assert_same(vars(bare), vars(row.bare()))


@estimators("refused")
def test_what_is_not_fitted_says_so(row):
    bare = row.bare()
    calls = [partial(call.on, bare) for call in row.calls]
    if hasattr(bare, "get_feature_names_out"):
        calls.append(bare.get_feature_names_out)
    for call in calls:
        with pytest.raises(NotFittedError, match="not fitted"):
            call()
    assert_same(vars(bare), vars(row.bare()))


@estimators("refused", lambda row: row.warned)
def test_a_warning_made_an_error_changes_nothing(row):
    """It is raised late, when much of the work is done."""
    fitted = row.ready().set_params(**row.warned_with)
    before = copy.deepcopy(vars(fitted))
    for call in row.warned:
        if call.name == "partial_fit":  # goes on from the fit, without a reason to warn
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(Warning):
                call.on(fitted)
        assert_same(vars(fitted), before)
