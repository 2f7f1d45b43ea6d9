"""Only what may be exchanged is exchanged: rows, whole groups, and either within blocks."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from crossmodal_cca import CCA, PLSSVD
from crossmodal_cca.inference import permutation_test
from crossmodal_cca.inference._exchange import Exchange

SUBJECTS = np.repeat(np.arange(20), 4)
N_PERMUTATIONS = 999
ALIGNERS = [None, PLSSVD(2), CCA(2, shrinkage=0.5)]


def visits(rng, n_features=2):
    """Four visits of each subject, which resemble each other."""
    return np.repeat(rng.normal(size=(20, n_features)), 4, axis=0) + 0.5 * rng.normal(size=(80, n_features))


def sample(seed, *, related=0.0):
    rng = np.random.default_rng(seed)
    X = visits(rng)
    return X, visits(rng) + related * X


# What is exchanged ------------------------------------------------------------------------------------------------

# Groups, blocks, and the arrangements there are.
ARRANGEMENTS = {
    "rows": (None, None, 24),
    "rows in blocks": (None, "aabb", 4),
    "groups": ("aabbcc", None, 6),
    "groups whose rows are apart": ("abcabc", None, 6),
    "groups of two sizes": ("aabbcde", None, 2 * 6),
    "groups in blocks": ("aabbccdd", "xxxxyyyy", 4),
    "groups of two sizes in blocks": ("aabbcdefgh", "xxxxxxyyyy", 2 * 2 * 24),
    "a group alone": ("aaabbcc", None, 2),
    "a block of one row": (None, "abbb", 6),
}


@pytest.mark.parametrize("case", ARRANGEMENTS)
def test_every_arrangement_is_drawn_as_often_and_no_other(case):
    groups, blocks, possible = ARRANGEMENTS[case]
    groups, blocks = (None if labels is None else list(labels) for labels in (groups, blocks))
    n = len(groups or blocks or range(4))
    exchange = Exchange.of_rows(n) if groups is blocks is None else Exchange.within(n, groups, blocks)
    rng = np.random.default_rng(0)
    n_draws = 200 * possible
    drawn = Counter(tuple(exchange.draw(rng)) for _ in range(n_draws))
    assert len(drawn) == possible
    # Four standard errors, and a little for the largest of up to 96 counts.
    assert max(abs(count - 200) for count in drawn.values()) <= 5 * np.sqrt(200)
    for order in map(list, drawn):
        assert sorted(order) == list(range(n))
        assert blocks is None or [blocks[i] for i in order] == blocks
        for group in set(groups or []):
            rows = [i for i in range(n) if groups[i] == group]
            come_from = [order[i] for i in rows]
            other = {groups[i] for i in come_from}
            assert len(other) == 1
            assert come_from == [i for i in range(n) if groups[i] in other]


@pytest.mark.parametrize("aligner", ALIGNERS, ids=repr)
def test_single_rows_as_groups_and_one_block_are_no_restriction(aligner):
    X, y = sample(0)
    options = {"n_permutations": 99, "aligner": aligner, "nuisance": X[:, :1] + y[:, :1], "random_state": 0}
    plain = permutation_test(X, y, **options)
    for restriction in (
        {"groups": np.arange(80)},
        {"blocks": np.ones(80)},
        {"groups": range(80), "blocks": ["a"] * 80},
    ):
        assert_array_equal(permutation_test(X, y, **options, **restriction), plain)


@pytest.mark.parametrize("aligner", ALIGNERS, ids=repr)
def test_labels_of_groups_and_blocks_may_be_anything(aligner):
    X, y = sample(0)
    options = {"n_permutations": 49, "aligner": aligner, "random_state": 0}
    names = np.array([f"subject {i:02}" for i in SUBJECTS])
    sites = SUBJECTS // 10
    expected = permutation_test(X, y, groups=SUBJECTS, blocks=sites, **options)
    for groups, blocks in ((names, sites.astype(str)), (pd.Series(names, dtype="category"), sites.tolist())):
        assert_array_equal(permutation_test(X, y, groups=groups, blocks=blocks, **options), expected)


# By definition ----------------------------------------------------------------------------------------------------


def largest_correlation(X, y):
    Qx, Qy = (np.linalg.qr(A - A.mean(axis=0))[0] for A in (X, y))
    return -np.log(1 - np.linalg.svd(Qx.T @ Qy, compute_uv=False) ** 2).sum()


@pytest.mark.parametrize("units", ["groups", "blocks", "both"])
def test_p_values_are_those_of_the_slow_definition(units):
    X, y = sample(3, related=0.25)
    sites = SUBJECTS // 10
    options = {
        "groups": {"groups": SUBJECTS},
        "blocks": {"blocks": SUBJECTS},
        "both": {"groups": SUBJECTS, "blocks": sites},
    }
    rng, cube = np.random.default_rng(1), y.reshape(20, 4, 2)

    def rearranged():
        if units == "blocks":
            return np.concatenate([rows[rng.permutation(4)] for rows in cube])
        order = rng.permutation(20)
        order = np.concatenate([order[order < 10], order[order >= 10]]) if units == "both" else order
        return cube[order].reshape(80, 2)

    observed = largest_correlation(X, y)
    slow = np.mean([largest_correlation(X, rearranged()) >= observed for _ in range(N_PERMUTATIONS)])
    found = permutation_test(X, y, N_PERMUTATIONS, random_state=0, **options[units])["p_uncorrected"].iloc[0]
    # Both are estimates: four standard errors of their difference.
    assert found == pytest.approx(slow, abs=4 * np.sqrt(2 * slow * (1 - slow) / N_PERMUTATIONS) + 1 / N_PERMUTATIONS)


def test_the_statistics_are_those_of_the_rows_without_groups():
    X, y = sample(0)
    plain, grouped = (permutation_test(X, y, 9, groups=groups, random_state=0) for groups in (None, SUBJECTS))
    assert_array_equal(grouped[["correlation", "statistic"]], plain[["correlation", "statistic"]])


# Nuisance variables -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("aligner", ALIGNERS, ids=repr)
@pytest.mark.parametrize("restriction", [{}, {"groups": SUBJECTS}, {"blocks": SUBJECTS // 10}], ids=repr)
def test_what_nuisance_variables_add_to_either_side_changes_nothing(aligner, restriction):
    X, y = sample(0)
    rng = np.random.default_rng(9)
    nuisance = np.column_stack([np.repeat(rng.normal(size=20), 4), rng.normal(size=80)])
    options = {"n_permutations": 49, "aligner": aligner, "nuisance": nuisance, "random_state": 0, **restriction}
    expected = permutation_test(X, y, **options)
    moved = permutation_test(
        X + nuisance @ rng.normal(size=(2, 2)), y + nuisance @ [[3.0, 0.0], [0.0, -2.0]], **options
    )
    assert_allclose(moved, expected, rtol=1e-9)
    # Nor does what earlier visits of a subject do to later ones.
    if "groups" in restriction:
        earlier = np.roll(nuisance.reshape(20, 4, 2), 1, axis=1).reshape(80, 2)
        assert_allclose(permutation_test(X + earlier, y - earlier, **options), expected, rtol=1e-9)


def test_groups_that_share_all_their_nuisance_variables_leave_as_many_groups_fewer():
    """Six subjects fewer for five variables of subjects and the mean: canonical correlations in fourteen."""
    rng = np.random.default_rng(0)
    age = rng.normal(size=(20, 5))
    X, y = sample(0)
    table = permutation_test(X, y, 9, groups=SUBJECTS, nuisance=np.repeat(age, 4, axis=0), random_state=0)
    basis = np.column_stack([np.ones(20), age])
    residuals = np.eye(20) - basis @ np.linalg.pinv(basis)
    A, B = ((residuals @ Z.reshape(20, 8)).reshape(80, 2) for Z in (X, y))
    expected = np.linalg.svd(np.linalg.qr(A)[0].T @ np.linalg.qr(B)[0], compute_uv=False)
    assert_allclose(table["correlation"], expected)


# Levels -----------------------------------------------------------------------------------------------------------


def strong(rng):
    common = visits(rng, 1)
    return [np.hstack([visits(rng), common + 0.2 * rng.normal(size=common.shape)]) for _ in range(2)]


def with_nuisance(rng):
    age = np.repeat(rng.normal(size=(20, 6)), 4, axis=0)
    return *(visits(rng) + age.sum(axis=1, keepdims=True) for _ in range(2)), age


@pytest.mark.newest
@pytest.mark.parametrize(
    ("aligner", "draw", "component"),
    [
        (None, lambda rng: [visits(rng), visits(rng)], 1),
        (None, strong, 2),
        (PLSSVD(), strong, 2),
        (PLSSVD(), with_nuisance, 1),
    ],
    ids=["unrelated", "after a strong component", "after a strong component of PLS", "PLS with nuisance variables"],
)
def test_groups_hold_the_level(aligner, draw, component):
    """A small version of benchmarks/permutation_level.py."""
    repetitions, rejected = 100, 0
    for seed in range(repetitions):
        X, y, *nuisance = draw(np.random.default_rng([seed, component]))
        options = {"groups": SUBJECTS, "n_components": component, "random_state": seed, "aligner": aligner}
        options["nuisance"] = nuisance[0] if nuisance else None
        rejected += permutation_test(X, y, 59, **options)["p_value"].loc[component] <= 0.05
    target = 0.05 if component == 1 else 0.08
    assert rejected / repetitions <= target + 3 * np.sqrt(target * (1 - target) / repetitions)


@pytest.mark.newest
def test_permuting_single_rows_of_subjects_rejects_most_of_the_time():
    p = [permutation_test(*sample(seed), 59, n_components=1, random_state=0)["p_value"].iloc[0] for seed in range(60)]
    assert np.mean(np.array(p) <= 0.05) > 0.3


# Bad input --------------------------------------------------------------------------------------------------------

X, Y = sample(0)
HARMFUL = {
    "groups": ({"groups": SUBJECTS[1:]}, ValueError, "groups must have one entry per row of X: exp.* 80"),
    "blocks": ({"blocks": SUBJECTS[1:]}, ValueError, "blocks must have one entry per row of X: expected 80, got 79"),
    "a block each": (
        {"blocks": np.arange(80)},
        ValueError,
        "Nothing can be exchanged: no row has another in its block",
    ),
    "one group": ({"groups": np.zeros(80)}, ValueError, "no group has another of as many rows. Pass coarser"),
    "sizes": ({"groups": np.repeat([0, 1], [79, 1])}, ValueError, "no group has another of as many rows"),
    "both": ({"groups": SUBJECTS, "blocks": SUBJECTS}, ValueError, "another of as many rows in its block"),
    "crossing": (
        {"groups": SUBJECTS, "blocks": np.arange(80) // 2 % 2},
        ValueError,
        "groups must lie within blocks, but group 0 has rows in 2 blocks: 0, 1",
    ),
    "NaN": ({"groups": np.where(SUBJECTS == 3, np.nan, SUBJECTS)}, ValueError, "groups must not be missing"),
    "labels as nuisance": (
        {"nuisance": SUBJECTS.astype(str)},
        ValueError,
        "nuisance holds text.*indicator columns",
    ),
    "a frame of labels": (
        {"nuisance": pd.DataFrame({"site": pd.Categorical(SUBJECTS.astype(str))})},
        ValueError,
        "nuisance holds text.*indicator columns",
    ),
    "too many": (
        {"groups": SUBJECTS, "nuisance": np.random.default_rng(0).normal(size=(80, 5))},
        ValueError,
        "too many for 80 rows: what they leave cannot be exchanged",
    ),
    "too many for blocks": ({"blocks": SUBJECTS, "nuisance": X}, ValueError, "In place of small blocks pass nuisance"),
}


@pytest.mark.parametrize("case", HARMFUL)
def test_what_cannot_be_exchanged_is_refused(case):
    options, error, message = HARMFUL[case]
    with pytest.raises(error, match=message):
        permutation_test(X, Y, 9, **options)


def test_too_few_arrangements_are_said():
    halves = np.repeat(np.arange(3), [27, 27, 26])
    with pytest.warns(UserWarning, match="Only 2 arrangements of the rows are possible, so no p-value .* 1/2 = 0.50"):
        table = permutation_test(X, Y, 99, groups=halves, random_state=0)
    assert (table["p_value"] > 0.3).all()
    with pytest.warns(UserWarning, match="Only 6 arrangements"):
        permutation_test(X[:3, :1], Y[:3, :1], 9)
    permutation_test(X[:8, :1], Y[:8, :1], 9, groups=np.arange(8) // 2)  # 24


def test_rows_that_nuisance_variables_use_up_are_said():
    sites = np.where(np.arange(80) < 76, 0, 1)
    with pytest.warns(UserWarning, match="4 rows are left out: their blocks"):
        permutation_test(X, Y, 9, blocks=sites, nuisance=np.random.default_rng(0).normal(size=(80, 3)))
