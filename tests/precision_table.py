"""The table of docs/guide/linear.md: how far the correlations of CCA are from fifty digits.

python tests/precision_table.py    # prints it
"""

import warnings
from collections.abc import Iterable
from itertools import product

import high_precision as hp
import numpy as np
from ill_conditioned import RECIPES, ill_conditioned_pairs

from crossmodal_cca import CCA

K, N = 3, 200
CONDITIONS = [10.0**exponent for exponent in range(9)]
# A solver and the floating type of the rows.
COLUMNS = [("auto", "float64"), ("svd", "float64"), ("moments", "float64"), ("auto", "float32")]
# Rounding depends on the processor; what is printed should not. Nor should which side of a solver's limit rows lie on.
MARGIN = 3
BELOW = 0.7


def largest_errors(condition: float, seeds: Iterable[int]) -> list[float]:
    """Largest error of a correlation, for each column."""
    columns = []
    for recipe, seed in product(RECIPES, seeds):
        rows = {
            dtype: ill_conditioned_pairs(recipe, BELOW * condition, N, seed, dtype) for dtype in ("float64", "float32")
        }
        right = {dtype: hp.cca(0.0, K)(pair, pair).correlations for dtype, pair in rows.items()}
        fitted = ((CCA(K, solver=solver).fit(*rows[dtype]), right[dtype]) for solver, dtype in COLUMNS)
        columns.append([float(np.max(np.abs(cca.correlations_ - exact))) for cca, exact in fitted])
    return list(np.max(columns, axis=0))


def main() -> None:
    """Print the table in Markdown, each error rounded up to a power of ten."""
    warnings.filterwarnings("ignore", ".*ill-conditioned")
    print("| condition | " + " | ".join(f'`"{solver}"`, {dtype}' for solver, dtype in COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for condition in CONDITIONS:
        exponents = np.ceil(np.log10(MARGIN * np.array(largest_errors(condition, range(5)))))
        entries = [f"1e{exponent:.0f}" for exponent in (np.log10(condition), *exponents)]
        print("| " + " | ".join(entries) + " |")


if __name__ == "__main__":
    main()
