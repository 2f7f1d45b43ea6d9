"""The command a newcomer runs first."""

import os
import subprocess
import sys

import matplotlib.image
import pytest


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    picture = tmp_path_factory.mktemp("demo") / "emoji.png"
    environment = os.environ | {"PYTHONWARNINGS": "error::RuntimeWarning", "PYTHONUTF8": "1", "MPLBACKEND": "agg"}
    run = subprocess.run(
        [sys.executable, "-m", "crossmodal_cca", "demo", "--output", str(picture)],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "crossmodal_cca" not in run.stderr
    return run.stdout, picture


def test_prints_figures_searches_and_their_meaning(demo):
    printed, _ = demo
    assert printed.count("picture to word") == 2
    assert printed.count("word to picture") == 2
    for expected in ("chance", "383 held-out pairs", "beer mug", "🍜", "steaming bowl *", "Of 383 candidates"):
        assert expected in printed


def test_draws_a_legible_picture(demo):
    pixels = matplotlib.image.imread(demo[1])
    height, width = pixels.shape[:2]
    assert width >= 1200
    assert height >= 500
    assert (pixels[..., :3].min(axis=2) < 0.9).mean() > 0.01  # not blank
