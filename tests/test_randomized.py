"""The randomized solver finds the pairs of the exact one, without ever forming a covariance or filling rows up."""

import tracemalloc

import numpy as np
import pytest
from linear_models import pairs
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer

from crossmodal_cca import CCA, CrossModalPipeline, PairMoments
from crossmodal_cca.datasets import load_emoji
from crossmodal_cca.linalg import _randomized as randomized
from crossmodal_cca.metrics import hit_rate_at_k

X, Y = pairs(300, 40, 30)
X[:, 7] = 3.0  # a constant
NEW = pairs(50, 40, 30, seed=1)
WEIGHT = np.random.default_rng(0).integers(0, 4, len(X)).astype(float)
SETTINGS = {
    "scaled": {},
    "unscaled": {"scale": False},
    "apart": {"shrinkage": (0.2, 0.7)},
    "powered": {"power": 1.0},
    "covariance": {"shrinkage": 1.0},
}


def model(**settings):
    return CCA(3, solver="randomized", random_state=0).set_params(**({"shrinkage": 0.3} | settings))


def exact(cca):
    return clone(cca).set_params(solver="svd")


def words(n, p, q, seed=0):
    """Rows of p words, three of them for each of two topics, and q features that the topics shift."""
    rng = np.random.default_rng(seed)
    topics = rng.integers(0, 20, (n, 2))
    frequent = (p ** rng.random((n, 24))).astype(int) - 1
    columns = np.hstack([frequent, (7919 * topics + rng.integers(0, 9, topics.shape)) % p])
    text = sparse.csr_array(
        (np.ones(columns.size), columns.ravel(), np.arange(0, columns.size + 1, columns.shape[1])), shape=(n, p)
    )
    text.sum_duplicates()
    shift = np.random.default_rng(99).standard_normal((20, q))
    return text, shift[topics].sum(axis=1) + rng.standard_normal((n, q))


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
@pytest.mark.parametrize("of", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_the_pairs_of_the_exact_solution(setting, of, weight):
    found = model(**SETTINGS[setting]).fit(of(X), of(Y), weight)
    expected = exact(found).fit(X, Y, weight)
    # The residual is 1e-6 of the leading singular value, and the third one is .2 apart from the next.
    near = {"rtol": 0, "atol": 2e-5}
    np.testing.assert_allclose(found.singular_values_, expected.singular_values_, rtol=1e-9)
    np.testing.assert_allclose(found.correlations_, expected.correlations_, **near)
    np.testing.assert_allclose(found.transform(of(NEW[0])), expected.transform(NEW[0]), **near)
    np.testing.assert_allclose(found.transform_y(NEW[1]), expected.transform_y(NEW[1]), **near)
    np.testing.assert_allclose(found.predict(NEW[0]), expected.predict(NEW[0]), **near)
    np.testing.assert_allclose(found.predict_x(of(NEW[1])), expected.predict_x(NEW[1]), **near)
    np.testing.assert_allclose(found.x_loadings_, expected.x_loadings_, **near)
    np.testing.assert_allclose(found.y_loadings_, expected.y_loadings_, **near)
    np.testing.assert_allclose(found.coef_, expected.coef_, **near)
    np.testing.assert_allclose(found.intercept_, expected.intercept_, **near)
    for name in ("x_mean_", "y_mean_", "x_scale_", "y_scale_"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-12)
    for name in ("shrinkage_", "n_components_", "n_samples_seen_", "n_features_in_"):
        assert getattr(found, name) == getattr(expected, name)


def test_a_side_as_narrow_as_one_column_and_all_components():
    for k, y in ((1, Y[:, :1]), (5, Y[:, :5])):
        found = model(n_components=k).fit(X, y)
        np.testing.assert_allclose(found.predict(NEW[0]), exact(found).fit(X, y).predict(NEW[0]), atol=1e-6)
    assert model(n_components=1).fit(X, Y[:, 0]).predict(X).shape == (300,)


def test_fewer_rows_than_features():
    found = model().fit(X[:15], Y[:15])
    np.testing.assert_allclose(found.transform(NEW[0]), exact(found).fit(X[:15], Y[:15]).transform(NEW[0]), atol=1e-6)


def test_single_precision_is_kept():
    rows = [A.astype(np.float32) for A in (X, Y)]
    found = model().fit(*rows)
    assert found.x_weights_.dtype == found.transform(rows[0]).dtype == np.float32
    np.testing.assert_allclose(found.transform(rows[0]), model().fit(X, Y).transform(X), atol=1e-4)


def test_the_seed_decides_and_hardly_matters():
    text, features = words(800, 3000, 8)
    one, same, other = (model(random_state=seed, shrinkage=0.8).fit(text, features) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.x_weights_, same.x_weights_)
    np.testing.assert_allclose(one.transform(text), other.transform(text), atol=1e-5)
    np.testing.assert_allclose(one.singular_values_, other.singular_values_, rtol=1e-9)


def test_order_of_rows_and_units_change_nothing():
    order = np.random.default_rng(0).permutation(len(X))
    expected = model().fit(X, Y).transform(NEW[0])
    np.testing.assert_allclose(model().fit(X[order], Y[order]).transform(NEW[0]), expected, atol=2e-5)
    units = np.geomspace(1e-3, 1e3, X.shape[1])
    np.testing.assert_allclose(model().fit(X * units, 1e4 * Y).transform(NEW[0] * units), expected, atol=2e-5)


def test_text_as_in_the_exact_solution():
    """At 4,000 words a covariance can still be formed."""
    text, features = words(5000, 4000, 30)
    found = model(n_components=10, shrinkage=0.6).fit(text, features)
    expected = clone(found).set_params(solver="moments").fit(text, features)
    np.testing.assert_allclose(found.singular_values_, expected.singular_values_, rtol=1e-8)
    new, new_features = words(500, 4000, 30, seed=1)
    assert found.score(new, new_features) == pytest.approx(expected.score(new, new_features), abs=1e-6)


def test_many_rows_of_many_columns_take_it_by_themselves():
    """5,500 rows of 60,000 words: neither a covariance (29 GB) nor rows filled up (2.6 GB)."""
    text, features = words(5500, 60_000, 16)
    tracemalloc.start()
    cca = CCA(4, shrinkage=0.9, random_state=0).fit(text, features)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Blocks of 14 directions: seven are kept, and during a pass over the rows as many sums and images again.
    assert peak < 18 * 8 * 14 * 60_000
    assert cca.x_weights_.shape == (60_000, 4)
    np.testing.assert_allclose(
        cca.singular_values_, model(n_components=4, shrinkage=0.9).fit(text, features).singular_values_, rtol=1e-9
    )
    assert cca.score(*words(300, 60_000, 16, seed=1)) > 1.0


def emoji_text(emoji):
    return [" ".join(words) for words in zip(*emoji.names.values(), emoji.tags, strict=True)]


class Measured(CCA):
    """Traces the memory of its own fit alone: the many strings of a vectorizer are slow to trace."""

    def fit(self, X, y):
        tracemalloc.start()
        super().fit(X, y)
        self.peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return self


@pytest.mark.newest
def test_raw_text_in_nine_languages_against_pictures():
    """More than 50,000 character n-grams: fitted without filling up, in far less than 1 GB."""
    train, test = load_emoji(subset="train"), load_emoji(subset="test")
    cca = CCA(32, shrinkage=0.9, power=1.0)
    pipeline = CrossModalPipeline(
        Measured(**cca.get_params()), y_transformer=TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4))
    ).fit(train.image, emoji_text(train))
    peak = pipeline.aligner_.peak
    assert pipeline.aligner_.y_weights_.shape[0] > 50_000
    assert peak < 700e6
    scores = pipeline.transform(test.image, emoji_text(test))
    # Chance is 10/383.
    assert hit_rate_at_k(*scores, k=10) > 0.4
    pictures, text = train.image, pipeline.y_transformer_.transform(emoji_text(train))
    iterated = clone(cca).set_params(solver="randomized", random_state=0, n_components=4).fit(pictures, text)
    np.testing.assert_allclose(iterated.singular_values_, pipeline.aligner_.singular_values_[:4], rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: model(n_components=None).fit(X, Y), "needs n_components and"),
        (lambda: model(shrinkage=0.0).fit(X, Y), "a number above 0 as shrinkage; got n_components=3 and shrinkage=0.0"),
        (lambda: model(shrinkage=(0.1, "oas")).fit(X, Y), "a number above 0 as shrinkage"),
        (lambda: model(n_components=31).fit(X, Y), "n_components=31 is more than the 30 possible"),
        (lambda: model(n_components=5).fit(X[:5], Y[:5]), "more than the 4 possible: with n_samples=5"),
        (lambda: model(n_components=3).fit(X, np.outer(Y[:, 0], [1, 2, 3])), "more than the 1 directions"),
        (lambda: model().fit(np.ones_like(X), Y), "more than the 0 directions"),
        (lambda: model().partial_fit(X, Y), 'solver="randomized" needs the rows'),
        (lambda: model().fit_moments(PairMoments.from_arrays(X, Y)), 'solver="randomized" needs the rows'),
        (lambda: model().fit(X, Y).partial_fit(X, Y), "never formed"),
        (lambda: model().fit(X, Y).residual_covariance(), "never formed"),
        (lambda: model().fit(X, Y).sample_y(X), "never formed"),
        (lambda: model(random_state="seed").fit(X, Y), "cannot be used to seed"),
        (lambda: model().fit(np.where(X > 3, np.nan, X), Y), "Input X contains NaN"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_residual_that_stays_large_is_told(monkeypatch):
    monkeypatch.setattr(randomized, "MAX_PASSES", 2)
    with pytest.warns(ConvergenceWarning, match="not converged after 2 passes .* Raise shrinkage"):
        model(shrinkage=0.01).fit(*words(800, 3000, 20))
