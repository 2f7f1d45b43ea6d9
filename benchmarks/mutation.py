"""Which mistakes would the tests miss? Mutants of the package, each with one small mistake, against its tests.

    python benchmarks/mutation.py linalg metrics/ranks.py --n-mutants 100 --seed 0

Places are drawn uniformly from all there are in a folder, then one of the mistakes possible there: a comparison,
operator, sign, number, bound of a slice or extreme exchanged, a condition turned round, a statement left out.
Documentation, messages, annotations and imports are no such places.

All tests run once, to learn which lines each executes (kept for later runs while no source changes). A mutant, in a
copy of the package in a temporary folder, then meets the tests that execute its lines, the quickest file first, in a
forked process that has the large packages imported already. Those not listed at the end were killed. "Suspect" are
survivors that likely change no result: constants of a module, most of them sizes, and arguments such as check_finite.
Needs Python 3.12, for `sys.monitoring`, and a system that forks.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import os
import pickle
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from harness import FOLDER, OURS, Row, write
from mutants import Line, Place, places_in

REPOSITORY = FOLDER.parent
LEARNED = FOLDER / "results" / "mutation-lines.pickle"
# Imported before forking: large, and without threads of their own.
SHARED = (
    "scipy.stats",
    "scipy.sparse.linalg",
    "scipy.spatial",
    "sklearn.cross_decomposition",
    "sklearn.model_selection",
)
OPTIONS = ("-q", "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib", "--rootdir", str(REPOSITORY))
# Processor seconds that a mutant gets beyond three times those of its tests; seconds by the clock for each of these.
SLACK, PATIENCE = 20.0, 10
MEMORY = 8 * 2**30
KILLED, TIMEOUT, SURVIVED, SUSPECT, UNSEEN = "killed", "timeout", "survived", "survived, suspect", "not executed"


class Learner:
    """A pytest plugin that notes how long each test that passes takes, and the lines of the package it executes."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder) + os.sep
        self.lines, self.passed = set[Line](), False
        self.seconds: dict[str, float] = {}
        self.tests_of: dict[Line, list[str]] = defaultdict(list)
        monitor = sys.monitoring
        monitor.use_tool_id(monitor.COVERAGE_ID, "mutation")
        monitor.register_callback(monitor.COVERAGE_ID, monitor.events.LINE, self._line)
        monitor.set_events(monitor.COVERAGE_ID, monitor.events.LINE)

    def _line(self, code: Any, line: int) -> Any:
        if code.co_filename.startswith(self.folder):
            self.lines.add((code.co_filename.removeprefix(self.folder), line))
        return sys.monitoring.DISABLE

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        self.lines, self.passed = set(), False
        sys.monitoring.restart_events()
        start = time.process_time()
        result = yield
        if self.passed:
            self.seconds[item.nodeid] = time.process_time() - start
            for line in self.lines:
                self.tests_of[line].append(item.nodeid)
        return result

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call":
            self.passed = report.passed


class Chosen:
    """A pytest plugin that runs only some tests, the quickest first."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.seconds = seconds

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = sorted((item for item in items if item.nodeid in self.seconds), key=lambda i: self.seconds[i.nodeid])


def forked(task: Callable[[], int], cpu_seconds: float) -> str:
    """Run a task in a process of its own: what it leaves behind, or hangs in, ends with it."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
        signal.alarm(int(PATIENCE * cpu_seconds))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        code = 1
        with suppress(BaseException):
            code = task()
        os._exit(code)
    _, status = os.waitpid(child, 0)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGALRM):
        return TIMEOUT
    return SURVIVED if status == 0 else KILLED


def learn(folder: Path, files: list[Path]) -> tuple[dict[str, float], dict[Line, list[str]]]:
    """Seconds of each test, and the tests that execute each line; from the last run if nothing has changed since."""
    sources = sorted(folder.rglob("*.py")) + sorted((REPOSITORY / "tests").glob("*.py")) + files
    state = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    if not LEARNED.exists() or pickle.loads(LEARNED.read_bytes())[0] != state:
        print(f"… running {len(files)} files of tests once", file=sys.stderr, flush=True)

        def task() -> int:
            learner = Learner(folder)
            pytest.main([*map(str, files), *OPTIONS], plugins=[learner])
            LEARNED.parent.mkdir(exist_ok=True)
            LEARNED.write_bytes(pickle.dumps((state, learner.seconds, dict(learner.tests_of))))
            return 0

        if forked(task, cpu_seconds=3 * 3600) != SURVIVED:
            raise SystemExit("The tests could not be run; try python -m pytest tests.")
    _, seconds, tests_of = pickle.loads(LEARNED.read_bytes())
    return seconds, tests_of


