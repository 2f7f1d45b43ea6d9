"""Metadata reaches the parts of a pipeline of two modalities that have requested it, as scikit-learn routes it."""

import re

import numpy as np
import pytest
from linear_models import pairs
from numpy.testing import assert_allclose
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.metadata_routing import MetadataRouter

from crossmodal_cca import CCA, CCACV, CrossModalPipeline, PLSRegression
from crossmodal_cca.metrics import make_retrieval_scorer

X, Y = pairs(90, 5, 4)
NEW = pairs(40, 5, 4, seed=1)
W = np.random.default_rng(0).uniform(0.5, 2.0, len(X))
GROUPS = np.arange(len(X)) // 3
KEYS = ("sample_weight", "metadata")
VALUE = {"sample_weight": W, "metadata": np.arange(len(X)) % 7}


@pytest.fixture
def _routing():
    with config_context(enable_metadata_routing=True):
        yield


class Log(list):
    """What was received, one for all clones of a part."""

    def __deepcopy__(self, memo):
        return self


class Part(BaseEstimator):
    """Writes down what metadata its methods receive, and does nothing else."""

    def __init__(self, name, log):
        self.name = name
        self.log = log

    def received(self, method, given):
        self.log += [(self.name, method, key, value) for key, value in given.items() if value is not None]

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, X, y=None, sample_weight=None, metadata=None):
        self.received("fit", {"sample_weight": sample_weight, "metadata": metadata})
        return self

    def transform(self, X, y=None, sample_weight=None, metadata=None):
        self.received("transform", {"sample_weight": sample_weight, "metadata": metadata})
        return X if y is None else (X, y)

    def inverse_transform(self, X, sample_weight=None, metadata=None):
        self.received("inverse_transform", {"sample_weight": sample_weight, "metadata": metadata})
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


class AtOnce(Part):
    """A transformer that has `fit_transform`, which scikit-learn takes for a fit and a transform."""

    def fit_transform(self, X, y=None, sample_weight=None, metadata=None):
        self.received("fit_transform", {"sample_weight": sample_weight, "metadata": metadata})
        return X


class Aligner(Part):
    """An aligner of everything."""

    def partial_fit(self, X, y, sample_weight=None, metadata=None):
        self.received("partial_fit", {"sample_weight": sample_weight, "metadata": metadata})
        return self

    def predict(self, X, sample_weight=None, metadata=None):
        self.received("predict", {"sample_weight": sample_weight, "metadata": metadata})
        return X

    def score(self, X, y, sample_weight=None, metadata=None):
        self.received("score", {"sample_weight": sample_weight, "metadata": metadata})
        return 0.0

    def sample_y(self, X, n_samples, random_state, **given):
        self.received("sample_y", given)
        return X

    def transform_y(self, y, **given):
        self.received("transform_y", given)
        return y

    def predict_x(self, y, **given):
        self.received("predict_x", given)
        return y

    def inverse_transform_y(self, y, **given):
        self.received("inverse_transform_y", given)
        return y


