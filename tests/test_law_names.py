"""Names of features are kept, given out, and compared."""

import numpy as np
import pandas as pd
import pytest
from aligner_rows import FITTED, X, Y
from everything import estimators, rows
from sameness import assert_same
from sklearn.base import clone


def framed(name, rows):
    """Rows as a dataframe, whose columns are named after the side that the argument is of."""
    side, index = {"rows": "X"}.get(name, name)[0], [f"row {i}" for i in range(len(rows))]
    return pd.DataFrame(rows, index=index, columns=[f"{side}{j}" for j in range(rows.shape[1])])


# Of so many rows that intervals of its predictions deserve no warning.
NAMED = clone(FITTED).fit(framed("X", np.tile(X, (3, 1))), framed("y", np.tile(Y, (3, 1))))


def fitted_to_frames(row, **settings):
    """An estimator that knows names; a function is asked about an aligner that does."""
    if row.estimator is None:
        return row.made()
    thing = row.bare()
    if settings:
        thing.set_output(**settings)
    row.fit.on(thing, **row.fit.with_rows(framed))
    return thing


@estimators("names")
def test_names_of_either_side_are_kept(row):
    thing = fitted_to_frames(row)
    for argument, name in (("X", "feature_names_in_"), ("y", "y_feature_names_in_")):
        if argument in row.fit.rows:
            expected = framed(argument, row.fit.arguments[argument]).columns
            np.testing.assert_array_equal(getattr(thing, name), np.array(expected, dtype=object))
    row.fit.on(thing)
    assert not hasattr(thing, "feature_names_in_")
    assert not hasattr(thing, "y_feature_names_in_")


def compares_names(call):
    """Whether it is asked of an aligner, and not about its scores, which have no names."""
    return call.settled and call.name != "fit" and not call.name.startswith("inverse_transform")


@rows("names", lambda row: any(map(compares_names, row.all_calls)))
def test_other_names_and_another_order_are_refused(row):
    thing = fitted_to_frames(row)
    for call in filter(compares_names, row.all_calls):
        frames = call.with_rows(framed) | {name: NAMED for name in ("aligner", "estimator") if name in call.arguments}
        call.on(thing, **frames)
        for name in call.settled:
            for wrong in (frames[name][frames[name].columns[::-1]], frames[name].add_prefix("other ")):
                with pytest.raises(ValueError, match=r"(?i)feature names|named|same columns in the same order"):
                    call.on(thing, **frames | {name: wrong})


@estimators("names", lambda row: hasattr(row.estimator, "set_output"))
def test_scores_are_named_as_get_feature_names_out_says(row):
    thing, plain = fitted_to_frames(row, transform="pandas"), fitted_to_frames(row)
    names = list(thing.get_feature_names_out())
    assert len(set(names)) == len(names)
    for call in row.calls:
        frames = call.with_rows(framed)
        if not (frames and call.name.startswith("transform")):
            continue
        results, arrays = call.on(thing, **frames), call.on(plain, **frames)
        if not isinstance(results, tuple):
            results, arrays = (results,), (arrays,)
            assert list(results[0].columns) == names
        for table, array, given in zip(results, arrays, frames.values(), strict=True):
            assert len(table.columns.unique()) == len(names)
            assert list(table.index) == list(given.index)
            assert_same(table.to_numpy(), array)
