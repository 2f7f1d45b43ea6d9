"""`crossmodal-cca monitor`: an alarm is exit status 1, and the figures are those of the monitor."""

import json

import numpy as np
import pandas as pd
import pytest

from crossmodal_cca import CCA
from crossmodal_cca.cli import main
from crossmodal_cca.datasets import make_paired_latent
from crossmodal_cca.diagnosis import DriftMonitor


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model of 400 pairs, 600 further ones as reference, and batches of 200."""
    folder = tmp_path_factory.mktemp("monitor")
    X, y = make_paired_latent(1200, 12, 10, correlations=(0.95,) * 6, random_state=0)
    CCA(6).fit(X[:400], y[:400]).save(folder / "model")
    shifted, broken = X[1000:] + 0.8, y[1000:][::-1]
    files = {"x": X[400:1000], "y": y[400:1000], "new_x": X[1000:], "new_y": y[1000:]}
    files |= {"shifted": shifted, "broken": broken, "all_x": X, "all_y": y, "wide": X[1000:, :9]}
    for name, rows in files.items():
        np.save(folder / f"{name}.npy", rows)
    ids = np.array([f"pair {i}" for i in range(200)])
    pd.DataFrame({"id": ids, "reversed": ids[::-1], "group": np.arange(200) // 4}).to_csv(
        folder / "new.csv", index=False
    )
    pd.DataFrame({"group": np.arange(600) // 4}).to_csv(folder / "groups.csv", index=False)
    return folder


@pytest.fixture
def monitor(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)

    def call(*arguments, reference=("x.npy", "y.npy")):
        command = ["monitor", "model", "--reference", *reference, *arguments, "--permutations", "299", "--json"]
        status = main(command)
        found = json.loads(capsys.readouterr().out)
        assert found["status"] == status
        return status, found

    return call


def test_rows_of_the_same_source_raise_no_alarm(monitor, folder):
    status, found = monitor("--batch", "new_x.npy", "new_y.npy")
    assert (status, found["alarms"], found["n_pairs"], found["unusual_rows"]) == (0, [], 200, [])
    rows = {name: np.load(folder / f"{name}.npy") for name in ("x", "y", "new_x", "new_y")}
    model = CCA(6).fit(np.load(folder / "all_x.npy")[:400], np.load(folder / "all_y.npy")[:400])
    own = DriftMonitor(model, n_permutations=299, random_state=0).fit(rows["x"], rows["y"])
    expected = own.test(rows["new_x"], rows["new_y"])
    assert [each["what"] for each in found["tests"]] == expected.index.tolist()
    np.testing.assert_allclose([each["p_value"] for each in found["tests"]], expected["p_value"])
    assert found["n_reference"] == own.n_reference_rows_


def test_a_change_is_an_alarm_that_names_it(monitor, capsys):
    status, found = monitor("--batch", "shifted.npy", "new_y.npy")
    assert status == 1
    assert "x means" in found["alarms"]
    assert not [name for name in found["alarms"] if name.startswith("y ")]
    assert len(found["unusual_rows"]) <= 10
    status, found = monitor("--batch", "new_x.npy", "broken.npy")
    assert (status, found["alarms"]) == (1, ["pairing"])
    assert monitor("--batch", "new_x.npy", "broken.npy", "--min-effect", "100")[0] == 0
    assert main(["monitor", "model", "--reference", "x.npy", "y.npy", "--batch", "shifted.npy", "new_y.npy"]) == 1
    assert "alarm: " in capsys.readouterr().out


def test_ids_pair_the_rows_of_a_batch(monitor):
    plain = monitor("--batch", "new_x.npy", "new_y.npy")[1]["tests"]
    ids = ["--batch-ids", "new.csv:id", "new.csv:reversed"]
    status, found = monitor("--batch", "new_x.npy", "broken.npy", *ids)
    assert (status, found["tests"]) == (0, plain)


def test_rows_to_look_at_are_those_of_the_files(monitor, folder):
    X, y = (np.load(folder / f"new_{side}.npy") for side in "xy")
    X[7] += 30
    y[9] -= 30
    order = np.random.default_rng(0).permutation(200)
    np.save(folder / "odd_x.npy", X + 0.8)
    np.save(folder / "odd_y.npy", y[order])
    pd.DataFrame({"id": np.arange(200)}).to_csv(folder / "odd_x.csv", index=False)
    pd.DataFrame({"id": order}).to_csv(folder / "odd_y.csv", index=False)
    _, found = monitor("--batch", "odd_x.npy", "odd_y.npy", "--batch-ids", "odd_x.csv:id", "odd_y.csv:id")
    listed = {(each["what"], each["row"]) for each in found["unusual_rows"]}
    assert {("x far rows", 7), ("y far rows", int(np.flatnonzero(order == 9)[0]))} <= listed


@pytest.mark.filterwarnings("always")
def test_a_warning_names_the_files(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    X, y = np.random.default_rng(0).standard_normal((2, 400, 40))
    CCA(10).fit(X, y).save("of_noise")
    for name, rows in (("noise_x", X), ("noise_y", y)):
        np.save(f"{name}.npy", rows)
    pairs = ["noise_x.npy", "noise_y.npy"]
    main(["monitor", "of_noise", "--reference", *pairs, "--batch", *pairs, "--permutations", "259", "--json"])
    (warning,) = json.loads(capsys.readouterr().out)["warnings"]
    assert warning.startswith("The pairs of --reference X and --reference Y look like training pairs")


def test_groups_are_those_of_the_monitor(monitor):
    groups = ["--reference-groups", "groups.csv:group", "--batch-groups", "new.csv:group"]
    assert monitor("--batch", "new_x.npy", "new_y.npy", *groups)[0] == 0
    status, found = monitor("--batch", "new_x.npy", "new_y.npy", *groups[:2])
    assert status == 2
    assert "groups" in found["error"]


def test_the_reference_can_be_what_the_fit_held_out(monitor, folder, capsys):
    files = ["all_x.npy", "all_y.npy"]
    assert main(["fit", *files, "-o", "held", "--components", "6", "--hold-out", "0.5", "--quiet"]) == 0
    capsys.readouterr()
    command = ["monitor", "held", "--reference", *files, "--hold-out", "0.5", "--batch", "new_x.npy", "broken.npy"]
    assert main([*command, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["warnings"] == []
    assert found["n_reference"] < 600


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch", "wide.npy", "new_y.npy"], "wide.npy has 9 features, but rows of x have 12"),
        (["--batch", "no.npy", "new_y.npy"], "There is no file 'no.npy'"),
        (
            ["--batch", "new_x.npy", "y.npy"],
            "--batch X has 200 rows and --batch Y has 600",
        ),
        (["--batch", "new_x.npy", "y.npy"], "say with --batch-ids which belong together"),
        (["--batch", "new_x.npy"], "expected 2 arguments"),
        ([], "required: --batch"),
        (["--batch", "new_x.npy", "new_y.npy", "--false-alarms", "2"], "must be a share between 0 and 1"),
        (["--batch", "new_x.npy", "new_y.npy", "--min-effect", "-1"], "--min-effect must lie in"),
        (
            ["--batch", "new_x.npy", "new_y.npy", "--false-alarms", "0.001"],
            "--permutations must be at least 12999 for 13",
        ),
        (
            ["--batch", "new_x.npy", "new_y.npy", "--reference-groups", "groups.csv:group"],
            "--batch-groups must be passed",
        ),
    ],
)
def test_bad_use_is_status_2(monitor, arguments, message):
    status, found = monitor(*arguments)
    assert status == 2
    assert message in found["error"]
