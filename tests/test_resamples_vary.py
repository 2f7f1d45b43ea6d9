"""A resample in which something does not vary says nothing: it is drawn again, counted, and told where it is often."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV

from crossmodal_cca import CCA, CCACV, PLSSVD, KernelCCACV, PLSCanonical, PLSRegression, PLSRegressionCV
from crossmodal_cca.inference import bootstrap_weights
from crossmodal_cca.transfer import prediction_report

N = 60
rng = np.random.default_rng(0)
ANSWERS = np.column_stack([rng.random(N) < p for p in (0.5, 0.3, 0.4)]).astype(float)
HEALTH = ANSWERS @ [1.0, -1.0, 0.5] + rng.normal(size=N)
BOTH = np.column_stack([HEALTH, rng.normal(size=N)])
RARE = np.isin(np.arange(N), [5, 30, 31]).astype(float)
WITH_RARE, BOTH_RARE = np.column_stack([ANSWERS, RARE]), np.column_stack([HEALTH, RARE])
OFTEN = "ignore:.* resamples were drawn again"
CASES = {
    "cca": (CCA(2), WITH_RARE, BOTH),
    "cca, all": (CCA(), WITH_RARE, BOTH),
    "cca, rare y": (CCA(2), ANSWERS, BOTH_RARE),
    "cca, rare y, one component": (CCA(1), ANSWERS, BOTH_RARE),
    "pls regression, all": (PLSRegression(None), WITH_RARE, BOTH),
    "pls regression": (PLSRegression(4), WITH_RARE, BOTH),
    "pls canonical": (PLSCanonical(2), WITH_RARE, BOTH),
    "pls svd": (PLSSVD(2), WITH_RARE, BOTH_RARE),
    "single precision": (CCA(2), WITH_RARE.astype(np.float32), BOTH.astype(np.float32)),
    "whole numbers": (PLSRegression(2), WITH_RARE.astype(np.int8), HEALTH),
    "a feature that never varies": (PLSRegression(2), np.column_stack([WITH_RARE, np.full(N, 0.1)]), HEALTH),
}


def drawn_until(is_good, n_resamples, n_members=N, random_state=0):
    """Draws that are of use, and how many others came before."""
    seed, kept, n_others = np.random.RandomState(random_state).randint(2**31), [], 0
    for i in range(n_resamples):
        draws = np.random.default_rng((seed, i))
        while not is_good(drawn := draws.integers(n_members, size=n_members)):
            n_others += 1
        kept.append(drawn)
    return kept, n_others


@pytest.mark.filterwarnings(OFTEN)
@pytest.mark.parametrize("case", CASES)
def test_a_resample_without_the_rare_is_drawn_again_and_counted(case):
    model, A, B = CASES[case]
    kept, n_others = drawn_until(lambda rows: RARE[rows].any(), 60)
    assert n_others > 0
    table = bootstrap_weights(clone(model).fit(A, B), A, B, 60, random_state=0)
    assert table.attrs["n_redrawn"] == n_others
    assert np.isfinite(table.to_numpy()).all()
    # The first component of x over the draws that were kept, by its own definition, up to its sign.
    first = table.loc[("x", 1)]
    if clone(model).fit(A, B).n_components_ == 1:
        refits = [clone(model).fit(A[rows], B[rows]).x_weights_ for rows in kept]
        weights = np.array([w[:, 0] * np.sign(w[:, 0] @ first["value"]) for w in refits])
        assert_allclose(first["low"], np.quantile(weights, 0.025, axis=0), atol=1e-6)
        assert_allclose(first["standard_error"], weights.std(axis=0, ddof=1), atol=1e-6)


def test_groups_are_drawn_again_together():
    """All three are of one family: its share of draws counts, not that of its members."""
    family = np.arange(N) // 4
    A = np.column_stack([ANSWERS, np.isin(np.arange(N), [4, 5, 7])]).astype(float)
    kept, n_others = drawn_until(lambda families: (families == 1).any(), 40, n_members=15)
    model = PLSRegression(1).fit(A, HEALTH)
    with pytest.warns(UserWarning, match=rf"{n_others} of {40 + n_others} resamples were drawn again.*'x3' of x does"):
        table = bootstrap_weights(model, A, HEALTH, 40, groups=family, random_state=0)
    assert table.attrs["n_redrawn"] == n_others
    rows = [np.concatenate([np.flatnonzero(family == f) for f in families]) for families in kept]
    weights = np.array([PLSRegression(1).fit(A[r], HEALTH[r]).x_weights_[:, 0] for r in rows])
    weights *= np.sign(weights @ model.x_weights_)
    assert_allclose(table["high"].loc[("x", 1)], np.quantile(weights, 0.975, axis=0), atol=1e-9)


def test_features_without_variation_of_their_own_are_no_reason():
    rounded = np.full(N, 0.1)
    rounded[7] += np.spacing(0.1)
    A = np.column_stack([ANSWERS, np.full(N, 0.1), rounded])
    table = bootstrap_weights(PLSRegression(1).fit(A, HEALTH), A, HEALTH, 20, random_state=0)
    assert table.attrs["n_redrawn"] == 0


@pytest.mark.parametrize("model", [CCA(2), PLSRegression(2), PLSSVD(2)], ids=str)
def test_components_that_a_resample_lacks_are_a_reason(model):
    """Two features that differ in two rows: without these there is one, though both vary."""
    differ = np.isin(np.arange(N), [5, 30])
    A = np.column_stack([HEALTH, HEALTH + differ])
    _, n_others = drawn_until(lambda rows: differ[rows].any(), 60)
    with pytest.warns(UserWarning, match=r"most often because it (cannot be fitted|has \d of)"):
        table = bootstrap_weights(clone(model).fit(A, BOTH), A, BOTH, 60, random_state=0)
    assert table.attrs["n_redrawn"] == n_others


def test_few_redrawn_resamples_are_no_warning():
    twelve = (np.arange(N) % 5 == 0).astype(float)
    A = pd.DataFrame(np.column_stack([ANSWERS, twelve])).add_prefix("item")
    assert bootstrap_weights(CCA(1).fit(A, BOTH), A, BOTH, 20, random_state=0).attrs["n_redrawn"] == 0
    A["item3"] = (np.arange(N) == 7).astype(float)
    with pytest.warns(UserWarning, match="most often because feature 'item3' of x does not vary in it"):
        bootstrap_weights(CCA(1).fit(A, BOTH), A, BOTH, 20, random_state=0)


def test_many_rare_features_end_in_an_error_that_says_what_to_do():
    A = np.eye(N)[:, :40]
    with pytest.raises(
        ValueError, match=r"100 resamples in a row were of no use.*'x\d+' of x does not.*leave out feat"
    ):
        bootstrap_weights(PLSRegression(1).fit(A, HEALTH), A, HEALTH, 10, random_state=0)


@pytest.mark.filterwarnings(OFTEN)
def test_threads_draw_the_same():
    model = PLSRegression(2).fit(WITH_RARE, HEALTH)
    tables = [bootstrap_weights(model, WITH_RARE, HEALTH, 30, random_state=2, n_jobs=n) for n in (1, 2)]
    pd.testing.assert_frame_equal(*tables)
    assert tables[0].attrs == tables[1].attrs


@pytest.mark.filterwarnings(OFTEN)
def test_a_rare_feature_beside_them_leaves_the_intervals_of_others():
    """Ends are known to .154 standard errors from 300 resamples; three of that, times √2 for two tables."""
    tables = [
        bootstrap_weights(CCA(1).fit(A, BOTH), A, BOTH, 300, kind="loadings", random_state=1).loc[("x", 1)]
        for A in (ANSWERS, WITH_RARE)
    ]
    sign = np.sign(tables[0]["value"] @ tables[1]["value"][:3])
    assert sign == 1
    for end in ("low", "high"):
        gap = (tables[1][end][:3] - tables[0][end]) / tables[0]["standard_error"]
        assert (gap.abs() < 3 * np.sqrt(2) * 0.154).all()


SEARCHES = {
    "CCACV": (CCACV(2, shrinkages=(0.1, 0.6), cv=3), lambda s: CCA(**s.best_params_)),
    "PLSRegressionCV": (PLSRegressionCV(cv=3, scale=False), lambda s: PLSRegression(**s.best_params_, scale=False)),
    "GridSearchCV": (
        GridSearchCV(CCA(1), {"shrinkage": [0.1, 0.6]}, cv=3),
        lambda s: CCA(1, **s.best_params_),
    ),
    "a search in a search": (
        GridSearchCV(CCACV(2, shrinkages=(0.3,), cv=3), {"scale": [False]}, cv=3),
        lambda s: CCA(**s.best_estimator_.best_params_, scale=False),
    ),
    "FrozenEstimator": (FrozenEstimator(CCA(1).fit(ANSWERS, BOTH)), lambda s: CCA(1)),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_of_a_search_the_chosen_settings_are_refitted(name, monkeypatch):
    search, model_of = SEARCHES[name]
    search = search.fit(ANSWERS, BOTH)
    expected = bootstrap_weights(model_of(search).fit(ANSWERS, BOTH), ANSWERS, BOTH, 10, random_state=0)
    for of_rows in (CCACV, PLSRegressionCV, GridSearchCV):
        monkeypatch.setattr(of_rows, "fit", None)
    table = bootstrap_weights(search, ANSWERS, BOTH, 10, random_state=0)
    pd.testing.assert_frame_equal(table, expected, atol=1e-9)
    assert (table["standard_error"] > 0).all()


def test_a_search_without_weights_is_refused():
    search = KernelCCACV(1, cv=3, width_factors=(1.0,), regularizations=(0.1,)).fit(BOTH, HEALTH)
    with pytest.raises(TypeError, match="KernelCCACV has no x_weights_"):
        bootstrap_weights(search, BOTH, HEALTH)


def test_a_report_of_predictions_leaves_out_resamples_without_variation():
    """Two rows of twenty differ from the mean: one of eight resamples holds neither."""
    new = np.zeros(20)
    new[[3, 5]] = 1.0, -1.0
    model = PLSRegression(1).fit(ANSWERS, HEALTH)
    report = prediction_report(
        model, ANSWERS[:20], new, X_train=ANSWERS, y_train=HEALTH, n_resamples=200, random_state=0
    )
    assert np.isfinite(report.to_numpy()).all()
    errors, deviations = (new - model.predict(ANSWERS[:20])) ** 2, new**2
    # A resample has at most twenty times the largest error, and at least one of the two deviations.
    low, high = report.loc[("prediction", "r2"), ["low", "high"]]
    assert 1 - 20 * errors.max() / deviations.max() <= low < high < 1
