"""A measure of the first k components for every k at once is what a search with each of them says."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from crossmodal_cca import CCACV, KernelCCACV
from crossmodal_cca.alignment._items import Items
from crossmodal_cca.linalg._svd import projected_svd, thin_svd
from crossmodal_cca.metrics import _nested, make_retrieval_scorer
from crossmodal_cca.metrics._nested import nested_values

N, D, KS = 90, 24, [1, 2, 5, 11, 24]
rng = np.random.default_rng(0)
X = rng.normal(size=(N, D)) * np.geomspace(1, 0.1, D)
Y = X + 0.7 * rng.normal(size=(N, D)) * np.geomspace(1, 0.1, D)
# Ties of every kind: equal rows, multiples, rows of zeros, rows that begin with zeros, one far away and one tiny.
TIED_X, TIED_Y = X.round(1), Y.round(1)
TIED_Y[10:30] = TIED_Y[40:60]
TIED_Y[60:65] = 3 * TIED_Y[65:70]
TIED_X[[3, 70]] = TIED_Y[[3, 8]] = 0
TIED_X[20:25, :6] = TIED_Y[12:15, :2] = 0
TIED_X[5] *= 1e6
TIED_Y[6] *= 1e-9
WEIGHTS = [np.geomspace(1, 0.2, D), np.ones(D)]
TRIPLES = {"x_ids": np.arange(N) // 3, "y_ids": np.arange(N) // 3}
# Some queries have no relevant item, others two.
SOME = {"x_ids": np.arange(N), "y_ids": np.arange(N) // 2 * 2}


def one_by_one(scorer, x, y, ids):
    return [[scorer.of_scores(x[:, :k] * w[:k], y[:, :k] * w[:k], **ids) for k in KS] for w in WEIGHTS]


@pytest.mark.parametrize("single", [False, True], ids=["double", "single"])
@pytest.mark.parametrize("rows", [(X, Y), (TIED_X, TIED_Y), (Y[:, :1].repeat(D, 1), 0 * Y)], ids=["", "ties", "zeros"])
@pytest.mark.parametrize("ids", [{}, TRIPLES, SOME], ids=["rows", "triples", "some"])
@pytest.mark.parametrize("direction", ["both", "y_to_x"])
@pytest.mark.parametrize("measure", ["hit_rate_at_3", "mean_reciprocal_rank", "median_rank"])
@pytest.mark.filterwarnings("ignore:.*no relevant item")
def test_nested_values_are_those_of_each_number(measure, direction, ids, rows, single, monkeypatch):
    if single:
        monkeypatch.setattr(_nested, "SINGLE_FROM", 0)
    scorer = make_retrieval_scorer(measure, direction=direction)
    found = nested_values(scorer, *rows, KS, WEIGHTS, **ids)
    assert_allclose(found, one_by_one(scorer, *rows, ids), rtol=1e-12)


@pytest.mark.parametrize("measure", ["mean_average_precision", "ndcg_at_5"])
def test_measures_of_all_matches_are_nested_where_there_is_one(measure):
    scorer = make_retrieval_scorer(measure)
    assert_allclose(nested_values(scorer, X, Y, KS, WEIGHTS), one_by_one(scorer, X, Y, {}), rtol=1e-12)
    assert nested_values(scorer, X, Y, KS, WEIGHTS, **TRIPLES) is None


def test_what_is_not_nested_is_left_to_the_search():
    far, labels = X * 1e90, {"x_ids": np.arange(N) % 2, "y_ids": np.arange(N) % 2}
    assert nested_values(make_retrieval_scorer("hit_rate_at_3"), far, Y, KS, WEIGHTS) is None
    assert nested_values(make_retrieval_scorer("hit_rate_at_3"), X, Y, KS, WEIGHTS, **labels) is None
    assert nested_values(make_retrieval_scorer("hit_rate_at_3", similarity="dot"), X, Y, KS, WEIGHTS) is None


@pytest.mark.parametrize("shape", [(90, 70), (70, 90)])
@pytest.mark.parametrize("n_rows", [8, 400], ids=["few rows", "many rows"])
@pytest.mark.parametrize("k", [3, 69, 70])
@pytest.mark.parametrize("smallest", [1e-2, 1e-7], ids=["clear", "faint"])
def test_projections_on_singular_vectors(shape, n_rows, k, smallest):
    rng = np.random.default_rng(1)
    U, V = (np.linalg.qr(rng.normal(size=(p, 70)))[0] for p in shape)
    K = U * np.geomspace(1, smallest, 70) @ V.T
    A, B = (rng.normal(size=(n_rows, p)) for p in shape)
    x, d, y = projected_svd(K, k, A, B)
    assert_allclose(d, np.geomspace(1, smallest, 70)[:k], rtol=1e-8)
    # Signs go together.
    signs = np.sign(np.einsum("ij,ij->j", y, B @ V[:, :k]))
    for found, expected in ((x, A @ U[:, :k]), (y, B @ V[:, :k])):
        assert_allclose(found * signs, expected, atol=1e-7 * np.sqrt(n_rows))


@pytest.mark.parametrize("smallest", [1e-2, 1e-5], ids=["clear", "faint"])
def test_rows_fewer_than_columns_by_their_gram_matrix(smallest):
    rng = np.random.default_rng(2)
    A = np.linalg.qr(rng.normal(size=(40, 40)))[0] * np.append(np.geomspace(1, smallest, 39), 0.0)
    A = A @ np.linalg.qr(rng.normal(size=(60, 40)))[0].T
    U, d, V = thin_svd(A)
    assert_allclose(d[:39], np.geomspace(1, smallest, 39), rtol=1e-9)
    assert_allclose(U * d @ V.T, A, atol=1e-12)
    assert_allclose(V.T @ V, np.eye(len(d)), atol=1e-9)


SEARCHES = {
    "CCACV": CCACV([1, 4], shrinkages=(0.5,), scoring="hit_rate_at_3"),
    "KernelCCACV": KernelCCACV([1, 4], width_factors=(1.0,), regularizations=(0.1,), scoring="hit_rate_at_3"),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_a_large_fold_is_searched_in_part(name):
    groups = np.arange(N) // 3
    search = SEARCHES[name].set_params(cv=2, max_gallery=12).fit(X, Y, groups=groups)
    results = search.cv_results_
    assert_array_equal(results["split1_n_gallery"], 12)
    again = SEARCHES[name].fit(X, Y, groups=groups).cv_results_
    assert_array_equal(again["mean_test_score"], results["mean_test_score"])
    whole = SEARCHES[name].set_params(max_gallery=None).fit(X, Y, groups=groups).cv_results_
    assert_array_equal(whole["split0_n_gallery"], N // 2)
    assert (whole["mean_test_score"] < results["mean_test_score"]).all()


@pytest.mark.parametrize("name", SEARCHES)
def test_rows_of_one_group_are_searched_together(name, monkeypatch):
    """All groups come whole, but for the last."""
    drawn = []
    searched = Items.searched
    monkeypatch.setattr(Items, "searched", lambda *given: drawn.append(searched(*given)) or drawn[-1])
    groups = np.arange(N) // 3
    SEARCHES[name].set_params(cv=2, max_gallery=11).fit(X, Y, groups=groups)
    for rows in drawn:
        assert len(rows) == 11
        assert (np.diff(rows) > 0).all()
        assert sorted(np.unique(groups[rows], return_counts=True)[1]) == [2, 3, 3, 3]
