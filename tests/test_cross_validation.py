"""All cells from one pass over the rows: cross-validated aligners score as refits do, and choose as a grid search."""

import weakref

import numpy as np
import pandas as pd
import pytest
from linear_models import pairs
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_linnerud
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneOut,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
)
from sklearn.preprocessing import StandardScaler

from crossmodal_cca import (
    CCA,
    CCACV,
    CrossModalPipeline,
    KernelCCA,
    KernelCCACV,
    PLSRegression,
    PLSRegressionCV,
)
from crossmodal_cca.alignment import cca_cv
from crossmodal_cca.datasets import load_emoji
from crossmodal_cca.kernels import _settings
from crossmodal_cca.kernels._ridge_path import FoldSide, KernelPath
from crossmodal_cca.metrics import hit_rate_at_k, make_retrieval_scorer
from crossmodal_cca.plotting import CrossValidationDisplay
from crossmodal_cca.rows import _moments

X, Y = pairs(180)
GROUPS = np.arange(180) // 7
UNEQUAL = [
    (np.setdiff1d(np.arange(180), test), test) for test in np.split(np.random.default_rng(0).permutation(180), [10, 90])
]
SPLITTERS = {
    "contiguous": KFold(4),
    "shuffled": KFold(4, shuffle=True, random_state=0),
    "groups": GroupKFold(3),
    "unequal": UNEQUAL,
    "overlapping": RepeatedKFold(n_splits=3, n_repeats=2, random_state=0),
    "not complements": ShuffleSplit(3, train_size=0.5, test_size=0.3, random_state=0),
}
SCORINGS = ("correlation", "explained_variance", "r2", "hit_rate_at_5")


def as_scorer(scoring):
    """What GridSearchCV takes for the same score."""
    if scoring == "correlation":
        return None
    return make_retrieval_scorer(scoring) if scoring.startswith("hit") else scoring


def grid_search(estimator, search, **fit):
    """The same cells by refitting, in the same order."""
    names = [name.removeprefix("param_") for name in search.cv_results_ if name.startswith("param_")]
    grid = {n: list(dict.fromkeys(search.cv_results_[f"param_{n}"])) for n in names}
    grid = {n: [v.item() if isinstance(v, np.generic) else v for v in values] for n, values in grid.items()}
    found = GridSearchCV(estimator, grid, cv=search.cv, scoring=as_scorer(search.scoring)).fit(X, Y, **fit)
    order = [found.cv_results_["params"].index(params) for params in search.cv_results_["params"]]
    return found, order


def assert_same_cells(estimator, search, tol, **fit):
    found, order = grid_search(estimator, search, **fit)
    for i in range(search.n_splits_):
        name = f"split{i}_test_score"
        assert_allclose(search.cv_results_[name], found.cv_results_[name][order], atol=tol)
    for name in ("mean_test_score", "std_test_score"):
        assert_allclose(search.cv_results_[name], found.cv_results_[name][order], atol=tol)
    assert search.best_score_ == pytest.approx(found.best_score_, abs=tol)
    return found


# Every score under every other splitter, and the other way round.
@pytest.mark.parametrize(
    ("scoring", "cv"), [(s, cv) for i, s in enumerate(SCORINGS) for j, cv in enumerate(SPLITTERS) if (i + j) % 2]
)
def test_every_cell_is_a_refit(scoring, cv):
    options = {"cv": SPLITTERS[cv], "scoring": scoring}
    groups = {"groups": GROUPS} if cv == "groups" else {}
    search = CCACV(4, shrinkages=(0, 0.3, 1.0), **options).fit(X, Y, **groups)
    found = assert_same_cells(CCA(solver="moments"), search, 1e-8, **groups)
    assert search.best_params_ == found.best_params_
    assert_allclose(search.transform(X), found.best_estimator_.transform(X), atol=1e-8)


@pytest.mark.parametrize("scoring", SCORINGS)
def test_every_number_of_pls_components_is_a_refit(scoring):
    search = PLSRegressionCV(scoring=scoring, cv=SPLITTERS["shuffled"]).fit(X, Y)
    grid, order = grid_search(PLSRegression(), search)
    expected = grid.cv_results_
    if scoring == "correlation":
        # PLSRegression scores R².
        expected = (
            GridSearchCV(PLSRegression(), {"n_components": list(range(1, 9))}, cv=search.cv, scoring=total_correlation)
            .fit(X, Y)
            .cv_results_
        )
    assert_allclose(search.cv_results_["mean_test_score"], expected["mean_test_score"][order], atol=1e-8)
    if scoring != "correlation":
        assert search.best_params_ == grid.best_params_
        assert search.score(X, Y) == pytest.approx(grid.best_estimator_.score(X, Y))


