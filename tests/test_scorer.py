"""The scorer is the measure on held-out rows, wherever scikit-learn takes a scorer."""

import numpy as np
import pytest
import sklearn
from joblib import parallel_config
from linear_models import pairs
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from crossmodal_cca import CCA, CrossModalPipeline
from crossmodal_cca.metrics import hit_rate_at_k, make_retrieval_scorer, mean_average_precision, median_rank

X, Y = pairs(180)
LABELS = np.arange(180) % 9
FOLDS = KFold(3)


def by_hand(measure, *, labels=False, **options):
    values = []
    for train, test in FOLDS.split(X):
        x, y = CCA(2).fit(X[train], Y[train]).transform(X[test], Y[test])
        ids = {"query_ids": LABELS[test], "gallery_ids": LABELS[test]} if labels else {}
        values.append(np.mean([measure(*sides, **ids, **options) for sides in ((x, y), (y, x))]))
    return values


def test_scores_are_the_metric_on_held_out_pairs():
    scores = cross_validate(CCA(2), X, Y, cv=FOLDS, scoring=make_retrieval_scorer("hit_rate_at_k", k=4))
    assert_allclose(scores["test_score"], by_hand(hit_rate_at_k, k=4))
    scores = cross_validate(CCA(2), X, Y, cv=FOLDS, scoring=make_retrieval_scorer("median_rank", similarity="dot"))
    assert_allclose(scores["test_score"], [-v for v in by_hand(median_rank, similarity="dot")])


def test_directions():
    model = CCA(2).fit(X, Y)
    forth, back, both = (
        make_retrieval_scorer("hit_rate_at_3", direction=d)(model, X, Y) for d in ("x_to_y", "y_to_x", "both")
    )
    x, y = model.transform(X, Y)
    assert forth == hit_rate_at_k(x, y, k=3)
    assert back == hit_rate_at_k(y, x, k=3)
    assert both == pytest.approx((forth + back) / 2)


@pytest.fixture
def _routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("_routing")
def test_labels_arrive_by_routing_cut_to_each_fold():
    ids = {"x_ids": LABELS, "y_ids": LABELS}
    expected = by_hand(mean_average_precision, labels=True)
    scorer = make_retrieval_scorer()
    assert_allclose(cross_validate(CCA(2), X, Y, cv=FOLDS, scoring=scorer, params=ids)["test_score"], expected)
    search = GridSearchCV(CCA(), {"n_components": [1, 2]}, cv=FOLDS, scoring=scorer).fit(X, Y, **ids)
    assert search.cv_results_["mean_test_score"][1] == pytest.approx(np.mean(expected))
    assert search.score(X, Y, **ids) == pytest.approx(scorer(search.best_estimator_, X, Y, **ids))
    names = CrossModalPipeline(CCA(2), x_transformer=StandardScaler())
    assert np.all(cross_validate(names, X, Y, cv=FOLDS, scoring=scorer, params=ids)["test_score"] > 0.11)


@pytest.mark.usefixtures("_routing")
def test_other_functions_take_it_too():
    ids = {"x_ids": LABELS, "y_ids": LABELS}
    scorer = make_retrieval_scorer()
    curves = learning_curve(CCA(2), X, Y, cv=FOLDS, scoring=scorer, train_sizes=[0.5, 1.0], params=ids)
    assert_allclose(curves[2][1], by_hand(mean_average_precision, labels=True))
    settings = {"param_name": "n_components", "param_range": [1, 2]}
    curves = validation_curve(CCA(2), X, Y, cv=FOLDS, scoring=scorer, **settings, params=ids)
    assert_allclose(curves[1][1], by_hand(mean_average_precision, labels=True))
    groups = np.arange(180) // 2
    params = ids | {"groups": groups}
    assert len(cross_validate(CCA(2), X, Y, cv=GroupKFold(3), scoring=scorer, params=params)["test_score"]) == 3


def test_a_search_inside_of_a_search():
    scorer = make_retrieval_scorer("hit_rate_at_5")
    search = GridSearchCV(CCA(), {"n_components": [2]}, scoring=scorer, cv=2)
    nested = cross_validate(search, X, Y, cv=FOLDS, scoring=scorer)["test_score"]
    assert_allclose(nested, by_hand(hit_rate_at_k, k=5))


def test_permuting_pairs_destroys_the_score():
    value, permuted, p = permutation_test_score(
        CCA(2), X, Y, cv=FOLDS, scoring=make_retrieval_scorer("hit_rate_at_10"), n_permutations=9, random_state=0
    )
    assert p == pytest.approx(0.1)
    assert permuted.mean() == pytest.approx(10 / 60, abs=0.05)
    assert value > 0.3


def test_a_cut_off_is_in_the_name():
    model = CCA(2).fit(X, Y)
    found = make_retrieval_scorer(name for name in ["mean_average_precision_at_5", "mean_average_precision"])(
        model, X, Y
    )
    assert found["mean_average_precision_at_5"] < found["mean_average_precision"]
    assert found == make_retrieval_scorer(["mean_average_precision_at_5", "mean_average_precision"])(model, X, Y)
    x, y = model.transform(X, Y)
    by_option = [mean_average_precision(*sides, k=5) for sides in ((x, y), (y, x))]
    assert found["mean_average_precision_at_5"] == pytest.approx(np.mean(by_option))


