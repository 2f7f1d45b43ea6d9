"""The report of predictions by its definitions: R², cosine about the training mean, hit rate, and what is refused."""

import numpy as np
import pytest
from linear_models import pairs
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

from crossmodal_cca import CCA
from crossmodal_cca.transfer import prediction_report

X, Y = pairs(260)
TRAIN, TEST = (X[:200], Y[:200]), (X[200:], Y[200:])
MODALITIES = pytest.mark.parametrize("modality", ["y", "x"])
ONE_COLUMN = [(X, y[:, 0]) for X, y in (TRAIN, TEST)]


def report(aligner, rows, training, **settings):
    settings = {"X_train": training[0], "y_train": training[1], "n_resamples": 0, "k": 5} | settings
    return prediction_report(aligner, *rows, **settings)


def guesses(cca, modality, n_neighbors, rows, training):
    """Rows of the predictors, neighbours by hand: the means of those of largest cosine of standardised features."""
    known, other = (0, 1) if modality == "y" else (1, 0)
    mean, deviation = training[known].mean(axis=0), training[known].std(axis=0)
    a, b = ((A - mean) / deviation for A in (rows[known], training[known]))
    a, b = (A / np.linalg.norm(A, axis=1, keepdims=True) for A in (a, b))
    nearest = np.argsort(-a @ b.T, axis=1)[:, :n_neighbors]
    return {
        "prediction": cca.predict(rows[0]) if modality == "y" else cca.predict_x(rows[1]),
        "mean": np.tile(training[other].mean(axis=0), (len(rows[other]), 1)),
        "nearest neighbours": training[other][nearest].mean(axis=1),
    }


@MODALITIES
@pytest.mark.parametrize("n_neighbors", [1, 4])
def test_values_follow_the_definitions(modality, n_neighbors):
    cca = CCA(3).fit(*TRAIN)
    found = report(cca, TEST, TRAIN, modality=modality, n_neighbors=n_neighbors)
    other = 1 if modality == "y" else 0
    truth, centre = TEST[other], TRAIN[other].mean(axis=0)
    for name, guess in guesses(cca, modality, n_neighbors, TEST, TRAIN).items():
        value = found["value"][name]
        assert value["r2"] == pytest.approx(r2_score(truth, guess, multioutput="variance_weighted"))
        if name == "mean":
            # No direction: cosine 0 with every row, and each of them equally likely to be among the first five.
            assert value["cosine"] == 0.0
            assert value["hit_rate_at_5"] == pytest.approx(5 / 60)
            continue
        a, b = (A - centre for A in (guess, truth))
        a, b = (A / np.linalg.norm(A, axis=1, keepdims=True) for A in (a, b))
        similarity = a @ b.T
        own = np.diagonal(similarity)
        assert value["cosine"] == pytest.approx(own.mean())
        assert value["hit_rate_at_5"] == pytest.approx(np.mean((similarity > own[:, None]).sum(axis=1) < 5))
    assert found[["low", "high"]].isna().all(axis=None)


def test_one_column_is_the_report_of_signs():
    """About the mean a single number has a sign only: rows of one sign tie with each other, in expectation."""
    train, test = ONE_COLUMN
    cca = CCA(1).fit(*train)
    found = report(cca, test, train)
    centre = train[1].mean()
    truth, guess = np.sign(test[1] - centre), np.sign(cca.predict(test[0]) - centre)
    alike = np.array([(truth == sign).sum() for sign in guess])
    others = len(truth) - alike
    hits = np.where(truth == guess, np.minimum(5 / alike, 1), np.clip((5 - alike) / np.maximum(others, 1), 0, 1))
    value = found["value"]["prediction"]
    assert value["r2"] == pytest.approx(r2_score(test[1], cca.predict(test[0])))
    assert value["cosine"] == pytest.approx(np.mean(truth * guess))
    assert value["hit_rate_at_5"] == pytest.approx(hits.mean())
    assert 0.5 < np.mean(truth == guess) < 1.0  # right and wrong signs both occur
    column = [(X, y[:, None]) for X, y in ONE_COLUMN]
    np.testing.assert_allclose(report(CCA(1).fit(*column[0]), column[1], column[0]), found, rtol=1e-12)


