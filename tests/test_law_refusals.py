"""Bad input is refused by a TypeError or ValueError that names the argument, and leaves everything as it was."""

import copy
import re
import warnings
from functools import cache

import numpy as np
import pytest
from everything import TABLE, estimators
from sameness import assert_same


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
# What is to be refused from the next issue on: each case is tested over the whole table.
LATER = {
    "None inside": lambda rows: [[None, *row[1:]] for row in rows.tolist()],
    "masked": lambda rows: np.ma.masked_less(rows, 0.0),
    "dates": lambda rows: np.full(rows.shape, np.datetime64("2024-01-01"), dtype="datetime64[D]"),
}


# Of another package: whether text is taken for numbers is its business, and its words are its own.
OF_TRANSFORMERS = "pipeline-transformers"


def applies(row_id, call, name, case):
    """Whether the case is bad input there."""
    if row_id == OF_TRANSFORMERS and case == "numbers as text":
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
    }.get(case, True)


@cache
def outcomes(row_id, call):
    """What came of each bad argument of a call on a fitted object: an exception, an AssertionError if it left a trace,
    or None for silence."""
    row, found = TABLE[row_id], {}
    thing = row.made()
    before = copy.deepcopy(row.state_of(thing))
    for name in arguments_of(call):
        for case in BAD_ROWS:
            if applies(row_id, call, name, case):
                found[name, case] = outcome = attempt(thing, call, name, BAD_ROWS[case])
                if outcome is None:
                    thing = row.made()
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


# Broken today, by "row call argument case": each is a test that is expected to fail.
BROKEN = {
    r" inverse_transform(_y)? . numbers as text$": "scores are converted where rows are refused",
    r"^prediction_report call (y|._train) numbers as text$": "converted, where others refuse",
    r"^(PrecisionRecall|RankHistogram|Hubness|HitRate)Display from_predictions ._scores (None|a mapping)$": (
        "an IndexError of np.shape, before the rows are checked"
    ),
    r"^(summary|ComponentSummaryDisplay) .* ._train more features$": "the width of training rows is not compared",
}
CALLS = {f"{row_id} {call}": (row_id, call) for row_id, row in TABLE.items() for call in row.all_calls if call.rows}
CASES = {
    f"{what} {name} {case}": (row_id, call, name, case)
    for what, (row_id, call) in CALLS.items()
    for name in arguments_of(call)
    for case in BAD_ROWS
    if applies(row_id, call, name, case)
}


def listed(patterns):
    """The cases that a pattern is about, with its reason."""
    return {case: reason for case in CASES for pattern, reason in patterns.items() if re.search(pattern, case)}


def expected_to_fail(cases):
    return [pytest.param(case, marks=pytest.mark.xfail(strict=True, reason=cases[case])) for case in cases]


def assert_refused(outcome):
    assert isinstance(outcome, TypeError | ValueError), outcome or "nothing was said"


NOT_REFUSED = listed(BROKEN)


@pytest.mark.parametrize("what", CALLS)
def test_bad_rows_are_refused_and_leave_no_trace(what):
    for (name, case), outcome in outcomes(*CALLS[what]).items():
        if f"{what} {name} {case}" not in NOT_REFUSED:
            assert_refused(outcome)


@pytest.mark.parametrize("what", expected_to_fail(NOT_REFUSED))
def test_bad_rows_that_are_not_refused_yet(what):
    row_id, call, name, case = CASES[what]
    assert_refused(outcomes(row_id, call)[name, case])


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.xfail(strict=True, reason="the next issue refuses it everywhere"))
        for case in LATER
    ],
)
def test_rows_that_hold_something_else_are_refused_everywhere(case):
    for row_id, call in CALLS.values():
        for name in call.rows:
            assert_refused(attempt(TABLE[row_id].made(), call, name, LATER[case]))


# scikit-learn's own words about rows, which its checks of estimators ask for, name no argument.
ITS_OWN_WORDS = re.compile(
    "^(Expected 2D array, got |Found array with |Complex data not supported"
    "|dtype='numeric' is not compatible with arrays of bytes/strings|setting an array element with a sequence"
    "|could not convert string to float|float\\(\\) argument must be|Input should have at least 1 dimension"
    "|Expected sequence or array-like, got|Found input variables with inconsistent numbers of samples)"
)
# Calls whose messages use an inner name yet, by "row call".
MISNAMED = {
    r" inverse_transform(_y)?$": "called scores",
    r"^(index-aligned|index-csls|cross-modal-shots|shared-space-aligned) (fit|add|show|kneigh|query|transform)": (
        "X or y, after the aligner's argument"
    ),
    r"^(retrieval_report|compare_retrieval|scorer) ": "called queries and gallery",
    r"^shuffled_pair_control ": "X, y, queries or gallery in place of X_test and y_test",
    r"^(correct_hubness|hubness_report) ": "called queries in place of query_bank",
    r"^(few_shot_episodes-descriptions|prediction_intervals) ": "called X, after the model's argument",
    r"^(prediction_report|summary|ComponentSummaryDisplay) ": "X or y in place of X_train and y_train",
    r"^(CanonicalCorrelation|SharedSpace)Display from_estimator$": "called x_scores and y_scores",
    r"^(PrecisionRecall|RankHistogram|HitRate)Display ": "called queries and gallery",
    r"^(SimilarityMatrix|Hubness)Display from_predictions$": "called queries and gallery",
}
NOT_NAMED = {what: reason for what in CALLS for pattern, reason in MISNAMED.items() if re.search(pattern, what)}


NAMED = [what for what in CALLS if what not in NOT_NAMED and not what.startswith(OF_TRANSFORMERS)]


@pytest.mark.parametrize("what", [*NAMED, *expected_to_fail(NOT_NAMED)])
def test_messages_name_the_argument(what):
    """By the name that the user typed; where two do not fit together, by either's."""
    call = CALLS[what][1]
    for (name, case), outcome in outcomes(*CALLS[what]).items():
        if f"{what} {name} {case}" in NOT_REFUSED or ITS_OWN_WORDS.search(str(outcome)):
            continue
        names = (*call.together, *call.also_together) if case == "fewer rows" else (name,)
        assert re.search(rf"\b({'|'.join(names)})\b", str(outcome)), (name, case, str(outcome))


@estimators("refused")
def test_a_refused_first_fit_leaves_it_unfitted(row):
    bare = row.bare()
    name = row.fit.rows[-1]
    assert_refused(attempt(bare, row.fit, name, BAD_ROWS["NaN"]))
    assert_same(vars(bare), vars(row.bare()))


@estimators("refused", lambda row: row.warned)
def test_a_warning_made_an_error_changes_nothing(row):
    """It is raised late, when much of the work is done."""
    fitted = row.made().set_params(**row.warned_with)
    before = copy.deepcopy(vars(fitted))
    for call in row.warned:
        if call.name == "partial_fit":  # goes on from the fit, without a reason to warn
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(Warning):
                call.on(fitted)
        assert_same(vars(fitted), before)
