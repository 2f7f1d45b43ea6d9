"""Bundled and synthetic data: what they hold, and that they are what they claim to be."""

import pickle
import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from build_emoji import base_name, build

from crossmodal_cca.datasets import load_emoji, make_paired_latent

ORIGINAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "emoji"
needs_original = pytest.mark.skipif(not ORIGINAL.is_dir(), reason="original embeddings are not at hand")
LANGUAGES = ["en", "fr", "es", "de", "it", "pt", "ru", "zh", "ja"]
N_ROWS = {"all": 1911, "train": 1528, "test": 383}
PER_ROW = ["emoji", "hexcode", "tags", "base_name", "group", "subgroup", "split"]


@pytest.fixture(scope="module")
def emoji():
    return load_emoji()


@pytest.fixture(scope="module")
def stored():
    with np.load(files("crossmodal_cca.datasets") / "data" / "emoji.npz", allow_pickle=False) as archive:
        return dict(archive)


def canonical_correlations(X, y):
    """Singular values of Qxᵀ Qy, Q from the QR decomposition of centred features (Björck & Golub 1973)."""
    qx, qy = (np.linalg.qr(Z - Z.mean(axis=0))[0] for Z in (X, y))
    return np.linalg.svd(qx.T @ qy, compute_uv=False)


@pytest.mark.parametrize("subset", N_ROWS)
def test_every_part_has_the_rows_of_its_subset(subset):
    data = load_emoji(subset=subset)
    n = N_ROWS[subset]
    assert data.image.shape == (n, 1280)
    assert data.text.shape == (n, 384)
    assert data.image.dtype == data.text.dtype == data.class_text.dtype == np.float32
    assert data.image.flags.c_contiguous
    assert data.text.flags.c_contiguous
    assert [data[key].shape for key in PER_ROW] == [(n,)] * len(PER_ROW)
    assert [data.names[language].shape for language in data.names] == [(n,)] * 9
    assert data.class_text.shape == (len(data.group_names), 384) == (10, 384)
    assert len(data.subgroup_names) == 99
    assert data.image_feature_names[[0, -1]].tolist() == ["image0", "image1279"]
    assert data.text_feature_names[[0, -1]].tolist() == ["text0", "text383"]
    assert "LICENSES.md" in data.DESCR


def test_subsets_are_rows_of_the_whole_in_order(emoji):
    for subset in ("train", "test"):
        part, rows = load_emoji(subset=subset), emoji.split == subset
        for key in ["image", "text", *PER_ROW]:
            np.testing.assert_array_equal(part[key], emoji[key][rows])
        for language in LANGUAGES:
            np.testing.assert_array_equal(part.names[language], emoji.names[language][rows])


def test_no_base_name_crosses_the_split(emoji):
    train, test = (set(emoji.base_name[emoji.split == part]) for part in ("train", "test"))
    assert not train & test
    assert len(train | test) == 1711


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("woman: curly hair", "curly hair"),
        ("person: curly hair", "curly hair"),
        ("family: man, woman, boy", "family"),
        ("woman’s hat", "hat"),
        ("mermaid", "mermaid"),
        ("man", "man"),
    ],
)
def test_base_name_loses_person_words_but_never_everything(name, base):
    assert base_name(name) == base


def test_names_are_complete_in_nine_languages(emoji):
    assert list(emoji.names) == LANGUAGES
    for names in emoji.names.values():
        assert names.dtype.kind == "U"
        assert np.all(np.char.str_len(np.char.strip(names)) > 0)
    grapes = emoji.hexcode == "1F347"
    assert emoji.emoji[grapes] == "🍇"
    assert [emoji.names[language][grapes].item() for language in ("en", "de", "ja")] == [
        "grapes",
        "Trauben",
        "ぶどう",
    ]
    assert "fruit" in emoji.tags[grapes].item().split("|")
    assert emoji.group_names[emoji.group[grapes]] == "food-drink"
    assert emoji.subgroup_names[emoji.subgroup[grapes]] == "food-fruit"