def by_file(tests: Iterable[str], seconds: dict[str, float], budget: float) -> dict[str, dict[str, float]]:
    """Files with their tests and seconds, the quickest first, as many as take no longer than the budget together."""
    files: dict[str, dict[str, float]] = defaultdict(dict)
    for test in tests:
        files[test.partition("::")[0]][test] = seconds[test]
    chosen: dict[str, dict[str, float]] = {}
    total = 0.0
    for file, its in sorted(files.items(), key=lambda pair: sum(pair[1].values())):
        total += sum(its.values())
        if total > budget and chosen:
            break
        chosen[file] = its
    return chosen


def outcome(place: Place, mistake: str, folder: Path, number: int, chosen: dict[str, dict[str, float]]) -> str:
    """Whether the tests notice the mistake, made in the copy of the package."""
    path = folder / place.file
    source = path.read_bytes()

    def task() -> int:
        return int(
            any(
                pytest.main([file, "-x", *OPTIONS], plugins=[Chosen(its)]) not in (0, 5) for file, its in chosen.items()
            )
        )

    path.write_bytes(source[: place.start] + mistake.encode() + source[place.end :])
    # Compiled files are told apart by whole seconds and size alone.
    os.utime(path, (number, number))
    try:
        return forked(task, 3 * sum(sum(its.values()) for its in chosen.values()) + SLACK)
    finally:
        path.write_bytes(source)
        os.utime(path, (0, 0))


def survey(named: str, folder: Path, learned: tuple[Any, Any], arguments: argparse.Namespace) -> Iterable[Row]:
    """Draw mutants of a folder or file and try them, one row each."""
    seconds, tests_of = learned
    rng = random.Random(arguments.seed)
    places = places_in(folder, OURS, named)
    for number, place in enumerate(rng.sample(places, min(arguments.n_mutants, len(places))), start=1):
        mistake, start = rng.choice(place.instead), time.perf_counter()
        tests = {test for line in place.seen_from for test in tests_of.get(line, ())}
        chosen = by_file(tests, seconds, arguments.seconds)
        found = outcome(place, mistake, folder, number, chosen) if chosen else UNSEEN
        was = (folder / place.file).read_bytes()[place.start : place.end].decode()
        yield {
            "folder": named,
            "place": f"{place.file}:{place.line}",
            "was": was,
            "now": mistake,
            "outcome": SUSPECT if found == SURVIVED and place.is_suspect else found,
            "tests": sum(map(len, chosen.values())),
            "left_out": len(tests) - sum(map(len, chosen.values())),
            "seconds": round(time.perf_counter() - start, 1),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", help="folders or files of the package, such as linalg")
    parser.add_argument("--n-mutants", type=int, default=100, help="of each folder (default: 100)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60.0, help="processor time of a mutant's tests (default: 60)")
    parser.add_argument("--tests", nargs="+", type=Path, help="only these files of tests (default: tests/test_*.py)")
    parser.add_argument("--output", type=Path, default=FOLDER / "results" / "mutation.json")
    arguments = parser.parse_args()
    arguments.quick = False
    # pyarrow, which comes with pandas, has a thread; nothing here waits for it.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    for name in SHARED:
        importlib.import_module(name)
    files = [path.resolve() for path in arguments.tests or sorted((REPOSITORY / "tests").glob("test_*.py"))]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        shutil.copytree(REPOSITORY / OURS, folder / OURS, ignore=shutil.ignore_patterns("__pycache__"))
        os.environ |= {"PYTHONPATH": name, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "MPLBACKEND": "agg"}
        sys.path.insert(0, name)
        sys.pycache_prefix = str(folder / "compiled")
        os.chdir(REPOSITORY)
        learned = learn(folder, files)
        rows: list[Row] = []
        for named in arguments.folders:
            for row in survey(named, folder, learned, arguments):
                rows.append(row)
                write(rows, arguments)
                if row["outcome"] != KILLED:
                    print("{outcome}: {place}: {was}  →  {now}  ({tests} tests)".format(**row), flush=True)
    for named in arguments.folders:
        counts = Counter(row["outcome"] for row in rows if row["folder"] == named)
        share = (counts[KILLED] + counts[TIMEOUT]) / counts.total()
        print(
            f"{named}: {share:.0%} of {counts.total()} mutants killed ({', '.join(f'{counts[o]} {o}' for o in counts)})"
        )
    print(f"written to {arguments.output}")


if __name__ == "__main__":
    main()
