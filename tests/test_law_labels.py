"""Labels that are missing, of several types or lazy are refused by the name that was typed, wherever they are taken."""

from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from few_shot_worlds import world
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from crossmodal_cca.transfer import (
    CacheSimilarity,
    CrossModalClassifier,
    ESZSLClassifier,
    GaussianDiscriminant,
    PrototypeClassifier,
    PrototypeLogisticRegression,
    PrototypeSimilarity,
    SharedSpace,
    few_shot_episodes,
)

ROWS, TEXTS = np.random.default_rng(0).standard_normal((2, 60, 5))
GOOD = np.repeat(["ant", "bee", "cat"], 20)
HEADS = [
    CacheSimilarity(),
    CrossModalClassifier(),
    ESZSLClassifier(),
    GaussianDiscriminant(),
    PrototypeClassifier(),
    PrototypeLogisticRegression(),
    PrototypeSimilarity(),
    make_pipeline(SharedSpace(), PrototypeClassifier()),
]


def spoiled(value):
    labels = GOOD.tolist()
    labels[7] = value
    return labels


MISSING = "must not be missing, but 1 of 60 ids or labels are NaN or None"
BAD = {
    "None": (spoiled(None), ValueError, MISSING),
    "NaN among texts": (np.array(spoiled(np.nan), dtype=object), ValueError, MISSING),
    "pandas' missing": (pd.Series(spoiled(None), dtype="string"), ValueError, MISSING),
    "NaN among numbers": (np.where(np.arange(60) == 7, np.nan, 1.0), ValueError, MISSING),
    "a number among texts": (spoiled(1), TypeError, "must be of comparable types, got int, str"),
    "the same in an array": (
        np.array(spoiled(1), dtype=object),
        TypeError,
        "must be of comparable types, got int, str; convert all ids or labels to one type, such as str",
    ),
}
if find_spec("dask"):
    import dask.array as da

    BAD["Dask's"] = (da.from_array(np.arange(60) % 3, 20), TypeError, "is a Dask Array")
bad = pytest.mark.parametrize("case", BAD)


@bad
@pytest.mark.parametrize("head", HEADS, ids=lambda head: str(head)[:40])
def test_heads(head, case):
    labels, error, message = BAD[case]
    with pytest.raises(error, match=f"^y {message}"):
        head.fit(ROWS, labels)
    fitted = head.fit(ROWS, GOOD)
    if hasattr(fitted, "score"):
        with pytest.raises(error, match=f"^y {message}"):
            fitted.score(ROWS, labels)


@pytest.mark.parametrize("head", HEADS, ids=lambda head: str(head)[:40])
def test_heads_without_labels(head):
    with pytest.raises(ValueError, match="requires y to be passed"):
        head.fit(ROWS, None)


@bad
@pytest.mark.parametrize("name", ["y", "shot_labels"])
def test_two_modalities(name, case):
    labels, error, message = BAD[case]
    arguments = {"X": TEXTS, "y": GOOD, "shots": ROWS, "shot_labels": GOOD}
    with pytest.raises(error, match=f"^{name} {message}"):
        CrossModalClassifier().fit(**arguments | {name: labels})


@bad
@pytest.mark.parametrize("name", ["y", "description_labels"])
def test_episodes(name, case):
    labels, error, message = BAD[case]
    arguments = {"X": ROWS, "y": GOOD, "descriptions": TEXTS, "description_labels": GOOD, "n_episodes": 2}
    with pytest.raises(error, match=f"^{name} {message}"):
        few_shot_episodes({"zero": CrossModalClassifier()}, shots=(1,), **arguments | {name: labels})


def test_numbers_of_several_types_are_one_type():
    labels = [1, 2.0, np.int8(3)] * 20
    fitted = PrototypeClassifier().fit(ROWS, labels)
    assert_array_equal(fitted.classes_, [1, 2, 3])
    table = few_shot_episodes({"head": PrototypeClassifier()}, ROWS, labels, shots=(1,), n_episodes=2, random_state=0)
    assert set(table["class"]) == {1, 2, 3}