def test_hexcodes_are_unique_and_spell_the_emoji(emoji):
    assert len(set(emoji.hexcode)) == len(emoji.hexcode)
    for code, character in zip(emoji.hexcode, emoji.emoji, strict=True):
        spelled = "".join(chr(int(point, 16)) for point in code.split("-"))
        assert spelled.replace("\ufe0f", "") == character.replace("\ufe0f", "")


def test_pooled_image_features_are_non_negative_and_text_rows_nearly_unit_length(emoji):
    assert emoji.image.min() == 0
    np.testing.assert_allclose(np.linalg.norm(emoji.text, axis=1), 1, atol=0.0012)


def test_values_changed_in_place_do_not_reach_the_next_caller(emoji):
    first = load_emoji(subset="test")
    expected = first.image.copy()
    first.image[:] = -1
    first.names["en"][:] = ""
    second = load_emoji(subset="test")
    np.testing.assert_array_equal(second.image, expected)
    assert np.all(second.names["en"] != "")


def test_return_X_y_gives_the_two_modalities(emoji):
    image, text = load_emoji(return_X_y=True)
    np.testing.assert_array_equal(image, emoji.image)
    np.testing.assert_array_equal(text, emoji.text)


def test_frames_carry_the_same_values_hexcodes_and_feature_names(emoji):
    data = load_emoji(as_frame=True)
    image, text = load_emoji(return_X_y=True, as_frame=True)
    pd.testing.assert_frame_equal(image, data.image)
    pd.testing.assert_frame_equal(text, data.text)
    for frame in (data.image, data.text, data.names):
        assert frame.index.name == "hexcode"
        assert frame.index.tolist() == emoji.hexcode.tolist()
    assert data.image.columns.tolist() == emoji.image_feature_names.tolist()
    assert data.text.columns.tolist() == emoji.text_feature_names.tolist()
    assert data.names.columns.tolist() == LANGUAGES
    np.testing.assert_array_equal(data.image.to_numpy(), emoji.image)
    np.testing.assert_array_equal(data.text.to_numpy(), emoji.text)
    assert data.names["fr"].tolist() == emoji.names["fr"].tolist()


@pytest.mark.parametrize(
    ("subset", "error"), [("validation", ValueError), (None, TypeError), (0, TypeError), (["train"], TypeError)]
)
def test_unknown_subset_is_refused_with_what_is_allowed(subset, error):
    with pytest.raises(error, match="'all', 'train', 'test'"):
        load_emoji(subset=subset)


def test_bundled_file_stays_small():
    assert (files("crossmodal_cca.datasets") / "data" / "emoji.npz").stat().st_size < 2.5e6


@needs_original
@pytest.mark.parametrize(("modality", "key"), [("image", "img"), ("text", "txt")])
def test_stored_embeddings_are_within_half_a_step_of_the_original(emoji, stored, modality, key):
    with np.load(ORIGINAL / "emoji.npz", allow_pickle=False) as archive:
        original = archive[key].astype(np.float64)
    rounding = 2 * np.finfo(np.float32).eps * np.abs(original).max(axis=0)
    error = np.abs(emoji[modality] - original).max(axis=0)
    assert np.all(error <= stored[f"{modality}_step"] / 2 + rounding)


@needs_original
def test_rebuilding_from_the_original_gives_the_bundled_arrays(stored):
    rebuilt = build(ORIGINAL)
    assert rebuilt.keys() == stored.keys()
    for key, array in rebuilt.items():
        np.testing.assert_array_equal(array, stored[key], strict=True)


@pytest.mark.parametrize("condition", [1.0, 1e4])
def test_population_correlations_are_those_asked_for(condition):
    n, rho = 200_000, np.array([0.9, 0.6, 0.3])
    X, y = make_paired_latent(n, 5, 4, correlations=rho, condition=condition, random_state=3)
    found = canonical_correlations(X, y)
    # Standard error of a canonical correlation: Anderson (2003), chapter 12.
    assert np.all(np.abs(found[:3] - rho) < 4 * (1 - rho**2) / np.sqrt(n))
    # n times the square of the smallest is nearly chi² with (5 - 3)(4 - 3) degrees of freedom.
    assert n * found[3] ** 2 < 20


