"""A batch without rows, or without a row that counts, is nothing: neither an error nor a change."""

import copy

import numpy as np
import pandas as pd
import pytest
from everything import TABLE
from linear_models import models, pairs
from sameness import assert_same
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from crossmodal_cca import CCA, PairMoments

X, Y = pairs(60)
NONE = {
    "arrays": lambda A: A[:0],
    "dataframes": lambda A: pd.DataFrame(A).add_prefix("a").iloc[:0],
    "frames of columns alone": lambda A: pd.DataFrame(columns=[f"a{j}" for j in range(A.shape[1])]),
    "sparse rows": lambda A: sparse.csr_array(A)[:0],
}
STREAMED = {name: row for name, row in TABLE.items() if any(call.name == "partial_fit" for call in row.changes)}
FITTING = [
    (name, kind) for name in STREAMED for kind in NONE if not (kind == "sparse rows" and name.startswith("kernel"))
]


@pytest.mark.parametrize(("name", "kind"), FITTING)
def test_batches_without_rows_are_nothing(name, kind):
    row = STREAMED[name]
    rows, others = (row.fit.arguments[side] for side in ("X", "y"))
    nothing = NONE[kind](rows), NONE[kind](others)
    stream = row.bare()
    assert stream.partial_fit(*nothing) is stream
    assert_same(vars(stream), vars(row.bare()))
    with pytest.raises(NotFittedError):
        check_is_fitted(stream)
    stream.partial_fit(rows, others)
    expected = row.bare().partial_fit(rows, others)
    assert_same(vars(stream), vars(expected))
    before = copy.deepcopy(vars(stream))
    stream.partial_fit(rows[:0], others[:0])
    assert_same(vars(stream), before)


@models()
def test_batches_without_weight_are_nothing(model):
    if not has_fit_parameter(model, "sample_weight") or getattr(model, "solver", None) == "svd":
        return
    stream = clone(model).partial_fit(X[:9], Y[:9], np.zeros(9))
    assert vars(stream) == vars(clone(model))
    stream.partial_fit(X, Y, np.ones(60)).partial_fit(X[:0], Y[:0], np.ones(0)).partial_fit(X[:1], Y[:1], np.zeros(1))
    assert_same(vars(stream), vars(clone(model).partial_fit(X, Y)))


def test_a_batch_without_rows_has_the_features_of_the_others():
    fitted = CCA(2).partial_fit(X, Y)
    for nothing, message in (((X[:0, 1:], Y[:0]), "X has 7 features"), ((X[:0], Y[:0, 1:]), "y has 5 features")):
        with pytest.raises(ValueError, match=message):
            fitted.partial_fit(*nothing)
    with pytest.raises(ValueError, match="X has 0 rows and y has 1"):
        fitted.partial_fit(X[:0], Y[:1])


@pytest.mark.parametrize("kind", NONE)
def test_blocks_without_rows_are_nothing(kind):
    nothing = NONE[kind](X), NONE[kind](Y)
    blocks = [nothing, (X[:20], Y[:20]), nothing, (X[20:], Y[20:]), (*nothing, np.ones(0))]
    expected = PairMoments.from_blocks([(X[:20], Y[:20]), (X[20:], Y[20:])])
    assert_same(vars(PairMoments.from_blocks(blocks)), vars(expected))
    with pytest.raises(ValueError, match="got no block with a row of positive weight"):
        PairMoments.from_blocks([nothing, nothing])


def test_chunks_of_dask_without_rows_are_nothing():
    da = pytest.importorskip("dask.array")
    nothing = tuple(da.from_array(A, 20)[:0] for A in (X, Y))
    stream = CCA(2).partial_fit(*nothing)
    assert vars(stream) == vars(CCA(2))
    assert_same(vars(stream.partial_fit(X, Y).partial_fit(*nothing)), vars(CCA(2).partial_fit(X, Y)))
