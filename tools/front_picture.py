"""Draw ``docs/front.png``, the picture at the top of the README: real searches, and how often they succeed.

For maintainers only, with the extra ``bench`` and a colour emoji font (Debian: ``fonts-noto-color-emoji``)::

    PYTHONPATH=benchmarks python tools/front_picture.py

All searches are among the test part of the bundled emoji. CCA has the settings of the README; contrastive heads are
tuned on the same training part by ``benchmarks/alignment_quality.py``, which takes some minutes. The searches are not
picked: one emoji of each group, the first that a seed draws and that is a single character.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from crossmodal_cca import CCA, CrossModalPipeline, KernelCCA
from crossmodal_cca.cli._emoji_story import write_words
from crossmodal_cca.datasets import load_emoji
from crossmodal_cca.metrics import retrieval_report
from crossmodal_cca.plotting._style import CYCLE
from crossmodal_cca.retrieval import CrossModalIndex

_TARGET = Path(__file__).parents[1] / "docs" / "front.png"
_FONT = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
# The one size of its bitmaps.
_SIZE = 109
_GROUPS = ("animals-nature", "food-drink", "travel-places", "activities", "objects", "smileys-emotion", "people-body")
_N_RESULTS, _SEED = 5, 0


def picture_of(sign: str, font: ImageFont.FreeTypeFont) -> Image.Image:
    """Draw one emoji on white."""
    page = Image.new("RGB", (136, 128), "white")
    ImageDraw.Draw(page).text((0, 0), sign, font=font, embedded_color=True)
    return page


def tuned_heads() -> tuple[Any, Any]:
    """Tune contrastive heads with a hidden layer on the training part, and map the test part."""
    from alignment_quality import METHODS, emoji, prepared

    warnings.simplefilter("ignore")  # a grid reaches into settings that over-fit, and says so
    problem = emoji(1)
    (preparation, heads), _ = METHODS["MLP heads"][0](problem, False)
    train, test = prepared(preparation, problem.train, problem.test)
    heads.fit(*train)
    scores: tuple[Any, Any] = heads.transform(*test)
    print(f"{preparation}: {heads}", file=sys.stderr)
    return scores


def shown_rows(test: Any) -> list[int]:
    """Draw one emoji of each group that is a single character."""
    drawn = np.random.default_rng(_SEED).permutation(len(test.emoji))
    simple = [i for i in drawn if len(test.emoji[i].removesuffix("\ufe0f")) == 1]
    names = list(test.group_names)
    return [next(i for i in simple if test.group[i] == names.index(group)) for group in _GROUPS]


def draw_searches(ax: Any, cca: CCA, test: Any) -> None:
    """Show each picture and the words nearest to it."""
    font = ImageFont.truetype(_FONT, _SIZE)
    index = CrossModalIndex(cca).fit(test.text, ids=test.names["en"])
    rows = shown_rows(test)
    found = index.kneighbors(test.image[rows], _N_RESULTS)[1]
    ax.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -0.75))
    ax.axis("off")
    ax.set_title(f"Pictures search among {len(test.emoji)} names that no fit has seen", loc="left", fontsize=12)
    for line, (row, words) in enumerate(zip(rows, found, strict=True)):
        ax.imshow(picture_of(test.emoji[row], font), extent=(0.0, 0.085, line + 0.4, line - 0.4), aspect="auto")
        write_words(ax, 0.11, line, words, test.names["en"][row])


def kernel_model() -> Any:
    """Make the model of ``docs/examples/plot_kernel_cca.py``: rows prepared as for the heads, default widths."""
    roots = make_pipeline(FunctionTransformer(np.sqrt), StandardScaler())
    return CrossModalPipeline(KernelCCA(n_components=200), x_transformer=roots, y_transformer=StandardScaler())


def hit_rates(scores: tuple[Any, Any], ks: list[int]) -> Any:
    """Compute the mean hit rate of both directions, and chance, for each k."""
    measures = [f"hit_rate_at_{k}" for k in ks]
    report = retrieval_report(*scores, measures=measures, n_resamples=0)
    return report.groupby(level="measure")[["value", "chance"]].mean().loc[measures]


def draw_curves(ax: Any, models: dict[str, tuple[Any, Any]]) -> None:
    """Draw hit rates of several models, named beside their ends."""
    ks = [1, 2, 3, 5, 7, 10, 15, 20, 30, 50]
    for (name, scores), color, line in zip(models.items(), CYCLE, ("-", "-", "--"), strict=False):
        rates = hit_rates(scores, ks)
        print(name, rates["value"].round(3).to_dict(), file=sys.stderr)
        ax.plot(ks, rates["value"], line, color=color, linewidth=2.2, label=name)
    ax.plot(ks, rates["chance"], ":", color="#3c4450", label="chance")
    ax.set(xscale="log", ylim=(0, 1), xlabel="results looked at, k")
    ax.set_xticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
    ax.minorticks_off()
    ax.grid(alpha=0.3)
    ax.set_title("How often the right one is among the first k", loc="left", fontsize=12)
    ax.legend(loc="upper left", frameon=False)


def draw(heads: tuple[Any, Any]) -> Figure:
    """Draw both halves."""
    train, test = load_emoji(subset="train"), load_emoji(subset="test")
    cca = CCA(n_components=100, shrinkage=0.6, power=1.0).fit(train.image, train.text)
    kernel = kernel_model().fit(train.image, train.text)
    figure = Figure(figsize=(12.4, 4.6), dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    left, right = figure.add_axes((0.01, 0.03, 0.55, 0.86)), figure.add_axes((0.62, 0.13, 0.365, 0.76))
    draw_searches(left, cca, test)
    models = {"KernelCCA": kernel.transform(test.image, test.text), "CCA": cca.transform(test.image, test.text)}
    draw_curves(right, models | {"contrastive heads, tuned": heads})
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--scores", type=Path, help="keep the scores of the heads in this .npz, and take them from there"
    )
    file = parser.parse_args().scores
    if file is not None and file.exists():
        with np.load(file) as stored:
            heads = stored["x"], stored["y"]
    else:
        heads = tuned_heads()
        if file is not None:
            np.savez(file, x=heads[0], y=heads[1])
    draw(heads).savefig(_TARGET, metadata={"Software": None})
    print(_TARGET)


if __name__ == "__main__":
    main()
