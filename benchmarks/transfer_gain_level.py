"""How often does `transfer_gain` call one of two equally good models better?

Both models take the nearest class mean, each on half of the features; the halves have the same distribution, so that
neither model is better but on the rows at hand. Each data set is new. "apart" is the share in which all classes
together are called better or worse at nominal 95 %: over the episodes of one data set, and over rows.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from harness import Row, Target, parse_arguments, report
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from crossmodal_cca.transfer import few_shot_episodes, transfer_gain

DATA_SETS, EPISODES, SHOTS = 300, 20, (1, 4, 8)
# Classes, rows of each, distance of their means.
PROBLEMS = ((2, 40, 0.6), (5, 30, 0.8))
N_FEATURES = 6


class NearestMean(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The class whose mean is nearest, by some of the features."""

    def __init__(self, features: slice) -> None:
        self.features = features

    def fit(self, X: NDArray[Any], y: NDArray[Any]) -> NearestMean:
        self.classes_ = np.unique(y)
        self.means_ = np.stack([X[y == c][:, self.features].mean(axis=0) for c in self.classes_])
        return self

    def predict(self, X: NDArray[Any]) -> NDArray[Any]:
        distances = np.square(X[:, None, self.features] - self.means_).sum(axis=2)
        return np.asarray(self.classes_[distances.argmin(axis=1)])


def main() -> None:
    arguments = parse_arguments(__doc__, "transfer_gain_level")
    n_sets = 10 if arguments.quick else DATA_SETS
    # .05 and two standard errors.
    limit = Target("<=", round(0.05 + 2 * float(np.sqrt(0.05 * 0.95 / n_sets)), 3))
    models = {"one": NearestMean(slice(None, N_FEATURES)), "other": NearestMean(slice(N_FEATURES, None))}
    rows: list[Row] = []
    for n_classes, size, distance in PROBLEMS:
        print(f"… {n_classes} classes", file=sys.stderr, flush=True)
        rng = np.random.default_rng(n_classes)
        y = np.repeat(np.arange(n_classes), size)
        apart = {over: np.zeros(len(SHOTS)) for over in ("episodes", "rows")}
        for seed in range(n_sets):
            means = np.tile(distance * rng.standard_normal((n_classes, N_FEATURES)), 2)
            X = means[y] + rng.standard_normal((len(y), 2 * N_FEATURES))
            options = {"shots": SHOTS, "n_episodes": EPISODES, "per": "row", "random_state": seed}
            episodes = few_shot_episodes(models, X, y, **options)
            for over, counts in apart.items():
                verdicts = transfer_gain(episodes, "one", "other", over=over).xs("all classes", level="class")[
                    "verdict"
                ]
                counts += (verdicts != "unclear").to_numpy()
        for over, counts in apart.items():
            for m, count in zip(SHOTS, counts, strict=True):
                share = count / n_sets
                problem = f"{n_classes} classes of {size} rows, {m} shots"
                found: Row = {"problem": problem, "method": f"over {over}", "apart": share, "data sets": n_sets}
                rows.append(found | ({"target": str(limit), "met": limit.met_by(share)} if over == "rows" else {}))
    report(rows, arguments)


if __name__ == "__main__":
    main()
