"""Items that `exclude` leaves out count as if the gallery did not hold them."""

import inspect
import warnings
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from crossmodal_cca import metrics
from crossmodal_cca.metrics import (
    compare_retrieval,
    hit_rate_at_k,
    mean_average_precision,
    per_query,
    query_report,
    retrieval_ranks,
    retrieval_report,
    shuffled_pair_control,
)
from crossmodal_cca.metrics.measures import MEASURES

RNG = np.random.default_rng(0)
N_QUERIES, N_ITEMS = 14, 40
QUERIES, GALLERY = RNG.normal(size=(N_QUERIES, 3)), RNG.normal(size=(N_ITEMS, 3))
GALLERY[20:26] = GALLERY[5:11]  # ties
ASKED, LABELS = RNG.integers(0, 3, N_QUERIES), RNG.integers(0, 3, N_ITEMS)
GRADES = RNG.integers(0, 4, (N_QUERIES, N_ITEMS)) * (RNG.random((N_QUERIES, N_ITEMS)) < 0.4)
FEW = np.eye(N_QUERIES, N_ITEMS, dtype=int) + np.eye(N_QUERIES, N_ITEMS, 20, dtype=int)
EXCLUDED = RNG.random((N_QUERIES, N_ITEMS)) < 0.3
EXCLUDED[:, 0] = True  # an item that nobody has in the list
RELEVANT = {
    "ids": {"query_ids": ASKED, "gallery_ids": LABELS},
    "grades": {"relevance": GRADES},
    "sparse grades": {"relevance": sparse.csr_array(GRADES)},
    "flags": {"relevance": GRADES > 0},
    "one or two": {"relevance": FEW},
}
TABLES = {
    "dense": np.asarray,
    "by columns": np.asfortranarray,
    "sparse": sparse.csr_matrix,
    "coordinates": sparse.coo_array,
    "numbers": lambda table: table.astype(float),
    "lists": lambda table: table.tolist(),
    "dataframe": pd.DataFrame,
}


def by_hand(measure, relevant, excluded=EXCLUDED, **options):
    """Each query in a gallery of its own."""
    values = []
    for i, out in enumerate(excluded):
        if "relevance" in relevant:
            table = relevant["relevance"]
            own = {"relevance": (table.toarray() if sparse.issparse(table) else table)[[i]][:, ~out]}
            any_left = own["relevance"].any()
        else:
            own = {"query_ids": relevant["query_ids"][[i]], "gallery_ids": relevant["gallery_ids"][~out]}
            any_left = own["query_ids"] in own["gallery_ids"]
        if not any_left:
            values.append(np.nan)
            continue
        values.append(per_query(measure, QUERIES[[i]], GALLERY[~out], **own, **options)[0])
    return np.array(values)


@pytest.mark.parametrize("kind", RELEVANT)
@pytest.mark.parametrize("measure", MEASURES)
def test_items_left_out_count_as_deleted(measure, kind):
    """Every measure and every kind meets both similarities, in turn."""
    similarity = ("cosine", "euclidean")[(list(MEASURES).index(measure) + list(RELEVANT).index(kind)) % 2]
    relevant = RELEVANT[kind]
    for cutoff in ({"k": None}, {"k": 3}) if "k" in MEASURES[measure].options else ({},):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of queries all of whose relevant items are left out
            found = per_query(measure, QUERIES, GALLERY, **relevant, **cutoff, exclude=EXCLUDED, similarity=similarity)
        assert_allclose(found, by_hand(measure, relevant, **cutoff, similarity=similarity))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tables_of_any_kind_mean_the_same(table, dtype):
    rows = QUERIES.astype(dtype), GALLERY.astype(dtype)
    expected = retrieval_ranks(*rows, **RELEVANT["ids"], exclude=EXCLUDED)
    assert (expected != retrieval_ranks(*rows, **RELEVANT["ids"])).any()
    given = TABLES[table](EXCLUDED)
    assert_array_equal(retrieval_ranks(*rows, **RELEVANT["ids"], exclude=given), expected)
    if find_spec("dask"):
        import dask
        import dask.array as da

        with dask.config.set(scheduler="synchronous"):
            lazy = da.from_array(rows[1], (9, 3))
            for queries in (rows[0], da.from_array(rows[0], (5, 3))):
                assert_array_equal(retrieval_ranks(queries, lazy, **RELEVANT["ids"], exclude=given), expected)


def test_the_query_itself():
    labels = np.repeat(np.arange(10), 4)
    x = RNG.normal(size=(40, 5))
    others = ~np.eye(40, dtype=bool)
    distances = np.linalg.norm(x[:, None] - x, axis=2)
    nearest = np.array([labels[own][d[own].argmin()] for d, own in zip(distances, others, strict=True)])
    options = {"query_ids": labels, "gallery_ids": labels, "similarity": "euclidean"}
    assert hit_rate_at_k(x, x, k=1, **options) == 1
    assert_allclose(hit_rate_at_k(x, x, k=1, **options, exclude="self"), np.mean(nearest == labels))
    table = mean_average_precision(x, x, **options, exclude=~others)
    assert mean_average_precision(x, x, **options, exclude="self") == table


