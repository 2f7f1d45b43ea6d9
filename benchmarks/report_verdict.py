"""How often does the verdict of a report say what is true of the data?

Sides that have nothing to do with each other must never be said to help; a strong relation must be, in 95 of 100 data
sets of 200 pairs and more; of few pairs nothing may be said. The settings of the model are chosen from the training
pairs. "helps", "cannot tell" and "does not help" are shares of the data sets.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import numpy as np
from harness import Row, Target, parse_arguments, report
from numpy.typing import NDArray

import crossmodal_cca
from crossmodal_cca import CCACV
from crossmodal_cca.datasets import make_paired_latent

DATA_SETS = 50
# A small grid: what is chosen inside the training part has no say in the level.
SEARCH = CCACV([2, 4, 8], shrinkages=(0.1, 0.3, 0.6), powers=(1.0,), cv=3, scoring="hit_rate_at_10")
STRONG, WEAK, NOTHING = (0.95, 0.9, 0.9, 0.8), (0.4, 0.3), ()
NEVER, ALWAYS, MOSTLY = Target("<=", 0.0), Target(">=", 1.0), Target(">=", 0.95)
# Correlations, pairs, features of either side, and what must hold of which verdict.
PROBLEMS: dict[str, tuple[tuple[float, ...], int, tuple[int, int], str, Target | None]] = {
    "nothing, 200 pairs": (NOTHING, 200, (30, 20), "helps", NEVER),
    "nothing, 1000 pairs": (NOTHING, 1000, (30, 20), "helps", NEVER),
    "nothing, more features than pairs": (NOTHING, 200, (300, 200), "helps", NEVER),
    "strong, 200 pairs": (STRONG, 200, (30, 20), "helps", MOSTLY),
    "strong, 1000 pairs": (STRONG, 1000, (30, 20), "helps", MOSTLY),
    "strong, 100 pairs": (STRONG, 100, (30, 20), "cannot tell", ALWAYS),
    "weak, 200 pairs": (WEAK, 200, (30, 20), "", None),
    "weak, 1000 pairs": (WEAK, 1000, (30, 20), "", None),
}


def rows(problem: str, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    correlations, n_pairs, (p, q), _, _ = PROBLEMS[problem]
    return make_paired_latent(n_pairs, p, q, correlations=correlations, random_state=seed)


def verdicts(problem: str, seeds: range, **options: Any) -> Counter[str]:
    return Counter(crossmodal_cca.report(*rows(problem, seed), **options).verdict for seed in seeds)


def main() -> None:
    arguments = parse_arguments(__doc__, "report_verdict")
    n_sets = 5 if arguments.quick else DATA_SETS
    found: list[Row] = []
    for problem, (*_, word, target) in PROBLEMS.items():
        print(f"… {problem}", file=sys.stderr, flush=True)
        counts = verdicts(problem, range(n_sets), aligner=SEARCH)
        shares = {each: counts[each] / n_sets for each in ("helps", "cannot tell", "does not help")}
        held = {} if target is None else {"target": f"{word} {target}", "met": target.met_by(shares[word])}
        found.append({"problem": problem, "data sets": n_sets} | shares | held)
    report(found, arguments)


if __name__ == "__main__":
    main()
