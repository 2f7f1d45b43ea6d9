"""What components mean: shares of variance, structure correlations, importance, stability, the table of them all."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from linear_models import TABLE, models, pairs
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.cross_decomposition import PLSRegression as SklearnPLSRegression
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

from crossmodal_cca import CCA, CCACV, PLSSVD, CrossModalPipeline, KernelCCA, PLSRegression
from crossmodal_cca.datasets import make_paired_latent
from crossmodal_cca.inference import (
    bootstrap_weights,
    debias_correlations,
    explained_variance,
    noise_edge,
    permutation_test,
    structure_correlations,
    summary,
    vip_scores,
)

X, Y = pairs(200)
TRAIN, TEST = (X[:100], Y[:100]), (X[100:], Y[100:])
FRAMES = pd.DataFrame(X, columns=list("abcdefgh")), pd.DataFrame(Y, columns=list("uvwxyz"))


def fitted(model, rows=TRAIN):
    return clone(model).fit(*rows)


def regression_share(Z, scores):
    """Share of the variance of Z that a regression on the scores explains."""
    Z = Z - Z.mean(axis=0)
    left = Z - LinearRegression().fit(scores, Z).predict(scores)
    return 1 - np.sum(left**2) / np.sum(Z**2)


# Explained variance -----------------------------------------------------------------------------------------------


@models()
@pytest.mark.parametrize("rows", [TRAIN, TEST], ids=["training", "held-out"])
def test_shares_of_variance_are_those_of_regressions(model, rows):
    model = fitted(model)
    table = explained_variance(model, *rows)
    scores = model.transform(*rows)
    units = [(A - m) / s for A, m, s in zip(rows, (model.x_mean_, model.y_mean_), _scales(model), strict=True)]
    for side, T, own, other in zip("xy", scores, units, reversed(units), strict=True):
        for j in range(3):
            expected = [regression_share(own, T[:, [j]]), regression_share(own, T[:, : j + 1])]
            expected += [regression_share(other, T[:, [j]]), regression_share(other, T[:, : j + 1])]
            assert_allclose(table.loc[side, j + 1], expected, atol=1e-9)
    assert list(table.columns) == ["own", "own_cumulative", "redundancy", "redundancy_cumulative"]


def _scales(model):
    return model.x_scale_, model.y_scale_


def test_laws_of_cca_on_its_training_rows():
    model = CCA().fit(*TRAIN)
    table = explained_variance(model, *TRAIN)
    own = table["own"].unstack("side")
    squares = model.correlations_**2
    assert_allclose(table.loc["x", "redundancy"], squares * own["y"])
    assert_allclose(table.loc["y", "redundancy"], squares * own["x"])
    for side in "xy":
        assert_allclose(table.loc[side, "own_cumulative"], own[side].cumsum())
    # Six components are all of y, and the redundancy in the end is the mean R² of the regression of y on X.
    assert table.loc[("y", 6), "own_cumulative"] == pytest.approx(1)
    scaled = StandardScaler().fit_transform(TRAIN[1])
    r2 = LinearRegression().fit(TRAIN[0], scaled).score(TRAIN[0], scaled)
    assert table.loc[("x", 6), "redundancy_cumulative"] == pytest.approx(r2)
    structure = structure_correlations(model, *TRAIN)
    assert_allclose((structure.loc["x", "own"] ** 2).mean(), own["x"])


def test_power_and_units_change_no_share():
    expected = explained_variance(fitted(CCA(3)), *TEST)
    assert_allclose(explained_variance(fitted(CCA(3, power=2.0)), *TEST), expected)
    moved = [(A * 1e3 - 5, B * 1e-3 + 5) for A, B in (TRAIN, TEST)]
    assert_allclose(explained_variance(CCA(3).fit(*moved[0]), *moved[1]), expected, rtol=1e-6)


def test_swapping_the_sides_swaps_the_tables():
    table, swapped = (explained_variance(CCA(3).fit(*t), *r) for t, r in ((TRAIN, TEST), (TRAIN[::-1], TEST[::-1])))
    assert_allclose(table.loc["x"], swapped.loc["y"])
    assert_allclose(table.loc["y"], swapped.loc["x"])


def test_scores_that_repeat_add_nothing():
    model = PLSRegression(4).fit(TRAIN[0], TRAIN[1][:, :2])
    table = explained_variance(model, TEST[0], TEST[1][:, :2])
    # Two features of y have two independent scores, whatever the number of components.
    assert_allclose(table.loc["y", "own_cumulative"].iloc[1:], 1.0)
    assert (table <= 1).all(axis=None)


# Structure correlations -------------------------------------------------------------------------------------------


@models()
def test_structure_correlations_are_correlations(model):
    model = fitted(model)
    table = structure_correlations(model, *TEST)
    x_scores, y_scores = model.transform(*TEST)
    for side, A, own, other in (("x", TEST[0], x_scores, y_scores), ("y", TEST[1], y_scores, x_scores)):
        for label, T in (("own", own), ("other", other)):
            expected = np.corrcoef(A, T, rowvar=False)[: A.shape[1], A.shape[1] :]
            assert_allclose(table.loc[side, label], expected, atol=1e-12)


def test_structure_correlations_name_features_and_components():
    table = structure_correlations(CCA(2).fit(*FRAMES), *FRAMES)
    assert list(table.loc["x"].index) == list("abcdefgh")
    assert list(table.loc["y", "own"].columns) == [1, 2]
    assert list(structure_correlations(fitted(CCA(2)), *TEST).loc["y"].index) == [f"y{i}" for i in range(6)]


def test_other_side_is_own_side_times_correlation_on_training_rows():
    model = fitted(CCA(3))
    table = structure_correlations(model, *TRAIN)
    assert_allclose(table["other"], table["own"] * model.correlations_, atol=1e-12)


def test_features_that_do_not_vary_correlate_with_nothing():
    held_out = TEST[0].copy()
    held_out[:, 2] = 0.1
    table = structure_correlations(fitted(CCA(2)), held_out, TEST[1])
    assert_array_equal(table.loc[("x", "x2")], 0.0)
    assert table.notna().all(axis=None)


def test_every_aligner_has_structure_and_shares():
    for model in (KernelCCA(2, regularization=0.1), CrossModalPipeline(CCA(2), x_transformer=PCA(4))):
        model.fit(*TRAIN)
        assert structure_correlations(model, *TEST).shape == (14, 4)
        assert explained_variance(model, *TEST).shape == (4, 4)


# Importance -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("rows", [TRAIN, pairs(20, 60, 4, seed=3)], ids=["tall", "wide"])
def test_importance_is_the_slow_definition(scale, rows):
    A, B = rows
    model = PLSRegression(3, scale=scale).fit(A, B)
    T, p = model.transform(A), A.shape[1]
    expected = np.zeros(p)
    total = 0.0
    for j in range(3):
        w = model.x_weights_[:, j] / np.linalg.norm(model.x_weights_[:, j])
        fitted_y = np.outer(T[:, j], model.y_loadings_[:, j])
        explained = np.sum(fitted_y**2)
        total += explained
        expected += explained * w**2
    assert_allclose(vip_scores(model), np.sqrt(p * expected / total), rtol=1e-8)
    assert np.mean(vip_scores(model) ** 2) == pytest.approx(1)


def test_importance_has_the_names_of_the_features():
    assert list(vip_scores(PLSRegression(2).fit(*FRAMES)).index) == list("abcdefgh")
    A = np.hstack([TRAIN[0], np.ones((100, 1))])
    assert vip_scores(PLSRegression(2).fit(A, TRAIN[1]))["x8"] == 0


# Stability --------------------------------------------------------------------------------------------------------


def test_bootstrap_is_refitting_to_what_was_drawn():
    model = fitted(CCA(1))
    table = bootstrap_weights(model, *TRAIN, 30, random_state=0)
    seed = np.random.RandomState(0).randint(2**31)
    draws = []
    for i in range(30):
        rows = np.random.default_rng((seed, i)).integers(100, size=100)
        refit = CCA(1).fit(TRAIN[0][rows], TRAIN[1][rows])
        signs = np.sign(np.sum(refit.transform(TRAIN[0]) * model.transform(TRAIN[0]), axis=0))
        draws.append(np.vstack([refit.x_weights_, refit.y_weights_]) * signs)
    value = np.vstack([model.x_weights_, model.y_weights_])
    assert_allclose(table["value"].loc["x"].unstack(0), value[:8])
    for column, expected in (
        ("standard_error", np.std(draws, axis=0, ddof=1)),
        ("low", np.quantile(draws, 0.025, axis=0)),
        ("high", np.quantile(draws, 0.975, axis=0)),
        ("sign_consistency", np.mean(np.sign(draws) == np.sign(value), axis=0)),
    ):
        found = np.vstack([table[column].loc[side].unstack(0) for side in "xy"])
        assert_allclose(found, expected, atol=1e-9, err_msg=column)


class Scrambled(CCA):
    """Gives the components of a resample in a random order with random signs."""

    def fit(self, X, y):
        super().fit(X, y)
        if len(np.unique(X[:, 0])) < len(X):
            rng = np.random.default_rng(int(1e6 * abs(X[0, 0])))
            order, signs = rng.permutation(self.n_components_), rng.choice([-1, 1], self.n_components_)
            maps = ("directions", "own_weights")
            x, y = (
                replace(side, **{name: getattr(side, name)[:, order] * signs for name in maps})
                for side in (self.model_.x, self.model_.y)
            )
            self.model_ = replace(self.model_, x=x, y=y)
        return self


def test_order_and_signs_of_the_refits_do_not_matter():
    tables = [bootstrap_weights(fitted(model(4)), *TRAIN, 20, random_state=0) for model in (CCA, Scrambled)]
    pd.testing.assert_frame_equal(*tables)


@models()
def test_every_linear_model_has_stable_and_unstable_weights(model):
    table = bootstrap_weights(fitted(model), *TRAIN, 8, kind="loadings", random_state=0)
    assert table["match"].between(0, 1).all()
    assert (table["match"].loc[:, 1] > 0.6).all()
    assert (table["low"] <= table["high"]).all()
    assert table["sign_consistency"].between(0, 1).all()


def test_close_correlations_come_in_any_order_and_are_still_found():
    rng = np.random.default_rng(1)
    latent = rng.normal(size=(300, 2))
    A, B = (np.hstack([latent + 0.3 * rng.normal(size=(300, 2)), rng.normal(size=(300, 2))]) for _ in range(2))
    model = PLSSVD(2).fit(A, B)
    table = bootstrap_weights(model, A, B, 60, random_state=0)
    order = [
        np.argmax(np.abs(PLSSVD(2).fit(A[r], B[r]).x_weights_[:, 0] @ model.x_weights_))
        for r in (np.random.default_rng(s).integers(300, size=300) for s in range(60))
    ]
    assert 0 < np.mean(order) < 1
    strong = table[table["value"].abs() > 0.6]
    assert (strong["sign_consistency"] > 0.85).all()


def test_bootstrap_is_seeded_whatever_the_threads_and_leaves_the_model_alone():
    model = fitted(CCA(2))
    before = model.x_weights_.copy()
    table = bootstrap_weights(model, *TRAIN, 10, random_state=1)
    pd.testing.assert_frame_equal(table, bootstrap_weights(model, *TRAIN, 10, random_state=1, n_jobs=2))
    assert_array_equal(model.x_weights_, before)


def test_groups_are_drawn_together():
    A, B = (np.repeat(C, 4, axis=0) for C in (TRAIN[0][:60], TRAIN[1][:60]))
    model = CCA(1).fit(A, B)
    groups = np.repeat(np.arange(60), 4).astype(str)
    alone = bootstrap_weights(model, A, B, 60, kind="loadings", random_state=0)
    together = bootstrap_weights(model, A, B, 60, kind="loadings", groups=groups, random_state=0)
    # Four copies of the same information: errors half as large as they are.
    assert (together["standard_error"] / alone["standard_error"]).median() == pytest.approx(2, rel=0.25)


def test_names_of_features_and_progress(capsys):
    table = bootstrap_weights(CCA(1).fit(*FRAMES), *FRAMES, 3, random_state=0, verbose=1)
    assert list(table.loc[("x", 1)].index) == list("abcdefgh")
    assert "3 of 3 refits" in capsys.readouterr().out


# The table of them all --------------------------------------------------------------------------------------------


def test_summary_holds_what_the_single_functions_say():
    model = fitted(CCA(4))
    train = {"X_train": TRAIN[0], "y_train": TRAIN[1]}
    table = summary(model, *TEST, **train, n_permutations=50, random_state=0)
    assert_array_equal(table["training"], model.correlations_)
    assert_array_equal(table["debiased"], debias_correlations(model.correlations_, 100, 8, 6))
    assert table["held_out"].sum() == pytest.approx(model.score(*TEST))
    assert set(table["noise_edge"]) == {noise_edge(100, 8, 6)}
    tests = permutation_test(*TRAIN, 50, n_components=4, random_state=0)
    assert_array_equal(table["p_value"], tests["p_value"])
    shares = explained_variance(model, *TEST)["own"]
    assert_array_equal(table["x_variance"], shares.loc["x"])
    assert_array_equal(table["y_variance"], shares.loc["y"])
    assert summary(model, *TEST)["p_value"].isna().all()


def test_training_exceeds_debiased_exceeds_held_out():
    A, B = make_paired_latent(3000, 60, 40, correlations=(0.8, 0.7, 0.6), random_state=0)
    table = summary(CCA(3).fit(A[:500], B[:500]), A[500:], B[500:])
    assert (table["training"] > table["debiased"]).all()
    assert (table["debiased"] > table["held_out"]).all()


@pytest.mark.parametrize("name", [name for name in TABLE if "pls" in name or "shrunk" in name or "oas" in name])
def test_edges_belong_to_plain_cca_and_p_values_to_every_linear_model(name):
    model = fitted(TABLE[name].estimator)
    options = {"n_permutations": 19, "random_state": 0}
    table = summary(model, *TEST, X_train=TRAIN[0], y_train=TRAIN[1], **options)
    assert table[["debiased", "noise_edge"]].isna().all(axis=None)
    assert table[["training", "held_out", "x_variance", "y_variance"]].notna().all(axis=None)
    tests = permutation_test(*TRAIN, 19, aligner=TABLE[name].estimator, n_components=len(table), random_state=0)
    assert_array_equal(table["p_value"], tests["p_value"])
    assert_allclose(table["training"], tests["correlation"], atol=1e-9)


def test_p_values_are_those_of_the_fit_whatever_has_been_set_since():
    options = {"X_train": TRAIN[0], "y_train": TRAIN[1], "n_permutations": 19, "random_state": 0}
    for model, later in (
        (CCA(2, shrinkage=0.5), {"shrinkage": 0.1, "scale": False, "n_components": 1}),
        (PLSSVD(2), {"scale": False}),
    ):
        expected = summary(model.fit(*TRAIN), *TEST, **options)
        assert_array_equal(summary(model.set_params(**later), *TEST, **options), expected)


@pytest.mark.filterwarnings("ignore:The ranks of X")
def test_correlations_of_one_that_any_data_have_are_no_evidence():
    model = CCA(2).fit(TRAIN[0][:12], TRAIN[1][:12])
    table = summary(model, *TEST, X_train=TRAIN[0][:12], y_train=TRAIN[1][:12], n_permutations=19)
    assert table["debiased"].isna().all()
    assert (table[["noise_edge", "p_value"]] == 1).all(axis=None)


def test_p_values_of_a_search_need_other_rows():
    """Cross-validation has seen the pairing, so that its settings are not those of unpaired rows."""
    search = CCACV(2, shrinkages=(0.2, 0.5), cv=3).fit(*TRAIN)
    table = summary(search, *TEST, X_train=TRAIN[0], y_train=TRAIN[1], n_permutations=19)
    assert table["p_value"].isna().all()
    chosen = CCA(2, shrinkage=search.shrinkage_)
    assert permutation_test(*TEST, 19, aligner=chosen, random_state=0)["p_value"].notna().all()


def test_summary_of_pipelines_and_kernels():
    pipeline = CrossModalPipeline(CCA(2), x_transformer=PCA(4)).fit(*TRAIN)
    table = summary(pipeline, *TEST, X_train=TRAIN[0], y_train=TRAIN[1], n_permutations=20, random_state=0)
    reduced = PCA(4).fit(TRAIN[0])
    model = CCA(2).fit(reduced.transform(TRAIN[0]), TRAIN[1])
    assert_allclose(table["held_out"].sum(), model.score(reduced.transform(TEST[0]), TEST[1]))
    assert table["noise_edge"].iloc[0] == noise_edge(100, 4, 6)
    assert table["p_value"].notna().all()
    table = summary(KernelCCA(2, regularization=0.1).fit(*TRAIN), *TEST)
    assert table["p_value"].isna().all()
    assert table["x_variance"].between(0, 1).all()


# Bad input --------------------------------------------------------------------------------------------------------

MODEL = CCA(2).fit(*TRAIN)
NAN = np.where(np.arange(8) == 3, np.nan, TEST[0])


@pytest.mark.parametrize("table", [explained_variance, structure_correlations, summary, bootstrap_weights])
@pytest.mark.parametrize(
    ("model", "A", "B", "error", "message"),
    [
        (CCA(2), *TEST, NotFittedError, "not fitted"),
        (MODEL, TEST[0][:5], TEST[1], ValueError, "X has 5 rows and y has 100"),
        (MODEL, NAN, TEST[1], ValueError, "X contains NaN"),
        (MODEL, TEST[0][:1], TEST[1][:1], ValueError, "minimum of 2 is required"),
        (MODEL, np.full((100, 8), "a"), TEST[1], ValueError, "X holds text, such as 'a'"),
    ],
)
def test_bad_rows_are_refused(table, model, A, B, error, message):
    with pytest.raises(error, match=message):
        table(model, A, B)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: explained_variance(MODEL, TEST[0][:, :5], TEST[1]), ValueError, "X has 5 features, but CCA"),
        (lambda: structure_correlations(MODEL, TEST[0], TEST[1][:, :5]), ValueError, "y has 5 features, but CCA"),
        (lambda: summary(MODEL, *TEST, X_train=TRAIN[0]), ValueError, "go together: got only X_train"),
        (
            lambda: summary(MODEL, *TEST, X_train=TEST[0], y_train=TEST[1], n_permutations=1),
            ValueError,
            "not the rows that the aligner was fitted to",
        ),
        (lambda: bootstrap_weights(MODEL, *TRAIN, 1), ValueError, "n_resamples must be a whole number of at least 2"),
        (lambda: bootstrap_weights(MODEL, *TRAIN, kind="scores"), ValueError, "kind must be one of 'weights'"),
        (lambda: bootstrap_weights(MODEL, *TRAIN, confidence_level=0), ValueError, "confidence_level must lie in"),
        (lambda: bootstrap_weights(MODEL, *TRAIN, groups=[1]), ValueError, "groups must have one entry per row"),
        (lambda: bootstrap_weights(MODEL, *TRAIN, groups=np.ones(100)), ValueError, "groups has a single group"),
        (
            lambda: bootstrap_weights(KernelCCA(2, regularization=0.1).fit(*TRAIN), *TRAIN),
            TypeError,
            "KernelCCA has no x_weights_",
        ),
        (lambda: vip_scores(MODEL), TypeError, "vip_scores takes a fitted crossmodal_cca.PLSRegression, got CCA"),
        (lambda: vip_scores(SklearnPLSRegression().fit(*TRAIN)), TypeError, "takes a fitted crossmodal_cca.PLS"),
        (lambda: vip_scores("pls"), TypeError, "got str"),
        (lambda: vip_scores(PLSRegression()), NotFittedError, "not fitted"),
    ],
)
def test_bad_parameters_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.filterwarnings("ignore:The ranks of X")
def test_resamples_with_too_few_rows_say_so():
    A, B = TRAIN[0][:6], TRAIN[1][:6]
    model = CCA(5, shrinkage=0.5).fit(A, B)
    with pytest.raises(ValueError, match="component"):
        bootstrap_weights(model, A, B, 10, random_state=0)


def test_summary_leaves_out_what_weights_make_untrue():
    X, y = make_paired_latent(200, 6, 4, random_state=0)
    weights = np.random.default_rng(0).integers(1, 4, size=200)
    table = summary(CCA(2).fit(X, y, sample_weight=weights), X, y)
    assert table[["debiased", "noise_edge", "p_value"]].isna().all(axis=None)
    assert summary(CCA(2).fit(X, y, sample_weight=np.ones(200)), X, y)["noise_edge"].notna().all()


def test_summary_counts_directions_and_not_their_copies():
    X, y = make_paired_latent(120, 6, 4, random_state=0)
    options = {"n_permutations": 39, "random_state": 0}
    plain, copied = (
        summary(CCA(2).fit(A[:60], y[:60]), A[60:], y[60:], X_train=A[:60], y_train=y[:60], **options)
        for A in (X, np.hstack([X] * 10))
    )
    assert_allclose(copied[["debiased", "noise_edge"]], plain[["debiased", "noise_edge"]], atol=1e-6)
    assert copied["p_value"].notna().all()


def test_scores_of_equal_rows_correlate_with_nothing():
    """Products may give equal rows scores that differ in their last digits, by where in a block they stand."""
    X, y = make_paired_latent(100, 8, 6, random_state=0)
    table = structure_correlations(CCA(3).fit(X, y), np.ones((5, 8)), y[:5])
    assert not table.loc["x"].to_numpy().any()
    assert not table.loc["y", "other"].to_numpy().any()
