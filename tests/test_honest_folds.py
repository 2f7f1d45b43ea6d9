"""Folds are shuffled and split no item; in the gallery of a fold every item stands once."""

import numpy as np
import pandas as pd
import pytest
from linear_models import pairs
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, KFold

from crossmodal_cca import CCA, CCACV, KernelCCA, KernelCCACV, PLSRegression, PLSRegressionCV
from crossmodal_cca.datasets import load_emoji, make_paired_latent
from crossmodal_cca.metrics import deduplicate, make_retrieval_scorer, retrieval_report
from crossmodal_cca.rows._equal import equal_rows
from crossmodal_cca.rows._stored import rows_in_memory

X, Y = pairs(180)
SEARCHES = {
    "cca": CCACV(2, shrinkages=(0.1, 0.5)),
    "pls": PLSRegressionCV(2),
    "kernel": KernelCCACV([1, 2], width_factors=(1.0,), regularizations=(0.1,)),
}
MODELS = {"cca": CCA(), "pls": PLSRegression(), "kernel": KernelCCA()}
searches = pytest.mark.parametrize("name", SEARCHES)
RETRIEVAL = "hit_rate_at_5"


def search_of(name, **params):
    return clone(SEARCHES[name]).set_params(**params)


def cells(search):
    return np.array([search.cv_results_[f"split{i}_test_score"] for i in range(search.n_splits_)])


def parts_of(rows):
    return equal_rows(rows_in_memory(rows), "X")


def assert_same_parts(one, other):
    """Equal up to the numbers."""
    together = len(np.unique(np.stack([one, other]), axis=1).T)
    assert len(one) == len(other)
    assert (len(np.unique(one)), len(np.unique(other))) == (together, together)


def captions(n_images, n_captions=5, noise=1.0, seed=0):
    """Rows of images and captions, and the number of the image of each row."""
    rng = np.random.default_rng(seed)
    image, text = make_paired_latent(n_images, 20, 15, correlations=[0.9] * 8, random_state=1)
    item = np.repeat(np.arange(n_images), n_captions)
    return image[item], text[item] + noise * rng.normal(size=(len(item), 15)), item


# Folds


@searches
@pytest.mark.parametrize("cv", [3, np.int64(4), None])
def test_a_number_of_folds_shuffles(name, cv):
    splitter = KFold(5 if cv is None else cv, shuffle=True, random_state=0)
    search, same = (search_of(name, cv=each).fit(X, Y) for each in (cv, splitter))
    assert_array_equal(cells(search), cells(same))
    assert_array_equal(search.groups_, np.arange(180))


GROUPS = np.random.default_rng(0).integers(0, 40, size=180)


