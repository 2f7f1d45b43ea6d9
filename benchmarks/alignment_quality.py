"""Which alignment finds held-out partners best, and at what fitting time?

PLSSVD, CCA and KernelCCA against two contrastive heads (`contrastive_heads.py`), on frozen features of either
modality. Kept fair in this way:

- All choose their settings on the same three inner folds of the training part, which keep near duplicates together:
  every setting is tried on the first fold, the better ones also on the others. What counts there is the mean
  reciprocal rank of the partner in both directions or, where relevance is by class, mean average precision. Labels
  are never trained on.
- All are offered the same preparations: standardised features, and their square roots standardised where a modality
  is non-negative. Histograms also come as they are, for the kernel that is made for them.
- The test part is touched once per method, after the chosen setting has been fitted to the whole training part.

`quality` is the mean of `measure` over both directions; `±` is half of its 95 % interval over pairs, `chance` what a
constant similarity would score. `fit seconds` include the preparation: the median of three after a warm-up, or a
single run for heads; `search seconds` are those of the choice. `tried` counts settings; of the heads' only the
finalists are trained to the end. A PNG beside the JSON shows quality against fitting time. Emoji come with the package;
the other data are looked for in `../shared/data` beside the repository.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from contrastive_heads import WIDTHS, Array, Effort, Fold, Pair, drawn, search_heads
from harness import FOLDER, SEED, Row, Task, measure, parse_arguments, report, write
from matplotlib.figure import Figure
from scipy.stats import sem
from sklearn.base import clone
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler

import crossmodal_cca as cm
from crossmodal_cca.metrics import mean_average_precision, mean_reciprocal_rank, per_query
from crossmodal_cca.plotting._style import CYCLE, ink

DATA = FOLDER.parent.parent / "shared" / "data"
FOLDS = 3
DIRECTIONS = ("x to y", "y to x")
MEASURES = ("hit@1", "hit@10", "mAP")

POWERS = (0.0, 1.0)
SHRINKAGES = (0.1, 0.3, 0.5, 0.8)
RIDGES = (3e-4, 1e-3, 3e-3, 1e-2)
WIDTH_FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
# Most models fitted to the first fold, as many as heads are trained, and how many of them go on to the others.
MODELS = Effort.settings
KEPT = 6
# Above so many rows, kernels are approximated on landmarks.
EXACT_UP_TO = 2000
LANDMARKS = 500
# Every eighth training row will do to try the script.
QUICK_STEP = 8

# A preparation and a model not yet fitted; and of how many settings they were chosen.
Candidate = tuple[str, Any]
Chosen = tuple[Candidate, int]


@dataclass(frozen=True)
class Problem:
    """Paired rows with a fixed test part; linear methods have at most `rank` of the components offered."""

    name: str
    train: Pair
    test: Pair
    components: tuple[int, ...]
    rank: int
    groups: Array | None = None
    labels: Array | None = None
    test_labels: Array | None = None
    histograms: bool = False
    shared_space: bool = False

    @property
    def splits(self) -> list[tuple[Array, Array]]:
        rows = np.arange(len(self.train[0]))
        folds = GroupKFold(FOLDS, shuffle=True, random_state=SEED)
        return list(folds.split(rows, groups=rows if self.groups is None else self.groups))

    @property
    def measure(self) -> str:
        """What is drawn and has an interval: something that the size of the gallery leaves room in."""
        return "mAP" if self.test_labels is not None else "hit@10" if len(self.test[0]) > 100 else "hit@1"

    def ladder(self, rank: int | None = None) -> list[int]:
        """Numbers of components that the inner folds, and the rank of linear methods, leave possible."""
        most = min(len(inside) for inside, _ in self.splits) - 1
        return [k for k in self.components if k <= min(most, rank or most)]

    @property
    def preparations(self) -> tuple[str, ...]:
        return ("standardised", "rooted") if any(side.min() >= 0 for side in self.train) else ("standardised",)

    def folds(self, preparation: str) -> list[Fold]:
        folds = []
        for inside, outside in self.splits:
            parts = [(self.train[0][rows], self.train[1][rows]) for rows in (inside, outside)]
            labels = None if self.labels is None else self.labels[outside]
            folds.append(Fold(*prepared(preparation, *parts), partial(quality, labels=labels)))
        return folds


def prepared(preparation: str, train: Pair, held_out: Pair) -> tuple[Pair, Pair]:
    """Bring both parts to the scale of the training part."""
    if preparation == "as they are":
        return train, held_out
    sides = []
    for rows, others in zip(train, held_out, strict=True):
        if preparation == "rooted" and rows.min() >= 0:
            rows, others = np.sqrt(rows), np.sqrt(others.clip(min=0))
        scaler = StandardScaler().fit(rows)
        sides.append((scaler.transform(rows), scaler.transform(others)))
    (x, x_others), (y, y_others) = sides
    return (x, y), (x_others, y_others)


def quality(x_scores: Array, y_scores: Array, labels: Array | None) -> float:
    """What settings are chosen by."""
    both = ((x_scores, y_scores), (y_scores, x_scores))
    if labels is None:
        return float(np.mean([mean_reciprocal_rank(*sides) for sides in both]))
    return float(np.mean([mean_average_precision(*sides, query_ids=labels, gallery_ids=labels) for sides in both]))


def problems(quick: bool) -> Iterable[Problem]:
    step = QUICK_STEP if quick else 1
    yield emoji(step)
    for name, load in (("wiki", wiki), ("mfeat", mfeat), ("clip_coco500", clip)):
        path = DATA / name / f"{name}.npz"
        if path.exists():
            with np.load(path, allow_pickle=False) as stored:
                yield from load(dict(stored), step)
        else:
            print(f"{name}: skipped, there is no ../{path.relative_to(FOLDER.parent.parent)} beside the repository")


def emoji(step: int) -> Problem:
    train, test = (cm.datasets.load_emoji(subset=subset) for subset in ("train", "test"))
    pairs = ((train.image[::step], train.text[::step]), (test.image, test.text))
    return Problem("emoji, picture and words", *pairs, (64, 128, 200, 300, 380), 380, groups=train.base_name[::step])


def wiki(stored: dict[str, Array], step: int) -> Iterable[Problem]:
    train, test = (stored["I_tr"][::step], stored["T_tr"][::step]), (stored["I_te"], stored["T_te"])
    name, labels, test_labels = "wiki, picture and topics", stored["y_tr"][::step], stored["y_te"]
    # Shares of ten topics sum to one: rank 9.
    yield Problem(name, train, test, (5, 7, 9, 16, 32), 9, None, labels, test_labels, histograms=True)


def mfeat(stored: dict[str, Array], step: int) -> Iterable[Problem]:
    parts = np.flatnonzero(stored["split"] == 0)[::step], np.flatnonzero(stored["split"] == 1)
    for x, y in (("fou", "kar"), ("fou", "fac"), ("zer", "fac")):
        train, test = ((stored[x][rows], stored[y][rows]) for rows in parts)
        rank = min(stored[x].shape[1], stored[y].shape[1], 64)
        yield Problem(f"digits, {x} and {y}", train, test, (16, 32, 64, 128), rank)


def clip(stored: dict[str, Array], step: int) -> Iterable[Problem]:
    order = np.random.default_rng(SEED).permutation(len(stored["img"]))
    train, test = ((stored["img"][rows], stored["txt"][rows]) for rows in (order[:400:step], order[400:]))
    yield Problem("coco, CLIP features", train, test, (32, 64, 128, 200), rank=200, shared_space=True)


def search_pls(problem: Problem, quick: bool) -> Chosen:
    ladder = problem.ladder(problem.rank)
    return best_nested(problem, [(name, cm.PLSSVD(ladder[-1])) for name in problem.preparations], ladder, quick)


def search_cca(problem: Problem, quick: bool) -> Chosen:
    ladder = problem.ladder(problem.rank)
    settings = product(problem.preparations, SHRINKAGES, SHRINKAGES)
    candidates = [(name, cm.CCA(ladder[-1], shrinkage=(cx, cy))) for name, cx, cy in settings]
    return best_nested(problem, candidates, ladder, quick)


def search_kernel_cca(problem: Problem, quick: bool) -> Chosen:
    ladder = problem.ladder()
    approximation = {"approximation": "nystroem", "n_landmarks": LANDMARKS, "random_state": SEED}
    model = cm.KernelCCA(ladder[-1], power=0.0, **(approximation if len(problem.train[0]) > EXACT_UP_TO else {}))
    kernels = [(name, model) for name in problem.preparations]
    if problem.histograms:
        kernels.append(("as they are", clone(model).set_params(kernel="chi2")))
    candidates: list[Candidate] = []
    for name, model in kernels:
        # Median distances are the unit of the widths. Those of all training rows make one grid for all folds, and no
        # partner is seen in them.
        units = clone(model).fit(*prepared(name, problem.train, problem.train)[0]).gamma_
        for ridge, *factors in product(RIDGES, WIDTH_FACTORS, WIDTH_FACTORS):
            gamma = tuple(float(f"{unit * factor:.3g}") for unit, factor in zip(units, factors, strict=True))
            candidates.append((name, clone(model).set_params(gamma=gamma, regularization=ridge)))
    return best_nested(problem, candidates, ladder, quick)


def best_nested(problem: Problem, grid: Sequence[Candidate], ladder: Sequence[int], quick: bool) -> Chosen:
    """Choose a model, its number of components and its power; components are nested, so one fit serves all of them.

    The models of the grid have the most components and no power.
    """
    candidates = drawn(grid, 3 if quick else MODELS)
    folds = {name: problem.folds(name) for name in dict(candidates)}
    first = np.array([nested_qualities(model, folds[name][0], ladder) for name, model in candidates])
    kept = np.argsort(-first.max(axis=1), kind="stable")[: 1 if quick else KEPT]

    def mean(i: int) -> Any:
        name, model = candidates[i]
        return np.mean([first[i], *(nested_qualities(model, fold, ladder) for fold in folds[name][1:])], axis=0)

    means = np.array([mean(i) for i in kept])
    i, j = np.unravel_index(np.argmax(means), means.shape)
    name, model = candidates[kept[i]]
    k, power = list(product(ladder, POWERS))[j]
    return (name, clone(model).set_params(n_components=k, power=power)), first.size


def nested_qualities(model: Any, fold: Fold, ladder: Sequence[int]) -> Array:
    """Quality for every number of components and power."""
    model = clone(model).fit(*fold.train)
    x, y = model.transform(*fold.held_out)
    weights = [model.singular_values_[:k] ** power for k, power in product(ladder, POWERS)]
    return np.array([fold.quality(x[:, : len(w)] * w, y[:, : len(w)] * w) for w in weights])


def search_contrastive(problem: Problem, quick: bool, widths: Sequence[int]) -> Chosen:
    effort = Effort(settings=2, finalists=1, screening_steps=10, steps=10, look=10) if quick else Effort()
    heads = search_heads({name: problem.folds(name) for name in problem.preparations}, widths, effort)
    return (heads.setting.preparation, heads), effort.settings


METHODS: dict[str, tuple[Callable[[Problem, bool], Chosen], str | None]] = {
    "PLSSVD": (search_pls, None),
    "CCA": (search_cca, None),
    "KernelCCA": (search_kernel_cca, None),
    "linear heads": (partial(search_contrastive, widths=(0,)), "torch"),
    "MLP heads": (partial(search_contrastive, widths=WIDTHS), "torch"),
}


def rows_of(problem: Problem, quick: bool) -> list[Row]:
    rows = []
    if problem.shared_space:
        rows.append({"data": problem.name, "method": "cosine of the features", **measured(problem, problem.test)})
    for name, (search, needs) in METHODS.items():
        # Full runs take minutes: say where they are.
        print(f"… {problem.name}: {name}", file=sys.stderr, flush=True)
        if not Task(lambda: None, needs=needs).is_possible:
            rows.append({"data": problem.name, "method": f"{name}: not installed"})
            continue
        start = time.perf_counter()
        (preparation, model), tried = search(problem, quick)
        row: Row = {"search seconds": time.perf_counter() - start, "tried": tried}
        row["setting"] = f"{preparation}: {' '.join(str(model).split())}"
        result = tested(problem, preparation, model, once=needs is not None)
        rows.append({"data": problem.name, "method": name, **result, **row})
    return rows


def tested(problem: Problem, preparation: str, model: Any, once: bool) -> Row:
    """Fit the chosen setting to the whole training part, and touch the test part."""

    def fit() -> Pair:
        train, test = prepared(preparation, problem.train, problem.test)
        model.fit(*train)
        return test

    seconds, held_out = measure({"fit": Task(fit, once=once)}, repeats=3)
    return {**measured(problem, model.transform(*held_out["fit"])), "fit seconds": median(seconds["fit"])}


def measured(problem: Problem, scores: Pair) -> Row:
    """Hit rates and reciprocal ranks of the partners or, where relevance is by class, average precision."""
    n = len(problem.test[0])
    row: Row = {f"{name} {direction}": None for name in MEASURES for direction in DIRECTIONS} | {"MRR": None}
    each = [per_direction(problem, sides) for sides in (scores, scores[::-1])]
    for direction, values in zip(DIRECTIONS, each, strict=True):
        row |= {f"{name} {direction}": float(value.mean()) for name, value in values.items() if name != "MRR"}
    if "MRR" in each[0]:
        row["MRR"] = float(np.mean([values["MRR"] for values in each]))
    both = np.mean([values[problem.measure] for values in each], axis=0)
    row |= {"measure": problem.measure, "quality": float(both.mean()), "±": float(1.96 * sem(both))}
    nothing = np.zeros((n, 1))
    return row | {"chance": float(per_direction(problem, (nothing, nothing))[problem.measure].mean()), "gallery": n}


def per_direction(problem: Problem, sides: Pair) -> dict[str, Array]:
    """Values per query."""
    if (labels := problem.test_labels) is not None:
        return {"mAP": per_query("mean_average_precision", *sides, query_ids=labels, gallery_ids=labels)}
    hits = {f"hit@{k}": per_query("hit_rate_at_k", *sides, k=k) for k in (1, 10)}
    return hits | {"MRR": per_query("mean_reciprocal_rank", *sides)}


def draw(rows: Sequence[Row], path: Path) -> None:
    """One panel per problem: quality against fitting time."""
    names = list(dict.fromkeys(row["data"] for row in rows))
    lines, columns = -(-len(names) // 3), min(3, len(names))
    figure = Figure(figsize=(4.8 * columns, 4.0 * lines), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    seconds = [row["fit seconds"] for row in rows if "fit seconds" in row]
    for ax, name in zip(axes, names, strict=False):
        draw_panel(ax, [row for row in rows if row["data"] == name and "quality" in row])
        # One scale of time for all panels, with room for the labels.
        ax.set(xscale="log", xlim=(min(seconds) / 2, max(seconds) * 20))
    for ax in axes[len(names) :]:
        ax.remove()
    figure.suptitle("Held-out quality against the time of one fit (bars: 95 % intervals over pairs)")
    figure.savefig(path, dpi=130)
    print(f"drawn to {path}")


def draw_panel(ax: Any, rows: Sequence[Row]) -> None:
    fitted = sorted((row for row in rows if "fit seconds" in row), key=lambda row: row["quality"])
    colors = dict(zip(METHODS, CYCLE, strict=False))
    for row in fitted:
        ax.errorbar(row["fit seconds"], row["quality"], row["±"], color=colors[row["method"]], marker="o", capsize=3)
    for row in rows:
        if row not in fitted:
            ax.axhline(row["quality"], color=ink(ax, 0.6), linestyle="--")
            ax.text(0.02, row["quality"], row["method"], transform=ax.get_yaxis_transform(), va="bottom")
    gap, height = 0.055 * np.ptp(ax.get_ylim()), -np.inf
    for row in fitted:
        # Labels of close points are pushed apart.
        height = max(row["quality"], height + gap)
        place = {"xytext": (6, -4), "textcoords": "offset points", "color": colors[row["method"]]}
        ax.annotate(row["method"], (row["fit seconds"], height), **place)
    title = f"{rows[0]['data']}\n{rows[0]['gallery']} held-out pairs, chance {rows[0]['chance']:.3f}"
    ax.set(xlabel="seconds to fit", ylabel=rows[0]["measure"], title=title)


def main() -> None:
    arguments = parse_arguments(__doc__, "alignment_quality")
    # A grid reaches into settings that over-fit, and says so each time.
    warnings.simplefilter("ignore")
    rows: list[Row] = []
    for problem in problems(arguments.quick):
        rows += rows_of(problem, arguments.quick)
        write(rows, arguments)
    report(rows, arguments)
    draw(rows, arguments.output.with_suffix(".png"))


if __name__ == "__main__":
    main()
