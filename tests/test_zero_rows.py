"""A zero row has no direction: where the cosine ranks, a warning says which rows are zero, and their cosine is 0."""

import re
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

from crossmodal_cca._similarity import warn_of_zero_rows
from crossmodal_cca.metrics import compare_retrieval, hit_rate_at_k, query_report, retrieval_ranks, retrieval_report
from crossmodal_cca.plotting import HubnessDisplay, SimilarityMatrixDisplay
from crossmodal_cca.retrieval import CrossModalIndex, correct_hubness, hubness_report, k_occurrence, search_shards

ROWS = np.random.default_rng(0).normal(size=(30, 4))
ROWS[:, 0] = np.where(np.arange(30) % 3 == 0, 0.0, ROWS[:, 0])  # zeros alone make no zero row
ZERO = ROWS.copy()
ZERO[[4, 21]] = 0.0
INDEX = CrossModalIndex().fit(ROWS)
# Each takes two sides; the argument that the second part names is zero in some rows.
CALLS = {
    "retrieval_ranks": (lambda q, g, **m: retrieval_ranks(q, g, **m), ("queries", "gallery")),
    "hit_rate_at_k": (lambda q, g, **m: hit_rate_at_k(q, g, k=3, **m), ("queries", "gallery")),
    "query_report": (lambda q, g, **m: query_report(q, g, **m), ("queries", "gallery")),
    "k_occurrence": (lambda q, g, **m: k_occurrence(q, g, k=3, **m), ("queries", "gallery")),
    "search_shards": (lambda q, g, **m: search_shards(q, g, 3, **m), ("queries", "gallery")),
    "kneighbors": (lambda q, g, **m: CrossModalIndex(**m).fit(g).kneighbors(q, 3), ("queries", "gallery")),
    "show": (lambda q, g, **m: CrossModalIndex(**m).fit(g).show(q, 3), ("queries", "gallery")),
    "add": (lambda q, g, **m: CrossModalIndex(**m).fit(g).add(q), ("rows", "gallery")),
}


@pytest.mark.parametrize(("call", "names"), CALLS.values(), ids=CALLS)
def test_a_warning_names_the_zero_rows(call, names):
    for side, name in enumerate(names):
        sides = [ROWS, ROWS]
        sides[side] = ZERO
        with pytest.warns(UserWarning, match=rf"^2 of the 30 rows of {name} are zero throughout \(from 0: 4, 21\)"):
            call(*sides)
    call(ROWS, ROWS)  # without a warning


@pytest.mark.parametrize(("call", "_"), CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("similarity", ["dot", "euclidean"])
def test_zero_is_a_value_like_others_for_other_similarities(call, _, similarity):
    call(ZERO, ZERO, similarity=similarity)


OTHERS = {
    "bank of an index": (lambda: CrossModalIndex(hubness="nnn").fit(ROWS, query_bank=ZERO), "query_bank"),
    "correct_hubness": (lambda: correct_hubness(ROWS, ZERO, ROWS), "gallery"),
    "bank of correct_hubness": (lambda: correct_hubness(ROWS, ROWS, ZERO), "query_bank"),
    "hubness_report": (lambda: hubness_report(ROWS, ROWS, ZERO, neighbors=(3,), n_resamples=0), "query_bank"),
    "retrieval_report": (lambda: retrieval_report(ROWS, ZERO, n_resamples=0), "y_scores"),
    "compare_retrieval": (lambda: compare_retrieval((ROWS, ZERO), (ROWS, ROWS), n_resamples=0), "y_scores of scores"),
    "a baseline": (lambda: compare_retrieval((ROWS, ROWS), (ZERO, ROWS), n_resamples=0), "x_scores of baseline_scores"),
    "query_report": (lambda: query_report(ROWS, ROWS, baseline=(ROWS, ZERO)), r"baseline\[1\]"),
    "hubs": (lambda: HubnessDisplay.from_predictions(ZERO, ROWS, k=3), "x_scores"),
    "similarity matrix": (lambda: SimilarityMatrixDisplay.from_predictions(ZERO, ROWS), "x_scores"),
}


@pytest.mark.parametrize(("call", "name"), OTHERS.values(), ids=OTHERS)
def test_reports_and_banks_tell_it_in_terms_of_their_arguments(call, name):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    told = [warning for warning in caught if warning.category is UserWarning]
    assert told
    for warning in told:
        assert re.match(rf"2 of the 30 rows of {name} are zero throughout \(from 0: 4, 21\)", str(warning.message))


def test_a_row_at_the_mean_is_zero_once_centred():
    bank = np.array([[1.0, 2.0, 3.0, 4.0], [3.0, 2.0, 1.0, 0.0]])
    index = CrossModalIndex(center=True).fit(ROWS, query_bank=bank)
    with pytest.warns(UserWarning, match=r"1 of the 2 rows of queries are zero throughout \(from 0: 1\)"):
        index.kneighbors([[1.0, 2.0, 3.0, 4.0], [2.0, 2.0, 2.0, 2.0]])


def test_the_cosine_of_a_zero_row_stays_zero():
    with pytest.warns(UserWarning, match="zero throughout"):
        distances = INDEX.kneighbors(np.zeros((1, 4)), 30)[0]
    assert_allclose(distances, 1.0, rtol=0)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int8", "bool"])
def test_rows_of_any_type_are_looked_at(dtype):
    rows = np.zeros((8, 3), dtype)
    rows[[1, 2], [0, 2]] = 1
    with pytest.warns(UserWarning, match=r"6 of the 8 rows of X are zero throughout \(from 0: 0, 3, 4, 5, 6, …\)"):
        warn_of_zero_rows(rows, "X")
