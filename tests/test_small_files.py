"""Files without moments are as small as the maps, and the models in them do all that needs no moments."""

import inspect

import numpy as np
import pytest
from everything import rows
from linear_models import pairs
from sameness import assert_same, assert_same_state

from crossmodal_cca import CCA, PLSSVD, CrossModalPipeline, KernelCCA, load
from crossmodal_cca.inference import summary
from crossmodal_cca.retrieval import CrossModalIndex
from crossmodal_cca.transfer import SharedSpace

LEFT_OUT = r"were left out of the file that this model comes from \(moments=False\): load one that was saved with them"
NEEDS_MOMENTS = ("residual_covariance", "sample_y", "partial_fit")


def has_small_files(row):
    return hasattr(row.thing, "save") and "moments" in inspect.signature(row.thing.save).parameters


@rows("files", has_small_files)
def test_a_small_file_gives_the_same_to_the_last_bit_but_for_what_needs_moments(row, tmp_path):
    made = row.made()
    made.save(tmp_path / "small", moments=False)
    small = load(tmp_path / "small")
    for call in row.calls:
        if call.name not in NEEDS_MOMENTS:
            assert_same(call.on(small), call.on(made), where=str(call))
    small.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "small").read_bytes()
    if not hasattr(row.thing, "_frozen_aligner"):  # whose parameter is the aligner of the file
        assert_same(small.get_params(), made.get_params())
        assert_same_state(row.fit.on(small), row.fit.on(made))


@rows("files", lambda row: has_small_files(row) and any(c.name in NEEDS_MOMENTS for c in row.all_calls))
def test_what_needs_moments_says_so_and_leaves_the_model_alone(row, tmp_path):
    made = row.made()
    made.save(tmp_path / "small", moments=False)
    small = load(tmp_path / "small")
    for call in row.all_calls:
        if call.name in NEEDS_MOMENTS:
            with pytest.raises(ValueError, match=LEFT_OUT):
                call.on(small)
    assert_same_state(small, load(tmp_path / "small"))


def test_a_table_of_components_says_what_it_lacks(tmp_path):
    X, Y = pairs(60, 5, 4)
    CCA(2).fit(X, Y).save(tmp_path / "small", moments=False)
    # Of covariances PLS-SVD has no theory that would need them.
    PLSSVD(2).fit(X, Y).save(tmp_path / "pls", moments=False)
    assert_same(summary(PLSSVD.load(tmp_path / "pls"), X, Y), summary(PLSSVD(2).fit(X, Y), X, Y))
    with pytest.raises(ValueError, match=LEFT_OUT):
        summary(CCA.load(tmp_path / "small"), X, Y)
    # Permuted rows would not keep the weights.
    CCA(2, shrinkage=0.5).fit(X, Y, sample_weight=np.linspace(0.5, 2, 60)).save(tmp_path / "weighted", moments=False)
    table = summary(load(tmp_path / "weighted"), X, Y, X_train=X, y_train=Y, n_permutations=9)
    assert table["p_value"].isna().all()


def test_models_inside_others_leave_theirs_out_too(tmp_path):
    X, Y = pairs(300, 40, 30)
    cca = CCA(2, shrinkage=0.5).fit(X, Y)
    wholes = {
        "pipeline": CrossModalPipeline(CCA(2, shrinkage=0.5)).fit(X, Y),
        "space": SharedSpace(cca).fit(X),
        "index": CrossModalIndex(cca).fit(Y[:5]),
    }
    # Σ of x, of y and between them, in double precision.
    moments = 8 * (40**2 + 30**2 + 40 * 30)
    for name, whole in wholes.items():
        whole.save(tmp_path / name)
        large = (tmp_path / name).stat().st_size
        whole.save(tmp_path / name, moments=False)
        assert moments < large - (tmp_path / name).stat().st_size < moments + 4000


def test_a_model_of_two_encoders_fits_into_two_megabytes(tmp_path):
    rng = np.random.default_rng(0)
    latent = rng.standard_normal((1600, 64))
    X, Y = (
        (latent @ rng.standard_normal((64, p)) + 8 * rng.standard_normal((1600, p))).astype("float32")
        for p in (1536, 1024)
    )
    model = CCA(64, shrinkage=0.5).fit(X, Y)
    model.save(tmp_path / "small", moments=False)
    # To the space, back to the own features and on to the others': 3 · (1536 + 1024) · 64 numbers of 4 bytes, 1.97 MB.
    assert (tmp_path / "small").stat().st_size <= 2.1e6
    small = CCA.load(tmp_path / "small")
    assert_same(small.transform(X[:9], Y[:9]), model.transform(X[:9], Y[:9]))
    assert_same(small.predict(X[:9]), model.predict(X[:9]))
    assert small.score(X, Y) == model.score(X, Y)


def test_whether_moments_are_kept_is_yes_or_no(tmp_path):
    X, Y = pairs(60, 5, 4)
    for thing in (CCA(2).fit(X, Y), KernelCCA(2).fit(X, Y), CrossModalIndex().fit(Y)):
        with pytest.raises(TypeError, match="moments must be True or False, got 'no'"):
            thing.save(tmp_path / "file", moments="no")
    with pytest.raises(TypeError, match="with_aligner must be True or False, got 0"):
        CrossModalIndex().fit(Y).save(tmp_path / "file", with_aligner=0)
    assert not list(tmp_path.iterdir())
