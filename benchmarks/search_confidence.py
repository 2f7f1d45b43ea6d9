"""Do the guarantees of `SearchConfidence` and `ConformalSets` hold, and how much do they answer?

Worlds where the probability of a right answer is known: how often is the true risk above what was asked for,
what share is answered, and what share an oracle answers that knows the risk. Coverage of sets over splits of simulated
scores and of the emoji, against 1 − α to 1 − α + 1/(n + 1) (2/(n + 1) for recall of several relevant items).

On emoji, CCA(200, shrinkage=.5) and KernelCCA: does the margin tell right first hits from wrong ones, and how far is
the expected hit rate from the true one? The target is for the mean of ten random splits of all emoji. Beside it is the
data set's own split, where some 80 of 383 first hits are right, so that an area has a standard error of about .03.
Scores weighted by correlations (power=1) are those that searches use; with power=0 all 200 dimensions count alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from harness import Row, Target, parse_arguments, report
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from crossmodal_cca import CCA, KernelCCA
from crossmodal_cca.datasets import load_emoji
from crossmodal_cca.retrieval import CrossModalIndex
from crossmodal_cca.retrieval._margins import searched
from crossmodal_cca.retrieval._risk import centred_isotonic, most_answered, set_threshold

Array = NDArray[Any]

DELTA, RUNS, SPLITS, N_RANDOM = 0.1, 1000, 1000, 10
FINE = (np.arange(100_000) + 0.5) / 100_000
# Aligners of the emoji, and the area under the curve that the margin should reach.
ALIGNERS = {
    "CCA(200, .5), power 1": (CCA(200, shrinkage=0.5, power=1.0), 0.8),
    "CCA(200, .5), power 0": (CCA(200, shrinkage=0.5), 0.8),
    "KernelCCA": (KernelCCA(), 0.78),
}
# Probability of a right answer by the quantile of the margin.
WORLDS: dict[str, Callable[[Array], Array]] = {
    "steep": lambda u: 1 / (1 + np.exp(-12 * (u - 0.5))),
    "high": lambda u: 0.5 + 0.5 * u,
    "line": lambda u: u,
}


def risk_rows(n_runs: int) -> list[Row]:
    rows: list[Row] = []
    for world, right in WORLDS.items():
        # Risk of answering the share (i + 1)/100,000 with the largest margins.
        risks = np.cumsum(1 - right(FINE[::-1])) / np.arange(1, len(FINE) + 1)
        for risk in (0.1, 0.2):
            oracle = float((np.flatnonzero(risks <= risk)[-1] + 1) / len(FINE))
            for n in (100, 1000):
                rng = np.random.default_rng(n)
                violated, answered = np.zeros(n_runs), np.zeros(n_runs)
                for run in range(n_runs):
                    u = rng.random(n)
                    hits = rng.random(n) < right(u)
                    knots, heights = centred_isotonic(u, hits)
                    found = most_answered(np.interp(u, knots, heights), hits, risk, DELTA)
                    answered[run] = np.mean(np.interp(FINE, knots, heights) >= found)
                    place = round(answered[run] * len(FINE)) - 1
                    violated[run] = place >= 0 and risks[place] > risk
                limit = Target("<=", round(DELTA + 2 * float(np.sqrt(DELTA * (1 - DELTA) / n_runs)), 3))
                share = float(violated.mean())
                row: Row = {"problem": f"{world}, risk {risk}, n = {n}", "method": "threshold", "violated": share}
                row |= {"answered": float(answered.mean()), "oracle": oracle}
                rows.append(row | {"target": str(limit), "met": limit.met_by(share)})
    return rows


def coverage_rows(n_splits: int, scores: dict[str, Array]) -> list[Row]:
    rows: list[Row] = []
    for name, pool in (*scores.items(), ("simulated", None), ("simulated, three relevant", None)):
        for n in (20, 100, 1000) if pool is None else (20, 100):
            for alpha in (0.05, 0.1, 0.2):
                several = name.endswith("relevant")
                rng, covered = np.random.default_rng(n), np.empty(n_splits)
                for split in range(n_splits):
                    if pool is not None:
                        drawn = pool[rng.permutation(len(pool))][:, None]
                    else:
                        drawn = rng.normal(size=(n + 200, 1)) + rng.normal(size=(n + 200, 3 if several else 1))
                    known, new = drawn[:n], drawn[n:]
                    weights = np.full(known.size, 1 / known.shape[1])
                    covered[split] = np.mean(new >= set_threshold(known.ravel(), weights, n, 1 - alpha))
                low, high = 1 - alpha, 1 - alpha + (2 if several else 1) / (n + 1)
                value, error = float(covered.mean()), float(covered.std() / np.sqrt(n_splits))
                row: Row = {"problem": f"{name}, n = {n}, α = {alpha}", "method": "sets", "coverage": value}
                row |= {"error": error, "target": f"in [{low:.3f}, {high:.3f}] ± 3 errors"}
                rows.append(row | {"met": bool(low - 3 * error <= value <= high + 3 * error)})
    return rows


def aurocs(aligner: Any, seed: int) -> list[float]:
    """Fit to a random four fifths of all emoji; return how well margins tell right from wrong in the others.

    First for queries by image, then by text.
    """
    parts = [load_emoji(subset=subset) for subset in ("train", "test")]
    X, y = (np.vstack([part[side] for part in parts]) for side in ("image", "text"))
    order = np.random.default_rng(seed).permutation(len(X))
    train, test = order[: len(parts[0].image)], order[len(parts[0].image) :]
    fitted = clone(aligner).fit(X[train], y[train])
    found = []
    for modality, queries, gallery in (("y", X[test], y[test]), ("x", y[test], X[test])):
        margins, positions, _ = searched(CrossModalIndex(fitted, modality=modality).fit(gallery), 1, queries)
        found.append(float(roc_auc_score(positions[:, 0] == np.arange(len(test)), margins)))
    return found


def expected_hit_rate(problem: str, margins: Array, right: Array, n_splits: int) -> Row:
    """How far is the expected hit rate of one half, by the map of the other, from the true one?"""
    errors, inside = np.empty(n_splits), np.empty(n_splits)
    rng, n = np.random.default_rng(1), len(margins)
    for split in range(n_splits):
        order = rng.permutation(n)
        known, new = order[: n // 2], order[n // 2 :]
        true = right[new].mean()
        errors[split] = np.interp(margins[new], *centred_isotonic(margins[known], right[known])).mean() - true
        inside[split] = abs(errors[split]) <= 2 * np.sqrt(true * (1 - true) / len(new))
    limit, value, often = Target("<=", 0.01), float(abs(errors.mean())), float(inside.mean())
    row: Row = {"problem": problem, "method": "expected hit rate", "mean_error": value, "inside": often}
    row |= {"mean_absolute_error": float(np.abs(errors).mean()), "target": str(limit)}
    return row | {"met": limit.met_by(value) and often >= 0.9}


def emoji_rows(n_splits: int) -> tuple[list[Row], dict[str, Array]]:
    train, test = load_emoji(subset="train"), load_emoji(subset="test")
    rows: list[Row] = []
    scores: dict[str, Array] = {}
    for name, (aligner, at_least) in ALIGNERS.items():
        random = np.mean([aurocs(aligner, seed) for seed in range(2 if n_splits < 200 else N_RANDOM)], axis=0)
        aligner.fit(train.image, train.text)
        sides = (("y", test.image, test.text), ("x", test.text, test.image))
        for (modality, queries, gallery), auc in zip(sides, map(float, random), strict=True):
            index = CrossModalIndex(aligner, modality=modality).fit(gallery)
            margins, positions, _ = searched(index, 1, queries)
            n = len(margins)
            right = positions[:, 0] == np.arange(n)
            # Every tenth query in turn is held out of the map.
            fold = np.random.default_rng(0).permutation(n) % 10
            confidence = np.empty(n)
            for i in range(10):
                confidence[fold == i] = np.interp(
                    margins[fold == i], *centred_isotonic(margins[fold != i], right[fold != i])
                )
            target = Target(">=", at_least)
            problem = f"emoji, {name}, {'image to text' if modality == 'y' else 'text to image'}"
            row: Row = {
                "problem": problem,
                "method": "margin",
                "auroc": auc,
                "target": str(target),
                "met": target.met_by(auc),
            }
            own = float(roc_auc_score(right, margins))
            rows.append(row | {"auroc_own_split": own, "auroc_out_of_fold": float(roc_auc_score(right, confidence))})
            rows.append(expected_hit_rate(problem, margins, right, n_splits))
            if modality == "y":
                x, y = index.query_embeddings(queries), index.embeddings_
                scores[f"emoji, {name}"] = np.einsum("ij,ij->i", x, y)
    return rows, scores


def main() -> None:
    arguments = parse_arguments(__doc__, "search_confidence")
    n_runs = 20 if arguments.quick else RUNS
    rows, scores = emoji_rows(20 if arguments.quick else 200)
    rows += risk_rows(n_runs) + coverage_rows(20 if arguments.quick else SPLITS, scores)
    report(rows, arguments)


if __name__ == "__main__":
    main()
