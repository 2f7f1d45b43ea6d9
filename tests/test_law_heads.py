"""A head that can be made anew with prototypes gets those of the other modality, any other classifier its rows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from space_rows import LABELS, NEW_LABELS, NEW_POINTS, POINTS_Y, PROTOTYPES

from crossmodal_cca.transfer import (
    CacheSimilarity,
    CrossModalClassifier,
    GaussianDiscriminant,
    PrototypeClassifier,
    PrototypeLogisticRegression,
)
from crossmodal_cca.transfer._heads import PrototypeHead

ONCE = {"temperature": 1.0}


class Nearest(ClassifierMixin, BaseEstimator):
    """A head of somebody else's: scores are products with the prototypes, whatever the shots."""

    def with_prototypes(self, prototypes):
        new = clone(self)
        new.given = prototypes
        return new

    def fit(self, X, y):
        self.n_shots_ = len(X)
        self.classes_ = np.array(sorted(self.given))
        return self

    def decision_function(self, X):
        return X @ np.array([self.given[c] for c in self.classes_]).T


class Namesake(LogisticRegression):
    """A classifier that has a parameter of that name, for something else."""

    def __init__(self, prototypes=7):
        super().__init__()
        self.prototypes = prototypes


def test_which_of_ours_take_prototypes():
    heads = (GaussianDiscriminant, PrototypeLogisticRegression, PrototypeClassifier, LogisticRegression)
    assert [isinstance(head(), PrototypeHead) for head in heads] == [True, True, False, False]


def test_a_head_of_somebody_elses_gets_unit_prototypes_and_the_shots_alone():
    found = CrossModalClassifier(classifier=Nearest(), **ONCE)
    found.fit(POINTS_Y, LABELS, shots=NEW_POINTS, shot_labels=NEW_LABELS)
    assert found.classifier_.n_shots_ == len(NEW_POINTS)
    zero_shot = PrototypeClassifier().fit(POINTS_Y, LABELS)
    assert_allclose(list(found.classifier_.given.values()), zero_shot.prototypes_, atol=1e-12)
    assert_array_equal(found.predict(NEW_POINTS), zero_shot.predict(NEW_POINTS))


def test_a_parameter_of_that_name_alone_means_nothing():
    shots = {"shots": NEW_POINTS, "shot_labels": NEW_LABELS, "X": POINTS_Y, "y": LABELS}
    named, plain = (CrossModalClassifier(classifier=c, **ONCE).fit(**shots) for c in (Namesake(), LogisticRegression()))
    assert named.classifier_.prototypes == 7
    assert_array_equal(named.classifier_.coef_, plain.classifier_.coef_)


@pytest.mark.parametrize("head", [GaussianDiscriminant(), PrototypeLogisticRegression(C=3.0)])
@pytest.mark.parametrize("shots", [{}, {"shots": NEW_POINTS, "shot_labels": NEW_LABELS}])
def test_prototypes_are_given_once(head, shots):
    given = head.with_prototypes(PROTOTYPES)
    assert given is not head
    assert head.prototypes is None
    assert given.get_params() | {"prototypes": None} == head.get_params()
    with pytest.raises(ValueError, match="leave them at None, got 3"):
        CrossModalClassifier(classifier=given).fit(POINTS_Y, LABELS, **shots)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (LogisticRegression, "must be a classifier, but is the class LogisticRegression: pass an instance"),
        (CacheSimilarity(), "decision_function or predict_proba; CacheSimilarity has neither"),
    ],
)
def test_what_scores_no_classes_is_refused(bad, message):
    with pytest.raises(TypeError, match=f"classifier .*{message}"):
        CrossModalClassifier(classifier=bad).fit(POINTS_Y, LABELS)
    with pytest.raises(TypeError, match=f"zero_shot .*{message}"):
        CacheSimilarity().fit(POINTS_Y, LABELS).scores_beside(bad, NEW_POINTS)
