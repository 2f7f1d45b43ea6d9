"""When do pages and `check` warn of wrong pairs: never for clean pairs, and mostly where one pair in ten is wrong?

Clean pairs have relations from none to nearly perfect: a weak one makes right pairs look mismatched, and must not be
taken for wrong ones. In the other cells partners are exchanged among pairs with eight correlations of .99. "warned" is
a share of the data sets.
"""

from __future__ import annotations

import sys

import numpy as np
from harness import Row, Target, parse_arguments, report

from crossmodal_cca.datasets import make_paired_latent
from crossmodal_cca.diagnosis import PairCheck
from crossmodal_cca.diagnosis._wrong_pairs import stand_out

DATA_SETS = 20
CLEAN: list[tuple[float, ...]] = [
    *((), (0.5,) * 2, (0.8,) * 3, (0.8,) * 8, (0.9,) * 3, (0.9,) * 6, (0.95,) * 4, (0.99,) * 3),
    (0.99, 0.9, 0.8, 0.7, 0.5, 0.3),
]
STRONG = (0.99,) * 8
# Correlations, share of wrong pairs, and what must hold; at 300 pairs one in ten are 30.
CELLS = [(rho, 0.0, Target("<=", 0.0)) for rho in CLEAN] + [(STRONG, share, None) for share in (0.1, 0.2, 0.4)]


def warned(n: int, rho: tuple[float, ...], share: float, seed: int) -> bool:
    X, y = make_paired_latent(n, 20, 16, correlations=rho, random_state=seed)
    wrong = np.random.default_rng(seed).permutation(n)[: round(share * n)]
    y[wrong] = y[np.roll(wrong, 1)]
    return stand_out(PairCheck().fit(X, y).table_["p_value"].to_numpy(), np.arange(n))


def main() -> None:
    arguments = parse_arguments(__doc__, "wrong_pairs_warning")
    n_sets = 3 if arguments.quick else DATA_SETS
    found: list[Row] = []
    for n in (200, 500, 1000):
        for rho, share, target in CELLS:
            print(f"… {n} pairs, {rho}, {share:.0%} wrong", file=sys.stderr, flush=True)
            value = sum(warned(n, rho, share, seed) for seed in range(n_sets)) / n_sets
            held = {} if target is None else {"target": f"warned {target}", "met": target.met_by(value)}
            cell: Row = {"pairs": n, "correlations": str(rho), "wrong": share, "data sets": n_sets, "warned": value}
            found.append(cell | held)
    report(found, arguments)


if __name__ == "__main__":
    main()
