"""A pipeline of two modalities goes on from batches where the transformers stay as they are."""

import copy

import numpy as np
import pytest
from linear_models import pairs
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler
from sklearn.utils import get_tags

from crossmodal_cca import CCA, CCACV, PLSSVD, CrossModalPipeline
from crossmodal_cca.retrieval import CrossModalIndex

X, Y = pairs(90, 5, 4)
NEW = pairs(20, 5, 4, seed=1)
BATCHES = [slice(0, 40), slice(40, 41), slice(41, 41), slice(41, 90)]
AT_REST = {
    "none": {},
    "no fit": {"x_transformer": Normalizer(), "y_transformer": FunctionTransformer(np.tanh)},
    "frozen": {"x_transformer": FrozenEstimator(StandardScaler().fit(X[:30]))},
}


@pytest.mark.parametrize("transformers", AT_REST.values(), ids=AT_REST)
@pytest.mark.parametrize("aligner", [CCA(2, shrinkage=0.1), PLSSVD(2)], ids=str)
def test_batches_give_what_one_fit_gives(aligner, transformers):
    stream = CrossModalPipeline(aligner, **transformers)
    for rows in BATCHES:
        assert stream.partial_fit(X[rows], Y[rows]) is stream
    whole = CrossModalPipeline(aligner, **transformers).fit(X, Y)
    for one, other in zip(stream.transform(*NEW), whole.transform(*NEW), strict=True):
        assert_allclose(one, other, rtol=0, atol=1e-10)


def test_batches_of_words():
    words = np.array([f"{'abcdefgh'[i % 8]} {'klmnop'[i % 6]}" for i in range(len(X))])
    hashed = HashingVectorizer(n_features=64, alternate_sign=False, token_pattern=r"\w")
    # scikit-learn 1.6 thinks that it must be fitted.
    at_rest = FrozenEstimator(hashed) if get_tags(hashed).requires_fit else hashed
    stream = CrossModalPipeline(CCA(2, shrinkage=0.5), y_transformer=at_rest)
    for rows in BATCHES:
        stream.partial_fit(X[rows], words[rows])
    expected = CCA(2, shrinkage=0.5).fit(X, hashed.transform(words))
    assert_allclose(stream.transform_y(words[:9]), expected.transform_y(hashed.transform(words[:9])), rtol=0, atol=1e-9)


def test_without_batches_there_is_no_such_method():
    for model, reason in (
        (CrossModalPipeline(CCA(2), y_transformer=StandardScaler()), "y_transformer is a StandardScaler, which learns"),
        (CrossModalPipeline(CCACV(2)), "'CCACV' object has no attribute 'partial_fit'"),
        (CrossModalPipeline(GridSearchCV(CCA(), {"n_components": [2]})), "has no attribute 'partial_fit'"),
        (CrossModalPipeline(FrozenEstimator(CCA(2).fit(X, Y))), "aligner is a FrozenEstimator"),
    ):
        for pipeline in (model, clone(model).fit(X, Y)):
            with pytest.raises(AttributeError, match="has no attribute 'partial_fit'") as told:
                pipeline.partial_fit(X, Y)
            assert reason in str(told.value.__cause__)


def test_a_refused_batch_leaves_no_trace_and_others_keep_what_they_hold():
    model = CrossModalPipeline(CCA(2), x_transformer=Normalizer()).fit(X, Y)
    index = CrossModalIndex(model).fit(Y)
    held, before = model.aligner_, copy.deepcopy(vars(model.aligner_))
    scores = model.transform(NEW[0])
    for bad, message in (
        ((X[:5], Y[:4]), "X has 5 rows and y has 4"),
        ((X[:5, 1:], Y[:5]), "X has 4 features"),
        ((X[:5], np.full_like(Y[:5], np.nan)), "y contains NaN"),
    ):
        with pytest.raises(ValueError, match=message):
            model.partial_fit(*bad)
        assert model.aligner_ is held
    model.partial_fit(*NEW)
    assert held.x_weights_ is not model.aligner_.x_weights_
    assert_array_equal(held.x_weights_, CCA(2).fit(Normalizer().transform(X), Y).x_weights_)
    assert before.keys() == vars(held).keys()
    assert_array_equal(index.aligner_.transform(NEW[0]), scores)