def total_correlation(model, X, y):
    x_scores, y_scores = model.transform(X, y)
    return sum(np.corrcoef(a, b)[0, 1] for a, b in zip(x_scores.T, y_scores.T, strict=True))


@pytest.mark.parametrize("scoring", ["correlation", "explained_variance", "hit_rate_at_5"])
def test_separate_shrinkage_unscaled_features_and_single_precision(scoring):
    options = {"separate_shrinkage": True, "shrinkages": (0.0, 0.2, 1.0), "scale": False, "scoring": scoring}
    search = CCACV(3, cv=KFold(3), **options).fit(X, Y)
    assert len(search.cv_results_["params"]) == 9 * 3 * (2 if scoring.startswith("hit") else 1)
    assert_same_cells(CCA(solver="moments", scale=False), search, 1e-8)
    single = CCACV(3, cv=KFold(3), **options).fit(X.astype(np.float32), Y.astype(np.float32))
    assert_allclose(single.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"], atol=1e-4)
    assert single.transform(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("scoring", ["correlation", "hit_rate_at_5"])
def test_cells_of_one_shrinkage_do_not_depend_on_the_others(scoring):
    """Ranks limit the components, whether directions are computed for a shrinkage of 0 or only counted without one."""
    redundant = np.column_stack([X, X[:, :2], np.ones(len(X))])
    alone, among = (
        CCACV(shrinkages=shrinkages, powers=(0.0,), scoring=scoring).fit(redundant, redundant[:, ::-1] + Y[:, :1])
        for shrinkages in ((1.0,), (0.0, 1.0))
    )
    ones = among.cv_results_["param_shrinkage"] == 1
    assert alone.cv_results_["params"] == [among.cv_results_["params"][i] for i in np.flatnonzero(ones)]
    assert_allclose(alone.cv_results_["mean_test_score"], among.cv_results_["mean_test_score"][ones], atol=1e-10)


@pytest.mark.parametrize("scoring", SCORINGS)
def test_wide_sides(scoring):
    rng = np.random.default_rng(1)
    latent = rng.normal(size=(60, 3))
    wide = latent @ rng.normal(size=(3, 300)) + rng.normal(size=(60, 300))
    y = latent @ rng.normal(size=(3, 200)) + rng.normal(size=(60, 200))
    search = CCACV([1, 2, 3], shrinkages=(0.2, 1.0), cv=KFold(3), scoring=scoring).fit(wide, y)
    grid = {"n_components": [1, 2, 3], "shrinkage": [0.2, 1.0], "power": [0.0, 1.0][: 2 if "hit" in scoring else 1]}
    found = GridSearchCV(CCA(), grid, cv=3, scoring=as_scorer(scoring)).fit(wide, y)
    assert_allclose(search.cv_results_["mean_test_score"], found.cv_results_["mean_test_score"], atol=1e-8)
    assert search.best_params_ == found.best_params_


def test_weights_count_as_repetitions():
    weight = np.random.default_rng(2).integers(0, 3, size=180)
    # The folds of repeated rows, by hand.
    repeated = np.repeat(np.arange(180), weight)
    folds = [(np.flatnonzero(np.isin(repeated, a)), np.flatnonzero(np.isin(repeated, b))) for a, b in KFold(3).split(X)]
    for scoring in ("correlation", "r2"):
        options = {"shrinkages": (0.1, 0.5), "scoring": scoring}
        weighted = CCACV(3, cv=KFold(3), **options).fit(X, Y, weight)
        plain = CCACV(3, cv=folds, **options).fit(X[repeated], Y[repeated])
        assert_allclose(weighted.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"], atol=1e-10)
        assert_allclose(weighted.transform(X), plain.transform(X), atol=1e-9)


def test_rows_are_read_once(monkeypatch):
    read = []
    original = _moments.block_products
    monkeypatch.setattr(_moments, "block_products", lambda X, *rest: (read.append(len(X.A)), original(X, *rest))[1])
    CCACV(3, cv=KFold(5, shuffle=True, random_state=0)).fit(X, Y)
    assert sum(read) == 180


def test_a_memory_map_gives_the_same(tmp_path):
    paths = tmp_path / "x.npy", tmp_path / "y.npy"
    for path, rows in zip(paths, (X, Y), strict=True):
        np.save(path, rows)
    mapped = [np.load(path, mmap_mode="r") for path in paths]
    one, other = (CCACV(3, cv=KFold(3, shuffle=True, random_state=0)).fit(*rows) for rows in (mapped, (X, Y)))
    assert_array_equal(one.cv_results_["mean_test_score"], other.cv_results_["mean_test_score"])


def test_labels_reach_a_retrieval_score():
    labels = np.arange(180) % 6
    search = CCACV([3], shrinkages=(0.3,), powers=(0.0,), cv=KFold(3), scoring="mean_average_precision")
    search.fit(X, Y, x_ids=labels, y_ids=labels)
    scorer = make_retrieval_scorer("mean_average_precision")
    expected = [
        scorer(CCA(3, shrinkage=0.3).fit(X[a], Y[a]), X[b], Y[b], x_ids=labels[b], y_ids=labels[b])
        for a, b in KFold(3).split(X)
    ]
    assert search.best_score_ == pytest.approx(np.mean(expected))


def test_one_standard_error_prefers_the_simple():
    plain = CCACV(6, cv=5).fit(X, Y)
    simple = CCACV(6, cv=5, one_standard_error=True).fit(X, Y)
    scores = np.array([plain.cv_results_[f"split{i}_test_score"] for i in range(5)])
    error = scores[:, plain.best_index_].std(ddof=1) / np.sqrt(5)
    assert simple.best_score_ >= plain.best_score_ - error
    assert simple.best_params_["n_components"] <= plain.best_params_["n_components"]
    good = np.flatnonzero(scores.mean(axis=0) >= plain.best_score_ - error)
    fewest = min(plain.cv_results_["param_n_components"][good])
    assert simple.best_params_["n_components"] == fewest
    strongest = [
        plain.cv_results_["param_shrinkage"][i] for i in good if plain.cv_results_["param_n_components"][i] == fewest
    ]
    assert simple.best_params_["shrinkage"] == max(strongest)


def test_the_fitted_model_is_the_chosen_one():
    search = CCACV(cv=4, scoring="hit_rate_at_3").fit(pd.DataFrame(X).add_prefix("a"), pd.DataFrame(Y).add_prefix("b"))
    model = CCA(**search.best_params_).fit(X, Y)
    assert_allclose(search.transform_y(pd.DataFrame(Y).add_prefix("b")), model.transform_y(Y))
    assert_allclose(search.predict(pd.DataFrame(X).add_prefix("a")), model.predict(X))
    assert_allclose(search.correlations_, model.correlations_)
    assert list(search.feature_names_in_) == [f"a{j}" for j in range(8)]
    assert_allclose(search.residual_covariance(), model.residual_covariance())
    assert search.get_params()["n_components"] is None
    assert clone(search).get_params() == search.get_params()
    ranks = search.cv_results_["rank_test_score"]
    assert ranks[search.best_index_] == 1
    assert len(pd.DataFrame(search.cv_results_)) == len(ranks)


def test_no_component_beyond_what_every_fold_allows():
    flat = np.column_stack([X, X[:, 0], X[:, 1] - X[:, 0]])
    assert max(CCACV(cv=3).fit(flat, Y).cv_results_["param_n_components"]) == 6
    assert max(PLSRegressionCV(cv=3).fit(flat, Y).cv_results_["param_n_components"]) == 8
    with pytest.raises(ValueError, match="n_components=7 is more than the 6 possible in every fold"):
        CCACV(7, cv=3).fit(X, Y)


def test_a_target_met_early_keeps_its_score():
    y = X[:, :1] * 2 + 1
    search = PLSRegressionCV(cv=3).fit(X, y)
    assert search.best_score_ == pytest.approx(1.0)
    assert search.predict(X).shape == (180, 1)


def test_linnerud_agrees_with_scikit_learn_too():
    from sklearn.cross_decomposition import PLSRegression as Peer

    data, target = load_linnerud(return_X_y=True)
    search = PLSRegressionCV(cv=KFold(5), scoring="r2").fit(data, target)
    peer = GridSearchCV(Peer(tol=1e-12, max_iter=10_000), {"n_components": [1, 2, 3]}, cv=5).fit(data, target)
    assert_allclose(search.cv_results_["mean_test_score"], peer.cv_results_["mean_test_score"], atol=1e-6)


@pytest.mark.parametrize(
    ("scoring", "parameters"),
    [
        ("hit_rate_at_5", {}),
        ("correlation", {"kernel": ("rbf", "linear")}),
        ("correlation", {"kernel": ("laplacian", "poly"), "degree": 2}),
        ("correlation", {"approximation": "nystroem", "n_landmarks": 40, "random_state": 0}),
        ("hit_rate_at_5", {"approximation": "fourier", "n_landmarks": 30, "random_state": 0}),
    ],
    ids=["rbf", "rbf and linear", "laplacian and poly", "nystroem", "fourier"],
)
def test_every_cell_of_kernel_cca_is_a_refit(scoring, parameters):
    options = {"width_factors": (0.5, 2.0), "regularizations": (1e-2, 0.1), "cv": KFold(3), "scoring": scoring}
    search = KernelCCACV([1, 3], **options, **parameters).fit(X, Y)
    found = assert_same_cells(KernelCCA(**parameters), search, 1e-7)
    assert search.best_params_ == found.best_params_
    assert_allclose(search.transform(X), found.best_estimator_.transform(X), atol=1e-8)


def test_precomputed_kernels_on_both_sides():
    K, L = X @ X.T, Y @ Y.T
    options = {"regularizations": (0.01, 0.1), "cv": KFold(3)}
    one = KernelCCACV(2, kernel="precomputed", **options).fit(K, L)
    other = KernelCCACV(2, kernel="linear", **options).fit(X, Y)
    assert_allclose(one.cv_results_["mean_test_score"], other.cv_results_["mean_test_score"], atol=1e-8)
    assert one.cv_results_["params"][0]["gamma"] == (None, None)


def test_a_search_of_kernels_holds_one_fold_and_one_pair_of_widths(monkeypatch):
    """What is documented of its memory: two square matrices a width, and one of their products."""
    most = {}
    for cls in (FoldSide, KernelPath):
        alive, made = weakref.WeakSet(), cls.__init__

        def counting(self, *args, cls=cls, alive=alive, made=made):
            made(self, *args)
            alive.add(self)
            most[cls] = max(most.get(cls, 0), len(alive))

        monkeypatch.setattr(cls, "__init__", counting)
    KernelCCACV(2, width_factors=(0.5, 1.0, 2.0), regularizations=(0.1, 1.0), cv=3).fit(X[:60], Y[:60])
    assert most == {FoldSide: 6, KernelPath: 1}


def test_a_search_of_kernels_checks_its_input_once_and_makes_no_estimator(monkeypatch):
    checked = []
    check = _settings.check_precomputed
    monkeypatch.setattr(_settings, "check_precomputed", lambda K, name: (checked.append(name), check(K, name)))
    monkeypatch.setattr(KernelCCA, "__init__", None)
    search = KernelCCACV(2, kernel="precomputed", regularizations=(0.01, 0.1), cv=3).fit(X @ X.T, Y @ Y.T)
    assert checked == ["X", "y"]
    assert search.transform(X @ X.T).shape == (len(X), 2)


def test_labels_and_groups_reach_kernel_cca():
    ids = {"x_ids": GROUPS, "y_ids": GROUPS}
    settings = {"width_factors": (1.0,), "regularizations": (0.1,), "powers": (1.0,)}
    search = KernelCCACV([3], **settings, cv=GroupKFold(3), scoring="hit_rate_at_1").fit(X, Y, groups=GROUPS, **ids)
    scorer = make_retrieval_scorer("hit_rate_at_1")
    model = KernelCCA(**search.best_params_)
    expected = [
        scorer(clone(model).fit(X[a], Y[a]), X[b], Y[b], x_ids=GROUPS[b], y_ids=GROUPS[b])
        for a, b in GroupKFold(3).split(X, groups=GROUPS)
    ]
    assert search.best_score_ == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("search", [CCACV, PLSRegressionCV, KernelCCACV])
@pytest.mark.parametrize(
    ("options", "fit", "error", "message"),
    [
        ({"cv": 1}, {}, ValueError, "cv must be a whole number of at least 2; got 1"),
        ({"cv": True}, {}, TypeError, "cv must be a whole number of at least 2; got True"),
        ({"cv": "five"}, {}, ValueError, r"^cv must be a number of folds .* \(train, test\) positions; got 'five'"),
        (
            {"cv": StratifiedKFold(3)},
            {},
            ValueError,
            "^cv must be .* got StratifiedKFold.*: Supported target types are",
        ),
        (
            {"cv": LeaveOneOut(), "scoring": "correlation"},
            {},
            ValueError,
            "Fold 0 has 179 training and 1 test row.*scoring='correlation' needs",
        ),
        ({"cv": []}, {}, ValueError, "cv gives no fold"),
        ({"cv": 100, "scoring": "r_precision"}, {}, ValueError, "1 test row.*scoring='r_precision' needs"),
        (
            {"scoring": "accuracy"},
            {},
            ValueError,
            "scoring must be one of 'correlation'.*'hit_rate_at_10'.*got 'accuracy'",
        ),
        ({"scoring": make_retrieval_scorer(["r_precision"])}, {}, ValueError, "single measure"),
        (
            {"scoring": hit_rate_at_k, "n_components": 0},
            {},
            ValueError,
            "n_components must be a whole number of at least 1",
        ),
        ({"n_components": []}, {}, ValueError, "must hold positive whole numbers"),
        ({"n_components": [1, 500]}, {}, ValueError, "n_components=500 is more than the"),
        ({"n_components": "all"}, {}, TypeError, "whole number of at least 1"),
        ({"one_standard_error": "yes"}, {}, TypeError, "one_standard_error must be True or False"),
        ({"cv": GroupKFold(3)}, {}, ValueError, "groups"),
        ({"scoring": "r_precision"}, {"x_ids": [1, 2]}, ValueError, "x_ids must have one entry per row"),
        ({"scoring": "r_precision"}, {"x_ids": np.arange(180)}, ValueError, "Pass both or neither"),
    ],
)
def test_bad_input_is_refused(search, options, fit, error, message):
    model = search(**options)
    with pytest.raises(error, match=message):
        model.fit(X, Y, **fit)
    assert not [name for name in vars(model) if name.endswith("_")]


@pytest.mark.parametrize(
    ("search", "error", "message"),
    [
        (CCACV(shrinkages=()), ValueError, "shrinkages must be a sequence"),
        (CCACV(shrinkages=(0.1, 1.5)), ValueError, "shrinkages must lie in"),
        (CCACV(shrinkages=("oas",)), TypeError, "shrinkages must be a number"),
        (CCACV(powers=(-1.0,)), ValueError, "powers must lie in"),
        (CCACV(scale="yes"), TypeError, "scale must be True or False"),
        (KernelCCACV(width_factors=(0.0,)), ValueError, "width_factors must lie in"),
        (KernelCCACV(regularizations=(0.0,)), ValueError, "regularizations must lie in"),
        (KernelCCACV(kernel="gauss"), ValueError, "kernel must be"),
        (KernelCCACV(scoring="r2"), ValueError, "scoring must be one of 'correlation'"),
    ],
)
def test_bad_parameters_are_refused(search, error, message):
    with pytest.raises(error, match=message):
        search.fit(X, Y)


def test_a_fold_without_variation_says_so():
    still = X.copy()
    still[60:] = 1.0
    with pytest.raises(ValueError, match="No component is possible in some fold"):
        CCACV(cv=KFold(3)).fit(still, Y)


@pytest.mark.newest
def test_settings_for_emoji_are_as_good_as_those_set_by_hand():
    train, test = (load_emoji(subset=subset) for subset in ("train", "test"))
    shrinkages = (0.1, 0.5, 0.9)
    folds = GroupKFold(5, shuffle=True, random_state=0)
    search = CCACV([150], cv=folds, scoring="hit_rate_at_10", shrinkages=shrinkages, powers=(1.0,))
    search.fit(train.image, train.text, groups=train.base_name)
    scorer = make_retrieval_scorer("hit_rate_at_10")
    by_hand = [
        scorer(CCA(150, shrinkage=c, power=1.0).fit(train.image, train.text), test.image, test.text) for c in shrinkages
    ]
    assert scorer(search, test.image, test.text) >= max(by_hand) - 0.02


@pytest.mark.parametrize(("dtype", "offset"), [(np.float32, 1e3), (np.float64, 1e3), (np.float64, 1e6)])
def test_a_fold_far_away_leaves_the_others_their_digits(dtype, offset):
    """Subtracting it would: then the training rows are read instead. The other folds are ill-conditioned."""
    shifted = X.copy()
    shifted[60:120] += offset * np.arange(1, 9)
    shifted = shifted.astype(dtype)
    grid = {"n_components": [1, 2, 3], "shrinkage": [0.0, 0.3]}
    search = CCACV([1, 2, 3], shrinkages=(0.0, 0.3), cv=KFold(3)).fit(shifted, Y.astype(dtype))
    expected = GridSearchCV(CCA(), grid, cv=KFold(3)).fit(shifted, Y.astype(dtype))
    for fold in range(3):
        name = f"split{fold}_test_score"
        # Scores of the fold lie a thousand deviations away, where those of a model in single precision are rounded.
        atol = 1e-6 if dtype == np.float64 else 1000 * np.finfo(dtype).eps
        assert_allclose(search.cv_results_[name], expected.cv_results_[name], atol=atol)


def test_targets_constant_in_training_are_not_met():
    y = np.eye(3)[np.repeat([0, 1, 2], 60)]
    for scoring in ("r2", "explained_variance"):
        search = PLSRegressionCV(cv=KFold(3), scoring=scoring).fit(X, y)
        grid = {"n_components": list(search.cv_results_["param_n_components"])}
        found = GridSearchCV(PLSRegression(), grid, cv=KFold(3), scoring=scoring).fit(X, y)
        assert_allclose(search.cv_results_["mean_test_score"], found.cv_results_["mean_test_score"], atol=1e-8)


@pytest.mark.parametrize("unit", [1e-8, 1e8])
@pytest.mark.parametrize("search", [PLSRegressionCV(2, scale=False), CCACV(2, scale=False, scoring="r2")])
def test_units_change_no_share_of_variance(search, unit):
    one, other = (clone(search).fit(X, Y * factor).cv_results_["mean_test_score"] for factor in (1.0, unit))
    assert_allclose(one, other, atol=1e-10)
    assert one.max() < 0.99


@pytest.mark.parametrize("scoring", ["r2", "correlation", "hit_rate_at_5"])
def test_a_fold_in_which_y_does_not_vary_is_scored_by_its_mean(scoring):
    y = np.append(np.zeros(144), np.arange(36.0))
    search = PLSRegressionCV(2, cv=KFold(5), scoring=scoring).fit(X, y)
    last = search.cv_results_["split4_test_score"]
    expected = {
        "r2": 1 - np.mean(np.arange(36.0) ** 2) / np.var(np.arange(36.0)),
        "correlation": 0.0,
        "hit_rate_at_5": 5 / 36,
    }
    assert_allclose(last, expected[scoring], atol=1e-10)


def test_nothing_of_an_earlier_fit_stays():
    for search in (CCACV(2, cv=3), KernelCCACV(2, cv=3, width_factors=(1.0,), regularizations=(0.1,))):
        search.fit(pd.DataFrame(X).add_prefix("a"), pd.DataFrame(Y).add_prefix("b")).fit(X, Y)
        assert not hasattr(search, "y_feature_names_in_")


def test_a_pipeline_hands_groups_on():
    pipeline = CrossModalPipeline(CCACV(2, cv=GroupKFold(3)), x_transformer=StandardScaler()).fit(X, Y, groups=GROUPS)
    assert pipeline.aligner_.n_splits_ == 3


def test_a_precomputed_kernel_must_be_square():
    with pytest.raises(ValueError, match="must be square in fit"):
        KernelCCACV(1, kernel="precomputed").fit(X @ X[:50].T, Y @ Y.T)


@pytest.mark.parametrize("parameters", [{}, {"kernel": "additive_chi2", "regularization": 0.01}], ids=["rbf", "chi2"])
def test_order_of_training_rows_changes_no_kernel_score(parameters):
    rng = np.random.default_rng(3)
    rows, partners, new = (
        np.abs(rng.normal(size=(70, 2))),
        np.abs(rng.normal(size=(70, 2))),
        np.abs(rng.normal(size=(30, 2))),
    )
    order = rng.permutation(70)
    k = 20 if not parameters else 3
    one = KernelCCA(k, **parameters).fit(rows, partners)
    other = KernelCCA(k, **parameters).fit(rows[order], partners[order])
    scores = one.transform(new), other.transform(new)
    signs = np.sign(np.sum(scores[0] * scores[1], axis=0))
    assert_allclose(scores[0], scores[1] * signs, atol=1e-4 * np.abs(scores[0]).max())


def test_the_default_grid_has_the_documented_shrinkages():
    assert CCACV().shrinkages == cca_cv.SHRINKAGES
    assert CrossValidationDisplay.from_cv_results(CCACV(3, cv=3).fit(X, Y)).ax_.get_xlabel() == "components"