def test_order_of_correlations_does_not_matter():
    X, y = make_paired_latent(200_000, 3, 3, correlations=[0.2, 0.8], random_state=0)
    np.testing.assert_allclose(canonical_correlations(X, y), [0.8, 0.2, 0.0], atol=0.01)


@pytest.mark.parametrize("condition", [1.0, 30.0])
def test_features_have_mean_zero_and_the_condition_asked_for(condition):
    n = 200_000
    for Z in make_paired_latent(n, 6, 4, condition=condition, random_state=1):
        assert np.all(np.abs(Z.mean(axis=0)) < 4 * Z.std(axis=0) / np.sqrt(n))
        assert np.sqrt(np.linalg.cond(np.cov(Z.T))) == pytest.approx(condition, rel=0.02)


def test_correlation_one_is_exact():
    X, y = make_paired_latent(50, 4, 3, correlations=[1.0], random_state=0)
    assert canonical_correlations(X, y)[0] == pytest.approx(1.0, abs=1e-12)


def test_no_correlations_give_independent_modalities():
    n = 20_000
    X, y = make_paired_latent(n, 1, 1, correlations=[], random_state=0)
    assert canonical_correlations(X, y)[0] < 4 / np.sqrt(n)


def test_pairs_are_independent_of_one_another():
    n = 20_000
    X, y = make_paired_latent(n, 3, 2, correlations=[0.9], random_state=2)
    pairs = np.hstack([X, y])
    lagged = np.corrcoef(pairs[:-1].T, pairs[1:].T)[:5, 5:]
    assert np.abs(lagged).max() < 4.5 / np.sqrt(n)


def test_same_seed_same_pairs_and_another_seed_others():
    for first, again, other in zip(
        *(make_paired_latent(30, random_state=seed) for seed in (7, np.random.RandomState(7), 8)), strict=True
    ):
        np.testing.assert_array_equal(first, again)
        assert not np.allclose(first, other)


def test_more_samples_extend_the_same_rows():
    for few, many in zip(make_paired_latent(20, random_state=0), make_paired_latent(300, random_state=0), strict=True):
        np.testing.assert_allclose(few, many[:20], rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_samples": 0}, ValueError, "n_samples must be a whole number of at least 1; got 0"),
        ({"n_features_x": 2.5}, TypeError, "n_features_x must be a whole number of at least 1; got 2.5"),
        ({"n_features_y": 0, "correlations": []}, ValueError, "n_features_y must be a whole number"),
        ({"n_features_y": 2}, ValueError, r"At most .* = 2 correlations are possible; got 3"),
        ({"correlations": [0.5, 1.2]}, ValueError, r"in \[0, 1\]; got \[0.5, 1.2\]"),
        ({"correlations": [-0.5]}, ValueError, r"in \[0, 1\]"),
        ({"correlations": [np.nan]}, ValueError, r"in \[0, 1\]"),
        ({"correlations": 0.5}, ValueError, r"must be a sequence of numbers; got 0.5"),
        ({"condition": 0.5}, ValueError, r"condition must lie in \[1, inf\), got 0.5"),
        ({"condition": np.inf}, ValueError, "condition must lie in"),
        ({"condition": np.nan}, ValueError, "condition must lie in"),
    ],
)
def test_bad_argument_is_refused_with_what_is_allowed(arguments, error, message):
    with pytest.raises(error, match=message):
        make_paired_latent(**arguments)


@pytest.mark.parametrize("as_frame", [False, True])
def test_emoji_show_themselves_in_a_few_lines(as_frame):
    data = load_emoji(subset="train", as_frame=as_frame)
    shown = repr(data).splitlines()
    assert len(shown) <= 12
    assert max(map(len, shown)) <= 140
    assert all(re.search(rf"\b{name}\b", repr(data)) for name in data)
    assert "(1528, 1280)" in shown[1]
    assert repr(pickle.loads(pickle.dumps(data))) == repr(data)
