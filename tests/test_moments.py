"""Paired moments add up, come apart again and lose no digits."""

import numpy as np
import pandas as pd
import pytest
from linear_models import pairs
from sklearn.base import clone

from crossmodal_cca import CCA, PairMoments
from crossmodal_cca.rows import _blocks

X, Y = pairs(500)
ONE_WIDER = X[:100] * np.r_[50.0, np.ones(X.shape[1] - 1)]


def assert_same(a, b, rtol=1e-10):
    assert a.n_rows == b.n_rows
    assert a.weight_sum == pytest.approx(b.weight_sum)
    for name in ("mean_x", "mean_y", "scatter_xx", "scatter_xy", "scatter_yy"):
        expected = getattr(b, name)
        np.testing.assert_allclose(getattr(a, name), expected, atol=rtol * np.abs(expected).max(), err_msg=name)


def textbook(X, Y):
    Xc, Yc = X - X.mean(0), Y - Y.mean(0)
    return PairMoments(len(X), len(X), X.mean(0), Y.mean(0), Xc.T @ Xc, Xc.T @ Yc, Yc.T @ Yc)


@pytest.mark.parametrize("block_rows", [1, 7, 500, 8192])
def test_blocks_add_up_to_the_definition(monkeypatch, block_rows):
    monkeypatch.setattr(_blocks, "BLOCK_ROWS", block_rows)
    assert_same(PairMoments.from_arrays(X, Y), textbook(X, Y))


def test_merge_equals_the_whole_and_commutes():
    parts = [PairMoments.from_arrays(X[s], Y[s]) for s in (slice(0, 1), slice(1, 120), slice(120, 500))]
    whole = textbook(X, Y)
    assert_same(parts[0] + parts[1] + parts[2], whole)
    assert_same(parts[2] + parts[0] + parts[1], whole)
    assert_same(sum(parts), whole)
    assert repr(sum(parts)) == "PairMoments(n_rows=500, weight_sum=500, n_features_x=8, n_features_y=6, dtype=float64)"
    assert_same(PairMoments.from_blocks((X[i : i + 70], Y[i : i + 70]) for i in range(0, 500, 70)), whole)


def test_subtraction_equals_leaving_the_rows_out():
    total, fold = PairMoments.from_arrays(X, Y), PairMoments.from_arrays(X[:400], Y[:400])
    assert_same(total - fold, textbook(X[400:], Y[400:]))
    refit = CCA(2).fit(X[400:], Y[400:])
    np.testing.assert_allclose(CCA(2).fit_moments(total - fold).coef_, refit.coef_, atol=1e-10)


@pytest.mark.parametrize("value", [1.0, 3.3, 1e6])
def test_a_feature_that_varies_inside_the_fold_alone_is_constant_outside(value):
    """A rare word, say: what subtraction leaves of its variance is rounding, which no scaling may blow up."""
    rare = np.column_stack([X, np.zeros(len(X))])
    rare[5, -1] = value
    rest = PairMoments.from_arrays(rare, Y) - PairMoments.from_arrays(rare[:100], Y[:100])
    assert not rest.scatter_xx[-1].any()
    assert not rest.scatter_xy[-1].any()
    for model in (CCA(3), CCA(3, shrinkage=0.2), CCA(3, scale=False)):
        refit = clone(model).fit(rare[100:], Y[100:])
        np.testing.assert_allclose(model.fit_moments(rest).predict(rare), refit.predict(rare), atol=1e-9)


def test_blocks_without_weight_leave_a_stream_as_it_is():
    nothing = np.zeros(100)
    blocks = [(X[:100], Y[:100], nothing), (X[100:], Y[100:], np.ones(400)), (X[:100], Y[:100], nothing)]
    assert_same(PairMoments.from_blocks(blocks), textbook(X[100:], Y[100:]))
    with pytest.raises(ValueError, match="no block with a row of positive weight"):
        PairMoments.from_blocks(blocks[:1])
    cca = CCA(2).fit(X[100:], Y[100:])
    coef = cca.coef_
    np.testing.assert_array_equal(cca.partial_fit(*blocks[0]).coef_, coef)
    with pytest.raises(ValueError, match="X has 3 features"):
        cca.partial_fit(X[:100, :3], Y[:100], nothing)


