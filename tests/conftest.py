"""What every test leaves behind is cleared away, and a run may take some cases of each test only."""

import sys
from collections import defaultdict
from random import Random

import pytest


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def pytest_addoption(parser):
    parser.addoption(
        "--at-most",
        type=int,
        metavar="N",
        help="run at most N cases of each test, others of the same table for each test; what is left out is deselected",
    )


def pytest_collection_modifyitems(config, items):
    n_cases = config.getoption("at_most", None)
    if n_cases is None:
        return
    cases = defaultdict(list)
    for item in items:
        cases[item.nodeid.partition("[")[0]].append(item)
    kept = {item for name, all_ in cases.items() for item in Random(name).sample(all_, min(n_cases, len(all_)))}
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]
