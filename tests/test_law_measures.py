"""What every measure obeys, whatever its formula: those of the package, and one that is defined here."""

import doctest
import pickle
import sys
from unittest.mock import patch

import numpy as np
import pytest
from linear_models import pairs
from numpy.testing import assert_allclose, assert_array_equal

from crossmodal_cca import CCA, metrics
from crossmodal_cca.metrics import (
    compare_retrieval,
    make_retrieval_scorer,
    per_query,
    query_report,
    retrieval_report,
)
from crossmodal_cca.metrics.measures import MEASURES, retrieval_measure

X, Y = pairs(60)
MODEL = CCA(2).fit(X, Y)
RNG = np.random.default_rng(0)
# Classes of uneven sizes; all of the queries' are in the gallery.
LABELS = {"x_ids": np.arange(30) % 7, "y_ids": np.concatenate((np.arange(7), RNG.integers(3, size=43)))}
# Few different rows, so that there are ties.
SCORES = {"x_scores": RNG.integers(1, 4, (30, 3)), "y_scores": RNG.integers(1, 4, (50, 3))} | LABELS
DIRECTIONS = {"x to y": "xy", "y to x": "yx"}
PATIENCE = 0.8


def define_rank_biased_precision():
    @retrieval_measure()
    def rank_biased_precision(counts, *, patience=PATIENCE):
        """Moffat & Zobel (2008): (1 − p) Σ p^(rank − 1) over the relevant items, expected over ties."""
        places = (patience**counts.greater - patience ** (counts.greater + counts.tied)) / counts.tied
        return counts.sum_per_query(places)

    return rank_biased_precision


@pytest.fixture(params=[*MEASURES, "rank_biased_precision"])
def function(request):
    if request.param in MEASURES:
        yield getattr(metrics, request.param)
    else:
        with patch.dict(MEASURES):
            yield define_rank_biased_precision()


def asked(direction, scores):
    one, other = DIRECTIONS[direction]
    return {
        "queries": scores[f"{one}_scores"],
        "gallery": scores[f"{other}_scores"],
        "query_ids": scores[f"{one}_ids"],
        "gallery_ids": scores[f"{other}_ids"],
    }


def test_constant_similarity_scores_chance(function):
    constant = LABELS | {f"{side}_scores": np.ones((len(LABELS[f"{side}_ids"]), 2)) for side in "xy"}
    table = retrieval_report(**SCORES, measures=[function.__name__], n_resamples=0)
    for direction in DIRECTIONS:
        expected = function(**asked(direction, constant))
        assert_allclose(table.loc[direction, "chance"], expected, rtol=1e-12)
        if function.__name__ == "rank_biased_precision":
            data = asked(direction, constant)
            n = len(data["gallery"])
            n_relevant = np.sum(data["query_ids"][:, None] == data["gallery_ids"], axis=1)
            assert expected == pytest.approx(np.mean(n_relevant) * (1 - PATIENCE**n) / n)


def test_one_number_of_the_values_per_query(function):
    data = asked("x to y", SCORES)
    values = per_query(function.__name__, **data)
    assert_array_equal(per_query(function, **data), values)
    aggregate = np.median if function is metrics.median_rank else np.mean
    value = function(**data)
    assert type(value) is float
    assert value == aggregate(values)
    assert_array_equal(query_report(**data, measure=function.__name__)["value"], values)


def test_reports_and_scorers_know_it_by_name(function):
    name = function.__name__
    report = retrieval_report(**SCORES, measures=[name], n_resamples=0)
    scores = SCORES["x_scores"], SCORES["y_scores"]
    comparison = compare_retrieval(scores, scores, **LABELS, measures=[name], n_resamples=0)
    for direction in DIRECTIONS:
        expected = function(**asked(direction, SCORES))
        assert report.loc[direction, "value"].tolist() == comparison.loc[direction, "value"].tolist() == [expected]
    x, y = MODEL.transform(X, Y)
    sign = -1 if function is metrics.median_rank else 1
    assert make_retrieval_scorer(name)(MODEL, X, Y) == sign * np.mean([function(x, y), function(y, x)])


def test_its_own_options_reach_the_formula():
    with patch.dict(MEASURES):
        function = define_rank_biased_precision()
        x, y = MODEL.transform(X, Y)
        # With no patience only the first place counts.
        assert function(x, y, patience=1e-9) == pytest.approx(metrics.precision_at_k(x, y, k=1))
        scorer = make_retrieval_scorer("rank_biased_precision", patience=0.5, direction="x_to_y")
        assert scorer(MODEL, X, Y) == function(x, y, patience=0.5) != function(x, y)


@pytest.mark.parametrize("name", MEASURES)
def test_it_is_a_function_of_its_module(name):
    function = getattr(metrics, name)
    assert pickle.loads(pickle.dumps(function)) is function
    module = sys.modules[function.__module__]
    found = {test.name: test.examples for test in doctest.DocTestFinder().find(module)}
    assert found[f"{module.__name__}.{name}"]
    with pytest.raises(TypeError, match=rf"{name}\(\) got an unexpected keyword argument 'similarty'"):
        function([[1.0]], [[1.0]], similarty="dot")