@pytest.mark.parametrize("unit", [1e-30, 1e-22, 1e-10, 1e10, 1e22, 1e30])
def test_extreme_units_of_float32_are_multiplied_in_float64(unit):
    X32, Y32 = X.astype(np.float32), Y.astype(np.float32)
    expected = CCA(3).fit(X32, Y32)
    cca = CCA(3).fit(X32 * np.float32(unit), Y32 * np.float32(unit))
    np.testing.assert_allclose(cca.correlations_, expected.correlations_, atol=1e-5)
    assert PairMoments.from_arrays(X32 * np.float32(unit), Y32).dtype == np.float32


def test_squares_beyond_double_precision_are_refused():
    for unit in (1e155, 1e-165):
        with pytest.raises(ValueError, match="rescale the features"):
            PairMoments.from_arrays(X * unit, Y)


def test_weights_count_repetitions():
    w = np.random.default_rng(0).integers(0, 3, len(X))
    weighted = PairMoments.from_arrays(X, Y, w)
    repeated = textbook(np.repeat(X, w, axis=0), np.repeat(Y, w, axis=0))
    assert weighted.n_rows == np.count_nonzero(w)
    assert weighted.weight_sum == repeated.n_rows
    np.testing.assert_allclose(weighted.scatter_xy, repeated.scatter_xy, rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(weighted.mean_x, repeated.mean_x, rtol=1e-12)
    half = PairMoments.from_blocks([(X[:200], Y[:200], w[:200]), (X[200:], Y[200:], w[200:])])
    assert_same(half, weighted)


def test_a_mean_of_a_million_costs_nothing():
    """Unit variance at 1e6: rows carry 1e-10 of rounding each, a naive sum of squares would keep 1e-4."""
    shifted = PairMoments.from_arrays(X + 1e6, Y - 1e6)
    scale = len(X)
    np.testing.assert_allclose(shifted.scatter_xx / scale, textbook(X, Y).scatter_xx / scale, atol=1e-9)
    there_and_back = shifted - PairMoments.from_arrays(X[:100] + 1e6, Y[:100] - 1e6)
    np.testing.assert_allclose(
        there_and_back.scatter_xy / scale, textbook(X[100:], Y[100:]).scatter_xy / scale, atol=1e-8
    )
    np.testing.assert_allclose(CCA(3).fit(X + 1e6, Y - 1e6).correlations_, CCA(3).fit(X, Y).correlations_, atol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    # Products and sums of 500 rows err by some √500 · eps of the variance, and of the squared mean that is left.
    [(np.float64, 100 * np.finfo(np.float64).eps), (np.float32, 100 * np.finfo(np.float32).eps)],
)
@pytest.mark.parametrize("ratio", [0.0, 0.4, 0.6, 3.0])
def test_means_of_any_share_of_the_deviation_cost_no_digits(ratio, dtype, tolerance):
    """Up to half of the standard deviation they stay in the rows, and the products are corrected for them."""
    A, B = ((Z / Z.std(axis=0) - Z.mean(axis=0) + ratio).astype(dtype) for Z in (X, Y))
    before = A.copy(), B.copy()
    moments, expected = PairMoments.from_arrays(A, B), textbook(A.astype(np.float64), B.astype(np.float64))
    for name in ("scatter_xx", "scatter_xy", "scatter_yy"):
        np.testing.assert_allclose(getattr(moments, name), getattr(expected, name), atol=tolerance * len(X))
    np.testing.assert_allclose(moments.mean_x, expected.mean_x, atol=tolerance)
    np.testing.assert_array_equal(A, before[0])
    np.testing.assert_array_equal(B, before[1])


def test_a_deviation_that_few_rows_make_does_not_pass_for_that_of_all():
    """One huge value among the rows that are looked at beside a mean far from zero in all the others."""
    lone = np.column_stack([X, np.full(len(X), 3.0)])
    lone[0, -1] = 1e6
    expected = textbook(lone, Y)
    scatter = PairMoments.from_arrays(lone, Y).scatter_xx
    length = np.sqrt(np.diagonal(expected.scatter_xx))
    np.testing.assert_allclose(
        scatter / np.outer(length, length), expected.scatter_xx / np.outer(length, length), atol=1e-14
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("side", ["X", "y"])
def test_a_value_that_is_not_finite_is_found_in_any_block(bad, dtype, weighted, side, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK_ROWS", 64)
    sides = {"X": X.astype(dtype), "y": Y.astype(dtype)}
    # Two of them, which cancel in a sum only to another one that is not finite.
    sides[side][[300, 301], 2] = bad, -bad
    with pytest.raises(ValueError, match=f"Input {side} contains"):
        PairMoments.from_arrays(*sides.values(), np.full(len(X), 0.5) if weighted else None)


def test_finite_values_whose_sum_overflows_in_float32_are_multiplied_in_float64():
    A = np.float32(3e36) * (1 + np.abs(X)).astype(np.float32)
    expected = CCA(3).fit(1 + np.abs(X), Y)
    np.testing.assert_allclose(CCA(3).fit(A, Y.astype(np.float32)).correlations_, expected.correlations_, atol=1e-5)


def test_float32_blocks_are_merged_in_float64(monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK_ROWS", 64)
    moments = PairMoments.from_arrays(X.astype(np.float32), Y.astype(np.float16))
    assert moments.scatter_xx.dtype == np.float64
    assert moments.dtype == np.float32
    # Sums of products of float32 numbers in float32 err by about √64 · eps each block.
    np.testing.assert_allclose(
        moments.scatter_xx, textbook(X, Y).scatter_xx, atol=8 * 1.2e-7 * np.abs(moments.scatter_xx).max()
    )
    assert (moments + PairMoments.from_arrays(X, Y)).dtype == np.float32  # the coarser


def test_names_travel_with_the_moments():
    frames = pd.DataFrame(X).add_prefix("a"), pd.DataFrame(Y).add_prefix("b")
    moments = PairMoments.from_arrays(*frames)
    cca = CCA(2).fit_moments(moments + moments)
    assert list(cca.feature_names_in_) == [f"a{j}" for j in range(X.shape[1])]
    assert list(cca.y_feature_names_in_) == [f"b{j}" for j in range(Y.shape[1])]
    other = PairMoments.from_arrays(pd.DataFrame(X).add_prefix("c"), frames[1])
    with pytest.raises(ValueError, match="different x-feature names"):
        moments + other


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: m + PairMoments.from_arrays(X[:, :3], Y), ValueError, "8 and of 3 x-features"),
        (lambda m: m - PairMoments.from_arrays(X, Y), ValueError, "Only a proper part"),
        (lambda m: m - PairMoments.from_arrays(50 * X[:100], Y[:100]), ValueError, "Only a part of the same rows"),
        (lambda m: m - PairMoments.from_arrays(ONE_WIDER, Y[:100]), ValueError, "Only a part of the same rows"),
        (lambda m: PairMoments.from_arrays(X, None), ValueError, "PairMoments requires y to be passed"),
        (lambda m: m + 1, TypeError, "unsupported operand"),
        (lambda m: m - 1, TypeError, "unsupported operand"),
        (lambda m: PairMoments.from_blocks([]), ValueError, "got no block with a row"),
        (lambda m: PairMoments.from_arrays(X, Y[:-1]), ValueError, "500 rows and y has 499"),
        (lambda m: PairMoments.from_arrays(X, Y, np.zeros(500)), ValueError, "not every weight may be zero"),
        (lambda m: PairMoments.from_arrays(X, Y, -np.ones(500)), ValueError, "non-negative"),
        (lambda m: PairMoments.from_arrays(X, Y, np.ones(3)), ValueError, "one weight for each of the 500"),
        (lambda m: PairMoments.from_arrays(X, np.where(Y > -2, np.nan, Y)), ValueError, "Input y contains NaN"),
    ],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(PairMoments.from_arrays(X, Y))
