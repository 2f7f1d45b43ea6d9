"""The command line: from files to a report, and what it says where that cannot be done."""

import io
import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupShuffleSplit

from crossmodal_cca import CCA, __version__, load
from crossmodal_cca.cli import _main, main
from crossmodal_cca.cli._main import COMMANDS
from crossmodal_cca.datasets import make_paired_latent
from crossmodal_cca.metrics import compare_aligners, retrieval_report

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture
def run(capsys):
    """Run a command with --json, and return its status and what it prints."""

    def call(*arguments):
        status = main([*map(str, arguments), "--json"])
        printed = capsys.readouterr()
        found = json.loads(printed.out)
        assert found["status"] == status
        assert printed.out.count("\n") == 1
        return status, found

    return call


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Forty pairs, a model of them, and the same rows as other files."""
    folder = tmp_path_factory.mktemp("small")
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 5)), rng.normal(size=(40, 4))
    y[:, :2] += 3 * X[:, :2]
    ids = [f"{i:03d}" for i in range(40)]
    pd.DataFrame({"id": ids, "one": ["a"] * 40, "class": [i % 2 for i in range(40)]}).to_csv(
        folder / "x.csv", index=False
    )
    pd.DataFrame({"id": ids[::-1]}).to_csv(folder / "y.csv", index=False)
    np.save(folder / "x.npy", X)
    np.save(folder / "y.npy", y)
    np.save(folder / "reversed.npy", y[::-1])
    CCA(2).fit(X, y).save(folder / "model")
    return folder


def commands_of(text):
    """Commands that a text shows: lines of their own, also continued ones."""
    return re.findall(r"^\s*(?:\$ )?crossmodal-cca (.+)$", text.replace("\\\n", " "), re.MULTILINE)


def test_every_command_that_is_shown_runs_as_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    # On a page they follow each other: what one writes the next one reads.
    shown = [
        [example.removeprefix("crossmodal-cca ") for example in (module.EXAMPLE for module in COMMANDS)],
        *(commands_of(page.read_text(encoding="utf-8")) for page in PAGES),
    ]
    for number, commands in enumerate(commands for commands in shown if commands):
        (tmp_path / str(number)).mkdir()
        monkeypatch.chdir(tmp_path / str(number))
        for command in commands:
            known = find_spec("crossmodal_cca.diagnosis") or not command.startswith("check")
            if command != "demo" and known:  # see test_demo.py
                status = main([*command.split(), "--quiet"])
                assert status in ((0, 1) if command.startswith(("check", "monitor")) else (0,)), (
                    command,
                    capsys.readouterr(),
                )


def test_help_comes_without_numpy():
    code = "import sys; from crossmodal_cca.cli import main; main(sys.argv[1:])"
    code = f"import atexit, sys; atexit.register(lambda: print('numpy' in sys.modules)); {code}"
    for arguments in (["--help"], ["fit", "--help"], ["--version"]):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        assert done.stdout.endswith("False\n")


def test_version(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert (left.value.code, capsys.readouterr().out.strip()) == (0, __version__)


@pytest.fixture(scope="module")
def captions(tmp_path_factory):
    """Five captions of each of 4,000 images, in another order; the strongest directions of both sides are noise."""
    folder = tmp_path_factory.mktemp("captions")
    rng = np.random.default_rng(0)
    n, ids = 4000, np.array([f"{i:08d}" for i in np.random.default_rng(1).permutation(4000)])
    of_caption = rng.permutation(np.repeat(np.arange(n), 5))
    latent = rng.normal(size=(n, 8))
    for name, points, width in (("images", latent, 24), ("captions", latent[of_caption], 20)):
        nuisance = 5 * rng.normal(size=(len(points), 6)) @ rng.normal(size=(6, width))
        rows = points @ rng.normal(size=(8, width)) + nuisance + rng.normal(size=(len(points), width))
        np.save(folder / f"{name}.npy", rows.astype(np.float32))
    pd.DataFrame({"id": ids, "class": np.where(latent[:, 0] > 0, "day", "night")}).to_csv(
        folder / "images.csv", index=False
    )
    texts = [f"no. {i}" for i in range(5 * n)]
    pd.DataFrame({"image_id": ids[of_caption], "caption": texts}).to_parquet(folder / "captions.parquet", index=False)
    return folder


def test_captions_come_from_files_to_a_held_out_report_in_one_command(captions, monkeypatch, run):
    monkeypatch.chdir(captions)
    ids = ["--x-ids", "images.csv:id", "--y-ids", "captions.parquet:image_id"]
    sides = ["images.npy", "captions.npy", *ids, "--hold-out", 0.2, "--seed", 3]
    status, found = run("fit", *sides, "-o", "model", "--shrinkage", 0.1, "--power", 1)
    assert (status, found["n_pairs"], found["n_held_out"]) == (0, 16000, 4000)
    report = pd.DataFrame(found["report"]).set_index(["direction", "measure"])

    # The long way.
    X, y = np.load("images.npy"), np.load("captions.npy")
    x_ids = pd.read_csv("images.csv", dtype=str)
    y_ids = pd.read_parquet("captions.parquet")["image_id"]
    table = x_ids.assign(x=range(len(X))).merge(pd.DataFrame({"id": y_ids, "y": range(len(y))})).sort_values(["x", "y"])
    train, test = next(GroupShuffleSplit(1, test_size=0.2, random_state=3).split(table, groups=table["id"]))
    cca = CCA(shrinkage=0.1, power=1.0).fit(X[table["x"].iloc[train]], y[table["y"].iloc[train]])
    rows = [np.unique(table[side].iloc[test]) for side in "xy"]
    expected = retrieval_report(
        cca.transform(X[rows[0]]),
        cca.transform_y(y[rows[1]]),
        **{
            f"{side}_{what}": ids.to_numpy()[its]
            for side, ids, its in zip("xy", (x_ids["id"], y_ids), rows, strict=True)
            for what in ("ids", "groups")
        },
        measures=list(dict.fromkeys(report.index.get_level_values("measure"))),
        random_state=3,
    )
    pd.testing.assert_frame_equal(report, expected, check_dtype=False, rtol=1e-9)
    assert report.loc[("x to y", "hit_rate_at_10"), "value"] > 0.8

    status, again = run("evaluate", "model", *sides, "--require", "hit_rate_at_k=.8", "--require", "median_rank=0.5")
    assert (status, len(again["unmet"])) == (1, 2)
    assert [row["value"] for row in again["report"]] == [row["value"] for row in found["report"]]
    status, by_class = run("evaluate", "model", *sides, "--labels", "images.csv:class", "--at-most", 500)
    assert (status, by_class["n_pairs"], by_class["n_left_out"]) == (0, 500, 3500)
    assert by_class["report"][0]["chance"] > 0.4


def test_settings_are_chosen(small, tmp_path, run):
    status, found = run(
        "fit", small / "x.npy", small / "y.npy", "-o", tmp_path / "m", "--choose", "--components", 2, "--quiet"
    )
    assert (status, found["kind"]) == (0, "CCACV")
    assert found["best_params"] == load(tmp_path / "m").best_params_
    for model in ("pls-svd", "kernel-cca"):
        assert run("fit", small / "x.npy", small / "y.npy", "-o", tmp_path / model, "--model", model)[0] == 0


def test_a_group_that_is_taken_whole_or_not_at_all_is_told(small, tmp_path, monkeypatch, run):
    monkeypatch.chdir(small)
    pd.DataFrame({"one": np.zeros(40, dtype=int)}).to_csv(tmp_path / "one.csv", index=False)
    sides = ["x.npy", "y.npy", "--groups", f"{tmp_path / 'one.csv'}:one"]
    status, found = run("compare", *sides, "--folds", 2, "--at-most", 30)
    assert (status, "--at-most 30 leaves no pair: a group of 40 pairs" in found["error"]) == (2, True)
    status, found = run("fit", *sides, "-o", tmp_path / "m", "--hold-out", 0.5)
    assert (status, "of 1 groups of pairs leaves none to fit to" in found["error"]) == (2, True)


def test_check_looks_at_some_pairs_of_a_group_that_is_larger_than_what_it_looks_at(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    for name, rows in zip("xy", make_paired_latent(2600, 6, 5, correlations=(0.9, 0.8), random_state=0), strict=True):
        np.save(f"{name}.npy", rows)
    pd.DataFrame({"film": np.maximum(np.arange(2600) - 2499, 0)}).to_csv("films.csv", index=False)
    for seed in range(3):
        _, found = run("check", "x.npy", "y.npy", "--groups", "films.csv:film", "--seed", seed)
        of_pairs = [each["what"] for each in found["findings"] if "chosen at random of 2,600" in each["what"]]
        assert len(of_pairs) == 2
        assert all("(300 pairs" in what for what in of_pairs)


def test_methods_are_compared(small, tmp_path, monkeypatch, run, capsys):
    monkeypatch.chdir(small)
    ids = ["--x-ids", "x.csv:id", "--y-ids", "y.csv:id", "--names", "picture", "word"]
    sides = ["compare", "x.npy", "reversed.npy", *ids, "--folds", 2, "--without", "PLS", "--without", "KernelCCA"]
    status, found = run(*sides, "--measure", "hit_rate_at_1", "--picture", tmp_path / "picture.png", "--quiet")
    X, y = np.load("x.npy"), np.load("y.npy")
    every = np.arange(40)
    expected = compare_aligners(
        X,
        y,
        {"PLS": None, "KernelCCA": None},
        cv=2,
        measure="hit_rate_at_1",
        groups=every,
        x_ids=every,
        y_ids=every,
        random_state=0,
    )
    kept = [name for name in expected if not name.startswith("seconds")]
    assert status == 0
    assert [{name: row[name] for name in kept if name != "p_value"} for row in found["comparison"]] == [
        {name: row[name] for name in kept if name != "p_value"} for row in expected.to_dict("records")
    ]
    assert (found["picked"], found["folds"]) == (expected.attrs["picked"], expected.attrs["folds"])
    assert (tmp_path / "picture.png").read_bytes()[1:4] == b"PNG"
    status, few = run(*sides, "--labels", "x.csv:class", "--at-most", 20, "--direction", "x_to_y")
    assert (status, few["n_rows"], few["n_left_out"]) == (0, 20, 20)
    assert main([*map(str, sides), "--at-most", "30"]) == 0
    printed = capsys.readouterr()
    for said in ("picture to word and word to picture, on 2 folds of 30 pairs", "best: CCA", "chosen at random of 40"):
        assert said in printed.out
    assert "3 of 3 fits of methods (100%)" in printed.err


def test_a_search_finds_partners_and_an_embedding_is_that_of_the_model(small, tmp_path, monkeypatch, run):
    monkeypatch.chdir(small)
    ids = ["--x-ids", "x.csv:id", "--y-ids", "y.csv:id"]
    _, printed = run("search", "model", "reversed.npy", "x.npy", "-k", 2, *ids)
    run("search", "model", "reversed.npy", "x.npy", "-k", 2, *ids, "-o", tmp_path / "hits.csv")
    hits = pd.read_csv(tmp_path / "hits.csv", dtype={"query": str, "id": str})
    pd.testing.assert_frame_equal(hits, pd.DataFrame(printed["hits"]))
    assert (hits["query"] == hits["id"]).groupby(hits["query"]).any().mean() > 0.4
    run("embed", "model", "y.npy", "--modality", "y", "-o", tmp_path / "scores.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "scores.npy"), load("model").transform_y(np.load("y.npy")))


def test_findings_leave_with_status_1(small, monkeypatch, run):
    pytest.importorskip("crossmodal_cca.diagnosis")
    X = np.load(small / "x.npy").copy()
    X[7, 2] = np.nan
    np.save(small / "nan.npy", X)
    status, found = run("check", small / "nan.npy", small / "y.npy")
    assert status == 1
    assert any("7" in finding["what"] for finding in found["findings"] if finding["severity"] == "error")
    for name in ("agreement", "wrong pairs"):
        (finding,) = (finding for finding in found["findings"] if finding["check"] == name)
        assert (finding["severity"], finding["value"]) == ("note", None)
        assert f"{name} could not be looked for: " in finding["what"]
    status, found = run("check", small / "x.npy", small / "y.npy", "--x-ids", small / "x.csv:id")
    assert (
        "could not be looked for: --x-ids says which rows belong together only with --y-ids"
        in found["findings"][-1]["what"]
    )


def test_pairs_that_a_join_has_mixed_up_are_found_by_row_or_by_id(tmp_path, run):
    X, y = make_paired_latent(400, 20, 15, correlations=(0.99,) * 8, random_state=0)
    order = np.concatenate((np.roll(np.arange(60), 1), np.arange(60, 400)))
    ids = [f"item {i}" for i in range(400)]
    for name, rows in (("x", X), ("y", y), ("mixed", y[order]), ("shuffled", y[::-1])):
        np.save(tmp_path / f"{name}.npy", rows)
    pd.DataFrame({"id": ids}).to_csv(tmp_path / "ids.csv", index=False)
    pd.DataFrame({"id": np.array(ids)[order][::-1]}).to_csv(tmp_path / "wrong.csv", index=False)

    def wrong(other, *options):
        status, found = run("check", tmp_path / "x.npy", tmp_path / f"{other}.npy", *options)
        (line,) = (each for each in found["findings"] if each["check"] == "wrong pairs")
        return status, line

    status, line = wrong("mixed")
    assert (status, line["severity"]) == (1, "warning")
    assert 0.1 < line["value"] < 0.25
    assert all(int(row) < 60 for row in line["what"].rpartition(": ")[2].split(", "))
    assert wrong("y")[1]["severity"] == "note"
    for other, severity in (("y", "note"), ("shuffled", "warning")):
        _, found = run("check", tmp_path / "x.npy", tmp_path / f"{other}.npy")
        (line,) = (each for each in found["findings"] if each["check"] == "agreement")
        assert line["severity"] == severity
        assert ("no more neighbours" in line["what"]) == (severity == "warning")
    status, line = wrong("shuffled", "--x-ids", tmp_path / "ids.csv:id", "--y-ids", tmp_path / "wrong.csv:id")
    assert (status, line["severity"]) == (1, "warning")
    assert line["what"].rpartition(": ")[2].startswith("item ")


BAD = {
    "missing": ("fit no.npy y.npy -o OUT", "There is no file 'no.npy'"),
    "folder": ("fit . y.npy -o OUT", "'.' is a folder"),
    "wrong key": ("fit x.csv:no y.npy -o OUT", "has no column 'no'; its columns are"),
    "texts": ("fit x.csv:one y.npy -o OUT", "features are numbers"),
    "NaN": ("fit bad.npy y.npy -o OUT", "has nan in row 3, column 1"),
    "rows that differ": ("fit x.npy short.npy -o OUT", "X has 40 rows and Y has 9"),
    "ids that differ": (
        "fit x.npy short.npy -o OUT --x-ids x.csv:id --y-ids y.csv:id",
        "y.csv:id has 40 entries, but Y",
    ),
    "one side's ids": ("fit x.npy y.npy -o OUT --x-ids x.csv:id", "--x-ids says which rows belong together only with"),
    "no partner": ("fit x.npy y.npy -o OUT --x-ids x.csv:id --y-ids x.csv:one", "No id is in both"),
    "labels": ("fit x.npy y.npy -o OUT --x-ids x.csv:one --y-ids x.csv:one", "they are labels"),
    "groups of ids": (
        "fit x.npy y.npy -o OUT --x-ids x.csv:class --y-ids short.csv:id --groups x.csv:id",
        "short.csv:id has 9 entries",
    ),
    "shrinkage of PLS": ("fit x.npy y.npy -o OUT --model pls-svd --shrinkage .1", "pls-svd has no shrinkage"),
    "a measure": ("fit x.npy y.npy -o OUT --measure hit_rate_at_1", "--measure says what --choose maximises"),
    "unknown measure": ("fit x.npy y.npy -o OUT --choose --measure luck", "luck"),
    "there already": ("fit x.npy y.npy -o model", "model exists; choose another name, or overwrite it with --force"),
    "no folder": ("fit x.npy y.npy -o no/model", "there is no folder no"),
    "a device": ("fit x.npy y.npy -o /dev/full --force", "/dev/full is no file"),
    "no model": ("evaluate x.csv x.npy y.npy", "x.csv"),
    "unknown method": ("compare x.npy y.npy --without luck", "leaves out a method that is not there"),
    "a median": ("compare x.npy y.npy --measure median_rank", "must be a mean over queries"),
    "requirement": ("evaluate model x.npy y.npy --require luck=1", "luck"),
    "widths": ("search model x.npy y.npy -o OUT", "--modality says which is which"),
    "k": ("search model y.npy x.npy -k 0", "must be a whole number of at least 1, got '0'"),
    "ending": ("embed model x.npy -o OUT.txt", "scores are written as .npy"),
    "command": ("guess", "invalid choice: 'guess'"),
    "nothing": ("", "required: COMMAND"),
    "option": ("demo --fast", "unrecognized arguments: --fast"),
    "picture": ("demo --output picture.txt", "the name must end in .png"),
    "place": ("demo --output missing/x.png", "there is no folder missing"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_done_is_said_in_one_line(small, name, tmp_path, monkeypatch, run, capsys):
    monkeypatch.chdir(small)
    np.save("bad.npy", np.where(np.arange(200).reshape(40, 5) == 16, np.nan, 1.0))
    np.save("short.npy", np.ones((9, 4)))
    Path("short.csv").write_text("id\n" + "7\n" * 9)
    before = sorted(small.iterdir())
    command, message = BAD[name]
    arguments = command.replace("OUT", str(tmp_path / "out")).split()
    status, found = run(*arguments)
    assert status == 2
    assert message in found["error"]
    assert "\n" not in found["error"]
    assert main(arguments) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert sorted(small.iterdir()) == before
    assert not list(tmp_path.iterdir())


def test_debug_shows_where(small, capsys):
    assert main(["embed", str(small / "model"), "no.npy", "-o", "x.npy", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_an_interruption_is_no_error(small, monkeypatch, capsys):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(_main._run_check, "run", interrupted)
    assert main(["check", "x.npy", "y.npy"]) == 130
    assert capsys.readouterr().err == "crossmodal-cca check: error: interrupted\n"


# A limit that is reached looks like a disk that is full.
FULL = """
import resource, sys
import numpy, crossmodal_cca.retrieval
from crossmodal_cca.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
print(*(main(command.split()) for command in sys.argv[1:]))
"""


@pytest.mark.newest
@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_full_disk_leaves_nothing_behind(small, tmp_path):
    """Of rights nothing is tested: who runs as root has all of them."""
    commands = (
        f"embed {small}/model {small}/many.npy -o {tmp_path}/out.npy",
        f"search {small}/model {small}/y.npy {small}/x.npy -k 40 -o {tmp_path}/out.csv",
        f"fit {small}/wide.npy {small}/y.npy -o {tmp_path}/out --model pls-svd",
    )
    np.save(small / "many.npy", np.ones((20_000, 5)))
    np.save(small / "wide.npy", np.random.default_rng(0).normal(size=(40, 300)))
    full = subprocess.run([sys.executable, "-c", FULL, *commands], capture_output=True, text=True, check=False)
    assert full.stdout == "2 2 2\n"
    assert full.stderr.count("\n") == full.stderr.count("error: ") == 3
    assert not list(tmp_path.iterdir())


@pytest.mark.newest
def test_a_broken_pipe_is_silent(small):
    command = ["search", *(str(small / name) for name in ("model", "y.npy", "x.npy"))]
    reading, writing = os.pipe()
    os.close(reading)
    broken = subprocess.run(
        [sys.executable, "-m", "crossmodal_cca", *command], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (broken.stderr, broken.returncode) == (b"", 0)


def test_a_console_without_utf_8_gets_question_marks(small, tmp_path, monkeypatch):
    pd.DataFrame({"name": ["🦝"] * 40}).to_csv(tmp_path / "names.csv", index=False)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
    command = ["search", *(str(small / name) for name in ("model", "y.npy", "x.npy"))]
    assert main([*command, "--y-ids", f"{tmp_path}/names.csv:name"]) == 0
    assert b"0,1,?," in sys.stdout.buffer.getvalue()
