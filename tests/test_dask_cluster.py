"""A cluster of two worker processes: the same model, also beyond their memory and when one of them dies."""

import contextlib
import os
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from linear_models import pairs
from numpy.testing import assert_array_equal

from crossmodal_cca import CCA
from crossmodal_cca.metrics import retrieval_ranks
from crossmodal_cca.retrieval import CrossModalIndex, search_shards

pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")

# Workers start with the path of this process, and import this file for what they are to run.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

X, Y = pairs(2000)
WORKER_BYTES = 500_000_000


@pytest.fixture(scope="module", autouse=True)
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, memory_limit=WORKER_BYTES, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(autouse=True)
def nothing_waits_forever(client):
    """A cluster that has lost its workers waits for others: end that with an error."""
    timer = threading.Timer(120, client.close)
    timer.start()
    yield
    timer.cancel()


def test_two_processes_give_the_model_of_the_rows(client):
    A, B = da.from_array(X, (90, 5)), da.from_array(Y, (200, 6))
    fitted, whole = CCA(3).fit(A, B), CCA(3).fit(X, Y)
    np.testing.assert_allclose(fitted.coef_, whole.coef_, atol=1e-9)
    np.testing.assert_allclose(fitted.transform(A).compute(), whole.transform(X), atol=1e-9)
    assert fitted.score(A, B) == pytest.approx(whole.score(X, Y))


def test_two_processes_search_a_gallery(client):
    queries, gallery = CCA(3).fit(X, Y).transform(X, Y)
    lazy = da.from_array(gallery, (300, 3))
    assert_array_equal(retrieval_ranks(queries, lazy), retrieval_ranks(queries, gallery))
    expected = CrossModalIndex().fit(gallery).kneighbors(queries, 5)
    for one, other in zip(search_shards(queries, lazy, 5), expected, strict=True):
        assert_array_equal(one, other)


def test_bad_rows_on_a_worker_are_the_usual_error(client):
    bad = X.copy()
    bad[1900, 2] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        CCA(3).fit(da.from_array(bad, (90, 8)), da.from_array(Y, (90, 6)))


def deadly_once(block, flag):
    with contextlib.suppress(FileExistsError):
        os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
        os._exit(1)
    return block


def test_a_worker_that_dies_costs_time_not_the_result(client, tmp_path):
    flag = str(tmp_path / "died")
    A, B = (
        da.from_array(X, (100, 8)).map_blocks(deadly_once, flag=flag, dtype=X.dtype, meta=X[:0]),
        da.from_array(Y, (100, 6)),
    )
    fitted = CCA(3).fit(A, B)
    assert os.path.exists(flag)
    np.testing.assert_allclose(fitted.coef_, CCA(3).fit(X, Y).coef_, atol=1e-9)


def made_rows(block_id, width, rows):
    """Rows that no one holds, from the number of their block alone; four factors are in both sides."""
    shared = np.random.default_rng(block_id[0]).standard_normal((rows // 16, 4))
    noise = np.random.default_rng([block_id[0], width]).standard_normal((rows // 16, width))
    noise[:, :4] += 2 * shared
    return np.tile(noise, (16, 1))


def test_rows_beyond_the_memory_of_a_worker_are_never_together(client):
    rows, n_blocks, widths = 16384, 24, (128, 64)
    sides = [
        da.map_blocks(
            made_rows, chunks=((rows,) * n_blocks, (p,)), width=p, rows=rows, dtype=float, meta=np.empty((0, 0))
        )
        for p in widths
    ]
    assert sum(side.nbytes for side in sides) > 1.2 * WORKER_BYTES
    pids = client.run(os.getpid)
    tracemalloc.start()
    fitted = CCA(4).fit(*sides)
    captured = fitted.score(*sides)
    scores = fitted.transform(sides[0])[: 2 * rows].compute()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Of a feature's variance 1 + 4 the part shared is 4; deviations are (1 − .8²) / √24,576 rows that differ.
    np.testing.assert_allclose(fitted.correlations_, 0.8, atol=0.01)
    assert captured == pytest.approx(fitted.correlations_.sum(), abs=1e-9)
    assert scores.shape == (2 * rows, 4)
    assert fitted.n_samples_seen_ == rows * n_blocks
    assert peak < 30e6
    assert pids.items() <= client.run(os.getpid).items()  # no worker was killed for its memory
