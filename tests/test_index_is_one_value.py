"""A fitted index is one value: searches see one whole gallery, nobody writes to it, and none is copied."""

import copy
import pickle
import sys
import threading
import time
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
from linear_models import pairs
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError

from crossmodal_cca import CCA
from crossmodal_cca.retrieval import CrossModalIndex

X, Y = pairs(300)
CCA_MODEL = CCA(3, shrinkage=0.1).fit(X, Y)
OTHER_MODEL = CCA(2, shrinkage=0.5).fit(X[:100], Y[:100])
CORRECTED = CrossModalIndex(CCA_MODEL, hubness="csls", center=True)


def refitted(gallery, **parameters):
    def change(index):
        index.set_params(**parameters).fit(gallery, query_bank=X if index.center or index.hubness else None)

    return change


def refused(index):
    with suppress(ValueError):
        index.add(np.full((2, Y.shape[1]), np.nan))
    with suppress(ValueError):
        index.set_params(similarity="dot").fit(Y, query_bank=None, ids=[1, 2])


CHANGES = [
    refitted(Y[:200], aligner=CCA_MODEL, similarity="cosine", center=False, modality="y"),
    lambda index: index.add(Y[200:260]),
    refused,
    lambda index: index.remove(index.ids_[::7]),
    refitted(Y[100:], aligner=OTHER_MODEL, similarity="dot", hubness="csls"),
    lambda index: index.add(Y[:100]),
    lambda index: index.remove(range(0, 200, 3)),
    refitted(Y[:250], aligner=CCA_MODEL, similarity="euclidean", hubness=None, center=True),
    lambda index: index.add(Y[250:]),
]


def answer(index):
    try:
        return tuple(part.tobytes() for part in index.kneighbors(X[::10], 5))
    except Exception as error:
        return repr(error)


@pytest.fixture
def many_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("many_switches")
def test_a_search_beside_changes_answers_as_one_of_the_galleries_did():
    index, answers, seen, ended = CrossModalIndex(), [], [], threading.Event()
    for change in CHANGES:
        change(index)
        answers.append(answer(index))
    assert len(set(answers)) == len(CHANGES) - 1  # as one of the changes is refused

    def search():
        while not ended.is_set():
            seen.append(answer(index))

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    for change in 2 * CHANGES:
        change(index)
        n = len(seen)
        while len(seen) < n + 3:  # so that each gallery is found by one search at least
            time.sleep(1e-4)
    ended.set()
    for thread in threads:
        thread.join()
    assert set(seen) == set(answers)


def test_what_was_fitted_cannot_be_written_to():
    ids = np.array([f"item {i}" for i in range(300)])
    index = copy.copy(CORRECTED).fit(Y, ids, query_bank=X)
    expected = answer(index)
    ids[:] = "another"  # the user's own
    for name in ("embeddings_", "ids_", "gallery_mean_", "query_mean_", "bank_embeddings_"):
        for again in (index, pickle.loads(pickle.dumps(index)), copy.deepcopy(index)):
            with pytest.raises(ValueError, match="read-only"):
                getattr(again, name)[:1] = getattr(again, name)[1:2]
            with pytest.raises(AttributeError):
                setattr(again, name, getattr(again, name))
            assert answer(again) == expected
        with pytest.raises(NotFittedError):
            getattr(CrossModalIndex(), name)
    assert not hasattr(CrossModalIndex().fit(Y), "bank_embeddings_")


def test_copies_of_an_index_go_on_by_themselves():
    index = CrossModalIndex(CCA_MODEL).fit(Y[:100]).add(Y[100:110])
    before, others = answer(index), [copy.copy(index), copy.deepcopy(index), pickle.loads(pickle.dumps(index))]
    for i, each in enumerate(others, 110):
        each.add(Y[i : i + 20])
    assert answer(index) == before
    for i, each in enumerate(others, 110):
        alone = CrossModalIndex(CCA_MODEL).fit(np.vstack((Y[:110], Y[i : i + 20])))
        assert_array_equal(each.embeddings_, alone.embeddings_)
        assert answer(each) == answer(alone)


def bytes_of(call):
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize(
    "settings",
    [{}, {"hubness": "csls", "hubness_neighbors": 1}, {"similarity": "euclidean"}],
    ids=["plain", "csls", "euclidean"],
)
def test_a_search_and_an_addition_copy_little_of_the_gallery(settings):
    rows = np.random.default_rng(0).normal(size=(4000, 128)).astype(np.float32)
    index = CrossModalIndex(**settings).fit(rows, query_bank=rows[:10] if "hubness" in settings else None)
    index.add(rows[:1]).kneighbors(rows[:1], 1, within=1)  # looks over the ids
    for call in (
        lambda: index.kneighbors(rows[:1]),
        lambda: index.kneighbors(rows[:1], within=index.ids_[5:]),
        lambda: index.add(rows[:1]),
    ):
        assert bytes_of(call) < index.embeddings_.nbytes / 4


@pytest.mark.parametrize("similarity", ["cosine", "dot", "euclidean"])
def test_a_gallery_of_many_steps_is_one_of_a_single_fit(similarity):
    """Also where later rows are far larger than the first, and where few of the first are left."""
    rng = np.random.default_rng(1)
    rows = (rng.normal(size=(600, 6)) * np.repeat([1e-3, 1.0, 1e3], 200)[:, None]).astype(np.float32)
    index = CrossModalIndex(similarity=similarity).fit(rows[:3])
    for start in range(3, 600, 40):
        index.add(rows[start : start + 40])
    queries = rows[::50] + rng.normal(size=(12, 6)).astype(np.float32)
    for kept in (slice(0, 600), slice(450, 600)):
        ids = np.arange(600)[kept]
        alone = CrossModalIndex(similarity=similarity).fit(rows[kept], ids)
        for one, other in zip(index.kneighbors(queries, 4, within=ids), alone.kneighbors(queries, 4), strict=True):
            assert_array_equal(one, other)
        index.remove(np.setdiff1d(index.ids_, ids))
        for one, other in zip(index.kneighbors(queries, 4), alone.kneighbors(queries, 4), strict=True):
            assert_array_equal(one, other)
