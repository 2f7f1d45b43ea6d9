"""What is made of this package's parts saves as a whole; one that holds a part of another package says which."""

import re

import numpy as np
import pandas as pd
import pytest
from sameness import assert_same, assert_same_state
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.preprocessing import StandardScaler
from space_rows import FITTED, LABELS, NEW_POINTS, NEW_X, NEW_Y, POINTS_X, POINTS_Y, PROTOTYPES, X, Y

from crossmodal_cca import CCA, CCACV, CrossModalPipeline, load
from crossmodal_cca.retrieval import CrossModalIndex
from crossmodal_cca.transfer import (
    CacheSimilarity,
    CrossModalClassifier,
    ESZSLClassifier,
    GaussianDiscriminant,
    PrototypeClassifier,
    PrototypeLogisticRegression,
    PrototypeSimilarity,
    SharedSpace,
)

CODES = np.unique(LABELS, return_inverse=True)[1]
# Two shots of each class, of the numbers that np.unique gives them.
SHOTS = np.concatenate([np.flatnonzero(code == CODES)[:2] for code in range(3)])


def saved_and_loaded(thing, folder):
    thing.save(folder / "file")
    return load(folder / "file")


@pytest.mark.parametrize("head", [None, PrototypeLogisticRegression(), GaussianDiscriminant()], ids=str)
@pytest.mark.parametrize("classes", [LABELS, CODES, CODES * 2.0, LABELS.astype(object)], ids=["U", "i", "f", "O"])
def test_classifiers_come_back_with_classes_of_any_type_and_the_prototypes_they_were_given(head, classes, tmp_path):
    classifier = CrossModalClassifier(FITTED, head).fit(Y, classes, shots=X[SHOTS], shot_labels=classes[SHOTS])
    loaded = saved_and_loaded(classifier, tmp_path)
    assert_same_state(loaded, classifier)
    for method in ("predict", "predict_proba", "decision_function"):
        assert_same(getattr(loaded, method)(NEW_X), getattr(classifier, method)(NEW_X), where=method)


def test_prototypes_by_number_are_kept(tmp_path):
    prototypes = {code: POINTS_Y[code == CODES].mean(axis=0) for code in range(3)}
    head = PrototypeLogisticRegression(prototypes=prototypes).fit(POINTS_X, CODES)
    loaded = saved_and_loaded(head, tmp_path)
    assert_same_state(loaded, head)
    assert_same(loaded.predict_proba(NEW_POINTS), head.predict_proba(NEW_POINTS))


def test_a_pipeline_of_parts_of_this_package_is_saved(tmp_path):
    space = SharedSpace(unit_length=True)
    model = CrossModalPipeline(CCA(2, shrinkage=0.5), x_transformer=space, y_transformer=space).fit(X, Y)
    loaded = saved_and_loaded(model, tmp_path)
    assert_same_state(loaded, model)
    assert_same(loaded.transform(NEW_X, NEW_Y), model.transform(NEW_X, NEW_Y))


def test_an_unfitted_whole_keeps_its_fitted_aligner(tmp_path):
    for thing in (SharedSpace(FITTED), CrossModalClassifier(FITTED, PrototypeClassifier(temperature=0.1))):
        loaded = saved_and_loaded(thing, tmp_path)
        assert_same_state(loaded, thing)
        assert_same(loaded.aligner.transform(NEW_X), FITTED.transform(NEW_X))


@pytest.mark.parametrize(
    "wrapped",
    [GridSearchCV(CCA(2), {"shrinkage": [0.3, 0.5]}, cv=2).fit(X, Y), FrozenEstimator(FITTED)],
    ids=["search", "frozen"],
)
def test_a_whole_keeps_the_aligner_of_its_fit_not_what_was_around_it(wrapped, tmp_path):
    for thing in (SharedSpace(wrapped).fit(X), CrossModalIndex(wrapped, modality="x").fit(X)):
        loaded = saved_and_loaded(thing, tmp_path)
        assert type(loaded.aligner) is CCA
        assert_same_state(loaded.aligner_, thing.aligner_)
    assert_same(saved_and_loaded(SharedSpace(wrapped).fit(X), tmp_path).transform(NEW_X), wrapped.transform(NEW_X))


class OwnCCA(CCA):
    """Of somebody who uses the package."""


@pytest.mark.parametrize(
    ("whole", "part"),
    [
        (
            CrossModalPipeline(CCA(2), x_transformer=StandardScaler()).fit(X, Y),
            "CrossModalPipeline.x_transformer is of type sklearn.preprocessing._data.StandardScaler",
        ),
        (CCACV([2], cv=KFold(3)).fit(X, Y), "CCACV.cv is of type sklearn.model_selection._split.KFold"),
        (
            CrossModalClassifier(classifier=LogisticRegression()).fit(POINTS_Y, LABELS),
            "CrossModalClassifier.classifier is of type sklearn.linear_model._logistic.LogisticRegression",
        ),
        (
            PrototypeLogisticRegression(prototypes=pd.DataFrame(POINTS_X[:3], index=[0, 1, 2])).fit(POINTS_X, CODES),
            "PrototypeLogisticRegression.prototypes is of type pandas",
        ),
        (SharedSpace(OwnCCA(2).fit(X, Y)).fit(X), f"SharedSpace.model_.aligner is of type {__name__}.OwnCCA"),
        (OwnCCA(2).fit(X, Y), f"OwnCCA is of type {__name__}.OwnCCA"),
    ],
    ids=["transformer", "splitter", "classifier", "dataframe", "subclass inside", "subclass"],
)
def test_a_part_of_another_package_is_named_and_skops_too(whole, part, tmp_path):
    with pytest.raises(TypeError, match=f"{re.escape(part)}.*Save it with skops"):
        whole.save(tmp_path / "file")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "head",
    [
        CacheSimilarity(beta=1),
        ESZSLClassifier(calibration=1),
        GaussianDiscriminant(prior_shots=1),
        PrototypeClassifier(temperature=1),
        PrototypeLogisticRegression(temperature=1),
        PrototypeLogisticRegression(prototypes=PROTOTYPES),
        PrototypeSimilarity(),
        CrossModalClassifier(temperature=1, shot_weight=2, calibration=np.float32(0)),
        CrossModalClassifier(classifier=GaussianDiscriminant()),
    ],
    ids=repr,
)
def test_whole_numbers_as_settings_and_rows_of_single_precision_are_kept(head, dtype, tmp_path):
    rows = POINTS_X.astype(dtype)
    shots = {"shots": rows[SHOTS], "shot_labels": LABELS[SHOTS]} if isinstance(head, CrossModalClassifier) else {}
    fitted = clone(head).fit(rows, LABELS, **shots)
    assert_same_state(saved_and_loaded(fitted, tmp_path), fitted)
