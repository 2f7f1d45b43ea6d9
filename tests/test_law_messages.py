"""Errors say where the fault is and what to pass instead, in the words of the call."""

import re

import numpy as np
import pandas as pd
import pytest
from aligner_rows import ALIGNERS, FITTED, NEW_X, NEW_Y, X, Y
from everything import TABLE
from scipy import sparse

from crossmodal_cca import CCA, PairMoments, metrics
from crossmodal_cca._errors import in_terms_of
from crossmodal_cca.retrieval import CrossModalIndex

FRAME_X, FRAME_Y = pd.DataFrame(X, columns=[*"abcde"]), pd.DataFrame(Y, columns=[*"vwxy"])


def is_plain(row):
    """Whether it takes rows of features as they are, 2-D on both sides: no kernels, no transformers."""
    text = repr(row.estimator)
    return "precomputed" not in text and "Pipeline" not in text and row.fit.arguments["y"].ndim == 2


PLAIN = {name: row for name, row in ALIGNERS.items() if is_plain(row)}
HOLES = {"NaN": np.nan, "infinity": -np.inf}


def spoiled(rows, value):
    """With bad values in row 7, column 1, and after it."""
    rows = np.array(rows)
    rows[7, 1] = rows[8, 0] = rows[7, -1] = value
    return rows


def message_of(call):
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    return str(caught.value)


ALL_CALLS = {
    f"{row_id} {call} {name}": (row, call, name)
    for row_id, row in TABLE.items()
    if "refused" not in row.exempt
    for call in row.all_calls
    for name in call.rows
    if len(call.arguments[name]) > 8 and call.arguments[name].shape[1] > 1 and "precomputed" not in repr(row.estimator)
}
# In blocks, whose rows count from the start of each; and of another package.
SILENT = ("PairMoments from_blocks", "pipeline-transformers")


@pytest.mark.parametrize("what", [what for what in ALL_CALLS if not what.startswith(SILENT)])
def test_the_first_value_that_is_not_finite_is_found(what):
    row, call, name = ALL_CALLS[what]
    thing = row.ready()
    for hole, value in HOLES.items():
        bad = {name: spoiled(call.arguments[name], value)}
        said = message_of(lambda bad=bad: call.on(thing, **bad))
        assert re.match(rf"Input {name}( of (calibration|scores))? contains {hole}", said)
        assert "The first is in row 7, column 1 (counted from 0)." in said


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda rows: pd.DataFrame(rows, columns=[*"abcde"]), id="dataframe"),
        pytest.param(lambda rows: pd.DataFrame(rows, columns=[*"abcde"]).convert_dtypes(), id="nullable"),
        pytest.param(
            lambda rows: pd.DataFrame(rows, columns=[*"abcde"]).astype(object).replace(np.nan, None), id="None"
        ),
    ],
)
def test_columns_are_called_by_their_names(wrap):
    for call in (lambda rows: CCA(2).fit(rows, Y), CCA(2).fit(FRAME_X, Y).transform):
        said = message_of(lambda call=call: call(wrap(spoiled(X, np.nan))))
        assert "The first is in row 7 (counted from 0), column 'b'." in said


def test_rows_are_those_of_the_caller():
    weights = np.r_[np.zeros(5), np.ones(len(X) - 5)]  # rows without weight are left out before values are looked at
    place = r"The first is in row 7, column 1 \(counted from 0\)\."
    with pytest.raises(ValueError, match=place):
        CCA(2).fit(spoiled(X, np.nan), Y, sample_weight=weights)
    with pytest.raises(ValueError, match=place):
        CCA(2).fit(sparse.csr_array(spoiled(X, np.nan)), Y)
    with pytest.raises(ValueError, match=place):
        CCA(2).fit(sparse.coo_array(spoiled(X, np.nan)), Y)
    with pytest.raises(ValueError, match=r"The first is in row 9 \(counted from 0\)\."):
        PairMoments.from_arrays(X, np.where(np.arange(len(X)) < 9, 0.0, np.inf))


