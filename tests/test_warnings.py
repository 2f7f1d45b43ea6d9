"""Every warning points to the line that the user wrote, whatever lies between that line and ours."""

import os
import re
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from linear_models import pairs
from matplotlib import pyplot as plt
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import crossmodal_cca
from crossmodal_cca import CCA, CCACV, CrossModalPipeline, KernelCCA, PairMoments, PLSRegression
from crossmodal_cca.inference import canonical_correlation_tests
from crossmodal_cca.linalg import _randomized as randomized
from crossmodal_cca.metrics import (
    compare_retrieval,
    hit_rate_at_k,
    make_retrieval_scorer,
    query_report,
    retrieval_ranks,
    retrieval_report,
)
from crossmodal_cca.plotting import HitRateDisplay
from crossmodal_cca.retrieval import hubness_report
from crossmodal_cca.transfer import PrototypeLogisticRegression

X, Y = pairs(200)
FEW = X[:10], Y[:10]
ALIKE = np.column_stack([X[:, 0], X[:, 0] + 1e-6 * X[:, 1]])
NOISE = np.random.default_rng(0).standard_normal((2, 60, 20))
WHITE = np.linalg.qr(X - X.mean(axis=0))[0]
LABELS = np.arange(200) % 3
IDS = {"query_ids": np.arange(200), "gallery_ids": np.arange(1, 201)}
SIDE_IDS = {"x_ids": np.arange(200), "y_ids": np.arange(1, 201)}
OVERFITTED = KernelCCA(5, gamma=10.0, regularization=1e-6)
EXHAUSTED = PLSRegression(3, scale=False)
STOPPED = PrototypeLogisticRegression(max_iter=1)
RANDOMIZED = CCA(2, shrinkage=0.01, solver="randomized", random_state=0)
BOTH = make_retrieval_scorer("hit_rate_at_k", k=2)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def piped(estimator):
    """The estimator at the end of scikit-learn's Pipeline."""
    return make_pipeline(StandardScaler(with_std=False), estimator)


def within(estimator):
    """The estimator in a pipeline of both sides."""
    return CrossModalPipeline(estimator, x_transformer=StandardScaler(with_std=False))


def searched(estimator, name, value):
    """The estimator in a grid search of one setting."""
    return GridSearchCV(estimator, {name: [value]}, cv=2, error_score="raise")


