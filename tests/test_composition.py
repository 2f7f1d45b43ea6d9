"""The estimators work wherever scikit-learn's do: pipelines, searches, frames, files, text."""

import io
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from linear_models import models, pairs
from sklearn import config_context
from sklearn.base import clone
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from crossmodal_cca import CCA, PLSSVD, CrossModalPipeline, PLSCanonical, PLSRegression
from crossmodal_cca.datasets import load_emoji

X, Y = pairs()
NEW = pairs(40, seed=1)
FRAMES = (
    pd.DataFrame(X, index=[f"row{i}" for i in range(len(X))]).add_prefix("image"),
    pd.DataFrame(Y, index=[f"row{i}" for i in range(len(Y))]).add_prefix("word"),
)


@pytest.mark.parametrize("aligner", [CCA(5), PLSSVD(5), PLSCanonical(5), PLSRegression(5)], ids=str)
def test_in_the_middle_of_a_pipeline(aligner):
    model = make_pipeline(StandardScaler(), aligner, Ridge()).fit(X[:200], Y[:200])
    assert model.predict(X[200:]).shape == (100, Y.shape[1])
    assert model.score(X[200:], Y[200:]) > 0.1  # the pairs' own limit is about .25


def test_grid_search_over_cca():
    grid = {"n_components": [1, 2, 3], "shrinkage": [0.0, 0.5, "oas", (0.1, 0.9)]}
    search = GridSearchCV(CCA(), grid, error_score="raise").fit(X, Y)
    assert search.best_params_["n_components"] == 3  # the sum of correlations grows with real components
    assert search.score(*NEW) == pytest.approx(search.best_estimator_.score(*NEW))
    assert len(cross_validate(CCA(2), X, Y, error_score="raise")["test_score"]) == 5


def test_grid_search_reaches_into_both_preprocessings():
    words = load_emoji(subset="train")
    rows = np.arange(0, 1500, 5)
    model = CrossModalPipeline(
        CCA(4, shrinkage=0.5),
        x_transformer=make_pipeline(StandardScaler(), PCA(20, random_state=0)),
        y_transformer=make_pipeline(TfidfVectorizer(), TruncatedSVD(20, random_state=0)),
    )
    grid = {"aligner__shrinkage": [0.3, 0.7], "x_transformer__pca__n_components": [10, 20]}
    search = GridSearchCV(model, grid, cv=3, error_score="raise").fit(words.image[rows], words.names["en"][rows])
    assert search.best_estimator_.transform_y(["red heart"]).shape == (1, 4)
    assert search.cv_results_["mean_test_score"].shape == (4,)


def test_pipeline_equals_its_steps_by_hand():
    scaler, pca = StandardScaler().fit(X), PCA(4, random_state=0).fit(Y)
    by_hand = CCA(2, shrinkage=0.2).fit(scaler.transform(X), pca.transform(Y))
    model = CrossModalPipeline(
        CCA(2, shrinkage=0.2), x_transformer=StandardScaler(), y_transformer=PCA(4, random_state=0)
    ).fit(X, Y)
    x, y = scaler.transform(NEW[0]), pca.transform(NEW[1])
    np.testing.assert_allclose(model.transform(NEW[0]), by_hand.transform(x), atol=1e-12)
    np.testing.assert_allclose(model.transform(*NEW)[1], by_hand.transform_y(y), atol=1e-12)
    np.testing.assert_allclose(model.predict(NEW[0]), by_hand.predict(x), atol=1e-12)
    np.testing.assert_allclose(model.predict_x(NEW[1]), by_hand.predict_x(y), atol=1e-12)
    np.testing.assert_allclose(model.residual_covariance(), by_hand.residual_covariance(), atol=1e-12)
    np.testing.assert_allclose(
        model.sample_y(NEW[0], 2, random_state=0), by_hand.sample_y(x, 2, random_state=0), atol=1e-12
    )
    assert model.score(*NEW) == pytest.approx(by_hand.score(x, y))
    scores = by_hand.transform(x)
    np.testing.assert_allclose(
        model.inverse_transform(scores), scaler.inverse_transform(by_hand.inverse_transform(scores)), atol=1e-12
    )
    np.testing.assert_allclose(
        model.inverse_transform_y(scores), pca.inverse_transform(by_hand.inverse_transform_y(scores)), atol=1e-12
    )
    assert model.n_components_ == 2
    assert model.n_features_in_ == X.shape[1]