@pytest.mark.parametrize("row", PLAIN.values(), ids=PLAIN)
def test_rows_of_the_other_side_are_sent_there(row):
    fitted = row.ready()
    for call, rows in ((fitted.transform, NEW_Y), (fitted.predict, NEW_Y)):
        assert re.match("X has 4 features.* 5 .*go to transform_y or predict_x", message_of(lambda: call(rows)))  # noqa: B023
    for call, rows in ((fitted.transform_y, NEW_X), (fitted.predict_x, NEW_X)):
        assert re.match("y has 5 features.* 4 .*go to transform or predict", message_of(lambda: call(rows)))  # noqa: B023
    assert "go to" not in message_of(lambda: fitted.transform(NEW_X[:, :3]))
    assert "go to" not in message_of(lambda: fitted.transform_y(NEW_Y[:, :3]))


def test_columns_of_the_other_side_are_known_by_their_names():
    same_width = CCA(2).fit(FRAME_X.iloc[:, :4], FRAME_Y)
    assert "go to transform_y or predict_x" in message_of(lambda: same_width.transform(FRAME_Y))
    assert "go to transform or predict" in message_of(lambda: same_width.transform_y(FRAME_X.iloc[:, :4]))
    assert "go to" not in message_of(lambda: same_width.transform(FRAME_X.iloc[:, 1:]))


def test_wrappers_speak_of_their_own_arguments():
    index = CrossModalIndex(FITTED)
    assert message_of(lambda: index.fit(X)).startswith("gallery has 5 features")
    index.fit(Y)
    assert "[queries]" in message_of(lambda: index.kneighbors(X[0]))
    assert "np.stack(gallery)" in message_of(lambda: index.fit(pd.Series(list(Y))))


@pytest.mark.parametrize("row", PLAIN.values(), ids=PLAIN)
def test_a_single_row_is_passed_in_a_list(row):
    fitted = row.ready()
    assert "single row is passed as [X]" in message_of(lambda: fitted.transform(NEW_X[0]))
    assert fitted.transform([NEW_X[0]]).shape[0] == 1
    assert "single row is passed as [y]" in message_of(lambda: fitted.transform_y(NEW_Y[0]))
    assert fitted.transform_y([NEW_Y[0]]).shape[0] == 1


def test_a_row_of_a_dataframe_keeps_its_names():
    fitted = CCA(2).fit(FRAME_X, FRAME_Y)
    assert "a single row is passed as X.to_frame().T" in message_of(lambda: fitted.transform(FRAME_X.iloc[0]))
    assert fitted.transform(FRAME_X.iloc[0].to_frame().T).shape == (1, 2)


@pytest.mark.parametrize(
    ("rows", "remedy"),
    [
        (pd.Series(list(X)), "np.stack(X)"),
        (pd.Series(X.tolist()), "np.stack(X)"),
        (pd.DataFrame({"id": range(len(X)), "embedding": list(X)}), "np.stack(X['embedding'])"),
        (pd.DataFrame({"embedding": X.tolist()}), "np.stack(X['embedding'])"),
    ],
)
def test_a_column_of_rows_is_to_be_stacked(rows, remedy):
    said = message_of(lambda: CCA(2).fit(rows, Y))
    assert said.endswith(f"pass {remedy}.")
    expected = CCA(2).fit(X, Y)
    found = CCA(2).fit(eval(remedy, {"np": np, "X": rows}), Y)
    np.testing.assert_array_equal(found.x_weights_, expected.x_weights_)


def test_what_is_in_quotes_is_the_users():
    frame = FRAME_X.set_axis([*"abX", "queries", "e"], axis=1)
    frame.iloc[3, 2] = np.nan
    with pytest.raises(ValueError, match=r"Input X_test contains NaN.* column 'X'"), in_terms_of(X="X_test"):
        CCA(2).fit(frame, Y)


@pytest.mark.parametrize("given", ["x_ids", "y_ids"])
def test_ids_of_one_side_alone_are_called_as_they_were_given(given):
    for call in (metrics.retrieval_report, metrics.make_retrieval_scorer().of_scores):
        said = message_of(lambda call=call: call(*FITTED.transform(X, Y), **{given: range(len(X))}))
        assert "x_ids and y_ids go together" in said
        assert f"got {given} without" in said