def test_several_metrics_from_one_search():
    names = ["mean_average_precision", "hit_rate_at_1", "median_rank"]
    both = make_retrieval_scorer(names)
    found = cross_validate(CCA(2), X, Y, cv=FOLDS, scoring=both)
    for name in names:
        alone = cross_validate(CCA(2), X, Y, cv=FOLDS, scoring=make_retrieval_scorer(name))
        assert_allclose(found[f"test_{name}"], alone["test_score"])
    search = GridSearchCV(CCA(), {"n_components": [1, 2]}, cv=FOLDS, scoring=both, refit="hit_rate_at_1").fit(X, Y)
    assert search.best_params_ == {"n_components": 2}
    by_dict = {name: make_retrieval_scorer(name) for name in names}
    assert set(cross_validate(CCA(2), X, Y, cv=FOLDS, scoring=by_dict)) == set(found)


def test_it_clones_prints_and_runs_in_parallel():
    scorer = make_retrieval_scorer("hit_rate_at_k", k=3, direction="x_to_y")
    assert "hit_rate_at_k" in repr(scorer)
    again = clone(scorer)
    model = CCA(2).fit(X, Y)
    assert again(model, X, Y) == scorer(model, X, Y)
    scores = [cross_validate(CCA(2), X, Y, cv=FOLDS, scoring=scorer, n_jobs=n)["test_score"] for n in (1, 2)]
    assert_allclose(*scores)


def in_threads(scorer):
    """Processes, which take long to start, run the scorer in the test above."""
    with parallel_config("threading"):
        cross_validate(PLAIN, X, Y, scoring=scorer, n_jobs=2)


PLAIN = make_pipeline(StandardScaler(), CCA(2))
SEVERAL = ["hit_rate_at_1", "median_rank"]


@pytest.mark.parametrize(
    "score",
    [
        lambda scorer: scorer(clone(PLAIN).fit(X, Y), X, Y),
        lambda scorer: cross_validate(PLAIN, X, Y, scoring=scorer, error_score="raise"),
        lambda scorer: cross_validate(PLAIN, X, Y, scoring=scorer),
        in_threads,
        lambda scorer: cross_validate(PLAIN, X, Y, scoring={"one": scorer, "another": scorer}),
        lambda scorer: GridSearchCV(PLAIN, {"cca__n_components": [1, 2]}, scoring=scorer, refit=False).fit(X, Y),
        lambda scorer: learning_curve(PLAIN, X, Y, scoring=scorer, train_sizes=[0.5, 1.0]),
        lambda scorer: permutation_test_score(PLAIN, X, Y, scoring=scorer, n_permutations=1),
    ],
    ids=["call", "raise", "validate", "jobs", "dict", "search", "curve", "permuted"],
)
@pytest.mark.parametrize("measure", ["mean_average_precision", SEVERAL], ids=["one", "several"])
def test_a_pipeline_that_cannot_embed_the_other_side_says_so_at_once(score, measure):
    """A score of NaN, which scikit-learn makes of errors, would be a search among nothing."""
    with pytest.raises(TypeError, match=r"Pipeline has no transform_y. Put .* CrossModalPipeline"):
        score(make_retrieval_scorer(measure))


def test_other_errors_stay_what_the_user_made_of_them():
    """Such as folds of which the scores cannot be computed."""

    class Failing(CCA):
        def transform_y(self, y):
            raise ValueError("no scores here")

    with pytest.warns(UserWarning, match="no scores here"):
        scores = cross_validate(Failing(2), X, Y, cv=FOLDS, scoring=make_retrieval_scorer())["test_score"]
    assert np.isnan(scores).all()


def test_a_scorer_of_one_direction_warns_of_that_one_only():
    """Of four queries from X the last finds nothing relevant; each of those from y does."""
    model = CCA(2).fit(X, Y)
    rows = X[:4], Y[:3]
    ids = {"x_ids": [0, 1, 2, 3], "y_ids": [0, 1, 2]}
    back = make_retrieval_scorer(direction="y_to_x")(model, *rows, **ids)  # warnings are errors
    with pytest.warns(UserWarning, match="1 of 4 queries have no relevant item") as told:
        forth = make_retrieval_scorer(direction="x_to_y")(model, *rows, **ids)
    assert len(told) == 1
    with pytest.warns(UserWarning, match="1 of 4 queries") as told:
        both = make_retrieval_scorer(direction="both")(model, *rows, **ids)
    assert len(told) == 1
    assert both == pytest.approx((forth + back) / 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: make_retrieval_scorer("accuracy"), ValueError, "measure must be one of"),
        (lambda: make_retrieval_scorer([]), ValueError, "at least one measure"),
        (lambda: make_retrieval_scorer(["recall_at_k", "recall_at_10"]), ValueError, "different measures"),
        (lambda: make_retrieval_scorer(direction="forth"), ValueError, "direction must be one of"),
        (lambda: make_retrieval_scorer(similarity="l1"), ValueError, "similarity must be"),
        (lambda: make_retrieval_scorer("r_precision", k=3), TypeError, "takes no k"),
        (lambda: make_retrieval_scorer("hit_rate_at_k", k=0), ValueError, "k must be a whole number of at least 1"),
        (lambda: make_retrieval_scorer("hit_rate_at_k", kk=0), TypeError, "takes no kk here, only k; got kk=0"),
        (
            lambda: make_retrieval_scorer("ndcg_at_k", exclude="self"),
            TypeError,
            "takes no exclude here, only k and gain",
        ),
    ],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