# Each call is one line, that of its lambda: there the warning has to point.
CALLS = {
    "few rows": (lambda: CCA(2).fit(*FEW), "exactly 1 for any data"),
    "few rows, scores": (lambda: CCA(2).fit_transform(*FEW), "exactly 1 for any data"),
    "few rows, a batch": (lambda: CCA(2).partial_fit(*FEW), "exactly 1 for any data"),
    "few rows, moments": (lambda: CCA(2).fit_moments(PairMoments.from_arrays(*FEW)), "exactly 1 for any data"),
    "few rows, Pipeline": (lambda: piped(CCA(2)).fit(*FEW), "exactly 1 for any data"),
    "few rows, Pipeline, scores": (lambda: piped(CCA(2)).fit_transform(*FEW), "exactly 1 for any data"),
    "few rows, CrossModalPipeline": (lambda: within(CCA(2)).fit(*FEW), "exactly 1 for any data"),
    "few rows, both pipelines": (lambda: piped(within(CCA(2))).fit(*FEW), "exactly 1 for any data"),
    "few rows, search": (lambda: searched(CCA(2), "power", 0.0).fit(*FEW), "exactly 1 for any data"),
    "few rows, folds": (lambda: cross_val_score(CCA(2), *FEW, cv=2), "exactly 1 for any data"),
    "few rows, own search": (lambda: CCACV(shrinkages=(0.0,), cv=2).fit(X[:14], Y[:14]), "exactly 1 for any data"),
    "ill-conditioned moments": (lambda: CCA(1).fit_moments(PairMoments.from_arrays(ALIKE, Y)), "rows are not at hand"),
    "ill-conditioned batch": (lambda: CCA(1).partial_fit(ALIKE, Y), "rows are not at hand"),
    "ill-conditioned batch in a pipeline": (
        lambda: within(CCA(1)).fit(ALIKE, Y).aligner_.partial_fit(ALIKE, Y),
        "rows",
    ),
    "over-fitted kernel": (lambda: OVERFITTED.fit(*NOISE), "training correlation"),
    "over-fitted kernel, Pipeline": (lambda: piped(OVERFITTED).fit(*NOISE), "training correlation"),
    "over-fitted kernel, CrossModalPipeline": (lambda: within(OVERFITTED).fit(*NOISE), "training correlation"),
    "over-fitted kernel, search": (lambda: searched(OVERFITTED, "power", 1.0).fit(*NOISE), "training correlation"),
    "exhausted covariance": (lambda: EXHAUSTED.fit(WHITE, X.sum(axis=1)), "exhausted to rounding error"),
    "exhausted covariance, Pipeline": (lambda: piped(EXHAUSTED).fit(WHITE, X.sum(axis=1)), "exhausted to rounding"),
    "no covariance": (lambda: PLSRegression(1).fit(X, np.ones(200)), "no covariance at all"),
    "no covariance, search": (
        lambda: searched(PLSRegression(), "n_components", 1).fit(X, np.ones(200)),
        "no covariance",
    ),
    "unconverged passes": (lambda: RANDOMIZED.fit(*NOISE), "not converged after 1 passes"),
    "inference, few rows": (lambda: canonical_correlation_tests(*FEW), "p-values mean nothing"),
    "inference, some rows": (lambda: canonical_correlation_tests(X[:60], Y[:60]), "p-values are off"),
    "iterations": (lambda: STOPPED.fit(X, LABELS), "stopped after 1 iterations"),
    "iterations, Pipeline": (lambda: piped(STOPPED).fit(X, LABELS), "stopped after 1 iterations"),
    "iterations, search": (lambda: searched(STOPPED, "C", 1.0).fit(X, LABELS), "stopped after 1 iterations"),
    "queries left out, measure": (lambda: hit_rate_at_k(X, X, **IDS), "1 of 200 queries"),
    "queries left out, ranks": (lambda: retrieval_ranks(X, X, **IDS), "1 of 200 queries"),
    "queries left out, report": (lambda: retrieval_report(X, X, n_resamples=0, **SIDE_IDS), "1 of 200 queries"),
    "queries left out, query report": (lambda: query_report(X, X, **IDS), "1 of 200 queries"),
    "queries left out, comparison": (
        lambda: compare_retrieval((X, X), (X, -X), n_resamples=2, **SIDE_IDS),
        "of 200 queries",
    ),
    "queries left out, scorer": (lambda: BOTH.of_scores(X, X, **SIDE_IDS), "1 of 200 queries"),
    "queries left out, hubs": (lambda: hubness_report(X, X, X, n_resamples=2, neighbors=(3,), **IDS), "of 200 queries"),
    "queries left out, picture": (lambda: HitRateDisplay.from_predictions(X, X, **SIDE_IDS), "1 of 200 queries"),
}


def warned(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return caught


@pytest.mark.parametrize("name", CALLS)
def test_a_warning_points_to_the_line_of_the_call(name, monkeypatch):
    monkeypatch.setattr(randomized, "MAX_PASSES", 1)
    call, message = CALLS[name]
    caught = [warning for warning in warned(call) if re.search(message, str(warning.message))]
    assert caught
    for warning in caught:
        assert (warning.filename, warning.lineno) == (__file__, call.__code__.co_firstlineno)


def test_every_warning_is_given_at_the_users_line():
    """Other ways to warn count levels of the stack by hand, which the next change of a caller makes wrong."""
    files = Path(crossmodal_cca.__file__).parent.rglob("*.py")
    assert {file.name for file in files if re.search(r"warnings\.warn\b|stacklevel", file.read_text())} == {"_warn.py"}


def test_a_filter_by_the_users_module_holds():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=re.escape(__name__))
        CCA(2).fit(*FEW)


def test_where_no_line_is_the_users_the_warning_points_to_ours():
    def in_a_thread():
        thread = threading.Thread(target=CCA(2).fit, args=FEW)
        thread.start()
        thread.join()

    (warning,) = warned(in_a_thread)
    assert "exactly 1 for any data" in str(warning.message)
    assert Path(warning.filename).parent == Path(crossmodal_cca.__file__).parent / "alignment"


@pytest.mark.parametrize(
    ("options", "place"),
    [
        (["-c", "import numpy as np\nfrom crossmodal_cca import CCA\nCCA(1).fit(np.eye(3), np.eye(3))"], "<string>:3"),
        (["-m", "warns"], "warns.py:3"),
    ],
)
def test_commands_and_modules_that_are_run_are_the_users(options, place, tmp_path):
    (tmp_path / "warns.py").write_text(
        "import numpy as np\nfrom crossmodal_cca import CCA\nCCA(1).fit(np.eye(3), np.eye(3))"
    )
    path = str(Path(crossmodal_cca.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": path}
    ran = subprocess.run(
        [sys.executable, *options], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert f"{place}: UserWarning: The ranks of X" in ran.stderr