def test_reports_count_what_is_in_the_lists():
    labels = np.repeat(np.arange(5), 8)
    x, y = (RNG.normal(size=(40, 3)) for _ in range(2))
    options = {"x_ids": labels, "y_ids": labels, "exclude": "self", "measures": ["hit_rate_at_1", "recall_at_3"]}
    report = retrieval_report(x, y, **options, n_resamples=0)
    assert (report["n_gallery"] == 39).all()
    # 7 of the 39 others are right.
    assert_allclose(report["chance"], [7 / 39, 3 / 39] * 2)
    back = per_query("recall_at_3", y, x, query_ids=labels, gallery_ids=labels, exclude="self").mean()
    assert_allclose(report.loc[("y to x", "recall_at_3"), "value"], back)
    compared = compare_retrieval((x, y), (y, x), **options, n_resamples=0)
    assert (compared["n_gallery"] == 39).all()
    assert_allclose(compared["value"], report["value"])


def test_lists_of_different_lengths_have_their_own_chance():
    x, y = QUERIES, RNG.normal(size=(N_ITEMS, 3))
    options = {"relevance": FEW > 0, "exclude": EXCLUDED, "measures": ["hit_rate_at_1"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = retrieval_report(x, y, **options, n_resamples=0)
    for direction, out, relevant in (("x to y", EXCLUDED, FEW), ("y to x", EXCLUDED.T, FEW.T)):
        left = ((relevant > 0) & ~out).sum(axis=1)
        row = report.loc[(direction, "hit_rate_at_1")]
        in_list = (~out).sum(axis=1)[left > 0]
        assert_allclose(row["n_gallery"], in_list.mean())
        assert_allclose(row["chance"], np.mean(left[left > 0] / in_list))
        assert row["n_queries"] == np.sum(left > 0)


def test_a_query_whose_relevant_items_are_all_left_out_is_left_out():
    excluded = np.zeros((N_QUERIES, N_ITEMS), dtype=bool)
    excluded[3] = ASKED[3] == LABELS
    excluded[5] = True
    with pytest.warns(UserWarning, match="2 of 14 queries have no relevant item"):
        report = query_report(QUERIES, GALLERY, **RELEVANT["ids"], exclude=excluded)
    assert_array_equal(np.flatnonzero(report["rank"].isna()), [3, 5])
    assert_array_equal(report["n_relevant"], np.sum((ASKED[:, None] == LABELS) & ~excluded, axis=1))


def test_a_control_leaves_the_same_items_out():
    from crossmodal_cca import CCA

    X, y = (RNG.normal(size=(60, n)) for n in (4, 3))
    labels = np.repeat(np.arange(5), 6)
    options = {"x_ids": labels, "y_ids": labels, "measures": ["hit_rate_at_1"], "n_shuffles": 1, "random_state": 0}
    table = shuffled_pair_control(CCA(2), X[:30], y[:30], X[30:], y[30:], **options, exclude="self")
    assert (table["n_gallery"] == 29).all()
    assert_allclose(table["chance"], 5 / 29)


BAD = {
    "another word": ("itself", ValueError, r"exclude must be 'self', None or a table .* got 'itself'"),
    "self of two galleries": ("self", ValueError, "exclude='self' .* got 14 queries and 40 gallery items"),
    "another shape": (EXCLUDED.T, ValueError, r"exclude must have a row for each query .* \(14, 40\); got \(40, 14\)"),
    "positions": (np.arange(N_QUERIES), ValueError, r"\(14, 40\); got \(14,\)"),
    "one row": (EXCLUDED[0], ValueError, r"exclude must have a row for each query .* \(14, 40\); got \(40,\)"),
    "a flag": (True, ValueError, r"exclude must have a row for each query .* \(14, 40\); got \(\)"),
    "similarities": (np.full(EXCLUDED.shape, 0.5), ValueError, "exclude must be a table of True and False"),
    "sparse grades": (sparse.csr_array(2 * EXCLUDED), ValueError, "exclude must be a table of True and False"),
    "missing": (np.where(EXCLUDED, np.nan, 0), ValueError, "exclude contains NaN"),
    "everything": (np.ones_like(EXCLUDED), ValueError, "exclude leaves out all that is relevant"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_tables_are_refused(case):
    given, error, message = BAD[case]
    with pytest.raises(error, match=message):
        retrieval_ranks(QUERIES, GALLERY, **RELEVANT["ids"], exclude=given)


@pytest.mark.parametrize("row", [0, -1])
def test_every_entry_of_a_large_table_is_looked_at(row):
    """More entries than are looked at in one piece."""
    x = np.arange(600.0)[:, None]
    excluded = np.zeros((600, 600), dtype=np.int8)
    excluded[row, 1] = 1
    ranks = retrieval_ranks(x, x, similarity="euclidean", exclude=excluded)
    assert_array_equal(ranks, np.ones(600))
    excluded[row, 1] = 2
    with pytest.raises(ValueError, match="got other numbers, of type int8"):
        retrieval_ranks(x, x, similarity="euclidean", exclude=excluded)


def test_every_metric_takes_it():
    functions = [getattr(metrics, name) for name in metrics.__all__]
    asked = [f for f in functions if {"relevance"} & set(inspect.signature(f).parameters)]
    assert len(asked) >= 12
    assert all("exclude" in inspect.signature(f).parameters for f in asked)
