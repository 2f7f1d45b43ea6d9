"""A class with few shots does not lose because others get more."""

import numpy as np
import pytest
from few_shot_worlds import world
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression

from crossmodal_cca.transfer import CrossModalClassifier, GaussianDiscriminant, PrototypeLogisticRegression


@pytest.mark.parametrize("head", [None, LogisticRegression(tol=1e-10, max_iter=1000), GaussianDiscriminant()], ids=str)
def test_repeating_the_shots_of_other_classes_changes_nothing(head):
    texts, Z, codes, new, _ = world(0, [1, 4, 2, 3, 5, 2])
    times = np.where(codes == 0, 1, 10)
    one, other = (
        CrossModalClassifier(None, head, temperature=1.0).fit(texts, range(6), shots=shots, shot_labels=labels)
        for shots, labels in ((Z, codes), (np.repeat(Z, times, axis=0), np.repeat(codes, times)))
    )
    assert_allclose(other.decision_function(new), one.decision_function(new), rtol=1e-5, atol=1e-5)


def test_heads_with_prototypes_get_all_classes_with_one_weight():
    """Those that have shots; all shots together weigh as many as they are."""
    texts, Z, codes, new, _ = world(0, [1, 4, 0, 3, 0, 2])
    ours = CrossModalClassifier(None, PrototypeLogisticRegression(tol=1e-8))
    ours.fit(texts, range(6), shots=Z, shot_labels=codes)
    weights = np.repeat([10 / 4, 10 / 4 / 4, 10 / 4 / 3, 10 / 4 / 2], [1, 4, 3, 2])
    own = PrototypeLogisticRegression(prototypes=dict(enumerate(texts)), tol=1e-8).fit(Z, codes, sample_weight=weights)
    assert_allclose(ours.decision_function(new), own.decision_function(new), rtol=1e-5, atol=1e-5)


@pytest.mark.newest
@pytest.mark.parametrize("gap", [0.0, 3.0])
@pytest.mark.parametrize(
    ("head", "slack"),
    [
        (None, 0.0),
        # Others are recognised better, by means rather than single shots, also where the rare class is right.
        (LogisticRegression(), 0.05),
        # Its likelihood outweighs the prototypes, the one of the rare class too, as shots come in.
        (PrototypeLogisticRegression(), 0.1),
    ],
    ids=str,
)
def test_the_recall_of_a_rare_class_does_not_fall(head, slack, gap):
    """Means of ten draws of 200 new rows of the class, which has one shot in each."""
    recalls = []
    for many in (1, 4, 16):
        found = []
        for seed in range(10):
            texts, Z, codes, new, of_new = world(seed, [1, *[many] * 5], n_new=200, noise=1.5, gap=gap)
            fitted = CrossModalClassifier(None, head).fit(texts, range(6), shots=Z, shot_labels=codes)
            found.append(fitted.score(new[of_new == 0], of_new[of_new == 0]))
        recalls.append(np.mean(found))
    assert min(recalls[1:]) >= recalls[0] - slack
