"""Progress is one line in a terminal, a few in a file, and nothing unless asked for."""

import io

import numpy as np
import pytest

from crossmodal_cca import CCA, _progress
from crossmodal_cca._progress import Progress
from crossmodal_cca.metrics import retrieval_ranks, retrieval_report, shuffled_pair_control
from crossmodal_cca.retrieval import CrossModalIndex

X = np.random.default_rng(0).normal(size=(60, 4))


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A second passes at every look."""
    times = iter(range(10_000))
    monkeypatch.setattr(_progress.time, "monotonic", lambda: float(next(times)))


@pytest.mark.usefixtures("clock")
def test_a_terminal_shows_one_line_that_is_rewritten(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    with Progress("queries", 3000, 1) as progress:
        for done in (1000, 2000, 3000):
            progress.update(done)
    lines = terminal.getvalue().split("\r")
    assert lines[0] == ""
    assert lines[1] == "1,000 of 3,000 queries (33%), 1.0 s, about 2.0 s left"
    assert lines[3].startswith("3,000 of 3,000 queries (100%), 3.0 s")
    # A shorter text covers the longer one before it.
    assert len(lines[3].rstrip("\n")) >= len(lines[2])
    assert terminal.getvalue().endswith("\n")


def test_a_file_gets_a_line_at_every_tenth(capsys):
    with Progress("fits", 1000, 1) as progress:
        for done in range(1, 1001):
            progress.update(done)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("100 of 1,000 fits (10%)")
    assert lines[-1].startswith("1,000 of 1,000 fits (100%)")


def test_a_notebook_is_rewritten_like_a_terminal(monkeypatch):
    stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    monkeypatch.setattr("sys.stdout", stream)
    with Progress("fits", 1, 1) as progress:
        progress.update(1)
    assert stream.getvalue().startswith("\r1 of 1 fits")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (10, "10 s"), (61, "1 min 01 s"), (3599.6, "60 min 00 s")]
)
def test_durations(seconds, text):
    assert _progress._duration(seconds) == text


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda v: retrieval_ranks(X, X, verbose=v), "queries ranked"),
        (lambda v: retrieval_report(X, X, verbose=v), "queries ranked"),
        (lambda v: CrossModalIndex(verbose=v).fit(X).kneighbors(X), "queries searched"),
        (
            lambda v: shuffled_pair_control(CCA(1), X, X[:, :2], X, X[:, :2], n_shuffles=2, verbose=v),
            "fits to shuffled",
        ),
    ],
)
def test_work_that_lasts_speaks_only_when_asked(call, what, capsys):
    call(0)
    assert capsys.readouterr().out == ""
    call(1)
    assert what in capsys.readouterr().out
