"""The table of docs/guide/linear.md: how far the correlations of CCA are from fifty digits.

PYTHONPATH=. python tests/precision_table.py    # prints it
"""

import warnings
from collections.abc import Iterable
from itertools import product
from typing import Any

import high_precision as hp
import numpy as np
from ill_conditioned import RECIPES, ill_conditioned_pairs

from crossmodal_cca import CCA

K = 3
CONDITIONS = [10.0**exponent for exponent in range(9)]
SOLVERS = ["auto", "svd", "moments"]
COLUMNS = [*(f'`"{solver}"`, float64' for solver in SOLVERS), '`"auto"`, float32']
# Rounding depends on the processor; what is printed should not. Nor should which side of a solver's limit rows lie on.
MARGIN = 3
BELOW = 0.7


def largest_errors(condition: float, seeds: Iterable[int]) -> list[float]:
    """Largest error of a correlation, for each column."""
    errors = [
        [*of_double_rows(recipe, BELOW * condition, seed), of_single_rows(recipe, BELOW * condition, seed)]
        for recipe, seed in product(RECIPES, seeds)
    ]
    return list(np.max(errors, axis=0))


def of_double_rows(recipe: str, condition: float, seed: int) -> list[float]:
    """Error of each solver."""
    rows = ill_conditioned_pairs(recipe, condition, 200, seed)
    right = hp.cca(0.0, K)(rows, rows).correlations
    return [largest(CCA(K, solver=solver).fit(*rows).correlations_ - right) for solver in SOLVERS]


def of_single_rows(recipe: str, condition: float, seed: int) -> float:
    """Error of enough rows and features to be multiplied in single precision; double rows are right beside them."""
    X, y = ill_conditioned_pairs(recipe, condition, 4000, seed, "float32", width=64)
    right = CCA(K, solver="svd").fit(X.astype(float), y.astype(float)).correlations_
    return largest(CCA(K).fit(X, y).correlations_ - right)


def largest(differences: Any) -> float:
    return float(np.max(np.abs(differences)))


def main() -> None:
    """Print the table in Markdown, each error rounded up to a power of ten."""
    warnings.filterwarnings("ignore", ".*ill-conditioned")
    print("| condition | " + " | ".join(COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for condition in CONDITIONS:
        exponents = np.ceil(np.log10(MARGIN * np.array(largest_errors(condition, range(5)))))
        entries = [f"1e{exponent:.0f}" for exponent in (np.log10(condition), *exponents)]
        print("| " + " | ".join(entries) + " |")


if __name__ == "__main__":
    main()