@searches
@pytest.mark.parametrize(
    "groups",
    [
        GROUPS,
        GROUPS.tolist(),
        [f"patient {g:02}" for g in GROUPS],
        pd.Series([f"patient {g:02}" for g in GROUPS], index=range(500, 680)),
        pd.Categorical(GROUPS),
        [(g // 7, g) for g in GROUPS.tolist()],
        GROUPS.astype("datetime64[D]"),
    ],
    ids=["ints", "list", "strings", "series", "categories", "tuples", "dates"],
)
def test_a_number_of_folds_keeps_groups_together(name, groups):
    search = search_of(name, cv=3).fit(X, Y, groups=groups)
    same = search_of(name, cv=GroupKFold(3, shuffle=True, random_state=0)).fit(X, Y, groups=GROUPS)
    assert_array_equal(cells(search), cells(same))
    assert_array_equal(search.groups_, np.unique(GROUPS, return_inverse=True)[1])


@searches
def test_groups_win_over_ids_and_equal_rows(name):
    A, B = X[GROUPS], Y[GROUPS]
    apart = np.arange(180) % 90
    search = search_of(name, scoring=RETRIEVAL, cv=3).fit(A, B, groups=apart, x_ids=GROUPS, y_ids=GROUPS)
    assert_array_equal(search.groups_, apart)
    splitter = GroupKFold(3, shuffle=True, random_state=0)
    same = clone(search).set_params(cv=splitter).fit(A, B, groups=apart, x_ids=GROUPS, y_ids=GROUPS)
    assert_array_equal(cells(search), cells(same))


@searches
def test_splitters_are_taken_as_they_are(name):
    A, B = X[GROUPS], Y[GROUPS]
    search = search_of(name, cv=KFold(3)).fit(A, B)
    assert_array_equal(cells(search), cells(search_of(name, cv=list(KFold(3).split(A))).fit(A, B)))
    assert_same_parts(search.groups_, GROUPS)
    with pytest.raises(ValueError, match="groups"):
        search_of(name, cv=GroupKFold(3)).fit(A, B, x_ids=GROUPS, y_ids=GROUPS)


@pytest.mark.newest
def test_sorted_emoji_score_as_shuffled_and_as_new_ones():
    data, test = load_emoji(subset="train"), load_emoji(subset="test")
    # A quarter of the features, for speed.
    image, text, names = data.image[:, ::4], data.text, data.base_name
    search = CCACV([100], shrinkages=(0.5,), powers=(1.0,), scoring="hit_rate_at_10", cv=5)
    order = np.random.default_rng(0).permutation(len(image))
    of_sorted = search.fit(image, text, groups=names).best_score_
    of_shuffled = search.fit(image[order], text[order], groups=names[order]).best_score_
    # Two standard errors of the difference of two shares of 1528 queries.
    assert of_sorted == pytest.approx(of_shuffled, abs=2 * np.sqrt(2 * 0.25 / 1528))
    # As many rows as a fold has, which share no name with the others; two standard errors of their share.
    new = make_retrieval_scorer("hit_rate_at_10")(search, test.image[:306, ::4], test.text[:306])
    assert of_sorted == pytest.approx(new, abs=2 * np.sqrt(0.25 / 306))


# What is one item


DIFFERENCES = {"none": 0.0, "single precision": 1e-7, "six digits": 3e-7}
KINDS = {
    "normal": lambda rng, n: rng.normal(size=(n, 6)),
    "one column": lambda rng, n: rng.permutation(n)[:, None] / 7.0,
    "far from zero": lambda rng, n: 1e6 + rng.normal(size=(n, 6)),
    "seconds of a minute": lambda rng, n: 1.7e9 + rng.uniform(0, 60, size=(n, 2)),
    "three units": lambda rng, n: rng.lognormal(size=(n, 3)) * [1e-9, 1.0, 1e9],
    "heavy tails": lambda rng, n: rng.standard_cauchy(size=(n, 6)),
    "one wild row": lambda rng, n: np.vstack([np.full((1, 5), 1e12), rng.normal(size=(n - 1, 5))]),
    "a row out of bounds": lambda rng, n: np.vstack([rng.normal(size=(n - 1, 5)), np.full((1, 5), 1.5e308)]),
    "the largest numbers": lambda rng, n: 1.7e308 * rng.uniform(-1, 1, size=(n, 4)),
    "a wild feature": lambda rng, n: np.column_stack([rng.normal(size=(n, 5)), 1e9 * (rng.uniform(size=n) < 0.05)]),
    "shares": lambda rng, n: rng.dirichlet(np.full(6, 0.3), size=n),
    "indicators": lambda rng, n: np.unique(rng.integers(0, 2, size=(4 * n, 30)), axis=0)[:n],
    "counts": lambda rng, n: np.unique(rng.poisson(0.2, size=(4 * n, 60)), axis=0)[:n],
    "constants": lambda rng, n: np.column_stack([rng.normal(size=(n, 3)), np.full(n, 0.1), np.zeros(n)]),
    "subnormal": lambda rng, n: 1e-311 * rng.integers(0, 10**9, size=(n, 4)),
    "spectra": lambda rng, n: 1.0 + 0.1 * rng.normal(size=(n, 3)) @ rng.normal(size=(3, 400)),
    "wide": lambda rng, n: rng.normal(size=(n, 3000)),
}


def copies(kind, difference, n=300, seed=0):
    """Rows of which some are copies, up to a difference in units of each feature's deviation; the items of rows."""
    rng = np.random.default_rng(seed)
    rows = KINDS[kind](rng, n)
    assert len(np.unique(rows, axis=0)) == n
    item = rng.permutation(np.repeat(np.arange(n), rng.integers(1, 4, size=n)))
    deviation = 2 * np.median(np.abs(rows / 2 - np.median(rows, axis=0) / 2), axis=0)
    return rows[item] + difference * deviation * rng.uniform(-0.5, 0.5, size=(len(item), rows.shape[1])), item


@pytest.mark.parametrize("difference", DIFFERENCES)
@pytest.mark.parametrize("kind", KINDS)
def test_rows_equal_to_six_digits_are_one_item(kind, difference):
    rows, item = copies(kind, DIFFERENCES[difference])
    assert_same_parts(parts_of(rows), item)


@pytest.mark.parametrize("kind", ["normal", "far from zero", "three units", "one wild row", "spectra", "wide"])
def test_one_feature_tells_rows_apart(kind):
    rng = np.random.default_rng(1)
    rows = KINDS[kind](rng, 200)
    other = rows.copy()
    feature = rng.integers(rows.shape[1], size=200)
    deviation = np.median(np.abs(rows - np.median(rows, axis=0)), axis=0)
    other[np.arange(200), feature] += 1e-4 * np.maximum(
        deviation[feature], np.abs(rows[np.arange(200), feature] - np.median(rows, axis=0)[feature])
    )
    assert_same_parts(parts_of(np.vstack([rows, other])), np.arange(400))


def test_rare_features_tell_rows_apart():
    """Too rare to be seen where the unit of a feature is looked for."""
    rows = np.repeat(np.random.default_rng(0).normal(size=(500, 4)), 20, axis=0)
    rare = np.zeros((10_000, 3))
    rare[[21, 4001, 7002], [0, 1, 2]] = 1.0
    parts = parts_of(np.hstack([rows, rare]))
    assert parts.max() + 1 == 503
    assert_same_parts(parts_of(sparse.csr_array(np.hstack([rows, rare]))), parts)


@pytest.mark.parametrize("kind", ["normal", "three units", "shares", "counts", "spectra"])
def test_units_origin_and_order_say_nothing(kind):
    rows, item = copies(kind, 3e-7)
    rng = np.random.default_rng(2)
    units, origin = 10.0 ** rng.integers(-6, 7, size=rows.shape[1]), rng.normal(size=rows.shape[1])
    order, columns = rng.permutation(len(rows)), rng.permutation(rows.shape[1])
    for same, items in (
        (rows * units, item),
        (rows + origin * rows.std(axis=0), item),
        (rows[order], item[order]),
        (rows[:, columns], item),
        (np.tile(rows, (1, 2)), item),
    ):
        assert_same_parts(parts_of(same), items)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_copy_among_many_rows_is_missed(dtype):
    rng = np.random.default_rng(3)
    item = rng.permutation(np.repeat(np.arange(20_000), 3))
    rows = rng.normal(size=(20_000, 16))[item]
    rows *= 1 + 1e-7 * rng.uniform(-1, 1, size=rows.shape)
    assert_same_parts(parts_of(rows.astype(dtype)), item)


def test_copies_of_one_row_alone():
    assert_array_equal(parts_of(np.ones((1000, 3))), np.zeros(1000))


ONE_ITEM = {
    "both sides": (lambda A, B, item: (A[item], B[item]), "correlation", True),
    "x alone, for a correlation": (lambda A, B, item: (A[item], B), "correlation", False),
    "x alone, for a search": (lambda A, B, item: (A[item], B), RETRIEVAL, True),
    "y alone, for a search": (lambda A, B, item: (A, B[item]), RETRIEVAL, True),
    "both sides, up to rounding": (lambda A, B, item: (A[item] * (1 + 1e-7), B[item]), "correlation", True),
}


@pytest.mark.parametrize(
    ("name", "what", "dtype"),
    [
        (name, what, (np.float64, np.float32, np.float16)[(i + j) % 3])
        for i, name in enumerate(SEARCHES)
        for j, what in enumerate(ONE_ITEM)
    ],
)
def test_rows_of_one_item_share_a_fold(name, what, dtype):
    make, scoring, together = ONE_ITEM[what]
    A, B = make(X.astype(dtype), Y.astype(dtype), GROUPS)
    search = search_of(name, scoring=scoring, cv=3).fit(A, B)
    assert_same_parts(search.groups_, GROUPS if together else np.arange(180))
    splitter = GroupKFold(3, shuffle=True, random_state=0)
    same = clone(search).set_params(cv=splitter).fit(A, B, groups=search.groups_)
    assert_array_equal(cells(search), cells(same))


def test_items_on_both_sides_are_joined_for_a_search():
    """Two pictures of one text, and two texts of one picture, are one item."""
    x_item, y_item = np.arange(180), np.arange(180)
    x_item[1], y_item[2] = 0, 1
    groups = CCACV(2, shrinkages=(0.1,), scoring=RETRIEVAL).fit(X[x_item], Y[y_item]).groups_
    assert_array_equal(groups, np.r_[0, 0, 0, np.arange(1, 178)])


@pytest.mark.parametrize("name", ["cca", "pls"])
def test_sparse_and_mapped_rows_of_one_item(name, tmp_path):
    A, B = X[GROUPS] * (np.abs(X[GROUPS]) > 1), Y[GROUPS]
    dense = search_of(name, cv=3).fit(A, B)
    assert dense.groups_.max() + 1 == len(np.unique(GROUPS))
    of_sparse = search_of(name, cv=3).fit(sparse.csr_array(A), sparse.csc_matrix(B))
    np.save(tmp_path / "x.npy", A)
    mapped = search_of(name, cv=3).fit(np.load(tmp_path / "x.npy", mmap_mode="r"), B)
    for search in (of_sparse, mapped):
        assert_array_equal(search.groups_, dense.groups_)
        assert_allclose(cells(search), cells(dense), atol=1e-9)


def test_equal_rows_of_a_kernel_are_one_item():
    A, B = X[GROUPS], Y[GROUPS]
    search = KernelCCACV(2, kernel="precomputed", regularizations=(0.1,), cv=3).fit(A @ A.T, B @ B.T)
    assert_same_parts(search.groups_, GROUPS)


@searches
def test_labels_keep_nothing_together(name):
    label = np.arange(180) % 4
    classes = np.eye(4)[label]
    for scoring in ("correlation", RETRIEVAL):
        search = search_of(name, scoring=scoring, cv=3).set_params(n_components=[1])
        assert_array_equal(search.fit(X, classes).groups_, np.arange(180))
        assert_array_equal(search.fit(X, label.astype(float)).groups_, np.arange(180))
        assert_array_equal(search.fit(X, Y, x_ids=label, y_ids=label).groups_, np.arange(180))


@searches
@pytest.mark.parametrize("scoring", ["correlation", RETRIEVAL])
def test_ids_are_groups(name, scoring):
    ids = [f"image {g}" for g in GROUPS]
    search = search_of(name, scoring=scoring, cv=3).fit(X, Y, x_ids=ids, y_ids=ids)
    assert_same_parts(search.groups_, GROUPS)
    same = clone(search).fit(X, Y, x_ids=ids, y_ids=ids, groups=search.groups_)
    assert_array_equal(cells(search), cells(same))


# Weights


@pytest.mark.parametrize("name", ["cca", "pls"])
@pytest.mark.parametrize("scoring", ["correlation", "r2"])
def test_weights_are_repeated_rows_under_a_number_of_folds(name, scoring):
    weight = np.random.default_rng(2).integers(0, 3, size=180)
    repeated = np.repeat(np.arange(180), weight)
    weighted = search_of(name, scoring=scoring, cv=4).fit(X, Y, weight)
    plain = search_of(name, scoring=scoring, cv=4).fit(X[repeated], Y[repeated])
    assert_allclose(cells(weighted), cells(plain), atol=1e-10)
    assert_array_equal(weighted.groups_[repeated], plain.groups_)


@pytest.mark.parametrize("name", ["cca", "pls"])
@pytest.mark.parametrize("scoring", ["correlation", RETRIEVAL])
@pytest.mark.parametrize("given", [(), ("groups",), ("x_ids", "y_ids")])
def test_a_row_without_weight_is_no_row(name, scoring, given):
    weight = np.random.default_rng(3).integers(0, 2, size=180).astype(float)
    kept = weight > 0
    # Nor do its values count.
    A, B = X[GROUPS], Y[GROUPS]
    A[~kept] = A[0]
    ids = np.where(kept, GROUPS, 99)
    search = search_of(name, scoring=scoring, cv=3).fit(A, B, weight, **dict.fromkeys(given, ids))
    same = search_of(name, scoring=scoring, cv=3).fit(A[kept], B[kept], **dict.fromkeys(given, ids[kept]))
    assert_allclose(cells(search), cells(same), atol=1e-12)
    assert_array_equal(search.groups_[kept], same.groups_)
    assert_array_equal(search.groups_[~kept], -1)


# Galleries


def refits(name, params, A, B, item, splits, side):
    """Mean hit rate of a report in whose gallery each item of one side stands once, for each fold."""
    found = []
    for train, test in splits:
        model = clone(MODELS[name]).set_params(**params).fit(A[train], B[train])
        scores, ids = [model.transform(A[test]), model.transform_y(B[test])], [item[test], item[test]]
        first = np.sort(np.unique(ids[side], return_index=True)[1])
        scores[side], ids[side] = scores[side][first], ids[side][first]
        report = retrieval_report(*scores, x_ids=ids[0], y_ids=ids[1], measures=[RETRIEVAL], n_resamples=0)
        found.append(report["value"].mean())
    return found


@searches
@pytest.mark.parametrize("side", [0, 1], ids=["x repeats", "y repeats"])
@pytest.mark.parametrize(
    ("given", "cv"),
    [(False, "number"), (True, "number"), (False, "groups"), (True, "rows apart")],
    ids=["found", "ids", "groups", "ids, rows apart"],
)
def test_every_cell_is_a_report_with_each_item_once(name, side, given, cv):
    A, B, item = captions(50, n_captions=3)
    order = np.random.default_rng(4).permutation(len(item))
    A, B, item = A[order], B[order], item[order]
    if side:
        A, B = B, A
    ids = {"x_ids": item.tolist(), "y_ids": item.tolist()} if given else {}
    splitter = {"number": 3, "groups": GroupKFold(3), "rows apart": KFold(3)}[cv]
    search = search_of(name, scoring=RETRIEVAL, cv=splitter)
    search.fit(A, B, **ids, **({"groups": item} if cv == "groups" else {}))
    if cv == "number":
        splitter = GroupKFold(3, shuffle=True, random_state=0)
    splits = list(splitter.split(A, groups=None if cv == "rows apart" else search.groups_))
    for i in (0, len(search.cv_results_["params"]) - 1):
        expected = refits(name, search.cv_results_["params"][i], A, B, item, splits, side)
        assert_allclose(cells(search)[:, i], expected, atol=1e-9)


@pytest.mark.newest
@searches
def test_captions_score_as_they_do_held_out(name):
    A, B, item = captions(4000)
    n = 5000
    search = search_of(name, scoring="hit_rate_at_10", cv=5).set_params(n_components=[8])
    if name == "kernel":
        search.set_params(approximation="nystroem", n_landmarks=100, random_state=0)
    search.fit(A[:n], B[:n])
    assert search.groups_.max() + 1 == 1000
    # Galleries of 200 images and 1000 captions, as those of the folds.
    held_out = []
    for test in np.split(np.arange(n, len(item)), 15):
        image, ids = deduplicate(search.transform(A[test]), item[test])
        report = retrieval_report(
            image, search.transform_y(B[test]), x_ids=ids, y_ids=item[test], measures=["hit_rate_at_10"], n_resamples=0
        )
        held_out.append(report["value"].mean())
    # Two standard errors of a share of 1000 images.
    assert search.best_score_ == pytest.approx(np.mean(held_out), abs=0.03)


def test_labels_stay_in_the_gallery_of_a_fold():
    """Rows of one label differ: all of them are to be found."""
    label = np.arange(180) % 6
    search = search_of("cca", scoring="mean_average_precision", cv=KFold(3)).fit(X, Y, x_ids=label, y_ids=label)
    scorer = make_retrieval_scorer("mean_average_precision")
    model = CCA(**search.best_params_)
    expected = [
        scorer(clone(model).fit(X[a], Y[a]), X[b], Y[b], x_ids=label[b], y_ids=label[b]) for a, b in KFold(3).split(X)
    ]
    assert search.best_score_ == pytest.approx(np.mean(expected))


# Refusals


@searches
@pytest.mark.parametrize(
    ("fit", "error", "message"),
    [
        ({"groups": np.arange(170)}, ValueError, "groups must have one entry per row of X: expected 180, got 170"),
        ({"groups": np.r_[np.nan, np.arange(179)]}, ValueError, "groups must not be missing, but 1 of 180"),
        ({"groups": [None, *range(179)]}, ValueError, "groups must not be missing, but 1 of 180"),
        ({"groups": ["a", *range(179)]}, TypeError, "groups must be of comparable types"),
        ({"groups": np.arange(180)[:, None]}, ValueError, "groups must be one-dimensional"),
        ({"x_ids": [None, *range(179)], "y_ids": np.arange(180)}, ValueError, "x_ids must not be missing"),
        (
            {"x_ids": np.arange(180), "y_ids": np.arange(180).astype("datetime64[D]")},
            TypeError,
            "x_ids and y_ids must be of comparable types",
        ),
        ({"groups": np.arange(180) % 3}, ValueError, "cv=5 folds need at least 5 groups of rows, but there are 3: gr"),
    ],
)
def test_groups_and_ids_that_are_none_are_refused(name, fit, error, message):
    with pytest.raises(error, match=message):
        search_of(name, scoring=RETRIEVAL).fit(X, Y, **fit)


@searches
def test_fewer_items_than_folds_are_refused(name):
    item = np.arange(30) % 4
    with pytest.raises(
        ValueError, match="cv=5 folds need at least 5 groups of rows, but there are 4: rows that are eq"
    ):
        search_of(name).fit(X[item], Y[item])