@MODALITIES
def test_one_column_serves_either_way(modality):
    train, test = ONE_COLUMN
    cca = CCA(1).fit(*train)
    truth, guess = (test[1], cca.predict(test[0])) if modality == "y" else (test[0], cca.predict_x(test[1]))
    expected = r2_score(truth, guess, multioutput="variance_weighted")
    assert report(cca, test, train, modality=modality)["value"]["prediction", "r2"] == pytest.approx(expected)


@MODALITIES
@pytest.mark.parametrize("narrow", ["X", "y", "X_train", "y_train"])
def test_other_widths_than_those_of_the_fit_are_refused(modality, narrow):
    sides = {"X": TEST[0], "y": TEST[1], "X_train": TRAIN[0], "y_train": TRAIN[1]}
    sides[narrow] = sides[narrow][:, :4]
    with pytest.raises(ValueError, match=f"^{narrow} has 4 features, but CCA"):
        prediction_report(CCA(3).fit(*TRAIN), **sides, modality=modality, n_resamples=0)


@pytest.mark.parametrize(
    ("narrow", "message"),
    {"y": "y has 4 features, y_train 6, and predictions 6;", "y_train": "y has 6 features, y_train 4, and"}.items(),
)
def test_other_widths_than_those_that_a_regressor_predicts_are_refused(narrow, message):
    sides = {"X": TEST[0], "y": TEST[1], "X_train": TRAIN[0], "y_train": TRAIN[1]}
    sides[narrow] = sides[narrow][:, :4]
    with pytest.raises(ValueError, match=f"^{message}.* all three must agree"):
        prediction_report(LinearRegression().fit(*TRAIN), **sides, n_resamples=0)


@pytest.mark.parametrize("short", ["y", "y_train"])
def test_other_numbers_of_rows_are_refused(short):
    sides = {"X": TEST[0], "y": TEST[1], "X_train": TRAIN[0], "y_train": TRAIN[1]}
    sides[short] = sides[short][:-1]
    with pytest.raises(ValueError, match="rows are pairs, so both need the same number"):
        prediction_report(CCA(3).fit(*TRAIN), **sides, n_resamples=0)


def test_a_constant_truth_is_refused_and_one_that_hardly_varies_is_not():
    """One entry off in the last row: all of the variance, Σ‖y − ȳ‖² = 59/60, is its own."""
    cca = CCA(3).fit(*TRAIN)
    truth = np.tile(TRAIN[1].mean(axis=0), (60, 1))
    with pytest.raises(ValueError, match=r"^y must vary"):
        report(cca, (TEST[0], truth), TRAIN)
    with pytest.raises(ValueError, match=r"^X must vary"):
        report(cca, (np.ones_like(TEST[0]), TEST[1]), TRAIN, modality="x")
    truth[-1, 2] += 1.0
    found = report(cca, (TEST[0], truth), TRAIN)["value"]
    error = np.sum((truth - cca.predict(TEST[0])) ** 2)
    assert found["prediction", "r2"] == pytest.approx(1 - error / (59 / 60))
    assert found["mean", "r2"] == pytest.approx(1 - 60 / 59)


def test_intervals_are_of_whole_groups_and_of_the_level_asked_for():
    """A single group says nothing of others; of the same resamples the quantiles for a higher level lie farther out."""
    cca = CCA(3).fit(*TRAIN)
    alone = report(cca, TEST, TRAIN, groups=np.zeros(60), n_resamples=20, random_state=0).loc["prediction"]
    np.testing.assert_array_equal(alone[["low", "high"]], [[np.nan] * 2, [np.nan] * 2, [0, 1]])
    wide, narrow = (
        report(cca, TEST, TRAIN, n_resamples=400, confidence_level=level, random_state=0).loc["prediction"]
        for level in (0.99, 0.5)
    )
    order = np.stack([wide["low"], narrow["low"], wide["value"], narrow["high"], wide["high"]])
    assert np.all(np.diff(order, axis=0) > 0)