def test_pipeline_says_which_step_has_no_way_back():
    model = CrossModalPipeline(CCA(2), y_transformer=make_pipeline(TfidfVectorizer(), TruncatedSVD(4, random_state=0)))
    names = load_emoji(subset="train").names["en"][: len(X)]
    model.fit(X, names)
    assert model.inverse_transform(model.transform(X)).shape == X.shape
    model = CrossModalPipeline(CCA(2), x_transformer=FunctionTransformer(np.tanh), y_transformer=_NoInverse()).fit(X, Y)
    with pytest.raises(AttributeError, match="_NoInverse has no inverse_transform"):
        model.inverse_transform_y(model.transform_y(Y))


class _NoInverse(StandardScaler):
    inverse_transform = property()


@models()
def test_copies_of_a_fitted_model_are_the_model(model):
    model = clone(model).fit(X, Y)
    file = io.BytesIO()
    joblib.dump(model, file)
    for copy in (pickle.loads(pickle.dumps(model)), joblib.load(io.BytesIO(file.getvalue()))):
        np.testing.assert_array_equal(copy.predict(NEW[0]), model.predict(NEW[0]))
        if getattr(copy, "solver", None) != "svd":
            copy.partial_fit(*NEW)
            assert copy.n_samples_seen_ == len(X) + len(NEW[0])
    assert not hasattr(clone(model), "x_weights_")
    assert clone(model).get_params() == model.get_params()


def test_frames_in_frames_out():
    cca = CCA(2).set_output(transform="pandas").fit(*FRAMES)
    assert list(cca.feature_names_in_) == list(FRAMES[0].columns)
    assert list(cca.y_feature_names_in_) == list(FRAMES[1].columns)
    middle = CCA(2).set_output(transform="pandas").fit_transform(*FRAMES)
    for scores in (cca.transform(FRAMES[0]), cca.transform_y(FRAMES[1]), middle):
        assert list(scores.columns) == ["cca0", "cca1"] == list(cca.get_feature_names_out())
        assert list(scores.index) == list(FRAMES[0].index)
    x_scores, y_scores = cca.transform(*FRAMES)
    assert list(x_scores.columns) == ["cca_x0", "cca_x1"]
    assert list(y_scores.columns) == ["cca_y0", "cca_y1"]
    np.testing.assert_allclose(y_scores.to_numpy(), CCA(2).fit(X, Y).transform_y(Y), atol=1e-12)
    with config_context(transform_output="pandas"):
        assert list(PLSRegression(1).fit(*FRAMES).transform(FRAMES[0]).columns) == ["plsregression0"]
        pipeline = CrossModalPipeline(PLSSVD(1), x_transformer=StandardScaler()).fit(*FRAMES)
        assert [list(S.columns) for S in pipeline.transform(*FRAMES)] == [["plssvd_x0"], ["plssvd_y0"]]
    pipeline = CrossModalPipeline(CCA(2), x_transformer=StandardScaler()).set_output(transform="pandas")
    for scores in (pipeline.fit_transform(*FRAMES), pipeline.transform(FRAMES[0]), pipeline.transform_y(FRAMES[1])):
        assert list(scores.columns) == ["cca0", "cca1"]
        assert list(scores.index) == list(FRAMES[0].index)
    assert isinstance(CCA(2).fit(*FRAMES).transform(FRAMES[0]), np.ndarray)


def test_refit_without_names_forgets_them():
    cca = CCA(2).fit(*FRAMES).fit(X, Y)
    assert not hasattr(cca, "feature_names_in_")
    assert not hasattr(cca, "y_feature_names_in_")


def test_metadata_routing_passes_weights():
    w = np.random.default_rng(0).uniform(0.5, 2.0, len(X))
    with config_context(enable_metadata_routing=True):
        cca = CCA().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        search = GridSearchCV(cca, {"n_components": [1, 2]}, error_score="raise").fit(X, Y, sample_weight=w)
    np.testing.assert_allclose(
        search.best_estimator_.x_weights_, CCA(2).fit(X, Y, sample_weight=w).x_weights_, atol=1e-12
    )


def test_memory_maps_and_other_layouts_give_the_same_model(tmp_path):
    expected = CCA(2).fit(X, Y).coef_
    np.save(tmp_path / "x.npy", X)
    for rows in (np.load(tmp_path / "x.npy", mmap_mode="r"), np.asfortranarray(X), X[::-1].copy()[::-1], X.tolist()):
        np.testing.assert_allclose(CCA(2).fit(rows, Y).coef_, expected, atol=1e-12)
    integers = (100 * X).astype(np.int32)
    np.testing.assert_allclose(CCA(2).fit(integers, Y).coef_, CCA(2).fit(integers.astype(float), Y).coef_)
    half = CCA(2).fit(X.astype(np.float16), Y.astype(np.float16))
    assert half.transform(X.astype(np.float16)).dtype == np.float32
