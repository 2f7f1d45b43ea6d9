"""Rows that stay on disk: memory is that of blocks, of features squared, and of what is returned."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from linear_models import models, pairs
from sklearn.base import clone

from crossmodal_cca import CCA, PairMoments, PLSRegression
from crossmodal_cca.rows import _blocks

N, P, Q, BLOCK = 16_000, 96, 32, 512
# Some blocks of doubles, and a few numbers for each row (weights, positions).
ALLOWED = 6 * BLOCK * (P + Q) * 8 + 5 * N * 8


@pytest.fixture(scope="module", params=["float32", "fortran", "float16", "strided"])
def on_disk(request, tmp_path_factory):
    """Memory-mapped pairs, several times as large as the memory allowed."""
    folder, kind = tmp_path_factory.mktemp("rows"), request.param
    rng = np.random.default_rng(0)
    dtype, step = ("float16", 1) if kind == "float16" else ("float32", 2 if kind == "strided" else 1)
    base = rng.standard_normal((N // 10, P + Q)).astype(dtype)
    base[:, P:] += base[:, :Q]
    sides = []
    for name, part in (("x", base[:, :P]), ("y", base[:, P:])):
        shape = (step * N, part.shape[1])
        path = folder / f"{name}.npy"
        mapped = np.lib.format.open_memmap(path, "w+", dtype, shape, fortran_order=kind == "fortran")
        for start in range(0, N, len(part)):
            mapped[step * start : step * (start + len(part)) : step] = part
        mapped.flush()
        sides.append(np.load(path, mmap_mode="r")[::step])
    return sides


def peak_of(call):
    """Bytes allocated at once during the call: NumPy reports its arrays, memory maps are none of them."""
    tracemalloc.start()
    try:
        result = call()
        return result, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


WEIGHTS = np.arange(N) % 3
CALLS = {
    "fit": lambda X, Y: CCA(4).fit(X, Y),
    "fit by svd": lambda X, Y: CCA(4, solver="svd").fit(X, Y),
    "fit with weights": lambda X, Y: CCA(4).fit(X, Y, sample_weight=WEIGHTS),
    "partial_fit": lambda X, Y: PLSRegression(4).partial_fit(X, Y),
    "moments": PairMoments.from_arrays,
    "transform": lambda X, Y: model().transform(X),
    "transform_y": lambda X, Y: model().transform_y(Y),
    "score": lambda X, Y: model().score(X, Y),
    "score with weights": lambda X, Y: model().score(X, Y, sample_weight=WEIGHTS),
    "r2": lambda X, Y: model(PLSRegression(4)).score(X, Y),
    "predict": lambda X, Y: model(PLSRegression(4)).predict(X),
}


def model(estimator=None):
    return (estimator or CCA(4)).fit(*pairs(300, P, Q))


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_call_holds_the_rows(on_disk, call, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK_ROWS", BLOCK)
    X, Y = on_disk
    assert max(X.dtype.itemsize, 4) * N * (P + Q) > 2 * ALLOWED
    result, peak = peak_of(lambda: call(X, Y))
    assert peak < ALLOWED + (result.nbytes if isinstance(result, np.ndarray) else 0)


def test_a_file_gives_the_model_of_its_rows(on_disk):
    X, Y = on_disk
    held = CCA(4).fit(np.ascontiguousarray(X), np.ascontiguousarray(Y))
    # Products in single precision, whose sums another layout takes in another order.
    np.testing.assert_allclose(CCA(4).fit(X, Y).coef_, held.coef_, atol=1e-5)
    np.testing.assert_allclose(held.transform(X), held.transform(np.ascontiguousarray(X)), atol=1e-5)


@models()
def test_scores_of_many_blocks_are_those_of_one(model, monkeypatch):
    X, Y = pairs(300)
    w = np.random.default_rng(0).integers(0, 3, len(X))
    w[:40] = 0  # some blocks without any weight
    fitted = clone(model).fit(X, Y)

    def scores():
        return fitted.score(X, Y), fitted.score(X.tolist(), Y.tolist()), fitted.score(X, Y, sample_weight=w)

    whole = scores()
    monkeypatch.setattr(_blocks, "BLOCK_ROWS", 7)
    assert scores() == pytest.approx(whole, rel=1e-12)
    with pytest.raises(ValueError, match="X has 300 rows and y has 299"):
        fitted.score(X, Y[:-1])


@models()
def test_rows_without_weight_are_left_out_block_by_block(model, monkeypatch):
    X, Y = pairs(300)
    w = np.random.default_rng(0).integers(0, 3, len(X))
    spoiled = X.copy()
    spoiled[w == 0] = np.nan
    expected = clone(model).fit(X[w > 0], Y[w > 0], sample_weight=w[w > 0])
    monkeypatch.setattr(_blocks, "BLOCK_ROWS", 7)
    np.testing.assert_allclose(clone(model).fit(spoiled, Y, sample_weight=w).coef_, expected.coef_, atol=1e-10)


def mapped_bytes():
    """Bytes of files that are mapped into this process and resident."""
    status = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in status if line.startswith("RssFile"))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell what is resident")
def test_pages_of_a_file_are_let_go(tmp_path):
    rows = np.random.default_rng(0).standard_normal((60_000, 64))
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    cca = CCA(4).fit(rows[:, :40], rows[:, 40:])
    before = mapped_bytes()
    for call in (cca.partial_fit, cca.score, cca.transform):
        call(mapped[:, :40], mapped[:, 40:])
        assert mapped_bytes() - before < mapped.nbytes / 3
    # What is let go is not lost: neither to the reader, nor of a private map's own changes.
    np.testing.assert_array_equal(mapped, rows)
    private = np.load(tmp_path / "rows.npy", mmap_mode="c")
    private[::2] *= 2
    fitted = CCA(4).fit(private[:, :40], private[:, 40:])
    rows[::2] *= 2
    np.testing.assert_array_equal(private, rows)
    np.testing.assert_allclose(fitted.coef_, CCA(4).fit(rows[:, :40], rows[:, 40:]).coef_, atol=1e-12)