class Indifferent(TransformerMixin, BaseEstimator):
    """A transformer that takes no metadata."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X

    def inverse_transform(self, X):
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


FITTING = {"separate": {"fit": "fit", "transform": "transform"}, "at once": {("fit", "transform"): "fit_transform"}}
THROUGH_X = {"x_transformer": {"transform": "transform"}}
THROUGH_Y = {"y_transformer": {"transform": "transform"}}
# Of each method: its rows, and by which requests of which parts which of their methods receive metadata.
METHODS = {
    "fit": ("Xy", {"aligner": {"fit": "fit"}, "x_transformer": FITTING, "y_transformer": FITTING}),
    "fit_transform": (
        "Xy",
        {"aligner": {"fit": "fit", "transform": "transform"}, "x_transformer": FITTING, "y_transformer": FITTING},
    ),
    "partial_fit": ("Xy", {"aligner": {"partial_fit": "partial_fit"}, **THROUGH_X, **THROUGH_Y}),
    "transform": ("Xy", {"aligner": {"transform": "transform"}, **THROUGH_X, **THROUGH_Y}),
    "transform_y": ("y", {"aligner": {"transform": "transform_y"}, **THROUGH_Y}),
    "predict": ("X", {"aligner": {"predict": "predict"}, **THROUGH_X}),
    "predict_x": ("y", {"aligner": {"predict": "predict_x"}, **THROUGH_Y}),
    "sample_y": ("X", {"aligner": {"predict": "sample_y"}, **THROUGH_X}),
    "score": ("Xy", {"aligner": {"score": "score"}, **THROUGH_X, **THROUGH_Y}),
    "inverse_transform": (
        "X",
        {
            "aligner": {"inverse_transform": "inverse_transform"},
            "x_transformer": {"inverse_transform": "inverse_transform"},
        },
    ),
    "inverse_transform_y": (
        "y",
        {
            "aligner": {"inverse_transform": "inverse_transform_y"},
            "y_transformer": {"inverse_transform": "inverse_transform"},
        },
    ),
}
ROUTES = {
    f"{method}-{part}-{'+'.join(np.atleast_1d(request))}{'-at once' if kind is AtOnce else ''}": (
        *(method, rows, part, kind, np.atleast_1d(request).tolist(), received),
    )
    for method, (rows, parts) in METHODS.items()
    for part, requests in parts.items()
    for kind, of_kind in (
        ((Part, requests["separate"]), (AtOnce, requests["at once"])) if requests is FITTING else ((Part, requests),)
    )
    for request, received in of_kind.items()
}
REQUESTS = ("fit", "partial_fit", "transform", "predict", "score", "inverse_transform")


def made(kind=Part):
    log = Log()
    parts = {"x_transformer": kind("x_transformer", log), "y_transformer": kind("y_transformer", log)}
    return CrossModalPipeline(Aligner("aligner", log), **parts), log


def request(part, methods, **keys):
    for method in methods:
        if hasattr(part, f"set_{method}_request"):
            getattr(part, f"set_{method}_request")(**keys)


def settled(model, without=None):
    """Nothing is requested, nor asked about, but of the part `without`."""
    for name in ("aligner", "x_transformer", "y_transformer"):
        if name != without:
            request(getattr(model, name), REQUESTS, sample_weight=False, metadata=False)
    return model


def asked(model, method, rows, **params):
    """Call the method, on a fitted pipeline where it does not fit."""
    arguments = {name: {"X": X, "y": Y}[name] for name in rows}
    if "fit" not in method:
        model.fit(X, Y)
    return getattr(model, method)(**arguments, **params)


@pytest.mark.usefixtures("_routing")
def test_nothing_is_requested_at_first():
    model, _ = made()
    router = model.get_metadata_routing()
    assert isinstance(router, MetadataRouter)
    for name in ("aligner", "x_transformer", "y_transformer"):
        requests = router._route_mappings[name].router
        for method in ("fit", "transform"):
            assert set(getattr(requests, method).requests.values()) <= {None}


@pytest.mark.usefixtures("_routing")
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("route", ROUTES)
def test_what_nobody_has_decided_about_is_refused(route, key):
    method, rows, part, kind, requests, _ = ROUTES[route]
    model, log = made(kind)
    settled(model, without=part)
    others = [each for each in REQUESTS if each not in requests]
    request(getattr(model, part), others, sample_weight=False, metadata=False)
    name = type(getattr(model, part)).__name__
    with pytest.raises(UnsetMetadataPassedError, match=rf"{re.escape(f'[{key}]')} are passed .* for {name}\."):
        asked(model, method, rows, **{key: VALUE[key]})
    assert log == []


@pytest.mark.usefixtures("_routing")
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("route", ROUTES)
def test_who_has_requested_receives_and_nobody_else(route, key):
    method, rows, part, kind, requests, received = ROUTES[route]
    model, log = made(kind)
    settled(model)
    request(getattr(model, part), requests, **{key: True})
    asked(model, method, rows, **{key: VALUE[key]})
    ((*where, value),) = log
    assert where == [part, received, key]
    assert value is VALUE[key]


@pytest.mark.usefixtures("_routing")
@pytest.mark.parametrize("method", METHODS)
def test_parts_that_take_nothing_need_no_requests(method):
    log = Log()
    model = CrossModalPipeline(Aligner("aligner", log), x_transformer=Indifferent(), y_transformer=Indifferent())
    asked(model, method, METHODS[method][0])
    assert log == []
    with pytest.raises(TypeError, match=r"got unexpected argument\(s\) \{'other'\}"):
        asked(model, method, METHODS[method][0], other=W)


@pytest.mark.usefixtures("_routing")
def test_parts_may_call_the_same_thing_by_other_names():
    model, log = made()
    settled(model)
    model.aligner.set_fit_request(sample_weight="of_pairs")
    model.x_transformer.set_fit_request(sample_weight="of_x")
    model.fit(X, Y, of_pairs=W, of_x=VALUE["metadata"])
    assert [(part, method, key) for part, method, key, _ in log] == [
        ("x_transformer", "fit", "sample_weight"),
        ("aligner", "fit", "sample_weight"),
    ]
    assert log[0][3] is VALUE["metadata"]
    assert log[1][3] is W


@pytest.mark.parametrize("method", METHODS)
def test_without_routing_all_of_it_is_the_aligners(method):
    model, log = made()
    asked(model, method, METHODS[method][0], **VALUE)
    by_aligner = {"fit_transform": "fit"}.get(method, method)
    assert [(part, name, key) for part, name, key, _ in log] == [("aligner", by_aligner, key) for key in KEYS]


@pytest.mark.parametrize(
    ("method", "switch"),
    [
        ("fit", "set_fit_request"),
        ("fit_transform", "set_fit_request"),
        ("partial_fit", "set_transform_request"),
        ("transform", "set_transform_request"),
        ("predict", "set_transform_request"),
        ("score", "set_transform_request"),
        ("inverse_transform", "set_inverse_transform_request"),
    ],
)
def test_without_routing_what_the_aligner_does_not_take_says_how_to_switch_it_on(method, switch):
    model = CrossModalPipeline(CCA(2))
    message = rf"CCA takes no x_ids in {method.removesuffix('_transform') if 'fit' in method else method}, .*"
    with pytest.raises(TypeError, match=message + rf"enable_metadata_routing=True.*{switch}\(x_ids=True\)"):
        getattr(model if "fit" in method else model.fit(X, Y), method)(
            *(X, Y)[: 1 if method in ("predict", "inverse_transform") else 2], x_ids=GROUPS
        )
    assert ("aligner_" in vars(model)) == ("fit" not in method)


@pytest.mark.usefixtures("_routing")
def test_a_weighted_scaler_and_a_weighted_aligner():
    scaler = StandardScaler().set_fit_request(sample_weight=True)
    model = CrossModalPipeline(CCA(2).set_fit_request(sample_weight=False), x_transformer=scaler)
    model.fit(X, Y, sample_weight=W)
    assert_allclose(model.x_transformer_.mean_, np.average(X, axis=0, weights=W), rtol=1e-12)
    assert_allclose(model.aligner_.y_mean_, Y.mean(axis=0), rtol=1e-12)
    both = clone(model).set_params(aligner=CCA(2).set_fit_request(sample_weight=True))
    assert_allclose(both.fit(X, Y, sample_weight=W).aligner_.y_mean_, np.average(Y, axis=0, weights=W), rtol=1e-12)


@pytest.mark.usefixtures("_routing")
def test_in_the_middle_of_a_pipeline_weights_arrive():
    inner = CrossModalPipeline(CCA(2).set_fit_request(sample_weight=True))
    model = make_pipeline(inner, Ridge().set_fit_request(sample_weight=False)).fit(X, Y, sample_weight=W)
    expected = CCA(2).fit(X, Y, sample_weight=W)
    assert_allclose(model[0].aligner_.x_rotations_, expected.x_rotations_, rtol=0, atol=1e-12)


@pytest.mark.usefixtures("_routing")
def test_in_a_search_weights_and_groups_are_cut_to_each_fold():
    cca = CCA(2).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    model = CrossModalPipeline(cca, x_transformer=StandardScaler().set_fit_request(sample_weight=False))
    # scikit-learn 1.6 asks the pipeline itself whether its score takes weights; later ones ask the aligner.
    model.set_score_request(sample_weight=True)
    folds = GroupKFold(3)
    expected = []
    for train, test in folds.split(X, Y, GROUPS):
        scaler = StandardScaler().fit(X[train])
        fitted = CCA(2).fit(scaler.transform(X[train]), Y[train], sample_weight=W[train])
        expected.append(fitted.score(scaler.transform(X[test]), Y[test], sample_weight=W[test]))
    search = GridSearchCV(model, {"aligner__shrinkage": [0.0]}, cv=folds, error_score="raise")
    search.fit(X, Y, sample_weight=W, groups=GROUPS)
    assert_allclose([search.cv_results_[f"split{i}_test_score"][0] for i in range(3)], expected, rtol=0, atol=1e-10)
    params = {"sample_weight": W, "groups": GROUPS}
    validated = cross_validate(model, X, Y, cv=folds, params=params, error_score="raise")
    assert_allclose(validated["test_score"], expected, rtol=0, atol=1e-10)


@pytest.mark.usefixtures("_routing")
def test_groups_reach_a_cross_validated_aligner_inside_of_a_cross_validation():
    inner = CCACV(2, cv=GroupKFold(3)).set_fit_request(groups=True)
    model = CrossModalPipeline(inner, x_transformer=StandardScaler())
    scorer = make_retrieval_scorer("hit_rate_at_5")
    options = {"cv": GroupKFold(2), "scoring": scorer, "error_score": "raise", "return_estimator": True}
    found = cross_validate(model, X, Y, params={"groups": GROUPS}, **options)
    assert [fitted.aligner_.n_splits_ for fitted in found["estimator"]] == [3, 3]


class TestASearchInside:
    """`CrossModalPipeline(GridSearchCV(CCA(), …))`: what one asks of it is answered by the best model."""

    grid = {"n_components": [1, 2], "shrinkage": [0.0, 0.5]}  # noqa: RUF012

    def test_it_is_the_search_on_what_the_transformers_give(self):
        model = CrossModalPipeline(GridSearchCV(CCA(), self.grid, cv=3), x_transformer=StandardScaler()).fit(X, Y)
        scaler = StandardScaler().fit(X)
        search = GridSearchCV(CCA(), self.grid, cv=3).fit(scaler.transform(X), Y)
        best, rows = search.best_estimator_, scaler.transform(NEW[0])
        assert model.aligner_.best_params_ == search.best_params_
        assert model.score(*NEW) == pytest.approx(search.score(rows, NEW[1]))
        for method, asked, given in (
            *(("transform", NEW[:1], (rows,)), ("transform_y", NEW[1:], NEW[1:]), ("transform", NEW, (rows, NEW[1]))),
            *(("predict", NEW[:1], (rows,)), ("predict_x", NEW[1:], NEW[1:]), ("residual_covariance", (), ())),
            ("inverse_transform_y", (NEW[1][:, : best.n_components_],), (NEW[1][:, : best.n_components_],)),
        ):
            assert_allclose(getattr(model, method)(*asked), getattr(best, method)(*given), rtol=0, atol=1e-12)
        assert model.n_components_ == best.n_components_
        assert list(model.get_feature_names_out()) == list(best.get_feature_names_out())
        frame = model.set_output(transform="pandas").transform(NEW[0])
        assert list(frame.columns) == [f"cca{j}" for j in range(best.n_components_)]

    def test_it_scores_as_the_search_does(self):
        scorer = make_retrieval_scorer("hit_rate_at_5")
        model = CrossModalPipeline(GridSearchCV(CCA(), self.grid, cv=3, scoring=scorer)).fit(X, Y)
        assert model.score(*NEW) == pytest.approx(scorer(model, *NEW))

    @pytest.mark.usefixtures("_routing")
    def test_groups_reach_its_splitter(self):
        model = CrossModalPipeline(GridSearchCV(CCA(), self.grid, cv=GroupKFold(4)), x_transformer=StandardScaler())
        assert model.fit(X, Y, groups=GROUPS).aligner_.n_splits_ == 4

    def test_groups_reach_its_splitter_without_routing_too(self):
        model = CrossModalPipeline(GridSearchCV(CCA(), self.grid, cv=GroupKFold(4)), x_transformer=StandardScaler())
        assert model.fit(X, Y, groups=GROUPS).aligner_.n_splits_ == 4

    def test_one_that_keeps_no_model_is_refused(self):
        model = CrossModalPipeline(GridSearchCV(CCA(), self.grid, refit=False))
        with pytest.raises(ValueError, match=r"aligner is a GridSearchCV with refit=False.*: set refit=True"):
            model.fit(X, Y)
        assert not hasattr(model, "aligner_")

    @pytest.mark.parametrize(
        ("aligner", "missing"),
        [
            (make_pipeline(StandardScaler(), CCA(2)), "Pipeline has no transform_y"),
            (None, "NoneType has no fit"),
        ],
        ids=["plain pipeline", "None"],
    )
    def test_what_is_no_aligner_is_refused(self, aligner, missing):
        model = CrossModalPipeline(aligner)
        with pytest.raises(TypeError, match=rf"aligner must have fit, transform and transform_y, .*; {missing}"):
            model.fit(X, Y)
        assert not hasattr(model, "aligner_")


def test_it_scores_as_its_aligner_does():
    for aligner in (CCA(2), PLSRegression(2)):
        model = CrossModalPipeline(aligner).fit(X, Y)
        assert model.score(*NEW) == pytest.approx(clone(aligner).fit(X, Y).score(*NEW))
        weights = np.linspace(0.5, 2, len(NEW[0]))
        assert model.score(*NEW, sample_weight=weights) == pytest.approx(model.aligner_.score(*NEW, weights))


def test_clones_keep_requests_and_pages_show_the_parts():
    with config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        model = CrossModalPipeline(CCA(2).set_fit_request(sample_weight=False), x_transformer=scaler)
        copied = clone(model).set_params(aligner__n_components=1)
        assert copied.get_params()["aligner__n_components"] == 1
        fitted = copied.fit(X, Y, sample_weight=W)
        assert_allclose(fitted.x_transformer_.mean_, np.average(X, axis=0, weights=W), rtol=1e-12)
        for page in (model._repr_html_(), fitted._repr_html_()):
            assert all(name in page for name in ("CrossModalPipeline", "CCA", "StandardScaler"))
