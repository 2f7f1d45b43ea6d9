"""Tests, intervals and tables of narrow rows, by the law in `floating_law.py`."""

import numpy as np
import pytest
from floating_data import TALL, directions, rows
from floating_law import fitted, gaps, models, spacing_of_single, tol, turned
from numpy.testing import assert_allclose, assert_array_equal

from crossmodal_cca import CCA
from crossmodal_cca.inference import (
    bootstrap_weights,
    canonical_correlation_tests,
    explained_variance,
    permutation_test,
    structure_correlations,
    summary,
)
from crossmodal_cca.transfer import prediction_intervals

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def both(case):
    """The rows, narrow and in double precision."""
    return rows(case), rows(case).double()


@pytest.mark.parametrize("case", TALL)
def test_parametric_tests_are_equal(case):
    single, double = (canonical_correlation_tests(each.X, each.y) for each in both(case))
    assert len(single) == len(double)
    for column in ("correlation", *(name for name in double if name.endswith("_p"))):
        assert_allclose(single[column], double[column], rtol=0, atol=tol(case), err_msg=column)


@pytest.mark.parametrize("case", TALL)
def test_permutation_tests_are_equal(case):
    """Statistics within the rounding of products are ties, so p-values are equal to the last permutation."""
    single, double = (permutation_test(each.X, each.y, 99, random_state=0) for each in both(case))
    assert len(single) == len(double)
    for column in ("p_uncorrected", "p_value"):
        assert_array_equal(single[column], double[column])
    assert_allclose(single["correlation"], double["correlation"], rtol=0, atol=tol(case))


@pytest.mark.parametrize("case", TALL)
def test_summaries_are_equal(case):
    def table(each):
        training = {"X_train": each.X, "y_train": each.y}
        return summary(CCA().fit(each.X, each.y), each.new_X, each.new_y, **training, n_permutations=49, random_state=0)

    single, double = map(table, both(case))
    assert len(single) == len(double)
    assert_array_equal(single["p_value"], double["p_value"])
    for column in ("training", "debiased", "noise_edge"):
        assert_allclose(single[column], double[column], rtol=0, atol=tol(case), err_msg=column)
    of_new_rows = np.minimum(turned("cca", case), 1e3)
    for column in ("held_out", "x_variance", "y_variance"):
        assert (np.abs(single[column] - double[column]) <= of_new_rows).all(), column


@models(named=("cca", "cca-shrunk-.1", "pls-svd", "pls-regression-2"), cases=TALL)
def test_tables_of_components_are_equal(name, case):
    """Correlations of features with scores, and shares of variance: they follow the directions."""
    allowed = turned(name, case)
    for table in (structure_correlations, explained_variance):
        one, other = (table(model, each.X, each.y) for model, each in zip(fitted(name, case), both(case), strict=True))
        assert one.columns.equals(other.columns)
        assert one.index.equals(other.index)
        places = other.index.get_level_values("component") - 1 if "component" in other.index.names else None
        limit = np.full(len(other), allowed.max()) if places is None else allowed[places]
        assert (np.abs(one - other).to_numpy() <= limit[:, None]).all(), table.__name__


@models(named=("cca", "pls-regression-1"), cases=TALL[::2])
def test_bootstraps_are_equal(name, case):
    """The first component's loadings over resamples, whose gaps are about that of the rows."""
    apart = gaps(name, case)[0]
    if apart < 0.05:
        pytest.skip("resamples would exchange the components")
    tables = []
    for model, each in zip(fitted(name, case), both(case), strict=True):
        first = type(model)(1).fit(each.X, each.y)
        tables.append(bootstrap_weights(first, each.X, each.y, 10, kind="loadings", random_state=0))
    for column in ("value", "standard_error", "low", "high", "match"):
        assert_allclose(tables[0][column], tables[1][column], rtol=0, atol=4 * turned(name, case)[0], err_msg=column)


@models(named=("cca", "cca-shrunk-.1", "pls-regression"), cases=TALL)
def test_prediction_intervals_are_equal(name, case):
    """As predictions are, and their spread with them; times how far out a training row lies at most."""
    scale, far = rows(case).y.astype(float).std(axis=0), directions(rows(case).X).lengths.max()
    ends = [prediction_intervals(model, each.X) for model, each in zip(fitted(name, case), both(case), strict=True)]
    for one, other in zip(*ends, strict=True):
        difference = np.abs(one - other) - spacing_of_single(other)
        assert (difference <= 4 * tol(case) * far * scale).all()