def test_too_few_shots_for_a_search_name_model_and_number():
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=3)
    models = {"plain": LogisticRegression(), "searched": search}
    with pytest.raises(
        ValueError, match=r"n_splits=3 .* models\['searched'\] when it was fitted to 2 shots of each class.* folds"
    ):
        few_shot_episodes(models, ROWS, GOOD, shots=(2, 5), n_episodes=2, random_state=0)
    # That many are enough.
    few_shot_episodes(models, ROWS, GOOD, shots=(3,), n_episodes=2, random_state=0)


def test_what_calibration_finds_can_be_passed():
    """Where classes without shots win too often already, that is nothing, rather than a negative number."""
    for seed in range(5):
        texts, Z, codes, _, _ = world(seed, [3, 4, 3, 2, 0, 0], noise=1.5, gap=-1.0 if seed % 2 else 1.0)
        shots = {"shots": Z, "shot_labels": codes}
        found = CrossModalClassifier(calibration="cv").fit(texts, range(6), **shots).calibration_
        again = CrossModalClassifier(calibration=found).fit(texts, range(6), **shots)
        assert again.calibration_ == found >= 0.0


def test_rows_without_a_direction_are_named():
    texts, Z, codes, new, _ = world(0, 2)
    spoiled_texts, spoiled_shots = texts.copy(), Z.copy()
    spoiled_texts[2], spoiled_shots[3] = 0.0, 0.0
    fitted = CrossModalClassifier().fit(texts, range(6))
    calls = {
        r"1 of the 6 rows of X are zero .*\b2\b": lambda: fitted.fit(spoiled_texts, range(6)),
        r"1 of the 12 rows of shots are zero .*\b3\b": lambda: fitted.fit(
            texts, range(6), shots=spoiled_shots, shot_labels=codes
        ),
        r"1 of the 2 rows of X are zero .*\b1\b": lambda: fitted.predict(np.array([new[0], 0 * new[1]])),
    }
    for message, call in calls.items():
        with pytest.warns(UserWarning, match=message) as caught:
            call()
        assert caught[0].filename == __file__
        assert len(caught) == 1


WEIGHTS = {
    "None": ([None] * 60, "sample_weight contains NaN, as None"),
    "negative": (-np.ones(60), "^sample_weight must be finite and non-negative"),
    "all zero": (np.zeros(60), "not every weight may be zero"),
    "too few": (np.ones(59), "one weight for each of the 60 rows"),
}


@pytest.mark.parametrize("case", WEIGHTS)
@pytest.mark.parametrize("head", [head for head in HEADS if hasattr(head, "predict_proba")], ids=lambda h: str(h)[:40])
def test_weights_of_scored_rows(head, case):
    weights, message = WEIGHTS[case]
    fitted = head.fit(ROWS, GOOD)
    right = fitted.predict(ROWS) == GOOD
    assert fitted.score(ROWS, GOOD, sample_weight=1 + right) == pytest.approx(2 * right.sum() / (60 + right.sum()))
    with pytest.raises(ValueError, match=message):
        fitted.score(ROWS, GOOD, sample_weight=weights)


@pytest.mark.parametrize("cv", [1, "five", [3, 4]], ids=str)
def test_folds_of_episodes(cv):
    with pytest.raises((TypeError, ValueError), match=r"^cv must be a number of folds .*; got "):
        few_shot_episodes({"mean": PrototypeClassifier()}, ROWS, GOOD, shots=(1,), cv=cv)


def test_the_only_class_is_named_as_it_was_given():
    with pytest.raises(ValueError, match=r"at least 2 classes; y holds 1 class: 'ant'\.$"):
        GaussianDiscriminant().fit(ROWS, ["ant"] * 60)
